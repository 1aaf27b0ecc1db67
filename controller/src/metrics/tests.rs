use crds::SealedSecret;
use serde_json::json;

use super::*;
use crate::keys::registry::KeyCounts;
use crate::object_ref::ObjectName;
use crate::reconcile::summary;
use crate::settings::ReconcileSettings;

fn sealed(instance: &str, conditions: serde_json::Value) -> SealedSecret {
    serde_json::from_value(json!({
        "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
        "metadata": {"namespace": "ns", "name": "n", "labels": {INSTANCE_LABEL: instance}},
        "spec": {"encryptedData": {}}, "status": {"conditions": conditions},
    }))
    .unwrap()
}

/// An object is known to be like this, or to be gone.
fn known(metrics: &Metrics, name: &str, sealed: Option<&SealedSecret>) {
    let name = ObjectName {
        namespace: "ns".to_owned(),
        name: name.to_owned(),
    };
    match sealed {
        Some(sealed) => {
            let entry = summary::of(sealed, &ReconcileSettings::USUAL);
            metrics.index.sealed_applied(&name, entry, sealed);
        }
        None => drop(metrics.index.sealed_gone(&name)),
    }
}

fn shown(metrics: &Metrics) -> Vec<String> {
    let text = String::from_utf8(metrics.text(true).unwrap()).unwrap();
    text.lines()
        .filter(|line| line.starts_with("sealed_secrets_controller_condition_info"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn conditions_that_went_are_shown_no_more() {
    let metrics = Metrics::new("v1.2.3", false, Arc::default()).unwrap();
    let failing = sealed(
        "a",
        json!([{"type": "Synced", "status": "False"}, {"type": "Stalled", "status": "True"}]),
    );
    known(&metrics, "n", Some(&failing));
    assert_eq!(shown(&metrics).len(), 2);
    let fine = sealed("b", json!([{"type": "Synced", "status": "True"}]));
    known(&metrics, "n", Some(&fine));
    let name = "sealed_secrets_controller_condition_info";
    assert_eq!(
        shown(&metrics),
        [format!(
            r#"{name}{{condition="Synced",name="n",namespace="ns",ss_app_kubernetes_io_instance="b"}} 1"#
        )]
    );
    known(&metrics, "n", None);
    assert_eq!(shown(&metrics), [""; 0]);
}

/// A fingerprint that shows which it is.
fn key(letter: char) -> String {
    format!("SHA256:{}A", String::from(letter).repeat(42))
}

#[test]
fn a_process_that_has_just_begun_is_not_late() {
    let text = String::from_utf8(Metrics::new("v1", true, Arc::default()).unwrap().text(true).unwrap()).unwrap();
    let told = text
        .lines()
        .find_map(|line| line.strip_prefix("sealed_secrets_controller_last_sync_timestamp_seconds "));
    let age = Timestamp::now().as_second() - told.unwrap().parse::<i64>().unwrap();
    assert!((0..60).contains(&age), "{age} s");
}

#[test]
fn objects_are_counted_by_their_keys() {
    let metrics = Metrics::new("v1.2.3", true, Arc::default()).unwrap();
    let opened_by = |keys: &[char]| {
        let mut object = sealed("a", json!([]));
        object.status.as_mut().unwrap().opened_by = keys.iter().map(|letter| key(*letter)).collect();
        object
    };
    let counts = |leads| {
        let text = String::from_utf8(metrics.text(leads).unwrap()).unwrap();
        let lines = text
            .lines()
            .filter_map(|line| line.strip_prefix("sealed_secrets_controller_objects{key="));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let line = |letter, count: usize| format!("\"{}\"}} {count}", key(letter));
    known(&metrics, "one", Some(&opened_by(&['a'])));
    known(&metrics, "two", Some(&opened_by(&['a', 'b'])));
    assert_eq!(counts(true), [line('a', 2), line('b', 1)]);
    assert_eq!(counts(false), [""; 0]);
    known(&metrics, "two", Some(&opened_by(&['c'])));
    assert_eq!(counts(true), [line('a', 1), line('c', 1)]);
    known(&metrics, "one", None);
    assert_eq!(counts(true), [line('c', 1)]);
}

/// Others may write a status too; each series stays as long as the object.
#[test]
fn forged_status_makes_few_series() {
    let metrics = Metrics::new("v1.2.3", false, Arc::default()).unwrap();
    let conditions: Vec<_> = (0..20_000)
        .map(|n| json!({"type": format!("T{n}"), "status": "True"}))
        .chain([json!({"type": "Synced", "status": "True"})])
        .collect();
    let mut object = sealed("a", json!(conditions));
    object.status.as_mut().unwrap().opened_by = (0..20_000)
        .map(|n| n.to_string())
        .chain(('a'..='z').chain('A'..='Z').map(key).cycle().take(1_000))
        .collect();
    known(&metrics, "n", Some(&object));
    let text = String::from_utf8(metrics.text(true).unwrap()).unwrap();
    let count = |name: &str| {
        text.lines()
            .filter(|line| line.starts_with(&format!("{name}{{")))
            .count()
    };
    assert_eq!((count(CONDITION_INFO), count(OBJECTS)), (1, 52));
    known(&metrics, "n", None);
    let text = String::from_utf8(metrics.text(true).unwrap()).unwrap();
    assert!(!text.contains(&format!("{OBJECTS}{{")) && !text.contains(&format!("{CONDITION_INFO}{{")));
}

#[test]
fn objects_of_lost_keys_are_counted() {
    let metrics = Metrics::new("v1.2.3", true, Arc::default()).unwrap();
    let mut object = sealed("a", json!([]));
    object.status.as_mut().unwrap().opened_by = vec![key('l')];
    known(&metrics, "n", Some(&object));
    let count = |leads| {
        let text = String::from_utf8(metrics.text(leads).unwrap()).unwrap();
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(OBJECTS_WITHOUT_KEY)?.strip_prefix(' '));
        line.map(str::to_owned)
    };
    assert_eq!(count(true).as_deref(), Some("0"), "the keys are not listed yet");
    let counts = KeyCounts {
        malformed: 0,
        hybrid: 0,
        hybrid_faults: 0,
        short: 0,
    };
    metrics.show_keys(&Keys::default(), counts);
    assert_eq!(count(true).as_deref(), Some("1"));
    assert_eq!(count(false), None);
}

#[test]
fn series_of_namespaces_that_are_gone_are_removed() {
    let metrics = Metrics::new("v1.2.3", true, Arc::default()).unwrap();
    metrics.count_error("unseal", "kept");
    metrics.count_error("unseal", "gone");
    metrics.count_error("update", "gone");
    metrics.retain_namespaces(&HashSet::from(["kept".to_owned()]));
    let text = String::from_utf8(metrics.text(true).unwrap()).unwrap();
    assert!(
        text.contains("namespace=\"kept\"") && !text.contains("namespace=\"gone\""),
        "{text}"
    );
}

#[test]
fn a_replica_that_does_not_lead_tells_of_no_conditions() {
    let metrics = Metrics::new("v1.2.3", false, Arc::default()).unwrap();
    let synced = sealed("a", json!([{"type": "Synced", "status": "True"}]));
    known(&metrics, "n", Some(&synced));
    metrics.queue_length.set(7);
    for (leads, value, conditions) in [(true, "1", true), (false, "0", false)] {
        let text = String::from_utf8(metrics.text(leads).unwrap()).unwrap();
        assert_eq!(text.contains("condition_info"), conditions);
        let leader = format!("sealed_secrets_controller_leader {value}");
        assert!(text.lines().any(|line| line == leader), "{text}");
        let waiting = format!("sealed_secrets_controller_queue_length {}", if leads { 7 } else { 0 });
        assert!(text.lines().any(|line| line == waiting), "{text}");
    }
}

#[test]
fn secret_names_can_be_left_out() {
    let metrics = Metrics::new("v1.2.3", true, Arc::default()).unwrap();
    let synced = sealed("a", json!([{"type": "Synced", "status": "True"}]));
    known(&metrics, "n", Some(&synced));
    assert!(
        !String::from_utf8(metrics.text(true).unwrap())
            .unwrap()
            .contains("condition_info")
    );
}

#[test]
fn the_references_names_and_types_are_there() {
    let metrics = Metrics::new("v1.2.3", false, Arc::default()).unwrap();
    metrics.count_error("unseal", "ns");
    metrics
        .http_requests
        .with_label_values(&["/v1/cert.pem", "200", "get"])
        .inc();
    metrics
        .http_durations
        .with_label_values(&["/v1/cert.pem", "get"])
        .observe(0.1);
    metrics.key_operations.fetch_add(2, Ordering::Relaxed);
    metrics.text(true).unwrap();
    metrics.key_operations.fetch_add(1, Ordering::Relaxed);
    let text = String::from_utf8(metrics.text(true).unwrap()).unwrap();
    for line in [
        "# TYPE sealed_secrets_controller_build_info gauge",
        r#"sealed_secrets_controller_build_info{revision="v1.2.3"} 1"#,
        "# TYPE sealed_secrets_controller_unseal_requests_total counter",
        r#"sealed_secrets_controller_unseal_errors_total{namespace="ns",reason="unseal"} 1"#,
        r#"sealed_secrets_controller_http_requests_total{code="200",method="get",path="/v1/cert.pem"} 1"#,
        "# TYPE sealed_secrets_controller_http_request_duration_seconds histogram",
        "# TYPE sealed_secrets_controller_unseal_requests_total counter",
        "# TYPE sealed_secrets_controller_unseal_errors_total counter",
        "# TYPE sealed_secrets_controller_http_requests_total counter",
        r#"sealed_secrets_controller_http_request_duration_seconds_count{method="get",path="/v1/cert.pem"} 1"#,
        r#"sealed_secrets_controller_http_request_duration_seconds_bucket{method="get",path="/v1/cert.pem",le="0.005"} 0"#,
        r#"sealed_secrets_controller_http_request_duration_seconds_bucket{method="get",path="/v1/cert.pem",le="10"} 1"#,
        "sealed_secrets_controller_private_key_operations_total 3",
        "# TYPE sealed_secrets_controller_private_key_operations_total counter",
        "# TYPE sealed_secrets_controller_leader gauge",
        "# TYPE sealed_secrets_controller_held_keys gauge",
        "# TYPE sealed_secrets_controller_malformed_keys gauge",
        "sealed_secrets_controller_unreadable_objects 0",
        "# TYPE sealed_secrets_controller_queue_length gauge",
        "# TYPE sealed_secrets_controller_unseal_duration_seconds histogram",
        "sealed_secrets_controller_certificate_not_before_timestamp_seconds 0",
        "sealed_secrets_controller_certificate_not_after_timestamp_seconds 0",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
    }
    #[cfg(target_os = "linux")]
    assert!(text.contains("process_resident_memory_bytes"), "{text}");
}
