//! What the program says to bad input, in each mode: exit code, one clear message with the input, the document and the
//! next command; nothing on stdout, nothing written. The snapshots read like a manual.

use crate::program::Folder;

/// The modes that read documents and can be judged without a cluster.
const READERS: [&str; 3] = [
    "--cert test-only.crt",
    "--validate --server http://127.0.0.1:1",
    "--recovery-unseal --recovery-private-key test-only.key",
];

/// Runs `flags` on `input` from stdin, from a file, and with an output file, and tells what happened once. The name of
/// the input must be the only difference between the messages.
fn refused(folder: &Folder, flags: &str, input: &str) -> String {
    let stdin = folder.run(flags, input);
    let file = folder.run(&format!("{flags} -f in.txt"), "");
    // A hint names the file, where there is one.
    let told = file
        .told
        .replace(" -f in.txt", "")
        .replace("kubeseal doctor in.txt", "kubeseal doctor FILE")
        .replace("kubeseal set in.txt", "kubeseal set FILE")
        .replace("not sealed yet: kubeseal seal", "not sealed yet: kubeseal")
        .replace(" in.txt\n", " < FILE\n")
        .replace("in.txt", "stdin");
    assert_eq!(told, stdin.told, "{flags}");
    if !flags.contains("--validate") {
        let output = folder.run(&format!("{flags} -w out.yaml"), input);
        assert_eq!(output.told.replace(" -w out.yaml", ""), stdin.told, "{flags}");
    }
    assert_eq!(stdin.stdout, "", "{flags}: a failure prints nothing on stdout");
    assert_ne!(stdin.code, 0, "{flags}");
    format!("$ kubeseal {flags} < in.txt\n{}", stdin.told)
}

fn all_readers(input: &str) -> String {
    READERS.map(|flags| refuse_once(flags, input)).join("\n")
}

fn refuse_once(flags: &str, input: &str) -> String {
    let folder = Folder::with_keys();
    folder.put("in.txt", input);
    let before = folder.listing();
    let told = refused(&folder, flags, input);
    assert_eq!(folder.listing(), before, "{flags}: nothing is written");
    told
}

const SECRET: &str = "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: shop}\nstringData: {p: hunter2}\n";
const CONFIG_MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: db, namespace: shop}\ndata: {p: aGk=}\n";

/// SECRET as SealedSecret, sealed by the program itself.
fn sealed() -> String {
    let run = Folder::with_keys().run("--cert test-only.crt -o yaml", SECRET);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    run.stdout
}

#[test]
fn empty() {
    insta::assert_snapshot!(all_readers(""));
}

#[test]
fn only_comments_and_separators() {
    insta::assert_snapshot!(all_readers("# nothing\n---\n---\n"));
}

#[test]
fn plain_text() {
    insta::assert_snapshot!(all_readers("hunter2 is no manifest\n"));
}

#[test]
fn truncated_yaml() {
    let text = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\nstringData:\n  p: \"hunter2";
    insta::assert_snapshot!(all_readers(text));
}

#[test]
fn truncated_json() {
    insta::assert_snapshot!(all_readers(
        "{\"apiVersion\": \"v1\", \"kind\": \"Secret\", \"stringData\": {\"p\": \"hunter2"
    ));
}

#[test]
fn the_second_document_is_broken() {
    let broken = format!("{SECRET}---\napiVersion: v1\nkind: Secret\nstringData: [hunter2\n");
    insta::assert_snapshot!(refuse_once(READERS[0], &broken));
}

#[test]
fn the_second_document_has_no_name() {
    let nameless = format!("{SECRET}---\napiVersion: v1\nkind: Secret\nstringData: {{p: hunter2}}\n");
    insta::assert_snapshot!(refuse_once(READERS[0], &nameless));
}

#[test]
fn the_second_sealed_document_is_broken() {
    let broken = format!("{}{}", sealed(), sealed().replace("p: AQ", "p: AQ!"));
    insta::assert_snapshot!(refuse_once(READERS[2], &broken));
}

#[test]
fn a_config_map() {
    insta::assert_snapshot!(all_readers(CONFIG_MAP));
}

#[test]
fn a_config_map_among_secrets() {
    insta::assert_snapshot!(refuse_once(READERS[0], &format!("{SECRET}---\n{CONFIG_MAP}")));
}

#[test]
fn a_config_map_in_a_list() {
    let item = |text: &str| format!("- {}\n", text.trim_end().replace('\n', "\n  "));
    let list = format!(
        "apiVersion: v1\nkind: List\nitems:\n{}{}",
        item(SECRET),
        item(CONFIG_MAP)
    );
    insta::assert_snapshot!(refuse_once(READERS[0], &list));
}

#[test]
fn a_sealed_secret_where_a_secret_is_wanted() {
    insta::assert_snapshot!(refuse_once(READERS[0], &sealed()));
}

#[test]
fn a_secret_where_a_sealed_secret_is_wanted() {
    insta::assert_snapshot!([refuse_once(READERS[1], SECRET), refuse_once(READERS[2], SECRET)].join("\n"));
}

#[test]
fn values_that_yaml_would_change() {
    let text = SECRET.replace("{p: hunter2}", "{port: 5432, p: 0777}");
    insta::assert_snapshot!(refuse_once(READERS[0], &text));
}

#[test]
fn data_that_is_not_base64() {
    insta::assert_snapshot!(refuse_once(
        READERS[0],
        &SECRET.replace("stringData", "data").replace("hunter2", "hunter2!")
    ));
}

#[test]
fn a_slip_of_the_pen_in_a_field() {
    insta::assert_snapshot!(refuse_once(READERS[0], &SECRET.replace("stringData", "StringData")));
}

#[test]
fn a_key_given_twice() {
    insta::assert_snapshot!(refuse_once(
        READERS[0],
        &SECRET.replace("{p: hunter2}", "{p: hunter2, p: hunter3}")
    ));
}

#[test]
fn no_items() {
    insta::assert_snapshot!(refuse_once(READERS[0], &SECRET.replace("{p: hunter2}", "{}")));
}

#[test]
fn no_name() {
    insta::assert_snapshot!(refuse_once(READERS[0], &SECRET.replace("name: db, ", "")));
}

#[test]
fn no_namespace_and_no_kubeconfig() {
    insta::assert_snapshot!(refuse_once(READERS[0], &SECRET.replace(", namespace: shop", "")));
}

#[test]
fn another_namespace_than_the_flag_says() {
    insta::assert_snapshot!(refuse_once("--cert test-only.crt -n other", SECRET));
}

#[test]
fn sealed_for_another_namespace() {
    insta::assert_snapshot!(refuse_once(
        READERS[2],
        &sealed().replace("namespace: shop", "namespace: other")
    ));
}

#[test]
fn sealed_for_another_key() {
    insta::assert_snapshot!(refuse_once(
        "--recovery-unseal --recovery-private-key test-only-other.key",
        &sealed()
    ));
}

#[test]
fn no_key_to_open_with() {
    insta::assert_snapshot!(refuse_once("--recovery-unseal", &sealed()));
}

#[test]
fn ciphertexts_that_are_placeholders_or_damaged() {
    let mut text = sealed();
    let at = text.find("p: AQ").unwrap();
    let end = text[at..].find('\n').unwrap() + at;
    let good = text[at + 3..end].to_owned();
    let damaged = format!("{}AAAA{}", &good[..good.len() - 8], &good[good.len() - 4..]);
    text.replace_range(
        at..end,
        &format!("a: SEALED_PASSWORD_PLACEHOLDER\n    b: AgBy3i4OJSWK\n    c: {damaged}"),
    );
    insta::assert_snapshot!(refuse_once(READERS[2], &text));
}

#[test]
fn certificates_that_cannot_seal() {
    let folder = Folder::with_keys();
    folder.put("empty.pem", "");
    folder.put("page.html", "<html>please log in</html>");
    folder.put("truncated.crt", &folder.text("test-only.crt")[..400]);
    let before = folder.listing();
    let mut told = Vec::new();
    for cert in [
        "test-only-expired.crt",
        "test-only-ec.crt",
        "test-only.key",
        "empty.pem",
        "page.html",
        "truncated.crt",
        "nowhere.crt",
    ] {
        for mode in ["-w out.yaml", "--raw --name db -n shop -w out.yaml"] {
            let flags = format!("--cert {cert} {mode}");
            let run = folder.run(&flags, SECRET);
            assert_eq!((run.stdout.as_str(), run.code), ("", 1), "{flags}");
            told.push(format!("$ kubeseal {flags} < in.txt\n{}", run.told));
        }
    }
    assert_eq!(folder.listing(), before);
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn what_is_no_certificate_is_not_fetched() {
    let folder = Folder::with_keys();
    folder.put("empty.pem", "");
    folder.put("page.html", "<html>please log in</html>");
    let told = [
        "empty.pem",
        "page.html",
        "nowhere.crt",
        "file:///nowhere.crt",
        "http://127.0.0.1:1/cert.pem",
    ]
    .map(|cert| {
        let flags = format!("--fetch-cert --cert {cert} -w out.pem");
        let run = folder.run(&flags, "");
        assert_eq!((run.stdout.as_str(), run.code), ("", 1), "{flags}");
        assert!(!folder.path("out.pem").exists());
        format!("$ kubeseal {flags}\n{}", run.told)
    });
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn an_expired_or_ec_certificate_is_passed_on_as_it_is() {
    let folder = Folder::with_keys();
    for cert in ["test-only-expired.crt", "test-only-ec.crt", "test-only.crt"] {
        let run = folder.run(&format!("--fetch-cert --cert {cert}"), "");
        assert_eq!((run.code, run.stderr.as_str()), (0, ""));
        assert_eq!(run.stdout, folder.text(cert));
    }
}

#[test]
fn a_raw_value_that_is_empty_needs_a_word() {
    insta::assert_snapshot!(refuse_raw("--raw --cert test-only.crt --name db -n shop", ""));
    let folder = Folder::with_keys();
    let run = folder.run("--raw --cert test-only.crt --name db -n shop --allow-empty-data", "");
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
}

#[test]
fn a_raw_value_without_a_namespace() {
    insta::assert_snapshot!(refuse_raw("--raw --cert test-only.crt --name db", "hunter2"));
}

#[test]
fn a_raw_value_from_a_file_that_is_not_there() {
    insta::assert_snapshot!(refuse_raw(
        "--raw --cert test-only.crt --name db -n shop --from-file nowhere",
        ""
    ));
}

fn refuse_raw(flags: &str, input: &str) -> String {
    let folder = Folder::with_keys();
    let before = folder.listing();
    let run = folder.run(&format!("{flags} -w out"), input);
    assert_eq!((run.stdout.as_str(), run.code), ("", 1));
    assert_eq!(folder.listing(), before);
    format!("$ kubeseal {flags} -w out\n{}", run.told)
}

#[test]
fn the_server_cannot_be_reached() {
    let sealed = sealed();
    let modes = [
        ("--fetch-cert", ""),
        ("-f in.txt", ""),
        ("--raw --name db -n shop", "hunter2"),
        ("--validate", sealed.as_str()),
    ];
    let told = modes.map(|(mode, input)| {
        let folder = Folder::with_keys();
        folder.put("in.txt", SECRET);
        let before = folder.listing();
        let output = if mode == "--validate" { "" } else { " -w out" };
        let flags = format!("{mode} --server https://127.0.0.1:1{output}");
        let run = folder.run(&flags, input);
        assert_eq!((run.stdout.as_str(), run.code), ("", 1), "{flags}");
        assert_eq!(folder.listing(), before);
        format!("$ kubeseal {flags}\n{}", run.told)
    });
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn there_is_no_cluster_to_ask() {
    let folder = Folder::with_keys();
    let told = [
        "--fetch-cert",
        "--fetch-cert --kubeconfig nowhere",
        "--fetch-cert --kubeconfig broken.yaml",
        "--fetch-cert --context nowhere",
    ]
    .map(|flags| {
        folder.put(
            "broken.yaml",
            "clusters: [{name: x, cluster: {server: 5, token: hunter2",
        );
        let run = folder.run(flags, "");
        assert_eq!((run.stdout.as_str(), run.code), ("", 1), "{flags}");
        format!("$ kubeseal {flags}\n{}", run.told)
    });
    assert!(
        told.iter().all(|told| !told.contains("hunter2")),
        "credentials of a kubeconfig are never shown"
    );
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn the_command_line_is_wrong() {
    let folder = Folder::with_keys();
    let lines = [
        ("--foo", 2),
        ("--fetch-crt", 2),
        ("--scope foo", 2),
        ("--raw=maybe", 2),
        ("--request-timeout soon", 2),
        ("--cert", 2),
        ("-f db.yaml secret.yaml", 2),
        ("--merge-into x.yaml", 1),
        ("--re-encrypt", 1),
        ("--rotate", 1),
        ("--from-file x", 1),
        ("--raw", 1),
        ("-o xml", 1),
        ("--cert gopher://x", 1),
        ("-f nowhere.yaml --cert test-only.crt", 1),
        ("--recovery-unseal --recovery-private-key nowhere.key", 1),
        ("--recovery-unseal --recovery-private-key test-only.crt", 1),
    ];
    let told = lines.map(|(flags, code)| {
        let run = folder.run(flags, "");
        assert_eq!((run.stdout.as_str(), run.code), ("", code), "{flags}");
        format!("$ kubeseal {flags}\n{}", run.told)
    });
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn no_message_carries_a_plaintext() {
    // The snapshots of this file are the messages; every input above holds the same plaintext.
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli/snapshots");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let body = text.splitn(3, "---").last().unwrap();
        assert!(
            !body.contains("hunter2") && !body.contains("aHVudGVy"),
            "{}",
            path.display()
        );
    }
}
