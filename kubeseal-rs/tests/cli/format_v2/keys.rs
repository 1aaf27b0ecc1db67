//! `kubeseal keys` and the hybrid half of the keys.

use serde_json::Value;

use super::{folder, key_secret};
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
                "k1 opens format version 1 only, and no certificate of it is handed out: {why}"
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
        let expected = format!("error: the backup opens format version 1 only with k1: {why}\nhint: ");
        assert!(run.code == 1 && run.stderr.starts_with(&expected), "{}", run.stderr);
        // What there is was saved all the same.
        assert!(run.stdout.contains("tls.key:"));
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
    for (there, backup) in [
        (Some(1), "whole.yaml"),
        (Some(1), "rsa.yaml"),
        (Some(7), "whole.yaml"),
        (None, "rsa.yaml"),
    ] {
        let (run, changed) = restore(there, backup);
        assert!(changed.is_empty(), "{there:?} {backup}: {changed:?}");
        // What an older backup lacks is no fault of a key that is whole.
        let is_whole = there == Some(1);
        assert_eq!(run.code == 0, is_whole, "{there:?} {backup}: {}", run.stderr);
        assert!(run.stdout.contains("kube-system/k1 is there already"), "{}", run.stdout);
    }
    let (run, _) = restore(Some(7), "whole.yaml");
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
        told.contains(&format!("kube-system/k1 is retired, and opens nothing until: {next}")),
        "{told}"
    );
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
