//! Every field of the API server's own schema of the kinds that the controller reads, at and beyond the limits of types.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use harness::cluster::Cluster;
use harness::implementation::{Implementation, NAMESPACE};
use serde_json::{Value, json};

use crate::fixture::{Lab, SOON, get};

/// The kinds: document of the schema, name of the schema in it, apiVersion, kind.
const KINDS: [(&str, &str, &str, &str); 5] = [
    ("api/v1", "io.k8s.api.core.v1.Secret", "v1", "Secret"),
    ("api/v1", "io.k8s.api.core.v1.ConfigMap", "v1", "ConfigMap"),
    ("api/v1", "io.k8s.api.core.v1.Event", "v1", "Event"),
    (
        "apis/coordination.k8s.io/v1",
        "io.k8s.api.coordination.v1.Lease",
        "coordination.k8s.io/v1",
        "Lease",
    ),
    (
        "apis/bitnami.com/v1alpha1",
        "com.bitnami.v1alpha1.SealedSecret",
        "bitnami.com/v1alpha1",
        "SealedSecret",
    ),
];
/// Deeper than any schema here, but for those that contain themselves.
const DEEPEST: usize = 8;

/// A field: the way to it (a number is an item of an array, `*` a key of a map) and its schema.
struct Field {
    path: Vec<String>,
    schema: Value,
}

fn resolve<'a>(all: &'a Value, schema: &'a Value) -> &'a Value {
    let reference = schema["$ref"].as_str().or_else(|| schema["allOf"][0]["$ref"].as_str());
    let name = reference.and_then(|reference| reference.rsplit('/').next());
    name.map_or(schema, |name| &all[name])
}

fn fields(all: &Value, schema: &Value, path: &[String], into: &mut Vec<Field>) {
    let schema = resolve(all, schema);
    if !path.is_empty() {
        into.push(Field {
            path: path.to_vec(),
            schema: schema.clone(),
        });
    }
    if path.len() == DEEPEST {
        return;
    }
    let below = |key: &str| [path, &[key.to_owned()]].concat();
    for (key, property) in schema["properties"].as_object().into_iter().flatten() {
        fields(all, property, &below(key), into);
    }
    if schema["additionalProperties"].is_object() {
        fields(all, &schema["additionalProperties"], &below("*"), into);
    }
    if schema["items"].is_object() {
        fields(all, &schema["items"], &below("0"), into);
    }
}

/// Values at and beyond the limits, some of which the API server refuses.
fn extremes(schema: &Value) -> Vec<Value> {
    let deep = || (0..200).fold(json!(1), |inner, _| json!({"a": inner}));
    let mut values = vec![json!(null)];
    values.extend(match (schema["type"].as_str(), schema["format"].as_str()) {
        (Some("string"), Some("date-time")) => vec![
            json!("9999-12-31T23:59:59Z"),
            json!("9999-12-31T23:59:59.999999-23:59"),
            json!("0000-01-01T00:00:00Z"),
            json!("0000-01-01T00:00:00.000000+23:59"),
            json!("2024-02-29T23:59:60Z"),
            json!(""),
        ],
        (Some("string"), Some("byte")) => vec![json!("AA=="), json!("AB=="), json!("")],
        (Some("string"), _) => vec![
            json!(""),
            json!("9999-12-31T23:59:59Z"),
            json!("\u{0}\u{FFFD}😀"),
            json!("x".repeat(253)),
        ],
        (Some("integer"), _) => vec![
            json!(0),
            json!(-1),
            json!(i32::MAX),
            json!(i64::from(i32::MAX) + 1),
            json!(i64::MAX),
            json!(i64::MIN),
            json!(u64::MAX),
            json!(1e30),
            json!(1.0),
        ],
        (Some("number"), _) => vec![json!(1e308), json!(-0.0)],
        (Some("boolean"), _) => vec![json!(true), json!("true")],
        (Some("array"), _) => vec![json!([]), json!([null]), json!([deep()])],
        _ => vec![json!({}), deep(), json!([]), json!("x"), json!(5)],
    });
    values
}

/// Puts a value where the path leads, with what else an entry on the way needs.
fn put(into: &mut Value, path: &[String], value: Value) {
    let Some((key, rest)) = path.split_first() else {
        *into = value;
        return;
    };
    let next = match key.as_str() {
        "0" => {
            if !into.is_array() {
                *into = json!([{}]);
            }
            &mut into[0]
        }
        "*" => &mut into["key"],
        key => &mut into[key],
    };
    put(next, rest, value);
}

fn base(api_version: &str, kind: &str, name: &str) -> Value {
    let mut object = json!({
        "apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": "default"},
    });
    match kind {
        "Event" => object["involvedObject"] = json!({"namespace": "default"}),
        "SealedSecret" => object["spec"] = json!({"encryptedData": {}}),
        _ => {}
    }
    object
}

/// Required neighbours of a field, so that only the field itself can be refused.
fn complete(object: &mut Value) {
    if !object["metadata"].is_object() {
        return;
    }
    let owner = &mut object["metadata"]["ownerReferences"];
    if owner[0].is_object() {
        for (key, value) in [
            ("apiVersion", "v1"),
            ("kind", "ConfigMap"),
            ("name", "none"),
            ("uid", "none"),
        ] {
            if owner[0].get(key).is_none() {
                owner[0][key] = json!(value);
            }
        }
    }
    if owner.is_null() {
        object["metadata"]
            .as_object_mut()
            .map(|metadata| metadata.remove("ownerReferences"));
    }
    let managers = &mut object["metadata"]["managedFields"];
    if managers[0].is_object() {
        let api_version = object["apiVersion"].clone();
        let managers = &mut object["metadata"]["managedFields"];
        for (key, value) in [
            ("manager", json!("m")),
            ("operation", json!("Update")),
            ("apiVersion", api_version),
            ("time", json!("2024-01-01T00:00:00Z")),
            ("fieldsType", json!("FieldsV1")),
            ("fieldsV1", json!({"f:metadata": {"f:labels": {}}})),
        ] {
            if managers[0].get(key).is_none() {
                managers[0][key] = value;
            }
        }
    } else if managers.is_null() {
        object["metadata"]
            .as_object_mut()
            .map(|metadata| metadata.remove("managedFields"));
    }
}

/// Creates an object for each field and value; gives the number that the API server took.
fn create_all(cluster: &Cluster, (document, schema, api_version, kind): (&str, &str, &str, &str)) -> Result<usize> {
    let schemas = cluster.kubectl_ok(&["get", "--raw", &format!("/openapi/v3/{document}")])?;
    let schemas: Value = serde_json::from_str(&schemas.stdout)?;
    let all = &schemas["components"]["schemas"];
    let mut found = Vec::new();
    fields(
        all,
        all.get(schema).with_context(|| format!("no schema {schema}"))?,
        &[],
        &mut found,
    );
    ensure!(found.len() > 20, "{} fields of {kind}", found.len());
    let fixed: BTreeSet<&str> = ["apiVersion", "kind"].into();
    let mut objects = Vec::new();
    for field in found.iter().filter(|field| !fixed.contains(field.path[0].as_str())) {
        for value in extremes(&field.schema) {
            let mut object = base(api_version, kind, &format!("x{}", objects.len()));
            put(&mut object, &field.path, value);
            complete(&mut object);
            let in_place = object["metadata"]["namespace"] == "default";
            if in_place && object["metadata"]["name"].is_string() {
                objects.push(object);
            }
        }
    }
    let list = objects.iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
    let created = cluster.kubectl_input(&["create", "--validate=false", "-f", "-"], &list)?;
    let taken = created.stdout.lines().filter(|line| line.ends_with(" created")).count();
    eprintln!(
        "{kind}: {} fields, {} objects, {taken} taken",
        found.len(),
        objects.len()
    );
    Ok(taken)
}

#[test]
fn whatever_the_api_server_stores_is_served_beside() -> Result<()> {
    let cluster = Cluster::start()?;
    cluster.install(Implementation::Ours)?;
    for kind in KINDS {
        let taken = create_all(&cluster, kind)?;
        ensure!(taken > 20, "{taken} of {kind:?}");
    }
    // Those of the status are written to their own path.
    let controller = cluster.start_controller(Implementation::Ours, &["--key-size=2048"])?;
    let mut lab = Lab { controller, cluster };
    lab.unseal("default", "beside", &json!({"a": "1"}))?;
    for (number, status) in statuses().into_iter().enumerate() {
        let patch = json!({"status": status}).to_string();
        let name = format!("x{number}");
        let patch_status = [
            "patch",
            "sealedsecret",
            &name,
            "--subresource=status",
            "--type=merge",
            "-p",
            &patch,
        ];
        // Some are refused.
        lab.cluster.kubectl(&patch_status)?;
    }
    lab.restart(&["--key-size=2048"])?;
    lab.cluster.eventually(SOON, "readiness", || {
        let (code, body) = get(&lab.cluster, "/readyz")?;
        ensure!(code == 200, "{code} {body}");
        Ok(())
    })?;
    lab.unseal("default", "after", &json!({"a": "1"}))?;
    let log = lab.controller.log()?;
    ensure!(
        !log.contains("cannot be watched") && !log.contains("cannot be read"),
        "{log}"
    );
    lab.await_metric("sealed_secrets_controller_unreadable_objects", 0.0)?;
    ensure!(
        lab.cluster.key_secrets()?["items"]
            .as_array()
            .is_some_and(|keys| keys.len() == 1),
        "in {NAMESPACE}"
    );
    Ok(())
}

fn statuses() -> Vec<Value> {
    let condition = |field: &str, value: Value| {
        let mut condition = json!({"type": "Synced", "status": "True"});
        condition[field] = value;
        json!({"conditions": [condition]})
    };
    let mut statuses = Vec::new();
    for value in extremes(&json!({"type": "integer"})) {
        statuses.push(json!({"observedGeneration": value}));
    }
    for field in ["lastUpdateTime", "lastTransitionTime"] {
        for value in extremes(&json!({"type": "string", "format": "date-time"})) {
            statuses.push(condition(field, value));
        }
    }
    for field in ["type", "status", "reason", "message"] {
        for value in extremes(&json!({"type": "string"})) {
            statuses.push(condition(field, value));
        }
    }
    for field in ["uid", "resourceVersion", "inputDigest"] {
        for value in extremes(&json!({"type": "string"})) {
            statuses.push(json!({"written": {field: value}}));
        }
    }
    statuses
}
