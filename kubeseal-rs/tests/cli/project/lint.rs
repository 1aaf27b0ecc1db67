//! What `kubeseal lint` knows by the project file.

use sealing::cert::SealingCert;

use super::*;

#[test]
fn what_is_linted_on_stdin_is_for_the_current_folder() {
    let folder = repository();
    folder.put(".kubeseal.yaml", "clusters:\n  dev: {cert: certs/dev.pem}\n");
    let sealed = folder.run("--cert certs/prod.pem --key-hint -o yaml", SECRET).ok();
    let told = folder.run("lint -", &sealed).ok();
    assert!(told.contains("old-key"), "{told}");
}

/// As after `cp`: the project file keeps people from sealing production with dev's key, but not from this.
#[test]
fn what_was_sealed_for_one_cluster_is_found_in_the_folder_of_another() {
    let folder = repository();
    folder.put("environments/dev/db.yaml", SECRET);
    folder.run("seal --delete-clear environments/dev", "").ok();
    folder.run("lint --strict environments", "").ok();
    folder.put(
        "environments/prod/db.sealed.yaml",
        &folder.text("environments/dev/db.sealed.yaml"),
    );
    let run = folder.run("lint environments", "");
    assert_eq!(run.code, 1, "{}", run.stdout);
    let expected = "environments/prod/db.sealed.yaml:6:5: error[other-cluster]: by its key hint, it was sealed with the key of \
                    cluster dev, which this place is not for\n";
    assert!(run.stdout.contains(expected), "{}", run.stdout);
    assert!(!run.stdout.contains("old-key"), "{}", run.stdout);
    // Of a URL the pinned key is known; nothing is fetched, and a certificate that is not there yet is not a hindrance.
    let dev = SealingCert::from_pem(folder.text("certs/dev.pem").as_bytes()).unwrap();
    let project = PROJECT
        .replace(
            "certs/dev.pem,",
            &format!("'https://127.0.0.1:1/', fingerprint: '{}',", dev.public().fingerprint()),
        )
        .replace(
            "clusters:\n",
            "clusters:\n  stag: {cert: certs/stag.pem, folders: [environments/stag]}\n",
        );
    folder.put(".kubeseal.yaml", &project);
    let run = folder.run("lint environments", "");
    assert!(run.code == 1 && run.stdout.contains(expected), "{}", run.told);
}
