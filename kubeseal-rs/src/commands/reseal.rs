//! `kubeseal reseal`: the ciphertexts in files, sealed again in place.
//!
//! Each file is done whole or not at all: every object in it is resealed before its text replaces the old one by a rename.

mod shown;
mod source;

use std::sync::Arc;

use clap::Args;
use crds::{SealedSecret, names};
use jiff::Timestamp;
use manifest::Place;
use manifest::edit::{Edit, edit};
use rayon::iter::Either;
use rayon::prelude::*;
use sealing::SystemRandom;
use sealing::recent_keys::RecentKeys;
use sealing::reseal::{Which, reseal};
use sealing::sealer::{Format, Sealer};
use sealing::unseal::place;

use super::classic::re_encrypt;
use super::error::CommandError;
use super::private_keys::{HeldKeys, PrivateKeys, held_keys};
use super::read::{hold_unchanged, place_by_kustomization};
use super::tree::NothingFound;
use super::tree::{Tree, stream_of};
use crate::cert_source::{CertSource, Certificate, Certificates, Finding, Formats};
use crate::cluster::{Cluster, ProxiedService};
use crate::embedded::BoundTo;
use crate::environment::Environment;
use crate::error::{Error, Hinted};
use crate::files::{self, Output, Writer, is_stream};
use crate::flags::{CertificateFlags, PrivateKeyFlags, TreeFlags, set};
use crate::lint::{Namespaces, Purpose, absolute, patches};
use crate::manifest_file::{self, Manifest};
use crate::note;
use crate::parallel;
use crate::progress::Progress;
use crate::report::{self, FileReport};
use crate::tree::{self, TreeFile};
use crate::typed::Typed;
use source::{Reseal, Source, Values};

/// Flags of `kubeseal reseal`.
#[derive(Debug, Args)]
#[command(after_help = include_str!("reseal.txt"))]
#[command(mut_arg("format_version", |arg| arg.help(FORMAT_HELP)))]
pub(crate) struct ResealFlags {
    /// Which files, and how to tell of them.
    #[command(flatten)]
    pub tree: TreeFlags,
    /// What to open with, in place of the controller.
    #[command(flatten)]
    pub keys: PrivateKeyFlags,
    /// Write nothing; fail when something is not sealed with the newest key (needs --recovery-private-key)
    #[arg(long)]
    pub check: bool,
    /// Write nothing; show the lines that would change, without ciphertexts
    #[arg(long)]
    pub diff: bool,
    /// Do not note the key's fingerprint in objects that do not carry such an annotation yet
    #[arg(long)]
    pub no_key_hint: bool,
    /// With --format-version 1: take values of version 2 back to version 1, which does not protect them against quantum
    /// computers and is not bound to the item's name
    #[arg(long)]
    pub allow_downgrade: bool,
    /// What sealed values outside SealedSecrets (a chart's values, Helm templates) were sealed for [default: names in the same document]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// The namespace that such values, and SealedSecrets that name none, were sealed for [default of the latter: that of their template]
    #[arg(long, short = 'n', value_name = "NAMESPACE")]
    pub namespace: Option<String>,
    /// The newest certificate, or where the controller is.
    #[command(flatten)]
    pub certificate: CertificateFlags,
}

/// What is said of `--format-version` here, where it does something else than in other verbs.
const FORMAT_HELP: &str = "Raise all values of SealedSecrets to version 2 of the format; 1 takes them back, and needs --allow-downgrade and \
                           --recovery-private-key [default: 2 where the project file says so, else each keeps its version]";

/// Seal what is in files again, in place.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ResealFiles {
    /// Which files.
    pub tree: Tree,
    /// What sealed values outside SealedSecrets are bound to.
    pub bound_to: BoundTo,
    /// Who opens.
    pub opener: Opener,
    /// What to do with what would change.
    pub mode: ResealMode,
    /// Whether the key's fingerprint is noted in objects that do not carry such a note.
    pub key_hint: bool,
    /// `--format-version`; version 1 lowers.
    pub version: Option<Format>,
}

/// Who opens what is sealed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Opener {
    /// The controller, which seals it again as well.
    Controller(Box<Finding>),
    /// Private keys that are at hand.
    Keys {
        /// At least one file.
        keys: PrivateKeys,
        /// The certificate to seal with.
        cert: CertSource,
    },
}

/// What to do with what would change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ResealMode {
    /// Write it.
    Write,
    /// Tell which files are due.
    Check {
        /// Whether the lines that would change are shown.
        diff: bool,
        /// Whether a file that is due is a failure.
        fail: bool,
    },
}

impl ResealFiles {
    /// Decides what the flags mean.
    ///
    /// # Errors
    /// [`CommandError`].
    pub(super) fn decide(flags: ResealFlags) -> Result<Self, CommandError> {
        stream_of(&flags.tree.paths)?;
        let keys = PrivateKeys::of(flags.keys);
        let mode = match (flags.check, flags.diff) {
            (false, false) => ResealMode::Write,
            (fail, diff) => ResealMode::Check { diff, fail },
        };
        let cert = CertSource::of_verb(&flags.certificate)?;
        let version = flags.certificate.format_version;
        match (version, flags.allow_downgrade) {
            (Some(Format::V1), false) => return Err(CommandError::DowngradeNeedsKeys),
            (Some(Format::V1), true) if keys.files.is_empty() => return Err(CommandError::DowngradeNeedsKeys),
            (Some(Format::V2) | None, true) => return Err(CommandError::NoDowngrade),
            _ => {}
        }
        let opener = if keys.files.is_empty() {
            if mode != ResealMode::Write {
                return Err(CommandError::CheckNeedsKeys);
            }
            match cert {
                CertSource::File(_) | CertSource::Url(_) => return Err(CommandError::CertNeedsKeys("--cert")),
                CertSource::Found(found) if found.for_cluster.is_some() => {
                    return Err(CommandError::CertNeedsKeys("--for-cluster"));
                }
                CertSource::Found(found) => Opener::Controller(found),
            }
        } else {
            Opener::Keys { keys, cert }
        };
        Ok(Self {
            bound_to: BoundTo {
                name: set(flags.name),
                namespace: set(flags.namespace),
            },
            tree: Tree::of(flags.tree)?,
            opener,
            version,
            mode,
            key_hint: !flags.no_key_hint,
        })
    }
}

/// Reseals the files, or tells which are due, and what came of each.
pub(crate) fn run(command: &ResealFiles, environment: &Environment, now: Timestamp) -> Result<(), Error> {
    let meant = tree::all_files(&command.tree.paths, &command.tree.exclude)?;
    let skipped = manifest_file::passed_over(&meant, names::KIND);
    let (mut reports, sources) = with_sealed_values(meant.files);
    reports.extend(skipped);
    if sources.is_empty() && reports.is_empty() {
        return Err(NothingFound {
            what: names::KIND,
            paths: command.tree.paths.clone(),
        }
        .into());
    }
    let done = match &command.opener {
        Opener::Keys { keys, cert } => {
            let keys = held_keys(keys)?;
            let mut certificates = Certificates::new(cert, environment, now);
            let with_certs = sources
                .into_iter()
                .map(|source| {
                    let path = source.manifest.path.as_path();
                    let places = if is_stream(path) { Vec::new() } else { vec![path] };
                    let cert = certificates.between(&places)?;
                    sealer(command, &cert)?;
                    Ok((cert, source))
                })
                .collect::<Result<_, Error>>()?;
            with_keys(command, with_certs, &keys)
        }
        Opener::Controller(finding) => {
            let mut formats = Formats::default();
            let sources = sources.into_iter().map(|source| {
                let path = source.manifest.path.as_path();
                let said = formats.at(finding, (!is_stream(path)).then_some(path))?;
                Ok((command.version.or(said) == Some(Format::V2), source))
            });
            let sources: Vec<_> = sources.collect::<Result<_, Error>>()?;
            let cluster = Cluster::connect(&finding.controller.cluster, environment)?;
            let service = cluster.service(&finding.controller)?;
            by_controller(command, &sources, &cluster, &service)
        }
    };
    reports.extend(done);
    let due = reports.iter().filter(|report| report.result() == "due").count();
    match command.mode {
        ResealMode::Write if command.tree.is_stream() => report::faults(reports)?,
        _ => report::print(reports, command.tree.report)?,
    }
    match command.mode {
        ResealMode::Check { fail: true, .. } if due > 0 => Err(Due(due).into()),
        _ => Ok(()),
    }
}

/// What is wrong with files that may hold sealed values, and those that do.
fn with_sealed_values(files: Vec<TreeFile>) -> (Vec<FileReport>, Vec<Source>) {
    let patches = patches(files.iter().map(|file| file.path.as_path()));
    files
        .into_par_iter()
        .filter_map(|file| {
            let is_patch = patches.contains(&absolute(&file.path));
            let read = Source::read(&file, is_patch).transpose()?;
            Some(read.map_err(|fault| FileReport::failed(&file.path, fault)))
        })
        .partition_map(Either::from)
}

/// What the values of objects are sealed with.
fn sealer<'c>(command: &ResealFiles, cert: &'c Certificate) -> Result<Sealer<'c>, Error> {
    Ok(match command.version {
        Some(Format::V1) => cert.lowering_sealer(),
        version => cert.resealer(version)?,
    })
}

/// What values outside objects are sealed with.
fn sealer_outside<'c>(command: &ResealFiles, cert: &'c Certificate) -> Sealer<'c> {
    match command.version {
        Some(Format::V1) => cert.lowering_sealer(),
        _ => cert.keeping_sealer(),
    }
}

fn with_keys(command: &ResealFiles, with_certs: Vec<(Arc<Certificate>, Source)>, keys: &HeldKeys) -> Vec<FileReport> {
    let progress = Progress::of(with_certs.len());
    let lately = RecentKeys::default();
    let (writer, namespaces) = (Writer::default(), Namespaces::default());
    let one = |cert: &Certificate, source: &Source| {
        let (sealer, outside) = (sealer(command, cert)?, sealer_outside(command, cert));
        let raised = sealer.format_after(Some(Format::V1)) == Format::V2;
        let with = |sealer: &Sealer<'_>, place: Place, sealed: &SealedSecret| -> Result<_, Error> {
            let mut random = SystemRandom::default();
            let (lately_keys, which) = (lately.keys(), Which::OfOtherKeys);
            let resealed = reseal(sealed, &keys.ring, &lately_keys, sealer, which, &mut random)
                .map_err(|error| source.manifest.name.fault_at(place, keys.explained(error)))?;
            lately.opened(&resealed.opened_by);
            Ok(resealed.changes(sealed, command.key_hint))
        };
        let reseal = Reseal {
            raised,
            changes: &|place, sealed| with(&sealer, place, sealed),
            outside: &|place, sealed| with(&outside, place, sealed),
        };
        one_file(command, source, (&writer, &namespaces), &reseal)
    };
    parallel::with_writes(|| {
        // Each is dropped as soon as it is done.
        let reports = with_certs.into_par_iter().map(|(cert, source)| {
            let path = &source.manifest.path;
            let report = one(&cert, &source).unwrap_or_else(|fault| FileReport::failed(path, fault));
            progress.done(path);
            report
        });
        reports.collect()
    })
}

/// One after the other: the controller limits how often it may be asked, whoever asks.
fn by_controller(
    command: &ResealFiles,
    sources: &[(bool, Source)],
    cluster: &Cluster,
    service: &ProxiedService,
) -> Vec<FileReport> {
    let progress = Progress::of(sources.len());
    let (writer, namespaces) = (Writer::default(), Namespaces::default());
    sources
        .iter()
        .map(|(raised, source)| {
            let Manifest { path, name, .. } = &source.manifest;
            let ask = |raised: bool, place: Place, sealed: &SealedSecret| {
                let changes = re_encrypt::changes(sealed, Which::OfOtherKeys, raised, (cluster, service));
                Ok(changes.map_err(|fault| name.fault_at(place, fault))?)
            };
            let reseal = Reseal {
                raised: *raised,
                changes: &|place, sealed| ask(*raised, place, sealed),
                outside: &|place, sealed| ask(false, place, sealed),
            };
            let report = one_file(command, source, (&writer, &namespaces), &reseal)
                .unwrap_or_else(|fault| FileReport::failed(path, fault));
            progress.done(path);
            report
        })
        .collect()
}

/// Has `changes` say what changes in each SealedSecret of a file and in each sealed value beside them, and writes it.
fn one_file(
    command: &ResealFiles,
    source: &Source,
    (writer, namespaces): (&Writer, &Namespaces),
    reseal: &Reseal<'_>,
) -> Result<FileReport, Error> {
    let Manifest { path, name, bytes, .. } = &source.manifest;
    let Values {
        text,
        mut details,
        left,
    } = source.reseal_values(command, reseal)?;
    let (mut edits, mut objects) = (Vec::new(), source.embedded.len());
    for document in source.manifest.of_kind(names::KIND) {
        objects += 1;
        let mut sealed = name.sealed_secret(document)?;
        place(&mut sealed, command.bound_to.namespace.as_deref());
        place_by_kustomization(path, &mut sealed, namespaces, Purpose::Opening)
            .map_err(|fault| name.fault_at(document.place(), fault))?;
        let changes = (reseal.changes)(document.place(), &sealed)?;
        if !changes.is_empty() {
            details.push(shown::items(&sealed, &changes));
            edits.push(Edit { document, changes });
        }
    }
    let text = match edits.is_empty() {
        true => text,
        false => edit(&text, &edits).map_err(|error| name.fault(error))?,
    };
    if command.mode == ResealMode::Write && is_stream(path) {
        files::write(&Output::Stdout, &text)?;
        left.iter().for_each(|left| note::told(&format!("note: {left}")));
        return Ok(FileReport::done(path, "resealed", objects));
    }
    if details.is_empty() {
        let report = FileReport::done(path, "current", objects);
        return Ok(match left {
            Some(left) => report.with(vec![left]),
            None => report.only_counted(),
        });
    }
    let report = match command.mode {
        ResealMode::Write => {
            let _held = hold_unchanged(path, bytes)?;
            writer.write(path, &text)?;
            FileReport::done(path, "resealed", objects).with(details)
        }
        ResealMode::Check { diff, .. } => {
            let lines = if diff { shown::diff(bytes, &text) } else { details };
            FileReport::done(path, "due", objects).with(lines)
        }
    };
    Ok(report.with(left.into_iter().collect()))
}

/// Files in which something is not sealed with the newest key.
#[derive(Debug, thiserror::Error)]
#[error("{0} of the files are not sealed with the newest key")]
struct Due(usize);

impl Hinted for Due {
    fn hint(&self, typed: &Typed) -> Option<String> {
        Some(format!("{} seals them again", typed.without(&["check", "diff"])))
    }
}
