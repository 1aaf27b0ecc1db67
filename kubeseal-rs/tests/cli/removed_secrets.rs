//! `kubeseal seal`: whole Secrets that the clear file has no more.

use crate::items::CERT;
use crate::program::Folder;
use crate::seal_files::{SEAL, SECRET, recovered};

fn names(folder: &Folder, sealed: &str) -> Vec<String> {
    let name = |one: &serde_json::Value| one["metadata"]["name"].as_str().unwrap().to_owned();
    recovered(folder, sealed).iter().map(name).collect()
}

#[test]
fn removed_secret_is_named_and_pruned() {
    let folder = Folder::with_keys();
    let other = |name: &str| SECRET.replace("name: db", &format!("name: {name}"));
    folder.put("all.yaml", &[SECRET, &other("web"), &other("last")].join("---\n"));
    folder.run(&format!("{SEAL} all.yaml"), "").ok();
    let map = "# kept\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\n";
    let sealed = folder.text("all.sealed.yaml");
    let sealed = sealed.replacen("---\napiVersion", &format!("---\n{map}---\napiVersion"), 1);
    folder.put("all.sealed.yaml", &sealed);
    for (left, removed) in [(vec!["db", "last"], "web"), (vec!["last"], "db")] {
        let clear: Vec<_> = left.iter().map(|name| other(name)).collect();
        folder.put("all.yaml", &clear.join("---\n"));
        let before = folder.text("all.sealed.yaml");
        let check = folder.run("seal --check all.yaml", "");
        assert_eq!(
            (check.code, check.stdout),
            (
                1,
                format!(
                    "differs all.yaml → all.sealed.yaml\n  shop/{removed}: it is sealed, and not in the clear file (--prune removes \
                     it)\n1 file: 1 differs\n"
                )
            )
        );
        let refused = folder.run(&format!("{SEAL} all.yaml"), "");
        assert_eq!(
            refused.told,
            format!(
                "exit 1\nerror: all.sealed.yaml: it has SealedSecrets that all.yaml lacks: shop/{removed}\nhint: nothing was written: \
                 kubeseal seal --prune --cert test-only.crt all.yaml removes them; kubeseal --merge-into all.sealed.yaml -f all.yaml \
                 --cert test-only.crt keeps them\n"
            )
        );
        assert_eq!(folder.text("all.sealed.yaml"), before);
        let told = folder.run(&format!("{SEAL} --prune all.yaml"), "").ok();
        assert_eq!(
            told,
            format!(
                "sealed all.yaml → all.sealed.yaml\n  removed: shop/{removed}, which is not in the clear file\n1 file: 1 sealed\n"
            )
        );
        let now = folder.text("all.sealed.yaml");
        assert!(now.contains(map), "{now}");
        assert_eq!(names(&folder, "all.sealed.yaml"), left);
        folder.run("seal --check all.yaml", "").ok();
    }
}

#[test]
fn removed_secret_stays_where_no_clear_file_does() {
    let folder = Folder::with_keys();
    folder.put(
        "db.yaml",
        &format!("{SECRET}---\n{}", SECRET.replace("name: db", "name: web")),
    );
    folder.run(&format!("{SEAL} --delete-clear db.yaml"), "").ok();
    folder.put("db.yaml", SECRET);
    let told = folder.run(&format!("{SEAL} --delete-clear db.yaml"), "").ok();
    assert!(
        told.contains("  left alone: shop/web is sealed, and not in the clear file\n"),
        "{told}"
    );
    assert_eq!(names(&folder, "db.sealed.yaml"), ["db", "web"]);
}

#[test]
fn removed_secret_of_a_list_is_left_to_a_person() {
    let folder = Folder::with_keys();
    let secret = |name: &str| SECRET.replace("name: db", &format!("name: {name}"));
    let sealed = |name: &str| folder.run(CERT, &secret(name)).ok();
    let list = format!(
        "{{\"apiVersion\": \"v1\", \"kind\": \"List\", \"items\": [{}, {}]}}\n",
        sealed("db"),
        sealed("web")
    );
    folder.put("db.sealed.yaml", &list);
    folder.put("db.yaml", SECRET);
    let run = folder.run(&format!("{SEAL} --prune db.yaml"), "");
    assert!(
        run.code == 1
            && run
                .stderr
                .contains("hint: nothing was written: remove it by hand, then run the same command again\n"),
        "{}",
        run.stderr
    );
    assert_eq!(folder.text("db.sealed.yaml"), list);
}
