//! `kubeseal doctor` tells a key that is not here from names that do not fit.

use sealing::cert::SealingCert;

use super::{SECRET, folder, hybrid_cert, key_secret};
use crate::discovery::answered_with_keys;
use crate::program::Folder;

fn sealed(folder: &Folder, cert: &str) -> String {
    folder
        .run(&format!("--cert {cert} --format-version 2 -o yaml"), SECRET)
        .ok()
}

fn id(folder: &Folder, cert: &str) -> String {
    let cert = SealingCert::from_pem(folder.text(cert).as_bytes()).unwrap();
    cert.hybrid().unwrap().unwrap().id().to_string()
}

fn doctor(folder: &Folder, keys: &str) -> String {
    let run = folder.run(
        &format!("doctor --offline --recovery-private-key {keys} db.sealed.yaml"),
        "",
    );
    assert_eq!((run.code, run.stderr.as_str()), (1, ""), "{}", run.stdout);
    run.stdout
}

#[test]
fn a_key_that_is_not_at_hand_is_named() {
    let folder = folder();
    folder.put("db.sealed.yaml", &sealed(&folder, "grafted.crt"));
    let (sealed_with, held) = (id(&folder, "grafted.crt"), id(&folder, "hybrid.crt"));
    let told = doctor(&folder, "hybrid-keys.yaml");
    let expected = format!("none of the keys at hand is key id {sealed_with}, which it was sealed with (held: {held})");
    assert!(told.contains(&expected), "{told}");
    let told = doctor(&folder, "test-only.key");
    let expected = format!(
        "none of the keys at hand is key id {sealed_with}, which it was sealed with (none that is held opens format v2; a PEM file never does)"
    );
    assert!(told.contains(&expected), "{told}");
}

/// Nothing is wrong with the object or the certificate: the seed is what is missing here.
#[test]
fn the_rsa_half_alone_of_the_right_certificate_is_no_other_cluster() {
    let folder = folder();
    folder.put("db.sealed.yaml", &sealed(&folder, "hybrid.crt"));
    let told = doctor(&folder, "test-only.key --cert hybrid.crt");
    let id = id(&folder, "hybrid.crt");
    let expected =
        format!("it was sealed with the hybrid key of hybrid.crt (key id {id}), of which the RSA key alone is at hand");
    assert!(told.contains(&expected) && !told.contains("other-cluster"), "{told}");
}

#[test]
fn a_certificate_that_is_named_is_held_against_the_ids() {
    let folder = folder();
    folder.put("db.sealed.yaml", &sealed(&folder, "hybrid.crt"));
    let tell = |cert: &str| {
        folder
            .run(&format!("doctor --offline --cert {cert} db.sealed.yaml"), "")
            .stdout
    };
    let (sealed_with, other) = (id(&folder, "hybrid.crt"), id(&folder, "grafted.crt"));
    let told = tell("grafted.crt");
    let expected = format!("it was sealed with key id {sealed_with}, and grafted.crt has key id {other}");
    assert!(told.contains(&expected), "{told}");
    assert!(tell("test-only.crt").contains("test-only.crt has no hybrid key"));
    let told = tell("hybrid.crt");
    assert!(!told.contains("key id") && !told.contains("no key hint"), "{told}");
}

#[test]
fn other_names_are_tried_that_of_the_item_too() {
    let folder = folder();
    let sealed = sealed(&folder, "hybrid.crt");
    let told = |text: &str| {
        folder.put("db.sealed.yaml", text);
        doctor(&folder, "hybrid-keys.yaml")
    };
    let renamed = told(&sealed.replacen("name: db", "name: other", 1));
    assert!(renamed.contains("it opens only under the name \"db\""), "{renamed}");
    let moved = told(&sealed.replacen("namespace: shop", "namespace: elsewhere", 1));
    assert!(moved.contains("it opens only in namespace \"shop\""), "{moved}");
    // Two items whose names were exchanged by hand.
    let both = folder
        .run(
            "--cert hybrid.crt --format-version 2 -o yaml",
            &SECRET.replace("password: p", "password: p, user: u"),
        )
        .ok();
    let swapped = both
        .replace("password:", "x:")
        .replace("user:", "password:")
        .replace("x:", "user:");
    let swapped = told(&swapped);
    let expected = "the values of items password and user were exchanged: each opens under the other's name";
    assert!(swapped.contains(expected), "{swapped}");
    assert!(
        swapped.contains("exchange the two texts in spec.encryptedData again"),
        "{swapped}"
    );
    // The text of one item, copied to another.
    let of_user = both.lines().find(|line| line.starts_with("    user: ")).unwrap();
    let text = of_user.trim_start().trim_start_matches("user: ");
    let lines = both.lines().map(|line| match line.starts_with("    password: ") {
        true => format!("    password: {text}\n"),
        false => format!("{line}\n"),
    });
    let copied = told(&lines.collect::<String>());
    assert!(
        copied.contains("item password holds a value that was sealed for item user, which is there too"),
        "{copied}"
    );
    let renamed = told(
        &sealed
            .replace("    password:", "    other:")
            .replace("  template:\n", "  template:\n    data:\n      password: x\n"),
    );
    assert!(
        renamed.contains("item other opens only under the name password"),
        "{renamed}"
    );
    let elsewhere = told(&sealed.replace("    password:", "    other:"));
    let expected = "other: a key that is held has the id in the value, and opens it under none of the names, namespaces, scopes and \
                    items that were tried: it is bound to others, or its text is damaged";
    assert!(elsewhere.contains(expected), "{elsewhere}");
}

#[test]
fn a_seed_that_is_missing_in_the_cluster_is_named() {
    let folder = folder();
    folder.put("db.sealed.yaml", &sealed(&folder, "hybrid.crt"));
    let (key, cert) = (folder.text("test-only.key"), folder.text("hybrid.crt"));
    let tell = |secret: &str| answered_with_keys(&folder, &cert, secret, &["doctor", "db.sealed.yaml"]).stdout;
    let id = id(&folder, "hybrid.crt");
    let told = tell(&key_secret("k1", &key, &cert, None));
    let expected = format!(
        "it was sealed with the hybrid key of k1 (key id {id}), whose Secret holds the RSA key alone: the Secret has no item hybrid.seed"
    );
    assert!(told.contains(&expected), "{told}");
    let other = hybrid_cert(&folder, "test-only-other.key", 9);
    let told = tell(&key_secret(
        "k2",
        &folder.text("test-only-other.key"),
        other.pem(),
        Some(9),
    ));
    assert!(
        told.contains(&format!("no key Secret of the cluster holds key id {id}")),
        "{told}"
    );
}

/// Nobody checks who signed a certificate: the RSA key is the cluster's, and the hybrid key a stranger's.
#[test]
fn a_strangers_hybrid_key_is_told_by_the_key_hint() {
    let folder = folder();
    let sealed = folder
        .run("--cert grafted.crt --format-version 2 --key-hint -o yaml", SECRET)
        .ok();
    folder.put("db.sealed.yaml", &sealed);
    let id = id(&folder, "grafted.crt");
    let lint = folder.run("lint --cert hybrid.crt db.sealed.yaml", "");
    let told = format!(
        "error[foreign-hybrid-key]: item password was sealed with the RSA key of hybrid.crt, by the key hint, and a hybrid key that is not \
         its own (key id {id}): whoever made that certificate can read it"
    );
    assert!(lint.code == 1 && lint.stdout.contains(&told), "{}", lint.stdout);
    let (key, cert) = (folder.text("test-only.key"), folder.text("hybrid.crt"));
    let secret = key_secret("k1", &key, &cert, Some(1));
    let by_cluster = answered_with_keys(&folder, &cert, &secret, &["doctor", "db.sealed.yaml"]).stdout;
    let by_file = doctor(&folder, "hybrid-keys.yaml --cert hybrid.crt");
    for (told, name) in [(by_cluster, "k1"), (by_file, "hybrid.crt")] {
        let expected = format!(
            "it was sealed with the RSA key of {name}, by its key hint, and a hybrid key that is not its own (key id {id})"
        );
        assert!(told.contains(&expected) && !told.contains("keys restore"), "{told}");
    }
    // Without the hint it may be any other key.
    let sealed = folder.run("--cert grafted.crt --format-version 2 -o yaml", SECRET).ok();
    folder.put("db.sealed.yaml", &sealed);
    let lint = folder.run("lint --cert hybrid.crt db.sealed.yaml", "").ok();
    assert!(
        lint.contains("note[old-key]: item password was sealed with key id"),
        "{lint}"
    );
}
