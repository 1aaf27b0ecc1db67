//! `kubeseal seal` over a sealed file that people have added to: items follow the clear file, the rest is theirs.

use serde_json::{Value, json};

use crate::program::Folder;
use crate::seal_files::{SEAL, SECRET, age, recovered};

/// A sealed file with what people add to one, and its text.
fn with_additions(folder: &Folder) -> String {
    folder.put("db.yaml", SECRET);
    folder.run(&format!("{SEAL} db.yaml"), "").ok();
    let sealed = folder.text("db.sealed.yaml");
    let sealed = sealed
        .replacen(
            "metadata:\n  annotations:\n",
            "metadata: # asked for by the platform team\n  labels:\n    team: shop\n  annotations:\n    \
             argocd.argoproj.io/sync-wave: \"-10\"\n",
            1,
        )
        .replacen(
            "  template:\n    metadata:\n",
            "  template:\n    immutable: true\n    type: example.com/db\n    data:\n      url: 'db://{{ .password }}'\n    \
             metadata:\n      annotations:\n        sealedsecrets.bitnami.com/patch: \"true\"\n",
            1,
        );
    let sealed = format!(
        "# never edit the password here\n{sealed}---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: m}}\n"
    );
    for added in [
        "team: shop",
        "sync-wave",
        "immutable",
        "example.com/db",
        "db://",
        "patch",
    ] {
        assert!(sealed.contains(added), "{added}: {sealed}");
    }
    folder.put("db.sealed.yaml", &sealed);
    sealed
}

/// The text without ciphertexts.
fn without_values(text: &str) -> Vec<String> {
    let is_value = |line: &&str| line.starts_with("    password:");
    text.lines().filter(|line| !is_value(line)).map(str::to_owned).collect()
}

#[test]
fn additions_survive_a_new_value() {
    let folder = Folder::with_keys();
    let sealed = with_additions(&folder);
    folder.put("db.yaml", &SECRET.replace("password: p", "password: new"));
    assert_eq!(folder.run("seal --check db.yaml", "").ok(), "1 file: 1 same\n");
    age(&folder, "db.sealed.yaml", 10);
    let told = folder.run(&format!("{SEAL} db.yaml"), "").ok();
    assert_eq!(told, "sealed db.yaml → db.sealed.yaml\n1 file: 1 sealed\n");
    let now = folder.text("db.sealed.yaml");
    assert_ne!(now, sealed);
    assert_eq!(without_values(&now), without_values(&sealed));
    assert_eq!(
        recovered(&folder, "db.sealed.yaml")[0]["data"],
        json!({"password": "bmV3", "url": "ZGI6Ly9uZXc="})
    );
    // Nothing is left to do.
    assert_eq!(folder.run(&format!("{SEAL} db.yaml"), "").ok(), "1 file: 1 kept\n");
}

#[test]
fn removed_items_go_and_are_named() {
    let folder = Folder::with_keys();
    folder.put("db.yaml", &SECRET.replace("password: p", "password: p, old: o"));
    folder.run(&format!("{SEAL} db.yaml"), "").ok();
    folder.put("db.yaml", &SECRET.replace("password: p", "password: p, new: m"));
    let check = folder.run("seal --check db.yaml", "");
    assert_eq!(
        (check.code, check.stdout.as_str()),
        (
            1,
            "differs db.yaml → db.sealed.yaml\n  shop/db: item new is not in it\n  shop/db: item old is in it, and not in \
             the Secret (--prune removes it)\n1 file: 1 differs\n"
        )
    );
    let before = folder.text("db.sealed.yaml");
    let refused = folder.run(&format!("{SEAL} db.yaml"), "");
    assert_eq!(
        refused.told,
        "exit 1\nerror: db.sealed.yaml: it has items that db.yaml lacks: old of shop/db\nhint: nothing was written: kubeseal seal \
         --prune --cert test-only.crt db.yaml removes them; kubeseal --merge-into db.sealed.yaml -f db.yaml --cert test-only.crt \
         keeps them\n"
    );
    assert_eq!(folder.text("db.sealed.yaml"), before);
    let told = folder.run(&format!("{SEAL} --prune db.yaml"), "").ok();
    assert_eq!(
        told,
        "sealed db.yaml → db.sealed.yaml\n  removed: item old of shop/db, which is not in the clear file\n1 file: 1 sealed\n"
    );
    assert_eq!(
        recovered(&folder, "db.sealed.yaml")[0]["data"],
        json!({"new": "bQ==", "password": "cA=="})
    );
    folder.run("seal --check db.yaml", "").ok();
}

#[test]
fn an_item_that_a_template_uses_is_not_removed() {
    let folder = Folder::with_keys();
    let sealed = with_additions(&folder);
    folder.put("db.yaml", &SECRET.replace("password: p", "user: p"));
    let run = folder.run(&format!("{SEAL} --prune db.yaml"), "");
    assert!(
        run.code == 1
            && run.stderr.contains(
                "templates use item \"password\": url\nhint: nothing was written: put the item back into the clear file"
            )
            && !run.stderr.contains("--force"),
        "{}",
        run.stderr
    );
    assert_eq!(folder.text("db.sealed.yaml"), sealed);
}

#[test]
fn other_objects_stay_and_new_ones_are_added() {
    let folder = Folder::with_keys();
    let sealed = with_additions(&folder);
    folder.put(
        "db.yaml",
        &format!("{SECRET}---\n{}", SECRET.replace("name: db", "name: web")),
    );
    // With the key, so that the value that is the same stays.
    let seal = format!("{SEAL} --recovery-private-key test-only.key db.yaml");
    let told = folder.run(&seal, "").ok();
    assert_eq!(told, "sealed db.yaml → db.sealed.yaml\n1 file: 1 sealed\n");
    let now = folder.text("db.sealed.yaml");
    assert!(now.starts_with(&format!("{sealed}---\n")), "{now}");
    let names: Vec<_> = recovered(&folder, "db.sealed.yaml")
        .iter()
        .map(|one| one["metadata"]["name"].clone())
        .collect();
    assert_eq!(names, ["db", "web"]);
    folder.run("seal --check db.yaml", "").ok();
}

#[test]
fn an_object_is_added_in_the_form_of_the_file() {
    let folder = Folder::with_keys();
    let secret = |name: &str| json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": "n"}, "data": {"x": "eA=="}});
    folder.put("db.json", &secret("one").to_string());
    folder.run(&format!("{SEAL} db.json"), "").ok();
    let list = json!({"apiVersion": "v1", "kind": "List", "items": [secret("one"), secret("two")]});
    folder.put("db.json", &list.to_string());
    folder.run(&format!("{SEAL} db.json"), "").ok();
    assert_eq!(recovered(&folder, "db.sealed.json").len(), 2);

    folder.put("win.yaml", SECRET);
    folder.run(&format!("{SEAL} win.yaml"), "").ok();
    let windows = folder.text("win.sealed.yaml").replace('\n', "\r\n");
    folder.put("win.sealed.yaml", windows.trim_end());
    folder.put(
        "win.yaml",
        &format!("{SECRET}---\n{}", SECRET.replace("name: db", "name: web")),
    );
    folder.run(&format!("{SEAL} win.yaml"), "").ok();
    let now = folder.text("win.sealed.yaml");
    assert_eq!(recovered(&folder, "win.sealed.yaml").len(), 2);
    assert!(
        now.ends_with("\r\n") && !now.replace("\r\n", "").contains('\n'),
        "{now:?}"
    );
}

#[test]
fn contradictions_are_refused_by_name() {
    let folder = Folder::with_keys();
    let labelled = SECRET.replace(
        "namespace: shop",
        "namespace: shop, labels: {a: b}, annotations: {c: d}",
    );
    folder.put("db.yaml", &labelled);
    folder.run(&format!("{SEAL} --sealed-label team=shop db.yaml"), "").ok();
    let sealed = folder.text("db.sealed.yaml");
    let other = labelled
        .replace("a: b", "a: x")
        .replace("c: d", "c: z")
        .replace("stringData", "immutable: true\nstringData");
    for (change, flags, wrong) in [
        (
            other.as_str(),
            "--sealed-label team=web ",
            "shop/db: immutable is false in it, and true in the Secret; shop/db: label a has another value in it; shop/db: \
             annotation c has another value in it; shop/db: label of the SealedSecret team has another value in it",
        ),
        (
            labelled.as_str(),
            "--scope cluster-wide ",
            "shop/db: its scope is strict, and cluster-wide is wanted",
        ),
    ] {
        folder.put("db.yaml", change);
        let run = folder.run(&format!("{SEAL} {flags}db.yaml"), "");
        assert_eq!(
            run.stderr,
            format!(
                "error: db.sealed.yaml: the sealed file contradicts db.yaml: {wrong}\nhint: nothing was written: make the two \
                 files agree, or --force rewrites the sealed one and names what only it held, which is lost\n"
            )
        );
        assert_eq!((run.code, folder.text("db.sealed.yaml")), (1, sealed.clone()));
        assert_eq!(folder.run(&format!("seal --check {flags}db.yaml"), "").code, 1);
    }
}

#[test]
fn metadata_that_only_the_clear_file_has_is_added() {
    let folder = Folder::with_keys();
    folder.put("db.yaml", SECRET);
    folder.run(&format!("{SEAL} db.yaml"), "").ok();
    let labelled = SECRET.replace("namespace: shop", "namespace: shop, labels: {a: b}");
    folder.put(
        "db.yaml",
        &labelled.replace("stringData", "type: kubernetes.io/basic-auth\nstringData"),
    );
    age(&folder, "db.yaml", 10);
    assert_eq!(folder.run("seal --check db.yaml", "").code, 1);
    folder.run(&format!("{SEAL} db.yaml"), "").ok();
    folder.run("seal --check db.yaml", "").ok();
    let secret = &recovered(&folder, "db.sealed.yaml")[0];
    assert_eq!(
        (&secret["metadata"]["labels"], &secret["type"]),
        (&json!({"a": "b"}), &json!("kubernetes.io/basic-auth"))
    );
}

#[test]
fn labels_and_annotations_of_the_sealed_secret_itself() {
    let folder = Folder::with_keys();
    folder.put("db.yaml", SECRET);
    let flags = "--sealed-label team=shop --sealed-annotation argocd.argoproj.io/sync-wave=-10";
    let outer = |folder: &Folder| -> Value {
        let text = folder.text("db.sealed.yaml");
        let sealed = &manifest::read(text.as_bytes()).unwrap()[0];
        let metadata = sealed.value["metadata"].clone();
        assert_eq!(sealed.value["spec"]["template"]["metadata"].get("labels"), None);
        json!([
            metadata["labels"],
            metadata["annotations"]["argocd.argoproj.io/sync-wave"]
        ])
    };
    folder.run(&format!("{SEAL} {flags} db.yaml"), "").ok();
    assert_eq!(outer(&folder), json!([{"team": "shop"}, "-10"]));
    let classic = folder.run(&format!("--cert test-only.crt {flags}"), SECRET).ok();
    let classic: Value = serde_json::from_str(&classic).unwrap();
    assert_eq!(
        (&classic["metadata"]["labels"], &classic["metadata"]["annotations"]),
        (
            &json!({"team": "shop"}),
            &json!({"argocd.argoproj.io/sync-wave": "-10"})
        )
    );
    // Without the flags they stay; with other ones they are added.
    folder.put("db.yaml", &SECRET.replace("password: p", "password: new"));
    folder.run(&format!("{SEAL} --sealed-label tier=a db.yaml"), "").ok();
    assert_eq!(outer(&folder), json!([{"team": "shop", "tier": "a"}, "-10"]));
    for (flag, error) in [
        (
            "--sealed-label team",
            "error: --sealed-label takes KEY=VALUE, with a KEY of Kubernetes ([PREFIX/]NAME)\n",
        ),
        (
            "--sealed-annotation sealedsecrets.bitnami.com/cluster-wide=true",
            "error: annotation sealedsecrets.bitnami.com/cluster-wide is not set by --sealed-annotation\nhint: it is what \
             --scope cluster-wide is for\n",
        ),
    ] {
        let run = folder.run(&format!("{SEAL} {flag} db.yaml"), "");
        assert!(run.code == 2 && run.stderr.starts_with(error), "{}", run.stderr);
    }
}

#[test]
fn force_writes_anew_and_names_what_is_lost() {
    let folder = Folder::with_keys();
    let sealed = with_additions(&folder);
    let run = folder.run(&format!("{SEAL} --force db.yaml"), "");
    assert!(run.stderr.contains("there is a ConfigMap here"), "{}", run.stderr);
    folder.put("db.sealed.yaml", sealed.split("---\napiVersion: v1\n").next().unwrap());
    let told = folder.run(&format!("{SEAL} --force db.yaml"), "").ok();
    for told_of in [
        "lost: spec.template.data.url of shop/db",
        "lost: spec.template.type of shop/db",
        "lost: spec.template.immutable of shop/db",
        "lost: spec.template.metadata.annotations.sealedsecrets.bitnami.com/patch of shop/db",
        "lost: metadata.labels.team of shop/db",
        "lost: metadata.annotations.argocd.argoproj.io/sync-wave of shop/db",
        "lost: comment in line 1",
        "lost: comment in line 5",
    ] {
        assert!(told.contains(&format!("  {told_of}\n")), "{told_of}: {told}");
    }
}

#[test]
fn force_names_lost_fields_of_any_kind() {
    let folder = Folder::with_keys();
    let labelled = SECRET.replace("namespace: shop", "namespace: shop, labels: {a: b}");
    folder.put("db.yaml", &labelled);
    folder.run(&format!("{SEAL} db.yaml"), "").ok();
    let sealed = folder.text("db.sealed.yaml").replacen(
        "metadata:\n",
        "metadata:\n  creationTimestamp: null\n  finalizers: [example.com/f]\n  ownerReferences:\n  - {apiVersion: v1, kind: Pod, \
         name: p, uid: u}\n",
        1,
    );
    folder.put("db.sealed.yaml", &format!("{sealed}extra:\n  deep: 1\n  empty: {{}}\n"));
    folder.put("db.yaml", &labelled.replace("a: b", "a: c"));
    assert_eq!(
        folder.run(&format!("{SEAL} --force db.yaml"), "").ok(),
        "sealed db.yaml → db.sealed.yaml\n  lost: extra.deep of shop/db\n  lost: metadata.finalizers of shop/db\n  lost: \
         metadata.ownerReferences of shop/db\n  overwritten: spec.template.metadata.labels.a of shop/db\n1 file: 1 sealed\n"
    );
}

#[test]
fn two_secrets_of_one_name_are_refused() {
    let folder = Folder::with_keys();
    folder.put("db.yaml", SECRET);
    folder.run(&format!("{SEAL} db.yaml"), "").ok();
    folder.put("db.yaml", &format!("{SECRET}---\n{SECRET}"));
    let run = folder.run(&format!("{SEAL} db.yaml"), "");
    assert!(
        run.code == 1
            && run
                .stderr
                .contains("db.yaml, document 2, line 6: it holds two Secrets of the name shop/db\n"),
        "{}",
        run.stderr
    );
}

#[test]
fn keys_at_hand_tell_which_values_are_new() {
    let folder = Folder::with_keys();
    let two = SECRET.replace("password: p", "password: p, user: u");
    folder.put("db.yaml", &two);
    folder.run(&format!("{SEAL} db.yaml"), "").ok();
    let sealed = folder.text("db.sealed.yaml");
    // As after `git clone`: the sealed file seems to be older.
    age(&folder, "db.sealed.yaml", 10);
    let keys = "--recovery-private-key test-only.key";
    assert_eq!(
        folder.run(&format!("{SEAL} {keys} db.yaml"), "").ok(),
        "1 file: 1 kept\n"
    );
    assert_eq!(folder.text("db.sealed.yaml"), sealed);
    assert_eq!(
        folder.run(&format!("seal --check {keys} db.yaml"), "").ok(),
        "1 file: 1 same\n"
    );

    // Another value, though the sealed file seems to be newer.
    folder.put("db.yaml", &two.replace("user: u", "user: v"));
    age(&folder, "db.yaml", 20);
    let check = folder.run(&format!("seal --check {keys} db.yaml"), "");
    assert!(
        check.code == 1 && check.stdout.contains("  shop/db: item user has another value in it\n"),
        "{}",
        check.stdout
    );
    folder.run(&format!("{SEAL} {keys} db.yaml"), "").ok();
    let now = folder.text("db.sealed.yaml");
    let line = |text: &str, item: &str| text.lines().find(|line| line.starts_with(item)).unwrap().to_owned();
    assert_eq!(line(&now, "    password:"), line(&sealed, "    password:"));
    assert_ne!(line(&now, "    user:"), line(&sealed, "    user:"));
    assert_eq!(recovered(&folder, "db.sealed.yaml")[0]["data"]["user"], "dg==");

    // Sealed with another key: all of it is sealed again, and says so.
    let other = "seal --cert test-only-other.crt";
    folder.run(&format!("{other} {keys} db.yaml"), "").ok();
    let of_other = folder.text("db.sealed.yaml");
    assert_ne!(line(&of_other, "    password:"), line(&now, "    password:"));
    assert_eq!(
        folder
            .run(
                &format!("{other} --recovery-private-key test-only-other.key db.yaml"),
                ""
            )
            .ok(),
        "1 file: 1 kept\n"
    );
}

#[test]
fn an_empty_sealed_file_is_filled() {
    let folder = Folder::with_keys();
    folder.put("db.yaml", SECRET);
    folder.put("db.sealed.yaml", "\n");
    folder.run(&format!("{SEAL} db.yaml"), "").ok();
    assert_eq!(recovered(&folder, "db.sealed.yaml").len(), 1);
}
