//! A file with Secrets in clear, among files that may hold anything.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crds::SealedSecret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use manifest::{Document, EmitError, Format, Place};
use sealing::SystemRandom;
use sealing::key_hint::KeyHint;
use sealing::seal::{SealParameters, seal};
use sealing::sealer::Sealer;
use sealing::secret::ClearSecret;
use serde_json::Value;
use zeroize::Zeroizing;

use super::fault::ClearFileFault;
use super::given::Sources;
use super::sources::{self, Gathered};
use crate::commands::namespace::DefaultNamespace;
use crate::error::Error;
use crate::files::{self, FileError};
use crate::manifest_file::{self, Manifest};
use crate::names::fault_of_namespace;
use crate::objects::{self, InputName};
use crate::placeholder;
use crate::tree::TreeFile;

/// A file that holds at least one Secret.
pub(super) struct ClearFile {
    pub(super) path: PathBuf,
    pub(super) below: PathBuf,
    pub(super) name: InputName,
    bytes: Zeroizing<Vec<u8>>,
    /// When it was written; `None` where that is not known.
    pub(super) modified: Option<SystemTime>,
    /// Its Secrets in their order; never empty.
    pub(super) secrets: Vec<One>,
    /// The files from which it was put together; none: it is a file itself.
    sources: Option<Vec<PathBuf>>,
    /// The language of the first Secret, which is that of the result.
    pub(super) format: Format,
    /// What else it holds: the place and the kind.
    others: Vec<(Place, String)>,
    /// What else a person should know, a line each.
    remarks: Vec<String>,
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

impl One {
    /// The Secret `clear`, which stands at `place`; the default namespace is looked up when it needs one.
    fn of(
        clear: ClearSecret,
        name: &InputName,
        place: Place,
        parameters: &mut SealParameters,
        namespace: &DefaultNamespace<'_>,
    ) -> Result<Self, Error> {
        let outline = namespace.outline(&clear, parameters, |error| name.fault_at(place, error))?;
        Ok(One { place, clear, outline })
    }

    /// The Secret as a SealedSecret.
    ///
    /// # Errors
    /// That it cannot be sealed.
    pub(super) fn sealed(&self, file: &ClearFile, hinted: bool, sealer: &Sealer<'_>) -> Result<Value, Error> {
        let mut random = SystemRandom::default();
        let mut object = seal(&self.clear, &file.parameters, sealer, &mut random)
            .map_err(|fault| file.name.fault_at(self.place, fault))?;
        if hinted {
            KeyHint::of_key(sealer.fingerprint()).write(&mut object.metadata);
        }
        Ok(serde_json::to_value(object).map_err(|_| file.name.fault(EmitError))?)
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
                others.push((document.place(), manifest_file::kind(document).to_owned()));
                continue;
            }
            // One that was typed is an error.
            if !file.typed && objects::is_of_sops(document) {
                others.push((document.place(), "Secret that SOPS has encrypted".to_owned()));
                continue;
            }
            format.get_or_insert(document.format);
            let clear = name.whole_secret(document)?;
            secrets.push(One::of(clear, &name, document.place(), &mut parameters, namespace)?);
        }
        let is_named_sealed = path
            .file_stem()
            .is_some_and(|stem| Path::new(stem).extension() == Some("sealed".as_ref()));
        if let Some(secret) = secrets.first().filter(|_| is_named_sealed) {
            return Err(name.fault_at(secret.place, ClearFileFault::NamedSealed(path)).into());
        }
        Ok(format.map(|format| Self {
            modified: std::fs::metadata(&path).and_then(|file| file.modified()).ok(),
            remarks: Vec::new(),
            path,
            below: file.below.clone(),
            name,
            bytes,
            secrets,
            sources: None,
            format,
            others,
            parameters,
        }))
    }

    /// The Secret that is put together from other files and texts.
    ///
    /// # Errors
    /// As [`sources::gather`], and that it cannot be sealed.
    pub(super) fn of_sources(
        sources: &Sources,
        parameters: &SealParameters,
        namespace: &DefaultNamespace<'_>,
    ) -> Result<Self, Error> {
        let Gathered {
            items,
            modified,
            remarks,
        } = sources::gather(sources)?;
        let path = sources.first().to_owned();
        let name = InputName(path.display().to_string());
        let clear = ClearSecret {
            metadata: ObjectMeta {
                name: Some(sources.name.clone()),
                ..ObjectMeta::default()
            },
            type_: sources.type_.clone(),
            items,
            ..ClearSecret::default()
        };
        let mut parameters = parameters.clone();
        let place = Place {
            document: 1,
            line: 1,
            column: 1,
            item: None,
        };
        let secret = One::of(clear, &name, place, &mut parameters, namespace)?;
        Ok(Self {
            below: PathBuf::new(),
            path,
            name,
            bytes: Zeroizing::default(),
            modified,
            secrets: vec![secret],
            sources: Some(sources.paths().map(Path::to_owned).collect()),
            format: Format::Yaml,
            others: Vec::new(),
            remarks,
            parameters,
        })
    }

    /// Looks for values that something fills in later: faults if `strict`, else remarks.
    ///
    /// # Errors
    /// [`ClearFileFault::Placeholder`].
    pub(super) fn judge_placeholders(mut self, strict: bool) -> Result<Self, Error> {
        for secret in &self.secrets {
            let namespace = secret.outline.metadata.namespace.as_deref();
            // One that Helm fills in is warned of below; nothing else can be right in a clear file.
            let literal = namespace.filter(|namespace| !namespace.contains("{{"));
            if let Some(fault) = literal.and_then(fault_of_namespace) {
                let told = format!("namespace {:?} {fault}", namespace.unwrap_or_default());
                return Err(self.name.fault_at(secret.place, ClearFileFault::Namespace(told)).into());
            }
            if let Some(told) = placeholder::in_names(&secret.outline) {
                if strict {
                    return Err(self
                        .name
                        .fault_at(secret.place, ClearFileFault::PlaceholderName(told))
                        .into());
                }
                self.remarks.push(format!("warning: {}: {told}", secret.place));
            }
            for (item, value) in &secret.clear.items {
                let Some(filler) = placeholder::filler(value.expose()) else {
                    continue;
                };
                let told = format!("the value of {item} is a placeholder ({filler}), and is sealed as it stands");
                if strict {
                    return Err(self
                        .name
                        .fault_at(secret.place, ClearFileFault::Placeholder(told))
                        .into());
                }
                self.remarks.push(format!("warning: {}: {told}", secret.place));
            }
        }
        Ok(self)
    }

    /// The files that it was read from.
    pub(super) fn read_from(&self) -> Vec<&Path> {
        match &self.sources {
            Some(sources) => sources.iter().map(PathBuf::as_path).collect(),
            None => vec![&self.path],
        }
    }

    /// The namespaces and names of its Secrets, where they have both.
    pub(super) fn names(&self) -> impl Iterator<Item = (String, String)> {
        let metadata = self.secrets.iter().map(|secret| &secret.outline.metadata);
        metadata.filter_map(|metadata| Some((metadata.namespace.clone()?, metadata.name.clone()?)))
    }

    /// How messages say that something stands in it.
    pub(super) fn given(&self) -> &'static str {
        if self.sources.is_some() {
            "given in this command"
        } else {
            "in the clear file"
        }
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

    /// A line about each other object of the file, which the sealed file does not hold, and each remark.
    pub(super) fn left_alone(&self) -> Vec<String> {
        let line = |(place, kind): &(Place, String)| format!("left alone: {place}: {kind}");
        self.others
            .iter()
            .map(line)
            .chain(self.remarks.iter().cloned())
            .collect()
    }
}

fn is_secret(document: &Document) -> bool {
    let word = |field: &str| document.value.get(field).and_then(Value::as_str);
    word("kind") == Some("Secret") && word("apiVersion").is_none_or(|version| version == "v1")
}
