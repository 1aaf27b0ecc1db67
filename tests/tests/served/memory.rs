//! The memory of the real process under hostile requests.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use harness::cluster::Cluster;
use harness::implementation::Implementation;
use harness::process::Process;
use serde_json::{Value, json};

use crate::fixture::{Lab, list};

/// Largest body that is read, in bytes.
const LARGEST: usize = 2 << 20;
/// The limit for one request, in KiB.
const OF_ONE: u64 = 16 << 10;
/// The limit for all requests, in KiB.
const OF_ALL: u64 = 64 << 10;

/// The limit for passes that hold large Secrets, in KiB.
const OF_LARGE_SECRETS: u64 = 128 << 10;

/// A line of `/proc/PID/status`, in KiB.
pub(crate) fn memory(process: &Process, line: &str) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.pid()?))?;
    let value = status
        .lines()
        .find_map(|other| other.strip_prefix(line)?.strip_prefix(':'));
    let value = value.with_context(|| format!("no {line}"))?;
    Ok(value.trim().trim_end_matches(" kB").parse()?)
}

/// As much of `part` as fits between the two.
fn filled(start: &str, part: &str, end: &str) -> String {
    let room = LARGEST - start.len() - end.len();
    // Without the comma or the line break of the last part.
    let parts = part.repeat(room / part.len());
    let end = if end.is_empty() { "" } else { end };
    format!("{start}{}{end}", parts.trim_end_matches(','))
}

/// A map with as many small entries as fit.
fn entries(start: &str, value: &str, end: &str) -> String {
    let mut text = start.to_owned();
    for number in 0.. {
        let entry = format!("\"{number:x}\":{value},");
        if text.len() + entry.len() + end.len() > LARGEST {
            break;
        }
        text += &entry;
    }
    format!("{}{end}", text.trim_end_matches(','))
}

/// Bodies that take as much memory as a body can.
fn hostile(good: &Value) -> Vec<(&'static str, String)> {
    [hostile_texts(), hostile_objects(), large_objects(good)].concat()
}

/// Small values, long values, marks and comments, as many as fit.
fn hostile_texts() -> Vec<(&'static str, String)> {
    vec![
        ("YAML documents", filled("", "a: 1\n---\n", "")),
        ("marks of documents", filled("", "---\n", "")),
        ("JSON objects", filled("", "{}\n", "")),
        ("JSON objects with marks", filled("", "{}\n---\n", "")),
        ("numbers", filled("{\"a\":[", "0,", "]}")),
        ("numbers in YAML", filled("a: [", "0,", "]")),
        ("texts", filled("{\"a\":[", "\"\",", "]}")),
        (
            "list of objects",
            filled("{\"kind\":\"List\",\"apiVersion\":\"v1\",\"items\":[", "{},", "]}"),
        ),
        (
            "list of small objects",
            filled(
                "{\"kind\":\"List\",\"apiVersion\":\"v1\",\"items\":[",
                "{\"a\":0},",
                "]}",
            ),
        ),
        ("list in YAML", filled("a:\n", "- b: {c: d}\n", "")),
        ("lists in a list", filled("{\"a\":[", "[0],", "]}")),
        ("entries", entries("{", "0", "}")),
        ("long number", filled("{\"a\":", "1", "}")),
        ("long text", filled("{\"a\":\"", "x", "\"}")),
        ("escapes", filled("{\"a\":\"", "\\u0001", "\"}")),
        ("long text in YAML", filled("a: |\n", "  x\n", "")),
        ("folded text in YAML", filled("a: \"", "x \n  ", "\"")),
        ("long key", filled("{\"", "x", "\":1}")),
        ("anchors", filled("a:\n", "- &a b\n", "")),
        ("aliases", filled("b: &a {c: d}\na:\n", "- *a\n", "")),
        ("complex keys", filled("a:\n", "? x\n", "")),
        ("flow keys", filled("a: {", "b, ", "}")),
        ("comments", filled("a: 1\n", "#\n", "")),
    ]
}

/// SealedSecrets with as many small entries as fit, in each of their fields.
fn hostile_objects() -> Vec<(&'static str, String)> {
    let meta = r#"{"apiVersion":"bitnami.com/v1alpha1","kind":"SealedSecret","spec":{},"metadata":{"name":"n","namespace":"n""#;
    let head = r#"{"apiVersion":"bitnami.com/v1alpha1","kind":"SealedSecret","metadata":{"name":"n","namespace":"n"},"spec":{"encryptedData":{}"#;
    vec![
        (
            "annotations",
            entries(&format!("{meta},\"annotations\":{{"), "\"\"", "}}}"),
        ),
        (
            "managed fields",
            entries(
                &format!("{meta},\"managedFields\":[{{\"fieldsV1\":{{"),
                "{\"f:a\":{}}",
                "}}]}}",
            ),
        ),
        (
            "template entries",
            entries(&format!("{head},\"template\":{{\"data\":{{"), "\"\"", "}}}}"),
        ),
        ("items", entries(&head.replace("{}", "{"), "\"\"", "}}}")),
        ("status", entries(&format!("{head}}},\"status\":{{"), "[0]", "}}")),
        (
            "unknown fields",
            entries(&format!("{head},\"more\":{{"), "{\"a\":{}}", "}}}"),
        ),
        (
            "nested",
            filled(
                &("{\"a\":".repeat(80) + "["),
                "[[[[[0]]]]],",
                &("]".to_owned() + &"}".repeat(80)),
            ),
        ),
    ]
}

/// SealedSecrets with as many sealed values as fit.
fn large_objects(good: &Value) -> Vec<(&'static str, String)> {
    let many = |count: usize| {
        let mut large = good.clone();
        let text = &good["spec"]["encryptedData"]["a"];
        large["spec"]["encryptedData"] = (0..count)
            .map(|n| (format!("item-{n:04}"), text.clone()))
            .collect::<serde_json::Map<_, _>>()
            .into();
        large.to_string()
    };
    let item = good["spec"]["encryptedData"]["a"].as_str().map_or(1, str::len) + 20;
    vec![
        ("a large SealedSecret", many(LARGEST / item)),
        ("the largest that etcd takes", many((3 << 19) / item)),
    ]
}

#[test]
fn one_request_takes_little_memory() -> Result<()> {
    let lab = Lab::start(&["--key-size=4096"])?;
    let good = lab.seal("some", "one", &json!({"a": "1"}), "strict")?;
    // The first request of each kind warms up caches, which this does not measure.
    for path in ["/v1/verify", "/v1/rotate"] {
        lab.http("POST", 8080, path, &json!({}), &good.to_string())?;
    }
    let idle = memory(&lab.controller, "VmRSS")?;
    let before = memory(&lab.controller, "VmHWM")?;
    ensure!(
        before < idle + OF_ONE,
        "the start took {before} KiB, {idle} are left: nothing can be seen"
    );
    let mut highest = before;
    let mut shown = Vec::new();
    for (number, (what, body)) in hostile(&good).into_iter().enumerate() {
        ensure!(body.len() <= LARGEST, "{what}: {}", body.len());
        for path in ["/v1/verify", "/v1/rotate"] {
            let client = json!({"X-Forwarded-For": format!("10.0.0.{number}")});
            let answer = lab.http("POST", 8080, path, &client, &body)?;
            let now = memory(&lab.controller, "VmHWM")?;
            if now > highest {
                shown.push(format!(
                    "{what} at {path} ({}): {} KiB over idle",
                    answer.code,
                    now - idle
                ));
                highest = now;
            }
            ensure!([200, 409, 500].contains(&answer.code), "{what}: {answer:?}");
            let is_good = what.starts_with("a large") || what.starts_with("the largest");
            ensure!(!is_good || answer.code == 200, "{what}: {answer:?}");
        }
    }
    println!("idle {idle} KiB\n{}", shown.join("\n"));
    ensure!(highest <= idle + OF_ONE, "idle {idle} KiB\n{}", shown.join("\n"));
    Ok(())
}

/// Most Secrets are not cached, but a page of their list is in memory for a moment.
#[test]
fn large_secrets_of_others_take_little_memory() -> Result<()> {
    const SECRETS: usize = 60;
    const LABELS: usize = 2500;
    let mut lab = Lab::start(&["--key-size=2048"])?;
    let prefix = [&"a".repeat(63), &"b".repeat(63), &"c".repeat(63), "d"].join(".");
    let labels: serde_json::Map<_, _> = (0..LABELS)
        .map(|number| (format!("{prefix}/{number}"), json!("x".repeat(63))))
        .collect();
    for number in 0..SECRETS {
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret",
            "metadata": {"namespace": "default", "name": format!("large-{number}"), "labels": labels},
        });
        lab.cluster
            .kubectl_input(&["create", "-f", "-"], &secret.to_string())?
            .success()?;
    }
    lab.restart(&["--key-size=2048"])?;
    lab.unseal("default", "one", &json!({"a": "1"}))?;
    let (left, highest) = (memory(&lab.controller, "VmRSS")?, memory(&lab.controller, "VmHWM")?);
    let shown = format!(
        "{SECRETS} Secrets of {} KiB: at most {highest} KiB, left {left}",
        LABELS * 480 / 1024
    );
    println!("{shown}");
    // Without them a start takes some 40 MiB.
    ensure!(highest <= (40 << 10) + OF_ALL, "{shown}");
    lab.await_log(&["more than 16777216 bytes", "asking for 50 at a time"])?;
    Ok(())
}

/// A template of a few bytes makes a Secret of a MiB, which a pass holds several times over until the API server has answered.
#[test]
fn large_secrets_at_a_start_take_bounded_memory() -> Result<()> {
    at_a_start(&json!({}), "{{ repeat 1040000 \"x\" }}")
}

/// An annotation without a value takes ten times its text, and hundreds of passes hold such objects.
#[test]
fn many_small_fields_at_a_start_take_bounded_memory() -> Result<()> {
    let annotations = (0..2800).map(|number| (format!("k{number}"), json!("")));
    at_a_start(&annotations.collect::<serde_json::Map<_, _>>().into(), "x")
}

/// Starts the controller where such objects are there, in many namespaces.
fn at_a_start(annotations: &Value, template: &str) -> Result<()> {
    const NAMESPACES: usize = 12;
    const OBJECTS: usize = 16;
    let cluster = Cluster::start()?;
    cluster.install(Implementation::Ours)?;
    let namespace = |number: usize| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": format!("crowd-{number}")}});
    let object = |number: usize| {
        json!({
            "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
            "metadata": {"name": format!("large-{number}"), "namespace": format!("crowd-{}", number / OBJECTS), "annotations": annotations},
            "spec": {"encryptedData": {}, "template": {"data": {"k": template}}},
        })
    };
    cluster.apply(&list((0..NAMESPACES).map(namespace)))?;
    let objects = list((0..NAMESPACES * OBJECTS).map(object));
    cluster.kubectl_input(&["create", "-f", "-"], &objects)?.success()?;
    let controller = cluster.start_controller(Implementation::Ours, &["--key-size=2048"])?;
    cluster.eventually(Duration::from_secs(300), "all unsealed", || {
        let metrics = cluster.get_json(&["sealedsecrets", "-A"])?;
        let objects = metrics["items"].as_array().context("a list")?;
        let synced = objects
            .iter()
            .filter(|one| one["status"]["conditions"][0]["status"] == "True")
            .count();
        ensure!(synced == NAMESPACES * OBJECTS, "{synced} are unsealed");
        Ok(())
    })?;
    let shown = format!(
        "at most {} KiB, left {}",
        memory(&controller, "VmHWM")?,
        memory(&controller, "VmRSS")?
    );
    println!("{shown}");
    // Beside the 40 MiB of any start.
    ensure!(
        memory(&controller, "VmHWM")? <= (40 << 10) + OF_LARGE_SECRETS,
        "{shown}"
    );
    Ok(())
}

/// Sends hostile bodies from many addresses as fast as it can, for so many seconds.
const FLOOD: &str = r#"
import http.client, os, random, sys, threading, time
seconds, bodies = float(sys.argv[1]), sys.stdin.buffer.read().split(b"\0")
end, sent = time.time() + seconds, [0]
def flood(number):
    while time.time() < end:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", 8080, timeout=30, source_address=(f"127.0.{number % 7 + 1}.{random.randrange(1, 250)}", 0))
            connection.request("POST", random.choice(["/v1/verify", "/v1/rotate"]), random.choice(bodies))
            connection.getresponse().read()
            connection.close()
        except OSError:
            pass
        sent[0] += 1
threads = [threading.Thread(target=flood, args=(number,)) for number in range(48)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(sent[0])
"#;

#[test]
fn many_hostile_requests_take_bounded_memory_and_give_it_back() -> Result<()> {
    let lab = Lab::start(&["--key-size=2048"])?;
    let good = lab.seal("some", "one", &json!({"a": "1"}), "strict")?;
    let idle = memory(&lab.controller, "VmRSS")?;
    let bodies: Vec<_> = hostile(&good).into_iter().map(|(_, body)| body).collect();
    let mut flood = lab.cluster.command("python3");
    flood.args(["-c", FLOOD, "10"]);
    let sent = harness::output::run_with_input(&mut flood, bodies.join("\0").as_bytes())?
        .success()?
        .stdout;
    let highest = memory(&lab.controller, "VmHWM")?;
    std::thread::sleep(Duration::from_secs(2));
    let left = memory(&lab.controller, "VmRSS")?;
    let shown = format!(
        "{} requests: idle {idle} KiB, at most {highest}, left {left}",
        sent.trim()
    );
    println!("{shown}");
    ensure!(highest <= idle + OF_ALL, "{shown}");
    ensure!(left <= idle + OF_ONE, "{shown}");
    ensure!(lab.verify("later", &good.to_string())?.code == 200, "{shown}");
    Ok(())
}
