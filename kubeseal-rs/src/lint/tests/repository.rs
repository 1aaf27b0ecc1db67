//! What is found when files are seen together.

use super::*;

/// What is found of an object with this metadata under these kustomizations.
fn found_under(metadata: &str, base: &str, overlay: &str) -> Vec<String> {
    let context = |name, text| Source {
        asked: Asked::No,
        ..source(name, text)
    };
    let sources = [
        source("base/db.yaml", &object(metadata, TEMPLATE)),
        context("base/kustomization.yaml", base),
        context("o/kustomization.yaml", overlay),
        context(
            "other/kustomization.yaml",
            "namePrefix: no-\nresources: [https://example.org/x, ../base/web.yaml]\n",
        ),
    ];
    let mut lines = found(&sources);
    // Without its own namespace the object is wrong by itself until a kustomization gives it the right one.
    lines.retain(|line| !line.ends_with(" no-namespace"));
    lines
}

#[test]
fn what_kustomize_would_rename_is_found_at_the_kustomization() {
    let base = "resources:\n- db.yaml\n";
    let overlay = "resources:\n- ../base\n";
    let cases: [(&str, &str, &str, &[&str]); 9] = [
        (NAMESPACE, base, overlay, &[]),
        (
            NAMESPACE,
            base,
            "resources:\n- ../base\nnamePrefix: x-\n",
            &["o/kustomization.yaml:3:1 kustomize-name"],
        ),
        (
            NAMESPACE,
            "nameSuffix: -x\nresources: [./db.yaml]\n",
            overlay,
            &["base/kustomization.yaml:1:1 kustomize-name"],
        ),
        (
            NAMESPACE,
            base,
            "resources: [../base/]\nnamespace: x\n",
            &["o/kustomization.yaml:2:1 kustomize-namespace"],
        ),
        (NAMESPACE, base, "components: [../base]\nnamespace: shop\n", &[]),
        ("", base, "resources: [../base]\nnamespace: shop\n", &[]),
        (
            "",
            base,
            "resources: [../base]\nnamespace: x\n",
            &["o/kustomization.yaml:2:1 kustomize-namespace"],
        ),
        (
            NAMESPACE,
            base,
            "resources: [../base]\ncommonAnnotations:\n  sealedsecrets.bitnami.com/cluster-wide: 'true'\n",
            &["o/kustomization.yaml:3:3 kustomize-scope"],
        ),
        (
            NAMESPACE,
            base,
            "resources: [../base]\ncommonLabels: {a: b}\n",
            &["o/kustomization.yaml:2:1 kustomize-labels"],
        ),
    ];
    for (metadata, base, overlay, expected) in cases {
        assert_eq!(found_under(metadata, base, overlay), expected, "{base}{overlay}");
    }
}

#[test]
fn a_namespace_that_a_kustomization_alone_gives_is_no_contradiction() {
    let sources = [
        source("base/db.yaml", &object("", "")),
        source("base/kustomization.yaml", "resources: [db.yaml]\n"),
        source("prod/kustomization.yaml", "namespace: prod\nresources: [../base]\n"),
    ];
    assert_eq!(found(&sources), [""; 0]);
}

#[test]
fn a_rename_of_what_opens_anyway_leaves_references_behind() {
    let wide = "  annotations: {sealedsecrets.bitnami.com/namespace-wide: 'true'}\n";
    let template = format!("{TEMPLATE}    {wide}");
    let wide = object(&format!("{NAMESPACE}{wide}"), &template);
    let found = |kustomization: &str| {
        let kustomization = source("kustomization.yaml", &format!("resources: [db.yaml]\n{kustomization}"));
        found(&[source("db.yaml", &wide), kustomization])
    };
    assert_eq!(
        found("nameSuffix: -x\n"),
        ["kustomization.yaml:2:1 kustomize-reference"]
    );
    assert_eq!(
        found("nameSuffix: -x\nconfigurations: [name-reference.yaml]\n"),
        [""; 0]
    );
    assert_eq!(found("namespace: shop\n"), [""; 0]);
}

#[test]
fn an_object_that_only_a_kustomization_puts_in_place_is_sound() {
    let sealed_for = TEMPLATE.replace("name: db", "name: prod-db");
    let object = object(NAMESPACE, &sealed_for);
    assert_eq!(in_file(&object), ["f:4:3 renamed"]);
    let kustomization = source("kustomization.yaml", "namePrefix: prod-\nresources: [f]\n");
    assert_eq!(found(&[source("f", &object), kustomization]), [""; 0]);
    // A circle of kustomizations ends.
    let circle = "namePrefix: x-\nresources: [f, ../repo]\n";
    let lines = found(&[source("f", &object), source("kustomization.yaml", circle)]);
    assert!(
        lines.contains(&"kustomization.yaml:1:1 kustomize-name".to_owned()),
        "{lines:?}"
    );
}

#[test]
fn the_same_object_twice_is_found_where_both_are_applied_together() {
    let two = format!("{}---\n{}", sound(), sound());
    assert_eq!(in_file(&two), ["f:17:3 duplicate-object"]);
    assert_eq!(
        found(&[source("a/1", &sound()), source("a/2", &sound())]),
        ["a/2:4:3 duplicate-object"]
    );
    // The folders of two clusters.
    assert_eq!(found(&[source("dev/1", &sound()), source("prod/1", &sound())]), [""; 0]);
    let both = source("kustomization.yaml", "resources: [dev/1, prod/1]\n");
    assert_eq!(
        found(&[source("dev/1", &sound()), source("prod/1", &sound()), both]),
        ["prod/1:4:3 duplicate-object"]
    );
    let apart = [
        source("a/1", &sound()),
        source("a/2", &sound()),
        source("x/kustomization.yaml", "resources: [../a/1]\n"),
        source("y/kustomization.yaml", "resources: [../a/2]\n"),
    ];
    assert_eq!(found(&apart), [""; 0]);
}

/// Whoever may commit must not choose how long a check takes.
#[test]
fn kustomizations_of_many_lines_and_in_circles_are_soon_judged() {
    let start = std::time::Instant::now();
    let many: Vec<_> = (0..2000)
        .map(|n| sound().replace("name: db", &format!("name: db-{n}")))
        .collect();
    let lines = format!("resources:\n{}", "- a\n".repeat(50_000));
    let found_many = found(&[
        source("many", &many.join("---\n")),
        source("kustomization.yaml", &lines),
    ]);
    assert_eq!(found_many, [""; 0]);
    let folders = 0..100;
    let all: Vec<_> = folders.clone().map(|n| format!("- ../f{n}\n")).collect();
    let circle: Vec<_> = folders
        .flat_map(|n| {
            let (objects, all) = (many[n * 10..][..10].join("---\n"), all.concat());
            let kustomization = format!("resources:\n- objects\n{all}");
            [
                source(&format!("f{n}/objects"), &objects),
                source(&format!("f{n}/kustomization.yaml"), &kustomization),
            ]
        })
        .collect();
    assert_eq!(found(&circle), [""; 0]);
    assert!(
        start.elapsed() < std::time::Duration::from_secs(300),
        "{:?}",
        start.elapsed()
    );
}

#[test]
fn only_files_that_speak_of_secrets_are_read() {
    let relevant = |name: &str, text: &str| is_relevant(Path::new(name), text.as_bytes());
    for hidden in [
        "kind: \"Sec\\x72et\"\n",
        "{\"kind\":\"Sec\\u0072et\"}",
        "kind: \"Secre\\\n  t\"\n",
        "\"k\\x69nd\": Secret\n",
        "? \"k\\\n  ind\"\n: Secret\n",
        "? kind\n: Secret\n",
        "kind: # a word\n  Secret\n",
        "!!binary a2luZA==: !!binary U2VjcmV0\n",
        "!<tag:yaml.org,2002:bin%61ry> a2luZA==: !!bin%61ry U2VjcmV0\n",
        "%TAG !e! tag:yaml.org,2002:bin\n---\nkind: !e!ary U2VjcmV0\n",
        "apiVersion: v1\nkind: SecretList\nitems:\n- stringData: {a: b}\n",
        "a: &k Secret\n!!str kind: *k\n",
        "items:\n- {\"kind\"  : \"Secret\"}\nkind: List\napiVersion: v1\n",
        "{\"\\u006bind\": \"SealedSecret\"}",
    ] {
        assert!(relevant("a.yaml", hidden), "{hidden}");
    }
    assert!(!relevant("a.yaml", "kind: ConfigMap\ndata: {a: \"b\\n\"}\n"));
    assert!(relevant("a.yaml", "kind: Secret"));
    assert!(relevant("a.yaml", "- apiVersion: x\n  kind:   'SealedSecret'\n"));
    assert!(relevant("a.json", r#"{"kind" : "SealedSecret"}"#));
    assert!(relevant("kustomization.yml", "resources: []"));
    assert!(!relevant("a.yaml", "kind: SecretStore"));
    assert!(!relevant("a.yaml", "kind: ConfigMap # Secret"));
    assert!(
        !relevant("a.yaml", "on: {kind: Secre\\\nt"),
        "what cannot be read is no object"
    );
    assert!(!relevant("a.yaml", "{{ if }}\nkind: Deployment\n"));
}

#[test]
fn utf16_is_read() {
    const CLEAR: &str = "kind: Secret\nstringData: {a: hunter2}\n";
    let utf_16 = |text: &str| Zeroizing::new(text.encode_utf16().flat_map(u16::to_le_bytes).collect());
    let clear = Source {
        bytes: utf_16(CLEAR),
        ..source("f", "")
    };
    assert_eq!(found(&[clear]), ["f:2:1 clear-secret"]);
    let allowed = Source {
        bytes: utf_16(&format!("# kubeseal: allow-file clear-secret\n{CLEAR}")),
        ..source("f", "")
    };
    assert_eq!(found(&[allowed]), [""; 0]);
}
