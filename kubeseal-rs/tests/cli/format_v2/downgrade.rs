//! That no value gets an earlier version of the format than it had, or than is the rule, without a word.

use sealing::sealer::Format;

use super::{NEVER_V2, SECRET, fails, folder, of_items, opens, versions};
use crate::program::Folder;

#[test]
fn no_v1_value_comes_beside_a_v2_value() {
    let folder = folder();
    let sealed = folder.run("--cert hybrid.crt --format-version 2 -o yaml", SECRET).ok();
    folder.put("db.sealed.yaml", &sealed);
    folder.put("db.yaml", &SECRET.replace("password: p", "password: q"));
    folder.put("more.yaml", &SECRET.replace("password", "user"));
    let lines = [
        "--cert test-only.crt -f more.yaml --merge-into db.sealed.yaml",
        "set --cert test-only.crt db.sealed.yaml user",
        "set --cert test-only.crt db.sealed.yaml password",
        "edit --cert test-only.crt db.sealed.yaml",
    ];
    for line in lines {
        fails(&folder.run(line, "x"), NEVER_V2);
        assert_eq!(folder.text("db.sealed.yaml"), sealed, "{line}");
    }
    let run = folder.run("seal --cert test-only.crt db.yaml", "");
    assert!(run.code == 1 && run.stderr.contains(NEVER_V2), "{}", run.stderr);
    assert_eq!(folder.text("db.sealed.yaml"), sealed);
    // Where there is a hybrid key, whoever asks for format v1 is told that it is not to be had here.
    for line in [
        "--cert hybrid.crt --format-version 1 -f more.yaml --merge-into db.sealed.yaml",
        "--cert hybrid.crt --format-version 1 -f more.yaml -w db.sealed.yaml",
        "set --cert hybrid.crt --format-version 1 db.sealed.yaml user",
        "edit --cert hybrid.crt --format-version 1 db.sealed.yaml",
    ] {
        let run = folder.run(line, "x");
        fails(
            &run,
            "format v1 is asked for, and what it would replace or stand beside has format v2\nhint: nothing was written: leave --format-version",
        );
        fails(
            &run,
            "kubeseal reseal --format-version 1 --allow-downgrade --recovery-private-key FILE --cert hybrid.crt PATH",
        );
        assert_eq!(folder.text("db.sealed.yaml"), sealed, "{line}");
    }
    let same = SECRET.to_owned();
    folder.put("db.yaml", &same);
    let keys = "--recovery-private-key hybrid-keys.yaml";
    for line in [
        format!("seal --cert hybrid.crt --format-version 1 {keys} db.yaml"),
        "seal --cert hybrid.crt --format-version 1 db.yaml".to_owned(),
        "seal --check --format-version 1 db.yaml".to_owned(),
    ] {
        let run = folder.run(&line, "");
        assert_eq!(run.code, 1, "{line}");
        let told = "it has values of format v2, which sealing does not take back to format v1";
        assert!(run.stderr.contains(told), "{line}: {}", run.stderr);
        assert_eq!(folder.text("db.sealed.yaml"), sealed, "{line}");
    }
    folder
        .run("--cert hybrid.crt -f more.yaml --merge-into db.sealed.yaml", "")
        .ok();
    folder.run("set --cert hybrid.crt db.sealed.yaml third", "x").ok();
    let v2 = of_items([("password", Format::V2), ("third", Format::V2), ("user", Format::V2)]);
    assert_eq!(versions(&folder.text("db.sealed.yaml")), v2);
    assert!(opens(&folder, "hybrid-keys.yaml", "db.sealed.yaml"));
}

#[test]
fn what_is_written_anew_keeps_v2() {
    let folder = folder();
    folder.put("db.yaml", SECRET);
    folder.run("seal --cert hybrid.crt db.yaml", "").ok();
    let sealed = folder.text("db.sealed.yaml");
    let run = folder.run("seal --force --cert test-only.crt db.yaml", "");
    assert!(run.code == 1 && run.stderr.contains(NEVER_V2), "{}", run.stderr);
    assert_eq!(folder.text("db.sealed.yaml"), sealed);
    folder.put(".kubeseal.yaml", "clusters: {c: {cert: hybrid.crt, format: v1}}\n");
    folder.run("seal --force db.yaml", "").ok();
    let sealed = folder.text("db.sealed.yaml");
    assert_eq!(versions(&sealed), of_items([("password", Format::V2)]));
    fails(
        &folder.run("seal --force --format-version 1 db.yaml", ""),
        "it has values of format v2, which sealing does not take back to format v1\nhint: nothing was written: kubeseal reseal \
         --format-version 1 --allow-downgrade --recovery-private-key FILE db.sealed.yaml\n",
    );
    assert_eq!(folder.text("db.sealed.yaml"), sealed);
}

#[test]
fn a_file_that_is_written_over_is_not_lowered() {
    let folder = folder();
    folder.put("db.yaml", SECRET);
    let sealed = folder.run("--cert hybrid.crt --format-version 2 -o yaml", SECRET).ok();
    for before in [sealed.clone(), format!("<<<<<<< HEAD\n{sealed}=======\n")] {
        folder.put("db.sealed.yaml", &before);
        fails(
            &folder.run("--cert test-only.crt -f db.yaml -w db.sealed.yaml", ""),
            NEVER_V2,
        );
        assert_eq!(folder.text("db.sealed.yaml"), before);
        folder.run("--cert hybrid.crt -f db.yaml -w db.sealed.yaml", "").ok();
        let after = folder.text("db.sealed.yaml");
        assert_eq!(versions(&after), of_items([("password", Format::V2)]));
        assert_ne!(after, sealed);
    }
    folder.put(
        "db.sealed.yaml",
        &sealed.replacen("password: AAAC", "password: AAAD", 1),
    );
    fails(
        &folder.run("--cert hybrid.crt -f db.yaml -w db.sealed.yaml", ""),
        "what is sealed there is in a newer format: update kubeseal",
    );
    // Over anything else format v1 is written as ever.
    for before in ["", "hello: [", &folder.run("--cert hybrid.crt", SECRET).ok()] {
        folder.put("other.yaml", before);
        folder.run("--cert hybrid.crt -f db.yaml -w other.yaml", "").ok();
        let after = folder.text("other.yaml");
        assert_eq!(versions(&after), of_items([("password", Format::V1)]), "{before}");
    }
}

/// A repository whose project file names format v2 for `prod` alone, and an object of format v1 in `prod/old.yaml`.
fn folder_with_project() -> (Folder, String) {
    let folder = folder();
    let project =
        "clusters: {prod: {cert: hybrid.crt, format: v2, folders: [prod]}, dev: {cert: hybrid.crt, folders: [dev]}}\n";
    folder.put(".kubeseal.yaml", project);
    folder.put("key.pem", &folder.text("test-only.key"));
    for name in ["prod/db.yaml", "dev/db.yaml", "other/db.yaml"] {
        folder.put(name, SECRET);
    }
    let v1 = folder.run("--cert test-only.crt -o yaml", SECRET).ok();
    folder.put("prod/old.yaml", &v1);
    (folder, v1)
}

fn assert_version(sealed: &str, version: Format) {
    assert_eq!(versions(sealed), of_items([("password", version)]));
}

/// The format is the repository's rule, not a property of where the certificate comes from.
#[test]
fn a_typed_certificate_leaves_the_format_of_the_project() {
    let (folder, v1) = folder_with_project();
    let preset = [("SEALED_SECRETS_CERT", "hybrid.crt")];
    let seal = |place: &str| {
        let line = ["-f", &format!("{place}/db.yaml"), "-o", "yaml"].map(str::to_owned);
        folder.run_in(&preset, &line.each_ref().map(String::as_str), b"").ok()
    };
    assert_version(&seal("prod"), Format::V2);
    assert_version(&seal("dev"), Format::V1);
    assert_version(&seal("other"), Format::V1);
    folder
        .run("--cert hybrid.crt -f other/db.yaml -w prod/out.yaml", "")
        .ok();
    assert_version(&folder.text("prod/out.yaml"), Format::V2);
    folder
        .run("--cert hybrid.crt -f other/db.yaml --merge-into prod/old.yaml", "")
        .ok();
    assert_version(&folder.text("prod/old.yaml"), Format::V2);
    folder.put("prod/old.yaml", &v1);
    folder.run("set --cert hybrid.crt prod/old.yaml password", "q").ok();
    assert_version(&folder.text("prod/old.yaml"), Format::V2);
    folder.put("prod/old.yaml", &v1);
    let reseal = "reseal --recovery-private-key hybrid-keys.yaml --cert hybrid.crt";
    folder.run(&format!("{reseal} prod/old.yaml"), "").ok();
    assert_version(&folder.text("prod/old.yaml"), Format::V2);
    // Stdin counts as lying in the current folder.
    folder.put(".kubeseal.yaml", "clusters: {prod: {cert: hybrid.crt, format: v2}}\n");
    let sealed = folder.run("--cert hybrid.crt -o yaml", SECRET).ok();
    assert_version(&sealed, Format::V2);
}

/// Where the project file names format v2; an explicit `--format-version 1` goes through.
#[test]
fn a_typed_certificate_without_hybrid_key_is_refused() {
    let (folder, _) = folder_with_project();
    for line in [
        "--cert test-only.crt -f prod/db.yaml",
        "seal --cert test-only.crt --force prod/db.yaml",
        "set --cert test-only.crt prod/old.yaml password",
        "reseal --recovery-private-key hybrid-keys.yaml --cert test-only.crt prod/old.yaml",
        "seal --cert grafted.crt --check prod/db.yaml",
    ] {
        let run = folder.run(line, "x");
        assert_ne!(run.code, 0, "{line}");
        if line.contains("test-only.crt") {
            let told = "the certificate has no hybrid key, which format v2 needs; the project file names format v2 for this place";
            assert!(run.stderr.contains(told), "{line}: {}", run.stderr);
            // Where that takes more than the flag, it is not the next command.
            let way_out = run.stderr.contains("--format-version 1 seals in format v1 anyway");
            assert_eq!(way_out, !line.starts_with("reseal"), "{}", run.stderr);
        }
    }
    let sealed = folder
        .run("--cert test-only.crt --format-version 1 -f prod/db.yaml -o yaml", "")
        .ok();
    assert_version(&sealed, Format::V1);
    let lint = folder.run("lint --cert test-only.crt prod", "");
    assert!(lint.stdout.contains("earlier-format"), "{}", lint.stdout);
}

/// Without a current folder no project file can be in it; with a certificate nobody needs one.
#[test]
fn a_typed_certificate_needs_no_current_folder() {
    use std::io::Write as _;
    use std::process::{Command, Stdio};
    let folder = folder();
    let (gone, cert) = (folder.path("gone"), folder.path("hybrid.crt"));
    let kubeseal = crate::program::kubeseal();
    for (before, after) in [
        (&[][..], &["-o", "yaml"][..]),
        (&["lint"], &["--allow", "clear-secret", "-"]),
    ] {
        let mut child = Command::new("sh")
            .args(["-c", r#"mkdir "$0" && cd "$0" && rmdir "$0" && exec "$@""#])
            .arg(&gone)
            .arg(&kubeseal)
            .args(before)
            .arg("--cert")
            .arg(&cert)
            .args(after)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(SECRET.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(
            output.status.success() && output.stderr.is_empty(),
            "{before:?} {after:?}: {output:?}"
        );
    }
}
