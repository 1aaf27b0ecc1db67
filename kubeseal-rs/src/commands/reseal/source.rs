//! A file with something to reseal: SealedSecrets, and sealed values that stand elsewhere in it.

use std::path::Path;

use crds::{SealedSecret, names};
use http::StatusCode;
use manifest::Place;
use manifest::edit::{Change, Edit};
use sealing::binding::Binding;
use sealing::key_hint::KeyHint;
use sealing::keyring::OpenError;
use sealing::merge::check_item_name;
use sealing::reseal::ResealError;
use sealing::sealer::{Format, Sealer};
use sealing::unseal::{ItemError, fill_namespace};

use super::shown::{changed, items};
use super::unfinished::NewestNotGiven;
use super::{ResealFiles, ResealMode};
use crate::cluster::ClusterError;
use crate::commands::read::place_by_kustomization;
use crate::commands::sealed_file::full_name;
use crate::embedded::{self, Embedded};
use crate::error::{Error, Hinted};
use crate::files::{self, Input, is_stream};
use crate::lint::{Namespaces, Purpose};
use crate::manifest_file::{Manifest, ciphertexts, says};
use crate::objects::{Fault, InputError};
use crate::tree::TreeFile;
use crate::typed::Typed;
use crate::walk::has_manifest_ending;

/// The item under which a value of format v1 is opened that stands in no SealedSecret: it is not bound to it.
const ITEM: &str = "value";

/// How objects are resealed.
pub(super) struct Reseal<'a> {
    /// Whether all values of objects get format v2.
    pub(super) raised: bool,
    /// What changes in an object that begins at a place.
    pub(super) changes: &'a Changes<'a>,
    /// The same of an object that a value outside objects is put into: that is never raised.
    pub(super) outside: &'a Changes<'a>,
    /// What seals, where its own private key is not at hand.
    pub(super) unheld: Option<&'a Sealer<'a>>,
}

impl Reseal<'_> {
    /// Whether an object that does not open needs no work: its key hint names the newest key alone, whose private key is not at
    /// hand. A hint that is wrong leaves the object as it is, and the report says that it was not opened.
    fn is_done(&self, sealed: &SealedSecret, error: &Error) -> bool {
        let Some(sealer) = self.unheld.filter(|_| lacks_a_key(error)) else {
            return false;
        };
        let keeps_format = |text: &String| {
            let format = Format::of(text);
            format == Some(sealer.format_after(format))
        };
        KeyHint::from_metadata(&sealed.metadata) == Some(KeyHint::of_key(sealer.fingerprint()))
            && sealed.spec.encrypted_data.values().all(keeps_format)
    }

    /// That these objects were not opened for want of that key.
    fn not_given(&self, objects: &[String]) -> NewestNotGiven {
        NewestNotGiven {
            objects: objects.join(", "),
            key: self
                .unheld
                .map(|sealer| sealer.fingerprint().to_string())
                .unwrap_or_default(),
        }
    }
}

type Changes<'a> = dyn Fn(Place, &SealedSecret) -> Result<Vec<Change>, Error> + 'a;

/// A file as it was read.
pub(super) struct Source {
    /// The file, with its SealedSecrets.
    pub(super) manifest: Manifest,
    /// The sealed values that are in none of them.
    pub(super) embedded: Vec<Embedded>,
}

/// A file in which there is something to reseal. It is read again when its turn comes: of thousands, none is held until then.
pub(super) struct Waiting {
    file: TreeFile,
    is_patch: bool,
    /// What cannot be read twice.
    stream: Option<Source>,
}

impl Waiting {
    /// Reads a file to see whether there is something to reseal in it. `is_patch` and errors: as those of [`Source::read`].
    pub(super) fn of(file: TreeFile, is_patch: bool) -> Result<Option<Self>, Error> {
        let read = Source::read(&file, is_patch)?;
        Ok(read.map(|source| Self {
            stream: Some(source).filter(|_| is_stream(&file.path)),
            file,
            is_patch,
        }))
    }

    pub(super) fn path(&self) -> &Path {
        &self.file.path
    }

    /// Whether it was found in a folder, or by a pattern, and not typed itself.
    pub(super) fn is_found(&self) -> bool {
        !self.file.typed
    }

    /// Where it lies, for what project files say of it.
    pub(super) fn places(&self) -> Vec<&Path> {
        let path = self.path();
        if is_stream(path) { Vec::new() } else { vec![path] }
    }

    /// Does `one` with what is in the file now; none when there is nothing to reseal any more.
    pub(super) fn with<T>(&self, one: impl FnOnce(&Source) -> Result<T, Error>) -> Result<Option<T>, Error> {
        match &self.stream {
            Some(source) => one(source).map(Some),
            None => Source::read(&self.file, self.is_patch)?.as_ref().map(one).transpose(),
        }
    }
}

/// What became of the values of a file.
pub(super) struct Values {
    /// The text of the file with the new values in it, and nothing else changed.
    pub(super) text: Vec<u8>,
    /// What was done, a line each.
    pub(super) details: Vec<String>,
    /// What was left, though objects are raised.
    pub(super) left: Option<String>,
}

/// What becomes of the objects of a file.
pub(super) struct Objects<'s> {
    /// What changes in them.
    pub(super) edits: Vec<Edit<'s>>,
    /// What was done, a line each.
    pub(super) details: Vec<String>,
    /// How many there are.
    pub(super) count: usize,
    /// Which of them were not opened, as they need no work.
    pub(super) unopened: Option<String>,
}

impl Source {
    /// Reads a file; none when there is nothing to reseal in it. A patch holds no objects: its sealed values are bound to what it
    /// is a patch of, of which it mostly has the name.
    ///
    /// # Errors
    /// As those of [`Manifest::read`], but that a Helm template, or a text of another ending that says no such kind, need not be
    /// YAML where it has sealed values.
    pub(super) fn read(file: &TreeFile, is_patch: bool) -> Result<Option<Self>, Error> {
        let bytes = if file.typed || has_manifest_ending(&file.path) {
            files::read(&Input::of(&file.path), "json/yaml k8s resources")?
        } else {
            match files::read_if_text(&file.path)? {
                Some(text) => text,
                None => return Ok(None),
            }
        };
        let embedded = embedded::find(&bytes);
        let mut manifest = Manifest::unread(&file.path, bytes);
        match manifest.read_documents(file, names::KIND) {
            Err(_) if !embedded.is_empty() && is_other_text(&file.path, &manifest.bytes) => {}
            read => read?,
        }
        if is_patch {
            manifest.documents.clear();
        }
        let embedded = embedded::outside(embedded, &ciphertexts(&manifest.documents));
        let has_objects = manifest.of_kind(names::KIND).next().is_some();
        Ok((has_objects || !embedded.is_empty()).then_some(Self { manifest, embedded }))
    }

    /// Has `reseal` reseal each value as the only item of an object, under every name that it may be bound to until it opens.
    /// `reseal` gives the changes of that object.
    ///
    /// # Errors
    /// [`Fault::NotOpened`] with all values that do not open; else what keeps one from being resealed.
    pub(super) fn reseal_values(&self, command: &ResealFiles, reseal: &Reseal<'_>) -> Result<Values, Error> {
        let bytes = embedded::as_utf8(&self.manifest.bytes);
        let text = String::from_utf8_lossy(&bytes);
        let (mut new, mut details, mut unopened, mut reasons) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for embedded in &self.embedded {
            let candidates = embedded::bindings(&text, embedded.range.start, &command.bound_to);
            let item = self.item(embedded)?;
            match one_value(embedded, (item, &candidates), reseal)? {
                Err(reason) => {
                    unopened.push(embedded.line);
                    reasons.extend(reason);
                }
                Ok((_, None)) => {}
                Ok((binding, Some(value))) => {
                    details.push(format!(
                        "{}: {}",
                        shown(binding),
                        changed(&embedded.name(), embedded.format(), Some(&value))
                    ));
                    new.push((embedded.range.clone(), value));
                }
            }
        }
        if unopened.is_empty() {
            let text = match new.is_empty() {
                true => Ok(self.manifest.bytes.to_vec()),
                false => embedded::encoded_as(&self.manifest.bytes, embedded::replaced(&bytes, &new)),
            };
            let text = text.map_err(|error| self.manifest.name.fault(error))?;
            let left = reseal.raised.then(|| left_in_v1(&self.embedded)).flatten();
            Ok(Values { text, details, left })
        } else {
            let lines = unopened;
            Err(self.manifest.name.fault(Fault::NotOpened { lines, reasons }).into())
        }
    }

    /// Has `reseal` say what changes in each SealedSecret.
    ///
    /// # Errors
    /// What keeps one from being resealed.
    pub(super) fn reseal_objects(
        &self,
        command: &ResealFiles,
        namespaces: &Namespaces,
        reseal: &Reseal<'_>,
    ) -> Result<Objects<'_>, Error> {
        let Manifest { path, name, .. } = &self.manifest;
        let (mut edits, mut details, mut count, mut unopened) = (Vec::new(), Vec::new(), 0, Vec::new());
        for document in self.manifest.of_kind(names::KIND) {
            count += 1;
            let mut sealed = name.sealed_secret(document)?;
            fill_namespace(&mut sealed, command.bound_to.namespace.as_deref());
            place_by_kustomization(path, &mut sealed, namespaces, Purpose::Opening)
                .map_err(|fault| name.fault_at(document.place(), fault))?;
            let changes = match (reseal.changes)(document.place(), &sealed) {
                Err(error) if reseal.is_done(&sealed, &error) => {
                    unopened.push(full_name(&sealed));
                    // A check believes no hint.
                    if matches!(command.mode, ResealMode::Check { fail: true, .. }) {
                        return Err(name.fault_at(document.place(), reseal.not_given(&unopened)).into());
                    }
                    continue;
                }
                changes => changes?,
            };
            if !changes.is_empty() {
                details.push(items(&sealed, &changes));
                edits.push(Edit { document, changes });
            }
        }
        let unopened = (!unopened.is_empty()).then(|| reseal.not_given(&unopened).to_string());
        Ok(Objects {
            edits,
            details,
            count,
            unopened,
        })
    }

    /// The item that a value of format v2 is bound to: the key beside it.
    ///
    /// # Errors
    /// [`NoKeyBeside`].
    fn item<'e>(&self, embedded: &'e Embedded) -> Result<&'e str, Error> {
        if embedded.format() != Some(Format::V2) {
            return Ok(ITEM);
        }
        let key = embedded.key.as_deref().filter(|key| check_item_name(key).is_ok());
        Ok(key.ok_or_else(|| self.manifest.name.fault(NoKeyBeside(embedded.line)))?)
    }
}

/// Whether a text need not be YAML.
fn is_other_text(path: &Path, bytes: &[u8]) -> bool {
    embedded::is_template(bytes) || !has_manifest_ending(path) && !says(&manifest::text_lossy(bytes), names::KIND)
}

/// That values stay in format v1: the key beside one is seldom the name of the item that a chart makes of it.
fn left_in_v1(values: &[Embedded]) -> Option<String> {
    let left = values.iter().filter(|one| one.format() == Some(Format::V1)).count();
    let values = if left == 1 { "value" } else { "values" };
    (left > 0).then(|| {
        format!(
            "left in v1: {left} sealed {values} outside SealedSecrets; format v2 binds a value to its item, whose name is not known here"
        )
    })
}

/// The binding that opens a value, and its new text where it changes; when it does not open, what is known of a value of format v2.
type OneValue<'b> = Result<(&'b Binding, Option<String>), Option<String>>;

fn one_value<'b>(
    embedded: &Embedded,
    (item, candidates): (&str, &'b [Binding]),
    reseal: &Reseal<'_>,
) -> Result<OneValue<'b>, Error> {
    let mut reason = None;
    let place = Place {
        document: 1,
        line: embedded.line,
        column: 1,
        item: None,
    };
    for binding in candidates {
        match (reseal.outside)(place, &alone(embedded, item, binding)) {
            Ok(changes) => {
                let new = changes.into_iter().find_map(|change| match change {
                    Change::Set { path, text } if path.last().is_some_and(|step| step == item) => text,
                    _ => None,
                });
                return Ok(Ok((binding, new)));
            }
            Err(error) if does_not_open(&error) => reason = reason_of(&error).or(reason),
            Err(error) => return Err(error),
        }
    }
    let is_v2 = embedded.format() == Some(Format::V2);
    Ok(Err(is_v2.then(|| {
        let reason = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
        format!("line {}, as item {item}{reason}", embedded.line)
    })))
}

/// Why the one value of an object does not open, where its keys are at hand.
fn reason_of(error: &Error) -> Option<String> {
    match error.downcast_ref::<InputError>()?.fault.unexplained() {
        Fault::Reseal(ResealError::Items(errors)) => errors.0.values().next().map(ToString::to_string),
        _ => None,
    }
}

/// An object with this value alone.
fn alone(embedded: &Embedded, item: &str, binding: &Binding) -> SealedSecret {
    let mut object = SealedSecret::default();
    let (namespace, name) = match binding {
        Binding::Strict { namespace, name } => (namespace.as_str(), name.as_str()),
        // What is not bound may be anything, and the controller wants both.
        Binding::NamespaceWide { namespace } => (namespace.as_str(), ITEM),
        Binding::ClusterWide => ("default", ITEM),
    };
    object.metadata.namespace = Some(namespace.to_owned());
    object.metadata.name = Some(name.to_owned());
    object.metadata.annotations = binding
        .scope()
        .annotation()
        .map(|annotation| [(annotation.to_owned(), "true".to_owned())].into());
    object.spec.encrypted_data = [(item.to_owned(), embedded.value.clone())].into();
    object
}

/// No key stands before a value that is bound to one.
#[derive(Debug, thiserror::Error)]
#[error("line {0}: no key stands before this sealed value, to which format v2 binds it")]
struct NoKeyBeside(usize);

impl Hinted for NoKeyBeside {
    fn hint(&self, _typed: &Typed) -> Option<String> {
        Some("nothing was written: put it behind the name of its item (KEY: VALUE), or leave the file out: --exclude FILE".to_owned())
    }
}

/// Whether no key that is at hand opens an object.
fn lacks_a_key(error: &Error) -> bool {
    let Some(error) = error.downcast_ref::<InputError>() else {
        return false;
    };
    let lacks = |error: &ItemError| {
        matches!(
            error,
            ItemError::Open(OpenError::NoKey { .. } | OpenError::NoSuchKey { .. }) | ItemError::NotTried
        )
    };
    match error.fault.unexplained() {
        Fault::Reseal(ResealError::Items(errors)) => errors.0.values().all(lacks),
        _ => false,
    }
}

fn does_not_open(error: &Error) -> bool {
    let Some(error) = error.downcast_ref::<InputError>() else {
        return false;
    };
    match error.fault.unexplained() {
        Fault::Reseal(ResealError::Items(_)) => true,
        Fault::NotReEncrypted(ClusterError::ReEncrypt(refusal, _)) => {
            refusal.status == StatusCode::INTERNAL_SERVER_ERROR
        }
        _ => false,
    }
}

fn shown(binding: &Binding) -> String {
    match binding {
        Binding::Strict { namespace, name } => format!("{namespace}/{name}"),
        Binding::NamespaceWide { namespace } => namespace.clone(),
        Binding::ClusterWide => "cluster-wide".to_owned(),
    }
}
