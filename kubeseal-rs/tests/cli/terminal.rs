//! What is said only where somebody sits at a terminal, and prompts that do not show what is typed.

mod names;
mod told;

use std::io::{Read as _, Write as _};
use std::process::Stdio;
use std::time::{Duration, Instant};

use pty_process::blocking::{Command, Pty, open};
use rustix::termios::{LocalModes, tcgetattr};

use crate::items::{file, opened};
use crate::program::{self, Folder};

/// A run at a terminal.
struct AtTerminal {
    code: i32,
    /// What the terminal showed.
    shown: String,
    /// What came out of stdout, where that was a pipe.
    stdout: String,
}

/// Where the standard streams of a program lead.
#[derive(Clone, Copy, PartialEq)]
enum Streams {
    /// All to the terminal.
    Terminal,
    /// Stdin comes from a pipe, and stdout goes into one; stderr alone is the terminal.
    Pipes,
}

/// Waits until the terminal no longer shows what is typed: that is a moment after the prompt, and nobody types that fast.
fn wait_until_hidden(terminal: &Pty) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while tcgetattr(terminal).unwrap().local_modes.contains(LocalModes::ECHO) {
        assert!(Instant::now() < deadline, "what is typed would be shown");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Runs the program with a terminal of its own. `typed` is typed after `prompt` has been shown, or piped in at once.
fn run(
    folder: &Folder,
    streams: Streams,
    variables: &[(&str, &str)],
    line: &str,
    prompt: &str,
    typed: &str,
) -> AtTerminal {
    let (mut terminal, other_end) = open().unwrap();
    let mut command = Command::new(program::kubeseal())
        .env_clear()
        .envs(variables.iter().copied())
        .current_dir(folder.path(""))
        .args(line.split_whitespace());
    if streams == Streams::Pipes {
        command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
    }
    let mut child = command.spawn(other_end).unwrap();
    let mut shown = Vec::new();
    if streams == Streams::Pipes {
        // It may have said what is wrong, and ended, before it reads.
        let _ = child.stdin.take().unwrap().write_all(typed.as_bytes());
    } else {
        let mut byte = [0];
        while !String::from_utf8_lossy(&shown).contains(prompt) && terminal.read(&mut byte).is_ok_and(|read| read > 0) {
            shown.push(byte[0]);
        }
        if prompt.contains("not shown") {
            wait_until_hidden(&terminal);
        }
        terminal.write_all(typed.as_bytes()).unwrap();
    }
    let mut stdout = String::new();
    if let Some(mut pipe) = child.stdout.take() {
        pipe.read_to_string(&mut stdout).unwrap();
    }
    // Linux: reading fails when the last one at the other end has gone.
    let mut part = [0; 4096];
    while let Ok(read @ 1..) = terminal.read(&mut part) {
        shown.extend_from_slice(&part[..read]);
    }
    AtTerminal {
        code: child.wait().unwrap().code().unwrap(),
        shown: String::from_utf8(shown).unwrap(),
        stdout,
    }
}

const NOTE: &str = "note: the value ends in a line break, which was sealed with it";
const RAW: &str = "--raw --cert test-only.crt --name db -n shop";

#[test]
fn set_asks_for_the_value_and_does_not_show_it() {
    let folder = Folder::with_keys();
    file(&folder);
    let line = "set --cert test-only.crt --name db sealed.yaml password";
    let prompt = "value of password (it is not shown): ";
    let run = run(&folder, Streams::Terminal, &[], line, prompt, "typed by hand\n");
    assert_eq!(run.code, 0, "{}", run.shown);
    assert!(run.shown.starts_with(prompt), "{}", run.shown);
    assert!(
        !run.shown.contains("hand") && !run.shown.contains(NOTE),
        "{}",
        run.shown
    );
    assert_eq!(opened(&folder, "sealed.yaml")["db/password"], "typed by hand");
}

#[test]
fn ctrl_c_at_the_prompt_leaves_the_terminal_as_it_was() {
    use std::os::unix::process::ExitStatusExt as _;
    let folder = Folder::with_keys();
    let before = file(&folder);
    let (mut terminal, other_end) = open().unwrap();
    // Whoever runs the tests in the background of a script ignores the signal, and a program inherits that.
    let mut child = Command::new("/usr/bin/env")
        .env_clear()
        .current_dir(folder.path(""))
        .args([
            "--default-signal=INT",
            &program::kubeseal(),
            "set",
            "--cert",
            "test-only.crt",
            "--name",
            "db",
            "sealed.yaml",
            "password",
        ])
        .spawn(other_end)
        .unwrap();
    wait_until_hidden(&terminal);
    terminal.write_all(b"half\x03").unwrap();
    assert_eq!(child.wait().unwrap().signal(), Some(2));
    let modes = tcgetattr(&terminal).unwrap().local_modes;
    assert!(
        modes.contains(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG),
        "{modes:?}"
    );
    assert_eq!(folder.text("sealed.yaml"), before);
}

#[test]
fn the_editor_opens_again_after_a_slip() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::with_keys();
    let before = file(&folder);
    // Slips at first; then keeps what it finds, and takes the slip out where it may.
    let script = "#!/bin/sh\nif [ ! -e opened ]; then sed -i 's/^  user:/  user: \"new/' \"$1\"; else cp \"$1\" again; \
                  [ ! -e mend ] || sed -i 's/^  user: \"new/  user: new/' \"$1\"; fi; : > opened\n";
    folder.put("editor", script);
    std::fs::set_permissions(folder.path("editor"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let editor = folder.path("editor");
    let variables = [("EDITOR", editor.to_str().unwrap()), ("PATH", "/usr/bin:/bin")];
    let line = "edit --cert test-only.crt sealed.yaml";
    let given_up = run(&folder, Streams::Terminal, &variables, line, "error: ", "");
    assert_eq!(
        (given_up.code, folder.text("sealed.yaml") == before),
        (1, true),
        "{}",
        given_up.shown
    );
    let again = folder.text("again");
    assert!(
        again.starts_with("# error: the text in the editor") && again.contains("  user: \"new\n"),
        "{again}"
    );
    std::fs::remove_file(folder.path("opened")).unwrap();
    folder.put("mend", "");
    let mended = run(&folder, Streams::Terminal, &variables, line, "\0", "");
    assert_eq!(
        (mended.code, mended.shown.as_str()),
        (0, "sealed.yaml: changed user of shop/db\r\n")
    );
    assert_eq!(opened(&folder, "sealed.yaml")["db/user"], "new");
}

#[test]
fn nothing_is_asked_where_the_value_could_not_be_sealed() {
    let folder = Folder::with_keys();
    file(&folder);
    for line in [
        "set --cert nowhere.pem --name db sealed.yaml password",
        "set --cert test-only.crt --name nobody sealed.yaml password",
        "--cert nowhere.pem",
        "--cert nowhere.pem --merge-into sealed.yaml",
        "--cert nowhere.pem --raw --name db -n shop",
    ] {
        let run = run(&folder, Streams::Terminal, &[], line, "error", "");
        assert!(run.code == 1 && !run.shown.contains("it is not shown"), "{}", run.shown);
        assert!(!run.shown.contains("tty detected"), "{}", run.shown);
    }
}

#[test]
fn a_value_that_ends_in_a_line_break_is_noted_at_a_terminal_alone() {
    let folder = Folder::with_keys();
    file(&folder);
    let set = "set --cert test-only.crt --name db sealed.yaml password";
    for line in [RAW, set] {
        let noted = run(&folder, Streams::Pipes, &[], line, "", "hunter2\n");
        assert_eq!(noted.code, 0, "{}", noted.shown);
        assert!(
            noted.shown.contains(NOTE) && !noted.shown.contains("hunter2"),
            "{}",
            noted.shown
        );
        assert!(!noted.stdout.contains(NOTE));
        let quiet = run(&folder, Streams::Pipes, &[], line, "", "hunter2");
        let told = if line == set {
            "changed password of shop/db in sealed.yaml\r\n"
        } else {
            ""
        };
        assert_eq!((quiet.code, quiet.shown.as_str()), (0, told));
        // Without a terminal not a word, and the value is sealed as it is.
        folder.run(line, "hunter2\n").ok();
    }
    assert_eq!(opened(&folder, "sealed.yaml")["db/password"], "hunter2\n");
}

#[test]
fn what_kubectl_apply_does_not_take_is_noted_at_a_terminal() {
    let folder = Folder::with_keys();
    let large = "x".repeat(200 << 10);
    let secret =
        format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: db, namespace: shop}}\nstringData: {{a: {large}}}\n");
    folder.put("secret.yaml", &secret);
    folder.put("value", &large);
    file(&folder);
    for line in [
        "--cert test-only.crt -f secret.yaml -w out.yaml",
        "set --cert test-only.crt --name db sealed.yaml user --from-file value",
        "--cert test-only.crt --merge-into sealed.yaml -f secret.yaml",
    ] {
        let noted = run(&folder, Streams::Pipes, &[], line, "", "");
        assert_eq!((noted.code, noted.stdout.as_str()), (0, ""), "{line}: {}", noted.shown);
        let note = noted
            .shown
            .lines()
            .filter(|line| line.starts_with("note: ") && line.contains(", document 1, line "));
        assert!(
            note.count() == 1 && noted.shown.contains("; Flux always does so)\r\n"),
            "{line}: {}",
            noted.shown
        );
    }
}

#[test]
fn whoever_starts_it_without_input_is_told_what_it_waits_for() {
    let folder = Folder::with_keys();
    let end_of_input = "\u{4}";
    let seal = run(
        &folder,
        Streams::Terminal,
        &[],
        "--cert test-only.crt",
        "in stdin)",
        end_of_input,
    );
    assert!(
        seal.shown
            .starts_with("(tty detected: expecting json/yaml k8s resource in stdin)"),
        "{}",
        seal.shown
    );
    assert!(
        seal.code == 1 && seal.shown.contains("error: stdin: "),
        "{}",
        seal.shown
    );
    let raw = run(&folder, Streams::Terminal, &[], RAW, "in stdin)", "value\n\u{4}");
    assert!(
        raw.shown
            .starts_with("(tty detected: expecting a secret to encrypt in stdin)"),
        "{}",
        raw.shown
    );
    assert!(
        raw.code == 0 && raw.shown.contains("AQ") && raw.shown.contains(&format!("\n{NOTE}")),
        "{}",
        raw.shown
    );
}

#[test]
fn a_value_that_is_typed_as_a_word_is_not_repeated() {
    let folder = Folder::with_keys();
    for (line, hint) in [
        (format!("{RAW} hunter2"), "kubeseal --raw --from-file FILE"),
        ("hunter2".to_owned(), "kubeseal -f FILE"),
    ] {
        let run = run(&folder, Streams::Terminal, &[], &line, "hint: ", "");
        assert!(run.code != 0 && run.shown.contains(hint), "{line}: {}", run.shown);
        assert!(!run.shown.contains("hunter2"), "{line}: {}", run.shown);
    }
}

#[test]
fn a_terminal_gets_colours_unless_it_wants_none() {
    let folder = Folder::with_keys();
    folder.put(
        "clear.yaml",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {a: b}\n",
    );
    let lint = |variables: &[(&str, &str)]| {
        run(
            &folder,
            Streams::Terminal,
            variables,
            "lint clear.yaml",
            "clear.yaml",
            "",
        )
    };
    assert!(lint(&[("TERM", "xterm")]).shown.contains("\u{1b}["));
    for plain in [("NO_COLOR", "1"), ("TERM", "dumb")] {
        let run = lint(&[plain]);
        assert!(run.code == 1 && !run.shown.contains('\u{1b}'), "{}", run.shown);
    }
    assert!(!folder.run("lint clear.yaml", "").stdout.contains('\u{1b}'));
}
