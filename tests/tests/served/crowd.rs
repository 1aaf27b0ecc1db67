//! The HTTP server under many, slow or silent clients.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::fixture::Lab;

#[test]
fn a_client_that_never_finishes_is_let_go() -> Result<()> {
    let lab = Lab::start(&["--read-timeout=2s", "--write-timeout=2s"])?;
    const STALL: &str = r#"
import socket, sys, time
for sent in (b"", b"GET /healthz HTTP/1.1\r\nHost", b"POST /v1/verify HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{"):
    stream = socket.create_connection((sys.argv[1], 8080))
    stream.settimeout(20)
    start = time.time()
    stream.sendall(sent)
    while stream.recv(1000): pass
    assert time.time() - start < 15, sent
"#;
    let mut stall = lab.cluster.command("python3");
    stall.args(["-c", STALL, &lab.cluster.address().to_string()]);
    harness::output::run(&mut stall)?.success()?;
    let healthy: Value = lab.http("GET", 8080, "/healthz", &json!({}), "")?.code.into();
    ensure!(healthy == 200);
    Ok(())
}

#[test]
fn a_crowd_with_half_sent_bodies_is_bounded_and_harms_nobody_else() -> Result<()> {
    const CROWD: &str = r#"
import select, socket, sys, time
def post(client, body):
    stream = socket.create_connection((sys.argv[1], 8080))
    stream.settimeout(20)
    head = f"POST /v1/verify HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: {client}\r\nContent-Length: 1048576\r\n\r\n"
    stream.sendall(head.encode() + body)
    return stream
held = [post(f"10.1.0.{number}", b"x" * 100000) for number in range(40)]
def refused(streams):
    time.sleep(1.5)
    answered = select.select(streams, [], [], 0)[0]
    return sum(stream.recv(1000).split()[1] == b"429" for stream in answered)
print(refused(held))
# Another peer, by its address, has room, and so have its clients, each for itself.
def other(client):
    stream = socket.create_connection(("127.0.0.1", 8080), source_address=("127.0.0.2", 0))
    head = f"POST /v1/verify HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: {client}\r\nContent-Length: 1048576\r\n\r\n"
    stream.sendall(head.encode() + b"x")
    return stream
greedy = []
for _ in range(6):
    greedy.append(other("10.2.0.1"))
    if len(greedy) >= 3:
        time.sleep(0.6)  # The rate is not what is asked about.
print(refused(greedy))
modest = [other(f"10.3.0.{number}") for number in range(6)]
print(refused(modest))
"#;
    let lab = Lab::start(&["--key-size=2048"])?;
    let mut crowd = lab.cluster.command("python3");
    crowd.args(["-c", CROWD, &lab.cluster.address().to_string()]);
    let refused = harness::output::run(&mut crowd)?.success()?.stdout;
    let refused: Vec<_> = refused.split_whitespace().collect();
    // Of bodies of 1 MiB: a peer has half of the 16 that others leave, a client of it half of what its other clients leave.
    // The first peer gives way to the second until they have as much.
    ensure!(refused == ["33", "3", "2"], "refused: {refused:?}");
    ensure!(lab.verify("later", "")?.code == 500, "there is room again");
    Ok(())
}

/// Sends requests to verify from any address of the loopback, as the API server's proxy and past it.
const POST: &str = r#"
import select, socket, sys, time
def post(address, client, length, body):
    stream = socket.create_connection(("127.0.0.1", 8080), source_address=(address, 0))
    stream.settimeout(60)
    head = f"POST /v1/verify HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: {client}\r\nContent-Length: {length}\r\n\r\n"
    stream.sendall(head.encode() + body)
    return stream
"#;

/// What a crowd that sends with [`POST`] prints; its argument is an object that opens.
fn beside_a_crowd(crowd: &str) -> Result<String> {
    let lab = Lab::start(&["--key-size=2048"])?;
    let good = lab.seal("some", "one", &json!({"a": "1"}), "strict")?.to_string();
    let mut python = lab.cluster.command("python3");
    python.args(["-c", &format!("{POST}{crowd}"), &good]);
    Ok(harness::output::run(&mut python)?.success()?.stdout)
}

#[test]
fn two_peers_that_announce_much_leave_room_for_others() -> Result<()> {
    const CROWD: &str = r#"
# As the API server's proxy, and past it.
held = [post(f"127.0.0.{2 + number % 2}", f"10.0.{number}.1", 2 << 20, b"x") for number in range(8)]
time.sleep(0.5)
body = sys.argv[1].encode()
for address in ("127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5"):
    print(int(post(address, "10.1.0.1", len(body), body).recv(1000).split()[1]))
"#;
    let codes = beside_a_crowd(CROWD)?;
    ensure!(codes.split_whitespace().all(|code| code == "200"), "{codes}");
    ensure!(codes.split_whitespace().count() == 4, "{codes}");
    Ok(())
}

/// Each peer takes what it gets, under many names; then others ask for the first time.
#[test]
fn peers_that_take_all_make_room_for_others() -> Result<()> {
    const CROWD: &str = r#"
held = []
for peer in range(12):
    for length in (2 << 20, 1 << 20, 1 << 19, 1 << 18, 1 << 17, 1 << 16):
        held += [post(f"127.0.1.{peer}", f"10.{peer}.{length >> 16}.{number}", length, b"x") for number in range(6)]
time.sleep(0.5)
body = sys.argv[1].encode()
for address in ("127.0.0.2", "127.0.0.3", "127.0.0.4"):
    print(int(post(address, "10.99.0.1", len(body), body).recv(1000).split()[1]))
answered = select.select(held, [], [], 0)[0]
print("kept" if len(answered) < len(held) else "none")
"#;
    let said = beside_a_crowd(CROWD)?;
    ensure!(said.split_whitespace().eq(["200", "200", "200", "kept"]), "{said}");
    Ok(())
}

#[test]
fn bodies_that_trickle_and_connections_that_stay_silent_are_let_go_within_seconds() -> Result<()> {
    // The default timeouts: no pause between two bytes is long enough for them.
    const TRICKLE: &str = r#"
import select, socket, sys, time
connect = lambda: socket.create_connection((sys.argv[1], 8080))
silent = [connect() for _ in range(100)]
held = []
for number in range(7):
    stream = connect()
    head = f"POST /v1/verify HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 10.1.0.{number}\r\nContent-Length: 1048576\r\n\r\n"
    stream.sendall(head.encode())
    held.append(stream)
def good(number):
    stream = connect()
    stream.settimeout(60)
    body = sys.argv[2].encode()
    head = f"POST /v1/verify HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 10.2.0.{number}\r\nContent-Length: {len(body)}\r\n\r\n"
    stream.sendall(head.encode() + body)
    return int(stream.recv(1000).split()[1])
time.sleep(0.5)
start, number = time.time(), 0
assert good(251) == 200, "the crowd leaves room for another client"
elsewhere = lambda: socket.create_connection(("127.0.0.1", 8080), source_address=("127.0.0.2", 0))
here, connect = connect, elsewhere
assert good(252) == 200, "another peer is not held up"
connect = here
codes = []
def listen(wait):
    for stream in select.select(held, [], [], wait)[0]:
        held.remove(stream)
        try:
            codes.append(int(stream.recv(1000).split()[1]))
        except ConnectionResetError:
            pass  # A byte that came too late took the answer with it.
while held and time.time() - start < 20:
    listen(0.5)
    for stream in held:
        try:
            stream.sendall(b"x")
        except OSError:
            pass
    number += 1
    assert good(number) == 200, number
assert not held and set(codes) == {408}, (len(held), codes)
for stream in silent:
    stream.settimeout(20)
    while stream.recv(1000): pass
assert time.time() - start < 20, time.time() - start
"#;
    let lab = Lab::start(&["--key-size=2048"])?;
    let good = lab.seal("some", "one", &json!({"a": "1"}), "strict")?.to_string();
    let mut trickle = lab.cluster.command("python3");
    trickle.args(["-c", TRICKLE, &lab.cluster.address().to_string(), &good]);
    harness::output::run(&mut trickle)?.success()?;
    Ok(())
}

/// Connections that ask for nothing, from so many addresses, so many each; then a probe every 100 ms.
const IDLE: &str = r#"
import resource, socket, sys, time
resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
addresses, each = int(sys.argv[1]), int(sys.argv[2])
held = []
def connect():
    for address in range(addresses):
        for _ in range(each):
            held.append(socket.create_connection(("127.0.0.1", 8080), source_address=(f"127.0.1.{address}", 0)))
connect()
answered, probes = 0, 30
for number in range(probes):
    try:
        # A few more each time: the table stays full.
        stream = held.pop(0)
        stream.close()
        held.append(socket.create_connection(("127.0.0.1", 8080), source_address=("127.0.1.1", 0)))
        probe = socket.create_connection(("127.0.0.1", 8080), source_address=(sys.argv[3], 0))
        probe.settimeout(1)
        probe.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answered += probe.recv(1000).startswith(b"HTTP/1.1 200")
        probe.close()
    except OSError as error:
        print(error, file=sys.stderr)
    time.sleep(0.1)
print(answered, probes)
"#;

#[test]
fn idle_connections_of_many_addresses_leave_room_for_probes() -> Result<()> {
    let lab = Lab::start(&["--key-size=2048"])?;
    let answered = |addresses: &str, each: &str, from: &str| {
        let mut idle = lab.cluster.command("python3");
        idle.args(["-c", IDLE, addresses, each, from]);
        let answered = harness::output::run(&mut idle)?.success()?.stdout;
        ensure!(
            answered.trim() == "30 30",
            "{addresses} addresses, {each} each: {answered}"
        );
        Ok(())
    };
    answered("5", "256", "127.0.0.9")?;
    answered("100", "15", "127.0.0.9")?;
    // The prober's own address has its share, too.
    answered("2", "300", "127.0.1.1")
}

#[test]
fn probe_port_answers_probes_alone() -> Result<()> {
    let lab = Lab::start(&["--key-size=2048", "--listen-probe-addr=:8082"])?;
    let get = |path: &str| lab.http("GET", 8082, path, &json!({}), "");
    for (path, code) in [
        ("/healthz", 200),
        ("/readyz", 200),
        ("/v1/cert.pem", 404),
        ("/metrics", 404),
    ] {
        ensure!(get(path)?.code == code, "{path}");
    }
    ensure!(
        lab.http("GET", 8080, "/healthz", &json!({}), "")?.code == 200,
        "where the reference's manifests probe it"
    );
    Ok(())
}
