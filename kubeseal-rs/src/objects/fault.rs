//! The faults of an input, with their messages.

use crds::SealedSecret;
use manifest::edit::EditError;
use manifest::{DocumentError, EmitError, Lost, Place};
use sealing::cert::CertError;
use sealing::key_secret::KeyFileError;
use sealing::merge::{MergeError, NoTarget, check_item_name};
use sealing::reseal::ResealError;
use sealing::reseal::response::ResponseError;
use sealing::seal::SealError;
use sealing::secret::SecretError;
use sealing::size;
use sealing::unseal::{ItemError, UnsealError};

use crate::cluster::ClusterError;
use crate::error::Hinted;

/// What can be wrong with an input.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// What only one of the modules above can say.
    #[error("{0}")]
    Other(Box<dyn Hinted>),
    /// It is not the text of Kubernetes objects.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// It is not a Secret, or not a SealedSecret.
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
    /// A private key in place of a certificate. The text before the colon is the reference's.
    #[error("data does not contain any valid RSA or ECDSA certificates: it holds a private key")]
    KeyForCert,
    /// A certificate in place of private keys.
    #[error("it holds a certificate, not a private key")]
    CertForKeys,
    /// Sealed values that stand in no SealedSecret do not open.
    #[error(
        "{} outside SealedSecrets, and no key opens {} under any name that is given or stands in the same document{}",
        lines_of(lines), if lines.len() == 1 { "it" } else { "them" },
        .reasons.iter().map(|reason| format!("; {reason}")).collect::<String>()
    )]
    NotOpened {
        /// Their lines, at least one.
        lines: Vec<usize>,
        /// What is known of those of format v2.
        reasons: Vec<String>,
    },
    /// There is no sealed value under a key.
    #[error("there is no sealed value {} in it ({})", under(.key.as_ref()), there_are(.found))]
    NoSealedValue {
        /// The key; `None` for a word that cannot be one, and may be a value.
        key: Option<String>,
        /// Whether values in it are of format v2, bound to the keys beside them.
        bound: bool,
        /// The keys that there are.
        found: Vec<String>,
    },
    /// There are several.
    #[error("lines {}: several sealed values have this key", numbers(.lines))]
    SeveralSealedValues {
        /// Their lines.
        lines: Vec<usize>,
    },
    /// No flag says what a value outside SealedSecrets is to be bound to.
    #[error("line {line}: the file does not decide what a new value is bound to, and no flag says it")]
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
    #[error("the result for {0:?} is not text")]
    NotText(String),
    /// There is no value to seal into a file.
    #[error("the value is empty")]
    EmptyItem,
    /// YAML would lose a part of what was typed.
    #[error(transparent)]
    Lost(#[from] Lost),
    /// No object can be called as the file is.
    #[error("its name gives no name for the object")]
    NameOfFile,
    /// The text in the editor is gone.
    #[error("the file is empty; nothing was changed")]
    EmptiedForm,
    /// The text in the editor has become several documents.
    #[error("expected one document (no line with ---)")]
    ManyForms,
    /// The text in the editor has values for an object that is not in the file.
    #[error("there is no object {0:?} in the file (an item is indented below its object)")]
    NoSuchObject(String),
    /// There is nothing yet that could be changed.
    #[error("there is neither a SealedSecret nor a sealed value in it")]
    NothingSealed,
    /// Nothing can be added to a file in the form that it has.
    #[error("nothing can be added at its end")]
    NoEnd,
    /// SOPS has encrypted it.
    #[error("it is encrypted by SOPS")]
    Sops,
    /// An item is to be called as it is.
    #[error("item {0:?} already has this name")]
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
        /// The key that it has, where it is bound to that (format v2).
        bound: Option<String>,
    },
    /// Another program has changed the file since it was read.
    #[error("it was changed by another program meanwhile")]
    ChangedMeanwhile,
    /// The controller does not seal it again.
    #[error(transparent)]
    NotReEncrypted(ClusterError),
    /// The controller's answer is not a SealedSecret.
    #[error("the controller's answer is not a SealedSecret")]
    NoReply,
    /// What the controller answered is not the same object.
    #[error(transparent)]
    Reply(#[from] ResponseError),
    /// The result cannot be written as text.
    #[error(transparent)]
    Emit(#[from] EmitError),
}

impl<E: Hinted> From<E> for Fault {
    fn from(fault: E) -> Self {
        Fault::Other(Box::new(fault))
    }
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
