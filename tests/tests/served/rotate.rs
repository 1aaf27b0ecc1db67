//! `/v1/rotate`, and the reference's `kubeseal --re-encrypt` that asks for it.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use harness::implementation::Implementation;
use serde_json::{Value, json};

use crate::fixture::{Lab, SOON};
use crate::http::speaking_for;

#[test]
fn the_references_kubeseal_re_encrypts_with_it_and_nothing_but_ciphertexts_changes() -> Result<()> {
    let lab = Lab::start(&["--key-size=2048"])?;
    let items = json!({"a": "1", "b": "two"});
    let mut sealed = lab.seal("default", "one", &items, "namespace-wide")?;
    sealed["metadata"]["labels"] = json!({"app": "connect"});
    sealed["spec"]["template"]["data"] = json!({"c": "as it is"});
    let old_key = lab.key_names()?.pop().context("a key")?;
    let old = lab.certificate()?;
    // Certificates count in seconds, and a key becomes current only when it is newer.
    std::thread::sleep(Duration::from_millis(1100));
    lab.controller.signal("USR1")?;
    lab.cluster.eventually(SOON, "new key", || {
        ensure!(lab.certificate()? != old);
        Ok(())
    })?;

    let answer = lab.http("POST", 8080, "/v1/rotate", &json!({}), &sealed.to_string())?;
    ensure!(
        answer.code == 200 && answer.headers["content-type"] == "application/json",
        "{answer:?}"
    );
    let body: Value = serde_json::from_str(&answer.body)?;
    ensure!(body.get("kind").is_none() && body.get("apiVersion").is_none(), "{body}");
    ensure!(serde_json::to_string(&body)? == answer.body, "compact");

    let said = lab
        .cluster
        .kubeseal(Implementation::Reference, &["--re-encrypt"], &sealed.to_string())?
        .success()?;
    let renewed: Value = said.json()?;
    for item in ["a", "b"] {
        let ciphertext = |object: &Value| object["spec"]["encryptedData"][item].clone();
        ensure!(ciphertext(&renewed) != ciphertext(&sealed), "{item} is as it was");
    }
    for part in ["/metadata/labels", "/metadata/annotations", "/spec/template/data"] {
        ensure!(renewed.pointer(part) == sealed.pointer(part), "{part}: {renewed:#}");
    }
    // It opens with the new key alone, in its old scope and no wider.
    lab.key("delete", &old_key, &[])?;
    let mut lab = lab;
    lab.restart(&["--key-size=2048"])?;
    let verify = |client: &str, object: &Value| Ok::<_, anyhow::Error>(lab.verify(client, &object.to_string())?.code);
    let mut renamed = renewed.clone();
    renamed["metadata"]["name"] = json!("other");
    let mut moved = renewed.clone();
    moved["metadata"]["namespace"] = json!("other");
    let codes = [
        verify("a", &renewed)?,
        verify("b", &renamed)?,
        verify("c", &moved)?,
        verify("d", &sealed)?,
    ];
    ensure!(codes == [200, 200, 409, 409], "{codes:?}");
    lab.cluster.apply(&renewed.to_string())?;
    lab.await_items("default", "one", &json!({"a": "1", "b": "two", "c": "as it is"}))
}

const CANARY: &str = "canary-of-the-coal-mine";

/// What is wrong with it, and the body of a request.
type Body = (&'static str, String);

/// The object with one change, in JSON.
fn changed(good: &Value, change: impl FnOnce(&mut Value)) -> String {
    let mut changed = good.clone();
    change(&mut changed);
    changed.to_string()
}

/// SealedSecrets that cannot be decrypted.
fn unopened(good: &Value) -> Result<Vec<Body>> {
    let ciphertext = good["spec"]["encryptedData"]["a"].as_str().context("text")?.to_owned();
    // The last bytes are the body's: the wrapped key before them still opens.
    let damaged = format!("{}AAAA", &ciphertext[..ciphertext.len() - 4]);
    let damaged_key = format!("{}AAAA{}", &ciphertext[..8], &ciphertext[12..]);
    Ok(vec![
        (
            "another name",
            changed(good, |sealed| sealed["metadata"]["name"] = json!("two")),
        ),
        (
            "another namespace",
            changed(good, |sealed| sealed["metadata"]["namespace"] = json!("two")),
        ),
        (
            "another scope",
            changed(good, |sealed| {
                sealed["metadata"]["annotations"] = json!({"sealedsecrets.bitnami.com/cluster-wide": "true"});
            }),
        ),
        (
            "a damaged body",
            changed(good, |sealed| sealed["spec"]["encryptedData"]["a"] = json!(damaged)),
        ),
        (
            "a damaged key",
            changed(good, |sealed| sealed["spec"]["encryptedData"]["a"] = json!(damaged_key)),
        ),
        (
            "cut short",
            changed(good, |sealed| {
                sealed["spec"]["encryptedData"]["a"] = json!(ciphertext[..40].to_owned())
            }),
        ),
        (
            "no base64",
            changed(good, |sealed| {
                sealed["spec"]["encryptedData"]["a"] = json!(format!("%{CANARY}"))
            }),
        ),
        (
            "empty",
            changed(good, |sealed| sealed["spec"]["encryptedData"]["a"] = json!("")),
        ),
        (
            "both formats",
            changed(good, |sealed| sealed["spec"]["data"] = json!(ciphertext)),
        ),
    ])
}

/// Whatever is not one SealedSecret.
fn unparsable(good: &Value) -> Vec<Body> {
    vec![
        ("nothing", String::new()),
        ("text", CANARY.to_owned()),
        ("a line", format!("password: {CANARY}")),
        ("a quote that is left open", format!("password: \"{CANARY}")),
        ("a tab", format!("a:\n\t{CANARY}: 1")),
        ("a list", format!("[{CANARY}]")),
        ("JSON that ends", format!("{{\"password\": \"{CANARY}\"")),
        ("JSON with a stray value", format!("{{\"kind\": {CANARY}}}")),
        ("a key twice", format!("a: {CANARY}\na: {CANARY}")),
        ("an anchor that is not there", format!("a: *{CANARY}")),
        ("a tag", format!("a: !{CANARY} b")),
        (
            "a clear Secret",
            json!({
                "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "one", "namespace": "some"},
                "stringData": {"password": CANARY},
            })
            .to_string(),
        ),
        (
            "items that are a list",
            changed(good, |sealed| sealed["spec"]["encryptedData"] = json!([CANARY])),
        ),
        (
            "items that are a text",
            changed(good, |sealed| sealed["spec"]["encryptedData"] = json!(CANARY)),
        ),
        (
            "an item that is a map",
            changed(good, |sealed| {
                sealed["spec"]["encryptedData"]["a"] = json!({"x": CANARY})
            }),
        ),
        (
            "a name that is a list",
            changed(good, |sealed| sealed["metadata"]["name"] = json!([CANARY])),
        ),
        (
            "an annotation that is a number",
            changed(good, |sealed| sealed["metadata"]["annotations"] = json!({"a": 1})),
        ),
        ("two documents", format!("{good}\n---\n{good}")),
        (
            "a list of one",
            json!({"apiVersion": "v1", "kind": "List", "items": [good]}).to_string(),
        ),
    ]
}

/// Sends each body; answers of one status code must not differ.
fn ensure_alike(lab: &Lab, path: &str, kinds: [(&str, &[Body]); 2]) -> Result<()> {
    let ask = |client: String, body: &str| {
        let mut answer = lab.http("POST", 8080, path, &speaking_for(&client), body)?;
        for own in ["date", "x-ratelimit-reset"] {
            answer.headers.as_object_mut().context("headers")?.remove(own);
        }
        Ok::<_, anyhow::Error>((answer.code, answer.headers, answer.body))
    };
    let mut answers = Vec::new();
    for (kind, bodies) in kinds {
        for (number, (what, body)) in bodies.iter().enumerate() {
            // A client of its own: what another request has taken from its bucket comes back with time.
            let answer = ask(format!("{path}-{kind}-{number}"), body)?;
            ensure!(answer.2.is_empty(), "{path}, {what}: {answer:?}");
            answers.push((kind, what, answer));
        }
    }
    for (kind, what, answer) in &answers {
        let code = if path == "/v1/verify" && *kind == "unopened" {
            409
        } else {
            500
        };
        ensure!(answer.0 == code, "{path}, {what}: {answer:?}");
        let first = answers.iter().find(|(_, _, first)| first.0 == code).context("itself")?;
        ensure!(
            *answer == first.2,
            "{path}: {what} differs from {}: {answer:?} {:?}",
            first.1,
            first.2
        );
    }
    Ok(())
}

#[test]
fn what_does_not_open_is_answered_alike_and_leaves_nothing_in_the_log() -> Result<()> {
    let lab = Lab::start(&["--key-size=2048", "--log-level=DEBUG"])?;
    let good = lab.seal("some", "one", &json!({"a": CANARY, "b": "2"}), "strict")?;
    let (unopened, unparsable) = (unopened(&good)?, unparsable(&good));
    for path in ["/v1/verify", "/v1/rotate"] {
        ensure_alike(
            &lab,
            path,
            [("unopened", &unopened[..]), ("unparsable", &unparsable[..])],
        )?;
    }
    let log = lab.controller.log()?;
    ensure!(
        log.contains("Error rotating secret") && log.contains("Error validating secret"),
        "{log}"
    );
    let shown: Vec<_> = log.lines().filter(|line| line.contains(CANARY)).collect();
    ensure!(shown.is_empty(), "{shown:#?}");
    for (what, body) in unopened.iter().chain(&unparsable) {
        let long = body.split('"').find(|part| part.len() > 100);
        ensure!(
            long.is_none_or(|long| !log.contains(long)),
            "a ciphertext of {what} is in the log"
        );
    }
    Ok(())
}
