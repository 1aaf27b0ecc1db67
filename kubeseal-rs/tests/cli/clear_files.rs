//! `kubeseal seal`: clear files that are not what they seem, or are where they should not be.

use crate::program::Folder;
use crate::seal_files::{SEAL, SECRET, recovered};

#[test]
fn sops_encrypted_sources_are_named_and_with_strict_refused() {
    let folder = Folder::with_keys();
    let encrypted = "ENC[AES256_GCM,data:Tr7o=,iv:1=,tag:k=,type:str]";
    folder.put(
        "app.env",
        &format!("A={encrypted}\nsops_mac={encrypted}\nsops_version=3.9.0\n"),
    );
    folder.put(
        "app.json",
        &format!("{{\"a\": \"{encrypted}\", \"sops\": {{\"mac\": \"{encrypted}\", \"version\": \"3.9.0\"}}}}"),
    );
    folder.put("app.yaml", &format!("a: {encrypted}\nsops:\n    mac: {encrypted}\n"));
    folder.put(
        "app.ini",
        &format!("[a]\nb = {encrypted}\n\n[sops]\nmac = {encrypted}\n"),
    );
    folder.put("notes.txt", "sops:\nENC[AES256_GCM is what its values begin with");
    for (flags, file) in [
        ("--from-env-file app.env", "app.env"),
        ("--from-file app.json", "app.json"),
        ("--from-file k=app.yaml", "app.yaml"),
        ("--from-file app.ini", "app.ini"),
        ("--from-file dotenv=app.env", "app.env"),
    ] {
        let line = format!("{SEAL} {flags} --name app -n shop --out out");
        let refused = folder.run(&format!("{line} --strict"), "");
        assert!(
            refused.code == 1
                && refused
                    .stderr
                    .starts_with(&format!("error: {file}, document 1, line 1: the value of "))
                && refused.stderr.contains("SOPS"),
            "{line}: {}",
            refused.stderr
        );
        let warned = folder.run(&line, "").ok();
        assert!(
            warned.contains("SOPS") && warned.contains("), and is sealed as it stands\n"),
            "{line}: {warned}"
        );
        std::fs::remove_dir_all(folder.path("out")).unwrap();
    }
    let plain = folder.run(&format!("{SEAL} --strict --from-file notes.txt --name app -n shop"), "");
    assert!(!plain.ok().contains("SOPS"));
}

#[cfg(unix)]
#[test]
fn symlinks_that_are_passed_over_are_named() {
    use std::os::unix::fs::symlink;
    let folder = Folder::with_keys();
    folder.put("elsewhere/db.yaml", SECRET);
    folder.put(
        "elsewhere/map.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\n",
    );
    folder.put("apps/web.yaml", &SECRET.replace("name: db", "name: web"));
    symlink("../elsewhere/db.yaml", folder.path("apps/link.yaml")).unwrap();
    symlink("../elsewhere/map.yaml", folder.path("apps/map.yaml")).unwrap();
    symlink("web.yaml", folder.path("apps/again.yaml")).unwrap();
    symlink("nowhere", folder.path("apps/broken.yaml")).unwrap();
    let line = "  it is a symlink: name it, or the file that it leads to\n";
    let told = folder.run(&format!("{SEAL} apps"), "").ok();
    assert_eq!(
        told,
        format!(
            "sealed apps/web.yaml → apps/web.sealed.yaml\nskipped apps/link.yaml\n{line}2 files: 1 sealed, 1 skipped\n"
        )
    );
    let told = folder.run("seal --check apps", "").ok();
    assert_eq!(
        told,
        format!("skipped apps/link.yaml\n{line}2 files: 1 same, 1 skipped\n")
    );
    folder.run(&format!("{SEAL} apps/link.yaml"), "").ok();
    std::fs::remove_file(folder.path("apps/web.sealed.yaml")).unwrap();
    std::fs::rename(
        folder.path("apps/link.sealed.yaml"),
        folder.path("elsewhere/db.sealed.yaml"),
    )
    .unwrap();
    symlink("../elsewhere/db.sealed.yaml", folder.path("apps/sealed.yaml")).unwrap();
    folder.run(&format!("{SEAL} apps/web.yaml"), "").ok();
    let keys = "--recovery-private-key test-only.key";
    for line in [
        format!("reseal --cert test-only.crt {keys} apps"),
        format!("reseal --check --cert test-only.crt {keys} apps"),
        format!("unseal {keys} --out clear apps"),
    ] {
        let told = folder.run(&line, "").ok();
        assert!(
            told.contains("skipped apps/sealed.yaml\n") && !told.contains("link.yaml"),
            "{line}: {told}"
        );
    }
}

#[test]
fn unseal_and_seal_are_inverse() {
    let folder = Folder::with_keys();
    folder.put("db.yaml", SECRET);
    folder.run("--cert test-only.crt -f db.yaml -w x.yaml", "").ok();
    std::fs::remove_file(folder.path("db.yaml")).unwrap();
    let unseal = "unseal --recovery-private-key test-only.key --beside x.yaml";
    folder.run(unseal, "").ok();
    let clear = folder.text("x.clear.yaml").replace("cA==", "bmV3");
    folder.put("x.clear.yaml", &clear);
    let told = folder.run(&format!("{SEAL} --delete-clear x.clear.yaml"), "").ok();
    assert_eq!(
        told,
        "sealed and deleted x.clear.yaml → x.yaml\n1 file: 1 sealed and deleted\n"
    );
    assert_eq!(recovered(&folder, "x.yaml")[0]["data"]["password"], "bmV3");
    // What was sealed under the other name stays there.
    folder.put("y.clear.yaml", SECRET);
    folder.put("y.clear.sealed.yaml", "");
    let told = folder.run(&format!("{SEAL} y.clear.yaml"), "").ok();
    assert!(
        told.starts_with("sealed y.clear.yaml → y.clear.sealed.yaml\n"),
        "{told}"
    );
}

#[test]
fn clear_file_that_git_tracks_is_warned_of() {
    let folder = Folder::with_keys();
    folder.git_init();
    folder.put("repo/db.yaml", SECRET);
    folder.put("repo/own.yaml", &SECRET.replace("name: db", "name: own"));
    let warning = "  warning: Git tracks the clear file, and its history keeps the values: change them";
    assert!(!folder.run(&format!("{SEAL} repo"), "").ok().contains("warning"));
    folder.git(&["add", "repo/db.yaml"]);
    let told = folder.run(&format!("{SEAL} repo"), "").ok();
    assert_eq!(
        told,
        format!("kept repo/db.yaml → repo/db.sealed.yaml\n{warning}\n2 files: 2 kept\n")
    );
    let told = folder.run("seal --check repo", "").ok();
    assert!(told.contains(warning), "{told}");
    let told = folder.run(&format!("{SEAL} --force repo"), "").ok();
    assert_eq!(told.matches(warning).count(), 1, "{told}");
}
