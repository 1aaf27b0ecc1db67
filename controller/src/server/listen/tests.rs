use axum::response::IntoResponse as _;
use axum::routing::get;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::super::permits::held;
use super::*;

/// How long a client may take nothing.
const SILENCE: Duration = Duration::from_millis(500);
/// An answer that the kernel would take whole.
const LARGE: usize = 1 << 20;
/// One that it takes here as well.
const SMALL: usize = 40 << 10;

async fn served(routes: Router, stop: &CancellationToken) -> SocketAddr {
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let listener = bind("listen-addr", any).await.unwrap();
    let address = listener.local_addr().unwrap();
    let times = (Duration::from_secs(10), SILENCE);
    tokio::spawn(serve(listener, routes, times, 8, stop.clone()));
    address
}

/// A client that has room for next to nothing, after it has asked.
async fn asked(address: SocketAddr, head: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(2048).unwrap();
    let mut client = socket.connect(address).await.unwrap();
    client
        .write_all(format!("GET /{head}\r\nHost: x\r\n\r\n").as_bytes())
        .await
        .unwrap();
    client
}

#[tokio::test]
async fn who_takes_nothing_of_an_answer_is_let_go_and_its_place_is_free_again() {
    let places = Arc::new(Semaphore::new(1));
    let answer = {
        let places = places.clone();
        move || async move { held("x".repeat(LARGE).into_response(), places.try_acquire_owned()) }
    };
    let stop = CancellationToken::new();
    let address = served(Router::new().route("/large", get(answer)), &stop).await;
    let mut client = asked(address, "large HTTP/1.1").await;
    let until = |free: bool| {
        let places = places.clone();
        async move {
            while (places.available_permits() == 1) != free {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    };
    for free in [false, true] {
        tokio::time::timeout(Duration::from_secs(60), until(free))
            .await
            .expect("soon");
    }
    // Of the rest nothing is left, in the kernel neither.
    let mut taken = Vec::new();
    let end = client.read_to_end(&mut taken).await.map_err(|error| error.kind());
    assert_eq!(end, Err(io::ErrorKind::ConnectionReset));
    assert!(taken.len() < LARGE / 2, "{}", taken.len());
    stop.cancel();
}

#[tokio::test]
async fn what_nobody_takes_of_a_short_answer_is_not_left_behind() {
    let stop = CancellationToken::new();
    let address = served(Router::new().route("/", get(|| async { "x".repeat(SMALL) })), &stop).await;
    for head in [" HTTP/1.1\r\nConnection: close", " HTTP/1.0"] {
        let mut client = asked(address, head).await;
        tokio::time::sleep(4 * SILENCE).await;
        let mut taken = Vec::new();
        let end = client.read_to_end(&mut taken).await.map_err(|error| error.kind());
        assert_eq!(end, Err(io::ErrorKind::ConnectionReset), "{} bytes", taken.len());
    }
    stop.cancel();
}

#[tokio::test]
async fn who_takes_an_answer_slowly_gets_it_whole() {
    let stop = CancellationToken::new();
    let address = served(Router::new().route("/", get(|| async { "x".repeat(LARGE) })), &stop).await;
    for head in [" HTTP/1.1\r\nConnection: close", " HTTP/1.0"] {
        let mut client = asked(address, head).await;
        let (mut taken, mut buffer) = (0, vec![0; 128 << 10]);
        loop {
            let read = client.read(&mut buffer).await.unwrap();
            if read == 0 {
                break;
            }
            taken += read;
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert!(taken > LARGE, "{taken} bytes");
    }
    stop.cancel();
}
