//! SealedSecrets that name no namespace, as a kustomization gives it to them.

use crate::items::{CERT, opened, pairs};
use crate::program::Folder;

const KEY: &str = "--recovery-private-key test-only.key";

fn secret(item: &str, namespace: &str) -> String {
    format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: db{namespace}}}\nstringData: {{{item}}}\n")
}

/// A SealedSecret of namespace `shop` in `db.yaml`, which does not name it; its template does where `template` says so.
fn folder(template: bool) -> Folder {
    let folder = Folder::with_keys();
    let sealed = folder
        .run(
            &format!("{CERT} -o yaml"),
            &secret("password: old", ", namespace: shop"),
        )
        .ok();
    let sealed = sealed.replacen("  namespace: shop\n", "", 1);
    let sealed = if template {
        sealed
    } else {
        sealed.replace("      namespace: shop\n", "")
    };
    assert_eq!(sealed.matches("namespace").count(), usize::from(template));
    folder.put("db.yaml", &sealed);
    folder
}

/// Nothing but the item is new in the file, and all of it opens in `shop`.
fn assert_changed(folder: &Folder, wanted: &[(&str, &str)]) {
    let text = folder.text("db.yaml");
    assert!(!text.contains("\n  namespace:"), "{text}");
    folder.put(
        "named.yaml",
        &text.replacen("  name: db\n", "  name: db\n  namespace: shop\n", 1),
    );
    assert_eq!(opened(folder, "named.yaml"), pairs(wanted));
}

#[test]
fn merge_into_takes_the_namespace_of_the_secret() {
    let folder = folder(false);
    let merge = format!("{CERT} --merge-into db.yaml");
    folder.run(&merge, &secret("user: u", ", namespace: shop")).ok();
    folder.run(&format!("{merge} -n shop"), &secret("host: h", "")).ok();
    assert_changed(&folder, &[("db/host", "h"), ("db/password", "old"), ("db/user", "u")]);
    let before = folder.text("db.yaml");
    let run = folder.run(&merge, &secret("user: u", ""));
    assert_eq!(
        run.told,
        "exit 1\nerror: stdin, document 1, line 1: scope strict needs a namespace\n\
         hint: say it: --namespace NAMESPACE, or write metadata.namespace\n"
    );
    assert_eq!(folder.text("db.yaml"), before);
}

#[test]
fn the_template_says_it() {
    let folder = folder(true);
    folder
        .run(&format!("{CERT} --merge-into db.yaml"), &secret("user: u", ""))
        .ok();
    folder.run(&format!("set {CERT} db.yaml host"), "h").ok();
    let told = folder.run(&format!("unseal {KEY} db.yaml"), "").ok();
    assert!(told.contains("\n  namespace: shop\n"), "{told}");
    assert_changed(&folder, &[("db/host", "h"), ("db/password", "old"), ("db/user", "u")]);
    for verb in [
        "unseal",
        "--recovery-unseal -o yaml -f",
        "reseal --check --cert test-only.crt",
    ] {
        let words = if verb.contains("-f") {
            format!("{KEY} {verb} db.yaml")
        } else {
            format!("{verb} {KEY} db.yaml")
        };
        folder.run(&words, "").ok();
    }
}

#[test]
fn the_flag_says_it() {
    let folder = folder(false);
    let before = folder.text("db.yaml");
    let check = format!("reseal --check {KEY} {CERT} db.yaml");
    for words in [
        format!("set {CERT} db.yaml user"),
        format!("unseal {KEY} db.yaml"),
        check.clone(),
        format!("--recovery-unseal {KEY} -f db.yaml"),
    ] {
        let run = folder.run(&words, "u");
        assert_eq!(run.code, 1, "{words}");
        assert!(run.stderr.contains("scope strict needs a namespace\n"), "{}", run.told);
        assert!(run.stderr.contains("--namespace NAMESPACE"), "{}", run.told);
    }
    assert_eq!(folder.text("db.yaml"), before);

    folder.run(&format!("set {CERT} db.yaml user -n shop"), "u").ok();
    folder.run(&format!("{check} -n shop"), "").ok();
    for words in [
        format!("unseal {KEY} db.yaml -n shop"),
        format!("--recovery-unseal {KEY} -f db.yaml -n shop -o yaml"),
    ] {
        let clear = folder.run(&words, "").ok();
        assert!(clear.contains("\n  namespace: shop\n"), "{clear}");
    }
    let told = folder
        .run(
            &format!("reseal {KEY} --cert test-only-other.crt db.yaml -n shop --no-key-hint"),
            "",
        )
        .ok();
    assert!(told.contains("shop/db: password, user"), "{told}");
    let words = "--recovery-unseal --recovery-private-key test-only-other.key -f db.yaml -n shop";
    folder.run(words, "").ok();
}

#[test]
fn a_kustomization_beside_it_says_it() {
    let folder = folder(false);
    folder.git_init();
    folder.put("base/db.yaml", &folder.text("db.yaml"));
    folder.put("base/kustomization.yaml", "namespace: shop\nresources: [db.yaml]\n");
    folder.put("prod/kustomization.yaml", "resources: [../base]\n");
    folder.run(&format!("set {CERT} base/db.yaml user"), "u").ok();
    folder
        .run(&format!("{CERT} --merge-into base/db.yaml"), &secret("host: h", ""))
        .ok();
    let editor = [("EDITOR", "sed -i s/user:/user:\\ v/"), ("PATH", "/usr/bin:/bin")];
    let edit = ["edit", "--cert", "test-only.crt", "base/db.yaml"];
    let told = folder.run_in(&editor, &edit, b"").ok();
    assert_eq!(told, "base/db.yaml: changed user of shop/db\n");
    assert_opens_in_shop(&folder);
    folder.put("db.yaml", &folder.text("base/db.yaml"));
    assert_changed(&folder, &[("db/host", "h"), ("db/password", "old"), ("db/user", "v")]);

    // Of two different ones none is taken.
    folder.put("dev/kustomization.yaml", "namespace: dev\nresources: [../base]\n");
    let both = ": it names no namespace, and kustomizations put it into dev, shop\nhint: nothing was written: say which is meant: \
                --namespace NAMESPACE";
    assert_refused(&folder, &[&SEALING[..], &OPENING[..]].concat(), both);
    folder.run(&format!("set {CERT} base/db.yaml user -n shop"), "w").ok();
    folder.run(&format!("unseal {KEY} base/db.yaml -n shop"), "").ok();
}

/// A kustomization in another folder may be another team's: it says where a value opens, never where a new one is sealed for.
#[test]
fn a_kustomization_elsewhere_says_it_for_opening_alone() {
    let folder = folder(false);
    folder.git_init();
    folder.put("base/db.yaml", &folder.text("db.yaml"));
    folder.put("base/kustomization.yaml", "resources: [db.yaml]\n");
    folder.put("prod/kustomization.yaml", "namespace: shop\nresources: [../base]\n");
    assert_opens_in_shop(&folder);
    let unplaced = ": scope strict needs a namespace\nhint: say it: --namespace NAMESPACE, or write metadata.namespace";
    assert_refused(&folder, &SEALING, unplaced);
}

/// Two kustomizations that include each other twice: 2 to the power of the depth ways from one to the other.
#[test]
fn kustomizations_that_include_each_other_end() {
    let folder = folder(false);
    folder.git_init();
    folder.put("a/db.yaml", &folder.text("db.yaml"));
    folder.put(
        "a/kustomization.yaml",
        "namespace: shop\nresources: [db.yaml, ../b, ./../b]\n",
    );
    folder.put(
        "b/kustomization.yaml",
        "resources: [../a]\ncomponents: [../a]\n---\nresources: [../a]\n",
    );
    folder.run(&format!("set {CERT} a/db.yaml user"), "u").ok();
    folder.run("lint a b", "").ok();
}

const SEALING: [&str; 3] = [
    "set --cert test-only.crt base/db.yaml user",
    "--cert test-only.crt --merge-into base/db.yaml",
    "edit --cert test-only.crt base/db.yaml",
];
const OPENING: [&str; 2] = [
    "unseal --recovery-private-key test-only.key base/db.yaml",
    "reseal --recovery-private-key test-only.key --cert test-only.crt base",
];

fn assert_opens_in_shop(folder: &Folder) {
    let clear = folder.run(&format!("unseal {KEY} base/db.yaml"), "").ok();
    assert!(clear.contains("\n  namespace: shop\n"), "{clear}");
    let told = folder.run(&format!("reseal {KEY} {CERT} --check base"), "").ok();
    assert_eq!(told, "1 file: 1 current\n");
}

fn assert_refused(folder: &Folder, lines: &[&str], told: &str) {
    let before = folder.tree();
    for line in lines {
        let run = folder.run(line, &secret("host: i", ""));
        assert_eq!(run.code, 1, "{line}");
        assert!(run.told.trim_end().ends_with(told), "{line}: {}", run.told);
    }
    assert_eq!(folder.tree(), before);
}

#[test]
fn seal_seals_onto_it() {
    for template in [true, false] {
        let folder = folder(template);
        folder.put("apps/db.sealed.yaml", &folder.text("db.yaml"));
        folder.put("apps/db.yaml", &secret("password: new, user: u", ", namespace: shop"));
        folder.run(&format!("seal {CERT} apps/db.yaml"), "").ok();
        folder.put("db.yaml", &folder.text("apps/db.sealed.yaml"));
        assert_changed(&folder, &[("db/password", "new"), ("db/user", "u")]);
    }
}

#[test]
fn an_item_that_is_null_waits_for_its_value() {
    for (items, wanted) in [("\n    k:\n    l: null\n", "k: "), (" {k: , l: null}\n", "k: ")] {
        let folder = Folder::with_keys();
        let text = format!(
            "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata:\n  name: db\n  namespace: shop\nspec:\n  \
             encryptedData:{items}"
        );
        folder.put("sealed.yaml", &text);
        let lint = folder.run("lint sealed.yaml", "");
        for item in ["k", "l"] {
            assert!(
                lint.stdout.contains(&format!("kubeseal set sealed.yaml {item}")),
                "{}",
                lint.stdout
            );
        }
        let unseal = folder.run(&format!("unseal {KEY} sealed.yaml"), "");
        assert!(
            unseal.stderr.contains("kubeseal set sealed.yaml ITEM"),
            "{}",
            unseal.told
        );
        folder.run(&format!("set {CERT} sealed.yaml k"), "v").ok();
        assert!(folder.text("sealed.yaml").contains(wanted));
        let merge = format!("{CERT} --merge-into sealed.yaml");
        folder.run(&merge, &secret("l: w", ", namespace: shop")).ok();
        assert_eq!(opened(&folder, "sealed.yaml"), pairs(&[("db/k", "v"), ("db/l", "w")]));
        folder.put("sealed.yaml", &text);
        folder.run("unset sealed.yaml k", "").ok();
        assert!(!folder.text("sealed.yaml").contains(wanted));
    }
}
