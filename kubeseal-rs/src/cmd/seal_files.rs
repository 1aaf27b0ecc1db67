//! `kubeseal seal`: each file with Secrets into a sealed one.
//!
//! All clear files are read, and all certificates found, before the first is sealed. Then each file is done whole or not at
//! all: its result replaces the old one by a rename after it has reached the disk, and only then may the clear file go.

mod clear;
mod existing;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use rayon::prelude::*;
use sealing::SystemRandom;
use sealing::cert::SealingCert;
use sealing::document::EmitError;
use sealing::hint::KeyHint;
use sealing::seal::seal;
use zeroize::Zeroizing;

use crate::cert_source::Certificates;
use crate::command::{SealFiles, SealMode};
use crate::environment::Environment;
use crate::error::Error;
use crate::files::{FileError, Writer};
use crate::objects::{self, InputName};
use crate::parallel;
use crate::progress::Progress;
use crate::report::{self, FileReport};
use crate::tree;
use clear::ClearFile;
pub(crate) use clear::ClearFileFault;
use existing::Existing;

/// A clear file with all that sealing it needs.
struct Job {
    clear: ClearFile,
    to: PathBuf,
    /// None in `--check`.
    cert: Option<Arc<SealingCert>>,
}

impl Job {
    fn told(&self, result: &'static str) -> FileReport {
        FileReport::done(&self.clear.path, result, self.clear.secrets.len()).to(&self.to)
    }
}

/// Seals the files, or compares them, and tells what came of each.
pub(crate) fn run(command: &SealFiles, environment: &Environment, now: Timestamp) -> Result<(), Error> {
    let files = tree::files(&command.tree.paths, &command.tree.exclude)?;
    let namespace = clear::DefaultNamespace::new(&command.namespace, environment);
    let parameters = clear::parameters(command);
    let read: Vec<_> = files
        .par_iter()
        .filter_map(|file| {
            let clear = ClearFile::read(file, &parameters, &namespace).transpose()?;
            Some((file, clear))
        })
        .collect();

    let mut jobs = Vec::new();
    let mut reports = Vec::new();
    let mut certificates = Certificates::new(&command.cert, environment, now);
    for (file, clear) in read {
        match clear {
            Err(fault) => reports.push(FileReport::failed(&file.path, fault)),
            Ok(clear) => jobs.push(job(command, clear, &mut certificates)?),
        }
    }
    // Where all clear files are gone, as --delete-clear leaves it, nothing has been forgotten.
    if jobs.is_empty() && reports.is_empty() && command.mode != SealMode::Check {
        return Err(Error::NothingFound {
            what: "Secret",
            paths: command.tree.paths.clone(),
        });
    }
    refuse_common_targets(&jobs)?;
    let progress = Progress::of(jobs.len());
    let writer = Writer::default();
    let done: Vec<_> = parallel::with_writes(|| {
        let reports = jobs.par_iter().map(|job| {
            let done = match &job.cert {
                None => check(command, job),
                Some(cert) => one(command, job, cert, &writer).map(|report| (report, false)),
            };
            progress.done(&job.clear.path);
            done.unwrap_or_else(|fault| (FileReport::failed(&job.clear.path, fault), false))
        });
        reports.collect()
    });
    drop(progress);
    let (done, hold_more): (Vec<_>, Vec<_>) = done.into_iter().unzip();
    reports.extend(done);
    let files = reports.iter().filter(|report| report.result() == "differs").count();
    report::print(reports, command.tree.report)?;
    if files > 0 {
        let hold_more = hold_more.contains(&true);
        return Err(Error::Differing { files, hold_more });
    }
    Ok(())
}

fn job(command: &SealFiles, clear: ClearFile, certificates: &mut Certificates<'_>) -> Result<Job, Error> {
    let to = command.target(&clear.path, &clear.below);
    let cert = match command.mode {
        SealMode::Check => None,
        _ => Some(certificates.between(&[&clear.path, &to])?),
    };
    Ok(Job { clear, to, cert })
}

/// Two clear files may not have one sealed file.
fn refuse_common_targets(jobs: &[Job]) -> Result<(), Error> {
    let mut targets: Vec<_> = jobs.iter().map(|job| (&job.to, &job.clear.path)).collect();
    targets.sort();
    for pair in targets.windows(2) {
        if let [(to, one), (same, other)] = pair
            && to == same
        {
            return Err(Error::CommonTarget {
                to: (*to).clone(),
                one: (*one).clone(),
                other: (*other).clone(),
            });
        }
    }
    Ok(())
}

/// Compares a file with its sealed one; says too whether that holds more.
fn check(command: &SealFiles, job: &Job) -> Result<(FileReport, bool), Error> {
    let existing = Existing::at(&job.to, &job.clear, None, command.key_hint)?;
    let (differences, more) = match existing {
        None => (vec!["there is no such file".to_owned()], Vec::new()),
        Some(existing) => (existing.differences, existing.more),
    };
    Ok(if differences.is_empty() {
        (job.told("same").only_counted(), false)
    } else {
        (job.told("differs").with(differences), !more.is_empty())
    })
}

fn one(command: &SealFiles, job: &Job, cert: &SealingCert, writer: &Writer) -> Result<FileReport, Error> {
    let clear = &job.clear;
    let existing = Existing::at(&job.to, clear, Some(cert.public().fingerprint()), command.key_hint)?;
    let told = |result| job.told(result);
    match existing {
        Some(existing) if existing.current && command.mode == SealMode::Seal => {
            let kept = told("kept").with(existing.differences);
            return Ok(if existing.more.is_empty() {
                kept.only_counted()
            } else {
                kept
            });
        }
        Some(existing) if !command.force && !existing.more.is_empty() => {
            let fault = ClearFileFault::HoldsMore {
                more: existing.more,
                clear: clear.path.clone(),
                sealed: job.to.clone(),
            };
            return Err(InputName(job.to.display().to_string()).fault(fault).into());
        }
        _ => {
            let text = sealed(command, clear, &job.to, cert)?;
            writer.write(&job.to, text.as_bytes())?;
        }
    }
    let result = if command.mode == SealMode::SealAndDelete {
        writer.sync();
        clear.delete()?;
        "sealed and deleted"
    } else {
        "sealed"
    };
    Ok(told(result).with(clear.left_alone()))
}

/// Seals one file, and makes the folder for the result.
fn sealed(command: &SealFiles, clear: &ClearFile, to: &Path, cert: &SealingCert) -> Result<Zeroizing<String>, Error> {
    if command.mode == SealMode::SealAndDelete {
        clear.check_deletable()?;
    }
    let mut random = SystemRandom::default();
    let mut values = Vec::with_capacity(clear.secrets.len());
    for secret in &clear.secrets {
        let mut object = seal(&secret.clear, &clear.parameters, cert.public(), &mut random)
            .map_err(|fault| clear.name.fault_at(secret.place, fault))?;
        if command.key_hint {
            KeyHint::one(cert.public().fingerprint()).write(&mut object.metadata);
        }
        values.push(serde_json::to_value(object).map_err(|_| clear.name.fault(EmitError))?);
    }
    let text = objects::text(&values, clear.format).map_err(|error| clear.name.fault(error))?;
    if let Some(folder) = to.parent().filter(|_| command.out.is_some()) {
        std::fs::create_dir_all(folder).map_err(|reason| FileError::Write {
            path: folder.to_owned(),
            reason,
        })?;
    }
    Ok(text)
}
