use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::Secret;
use kube_core::metadata::PartialObjectMeta;
use kube_core::{ObjectList, WatchEvent};
use serde_json::json;

use super::*;
use crate::SealedSecret;

/// Beyond the last instant of our type of times, and within that of the API server.
const TOO_LATE: &str = "9999-12-31T23:59:59Z";

fn sealed(change: impl FnOnce(&mut Value)) -> Value {
    let mut object = json!({
        "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
        "metadata": {"namespace": "ns", "name": "one", "uid": "u", "resourceVersion": "7", "labels": {"l": "v"}},
        "spec": {"encryptedData": {"a": "AQ"}, "template": {"type": "Opaque"}},
        "status": {"observedGeneration": 1, "conditions": [{"type": "Synced", "status": "True"}]},
    });
    change(&mut object);
    object
}

fn read<K: Resource<DynamicType = ()> + DeserializeOwned>(object: &Value) -> Lenient<K> {
    serde_json::from_str(&object.to_string()).unwrap()
}

fn nested(depth: usize) -> String {
    format!("{}{}", "{\"a\":".repeat(depth), "1") + &"}".repeat(depth)
}

#[test]
fn sealed_secret_as_its_type_reads_it() {
    let object = sealed(|o| o["metadata"]["managedFields"] = json!([{"manager": "m", "time": "2024-01-01T00:00:00Z"}]));
    let strict: SealedSecret = serde_json::from_value(object.clone()).unwrap();
    assert_eq!(read::<SealedSecret>(&object).into_result().unwrap(), strict);
}

#[test]
fn metadata_and_status_never_make_an_object_unreadable() {
    let late = json!([{"manager": "m", "time": TOO_LATE}]);
    let fields = [
        ("/metadata/managedFields", late),
        ("/metadata/managedFields", json!(5)),
        ("/metadata/creationTimestamp", json!(TOO_LATE)),
        ("/metadata/generation", json!(1e30)),
        ("/metadata/finalizers", json!([5])),
        ("/metadata/ownerReferences", json!([{"uid": 5}])),
        ("/metadata/annotations", json!("x")),
        ("/status", json!("x")),
        ("/status/observedGeneration", json!(1e30)),
        ("/status/conditions", json!([{"status": "True"}])),
        ("/status/conditions/0/lastUpdateTime", json!(TOO_LATE)),
        ("/status/written", json!({"uid": []})),
    ];
    for (pointer, value) in fields {
        let object = sealed(|o| {
            let (parent, field) = pointer.rsplit_once('/').unwrap();
            o.pointer_mut(parent).unwrap()[field] = value;
        });
        let read = read::<SealedSecret>(&object).into_result().expect(pointer);
        assert_eq!(
            read.metadata.labels,
            Some([("l".to_owned(), "v".to_owned())].into()),
            "{pointer}"
        );
        assert_eq!(read.metadata.resource_version.as_deref(), Some("7"), "{pointer}");
        assert_eq!(read.spec.encrypted_data.len(), 1, "{pointer}");
    }
}

#[test]
fn deletion_at_an_unreadable_time_is_a_deletion() {
    let object = sealed(|o| o["metadata"]["deletionTimestamp"] = json!(TOO_LATE));
    let read = read::<SealedSecret>(&object).into_result().unwrap();
    assert!(read.metadata.deletion_timestamp.is_some());
}

#[test]
fn deep_nesting_is_skipped() {
    let text = sealed(|o| {
        o["metadata"]["managedFields"] = json!([{"manager": "m", "fieldsV1": "DEEP"}]);
        o["spec"]["template"]["metadata"] = json!({"labels": {"l": "v"}, "unknown": "DEEP"});
    })
    .to_string()
    .replace("\"DEEP\"", &nested(5000));
    assert!(
        serde_json::from_str::<SealedSecret>(&text).is_err(),
        "our types give up on it"
    );
    let read: Lenient<SealedSecret> = serde_json::from_str(&text).unwrap();
    let read = read.into_result().unwrap();
    assert_eq!(read.metadata.managed_fields.unwrap()[0].manager.as_deref(), Some("m"));
    assert!(read.spec.template.unwrap().metadata.unwrap().labels.is_some());
}

#[test]
fn unreadable_object_has_metadata_and_tells_no_value() {
    let object = sealed(|o| {
        o["metadata"]["managedFields"] = json!([{"manager": "m", "time": TOO_LATE}]);
        o["spec"]["encryptedData"]["a"] = json!(["canary"]);
    });
    let unreadable = read::<SealedSecret>(&object).into_result().unwrap_err();
    assert_eq!(
        unreadable.to_string(),
        "the field spec.encryptedData.a has a value of another type"
    );
    assert_eq!(unreadable.metadata.name.as_deref(), Some("one"));
    assert_eq!(unreadable.metadata.resource_version.as_deref(), Some("7"));
    let missing = read::<SealedSecret>(&json!({"metadata": {"name": "one"}}))
        .into_result()
        .unwrap_err();
    assert_eq!(missing.metadata.name.as_deref(), Some("one"));
}

#[test]
fn too_many_values_concern_the_object_alone() {
    let many = vec![""; MOST_VALUES_OF_SEALED];
    let marks: Map<String, Value> = (0..MOST_VALUES_OF_SEALED).map(|n| (n.to_string(), "".into())).collect();
    for pointer in [
        "/spec/template/metadata",
        "/spec/encryptedData",
        "/metadata/labels",
        "/metadata/finalizers",
        "/status",
    ] {
        let object = sealed(|o| {
            o["spec"]["template"]["metadata"] = json!({});
            *o.pointer_mut("/metadata").unwrap() =
                json!({"name": "one", "namespace": "ns", "finalizers": [], "labels": {}});
            *o.pointer_mut(pointer).unwrap() = match pointer {
                "/metadata/finalizers" => json!(many),
                _ => json!(marks),
            };
        });
        let unreadable = read::<SealedSecret>(&object).into_result().expect_err(pointer);
        assert_eq!(
            unreadable.fault,
            Fault::TooManyValues(MOST_VALUES_OF_SEALED),
            "{pointer}"
        );
        assert_eq!(unreadable.metadata.name.as_deref(), Some("one"), "{pointer}");
        assert_eq!(unreadable.metadata.namespace.as_deref(), Some("ns"), "{pointer}");
    }
}

/// The controller keeps SealedSecrets, so what one of them takes beside its text is bounded; the largest that etcd takes is read.
#[test]
fn sealed_secrets_hold_fewer_values_than_others() {
    let marks = |count| -> Map<String, Value> { (0..count).map(|n| (n.to_string(), "".into())).collect() };
    let of = |count| read::<SealedSecret>(&sealed(|o| o["spec"]["encryptedData"] = json!(marks(count)))).into_result();
    assert_eq!(of(4_200).unwrap().spec.encrypted_data.len(), 4_200);
    let said = "the object holds more than 5000 values";
    assert_eq!(of(5_000).unwrap_err().to_string(), said);
    let secret = |count| read::<Secret>(&json!({"metadata": {"name": "one"}, "data": marks(count)})).into_result();
    assert!(secret(30_000).is_ok());
    assert_eq!(
        secret(MOST_VALUES).unwrap_err().fault,
        Fault::TooManyValues(MOST_VALUES)
    );
}

#[test]
fn lists_of_metadata_keep_own_marks_only() {
    let mut labels: Map<String, Value> = (0..MOST_VALUES).map(|n| (n.to_string(), "".into())).collect();
    labels.insert(names::LABEL_SEALING_KEY.to_owned(), "active".into());
    let annotations = json!({names::ANNOTATION_MANAGED: "true", "other": "x"});
    let object = json!({"metadata": {"name": "one", "labels": labels, "annotations": annotations}});
    let read = read::<PartialObjectMeta<Secret>>(&object).into_result().unwrap();
    let kept =
        |marks: Option<std::collections::BTreeMap<String, String>>| marks.unwrap().into_keys().collect::<Vec<_>>();
    assert_eq!(kept(read.metadata.labels), [names::LABEL_SEALING_KEY]);
    assert_eq!(kept(read.metadata.annotations), [names::ANNOTATION_MANAGED]);
}

#[test]
fn one_object_does_not_spoil_its_list() {
    let list = json!({
        "kind": "SealedSecretList", "apiVersion": "bitnami.com/v1alpha1", "metadata": {"resourceVersion": "9"},
        "items": [sealed(|_| {}), sealed(|o| o["spec"] = json!("canary")), sealed(|_| {})],
    });
    let list: ObjectList<Lenient<SealedSecret>> = serde_json::from_str(&list.to_string()).unwrap();
    let read: Vec<_> = list.items.into_iter().map(|item| item.into_result().is_ok()).collect();
    assert_eq!(read, [true, false, true]);
}

#[test]
fn watch_event_of_an_unreadable_object_names_it() {
    let event = json!({"type": "MODIFIED", "object": sealed(|o| o["spec"] = json!(5))}).to_string();
    let WatchEvent::Modified(object) = serde_json::from_str::<WatchEvent<Lenient<SealedSecret>>>(&event).unwrap()
    else {
        panic!("a change");
    };
    assert_eq!(object.meta().resource_version.as_deref(), Some("7"));
}

#[test]
fn secret_and_its_metadata() {
    let metadata = json!({"name": "s", "managedFields": [{"manager": "m", "time": TOO_LATE}]});
    let secret = json!({"metadata": metadata, "data": {"a": "AQ=="}, "type": "Opaque"});
    let whole = read::<Secret>(&secret).into_result().unwrap();
    assert_eq!(whole.data.unwrap()["a"].0, [1]);
    let partial = read::<PartialObjectMeta<Secret>>(&secret);
    assert_eq!(partial.meta().name.as_deref(), Some("s"));
    assert!(Lenient::<PartialObjectMeta<Secret>>::metadata_api() && !Lenient::<Secret>::metadata_api());
}

#[test]
fn lease_keeps_its_holder_when_its_times_cannot_be_read() {
    let spec = json!({"holderIdentity": "h", "renewTime": "9999-12-31T23:59:59.000000Z", "acquireTime": "x"});
    let lease = read::<Lease>(&json!({"metadata": {"name": "l"}, "spec": spec}))
        .into_result()
        .unwrap();
    let spec = lease.spec.unwrap();
    assert_eq!((spec.holder_identity.as_deref(), spec.renew_time), (Some("h"), None));
}
