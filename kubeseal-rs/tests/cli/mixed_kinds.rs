//! SealedSecrets in a file with objects of other kinds, as GitOps repositories have them: the modes that open, ask about or
//! renew SealedSecrets mean these, and leave the others alone.

use crate::items::{CERT, file, opened};
use crate::program::Folder;

const OPEN: &str = "--recovery-unseal --recovery-private-key test-only.key";

#[test]
fn what_is_recovered_are_the_secrets() {
    let folder = Folder::with_keys();
    let text = file(&folder);
    assert!(text.contains("kind: ConfigMap"));
    let clear = folder.run(&format!("{OPEN} -f sealed.yaml"), "").ok();
    assert_eq!(
        (clear.matches("\"Secret\"").count(), clear.contains("ConfigMap")),
        (2, false),
        "{clear}"
    );
    // The other kind first, and in a List.
    let cut = text.find("kind: ConfigMap").unwrap();
    let behind = text[cut..].replace("\r\n---\r\n", "\n---\n");
    assert_eq!(
        folder
            .run(&format!("{OPEN} -o yaml"), &behind)
            .ok()
            .matches("kind: Secret")
            .count(),
        1
    );
    let config_map = r#"{"kind": "ConfigMap", "apiVersion": "v1", "data": {"a": "x", "a": "y"}}"#;
    let sealed = folder.run(CERT, r#"{"kind": "Secret", "apiVersion": "v1", "metadata": {"name": "a", "namespace": "b"}, "stringData": {"p": "in a list"}}"#).ok();
    folder.put(
        "list.json",
        &format!("{{\"kind\": \"List\", \"items\": [{config_map}, {sealed}]}}"),
    );
    let clear = folder.run(&format!("{OPEN} -f list.json"), "").ok();
    assert!(
        clear.contains("aW4gYSBsaXN0") && !clear.contains("ConfigMap"),
        "{clear}"
    );
    let before = folder.text("list.json");
    folder.run(&format!("set {CERT} list.json p"), "new").ok();
    let now = folder.text("list.json");
    assert!(now != before && now.contains(config_map), "{now}");
    let lint = folder.run("lint list.json", "");
    assert!(lint.code == 0 && lint.stdout.contains("other-kind"), "{}", lint.stdout);
    assert_eq!(opened(&folder, "sealed.yaml").len(), 3);
}

#[test]
fn the_controller_is_asked_about_the_sealed_ones() {
    let folder = Folder::with_keys();
    let before = file(&folder);
    for mode in ["--validate", "--re-encrypt"] {
        let run = folder.run(&format!("{mode} -f sealed.yaml --server http://127.0.0.1:1"), "");
        assert!(
            run.stderr.contains("cannot reach the API server"),
            "{mode}: {}",
            run.told
        );
    }
    assert_eq!(folder.text("sealed.yaml"), before);
}

#[test]
fn a_file_without_any_is_refused() {
    let folder = Folder::with_keys();
    let others = "kind: ConfigMap\napiVersion: v1\n---\nkind: Secret\napiVersion: v1\n";
    for mode in [
        OPEN,
        "--validate --server http://127.0.0.1:1",
        "--re-encrypt --server http://127.0.0.1:1",
    ] {
        let run = folder.run(mode, others);
        assert_eq!((run.code, run.stdout.as_str()), (1, ""), "{mode}");
        let expected = "error: stdin, document 1, line 1: expected a SealedSecret (bitnami.com/v1alpha1) but found ConfigMap (v1)\n";
        assert!(run.stderr.starts_with(expected), "{mode}: {}", run.told);
    }
}

/// Objects of other kinds that a strict reader refuses.
const OTHERS: &str = "kind: StatefulSet\nspec:\n  a: 1\n  a: 2\n---\nkind: Rule\nlimit: .inf\nx: !custom y\n---\n- just\n- a list\n---\n";
const SECRET: &str = "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: shop}\nstringData: {password: p}\n";

#[test]
fn broken_objects_of_other_kinds_stay_as_they_are() {
    let folder = Folder::with_keys();
    let sealed = folder.run("--cert test-only-other.crt -o yaml", SECRET).ok();
    let text = format!("{OTHERS}{sealed}---\n{OTHERS}");
    folder.put("repo/db.yaml", &text);
    let keys = "--recovery-private-key test-only-keys.yaml";
    assert_eq!(
        folder
            .run(&format!("reseal {keys} --cert test-only.crt --no-key-hint repo"), "")
            .ok(),
        "resealed repo/db.yaml\n  shop/db: password\n1 file: 1 resealed\n"
    );
    folder.run("set --cert test-only.crt repo/db.yaml other", "x").ok();
    folder.run("rename repo/db.yaml other third", "").ok();
    folder.run("unset repo/db.yaml third", "").ok();
    let after = folder.text("repo/db.yaml");
    assert!(
        after.starts_with(OTHERS) && after.ends_with(&format!("---\n{OTHERS}")),
        "{after}"
    );
    assert!(folder.run(&format!("unseal {keys} repo"), "").ok().contains("password"));
    folder.put("clear/db.yaml", &format!("{OTHERS}{SECRET}"));
    folder.run("seal --cert test-only.crt clear/db.yaml", "").ok();
    let lint = folder.run("lint repo", "").ok();
    assert_eq!(lint.matches("note[other-kind]: not judged").count(), 6, "{lint}");
}

#[test]
fn a_key_given_twice_in_another_object_of_a_json_stream_blocks_nothing() {
    let folder = Folder::with_keys();
    let other = "{\"kind\": \"StatefulSet\", \"spec\": {\"a\": 1, \"a\": 2}}\n";
    let sealed = folder.run("--cert test-only-other.crt", SECRET).ok();
    folder.put("repo/db.json", &format!("{other}{sealed}{other}"));
    let keys = "--recovery-private-key test-only-keys.yaml";
    assert_eq!(
        folder
            .run(&format!("reseal {keys} --cert test-only.crt --no-key-hint repo"), "")
            .ok(),
        "resealed repo/db.json\n  shop/db: password\n1 file: 1 resealed\n"
    );
    folder.run("set --cert test-only.crt repo/db.json other", "x").ok();
    let after = folder.text("repo/db.json");
    assert!(after.starts_with(other) && after.ends_with(other), "{after}");
    let lint = folder.run("lint repo", "").ok();
    assert_eq!(lint.matches("note[other-kind]: not judged").count(), 2, "{lint}");
    let clear = r#"{"kind": "Secret", "apiVersion": "v1", "metadata": {"name": "a", "namespace": "b"}, "data": {"p": "", "p": ""}}"#;
    let run = folder.run(&format!("{CERT} --only-secrets"), &format!("{other}{clear}"));
    assert!(
        run.code == 1 && run.stderr.contains("stdin, document 2, line 2"),
        "{}",
        run.stderr
    );
}

#[test]
fn what_may_be_ours_is_judged_strictly() {
    let folder = Folder::with_keys();
    for text in [
        "kind: StatefulSet\nkind: Secret\nstringData: {a: clear}\n",
        "kind: List\nitems: [{kind: Secret, stringData: {a: clear, a: clear}}]\n",
        "x: &m {kind: Secret, stringData: {a: clear}}\n<<: *m\na: 1\na: 2\n",
    ] {
        folder.put("repo/db.yaml", text);
        let lint = folder.run("lint repo", "");
        assert!(
            lint.code == 1 && lint.stdout.contains("error[duplicate-key]"),
            "{text}: {}",
            lint.stdout
        );
    }
}

#[test]
fn only_the_secrets_of_a_stream_are_sealed() {
    let folder = Folder::with_keys();
    let stream = format!("kind: ConfigMap\napiVersion: v1\n---\n{OTHERS}{SECRET}");
    let refused = folder.run(CERT, "kind: ConfigMap\napiVersion: v1\n");
    assert!(
        refused.stderr.contains("hint: kubeseal --only-secrets"),
        "{}",
        refused.stderr
    );
    let sealed = folder.run(&format!("{CERT} --only-secrets -o yaml"), &stream).ok();
    assert_eq!(
        (sealed.matches("kind:").count(), sealed.contains("kind: SealedSecret")),
        (1, true),
        "{sealed}"
    );
    let none = folder.run(&format!("{CERT} --only-secrets"), "kind: ConfigMap\napiVersion: v1\n");
    assert_eq!(
        (none.code, none.stdout.as_str(), none.stderr.as_str()),
        (1, "", "error: stdin: there is no Secret in it\n")
    );
}

#[test]
fn a_secret_without_its_api_version_is_told_which() {
    let folder = Folder::with_keys();
    let secret = "kind: Secret\nmetadata: {name: db, namespace: shop}\nstringData: {p: v}\n";
    let run = folder.run("--cert test-only.crt", secret);
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("`apiVersion: v1`"), "{}", run.told);
    folder
        .run("--cert test-only.crt", &format!("apiVersion: v1\n{secret}"))
        .ok();
}
