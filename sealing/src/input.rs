//! What decides which Secret a SealedSecret becomes, as one digest: while it is the same, so is the Secret.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use crds::{SealedSecret, SealedSecretSpec};
use serde::Serialize;

use crate::binding::Scope;
use crate::primitives::backend;

/// Counts the meanings that an input can have: to be raised whenever this library makes another Secret of the same input.
const MEANING: u32 = 1;

#[derive(Serialize)]
struct Input<'a, Further> {
    meaning: u32,
    namespace: Option<&'a str>,
    name: Option<&'a str>,
    /// It is in the owner reference.
    uid: Option<&'a str>,
    scope: &'static str,
    spec: &'a SealedSecretSpec,
    further: Further,
}

/// `sha256:` and 43 characters of unpadded base64, over the spec as it is sealed, the place that it is bound to and
/// `further`, which is what the caller adds (its settings, annotations that it knows). Nothing in clear goes into it that
/// the object does not show anyway. `None`: `further` cannot be written as JSON.
pub fn digest(sealed: &SealedSecret, further: impl Serialize) -> Option<String> {
    let metadata = &sealed.metadata;
    let input = Input {
        meaning: MEANING,
        namespace: metadata.namespace.as_deref(),
        name: metadata.name.as_deref(),
        uid: metadata.uid.as_deref(),
        scope: match Scope::from_annotations(metadata.annotations.as_ref()) {
            Scope::Strict => "strict",
            Scope::NamespaceWide => "namespace-wide",
            Scope::ClusterWide => "cluster-wide",
        },
        spec: &sealed.spec,
        further,
    };
    // The maps are sorted, so that one input has one text.
    let text = serde_json::to_vec(&input).ok()?;
    Some(format!("sha256:{}", STANDARD_NO_PAD.encode(backend::sha256(&text))))
}

#[cfg(test)]
mod tests {
    use crds::names;
    use serde_json::{Value, json};

    use super::*;

    fn of(change: impl FnOnce(&mut Value), further: bool) -> String {
        let mut object = json!({
            "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
            "metadata": {"namespace": "ns", "name": "one", "uid": "u1", "generation": 1, "resourceVersion": "1"},
            "spec": {"encryptedData": {"a": "AQ", "b": "Ag"}, "template": {"data": {"c": "{{ .a }}"}}},
        });
        change(&mut object);
        digest(&serde_json::from_value(object).unwrap(), further).unwrap()
    }

    #[test]
    fn it_changes_with_what_counts_and_with_nothing_else() {
        let plain = of(|_| {}, false);
        assert!(plain.len() == 50 && plain.starts_with("sha256:"), "{plain}");
        let same: [fn(&mut Value); 4] = [
            |o| o["metadata"]["generation"] = json!(2),
            |o| o["metadata"]["resourceVersion"] = json!("2"),
            |o| o["metadata"]["labels"] = json!({"l": "x"}),
            |o| o["status"] = json!({"conditions": []}),
        ];
        for change in same {
            assert_eq!(of(change, false), plain);
        }
        let other: [fn(&mut Value); 7] = [
            |o| o["metadata"]["uid"] = json!("u2"),
            |o| o["metadata"]["name"] = json!("two"),
            |o| o["metadata"]["annotations"] = json!({names::ANNOTATION_CLUSTER_WIDE: "true"}),
            |o| o["spec"]["encryptedData"]["b"] = json!("Aw"),
            |o| o["spec"]["template"]["data"]["c"] = json!("{{ .b }}"),
            |o| o["spec"]["template"]["immutable"] = json!(true),
            |o| o["spec"]["template"]["metadata"] = json!({"labels": {"l": "x"}}),
        ];
        for change in other {
            assert_ne!(of(change, false), plain);
        }
        assert_ne!(of(|_| {}, true), plain, "what the caller adds");
    }
}
