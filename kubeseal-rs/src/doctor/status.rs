//! The status of an object in the cluster, and the next command for each of the controller's reasons.

use crds::names::{ANNOTATION_MANAGED, ANNOTATION_PATCH, ANNOTATION_REPLACE_IMMUTABLE, ANNOTATION_SKIP_RECREATE};
use crds::{SealedSecret, condition_status, names, reasons};
use sealing::binding::Scope;

use super::probe::Case;
use super::{Cause, Diagnosis};
use crate::quoting::word;

/// The condition `Synced` of an object, where it is `False`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NotSynced {
    /// The condition's reason; none from the reference.
    pub(crate) reason: Option<String>,
    /// The condition's message.
    pub(crate) message: String,
    /// Whether it describes the object in the file: the last generation, with the same items and scope.
    pub(crate) current: bool,
}

impl NotSynced {
    /// What the status of `live` says about the object of the file, where it is not synced.
    pub(crate) fn of(live: &SealedSecret, case: &Case) -> Option<Self> {
        let status = live.status.as_ref()?;
        let is_not_synced = |one: &&crds::SealedSecretCondition| {
            one.type_ == names::CONDITION_SYNCED && one.status == condition_status::FALSE
        };
        let condition = status.conditions.iter().find(is_not_synced)?;
        let (generation, observed) = (live.metadata.generation, status.observed_generation);
        let is_last = observed.is_none() || generation.is_none() || observed >= generation;
        // The case's object lacks the items that keys at hand open.
        let there = &live.spec.encrypted_data;
        let mut items = case.object.spec.encrypted_data.iter();
        let same_items = items.all(|(item, text)| there.get(item) == Some(text)) && there.keys().eq(case.items.iter());
        let same_scope = Scope::from_annotations(live.metadata.annotations.as_ref()) == case.own.scope();
        Some(Self {
            reason: condition.reason.clone().filter(|reason| !reason.is_empty()),
            message: condition.message.clone().unwrap_or_default(),
            current: is_last && same_items && same_scope,
        })
    }

    /// Whether it says that no key opens the object as it stands.
    pub(super) fn says_closed(&self) -> bool {
        self.current && self.message.contains("no key could decrypt")
    }

    /// The condition's reason. The reference gives none, so its message decides.
    fn reason(&self) -> &str {
        let by_words = || {
            [
                ("no key could decrypt", reasons::UNSEAL_FAILED),
                ("is not managed by", reasons::NOT_MANAGED),
                ("is immutable", reasons::IMMUTABLE),
            ]
            .iter()
            .find(|(words, _)| self.message.contains(words))
            .map_or("", |(_, reason)| reason)
        };
        self.reason.as_deref().unwrap_or_else(by_words)
    }

    /// What it means for the object, with the next command.
    pub(super) fn diagnosis(&self, case: &Case, file: &str) -> Diagnosis {
        if !self.current {
            return Diagnosis {
                cause: Cause::Controller,
                certain: true,
                message: format!("the cluster says of another version of this object: {}", self.message),
                next: format!("apply this one (kubectl apply -f {file}), wait for the controller, and ask again"),
            };
        }
        let (why, next) = what_helps(self.reason(), case, file);
        Diagnosis {
            cause: Cause::NotSynced,
            certain: true,
            message: format!("{why}: {}", self.message),
            next,
        }
    }
}

/// Why the Secret is missing or different, and the next command.
fn what_helps(reason: &str, case: &Case, file: &str) -> (&'static str, String) {
    let name = word(case.object.metadata.name.as_deref().unwrap_or_default());
    let namespace = word(&case.namespace);
    with_existing_secret(reason, &name, &namespace)
        .or_else(|| with_object(reason, file))
        .unwrap_or_else(|| with_cluster(reason, &name, &namespace))
}

/// The Secret of the same name that exists is in the way.
fn with_existing_secret(reason: &str, name: &str, namespace: &str) -> Option<(&'static str, String)> {
    let (secret, sealed) = (
        format!("secret {name} -n {namespace}"),
        format!("sealedsecret {name} -n {namespace}"),
    );
    Some(match reason {
        reasons::NOT_MANAGED => (
            "a Secret of this name exists, and no SealedSecret manages it",
            format!(
                "kubectl annotate {secret} {ANNOTATION_MANAGED}=true (takes it over), the same with {ANNOTATION_PATCH}=true \
                 (adds the items to it), or kubectl delete {secret}"
            ),
        ),
        reasons::IMMUTABLE | reasons::TYPE_DIFFERS => (
            "the Secret that exists cannot be changed to this one",
            format!(
                "kubectl delete {secret} (the controller creates it again), or kubectl annotate {sealed} \
                 {ANNOTATION_REPLACE_IMMUTABLE}=true"
            ),
        ),
        reasons::TERMINATING => (
            "the old Secret is being deleted, and something delays that",
            format!(
                "kubectl get {secret} -o jsonpath='{{.metadata.finalizers}}', and remove the cause of each finalizer"
            ),
        ),
        reasons::CONTESTED => (
            "something else keeps changing the Secret",
            format!(
                "kubectl get {secret} -o yaml --show-managed-fields, and stop the other manager; or kubectl annotate \
                 {sealed} {ANNOTATION_SKIP_RECREATE}=true"
            ),
        ),
        _ => return None,
    })
}

/// The SealedSecret itself has to change.
fn with_object(reason: &str, file: &str) -> Option<(&'static str, String)> {
    Some(match reason {
        reasons::TYPE_REFUSED | reasons::SEALING_KEY_REFUSED => (
            "the controller refuses to create such a Secret",
            format!(
                "change the type or the labels in spec.template of {file} and apply it, or start the controller with \
                 --allow-credential-types"
            ),
        ),
        reasons::INVALID => (
            "the API server refuses the Secret",
            format!("correct what it names in spec.template of {file} (kubeseal lint {file}), and apply it"),
        ),
        reasons::TOO_LARGE => (
            "the Secret is too large",
            format!("kubeseal edit {file}: move items to another SealedSecret, and apply both"),
        ),
        reasons::OVER_LIMIT => (
            "its templates are too large or take too long",
            format!("kubeseal render {file}, make them smaller, and apply it"),
        ),
        reasons::DEPRECATED_DATA | reasons::UNREADABLE => (
            "the controller cannot read it as it is",
            format!("kubeseal lint {file}"),
        ),
        reasons::UNSEAL_FAILED => (
            "the controller could not unseal it",
            format!(
                "kubeseal lint {file}; kubeseal render {file} (templates); kubeseal doctor --recovery-private-key KEYS \
                 {file} (keys of a backup)"
            ),
        ),
        _ => return None,
    })
}

/// The cluster, or the controller in it, has to change.
fn with_cluster(reason: &str, name: &str, namespace: &str) -> (&'static str, String) {
    match reason {
        reasons::NAMESPACE_TERMINATING => (
            "the namespace is being deleted",
            format!("kubectl get namespace {namespace} -o yaml; apply again when it exists again"),
        ),
        reasons::OWNER_DENIED => (
            "the controller lacks a right that this cluster asks for",
            "kubectl apply -k an overlay with deploy/components/openshift (the chart: rbac.deleteSecrets=true)"
                .to_owned(),
        ),
        reasons::INTERNAL_ERROR => (
            "the controller failed",
            "kubectl logs of the controller: it says where; please report it".to_owned(),
        ),
        // The message quotes the API server or an admission webhook.
        _ => (
            "the controller could not write the Secret",
            format!(
                "correct what this names (rights, quota, an admission policy), then kubectl get events -n {namespace} \
                 --field-selector involvedObject.name={name}; the controller retries by itself"
            ),
        ),
    }
}
