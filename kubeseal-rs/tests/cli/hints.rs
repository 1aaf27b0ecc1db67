//! What to type next, where something is wrong.

use crate::items::{CERT, file};
use crate::program::Folder;
use crate::seal_files::{SEAL, SECRET};

/// That each line fails with this error and this hint, and changes nothing.
fn hinted(folder: &Folder, cases: &[(String, &str, &str)]) {
    let before = folder.tree();
    for (line, error, hint) in cases {
        let run = folder.run(line, "");
        let told = format!("{}{}", run.stdout, run.stderr);
        assert!(
            run.code == 1 && told.contains(&format!("{error}\n")) && told.contains(&format!("hint: {hint}\n")),
            "{line}: {told}"
        );
    }
    assert_eq!(folder.tree(), before);
}

#[test]
fn the_next_command_is_named() {
    let folder = Folder::with_keys();
    folder.put("sops.yaml", &format!("{SECRET}sops: {{version: 3.9.0}}\n"));
    folder.put("db.sealed.yaml", SECRET);
    folder.put("no such/x", "");
    let cases = [
        (
            format!("{SEAL} sops.yaml"),
            "sops.yaml, document 1, line 1: it is encrypted by SOPS",
            "sops -d FILE | kubeseal seal --cert test-only.crt -",
        ),
        (
            format!("{CERT} -f sops.yaml"),
            "sops.yaml, document 1, line 1: it is encrypted by SOPS",
            "sops -d FILE | kubeseal seal --cert test-only.crt -",
        ),
        (
            format!("{SEAL} db.sealed.yaml"),
            "db.sealed.yaml, document 1, line 1: its name says that it is sealed, and there is a Secret in clear in it",
            "mv -n db.sealed.yaml db.yaml && kubeseal seal --cert test-only.crt db.yaml",
        ),
        (
            "seal --check db.sealed.yaml".to_owned(),
            "db.sealed.yaml, document 1, line 1: its name says that it is sealed, and there is a Secret in clear in it",
            "mv -n db.sealed.yaml db.yaml && kubeseal seal --check db.yaml",
        ),
        (
            format!("{CERT} --merge-into nothere -f db.sealed.yaml"),
            "open nothere: no such file or directory",
            "a new one is made by kubeseal edit nothere --cert test-only.crt, or kubeseal -f SECRET-FILE -w nothere --cert \
             test-only.crt",
        ),
    ];
    hinted(&folder, &cases);
}

#[test]
fn a_clear_file_with_a_sealed_name_never_replaces_another() {
    let folder = Folder::with_keys();
    folder.put("db.sealed.yaml", SECRET);
    folder.put("db.yaml", &SECRET.replace("password: p", "password: other"));
    let error =
        "db.sealed.yaml, document 1, line 1: its name says that it is sealed, and there is a Secret in clear in it";
    let hint = "there is db.yaml too: move the Secrets of db.sealed.yaml that it lacks into it by hand";
    let lines = [
        format!("{SEAL} db.sealed.yaml"),
        "seal --check db.sealed.yaml".to_owned(),
    ];
    hinted(&folder, &lines.map(|line| (line, error, hint)));
}

#[test]
fn the_next_command_is_named_for_sealed_files() {
    let folder = Folder::with_keys();
    file(&folder);
    let values = folder.run(&format!("--raw {CERT} --name db -n shop"), "v").ok();
    folder.put("values.yaml", &format!("password: {values}\n"));
    let cases = [
        (
            "render --name db sealed.yaml".to_owned(),
            "sealed.yaml, document 1, line 3: it has no templates (spec.template.data)",
            "write one under spec.template.data, as in `url: db://{{ .password }}`, then run the same command again",
        ),
        (
            "rename --name db sealed.yaml user user".to_owned(),
            "sealed.yaml, document 1, line 3: item \"user\" already has this name",
            "nothing was changed: say another name: kubeseal rename --name db sealed.yaml user NEW",
        ),
        (
            "rename values.yaml password token".to_owned(),
            "values.yaml, line 1: this value stands outside SealedSecrets, where templates may use its key",
            "nothing was written: the value is not bound to its key; write token in its place by hand, and wherever templates name \
             it",
        ),
        (
            format!("edit {CERT} values.yaml"),
            "values.yaml: its sealed values stand outside SealedSecrets (password), which edit does not change",
            "one value: printf %s \"$VALUE\" | kubeseal set values.yaml password --cert test-only.crt --name NAME --namespace NAMESPACE",
        ),
    ];
    hinted(&folder, &cases);
}

#[test]
fn the_file_is_named_that_is_not_sealed_yet() {
    let folder = Folder::with_keys();
    folder.put("db.yaml", SECRET);
    let error = "db.yaml, document 1, line 1: expected a SealedSecret (bitnami.com/v1alpha1) but found Secret (v1)";
    let plain = "it is not sealed yet: kubeseal seal db.yaml";
    let with_cert = "it is not sealed yet: kubeseal seal --cert test-only.crt db.yaml";
    let cases = [
        ("doctor --offline db.yaml".to_owned(), error, plain),
        ("unset db.yaml k".to_owned(), error, plain),
        (format!("set {CERT} --from-file db.yaml db.yaml k"), error, with_cert),
        (format!("edit {CERT} db.yaml"), error, with_cert),
        ("--re-encrypt -f db.yaml".to_owned(), error, plain),
    ];
    hinted(&folder, &cases);
}

#[test]
fn the_file_is_named_that_does_not_open() {
    let folder = Folder::with_keys();
    let other = folder.run("--cert test-only-other.crt -o yaml", SECRET).ok();
    folder.put("db.sealed.yaml", &other);
    for verb in ["unseal", "reseal --cert test-only.crt"] {
        let run = folder.run(
            &format!("{verb} --recovery-private-key test-only.key db.sealed.yaml"),
            "",
        );
        assert!(
            run.code == 1 && run.stderr.contains("kubeseal doctor db.sealed.yaml "),
            "{verb}: {}",
            run.told
        );
    }
}

#[test]
fn a_bad_file_among_others_is_not_written_alone() {
    let folder = Folder::with_keys();
    folder.put("good.yaml", SECRET);
    folder.put(
        "bad.yaml",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: bad, namespace: shop\n",
    );
    let run = folder.run(&format!("{SEAL} bad.yaml good.yaml"), "");
    let hint = "hint: this file was not written: fix the input, then run the same command again\n";
    assert!(run.code == 1 && run.stderr.contains(hint), "{}", run.told);
    assert!(folder.path("good.sealed.yaml").exists());
    let run = folder.run("seal --check bad.yaml good.yaml", "");
    let hint = "hint: fix the input, then run the same command again\n";
    assert!(run.code == 1 && run.stderr.contains(hint), "{}", run.told);
}

#[test]
fn what_only_changes_a_file_proposes_no_new_one() {
    let folder = Folder::with_keys();
    for line in ["unset nothere.yaml k", "rename nothere.yaml k l"] {
        let run = folder.run(line, "");
        let error = "error: open nothere.yaml: no such file or directory\n";
        assert_eq!((run.code, run.stderr.as_str()), (1, error), "{line}");
    }
}

#[test]
fn a_certificate_is_fetched_from_the_cluster_that_was_typed() {
    let folder = Folder::with_keys();
    let sealed = folder.run(&format!("{CERT} -o yaml"), SECRET).ok();
    folder.put("db.sealed.yaml", &sealed);
    folder.put(".kubeseal.yaml", "clusters:\n  dev: {cert: dev.crt}\n");
    folder.put("dev.crt", "broken");
    let doctor = folder.run("doctor --offline --controller-name seals db.sealed.yaml", "");
    let fetch = "kubeseal --fetch-cert --controller-name seals -w dev.crt";
    assert!(doctor.stdout.contains(fetch), "{}{}", doctor.stdout, doctor.told);
    let lint = folder.run("lint db.sealed.yaml", "");
    assert!(
        lint.stdout.contains("kubeseal --fetch-cert -w dev.crt"),
        "{}{}",
        lint.stdout,
        lint.told
    );
}

#[test]
fn a_directory_is_not_replaced_by_a_certificate() {
    let folder = Folder::with_keys();
    folder.put("db.yaml", SECRET);
    for line in [
        "--cert . -f db.yaml",
        "seal --cert . db.yaml",
        "keys pin .",
        "lint --cert . db.yaml",
    ] {
        let run = folder.run(line, "");
        assert!(
            run.code != 0 && !run.told.contains("--fetch-cert"),
            "{line}: {}",
            run.told
        );
    }
}

#[test]
fn doctor_does_not_propose_what_was_just_run() {
    let folder = Folder::with_keys();
    file(&folder);
    let lost = folder.run("--cert test-only-other.crt -o yaml", SECRET).ok();
    folder.put("lost.yaml", &lost);
    let keys = "--recovery-private-key test-only.key";
    let told = |flags: &str| folder.run(&format!("doctor --offline {flags} lost.yaml"), "").stdout;
    let with_keys = told(keys);
    assert!(
        !with_keys.contains("BACKUP") && with_keys.contains("--cert FILE"),
        "{with_keys}"
    );
    let with_both = told(&format!("{keys} --cert test-only.crt"));
    assert!(
        !with_both.contains("kubeseal doctor") && with_both.contains("seal"),
        "{with_both}"
    );
}

#[test]
fn check_proposes_what_seal_would_ask_for() {
    let folder = Folder::with_keys();
    folder.put("db.yaml", &SECRET.replace("password: p", "password: p, user: u"));
    folder.run(&format!("{SEAL} db.yaml"), "").ok();
    folder.put("db.yaml", SECRET);
    let run = folder.run("seal --check .", "");
    let hint = "hint: kubeseal seal --prune . seals what differs, and removes what only a sealed file holds; kubeseal --merge-into \
                db.sealed.yaml -f db.yaml keeps it\n";
    assert!(
        run.code == 1 && run.stderr.ends_with(hint),
        "{}{}",
        run.stdout,
        run.stderr
    );
    folder.run(&format!("{SEAL} --prune ."), "").ok();
}

#[test]
fn a_missing_name_is_added_to_what_was_typed() {
    let folder = Folder::with_keys();
    folder.put("app.env", "A=b\n");
    let run = folder.run("seal --from-env-file app.env --cert test-only.crt", "");
    let hint = "hint: kubeseal seal --name app --from-env-file app.env --cert test-only.crt\n";
    assert!(run.stderr.ends_with(hint), "{}", run.stderr);
}

#[test]
fn missing_private_keys_are_explained() {
    let folder = Folder::with_keys();
    for (line, lint) in [("unseal x.yaml", false), ("reseal --check x.yaml", true)] {
        let run = folder.run(line, "");
        let told = run.stderr;
        assert!(
            run.code == 2
                && told.contains("hint: a PEM private key will do for format v1, or")
                && told.contains("age-keygen"),
            "{told}"
        );
        assert_eq!(
            told.contains("kubeseal lint --cert FILE judges by the key hints"),
            lint,
            "{told}"
        );
    }
}
