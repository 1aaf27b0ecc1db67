//! The HTTP servers.

use anyhow::{Result, ensure};
use harness::namespace::TempNamespace;
use serde_json::{Value, json};

use crate::lab::{Answer, Lab, SOON};

impl Lab {
    /// A verify as a client of this name, so that the limits of tests do not meet.
    fn verify(&self, client: &str, body: &str) -> Result<Answer> {
        self.http("POST", 8080, "/v1/verify", &json!({"X-Forwarded-For": client}), body)
    }
}

#[test]
fn health_certificate_and_what_is_not_there() -> Result<()> {
    let lab = Lab::shared()?;
    let get = |path: &str| lab.http("GET", 8080, path, &json!({}), "");
    let health = get("/healthz")?;
    ensure!(health.code == 200 && health.body == "ok\n", "{health:?}");
    ensure!(
        health.headers["content-type"] == "text/plain; charset=utf-8",
        "{health:?}"
    );
    let ready = get("/readyz")?;
    ensure!(ready.code == 200 && ready.body == "ok\n", "{ready:?}");
    let certificate = get("/v1/cert.pem")?;
    ensure!(
        certificate.headers["content-type"] == "application/x-pem-file",
        "{certificate:?}"
    );
    ensure!(
        certificate.body.starts_with("-----BEGIN CERTIFICATE-----\n"),
        "{certificate:?}"
    );
    let missing = get("/v1/nothing")?;
    ensure!(
        missing.code == 404 && missing.body == "404 page not found\n",
        "{missing:?}"
    );
    ensure!(get("/v1/verify")?.code == 405, "verify takes a body");
    ensure!(get("/metrics")?.code == 404, "metrics have a port of their own");
    ensure!(lab.http("DELETE", 8080, "/v1/cert.pem", &json!({}), "")?.code == 405);
    Ok(())
}

#[test]
fn verify_tells_whether_a_sealed_secret_opens_and_nothing_more() -> Result<()> {
    let lab = Lab::shared()?;
    let good = lab.seal("some", "one", &json!({"a": "1"}), "strict")?;
    let mut renamed = good.clone();
    renamed["metadata"]["name"] = json!("two");
    let mut placeholder = good.clone();
    placeholder["spec"]["encryptedData"]["a"] = json!("AgBy3i4...");
    let mut templated = good.clone();
    templated["spec"]["template"]["data"] = json!({"b": "{{ fail \"rendered\" }}"});
    let cases = [
        ("good", good.to_string(), 200),
        ("a failing template is not rendered", templated.to_string(), 200),
        ("renamed", renamed.to_string(), 409),
        ("not base64", placeholder.to_string(), 409),
        ("empty", String::new(), 500),
        ("not YAML", "{".to_owned(), 500),
        (
            "a Secret",
            json!({"apiVersion": "v1", "kind": "Secret"}).to_string(),
            500,
        ),
        ("two documents", format!("{good}\n---\n{good}"), 500),
        ("too large", format!("{{\"a\": \"{}\"}}", "x".repeat(4 << 20)), 413),
    ];
    for (number, (what, body, code)) in cases.into_iter().enumerate() {
        let answer = lab.verify(&format!("verify-{number}"), &body)?;
        ensure!(answer.code == code, "{what}: {answer:?}");
        ensure!(answer.body.is_empty() || code == 413, "{what}: {answer:?}");
    }
    Ok(())
}

#[test]
fn each_client_is_limited_with_the_references_headers() -> Result<()> {
    let lab = Lab::shared()?;
    let client = "203.0.113.7";
    let mut answers = Vec::new();
    for _ in 0..10 {
        answers.push(lab.verify(client, "")?);
        if answers.last().is_some_and(|answer| answer.code == 429) {
            break;
        }
    }
    let header = |answer: &Answer, name: &str| answer.headers[name].as_str().unwrap_or("none").to_owned();
    let [first, .., last] = answers.as_slice() else {
        anyhow::bail!("{answers:?}")
    };
    ensure!(
        header(first, "x-ratelimit-limit") == "3" && header(first, "x-ratelimit-remaining") == "2",
        "{first:?}"
    );
    ensure!(header(first, "x-ratelimit-reset") == "1", "{first:?}");
    ensure!(last.code == 429 && last.body == "limit exceeded\n", "{last:?}");
    ensure!(
        header(last, "retry-after") == "1" && header(last, "x-ratelimit-remaining") == "0",
        "{last:?}"
    );
    ensure!(
        lab.verify("203.0.113.8", "")?.code == 500,
        "another client has a bucket of its own"
    );
    let limited = "sealed_secrets_controller_http_requests_total{code=\"429\",method=\"post\",path=\"/v1/verify\"}";
    ensure!(lab.metric(limited)? >= 1.0, "429s are counted");
    Ok(())
}

#[test]
fn the_metrics_are_those_of_the_reference() -> Result<()> {
    let lab = Lab::shared()?;
    let space = TempNamespace::create(&lab.cluster)?;
    lab.unseal(space.name(), "one", &json!({"a": "1"}))?;
    let series = format!("condition=\"Synced\",name=\"one\",namespace=\"{}\"", space.name());
    let text = lab.cluster.eventually(SOON, "metric of the SealedSecret", || {
        let text = lab.http("GET", 8081, "/metrics", &json!({}), "")?;
        ensure!(text.body.contains(&series), "{}", text.body);
        Ok(text)
    })?;
    ensure!(
        text.headers["content-type"]
            .as_str()
            .is_some_and(|kind| kind.contains("version=0.0.4")),
        "{text:?}"
    );
    for name in [
        "build_info gauge",
        "unseal_requests_total counter",
        "condition_info gauge",
        "http_requests_total counter",
        "http_request_duration_seconds histogram",
    ] {
        let line = format!("# TYPE sealed_secrets_controller_{name}");
        ensure!(text.body.contains(&line), "{line} in\n{}", text.body);
    }
    Ok(())
}

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
import socket, sys
def post(client, body):
    stream = socket.create_connection((sys.argv[1], 8080))
    stream.settimeout(20)
    head = f"POST /v1/verify HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: {client}\r\nContent-Length: 1000000\r\n\r\n"
    stream.sendall(head.encode() + body)
    return stream
held = [post(f"crowd-{number}", b"x" * 100000) for number in range(64)]
code = lambda stream: int(stream.recv(1000).split()[1])
refused = 0
for stream in held:
    stream.settimeout(0.2)
    try:
        refused += code(stream) == 429
    except TimeoutError:
        pass
print(refused)
"#;
    let lab = Lab::start(&["--key-size=2048"])?;
    let mut crowd = lab.cluster.command("python3");
    crowd.args(["-c", CROWD, &lab.cluster.address().to_string()]);
    let refused = harness::output::run(&mut crowd)?.success()?.stdout;
    ensure!(refused.trim() == "32", "32 of 64 are let in, {refused} were refused");
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
for number in range(32):
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
