//! The files that the command lines read.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use harness::implementation::NAMESPACE;
use serde_json::{Value, json};

/// A Secret as people write it, with an item of this name and clear text.
fn secret(name: &str, item: &str, value: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: {name}\n  namespace: shop\ntype: Opaque\nstringData:\n  {item}: {value}\n"
    )
}

fn annotated(annotations: &str) -> String {
    secret("db", "password", "hunter2").replace(
        "namespace: shop\n",
        &format!("namespace: shop\n  annotations: {annotations}\n"),
    )
}

const NAMESPACE_WIDE: &str = "sealedsecrets.bitnami.com/namespace-wide: 'true'";
const CLUSTER_WIDE: &str = "sealedsecrets.bitnami.com/cluster-wide: 'true'";

const JSON: &str = r#"{"apiVersion":"v1","kind":"Secret","metadata":{"name":"db","namespace":"shop"},"data":{"password":"aHVudGVyMg=="}}"#;

/// What can be written down: a name and its text.
type File = (&'static str, String);

fn clear() -> BTreeMap<&'static str, String> {
    let all = [streams(), metadata(), items(), broken(), others()];
    all.into_iter().flatten().collect()
}

fn db() -> String {
    secret("db", "password", "hunter2")
}

/// The Secret with this body.
fn with_data(body: &str) -> String {
    format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: db, namespace: shop}}\n{body}")
}

/// One Secret or several, in each shape that a file can have.
fn streams() -> Vec<File> {
    let db = db();
    vec![
        ("db.yaml", db.clone()),
        ("db.json", JSON.to_owned()),
        ("two.yaml", format!("{db}---\n{}", secret("cache", "token", "abc"))),
        ("two.json", format!("{JSON}\n{}", JSON.replace("\"db\"", "\"cache\""))),
        (
            "mixed.yaml",
            format!(
                "# first\n---\n{db}---\n---\n# nothing\n---\n{}---\n",
                secret("cache", "token", "abc")
            ),
        ),
        (
            "list.yaml",
            format!(
                "apiVersion: v1\nkind: List\nitems:\n- {}\n",
                db.replace('\n', "\n  ").trim_end()
            ),
        ),
        ("crlf.yaml", db.replace('\n', "\r\n")),
        ("bom.yaml", format!("\u{feff}{db}")),
    ]
}

/// Names, scopes and other metadata.
fn metadata() -> Vec<File> {
    let db = db();
    let without_namespace = db.replace("  namespace: shop\n", "");
    vec![
        ("no-name.yaml", db.replace("  name: db\n", "")),
        ("no-namespace.yaml", without_namespace.clone()),
        ("no-namespace-two.yaml", format!("{without_namespace}---\n{without_namespace}")),
        ("namespace-wide.yaml", annotated(&format!("{{{NAMESPACE_WIDE}}}"))),
        ("cluster-wide.yaml", annotated(&format!("{{{CLUSTER_WIDE}, a: b}}"))),
        ("both-wide.yaml", annotated(&format!("{{{NAMESPACE_WIDE}, {CLUSTER_WIDE}}}"))),
        ("not-quite-wide.yaml", annotated("{sealedsecrets.bitnami.com/cluster-wide: 'True'}")),
        ("cluster-wide-nowhere.yaml", annotated(&format!("{{{CLUSTER_WIDE}}}")).replace("  namespace: shop\n", "")),
        ("labels.yaml", db.replace("  name: db\n", "  name: db\n  labels: {app: web, tier: '1'}\n")),
        ("typed.yaml", db.replace("Opaque", "kubernetes.io/basic-auth") + "immutable: true\n"),
        ("untyped.yaml", db.replace("type: Opaque\n", "")),
        ("server-fields.yaml", db.replace("  name: db\n", "  name: db\n  uid: abc\n  resourceVersion: '1'\n  generation: 3\n  \
            creationTimestamp: '2024-01-01T00:00:00Z'\n  selfLink: /x\n  ownerReferences: [{apiVersion: v1, kind: Pod, name: p, uid: u}]\n  \
            annotations: {kubectl.kubernetes.io/last-applied-configuration: '{}', keep: me}\n")),
        ("null-timestamp.yaml", db.replace("  name: db\n", "  name: db\n  creationTimestamp: null\n")),
        ("finalizers.yaml", db.replace("  name: db\n", "  name: db\n  finalizers: [example.org/f]\n")),
        ("generate-name.yaml", db.replace("  name: db\n", "  name: db\n  generateName: db-\n")),
    ]
}

/// Items, by value.
fn items() -> Vec<File> {
    vec![
        (
            "both-data.yaml",
            with_data("data: {a: YQ==, b: Yg==}\nstringData: {b: over, c: text}\n"),
        ),
        ("null-value.yaml", with_data("data: {a: null}\nstringData: {b: x}\n")),
        ("empty-value.yaml", with_data("data: {a: ''}\nstringData: {b: ''}\n")),
        ("no-items.yaml", with_data("data: {}\n")),
        (
            "wrapped-base64.yaml",
            with_data("data:\n  a: |\n    aHVudGVy\n    Mg==\n"),
        ),
        ("url-base64.yaml", with_data("data: {a: _-__}\n")),
        ("unpadded.yaml", with_data("data: {a: aHVudGVyMg}\n")),
        ("not-base64.yaml", with_data("data: {a: not base64}\n")),
        ("number.yaml", with_data("stringData: {port: 5432}\n")),
        ("boolean.yaml", with_data("stringData: {on-or-off: yes}\n")),
        ("octal.yaml", with_data("stringData: {mode: 0777}\n")),
        (
            "block.yaml",
            with_data("stringData:\n  file: |\n    line one\n    line two\n"),
        ),
        ("unicode.yaml", with_data("stringData: {p: 'pässwörd 密碼 🔑'}\n")),
        (
            "odd-items.yaml",
            with_data("stringData: {a.b_c-D: x, 'looks: odd': 'y', '9': z}\n"),
        ),
    ]
}

/// Files that one program or the other refuses.
fn broken() -> Vec<File> {
    let db = db();
    vec![
        ("odd-name.yaml", db.replace("name: db", "name: 'A/b c'")),
        ("anchors.yaml", with_data("stringData: {a: &v same, b: *v}\n")),
        ("upper-case.yaml", db.replace("stringData:", "STRINGDATA:")),
        ("unknown-field.yaml", db.clone() + "extra: 1\n"),
        ("duplicate-key.yaml", db.clone() + "  password: other\n"),
        (
            "duplicate-key.json",
            JSON.replace("{\"password\"", "{\"password\":\"b3RoZXI=\",\"password\""),
        ),
        ("configmap.yaml", db.replace("kind: Secret", "kind: ConfigMap")),
        ("kindless.yaml", db.replace("kind: Secret\n", "")),
        ("garbage.txt", "this is no object\n".to_owned()),
        ("garbage-first.yaml", format!("this is no object\n---\n{db}")),
        ("garbage-last.yaml", format!("{db}---\nthis is: [no object\n")),
        ("truncated.json", JSON[..60].to_owned()),
        ("array.json", format!("[{JSON}]")),
        (
            "second-bad.yaml",
            format!("{db}---\n{}", db.replace("  name: db\n", "")),
        ),
        ("empty.yaml", String::new()),
        ("comments.yaml", "# nothing\n---\n# here\n".to_owned()),
    ]
}

/// Files beside Secrets.
fn others() -> Vec<File> {
    vec![
        ("more.yaml", secret("db", "token", "abc")),
        ("more.json", JSON.replace("\"password\"", "\"token\"")),
        (
            "more-labels.yaml",
            secret("db", "token", "abc").replace("  name: db\n", "  name: db\n  labels: {new: label}\n"),
        ),
        ("value.txt", "hunter2".to_owned()),
        ("value-newline.txt", "hunter2\n".to_owned()),
        ("not-a-cert.pem", "hello\n".to_owned()),
        ("kubeconfig", KUBECONFIG.to_owned()),
        ("broken-kubeconfig", "this: [is\n".to_owned()),
        ("old.yaml", "old\n".to_owned()),
        ("old.json", "{}\n".to_owned()),
    ]
}

/// A context with a namespace, one without, and the address of a server that does not exist.
const KUBECONFIG: &str = "apiVersion: v1\nkind: Config\ncurrent-context: a\nclusters:\n- {name: c, cluster: {server: 'http://127.0.0.1:1'}}\n\
    contexts:\n- {name: a, context: {cluster: c, namespace: from-a}}\n- {name: b, context: {cluster: c}}\n";

/// Writes them all, and the test keys beside them.
pub(crate) fn write(folder: &Path) -> Result<()> {
    for (name, text) in clear() {
        fs::write(folder.join(name), text)?;
    }
    fs::write(folder.join("binary.bin"), [0, 255, 254, 10, 13, 0])?;
    let keys = Path::new(env!("CARGO_MANIFEST_DIR")).join("../kubeseal-rs/tests/fixtures");
    for (fixture, name) in [
        ("test-only.key", "key.pem"),
        ("test-only.crt", "cert.pem"),
        ("test-only-other.key", "other.key"),
        ("test-only-other.crt", "other.pem"),
        ("test-only-keys.yaml", "keys.yaml"),
        ("test-only-ec.crt", "ec.pem"),
        ("test-only-expired.crt", "expired.pem"),
    ] {
        fs::copy(keys.join(fixture), folder.join(name))?;
    }
    let read = |name: &str| fs::read(folder.join(name));
    fs::write(
        folder.join("chain.pem"),
        [read("cert.pem")?, read("expired.pem")?].concat(),
    )?;
    fs::set_permissions(folder.join("old.yaml"), fs::Permissions::from_mode(0o644))?;
    symlink("old.json", folder.join("link.json"))?;
    Ok(fs::create_dir(folder.join("folder"))?)
}

/// The sealed files that the lines read: name, what is sealed, and the flags. The reference seals them, once.
pub(crate) const SEALED: &[(&str, &str, &str)] = &[
    ("sealed.json", "db.json", "--cert cert.pem"),
    ("sealed.yaml", "db.yaml", "--cert cert.pem -o yaml"),
    ("sealed-two.yaml", "two.yaml", "--cert cert.pem -o yaml"),
    ("sealed-two.json", "two.json", "--cert cert.pem"),
    ("sealed-labels.yaml", "labels.yaml", "--cert cert.pem -o yaml"),
    (
        "sealed-namespace-wide.yaml",
        "namespace-wide.yaml",
        "--cert cert.pem -o yaml",
    ),
    ("sealed-cluster-wide.json", "cluster-wide.yaml", "--cert cert.pem"),
    ("sealed-both-data.yaml", "both-data.yaml", "--cert cert.pem -o yaml"),
    ("sealed-empty-value.json", "empty-value.yaml", "--cert cert.pem"),
    ("sealed-typed.yaml", "typed.yaml", "--cert cert.pem -o yaml"),
    ("sealed-for-another.json", "db.json", "--cert other.pem"),
];

/// The Secret that makes the test key the controller's.
pub(crate) fn key_secret(folder: &Path) -> Result<Value> {
    let encoded = |name: &str| -> Result<String> { Ok(STANDARD.encode(fs::read(folder.join(name))?)) };
    Ok(json!({
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
        "metadata": {
            "name": "sealed-secrets-key-test", "namespace": NAMESPACE,
            "labels": {"sealedsecrets.bitnami.com/sealed-secrets-key": "active"},
        },
        "data": {"tls.crt": encoded("cert.pem")?, "tls.key": encoded("key.pem")?},
    }))
}
