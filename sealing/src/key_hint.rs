//! The key hint: which public keys an object's items were sealed with, as claimed by the author of the object.
//!
//! An annotation on the outer metadata only ([`names::ANNOTATION_SEALED_WITH`]), which is not copied to the Secret. It
//! may be missing, stale or false: it can cost time, and decides nothing.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use crds::names;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use thiserror::Error;

use crate::key::Fingerprint;
use manifest::edit::Change;

/// The most keys that a hint is believed to name: more than ten years of monthly keys.
const MOST_KEYS: usize = 128;

/// The fingerprints of the keys that the items of one object were sealed with. Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyHint(BTreeSet<Fingerprint>);

/// The text is not a hint: a part is not a fingerprint, or there are too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not a list of fingerprints (`SHA256:` and 43 base64 characters each, divided by commas)")]
pub struct NotAHint;

impl KeyHint {
    /// The hint of an object whose items were all sealed with one key.
    pub fn of_key(key: &Fingerprint) -> Self {
        Self(BTreeSet::from([key.clone()]))
    }

    /// The hint that an object carries. What cannot be read counts as none.
    pub fn from_metadata(metadata: &ObjectMeta) -> Option<Self> {
        metadata
            .annotations
            .as_ref()?
            .get(names::ANNOTATION_SEALED_WITH)?
            .parse()
            .ok()
    }

    /// The hint of an object after some of its items were sealed with `key`: that key alone when no other item is left,
    /// else what was known before and that key. `None` when nothing is known of the items that are left, because a
    /// hint that names some of the keys only would be worse than none.
    pub fn after(before: Option<Self>, key: &Fingerprint, others_left: bool) -> Option<Self> {
        if !others_left {
            return Some(Self::of_key(key));
        }
        let mut hint = before?;
        hint.0.insert(key.clone());
        Some(hint)
    }

    /// The fingerprints, sorted by their text.
    pub fn keys(&self) -> impl Iterator<Item = &Fingerprint> {
        self.0.iter()
    }

    /// Writes the hint into the outer metadata of an object, in place of the one that is there.
    pub fn write(&self, metadata: &mut ObjectMeta) {
        let annotations = metadata.annotations.get_or_insert_default();
        annotations.insert(names::ANNOTATION_SEALED_WITH.to_owned(), self.to_string());
    }

    /// The change that writes the hint into the text of an object.
    pub fn change(&self) -> Change {
        Change::set(
            ["metadata", "annotations", names::ANNOTATION_SEALED_WITH],
            self.to_string(),
        )
    }
}

/// The annotation's value.
impl fmt::Display for KeyHint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys: Vec<_> = self.0.iter().map(Fingerprint::as_str).collect();
        f.write_str(&keys.join(","))
    }
}

impl FromStr for KeyHint {
    type Err = NotAHint;

    /// Strictly: fingerprints divided by single commas, and nothing else.
    fn from_str(text: &str) -> Result<Self, NotAHint> {
        if text.split(',').nth(MOST_KEYS).is_some() {
            return Err(NotAHint);
        }
        let keys: Result<_, _> = text.split(',').map(str::parse).collect();
        keys.map(Self).map_err(|_| NotAHint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fingerprint(of: u16) -> Fingerprint {
        use base64::Engine as _;
        let digest = [[0; 30].as_slice(), &of.to_be_bytes()].concat();
        let digits = base64::engine::general_purpose::STANDARD_NO_PAD.encode(digest);
        format!("SHA256:{digits}").parse().unwrap()
    }

    fn hint(keys: &[u16]) -> KeyHint {
        KeyHint(keys.iter().map(|key| fingerprint(*key)).collect())
    }

    #[test]
    fn what_is_written_is_read() {
        let mut metadata = ObjectMeta::default();
        assert_eq!(KeyHint::from_metadata(&metadata), None);
        for keys in [&[7][..], &[1, 2, 3]] {
            hint(keys).write(&mut metadata);
            assert_eq!(KeyHint::from_metadata(&metadata), Some(hint(keys)));
        }
        assert_eq!(metadata.annotations.map(|all| all.len()), Some(1));
    }

    #[test]
    fn what_is_no_list_of_fingerprints_is_no_hint() {
        let one = fingerprint(1).to_string();
        for text in [
            "",
            ",",
            "true",
            "SHA256:",
            &one[..49],
            &format!("{one}="),
            &format!("{one},"),
            &format!("{one}, {one}"),
            &format!(" {one}"),
            &format!("{one}\n"),
            &format!("{one},md5"),
            &one.replace("SHA", "sha"),
        ] {
            assert_eq!(text.parse::<KeyHint>(), Err(NotAHint), "{text:?}");
        }
        assert_eq!(format!("{one},{one}").parse(), Ok(hint(&[1])));
    }

    #[test]
    fn a_hint_is_no_way_to_hand_over_a_flood() {
        let many = |count: u16| hint(&(0..count).collect::<Vec<_>>()).to_string().parse::<KeyHint>();
        assert!(many(128).is_ok());
        assert_eq!(many(129), Err(NotAHint));
    }

    #[test]
    fn a_hint_names_all_keys_or_there_is_none() {
        let new = fingerprint(9);
        assert_eq!(KeyHint::after(None, &new, false), Some(hint(&[9])));
        assert_eq!(KeyHint::after(Some(hint(&[1])), &new, false), Some(hint(&[9])));
        assert_eq!(KeyHint::after(Some(hint(&[1])), &new, true), Some(hint(&[1, 9])));
        assert_eq!(KeyHint::after(None, &new, true), None);
    }
}
