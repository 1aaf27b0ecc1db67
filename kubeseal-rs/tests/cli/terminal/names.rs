//! Values and names that something fills in later.

use super::{Streams, run};
use crate::items::file;
use crate::program::Folder;

#[test]
fn a_placeholder_is_noted_at_a_terminal_alone() {
    let folder = Folder::with_keys();
    file(&folder);
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: a, namespace: b}\nstringData: {c: '${C}'}\n";
    let line = "--cert test-only.crt";
    let noted = run(&folder, Streams::Pipes, &[], line, "", secret);
    assert_eq!(
        noted.shown,
        "note: stdin, document 1, line 1: item c is a placeholder (${VAR}, as Flux and envsubst fill in), and was sealed as it \
         stands\r\n"
    );
    assert!(noted.code == 0 && noted.stdout.contains("encryptedData"));
    let set = "set --cert test-only.crt --name db sealed.yaml user";
    let noted = run(&folder, Streams::Pipes, &[], set, "", "<path:kv/db#user>");
    assert!(
        noted.shown.contains("\nnote: the value of user is a placeholder"),
        "{}",
        noted.shown
    );
    assert_eq!(folder.run(line, secret).stderr, "");
}

fn secret(name: &str, namespace: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: {name:?}, namespace: {namespace:?}}}\nstringData: {{c: d}}\n"
    )
}

/// That each line notes this at a terminal alone.
fn noted(folder: &Folder, variables: &[(&str, &str)], cases: &[(&str, String, &str)]) {
    for (line, input, told) in cases {
        let noted = run(folder, Streams::Pipes, variables, line, "", input);
        assert!(
            noted.code == 0 && noted.shown.contains(&format!("note: {told}")),
            "{line}: {}",
            noted.shown
        );
        assert!(!noted.stdout.contains("note:"), "{line}");
        let words: Vec<_> = line.split_whitespace().collect();
        folder.run_in(variables, &words, input.as_bytes()).ok();
    }
}

#[test]
fn names_that_open_nowhere_are_noted_at_a_terminal_alone() {
    let folder = Folder::with_keys();
    let classic = "--cert test-only.crt";
    let cases = [
        (
            classic,
            secret("a", "${NS}"),
            "the namespace \"${NS}\" is a placeholder",
        ),
        (
            classic,
            secret("{{ .Release.Name }}", "b"),
            "the name \"{{ .Release.Name }}\" is a placeholder",
        ),
        (
            classic,
            secret("a", "Prod_1"),
            "the namespace \"Prod_1\" is no name of a namespace",
        ),
        (
            "--raw --cert test-only.crt --name a -n $(NS)",
            "v".to_owned(),
            "the namespace \"$(NS)\" is a placeholder",
        ),
        (
            "--raw --cert test-only.crt --name A_b -n x",
            "v".to_owned(),
            "the name \"A_b\" is no name of an object",
        ),
        (
            "--raw --cert test-only.crt --scope namespace-wide -n X",
            "v".to_owned(),
            "the namespace \"X\" is no name",
        ),
    ];
    noted(&folder, &[], &cases);
    for (line, input) in [
        ("--cert test-only.crt --scope cluster-wide", secret("${A}", "${NS}")),
        ("--raw --cert test-only.crt --scope cluster-wide", "v".to_owned()),
        ("--raw --cert test-only.crt --scope namespace-wide -n x", "v".to_owned()),
    ] {
        assert_eq!(run(&folder, Streams::Pipes, &[], line, "", &input).shown, "", "{line}");
    }
}

#[test]
fn names_in_changed_files_are_noted_at_a_terminal_alone() {
    let folder = Folder::with_keys();
    folder.put(
        "in.yaml",
        &folder.run("--cert test-only.crt -o yaml", &secret("a", "${NS}")).ok(),
    );
    let editor = "sh -c 'printf \"${NS}/a: {c: new}\" > $1' sh".replace("${NS}", "\\${NS}");
    let edit = [("EDITOR", editor.as_str()), ("PATH", "/usr/bin:/bin")];
    let cases = [
        (
            "set --cert test-only.crt in.yaml c",
            "v".to_owned(),
            "the namespace \"${NS}\" is a placeholder",
        ),
        (
            "edit --cert test-only.crt in.yaml",
            String::new(),
            "the namespace \"${NS}\" is a placeholder",
        ),
        (
            "--cert test-only.crt --merge-into in.yaml",
            secret("a", "${NS}"),
            "the namespace \"${NS}\" is a placeholder",
        ),
    ];
    noted(&folder, &edit, &cases);
}
