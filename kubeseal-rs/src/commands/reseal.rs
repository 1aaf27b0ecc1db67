//! `kubeseal reseal`: the ciphertexts in files, sealed again in place.
//!
//! Each file is done whole or not at all: every object in it is resealed before its text replaces the old one by a rename.

mod shown;
mod source;
mod unfinished;

use std::sync::Arc;

use clap::Args;
use crds::{SealedSecret, names};
use jiff::Timestamp;
use manifest::Place;
use manifest::edit::edit;
use rayon::iter::Either;
use rayon::prelude::*;
use sealing::SystemRandom;
use sealing::recent_keys::RecentKeys;
use sealing::reseal::{Which, reseal};
use sealing::sealer::{Format, Sealer};

use super::classic::re_encrypt;
use super::error::CommandError;
use super::private_keys::{HeldKeys, PrivateKeys, held_keys};
use super::read::hold_unchanged;
use super::tree::NothingFound;
use super::tree::{Tree, stream_of};
use crate::cert_source::{CertFrom, CertSource, Certificate, Certificates, Finding, Formats};
use crate::cluster::{Cluster, ProxiedService};
use crate::embedded::BoundTo;
use crate::environment::Environment;
use crate::error::Error;
use crate::files::{self, Output, Writer, is_stream};
use crate::flags::{CertificateFlags, FormatFlags, PrivateKeyFlags, TreeFlags, set};
use crate::interrupt::Interrupt;
use crate::lint::{Namespaces, absolute, patches};
use crate::manifest_file::{self, Manifest};
use crate::note;
use crate::parallel;
use crate::progress::Progress;
use crate::report::{self, FileReport};
use crate::tree::{self, TreeFile};
use source::{Reseal, Source, Values, Waiting};
use unfinished::{Due, Interrupted, LEFT};

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
    /// Write nothing; fail when something is not sealed with the newest key, or not in the format that is asked for (needs
    /// --recovery-private-key)
    #[arg(long)]
    pub check: bool,
    /// Write nothing; show the lines that would change, without ciphertexts
    #[arg(long)]
    pub diff: bool,
    /// Do not note the key's fingerprint in objects that do not carry such an annotation yet
    #[arg(long)]
    pub no_key_hint: bool,
    /// With --format-version 1: take values of format v2 back to format v1, which does not protect them against quantum
    /// computers and is not bound to the item's name
    #[arg(long)]
    pub allow_downgrade: bool,
    /// What sealed values outside SealedSecrets (a chart's values, Helm templates) were sealed for [default: names in the same document]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// The namespace that such values, and SealedSecrets that name none, were sealed for [default of the latter: that of their template]
    #[arg(long, short = 'n', value_name = "NAMESPACE")]
    pub namespace: Option<String>,
    /// In which version of the format to seal.
    #[command(flatten)]
    pub version: FormatFlags,
    /// The newest certificate, or where the controller is.
    #[command(flatten)]
    pub certificate: CertificateFlags,
}

/// The help of `--format-version`, which does something else here than in other verbs.
const FORMAT_HELP: &str = "Raise all values of SealedSecrets to format v2; 1 takes them back, and needs --allow-downgrade and \
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
    /// `--format-version`; format v1 lowers.
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
        let version = flags.version.format_version;
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
            match cert.from {
                CertFrom::File(_) | CertFrom::Url(_) => return Err(CommandError::CertNeedsKeys("--cert")),
                CertFrom::Found(found) if found.for_cluster.is_some() => {
                    return Err(CommandError::CertNeedsKeys("--for-cluster"));
                }
                CertFrom::Found(found) => Opener::Controller(found),
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
    let (mut reports, waiting) = with_sealed_values(meant.files);
    reports.extend(skipped);
    if waiting.is_empty() && reports.is_empty() {
        return Err(NothingFound {
            what: names::KIND,
            paths: command.tree.paths.clone(),
        }
        .into());
    }
    let mut raised = false;
    let interrupt = match command.mode {
        ResealMode::Write if !command.tree.is_stream() => Interrupt::catch(),
        _ => Interrupt::default(),
    };
    let done = match &command.opener {
        Opener::Keys { keys, cert } => {
            let keys = held_keys(keys)?;
            let mut certificates = Certificates::new(cert, environment, now);
            let with_certs = waiting
                .into_iter()
                .map(|file| {
                    let cert = certificates.of_file(&file.places(), file.is_found())?;
                    raised |= sealer(command, &cert)?.format_after(Some(Format::V1)) == Format::V2;
                    Ok((cert, file))
                })
                .collect::<Result<_, Error>>()?;
            with_keys(command, with_certs, &keys, &interrupt)
        }
        Opener::Controller(finding) => {
            let mut formats = Formats::default();
            let from = CertFrom::Found(finding.clone());
            let waiting = waiting.into_iter().map(|file| {
                let said = formats.at(&from, &file.places())?;
                Ok((command.version.or(said) == Some(Format::V2), file))
            });
            let waiting: Vec<_> = waiting.collect::<Result<_, Error>>()?;
            let cluster = Cluster::connect(&finding.controller.cluster, environment)?;
            let service = cluster.service(&finding.controller)?;
            by_controller(command, &waiting, (&cluster, &service), &interrupt)
        }
    };
    reports.extend(done);
    let count = |result| reports.iter().filter(|report| report.result() == result).count();
    let (files, left) = (count("due"), count(LEFT));
    match command.mode {
        ResealMode::Write if command.tree.is_stream() => report::faults(reports)?,
        _ => report::print(reports, command.tree.report)?,
    }
    if left > 0 {
        return Err(Interrupted(left).into());
    }
    match command.mode {
        ResealMode::Check { fail: true, .. } if files > 0 => Err(Due { files, raised }.into()),
        _ => Ok(()),
    }
}

/// What is wrong with files that may hold sealed values, and those that do.
fn with_sealed_values(files: Vec<TreeFile>) -> (Vec<FileReport>, Vec<Waiting>) {
    let progress = Progress::of(files.len());
    let patches = patches(files.iter().map(|file| file.path.as_path()));
    files
        .into_par_iter()
        .filter_map(|file| {
            let is_patch = patches.contains(&absolute(&file.path));
            let path = file.path.clone();
            let found = Waiting::of(file, is_patch).transpose();
            progress.done(&path);
            Some(found?.map_err(|fault| FileReport::failed(&path, fault)))
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

fn with_keys(
    command: &ResealFiles,
    with_certs: Vec<(Arc<Certificate>, Waiting)>,
    keys: &HeldKeys,
    interrupt: &Interrupt,
) -> Vec<FileReport> {
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
            unheld: (!keys.ring.holds(sealer.fingerprint())).then_some(&sealer),
        };
        one_file(command, source, (&writer, &namespaces), &reseal)
    };
    parallel::with_writes(|| {
        let reports = with_certs.par_iter().map(|(cert, file)| {
            let report = reported(file, interrupt, |source| one(cert, source));
            progress.done(file.path());
            report
        });
        reports.collect()
    })
}

/// What comes of a file.
fn reported(
    file: &Waiting,
    interrupt: &Interrupt,
    one: impl FnOnce(&Source) -> Result<FileReport, Error>,
) -> FileReport {
    if interrupt.is_pressed() {
        return FileReport::done(file.path(), LEFT, 0).only_counted();
    }
    match file.with(one) {
        Ok(Some(report)) => report,
        Ok(None) => FileReport::done(file.path(), "current", 0).only_counted(),
        Err(fault) => FileReport::failed(file.path(), fault),
    }
}

/// One after the other: the controller has a rate limit for all clients together.
fn by_controller(
    command: &ResealFiles,
    waiting: &[(bool, Waiting)],
    (cluster, service): (&Cluster, &ProxiedService),
    interrupt: &Interrupt,
) -> Vec<FileReport> {
    let progress = Progress::of(waiting.len());
    let (writer, namespaces) = (Writer::default(), Namespaces::default());
    let one = |raised: bool, source: &Source| {
        let ask = |raised: bool, place: Place, sealed: &SealedSecret| {
            let changes = re_encrypt::changes(sealed, Which::OfOtherKeys, raised, (cluster, service));
            Ok(changes.map_err(|fault| source.manifest.name.fault_at(place, fault))?)
        };
        let reseal = Reseal {
            raised,
            changes: &|place, sealed| ask(raised, place, sealed),
            outside: &|place, sealed| ask(false, place, sealed),
            unheld: None,
        };
        one_file(command, source, (&writer, &namespaces), &reseal)
    };
    let each = |(raised, file): &(bool, Waiting)| {
        let report = reported(file, interrupt, |source| one(*raised, source));
        progress.done(file.path());
        report
    };
    waiting.iter().map(each).collect()
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
    let of_objects = source.reseal_objects(command, namespaces, reseal)?;
    details.extend(of_objects.details);
    let objects = source.embedded.len() + of_objects.count;
    let text = match of_objects.edits.is_empty() {
        true => text,
        false => edit(&text, &of_objects.edits).map_err(|error| name.fault(error))?,
    };
    let is_skipped = of_objects.unopened.is_some();
    let left: Vec<_> = of_objects.unopened.into_iter().chain(left).collect();
    if command.mode == ResealMode::Write && is_stream(path) {
        files::write(&Output::Stdout, &text)?;
        left.iter().for_each(|left| note::told(&format!("note: {left}")));
        return Ok(FileReport::done(path, "resealed", objects));
    }
    if details.is_empty() {
        let report = FileReport::done(path, if is_skipped { "skipped" } else { "current" }, objects);
        return Ok(match left.is_empty() {
            true => report.only_counted(),
            false => report.with(left),
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
    Ok(report.with(left))
}
