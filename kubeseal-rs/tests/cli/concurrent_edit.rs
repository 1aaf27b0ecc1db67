//! What somebody else writes into a file while the controller is asked stays there.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::thread;

use crate::program::Folder;
use crate::web::answer_with;

const SECRET: &str = "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: shop}\nstringData: {password: p}\n";
const SERVICE: &str =
    r#"{"kind":"Service","apiVersion":"v1","metadata":{"name":"x"},"spec":{"ports":[{"name":"http","port":8080}]}}"#;

/// An API server before a controller, which seals everything again as `answer`; before it answers, `file` gets a line.
fn serve(answer: String, file: PathBuf) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            let body = if path(&connection).contains("/v1/rotate") {
                let mut file = File::options().append(true).open(&file).unwrap();
                file.write_all(b"# written meanwhile\n").unwrap();
                answer.as_str()
            } else {
                SERVICE
            };
            let answer = answer_with("200 OK", "Content-Type: application/json\r\n", body);
            connection.write_all(answer.as_bytes()).unwrap();
        }
    });
    format!("http://{address}")
}

/// Reads a request whole; gives its path.
fn path(connection: &TcpStream) -> String {
    let mut reader = BufReader::new(connection);
    let (mut path, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let line = line.trim_end().to_lowercase();
        if line.is_empty() {
            break;
        }
        if path.is_empty() {
            path = line.split(' ').nth(1).unwrap_or_default().to_owned();
        }
        if let Some(bytes) = line.strip_prefix("content-length: ") {
            length = bytes.parse().unwrap();
        }
    }
    reader.read_exact(&mut vec![0; length]).unwrap();
    path
}

#[test]
fn a_file_that_was_changed_while_the_controller_was_asked_is_left() {
    for line in ["--re-encrypt -f db.yaml", "reseal db.yaml"] {
        let folder = Folder::with_keys();
        let sealed = folder.run("--cert test-only.crt -o yaml", SECRET).ok();
        folder.put("db.yaml", &sealed);
        let other = folder.run("--cert test-only-other.crt", SECRET).ok();
        let server = serve(other, folder.path("db.yaml"));
        let run = folder.run(&format!("{line} --server {server}"), "");
        assert_eq!(
            (run.code, run.stderr.as_str()),
            (
                1,
                "error: db.yaml: it was changed by another program meanwhile\nhint: nothing was written: run the same \
                 command again\n"
            ),
            "{line}"
        );
        assert_eq!(
            folder.text("db.yaml"),
            format!("{sealed}# written meanwhile\n"),
            "{line}"
        );
    }
}
