//! Fields that are read more leniently than their types.
//!
//! Whatever the CRD's schema accepts must be readable: otherwise one tenant could create an object that the controller
//! cannot read.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// `null` and absence both mean no items (the API server refuses them; a local file may have them).
pub(crate) fn null_is_empty<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<String, String>, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

/// The typed fields of a template's metadata, and whether three further fields are present.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Metadata {
    name: Option<String>,
    namespace: Option<String>,
    labels: Option<BTreeMap<String, String>>,
    annotations: Option<BTreeMap<String, String>>,
    finalizers: Option<IgnoredAny>,
    owner_references: Option<IgnoredAny>,
    managed_fields: Option<IgnoredAny>,
}

/// The metadata of a template. The schema allows any other field beside the typed ones; these are ignored. Of
/// finalizers, owner references and managed fields, which are never copied, only their presence is read.
pub(crate) fn template_metadata<'de, D: Deserializer<'de>>(from: D) -> Result<Option<ObjectMeta>, D::Error> {
    let read: Option<Metadata> = Option::deserialize(from)?;
    Ok(read.map(|read| ObjectMeta {
        name: read.name,
        namespace: read.namespace,
        labels: read.labels,
        annotations: read.annotations,
        finalizers: read.finalizers.map(|_| Vec::new()),
        owner_references: read.owner_references.map(|_| Vec::new()),
        managed_fields: read.managed_fields.map(|_| Vec::new()),
        ..ObjectMeta::default()
    }))
}

/// A time. `None` for a text that the API server accepts as a time and that is not one (a zone of `+99:99`).
pub(crate) fn time<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Time>, D::Error> {
    let text: Option<String> = Option::deserialize(from)?;
    Ok(text.and_then(|text| serde_json::from_value(Value::String(text)).ok()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::SealedSecret;

    fn sealed(metadata: Value, time: &str) -> Result<SealedSecret, serde_json::Error> {
        serde_json::from_value(json!({
            "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "metadata": {"namespace": "ns", "name": "one"},
            "spec": {"encryptedData": {}, "template": {"metadata": metadata}},
            "status": {"conditions": [{"type": "Synced", "status": "True", "lastUpdateTime": time}]},
        }))
    }

    #[test]
    fn whatever_the_schema_lets_in_can_be_read() {
        let time = "2024-01-01T00:00:00Z";
        for (field, value) in [
            ("creationTimestamp", json!("x")),
            ("deletionTimestamp", json!(5)),
            ("deletionGracePeriodSeconds", json!("x")),
            ("generateName", json!({})),
            ("generation", json!("1")),
            ("managedFields", json!({})),
            ("ownerReferences", json!("x")),
            ("resourceVersion", json!(5)),
            ("selfLink", json!([])),
            ("uid", json!(false)),
            ("unknown", json!({"a": [1]})),
        ] {
            let mut metadata = json!({"labels": {"a": "b"}, "finalizers": ["f"]});
            metadata[field] = value;
            let read = sealed(metadata, time).unwrap().spec.template.unwrap().metadata.unwrap();
            assert_eq!(read.labels, Some([("a".to_owned(), "b".to_owned())].into()), "{field}");
            assert!(read.finalizers.is_some(), "{field}");
            assert_eq!(read.owner_references.is_some(), field == "ownerReferences", "{field}");
            assert_eq!(read.managed_fields.is_some(), field == "managedFields", "{field}");
        }
        assert!(
            sealed(json!({"labels": 5}), time).is_err(),
            "the schema does not let this in"
        );
        assert!(
            sealed(Value::Null, time)
                .unwrap()
                .spec
                .template
                .unwrap()
                .metadata
                .is_none()
        );
    }

    #[test]
    fn a_time_that_is_none_is_no_time() {
        let read = |time| sealed(Value::Null, time).unwrap().status.unwrap().conditions.remove(0);
        assert!(read("2024-01-01T00:00:00Z").last_update_time.is_some());
        assert!(read("2024-01-01T00:00:00+99:99").last_update_time.is_none());
    }
}
