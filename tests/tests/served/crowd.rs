//! What the HTTP server does about clients that are many, slow or silent.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::lab::Lab;

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
    head = f"POST /v1/verify HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: {client}\r\nContent-Length: 1000000\r\n\r\n"
    stream.sendall(head.encode() + body)
    return stream
held = [post(f"crowd-{number}", b"x" * 100000) for number in range(40)]
def refused(streams):
    time.sleep(0.5)
    answered = select.select(streams, [], [], 0)[0]
    return sum(stream.recv(1000).split()[1] == b"429" for stream in answered)
print(refused(held))
# Another peer, by its address, has room, and so have its clients, each for itself.
def other(client):
    stream = socket.create_connection(("127.0.0.1", 8080), source_address=("127.0.0.2", 0))
    head = f"POST /v1/verify HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: {client}\r\nContent-Length: 1000000\r\n\r\n"
    stream.sendall(head.encode() + b"x")
    return stream
greedy = []
for _ in range(6):
    greedy.append(other("greedy"))
    if len(greedy) >= 3:
        time.sleep(0.6)  # The rate is not what is asked about.
print(refused(greedy))
modest = [other(f"modest-{number}") for number in range(12)]
print(refused(modest))
late = [other(f"late-{number}") for number in range(3)]
print(refused(late))
"#;
    let lab = Lab::start(&["--key-size=2048"])?;
    let mut crowd = lab.cluster.command("python3");
    crowd.args(["-c", CROWD, &lab.cluster.address().to_string()]);
    let refused = harness::output::run(&mut crowd)?.success()?.stdout;
    let refused: Vec<_> = refused.split_whitespace().collect();
    // Of one peer 16 bodies are taken, of one client that it names 4, of all peers 32.
    ensure!(refused == ["24", "2", "0", "3"], "refused: {refused:?}");
    ensure!(lab.verify("later", "")?.code == 500, "there is room again");
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
for number in range(16):
    stream = connect()
    head = f"POST /v1/verify HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: slow-{number}\r\nContent-Length: 1000000\r\n\r\n"
    stream.sendall(head.encode())
    held.append(stream)
def good(number):
    stream = connect()
    stream.settimeout(60)
    body = sys.argv[2].encode()
    head = f"POST /v1/verify HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: good-{number}\r\nContent-Length: {len(body)}\r\n\r\n"
    stream.sendall(head.encode() + body)
    return int(stream.recv(1000).split()[1])
time.sleep(0.5)
start, number = time.time(), 0
assert good("first") == 429, "the crowd is there"
elsewhere = lambda: socket.create_connection(("127.0.0.1", 8080), source_address=("127.0.0.2", 0))
here, connect = connect, elsewhere
assert good("elsewhere") == 200, "another peer is not held up"
connect = here
codes = []
def listen(wait):
    for stream in select.select(held, [], [], wait)[0]:
        held.remove(stream)
        try:
            codes.append(int(stream.recv(1000).split()[1]))
        except ConnectionResetError:
            pass  # A byte that came too late took the answer with it.
while True:
    listen(0.5)
    for stream in held:
        try:
            stream.sendall(b"x")
        except OSError:
            pass
    number += 1
    code = good(number)
    if code == 200:
        break
    assert code == 429 and time.time() - start < 20, (code, time.time() - start)
while held and time.time() - start < 20:
    listen(1)
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

#[test]
fn one_peer_cannot_take_all_connections() -> Result<()> {
    const MANY: &str = r#"
import socket, sys
def healthy(target, source=None):
    stream = socket.create_connection((target, 8080), source_address=source)
    stream.settimeout(10)
    stream.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    try:
        return stream.recv(1000).startswith(b"HTTP/1.1 200")
    except ConnectionResetError:
        return False
silent = [socket.create_connection((sys.argv[1], 8080)) for _ in range(256)]
assert not healthy(sys.argv[1]), "the 257th connection of a peer"
assert healthy("127.0.0.1", ("127.0.0.2", 0)), "another peer"
silent.pop().close()
while not healthy(sys.argv[1]): pass
"#;
    let lab = Lab::start(&["--key-size=2048"])?;
    let mut many = lab.cluster.command("python3");
    many.args(["-c", MANY, &lab.cluster.address().to_string()]);
    harness::output::run(&mut many)?.success()?;
    Ok(())
}
