//! `kubeseal completions`, `kubeseal man` and the hook for pre-commit.

use std::process::{Command, Stdio};

use crate::program::Folder;

#[test]
fn completions_know_the_verbs_and_their_flags() {
    let folder = Folder::with_keys();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let text = folder.run(&format!("completions {shell}"), "").ok();
        for word in ["fetch-cert", "lint", "restore", "recovery-private-key", "dry-run"] {
            assert!(text.contains(word), "{shell}: {word}");
        }
    }
    assert_eq!(folder.run("completions tcsh", "").code, 2);
    // What bash itself makes of it.
    folder.put("kubeseal.bash", &folder.run("completions bash", "").ok());
    let script = "source ./kubeseal.bash; COMP_WORDS=(kubeseal keys re); COMP_CWORD=2; \
                  _kubeseal kubeseal re keys; echo \"${COMPREPLY[@]}\"";
    let told = Command::new("bash")
        .current_dir(folder.path(""))
        .args(["--norc", "-c", script])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(
        String::from_utf8_lossy(&told.stdout),
        "restore\n",
        "{}",
        String::from_utf8_lossy(&told.stderr)
    );
}

#[test]
fn there_is_a_manual_page_for_each_verb() {
    let folder = Folder::with_keys();
    let page = folder.run("man", "").ok();
    assert!(
        page.contains(".TH kubeseal 1") && page.contains("kubeseal\\-lint(1)"),
        "{page}"
    );
    std::fs::create_dir(folder.path("man1")).unwrap();
    assert_eq!(folder.run("man man1", "").ok(), "");
    for name in [
        "kubeseal",
        "kubeseal-lint",
        "kubeseal-doctor",
        "kubeseal-keys",
        "kubeseal-keys-restore",
    ] {
        assert!(
            folder.text(&format!("man1/{name}.1")).contains(".SH SYNOPSIS"),
            "{name}"
        );
    }
    assert!(
        folder
            .text("man1/kubeseal-keys-restore.1")
            .contains("Nothing is overwritten")
    );
    assert_eq!(folder.run("man nowhere", "").code, 1);
}

#[test]
fn the_hook_runs_the_lint_as_it_is() {
    let hooks = include_str!("../../../.pre-commit-hooks.yaml");
    let field = |name: &str| {
        let line = hooks
            .lines()
            .find_map(|line| line.trim_start_matches(['-', ' ']).strip_prefix(name));
        line.unwrap_or_else(|| panic!("no {name}")).trim().to_owned()
    };
    assert_eq!(field("id:"), "kubeseal-lint");
    let entry = field("entry:");
    let words = entry.strip_prefix("kubeseal ").unwrap();
    // As pre-commit does: the entry, then the names of the changed files.
    let folder = Folder::with_keys();
    folder.put(
        "clear.yaml",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\nstringData: {p: x}\n",
    );
    folder.put("other.yaml", "a: b\n");
    assert_eq!(folder.run(&format!("{words} clear.yaml other.yaml"), "").code, 1);
    assert_eq!(folder.run(&format!("{words} other.yaml"), "").code, 0);
}
