//! What is sealed can be opened, in every scope, from YAML and JSON, one document or many; and what comes out is what
//! went in.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::program::Folder;

const RECOVER: &str = "--recovery-unseal --recovery-private-key test-only-keys.yaml";

/// Values that are easily damaged on the way.
const VALUES: [(&str, &[u8]); 8] = [
    ("empty", b""),
    ("newline", b"hunter2\n"),
    ("quotes", br#"he said: "it's; a=b+c/d""#),
    ("multi-line", b"-----BEGIN X-----\r\nabc\n\n-----END X-----\n"),
    ("json", br#"{"key": "a", "secret": "b\n"}"#),
    ("non-ascii", "пароль 🔑 ñ".as_bytes()),
    ("binary", &[0, 255, 254, 10, 13, 0]),
    ("yes", b"yes"),
];

fn secret_as_json(name: &str) -> Value {
    let data: serde_json::Map<_, _> = VALUES
        .iter()
        .map(|(item, value)| ((*item).to_owned(), STANDARD.encode(value).into()))
        .collect();
    serde_json::json!({
        "apiVersion": "v1", "kind": "Secret", "type": "example.org/odd", "immutable": true, "data": data,
        "metadata": {"name": name, "namespace": "shop", "labels": {"a": "true"}, "annotations": {"b": "1e3"}},
    })
}

/// JSON is YAML, but this is the block style that people write.
fn secret_as_yaml(name: &str) -> String {
    let mut text = format!(
        "apiVersion: v1\nkind: Secret\ntype: example.org/odd\nimmutable: true\nmetadata:\n  name: {name}\n  \
         namespace: shop\n  labels:\n    a: 'true'\n  annotations:\n    b: '1e3'\ndata:\n"
    );
    for (item, value) in VALUES {
        text.push_str(&format!("  {item:?}: {:?}\n", STANDARD.encode(value)));
    }
    text
}

/// All JSON objects of a stream, or all YAML documents as JSON (through `-o json` of the program's own reader).
fn objects(stream: &str) -> Vec<Value> {
    serde_json::Deserializer::from_str(stream)
        .into_iter()
        .map(Result::unwrap)
        .collect()
}

fn assert_is_the_secret(recovered: &Value, name: &str) {
    let wanted = secret_as_json(name);
    for field in ["kind", "apiVersion", "type", "immutable", "data"] {
        assert_eq!(recovered[field], wanted[field], "{field}");
    }
    for field in ["name", "namespace", "labels"] {
        assert_eq!(recovered["metadata"][field], wanted["metadata"][field], "{field}");
    }
    assert_eq!(recovered["metadata"]["annotations"]["b"], "1e3");
    let owner = &recovered["metadata"]["ownerReferences"][0];
    assert_eq!(
        (&owner["name"], &owner["uid"], &owner["kind"]),
        (&name.into(), &"".into(), &"SealedSecret".into())
    );
}

#[test]
fn every_scope_and_format_comes_back() {
    let folder = Folder::with_keys();
    for scope in ["strict", "namespace-wide", "cluster-wide"] {
        for (format, input) in [
            ("json", secret_as_json("db").to_string()),
            ("yaml", secret_as_yaml("db")),
        ] {
            let flags = format!("--cert test-only.crt --scope {scope} -o {format}");
            let sealed = folder.run(&flags, &input).ok();
            for (item, value) in VALUES.iter().filter(|(_, value)| value.len() > 3) {
                assert!(!sealed.contains(&STANDARD.encode(value)), "{item} stands in clear");
            }
            let recovered = objects(&folder.run(RECOVER, &sealed).ok());
            assert_eq!(recovered.len(), 1);
            assert_is_the_secret(&recovered[0], "db");
        }
    }
}

#[test]
fn many_documents_and_lists_come_back_in_their_order() {
    let folder = Folder::with_keys();
    let names = ["one", "two", "three"];
    let yaml = names.map(secret_as_yaml).join("---\n");
    let json = names.map(|name| secret_as_json(name).to_string()).join("");
    let list = serde_json::json!({"apiVersion": "v1", "kind": "List", "items": names.map(secret_as_json)}).to_string();
    for input in [yaml, json, list] {
        for format in ["json", "yaml"] {
            let sealed = folder.run(&format!("--cert test-only.crt -o {format}"), &input).ok();
            let recovered = objects(&folder.run(RECOVER, &sealed).ok());
            assert_eq!(recovered.len(), names.len());
            for (recovered, name) in recovered.iter().zip(names) {
                assert_is_the_secret(recovered, name);
            }
        }
    }
}

/// Puts a bare ciphertext where it belongs and opens it.
fn recover_raw(folder: &Folder, ciphertext: &str, name: &str, namespace: &str, annotation: &str) -> Vec<u8> {
    let sealed = serde_json::json!({
        "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
        "metadata": {"name": name, "namespace": namespace, "annotations": {annotation: "true"}},
        "spec": {"encryptedData": {"p": ciphertext}},
    });
    let recovered = objects(&folder.run(RECOVER, &sealed.to_string()).ok());
    STANDARD.decode(recovered[0]["data"]["p"].as_str().unwrap()).unwrap()
}

#[test]
fn bare_values_come_back_byte_for_byte() {
    let folder = Folder::with_keys();
    for (_, value) in VALUES {
        for (flags, annotation) in [
            ("--name db -n shop", "none"),
            (
                "--scope namespace-wide -n shop",
                "sealedsecrets.bitnami.com/namespace-wide",
            ),
            ("--scope cluster-wide", "sealedsecrets.bitnami.com/cluster-wide"),
        ] {
            let flags = format!("--raw --cert test-only.crt --allow-empty-data {flags}");
            let sealed = folder.run_in(&[], &flags.split(' ').collect::<Vec<_>>(), value).ok();
            assert!(!sealed.contains('\n'), "base64 without a newline");
            assert_eq!(recover_raw(&folder, &sealed, "db", "shop", annotation), value);
        }
    }
}

#[test]
fn a_bare_value_can_come_from_a_file_under_any_of_its_names() {
    let folder = Folder::with_keys();
    folder.put("value", "hunter2");
    for from in ["--from-file value", "--from-file key=value", "--from-file=/dev/stdin"] {
        let flags = format!("--raw --cert test-only.crt --name db -n shop {from}");
        let sealed = folder.run(&flags, "hunter2").ok();
        assert_eq!(recover_raw(&folder, &sealed, "db", "shop", "none"), b"hunter2");
    }
}

#[test]
fn keys_are_read_as_pem_and_as_backups_from_files_and_pipes() {
    let folder = Folder::with_keys();
    let sealed = folder.run("--cert test-only.crt", &secret_as_yaml("db")).ok();
    folder.put("sealed.json", &sealed);
    for keys in [
        "test-only.key",
        "test-only-keys.yaml",
        "test-only-other.key,test-only.key",
        "test-only-other.key --recovery-private-key test-only.key",
    ] {
        let flags = format!("--recovery-unseal --recovery-private-key {keys} --kubeconfig bogus");
        assert_is_the_secret(&objects(&folder.run(&flags, &sealed).ok())[0], "db");
    }
    // As a Go program marshals a typed list: neither the list nor its items say their kind.
    let bare = serde_json::json!({"metadata": {}, "items": [
        {"metadata": {"name": "other"}, "data": {"tls.key": STANDARD.encode(folder.text("test-only-other.key"))}},
        {"metadata": {"name": "right"}, "data": {"tls.key": STANDARD.encode(folder.text("test-only.key"))}},
    ]});
    folder.put("bare.json", &bare.to_string());
    let recovered = folder.run("--recovery-unseal --recovery-private-key bare.json", &sealed);
    assert_is_the_secret(&objects(&recovered.ok())[0], "db");
    let piped = folder.run(
        "--recovery-unseal --recovery-private-key /dev/stdin -f sealed.json",
        &folder.text("test-only-keys.yaml"),
    );
    assert_is_the_secret(&objects(&piped.ok())[0], "db");
}

#[test]
fn the_namespace_comes_from_the_flag_or_the_context() {
    let folder = Folder::with_keys();
    folder.put(
        "kubeconfig",
        "apiVersion: v1\nkind: Config\ncurrent-context: a\ncontexts:\n- {name: a, context: {cluster: c, namespace: \
         from-a}}\n- {name: b, context: {cluster: c}}\nclusters:\n- {name: c, cluster: {server: 'http://127.0.0.1:1'}}\n",
    );
    std::fs::create_dir_all(folder.path(".kube")).unwrap();
    folder.put(
        ".kube/config",
        &folder.text("kubeconfig").replace("from-a", "from-home"),
    );
    let home = folder.path("").display().to_string();
    let (with, home) = ([("KUBECONFIG", "missing:kubeconfig")], [("HOME", home.as_str())]);
    let input = secret_as_yaml("db").replace("  namespace: shop\n", "");
    type Variables<'a> = &'a [(&'a str, &'a str)];
    let cases: [(Variables<'_>, &str, Value); 7] = [
        (&with, "", "from-a".into()),
        (&home, "", "from-home".into()),
        (&[], "--kubeconfig kubeconfig", "from-a".into()),
        (&with, "--context b", "default".into()),
        (&with, "-n said", "said".into()),
        (&[], "-n said", "said".into()),
        (&[], "--scope cluster-wide", Value::Null),
    ];
    for (variables, flags, expected) in cases {
        let flags = format!("--cert test-only.crt {flags}");
        let words: Vec<_> = flags.split_whitespace().collect();
        let sealed = objects(&folder.run_in(variables, &words, input.as_bytes()).ok());
        assert_eq!(sealed[0]["metadata"]["namespace"], expected, "{variables:?} {flags}");
        assert_eq!(sealed[0]["spec"]["template"]["metadata"]["namespace"], expected);
    }
}

#[test]
fn annotations_decide_the_scope_unless_the_flag_says_another() {
    let folder = Folder::with_keys();
    let (namespace_wide, cluster_wide) = (
        "sealedsecrets.bitnami.com/namespace-wide",
        "sealedsecrets.bitnami.com/cluster-wide",
    );
    let input = secret_as_yaml("db").replace("b: '1e3'", &format!("b: '1e3'\n    {namespace_wide}: 'true'"));
    for (flags, expected) in [
        ("", namespace_wide),
        ("--scope strict", namespace_wide),
        ("--scope cluster-wide", cluster_wide),
    ] {
        let sealed = objects(&folder.run(&format!("--cert test-only.crt {flags}"), &input).ok());
        let annotations = sealed[0]["metadata"]["annotations"].as_object().unwrap();
        assert_eq!(annotations.keys().collect::<Vec<_>>(), [expected], "{flags}");
        assert_is_the_secret(&objects(&folder.run(RECOVER, &sealed[0].to_string()).ok())[0], "db");
    }
}
