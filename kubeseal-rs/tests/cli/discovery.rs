//! Where the certificate is found in a cluster, against answers of an API server (the real one's are tried by the black
//! box).

use std::sync::{Arc, Mutex};

use sealing::cert::SealingCert;

use crate::program::{Folder, Run};
use crate::web::{answer_with, serve_recorded};

const FORBIDDEN: &str = r#"{"kind":"Status","apiVersion":"v1","status":"Failure","message":"services is forbidden","reason":"Forbidden","code":403}"#;
const SERVICE: &str =
    r#"{"kind":"Service","apiVersion":"v1","metadata":{"name":"x"},"spec":{"ports":[{"name":"http","port":8080}]}}"#;
const SECRET: &str = "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: shop}\nstringData: {password: p}\n";
const DEFAULT: &str = "/api/v1/namespaces/kube-system/services/sealed-secrets-controller";
const LIST: &str = "/api/v1/services?limit=100&labelSelector=app.kubernetes.io%2Fname%3Dsealed-secrets";
const TRUSTED_LIST: &str =
    "/api/v1/namespaces/kube-system/services?limit=100&labelSelector=app.kubernetes.io%2Fname%3Dsealed-secrets";

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
    let words: Vec<_> = std::iter::once("--fetch-cert")
        .chain(flags.split_whitespace())
        .collect();
    run_against(folder, &words, answers)
}

fn run_against(folder: &Folder, words: &[&str], answers: Vec<(String, String)>) -> (Run, Vec<String>) {
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
    let run = folder.run_in(&[("KUBECONFIG", "config")], words, SECRET.as_bytes());
    let asked = asked.lock().unwrap().clone();
    (run, asked)
}

/// Runs the program with the kubeconfig of a cluster whose controller serves this certificate.
pub(crate) fn served_by_controller(folder: &Folder, cert: &str, words: &[&str]) -> Run {
    let answers = vec![
        (DEFAULT.to_owned(), ok(SERVICE)),
        (
            proxy("kube-system", "sealed-secrets-controller"),
            answer_with("200 OK", "", cert),
        ),
    ];
    run_against(folder, words, answers).0
}

/// The same with a controller that answers the request to seal again, with this query, so.
pub(crate) fn answered_by_controller(folder: &Folder, query: &str, answer: &str, words: &[&str]) -> Run {
    let path = proxy("kube-system", "sealed-secrets-controller").replace("/v1/cert.pem", "/v1/rotate") + query;
    run_against(
        folder,
        words,
        vec![(DEFAULT.to_owned(), ok(SERVICE)), (path, ok(answer))],
    )
    .0
}

/// The same with a controller that refuses that request, and gives this certificate.
pub(crate) fn refused_by_controller(folder: &Folder, query: &str, cert: &str, words: &[&str]) -> Run {
    let controller = proxy("kube-system", "sealed-secrets-controller");
    let rotate = controller.replace("/v1/cert.pem", "/v1/rotate") + query;
    let answers = vec![
        (DEFAULT.to_owned(), ok(SERVICE)),
        (controller, answer_with("200 OK", "", cert)),
        (rotate, answer_with("500 Internal Server Error", "", "")),
    ];
    run_against(folder, words, answers).0
}

const KEYS: &str =
    "/api/v1/namespaces/kube-system/secrets?limit=25&labelSelector=sealedsecrets.bitnami.com%2Fsealed-secrets-key";

fn json_of(yaml: &str) -> serde_json::Value {
    let mut secret = manifest::read(yaml.as_bytes()).unwrap().remove(0).into_value();
    secret["metadata"]["resourceVersion"] = "7".into();
    secret
}

/// The same where the cluster has this key Secret (YAML) as well.
pub(crate) fn answered_with_keys(folder: &Folder, cert: &str, secret: &str, words: &[&str]) -> Run {
    let controller = proxy("kube-system", "sealed-secrets-controller");
    let answers = vec![
        (DEFAULT.to_owned(), ok(SERVICE)),
        (controller, answer_with("200 OK", "", cert)),
        (KEYS.to_owned(), secrets(secret)),
    ];
    run_against(folder, words, answers).0
}

fn secrets(secret: &str) -> String {
    let list =
        serde_json::json!({"kind": "SecretList", "apiVersion": "v1", "metadata": {}, "items": [json_of(secret)]});
    ok(&list.to_string())
}

/// The same; gives the paths of what was written too.
pub(crate) fn restored_beside(folder: &Folder, secret: &str, words: &[&str]) -> (Run, Vec<String>) {
    let one = "/api/v1/namespaces/kube-system/secrets/k1".to_owned();
    let answers = vec![
        (KEYS.to_owned(), secrets(secret)),
        (one.clone(), ok(&json_of(secret).to_string())),
    ];
    let (run, asked) = run_against(folder, words, answers);
    (run, asked.into_iter().filter(|path| *path == one).collect())
}

fn key(folder: &Folder, name: &str) -> String {
    let cert = SealingCert::from_pem(folder.text(name).as_bytes()).unwrap();
    cert.public().fingerprint().to_string()
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
fn another_name_in_kube_system_is_found_by_its_label() {
    let folder = Folder::with_keys();
    let cert = folder.text("test-only.crt");
    let answers = vec![
        (
            TRUSTED_LIST.to_owned(),
            services(&[("kube-system", "seals"), ("kube-system", "seals-metrics")]),
        ),
        (service("kube-system", "seals"), ok(SERVICE)),
        (proxy("kube-system", "seals"), ok(&cert)),
    ];
    let (run, asked) = fetch(&folder, "", answers);
    assert_eq!(run.ok(), cert);
    assert_eq!(
        asked,
        [
            DEFAULT,
            TRUSTED_LIST,
            &service("kube-system", "seals"),
            &proxy("kube-system", "seals")
        ]
    );
}

#[test]
fn several_controllers_are_not_guessed_between() {
    let folder = Folder::with_keys();
    let both = services(&[("kube-system", "a"), ("kube-system", "b")]);
    let (run, _) = fetch(&folder, "", vec![(TRUSTED_LIST.to_owned(), both)]);
    assert_eq!(
        (run.code, run.stdout.as_str(), run.stderr.as_str()),
        (
            1,
            "",
            "error: several Services may be the controller's: kube-system/a, kube-system/b\n\
             hint: --controller-namespace kube-system --controller-name a\n"
        )
    );
}

#[test]
fn services_of_tenants_are_shown_and_not_used() {
    let folder = Folder::with_keys();
    let answers = || {
        vec![
            (LIST.to_owned(), services(&[("evil", "seals"), ("idle", "x")])),
            (service("evil", "seals"), ok(SERVICE)),
            (proxy("evil", "seals"), ok(&folder.text("test-only.crt"))),
            (service("sealed-secrets", "sealed-secrets"), ok(SERVICE)),
            (
                proxy("sealed-secrets", "sealed-secrets"),
                ok(&folder.text("test-only-other.crt")),
            ),
        ]
    };
    let expected = format!(
        "; found outside kube-system, where any tenant may have created it, and not used: sealed-secrets/sealed-secrets (key {}), \
         evil/seals (key {}), idle/x (no certificate)\nhint: whoever runs the controller knows its namespace and its key's \
         fingerprint: name the one that has it, --controller-namespace NAMESPACE --controller-name NAME",
        key(&folder, "test-only-other.crt"),
        key(&folder, "test-only.crt"),
    );
    for words in [&["--fetch-cert"][..], &[], &["--raw", "--scope", "cluster-wide"]] {
        let (run, _) = run_against(&folder, words, answers());
        assert_eq!((run.code, run.stdout.as_str()), (1, ""), "{words:?}: {}", run.stderr);
        assert!(
            run.stderr.starts_with("error: cannot get sealed secret service: ") && run.stderr.contains(&expected),
            "{words:?}: {}",
            run.stderr
        );
    }
    let named = "--controller-namespace sealed-secrets --controller-name sealed-secrets";
    let (run, _) = fetch(&folder, named, answers());
    assert_eq!(run.ok(), folder.text("test-only-other.crt"));
}

#[test]
fn many_services_of_a_tenant_do_not_hide_the_controller() {
    let folder = Folder::with_keys();
    let many: Vec<_> = (0..100).map(|number| format!("seals-{number}")).collect();
    let many: Vec<_> = many.iter().map(|name| ("evil", name.as_str())).collect();
    let cert = folder.text("test-only.crt");
    let answers = vec![
        (LIST.to_owned(), services(&many)),
        (service("sealed-secrets", "sealed-secrets"), ok(SERVICE)),
        (proxy("sealed-secrets", "sealed-secrets"), ok(&cert)),
    ];
    let (run, asked) = fetch(&folder, "", answers);
    let first = format!("sealed-secrets/sealed-secrets (key {})", key(&folder, "test-only.crt"));
    assert!(run.code == 1 && run.stderr.contains(&first), "{}", run.stderr);
    assert!(run.stderr.contains(" and others\n"), "{}", run.stderr);
    assert!(asked.len() < 30, "{}", asked.len());
}

#[test]
fn the_project_file_names_a_controller() {
    let folder = Folder::with_keys();
    let answers = || {
        vec![
            (service("secure", "seals"), ok(SERVICE)),
            (proxy("secure", "seals"), ok(&folder.text("test-only.crt"))),
        ]
    };
    let (right, wrong) = (key(&folder, "test-only.crt"), key(&folder, "test-only-other.crt"));
    let sealed = |project: &str| {
        folder.put(".kubeseal.yaml", project);
        run_against(&folder, &[], answers()).0
    };
    sealed("clusters: {only: {controller: secure/seals}}").ok();
    sealed(&format!(
        "clusters: {{only: {{controller: secure/seals, fingerprint: '{right}'}}}}"
    ))
    .ok();
    let run = sealed(&format!(
        "clusters: {{only: {{controller: secure/seals, fingerprint: '{wrong}'}}}}"
    ));
    let expected = format!("line 1: the certificate of cluster only is that of key {right}, but {wrong} is pinned\n");
    assert!(
        run.code == 1 && run.stdout.is_empty() && run.stderr.contains(&expected),
        "{}",
        run.stderr
    );
}

#[test]
fn a_pin_holds_for_a_certificate_from_a_named_cluster() {
    let folder = Folder::with_keys();
    let answers = || {
        vec![
            (DEFAULT.to_owned(), ok(SERVICE)),
            (
                proxy("kube-system", "sealed-secrets-controller"),
                ok(&folder.text("test-only.crt")),
            ),
        ]
    };
    let sealed = |words: &[&str], project: &str| {
        folder.put(".kubeseal.yaml", project);
        run_against(&folder, words, answers()).0
    };
    let (right, wrong) = (key(&folder, "test-only.crt"), key(&folder, "test-only-other.crt"));
    let pinned = |pin: &str| format!("clusters: {{c: {{cert: none.pem, fingerprint: '{pin}', folders: [.]}}}}");
    for words in [
        &["--context", "c"][..],
        &["--controller-namespace", "kube-system"],
        &["--kubeconfig", "config", "-w", "sealed.yaml"],
    ] {
        sealed(words, &pinned(&right)).ok();
        let run = sealed(words, &pinned(&wrong));
        let expected = format!("the certificate of cluster c is that of key {right}, but {wrong} is pinned\n");
        assert!(run.code == 1 && run.stderr.contains(&expected), "{}", run.stderr);
        // What is not pinned, or pinned for other folders, the flags override.
        sealed(
            words,
            "clusters: {a: {cert: none.pem, folders: [.]}, b: {cert: b.pem, folders: [.]}}",
        )
        .ok();
        sealed(words, &pinned(&wrong).replace("[.]", "[elsewhere]")).ok();
    }
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
