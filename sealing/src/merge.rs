//! Seals items into an existing SealedSecret, as changes in its text.
//!
//! The target decides where its items open: its name, namespace and scope annotations bind new items as they bind the
//! others. A scope wider than strict must be asked for, and asking for another scope than the target's is an error.

use std::collections::{BTreeMap, BTreeSet};

use crds::{SealedSecret, names};
use thiserror::Error;

use crate::binding::{BindingError, Scope};
use crate::diff::{Difference, differences};
use crate::key::Fingerprint;
use crate::key_hint::KeyHint;
use crate::keyring::KeyRing;
use crate::random::Random;
use crate::seal;
use crate::sealer::{Format, SealItemError, Sealer};
use crate::secret::ClearSecret;
use crate::secret_bytes::SecretBytes;
use crate::size;
use crate::unseal;
use crate::v2::KeyId;
use manifest::edit::Change;

/// What the command line says about the Secret to merge.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MergeParameters {
    /// `--scope` as typed: must be the target's.
    pub scope: Option<Scope>,
    /// `--namespace` as typed: must be the target's.
    pub namespace: Option<String>,
    /// `--allow-empty-data`.
    pub allow_empty: bool,
    /// Whether the target gets a key hint. One that it has is renewed in any case.
    pub hinted: bool,
}

/// Why nothing was sealed into the target.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MergeError {
    /// There is nothing to seal. The text is the reference's.
    #[error(
        "secret.data is empty in input Secret, assuming this is an error and aborting. To work with empty data, --allow-empty-data can be used"
    )]
    Empty,
    /// The target lacks a name that its scope binds.
    #[error(transparent)]
    Binding(#[from] BindingError),
    /// The target has another scope than the one asked for: its items could not all be opened.
    #[error("the target's scope is {target}, but the scope asked for is {asked}")]
    Scope {
        /// The target's.
        target: Scope,
        /// The flag's, or that of the Secret's annotations.
        asked: Scope,
    },
    /// The target's scope is wider than strict, and strict was implied: otherwise the author of the file would decide
    /// where new values open.
    #[error("the target's scope is {0}, which was not asked for")]
    WiderUnasked(Scope),
    /// The target is in another namespace. The text is the reference's.
    #[error("namespace mismatch: input secret is in namespace {target:?} but {asked:?} was specified")]
    Namespace {
        /// The target's.
        target: String,
        /// The flag's.
        asked: String,
    },
    /// The target is of the format of version 0.6 and before, which holds one ciphertext only.
    #[error("the target holds its ciphertext in the deprecated field 'data', beside which no item can stand")]
    DeprecatedData,
    /// No Secret can have an item of this name (Kubernetes: at most 253 letters, digits, `-`, `_` and `.`).
    #[error("{0:?} cannot be the name of an item (at most 253 letters, digits, '-', '_' and '.')")]
    ItemName(String),
    /// No Secret can hold so much.
    #[error(
        "the Secret's values would have {0} bytes together, and Kubernetes allows {max} in a Secret",
        max = size::LARGEST_SECRET
    )]
    TooLarge(usize),
    /// A value could not be sealed.
    #[error(transparent)]
    Item(#[from] SealItemError),
}

/// The changes that seal the items of `secret` into `target`, and copy the labels and annotations of `secret` into its
/// template. Type and `immutable` stay as in the target (reference behaviour), and so do fields with equal values.
///
/// # Errors
/// [`MergeError`].
pub fn merge(
    target: &SealedSecret,
    secret: &ClearSecret,
    parameters: &MergeParameters,
    sealer: &Sealer<'_>,
    random: &mut dyn Random,
) -> Result<Vec<Change>, MergeError> {
    if secret.items.is_empty() && !parameters.allow_empty {
        return Err(MergeError::Empty);
    }
    // The scope annotations of the Secret ask for a scope like the flag, and the flag wins.
    let annotated = Scope::from_annotations(secret.metadata.annotations.as_ref());
    let annotated = Some(annotated).filter(|scope| *scope != Scope::Strict);
    check_scope(target, parameters.scope.or(annotated))?;
    let in_namespace = target.metadata.namespace.as_deref().unwrap_or_default();
    let asked = parameters.namespace.as_deref().filter(|asked| !asked.is_empty());
    if let Some(asked) = asked.filter(|asked| *asked != in_namespace && !in_namespace.is_empty()) {
        return Err(MergeError::Namespace {
            target: in_namespace.to_owned(),
            asked: asked.to_owned(),
        });
    }
    let mut changes = seal_items(target, &secret.items, parameters.hinted, sealer, random)?;
    let template = target
        .spec
        .template
        .as_ref()
        .and_then(|template| template.metadata.as_ref());
    let update = seal::template_metadata(&secret.metadata);
    let maps = [
        (
            "labels",
            &update.labels,
            template.and_then(|metadata| metadata.labels.as_ref()),
        ),
        (
            "annotations",
            &update.annotations,
            template.and_then(|metadata| metadata.annotations.as_ref()),
        ),
    ];
    // Where the flag wins, the scope annotations of the Secret would contradict those of the object.
    let other_scope = Scope::from_annotations(secret.metadata.annotations.as_ref())
        != Scope::from_annotations(target.metadata.annotations.as_ref());
    let is_scope = |name: &str| Scope::ALL.iter().any(|scope| scope.annotation() == Some(name));
    for (field, update, current) in maps {
        let kept = |name: &str| field == "annotations" && other_scope && is_scope(name);
        for (name, text) in update.iter().flatten().filter(|(name, _)| !kept(name)) {
            if current.and_then(|current| current.get(name)) != Some(text) {
                changes.push(Change::set(["spec", "template", "metadata", field, name], text));
            }
        }
    }
    Ok(changes)
}

/// The changes that make `target` follow `secret`, of which [`crate::seal::outline`] gives `wanted`. Items become those
/// of the Secret, all sealed again except `unchanged`; metadata that the target lacks is added. The caller refuses
/// contradictions ([`Difference::is_contradiction`]).
///
/// # Errors
/// [`MergeError`].
pub fn follow(
    target: &SealedSecret,
    wanted: &SealedSecret,
    secret: &ClearSecret,
    unchanged: &BTreeSet<String>,
    hinted: bool,
    sealer: &Sealer<'_>,
    random: &mut dyn Random,
) -> Result<Vec<Change>, MergeError> {
    let mut items = secret.items.clone();
    items.retain(|item, _| !unchanged.contains(item));
    let mut left = target.clone();
    left.spec
        .encrypted_data
        .retain(|item, _| wanted.spec.encrypted_data.contains_key(item));
    let mut changes = seal_items(&left, &items, hinted, sealer, random)?;
    for difference in differences(wanted, target) {
        changes.extend(match &difference {
            Difference::ItemTooMany(item) => remove_item(target, item),
            other => other.change(wanted),
        });
    }
    Ok(changes)
}

/// How the value of a sealed item compares with the one in the Secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Held {
    /// The same value, sealed with this key; in format v2, with this hybrid key of it.
    Same(Fingerprint, Option<KeyId>),
    /// Another value.
    Other,
    /// None of the keys opens it.
    Unopened,
}

/// Opens the items that `target` has in common with `items`, and compares them.
///
/// # Errors
/// [`BindingError`] when the target lacks a name that its scope binds.
pub fn compare_items(
    target: &SealedSecret,
    items: &BTreeMap<String, SecretBytes>,
    keys: &KeyRing,
) -> Result<BTreeMap<String, Held>, BindingError> {
    let binding = unseal::binding(target)?;
    let opened = unseal::open_items(target, &binding, keys, &[]);
    let compared = opened.filter_map(|(item, outcome)| {
        let clear = items.get(item)?;
        let held = match outcome {
            Ok(opened) if opened.plaintext == *clear => Held::Same(opened.key, opened.hybrid),
            Ok(_) => Held::Other,
            Err(_) => Held::Unopened,
        };
        Some((item.to_owned(), held))
    });
    Ok(compared.collect())
}

/// Checks that `target` has the scope asked for; without one, that it is strict.
///
/// # Errors
/// [`MergeError::Scope`], [`MergeError::WiderUnasked`].
pub fn check_scope(target: &SealedSecret, asked: Option<Scope>) -> Result<(), MergeError> {
    let scope = Scope::from_annotations(target.metadata.annotations.as_ref());
    match asked {
        Some(asked) if asked != scope => Err(MergeError::Scope { target: scope, asked }),
        None if scope != Scope::Strict => Err(MergeError::WiderUnasked(scope)),
        _ => Ok(()),
    }
}

/// The changes that seal these items into `target`, replacing items of the same names, in the format that `sealer`
/// chooses after the latest one in the target. With `hinted` they write a key hint where all keys of the other items
/// are known; an existing hint is always updated.
///
/// # Errors
/// [`MergeError`].
pub fn seal_items(
    target: &SealedSecret,
    items: &BTreeMap<String, SecretBytes>,
    hinted: bool,
    sealer: &Sealer<'_>,
    random: &mut dyn Random,
) -> Result<Vec<Change>, MergeError> {
    if target.spec.data.is_some() {
        return Err(MergeError::DeprecatedData);
    }
    let size = size::of_secret_with(&target.spec, items);
    if size > size::LARGEST_SECRET {
        return Err(MergeError::TooLarge(size));
    }
    let binding = unseal::binding(target)?;
    let former = Format::latest_of(target);
    let mut changes = Vec::new();
    for (item, plaintext) in items {
        check_item_name(item)?;
        let sealed = sealer.seal(former, plaintext.expose(), &binding, item, random)?;
        changes.push(Change::set(["spec", "encryptedData", item], sealed));
    }
    let before = KeyHint::from_metadata(&target.metadata);
    let others_left = target.spec.encrypted_data.keys().any(|item| !items.contains_key(item));
    if !items.is_empty() && (hinted || before.is_some()) {
        let after = KeyHint::after(before.clone(), sealer.fingerprint(), others_left);
        let news = after.filter(|after| before.as_ref() != Some(after));
        changes.extend(news.map(|hint| hint.change()));
    }
    Ok(changes)
}

/// The change that removes an item; `None` when there is no such item.
pub fn remove_item(target: &SealedSecret, item: &str) -> Option<Change> {
    let path = item_path(item);
    target
        .spec
        .encrypted_data
        .contains_key(item)
        .then_some(Change::Remove { path })
}

/// The change that renames an item and keeps its ciphertext; `None` when there is no such item. A value of format v2 is
/// bound to its item's name and does not open under another.
///
/// # Errors
/// [`MergeError::ItemName`].
pub fn rename_item(target: &SealedSecret, item: &str, to: &str) -> Result<Option<Change>, MergeError> {
    check_item_name(to)?;
    let path = item_path(item);
    let to = to.to_owned();
    let is_there = target.spec.encrypted_data.contains_key(item);
    Ok(is_there.then_some(Change::Rename { path, to }))
}

fn item_path(item: &str) -> Vec<String> {
    ["spec", "encryptedData", item].map(str::to_owned).into()
}

/// Refuses a name that no item of a Secret can have: the API server's rule (`IsConfigMapKey`).
///
/// # Errors
/// [`MergeError::ItemName`].
pub fn check_item_name(item: &str) -> Result<(), MergeError> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let reserved = matches!(item, "." | "..") || item.starts_with("..");
    if item.is_empty() || item.len() > 253 || reserved || !item.chars().all(fits) {
        return Err(MergeError::ItemName(item.to_owned()));
    }
    Ok(())
}

/// Why no single SealedSecret of a file was selected.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NoTarget {
    /// There is no SealedSecret at all.
    #[error("there is no {} in it", names::KIND)]
    None,
    /// None of them has the name.
    #[error("none of its {} {}s is {wanted} (they are {})", .found.len(), names::KIND, .found.join(", "))]
    Other {
        /// The requested name, with its namespace if one was given.
        wanted: String,
        /// The names in the file.
        found: Vec<String>,
    },
    /// Several match.
    #[error("it holds {} {}s ({})", .found.len(), names::KIND, .found.join(", "))]
    Several {
        /// The matches.
        found: Vec<String>,
    },
}

/// The position of the SealedSecret with this name and namespace, each compared only if given. The only one of a file
/// is taken whatever its name, unless `strictly`.
///
/// # Errors
/// [`NoTarget`].
pub fn target(
    all: &[SealedSecret],
    name: Option<&str>,
    namespace: Option<&str>,
    strictly: bool,
) -> Result<usize, NoTarget> {
    let shown = |sealed: &SealedSecret| {
        let name = sealed.metadata.name.clone().unwrap_or_default();
        let namespace = sealed.metadata.namespace.as_ref();
        namespace.map_or(name.clone(), |namespace| format!("{namespace}/{name}"))
    };
    let found = |these: &[usize]| {
        these
            .iter()
            .filter_map(|at| all.get(*at))
            .map(shown)
            .collect::<Vec<_>>()
    };
    let says = |said: Option<&str>, has: &Option<String>| said.is_none_or(|said| has.as_deref() == Some(said));
    let everything: Vec<usize> = (0..all.len()).collect();
    match everything.as_slice() {
        [] => return Err(NoTarget::None),
        [only] if !strictly => return Ok(*only),
        _ => {}
    }
    let fits = |sealed: &SealedSecret| {
        // An object without a namespace can be anywhere.
        let anywhere = sealed.metadata.namespace.is_none();
        says(name, &sealed.metadata.name) && (anywhere || says(namespace, &sealed.metadata.namespace))
    };
    let fitting: Vec<usize> = (0..all.len()).filter(|at| all.get(*at).is_some_and(fits)).collect();
    match fitting.as_slice() {
        [] => Err(NoTarget::Other {
            wanted: [namespace, name].into_iter().flatten().collect::<Vec<_>>().join("/"),
            found: found(&everything),
        }),
        [one] => Ok(*one),
        several => Err(NoTarget::Several { found: found(several) }),
    }
}
