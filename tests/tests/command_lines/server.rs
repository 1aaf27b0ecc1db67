//! A web server with the files of a folder: `/NAME`, and `/moved/NAME`, which leads there.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;

use anyhow::Result;

/// Serves for as long as this process lives; gives the address, as `http://127.0.0.1:PORT`.
pub(crate) fn serve(folder: PathBuf) -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = format!("http://{}", listener.local_addr()?);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A client that goes away is its own affair.
            let _ = answer(&stream, &folder);
        }
    });
    Ok(address)
}

fn answer(mut stream: &TcpStream, folder: &std::path::Path) -> Result<()> {
    let mut lines = BufReader::new(stream).lines();
    let request = lines.next().transpose()?.unwrap_or_default();
    for line in lines {
        if line?.is_empty() {
            break;
        }
    }
    let path = request
        .split(' ')
        .nth(1)
        .unwrap_or_default()
        .trim_start_matches('/')
        .to_owned();
    let (head, body) = match path.strip_prefix("moved/") {
        Some(target) => (format!("302 Found\r\nLocation: /{target}"), Vec::new()),
        None => match fs::read(folder.join(path)) {
            Ok(body) => ("200 OK".to_owned(), body),
            Err(_) => ("404 Not Found".to_owned(), Vec::new()),
        },
    };
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {head}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    )?;
    Ok(stream.write_all(&body)?)
}
