//! Unseals a whole SealedSecret: SealedSecret + keys → Secret in clear.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crds::{SealedSecret, names};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use serde_json::Value;
use thiserror::Error;

use crate::base64_text::{self, NotBase64};
use crate::binding::{Binding, BindingError, Scope, says_true};
use crate::key::Fingerprint;
use crate::key_hint::KeyHint;
use crate::keyring::{KeyRing, OpenError, Opened};
use crate::render::{self, RenderError, Rendering};
use crate::secret::{self, ClearSecret, SecretError};
use crate::secret_bytes::SecretBytes;
use manifest::Document;

/// The Secret that a SealedSecret asks for, and the keys that opened it.
#[derive(Debug, Clone, PartialEq)]
pub struct Unsealed {
    /// Name and namespace of the SealedSecret; labels and annotations of the template; the owner reference.
    pub secret: ClearSecret,
    /// Keys that opened an item.
    pub opened_by: BTreeSet<Fingerprint>,
    /// Items whose templates may give another result at the next rendering.
    pub varying: BTreeSet<String>,
}

/// After this many items that failed and may have cost private-key operations, the rest of the object is skipped. The object
/// fails with its first such item, and each can cost an operation with every key; so can an item whose body is damaged.
pub const MAX_UNOPENED: usize = 32;

/// Why an item was not opened or rendered.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ItemError {
    /// The ciphertext is not base64.
    #[error(transparent)]
    NotBase64(#[from] NotBase64),
    /// It could not be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Skipped after [`MAX_UNOPENED`] items that no key opens.
    #[error("not tried, as too many others do not open")]
    NotTried,
    /// Its template failed.
    #[error(transparent)]
    Render(#[from] RenderError),
}

/// Why a SealedSecret was not unsealed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum UnsealError {
    /// The items that failed, by name; all items are tried, up to [`MAX_UNOPENED`] failures that may have cost operations.
    #[error("{0}")]
    Items(ItemErrors),
    /// The object lacks a name that its scope binds.
    #[error(transparent)]
    Binding(#[from] BindingError),
    /// `spec.encryptedData` and `spec.data` are both there. The text is the reference's.
    #[error("cannot use the field 'encryptedData' and the deprecated field 'data' at the same time")]
    BothFormats,
    /// The deprecated `spec.data` could not be opened.
    #[error("the deprecated field 'data': {0}")]
    DeprecatedData(ItemError),
    /// The deprecated `spec.data` opened, but is not a Secret.
    #[error("the deprecated field 'data' does not hold a Secret")]
    DeprecatedDataNoSecret,
}

impl UnsealError {
    /// Number of items that failed.
    pub fn items(&self) -> usize {
        match self {
            UnsealError::Items(errors) => errors.0.len(),
            _ => 0,
        }
    }

    /// Whether a [`Pace`](crate::keyring::Pace) ended the work before all items were tried.
    pub fn was_interrupted(&self) -> bool {
        match self {
            UnsealError::Items(errors) => errors.were_interrupted(),
            UnsealError::DeprecatedData(error) => *error == ItemError::Open(OpenError::Interrupted),
            _ => false,
        }
    }

    /// Whether the only errors are templates that need more than [`Rendering::work`] for costly functions. Other errors
    /// remain, however much is allowed.
    pub fn wants_work(&self) -> bool {
        self.is_all_of_limits(|limit| limit == gotmpl::Limit::Work)
    }

    /// Whether the only errors are templates that exceed a limit: another key or a retry does not change that.
    pub fn is_over_limit(&self) -> bool {
        self.is_all_of_limits(|_| true)
    }

    /// Removes the errors that only come from less than the full [`WORK`](crate::render::WORK), where there are other
    /// errors.
    pub fn leave_out_work(&mut self) {
        if self.wants_work() {
            return;
        }
        if let Self::Items(errors) = self {
            errors.0.retain(|_, error| limit_of(error) != Some(gotmpl::Limit::Work));
        }
    }

    fn is_all_of_limits(&self, wanted: impl Fn(gotmpl::Limit) -> bool) -> bool {
        let is_one = |error: &ItemError| limit_of(error).is_some_and(&wanted);
        matches!(self, Self::Items(errors) if errors.0.values().all(is_one))
    }
}

/// The limit that a template exceeds.
fn limit_of(error: &ItemError) -> Option<gotmpl::Limit> {
    match error {
        ItemError::Render(RenderError::Template(error)) => error.limit(),
        _ => None,
    }
}

/// Items in one message. A spec may have tens of thousands that fail, each with its own message.
const NAMED: usize = 256;

/// Failures by item. Prints equal messages once, followed by their items: `message (item, item)`, one per line; after
/// the first 256 items, the number of the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemErrors(pub BTreeMap<String, ItemError>);

impl ItemErrors {
    /// Whether a [`Pace`](crate::keyring::Pace) ended the work before all items were tried.
    pub fn were_interrupted(&self) -> bool {
        let interrupted = ItemError::Open(OpenError::Interrupted);
        self.0.values().any(|error| *error == interrupted)
    }
}

impl fmt::Display for ItemErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut groups: Vec<(String, Vec<&str>)> = Vec::new();
        for (item, error) in self.0.iter().take(NAMED) {
            let message = error.to_string();
            match groups.iter_mut().find(|(other, _)| *other == message) {
                Some((_, items)) => items.push(item),
                None => groups.push((message, vec![item])),
            }
        }
        let lines: Vec<_> = groups
            .iter()
            .map(|(message, items)| format!("{message} ({})", items.join(", ")))
            .collect();
        f.write_str(&lines.join("\n"))?;
        match self.0.len().saturating_sub(NAMED) {
            0 => Ok(()),
            more => write!(f, "\nand {more} more items"),
        }
    }
}

/// Reads a SealedSecret from a document. An item that is null is an empty text (reference behaviour).
///
/// # Errors
/// [`SecretError`]: another kind, or a field of the wrong type.
pub fn sealed_secret(document: &Document) -> Result<SealedSecret, SecretError> {
    secret::check_kind(document, names::KIND, names::API_VERSION)?;
    let items = document.value.pointer("/spec/encryptedData").and_then(Value::as_object);
    let nulls = items.into_iter().flatten().filter(|(_, text)| text.is_null());
    let nulls: Vec<_> = nulls.map(|(item, _)| item.clone()).collect();
    let mut sealed: SealedSecret = if nulls.is_empty() {
        document.parse()?
    } else {
        document.parse_without_nulls(&["spec", "encryptedData"])?
    };
    sealed
        .spec
        .encrypted_data
        .extend(nulls.into_iter().map(|item| (item, String::new())));
    Ok(sealed)
}

/// The SealedSecrets among the documents of a file; other kinds are skipped. In a file without any, the first document
/// is read as one, so that the error says what it is.
///
/// # Errors
/// [`SecretError`], as of [`sealed_secret`].
pub fn sealed_secrets(documents: Vec<Document>) -> Result<Vec<(Document, SealedSecret)>, SecretError> {
    let is_meant = is_meant(&documents);
    let meant = documents.into_iter().filter(is_meant);
    meant
        .map(|document| sealed_secret(&document).map(|sealed| (document, sealed)))
        .collect()
}

/// Which documents of a file count as SealedSecrets: those of the kind, or all where there is none.
pub fn is_meant(documents: &[Document]) -> impl Fn(&Document) -> bool + use<> {
    let is_sealed = |document: &Document| document.value.get("kind").is_some_and(|kind| kind == names::KIND);
    let there_are = documents.iter().any(is_sealed);
    move |document| !there_are || is_sealed(document)
}

/// The binding of the items of `sealed`: its own name, namespace and scope annotations, never those of its template.
///
/// # Errors
/// [`BindingError`] when the object lacks a name that its scope binds.
pub fn binding(sealed: &SealedSecret) -> Result<Binding, BindingError> {
    let metadata = &sealed.metadata;
    Binding::new(
        Scope::from_annotations(metadata.annotations.as_ref()),
        metadata.namespace.as_deref().unwrap_or_default(),
        metadata.name.as_deref().unwrap_or_default(),
    )
}

/// Sets the namespace of an object without one: `given`, else that of its template, for which it was sealed where a
/// kustomization sets the namespace. An object with a namespace, or cluster-wide, stays as it is.
pub fn fill_namespace(sealed: &mut SealedSecret, given: Option<&str>) {
    if !matches!(binding(sealed), Err(BindingError::NamespaceMissing(_))) {
        return;
    }
    let template = sealed
        .spec
        .template
        .as_ref()
        .and_then(|template| template.metadata.as_ref());
    let of_template = template.and_then(|metadata| metadata.namespace.clone());
    let given = given.filter(|given| !given.is_empty()).map(str::to_owned);
    sealed.metadata.namespace = given.or(of_template);
}

/// Opens every item, renders the templates, and makes the Secret. The keys in `preferred` are tried first, in this
/// order.
///
/// # Errors
/// [`UnsealError`]; with [`UnsealError::Items`] no item is returned, not even one that opened.
pub fn unseal(
    sealed: &SealedSecret,
    keys: &KeyRing,
    preferred: &[Fingerprint],
    rendering: &mut Rendering<'_>,
) -> Result<Unsealed, UnsealError> {
    open(sealed, keys, preferred)?.render(sealed, rendering)
}

/// The opened values of a SealedSecret, before templates are rendered.
#[derive(Debug)]
pub struct Values {
    secret: ClearSecret,
    opened_by: BTreeSet<Fingerprint>,
}

/// Opens every item: the first half of [`unseal`], all of its work with private keys.
///
/// # Errors
/// [`UnsealError`]. Templates are not rendered with some of the values: their errors would mislead.
pub fn open(sealed: &SealedSecret, keys: &KeyRing, preferred: &[Fingerprint]) -> Result<Values, UnsealError> {
    let binding = binding(sealed)?;
    let (secret, opened_by) = match &sealed.spec.data {
        Some(_) if !sealed.spec.encrypted_data.is_empty() => return Err(UnsealError::BothFormats),
        Some(data) => deprecated_data(data, &binding, keys, preferred)?,
        None => {
            let (items, opened_by) = open_all(sealed, &binding, keys, preferred)?;
            let template = sealed.spec.template.as_ref();
            let secret = ClearSecret {
                metadata: template
                    .and_then(|template| template.metadata.clone())
                    .unwrap_or_default(),
                type_: template.and_then(|template| template.type_.clone()),
                immutable: template.and_then(|template| template.immutable),
                items,
            };
            (secret, opened_by)
        }
    };
    Ok(Values { secret, opened_by })
}

impl Values {
    /// Renders the templates of `sealed`, whose values these are, and makes the Secret: the second half of [`unseal`].
    /// Templates may use a value that is left out of the Secret.
    ///
    /// # Errors
    /// [`UnsealError::Items`]: the templates that fail.
    pub fn render(self, sealed: &SealedSecret, rendering: &mut Rendering<'_>) -> Result<Unsealed, UnsealError> {
        let Self { mut secret, opened_by } = self;
        let mut varying = BTreeSet::new();
        // The deprecated format holds a whole Secret, to which templates add nothing.
        if let (None, Some(template)) = (&sealed.spec.data, &sealed.spec.template) {
            let rendered = render::render(template, &secret.items, rendering);
            if !rendered.errors.is_empty() {
                let errors = rendered.errors.into_iter().map(|(item, error)| (item, error.into()));
                return Err(UnsealError::Items(ItemErrors(errors.collect())));
            }
            for (item, result) in rendered.items {
                match result {
                    Some(bytes) => drop(secret.items.insert(item, bytes)),
                    None => drop(secret.items.remove(&item)),
                }
            }
            varying = rendered.varying;
        }
        secret.metadata = secret_metadata(&secret.metadata, sealed);
        Ok(Unsealed {
            secret,
            opened_by,
            varying,
        })
    }
}

/// Checks that every item opens; returns the keys that opened them. Renders no template: a caller must not learn from
/// the results.
///
/// # Errors
/// [`UnsealError`], as from [`unseal`].
pub fn verify(
    sealed: &SealedSecret,
    keys: &KeyRing,
    preferred: &[Fingerprint],
) -> Result<BTreeSet<Fingerprint>, UnsealError> {
    open(sealed, keys, preferred).map(|values| values.opened_by)
}

type Items = BTreeMap<String, SecretBytes>;

/// Opens every sealed item, one after the other, first with the keys of the object's hint, then with the `preferred`
/// ones, in this order.
pub(crate) fn open_items<'s>(
    sealed: &'s SealedSecret,
    binding: &Binding,
    keys: &KeyRing,
    preferred: &[Fingerprint],
) -> impl Iterator<Item = (&'s str, Result<Opened, ItemError>)> {
    // A hint is a claim of the author: it gives an order, and only opening decides. Items of one object were mostly
    // sealed together, so the key of the last one comes first.
    let hint = KeyHint::from_metadata(&sealed.metadata);
    let hinted = hint.iter().flat_map(KeyHint::keys);
    let mut likely: Vec<_> = hinted.chain(preferred).cloned().collect();
    let mut unopened = 0;
    sealed.spec.encrypted_data.iter().map(move |(item, text)| {
        if unopened >= MAX_UNOPENED {
            return (item.as_str(), Err(ItemError::NotTried));
        }
        let outcome = open_text(text, binding, item, keys, &likely);
        match &outcome {
            Ok(opened) => {
                likely.retain(|other| *other != opened.key);
                likely.insert(0, opened.key.clone());
            }
            Err(ItemError::Open(error)) if error.may_have_cost_operations() => unopened += 1,
            Err(_) => {}
        }
        (item.as_str(), outcome)
    })
}

pub(crate) fn open_text(
    text: &str,
    binding: &Binding,
    item: &str,
    keys: &KeyRing,
    likely: &[Fingerprint],
) -> Result<Opened, ItemError> {
    Ok(keys.open(&base64_text::decode(text)?, binding, item, likely)?)
}

/// # Errors
/// [`UnsealError::Items`]: those that failed.
fn open_all(
    sealed: &SealedSecret,
    binding: &Binding,
    keys: &KeyRing,
    preferred: &[Fingerprint],
) -> Result<(Items, BTreeSet<Fingerprint>), UnsealError> {
    let (mut items, mut errors, mut opened_by) = (Items::new(), BTreeMap::new(), BTreeSet::new());
    for (item, outcome) in open_items(sealed, binding, keys, preferred) {
        match outcome {
            Ok(opened) => {
                items.insert(item.to_owned(), opened.plaintext);
                opened_by.insert(opened.key);
            }
            Err(error) => drop(errors.insert(item.to_owned(), error)),
        }
    }
    if errors.is_empty() {
        Ok((items, opened_by))
    } else {
        Err(UnsealError::Items(ItemErrors(errors)))
    }
}

/// Memory limit for the values of an untrusted text of this length. A large SealedSecret takes three times its text,
/// with managed fields four times; a small one may consist of small values.
pub fn memory_for(length: usize) -> usize {
    (1 << 20) + 4 * length
}

/// The format of version 0.6 and before: one ciphertext of the whole Secret as JSON.
fn deprecated_data(
    data: &str,
    binding: &Binding,
    keys: &KeyRing,
    preferred: &[Fingerprint],
) -> Result<(ClearSecret, BTreeSet<Fingerprint>), UnsealError> {
    let opened = open_text(data, binding, "", keys, preferred).map_err(UnsealError::DeprecatedData)?;
    // Anyone with the certificate can seal any text.
    let text = opened.plaintext.expose();
    let document = manifest::read_one(text, memory_for(text.len())).map_err(|_| UnsealError::DeprecatedDataNoSecret)?;
    let secret = ClearSecret::from_fields(&document).map_err(|_| UnsealError::DeprecatedDataNoSecret)?;
    Ok((secret, BTreeSet::from([opened.key])))
}

/// Labels and annotations of the template, under the SealedSecret's own name, owned by it unless the template opts out.
/// Nothing else of the template's metadata is copied: finalizers and owner references would let its author block or
/// delete objects of others.
fn secret_metadata(template: &ObjectMeta, sealed: &SealedSecret) -> ObjectMeta {
    // Also for the deprecated format, whose own metadata is inside the ciphertext (reference behaviour).
    let outside = sealed
        .spec
        .template
        .as_ref()
        .and_then(|template| template.metadata.as_ref());
    let annotations = outside.and_then(|metadata| metadata.annotations.as_ref());
    let skip = says_true(annotations, names::ANNOTATION_SKIP_SET_OWNER_REFERENCES);
    ObjectMeta {
        name: sealed.metadata.name.clone(),
        namespace: sealed.metadata.namespace.clone(),
        labels: template.labels.clone(),
        annotations: template.annotations.clone(),
        owner_references: (!skip).then(|| vec![owner_reference(sealed)]),
        ..ObjectMeta::default()
    }
}

/// The owner reference that makes Kubernetes delete the Secret with its SealedSecret.
fn owner_reference(sealed: &SealedSecret) -> OwnerReference {
    OwnerReference {
        api_version: names::API_VERSION.to_owned(),
        kind: names::KIND.to_owned(),
        name: sealed.metadata.name.clone().unwrap_or_default(),
        uid: sealed.metadata.uid.clone().unwrap_or_default(),
        controller: Some(true),
        block_owner_deletion: None,
    }
}

#[cfg(test)]
mod tests {
    use jiff::Zoned;

    use super::*;
    use crate::random::SystemRandom;

    fn refused(templates: serde_json::Value, work: u32) -> UnsealError {
        let object = serde_json::json!({
            "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "metadata": {"name": "a", "namespace": "b"},
            "spec": {"encryptedData": {}, "template": {"data": templates}},
        });
        let object = serde_json::from_value(object).unwrap();
        let mut rendering = Rendering {
            now: &Zoned::default(),
            random: &mut SystemRandom::default(),
            refuse_nondeterministic: false,
            work,
        };
        unseal(&object, &KeyRing::default(), &[], &mut rendering).unwrap_err()
    }

    #[test]
    fn more_work_is_wanted_where_that_is_all_that_is_wrong() {
        let hashed = "{{ bcrypt \"p\" }}";
        assert!(refused(serde_json::json!({"a": hashed}), 0).wants_work());
        let mut with_others = refused(serde_json::json!({"a": hashed, "b": "{{ fail \"x\" }}"}), 0);
        assert!(!with_others.wants_work() && !with_others.is_over_limit());
        with_others.leave_out_work();
        let UnsealError::Items(errors) = with_others else {
            panic!()
        };
        assert_eq!(
            errors.0.keys().collect::<Vec<_>>(),
            ["b"],
            "it was not tried in earnest"
        );
        let endless = refused(serde_json::json!({"a": "{{ range until 1000000 }}{{ end }}"}), 0);
        assert!(endless.is_over_limit() && !endless.wants_work());
    }
}
