//! `--re-encrypt`: the controller seals each SealedSecret again with its newest key. Of its answers only the
//! ciphertexts are taken; everything else stays what and how it was.

use std::collections::BTreeMap;

use crds::{SealedSecret, names};
use http::StatusCode;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use manifest::edit::{Change, Edit, edit};
use manifest::{Document, Format};
use sealing::binding::Scope;
use sealing::cert::SealingCert;
use sealing::reseal::{Which, response};
use sealing::sealer;
use sealing::unseal::fill_namespace;

use super::args::Args;
use super::format;
use crate::cluster::{Cluster, ClusterError, Controller, ProxiedService};
use crate::commands::error::CommandError;
use crate::commands::read::{hold_unchanged, read_objects};
use crate::environment::Environment;
use crate::error::{Error, Hinted};
use crate::files::{self, Input, Output};
use crate::flags::set;
use crate::objects::{self, Fault, InputName};
use crate::typed::Typed;

/// Have the controller seal SealedSecrets again with its newest key.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ReEncrypt {
    /// The SealedSecrets.
    pub input: Input,
    /// Where the result goes.
    pub output: Output,
    /// How it is written; `None` for a file that is changed in place, whose form stays.
    pub format: Option<Format>,
    /// Where the controller is.
    pub controller: Box<Controller>,
    /// The namespace of SealedSecrets that name none.
    pub namespace: Option<String>,
    /// Whether all values get format v2; else each keeps its own.
    pub raised: bool,
}

impl ReEncrypt {
    /// Decides what the flags mean. A file that is read and not written elsewhere is changed in place, as in the
    /// reference; what is under `/dev` is not a file.
    ///
    /// # Errors
    /// [`CommandError::UnknownFormat`], [`CommandError::DowngradeNeedsKeys`].
    pub(super) fn decide(args: &Args, input: Input, output: Output) -> Result<Self, CommandError> {
        let asked = format(args, &output)?;
        let (output, format) = match (&input, output) {
            (Input::File(path), Output::Stdout) if !path.starts_with("/dev") => (Output::File(path.clone()), None),
            (Input::File(path), Output::File(to)) if *path == to => (Output::File(to), None),
            (_, output) => (output, Some(asked)),
        };
        if args.sealing.format_version == Some(sealer::Format::V1) {
            return Err(CommandError::DowngradeNeedsKeys);
        }
        Ok(Self {
            raised: args.sealing.format_version == Some(sealer::Format::V2),
            input,
            output,
            format,
            controller: Box::new(Controller::of(&args.controller, &args.cluster)),
            namespace: set(args.sealing.namespace.clone()),
        })
    }
}

/// Asks about every SealedSecret, judges the answers, then writes the result at once.
pub(crate) fn run(command: &ReEncrypt, environment: &Environment) -> Result<(), Error> {
    let bytes = read_objects(&command.input)?;
    let name = InputName::of(&command.input);
    let documents = name.documents(&bytes)?;
    let keeps_form = |format: &Format| documents.iter().all(|document| document.format == *format);
    let to_turn_into = command.format.filter(|format| !keeps_form(format));
    let mut sealed = name.sealed_secrets(documents)?;
    for (_, sealed) in &mut sealed {
        fill_namespace(sealed, command.namespace.as_deref());
    }
    let cluster = Cluster::connect(&command.controller.cluster, environment)?;
    let service = cluster.service(&command.controller)?;
    let mut edits = Vec::new();
    for (document, sealed) in &sealed {
        let changes = changes(sealed, Which::All, command.raised, (&cluster, &service))
            .map_err(|fault| name.fault_at(document.place(), fault))?;
        edits.push(Edit { document, changes });
    }
    let text = edit(&bytes, &edits).map_err(|error| name.fault(error))?;
    let _held = match (&command.input, &command.output) {
        (Input::File(read), Output::File(written)) if read == written => hold_unchanged(read, &bytes)?,
        _ => None,
    };
    match to_turn_into {
        None => files::write(&command.output, &text)?,
        Some(format) => {
            let documents = name.documents(&text)?;
            // Of these the rest is not known, and would be lost.
            if let Some(error) = documents.iter().find_map(|document| document.broken.clone()) {
                return Err(name.fault(error).into());
            }
            let objects: Vec<_> = documents.into_iter().map(Document::into_value).collect();
            let text = objects::text(&objects, format).map_err(|error| name.fault(error))?;
            files::write(&command.output, text.as_bytes())?;
        }
    }
    Ok(())
}

/// What changes in an object when the controller seals it again; `raised`: in format v2.
///
/// # Errors
/// The controller does not, or answers something else.
pub(crate) fn changes(
    sealed: &SealedSecret,
    which: Which,
    raised: bool,
    (cluster, service): (&Cluster, &ProxiedService),
) -> Result<Vec<Change>, Fault> {
    let question = manifest::to_json_compact(&question(sealed))?;
    let answer = cluster.rotate(service, question.into_bytes(), which, raised);
    let answer = answer.map_err(|error| match error {
        // Its answer gives no reason. Its certificate tells whether it can seal format v2.
        ClusterError::ReEncrypt(ref refusal, _)
            if refusal.status == StatusCode::INTERNAL_SERVER_ERROR
                && (raised || sealer::Format::latest_of(sealed) == Some(sealer::Format::V2))
                && seals_v1_alone(cluster, service) =>
        {
            NoHybridKey.into()
        }
        error => Fault::NotReEncrypted(error),
    })?;
    let answer: SealedSecret = serde_json::from_slice(&answer).map_err(|_| Fault::NoReply)?;
    let changes = response::changes(sealed, &answer)?;
    let mut values = answer.spec.encrypted_data.values().chain(&answer.spec.data);
    // A controller that does not know the question answers it as any other.
    if raised && values.any(|text| sealer::Format::of(text) != Some(sealer::Format::V2)) {
        return Err(NotRaised.into());
    }
    Ok(changes)
}

/// Whether the controller's certificate, which it gives everybody, has no hybrid key.
fn seals_v1_alone(cluster: &Cluster, service: &ProxiedService) -> bool {
    let cert = cluster.served_certificate(service).ok();
    let cert = cert.and_then(|bytes| SealingCert::from_pem(&bytes).ok());
    cert.is_some_and(|cert| matches!(cert.hybrid(), Ok(None)))
}

/// The controller cannot seal what is, or is to be, of format v2.
#[derive(Debug, thiserror::Error)]
#[error(
    "the controller does not seal it again: its certificate has no hybrid key, which format v2 needs, or it cannot open it"
)]
struct NoHybridKey;

impl Hinted for NoHybridKey {
    fn hint(&self, _typed: &Typed) -> Option<String> {
        Some(
            "nothing was written: format v2 takes a controller with --hybrid=publish; kubeseal doctor FILE finds out whether it opens"
                .to_owned(),
        )
    }
}

/// The controller was asked for format v2, and answers in another.
#[derive(Debug, thiserror::Error)]
#[error("the controller's answer is not in format v2")]
struct NotRaised;

impl Hinted for NotRaised {
    fn hint(&self, _typed: &Typed) -> Option<String> {
        Some("nothing was written: it takes a controller of this project, with --hybrid=publish".to_owned())
    }
}

/// What the controller needs to open the items and to seal them again. The template is none of its business: what it
/// would make of it is not taken, and it decides nothing.
fn question(sealed: &SealedSecret) -> SealedSecret {
    let annotations = sealed.metadata.annotations.iter().flatten();
    let known = [Scope::NamespaceWide, Scope::ClusterWide].map(Scope::annotation);
    let said = |name: &str| known.contains(&Some(name)) || name == names::ANNOTATION_SEALED_WITH;
    let annotations: BTreeMap<_, _> = annotations
        .filter(|(name, _)| said(name))
        .map(|(name, text)| (name.clone(), text.clone()))
        .collect();
    let mut question = sealed.clone();
    question.status = None;
    question.spec.template = None;
    question.metadata = ObjectMeta {
        name: sealed.metadata.name.clone(),
        namespace: sealed.metadata.namespace.clone(),
        annotations: Some(annotations).filter(|annotations| !annotations.is_empty()),
        ..ObjectMeta::default()
    };
    question
}
