use clap::Parser as _;

use super::*;
use crate::commands::classic::args::Args;

const KUBECONFIG: &str = "
current-context: a
contexts:
- {name: a, context: {cluster: one, user: token, namespace: from-a}}
- {name: b, context: {cluster: two, user: exec}}
- {name: dangling, context: {cluster: nowhere}}
clusters:
- {name: one, cluster: {server: 'https://one', certificate-authority: /ca, tls-server-name: one.example}}
- {name: two, cluster: {server: 'two:8080', insecure-skip-tls-verify: true}}
users:
- {name: token, user: {tokenFile: /token}}
- {name: exec, user: {exec: {command: aws}, client-certificate-data: Yg==, client-key-data: Yg==}}
";

fn flags(line: &str) -> ClusterFlags {
    Args::try_parse_from(std::iter::once("kubeseal").chain(line.split_whitespace()))
        .unwrap()
        .cluster
}

fn chosen_with(line: &str) -> Result<Chosen, ClusterError> {
    chosen(&flags(line), &Kubeconfig::from_yaml(KUBECONFIG).unwrap())
}

#[test]
fn the_context_and_the_flags_choose_cluster_and_user() {
    let cases = [
        ("", "https://one", Some("/token"), false),
        ("--context b", "https://two:8080", None, true),
        ("--context b --user token", "https://two:8080", Some("/token"), false),
        ("--cluster two", "https://two:8080", Some("/token"), false),
        ("--server https://x", "https://x", Some("/token"), false),
        (
            "--server x:1 --insecure-skip-tls-verify",
            "https://x:1",
            Some("/token"),
            false,
        ),
        ("--server= --context=", "https://one", Some("/token"), false),
    ];
    for (line, server, token_file, exec) in cases {
        let chosen = chosen_with(line).unwrap();
        assert_eq!(chosen.cluster.server.as_deref(), Some(server), "{line}");
        assert_eq!(chosen.user.token_file.as_deref(), token_file, "{line}");
        assert_eq!(chosen.user.exec.is_some(), exec, "{line}");
    }
}

#[test]
fn a_server_without_a_scheme_is_secure_only_if_something_says_so() {
    let nothing = Kubeconfig::default();
    let server = |line: &str| chosen(&flags(line), &nothing).unwrap().cluster.server.unwrap();
    assert_eq!(server("--server 127.0.0.1:8080"), "http://127.0.0.1:8080");
    assert_eq!(
        server("--server 127.0.0.1:6443 --certificate-authority ca.crt"),
        "https://127.0.0.1:6443"
    );
}

#[test]
fn what_the_kubeconfig_does_not_hold_is_named() {
    let cases = [
        (
            "--context nowhere",
            "context \"nowhere\" does not exist in the kubeconfig",
        ),
        (
            "--cluster nowhere",
            "cluster \"nowhere\" does not exist in the kubeconfig",
        ),
        ("--user nowhere", "user \"nowhere\" does not exist in the kubeconfig"),
        (
            "--context dangling",
            "cluster \"nowhere\" does not exist in the kubeconfig",
        ),
    ];
    for (line, expected) in cases {
        assert_eq!(chosen_with(line).err().unwrap().to_string(), expected, "{line}");
    }
}

#[test]
fn a_typed_trust_replaces_what_contradicts_it() {
    let insecure = chosen_with("--insecure-skip-tls-verify").unwrap().cluster;
    assert_eq!(
        (insecure.certificate_authority, insecure.insecure_skip_tls_verify),
        (None, Some(true))
    );
    let trusted = chosen_with("--context b --certificate-authority /other")
        .unwrap()
        .cluster;
    assert_eq!(
        (
            trusted.certificate_authority.as_deref(),
            trusted.insecure_skip_tls_verify
        ),
        (Some("/other"), None)
    );
    assert_eq!(chosen_with("--server https://x").unwrap().cluster.tls_server_name, None);
    assert_eq!(
        chosen_with("--tls-server-name y")
            .unwrap()
            .cluster
            .tls_server_name
            .as_deref(),
        Some("y")
    );
}

#[test]
fn a_typed_credential_replaces_all_others() {
    let user = chosen_with("--context b --token t --as x --as-group g --as-group h --as-uid u")
        .unwrap()
        .user;
    assert!(user.exec.is_none() && user.token_file.is_none() && user.token.is_some());
    assert_eq!(
        (user.impersonate.as_deref(), user.impersonate_uid.as_deref()),
        (Some("x"), Some("u"))
    );
    assert_eq!(user.impersonate_groups, Some(vec!["g".to_owned(), "h".to_owned()]));
    let user = chosen_with("--context b --client-certificate c --client-key k")
        .unwrap()
        .user;
    assert_eq!(
        (user.client_certificate.as_deref(), user.client_key.as_deref()),
        (Some("c"), Some("k"))
    );
    assert!(user.client_certificate_data.is_none() && user.client_key_data.is_none());
}

#[test]
fn without_a_kubeconfig_there_is_no_namespace_unless_a_server_is_named() {
    let nowhere = Environment::default();
    assert!(matches!(
        namespace(&flags(""), &nowhere),
        Err(ClusterError::NoConfiguration)
    ));
    assert_eq!(namespace(&flags("--server http://x"), &nowhere).unwrap(), "default");
    // The variables of a Pod without its mounted service account are no Pod, wherever the test itself runs.
    let half = Environment::from([
        ("KUBERNETES_SERVICE_HOST", "10.0.0.1"),
        ("KUBERNETES_SERVICE_PORT", "443"),
    ]);
    let account = tempfile::tempdir().unwrap();
    for half in [half.clone(), half.clone().in_pod(account.path())] {
        assert!(matches!(
            namespace(&flags(""), &half),
            Err(ClusterError::NoConfiguration)
        ));
    }
    std::fs::write(account.path().join("token"), "t").unwrap();
    let pod = half.in_pod(account.path());
    assert_eq!(namespace(&flags(""), &pod).unwrap(), "default");
    std::fs::write(account.path().join("namespace"), "ci\n").unwrap();
    assert_eq!(namespace(&flags(""), &pod).unwrap(), "ci");
    assert_eq!(namespace(&flags("--server http://x"), &pod).unwrap(), "ci");
}
