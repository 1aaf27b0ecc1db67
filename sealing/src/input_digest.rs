//! A digest of everything that decides which Secret a SealedSecret becomes: the same digest means the same Secret.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use crds::{SealedSecret, SealedSecretSpec};
use serde::Serialize;

use crate::binding::Scope;
use crate::primitives::backend;

/// Version of the digest's meaning: raise it whenever this library makes another Secret of the same input.
const MEANING: u32 = 1;

/// The object's part of the input.
#[derive(Serialize)]
struct Object<'a> {
    namespace: Option<&'a str>,
    name: Option<&'a str>,
    /// Part of the owner reference.
    uid: Option<&'a str>,
    scope: &'static str,
    spec: &'a SealedSecretSpec,
}

/// Divides the two parts of a digest; not a base64 character.
const PARTS: char = '.';

/// What every digest begins with.
const ALGORITHM: &str = "sha256:";
/// Bytes of a part.
const PART: usize = 32;

/// `sha256:` and two parts with a dot between them, each 43 characters of unpadded base64. The first part covers the
/// sealed spec and its binding. The second covers `further`, which the caller adds (its settings), and the version of
/// this library's meaning. It contains no plaintext that the object does not show. `None`: `further` cannot be written
/// as JSON.
pub fn digest(sealed: &SealedSecret, further: impl Serialize) -> Option<String> {
    let metadata = &sealed.metadata;
    let object = Object {
        namespace: metadata.namespace.as_deref(),
        name: metadata.name.as_deref(),
        uid: metadata.uid.as_deref(),
        scope: match Scope::from_annotations(metadata.annotations.as_ref()) {
            Scope::Strict => "strict",
            Scope::NamespaceWide => "namespace-wide",
            Scope::ClusterWide => "cluster-wide",
        },
        spec: &sealed.spec,
    };
    Some(format!(
        "{ALGORITHM}{}{PARTS}{}",
        part(&object)?,
        part(&(MEANING, further))?
    ))
}

/// The first part of a digest: equal where the object is the same, whatever the settings and this library's version.
/// `None` for a text that is not such a digest.
pub fn object_part(digest: &str) -> Option<&str> {
    Some(digest.split_once(PARTS)?.0)
}

fn part(of: &impl Serialize) -> Option<String> {
    // The maps are sorted, so that one input has one text.
    let text = serde_json::to_vec(of).ok()?;
    Some(STANDARD_NO_PAD.encode(backend::sha256(&text)))
}

/// A digest in two thirds of its text's memory. It compares and prints as the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Packed {
    /// The parts.
    Parts([u8; 2 * PART]),
    /// A text that is not a digest.
    Text(Box<str>),
}

impl From<&str> for Packed {
    fn from(text: &str) -> Self {
        parts(text).map_or_else(|| Self::Text(text.into()), Self::Parts)
    }
}

fn parts(text: &str) -> Option<[u8; 2 * PART]> {
    let texts = text.strip_prefix(ALGORITHM)?.split_once(PARTS)?;
    let mut parts = [0; 2 * PART];
    let (object, further) = parts.split_at_mut(PART);
    for (text, part) in [(texts.0, object), (texts.1, further)] {
        // The engine takes one text alone for what it decodes to.
        let length = STANDARD_NO_PAD.decode_slice(text, part).ok()?;
        (length == PART).then_some(())?;
    }
    Some(parts)
}

impl fmt::Display for Packed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Parts(parts) => {
                let (object, further) = parts.split_at(PART);
                let (object, further) = (STANDARD_NO_PAD.encode(object), STANDARD_NO_PAD.encode(further));
                write!(f, "{ALGORITHM}{object}{PARTS}{further}")
            }
            Self::Text(text) => f.write_str(text),
        }
    }
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
    fn any_text_comes_back() {
        let digest = of(|_| {}, false);
        assert!(matches!(Packed::from(&*digest), Packed::Parts(_)));
        assert_eq!(Packed::from(&*digest).to_string(), digest);
        assert_ne!(Packed::from(&*digest), Packed::from(&*of(|_| {}, true)));
        // The last letter of a part has two bits that are not the part's: others than zero are another text.
        let other_bits = format!("{}B", digest.trim_end_matches(|letter| letter != '.'));
        let texts = [
            "",
            "sha256:",
            "sha256:.",
            &digest[1..],
            &format!("{digest}A"),
            &other_bits,
            "sha256:AAAA.AAAA",
        ];
        for text in texts {
            assert!(matches!(Packed::from(text), Packed::Text(_)), "{text}");
            assert_eq!(Packed::from(text).to_string(), text);
        }
        let end = digest.len() - 1;
        for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=.".chars() {
            let text = format!("{}{letter}", &digest[..end]);
            assert_eq!(Packed::from(&*text).to_string(), text);
        }
    }

    #[test]
    fn it_changes_with_what_counts_and_with_nothing_else() {
        let plain = of(|_| {}, false);
        assert!(plain.len() == 94 && plain.starts_with("sha256:"), "{plain}");
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
            assert_ne!(object_part(&of(change, false)), object_part(&plain));
        }
        let further = of(|_| {}, true);
        assert_ne!(further, plain, "what the caller adds");
        assert_eq!(object_part(&further), object_part(&plain), "the object is the same");
        assert!(object_part(&plain).is_some() && object_part("sha256:AAAA").is_none());
    }
}
