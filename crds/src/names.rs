//! Every wire name of Sealed Secrets, once: group, annotations, labels, conditions, fixed object names.
//!
//! The values are those of Bitnami Sealed Secrets 0.40, but for those that begin with `sealed-secrets-rs/`, which are ours;
//! changing one breaks compatibility.

/// API group of [`crate::SealedSecret`].
pub const GROUP: &str = "bitnami.com";
/// The only version, served and stored.
pub const VERSION: &str = "v1alpha1";
/// `apiVersion` of a SealedSecret manifest and of the owner reference on its Secret.
pub const API_VERSION: &str = "bitnami.com/v1alpha1";
/// `kind` of a SealedSecret manifest.
pub const KIND: &str = "SealedSecret";

/// Annotation on the SealedSecret: `"true"` means that the ciphertexts open under any name in any namespace.
pub const ANNOTATION_CLUSTER_WIDE: &str = "sealedsecrets.bitnami.com/cluster-wide";
/// Annotation on the SealedSecret: `"true"` means that the ciphertexts open under any name in their namespace.
pub const ANNOTATION_NAMESPACE_WIDE: &str = "sealedsecrets.bitnami.com/namespace-wide";
/// Annotation on an existing Secret: `"true"` lets a SealedSecret of the same name take it over.
pub const ANNOTATION_MANAGED: &str = "sealedsecrets.bitnami.com/managed";
/// Annotation on an existing Secret: `"true"` lets a SealedSecret of the same name add its items to it.
pub const ANNOTATION_PATCH: &str = "sealedsecrets.bitnami.com/patch";
/// Annotation in the template: `"true"` leaves the Secret without an owner reference to the SealedSecret.
pub const ANNOTATION_SKIP_SET_OWNER_REFERENCES: &str = "sealedsecrets.bitnami.com/skip-set-owner-references";

/// Annotation of this project on the SealedSecret, unknown to the reference: the key hint, a list of the fingerprints
/// of all public keys that its items were sealed with, divided by commas. Only a hint: it may be missing, stale or
/// false.
pub const ANNOTATION_SEALED_WITH: &str = "sealed-secrets-rs/sealed-with";

/// Annotation of this project on the SealedSecret: `"true"` keeps the controller from repairing or recreating its
/// Secret until the SealedSecret itself changes (as `--skip-recreate` does for all).
pub const ANNOTATION_SKIP_RECREATE: &str = "sealed-secrets-rs/skip-recreate";
/// Annotation of this project on the SealedSecret: `"true"` lets the controller delete and recreate its Secret where
/// Kubernetes does not allow the change: an immutable Secret, or another type (as `--replace-immutable` does for all).
pub const ANNOTATION_REPLACE_IMMUTABLE: &str = "sealed-secrets-rs/replace-immutable";
/// Annotation of this project on the SealedSecret: at each new value the items are opened, and the Secret is compared,
/// once.
pub const ANNOTATION_FORCE_SYNC: &str = "sealed-secrets-rs/force-sync";

/// Whether a label or an annotation is one of these.
pub(crate) fn is_own_mark(name: &str) -> bool {
    name.starts_with("sealedsecrets.bitnami.com/") || name.starts_with("sealed-secrets-rs/")
}

/// Where `kubectl apply` without `--server-side` keeps a copy of the object.
pub const ANNOTATION_APPLIED_BY_KUBECTL: &str = "kubectl.kubernetes.io/last-applied-configuration";
/// Annotations in which tools keep a copy of the manifest that they have applied: kapp, Rancher and Fleet.
const ANNOTATIONS_OF_TOOLS: [&str; 2] = ["kapp.k14s.io/original", "objectset.rio.cattle.io/applied"];
/// Endings of such annotations of other tools (kubectl, kubecfg, operators made with kopf or by Banzai Cloud).
const LAST_APPLIED: [&str; 3] = [
    "/last-applied-configuration",
    "/last-applied",
    "/last-handled-configuration",
];

/// Whether an annotation contains a plaintext copy of the manifest; it must never reach a sealed file.
pub fn is_last_applied(annotation: &str) -> bool {
    ANNOTATIONS_OF_TOOLS.contains(&annotation) || LAST_APPLIED.iter().any(|ending| annotation.ends_with(ending))
}

/// Label of the Secrets that hold a sealing key pair.
pub const LABEL_SEALING_KEY: &str = "sealedsecrets.bitnami.com/sealed-secrets-key";
/// Value of [`LABEL_SEALING_KEY`] with which a key is loaded. Any other value retires the key.
pub const SEALING_KEY_ACTIVE: &str = "active";
/// Default of `--key-prefix`, the `generateName` of key Secrets; also the exact name of a key Secret of version 0.8 and before.
pub const DEFAULT_KEY_PREFIX: &str = "sealed-secrets-key";
/// Item of a key Secret with the private key: PEM, PKCS#1 or PKCS#8.
pub const KEY_ITEM_PRIVATE: &str = "tls.key";
/// Item of a key Secret with the certificate: PEM.
pub const KEY_ITEM_CERTIFICATE: &str = "tls.crt";
/// Item of a key Secret with the seed of its hybrid key: 32 bytes.
pub const KEY_ITEM_SEED: &str = "hybrid.seed";
/// Type of the key Secrets.
pub const KEY_SECRET_TYPE: &str = "kubernetes.io/tls";

/// Condition type that says whether the Secret is what the SealedSecret asks for; first in the list, always there.
pub const CONDITION_SYNCED: &str = "Synced";
/// Condition type of the kstatus convention: `True` when the Secret is in place.
pub const CONDITION_READY: &str = "Ready";
/// Condition type of the kstatus convention: `True` only where no timer tries again.
pub const CONDITION_STALLED: &str = "Stalled";
/// Condition type of the kstatus convention: `True` only while a failure is tried again by a timer.
pub const CONDITION_RECONCILING: &str = "Reconciling";
/// The condition types that the controller writes, and takes off where they do not hold.
pub const CONDITION_TYPES: [&str; 4] = [
    CONDITION_SYNCED,
    CONDITION_READY,
    CONDITION_STALLED,
    CONDITION_RECONCILING,
];

/// Default name of the controller's Service, and of most objects of its installation.
pub const DEFAULT_CONTROLLER_NAME: &str = "sealed-secrets-controller";
/// Default namespace of the controller.
pub const DEFAULT_CONTROLLER_NAMESPACE: &str = "kube-system";
/// The controller's field manager (`metadata.managedFields`): that of the reference, which is its program's name.
pub const FIELD_MANAGER: &str = "controller";

/// Suffix of the ConfigMap's name, after the Service's name. The ConfigMap is in the controller's namespace and holds
/// the sealing certificate under [`KEY_ITEM_CERTIFICATE`], for users who can read ConfigMaps and not reach the Service.
pub const CERTIFICATE_CONFIG_MAP_SUFFIX: &str = "-certificate";

/// Type that the API server gives to a Secret without one.
pub const SECRET_TYPE_OPAQUE: &str = "Opaque";

/// Types of Secrets that Kubernetes fills with credentials (service account tokens), or accepts as credentials
/// (bootstrap tokens).
pub const CREDENTIAL_SECRET_TYPES: [&str; 2] = ["kubernetes.io/service-account-token", "bootstrap.kubernetes.io/token"];

/// Path of the controller's HTTP server: the sealing certificate.
pub const PATH_CERTIFICATE: &str = "/v1/cert.pem";
/// Path of the controller's HTTP server: whether a SealedSecret would open.
pub const PATH_VERIFY: &str = "/v1/verify";
/// Path of the controller's HTTP server: reseals a SealedSecret for the current key.
pub const PATH_ROTATE: &str = "/v1/rotate";
/// Query of [`PATH_ROTATE`] that keeps values which the newest key opens (ours; the reference ignores it).
pub const QUERY_ONLY_STALE: &str = "only=stale";
/// Query of [`PATH_ROTATE`] that seals in format v2 (ours; without it, each value keeps its version).
pub const QUERY_FORMAT_V2: &str = "format=v2";
/// Path of the controller's HTTP server: liveness.
pub const PATH_HEALTH: &str = "/healthz";
/// Path of the endpoint that says whether a restart would help (ours).
pub const PATH_LIVE: &str = "/livez";
/// Path of the controller's HTTP server: readiness.
pub const PATH_READY: &str = "/readyz";
/// Path of the controller's metrics server.
pub const PATH_METRICS: &str = "/metrics";

/// The fields of Kubernetes metadata, in the order in which Go writes them (`metav1.ObjectMeta`).
pub const METADATA_FIELDS: &[&str] = &[
    "name",
    "generateName",
    "namespace",
    "selfLink",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "labels",
    "annotations",
    "ownerReferences",
    "finalizers",
    "managedFields",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_of_manifests_are_known_by_their_annotations() {
        for annotation in [
            ANNOTATION_APPLIED_BY_KUBECTL,
            "kubecfg.ksonnet.io/last-applied-configuration",
            "kapp.k14s.io/original",
            "objectset.rio.cattle.io/applied",
            "banzaicloud.com/last-applied",
            "kopf.zalando.org/last-handled-configuration",
        ] {
            assert!(is_last_applied(annotation), "{annotation}");
        }
        assert!(!is_last_applied("example.com/applied") && !is_last_applied("last-applied"));
    }
}
