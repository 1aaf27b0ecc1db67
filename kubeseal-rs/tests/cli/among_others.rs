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
    let config_map = r#"{"kind": "ConfigMap", "apiVersion": "v1", "data": {"a": "x"}}"#;
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
