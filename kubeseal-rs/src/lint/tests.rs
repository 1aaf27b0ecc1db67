//! Text in, findings out: one table for single files, one for repositories.

mod formats;
mod keys;
mod objects;
mod repository;
mod sizes;
mod suppressions;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;

/// A text with the lengths of a value that was sealed with a key of `bits`.
fn sealed_with(bits: usize) -> String {
    let length = u16::try_from(bits / 8).unwrap().to_be_bytes();
    STANDARD.encode([&length[..], &vec![7; bits / 8 + 20]].concat())
}

/// A sound SealedSecret; `metadata` and `spec` are further lines, with their indentation.
fn object(metadata: &str, spec: &str) -> String {
    let value = sealed_with(4096);
    format!(
        "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata:\n  name: db\n{metadata}spec:\n{spec}  \
         encryptedData:\n    password: {value}\n"
    )
}

const NAMESPACE: &str = "  namespace: shop\n";
const TEMPLATE: &str = "  template:\n    metadata:\n      name: db\n      namespace: shop\n";

fn sound() -> String {
    object(NAMESPACE, TEMPLATE)
}

fn certificate(bits: usize) -> Certificate {
    Certificate {
        name: "cert.pem".to_owned(),
        bits,
        fingerprint: key('A'),
        hybrid: Some(KeyId::from_bytes([1; 8])),
        fetch: Some("kubeseal --fetch-cert -w cert.pem".to_owned()),
    }
}

/// A fingerprint that nothing has.
fn key(letter: char) -> Fingerprint {
    let letters = String::from(letter).repeat(42);
    format!("SHA256:{letters}A").parse().unwrap()
}

/// A sound object, but for the keys that its hint names.
fn hinted(keys: &[char]) -> String {
    let keys: Vec<_> = keys.iter().map(|letter| key(*letter).to_string()).collect();
    let annotation = format!(
        "  annotations: {{sealed-secrets-rs/sealed-with: '{}'}}\n",
        keys.join(",")
    );
    object(&format!("{NAMESPACE}{annotation}"), TEMPLATE)
}

fn file(name: &str, tracked: bool) -> Arc<Found> {
    Arc::new(Found {
        path: Path::new("/repo").join(name),
        name: name.to_owned(),
        tracked,
    })
}

/// Judges all of them.
fn judge(sources: &[Source], allow: &[Rule], taken: &dyn Fn(&Path) -> bool) -> Report {
    let kustomizations = sources
        .iter()
        .filter_map(|one| Kustomization::of(&one.file, &one.bytes));
    let mut linter = Linter::new(kustomizations.collect(), taken);
    sources.iter().for_each(|source| linter.judge(source));
    linter.report(allow)
}

fn source(name: &str, text: &str) -> Source {
    Source {
        file: file(name, true),
        bytes: Zeroizing::new(text.as_bytes().to_vec()),
        unread: None,
        asked: Asked::Below,
        values_only: false,
        certificate: Some(certificate(4096)),
        others: vec![ClusterKey {
            cluster: "dev".to_owned(),
            key: key('D'),
            hybrid: Some(KeyId::from_bytes([4; 8])),
        }],
        format: None,
    }
}

/// Each finding as `file:line:column rule`.
fn found(sources: &[Source]) -> Vec<String> {
    let report = judge(sources, &[], &|path| path.ends_with("web.env"));
    for finding in &report.findings {
        for secret in ["hunter2", "aHVudGVyMg"] {
            let told = [Some(finding.message.as_str()), finding.fix.as_deref()];
            assert!(told.iter().flatten().all(|text| !text.contains(secret)), "{finding:?}");
        }
    }
    let line = |finding: &Finding| {
        let place = finding.place.map(|place| format!(":{}:{}", place.line, place.column));
        format!("{}{} {}", finding.file, place.unwrap_or_default(), finding.rule)
    };
    report.findings.iter().map(line).collect()
}

fn in_file(text: &str) -> Vec<String> {
    found(&[source("f", text)])
}

#[test]
fn a_sound_object_has_no_findings() {
    assert_eq!(in_file(&sound()), [""; 0]);
    let json = serde_json::json!({
        "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "metadata": {"name": "db", "namespace": "shop"},
        "spec": {"encryptedData": {"p": sealed_with(4096)}, "template": {"metadata": {"creationTimestamp": null}}},
        "status": {},
    });
    assert_eq!(in_file(&json.to_string()), [""; 0]);
    let report = judge(
        &[source("f", &format!("{}---\n{json}", sound().replace("db", "web")))],
        &[],
        &|_| true,
    );
    assert_eq!((report.files, report.sealed_secrets), (1, 2));
}

#[test]
fn every_rule_is_found_by_a_test_and_told_in_the_documentation() {
    let tests = concat!(
        include_str!("tests.rs"),
        include_str!("tests/formats.rs"),
        include_str!("tests/objects.rs"),
        include_str!("tests/repository.rs"),
        include_str!("tests/sizes.rs"),
        include_str!("tests/suppressions.rs"),
        // Those about the project file, which this module does not read.
        include_str!("../../tests/cli/project/certificates.rs")
    );
    let page = include_str!("../../../docs/lint.md");
    for rule in Rule::ALL {
        assert!(tests.contains(&format!(" {rule}\"")), "no test finds {rule}");
        let row = format!("| `{rule}` | {} |", rule.level().as_str());
        assert!(page.contains(&row), "docs/lint.md has no row {row:?}");
        assert!(!rule.summary().is_empty() && rule.summary().ends_with('.'));
    }
}

#[test]
fn a_scope_says_which_names_are_bound() {
    let both = "  annotations: {sealedsecrets.bitnami.com/namespace-wide: 'true'}\n";
    let inner = "      annotations: {sealedsecrets.bitnami.com/namespace-wide: 'true'}\n";
    let wide = object(&format!("{NAMESPACE}{both}"), &format!("{TEMPLATE}{inner}"));
    assert_eq!(in_file(&wide.replacen("name: db", "name: web", 1)), [""; 0]);
    assert_eq!(
        in_file(&wide.replacen("namespace: shop", "namespace: web", 1)),
        ["f:4:3 renamed"]
    );
    let filled_in = |text: &str| {
        text.replace("namespace: shop", "namespace: ${NS}")
            .replace("name: db", "name: ${NAME}")
    };
    assert_eq!(in_file(&filled_in(&wide)), ["f:5:3 placeholder-name"]);
    assert_eq!(in_file(&wide.replace("name: db", "name: ${NAME}")), [""; 0]);
    let cluster = wide.replace("namespace-wide", "cluster-wide");
    assert_eq!(in_file(&filled_in(&cluster)), [""; 0]);
    assert_eq!(
        in_file(&cluster.replacen("namespace: shop", "namespace: web", 1)),
        [""; 0]
    );
    assert_eq!(in_file(&cluster.replacen(NAMESPACE, "", 1)), [""; 0]);
}

#[test]
fn secrets_in_clear_are_found_where_git_would_take_them() {
    let clear = "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\nstringData: {p: hunter2}\n";
    let cases = [
        (clear.to_owned(), true),
        (
            clear.replace("stringData: {p: hunter2}", "data: {p: aHVudGVyMg==}"),
            true,
        ),
        (
            format!(
                "kind: List\napiVersion: v1\nitems:\n- {}",
                clear.trim_end().replace('\n', "\n  ")
            ),
            true,
        ),
        (clear.replace("hunter2", "''"), false),
        (clear.replace("stringData: {p: hunter2}", ""), false),
        (format!("{clear}sops: {{mac: x}}\n"), false),
        (clear.replace("Secret", "ConfigMap"), false),
    ];
    for (text, is_found) in cases {
        assert_eq!(
            in_file(&text).iter().any(|line| line.ends_with(" clear-secret")),
            is_found,
            "{text}"
        );
        let ignored = Source {
            file: file("f", false),
            ..source("f", &text)
        };
        assert_eq!(found(&[ignored]), [""; 0]);
    }
    let kustomization = "secretGenerator:\n- name: db\n  literals: [p=hunter2]\n- name: web\n  envs: [web.env]\n";
    assert_eq!(
        found(&[source("kustomization.yaml", kustomization)]),
        [
            "kustomization.yaml:2:3 clear-secret",
            "kustomization.yaml:4:3 clear-secret"
        ]
    );
}

#[test]
fn nothing_is_not_found_to_be_sound() {
    let judged = |asked, text: &str| {
        found(&[Source {
            asked,
            ..source("f", text)
        }])
    };
    for text in [
        "",
        "\n",
        "# kind: Secret\n",
        "---\n---\n",
        "garbage\n",
        "[]",
        "a: b\n",
        "Error: kaputt: no such file\n",
    ] {
        assert_eq!(judged(Asked::Piped, text), ["f no-object"], "{text:?}");
    }
    for text in ["kind: ConfigMap\n", "kind: Secret\napiVersion: v1\n"] {
        assert_eq!(judged(Asked::Piped, text), [""; 0], "{text:?}");
    }
    for text in ["", " \r\n"] {
        assert_eq!(judged(Asked::Named, text), ["f no-object"], "{text:?}");
        assert_eq!(judged(Asked::Below, text), [""; 0], "{text:?}");
    }
    assert_eq!(judged(Asked::Named, "# Values of a chart, for example.\n"), [""; 0]);
    // What is wrong with others is not told.
    assert!(!is_wanting(Asked::Piped, b"kind: ConfigMap\nkind: ConfigMap\n"));
    let unread = Source {
        unread: Some("permission denied".to_owned()),
        ..source("f", "")
    };
    let other = source("g", &sound().replace("v1alpha1", "v1"));
    assert_eq!(found(&[unread, other]), ["f unreadable", "g:1:1 structure"]);
}
