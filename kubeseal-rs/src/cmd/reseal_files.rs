//! `kubeseal reseal`: the ciphertexts in files, sealed again in place.
//!
//! Each file is done whole or not at all: every object in it is resealed before its text replaces the old one by a rename.

mod shown;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crds::{SealedSecret, names};
use jiff::Timestamp;
use rayon::prelude::*;
use sealing::SystemRandom;
use sealing::cert::SealingCert;
use sealing::document::edit::{Change, Edit, edit};
use sealing::document::{self, Document};
use sealing::keyring::KeyRing;
use sealing::lately::Lately;
use sealing::reseal::{Which, reply, reseal};

use crate::cert_source::Certificates;
use crate::cluster::{Cluster, ProxiedService};
use crate::command::{Opener, ResealFiles, ResealMode};
use crate::environment::Environment;
use crate::error::Error;
use crate::files::{self, Writer};
use crate::manifest;
use crate::objects::{Fault, InputName};
use crate::parallel;
use crate::progress::Progress;
use crate::report::{self, FileReport};
use crate::tree::{self, TreeFile};

/// Reseals the files, or tells which are due, and what came of each.
pub(crate) fn run(command: &ResealFiles, environment: &Environment, now: Timestamp) -> Result<(), Error> {
    let files = tree::files(&command.tree.paths, &command.tree.exclude)?;
    let (files, mut reports) = with_sealed_secrets(files);
    if files.is_empty() && reports.is_empty() {
        return Err(Error::NothingFound {
            what: names::KIND,
            paths: command.tree.paths.clone(),
        });
    }
    let done = match &command.opener {
        Opener::Keys { keys, cert } => {
            let keys = super::recovery_unseal::key_ring(keys)?;
            let mut certificates = Certificates::new(cert, environment, now);
            let certs: BTreeMap<_, _> = files
                .iter()
                .map(|file| Ok((file.path.clone(), certificates.between(&[&file.path])?)))
                .collect::<Result<_, Error>>()?;
            with_keys(command, &files, &keys, &certs)
        }
        Opener::Controller(controller) => {
            let cluster = Cluster::connect(&controller.cluster, environment)?;
            let service = cluster.service(controller)?;
            by_controller(command, &files, &cluster, &service)
        }
    };
    reports.extend(done);
    let due = reports.iter().filter(|report| report.result() == "due").count();
    report::print(reports, command.tree.report)?;
    match command.mode {
        ResealMode::Check { fail: true, .. } if due > 0 => Err(Error::Due(due)),
        _ => Ok(()),
    }
}

/// The files that hold a SealedSecret, and what is wrong with those that may.
fn with_sealed_secrets(files: Vec<TreeFile>) -> (Vec<TreeFile>, Vec<FileReport>) {
    let looked: Vec<_> = files
        .into_par_iter()
        .filter_map(|file| match holds_any(&file) {
            Ok(true) => Some(Ok(file)),
            Ok(false) => None,
            Err(fault) => Some(Err(FileReport::failed(&file.path, fault))),
        })
        .collect();
    let (mut found, mut failed) = (Vec::new(), Vec::new());
    for one in looked {
        match one {
            Ok(file) => found.push(file),
            Err(report) => failed.push(report),
        }
    }
    (found, failed)
}

fn holds_any(file: &TreeFile) -> Result<bool, Error> {
    let bytes = files::read_file(&file.path)?;
    let documents = manifest::documents(&InputName(file.path.display().to_string()), file, &bytes, names::KIND)?;
    Ok(documents
        .iter()
        .flatten()
        .any(|document| manifest::kind(document) == names::KIND))
}

fn with_keys(
    command: &ResealFiles,
    files: &[TreeFile],
    keys: &KeyRing,
    certs: &BTreeMap<PathBuf, Arc<SealingCert>>,
) -> Vec<FileReport> {
    let progress = Progress::of(files.len());
    let lately = Lately::default();
    let writer = Writer::default();
    let one = |file: &TreeFile| {
        let cert = certs.get(&file.path).ok_or(Error::Report)?;
        one_file(command, &file.path, &writer, |name, document, sealed| {
            let mut random = SystemRandom::default();
            let resealed = reseal(
                sealed,
                keys,
                &lately.keys(),
                cert.public(),
                Which::OfOtherKeys,
                &mut random,
            )
            .map_err(|error| name.fault_at(document.place(), error))?;
            lately.opened(&resealed.opened_by);
            Ok(resealed.changes(sealed, command.key_hint))
        })
    };
    parallel::with_writes(|| {
        let reports = files.par_iter().map(|file| {
            let report = one(file).unwrap_or_else(|fault| FileReport::failed(&file.path, fault));
            progress.done(&file.path);
            report
        });
        reports.collect()
    })
}

/// One after the other: the controller limits how often it may be asked, whoever asks.
fn by_controller(
    command: &ResealFiles,
    files: &[TreeFile],
    cluster: &Cluster,
    service: &ProxiedService,
) -> Vec<FileReport> {
    let progress = Progress::of(files.len());
    let ask = |name: &InputName, document: &Document, sealed: &SealedSecret| {
        let wrong = |fault: Fault| Error::from(name.fault_at(document.place(), fault));
        let question = super::re_encrypt::question(sealed);
        let question = document::to_json_compact(&question).map_err(|error| name.fault(error))?;
        let answer = cluster
            .rotate(service, question.into_bytes(), Which::OfOtherKeys)
            .map_err(|error| wrong(Fault::NotReEncrypted(error)))?;
        let answer: SealedSecret = serde_json::from_slice(&answer).map_err(|_| wrong(Fault::NoReply))?;
        reply::changes(sealed, &answer).map_err(|error| wrong(Fault::Reply(error)))
    };
    let writer = Writer::default();
    files
        .iter()
        .map(|file| {
            let report = one_file(command, &file.path, &writer, ask)
                .unwrap_or_else(|fault| FileReport::failed(&file.path, fault));
            progress.done(&file.path);
            report
        })
        .collect()
}

/// Reads a file, has `changes` say what changes in each of its SealedSecrets, and writes it.
fn one_file(
    command: &ResealFiles,
    path: &Path,
    writer: &Writer,
    changes: impl Fn(&InputName, &Document, &SealedSecret) -> Result<Vec<Change>, Error>,
) -> Result<FileReport, Error> {
    let bytes = files::read_file(path)?;
    let name = InputName(path.display().to_string());
    let documents = name.documents(&bytes)?;
    let (mut edits, mut details, mut objects) = (Vec::new(), Vec::new(), 0);
    for document in documents
        .iter()
        .filter(|document| manifest::kind(document) == names::KIND)
    {
        objects += 1;
        let sealed = name.sealed_secret(document)?;
        let changes = changes(&name, document, &sealed)?;
        if !changes.is_empty() {
            details.push(shown::items(&sealed, &changes));
            edits.push(Edit { document, changes });
        }
    }
    if edits.is_empty() {
        return Ok(FileReport::done(path, "current", objects).only_counted());
    }
    let text = edit(&bytes, &edits).map_err(|error| name.fault(error))?;
    match command.mode {
        ResealMode::Write => {
            super::check_unchanged(path, &bytes)?;
            writer.write(path, &text)?;
            Ok(FileReport::done(path, "resealed", objects).with(details))
        }
        ResealMode::Check { diff, .. } => {
            let lines = if diff { shown::diff(&bytes, &text) } else { details };
            Ok(FileReport::done(path, "due", objects).with(lines))
        }
    }
}
