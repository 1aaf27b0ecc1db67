//! `--cert URL`, against a web server on the loopback interface.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::program::Folder;

/// Answers each request with the one of `answers` that its path names, until the test ends.
fn serve(answers: Vec<(&'static str, String)>) -> String {
    let answers = answers.into_iter().map(|(path, answer)| (path.to_owned(), answer));
    serve_recorded(answers.collect(), Arc::default())
}

/// The same; a path that is not named is not found, and every path that is asked for is noted.
pub(crate) fn serve_recorded(answers: Vec<(String, String)>, asked: Arc<Mutex<Vec<String>>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            let path = request(&connection);
            let answer = answers.iter().find(|(name, _)| *name == path);
            let not_found = answer_with("404 Not Found", "", "");
            let answer = answer.map_or(not_found.as_str(), |(_, answer)| answer);
            asked.lock().unwrap().push(path);
            connection.write_all(answer.as_bytes()).unwrap();
        }
    });
    format!("http://{address}")
}

/// Reads a request with its body; gives its path.
fn request(connection: &TcpStream) -> String {
    let mut reader = BufReader::new(connection.try_clone().unwrap());
    let mut lines = reader.by_ref().lines().map_while(Result::ok);
    let request = lines.next().unwrap_or_default();
    let headers: Vec<_> = lines.by_ref().take_while(|line| !line.is_empty()).collect();
    let length = headers
        .iter()
        .find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).unwrap();
    request.split(' ').nth(1).unwrap_or_default().to_owned()
}

pub(crate) fn answer_with(status: &str, headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

#[test]
fn a_certificate_comes_from_a_web_server() {
    let folder = Folder::with_keys();
    let cert = folder.text("test-only.crt");
    let server = serve(vec![
        ("/v1/cert.pem", answer_with("200 OK", "", &cert)),
        ("/moved", answer_with("302 Found", "Location: /v1/cert.pem\r\n", "")),
        ("/missing", answer_with("404 Not Found", "", "nothing here")),
        ("/page", answer_with("200 OK", "", "<html>please log in</html>")),
        ("/endless", answer_with("200 OK", "", &"x".repeat(2_000_000))),
    ]);
    for path in ["/v1/cert.pem", "/moved"] {
        assert_eq!(
            folder.run(&format!("--fetch-cert --cert {server}{path}"), "").ok(),
            cert
        );
    }
    let sealed = folder
        .run(&format!("--raw --scope cluster-wide --cert {server}/v1/cert.pem"), "x")
        .ok();
    assert!(sealed.starts_with("AQ"));
    let cases = [
        ("/missing", "error: cannot fetch \"URL/missing\": 404 Not Found\n"),
        ("/page", "error: URL/page: there is no certificate in it\n"),
        (
            "/endless",
            "error: cannot fetch \"URL/endless\": the response body is larger than request limit: 1048576\n",
        ),
    ];
    for (path, expected) in cases {
        let run = folder.run(&format!("--fetch-cert --cert {server}{path}"), "");
        let told = run.stderr.replace(&server, "URL");
        assert_eq!((run.code, run.stdout.as_str()), (1, ""));
        assert!(told.starts_with(expected), "{told}");
    }
}

#[test]
fn this_machine_is_never_asked_through_a_proxy() {
    let folder = Folder::with_keys();
    let cert = folder.text("test-only.crt");
    let server = serve(vec![("/v1/cert.pem", answer_with("200 OK", "", &cert))]);
    let url = format!("{server}/v1/cert.pem");
    let proxy = [("HTTP_PROXY", "http://127.0.0.1:1")];
    assert_eq!(folder.run_in(&proxy, &["--fetch-cert", "--cert", &url], b"").ok(), cert);
}

#[test]
fn other_machines_are_asked_through_the_proxy() {
    let folder = Folder::with_keys();
    let words = ["--fetch-cert", "--cert", "http://192.0.2.1/cert.pem"];
    let run = folder.run_in(&[("http_proxy", "http://127.0.0.1:1")], &words, b"");
    assert_eq!(run.code, 1);
    // The proxy's port refuses at once; the address itself (reserved for documentation) would not answer at all.
    assert!(run.stderr.contains("connection refused"), "{}", run.stderr);
}

/// Leads one client anywhere it asks for (RFC 1928, no authentication), and there answers its request itself.
fn serve_by_socks(answer: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let (mut connection, _) = listener.accept().unwrap();
        let mut greeting = [0; 3];
        connection.read_exact(&mut greeting).unwrap();
        assert_eq!(greeting, [5, 1, 0]);
        connection.write_all(&[5, 0]).unwrap();
        // Connect to a name of 20 letters: it is the proxy that looks it up.
        let mut target = [0; 27];
        connection.read_exact(&mut target).unwrap();
        assert_eq!(
            (&target[..5], &target[5..25]),
            ([5, 1, 0, 3, 20].as_slice(), b"certificates.invalid".as_slice())
        );
        connection.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).unwrap();
        assert_eq!(request(&connection), "/cert.pem");
        connection.write_all(answer.as_bytes()).unwrap();
    });
    address.to_string()
}

#[test]
fn a_socks_proxy_is_asked_too() {
    let folder = Folder::with_keys();
    let cert = folder.text("test-only.crt");
    let words = ["--fetch-cert", "--cert", "http://certificates.invalid/cert.pem"];
    for scheme in ["socks5", "socks5h"] {
        let proxy = format!("{scheme}://{}", serve_by_socks(answer_with("200 OK", "", &cert)));
        assert_eq!(folder.run_in(&[("HTTP_PROXY", &proxy)], &words, b"").ok(), cert);
    }
    let run = folder.run_in(&[("HTTP_PROXY", "gopher://127.0.0.1:1")], &words, b"");
    assert_eq!(run.code, 1);
    assert!(
        run.stderr.starts_with("error: the address of the proxy"),
        "{}",
        run.stderr
    );
}

#[test]
fn the_password_in_an_address_is_not_told() {
    let folder = Folder::with_keys();
    let server = serve(vec![("/page", answer_with("200 OK", "", "<html>please log in</html>"))]);
    let server = server.replace("http://", "http://user:hunter2@");
    for url in [
        format!("{server}/page"),
        format!("{server}/missing"),
        "http://user:hunter2@127.0.0.1:1/c".to_owned(),
    ] {
        let run = folder.run(&format!("--fetch-cert --cert {url}"), "");
        assert_eq!(run.code, 1);
        assert!(run.stderr.contains("http://127.0.0.1:"), "{}", run.stderr);
        assert!(
            !run.stderr.contains("user") && !run.stderr.contains("hunter2"),
            "{}",
            run.stderr
        );
    }
}
