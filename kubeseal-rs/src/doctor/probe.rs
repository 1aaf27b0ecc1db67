//! One object, and the bindings under which it may open.

use std::collections::BTreeSet;
use std::fmt;

use crds::{SealedSecret, names};
use manifest::escaped;
use sealing::binding::{Binding, Scope};
use sealing::inspect::{Inspected, inspect};
use sealing::key::Fingerprint;
use sealing::key_hint::KeyHint;
use sealing::keyring::{KeyRing, OpenError};
use sealing::sealer::Format;
use sealing::unseal::{ItemError, ItemErrors, UnsealError, verify};
use sealing::v2::KeyId;

use super::Unreachable;
use crate::quoting::{full_name, on_one_line};

/// Candidates tried for one object: each costs private-key operations.
const MOST_TRIES: usize = 400;
/// Pairs of item names tried for one object.
const MOST_NAMES: usize = 16;

/// A namespace, and a name where one is known, that an object may have been sealed for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) namespace: String,
    /// Empty where only the namespace is known.
    pub(crate) name: String,
    pub(crate) origin: Origin,
}

/// Where a candidate was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// In the object's own metadata.
    Object,
    /// In the metadata of its template.
    Template,
    /// In an earlier version of the object, in this commit.
    Commit(String),
    /// In the cluster, as the name of an object with the same ciphertexts.
    SameInCluster,
    /// In this file.
    File(String),
    /// In the cluster, as the namespace of another SealedSecret.
    Cluster,
}

impl Origin {
    /// Whether the place is that of an earlier or other version of the object, so that both its parts belong together.
    fn is_of_same_object(&self) -> bool {
        matches!(self, Origin::Commit(_) | Origin::SameInCluster)
    }
}

/// For messages, behind the candidate. The object's own metadata needs no mention.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Object => Ok(()),
            Origin::Template => write!(f, " (found in its template)"),
            Origin::Commit(commit) => write!(f, " (found in commit {commit})"),
            Origin::SameInCluster => write!(f, " (found in the cluster: an object with the same ciphertexts)"),
            Origin::File(file) => write!(f, " (found in {})", on_one_line(file)),
            Origin::Cluster => write!(f, " (found in the cluster: the namespace of another SealedSecret)"),
        }
    }
}

/// A binding to try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub(crate) binding: Binding,
    pub(crate) origin: Origin,
}

/// What became of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It opens.
    Opens,
    /// A key and the binding fit, but the text is damaged.
    Damaged,
    /// It does not open.
    Closed,
    /// It could not be tried.
    Unasked,
}

impl Answer {
    /// This answer, or the other where this one could not be had.
    pub(crate) fn or(self, other: Answer) -> Answer {
        if self == Answer::Unasked { other } else { self }
    }
}

/// Tries to open objects, with keys or through the controller.
pub(crate) trait Trial {
    /// Whether the object opens under a binding. The answer holds no value.
    fn attempt(&mut self, case: &Case, binding: &Binding) -> Answer;

    /// Why the controller did not answer an attempt.
    fn failure(&self) -> Option<Unreachable> {
        None
    }
}

/// One SealedSecret.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    /// The object, with those items alone that do not open, once they are known.
    pub(crate) object: SealedSecret,
    /// Its namespace; empty when it names none.
    pub(crate) namespace: String,
    /// The line where it begins.
    pub(crate) line: usize,
    /// The binding that its own metadata states.
    pub(crate) own: Binding,
    /// Lengths of the keys that its items were sealed with.
    pub(crate) bits: BTreeSet<usize>,
    /// Ids of the keys that its items of format v2 name.
    pub(crate) key_ids: BTreeSet<KeyId>,
    /// Whether a key at hand has one of these ids, and opens none of what is in question as it stands.
    pub(crate) not_bound: bool,
    /// The names of all its items.
    pub(crate) items: Vec<String>,
    /// Its key hint.
    pub(crate) hint: Option<KeyHint>,
    /// Names of the items in question.
    pub(crate) failing: Vec<String>,
    /// Names of the items that keys at hand open as they stand; none while any of them may be in question.
    pub(crate) opening: Vec<String>,
    /// Whether keys at hand were tried on each item.
    tried: bool,
}

impl Case {
    /// The case of an object; none where it lacks what its scope binds.
    pub(crate) fn new(object: SealedSecret, line: usize) -> Option<Self> {
        let metadata = &object.metadata;
        let namespace = metadata.namespace.clone().unwrap_or_default();
        let scope = Scope::from_annotations(metadata.annotations.as_ref());
        let name = metadata.name.as_deref().unwrap_or_default();
        let own = Binding::new(scope, effective_namespace(&object), name).ok()?;
        let (bits, key_ids) = sealed_with(&object);
        Some(Self {
            bits,
            key_ids,
            not_bound: false,
            items: object.spec.encrypted_data.keys().cloned().collect(),
            hint: KeyHint::from_metadata(metadata),
            failing: object.spec.encrypted_data.keys().map(|item| escaped(item)).collect(),
            opening: Vec::new(),
            tried: false,
            namespace,
            line,
            own,
            object,
        })
    }

    /// Whether it is known of each item that it does not open, if the object does not: the controller answers for all at once.
    pub(crate) fn knows_items(&self) -> bool {
        self.tried || self.items.len() == 1
    }

    /// Whether it has no items at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.items.is_empty() && self.object.spec.data.is_none()
    }

    /// Its own name; empty when it has none.
    pub(crate) fn name(&self) -> &str {
        self.object.metadata.name.as_deref().unwrap_or_default()
    }

    /// Its own namespace, else that of its template.
    pub(crate) fn effective_namespace(&self) -> &str {
        effective_namespace(&self.object)
    }

    /// Bindings to try beside its own, the likeliest first: the object and its template in each scope, then what `places` say.
    pub(crate) fn candidates(&self, places: &[Place]) -> Vec<Candidate> {
        let (name, namespace, own) = (self.name(), self.effective_namespace(), self.own.scope());
        let (sealed_namespace, sealed_name) = template_place(&self.object);
        let sealed_namespace = sealed_namespace.unwrap_or(&self.namespace);
        let sealed_name = sealed_name.unwrap_or(name);
        let mut found = Candidates::new(&self.own);
        for scope in Scope::ALL {
            found.add(scope, namespace, name, &Origin::Object);
        }
        for (namespace, name) in [
            (sealed_namespace, sealed_name),
            (namespace, sealed_name),
            (sealed_namespace, name),
        ] {
            Scope::ALL
                .into_iter()
                .for_each(|scope| found.add(scope, namespace, name, &Origin::Template));
        }
        let same_object = || places.iter().filter(|place| place.origin.is_of_same_object());
        for place in same_object() {
            found.add(own, &place.namespace, &place.name, &place.origin);
        }
        for place in same_object() {
            Scope::ALL
                .into_iter()
                .for_each(|scope| found.add(scope, &place.namespace, &place.name, &place.origin));
        }
        // A moved object is likelier than one that was renamed too.
        for place in places {
            found.add(own, &place.namespace, name, &place.origin);
        }
        for place in places {
            found.add(Scope::Strict, namespace, &place.name, &place.origin);
        }
        for place in places {
            found.add(Scope::Strict, &place.namespace, name, &place.origin);
            found.add(Scope::Strict, &place.namespace, sealed_name, &place.origin);
            found.add(Scope::NamespaceWide, &place.namespace, "", &place.origin);
        }
        for place in places {
            found.add(Scope::Strict, &place.namespace, &place.name, &place.origin);
        }
        found.all.truncate(MOST_TRIES);
        found.all
    }

    /// `namespace/name` for messages.
    pub(crate) fn escaped(&self) -> String {
        full_name(&escaped(&self.namespace), &escaped(self.name()))
    }

    /// Whether the template agrees about the name, and not about the namespace.
    pub(crate) fn differs_by_namespace_alone(&self) -> bool {
        let template = self
            .object
            .spec
            .template
            .as_ref()
            .and_then(|template| template.metadata.as_ref());
        template.is_some_and(|template| template.name == self.object.metadata.name)
    }

    /// The object as if it were bound so: what is put to the test.
    pub(crate) fn bound_to(&self, binding: &Binding) -> SealedSecret {
        let mut object = self.object.clone();
        let metadata = &mut object.metadata;
        let annotations = metadata.annotations.get_or_insert_default();
        annotations.remove(names::ANNOTATION_CLUSTER_WIDE);
        annotations.remove(names::ANNOTATION_NAMESPACE_WIDE);
        if let Some(annotation) = binding.scope().annotation() {
            annotations.insert(annotation.to_owned(), "true".to_owned());
        }
        match binding {
            Binding::Strict { namespace, name } => {
                (metadata.namespace, metadata.name) = (Some(namespace.clone()), Some(name.clone()));
            }
            Binding::NamespaceWide { namespace } => metadata.namespace = Some(namespace.clone()),
            Binding::ClusterWide => {}
        }
        object
    }

    /// Leaves the items out that open, and those that were not tried: those that do not open are asked about.
    pub(crate) fn keep(&mut self, errors: &ItemErrors) {
        let items = &mut self.object.spec.encrypted_data;
        let opening = items.keys().filter(|item| !errors.0.contains_key(*item));
        self.opening = opening.map(|item| escaped(item)).collect();
        items.retain(|item, _| errors.0.get(item).is_some_and(|error| *error != ItemError::NotTried));
        self.failing = items.keys().map(|item| escaped(item)).collect();
        self.tried = true;
        self.not_bound = errors
            .0
            .values()
            .any(|error| matches!(error, ItemError::Open(OpenError::NotBound { .. })));
        self.key_ids = sealed_with(&self.object).1;
    }

    /// Whether all that is in question is of format v2.
    pub(crate) fn is_v2(&self) -> bool {
        let mut texts = self.object.spec.encrypted_data.values().chain(&self.object.spec.data);
        !self.key_ids.is_empty() && texts.all(|text| Format::of(text) == Some(Format::V2))
    }

    /// The same with one item of format v2 under another name: what is put to the test.
    pub(crate) fn renamed(&self, item: &str, to: &str) -> Option<Self> {
        let text = self.object.spec.encrypted_data.get(item)?;
        let mut renamed = self.clone();
        renamed.object.spec.encrypted_data = [(to.to_owned(), text.clone())].into();
        Some(renamed)
    }

    /// The items of format v2 that are in question, each with the other names that it may have been sealed under: those that the
    /// object's items and templates have.
    pub(crate) fn other_names(&self) -> Vec<(String, String)> {
        let template = self.object.spec.template.as_ref();
        let of_templates = template.iter().flat_map(|template| template.data.iter().flatten());
        let names: BTreeSet<_> = self.items.iter().chain(of_templates.map(|(item, _)| item)).collect();
        let is_bound = |text: &String| Format::of(text) == Some(Format::V2);
        let items = self
            .object
            .spec
            .encrypted_data
            .iter()
            .filter(|(_, text)| is_bound(text));
        let pairs = items.flat_map(|(item, _)| {
            let others = names.iter().filter(move |name| **name != item);
            others.map(move |name| (item.clone(), (*name).clone()))
        });
        pairs.take(MOST_NAMES).collect()
    }

    /// The keys that its hint names.
    pub(crate) fn hinted(&self) -> BTreeSet<Fingerprint> {
        self.hint.iter().flat_map(KeyHint::keys).cloned().collect()
    }
}

/// Candidates in their order, each binding once, with the place where it was found first.
struct Candidates {
    seen: BTreeSet<Vec<u8>>,
    all: Vec<Candidate>,
}

impl Candidates {
    /// None yet; `own` is left out.
    fn new(own: &Binding) -> Self {
        Self {
            seen: BTreeSet::from([own.label().as_bytes().to_vec()]),
            all: Vec::new(),
        }
    }

    /// Adds a binding, unless the place lacks what its scope binds.
    fn add(&mut self, scope: Scope, namespace: &str, name: &str, origin: &Origin) {
        let Ok(binding) = Binding::new(scope, namespace, name) else {
            return;
        };
        if self.seen.insert(binding.label().as_bytes().to_vec()) {
            let origin = origin.clone();
            self.all.push(Candidate { binding, origin });
        }
    }
}

/// The namespace and the name in the metadata of an object's template.
fn template_place(object: &SealedSecret) -> (Option<&str>, Option<&str>) {
    let template = object.spec.template.as_ref();
    match template.and_then(|template| template.metadata.as_ref()) {
        Some(metadata) => (metadata.namespace.as_deref(), metadata.name.as_deref()),
        None => (None, None),
    }
}

/// The namespace of an object, else that of its template.
fn effective_namespace(object: &SealedSecret) -> &str {
    let own = object.metadata.namespace.as_deref().unwrap_or_default();
    match own {
        "" => template_place(object).0.unwrap_or_default(),
        own => own,
    }
}

/// Lengths of the keys that an object's items were sealed with, and the key ids that they name.
fn sealed_with(object: &SealedSecret) -> (BTreeSet<usize>, BTreeSet<KeyId>) {
    let (mut bits, mut ids) = (BTreeSet::new(), BTreeSet::new());
    for text in object.spec.encrypted_data.values().chain(&object.spec.data) {
        match inspect(text) {
            Ok(Inspected::V1 { key_bits, .. }) => drop(bits.insert(key_bits)),
            Ok(Inspected::V2 { keys, .. }) => ids.extend(keys),
            Err(_) => {}
        }
    }
    (bits, ids)
}

/// Tries with keys at hand.
pub(crate) struct WithKeys<'a>(pub(crate) &'a KeyRing);

impl Trial for WithKeys<'_> {
    fn attempt(&mut self, case: &Case, binding: &Binding) -> Answer {
        match verify(&case.bound_to(binding), self.0, &[]) {
            Ok(_) => Answer::Opens,
            Err(UnsealError::Items(items)) => {
                let is_damaged = |error: &ItemError| match error {
                    ItemError::NotTried => false,
                    ItemError::Open(error) => error.is_damage(),
                    ItemError::NotBase64(_) | ItemError::Render(_) => true,
                };
                if items.0.values().all(is_damaged) {
                    Answer::Damaged
                } else {
                    Answer::Closed
                }
            }
            Err(_) => Answer::Closed,
        }
    }
}
