//! No output of the controller holds a plaintext, whatever fails, at the most verbose log level.

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use harness::sealing_keys::SealingKey;
use serde_json::{Value, json};

use crate::fixture::{Lab, SOON, condition_of};

/// The prefix of every value of this test, and of nothing else.
const CANARY: &str = "canary-that-nobody-may-hear";

fn items() -> Value {
    json!({"a": format!("{CANARY}-a"), "b": format!("{CANARY}-b \u{0}\n{{{{ fail }}}}")})
}

/// A SealedSecret that fails, with its name.
type Broken = (&'static str, Value);

/// One object for each way to fail.
fn broken(lab: &Lab, foreign: &str) -> Result<Vec<Broken>> {
    let mut all = vec![("blocked", seal(lab, "blocked")?)];
    all.extend(broken_values(lab, foreign)?);
    all.extend(broken_in_the_deprecated_format(lab)?);
    all.extend(broken_templates(lab)?);
    Ok(all)
}

fn seal(lab: &Lab, name: &str) -> Result<Value> {
    lab.seal("default", name, &items(), "strict")
}

/// Values that do not open, and Secrets that the API server or the controller refuses.
fn broken_values(lab: &Lab, foreign: &str) -> Result<Vec<Broken>> {
    let mut not_base64 = seal(lab, "not-base64")?;
    not_base64["spec"]["encryptedData"]["b"] = json!(format!("{CANARY}!"));
    let mut damaged = seal(lab, "damaged")?;
    let text = damaged["spec"]["encryptedData"]["a"].as_str().context("text")?;
    let mut bytes = STANDARD.decode(text)?;
    *bytes.last_mut().context("a byte")? ^= 1;
    damaged["spec"]["encryptedData"]["a"] = json!(STANDARD.encode(bytes));
    let mut moved = seal(lab, "elsewhere")?;
    moved["metadata"]["name"] = json!("moved");
    let of_another_key = lab.seal_for(foreign, "default", "of-another-key", &items(), "strict")?;
    let mut both_formats = seal(lab, "both-formats")?;
    both_formats["spec"]["data"] = json!("AAAA");
    let mut token = seal(lab, "token")?;
    token["spec"]["template"]["type"] = json!("kubernetes.io/service-account-token");
    // The API server quotes what is wrong with such an item.
    let login = json!({".dockerconfigjson": format!("{CANARY} is no JSON")});
    let mut refused = lab.seal("default", "refused-by-the-api-server", &login, "strict")?;
    refused["spec"]["template"]["type"] = json!("kubernetes.io/dockerconfigjson");
    Ok(vec![
        ("not-base64", not_base64),
        ("damaged", damaged),
        ("moved", moved),
        ("of-another-key", of_another_key),
        ("both-formats", both_formats),
        ("token", token),
        ("refused-by-the-api-server", refused),
    ])
}

/// There labels, names of items and the type are sealed too, so each of them is a secret.
fn broken_in_the_deprecated_format(lab: &Lab) -> Result<Vec<Broken>> {
    let mut all = Vec::new();
    for (name, field, value) in [
        (
            "deprecated-label",
            "metadata",
            json!({"labels": {"by": format!("{CANARY} is no label")}}),
        ),
        (
            "deprecated-item",
            "data",
            json!({format!("{CANARY} is no name"): "MQ=="}),
        ),
        ("deprecated-login", "type", json!("kubernetes.io/dockerconfigjson")),
    ] {
        let mut inner = json!({"apiVersion": "v1", "kind": "Secret", "data": {"a": "MQ=="}});
        inner[field] = value;
        let mut sealed = lab.seal("default", name, &json!({"all": inner.to_string()}), "strict")?;
        sealed["spec"] = json!({"data": sealed["spec"]["encryptedData"]["all"], "encryptedData": {}});
        all.push((name, sealed));
    }
    Ok(all)
}

fn broken_templates(lab: &Lab) -> Result<Vec<Broken>> {
    let mut all = Vec::new();
    for (name, text) in [
        ("template-fails", "{{ fail .a }}"),
        ("template-does-not-parse", "{{ .a | nothingKnown"),
        (
            "template-of-the-wrong-kind",
            "{{ index .a .b }}{{ .a.b.c }}{{ atoi .a | mustFromJson }}",
        ),
        ("template-of-dates", "{{ mustToDate .a .b }}"),
        ("template-of-json", "{{ mustFromJson .a }}"),
        (
            "template-of-regex",
            "{{ mustRegexMatch .a \"(\" }}{{ mustRegexMatch (printf \"(%s\" .a) \"x\" }}",
        ),
    ] {
        let mut sealed = seal(lab, name)?;
        sealed["spec"]["template"]["data"] = json!({"c": text});
        all.push((name, sealed));
    }
    Ok(all)
}

#[test]
fn no_error_says_a_value() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let foreign = SealingKey::generate(folder.path(), 2048)?;
    let foreign = std::fs::read_to_string(&foreign.certificate)?;
    let lab = Lab::start(&["--key-size=2048", "--log-level=DEBUG"])?;
    let blocking = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "blocked", "namespace": "default"},
        "stringData": items(),
    });
    lab.cluster.apply(&blocking.to_string())?;
    lab.unseal("default", "good", &items())?;
    let broken = broken_with_former(&lab, &foreign)?;
    let answers = send_all(&lab, &broken, &blocking)?;
    lab.cluster.eventually(SOON, "event about each", || {
        for (name, _) in &broken {
            ensure!(!lab.events("default", name)?.is_empty(), "none about {name}");
        }
        Ok(())
    })?;
    ensure_no_value(&outputs(&lab, answers)?)?;
    for (name, _) in &broken {
        let sealed = lab.sealed("default", name)?;
        let message = condition_of(&sealed, "Synced")["message"].clone();
        ensure!(
            message.as_str().is_some_and(|message| !message.is_empty()),
            "{name} says nothing"
        );
    }
    Ok(())
}

/// All broken objects; two of them fail because of the Secret that an earlier version of them made.
fn broken_with_former(lab: &Lab, foreign: &str) -> Result<Vec<Broken>> {
    let mut immutable = lab.seal("default", "immutable", &items(), "strict")?;
    immutable["spec"]["template"]["immutable"] = json!(true);
    lab.cluster.apply(&immutable.to_string())?;
    lab.await_condition("default", "immutable", "Synced", "True")?;

    let mut broken = broken(lab, foreign)?;
    let again = lab.seal(
        "default",
        "immutable",
        &json!({"a": format!("{CANARY}-other")}),
        "strict",
    )?;
    immutable["spec"]["encryptedData"] = again["spec"]["encryptedData"].clone();
    broken.push(("immutable", immutable));
    let mut typed = lab.seal("default", "good", &items(), "strict")?;
    typed["spec"]["template"]["type"] = json!("kubernetes.io/basic-auth");
    broken.push(("good", typed));
    Ok(broken)
}

/// Sends everything over HTTP and applies the broken objects; gives the bodies of the answers.
fn send_all(lab: &Lab, broken: &[Broken], blocking: &Value) -> Result<String> {
    let mut answers = String::new();
    for (name, sealed) in broken {
        // Verify and rotate over HTTP first, then the object in the cluster.
        for path in ["/v1/verify", "/v1/rotate"] {
            let client = json!({"X-Forwarded-For": format!("10.0.0.{}", answers.len() % 251)});
            answers += &lab.http("POST", 8080, path, &client, &sealed.to_string())?.body;
        }
        lab.cluster.apply(&sealed.to_string())?;
        lab.await_condition("default", name, "Synced", "False")?;
    }
    // A Secret in clear by mistake, and values that are no object.
    for body in [
        blocking.to_string(),
        format!("password: {CANARY}\n"),
        format!("apiVersion: v1\nkind: Secret\nstringData: [{CANARY}"),
        CANARY.to_owned(),
    ] {
        for path in ["/v1/verify", "/v1/rotate"] {
            let client = json!({"X-Forwarded-For": format!("10.0.1.{}", body.len() % 251)});
            answers += &lab.http("POST", 8080, path, &client, &body)?.body;
        }
    }
    Ok(answers)
}

/// Everything that the controller has written, by where.
fn outputs(lab: &Lab, answers: String) -> Result<[(&'static str, String); 5]> {
    let sealed = lab.cluster.get_json(&["sealedsecrets", "-A"])?;
    let statuses: Vec<&Value> = sealed["items"]
        .as_array()
        .context("a list")?
        .iter()
        .map(|one| &one["status"])
        .collect();
    let log = lab.controller.log()?;
    ensure!(log.contains("level=DEBUG"), "not at the most talkative level:\n{log}");
    Ok([
        ("log", log),
        ("events", lab.cluster.get_json(&["events", "-A"])?.to_string()),
        ("statuses", json!(statuses).to_string()),
        ("metrics", lab.http("GET", 8081, "/metrics", &json!({}), "")?.body),
        ("HTTP answers", answers),
    ])
}

fn ensure_no_value(outputs: &[(&str, String)]) -> Result<()> {
    for (place, text) in outputs {
        ensure!(
            *place == "HTTP answers" || text.len() > 500,
            "there is hardly anything in the {place}"
        );
        // In base64 a text has three shapes, by where it begins; the ends of each depend on what is beside it.
        for before in 0..3 {
            let shape = STANDARD.encode(format!("{}{CANARY}", " ".repeat(before)));
            let middle = &shape[4..shape.len() - 4];
            ensure!(!text.contains(middle), "a value is in the {place}, in base64");
        }
        let at = text
            .find(CANARY)
            .map(|at| text[at.saturating_sub(200)..].chars().take(400).collect::<String>());
        ensure!(at.is_none(), "a value is in the {place}: {at:?}");
    }
    Ok(())
}
