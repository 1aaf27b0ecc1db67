//! `kubeseal reseal` and `--re-encrypt`: up where it is asked, down only by name.

use sealing::sealer::Format;

use super::{SECRET, fails, folder, of_items, opens, versions};
use crate::discovery::{answered_by_controller, refused_by_controller};
use crate::program::Folder;

const RESEAL: &str = "reseal --recovery-private-key hybrid-keys.yaml --cert hybrid.crt";

/// A folder with an object in each version.
fn both_versions() -> Folder {
    let folder = folder();
    folder.put("v1.yaml", &folder.run("--cert hybrid.crt -o yaml", SECRET).ok());
    folder.put(
        "v2.yaml",
        &folder.run("--cert hybrid.crt --format-version 2 -o yaml", SECRET).ok(),
    );
    folder
}

fn version(folder: &Folder, name: &str) -> Format {
    versions(&folder.text(name))[0].1
}

#[test]
fn versions_stay_unless_v2_is_asked() {
    let folder = both_versions();
    let before = folder.tree();
    assert_eq!(
        folder.run(&format!("{RESEAL} v1.yaml v2.yaml"), "").ok(),
        "2 files: 2 current\n"
    );
    assert_eq!(folder.tree(), before);
    let due = folder.run(&format!("{RESEAL} --check --format-version 2 v1.yaml v2.yaml"), "");
    let told = "due v1.yaml\n  shop/db: password (format v1 → v2)\n2 files: 1 current, 1 due\n";
    assert_eq!((due.code, due.stdout.as_str()), (1, told));
    fails(
        &due,
        "error: 1 of the files are not sealed with the newest key in format v2\nhint: ",
    );
    folder.put(".kubeseal.yaml", "clusters: {c: {cert: hybrid.crt, format: v2}}\n");
    let due = folder.run(
        "reseal --recovery-private-key hybrid-keys.yaml --check v1.yaml v2.yaml",
        "",
    );
    assert_eq!((due.code, due.stdout.as_str()), (1, told));
    folder
        .run("reseal --recovery-private-key hybrid-keys.yaml v1.yaml", "")
        .ok();
    assert_eq!(version(&folder, "v1.yaml"), Format::V2);
    assert!(opens(&folder, "hybrid-keys.yaml", "v1.yaml"));
    assert!(!opens(&folder, "test-only.key", "v1.yaml"));
}

#[test]
fn a_new_key_keeps_each_version() {
    let folder = both_versions();
    let new = super::hybrid_cert(&folder, "test-only-other.key", 9);
    folder.put("new.crt", new.pem());
    let secret = super::key_secret("k2", &folder.text("test-only-other.key"), new.pem(), Some(9));
    folder.put(
        "keys.yaml",
        &format!("{}---\n{secret}", folder.text("hybrid-keys.yaml")),
    );
    folder.put("new-keys.yaml", &secret);
    folder
        .run(
            "reseal --recovery-private-key keys.yaml --cert new.crt v1.yaml v2.yaml",
            "",
        )
        .ok();
    assert_eq!(
        (version(&folder, "v1.yaml"), version(&folder, "v2.yaml")),
        (Format::V1, Format::V2)
    );
    assert!(opens(&folder, "new-keys.yaml", "v1.yaml") && opens(&folder, "new-keys.yaml", "v2.yaml"));
    // A certificate of the RSA key alone does not take format v2 down.
    let before = folder.text("v2.yaml");
    let run = folder.run(
        "reseal --recovery-private-key keys.yaml --cert test-only.crt v2.yaml",
        "",
    );
    assert!(run.code == 1 && run.stderr.contains(super::NEVER_V2), "{}", run.stderr);
    assert_eq!(folder.text("v2.yaml"), before);
}

#[test]
fn v1_is_taken_back_by_name_alone() {
    let folder = both_versions();
    let needs =
        "--format-version 1 lowers values of format v2, which requires --allow-downgrade and --recovery-private-key";
    for line in [
        &format!("{RESEAL} --format-version 1 v2.yaml"),
        "reseal --format-version 1 v2.yaml",
        "reseal --format-version 1 --allow-downgrade v2.yaml",
    ] {
        let run = folder.run(line, "");
        fails(&run, needs);
        assert_eq!(run.code, 2, "{line}");
    }
    fails(&folder.run("--re-encrypt --format-version 1 -f v2.yaml", ""), needs);
    for line in [
        format!("{RESEAL} --allow-downgrade v2.yaml"),
        format!("{RESEAL} --allow-downgrade --format-version 2 v2.yaml"),
    ] {
        fails(&folder.run(&line, ""), "--allow-downgrade is for --format-version 1");
    }
    assert_eq!(version(&folder, "v2.yaml"), Format::V2);
    // No variable takes a value back.
    let preset = [
        ("SEALED_SECRETS_FORMAT_VERSION", "1"),
        ("SEALED_SECRETS_ALLOW_DOWNGRADE", "true"),
    ];
    let words: Vec<_> = RESEAL.split(' ').chain(["v2.yaml"]).collect();
    folder.run_in(&preset, &words, b"").ok();
    assert_eq!(version(&folder, "v2.yaml"), Format::V2);
    // Nor the project file.
    folder.put(".kubeseal.yaml", "clusters: {c: {cert: hybrid.crt, format: v1}}\n");
    folder
        .run("reseal --recovery-private-key hybrid-keys.yaml v2.yaml", "")
        .ok();
    assert_eq!(version(&folder, "v2.yaml"), Format::V2);
    let told = folder
        .run(&format!("{RESEAL} --format-version 1 --allow-downgrade v2.yaml"), "")
        .ok();
    assert!(told.contains("shop/db: password (format v2 → v1)\n"), "{told}");
    assert_eq!(versions(&folder.text("v2.yaml")), of_items([("password", Format::V1)]));
    assert!(opens(&folder, "test-only.key", "v2.yaml"));
}

/// It says nothing but that it failed; its certificate says why.
#[test]
fn a_controller_without_a_hybrid_key_is_not_said_to_open_nothing() {
    let folder = both_versions();
    let (rsa, hybrid) = (folder.text("test-only.crt"), folder.text("hybrid.crt"));
    let why = "the controller does not seal it again: its certificate has no hybrid key";
    let asked = [
        (&["reseal", "v2.yaml"][..], "?only=stale"),
        (&["reseal", "--format-version", "2", "v1.yaml"], "?only=stale&format=v2"),
    ];
    for (words, query) in asked {
        let run = refused_by_controller(&folder, query, &rsa, words);
        assert!(run.code == 1 && run.stderr.contains(why), "{}", run.stderr);
        let run = refused_by_controller(&folder, query, &hybrid, words);
        assert!(
            run.code == 1 && run.stderr.contains("the controller cannot open it"),
            "{}",
            run.stderr
        );
    }
    let run = refused_by_controller(&folder, "?only=stale", &rsa, &["reseal", "v1.yaml"]);
    assert!(run.code == 1 && !run.stderr.contains(why), "{}", run.stderr);
}

#[test]
fn a_controller_that_does_not_raise_changes_nothing() {
    let folder = both_versions();
    let json = |name: &str| {
        let documents = manifest::read(folder.text(name).as_bytes()).unwrap();
        documents[0].value.to_string()
    };
    let (v1, v2) = (json("v1.yaml"), json("v2.yaml"));
    let before = folder.text("v1.yaml");
    let lines = [
        ("reseal --format-version 2 v1.yaml", "?only=stale&format=v2"),
        ("--re-encrypt --format-version 2 -f v1.yaml", "?format=v2"),
    ];
    for (line, query) in lines {
        let words: Vec<_> = line.split(' ').collect();
        // One that takes no notice of the question.
        let run = answered_by_controller(&folder, query, &v1, &words);
        let said = "the controller's answer is not in format v2\nhint: nothing was written";
        assert!(run.code == 1 && run.stderr.contains(said), "{line}: {}", run.stderr);
        assert_eq!(folder.text("v1.yaml"), before);
    }
    // The project file asks as well.
    folder.put(".kubeseal.yaml", "clusters: {c: {cert: hybrid.crt, format: v2}}\n");
    answered_by_controller(&folder, "?only=stale&format=v2", &v2, &["reseal", "v1.yaml"]).ok();
    assert_eq!(version(&folder, "v1.yaml"), Format::V2);
    std::fs::remove_file(folder.path(".kubeseal.yaml")).unwrap();
    // Nor is an answer taken that lowers.
    let before = folder.text("v2.yaml");
    for (words, query) in [
        (&["reseal", "v2.yaml"][..], "?only=stale"),
        (&["--re-encrypt", "-f", "v2.yaml"], ""),
    ] {
        let run = answered_by_controller(&folder, query, &v1, words);
        let said = "the controller's answer has an earlier format of password";
        assert!(run.code == 1 && run.stderr.contains(said), "{}", run.stderr);
        assert_eq!(folder.text("v2.yaml"), before);
    }
}
