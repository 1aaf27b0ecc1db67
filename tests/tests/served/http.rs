//! The HTTP servers.

use anyhow::{Context as _, Result, anyhow, ensure};
use harness::http::Answer;
use harness::namespace::TempNamespace;
use serde_json::{Value, json};

use crate::fixture::{Lab, SOON};

impl Lab {
    /// A verify as a client of this name, so that the limits of tests do not meet.
    pub(crate) fn verify(&self, client: &str, body: &str) -> Result<Answer> {
        self.http("POST", 8080, "/v1/verify", &speaking_for(client), body)
    }
}

/// The header with which the API server's proxy names a client; each name has an address.
pub(crate) fn speaking_for(client: &str) -> Value {
    let number = client
        .bytes()
        .fold(0_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    let [_, a, b, c] = number.to_be_bytes();
    json!({"X-Forwarded-For": format!("10.{a}.{b}.{c}")})
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
    ensure!(get("/v1/rotate")?.code == 405, "rotate takes a body");
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
    let client = "limited";
    // All at once: what a client has left comes back with time.
    let answers = std::thread::scope(|scope| {
        let asked: Vec<_> = (0..10).map(|_| scope.spawn(|| lab.verify(client, ""))).collect();
        let answers = asked
            .into_iter()
            .map(|one| one.join().map_err(|_| anyhow!("a thread died"))?);
        answers.collect::<Result<Vec<_>>>()
    })?;
    let header = |answer: &Answer, name: &str| answer.headers[name].as_str().unwrap_or("none").to_owned();
    let first = |answer: &&Answer| header(answer, "x-ratelimit-remaining") == "2";
    let first = answers.iter().find(first).with_context(|| format!("{answers:?}"))?;
    let refused = answers.iter().find(|answer| answer.code == 429);
    let refused = refused.with_context(|| format!("{answers:?}"))?;
    ensure!(
        header(first, "x-ratelimit-limit") == "3" && header(first, "x-ratelimit-reset") == "1",
        "{first:?}"
    );
    ensure!(refused.body == "limit exceeded\n", "{refused:?}");
    ensure!(
        header(refused, "retry-after") == "1" && header(refused, "x-ratelimit-remaining") == "0",
        "{refused:?}"
    );
    ensure!(
        lab.verify("another", "")?.code == 500,
        "another client has a bucket of its own"
    );
    let other_path = lab.http("POST", 8080, "/v1/rotate", &speaking_for(client), "")?;
    ensure!(other_path.code == 500, "another path has a bucket of its own");
    ensure!(header(&other_path, "x-ratelimit-remaining") == "2", "{other_path:?}");
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
    // Ours: the certificate lasts ten years, something was opened, and a lone replica leads.
    for (name, least) in [
        ("certificate_not_before_timestamp_seconds", 1.7e9),
        ("certificate_not_after_timestamp_seconds", 2.0e9),
        ("private_key_operations_total", 1.0),
        ("unseal_duration_seconds_count", 1.0),
        ("leader", 1.0),
        ("held_keys", 1.0),
    ] {
        let value = lab.metric(&format!("sealed_secrets_controller_{name}"))?;
        ensure!(value >= least, "{name} is {value}");
    }
    Ok(())
}

#[test]
fn refused_client_sees_the_answer_while_it_still_sends() -> Result<()> {
    // The head first, and the body a moment later, as the API server's proxy sends them.
    const LATE: &str = r#"
import socket, sys, time
for number in range(12):
    stream = socket.create_connection((sys.argv[1], 8080))
    stream.sendall(b"POST /v1/rotate HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n")
    for _ in range(10):
        time.sleep(0.005)
        stream.sendall(b"x" * 100000)
    answer = b""
    while not answer.startswith(b"HTTP/1.1 ") or len(answer) < 12:
        answer += stream.recv(100)
    print(answer[9:12].decode())
"#;
    let lab = Lab::start(&["--key-size=2048"])?;
    let mut late = lab.cluster.command("python3");
    late.args(["-c", LATE, &lab.cluster.address().to_string()]);
    let codes = harness::output::run(&mut late)?.success()?.stdout;
    ensure!(codes.matches("429").count() > 3, "{codes}");
    Ok(())
}
