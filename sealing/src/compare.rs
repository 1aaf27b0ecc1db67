//! Whether a sealed object still has the shape of the clear one that it was made from: everything except the values,
//! which cannot be compared without a private key (sealing is randomised, and no digest of a plaintext is kept anywhere).

use std::collections::BTreeMap;
use std::fmt;

use crds::{SealedSecret, SecretTemplate, names};

use crate::binding::Scope;

/// One difference. Prints as what is wrong with the sealed object; holds names only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// The Secret has an item that is not sealed.
    ItemMissing(String),
    /// An item is sealed that the Secret does not have.
    ItemTooMany(String),
    /// Another type.
    Type {
        /// The Secret's.
        wanted: String,
        /// The sealed one's.
        found: String,
    },
    /// A label is missing, or has another value.
    Label(String),
    /// A label that the Secret does not have.
    LabelTooMany(String),
    /// Another scope.
    Scope {
        /// The one that it would be sealed with.
        wanted: Scope,
        /// The one that it was sealed with.
        found: Scope,
    },
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Difference::ItemMissing(item) => write!(f, "item {item} is not in it"),
            Difference::ItemTooMany(item) => write!(f, "item {item} is in it, and no longer in the Secret"),
            Difference::Type { wanted, found } => write!(f, "its type is {found}, the Secret's {wanted}"),
            Difference::Label(label) => write!(f, "label {label} is missing in it or has another value"),
            Difference::LabelTooMany(label) => write!(f, "label {label} is in it, and no longer on the Secret"),
            Difference::Scope { wanted, found } => write!(f, "its scope is {found}, and {wanted} is wanted"),
        }
    }
}

/// How `found` differs from `wanted` (see [`crate::seal::outline`]) in item names, type, labels and scope. Whether their
/// names agree is for the caller, who has found one for the other by them.
pub fn differences(wanted: &SealedSecret, found: &SealedSecret) -> Vec<Difference> {
    let mut differences = Vec::new();
    let scope = |sealed: &SealedSecret| Scope::from_annotations(sealed.metadata.annotations.as_ref());
    if scope(wanted) != scope(found) {
        differences.push(Difference::Scope {
            wanted: scope(wanted),
            found: scope(found),
        });
    }
    if type_of(wanted) != type_of(found) {
        differences.push(Difference::Type {
            wanted: type_of(wanted).to_owned(),
            found: type_of(found).to_owned(),
        });
    }
    let (wanted_items, found_items) = (&wanted.spec.encrypted_data, &found.spec.encrypted_data);
    let missing = wanted_items.keys().filter(|item| !found_items.contains_key(*item));
    differences.extend(missing.cloned().map(Difference::ItemMissing));
    let too_many = found_items.keys().filter(|item| !wanted_items.contains_key(*item));
    differences.extend(too_many.cloned().map(Difference::ItemTooMany));
    let none = BTreeMap::new();
    let (wanted_labels, found_labels) = (labels(wanted).unwrap_or(&none), labels(found).unwrap_or(&none));
    let other = wanted_labels
        .iter()
        .filter(|(label, value)| found_labels.get(*label) != Some(*value));
    differences.extend(other.map(|(label, _)| Difference::Label(label.clone())));
    let too_many = found_labels.keys().filter(|label| !wanted_labels.contains_key(*label));
    differences.extend(too_many.cloned().map(Difference::LabelTooMany));
    differences
}

fn template(sealed: &SealedSecret) -> Option<&SecretTemplate> {
    sealed.spec.template.as_ref()
}

fn type_of(sealed: &SealedSecret) -> &str {
    let said = template(sealed).and_then(|template| template.type_.as_deref());
    said.filter(|said| !said.is_empty())
        .unwrap_or(names::SECRET_TYPE_OPAQUE)
}

fn labels(sealed: &SealedSecret) -> Option<&BTreeMap<String, String>> {
    template(sealed)?.metadata.as_ref()?.labels.as_ref()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document;
    use crate::seal::{SealParameters, outline};
    use crate::secret::ClearSecret;

    fn outlined(text: &str, scope: Scope) -> SealedSecret {
        let documents = document::read(format!("apiVersion: v1\nkind: Secret\n{text}").as_bytes()).unwrap();
        let parameters = SealParameters {
            scope,
            ..SealParameters::default()
        };
        outline(&ClearSecret::from_document(&documents[0]).unwrap(), &parameters).unwrap()
    }

    const SECRET: &str = "metadata: {name: db, namespace: shop, labels: {a: x, b: z}}\nstringData: {one: p, two: q}\n";

    fn told(text: &str, scope: Scope) -> Vec<String> {
        let (wanted, found) = (outlined(SECRET, Scope::Strict), outlined(text, scope));
        differences(&wanted, &found).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_same_shape_has_no_differences_whatever_the_values() {
        assert_eq!(told(SECRET, Scope::Strict), [""; 0]);
        let others = SECRET
            .replace("one: p", "one: another")
            .replace("stringData", "type: Opaque\nstringData");
        assert_eq!(told(&others, Scope::Strict), [""; 0]);
    }

    #[test]
    fn every_difference_is_told_by_name() {
        assert_eq!(
            told(SECRET, Scope::ClusterWide),
            ["its scope is cluster-wide, and strict is wanted"]
        );
        let other = "metadata: {name: db, namespace: shop, labels: {a: w, c: z}}\ntype: kubernetes.io/tls\n\
                     stringData: {one: p, three: q}\n";
        assert_eq!(
            told(other, Scope::Strict),
            [
                "its type is kubernetes.io/tls, the Secret's Opaque",
                "item two is not in it",
                "item three is in it, and no longer in the Secret",
                "label a is missing in it or has another value",
                "label b is missing in it or has another value",
                "label c is in it, and no longer on the Secret",
            ]
        );
    }
}
