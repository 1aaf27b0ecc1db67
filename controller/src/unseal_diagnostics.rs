//! Where items were tried that no key opened, and what the object's hint says of the key: for those who have to mend it.

use std::fmt;

use crds::{SealedSecret, SealedSecretStatus};
use sealing::binding::Scope;
use sealing::key::Fingerprint;
use sealing::key_hint::KeyHint;
use sealing::keyring::KeyRing;

/// How many keys that are not held are named.
const NAMED: usize = 3;

/// The place that the items were tried for, and the keys that they are said to be sealed with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UnsealDiagnostics {
    place: String,
    hint: Option<Hinted>,
    /// Keys that opened it earlier and are not held any more.
    lost: Vec<Fingerprint>,
    /// What is said of an input that is not tried again.
    not_again: String,
}

/// What the hint comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Hinted {
    /// Every key that it names is held.
    Held(Vec<Fingerprint>),
    /// These are not.
    NotHeld(Vec<Fingerprint>),
}

/// The keys that opened the items last, and are not held.
pub(crate) fn lost_keys(status: &SealedSecretStatus, keys: &KeyRing) -> Vec<Fingerprint> {
    let opened_by = status.opened_by.iter().filter_map(|key| key.parse().ok());
    opened_by.filter(|key| !keys.holds(key)).collect()
}

impl UnsealDiagnostics {
    /// For an object that did not open with these keys.
    pub(crate) fn new(sealed: &SealedSecret, keys: &KeyRing) -> Self {
        let metadata = &sealed.metadata;
        let namespace = metadata.namespace.as_deref().unwrap_or_default();
        let name = metadata.name.as_deref().unwrap_or_default();
        let place = match Scope::from_annotations(metadata.annotations.as_ref()) {
            Scope::Strict => format!("name {name:?} in namespace {namespace:?} (strict)"),
            Scope::NamespaceWide => format!("any name in namespace {namespace:?} (namespace-wide)"),
            Scope::ClusterWide => "any name and namespace (cluster-wide)".to_owned(),
        };
        let hint = KeyHint::from_metadata(metadata).map(|hint| {
            let all = || hint.keys().cloned();
            let missing: Vec<_> = all().filter(|key| !keys.holds(key)).collect();
            if missing.is_empty() {
                Hinted::Held(all().collect())
            } else {
                Hinted::NotHeld(missing)
            }
        });
        let status = sealed.status.as_ref();
        let lost = status.map(|status| lost_keys(status, keys)).unwrap_or_default();
        Self {
            place,
            hint,
            lost,
            not_again: String::new(),
        }
    }

    /// With what is to be said where templates go over a limit.
    pub(crate) fn of_input(self, not_again: String) -> Self {
        Self { not_again, ..self }
    }

    pub(crate) fn not_again(&self) -> &str {
        &self.not_again
    }
}

impl fmt::Display for UnsealDiagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tried for {}", self.place)?;
        match &self.hint {
            None => {}
            Some(Hinted::NotHeld(keys)) => write!(f, "; sealed with {}, not held here", named(keys))?,
            Some(Hinted::Held(keys)) => write!(
                f,
                "; sealed with {}, held here, so it was for another name, namespace or scope",
                named(keys)
            )?,
        }
        if self.lost.is_empty() {
            return Ok(());
        }
        write!(
            f,
            "; opened earlier with {}, not held any more: a Secret made of it stays, but cannot be made again",
            named(&self.lost)
        )
    }
}

fn named(keys: &[Fingerprint]) -> String {
    let shown: Vec<_> = keys.iter().take(NAMED).map(Fingerprint::as_str).collect();
    match keys.len().saturating_sub(NAMED) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crds::names;
    use serde_json::json;

    use super::*;

    fn said(annotations: serde_json::Value, keys: &KeyRing) -> String {
        let sealed = json!({
            "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
            "metadata": {"namespace": "ns", "name": "one", "annotations": annotations}, "spec": {"encryptedData": {}},
        });
        UnsealDiagnostics::new(&serde_json::from_value(sealed).unwrap(), keys).to_string()
    }

    #[test]
    fn place_and_keys_are_named() {
        let none = KeyRing::default();
        assert_eq!(
            said(json!({}), &none),
            r#"tried for name "one" in namespace "ns" (strict)"#
        );
        let wide = json!({names::ANNOTATION_NAMESPACE_WIDE: "true"});
        assert_eq!(
            said(wide, &none),
            r#"tried for any name in namespace "ns" (namespace-wide)"#
        );
        let anywhere = json!({names::ANNOTATION_CLUSTER_WIDE: "true"});
        assert_eq!(said(anywhere, &none), "tried for any name and namespace (cluster-wide)");

        let key = Arc::new(sealing::key::PrivateKey::generate(2048).unwrap());
        let fingerprint = key.public().fingerprint().clone();
        let hint = |text: &str| json!({names::ANNOTATION_CLUSTER_WIDE: "true", names::ANNOTATION_SEALED_WITH: text});
        let start = format!("tried for any name and namespace (cluster-wide); sealed with {fingerprint}");
        assert_eq!(
            said(hint(fingerprint.as_str()), &none),
            format!("{start}, not held here")
        );
        let mut ring = KeyRing::default();
        ring.insert(key, jiff::Timestamp::UNIX_EPOCH);
        assert_eq!(
            said(hint(fingerprint.as_str()), &ring),
            format!("{start}, held here, so it was for another name, namespace or scope")
        );
        let mut earlier = SealedSecret::default();
        earlier.status.get_or_insert_default().opened_by = vec![fingerprint.to_string()];
        assert!(
            !UnsealDiagnostics::new(&earlier, &ring).to_string().contains("earlier"),
            "it is held"
        );
        let lost = UnsealDiagnostics::new(&earlier, &none).to_string();
        assert!(
            lost.contains(&format!("opened earlier with {fingerprint}, not held any more")),
            "{lost}"
        );
        let others: Vec<_> = "abcde"
            .chars()
            .map(|letter| format!("SHA256:{}A", letter.to_string().repeat(42)))
            .collect();
        let shown = said(hint(&others.join(",")), &ring);
        assert!(
            shown.ends_with(&format!("{} and 2 more, not held here", others[..3].join(", "))),
            "{shown}"
        );
        assert!(
            !said(hint("my password"), &ring).contains("password"),
            "what is no hint is not repeated"
        );
    }
}
