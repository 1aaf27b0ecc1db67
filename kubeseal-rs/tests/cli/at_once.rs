//! Several runs that change one file at once: none of them fails, and nothing of them is lost.

use std::process::{Child, Stdio};

use crate::items::{CERT, file, opened};
use crate::program::{self, Folder, command};

const RUNS: usize = 8;

fn start(folder: &Folder, line: &str, input: &str) -> Child {
    use std::io::Write as _;
    let mut child = command(&folder.path(""))
        .args(line.split_whitespace())
        .env("EDITOR", "sh -c 'printf \"shop/db:\\n  edited: e\\n\" > $1' sh")
        .env("PATH", "/usr/bin:/bin")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child
}

fn all_succeed(runs: Vec<Child>) {
    for run in runs {
        let output = run.wait_with_output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    }
}

#[test]
fn items_of_all_runs_are_there() {
    let folder = Folder::with_keys();
    file(&folder);
    let mut runs: Vec<_> = (0..RUNS)
        .map(|number| start(&folder, &format!("set {CERT} --name db sealed.yaml set{number}"), "s"))
        .collect();
    runs.extend((0..RUNS).map(|number| {
        let secret = format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{name: db, namespace: shop}}\nstringData: {{merged{number}: m}}\n"
        );
        start(&folder, &format!("{CERT} --merge-into sealed.yaml"), &secret)
    }));
    runs.push(start(&folder, "unset --name db sealed.yaml user", ""));
    runs.push(start(&folder, "rename --name db sealed.yaml password renamed", ""));
    runs.push(start(&folder, &format!("edit {CERT} --name db sealed.yaml"), ""));
    all_succeed(runs);
    let found = opened(&folder, "sealed.yaml");
    for number in 0..RUNS {
        assert_eq!(
            found.get(&format!("db/set{number}")).map(String::as_str),
            Some("s"),
            "{found:?}"
        );
        assert_eq!(
            found.get(&format!("db/merged{number}")).map(String::as_str),
            Some("m"),
            "{found:?}"
        );
    }
    assert_eq!(
        (found["db/edited"].as_str(), found["db/renamed"].as_str()),
        ("e", "old")
    );
    assert!(
        !found.contains_key("db/user") && !found.contains_key("db/password"),
        "{found:?}"
    );
}

#[test]
fn values_of_all_runs_are_there_outside_sealed_secrets() {
    let folder = Folder::with_keys();
    let raw = folder.run(&format!("--raw {CERT} --name db -n shop"), "old").ok();
    let text: String = (0..RUNS).map(|number| format!("key{number}: {raw}\n")).collect();
    folder.put("values.yaml", &text);
    let set = |number| format!("set {CERT} values.yaml key{number} --name db -n shop");
    all_succeed((0..RUNS).map(|number| start(&folder, &set(number), "new")).collect());
    let now = folder.text("values.yaml");
    assert!(now.lines().count() == RUNS && !now.contains(raw.trim()), "{now}");
}

#[test]
fn what_was_typed_does_not_replace_what_somebody_else_wrote() {
    let folder = Folder::with_keys();
    file(&folder);
    let kubeseal = program::kubeseal();
    let editor = |item: &str| {
        format!(
            "sh -c 'printf other | {kubeseal} set {CERT} --name db sealed.yaml {item}; printf \"shop/db:\\n  user: typed\\n\" > $1' sh"
        )
    };
    let edit = ["edit", "--cert", "test-only.crt", "sealed.yaml"];
    let run = |item: &str| folder.run_in(&[("EDITOR", &editor(item)), ("PATH", "/usr/bin:/bin")], &edit, b"");
    let refused = run("user");
    assert!(
        refused.code == 1 && refused.stderr.contains("changed by another program meanwhile"),
        "{}",
        refused.told
    );
    assert_eq!(opened(&folder, "sealed.yaml")["db/user"], "other");
    run("another").ok();
    let found = opened(&folder, "sealed.yaml");
    assert_eq!(
        (found["db/user"].as_str(), found["db/another"].as_str()),
        ("typed", "other")
    );
}

/// Two clear files of one sealed file, as two runs have them, or one where names that differ in case are the same: whichever was
/// deleted, its value is sealed.
#[test]
fn no_clear_file_is_deleted_whose_value_is_not_sealed() {
    let folder = Folder::with_keys();
    let secret = |item: &str| {
        format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: db, namespace: shop}}\nstringData: {{{item}: v}}\n")
    };
    for round in 0..40 {
        let clear = ["p", "q"].map(|item| (item, format!("{round}/{item}/db.yaml")));
        for (item, path) in &clear {
            folder.put(path, &secret(item));
        }
        let runs = clear.each_ref().map(|(item, _)| {
            let line = format!("seal {CERT} --delete-clear {round}/{item} --out {round}/out");
            start(&folder, &line, "")
        });
        let outputs = runs.map(|run| run.wait_with_output().unwrap());
        let sealed = opened(&folder, &format!("{round}/out/db.sealed.yaml"));
        for ((item, path), output) in clear.iter().zip(&outputs) {
            let is_left = folder.path(path).exists();
            assert_eq!(is_left, !output.status.success(), "{output:?}");
            assert!(
                is_left || sealed.contains_key(&format!("db/{item}")),
                "{round}: {sealed:?} {outputs:?}"
            );
        }
    }
}
