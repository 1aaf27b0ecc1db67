//! Values that are bound to their items: bare ones, renamed ones, those outside SealedSecrets.

use std::path::Path;

use sealing::sealer::Format;

use super::{SECRET, fails, folder, of_items, opens, versions};
use crate::discovery::answered_by_controller;
use crate::program::Folder;

const BOUND: &str = "--name db --namespace shop";

#[test]
fn a_bare_value_needs_its_item() {
    let folder = folder();
    let raw = format!("--raw --cert hybrid.crt --format-version 2 {BOUND}");
    let run = folder.run(&raw, "hunter2");
    fails(
        &run,
        "error: format v2 binds the item's name, so --raw requires --item\nhint: kubeseal --item KEY --raw",
    );
    fails(
        &folder.run(&format!("{raw} --item a/b"), "hunter2"),
        "--item cannot be the name of an item",
    );
    folder.put("value", "hunter2");
    fails(
        &folder.run(&format!("{raw} --from-file a/b=value"), ""),
        "cannot be the name of an item",
    );
    let unseal = format!("unseal --raw --recovery-private-key hybrid-keys.yaml {BOUND} sealed");
    for flags in [
        "--item password",
        "--from-file password=value",
        "--item password --from-file other=value",
    ] {
        let sealed = folder.run(&format!("{raw} {flags}"), "hunter2").ok();
        assert_eq!(Format::of(&sealed), Some(Format::V2));
        folder.put("sealed", &sealed);
        assert_eq!(
            folder.run(&format!("{unseal} --item password"), "").ok(),
            "hunter2",
            "{flags}"
        );
        fails(
            &folder.run(&unseal, ""),
            "the value is of format v2, which binds the item's name\nhint: ",
        );
        fails(
            &folder.run(&format!("{unseal} --item other"), ""),
            "bound to another name, namespace, scope or item, or damaged (key id ",
        );
    }
    fails(
        &folder.run(&unseal.replace(" sealed", " -"), &folder.text("sealed")),
        &format!("hint: kubeseal unseal --item KEY --raw --recovery-private-key hybrid-keys.yaml {BOUND} -\n"),
    );
    // Format v1 binds none, and takes no notice of it.
    let sealed = folder.run(&format!("--raw --cert hybrid.crt {BOUND}"), "hunter2").ok();
    folder.put("sealed", &sealed);
    assert_eq!(folder.run(&unseal, "").ok(), "hunter2");
    assert_eq!(folder.run(&format!("{unseal} --item other"), "").ok(), "hunter2");
}

#[test]
fn a_bound_item_is_renamed_with_keys() {
    let folder = folder();
    let sealed = folder
        .run("--cert hybrid.crt --format-version 2 --key-hint -o yaml", SECRET)
        .ok();
    let sealed = sealed.replace("    password:", "    # kept\n    password:");
    folder.put("db.sealed.yaml", &sealed);
    let run = folder.run("rename db.sealed.yaml password secret", "");
    fails(
        &run,
        "the value of item \"password\" is of format v2, which is bound to that name: to rename it is to seal it again",
    );
    assert!(
        run.stderr.ends_with(
            "hint: nothing was changed: kubeseal rename --recovery-private-key FILE db.sealed.yaml password secret (with --cert FILE, \
             where neither a project file nor the cluster gives the certificate)\n"
        ),
        "{}",
        run.stderr
    );
    let line = "rename --recovery-private-key hybrid-keys.yaml db.sealed.yaml password secret";
    fails(
        &folder.run(&format!("{line} --cert test-only.crt"), ""),
        super::NEVER_V2,
    );
    assert_eq!(folder.text("db.sealed.yaml"), sealed);
    folder.run(&format!("{line} --cert hybrid.crt"), "").ok();
    let after = folder.text("db.sealed.yaml");
    assert_eq!(versions(&after), of_items([("secret", Format::V2)]));
    assert!(after.contains("    # kept\n    secret:"), "{after}");
    let clear = folder
        .run("unseal --recovery-private-key hybrid-keys.yaml db.sealed.yaml", "")
        .ok();
    assert!(clear.contains("secret: cA=="), "{clear}");
    // In format v1 nothing is bound to the name, and no key is needed.
    folder.put("v1.sealed.yaml", &folder.run("--cert hybrid.crt -o yaml", SECRET).ok());
    folder.run("rename v1.sealed.yaml password secret", "").ok();
    assert!(opens(&folder, "test-only.key", "v1.sealed.yaml"));
    // An item that goes needs none either.
    folder.run("set --cert hybrid.crt db.sealed.yaml other", "x").ok();
    folder.run("unset db.sealed.yaml other", "").ok();
    assert_eq!(folder.text("db.sealed.yaml"), after);
}

fn reseal_chart() -> String {
    format!("reseal --recovery-private-key hybrid-keys.yaml --cert hybrid.crt {BOUND} chart")
}

/// A folder whose `chart/values.yaml` holds a password in format v1 and a token in format v2.
fn folder_of_values() -> Folder {
    let folder = folder();
    let raw = |flags: &str| {
        folder
            .run(&format!("--raw --cert hybrid.crt {BOUND} {flags}"), "hunter2")
            .ok()
    };
    let (v1, bound) = (raw(""), raw("--format-version 2 --item token"));
    let text = format!("db:\n  password: {v1}\n  token: >-\n    {bound}\n");
    folder.put("chart/values.yaml", &text);
    folder
}

/// Seals the password of such a folder in format v2, and gives the text of the file.
fn raise_password(folder: &Folder) -> String {
    folder
        .run(
            &format!("set --cert hybrid.crt --format-version 2 {BOUND} chart/values.yaml password"),
            "hunter2",
        )
        .ok();
    folder.text("chart/values.yaml")
}

#[test]
fn values_outside_objects_are_bound_to_the_key_beside_them() {
    let folder = folder_of_values();
    let reseal = reseal_chart();
    assert_eq!(folder.run(&reseal, "").ok(), "1 file: 1 current\n");
    let after = raise_password(&folder);
    let password = value(&after, "password");
    assert_eq!(Format::of(&password), Some(Format::V2));
    folder.put("sealed", &password);
    let unseal = format!("unseal --raw --recovery-private-key hybrid-keys.yaml {BOUND} --item password sealed");
    assert_eq!(folder.run(&unseal, "").ok(), "hunter2");
    // Under another key the value does not open.
    folder.put("chart/values.yaml", &after.replace("password:", "pass:"));
    let run = folder.run(&reseal, "");
    fails(
        &run,
        "values.yaml, line 2: a sealed value stands outside SealedSecrets, and no key opens it under any name that is given or \
         stands in the same document; line 2, as item pass: bound to another name, namespace, scope or item, or damaged (key id ",
    );
    fails(
        &run,
        ", and give a value of format v2 the key for which it was sealed; what is to be left out",
    );
    folder.put("chart/values.yaml", &after);
    fails(
        &folder.run(&reseal.replace("hybrid-keys.yaml", "test-only.key"), ""),
        "; line 2, as item password: sealed for a key that is not here (key id ",
    );
}

#[test]
fn changed_values_outside_objects_keep_their_version() {
    let folder = folder_of_values();
    raise_password(&folder);
    // A value that is changed keeps its version, whatever the certificate can.
    fails(
        &folder.run(
            &format!("set --cert test-only.crt {BOUND} chart/values.yaml token"),
            "x",
        ),
        super::NEVER_V2,
    );
    let set = format!("set --cert hybrid.crt {BOUND} chart/values.yaml token");
    let asked = set.replace("set ", "set --format-version 1 ");
    fails(
        &folder.run(&asked, "x"),
        "format v1 is asked for, and what it would replace",
    );
    folder.run(&set, "x").ok();
    let now = folder.text("chart/values.yaml");
    let token = now.lines().last().unwrap().trim();
    assert_eq!(Format::of(token), Some(Format::V2));
    // A new one is to get theirs, too.
    for (flags, shown) in [
        ("", " --name db --namespace shop --format-version 2"),
        ("--format-version 2 ", ""),
    ] {
        let run = folder.run(
            &format!("set {flags}--cert hybrid.crt {BOUND} chart/values.yaml other"),
            "x",
        );
        fails(&run, "there is no sealed value \"other\" in it");
        assert!(
            run.stderr.ends_with(&format!("{shown} --item other\n")),
            "{}",
            run.stderr
        );
        assert_eq!(run.stderr.matches("--format-version").count(), 1, "{}", run.stderr);
    }
    let run = folder.run("rename chart/values.yaml password other", "");
    fails(&run, "line 2: this value stands outside SealedSecrets");
    assert!(
        run.stderr.contains("kubeseal unseal --raw --item password opens it"),
        "{}",
        run.stderr
    );
}

/// The value of a key of a text, in its line.
fn value(text: &str, key: &str) -> String {
    let line = text.lines().find_map(|line| line.trim().strip_prefix(key));
    line.unwrap().trim_start_matches(": ").trim_matches('"').to_owned()
}

/// The usual shape of a chart, whose template makes an item of another name of the value.
#[test]
fn values_outside_objects_are_not_raised() {
    let folder = folder();
    let sealed = folder.run(&format!("--raw --cert hybrid.crt {BOUND}"), "hunter2").ok();
    let text = format!("sealed:\n  dbPassword: {sealed}\n  \"with blank\": \"{sealed}\"\nlist:\n- {sealed}\n");
    folder.put("chart/values.yaml", &text);
    folder.put("db.yaml", &folder.run("--cert hybrid.crt -o yaml", SECRET).ok());
    let left = "left in v1: 3 sealed values outside SealedSecrets; format v2 binds a value to its item, whose name is not known here";
    let reseal = format!("reseal --recovery-private-key hybrid-keys.yaml {BOUND}");
    let asked = format!("{reseal} --cert hybrid.crt --format-version 2");
    let file = Path::new("chart").join("values.yaml");
    let current = format!("current {}\n  {left}\n1 file: 1 current\n", file.display());
    for line in [format!("{asked} chart"), format!("{asked} --check chart")] {
        assert_eq!(folder.run(&line, "").ok(), current, "{line}");
    }
    folder.put(".kubeseal.yaml", "clusters: {c: {cert: hybrid.crt, format: v2}}\n");
    assert_eq!(folder.run(&format!("{reseal} chart"), "").ok(), current);
    // Those of an object in the same run are.
    let told = folder.run(&format!("{reseal} chart db.yaml"), "").ok();
    assert!(told.ends_with("2 files: 1 current, 1 resealed\n"), "{told}");
    assert_eq!(versions(&folder.text("db.yaml")), of_items([("password", Format::V2)]));
    assert_eq!(folder.text("chart/values.yaml"), text);
    // Nor does a new value get another version than the one that it replaces.
    folder
        .run(&format!("set {BOUND} chart/values.yaml dbPassword"), "new")
        .ok();
    let new = value(&folder.text("chart/values.yaml"), "dbPassword");
    assert_ne!(new, sealed);
    assert_eq!(Format::of(&new), Some(Format::V1));
}

#[test]
fn a_controller_is_not_asked_to_raise_what_stands_outside_objects() {
    let folder = folder();
    let sealed = folder.run(&format!("--raw --cert hybrid.crt {BOUND}"), "hunter2").ok();
    let text = format!("sealed:\n  dbPassword: {sealed}\n");
    folder.put("values.yaml", &text);
    let answer = format!(
        "{{\"apiVersion\":\"bitnami.com/v1alpha1\",\"kind\":\"SealedSecret\",\"metadata\":{{\"name\":\"db\",\"namespace\":\"shop\"}},\
         \"spec\":{{\"encryptedData\":{{\"value\":\"{sealed}\"}}}}}}"
    );
    let line = format!("reseal --format-version 2 {BOUND} values.yaml");
    let words: Vec<_> = line.split(' ').collect();
    let told = answered_by_controller(&folder, "?only=stale", &answer, &words).ok();
    assert!(
        told.contains("left in v1: 1 sealed value outside SealedSecrets; "),
        "{told}"
    );
    assert_eq!(folder.text("values.yaml"), text);
}

#[test]
fn a_value_of_v2_without_a_key_beside_it_is_not_resealed() {
    let folder = folder();
    let raw = format!("--raw --cert hybrid.crt --format-version 2 --item word {BOUND}");
    let sealed = folder.run(&raw, "hunter2").ok();
    let reseal = format!("reseal --recovery-private-key hybrid-keys.yaml --cert hybrid.crt {BOUND} values.yaml");
    // No item has a blank in its name.
    for text in [
        format!("values:\n- {sealed}\n"),
        format!("values:\n  \"pass word\": \"{sealed}\"\n"),
    ] {
        folder.put("values.yaml", &text);
        fails(
            &folder.run(&reseal, ""),
            "values.yaml, line 2: no key stands before this sealed value, to which format v2 binds it",
        );
        assert_eq!(folder.text("values.yaml"), text);
    }
}

#[test]
fn an_item_that_format_v1_does_not_bind_is_refused() {
    let folder = folder();
    for asked in ["", " --format-version 1"] {
        fails(
            &folder.run(
                &format!("--raw --cert hybrid.crt --name db -n shop --item password{asked}"),
                "x",
            ),
            "error: --item is for format v2, and format v1 would be sealed, which is not bound to an item\nhint: kubeseal \
             --format-version 2 --raw --cert hybrid.crt --name db -n shop --item password, or leave --item out",
        );
    }
    // The key of kubectl's form stays without effect.
    folder.put("v", "x");
    folder
        .run("--raw --cert hybrid.crt --name db -n shop --from-file password=v", "")
        .ok();
}

/// Nothing would come of it: an item keeps its version.
#[test]
fn renaming_takes_no_format() {
    let folder = folder();
    let run = folder.run("rename --format-version 2 db.sealed.yaml a b", "");
    assert_eq!(run.code, 2);
    assert!(
        run.stderr.contains("unexpected argument '--format-version'"),
        "{}",
        run.stderr
    );
    // What the environment presets for other verbs is in nobody's way.
    let sealed = folder.run("--cert test-only.crt -o yaml", SECRET).ok();
    folder.put("db.sealed.yaml", &sealed);
    let preset = [("SEALED_SECRETS_FORMAT_VERSION", "2")];
    folder
        .run_in(&preset, &["rename", "db.sealed.yaml", "password", "word"], b"")
        .ok();
}

/// A value of format v1 beside one of format v2, as a merge by hand leaves it.
#[test]
fn a_mixed_object_is_found_and_raised() {
    let folder = folder();
    let two = SECRET.replace("password: p", "password: p, user: u");
    let v1 = folder.run("--cert test-only.crt -o yaml", SECRET).ok();
    folder.put("db.sealed.yaml", &v1);
    folder.put("more.yaml", &SECRET.replace("password", "user"));
    folder
        .run(
            "--cert hybrid.crt --format-version 2 -f more.yaml --merge-into db.sealed.yaml",
            "",
        )
        .ok();
    let mixed = of_items([("password", Format::V1), ("user", Format::V2)]);
    assert_eq!(versions(&folder.text("db.sealed.yaml")), mixed);
    folder.put("db.yaml", &two);
    for keys in ["", " --recovery-private-key hybrid-keys.yaml"] {
        let run = folder.run(&format!("seal --check{keys} db.yaml"), "");
        assert_eq!(run.code, 1, "{}", run.stdout);
        assert!(
            run.stdout.contains("  shop/db: format v1 → v2 (password)\n"),
            "{}",
            run.stdout
        );
    }
    let mixed = folder.text("db.sealed.yaml");
    // Whatever replaces the one value is of the object's latest format, with and without a hybrid key at hand.
    fails(
        &folder.run("set --cert test-only.crt db.sealed.yaml password", "q"),
        super::NEVER_V2,
    );
    folder.run("set --cert hybrid.crt db.sealed.yaml password", "q").ok();
    let v2 = of_items([("password", Format::V2), ("user", Format::V2)]);
    assert_eq!(versions(&folder.text("db.sealed.yaml")), v2);
    folder.put("db.sealed.yaml", &mixed);
    let told = folder.run("seal --cert hybrid.crt --no-key-hint db.yaml", "").ok();
    assert!(told.contains("  shop/db: format v1 → v2 (password)\n"), "{told}");
    assert_eq!(versions(&folder.text("db.sealed.yaml")), v2);
    assert!(folder.run("seal --check db.yaml", "").ok().contains("1 same"));
    // What is removed does not stay.
    folder.put("db.sealed.yaml", &mixed);
    folder.put("db.yaml", &SECRET.replace("password", "user"));
    let told = folder.run("seal --cert hybrid.crt --prune db.yaml", "").ok();
    assert!(
        told.contains("removed: item password") && !told.contains("left in format v1"),
        "{told}"
    );
}
