//! A pin says which certificate may be sealed with; a stranger's hybrid key beside the pinned RSA key is not let in.

use sealing::cert::SealingCert;
use sealing::sealer::Format;

use super::{NEVER_V2, SECRET, fails, folder, of_items, opens, versions};
use crate::discovery::served_by_controller;
use crate::program::{Folder, Run};
use crate::project::pins::serve_over_tls;

const NOT_PINNED: &str = "the certificate's RSA key alone is pinned, and format v2 needs its hybrid key pinned too\n\
                          hint: pin both keys in the project file: fingerprint: v2:SHA256:… (kubeseal keys pin FILE prints it)";

fn cert(folder: &Folder, name: &str) -> SealingCert {
    SealingCert::from_pem(folder.text(name).as_bytes()).unwrap()
}

fn both(folder: &Folder, name: &str) -> String {
    cert(folder, name).pin().unwrap().unwrap().to_string()
}

fn rsa(folder: &Folder, name: &str) -> String {
    cert(folder, name).public().fingerprint().to_string()
}

/// Where the project file has the certificate from.
#[derive(Clone, Copy)]
enum From {
    File,
    Url,
    Cluster,
}

/// Runs `words` in a project that takes this certificate, and pins this.
fn run(folder: &Folder, from: From, name: &str, said: &str, words: &[&str]) -> Run {
    let project = |source: &str| folder.put(".kubeseal.yaml", &format!("clusters: {{c: {{{source}, {said}}}}}\n"));
    match from {
        From::File => {
            project(&format!("cert: {name}"));
            folder.run_in(&[], words, SECRET.as_bytes())
        }
        From::Url => {
            project(&format!(
                "cert: '{}/cert.pem'",
                serve_over_tls(folder, folder.text(name))
            ));
            folder.run_in(&[("SSL_CERT_FILE", "test-only-tls.crt")], words, SECRET.as_bytes())
        }
        From::Cluster => {
            project("controller: kube-system/sealed-secrets-controller");
            served_by_controller(folder, &folder.text(name), words)
        }
    }
}

const SEAL: &[&str] = &["seal", "-"];
const ALL: [From; 3] = [From::File, From::Url, From::Cluster];

/// Whoever has the certificate alone gets what pins it, without a right in the cluster.
#[test]
fn the_pin_of_a_certificate_is_printed_without_a_cluster() {
    let folder = folder();
    let (pin, key) = (both(&folder, "hybrid.crt"), rsa(&folder, "hybrid.crt"));
    let printed = format!("{pin} (both keys)\n{key} (the RSA key)\n");
    assert_eq!(folder.run("keys pin hybrid.crt", "").ok(), printed);
    assert_eq!(folder.run("keys pin -", &folder.text("hybrid.crt")).ok(), printed);
    assert_eq!(
        folder.run("keys pin test-only.crt", "").ok(),
        format!("{key} (the RSA key)\n")
    );
    folder.put("malformed.crt", &super::malformed(&folder));
    fails(
        &folder.run("keys pin malformed.crt", ""),
        "malformed.crt: the certificate's hybrid key",
    );
    // The obvious wrong guess.
    let run = run(
        &folder,
        From::File,
        "hybrid.crt",
        &format!("fingerprint: 'v2:{key}'"),
        SEAL,
    );
    fails(
        &run,
        &format!(
            "but v2:{key} is pinned\nhint: what is pinned is v2: before the fingerprint of the RSA key; the pin of both keys is another \
             digest (kubeseal keys pin FILE prints it): {pin}\n"
        ),
    );
}

#[test]
fn a_pin_of_both_keys_lets_in_one_certificate() {
    let folder = folder();
    folder.put("malformed.crt", &super::malformed(&folder));
    let (right, stranger) = (both(&folder, "hybrid.crt"), both(&folder, "grafted.crt"));
    let key = rsa(&folder, "hybrid.crt");
    let pinned = format!("fingerprint: '{right}'");
    for from in ALL {
        let sealed = run(&folder, from, "hybrid.crt", &pinned, SEAL).ok();
        assert_eq!(versions(&sealed), of_items([("password", Format::V2)]));
        for (name, found) in [
            // The same RSA key in each: with a stranger's hybrid key, with none, with a broken one.
            ("grafted.crt", stranger.clone()),
            ("test-only.crt", format!("{key} without a hybrid key")),
            ("malformed.crt", format!("{key} with a malformed hybrid key")),
        ] {
            let expected = format!("the certificate of cluster c is that of key {found}, but {right} is pinned\n");
            for words in [
                SEAL,
                &["-o", "yaml"],
                &["--format-version", "1"],
                &["--format-version", "2"],
            ] {
                fails(&run(&folder, from, name, &pinned, words), &expected);
            }
        }
    }
}

#[test]
fn a_pin_of_the_rsa_key_alone_never_permits_v2() {
    let folder = folder();
    let pinned = format!("fingerprint: '{}'", rsa(&folder, "hybrid.crt"));
    for from in ALL {
        for name in ["grafted.crt", "hybrid.crt"] {
            let sealed = run(&folder, from, name, &pinned, SEAL).ok();
            assert_eq!(versions(&sealed), of_items([("password", Format::V1)]));
            folder.put("sealed.yaml", &sealed);
            assert!(opens(&folder, "test-only.key", "sealed.yaml"));
            for words in [&["seal", "--format-version", "2", "-"][..], &["--format-version", "2"]] {
                fails(&run(&folder, from, name, &pinned, words), NOT_PINNED);
            }
            fails(
                &run(&folder, from, name, &format!("{pinned}, format: v2"), SEAL),
                NOT_PINNED,
            );
        }
    }
    // Nor what goes into an object that has format v2.
    let sealed = folder.run("--cert hybrid.crt --format-version 2 -o yaml", SECRET).ok();
    folder.put("db.sealed.yaml", &sealed);
    folder.put("more.yaml", &SECRET.replace("password", "user"));
    for words in [
        &["set", "db.sealed.yaml", "user"][..],
        &["edit", "db.sealed.yaml"],
        &["-f", "more.yaml", "--merge-into", "db.sealed.yaml"],
        &[
            "reseal",
            "--recovery-private-key",
            "hybrid-keys.yaml",
            "--format-version",
            "2",
            "db.sealed.yaml",
        ],
        &[
            "rename",
            "--recovery-private-key",
            "hybrid-keys.yaml",
            "db.sealed.yaml",
            "password",
            "new",
        ],
    ] {
        fails(&run(&folder, From::File, "grafted.crt", &pinned, words), NOT_PINNED);
        assert_eq!(folder.text("db.sealed.yaml"), sealed, "{words:?}");
    }
}

#[test]
fn the_project_file_names_the_format() {
    let folder = folder();
    let pinned = format!("fingerprint: '{}'", both(&folder, "hybrid.crt"));
    let sealed = |said: &str, words: &[&str]| {
        let sealed = run(&folder, From::File, "hybrid.crt", &format!("{pinned}, {said}"), words).ok();
        versions(&sealed)[0].1
    };
    let classic = &["-o", "yaml"][..];
    assert_eq!(sealed("format: v2", classic), Format::V2);
    assert_eq!(
        sealed("format: v2", &["-o", "yaml", "--format-version", "1"]),
        Format::V1
    );
    assert_eq!(sealed("format: v2", SEAL), Format::V2);
    assert_eq!(sealed("format: v1", SEAL), Format::V1);
    assert_eq!(
        sealed("format: v1", &["seal", "--format-version", "2", "-"]),
        Format::V2
    );
    for said in ["format: 2", "format: '2'", "format: 'v2'"] {
        assert_eq!(sealed(said, classic), Format::V2, "{said}");
    }
    for wrong in ["format: [v2]", "format: v3", "format: 2.5", "format: V2"] {
        let told = run(&folder, From::File, "hybrid.crt", wrong, SEAL);
        fails(
            &told,
            ".kubeseal.yaml, document 1, line 1: `format` must be v1 or v2 (1 or 2)\n",
        );
    }
    // Flags that name a controller override where the certificate is, not the format.
    let words = ["--controller-name", "sealed-secrets-controller", "-o", "yaml"];
    folder.put(".kubeseal.yaml", "clusters: {c: {cert: hybrid.crt, format: v2}}\n");
    fails(
        &served_by_controller(&folder, &folder.text("test-only.crt"), &words),
        NEVER_V2,
    );
    let sealed = served_by_controller(&folder, &folder.text("hybrid.crt"), &words).ok();
    assert_eq!(versions(&sealed), of_items([("password", Format::V2)]));
}
