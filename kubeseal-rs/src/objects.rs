//! Input bytes → objects, with errors that name the input, the document and the line.

mod fault;
mod hint;

use std::error::Error as StdError;
use std::fmt;
use std::path::Path;

use crds::{SealedSecret, names};
use manifest::{Document, DocumentError, EmitError, Format, Place, text_lossy};
use sealing::cert::{CertError, SealingCert};
use sealing::key::KeyError;
use sealing::key_secret::{self, FilePrivateKey, KeyFileError};
use sealing::secret::ClearSecret;
use sealing::unseal;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::embedded;
use crate::error::{Error, Hinted};
use crate::field_order::GoOrder;
use crate::files::{self, Input};
use crate::quoting::{on_one_line, path_word};
use crate::typed::Typed;
pub(crate) use fault::Fault;

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
    /// Whether it is a certificate that nothing can be sealed with.
    pub(crate) fn is_of_certificate(&self) -> bool {
        matches!(*self.fault, Fault::Cert(_) | Fault::NoCertificate | Fault::KeyForCert)
    }

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
        match &*self.fault {
            Fault::Other(fault) => fault.source(),
            fault => fault.source(),
        }
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

    /// All documents of `bytes`; those of other kinds need not keep this project's rules (see [`manifest::read_mixed`]).
    ///
    /// # Errors
    /// The first thing that is wrong, and that there is none.
    pub(crate) fn documents(&self, bytes: &[u8]) -> Result<Vec<Document>, InputError> {
        manifest::read_mixed(bytes).map_err(|error| self.unreadable(bytes, error))
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

    /// The certificate that `bytes` hold.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn cert(&self, bytes: &[u8]) -> Result<SealingCert, InputError> {
        SealingCert::from_pem(bytes).map_err(|error| match error {
            CertError::NoCertificate => self.not_a_certificate(bytes, error),
            error => self.fault(error),
        })
    }

    /// That `bytes` hold a private key in place of a certificate, else `fault`.
    pub(crate) fn not_a_certificate(&self, bytes: &[u8], fault: impl Into<Fault>) -> InputError {
        match holds_private_key(bytes) {
            true => self.fault(Fault::KeyForCert),
            false => self.fault(fault),
        }
    }

    /// The private keys that `bytes` hold.
    ///
    /// # Errors
    /// What is wrong with them, or that there is none.
    pub(crate) fn private_keys(&self, bytes: &[u8]) -> Result<Vec<FilePrivateKey>, InputError> {
        key_secret::private_keys(bytes).map_err(|error| match error {
            KeyFileError::Key(KeyError::NoPrivateKey) | KeyFileError::Document(_) if is_certificate(bytes) => {
                self.fault(Fault::CertForKeys)
            }
            error => self.fault(error),
        })
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

    /// The same, but with all wrong items at once, so that the input can be fixed in one go.
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
                _ => all_wrong(all),
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

/// Whether a text holds a private key, as PEM or in a key Secret.
fn holds_private_key(bytes: &[u8]) -> bool {
    let text = text_lossy(bytes);
    text.contains("PRIVATE KEY-----") || text.contains(names::KEY_ITEM_PRIVATE)
}

/// Whether a text holds a certificate, and no private key.
fn is_certificate(bytes: &[u8]) -> bool {
    text_lossy(bytes).contains("-----BEGIN CERTIFICATE-----") && !holds_private_key(bytes)
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
            Format::Json => manifest::to_json(&GoOrder::object(object))?,
            Format::Yaml => manifest::to_yaml(object)?,
        });
        all.push_str(&one);
    }
    Ok(all)
}

impl Hinted for InputError {
    fn hint(&self, typed: &Typed) -> Option<String> {
        let hint = self.fault.hint(typed)?;
        if self.input == files::name(&Input::Stdin) {
            return Some(hint);
        }
        let file = path_word(Path::new(&self.input));
        if self.fault.is_not_sealed() {
            return Some(format!(
                "it is not sealed yet: kubeseal seal{} {file}",
                typed.sealing_flags()
            ));
        }
        // A fault does not know its file.
        let named = ["doctor", "set"].iter().fold(hint, |hint, verb| {
            hint.replace(&format!("kubeseal {verb} FILE"), &format!("kubeseal {verb} {file}"))
        });
        Some(named)
    }
}

/// All things that are wrong in inputs.
pub(crate) fn all_wrong(wrong: Vec<InputError>) -> Error {
    let summary: Vec<_> = wrong.iter().map(ToString::to_string).collect();
    Error::several(summary.join("; "), wrong.into_iter().map(Error::from).collect())
}
