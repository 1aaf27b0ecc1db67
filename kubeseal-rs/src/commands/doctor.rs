//! `kubeseal doctor`: collects evidence about files, locally and in the cluster, for [`crate::doctor`].

mod cluster;
mod places;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::Args;
use crds::SealedSecret;
use jiff::{Timestamp, Zoned};
use manifest::Document;
use sealing::SystemRandom;
use sealing::binding::Binding;
use sealing::key::Fingerprint;
use sealing::keyring::KeyRing;
use sealing::render::Rendering;
use sealing::unseal::{UnsealError, is_meant, sealed_secret, unseal};
use sealing::v2::KeyId;

use super::error::CommandError;
use super::keys::text_or_json;
use super::private_keys::{HeldKeys, PrivateKeys, held_keys};
use super::tree::{NothingFound, stream_of};
use crate::cluster::Controller;
use crate::colour::Colour;
use crate::doctor::output::{self, FileReport};
use crate::doctor::probe::{Answer, Case, Trial, WithKeys};
use crate::doctor::{Evidence, Examined, Unreachable, examine};
use crate::environment::Environment;
use crate::error::Error;
use crate::files::{self, Input, Output};
use crate::flags::{ClusterFlags, ControllerFlags, PrivateKeyFlags, paths, set};
use crate::keys::LocalCert;
use crate::lint::{self, absolute, patches};
use crate::manifest_file::{self, Manifest};
use crate::note;
use crate::objects::InputName;
use crate::quoting;
use crate::tree::{self, TreeFile};
use cluster::Reached;
use places::Surroundings;

/// Flags of `kubeseal doctor`.
#[derive(Debug, Args)]
#[command(after_help = include_str!("doctor.txt"))]
pub(crate) struct DoctorFlags {
    /// Files, folders (with all manifests below: .yaml, .yml, .json) and patterns with the SealedSecrets in question, or - for stdin
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<OsString>,
    /// What to try to open it with.
    #[command(flatten)]
    pub keys: PrivateKeyFlags,
    /// Compare this certificate with the cluster's and with the object's key hint; repeatable [default: those of the project file]
    #[arg(long, value_name = "FILE")]
    pub cert: Vec<OsString>,
    /// Ask no cluster
    #[arg(long)]
    pub offline: bool,
    /// Output format: text or json [default: text]
    #[arg(long, short = 'o', value_name = "FORMAT")]
    pub output: Option<String>,
    /// Where the controller is.
    #[command(flatten)]
    pub controller: ControllerFlags,
    /// How to reach the cluster.
    #[command(flatten)]
    pub cluster: ClusterFlags,
}

/// Find out why files do not unseal.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Doctor {
    /// Files, folders and patterns as typed; at least one.
    pub paths: Vec<PathBuf>,
    /// What to try to open it with.
    pub keys: PrivateKeys,
    /// Certificates to compare with the cluster's; none: those of the project file.
    pub certs: Vec<PathBuf>,
    /// The controller to ask; none with `--offline`.
    pub controller: Option<Controller>,
    /// Whether as JSON.
    pub json: bool,
}

impl Doctor {
    /// Decides what the flags mean.
    ///
    /// # Errors
    /// [`CommandError`].
    pub(super) fn decide(flags: DoctorFlags) -> Result<Self, CommandError> {
        let controller = Controller::of(&flags.controller, &flags.cluster);
        stream_of(&flags.paths)?;
        let path = |path| set(Some(path)).map(PathBuf::from).ok_or(CommandError::EmptyPath);
        Ok(Self {
            paths: flags.paths.into_iter().map(path).collect::<Result<_, _>>()?,
            keys: PrivateKeys::of(flags.keys),
            certs: paths(flags.cert),
            controller: (!flags.offline).then_some(controller),
            json: text_or_json(flags.output)?,
        })
    }
}

/// Examines every SealedSecret of the files, and prints the results. `flags`: those that reach the cluster, for commands that
/// are proposed.
pub(crate) fn run(command: &Doctor, flags: &str, environment: &Environment, now: Timestamp) -> Result<(), Error> {
    let found = tree::files(&command.paths, &[])?;
    let skipped = manifest_file::passed_over(&found, crds::names::KIND);
    skipped.iter().for_each(|report| note::told(&report.line()));
    let mut meant = found.files;
    let patches = patches(meant.iter().map(|file| file.path.as_path()));
    // A patch of kustomize is not an object, unless it was named itself.
    meant.retain(|file| file.typed || !patches.contains(&absolute(&file.path)));
    let mut session = Session::of(command, flags, environment, now)?;
    let colour = Colour::of_stdout(environment);
    match meant.as_slice() {
        [file] if file.typed && command.paths.len() == 1 => {
            let objects = session.examine_file(file)?.unwrap_or_default();
            let name = file_name(file);
            let text = if command.json {
                format!("{:#}\n", output::json(&name, &objects))
            } else {
                output::text(&name, &objects, colour)
            };
            files::write(&Output::Stdout, text.as_bytes())?;
            ended(&objects)
        }
        several => session.examine_files(several, colour),
    }
}

fn file_name(file: &TreeFile) -> String {
    files::name(&Input::of(&file.path))
}

/// The exit code that the objects ask for, the worst one first.
fn ended(objects: &[Examined]) -> Result<(), Error> {
    if output::fails(objects) {
        Err(Error::told())
    } else if output::is_unchecked(objects) {
        Err(Error::unchecked())
    } else {
        Ok(())
    }
}

/// What all files are examined with.
struct Session<'a> {
    command: &'a Doctor,
    flags: &'a str,
    environment: &'a Environment,
    now: Timestamp,
    keys: KeyRing,
    ids: BTreeSet<KeyId>,
    local: Vec<LocalCert>,
    /// The cluster, asked when the first object is examined.
    reached: Option<Reached>,
    surroundings: Surroundings,
}

impl<'a> Session<'a> {
    fn of(command: &'a Doctor, flags: &'a str, environment: &'a Environment, now: Timestamp) -> Result<Self, Error> {
        let HeldKeys { ring, ids, .. } = held_keys(&command.keys)?;
        Ok(Self {
            command,
            flags,
            environment,
            now,
            keys: ring,
            ids,
            local: super::keys::readable_certs(&command.certs, flags)?,
            reached: None,
            surroundings: Surroundings::default(),
        })
    }

    /// Examines several files: a report of each, then a summary.
    fn examine_files(&mut self, meant: &[TreeFile], colour: Colour) -> Result<(), Error> {
        let (mut reports, mut faults) = (Vec::new(), Vec::new());
        for file in meant {
            let name = file_name(file);
            let objects = match self.examine_file(file) {
                Ok(None) => continue,
                Ok(Some(objects)) => Ok(objects),
                Err(fault) => {
                    let error = fault.chain();
                    faults.push(fault);
                    Err(error)
                }
            };
            if let (false, Ok(objects)) = (self.command.json, &objects) {
                let text = output::text_of_several(&name, objects, colour);
                files::write(&Output::Stdout, text.as_bytes())?;
            }
            reports.push(FileReport { file: name, objects });
        }
        if reports.is_empty() {
            let (what, paths) = (crds::names::KIND, self.command.paths.clone());
            return Err(NothingFound { what, paths }.into());
        }
        let end = if self.command.json {
            format!("{:#}\n", output::json_list(&reports))
        } else {
            output::unasked(&reports, colour) + &output::summary(&reports)
        };
        files::write(&Output::Stdout, end.as_bytes())?;
        if !faults.is_empty() {
            return Err(Error::of_files(faults));
        }
        let objects: Vec<_> = reports.into_iter().filter_map(|report| report.objects.ok()).collect();
        ended(&objects.concat())
    }

    /// Examines the SealedSecrets of a file; none where it was found in a folder and holds none.
    fn examine_file(&mut self, file: &TreeFile) -> Result<Option<Vec<Examined>>, Error> {
        let input = Input::of(&file.path);
        let bytes = files::read(&input, "json/yaml k8s resources")?;
        let mut manifest = Manifest::unread(&file.path, bytes);
        if !file.typed {
            let read = manifest.read_documents(file, crds::names::KIND);
            if read.is_ok() && manifest.of_kind(crds::names::KIND).next().is_none() {
                return Ok(None);
            }
        }
        let (name, word) = (file_name(file), quoting::path_word(&file.path));
        let findings = super::lint::findings_of(&input, &manifest.bytes, self.flags, self.now)?;
        let documents = match manifest::read_mixed(&manifest.bytes) {
            Ok(documents) => documents,
            Err(error) => {
                let line = error.place().map_or(1, |place| place.line);
                let next = format!("take it from an intact copy (git log -p {word})");
                return Ok(Some(vec![output::unreadable(error.to_string(), next, line)]));
            }
        };
        if self.reached.is_none()
            && let Some(controller) = &self.command.controller
        {
            self.reached = Some(Reached::by(controller, &self.local, self.environment, self.now));
        }
        let about = About {
            file: &name,
            word: &word,
            keys: &self.keys,
            ids: &self.ids,
            flags: self.flags,
            local: &self.local,
            certs_named: !self.command.certs.is_empty(),
            findings: &findings,
            path: &file.path,
            documents: &documents,
        };
        let is_meant = is_meant(&documents);
        let mut examined = Vec::new();
        for document in documents.iter().filter(|document| is_meant(document)) {
            examined.push(about.one(document, self.reached.as_mut(), &mut self.surroundings)?);
        }
        Ok(Some(examined))
    }
}

/// What is known beside the object itself.
struct About<'a> {
    file: &'a str,
    /// The file as a word of a command line.
    word: &'a str,
    keys: &'a KeyRing,
    ids: &'a BTreeSet<KeyId>,
    flags: &'a str,
    local: &'a [LocalCert],
    certs_named: bool,
    findings: &'a [lint::Finding],
    path: &'a Path,
    documents: &'a [Document],
}

impl About<'_> {
    fn one(
        &self,
        document: &Document,
        mut reached: Option<&mut Reached>,
        surroundings: &mut Surroundings,
    ) -> Result<Examined, Error> {
        let place = document.place();
        let sealed = match sealed_secret(document) {
            Ok(sealed) => sealed,
            Err(error @ sealing::secret::SecretError::OtherKind { .. })
                if manifest_file::kind(document) != crds::names::KIND =>
            {
                return Err(InputName(self.file.to_owned()).fault(error).into());
            }
            Err(error) => {
                let next = format!("kubeseal lint {}", self.word);
                return Ok(output::unreadable(error.to_string(), next, place.line));
            }
        };
        let Some(mut case) = Case::new(sealed, place.line) else {
            let next = format!("kubeseal lint {}", self.word);
            return Ok(output::unreadable(
                "it lacks the name or the namespace that its scope binds".to_owned(),
                next,
                place.line,
            ));
        };
        let mut evidence = self.evidence(document, &mut case);
        let (same_object, namespaces) = match reached.as_deref_mut() {
            Some(reached) => {
                reached.add_to(&mut evidence, &case);
                reached.places(&case)
            }
            None => Default::default(),
        };
        let mut places = || {
            let mut all = same_object.clone();
            all.extend(surroundings.in_history(self.path, &case.object));
            all.extend(places::of_documents(self.documents, self.file));
            all.extend_from_slice(surroundings.of(self.path));
            all.extend_from_slice(&namespaces);
            all
        };
        let mut trial = KeysThenController {
            keys: self.keys,
            reached,
        };
        Ok(examine(&case, &evidence, self.word, &mut trial, &mut places))
    }

    /// What the file, the certificates and the keys at hand say. The case keeps only the items that those keys do not open.
    fn evidence(&self, document: &Document, case: &mut Case) -> Evidence {
        let mut evidence = Evidence {
            findings: self.findings_in(document),
            flags: self.flags.to_owned(),
            local: self.local.to_vec(),
            certs_named: self.certs_named,
            at_hand: self.keys.fingerprints().cloned().collect(),
            ids_at_hand: self.ids.clone(),
            ..Evidence::default()
        };
        // Keys at hand say which items do not open, and cost the controller nothing.
        if !self.keys.is_empty() {
            match opened(&case.object, self.keys) {
                Ok(opened_by) => evidence.opened_here_by = opened_by,
                Err(UnsealError::Items(items)) => case.keep(&items),
                Err(_) => {}
            }
        }
        evidence
    }

    /// The findings about this document, and those about its kustomizations, which name the file.
    fn findings_in(&self, document: &Document) -> Vec<lint::Finding> {
        let here = |finding: &&lint::Finding| {
            finding.file != self.file || finding.place.is_some_and(|place| place.document == document.index)
        };
        self.findings.iter().filter(here).cloned().collect()
    }
}

/// The keys that open an object; its templates are left alone.
fn opened(object: &SealedSecret, keys: &KeyRing) -> Result<BTreeSet<Fingerprint>, UnsealError> {
    let mut object = object.clone();
    object.spec.template = None;
    let mut rendering = Rendering {
        now: &Zoned::now(),
        random: &mut SystemRandom::default(),
        refuse_nondeterministic: true,
        work: sealing::render::WORK,
    };
    Ok(unseal(&object, keys, &[], &mut rendering)?.opened_by)
}

/// Tries with keys at hand, then asks the controller.
struct KeysThenController<'a> {
    keys: &'a KeyRing,
    reached: Option<&'a mut Reached>,
}

impl Trial for KeysThenController<'_> {
    fn attempt(&mut self, case: &Case, binding: &Binding) -> Answer {
        let with_keys = if self.keys.is_empty() {
            Answer::Unasked
        } else {
            WithKeys(self.keys).attempt(case, binding)
        };
        let Some(reached) = &mut self.reached else {
            return with_keys;
        };
        match with_keys {
            // Saved keys open it; the question is whether the cluster still does.
            Answer::Opens if *binding == case.own => reached.attempt(case, binding).or(Answer::Opens),
            Answer::Opens | Answer::Damaged => with_keys,
            // The keys at hand may be others than the cluster's, so that they rule out no candidate.
            Answer::Closed if *binding != case.own && reached.has_controller() => reached.attempt(case, binding),
            Answer::Closed => reached.attempt(case, binding).or(Answer::Closed),
            Answer::Unasked => reached.attempt(case, binding),
        }
    }

    fn failure(&self) -> Option<Unreachable> {
        self.reached.as_ref()?.failure()
    }
}
