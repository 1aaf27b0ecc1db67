//! Sealed values outside SealedSecrets: in the values of a chart, in Helm templates, in scripts. The other test key is the old
//! one, the test key the newest.

use crate::program::Folder;

const RESEAL: &str = "reseal --recovery-private-key test-only-keys.yaml --cert test-only.crt ";
const STRICT: &str = "--name db --namespace shop";

/// A bare value, sealed with the old key.
fn old(folder: &Folder, flags: &str) -> String {
    let sealed = folder
        .run(&format!("--raw --cert test-only-other.crt {flags}"), "hunter2")
        .ok();
    sealed.trim().to_owned()
}

/// What stands in place of `old` in a text that is else the same.
fn new_value(before: &str, after: &str, old: &str) -> String {
    let (start, end) = before.split_once(old).unwrap();
    let new = after.strip_prefix(start).and_then(|rest| rest.strip_suffix(end));
    new.unwrap_or_else(|| panic!("{after}")).to_owned()
}

fn opens(folder: &Folder, value: &str, flags: &str) {
    folder.put("value", value);
    let line = format!("unseal --raw --recovery-private-key test-only.key {flags} value");
    assert_eq!(folder.run(&line, "").ok(), "hunter2");
}

#[test]
fn values_of_a_chart_are_resealed_under_the_names_that_are_given() {
    let folder = Folder::with_keys();
    let old = old(&folder, STRICT);
    let text = format!("# first\ndb:\n  password: \"{old}\" # kept\n  image:   'x'\r\n");
    folder.put("chart/values.yaml", &text);
    for check in ["", " --check"] {
        let run = folder.run(&format!("{RESEAL}{check} chart"), "");
        assert_eq!(
            (run.code, run.stderr.replace(check, "").as_str()),
            (
                1,
                "error: chart/values.yaml, line 3: a sealed value stands outside SealedSecrets, and no key opens it under any name \
                 that is given or stands in the same document\nhint: say what they were sealed for: kubeseal reseal --name NAME \
                 --namespace NAMESPACE --recovery-private-key test-only-keys.yaml --cert test-only.crt FILE; what is to be left out: \
                 --exclude FILE\n"
            )
        );
        assert_eq!(folder.text("chart/values.yaml"), text);
    }
    let due = folder.run(&format!("{RESEAL} --check {STRICT} chart"), "");
    assert_eq!(
        (due.code, due.stdout.as_str()),
        (1, "due chart/values.yaml\n  shop/db: password\n1 file: 1 due\n")
    );
    let told = folder.run(&format!("{RESEAL} {STRICT} chart"), "").ok();
    assert_eq!(
        told,
        "resealed chart/values.yaml\n  shop/db: password\n1 file: 1 resealed\n"
    );
    let new = new_value(&text, &folder.text("chart/values.yaml"), &old);
    opens(&folder, &new, STRICT);
    let again = folder.run(&format!("{RESEAL} --check {STRICT} chart"), "").ok();
    assert_eq!(again, "1 file: 1 current\n");
}

#[test]
fn a_helm_template_is_resealed_under_the_names_that_stand_in_it() {
    let folder = Folder::with_keys();
    let old = old(&folder, STRICT);
    let text = format!(
        "{{{{- if .Values.db }}}}\napiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata:\n  name: db\n  namespace: shop\n  \
         labels: {{{{ .Values.labels | toYaml }}}}\nspec:\n  encryptedData:\n    password: {old}\n{{{{- end }}}}\n"
    );
    folder.put("chart/Chart.yaml", "name: c\n");
    folder.put("chart/templates/db.yaml", &text);
    folder.put("db.yaml", &text);
    let told = folder.run(&format!("{RESEAL} chart db.yaml"), "").ok();
    assert_eq!(
        told,
        "resealed chart/templates/db.yaml\n  shop/db: password\nresealed db.yaml\n  shop/db: password\n2 files: 2 resealed\n"
    );
    for file in ["chart/templates/db.yaml", "db.yaml"] {
        opens(&folder, &new_value(&text, &folder.text(file), &old), STRICT);
    }
}

#[test]
fn every_text_is_looked_into_whatever_its_ending() {
    let folder = Folder::with_keys();
    let wide = old(&folder, "--scope cluster-wide");
    let text = format!("#!/bin/sh\nPASSWORD={wide}\n");
    folder.put("repo/deploy.sh", &text);
    folder.put("repo/image.png", &format!("\0{wide}"));
    folder.put("repo/notes.txt", "nothing here\n");
    let told = folder.run(&format!("{RESEAL} repo"), "").ok();
    assert_eq!(
        told,
        "resealed repo/deploy.sh\n  cluster-wide: PASSWORD\n1 file: 1 resealed\n"
    );
    let new = new_value(&text, &folder.text("repo/deploy.sh"), &wide);
    opens(&folder, &new, "--scope cluster-wide");
}

#[test]
fn named_text_is_read_by_each_verb() {
    let folder = Folder::with_keys();
    let wide = old(&folder, "--scope cluster-wide");
    folder.put("notes.txt", &format!("SealedSecret: a: b\npassword: {wide}\n"));
    for path in ["notes.txt", "."] {
        let lint = folder.run(&format!("lint {path}"), "").stdout;
        assert!(
            lint.contains("notes.txt:2:1: ") && lint.contains("[embedded-value]") && !lint.contains("[unreadable]"),
            "{lint}"
        );
    }
    let told = folder.run(&format!("{RESEAL} --check notes.txt"), "");
    assert!(
        told.stdout.starts_with("due notes.txt\n"),
        "{}{}",
        told.stdout,
        told.told
    );
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: shop}\nstringData: {password: p}\n";
    folder.put("notes.txt", secret);
    folder.run("seal --cert test-only.crt notes.txt", "").ok();
    for path in ["notes.sealed.txt", "."] {
        let lint = folder.run(&format!("lint {path}"), "").stdout;
        assert!(!lint.contains("notes.sealed.txt"), "{path}: {lint}");
    }
    for line in [
        "unseal --recovery-private-key test-only.key",
        "reseal --recovery-private-key test-only.key --cert test-only.crt",
        "doctor --offline --recovery-private-key test-only.key",
    ] {
        folder.run(&format!("{line} notes.sealed.txt"), "").ok();
    }
}

#[test]
fn values_beside_sealed_secrets_are_resealed_too() {
    let folder = Folder::with_keys();
    let old = old(&folder, STRICT);
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: shop}\nstringData: {password: p}\n";
    let sealed = folder.run("--cert test-only-other.crt -o yaml", secret).ok();
    let text = format!(
        "{sealed}---\nkind: HelmRelease\nmetadata: {{name: db, namespace: shop}}\nspec: {{values: {{a: {old}}}}}\n"
    );
    folder.put("repo/db.yaml", &text);
    let told = folder.run(&format!("{RESEAL} --no-key-hint repo"), "").ok();
    assert_eq!(
        told,
        "resealed repo/db.yaml\n  shop/db: a\n  shop/db: password\n1 file: 1 resealed\n"
    );
    let after = folder.text("repo/db.yaml");
    assert!(!after.contains(&old));
    assert_eq!(after.len(), text.len());
    let again = folder.run(&format!("{RESEAL} --check repo"), "").ok();
    assert_eq!(again, "1 file: 1 current\n");
}

#[test]
fn lint_names_every_value_outside_sealed_secrets() {
    let folder = Folder::with_keys();
    let old = old(&folder, STRICT);
    folder.put("repo/values.yaml", &format!("a: 1\npassword: {old}\n"));
    folder.put("repo/run.sh", &format!("X={old}\n"));
    folder.put("repo/chart/Chart.yaml", "name: c\n");
    folder.put(
        "repo/chart/templates/db.yaml",
        &format!("{{{{ if .x }}}}\nkind: SealedSecret\nspec: {{encryptedData: {{p: {old}}}}}\n{{{{ end }}}}\n"),
    );
    let told = folder.run("lint repo", "").ok();
    for line in [
        "repo/values.yaml:2:1: note[embedded-value]: a sealed value stands outside SealedSecrets (password)\n",
        "repo/run.sh:1:1: note[embedded-value]: a sealed value stands outside SealedSecrets (X)\n",
        "repo/chart/templates/db.yaml:3:1: note[embedded-value]: a sealed value stands outside SealedSecrets (p)\n",
    ] {
        assert!(told.contains(line), "{told}");
    }
    assert!(!told.contains(&old));
}

#[test]
fn a_helm_template_is_called_one() {
    let folder = Folder::with_keys();
    folder.put("db.yaml", "{{- if .x }}\nkind: Secret\ndata: {a: Yg==}\n{{- end }}\n");
    for line in [
        "seal --cert test-only.crt db.yaml",
        "--cert test-only.crt -f db.yaml",
        "lint db.yaml",
    ] {
        let run = folder.run(line, "");
        let told = format!("{}{}", run.stdout, run.stderr);
        assert!(
            run.code == 1 && told.contains("it is a Helm template"),
            "{line}: {told}"
        );
        assert!(!told.contains("not valid YAML"), "{line}: {told}");
    }
}

#[test]
fn one_value_is_set_and_unset_in_any_text() {
    let folder = Folder::with_keys();
    let old = old(&folder, STRICT);
    let text = format!("# first\ndb:\n  password: \"{old}\" # kept\n  image: {{{{ x }}}}\r\n");
    folder.put("values.yaml", &text);
    let set = "set --cert test-only.crt values.yaml password";
    let unbound = folder.run(set, "hunter2");
    assert_eq!(
        (unbound.code, unbound.stderr.as_str()),
        (
            1,
            "error: values.yaml, line 3: the file does not decide what a new value is bound to, and no flag says it\nhint: say \
             it: --name NAME --namespace NAMESPACE, and --scope SCOPE where it is not strict\n"
        )
    );
    assert_eq!(folder.text("values.yaml"), text);
    folder.run(&format!("{set} {STRICT}"), "hunter2").ok();
    let new = new_value(&text, &folder.text("values.yaml"), &old);
    opens(&folder, &new, STRICT);
    folder.run(&format!("{set} --scope cluster-wide"), "hunter2").ok();
    let new = new_value(&text, &folder.text("values.yaml"), &old);
    opens(&folder, &new, "--scope cluster-wide");
    let none = folder.run("unset values.yaml user", "");
    assert!(
        none.code == 1
            && none
                .stderr
                .contains("there is no sealed value \"user\" in it (there are password)"),
        "{}",
        none.stderr
    );
    folder.run("unset values.yaml password", "").ok();
    assert_eq!(folder.text("values.yaml"), "# first\ndb:\n  image: {{ x }}\r\n");
}

#[test]
fn values_in_utf16_are_found_and_changed_in_it() {
    let folder = Folder::with_keys();
    let old = old(&folder, STRICT);
    let text = format!("\u{feff}# é\r\ndb:\r\n  password: \"{old}\" # kept\r\n");
    let bytes = |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_le_bytes).collect() };
    let now = |name: &str| {
        let bytes = std::fs::read(folder.path(name)).unwrap();
        let units: Vec<_> = bytes
            .chunks(2)
            .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
            .collect();
        String::from_utf16(&units).unwrap()
    };
    for name in ["values.yaml", "values.txt"] {
        folder.put(&format!("chart/{name}"), "");
        std::fs::write(folder.path(&format!("chart/{name}")), bytes(&text)).unwrap();
        let lint = folder.run("lint chart", "");
        assert!(lint.stdout.contains(&format!("chart/{name}:3:1")), "{}", lint.stdout);
        let check = folder.run(&format!("{RESEAL} --check chart"), "");
        assert!(
            check.code == 1 && check.stderr.contains("line 3: a sealed value stands"),
            "{}",
            check.told
        );
        folder.run(&format!("{RESEAL} {STRICT} chart"), "").ok();
        opens(&folder, &new_value(&text, &now(&format!("chart/{name}")), &old), STRICT);
        let path = format!("chart/{name}");
        let before = now(&path);
        folder
            .run(&format!("set --cert test-only.crt {STRICT} {path} password"), "hunter2")
            .ok();
        let set = now(&path);
        assert_ne!(set, before);
        opens(&folder, &new_value(&text, &set, &old), STRICT);
        folder.run(&format!("unset {path} password"), "").ok();
        assert_eq!(now(&path), "\u{feff}# é\r\ndb:\r\n");
        std::fs::remove_file(folder.path(&path)).unwrap();
    }
}

/// Whoever may change the text around a value could have it sealed for a place of theirs.
#[test]
fn text_around_a_value_does_not_bind_a_new_one() {
    let folder = Folder::with_keys();
    let old = old(&folder, STRICT);
    let object = |comment: &str, metadata: &str, template: &str| {
        format!(
            "{{{{ if .x }}}}\n{comment}\nkind: SealedSecret\nmetadata: {metadata}\nspec:\n  template: {template}\n  encryptedData:\n    \
             password: {old}\n{{{{ end }}}}\n"
        )
    };
    let wide = "sealedsecrets.bitnami.com/cluster-wide: \"true\"";
    let plain = "{name: db, namespace: shop}";
    for text in [
        object("", plain, "{}"),
        object(&format!("# scopes: strict, {wide}"), plain, "{}"),
        object("", plain, &format!("{{metadata: {{annotations: {{{wide}}}}}}}")),
        object(
            "# as in staging, name: mine, namespace: evil",
            "{{- include \"meta\" . | nindent 2 }}",
            "{}",
        ),
    ] {
        folder.put("chart/templates/db.yaml", &text);
        let run = folder.run("set --cert test-only.crt chart/templates/db.yaml password", "hunter2");
        assert!(run.code == 1 && run.stderr.contains("no flag says it"), "{}", run.told);
        assert_eq!(folder.text("chart/templates/db.yaml"), text);
        folder
            .run(
                &format!("set --cert test-only.crt {STRICT} chart/templates/db.yaml password"),
                "hunter2",
            )
            .ok();
        opens(
            &folder,
            &new_value(&text, &folder.text("chart/templates/db.yaml"), &old),
            STRICT,
        );
    }
}
