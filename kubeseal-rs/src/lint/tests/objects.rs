//! What is wrong with one object, and where it stands.

use super::*;

/// That each text has the finding, where it stands.
fn all_found(cases: &[(String, &str)]) {
    let wrong: Vec<_> = cases
        .iter()
        .map(|(text, expected)| (in_file(text), *expected))
        .filter(|(found, expected)| !found.iter().any(|line| line == expected))
        .collect();
    assert_eq!(wrong, []);
}

#[test]
fn faults_of_the_structure_are_found() {
    let wide = "  annotations:\n    sealedsecrets.bitnami.com/cluster-wide: ";
    all_found(&[
        (sound().replace("password: ", "password: !"), "f:12:728 unreadable"),
        (sound().replace("password: ", "password: '@"), "f:13:1 unreadable"),
        (
            sound().replacen("  name: db\n", "  name: db\n  name: db\n", 1),
            "f:5:3 duplicate-key",
        ),
        (sound().replace("v1alpha1", "v1"), "f:1:1 structure"),
        (
            sound().replace("  encryptedData:\n    ", "  encryptedData:\n  - "),
            "f:11:3 structure",
        ),
        (sound().replacen("  name: db\n", "", 1), "f:3:1 structure"),
        (sound().replacen("name: db", "name: DB_x", 1), "f:4:3 structure"),
        (
            sound().replacen("namespace: shop", "namespace: a.b", 1),
            "f:5:3 structure",
        ),
        (sound().replace("password: ", "pass word: "), "f:12:5 structure"),
        (sound().replace("password: ", "..: "), "f:12:5 structure"),
        (
            object(NAMESPACE, &format!("{TEMPLATE}    data: {{a b: x}}\n")),
            "f:11:12 structure",
        ),
        (object(&format!("{NAMESPACE}{wide}true\n"), TEMPLATE), "f:7:5 structure"),
        (
            sound().replace("  encryptedData:", "  encryptData:"),
            "f:11:3 unknown-field",
        ),
        (
            sound().replace("  template:", "  stringData: {}\n  template:"),
            "f:7:3 unknown-field",
        ),
        (format!("password: {}\n", sealed_with(2048)), "f:1:1 embedded-value"),
        ("kind: Role\na: .inf\n".to_owned(), "f:2:4 other-kind"),
    ]);
}

#[test]
fn faults_of_values_and_scopes_are_found() {
    let wide = "  annotations:\n    sealedsecrets.bitnami.com/cluster-wide: ";
    let short = sealed_with(4096);
    all_found(&[
        (sound().replace("password: AgA", "password: AgA%"), "f:12:5 base64"),
        (sound().replace(&short, &short[..short.len() - 40]), "f:12:5 ciphertext"),
        (sound().replace(&short, "aHVudGVyMg=="), "f:12:5 ciphertext"),
        (
            sound().replace(&short, &format!("AAAD{}", &short[4..])),
            "f:12:5 newer-format",
        ),
        (sound().replace(&short, &sealed_with(2048)), "f:12:5 key-size"),
        (sound().replace(&short, &sealed_with(1024)), "f:12:5 weak-key"),
        (
            object(&format!("{NAMESPACE}{wide}'yes'\n"), TEMPLATE),
            "f:7:5 scope-value",
        ),
        (
            object(&format!("{NAMESPACE}{wide}'true'\n"), TEMPLATE),
            "f:7:5 scope-one-sided",
        ),
        (
            object(
                NAMESPACE,
                &format!("{TEMPLATE}    {}'true'\n", wide.replace('\n', "\n    ")),
            ),
            "f:12:9 scope-mismatch",
        ),
        (
            sound().replace(&format!("\n    password: {short}"), " {}"),
            "f:11:3 empty",
        ),
        (
            sound().replace(&format!("encryptedData:\n    password: {short}"), "data: AgA="),
            "f:11:3 deprecated-data",
        ),
        (
            object(
                &format!("{NAMESPACE}  annotations: {{sealed-secrets-rs/sealed-with: me}}\n"),
                TEMPLATE,
            ),
            "f:6:17 key-hint",
        ),
        (hinted(&['B']), "f:6:17 old-key"),
        (hinted(&['D']), "f:6:17 other-cluster"),
        (
            object(
                &format!(
                    "{NAMESPACE}  annotations:\n    kubectl.kubernetes.io/last-applied-configuration: |\n      \
                     {{\"kind\":\"Secret\",\"data\":{{\"p\":\"aHVudGVyMg==\"}}}}\n"
                ),
                TEMPLATE,
            ),
            "f:7:5 plaintext-copy",
        ),
    ]);
}

#[test]
fn faults_of_templates_and_names_are_found() {
    all_found(&[
        (
            object(
                NAMESPACE,
                &format!("{TEMPLATE}    data:\n      url: 'x{{{{ .password'\n"),
            ),
            "f:12:7 template",
        ),
        (
            object(
                NAMESPACE,
                &format!("{TEMPLATE}    data:\n      url: '{{{{ .password }}}} {{{{ now }}}}'\n"),
            ),
            "f:12:7 nondeterministic-template",
        ),
        (
            object(
                NAMESPACE,
                &format!("{TEMPLATE}    data:\n      url: '{{{{ .pasword }}}} {{{{ .port }}}}'\n      port: '1'\n"),
            ),
            "f:12:7 missing-item",
        ),
        (sound().replacen("name: db", "name: web", 1), "f:4:3 renamed"),
        (
            sound().replacen("namespace: shop", "namespace: web", 1),
            "f:4:3 renamed",
        ),
        (object("", TEMPLATE), "f:1:1 no-namespace"),
        (
            sound().replace("namespace: shop", "namespace: ${NS}"),
            "f:5:3 placeholder-name",
        ),
        (
            sound().replacen("namespace: shop", "namespace: $(NS)", 1),
            "f:5:3 placeholder-name",
        ),
        (sound().replace("name: db", "name: db-${ENV}"), "f:4:3 placeholder-name"),
    ]);
}
