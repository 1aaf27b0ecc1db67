//! `kubeseal doctor` without a cluster: what the file and keys at hand say.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::program::{Folder, Run};

const SECRET: &str =
    "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: shop}\nstringData: {password: hunter2}\n";

fn sealed(folder: &Folder, flags: &str) -> String {
    folder
        .run(&format!("--cert test-only.crt -o yaml {flags}"), SECRET)
        .ok()
}

/// Runs the doctor on `text` with the key at hand.
fn examined(folder: &Folder, text: &str) -> Run {
    folder.put("db.yaml", text);
    folder.run("doctor --offline --recovery-private-key test-only.key db.yaml", "")
}

#[test]
fn a_sound_file_opens() {
    let folder = Folder::with_keys();
    let text = sealed(&folder, "");
    assert_eq!(examined(&folder, &text).ok(), "db.yaml:2: shop/db: it opens\n");
    let alone = folder.run("doctor --offline db.yaml", "").ok();
    assert!(
        alone.contains("nothing is wrong as far as can be seen without the controller"),
        "{alone}"
    );
}

#[test]
fn what_has_no_items_is_said_to_have_none() {
    let folder = Folder::with_keys();
    let text = sealed(&folder, "");
    let (start, end) = (
        text.find("  encryptedData:").unwrap(),
        text.find("  template:").unwrap(),
    );
    let empty = format!("{}  encryptedData: {{}}\n{}", &text[..start], &text[end..]);
    folder.put("db.yaml", &empty);
    for flags in ["", "--recovery-private-key test-only.key "] {
        let told = folder.run(&format!("doctor --offline {flags}db.yaml"), "").ok();
        assert!(told.starts_with("db.yaml:2: shop/db: it has no items\n"), "{told}");
    }
}

/// A repository for three clusters begins with one of them.
#[test]
fn a_cluster_whose_certificate_nobody_has_fetched_yet_is_no_hindrance() {
    let folder = Folder::with_keys();
    let text = sealed(&folder, "");
    let project = "clusters:\n  dev: {cert: test-only.crt, folders: [.]}\n  prod: {cert: prod.crt, folders: [prod]}\n";
    folder.put(".kubeseal.yaml", project);
    assert_eq!(examined(&folder, &text).ok(), "db.yaml:2: shop/db: it opens\n");
    let named = folder.run("doctor --offline --cert prod.crt db.yaml", "");
    assert!(named.code == 1 && named.told.contains("prod.crt"), "{}", named.told);
}

#[test]
fn each_cause_is_told_with_what_to_type_next() {
    let folder = Folder::with_keys();
    let strict = sealed(&folder, "");
    let wide = sealed(&folder, "--scope cluster-wide");
    let without_annotation = wide.replacen(
        "  annotations:\n    sealedsecrets.bitnami.com/cluster-wide: \"true\"\n",
        "",
        1,
    );
    assert_ne!(wide, without_annotation);
    let place = strict.find("password: ").unwrap() + 600;
    let mut damaged = strict.clone();
    let other = if damaged.as_bytes()[place - 230] == b'A' {
        "B"
    } else {
        "A"
    };
    damaged.replace_range(place - 230..=place - 230, other);
    let cases = [
        strict.replacen("namespace: shop", "namespace: web", 1),
        strict.replacen("name: db", "name: web", 1),
        without_annotation,
        strict.replace("password: AQ", "password: AQ!"),
        damaged,
    ];
    let told = cases.map(|text| {
        let run = examined(&folder, &text);
        assert_eq!((run.code, run.stderr.as_str()), (1, ""), "{}", run.stdout);
        assert!(!run.stdout.contains("hunter2"));
        run.stdout
    });
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn what_only_partly_opens_and_what_another_certificate_has_sealed_is_told() {
    let folder = Folder::with_keys();
    folder.put("db.yaml", &sealed(&folder, "--key-hint"));
    folder
        .run("set --cert test-only-other.crt db.yaml token", "hunter2")
        .ok();
    let keys = "--recovery-private-key test-only.key";
    let runs = [
        folder.run(&format!("doctor --offline {keys} db.yaml"), ""),
        folder.run(
            &format!("doctor --offline {keys} --cert test-only-other.crt db.yaml"),
            "",
        ),
        folder.run("doctor --offline --cert test-only.crt db.yaml", ""),
    ];
    let told = runs.map(|run| {
        assert_eq!((run.code, run.stderr.as_str()), (1, ""), "{}", run.stdout);
        assert!(!run.stdout.contains("hunter2"));
        run.stdout
    });
    insta::assert_snapshot!(told.join("\n"));
    let json = folder.run(&format!("doctor --offline {keys} -o json db.yaml"), "");
    let json: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(json["objects"][0]["itemsThatDoNotOpen"], serde_json::json!(["token"]));
}

/// A value of a later format is named as such in every mode that reads it, and no file changes.
#[test]
fn newer_format_is_named() {
    let folder = Folder::with_keys();
    let text = sealed(&folder, "");
    let start = text.find("password: ").unwrap() + "password: ".len();
    // 00 00 03: version 3.
    let newer = format!("{}AAAD{}", &text[..start], &text[start + 4..]);
    folder.put("newer.yaml", &newer);
    let named = "sealed in a newer format (version 3): update kubeseal and the controller";
    for (line, input) in [
        ("lint newer.yaml", ""),
        ("doctor --offline newer.yaml", ""),
        ("doctor --offline --recovery-private-key test-only.key newer.yaml", ""),
        ("unseal --recovery-private-key test-only.key newer.yaml", ""),
        (
            "reseal --recovery-private-key test-only.key --cert test-only-other.crt newer.yaml",
            "",
        ),
        ("--recovery-unseal --recovery-private-key test-only.key", newer.as_str()),
    ] {
        let run = folder.run(line, input);
        assert_eq!(run.code, 1, "{line}: {}", run.told);
        let all = run.stdout + &run.stderr;
        assert!(all.contains(named), "{line}: {all}");
        assert!(
            !all.contains("is damaged") && !all.contains("was changed"),
            "{line}: {all}"
        );
        assert_eq!(fs::read_to_string(folder.path("newer.yaml")).unwrap(), newer, "{line}");
    }
}

#[test]
fn a_kustomization_that_renames_is_the_cause_that_is_told() {
    let folder = Folder::with_keys();
    fs::create_dir(folder.path(".git")).unwrap();
    fs::create_dir(folder.path("prod")).unwrap();
    folder.put(
        "prod/kustomization.yaml",
        "namePrefix: prod-\nresources: [../db.yaml]\n",
    );
    let text = sealed(&folder, "");
    let run = examined(&folder, &text);
    assert_eq!(run.code, 1);
    assert!(
        run.stdout
            .contains("renamed: the name of SealedSecret db (db.yaml) becomes \"prod-db\""),
        "{}",
        run.stdout
    );
}

/// Both its metadata and its template were changed, so that only Git knows the place that it was sealed for.
#[test]
fn moved_file_is_found_in_history() {
    let folder = Folder::with_keys();
    folder.git_init();
    let sealed = sealed(&folder, "");
    folder.put("shop/db.yaml", &sealed);
    let name = [
        "-c",
        "user.name=a",
        "-c",
        "user.email=a@example.com",
        "-c",
        "commit.gpgsign=false",
    ];
    folder.git(&["add", "--", "shop/db.yaml"]);
    folder.git(&[name.as_slice(), &["commit", "--quiet", "--message", "m"]].concat());
    fs::remove_file(folder.path("shop/db.yaml")).unwrap();
    let moved = sealed
        .replace("namespace: shop", "namespace: web")
        .replace("name: db", "name: main");
    let run = examined(&folder, &moved);
    let expected = "wrong-namespace: it opens only in namespace \"shop\" under the name \"db\" (found in commit ";
    assert!(run.code == 1 && run.stdout.contains(expected), "{}", run.stdout);
    assert_eq!(run.stdout.matches("next:").count(), 1, "{}", run.stdout);
}

#[test]
fn file_that_a_candidate_comes_from_is_named() {
    let folder = Folder::with_keys();
    folder.put("near.yaml", &SECRET.replace("name: db", "name: other"));
    let sealed = sealed(&folder, "");
    let run = examined(&folder, &sealed.replace("namespace: shop", "namespace: web"));
    let expected = "it opens only in namespace \"shop\" (found in near.yaml)";
    assert!(run.code == 1 && run.stdout.contains(expected), "{}", run.stdout);
    // Without it the place is not known.
    fs::remove_file(folder.path("near.yaml")).unwrap();
    let run = folder.run("doctor --offline --recovery-private-key test-only.key db.yaml", "");
    let expected = "One of: it was sealed for another name or namespace; ";
    assert!(run.code == 1 && run.stdout.contains(expected), "{}", run.stdout);
}

#[test]
fn scripts_read_json() {
    let folder = Folder::with_keys();
    folder.put(
        "db.yaml",
        &sealed(&folder, "").replacen("namespace: shop", "namespace: web", 1),
    );
    let run = folder.run(
        "doctor --offline --recovery-private-key test-only-keys.yaml -o json db.yaml",
        "",
    );
    let json: Value = serde_json::from_str(&run.stdout).unwrap();
    let object = &json["objects"][0];
    assert_eq!((&object["object"], &object["opens"]), (&"web/db".into(), &false.into()));
    let diagnosis = &object["diagnoses"][0];
    assert_eq!(
        (&diagnosis["cause"], &diagnosis["certain"]),
        (&"wrong-namespace".into(), &true.into())
    );
    assert!(diagnosis["next"].as_str().unwrap().contains("metadata.namespace: shop"));
    let of_items = (&object["itemsThatOpen"], &object["itemsThatDoNotOpen"]);
    assert_eq!(of_items, (&serde_json::json!([]), &serde_json::json!(["password"])));
}

#[test]
fn what_is_no_sealed_secret_is_refused_and_a_cluster_that_is_not_there_is_told() {
    let folder = Folder::with_keys();
    folder.put("clear.yaml", SECRET);
    let run = folder.run("doctor --offline clear.yaml", "");
    assert!(
        run.code == 1 && run.stderr.contains("it is not sealed yet"),
        "{}",
        run.told
    );
    folder.put("db.yaml", &sealed(&folder, ""));
    let run = folder.run("doctor --server http://127.0.0.1:1 db.yaml", "");
    assert_eq!((run.code, run.stderr.as_str()), (3, ""), "{}", run.stdout);
    for part in [
        "db.yaml:2: shop/db: not checked: the cluster could not be asked, and no private key is at hand\n",
        "controller: the cluster could not be asked: cannot get sealed secret service: ",
    ] {
        assert!(run.stdout.contains(part), "{}", run.stdout);
    }
    // What keys at hand say was checked, whatever the cluster says.
    let keys = "--recovery-private-key test-only.key";
    let run = folder.run(&format!("doctor --server http://127.0.0.1:1 {keys} db.yaml"), "");
    assert!(
        run.code == 0 && run.stdout.contains("shop/db: it opens\n"),
        "{}",
        run.stdout
    );
    folder.put("cut.yaml", &sealed(&folder, "").replace("kind:", "kind"));
    let run = folder.run("doctor --offline cut.yaml", "");
    assert!(
        run.code == 1 && run.stdout.contains("damaged: "),
        "{}{}",
        run.stdout,
        run.told
    );
    assert_eq!(folder.run("doctor", "").code, 2);
    insta::assert_snapshot!(folder.run("doctor --help", "").ok());
}

/// A folder with two files that open, one that was moved, and others without SealedSecrets.
fn several() -> Folder {
    let folder = Folder::with_keys();
    let sealed = sealed(&folder, "");
    folder.put("apps/a.yaml", &sealed);
    folder.put("apps/b.yml", &sealed);
    folder.put(
        "apps/moved.yaml",
        &sealed.replacen("namespace: shop", "namespace: web", 1),
    );
    folder.put("apps/values.yaml", "replicas: 1\n");
    folder.put("apps/clear.yaml", SECRET);
    folder
}

#[test]
fn several_files_and_their_summary() {
    let folder = several();
    let keys = "doctor --offline --recovery-private-key test-only.key";
    let run = folder.run(&format!("{keys} apps"), "");
    assert_eq!((run.code, run.stderr.as_str()), (1, ""), "{}", run.stdout);
    let verdicts: Vec<_> = run.stdout.lines().filter(|line| !line.starts_with(' ')).collect();
    let path = |name: &str| PathBuf::from("apps").join(name).display().to_string();
    assert_eq!(
        verdicts,
        [
            format!("{}:2: shop/db: it opens", path("a.yaml")),
            format!("{}:2: shop/db: it opens", path("b.yml")),
            format!("{}:2: web/db: it does not open", path("moved.yaml")),
            "3 SealedSecrets in 3 files: 2 ok, 1 with faults".to_owned(),
        ]
    );
    let sound = folder.run(&format!("{keys} apps/a.yaml apps/b.yml"), "").ok();
    assert!(sound.ends_with("2 SealedSecrets in 2 files: 2 ok\n"), "{sound}");
    // What cannot be examined fails, and keeps no other file from being examined.
    let run = folder.run(&format!("{keys} apps/clear.yaml apps/a.yaml"), "");
    let summary = "1 SealedSecret in 1 file: 1 ok; 1 file could not be examined\n";
    assert!(run.code == 1 && run.stdout.ends_with(summary), "{}", run.stdout);
    assert!(run.stderr.contains("it is not sealed yet"), "{}", run.stderr);
    let none = folder.run(&format!("{keys} apps/values.yaml*"), "");
    assert!(
        none.code == 1 && none.stderr.contains("there is no SealedSecret in"),
        "{}",
        none.told
    );
    assert_eq!(folder.run(&format!("{keys} - apps"), "").code, 2);
}

#[test]
fn several_files_as_json() {
    let folder = several();
    let json = |line: &str| -> Value {
        let run = folder.run(&format!("doctor -o json {line}"), "");
        serde_json::from_str(&run.stdout).unwrap()
    };
    let key = "--offline --recovery-private-key test-only.key";
    let all = json(&format!("{key} apps"));
    let opens: Vec<_> = all
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["objects"][0]["opens"])
        .collect();
    assert_eq!(opens, [true, true, false]);
    // As a list by what is typed, not by what is found.
    assert_eq!(json(&format!("{key} apps/a.*")).as_array().map(Vec::len), Some(1));
    let one = json(&format!("{key} apps/a.yaml"));
    assert_eq!(one["file"], "apps/a.yaml");
    let failed = json(&format!("{key} apps/clear.yaml apps/a.yaml"));
    assert!(
        failed[0]["error"].as_str().unwrap().contains("apps/clear.yaml"),
        "{failed}"
    );
    assert_eq!(failed[1]["objects"][0]["opens"], true);
}

/// One fault outweighs what could not be checked.
#[test]
fn worst_exit_code_of_several_files() {
    let folder = several();
    let doctor = |paths: &str| folder.run(&format!("doctor --server http://127.0.0.1:1 {paths}"), "");
    let run = doctor("apps/a.yaml apps/b.yml");
    let summary = "2 SealedSecrets in 2 files: 2 not checked\n";
    assert!(
        run.code == 3 && run.stdout.ends_with(summary),
        "{}{}",
        run.stdout,
        run.told
    );
    // What is the same for all is said once.
    for line in [
        "apps/a.yaml:2: shop/db: not checked\n",
        "apps/b.yml:2: shop/db: not checked\n",
    ] {
        assert!(run.stdout.contains(line), "{}", run.stdout);
    }
    let once = "\nnot checked: the cluster could not be asked, and no private key is at hand: cannot get sealed secret service: ";
    assert_eq!(run.stdout.matches(once).count(), 1, "{}", run.stdout);
    for part in ["could not be asked", "next:"] {
        assert_eq!(run.stdout.matches(part).count(), 1, "{}", run.stdout);
    }
    let run = doctor("--recovery-private-key test-only.key apps/a.yaml apps/b.yml");
    let once = "\ncontroller: the cluster could not be asked: cannot get sealed secret service: ";
    assert!(
        run.code == 0 && run.stdout.matches(once).count() == 1 && run.stdout.matches("next:").count() == 1,
        "{}",
        run.stdout
    );
    let broken = folder.text("apps/a.yaml").replace("password: AQ", "password: AQ!");
    folder.put("apps/broken.yaml", &broken);
    let run = doctor("apps/a.yaml apps/broken.yaml");
    let summary = "2 SealedSecrets in 2 files: 1 with faults, 1 not checked\n";
    assert!(
        run.code == 1 && run.stdout.ends_with(summary),
        "{}{}",
        run.stdout,
        run.told
    );
}

#[test]
fn what_else_a_file_holds_is_left_alone() {
    let folder = Folder::with_keys();
    let namespace = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n---\n";
    let text = namespace.to_owned() + &sealed(&folder, "");
    assert_eq!(examined(&folder, &text).ok(), "db.yaml:6: shop/db: it opens\n");
    let run = examined(&folder, namespace);
    assert!(
        run.code == 1 && run.stderr.contains("found Namespace"),
        "{}",
        run.stderr
    );
}
