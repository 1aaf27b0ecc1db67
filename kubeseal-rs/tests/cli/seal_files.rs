//! `kubeseal seal`.

use crate::program::Folder;

const SECRET: &str = "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: shop}\nstringData: {password: p}\n";

#[test]
fn a_file_is_sealed_into_one_beside_it() {
    let folder = Folder::with_keys();
    folder.put("db.yaml", SECRET);
    assert_eq!(folder.run("seal --cert test-only.crt db.yaml", "").ok(), "");
    assert_eq!(folder.text("db.yaml"), SECRET);
    let recover = "--recovery-unseal --recovery-private-key test-only.key -f db.sealed.yaml";
    assert!(folder.run(recover, "").ok().contains("\"password\": \"cA==\""));
}

#[test]
fn nothing_is_written_when_one_of_the_files_is_wrong() {
    let folder = Folder::with_keys();
    folder.put("db.yaml", SECRET);
    folder.put("web.yaml", "kind: Secret");
    let before = folder.listing();
    let run = folder.run("seal --cert test-only.crt db.yaml web.yaml", "");
    assert_eq!((run.code, run.stdout.as_str()), (1, ""));
    assert!(run.stderr.starts_with("error: web.yaml, document 1"), "{}", run.stderr);
    assert_eq!(folder.listing(), before);
}
