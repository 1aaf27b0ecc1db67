//! `kubeseal doctor`: gathers what is known of a file, here and in the cluster, and asks [`crate::doctor`].

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
use crate::cluster::Controller;
use crate::colour::Colour;
use crate::doctor::probe::{Answer, Case, Trial, WithKeys};
use crate::doctor::{Evidence, Examined, Unreachable, examine, output};
use crate::environment::Environment;
use crate::error::Error;
use crate::files::{self, Input, Output};
use crate::flags::{ClusterFlags, ControllerFlags, PrivateKeyFlags, paths, set};
use crate::keys::LocalCert;
use crate::lint;
use crate::manifest_file;
use crate::objects::InputName;
use crate::quoting;
use cluster::Reached;
use places::Surroundings;

/// Flags of `kubeseal doctor`.
#[derive(Debug, Args)]
#[command(after_help = include_str!("doctor.txt"))]
pub(crate) struct DoctorFlags {
    /// The file with the SealedSecrets in question
    #[arg(required = true, value_name = "FILE")]
    pub file: OsString,
    /// What to try to open it with.
    #[command(flatten)]
    pub keys: PrivateKeyFlags,
    /// Hold this certificate against the cluster's and the object's key hint; repeatable [default: those of the project file]
    #[arg(long, value_name = "FILE")]
    pub cert: Vec<OsString>,
    /// Ask no cluster
    #[arg(long)]
    pub offline: bool,
    /// How to tell it: text or json [default: text]
    #[arg(long, short = 'o', value_name = "FORMAT")]
    pub output: Option<String>,
    /// Where the controller is.
    #[command(flatten)]
    pub controller: ControllerFlags,
    /// How to reach the cluster.
    #[command(flatten)]
    pub cluster: ClusterFlags,
}

/// Find out why a file does not unseal.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Doctor {
    /// The file.
    pub file: PathBuf,
    /// What to try to open it with.
    pub keys: PrivateKeys,
    /// Certificates to hold against the cluster's; none: those of the project file.
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
        Ok(Self {
            file: set(Some(flags.file))
                .ok_or(CommandError::NoPath("kubeseal doctor FILE"))?
                .into(),
            keys: PrivateKeys::of(flags.keys),
            certs: paths(flags.cert),
            controller: (!flags.offline).then_some(controller),
            json: text_or_json(flags.output)?,
        })
    }
}

/// Examines every SealedSecret of the file, and tells.
pub(crate) fn run(command: &Doctor, environment: &Environment, now: Timestamp) -> Result<(), Error> {
    let input = Input::of(&command.file);
    let file = files::name(&input);
    let word = quoting::path_word(&command.file);
    let name = InputName(file.clone());
    let bytes = files::read(&input, "json/yaml k8s resources")?;
    let HeldKeys { ring: keys, ids, .. } = held_keys(&command.keys)?;
    let local = super::keys::readable_certs(&command.certs)?;
    let findings = super::lint::findings_of(&input, &bytes, now)?;
    let examined = match manifest::read_mixed(&bytes) {
        Err(error) => {
            let line = error.place().map_or(1, |place| place.line);
            let next = format!("take it from an intact copy (git log -p {word})");
            vec![output::unreadable(error.to_string(), next, line)]
        }
        Ok(documents) => {
            let mut surroundings = Surroundings::default();
            let mut reached = command
                .controller
                .as_ref()
                .map(|controller| Reached::by(controller, &local, environment, now));
            let about = About {
                file: &file,
                word: &word,
                keys: &keys,
                ids: &ids,
                local: &local,
                certs_named: !command.certs.is_empty(),
                findings: &findings,
                path: &command.file,
                documents: &documents,
            };
            let is_meant = is_meant(&documents);
            let meant = documents.iter().filter(|document| is_meant(document));
            meant
                .map(|document| about.one(document, &name, reached.as_mut(), &mut surroundings))
                .collect::<Result<_, _>>()?
        }
    };
    let text = if command.json {
        format!("{:#}\n", output::json(&file, &examined))
    } else {
        output::text(&file, &examined, Colour::of_stdout(environment))
    };
    files::write(&Output::Stdout, text.as_bytes())?;
    if output::fails(&examined) {
        Err(Error::told())
    } else if output::is_unchecked(&examined) {
        Err(Error::unchecked())
    } else {
        Ok(())
    }
}

/// What is known beside the object itself.
struct About<'a> {
    file: &'a str,
    /// A word for it in commands.
    word: &'a str,
    keys: &'a KeyRing,
    ids: &'a BTreeSet<KeyId>,
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
        name: &InputName,
        mut reached: Option<&mut Reached>,
        surroundings: &mut Surroundings,
    ) -> Result<Examined, Error> {
        let place = document.place();
        let sealed = match sealed_secret(document) {
            Ok(sealed) => sealed,
            Err(error @ sealing::secret::SecretError::OtherKind { .. })
                if manifest_file::kind(document) != crds::names::KIND =>
            {
                return Err(name.fault(error).into());
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
        let mut evidence = Evidence {
            findings: self.findings_in(document),
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
        let (same_object, namespaces) = match reached.as_deref_mut() {
            Some(reached) => {
                reached.add_to(&mut evidence, &case);
                reached.places(&case)
            }
            None => Default::default(),
        };
        let mut places = || {
            let mut all = same_object.clone();
            all.extend(places::in_history(self.path, &case.object));
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
