//! What somebody meets who uses the program for the first time.

use serde_json::json;

use crate::items::CERT;
use crate::program::Folder;
use crate::seal_files::{SECRET, recovered};

const BARE: &str = "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\nstringData: {password: p, old: o}\n";

/// The commands that a hint suggests, as the words after `kubeseal`.
fn suggested(stderr: &str) -> Vec<Vec<String>> {
    let commands = stderr.split("kubeseal ").skip(1);
    let words = commands.map(|text| text.split([';', '\n']).next().unwrap_or_default());
    let without_prose = |text: &str| {
        text.trim_end_matches(" removes them")
            .trim_end_matches(" keeps them")
            .to_owned()
    };
    let split = |text: String| text.split(' ').map(str::to_owned).collect();
    words.map(without_prose).map(split).collect()
}

#[test]
fn hint_keeps_all_flags() {
    let folder = Folder::with_keys();
    folder.put("clear/db.yaml", BARE);
    let seal = format!("seal {CERT} -n shop --scope=namespace-wide --out sealed --token t0ken clear");
    folder.run(&seal, "").ok();
    folder.put("clear/db.yaml", &BARE.replace(", old: o", ""));
    let run = folder.run(&seal, "");
    assert_eq!(
        run.stderr,
        "error: sealed/db.sealed.yaml: it has items that clear/db.yaml lacks: old of shop/db\n\
         hint: nothing was written: kubeseal seal --prune --cert test-only.crt -n shop --scope=namespace-wide --out sealed --token \
         TOKEN clear removes them; kubeseal --merge-into sealed/db.sealed.yaml -f clear/db.yaml --cert test-only.crt -n shop \
         --scope=namespace-wide --token TOKEN keeps them\n"
    );
    let [prune, merge] = suggested(&run.stderr).try_into().unwrap();
    let words = |words: &[String]| words.iter().map(String::as_str).collect::<Vec<_>>().join(" ");
    folder.run(&words(&merge), "").ok();
    let data = |folder: &Folder| recovered(folder, "sealed/db.sealed.yaml")[0]["data"].clone();
    assert_eq!(data(&folder), json!({"password": "cA==", "old": "bw=="}));
    folder.run(&words(&prune), "").ok();
    assert_eq!(data(&folder), json!({"password": "cA=="}));
    assert!(!folder.path("clear/db.sealed.yaml").exists());
}

#[test]
fn hint_after_check_keeps_flags() {
    let folder = Folder::with_keys();
    folder.put("clear/db.yaml", SECRET);
    let run = folder.run("seal --check --out sealed --scope cluster-wide clear", "");
    assert!(
        run.stderr
            .ends_with("hint: kubeseal seal --out sealed --scope cluster-wide clear seals what differs\n"),
        "{}",
        run.stderr
    );
}

#[test]
fn hint_of_missing_namespace_keeps_flags() {
    let folder = Folder::with_keys();
    folder.put("db.yaml", BARE);
    for (line, hint) in [
        (
            format!("seal {CERT} --out sealed db.yaml"),
            "hint: kubeseal seal --namespace NAMESPACE --cert test-only.crt --out sealed db.yaml\n",
        ),
        (
            format!("{CERT} -f db.yaml -w out.yaml"),
            "hint: kubeseal --namespace NAMESPACE --cert test-only.crt -f db.yaml -w out.yaml\n",
        ),
    ] {
        let run = folder.run(&line, "");
        assert!(run.code == 1 && run.stderr.ends_with(hint), "{line}: {}", run.stderr);
    }
}

#[test]
fn item_without_indentation_is_explained() {
    let folder = Folder::with_keys();
    folder.put("db.yaml", SECRET);
    folder.run(&format!("{CERT} -f db.yaml -w db.sealed.yaml"), "").ok();
    let editor = "sh -c 'printf \"token: new\\n\" >> $1' sh";
    let run = folder.run_in(
        &[("EDITOR", editor), ("PATH", "/usr/bin:/bin")],
        &["edit", "--cert", "test-only.crt", "db.sealed.yaml"],
        b"",
    );
    assert!(
        run.code == 1
            && run
                .stderr
                .contains("there is no object \"token\" in the file (an item is indented below its object)"),
        "{}",
        run.stderr
    );
}

#[test]
fn first_value_of_a_chart() {
    let folder = Folder::with_keys();
    folder.put("values.yaml", "image: nginx\nreplicas: 2\n");
    let run = folder.run(&format!("set {CERT} --name db -n shop values.yaml password"), "v");
    assert_eq!(
        run.told,
        "exit 1\nerror: values.yaml: there is neither a SealedSecret nor a sealed value in it\nhint: the first one is pasted by \
         hand: printf %s \"$VALUE\" | kubeseal --raw --cert test-only.crt --name db -n shop prints it; kubeseal set changes it from \
         then on\n"
    );
}

#[test]
fn wrong_command_line_of_a_verb_ends_with_2() {
    let folder = Folder::with_keys();
    folder.put("db.yaml", SECRET);
    for line in [
        "seal --check --force db.yaml",
        "seal --cert a --for-cluster b db.yaml",
        "seal -o xml db.yaml",
        "unseal db.yaml",
        "lint --rule nothing",
        "help nothing",
        "keys backup",
        "set db.yaml a=b",
        "saal db.yaml",
    ] {
        let run = folder.run(line, "");
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{line}: {}", run.stderr);
    }
    // As the reference's.
    for line in ["--from-file x", "--raw", "-o xml"] {
        assert_eq!(folder.run(line, "").code, 1, "{line}");
    }
}

#[test]
fn namespace_is_without_effect_in_scope_cluster_wide() {
    let folder = Folder::with_keys();
    let wide = format!("{CERT} --scope cluster-wide -n other -o yaml");
    assert!(folder.run(&wide, SECRET).ok().contains("  namespace: shop\n"));
    assert!(!folder.run(&wide, BARE).ok().contains("namespace:"));
}
