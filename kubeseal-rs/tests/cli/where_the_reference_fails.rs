//! Where the reference panics, waits for ever or says something that is not so (docs/parity.md, section 1).

use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::program::Folder;
use crate::web::{answer_with, serve_recorded};

const SECRET: &str = "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: shop}\nstringData: {a: x}\n";

#[test]
fn a_service_without_ports_is_an_error_that_names_it() {
    let folder = Folder::with_keys();
    let service = r#"{"kind":"Service","apiVersion":"v1","metadata":{"name":"x"},"spec":{}}"#;
    let answer = answer_with("200 OK", "Content-Type: application/json\r\n", service);
    let server = serve_recorded(
        vec![("/api/v1/namespaces/ns/services/odd".to_owned(), answer)],
        Arc::default(),
    );
    let flags = format!("--server {server} --controller-namespace ns --controller-name odd");
    for line in [format!("--fetch-cert {flags}"), format!("--validate {flags}")] {
        let run = folder.run(&line, &folder.run("--cert test-only.crt", SECRET).ok());
        assert!(
            run.code == 1 && run.stderr.contains("ns/odd") && run.stderr.contains("port"),
            "{}",
            run.told
        );
        assert!(run.stderr.contains("hint: "), "{}", run.told);
    }
}

#[test]
fn a_server_that_never_answers_is_an_error() {
    let folder = Folder::with_keys();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = format!("http://{}", silent.local_addr().unwrap());
    let start = Instant::now();
    let run = folder.run(&format!("--fetch-cert --request-timeout 300ms --server {server}"), "");
    assert!(
        run.code == 1 && run.stderr.starts_with("error: cannot get sealed secret service: "),
        "{}",
        run.told
    );
    assert!(start.elapsed() < Duration::from_secs(30), "{:?}", start.elapsed());
}

#[test]
fn a_folder_in_place_of_a_file_is_an_error() {
    let folder = Folder::with_keys();
    let run = folder.run("--cert test-only.crt -f .", "");
    assert_eq!(
        run.told,
        "exit 1\nerror: Could not read file specified with --secret-file: open .: is a directory\n"
    );
}

#[test]
fn a_variable_of_kubectl_has_no_effect() {
    let folder = Folder::with_keys();
    let run = folder.run_in(&[("KUBERNETES_MASTER", "http://127.0.0.1:1")], &[], SECRET.as_bytes());
    assert!(
        run.code == 1 && !run.told.contains("KUBERNETES_MASTER") && !run.told.contains("127.0.0.1"),
        "{}",
        run.told
    );
}
