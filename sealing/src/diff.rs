//! What would change in a SealedSecret if its Secret was sealed again, and where the two contradict each other. Values
//! are not compared: sealing is randomised, and no digest of a plaintext is kept.
//!
//! Items follow the Secret. Everything else follows the SealedSecret, to which people add labels, annotations, a type
//! and templates: what only the Secret has is added, and what both have with different values is a contradiction.

use std::collections::BTreeMap;
use std::fmt;

use crds::{SealedSecret, SecretTemplate, names};

use crate::binding::Scope;
use manifest::edit::Change;

/// A map of metadata, by where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// `spec.template.metadata.labels`: those of the Secret.
    Label,
    /// `spec.template.metadata.annotations`: those of the Secret.
    Annotation,
    /// `metadata.labels`: those of the SealedSecret.
    SealedLabel,
    /// `metadata.annotations`: those of the SealedSecret.
    SealedAnnotation,
}

impl Field {
    const ALL: [Field; 4] = [
        Field::Label,
        Field::Annotation,
        Field::SealedLabel,
        Field::SealedAnnotation,
    ];

    fn path(self) -> &'static [&'static str] {
        match self {
            Field::Label => &["spec", "template", "metadata", "labels"],
            Field::Annotation => &["spec", "template", "metadata", "annotations"],
            Field::SealedLabel => &["metadata", "labels"],
            Field::SealedAnnotation => &["metadata", "annotations"],
        }
    }

    fn map(self, sealed: &SealedSecret) -> Option<&BTreeMap<String, String>> {
        let of_template = template(sealed).and_then(|template| template.metadata.as_ref());
        match self {
            Field::Label => of_template?.labels.as_ref(),
            Field::Annotation => of_template?.annotations.as_ref(),
            Field::SealedLabel => sealed.metadata.labels.as_ref(),
            Field::SealedAnnotation => sealed.metadata.annotations.as_ref(),
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Field::Label => "label",
            Field::Annotation => "annotation",
            Field::SealedLabel => "label of the SealedSecret",
            Field::SealedAnnotation => "annotation of the SealedSecret",
        })
    }
}

/// One difference. Its message says what is wrong with the SealedSecret, and contains names only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// The Secret has an item that is not sealed.
    ItemMissing(String),
    /// An item is sealed that the Secret does not have.
    ItemTooMany(String),
    /// The Secret has a type, and the SealedSecret has none.
    TypeMissing(String),
    /// The types differ.
    Type {
        /// The Secret's.
        wanted: String,
        /// The sealed one's.
        found: String,
    },
    /// The Secret sets `immutable`, and the SealedSecret does not agree.
    Immutable {
        /// The Secret's.
        wanted: bool,
    },
    /// The Secret has an entry that the SealedSecret lacks.
    Missing {
        /// Where.
        field: Field,
        /// The entry's name.
        name: String,
    },
    /// An entry has another value.
    Other {
        /// Where.
        field: Field,
        /// The entry's name.
        name: String,
    },
    /// The scopes differ.
    Scope {
        /// The one that it would be sealed with.
        wanted: Scope,
        /// The one that it was sealed with.
        found: Scope,
    },
}

impl Difference {
    /// Whether sealing again cannot decide which of the two objects is right.
    pub fn is_contradiction(&self) -> bool {
        match self {
            Difference::ItemMissing(_)
            | Difference::ItemTooMany(_)
            | Difference::TypeMissing(_)
            | Difference::Missing { .. } => false,
            Difference::Type { .. }
            | Difference::Immutable { .. }
            | Difference::Other { .. }
            | Difference::Scope { .. } => true,
        }
    }

    /// The change that resolves a difference in metadata; contradictions have none.
    pub(crate) fn change(&self, wanted: &SealedSecret) -> Option<Change> {
        match self {
            Difference::TypeMissing(type_) => Some(Change::set(["spec", "template", "type"], type_)),
            Difference::Missing { field, name } => {
                let text = field.map(wanted)?.get(name)?;
                Some(Change::set(field.path().iter().copied().chain([name.as_str()]), text))
            }
            _ => None,
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Difference::ItemMissing(item) => write!(f, "item {item} is not in it"),
            Difference::ItemTooMany(item) => write!(f, "item {item} is in it, and not in the Secret"),
            Difference::TypeMissing(type_) => write!(f, "it has no type, the Secret's is {type_}"),
            Difference::Type { wanted, found } => write!(f, "its type is {found}, the Secret's {wanted}"),
            Difference::Immutable { wanted } => {
                write!(f, "immutable is {} in it, and {wanted} in the Secret", !wanted)
            }
            Difference::Missing { field, name } => write!(f, "{field} {name} is not in it"),
            Difference::Other { field, name } => write!(f, "{field} {name} has another value in it"),
            Difference::Scope { wanted, found } => write!(f, "its scope is {found}, and {wanted} is wanted"),
        }
    }
}

/// How `found` differs from `wanted` (see [`crate::seal::outline`]), as far as sealing again would change it or cannot.
/// The caller matched the two objects by name, so names are not compared.
pub fn differences(wanted: &SealedSecret, found: &SealedSecret) -> Vec<Difference> {
    let mut differences = Vec::new();
    let scope = |sealed: &SealedSecret| Scope::from_annotations(sealed.metadata.annotations.as_ref());
    if scope(wanted) != scope(found) {
        differences.push(Difference::Scope {
            wanted: scope(wanted),
            found: scope(found),
        });
    }
    differences.extend(difference_in_type(wanted, found));
    let immutable = |sealed| template(sealed).and_then(|template| template.immutable);
    if let Some(wanted) = immutable(wanted).filter(|wanted| *wanted != immutable(found).unwrap_or_default()) {
        differences.push(Difference::Immutable { wanted });
    }
    let (wanted_items, found_items) = (&wanted.spec.encrypted_data, &found.spec.encrypted_data);
    let missing = wanted_items.keys().filter(|item| !found_items.contains_key(*item));
    differences.extend(missing.cloned().map(Difference::ItemMissing));
    let too_many = found_items.keys().filter(|item| !wanted_items.contains_key(*item));
    differences.extend(too_many.cloned().map(Difference::ItemTooMany));
    for field in Field::ALL {
        let found = field.map(found);
        for (name, text) in field.map(wanted).into_iter().flatten() {
            let name = name.clone();
            // Scopes are compared by meaning.
            if Scope::ALL.iter().any(|scope| scope.annotation() == Some(&name)) {
                continue;
            }
            match found.and_then(|found| found.get(&name)) {
                None => differences.push(Difference::Missing { field, name }),
                Some(other) if other != text => differences.push(Difference::Other { field, name }),
                Some(_) => {}
            }
        }
    }
    differences
}

fn difference_in_type(wanted: &SealedSecret, found: &SealedSecret) -> Option<Difference> {
    let wanted = type_of(wanted)?;
    match type_of(found) {
        None if wanted == names::SECRET_TYPE_OPAQUE => None,
        None => Some(Difference::TypeMissing(wanted.to_owned())),
        Some(found) if found == wanted => None,
        Some(found) => Some(Difference::Type {
            wanted: wanted.to_owned(),
            found: found.to_owned(),
        }),
    }
}

fn template(sealed: &SealedSecret) -> Option<&SecretTemplate> {
    sealed.spec.template.as_ref()
}

fn type_of(sealed: &SealedSecret) -> Option<&str> {
    let said = template(sealed).and_then(|template| template.type_.as_deref());
    said.filter(|said| !said.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::{SealParameters, outline};
    use crate::secret::ClearSecret;

    fn outlined(text: &str, scope: Scope) -> SealedSecret {
        let documents = manifest::read(format!("apiVersion: v1\nkind: Secret\n{text}").as_bytes()).unwrap();
        let parameters = SealParameters {
            scope,
            ..SealParameters::default()
        };
        outline(&ClearSecret::from_document(&documents[0]).unwrap(), &parameters).unwrap()
    }

    const SECRET: &str = "metadata: {name: db, namespace: shop, labels: {a: x, b: z}}\nstringData: {one: p, two: q}\n";

    fn differences_of(text: &str, scope: Scope) -> Vec<String> {
        let (wanted, found) = (outlined(SECRET, Scope::Strict), outlined(text, scope));
        differences(&wanted, &found).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_same_shape_has_no_differences_whatever_the_values() {
        assert_eq!(differences_of(SECRET, Scope::Strict), [""; 0]);
        let others = SECRET
            .replace("one: p", "one: another")
            .replace("stringData", "type: Opaque\nstringData");
        assert_eq!(differences_of(&others, Scope::Strict), [""; 0]);
    }

    #[test]
    fn every_difference_is_told_by_name() {
        assert_eq!(
            differences_of(SECRET, Scope::ClusterWide),
            ["its scope is cluster-wide, and strict is wanted"]
        );
        let other = "metadata: {name: db, namespace: shop, labels: {a: w, c: z}}\ntype: kubernetes.io/tls\n\
                     stringData: {one: p, three: q}\n";
        assert_eq!(
            differences_of(other, Scope::Strict),
            [
                "item two is not in it",
                "item three is in it, and not in the Secret",
                "label a has another value in it",
                "label b is not in it",
            ]
        );
    }
}
