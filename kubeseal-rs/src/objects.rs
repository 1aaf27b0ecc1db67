//! Input bytes → objects, with errors that name the input, the document and the line.

mod hint;

use std::error::Error as StdError;
use std::fmt;

use crds::SealedSecret;
use sealing::cert::CertError;
use sealing::document::edit::EditError;
use sealing::document::{self, Document, DocumentError, EmitError, Format, Lost, Place};
use sealing::key_secret::KeyFileError;
use sealing::merge::{MergeError, NoTarget, check_item_name};
use sealing::reseal::ResealError;
use sealing::reseal::reply::ReplyError;
use sealing::seal::SealError;
use sealing::secret::{ClearSecret, SecretError};
use sealing::size;
use sealing::unseal::{self, ItemError, UnsealError};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::cluster::ClusterError;
use crate::cmd::seal_files::{ClearFileFault, SourceFault};
use crate::cmd::unseal_files::ClearPlaceFault;
use crate::command::Input;
use crate::embedded;
use crate::error::Error;
use crate::field_order::GoOrder;
use crate::files;
use crate::project::ProjectError;
use crate::quoting::on_one_line;

/// Something is wrong with what was read, and where. Prints the input, the place and the fault; what caused the fault
/// is this error's source.
#[derive(Debug)]
pub(crate) struct InputError {
    /// Name of the file, or `stdin`.
    pub(crate) input: String,
    /// The document and its line; `None` when the fault begins with them itself, or is that of the whole input.
    pub(crate) place: Option<Place>,
    /// What is wrong there.
    pub(crate) fault: Box<Fault>,
}

impl InputError {
    /// Where it is: `secrets.yaml, document 2, line 14`.
    pub(crate) fn location(&self) -> String {
        let input = on_one_line(&self.input);
        match &self.place {
            Some(place) => format!("{input}, {place}"),
            None => input,
        }
    }
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fault = self.fault.to_string();
        let names_its_place = ["document ", "line ", "lines "]
            .iter()
            .any(|start| fault.starts_with(start));
        let divider = if names_its_place { "," } else { ":" };
        write!(f, "{}{divider} {fault}", self.location())
    }
}

impl StdError for InputError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.fault.source()
    }
}

/// What can be wrong with an input.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// It is not the text of Kubernetes objects.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// It is no Secret, or no SealedSecret.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// It cannot be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// It cannot be opened.
    #[error(transparent)]
    Unseal(#[from] UnsealError),
    /// It cannot be opened, as no private key was given.
    #[error(transparent)]
    UnsealWithoutKeys(UnsealError),
    /// The controller cannot open it. The text is the reference's.
    #[error("unable to decrypt sealed secret: {0}")]
    NotValid(String),
    /// There is no Secret among its objects.
    #[error("there is no Secret in it")]
    NoSecret,
    /// It holds no certificate that can seal.
    #[error(transparent)]
    Cert(#[from] CertError),
    /// It holds no private keys.
    #[error(transparent)]
    Keys(#[from] KeyFileError),
    /// There is nothing in it.
    #[error("the value is empty")]
    EmptyValue,
    /// No Secret can hold it.
    #[error("the value has {0} bytes, and Kubernetes allows {max} in a Secret", max = size::LARGEST_SECRET)]
    LargeValue(usize),
    /// There is nothing in it that is a certificate.
    #[error("there is no certificate in it")]
    NoCertificate,
    /// It is a project file that makes no sense, or says no certificate for a file.
    #[error(transparent)]
    Project(#[from] ProjectError),
    /// A clear file is not written.
    #[error(transparent)]
    ClearPlace(#[from] ClearPlaceFault),
    /// Sealed values that stand in no SealedSecret do not open.
    #[error(
        "{} outside SealedSecrets, and no key opens {} under any name that is given or stands in the same document",
        lines_of(lines), if lines.len() == 1 { "it" } else { "them" }
    )]
    NotOpened {
        /// Their lines, at least one.
        lines: Vec<usize>,
    },
    /// There is no sealed value under a key.
    #[error("there is no sealed value {} in it ({})", under(.key.as_ref()), there_are(.found))]
    NoSealedValue {
        /// The key; `None` for a word that cannot be one, and may be a value.
        key: Option<String>,
        /// The keys that there are.
        found: Vec<String>,
    },
    /// There are several.
    #[error("lines {}: several sealed values have this key", numbers(.lines))]
    SeveralSealedValues {
        /// Their lines.
        lines: Vec<usize>,
    },
    /// Nothing says what a value outside SealedSecrets is to be bound to.
    #[error(
        "line {line}: what this value is bound to is not known: it stands in no SealedSecret with a plain name and namespace"
    )]
    Unbound {
        /// Its line.
        line: usize,
    },
    /// A value cannot be removed by lines.
    #[error("line {line}: something else stands beside this value, so it is not removed")]
    NotAlone {
        /// Its line.
        line: usize,
    },
    /// It is a Helm template.
    #[error("{place}: it is a Helm template, which is YAML only when Helm has filled it in")]
    Template {
        /// Where reading it as YAML stopped.
        place: Place,
    },
    /// An object is not resealed.
    #[error(transparent)]
    Reseal(#[from] ResealError),
    /// A bare value does not open.
    #[error(transparent)]
    OpenRaw(ItemError),
    /// A clear file cannot go, or its sealed one not be written.
    #[error(transparent)]
    ClearFile(#[from] ClearFileFault),
    /// A plain file cannot be made an item, or items.
    #[error(transparent)]
    Source(#[from] SourceFault),
    /// It cannot be changed without changing something else.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// Nothing can be sealed into it.
    #[error(transparent)]
    Merge(#[from] MergeError),
    /// It is not clear which of its objects is meant.
    #[error(transparent)]
    NoTarget(#[from] NoTarget),
    /// JSON was asked for, and a file that is changed in place keeps its form.
    #[error("it is YAML and stays YAML, so it takes no --format json")]
    StaysYaml,
    /// Another Secret of the input goes into the same object, and has the same field.
    #[error("another Secret before it has set {field} of the same SealedSecret")]
    SealedTwice {
        /// The field, with dots.
        field: String,
    },
    /// Templates of the object use the item.
    #[error("templates use item {item:?}: {}", .templates.join(", "))]
    UsedByTemplates {
        /// The item.
        item: String,
        /// The names of the templates.
        templates: Vec<String>,
    },
    /// There is no item of this name.
    #[error("there is no {} ({})", such(.item.as_ref()), there_are(.found))]
    NoItem {
        /// Its name; `None` for a word that cannot be one, and may be a value.
        item: Option<String>,
        /// The items that there are.
        found: Vec<String>,
    },
    /// Nothing is rendered.
    #[error("it has no templates (spec.template.data)")]
    NoTemplates,
    /// What a template made cannot stand in YAML.
    #[error("the result for {0:?} is no text")]
    NotText(String),
    /// There is no value to seal into a file.
    #[error("the value is empty")]
    EmptyItem,
    /// YAML would lose a part of what was typed.
    #[error(transparent)]
    Lost(#[from] Lost),
    /// No object can be called as the file is.
    #[error("its name does not say what to call the object")]
    NameOfFile,
    /// The text in the editor is gone.
    #[error("it was emptied, so nothing was changed")]
    EmptiedForm,
    /// The text in the editor has become several documents.
    #[error("one document is wanted here (no line with ---)")]
    ManyForms,
    /// The text in the editor has values for an object that is not in the file.
    #[error("there is no {0:?} in the file")]
    NoSuchObject(String),
    /// Nothing can be added to a file in the form that it has.
    #[error("nothing can be added at its end")]
    NoEnd,
    /// SOPS has encrypted it.
    #[error("it is encrypted by SOPS")]
    Sops,
    /// An item is to be called as it is.
    #[error("item {0:?} is called so already")]
    SameName(String),
    /// Kustomizations give the objects of its file different namespaces.
    #[error("it names no namespace, and kustomizations put it into {}", .0.join(", "))]
    SeveralNamespaces(Vec<String>),
    /// Nothing can be called so.
    #[error("{0}")]
    Impossible(String),
    /// Sealed values outside SealedSecrets are not typed in an editor.
    #[error("its sealed values stand outside SealedSecrets ({}), which edit does not change", .found.join(", "))]
    NotEdited {
        /// Their keys, or lines.
        found: Vec<String>,
    },
    /// Keys outside SealedSecrets are not renamed.
    #[error("line {line}: this value stands outside SealedSecrets, where templates may use its key")]
    NotRenamed {
        /// Its line.
        line: usize,
        /// The key that it was to get.
        new: String,
    },
    /// Somebody else has changed the file since it was read.
    #[error("it was changed by somebody else meanwhile")]
    ChangedMeanwhile,
    /// The controller does not seal it again.
    #[error(transparent)]
    NotReEncrypted(ClusterError),
    /// What the controller answered is no SealedSecret.
    #[error("the controller's answer is no SealedSecret")]
    NoReply,
    /// What the controller answered is not the same object.
    #[error(transparent)]
    Reply(#[from] ReplyError),
    /// The result cannot be written as text.
    #[error(transparent)]
    Emit(#[from] EmitError),
}

impl Fault {
    /// That `sealed` has no such item.
    pub(crate) fn no_item(item: &str, sealed: &SealedSecret) -> Self {
        Fault::NoItem {
            item: check_item_name(item).is_ok().then(|| item.to_owned()),
            found: sealed.spec.encrypted_data.keys().cloned().collect(),
        }
    }
}

fn numbers(lines: &[usize]) -> String {
    lines.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")
}

fn under(key: Option<&String>) -> String {
    key.map_or("of this key".to_owned(), |key| format!("{key:?}"))
}

fn lines_of(lines: &[usize]) -> String {
    let numbers = numbers(lines);
    match lines.len() {
        1 => format!("line {numbers}: a sealed value stands"),
        _ => format!("lines {numbers}: sealed values stand"),
    }
}

fn such(item: Option<&String>) -> String {
    item.map_or("such item".to_owned(), |item| format!("item {item:?}"))
}

fn there_are(items: &[String]) -> String {
    if items.is_empty() {
        "there is none at all".to_owned()
    } else {
        format!("there are {}", items.join(", "))
    }
}

/// The name of an input, from which errors are made.
#[derive(Debug, Clone)]
pub(crate) struct InputName(pub String);

impl InputName {
    /// The name of `input`.
    pub(crate) fn of(input: &Input) -> Self {
        Self(files::name(input))
    }

    /// A fault of the whole input, or one that names its place itself.
    pub(crate) fn fault(&self, fault: impl Into<Fault>) -> InputError {
        InputError {
            input: self.0.clone(),
            place: None,
            fault: Box::new(fault.into()),
        }
    }

    /// A fault of one document.
    pub(crate) fn fault_at(&self, place: Place, fault: impl Into<Fault>) -> InputError {
        InputError {
            input: self.0.clone(),
            place: Some(place),
            fault: Box::new(fault.into()),
        }
    }

    /// All documents of `bytes`; those of other kinds need not keep this project's rules (see [`document::read_mixed`]).
    ///
    /// # Errors
    /// The first thing that is wrong, and that there is none.
    pub(crate) fn documents(&self, bytes: &[u8]) -> Result<Vec<Document>, InputError> {
        document::read_mixed(bytes).map_err(|error| self.unreadable(bytes, error))
    }

    /// That `bytes` cannot be read. A Helm template breaks the rules of YAML, and no advice about YAML helps there.
    pub(crate) fn unreadable(&self, bytes: &[u8], error: DocumentError) -> InputError {
        match error {
            DocumentError::Syntax { place, .. } | DocumentError::Key { place } if embedded::is_template(bytes) => {
                self.fault(Fault::Template { place })
            }
            error => self.fault(error),
        }
    }

    /// The Secret in clear that a document is.
    ///
    /// # Errors
    /// What makes it none.
    pub(crate) fn secret(&self, document: &Document) -> Result<ClearSecret, InputError> {
        ClearSecret::from_document(document).map_err(|error| match is_of_sops(document) {
            true => self.fault_at(document.place(), Fault::Sops),
            false => self.fault(error),
        })
    }

    /// The same, for whoever mends the input: all wrong items at once.
    ///
    /// # Errors
    /// What makes it none.
    pub(crate) fn whole_secret(&self, document: &Document) -> Result<ClearSecret, Error> {
        ClearSecret::from_document(document).map_err(|error| {
            if is_of_sops(document) {
                return self.fault_at(document.place(), Fault::Sops).into();
            }
            let mut all: Vec<_> = ClearSecret::faults_of_items(document)
                .into_iter()
                .map(|error| self.fault(error))
                .collect();
            match all.len() {
                0 | 1 => Error::from(all.pop().unwrap_or_else(|| self.fault(error))),
                _ => Error::Inputs(all),
            }
        })
    }

    /// The SealedSecret that a document is.
    ///
    /// # Errors
    /// What makes it none.
    pub(crate) fn sealed_secret(&self, document: &Document) -> Result<SealedSecret, InputError> {
        unseal::sealed_secret(document).map_err(|error| self.fault(error))
    }

    /// The SealedSecrets among `documents`; see [`unseal::sealed_secrets`].
    ///
    /// # Errors
    /// What makes one of them none, or that there is none.
    pub(crate) fn sealed_secrets(&self, documents: Vec<Document>) -> Result<Vec<(Document, SealedSecret)>, InputError> {
        unseal::sealed_secrets(documents).map_err(|error| self.fault(error))
    }
}

/// Whether an object is as SOPS writes it.
pub(crate) fn is_of_sops(document: &Document) -> bool {
    document.value.get("sops").is_some_and(Value::is_object)
}

/// Secrets or SealedSecrets as one text, one after the other, wiped when dropped.
///
/// # Errors
/// [`EmitError`].
pub(crate) fn text(objects: &[Value], format: Format) -> Result<Zeroizing<String>, EmitError> {
    let mut all = Zeroizing::new(String::new());
    for object in objects {
        let one = Zeroizing::new(match format {
            Format::Json => document::to_json(&GoOrder::object(object))?,
            Format::Yaml => document::to_yaml(object)?,
        });
        all.push_str(&one);
    }
    Ok(all)
}
