//! `--merge-into`.

use super::*;

#[test]
fn merge_into_seals_into_the_object_of_the_name() {
    let folder = Folder::with_keys();
    let before = file(&folder);
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: shop, labels: {l: x}}\nstringData: {password: new, more: x}\n";
    assert_eq!(folder.run(&format!("{CERT} --merge-into sealed.yaml"), secret).ok(), "");
    assert_eq!(
        opened(&folder, "sealed.yaml"),
        pairs(&[
            ("db/password", "new"),
            ("db/user", "u"),
            ("db/more", "x"),
            ("cache/password", "other")
        ])
    );
    let after = folder.text("sealed.yaml");
    let rest = |text: &str| {
        text.lines()
            .filter(|line| {
                !["password: ", "more: ", "labels:", "l: x"]
                    .iter()
                    .any(|new| line.trim_start().starts_with(new))
            })
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(rest(&after), rest(&before));
    assert!(!after.contains(HINT));
    assert_eq!(
        folder
            .run(
                &format!("{CERT} --merge-into sealed.yaml -o yaml --key-hint --name cache"),
                secret
            )
            .ok(),
        ""
    );
    assert!(folder.text("sealed.yaml").contains(HINT));
    assert_eq!(opened(&folder, "sealed.yaml").len(), 5);
}

#[test]
fn an_item_that_templates_use_is_not_taken_from_them() {
    let folder = Folder::with_keys();
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: shop}\nstringData: {a: x, b: z}\n";
    let sealed = folder.run("--cert test-only.crt -o yaml", secret).ok();
    let sealed = sealed.replacen("  template:\n", "  template:\n    data: {url: 'db://{{ .a }}'}\n", 1);
    folder.put("db.yaml", &sealed);
    for line in ["unset db.yaml b a", "rename db.yaml a c"] {
        let run = folder.run(line, "");
        assert_eq!(
            (run.code, run.stderr.as_str()),
            (
                1,
                "error: db.yaml, document 1, line 2: templates use item \"a\": url\nhint: nothing was written: change \
                 spec.template.data first (kubeseal render FILE shows what it makes), or --force\n"
            ),
            "{line}"
        );
        assert_eq!(folder.text("db.yaml"), sealed);
    }
    folder.run("rename db.yaml b c", "").ok();
    folder.run("unset db.yaml c", "").ok();
    folder.run("unset --force db.yaml a", "").ok();
    assert!(!folder.text("db.yaml").contains("\n    a: "));
}

#[test]
fn two_secrets_do_not_overwrite_each_other_when_they_are_merged() {
    let folder = Folder::with_keys();
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: shop}\nstringData: {a: x}\n";
    let sealed = folder.run("--cert test-only.crt -o yaml", secret).ok();
    folder.put("db.yaml", &sealed);
    let merge = "--cert test-only.crt --merge-into db.yaml";
    let run = folder.run(merge, &format!("{secret}---\n{secret}"));
    assert_eq!((run.code, run.stdout.as_str()), (1, ""));
    let expected = "error: stdin, document 2, line ";
    assert!(run.stderr.starts_with(expected), "{}", run.stderr);
    assert!(
        run.stderr
            .contains("another Secret before it has set spec.encryptedData."),
        "{}",
        run.stderr
    );
    assert_eq!(folder.text("db.yaml"), sealed);
}

#[test]
fn a_single_secret_goes_into_the_only_object_whatever_its_name() {
    let folder = Folder::with_keys();
    let sealed = folder
        .run(
            CERT,
            "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: shop}\nstringData: {a: x}\n",
        )
        .ok();
    folder.put("one.json", &sealed);
    folder.put("also-yaml.yaml", &sealed);
    let other = "apiVersion: v1\nkind: Secret\nmetadata: {name: other, namespace: elsewhere, annotations: {k: a}}\nstringData: {b: z}\n";
    assert_eq!(folder.run(&format!("{CERT} --merge-into one.json -f -"), other).code, 1);
    assert_eq!(folder.run(&format!("{CERT} --merge-into one.json"), other).ok(), "");
    assert_eq!(opened(&folder, "one.json"), pairs(&[("db/a", "x"), ("db/b", "z")]));
    // JSON is YAML, and stays as it is.
    for format in ["json", "yaml"] {
        let line = format!("{CERT} --merge-into also-yaml.yaml -o {format}");
        assert_eq!(folder.run(&line, other).ok(), "");
    }
    assert!(folder.text("also-yaml.yaml").starts_with("{\n"));
    let merged = folder.text("one.json");
    assert!(
        merged.contains("\"annotations\": {\n          \"k\": \"a\"\n        }"),
        "{merged}"
    );
    let both = format!("{other}---\n{other}");
    let run = folder.run(&format!("{CERT} --merge-into one.json"), &both);
    assert_eq!((run.code, folder.text("one.json") == merged), (1, true), "{}", run.told);
}
