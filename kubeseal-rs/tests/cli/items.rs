//! `set`, `unset`, `rename` and `--merge-into`: a file of SealedSecrets is changed in place, and nothing of it
//! but what was asked for.

mod merge;

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::program::Folder;

pub(crate) const CERT: &str = "--cert test-only.crt";
const HINT: &str = "sealed-secrets-rs/sealed-with";

/// A file as people keep them: comments, CRLF, no line break at the end, other objects, two SealedSecrets.
pub(crate) fn file(folder: &Folder) -> String {
    let secret = |name: &str, items: &str| {
        let clear =
            format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}, namespace: shop}}\nstringData: {items}\n");
        folder
            .run(&format!("{CERT} -o yaml"), &clear)
            .ok()
            .replacen("---\n", "", 1)
    };
    let one =
        secret("db", "{password: old, user: u}").replace("  encryptedData:", "  # what is sealed\n  encryptedData:");
    let two = secret("cache", "{password: other}");
    let text = format!("# ours\n---\n{one}# behind\n---\nkind: ConfigMap\ndata: {{a:   'x'}}\n---\n{two}")
        .replace('\n', "\r\n");
    let text = text.trim_end().to_owned();
    folder.put("sealed.yaml", &text);
    text
}

/// All items in clear, as `object/item`.
pub(crate) fn opened(folder: &Folder, name: &str) -> BTreeMap<String, String> {
    let text = folder.text(name);
    let sealed: Vec<&str> = text.split("---").filter(|part| part.contains("SealedSecret")).collect();
    let flags = "--recovery-unseal --recovery-private-key test-only.key";
    let clear = folder.run(flags, &sealed.join("\n---\n")).ok();
    let objects = serde_json::Deserializer::from_str(&clear)
        .into_iter::<Value>()
        .map(Result::unwrap);
    let mut all = BTreeMap::new();
    for object in objects {
        for (item, value) in object["data"].as_object().into_iter().flatten() {
            let bytes = STANDARD.decode(value.as_str().unwrap()).unwrap();
            let object = object["metadata"]["name"].as_str().unwrap();
            all.insert(format!("{object}/{item}"), String::from_utf8(bytes).unwrap());
        }
    }
    all
}

pub(crate) fn pairs(all: &[(&str, &str)]) -> BTreeMap<String, String> {
    all.iter()
        .map(|(item, value)| ((*item).to_owned(), (*value).to_owned()))
        .collect()
}

/// The lines that are not in both texts: those that went, and those that came.
fn changed_lines<'t>(before: &'t str, after: &'t str) -> (Vec<&'t str>, Vec<&'t str>) {
    let (mut old, mut new): (Vec<_>, Vec<_>) = (before.split('\n').collect(), after.split('\n').collect());
    while !old.is_empty() && old.first() == new.first() {
        old.remove(0);
        new.remove(0);
    }
    while !old.is_empty() && old.last() == new.last() {
        old.pop();
        new.pop();
    }
    (old, new)
}

fn starts(lines: &[&str], expected: &[&str]) {
    assert_eq!(lines.len(), expected.len(), "{lines:?}");
    for (line, expected) in lines.iter().zip(expected) {
        assert!(line.starts_with(expected), "{line}");
        assert!(line.ends_with('\r'), "{line}");
    }
}

#[test]
fn set_changes_the_lines_of_the_item_alone() {
    let folder = Folder::with_keys();
    let before = file(&folder);
    assert_eq!(
        folder
            .run(&format!("set {CERT} sealed.yaml password --name db"), "new\n")
            .ok(),
        ""
    );
    let after = folder.text("sealed.yaml");
    let (old, new) = changed_lines(&before, &after);
    starts(&old, &["    password: AQ"]);
    starts(&new, &["    password: AQ"]);
    assert_eq!(
        opened(&folder, "sealed.yaml"),
        pairs(&[("db/password", "new\n"), ("db/user", "u"), ("cache/password", "other")])
    );
    assert!(!after.contains(HINT));
    // The last item of the file, which has no line break at its end; all of its object's items are new: it may get a hint.
    folder.put("value", "from a file");
    assert_eq!(
        folder
            .run(
                &format!("set {CERT} sealed.yaml password -n shop --name cache --from-file value --key-hint"),
                ""
            )
            .ok(),
        ""
    );
    let last = folder.text("sealed.yaml");
    assert!(!last.ends_with('\n') && last.contains(&format!("    {HINT}: SHA256:")));
    assert_eq!(opened(&folder, "sealed.yaml")["cache/password"], "from a file");
    assert_eq!(
        folder
            .run(&format!("set {CERT} sealed.yaml y --name cache"), "added")
            .ok(),
        ""
    );
    assert!(folder.text("sealed.yaml").contains("\r\n    \"y\": AQ"));
    assert_eq!(opened(&folder, "sealed.yaml")["cache/y"], "added");
    assert_eq!(
        folder
            .run(
                &format!("set {CERT} sealed.yaml none --name cache --allow-empty-data"),
                ""
            )
            .ok(),
        ""
    );
    assert_eq!(opened(&folder, "sealed.yaml")["cache/none"], "");
}

#[test]
fn set_existing_adds_no_item() {
    let folder = Folder::with_keys();
    let before = file(&folder);
    let run = folder.run(&format!("set {CERT} --existing --name db sealed.yaml pasword"), "new");
    let hint = format!("hint: kubeseal set {CERT} --name db sealed.yaml pasword adds it\n");
    assert!(
        run.code == 1
            && run
                .stderr
                .contains("there is no item \"pasword\" (there are password, user)\n"),
        "{}",
        run.told
    );
    assert!(run.stderr.ends_with(&hint), "{}", run.told);
    assert_eq!(folder.text("sealed.yaml"), before);
    let set = format!("set {CERT} --existing --name db sealed.yaml password");
    assert_eq!(folder.run(&set, "new").ok(), "");
    assert_eq!(opened(&folder, "sealed.yaml")["db/password"], "new");
}

#[test]
fn unset_and_rename_need_no_certificate_and_touch_nothing_else() {
    let folder = Folder::with_keys();
    let before = file(&folder);
    assert_eq!(folder.run("rename sealed.yaml user login --name db", "").ok(), "");
    let renamed = folder.text("sealed.yaml");
    assert_eq!(renamed, before.replace("    user: ", "    login: "));
    assert_eq!(folder.run("unset sealed.yaml password login --name db", "").ok(), "");
    let after = folder.text("sealed.yaml");
    let (old, new) = changed_lines(&renamed, &after);
    starts(&old, &["    password: AQ", "    login: AQ"]);
    starts(&new, &["    {}"]);
    assert_eq!(opened(&folder, "sealed.yaml"), pairs(&[("cache/password", "other")]));
}

#[test]
fn an_item_can_be_set_into_json_and_into_a_new_object() {
    let folder = Folder::with_keys();
    folder.put(
        "new.json",
        "{\n\t\"kind\": \"SealedSecret\", \"apiVersion\": \"bitnami.com/v1alpha1\",\n\t\"metadata\": {\"name\": \"a\"},\n\t\"spec\": {\n\t\t\
         \"encryptedData\": null\n\t}\n}",
    );
    let run = folder.run(&format!("set {CERT} new.json a"), "x");
    assert!(run.told.contains("namespace"), "{}", run.told);
    folder.put(
        "new.json",
        &folder
            .text("new.json")
            .replace("\"a\"}", "\"a\", \"namespace\": \"b\"}"),
    );
    assert_eq!(folder.run(&format!("set {CERT} new.json k"), "x").ok(), "");
    assert!(
        folder
            .text("new.json")
            .contains("\n\t\t\"encryptedData\": {\n\t\t\t\"k\": \"AQ")
    );
    assert_eq!(opened(&folder, "new.json"), pairs(&[("a/k", "x")]));
}

#[cfg(unix)]
const ANCHORED: &str = "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: a, namespace: b}\nspec:\n  encryptedData: &all\n    a: &x AQ==\n  other: *all\n";

/// Objects whose items have an alias, and come by one.
#[cfg(unix)]
fn put_aliases(folder: &Folder) {
    folder.put("anchored.yaml", ANCHORED);
    folder.put(
        "alias.yaml",
        &ANCHORED
            .replace("encryptedData: &all", "other: &all")
            .replace("other: *all", "encryptedData: *all"),
    );
}

/// Not on Windows, whose own words for a file that is not there are in the snapshot otherwise.
#[cfg(unix)]
#[test]
fn what_cannot_be_changed_is_told_and_left() {
    let folder = Folder::with_keys();
    let before = file(&folder);
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: shop}\nstringData: {password: new}\n";
    folder.put("config.yaml", "apiVersion: v1\nkind: ConfigMap\n");
    put_aliases(&folder);
    let cases = [
        ("set CERT sealed.yaml password", "x"),
        ("set CERT sealed.yaml password --name nobody", "x"),
        ("set CERT sealed.yaml password --name db -n elsewhere", "x"),
        ("set CERT sealed.yaml password --name db", ""),
        ("set CERT sealed.yaml a/b --name db", "x"),
        ("set CERT sealed.yaml password=hunter2 --name db", "x"),
        ("set CERT sealed.yaml password hunter2 --name db", "x"),
        ("set CERT sealed.yaml password --name db --from-file nowhere", ""),
        ("set CERT nowhere.yaml password", "x"),
        ("set CERT config.yaml password", "x"),
        ("set CERT anchored.yaml c", "x"),
        ("set CERT alias.yaml c", "x"),
        ("set --cert nowhere sealed.yaml password --name db", "x"),
        ("set sealed.yaml", ""),
        ("edit CERT sealed.yaml --name nobody", ""),
        ("unset sealed.yaml nothing --name db", ""),
        ("unset sealed.yaml --name db", ""),
        ("unset alias.yaml a", ""),
        ("rename sealed.yaml password user --name db", ""),
        ("rename sealed.yaml nothing other --name db", ""),
        ("rename sealed.yaml user a/b --name db", ""),
        ("CERT --merge-into sealed.yaml --scope cluster-wide", secret),
        ("CERT --merge-into sealed.yaml --name nobody", secret),
        ("CERT --merge-into sealed.yaml -n elsewhere", secret),
        ("CERT --merge-into sealed.yaml -w out.yaml", secret),
        ("CERT --merge-into sealed.yaml -o xml", secret),
        ("CERT --merge-into sealed.yaml -o json", secret),
        ("CERT --merge-into sealed.yaml", ""),
        (
            "CERT --merge-into sealed.yaml",
            "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\n",
        ),
        ("CERT --merge-into config.yaml", secret),
        ("CERT --merge-into nowhere.yaml", secret),
        ("--re-encrypt", ""),
        ("--re-encrypt -f config.yaml", ""),
        ("--re-encrypt -f sealed.yaml -o xml", ""),
    ];
    let mut told = String::new();
    for (line, input) in cases {
        let run = folder.run(&line.replace("CERT", CERT), input);
        assert!(run.code != 0 && run.stdout.is_empty(), "{line}");
        let line = line.replace("hunter2", "VALUE");
        told.push_str(&format!("$ kubeseal {line}\n{}", run.told));
    }
    assert_eq!(folder.text("sealed.yaml"), before);
    assert_eq!(folder.text("anchored.yaml"), ANCHORED);
    insta::assert_snapshot!(told);
}

#[test]
fn the_hint_names_the_key_of_the_certificate() {
    let folder = Folder::with_keys();
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: shop}\nstringData: {a: x}\n";
    let hinted = folder.run(&format!("{CERT} --key-hint"), secret).ok();
    let hint = |text: &str| serde_json::from_str::<Value>(text).unwrap()["metadata"]["annotations"][HINT].clone();
    assert_eq!(hint(&folder.run(CERT, secret).ok()), Value::Null);
    let shown = hint(&hinted).as_str().unwrap().to_owned();
    // The fingerprint of test-only.crt, as `ssh-keygen -l` prints it for its key.
    assert!(shown.starts_with("SHA256:") && shown.len() == 50, "{shown}");
    let template = &serde_json::from_str::<Value>(&hinted).unwrap()["spec"]["template"];
    assert!(!template.to_string().contains("SHA256:"));
}

/// Whoever may change the file could make its scope wider, and open in a place of theirs what is sealed into it next.
#[test]
fn wider_scope_must_be_asked_for() {
    let folder = Folder::with_keys();
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: shop}\nstringData: {password: new}\n";
    let sealed = folder.run(&format!("{CERT} -o yaml"), secret).ok();
    let annotation = "sealedsecrets.bitnami.com/cluster-wide: 'true'";
    let wide = sealed.replacen(
        "metadata:\n",
        &format!("metadata:\n  annotations: {{{annotation}}}\n"),
        1,
    );
    let merge = format!("{CERT} --merge-into wide.yaml");
    let set = format!("set {CERT} wide.yaml password");
    for (line, input) in [(&merge, secret), (&set, "new"), (&format!("edit {CERT} wide.yaml"), "")] {
        folder.put("wide.yaml", &wide);
        let run = folder.run(line, input);
        let told = "the target's scope is cluster-wide, which was not asked for\nhint: nothing was written: --scope cluster-wide ";
        assert!(run.code == 1 && run.stderr.contains(told), "{line}: {}", run.told);
        assert_eq!(folder.text("wide.yaml"), wide);
    }
    let annotated = secret.replace("{name: db", &format!("{{annotations: {{{annotation}}}, name: db"));
    for (line, input) in [
        (format!("{merge} --scope cluster-wide"), secret),
        (merge, annotated.as_str()),
        (format!("{set} --scope cluster-wide"), "new"),
    ] {
        folder.put("wide.yaml", &wide);
        folder.run(&line, input).ok();
        assert_eq!(opened(&folder, "wide.yaml"), pairs(&[("db/password", "new")]));
    }
}
