//! Where the certificate is found in a cluster, against answers of an API server (the real one's are tried by the black
//! box).

use std::sync::{Arc, Mutex};

use crate::program::{Folder, Run};
use crate::web::{answer_with, serve_recorded};

const FORBIDDEN: &str = r#"{"kind":"Status","apiVersion":"v1","status":"Failure","message":"services is forbidden","reason":"Forbidden","code":403}"#;
const SERVICE: &str =
    r#"{"kind":"Service","apiVersion":"v1","metadata":{"name":"x"},"spec":{"ports":[{"name":"http","port":8080}]}}"#;
const DEFAULT: &str = "/api/v1/namespaces/kube-system/services/sealed-secrets-controller";
const LIST: &str = "/api/v1/services?labelSelector=app.kubernetes.io%2Fname%3Dsealed-secrets";

fn ok(body: &str) -> String {
    answer_with("200 OK", "Content-Type: application/json\r\n", body)
}

fn forbidden() -> String {
    answer_with("403 Forbidden", "Content-Type: application/json\r\n", FORBIDDEN)
}

fn services(names: &[(&str, &str)]) -> String {
    let items: Vec<_> = names
        .iter()
        .map(|(namespace, name)| serde_json::json!({"metadata": {"namespace": namespace, "name": name}}))
        .collect();
    ok(&serde_json::json!({"kind": "ServiceList", "apiVersion": "v1", "metadata": {}, "items": items}).to_string())
}

fn proxy(namespace: &str, name: &str) -> String {
    format!("/api/v1/namespaces/{namespace}/services/http:{name}:http/proxy/v1/cert.pem")
}

fn service(namespace: &str, name: &str) -> String {
    format!("/api/v1/namespaces/{namespace}/services/{name}")
}

fn config_map(namespace: &str, name: &str) -> String {
    format!("/api/v1/namespaces/{namespace}/configmaps/{name}")
}

/// Runs `--fetch-cert` against a server with these answers (404 for all else); gives what it said and was asked.
fn fetch(folder: &Folder, flags: &str, answers: Vec<(String, String)>) -> (Run, Vec<String>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let server = serve_recorded(answers, asked.clone());
    // The kubeconfig names the server, as no flag may.
    folder.put(
        "config",
        &format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters: [{{name: c, cluster: {{server: '{server}'}}}}]\n\
             contexts: [{{name: c, context: {{cluster: c, user: u}}}}]\nusers: [{{name: u, user: {{}}}}]\n"
        ),
    );
    let words: Vec<_> = std::iter::once("--fetch-cert")
        .chain(flags.split_whitespace())
        .collect();
    let run = folder.run_in(&[("KUBECONFIG", "config")], &words, b"");
    let asked = asked.lock().unwrap().clone();
    (run, asked)
}

#[test]
fn the_references_requests_come_first_and_suffice() {
    let folder = Folder::with_keys();
    let cert = folder.text("test-only.crt");
    let answers = vec![
        (DEFAULT.to_owned(), ok(SERVICE)),
        (proxy("kube-system", "sealed-secrets-controller"), ok(&cert)),
    ];
    let (run, asked) = fetch(&folder, "", answers);
    assert_eq!(run.ok(), cert);
    assert_eq!(
        asked,
        [DEFAULT.to_owned(), proxy("kube-system", "sealed-secrets-controller")]
    );
}

#[test]
fn a_controller_of_another_name_is_found_by_its_label() {
    let folder = Folder::with_keys();
    let cert = folder.text("test-only.crt");
    let answers = vec![
        (
            LIST.to_owned(),
            services(&[("secure", "seals"), ("secure", "seals-metrics")]),
        ),
        (service("secure", "seals"), ok(SERVICE)),
        (proxy("secure", "seals"), ok(&cert)),
    ];
    let (run, asked) = fetch(&folder, "", answers);
    assert_eq!(run.ok(), cert);
    assert_eq!(
        asked,
        [DEFAULT, LIST, &service("secure", "seals"), &proxy("secure", "seals")]
    );
}

#[test]
fn several_controllers_are_not_guessed_between() {
    let folder = Folder::with_keys();
    let answers = vec![(LIST.to_owned(), services(&[("a", "seals"), ("b", "seals")]))];
    let (run, _) = fetch(&folder, "", answers);
    assert_eq!(
        (run.code, run.stdout.as_str(), run.stderr.as_str()),
        (
            1,
            "",
            "error: several Services may be the controller's: a/seals, b/seals\n\
             hint: --controller-namespace a --controller-name seals\n"
        )
    );
}

#[test]
fn without_the_right_to_list_the_common_names_are_tried() {
    let folder = Folder::with_keys();
    let cert = folder.text("test-only.crt");
    let answers = vec![
        (LIST.to_owned(), forbidden()),
        (service("sealed-secrets", "sealed-secrets"), ok(SERVICE)),
        (proxy("sealed-secrets", "sealed-secrets"), ok(&cert)),
    ];
    let (run, _) = fetch(&folder, "", answers);
    assert_eq!(run.ok(), cert);
}

#[test]
fn where_the_service_may_not_be_reached_its_config_map_is_read() {
    let folder = Folder::with_keys();
    let cert = folder.text("test-only.crt");
    let map = |pem: &str| {
        ok(
            &serde_json::json!({"kind": "ConfigMap", "apiVersion": "v1", "metadata": {}, "data": {"tls.crt": pem}})
                .to_string(),
        )
    };
    let path = config_map("kube-system", "sealed-secrets-controller-certificate");
    let no_proxy = vec![
        (DEFAULT.to_owned(), ok(SERVICE)),
        (proxy("kube-system", "sealed-secrets-controller"), forbidden()),
        (path.clone(), map(&cert)),
    ];
    let (run, asked) = fetch(&folder, "", no_proxy);
    assert_eq!(run.ok(), cert);
    assert_eq!(asked.len(), 3, "{asked:?}");
    let no_service = vec![(DEFAULT.to_owned(), forbidden()), (path, map(&cert))];
    assert_eq!(fetch(&folder, "", no_service).0.ok(), cert);
    // Also of a controller that was named, of which alone then.
    let named = vec![(config_map("ns", "other-certificate"), map(&cert))];
    let (run, asked) = fetch(&folder, "--controller-namespace ns --controller-name other", named);
    assert_eq!(run.ok(), cert);
    assert_eq!(asked, [service("ns", "other"), config_map("ns", "other-certificate")]);
}

#[test]
fn what_was_tried_is_told_with_the_first_cause() {
    let folder = Folder::with_keys();
    let (run, _) = fetch(&folder, "", Vec::new());
    assert_eq!(run.code, 1);
    assert!(
        run.stderr.starts_with("error: cannot get sealed secret service: ")
            && run.stderr.contains(
                "; also looked for: Service kube-system/sealed-secrets, Service sealed-secrets/sealed-secrets, Service \
                 sealed-secrets/sealed-secrets-controller, the ConfigMaps of the same names with -certificate\n\
                 hint: Please, use the flag --controller-name and --controller-namespace"
            ),
        "{}",
        run.stderr
    );
}
