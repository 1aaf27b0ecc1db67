//! `kubeseal seal`: files, folders and whole repositories.

use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::program::Folder;

pub(crate) const SECRET: &str =
    "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: shop}\nstringData: {password: p}\n";
const MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\ndata: {a: Secret}\n";
pub(crate) const SEAL: &str = "seal --cert test-only.crt ";

/// The Secrets of a sealed file, opened with the test key.
pub(crate) fn recovered(folder: &Folder, sealed: &str) -> Vec<Value> {
    let recover = format!("--recovery-unseal --recovery-private-key test-only.key -f {sealed}");
    serde_json::Deserializer::from_str(&folder.run(&recover, "").ok())
        .into_iter()
        .map(Result::unwrap)
        .collect()
}

/// Makes a file as old as it would be if it had been written so long ago.
pub(crate) fn age(folder: &Folder, name: &str, minutes: u64) {
    let file = std::fs::File::options().write(true).open(folder.path(name)).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(60 * minutes))
        .unwrap();
}

#[test]
fn a_file_is_sealed_into_one_beside_it() {
    let folder = Folder::with_keys();
    folder.put("db.yaml", SECRET);
    let told = folder.run(&format!("{SEAL} db.yaml"), "").ok();
    assert_eq!(told, "sealed db.yaml → db.sealed.yaml\n1 file: 1 sealed\n");
    assert_eq!(folder.text("db.yaml"), SECRET);
    assert_eq!(recovered(&folder, "db.sealed.yaml")[0]["data"]["password"], "cA==");
    let sealed = folder.text("db.sealed.yaml");
    assert!(sealed.starts_with("---\napiVersion: bitnami.com/v1alpha1\n"));
    let key = sealing::cert::SealingCert::from_pem(folder.text("test-only.crt").as_bytes()).unwrap();
    let hint = format!("sealed-secrets-rs/sealed-with: {}", key.public().fingerprint());
    assert_eq!(sealed.matches(&hint).count(), 1, "on the outer metadata only: {sealed}");
    folder.run(&format!("{SEAL} --force --no-key-hint db.yaml"), "").ok();
    assert!(!folder.text("db.sealed.yaml").contains("sealed-with"));
}

#[test]
fn a_repository_is_sealed_and_the_rest_of_it_left_alone() {
    let folder = Folder::with_keys();
    folder.put("repo/a/db.yaml", SECRET);
    folder.put(
        "repo/a/two.yml",
        &format!("{SECRET}---\n{MAP}---\n{}", SECRET.replace("db", "web")),
    );
    folder.put("repo/b/list.json", r#"{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"v1","kind":"Secret","metadata":{"name":"l","namespace":"n"},"data":{"x":"eA=="}}]}"#);
    folder.put("repo/map.yaml", MAP);
    folder.put("repo/values.yaml", "secret: {{ not yaml");
    folder.put("repo/notes.txt", SECRET);
    folder.put("repo/excluded/db.yaml", "kind: Secret\nbroken");
    let told = folder.run(&format!("{SEAL} repo --exclude excluded -o json"), "").ok();
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["summary"], serde_json::json!({"sealed": 3}));
    assert_eq!(told["files"][1]["to"], "repo/a/two.sealed.yml");
    assert_eq!(told["files"][1]["objects"], 2);
    assert_eq!(
        told["files"][1]["details"][0],
        "left alone: document 2, line 6: ConfigMap"
    );
    let names = |file: &str| -> Vec<_> {
        recovered(&folder, file)
            .iter()
            .map(|one| one["metadata"]["name"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(names("repo/a/two.sealed.yml"), ["db", "web"]);
    assert_eq!(names("repo/b/list.sealed.json"), ["l"]);
    assert!(folder.text("repo/b/list.sealed.json").starts_with('{'));
    let written: Vec<_> = folder
        .tree()
        .into_keys()
        .filter(|path| path.to_string_lossy().contains(".sealed."))
        .collect();
    assert_eq!(written.len(), 3);
}

#[test]
fn what_is_sealed_already_does_not_churn() {
    let folder = Folder::with_keys();
    folder.put("db.yaml", SECRET);
    age(&folder, "db.yaml", 10);
    folder.run(&format!("{SEAL} db.yaml"), "").ok();
    let sealed = folder.text("db.sealed.yaml");
    assert_eq!(folder.run(&format!("{SEAL} db.yaml"), "").ok(), "1 file: 1 kept\n");
    assert_eq!(folder.text("db.sealed.yaml"), sealed);
    // An item more, though the clear file seems to be older.
    folder.put("db.yaml", &SECRET.replace("{password: p}", "{password: p, other: o}"));
    age(&folder, "db.yaml", 10);
    folder.run(&format!("{SEAL} db.yaml"), "").ok();
    let other = folder.text("db.sealed.yaml");
    assert_ne!(other, sealed);
    assert!(recovered(&folder, "db.sealed.yaml")[0]["data"].get("other").is_some());
    // Another value, which nobody can see, but the clear file is newer.
    age(&folder, "db.sealed.yaml", 20);
    folder.run(&format!("{SEAL} db.yaml"), "").ok();
    assert_ne!(folder.text("db.sealed.yaml"), other);
    // Another key.
    let told = folder.run("seal --cert test-only-other.crt db.yaml", "").ok();
    assert_eq!(told, "sealed db.yaml → db.sealed.yaml\n1 file: 1 sealed\n");
    // A key that nobody knows, unless nobody wants to.
    folder.run(&format!("{SEAL} --force --no-key-hint db.yaml"), "").ok();
    let told = folder
        .run("seal --cert test-only-other.crt --no-key-hint db.yaml", "")
        .ok();
    assert_eq!(told, "1 file: 1 kept\n");
    let told = folder.run("seal --cert test-only-other.crt db.yaml", "").ok();
    assert_eq!(told, "sealed db.yaml → db.sealed.yaml\n1 file: 1 sealed\n");
}

#[test]
fn values_that_the_clear_file_has_are_sealed_over_those_of_before() {
    let folder = Folder::with_keys();
    for (value, base64) in [("p", "cA=="), ("q", "cQ==")] {
        folder.put(
            "db.yaml",
            &SECRET.replace("{password: p}", &format!("{{password: {value}}}")),
        );
        let told = folder.run(&format!("{SEAL} --delete-clear db.yaml"), "").ok();
        assert_eq!(
            told,
            "sealed and deleted db.yaml → db.sealed.yaml\n1 file: 1 sealed and deleted\n"
        );
        assert_eq!(recovered(&folder, "db.sealed.yaml")[0]["data"]["password"], base64);
    }
}

#[test]
fn a_file_that_fails_is_named_and_the_others_are_done() {
    let folder = Folder::with_keys();
    folder.put("repo/a.yaml", SECRET);
    folder.put("repo/broken.yaml", "apiVersion: v1\nkind: Secret\nmetadata: [\n");
    folder.put("repo/noname.yaml", &SECRET.replace("name: db, ", ""));
    folder.put("repo/taken.yaml", SECRET);
    folder.put("repo/taken.sealed.yaml", MAP);
    let run = folder.run(&format!("{SEAL} repo"), "");
    assert_eq!(run.code, 1);
    assert_eq!(
        run.stdout,
        "sealed repo/a.yaml → repo/a.sealed.yaml\n4 files: 3 failed, 1 sealed\n"
    );
    for fault in [
        "error: repo/broken.yaml, document 1, line ",
        "error: repo/noname.yaml, document 1, line 1: missing metadata.name in input Secret\n",
        "error: repo/taken.sealed.yaml, document 1, line 1: there is a ConfigMap here: a file that holds more than \
         SealedSecrets is not overwritten\n",
    ] {
        assert!(run.stderr.contains(fault), "{}", run.stderr);
    }
    assert_eq!(folder.text("repo/taken.sealed.yaml"), MAP);
}

#[test]
fn nothing_to_seal_is_an_error() {
    let folder = Folder::with_keys();
    folder.put("repo/map.yaml", MAP);
    let run = folder.run(&format!("{SEAL} repo"), "");
    assert_eq!(
        (run.code, run.stderr.as_str()),
        (
            1,
            "error: there is no Secret in repo\nhint: name the folder or the files that hold them\n"
        )
    );
    let run = folder.run(&format!("{SEAL} nowhere"), "");
    assert_eq!(
        (run.code, run.stderr.as_str()),
        (1, "error: open nowhere: no such file or directory\n")
    );
}

#[test]
fn clear_files_go_when_their_sealed_ones_are_there_and_not_before() {
    let folder = Folder::with_keys();
    folder.put("repo/a.yaml", SECRET);
    folder.put("repo/mixed.yaml", &format!("{SECRET}---\n{MAP}"));
    folder.put("repo/broken.yaml", "kind: Secret\nmetadata: [\n");
    folder.put("repo/kept.yaml", SECRET);
    age(&folder, "repo/kept.yaml", 10);
    folder.run(&format!("{SEAL} repo/kept.yaml"), "").ok();
    let before = folder.text("repo/kept.sealed.yaml");
    let run = folder.run(&format!("{SEAL} repo --delete-clear"), "");
    assert_eq!(run.code, 1);
    assert!(
        run.stdout.ends_with("4 files: 2 failed, 2 sealed and deleted\n"),
        "{}",
        run.stdout
    );
    let left: Vec<_> = folder
        .tree()
        .into_keys()
        .filter(|path| path.starts_with("repo"))
        .collect();
    let left: Vec<_> = left.iter().map(|path| path.to_str().unwrap()).collect();
    assert_eq!(
        left,
        [
            "repo/a.sealed.yaml",
            "repo/broken.yaml",
            "repo/kept.sealed.yaml",
            "repo/mixed.yaml"
        ]
    );
    // What is deleted has been sealed in the same run.
    assert_ne!(folder.text("repo/kept.sealed.yaml"), before);
    assert_eq!(recovered(&folder, "repo/a.sealed.yaml")[0]["data"]["password"], "cA==");
    assert!(
        run.stderr
            .contains("there is a ConfigMap here: a file that holds more than Secrets is not deleted")
    );
}

#[cfg(unix)]
#[test]
fn a_symlink_to_a_clear_file_is_not_mistaken_for_it() {
    let folder = Folder::with_keys();
    folder.put("elsewhere/db.yaml", SECRET);
    std::os::unix::fs::symlink("elsewhere/db.yaml", folder.path("db.yaml")).unwrap();
    let run = folder.run(&format!("{SEAL} --delete-clear db.yaml"), "");
    assert!(
        run.code == 1 && run.stderr.starts_with("error: db.yaml: it is a symlink"),
        "{}",
        run.stderr
    );
    assert_eq!(folder.text("elsewhere/db.yaml"), SECRET);
    assert!(folder.path("db.yaml").is_symlink());
}

#[test]
fn sealed_files_can_go_to_another_folder() {
    let folder = Folder::with_keys();
    folder.put("clear/shop/db.yaml", SECRET);
    folder.put("clear/db.yaml", SECRET);
    folder.run(&format!("{SEAL} clear --out sealed/here"), "").ok();
    assert!(
        folder.path("sealed/here/shop/db.sealed.yaml").exists() && folder.path("sealed/here/db.sealed.yaml").exists()
    );
    assert!(!folder.path("clear/db.sealed.yaml").exists());
    let before = folder.tree();
    let run = folder.run(&format!("{SEAL} clear/db.yaml clear/shop/db.yaml --out other"), "");
    assert!(
        run.stderr
            .starts_with("error: clear/db.yaml and clear/shop/db.yaml would both be written to other/db.sealed.yaml\n")
    );
    assert_eq!(folder.tree(), before);
}

#[test]
fn check_is_content_where_all_clear_files_are_gone() {
    let folder = Folder::with_keys();
    folder.put(
        "clear/db.yaml",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: shop}\nstringData: {p: p}\n",
    );
    folder
        .run(&format!("{SEAL} clear --delete-clear --out sealed"), "")
        .ok();
    let told = folder.run("seal --check clear --out sealed", "").ok();
    assert_eq!(told, "0 files: there is nothing to compare\n");
    let json = folder.run("seal --check clear --out sealed -o json", "").ok();
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&json).unwrap()["files"],
        serde_json::json!([])
    );
    for wrong in ["seal --check cleer", "seal --check clear/db.yaml", "seal --check cl*"] {
        assert_eq!(folder.run(wrong, "").code, 1, "{wrong}");
    }
    assert_eq!(folder.run(&format!("{SEAL} clear"), "").code, 1);
}

#[test]
fn check_says_what_is_sealed_with_another_key() {
    let folder = Folder::with_keys();
    folder.put("db.yaml", SECRET);
    folder.run(&format!("{SEAL} db.yaml"), "").ok();
    let other = "same db.yaml → db.sealed.yaml\n  shop/db: by its key hint not sealed with the certificate's key: with an older one of \
                 the cluster (kubeseal reseal), or for another cluster\n1 file: 1 same\n";
    let same = "1 file: 1 same\n";
    for (flags, told) in [
        ("", same),
        ("--cert test-only.crt", same),
        ("--cert test-only-other.crt", other),
        ("--cert nowhere.crt", same),
    ] {
        let run = folder.run(&format!("seal --check {flags} db.yaml"), "");
        assert_eq!(run.ok(), told, "{flags}");
    }
    for (cert, told) in [("test-only.crt", same), ("test-only-other.crt", other)] {
        folder.put(".kubeseal.yaml", &format!("clusters: {{prod: {{cert: {cert}}}}}\n"));
        assert_eq!(folder.run("seal --check db.yaml", "").ok(), told);
    }
    folder.run(&format!("{SEAL} --force --no-key-hint db.yaml"), "").ok();
    assert_eq!(folder.run("seal --check db.yaml", "").ok(), same);
}

#[test]
fn check_compares_names_items_type_labels_and_scope_without_a_certificate() {
    let folder = Folder::with_keys();
    let clear = "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: shop, labels: {a: b}}\nstringData: {password: p}\n";
    folder.put("db.yaml", clear);
    let missing = folder.run("seal --check db.yaml", "");
    assert_eq!(
        (missing.code, missing.stdout.as_str(), missing.stderr.as_str()),
        (
            1,
            "differs db.yaml → db.sealed.yaml\n  there is no such file\n1 file: 1 differs\n",
            "error: 1 of the clear files differ from their sealed ones\nhint: kubeseal seal db.yaml seals what differs\n"
        )
    );
    folder.run(&format!("{SEAL} db.yaml"), "").ok();
    assert_eq!(folder.run("seal --check db.yaml", "").ok(), "1 file: 1 same\n");
    folder.put("db.yaml", &clear.replace("password: p", "password: another value"));
    folder.run("seal --check db.yaml", "").ok();
    for (change, expected) in [
        (("name: db", "name: web"), "shop/web: it is not sealed"),
        (
            ("name: db", "name: web"),
            "shop/db: it is sealed, and not in the clear file (--prune removes it)",
        ),
        (("{password: p}", "{user: p}"), "shop/db: item user is not in it"),
        (("a: b", "a: c"), "shop/db: label a has another value in it"),
        (
            ("stringData", "type: kubernetes.io/tls\nstringData"),
            "shop/db: it has no type, the Secret's is kubernetes.io/tls",
        ),
    ] {
        folder.put("db.yaml", &clear.replace(change.0, change.1));
        let run = folder.run("seal --check db.yaml", "");
        assert!(run.code == 1 && run.stdout.contains(expected), "{}", run.stdout);
    }
    folder.put("db.yaml", clear);
    let run = folder.run("seal --check --scope cluster-wide db.yaml", "");
    assert!(
        run.stdout
            .contains("shop/db: its scope is strict, and cluster-wide is wanted"),
        "{}",
        run.stdout
    );
    let before = folder.tree();
    folder.run("seal --check db.yaml -o json", "").ok();
    assert_eq!(folder.tree(), before);
}
