//! One object, and the questions about it: would it open if it were called so?

use std::collections::BTreeSet;

use crds::{SealedSecret, names};
use manifest::shown;
use sealing::binding::{Binding, Scope};
use sealing::inspect::{Inspected, inspect};
use sealing::key::Fingerprint;
use sealing::key_hint::KeyHint;
use sealing::keyring::{KeyRing, OpenError};
use sealing::sealer::Format;
use sealing::unseal::{ItemError, ItemErrors, UnsealError, verify};
use sealing::v2::KeyId;

use crate::quoting::full_name;

/// Questions at most about one object that keys at hand answer: each costs private-key operations.
const MOST_TRIES: usize = 400;
/// Other names of items that are tried.
const MOST_NAMES: usize = 16;

/// What became of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It opens.
    Opens,
    /// A key and the binding fit, but the text is damaged.
    Damaged,
    /// It does not open.
    Closed,
    /// Nobody could try.
    Unasked,
}

impl Answer {
    /// This answer, or the other where nobody could try.
    pub(crate) fn or(self, other: Answer) -> Answer {
        if self == Answer::Unasked { other } else { self }
    }
}

/// Whoever can try to open something.
pub(crate) trait Trial {
    /// Whether the object opens under a binding; nothing of what it holds is given.
    fn attempt(&mut self, case: &Case, binding: &Binding) -> Answer;
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
    /// Where it opens by its own word.
    pub(crate) own: Binding,
    /// Other bindings that are worth trying, the likeliest first.
    pub(crate) others: Vec<Binding>,
    /// Lengths of the keys that its items were sealed with.
    pub(crate) bits: BTreeSet<usize>,
    /// Ids of the keys that its items of format v2 were sealed with, by their own word.
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
}

impl Case {
    /// The case of an object. `places`: names and namespaces that it may have been sealed for.
    pub(crate) fn new(object: SealedSecret, line: usize, places: &[(String, String)]) -> Option<Self> {
        let metadata = &object.metadata;
        let or_empty = |text: &Option<String>| text.clone().unwrap_or_default();
        let (name, namespace) = (or_empty(&metadata.name), or_empty(&metadata.namespace));
        let template = object
            .spec
            .template
            .as_ref()
            .and_then(|template| template.metadata.as_ref());
        let said = |text: Option<&String>, own: &str| text.cloned().unwrap_or_else(|| own.to_owned());
        let sealed_name = said(template.and_then(|template| template.name.as_ref()), &name);
        let sealed_namespace = said(template.and_then(|template| template.namespace.as_ref()), &namespace);
        let scope = Scope::from_annotations(metadata.annotations.as_ref());
        let own_namespace = if namespace.is_empty() {
            &sealed_namespace
        } else {
            &namespace
        };
        let own = Binding::new(scope, own_namespace, &name).ok()?;
        let mut others = Vec::new();
        let mut add = |scope, namespace: &str, name: &str| {
            others.extend(Binding::new(scope, namespace, name).ok().filter(|one| *one != own));
        };
        // Where it stands, in each scope; then what its template keeps; then what else is known in the repository.
        for (namespace, name) in [
            (own_namespace, &name),
            (&sealed_namespace, &sealed_name),
            (own_namespace, &sealed_name),
            (&sealed_namespace, &name),
        ] {
            Scope::ALL.into_iter().for_each(|scope| add(scope, namespace, name));
        }
        for (namespace, _) in places {
            add(Scope::Strict, namespace, &name);
            add(Scope::Strict, namespace, &sealed_name);
            add(Scope::NamespaceWide, namespace, "");
        }
        for (namespace, name) in places {
            add(Scope::Strict, namespace, name);
            add(Scope::Strict, own_namespace, name);
        }
        let mut seen = BTreeSet::new();
        others.retain(|one| seen.insert(one.label().as_bytes().to_vec()));
        others.truncate(MOST_TRIES);
        let (bits, key_ids) = sealed_with(&object);
        Some(Self {
            bits,
            key_ids,
            not_bound: false,
            items: object.spec.encrypted_data.keys().cloned().collect(),
            hint: KeyHint::of(metadata),
            failing: object.spec.encrypted_data.keys().map(|item| shown(item)).collect(),
            opening: Vec::new(),
            namespace,
            line,
            own,
            others,
            object,
        })
    }

    /// `namespace/name` for messages.
    pub(crate) fn shown(&self) -> String {
        let name = self.object.metadata.name.as_deref().unwrap_or_default();
        full_name(&shown(&self.namespace), &shown(name))
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
        self.opening = opening.map(|item| shown(item)).collect();
        items.retain(|item, _| errors.0.get(item).is_some_and(|error| *error != ItemError::NotTried));
        self.failing = items.keys().map(|item| shown(item)).collect();
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
