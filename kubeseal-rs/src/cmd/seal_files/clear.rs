//! A file with Secrets in clear, among files that may hold anything.

use std::path::PathBuf;
use std::sync::OnceLock;

use crds::SealedSecret;
use sealing::document::{Document, Format, Place};
use sealing::seal::{SealError, SealParameters, outline};
use sealing::secret::ClearSecret;
use serde_json::Value;
use thiserror::Error as ThisError;
use zeroize::Zeroizing;

use crate::cluster::kubeconfig;
use crate::command::{Namespace, SealFiles};
use crate::environment::Environment;
use crate::error::Error;
use crate::files::{self, FileError};
use crate::manifest::{self, Manifest};
use crate::objects::InputName;
use crate::tree::TreeFile;

/// A file that holds at least one Secret.
pub(super) struct ClearFile {
    pub(super) path: PathBuf,
    pub(super) below: PathBuf,
    pub(super) name: InputName,
    bytes: Zeroizing<Vec<u8>>,
    /// Its Secrets in their order; never empty.
    pub(super) secrets: Vec<One>,
    /// The language of the first Secret, which is that of the result.
    pub(super) format: Format,
    /// What else it holds: the place and the kind.
    others: Vec<(Place, String)>,
    /// With the default namespace, if one of the Secrets needs it.
    pub(super) parameters: SealParameters,
}

/// One Secret of a file.
pub(super) struct One {
    pub(super) place: Place,
    pub(super) clear: ClearSecret,
    /// What sealing it gives, without ciphertexts.
    pub(super) outline: SealedSecret,
}

/// Why a clear file is not deleted, or its sealed one not written.
#[derive(Debug, Clone, PartialEq, Eq, ThisError)]
pub(crate) enum ClearFileFault {
    /// It holds something that would be lost.
    #[error("there is a {0} here: a file that holds more than Secrets is not deleted")]
    MoreThanSecrets(String),
    /// Somebody has written to it in the meantime.
    #[error("it was changed while it was sealed, so it is not deleted")]
    Changed,
    /// Deleting it would leave the clear text where it points to.
    #[error("it is a symlink: what it points to would stay in clear")]
    Symlink,
    /// The file at the place of the sealed one is something else.
    #[error("there is a {0} here: a file that holds more than SealedSecrets is not overwritten")]
    NotSealed(String),
    /// The sealed file holds something that would be lost.
    #[error("the clear file does not hold all that is sealed here, and would replace it: without {}", .more.join(", "))]
    HoldsMore {
        /// What would be lost, by name.
        more: Vec<String>,
        /// The clear file.
        clear: PathBuf,
        /// The sealed one.
        sealed: PathBuf,
    },
}

impl ClearFileFault {
    /// What to do about it.
    pub(crate) fn hint(&self) -> String {
        match self {
            ClearFileFault::MoreThanSecrets(_) => "move the Secrets into a file of their own",
            ClearFileFault::Changed => "run the same command again",
            ClearFileFault::Symlink => "name the file that it points to",
            ClearFileFault::NotSealed(_) => "move it away, or write the sealed files elsewhere: --out DIR",
            ClearFileFault::HoldsMore { clear, sealed, .. } => {
                return format!(
                    "to keep that: kubeseal --merge-into {sealed} -f {clear} (kubeseal set {sealed} ITEM seals one value); to \
                     lose it: --force",
                    sealed = sealed.display(),
                    clear = clear.display()
                );
            }
        }
        .to_owned()
    }
}

/// What the flags say about all Secrets.
pub(super) fn parameters(command: &SealFiles) -> SealParameters {
    SealParameters {
        scope: command.scope,
        namespace: match &command.namespace {
            Namespace::Said(namespace) => Some(namespace.clone()),
            Namespace::OfContext(_) => None,
        },
        allow_empty: command.allow_empty,
        ..SealParameters::default()
    }
}

/// The namespace of Secrets that name none; the kubeconfig is read when the first of them is met.
pub(super) struct DefaultNamespace<'a> {
    namespace: &'a Namespace,
    environment: &'a Environment,
    found: OnceLock<String>,
}

impl<'a> DefaultNamespace<'a> {
    pub(super) fn new(namespace: &'a Namespace, environment: &'a Environment) -> Self {
        Self {
            namespace,
            environment,
            found: OnceLock::new(),
        }
    }

    /// Looks it up for a Secret, of which `input` says that it needs one.
    fn get(&self, input: crate::objects::InputError) -> Result<String, Error> {
        if let Some(found) = self.found.get() {
            return Ok(found.clone());
        }
        let Namespace::OfContext(cluster) = self.namespace else {
            return Err(input.into());
        };
        // Two threads may look it up at once, and find the same.
        match kubeconfig::namespace(cluster, self.environment) {
            Ok(namespace) => Ok(self.found.get_or_init(|| namespace).clone()),
            Err(lookup) => Err(Error::NoNamespace {
                input,
                lookup: Box::new(lookup),
            }),
        }
    }
}

impl ClearFile {
    /// Reads a file; none when there is no Secret in it. A file that cannot be understood is a fault if it was typed, or if
    /// its text says that a Secret is in it.
    pub(super) fn read(
        file: &TreeFile,
        parameters: &SealParameters,
        namespace: &DefaultNamespace<'_>,
    ) -> Result<Option<Self>, Error> {
        let Some(Manifest {
            path,
            name,
            bytes,
            documents,
        }) = Manifest::read(file, "Secret")?
        else {
            return Ok(None);
        };
        let mut parameters = parameters.clone();
        let (mut secrets, mut others) = (Vec::new(), Vec::new());
        let mut format = None;
        for document in &documents {
            if !is_secret(document) {
                others.push((document.place(), manifest::kind(document).to_owned()));
                continue;
            }
            format.get_or_insert(document.format);
            let clear = name.secret(document)?;
            let place = document.place();
            let mut outlined = outline(&clear, &parameters);
            if outlined == Err(SealError::NamespaceMissing) {
                let input = name.fault_at(place, SealError::NamespaceMissing);
                parameters.default_namespace = Some(namespace.get(input)?);
                outlined = outline(&clear, &parameters);
            }
            let outline = outlined.map_err(|fault| name.fault_at(place, fault))?;
            secrets.push(One { place, clear, outline });
        }
        Ok(format.map(|format| Self {
            path,
            below: file.below.clone(),
            name,
            bytes,
            secrets,
            format,
            others,
            parameters,
        }))
    }

    /// Nothing may be lost with the file.
    ///
    /// # Errors
    /// [`ClearFileFault::MoreThanSecrets`], [`ClearFileFault::Symlink`].
    pub(super) fn check_deletable(&self) -> Result<(), Error> {
        if let Some((place, kind)) = self.others.first() {
            let fault = ClearFileFault::MoreThanSecrets(kind.clone());
            return Err(self.name.fault_at(*place, fault).into());
        }
        if self.path.is_symlink() {
            return Err(self.name.fault(ClearFileFault::Symlink).into());
        }
        Ok(())
    }

    /// Deletes the file, whose sealed one is on disk, if it still holds what was sealed.
    ///
    /// # Errors
    /// [`ClearFileFault::Changed`], or that it cannot be deleted.
    pub(super) fn delete(&self) -> Result<(), Error> {
        if files::read_file(&self.path)? != self.bytes {
            return Err(self.name.fault(ClearFileFault::Changed).into());
        }
        Ok(std::fs::remove_file(&self.path).map_err(|reason| FileError::Write {
            path: self.path.clone(),
            reason,
        })?)
    }

    /// A line about each other object of the file, which the sealed file does not hold.
    pub(super) fn left_alone(&self) -> Vec<String> {
        let line = |(place, kind): &(Place, String)| format!("left alone: {place}: {kind}");
        self.others.iter().map(line).collect()
    }
}

fn is_secret(document: &Document) -> bool {
    let word = |field: &str| document.value.get(field).and_then(Value::as_str);
    word("kind") == Some("Secret") && word("apiVersion").is_none_or(|version| version == "v1")
}
