//! `edit`: names in the editor, values out of it, and nothing of them left on the disk.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::items::{file, opened, pairs};
use crate::program::{Folder, Run, command};

/// An editor that is a shell command; `$1` is the file.
fn with_editor(folder: &Folder, editor: &str, words: &[&str]) -> Run {
    let script = format!("#!/bin/sh\n{editor}\n");
    folder.put("editor", &script);
    make_executable(&folder.path("editor"));
    fs::create_dir_all(folder.path("run")).unwrap();
    let (editor, run) = (folder.path("editor"), folder.path("run"));
    let variables = [
        ("EDITOR", editor.to_str().unwrap()),
        ("XDG_RUNTIME_DIR", run.to_str().unwrap()),
        ("PATH", "/usr/bin:/bin"),
    ];
    let words: Vec<_> = ["edit", "--cert", "test-only.crt"]
        .iter()
        .chain(words)
        .copied()
        .collect();
    let outcome = folder.run_in(&variables, &words, b"");
    assert_eq!(fs::read_dir(&run).unwrap().count(), 0, "the typed text is still there");
    outcome
}

fn make_executable(path: &PathBuf) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn edit_shows_names_without_values_and_seals_what_is_typed() {
    let folder = Folder::with_keys();
    let before = file(&folder);
    let look = format!(
        "cp \"$1\" '{shown}'; ls -ld \"$1\" \"$(dirname \"$1\")\" > '{modes}'",
        shown = folder.path("shown").display(),
        modes = folder.path("modes").display()
    );
    let told = with_editor(&folder, &look, &["sealed.yaml"]).ok();
    assert_eq!(
        told,
        "nothing was changed; if the editor did not wait for you, tell it to: EDITOR='code --wait'\n"
    );
    assert_eq!(folder.text("sealed.yaml"), before);
    let shown = folder.text("shown");
    assert!(
        shown.ends_with("\nshop/db:\n  password:\n  user:\nshop/cache:\n  password:\n"),
        "{shown}"
    );
    let modes = folder.text("modes");
    assert!(modes.contains("-rw-------") && modes.contains("drwx------"), "{modes}");

    let change = r#"sed -i 's/^  user:/  user: brand-new/; $ a\  more: |\n    two\n    more-lines' "$1""#;
    let told = with_editor(&folder, change, &["sealed.yaml"]).ok();
    assert_eq!(
        told,
        "sealed.yaml: changed user of shop/db\nsealed.yaml: added more of shop/cache\n"
    );
    assert_eq!(
        opened(&folder, "sealed.yaml"),
        pairs(&[
            ("db/password", "old"),
            ("db/user", "brand-new"),
            ("cache/password", "other"),
            ("cache/more", "two\nmore-lines\n")
        ])
    );
    let after = folder.text("sealed.yaml");
    let kept = |text: &str| {
        text.lines()
            .filter(|line| line.contains("password:"))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(kept(&after), kept(&before));
    // With a `-`, which no base64 holds by chance.
    assert!(!after.contains("brand-new") && !after.contains("more-lines"));
    with_editor(
        &folder,
        "sed -i 's/password:/password: p/' \"$1\"",
        &["--name", "cache", "sealed.yaml"],
    )
    .ok();
    assert_eq!(opened(&folder, "sealed.yaml")["cache/password"], "p");
}

#[test]
fn what_the_editor_does_wrong_changes_nothing() {
    let folder = Folder::with_keys();
    let before = file(&folder);
    let cases = [
        "exit 3",
        "printf 'shop/db: [' > \"$1\"",
        "printf 'shop/db:\\n  user: yes\\n' > \"$1\"",
        "printf 'shop/other:\\n  user: x\\n' > \"$1\"",
        "printf 'shop/db:\\n  a/b: x\\n' > \"$1\"",
        ": > \"$1\"",
        "rm \"$1\"",
        "printf 'a: {}\\n---\\nb: {}\\n' > \"$1\"",
        "printf 'shop/db:\\n  user: abc #def\\n' > \"$1\"",
        "printf 'shop/db:\\n  user: &abc\\n' > \"$1\"",
        "printf 'shop/db:\\n  user: \"\"\\n' > \"$1\"",
        "printf 'shop/db:\\n  user: one\\n    two\\n' > \"$1\"",
    ];
    let mut told = String::new();
    for editor in cases {
        let run = with_editor(&folder, editor, &["sealed.yaml"]);
        told.push_str(&format!(
            "$ {editor}\n{}",
            run.told.replace(folder.path("").to_str().unwrap(), "/")
        ));
        assert_eq!((run.code, folder.text("sealed.yaml") == before), (1, true), "{editor}");
    }
    insta::assert_snapshot!(told);
}

#[test]
fn a_misspelt_item_and_a_line_that_is_gone_are_named() {
    let folder = Folder::with_keys();
    file(&folder);
    let slip = "sed -i 's/^  user:/  usr: new/; 0,/^  password:$/{//d}' \"$1\"";
    let told = with_editor(&folder, slip, &["--name", "db", "sealed.yaml"]).ok();
    assert_eq!(
        told,
        "sealed.yaml: added usr of shop/db (there is user too, which stays as it is)\nsealed.yaml: kept password of shop/db, \
         though its line is gone (to remove it: kubeseal unset)\nsealed.yaml: kept user of shop/db, though its line is gone \
         (to remove it: kubeseal unset)\n"
    );
    assert_eq!(opened(&folder, "sealed.yaml")["db/user"], "u");
}

#[test]
fn edit_adds_no_key_hint_unasked() {
    let folder = Folder::with_keys();
    let hint = "sealed-secrets-rs/sealed-with";
    let all = r#"sed -i 's/^  \(user\|password\):/  \1: new/' "$1""#;
    file(&folder);
    with_editor(&folder, all, &["sealed.yaml"]).ok();
    assert!(!folder.text("sealed.yaml").contains(hint));
    with_editor(&folder, all, &["sealed.yaml", "--key-hint"]).ok();
    assert_eq!(folder.text("sealed.yaml").matches(hint).count(), 2);
}

#[test]
fn a_file_that_is_not_there_is_made() {
    let folder = Folder::with_keys();
    let type_ = "printf '  password: p\\n  user: u\\n' >> \"$1\"";
    let told = with_editor(&folder, type_, &["-n", "shop", "new.sealed.yaml"]).ok();
    assert_eq!(told, "new.sealed.yaml: new, shop/new with password, user\n");
    assert_eq!(
        opened(&folder, "new.sealed.yaml"),
        pairs(&[("new/password", "p"), ("new/user", "u")])
    );
    let told = with_editor(&folder, "true", &["-n", "shop", "none.sealed.yaml"]).ok();
    assert!(told.starts_with("nothing was changed"), "{told}");
    assert!(!folder.path("none.sealed.yaml").exists());
    for (words, error) in [
        (
            vec!["-n", "shop", "no/where.yaml"],
            "error: open no/where.yaml: no such file or directory\n",
        ),
        (
            vec!["-n", "shop", "New_.yaml"],
            "error: New_.yaml (a new file): its name gives no name for the object\n",
        ),
        (
            vec!["-n", "Prod_1", "new2.yaml"],
            "error: new2.yaml (a new file): namespace \"Prod_1\" is no name of a namespace",
        ),
        (
            vec!["new2.yaml"],
            "error: new2.yaml (a new file): secret must declare a namespace",
        ),
    ] {
        let run = with_editor(&folder, type_, &words);
        assert!(run.code == 1 && run.stderr.starts_with(error), "{}", run.stderr);
    }
}

#[test]
fn what_a_killed_run_left_is_swept() {
    let folder = Folder::with_keys();
    file(&folder);
    folder.put("editor", "#!/bin/sh\necho secret > \"$1\"\nexec sleep 60\n");
    make_executable(&folder.path("editor"));
    fs::create_dir_all(folder.path("run")).unwrap();
    let mut child = command(&folder.path(""))
        .args(["edit", "--cert", "test-only.crt", "sealed.yaml"])
        .env("EDITOR", folder.path("editor"))
        .env("XDG_RUNTIME_DIR", folder.path("run"))
        .env("PATH", "/usr/bin:/bin")
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    let left = || fs::read_dir(folder.path("run")).unwrap().count();
    let begun = || {
        let mut entries = fs::read_dir(folder.path("run")).unwrap().flatten();
        entries.any(|entry| fs::read_to_string(entry.path().join("values.yaml")).is_ok_and(|text| text == "secret\n"))
    };
    eventually("the editor has not begun", begun);
    signal(&child, "KILL");
    child.wait().unwrap();
    assert_eq!(left(), 1);
    // It says itself that nothing is left.
    with_editor(&folder, "true", &["sealed.yaml"]).ok();
}

/// Waits until the condition holds.
fn eventually(what: &str, condition: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < end, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn signal(child: &Child, name: &str) {
    let sent = std::process::Command::new("kill")
        .args(["-s", name, &child.id().to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
}

#[test]
fn what_was_typed_is_gone_after_a_signal_too() {
    let folder = Folder::with_keys();
    let before = file(&folder);
    folder.put("editor", "#!/bin/sh\necho secret > \"$1\"\nexec sleep 60\n");
    make_executable(&folder.path("editor"));
    fs::create_dir_all(folder.path("run")).unwrap();
    for name in ["TERM", "HUP"] {
        let mut child = command(&folder.path(""))
            .args(["edit", "--cert", "test-only.crt", "sealed.yaml"])
            .env("VISUAL", folder.path("editor"))
            .env("EDITOR", "false")
            .env("XDG_RUNTIME_DIR", folder.path("run"))
            .env("PATH", "/usr/bin:/bin")
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let typed = || {
            fs::read_dir(folder.path("run"))
                .unwrap()
                .flatten()
                .any(|entry| fs::read_to_string(entry.path().join("values.yaml")).is_ok_and(|text| text == "secret\n"))
        };
        eventually("the editor has not begun", typed);
        // The keyboard's signals are the editor's: this program waits for it.
        signal(&child, "INT");
        std::thread::sleep(Duration::from_millis(100));
        assert!(typed());
        signal(&child, name);
        assert_eq!(child.wait().unwrap().code(), Some(1));
        assert_eq!(fs::read_dir(folder.path("run")).unwrap().count(), 0);
        assert_eq!(folder.text("sealed.yaml"), before);
    }
}
