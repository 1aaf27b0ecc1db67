//! `kubeseal completions`, `kubeseal man` and the hook for pre-commit.

use std::process::Stdio;

use crate::program::{Folder, alone};

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
    for (words, word, before, expected) in [
        ("kubeseal keys re", "re", "keys", "restore"),
        (
            "kubeseal --scope ''",
            "",
            "--scope",
            "strict namespace-wide cluster-wide",
        ),
        ("kubeseal seal --scope n", "n", "--scope", "namespace-wide"),
        ("kubeseal --format ''", "", "--format", "json yaml"),
        ("kubeseal lint --output ''", "", "--output", "text json sarif"),
        ("kubeseal lint -o ''", "", "-o", "text json sarif"),
        ("kubeseal hel", "hel", "kubeseal", "help"),
    ] {
        let last = words.split(' ').count() - 1;
        let script = format!(
            "source ./kubeseal.bash; COMP_WORDS=({words}); COMP_CWORD={last}; _kubeseal kubeseal '{word}' '{before}'; \
             echo \"${{COMPREPLY[@]}}\""
        );
        let told = alone("bash")
            .current_dir(folder.path(""))
            .args(["--norc", "-c", &script])
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let (told, fault) = (
            String::from_utf8_lossy(&told.stdout),
            String::from_utf8_lossy(&told.stderr),
        );
        assert_eq!(told.trim_end(), expected, "{words}: {fault}");
    }
}

#[test]
fn the_help_is_wrapped_once() {
    const WIDTH: usize = 100;
    let folder = Folder::with_keys();
    for verb in [
        "",
        "seal",
        "reseal",
        "unseal",
        "set",
        "edit",
        "unset",
        "rename",
        "lint",
        "doctor",
        "render",
        "completions",
        "man",
        "keys list",
        "keys backup",
        "keys restore",
    ] {
        let help = folder.run(&format!("{verb} --help"), "").ok();
        let lines: Vec<_> = help.lines().collect();
        for pair in lines.windows(2) {
            let next = pair[1].split(' ').next().unwrap();
            // An example begins with the program's name, or with that of another one.
            let goes_on = next.starts_with(|first: char| first.is_ascii_lowercase() || first == '(');
            let had_room = pair[0].chars().count() + 1 + next.chars().count() <= WIDTH;
            assert!(!(goes_on && had_room), "{verb}: {pair:?}");
        }
    }
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
    // One page for each thing that can be typed.
    let pages = std::fs::read_dir(folder.path("man1")).unwrap();
    for page in pages.map(|page| page.unwrap().file_name().into_string().unwrap()) {
        let words = page.trim_end_matches(".1").replace('-', " ");
        folder
            .run(&format!("{} --help", words.trim_start_matches("kubeseal")), "")
            .ok();
    }
}

#[test]
fn help_is_a_verb_too() {
    let folder = Folder::with_keys();
    for (verb, flag) in [
        ("help", "--help"),
        ("help lint", "lint --help"),
        ("help keys", "keys --help"),
        ("help keys restore", "keys restore --help"),
        ("help help", "help --help"),
    ] {
        assert_eq!(folder.run(verb, "").ok(), folder.run(flag, "").ok(), "{verb}");
    }
    let run = folder.run("help lin", "");
    assert_eq!(
        run.told,
        "exit 2\nerror: there is no verb \"lin\"\nhint: did you mean kubeseal help lint?\n"
    );
    assert_eq!(folder.run("help keys nothing", "").code, 2);
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
