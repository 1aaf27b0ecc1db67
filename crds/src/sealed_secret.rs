//! `SealedSecret`, its spec and its status.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use kube_derive::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{lenient_serde, schema};

/// The spec of a SealedSecret: ciphertexts by item name, and the shape of the Secret to make of them.
#[derive(CustomResource, Serialize, Deserialize, Clone, Debug, Default, PartialEq, JsonSchema)]
#[kube(
    group = "bitnami.com",
    version = "v1alpha1",
    kind = "SealedSecret",
    plural = "sealedsecrets",
    singular = "sealedsecret",
    namespaced,
    status = "SealedSecretStatus",
    derive = "PartialEq",
    derive = "Default",
    doc = "SealedSecret is the K8s representation of a \"sealed Secret\" - a regular k8s Secret that has been sealed (encrypted) using the controller's key.",
    printcolumn = r#"{"name": "Status", "type": "string", "jsonPath": ".status.conditions[0].message"}"#,
    printcolumn = r#"{"name": "Synced", "type": "string", "jsonPath": ".status.conditions[0].status"}"#,
    printcolumn = r#"{"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}"#,
    crates(kube_core = "::kube_core")
)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = schema::spec)]
pub struct SealedSecretSpec {
    /// Shape of the Secret that is made of the items.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<SecretTemplate>,

    /// The deprecated format of version 0.6 and before: base64 of one ciphertext whose plaintext is a whole Secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::byte_string")]
    pub data: Option<String>,

    /// Item name to ciphertext: standard padded base64 of the envelope (docs/format.md).
    #[serde(default, deserialize_with = "lenient_serde::null_is_empty")]
    #[schemars(schema_with = "schema::encrypted_data")]
    pub encrypted_data: BTreeMap<String, String>,
}

/// Shape of the Secret: its metadata, type and further items.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretTemplate {
    /// Metadata of the Secret. Name and namespace are always those of the SealedSecret.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient_serde::template_metadata"
    )]
    #[schemars(schema_with = "schema::template_metadata")]
    pub metadata: Option<ObjectMeta>,

    /// Type of the Secret; none means `Opaque`.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub type_: Option<String>,

    /// Whether the Secret is immutable once made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub immutable: Option<bool>,

    /// Items made by Go templates over the opened values; `null` leaves an item out of the Secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::template_data")]
    pub data: Option<BTreeMap<String, Option<String>>>,
}

/// What the controller says of a SealedSecret.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = schema::no_defaults)]
pub struct SealedSecretStatus {
    /// `metadata.generation` of the object that this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// `Synced` first and always; the order is part of the interface (printer columns, Argo CD).
    #[serde(default)]
    pub conditions: Vec<SealedSecretCondition>,

    /// Fingerprints (`SHA256:…`) of the keys that opened the items when they were opened last, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub opened_by: Vec<String>,

    /// The Secret as this controller wrote it last or found it equal. While it is still that one, nothing has to be opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written: Option<WrittenSecret>,
}

/// Which Secret was made of which input.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(transform = schema::no_defaults)]
pub struct WrittenSecret {
    /// `metadata.uid` of the Secret.
    pub uid: String,

    /// `metadata.resourceVersion` of the Secret.
    pub resource_version: String,

    /// Digest of the sealed spec and of all else that decides what the Secret is.
    pub input_digest: String,
}

/// One condition.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SealedSecretCondition {
    /// `Synced` (is the Secret what this object asks for?), `Ready`, `Stalled` or `Reconciling`.
    #[serde(rename = "type")]
    pub type_: String,

    /// `True`, `False` or `Unknown`.
    pub status: String,

    /// When this condition was last written (RFC 3339).
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient_serde::time"
    )]
    #[schemars(schema_with = "schema::date_time")]
    pub last_update_time: Option<Time>,

    /// When `status` last changed (RFC 3339).
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient_serde::time"
    )]
    #[schemars(schema_with = "schema::date_time")]
    pub last_transition_time: Option<Time>,

    /// One CamelCase word of a closed set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,

    /// A sentence for people; names items, never values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// The values of a condition's `status` (Kubernetes convention).
pub mod condition_status {
    /// It holds.
    pub const TRUE: &str = "True";
    /// It does not hold.
    pub const FALSE: &str = "False";
    /// Not known.
    pub const UNKNOWN: &str = "Unknown";
}
