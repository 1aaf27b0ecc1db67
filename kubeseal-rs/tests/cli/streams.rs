//! `-` and process substitution in place of a file: the result goes to stdout, and no file is made.

use crate::program::Folder;

const CERT: &str = "--cert test-only.crt";
const KEYS: &str = "--recovery-private-key test-only-keys.yaml";
const SECRET: &str = "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: shop}\nstringData: {password: p}\n";

#[test]
fn every_verb_reads_stdin() {
    let folder = Folder::with_keys();
    folder.put("value", "new");
    let before = folder.tree();
    let others = format!("kind: ConfigMap\napiVersion: v1\n---\n{SECRET}");
    let sealed = folder.run(&format!("seal {CERT} -"), &others).ok();
    assert!(
        sealed.contains("kind: SealedSecret") && !sealed.contains("ConfigMap"),
        "{sealed}"
    );
    let json = folder.run(&format!("seal {CERT} -o json -"), SECRET).ok();
    assert!(json.starts_with('{'), "{json}");

    let clear = folder.run(&format!("unseal {KEYS} -"), &sealed).ok();
    assert!(clear.contains("password: cA=="), "{clear}");
    let kept = folder.run(&format!("reseal {KEYS} {CERT} -"), &sealed).ok();
    assert_eq!(kept, sealed);
    let old = folder
        .run("seal --cert test-only-other.crt --no-key-hint -", SECRET)
        .ok();
    let resealed = folder.run(&format!("reseal {KEYS} {CERT} --no-key-hint -"), &old).ok();
    assert!(resealed != old && resealed.len() == old.len(), "{resealed}");
    let due = folder.run(&format!("reseal {KEYS} {CERT} --check -"), &old);
    assert_eq!(due.code, 1, "{}", due.stdout);

    let set = folder
        .run(&format!("set {CERT} --from-file value - second"), &sealed)
        .ok();
    assert!(set.contains("second: AQ") && set.starts_with("---\n"), "{set}");
    let renamed = folder.run("rename - second third", &set).ok();
    let unset = folder.run("unset - third", &renamed).ok();
    assert!(renamed.contains("third: AQ") && !unset.contains("third:"), "{unset}");
    folder.run("lint -", &sealed).ok();
    let told = folder.run(&format!("doctor --offline {KEYS} -"), &sealed).ok();
    assert!(told.contains("shop/db"), "{told}");
    assert_eq!(folder.tree(), before);
}

#[test]
fn what_needs_a_place_is_refused() {
    let folder = Folder::with_keys();
    let before = folder.tree();
    for (line, expected) in [
        ("seal --cert test-only.crt --check -", "--check is for files"),
        ("seal --cert test-only.crt --out x -", "--out is for files"),
        (
            "seal --cert test-only.crt --delete-clear /dev/stdin",
            "--delete-clear is for files",
        ),
        ("seal --cert test-only.crt - test-only.crt", "read alone"),
        (
            "unseal --recovery-private-key test-only.key --beside -",
            "--beside is for files",
        ),
        ("edit --cert test-only.crt -", "edit is for files"),
        ("set --cert test-only.crt - key", "cannot both come from stdin"),
    ] {
        let run = folder.run(line, SECRET);
        assert!(run.code == 2 && run.stderr.contains(expected), "{line}: {}", run.stderr);
    }
    assert_eq!(folder.tree(), before);
}

#[cfg(target_os = "linux")]
#[test]
fn a_pipe_under_a_files_name_is_a_stream() {
    let folder = Folder::with_keys();
    let before = folder.tree();
    let sealed = folder.run(&format!("seal {CERT} /dev/stdin"), SECRET).ok();
    assert!(sealed.contains("kind: SealedSecret"), "{sealed}");
    for line in [
        format!("unseal {KEYS} /dev/stdin"),
        format!("reseal {KEYS} {CERT} /dev/fd/0"),
        "lint /dev/stdin".to_owned(),
        format!("doctor --offline {KEYS} /proc/self/fd/0"),
        "unset /dev/stdin password".to_owned(),
    ] {
        let told = folder.run(&line, &sealed).ok();
        assert!(!told.is_empty(), "{line}");
    }
    assert_eq!(folder.tree(), before);
}
