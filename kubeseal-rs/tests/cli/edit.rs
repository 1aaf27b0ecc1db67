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
        "cp \"$1\" {shown}; ls -ld \"$1\" \"$(dirname \"$1\")\" > {modes}",
        shown = folder.path("shown").display(),
        modes = folder.path("modes").display()
    );
    with_editor(&folder, &look, &["sealed.yaml"]).ok();
    assert_eq!(folder.text("sealed.yaml"), before);
    let shown = folder.text("shown");
    assert!(
        shown.ends_with("\nshop/db:\n  password:\n  user:\nshop/cache:\n  password:\n"),
        "{shown}"
    );
    let modes = folder.text("modes");
    assert!(modes.contains("-rw-------") && modes.contains("drwx------"), "{modes}");

    let change = r#"sed -i 's/^  user:/  user: new/; $ a\  more: |\n    two\n    lines' "$1""#;
    with_editor(&folder, change, &["sealed.yaml"]).ok();
    assert_eq!(
        opened(&folder, "sealed.yaml"),
        pairs(&[
            ("db/password", "old"),
            ("db/user", "new"),
            ("cache/password", "other"),
            ("cache/more", "two\nlines\n")
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
    assert!(!after.contains("new") && !after.contains("lines"));
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
