//! What programs that call kubeseal rely on: their command lines as they write them, and what they do with the answer.

use crate::program::{Folder, Run};

const SECRET: &str =
    "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: shop}\nstringData: {password: hunter2}\n";

fn run(folder: &Folder, words: &[&str], input: &str) -> Run {
    folder.run_in(&[], words, input.as_bytes())
}

fn unsealed(folder: &Folder, sealed: &str) -> String {
    folder
        .run("--recovery-unseal --recovery-private-key test-only.key", sealed)
        .ok()
}

/// kubeseal-webgui (Jaydee94): any word on stderr is a failure; the version is what stands behind the colon; the lines of
/// stdout are joined.
#[test]
fn kubeseal_webgui_gets_its_value_and_its_version() {
    let folder = Folder::with_keys();
    let version = run(&folder, &["--version"], "").ok();
    assert_eq!(
        version.split(':').nth(1).unwrap().trim(),
        concat!("v", env!("CARGO_PKG_VERSION"))
    );
    let scopes: [(&str, &[&str]); 3] = [
        ("strict", &["--namespace", "shop", "--name", "db"]),
        ("namespace-wide", &["--namespace", "shop"]),
        ("cluster-wide", &[]),
    ];
    for (scope, place) in scopes {
        let call = [
            "--raw",
            "--from-file=/dev/stdin",
            "--cert",
            "test-only.crt",
            "--scope",
            scope,
        ];
        let sealed = run(&folder, &[&call, place].concat(), "hunter2").ok();
        assert_eq!(sealed.lines().collect::<String>(), sealed, "one line without its end");
        let open = [
            "unseal",
            "-",
            "--raw",
            "--scope",
            scope,
            "--recovery-private-key",
            "test-only.key",
        ];
        assert_eq!(run(&folder, &[&open, place].concat(), &sealed).ok(), "hunter2");
    }
}

/// sealed-secrets-pre-commit (jenrik): JSON into a file of any other name, YAML where the name says so.
#[test]
fn the_pre_commit_hook_of_jenrik_gets_its_file() {
    let folder = Folder::with_keys();
    folder.put("clear.yaml", SECRET);
    for (to, begins) in [("sealed.yaml", "---\n"), ("sealed.json", "{\n"), ("sealed", "{\n")] {
        let words = [
            "--scope=strict",
            "--secret-file",
            "clear.yaml",
            "--sealed-secret-file",
            to,
            "--cert",
            "test-only.crt",
        ];
        assert_eq!(run(&folder, &words, "").ok(), "");
        assert!(folder.text(to).starts_with(begins), "{to}");
        assert!(unsealed(&folder, &folder.text(to)).contains("aHVudGVyMg=="));
    }
}

/// vscode-kubeseal (codecontemplator): the certificate as a `file:///` URL, values bound to a namespace that nobody reads, and
/// whole files by stdin.
#[test]
fn vscode_kubeseal_seals_values_and_files() {
    let folder = Folder::with_keys();
    let cert = format!("file://{}", folder.path("test-only.crt").display());
    assert!(cert.starts_with("file:///"));
    let raw = [
        "--raw",
        "--namespace",
        "dummyNamespace",
        "--scope",
        "cluster-wide",
        "--cert",
        &cert,
    ];
    let sealed = run(&folder, &raw, "hunter2").ok();
    let open = [
        "unseal",
        "-",
        "--raw",
        "--scope",
        "cluster-wide",
        "--recovery-private-key",
        "test-only.key",
    ];
    assert_eq!(run(&folder, &open, &sealed).ok(), "hunter2");
    let without_place = SECRET.replace("{name: db, namespace: shop}", "{}");
    for scope in ["strict", "namespace-wide", "cluster-wide"] {
        let words = [
            "--cert",
            &cert,
            "--name",
            "db",
            "--namespace",
            "shop",
            "--scope",
            scope,
            "--format",
            "yaml",
        ];
        let clear = unsealed(&folder, &run(&folder, &words, &without_place).ok());
        assert!(
            clear.contains("\"name\": \"db\"") && clear.contains("aHVudGVyMg=="),
            "{clear}"
        );
    }
}

/// kubeseal-auto (shini4i) away from its cluster: YAML to a pipe, and into a file that is there. (With a cluster, the program
/// itself runs in the black box.)
#[test]
fn kubeseal_auto_seals_and_merges_with_a_certificate() {
    let folder = Folder::with_keys();
    let sealed = run(&folder, &["--format=yaml", "--cert=test-only.crt"], SECRET).ok();
    assert!(
        sealed.starts_with("---\napiVersion: bitnami.com/v1alpha1\n"),
        "{sealed}"
    );
    folder.put("db.yaml", &sealed);
    let more = SECRET.replace("password", "token");
    assert_eq!(
        run(
            &folder,
            &["--format=yaml", "--cert=test-only.crt", "--merge-into", "db.yaml"],
            &more
        )
        .ok(),
        ""
    );
    let clear = unsealed(&folder, &folder.text("db.yaml"));
    assert!(clear.contains("password") && clear.contains("token"), "{clear}");
}
