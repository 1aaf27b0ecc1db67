//! `kubeseal keys` and the hybrid key of the keys.

use serde_json::Value;

use super::{SECRET, folder, key_secret};
use crate::discovery::{answered_with_keys, restored_beside};
use crate::program::{Folder, Run};

fn with_seed(folder: &Folder, seed: Option<u8>) -> String {
    key_secret("k1", &folder.text("test-only.key"), &folder.text("hybrid.crt"), seed)
}

fn keys(folder: &Folder, seed: Option<u8>, words: &[&str]) -> Run {
    answered_with_keys(folder, &folder.text("hybrid.crt"), &with_seed(folder, seed), words)
}

const MISSING: &str = "the Secret has no item hybrid.seed, whose key its certificate carries";
const OTHER: &str = "the certificate's hybrid key does not belong to hybrid.seed";

#[test]
fn the_list_says_which_keys_open_v2() {
    let folder = folder();
    let pin = sealing::cert::SealingCert::from_pem(folder.text("hybrid.crt").as_bytes()).unwrap();
    let pin = pin.pin().unwrap().unwrap().to_string();
    let text = keys(&folder, Some(1), &["keys", "list"]).ok();
    let lines: Vec<_> = text.lines().collect();
    assert!(
        lines[0].ends_with("OBJECTS  OPENS") && lines[1].ends_with("v1, v2"),
        "{text}"
    );
    assert!(
        text.contains(&format!(
            "both keys of k1 are pinned in a project file by fingerprint: {pin}\n"
        )),
        "{text}"
    );
    let json: Value = serde_json::from_str(&keys(&folder, Some(1), &["keys", "list", "-o", "json"]).ok()).unwrap();
    assert_eq!(json["keys"][0]["opens"], serde_json::json!(["v1", "v2"]));
    assert_eq!(json["keys"][0]["pin"], pin);
    for (seed, why) in [(None, MISSING), (Some(7), OTHER)] {
        let text = keys(&folder, seed, &["keys", "list"]).ok();
        assert!(text.lines().nth(1).unwrap().contains("opens v1 only"), "{text}");
        assert!(
            text.contains(&format!(
                "k1 opens format v1 only, and no certificate of it is handed out: {why}"
            )),
            "{text}"
        );
        let json: Value = serde_json::from_str(&keys(&folder, seed, &["keys", "list", "-o", "json"]).ok()).unwrap();
        assert_eq!(json["keys"][0]["state"], "opens-v1-only");
        assert_eq!(json["keys"][0]["opens"], serde_json::json!(["v1"]));
    }
    // Where no key is hybrid, the table is what it was.
    let secret = key_secret("k1", &folder.text("test-only.key"), &folder.text("test-only.crt"), None);
    let text = answered_with_keys(&folder, &folder.text("test-only.crt"), &secret, &["keys", "list"]).ok();
    assert!(
        text.lines().next().unwrap().ends_with("OBJECTS") && !text.contains("v2"),
        "{text}"
    );
}

#[test]
fn a_backup_without_a_seed_fails_and_names_the_key() {
    let folder = folder();
    let backup = ["keys", "backup", "--unencrypted"];
    let saved = keys(&folder, Some(1), &backup).ok();
    assert!(saved.contains("hybrid.seed:"));
    folder.put("saved.yaml", &saved);
    for (seed, why) in [(None, MISSING), (Some(7), OTHER)] {
        let run = keys(&folder, seed, &backup);
        let expected = format!("error: the backup opens format v1 only with k1: {why}\nhint: ");
        assert!(run.code == 1 && run.stderr.starts_with(&expected), "{}", run.stderr);
        // What there is was saved all the same.
        assert!(run.stdout.contains("tls.key:"));
    }
}

/// It may be the only place where a key is left, and another cluster's backup is such a place, too.
#[test]
fn a_backup_is_not_written_over_a_file_with_a_key_that_it_lacks() {
    const RECIPIENT: &str = "age1lggyhqrw2nlhcxprm67z43rta597azn8gknawjehu9d9dl0jq3yqqvfafg";
    let folder = folder();
    let other = key_secret(
        "other",
        &folder.text("test-only-other.key"),
        &folder.text("test-only-other.crt"),
        None,
    );
    let write = |seed, words: &[&str]| keys(&folder, seed, &[&["keys", "backup"], words].concat());
    let clear: &[&str] = &["--unencrypted", "-w", "saved"];
    let encrypted: &[&str] = &["-r", RECIPIENT, "-w", "saved"];
    for words in [clear, encrypted] {
        std::fs::remove_file(folder.path("saved")).ok();
        assert_eq!(write(Some(1), words).ok(), "");
        assert_eq!(write(Some(1), words).ok(), "", "the same keys again");
        let before = folder.text("saved");
        let refused = |run: &Run| {
            let next = "kubeseal keys restore saved";
            let told = run.code == 1
                && run.stderr.contains("saved holds what the new backup would lack")
                && run.stderr.contains(next);
            assert!(told, "{}", run.stderr);
            assert_eq!(folder.text("saved"), before);
        };
        refused(&write(None, words));
        refused(&answered_with_keys(
            &folder,
            "",
            &other,
            &[&["keys", "backup"], words].concat(),
        ));
        // Written with more, or in an empty file, it is.
        folder.put("saved", "\n");
        assert_eq!(write(None, words).code, 1);
        assert_eq!(write(Some(1), words).ok(), "", "with the seed");
    }
    // Which keys these hold cannot be told, and another program may well find them.
    let (backup, pem) = (with_seed(&folder, Some(1)), folder.text("test-only.key"));
    let in_a_configmap = format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\ndata:\n  a: |\n    {pem}");
    for unknown in [
        "age-encryption.org/v1\n-> X25519 a\n".to_owned(),
        pem.clone(),
        format!("{}\n{pem}", folder.text("hybrid.crt")),
        format!("{backup}\n---\nremember: [this\n"),
        key_secret("k1", &pem, "no certificate", Some(1)),
        in_a_configmap,
    ] {
        folder.put("saved", &unknown);
        for words in [clear, encrypted] {
            let run = write(Some(1), words);
            let told = "saved: which keys it holds cannot be told, so it is left as it is";
            assert!(run.code == 1 && run.stderr.contains(told), "{unknown}\n{}", run.stderr);
            assert_eq!(folder.text("saved"), unknown);
        }
    }
}

#[test]
fn restoring_brings_a_seed_back_and_takes_none_away() {
    let folder = folder();
    folder.put("whole.yaml", &with_seed(&folder, Some(1)));
    folder.put("rsa.yaml", &with_seed(&folder, None));
    let restore = |there: Option<u8>, backup: &str| {
        restored_beside(&folder, &with_seed(&folder, there), &["keys", "restore", backup])
    };
    let (run, changed) = restore(None, "whole.yaml");
    let told = run.ok();
    assert!(told.contains("restored hybrid.seed of kube-system/k1\n"), "{told}");
    // It seals again.
    assert!(!told.contains("none of the keys is active"), "{told}");
    assert_eq!(changed.len(), 1, "{changed:?}");
    for (there, backup) in [(Some(1), "whole.yaml"), (Some(1), "rsa.yaml"), (None, "rsa.yaml")] {
        let (run, changed) = restore(there, backup);
        assert!(changed.is_empty(), "{there:?} {backup}: {changed:?}");
        // What an older backup lacks is not a fault of a key that is whole.
        let is_whole = there == Some(1);
        assert_eq!(run.code == 0, is_whole, "{there:?} {backup}: {}", run.stderr);
        assert!(run.stdout.contains("kube-system/k1 is there already"), "{}", run.stdout);
        let unsaved =
            "kube-system/k1 has a hybrid key, and the backup does not: back up again (kubeseal keys backup)\n";
        assert_eq!(
            run.stdout.contains(unsaved),
            is_whole && backup == "rsa.yaml",
            "{}",
            run.stdout
        );
    }
    // A seed that is not that of the certificate opens nothing that is sealed with it.
    let (run, changed) = restore(Some(7), "whole.yaml");
    let told = run.ok();
    let replaced = "restored hybrid.seed of kube-system/k1, in place of one that is not its certificate's\n";
    assert!(told.contains(replaced) && changed.len() == 1, "{told} {changed:?}");
    let immutable = with_seed(&folder, None) + "immutable: true\n";
    let (run, changed) = restored_beside(&folder, &immutable, &["keys", "restore", "whole.yaml"]);
    assert!(run.code == 1 && changed.is_empty(), "{changed:?}");
    let next = "k1 is immutable, and takes no hybrid.seed of the backup: kubectl delete secret -n kube-system k1, then run the same";
    assert!(run.stderr.contains(next), "{}", run.stderr);
    // The certificate of another hybrid key, and its own seed.
    let other = key_secret(
        "k1",
        &folder.text("test-only.key"),
        &folder.text("grafted.crt"),
        Some(2),
    );
    let (run, changed) = restored_beside(&folder, &other, &["keys", "restore", "whole.yaml"]);
    assert!(changed.is_empty(), "{changed:?}");
    assert!(
        run.stderr.contains("k1 has another hybrid key than the backup ("),
        "{}",
        run.stderr
    );
    let (run, _) = restore(None, "rsa.yaml");
    assert!(
        run.stderr.contains(&format!("k1 in the backup: {MISSING}")),
        "{}",
        run.stderr
    );
}

#[test]
fn restoring_says_that_a_key_is_there_and_retired() {
    let folder = folder();
    folder.put("whole.yaml", &with_seed(&folder, Some(1)));
    let retired = with_seed(&folder, Some(1)).replace("sealed-secrets-key: active", "sealed-secrets-key: retired");
    let (run, changed) = restored_beside(&folder, &retired, &["keys", "restore", "whole.yaml"]);
    let told = run.ok();
    assert!(
        changed.is_empty() && told.contains("kube-system/k1 is there already\n"),
        "{told}"
    );
    let next =
        "kubectl label secret -n kube-system k1 sealedsecrets.bitnami.com/sealed-secrets-key=active --overwrite\n";
    assert!(
        told.contains(&format!(
            "kube-system/k1 is labelled \"retired\", and opens nothing until: {next}"
        )),
        "{told}"
    );
    // Nobody is led to open again with a key that somebody else may have.
    let compromised = retired.replace("sealed-secrets-key: retired", "sealed-secrets-key: compromised");
    let (run, _) = restored_beside(&folder, &compromised, &["keys", "restore", "whole.yaml"]);
    let told = run.ok();
    let expected = "kube-system/k1 is labelled \"compromised\", and opens nothing: change what was sealed with it\n";
    assert!(told.contains(expected) && !told.contains("kubectl label"), "{told}");
}

#[test]
fn the_list_knows_a_certificate_with_a_strangers_hybrid_key() {
    let folder = folder();
    let list = |cert: &str| keys(&folder, Some(1), &["keys", "list", "--cert", cert]).ok();
    assert!(
        !list("hybrid.crt").contains("hybrid.crt"),
        "the right one is not remarked upon"
    );
    let text = list("grafted.crt");
    assert!(
        text.contains(
            "grafted.crt has the RSA key of k1 and a hybrid key that is not this cluster's: do not seal with it"
        ),
        "{text}"
    );
    let text = list("test-only.crt");
    assert!(text.contains("test-only.crt lacks the hybrid key of k1"), "{text}");
}

/// One letter of it is another: no verb takes it for a certificate without a hybrid key.
#[test]
fn a_damaged_certificate_is_named_by_every_verb() {
    let folder = folder();
    let mut letters: Vec<char> = folder.text("hybrid.crt").chars().collect();
    let middle = letters.len() / 2;
    let at = (middle..).find(|at| letters[*at].is_ascii_alphabetic()).unwrap();
    letters[at] = if letters[at] == 'A' { 'B' } else { 'A' };
    folder.put("damaged.crt", &letters.iter().collect::<String>());
    folder.put("db.yaml", SECRET);
    let sealed = folder.run("--cert hybrid.crt --format-version 2 -o yaml", SECRET).ok();
    folder.put("db.sealed.yaml", &sealed);
    for line in [
        "seal --cert damaged.crt db.yaml",
        "lint --cert damaged.crt db.sealed.yaml",
        "doctor --offline --cert damaged.crt db.sealed.yaml",
        "keys pin damaged.crt",
    ] {
        let run = folder.run(line, "");
        assert!(
            run.code == 1 && run.stderr.contains("hybrid key is malformed"),
            "{line}: {}",
            run.told
        );
    }
}
