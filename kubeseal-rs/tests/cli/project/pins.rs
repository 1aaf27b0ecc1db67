//! Fingerprints that the project file pins, and certificates from URLs.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;

use sealing::cert::SealingCert;

use super::*;
use crate::web;

#[test]
fn a_url_without_a_fingerprint_says_how_to_get_one() {
    let folder = repository();
    folder.put(
        ".kubeseal.yaml",
        "clusters:\n  dev:\n    cert: https://seal.example.org/v1/cert.pem\n",
    );
    let run = folder.run("", SECRET);
    assert!(run.code == 1, "{}", run.stderr);
    let told = "kubeseal keys pin cert.pem prints first of a certificate that came from the cluster itself (kubeseal --fetch-cert -w cert.pem)\n";
    assert!(run.stderr.ends_with(told), "{}", run.stderr);
    let run = folder.run("keys list --controller-name seals", "");
    let told = "(kubeseal --fetch-cert --controller-name seals -w cert.pem)\n";
    assert!(run.stderr.ends_with(told), "{}", run.stderr);
}

/// The fingerprints of the two test keys.
fn test_keys(folder: &Folder) -> [String; 2] {
    ["test-only.crt", "test-only-other.crt"].map(|name| {
        SealingCert::from_pem(folder.text(name).as_bytes())
            .unwrap()
            .public()
            .fingerprint()
            .to_string()
    })
}

#[test]
fn a_file_with_another_key_than_the_pinned_one_seals_nothing() {
    let folder = repository();
    let [right, wrong] = test_keys(&folder);
    let pinned = |pin: &str| {
        folder.put(
            ".kubeseal.yaml",
            &format!("clusters:\n  c:\n    cert: certs/prod.pem\n    fingerprint: {pin}\n"),
        )
    };
    pinned(&right);
    folder.run("", SECRET).ok();
    pinned(&wrong);
    let run = folder.run("", SECRET);
    let expected = format!(
        "error: .kubeseal.yaml, document 1, line 2: the certificate of cluster c is that of key {right}, but {wrong} is pinned\n"
    );
    assert!(
        run.code == 1 && run.stdout.is_empty() && run.stderr.starts_with(&expected),
        "{}",
        run.stderr
    );
}

/// Serves `body` over TLS, and gives the address.
pub(crate) fn serve_over_tls(folder: &Folder, body: String) -> String {
    answer_over_tls(folder, web::answer_with("200 OK", "", &body))
}

/// Gives each caller this whole answer over TLS.
fn answer_over_tls(folder: &Folder, answer: String) -> String {
    use rustls::pki_types::pem::PemObject as _;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    let cert = CertificateDer::from_pem_file(folder.path("test-only-tls.crt")).unwrap();
    let key = PrivateKeyDer::from_pem_file(folder.path("test-only-tls.key")).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert], key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("https://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for connection in listener.incoming() {
            let session = rustls::ServerConnection::new(config.clone()).unwrap();
            let mut stream = rustls::StreamOwned::new(session, connection.unwrap());
            let mut request = Vec::new();
            let mut byte = [0];
            while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read == 1) {
                request.push(byte[0]);
            }
            let _ = stream.write_all(answer.as_bytes());
            stream.conn.send_close_notify();
            let _ = stream.flush();
        }
    });
    address
}

#[test]
fn a_certificate_from_a_url_must_be_that_of_the_pinned_key() {
    let folder = repository();
    let [right, wrong] = test_keys(&folder);
    let url = serve_over_tls(&folder, folder.text("test-only.crt"));
    let run = |pin: &str| {
        let text = format!("clusters:\n  c:\n    cert: {url}/v1/cert.pem\n    fingerprint: {pin}\n");
        folder.put(".kubeseal.yaml", &text);
        let variables = [("SSL_CERT_FILE", "test-only-tls.crt")];
        folder.run_in(&variables, &["-w", "sealed.yaml"], SECRET.as_bytes())
    };
    let refused = run(&wrong);
    assert_eq!(refused.code, 1);
    let expected = format!("the certificate of cluster c is that of key {right}, but {wrong} is pinned\n");
    assert!(refused.stderr.contains(&expected), "{}", refused.stderr);
    assert!(!folder.path("sealed.yaml").exists());
    run(&right).ok();
    assert_eq!(opened_by(&folder, "sealed.yaml"), "prod");
}

/// Whoever may change the project file names the address; what it leads to stays behind TLS.
#[test]
fn a_url_leads_to_nothing_without_tls() {
    let folder = repository();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let body = web::answer_with("200 OK", "", &folder.text("test-only.crt"));
    let inside = web::serve_recorded(vec![("/".to_owned(), body)], asked.clone());
    let url = answer_over_tls(
        &folder,
        web::answer_with("302 Found", &format!("Location: {inside}/\r\n"), ""),
    );
    let cert = SealingCert::from_pem(folder.text("test-only.crt").as_bytes()).unwrap();
    let pin = cert.public().fingerprint();
    folder.put(
        ".kubeseal.yaml",
        &format!("clusters:\n  c:\n    cert: {url}/\n    fingerprint: {pin}\n"),
    );
    let run = folder.run_in(
        &[("SSL_CERT_FILE", "test-only-tls.crt")],
        &["-w", "sealed.yaml"],
        SECRET.as_bytes(),
    );
    assert_eq!((run.code, asked.lock().unwrap().len()), (1, 0), "{}", run.stderr);
    assert!(run.stderr.contains("cannot fetch"), "{}", run.stderr);
}
