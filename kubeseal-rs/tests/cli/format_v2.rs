//! Format v2: which version is sealed where, and that no value gets the earlier one by accident.

mod doctor;
mod downgrade;
mod items;
mod keys;
mod pins;
mod reseal;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use sealing::SystemRandom;
use sealing::cert::{CertParameters, SealingCert};
use sealing::key::PrivateKey;
use sealing::sealer::Format;
use sealing::v2::{self, Seed};

use crate::program::{Folder, Run};

const SECRET: &str = "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: shop}\nstringData: {password: p}\n";
const NEVER_V2: &str = "the certificate has no hybrid key, which format v2 needs";

/// A certificate of an RSA key of the fixtures with the hybrid key of a seed of this byte.
fn hybrid_cert(folder: &Folder, rsa: &str, seed: u8) -> SealingCert {
    let rsa = PrivateKey::from_pem(folder.text(rsa).as_bytes()).unwrap();
    let hybrid = v2::PrivateKey::from_seed(&Seed::from_bytes(&[seed; 32]).unwrap()).unwrap();
    let parameters = CertParameters {
        common_name: String::new(),
        not_before: Timestamp::from_second(1_700_000_000).unwrap(),
        not_after: Timestamp::from_second(4_000_000_000).unwrap(),
    };
    SealingCert::self_signed_hybrid(&rsa, hybrid.public(), &parameters, &mut SystemRandom::default()).unwrap()
}

/// A key Secret; without seed it has the RSA key alone.
fn key_secret(name: &str, key: &str, cert: &str, seed: Option<u8>) -> String {
    let seed = seed.map(|seed| format!("  hybrid.seed: {}\n", STANDARD.encode([seed; 32])));
    format!(
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: {name}\n  namespace: kube-system\n  labels:\n    \
         sealedsecrets.bitnami.com/sealed-secrets-key: active\ntype: kubernetes.io/tls\ndata:\n  tls.crt: {}\n  tls.key: {}\n{}",
        STANDARD.encode(cert),
        STANDARD.encode(key),
        seed.unwrap_or_default()
    )
}

/// The test keys, and of `test-only.key` a certificate with a hybrid key (`hybrid.crt`), that key's Secret (`hybrid-keys.yaml`) and
/// the certificate of a stranger who has put another hybrid key beside the same RSA key (`grafted.crt`).
pub(crate) fn folder() -> Folder {
    let folder = Folder::with_keys();
    let cert = hybrid_cert(&folder, "test-only.key", 1);
    folder.put("hybrid.crt", cert.pem());
    folder.put("grafted.crt", hybrid_cert(&folder, "test-only.key", 2).pem());
    let secret = key_secret("k1", &folder.text("test-only.key"), cert.pem(), Some(1));
    folder.put("hybrid-keys.yaml", &secret);
    folder
}

/// The certificate with a hybrid key that no backend reads: its lattice part is out of range.
fn malformed(folder: &Folder) -> String {
    let cert = hybrid_cert(folder, "test-only.key", 1);
    let hybrid = cert.hybrid().unwrap().unwrap();
    let text: String = cert.pem().lines().filter(|line| !line.starts_with('-')).collect();
    let mut der = STANDARD.decode(text).unwrap();
    let key = hybrid.as_bytes();
    let at = der.windows(key.len()).position(|part| part == key).unwrap();
    der[at..at + 1000].fill(0xff);
    format!(
        "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
        STANDARD.encode(der)
    )
}

/// The items of a sealed file with the versions of their values.
fn versions(text: &str) -> Vec<(String, Format)> {
    let documents = manifest::read_mixed(text.as_bytes()).unwrap();
    let sealed = sealing::unseal::sealed_secret(&documents[0]).unwrap();
    let items = sealed.spec.encrypted_data.into_iter();
    items.map(|(item, text)| (item, Format::of(&text).unwrap())).collect()
}

fn of_items<const N: usize>(items: [(&str, Format); N]) -> Vec<(String, Format)> {
    items.map(|(item, format)| (item.to_owned(), format)).into()
}

fn opens(folder: &Folder, keys: &str, file: &str) -> bool {
    folder
        .run(&format!("unseal --recovery-private-key {keys} {file}"), "")
        .code
        == 0
}

fn fails(run: &Run, expected: &str) {
    assert_ne!(run.code, 0, "{}", run.stdout);
    assert!(run.stderr.contains(expected), "{}", run.stderr);
}

#[test]
fn modes_without_a_verb_seal_v1_unless_asked() {
    let folder = folder();
    let sealed = folder.run("--cert hybrid.crt -o yaml", SECRET).ok();
    assert_eq!(versions(&sealed), of_items([("password", Format::V1)]));
    let sealed = folder.run("--cert hybrid.crt --format-version 2 -o yaml", SECRET).ok();
    assert_eq!(versions(&sealed), of_items([("password", Format::V2)]));
    folder.put("db.sealed.yaml", &sealed);
    let unsealed = folder
        .run(
            "--recovery-unseal --recovery-private-key hybrid-keys.yaml -f db.sealed.yaml -o yaml",
            "",
        )
        .ok();
    assert!(unsealed.contains("password: cA=="), "{unsealed}");
    // The preset of the environment is the flag.
    let preset = [("SEALED_SECRETS_FORMAT_VERSION", "2")];
    let sealed = folder.run_in(&preset, &["--cert", "hybrid.crt", "-o", "yaml"], SECRET.as_bytes());
    assert_eq!(versions(&sealed.ok()), of_items([("password", Format::V2)]));
    fails(
        &folder.run("--cert hybrid.crt --format-version 3", SECRET),
        "must be v1 or v2 (1 or 2)",
    );
}

#[test]
fn verbs_seal_v2_where_the_certificate_has_a_hybrid_key() {
    let folder = folder();
    folder.put("db.yaml", SECRET);
    folder.run("seal --cert hybrid.crt db.yaml", "").ok();
    assert_eq!(
        versions(&folder.text("db.sealed.yaml")),
        of_items([("password", Format::V2)])
    );
    assert!(opens(&folder, "hybrid-keys.yaml", "db.sealed.yaml"));
    let sealed = folder.run("seal --cert hybrid.crt -", SECRET).ok();
    assert_eq!(versions(&sealed), of_items([("password", Format::V2)]));
    let sealed = folder.run("seal --cert test-only.crt -", SECRET).ok();
    assert_eq!(versions(&sealed), of_items([("password", Format::V1)]));
    let sealed = folder.run("seal --cert hybrid.crt --format-version 1 -", SECRET).ok();
    assert_eq!(versions(&sealed), of_items([("password", Format::V1)]));
}

#[test]
fn an_object_keeps_its_version() {
    let folder = folder();
    folder.put("db.yaml", SECRET);
    folder.run("seal --cert test-only.crt db.yaml", "").ok();
    // A new value, and a new item, beside a value of format v1.
    folder.put("db.yaml", &SECRET.replace("password: p", "password: q, user: u"));
    folder.run("seal --cert hybrid.crt db.yaml", "").ok();
    let v1 = of_items([("password", Format::V1), ("user", Format::V1)]);
    assert_eq!(versions(&folder.text("db.sealed.yaml")), v1);
    folder.run("set --cert hybrid.crt db.sealed.yaml password", "r").ok();
    assert_eq!(versions(&folder.text("db.sealed.yaml")), v1);
    // What is current in format v1 is not in format v2.
    folder.run("seal --cert hybrid.crt --format-version 2 db.yaml", "").ok();
    let v2 = of_items([("password", Format::V2), ("user", Format::V2)]);
    assert_eq!(versions(&folder.text("db.sealed.yaml")), v2);
    assert!(opens(&folder, "hybrid-keys.yaml", "db.sealed.yaml"));
    // With keys that know the values, too.
    let told = folder
        .run(
            "seal --cert hybrid.crt --recovery-private-key hybrid-keys.yaml --format-version 2 db.yaml",
            "",
        )
        .ok();
    assert!(told.contains("1 kept"), "{told}");
}

#[test]
fn unchanged_values_are_raised_where_that_is_asked() {
    let folder = folder();
    folder.put("db.yaml", SECRET);
    folder.run("seal --cert test-only.crt db.yaml", "").ok();
    let seal = "seal --cert hybrid.crt --recovery-private-key hybrid-keys.yaml";
    assert!(folder.run(&format!("{seal} db.yaml"), "").ok().contains("1 kept"));
    folder.run(&format!("{seal} --format-version 2 db.yaml"), "").ok();
    assert_eq!(
        versions(&folder.text("db.sealed.yaml")),
        of_items([("password", Format::V2)])
    );
}

#[test]
fn a_change_of_version_is_told() {
    let folder = folder();
    folder.put("db.yaml", SECRET);
    for force in ["", "--force "] {
        folder.run("seal --force --cert test-only.crt db.yaml", "").ok();
        let seal = format!("seal {force}--cert hybrid.crt --format-version 2 db.yaml");
        let told = folder.run(&seal, "").ok();
        assert!(told.contains("\n  shop/db: format v1 → v2\n"), "{told}");
        let told = folder.run(&format!("{seal} --no-key-hint"), "").ok();
        assert!(!told.contains("format"), "{told}");
        std::fs::remove_file(folder.path("db.sealed.yaml")).unwrap();
    }
}

/// What a pipeline holds against the rule of the project.
#[test]
fn checking_asks_for_the_format_that_sealing_would_give() {
    let folder = folder();
    folder.put("db.yaml", SECRET);
    folder.run("seal --cert test-only.crt db.yaml", "").ok();
    assert!(folder.run("seal --check db.yaml", "").ok().contains("1 same"));
    folder.put(".kubeseal.yaml", "clusters: {c: {cert: hybrid.crt, format: v2}}\n");
    for line in [
        "seal --check db.yaml",
        "seal --check --recovery-private-key hybrid-keys.yaml db.yaml",
    ] {
        let run = folder.run(line, "");
        assert_ne!(run.code, 0, "{line}");
        assert!(run.stdout.contains("shop/db: format v1 → v2"), "{}", run.stdout);
    }
    folder.run("seal db.yaml", "").ok();
    assert!(folder.run("seal --check db.yaml", "").ok().contains("1 same"));
    // The way back.
    folder.put(".kubeseal.yaml", "clusters: {c: {cert: hybrid.crt, format: v1}}\n");
    let back = "kubeseal reseal --format-version 1 --allow-downgrade --recovery-private-key FILE db.sealed.yaml";
    let run = folder.run("seal --check db.yaml", "");
    assert_eq!(run.code, 1);
    assert!(run.stdout.contains("shop/db: format v2 → v1"), "{}", run.stdout);
    let hint = format!("hint: {back} takes values back to format v1; kubeseal seal db.yaml seals what else differs\n");
    assert!(run.stderr.ends_with(&hint), "{}", run.stderr);
    let back = back.replace("kubeseal ", "").replace("FILE", "hybrid-keys.yaml");
    assert_eq!(folder.run(&format!("{back} --check"), "").code, 1);
    folder.run(&back, "").ok();
    folder.run(&format!("{back} --check"), "").ok();
    assert!(folder.run("seal --check db.yaml", "").ok().contains("1 same"));
}

#[test]
fn v2_without_a_hybrid_key_is_an_error() {
    let folder = folder();
    folder.put("db.yaml", SECRET);
    folder.put(".kubeseal.yaml", "clusters: {c: {cert: test-only.crt, format: v2}}\n");
    for line in [
        "--cert test-only.crt --format-version 2",
        "seal --cert test-only.crt --format-version 2 -",
        "seal --cert test-only.crt --format-version 2 db.yaml",
        "--raw --cert test-only.crt --format-version 2 --name db -n shop --item password",
        "edit --cert test-only.crt --format-version 2 -n shop new.sealed.yaml",
        // What the project file says.
        "",
        "seal -",
        "seal db.yaml",
        "--raw --name db -n shop --item password",
        "edit -n shop new.sealed.yaml",
    ] {
        let run = folder.run(line, SECRET);
        fails(&run, &format!("test-only.crt: {NEVER_V2}"));
        fails(&run, "\nhint: a controller with --hybrid=publish");
    }
    assert!(!folder.path("db.sealed.yaml").exists());
}

#[test]
fn a_malformed_hybrid_key_is_not_passed_over() {
    let folder = folder();
    folder.put("malformed.crt", &malformed(&folder));
    folder.put("db.yaml", SECRET);
    for line in [
        "seal --cert malformed.crt -",
        "seal --cert malformed.crt db.yaml",
        "--cert malformed.crt --format-version 2",
        "edit --cert malformed.crt -n shop new.sealed.yaml",
        "reseal --recovery-private-key hybrid-keys.yaml --cert malformed.crt db.sealed.yaml",
    ] {
        if line.starts_with("reseal") {
            let sealed = folder.run("--cert test-only.crt -o yaml", SECRET).ok();
            folder.put("db.sealed.yaml", &sealed);
        }
        fails(
            &folder.run(line, SECRET),
            "malformed.crt: the certificate's hybrid key is malformed",
        );
    }
    // The modes without a verb seal as the reference does, which passes it over.
    let sealed = folder.run("--cert malformed.crt -o yaml", SECRET).ok();
    assert_eq!(versions(&sealed), of_items([("password", Format::V1)]));
}

#[test]
fn files_of_rsa_keys_alone_are_named_where_v2_does_not_open() {
    let folder = folder();
    folder.put(
        "without-seed.yaml",
        &key_secret("k1", &folder.text("test-only.key"), &folder.text("hybrid.crt"), None),
    );
    folder.put(
        "another-seed.yaml",
        &key_secret("k1", &folder.text("test-only.key"), &folder.text("hybrid.crt"), Some(7)),
    );
    let sealed = folder.run("--cert hybrid.crt --format-version 2 -o yaml", SECRET).ok();
    folder.put("db.sealed.yaml", &sealed);
    let hint = |keys: &str| {
        format!(
            "hint: an RSA key alone does not open format v2. If it was sealed for one of these, the hybrid key is missing: {keys}; it is \
             the item hybrid.seed of the key Secret, which kubeseal keys backup saves too. Else the keys are others: kubeseal doctor \
             db.sealed.yaml finds out more\n"
        )
    };
    for (keys, shown) in [
        ("test-only.key", "test-only.key"),
        (
            "without-seed.yaml",
            "without-seed.yaml (the Secret has no item hybrid.seed, whose key its certificate carries)",
        ),
        (
            "another-seed.yaml",
            "another-seed.yaml (the certificate's hybrid key does not belong to hybrid.seed)",
        ),
    ] {
        for line in [
            "unseal --recovery-private-key KEYS db.sealed.yaml",
            "--recovery-unseal --recovery-private-key KEYS -f db.sealed.yaml",
            "reseal --recovery-private-key KEYS --cert hybrid.crt db.sealed.yaml",
            "rename --recovery-private-key KEYS --cert hybrid.crt db.sealed.yaml password new",
        ] {
            let run = folder.run(&line.replace("KEYS", keys), "");
            assert_eq!(run.code, 1, "{line}");
            assert!(
                run.stderr.contains("sealed for a key that is not here (key id "),
                "{line}: {}",
                run.stderr
            );
            assert!(run.stderr.ends_with(&hint(shown)), "{line}: {}", run.stderr);
        }
        // They open format v1 as before.
        let sealed = folder.run("--cert hybrid.crt -o yaml", SECRET).ok();
        folder.put("v1.sealed.yaml", &sealed);
        assert!(opens(&folder, keys, "v1.sealed.yaml"));
    }
}
