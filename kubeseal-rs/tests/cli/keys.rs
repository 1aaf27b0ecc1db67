//! `kubeseal keys`: what can be judged without a cluster.

use crate::program::Folder;

/// Where nobody listens.
const NOWHERE: &str = "--server http://127.0.0.1:1";

#[test]
fn a_wrong_command_line_or_a_wrong_backup_is_told_before_the_cluster_is_asked() {
    let folder = Folder::with_keys();
    folder.put("nameless.yaml", "apiVersion: v1\nkind: Secret\ndata: {tls.key: ''}\n");
    folder.put(
        "no-key.yaml",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: k}\ndata: {tls.key: aHVudGVyMg==}\n",
    );
    folder.put("secret.age", "age-encryption.org/v1\n-> X25519 x\n");
    folder.put("empty.yaml", "");
    let before = folder.listing();
    let lines = [
        "keys",
        "keys lst",
        "keys list -o yaml",
        "keys list --cert nothing.pem",
        "keys backup",
        "keys backup --unencrypted -r age1x",
        "keys backup -r age1x",
        "keys restore",
        "keys restore nothing.yaml",
        "keys restore empty.yaml",
        "keys restore nameless.yaml",
        "keys restore no-key.yaml",
        "keys restore test-only.crt",
        "keys restore secret.age",
        "keys restore -i test-only.key secret.age",
    ];
    let told = lines.map(|line| {
        let run = folder.run(&format!("{line} {}", if line.contains(' ') { NOWHERE } else { "" }), "");
        assert_eq!(run.stdout, "", "{line}");
        assert_ne!(run.code, 0, "{line}");
        assert!(!run.told.contains("hunter2"));
        format!("$ kubeseal {line}\n{}", run.told)
    });
    assert_eq!(folder.listing(), before);
    insta::assert_snapshot!(told.join("\n"));
}

#[cfg(unix)]
#[test]
fn no_symlink_leads_keys_in_clear_into_a_work_tree() {
    let folder = Folder::with_keys();
    folder.git_init();
    folder.put("sub/readme", "");
    let outside = tempfile::tempdir().unwrap();
    let link = outside.path().join("link");
    std::os::unix::fs::symlink(folder.path("sub"), &link).unwrap();
    std::os::unix::fs::symlink("link/keys.yaml", outside.path().join("keys.yaml")).unwrap();
    for place in ["link/keys.yaml", "link/../keys.yaml", "keys.yaml"] {
        let place = outside.path().join(place);
        let mut words = vec!["keys", "backup", "--unencrypted", "-w", place.to_str().unwrap()];
        words.extend(NOWHERE.split_whitespace());
        let run = folder.run_in(&[], &words, b"");
        assert_eq!(run.code, 1);
        assert!(
            run.stderr.contains("is inside a Git work tree and not ignored there"),
            "{place:?}: {}",
            run.stderr
        );
    }
}

#[test]
fn the_help_teaches() {
    let folder = Folder::with_keys();
    let help = [
        "keys --help",
        "keys list -h",
        "keys pin --help",
        "keys backup --help",
        "keys restore --help",
    ]
    .map(|line| format!("$ kubeseal {line}\n{}", folder.run(line, "").ok()));
    insta::assert_snapshot!(help.join("\n"));
}

/// Whoever can write the place of an encrypted backup must not put keys of their own there.
#[test]
fn an_identity_takes_no_backup_in_clear() {
    let folder = Folder::with_keys();
    folder.put("keys.yaml", "apiVersion: v1\nkind: List\nitems: []\n");
    let run = folder.run("keys restore --dry-run -i identity.txt keys.yaml", "");
    assert_eq!(run.code, 1);
    assert!(
        run.stderr.starts_with("error: keys.yaml is not encrypted with age"),
        "{}",
        run.told
    );
}
