//! What the command does.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use rayon::prelude::*;
use sealing::key::Fingerprint;
use sealing::sealer::{Format, Sealer};
use zeroize::Zeroizing;

use super::clear::ClearFile;
use super::existing::Existing;
use super::fault::{ClearFileFault, way_back};
use super::values::Values;
use super::waiting::{Reading, Waiting};
use super::{SealFiles, SealMode};
use crate::cert_source::{Certificate, Certificates, Formats, KnownKeys};
use crate::commands::namespace::DefaultNamespace;
use crate::commands::read::check_unchanged;
use crate::commands::sealed_file::obstacles;
use crate::commands::tree::{CommonTarget, NothingFound};
use crate::environment::Environment;
use crate::error::{Error, Hinted};
use crate::files::{self, Writer};
use crate::git;
use crate::manifest_file;
use crate::objects::{self, InputName};
use crate::parallel;
use crate::place;
use crate::progress::Progress;
use crate::quoting;
use crate::report::{self, FileReport};
use crate::tree;
use crate::typed::Typed;

const TRACKED: &str = "warning: Git tracks the clear file, and its history keeps the values: change them";

const GONE: &str = "there is no Secret in it any more";

/// A clear file with all that sealing it needs.
struct Job {
    file: Waiting,
    to: PathBuf,
    /// None in `--check`.
    cert: Option<Arc<Certificate>>,
    /// In `--check`: the version of the format that is asked for, by a flag or the project file.
    wanted: Option<Format>,
    /// In `--check`: the certificate's key, where it is known without asking.
    key: Option<Fingerprint>,
    /// Whether Git tracks the clear file.
    tracked: bool,
}

/// What is looked up for each file, and found once.
struct LookUps<'a> {
    certificates: Certificates<'a>,
    formats: Formats,
    keys: KnownKeys,
}

impl Job {
    fn told(&self, clear: &ClearFile, result: &'static str) -> FileReport {
        let report = FileReport::done(&clear.path, result, clear.secrets.len()).to(&self.to);
        match self.tracked {
            true => report.with(vec![TRACKED.to_owned()]),
            false => report,
        }
    }

    /// The same of a file in which nothing was done: it is shown only where a person should know something.
    fn untouched(&self, clear: &ClearFile, result: &'static str, details: Vec<String>) -> FileReport {
        let is_quiet = details.is_empty() && !self.tracked;
        let report = self.told(clear, result).with(details);
        if is_quiet { report.only_counted() } else { report }
    }
}

/// Seals the files, or compares them, and tells what came of each.
pub(crate) fn run(command: &SealFiles, environment: &Environment, now: Timestamp) -> Result<(), Error> {
    let namespace = DefaultNamespace::new(&command.namespace, environment);
    let parameters = namespace.parameters(command.scope, None, command.allow_empty, &command.metadata);
    let reading = Reading {
        parameters: &parameters,
        namespace: &namespace,
        strict: command.strict,
    };
    let mut jobs = Vec::new();
    let (mut reports, mut skipped) = (Vec::new(), Vec::new());
    let mut look_ups = LookUps {
        certificates: Certificates::new(&command.cert, environment, now),
        formats: Formats::default(),
        keys: KnownKeys::default(),
    };
    if let Some(sources) = &command.sources {
        let clear = ClearFile::of_sources(sources, &parameters, &namespace)?;
        let clear = clear.judge_placeholders(command.strict)?;
        jobs.push(job(command, Waiting::Held(Box::new(clear)), &mut look_ups)?);
    } else {
        let meant = tree::files(&command.tree.paths, &command.tree.exclude)?;
        skipped = manifest_file::passed_over(&meant, "Secret");
        let progress = Progress::of(meant.files.len());
        let read = meant.files.par_iter().filter_map(|file| {
            let waiting = Waiting::of(file, &reading).transpose();
            progress.done(&file.path);
            Some((file, waiting?))
        });
        for (file, waiting) in read.collect::<Vec<_>>() {
            match waiting {
                Err(fault) => reports.push(FileReport::failed(&file.path, fault)),
                Ok(waiting) => jobs.push(job(command, waiting, &mut look_ups)?),
            }
        }
    }
    // Where all clear files are gone, as --delete-clear leaves it, nothing has been forgotten.
    if jobs.is_empty() && reports.is_empty() && skipped.is_empty() && command.mode != SealMode::Check {
        return Err(NothingFound {
            what: "Secret",
            paths: command.tree.paths.clone(),
        }
        .into());
    }
    refuse_common_targets(&jobs)?;
    let tracked = git::tracked(jobs.iter().flat_map(|job| job.file.read_from()));
    for job in &mut jobs {
        job.tracked = job.file.read_from().iter().any(|path| tracked.contains(*path));
    }
    let values = Values::of(command, jobs.iter().flat_map(|job| job.file.names()), environment)?;
    let beyond = Mutex::default();
    let done = each(command, &jobs, &values, &reading, &beyond);
    reports.extend(done.into_iter().chain(skipped));
    let files = reports.iter().filter(|report| report.result() == "differs").count();
    report::print(reports, command.tree.report)?;
    if files > 0 {
        let beyond = beyond.into_inner().unwrap_or_default();
        return Err(Differing { files, beyond }.into());
    }
    Ok(())
}

/// What comes of each file.
fn each(
    command: &SealFiles,
    jobs: &[Job],
    values: &Values,
    reading: &Reading<'_>,
    beyond: &Mutex<BeyondSealing>,
) -> Vec<FileReport> {
    let progress = Progress::of(jobs.len());
    let writer = Writer::default();
    parallel::with_writes(|| {
        let reports = jobs.par_iter().map(|job| {
            let path = job.file.path();
            let done = job.file.with(reading, |clear| match &job.cert {
                None => check(command, (job, clear), values, beyond),
                Some(cert) => one(command, (job, clear), values, cert, &writer),
            });
            progress.done(path);
            // Its Secrets have gone since it was read.
            let gone = || FileReport::done(path, "skipped", 0).with(vec![GONE.to_owned()]);
            done.map_or_else(
                |fault| FileReport::failed(path, fault),
                |done| done.unwrap_or_else(gone),
            )
        });
        reports.collect()
    })
}

fn job(command: &SealFiles, file: Waiting, look_ups: &mut LookUps<'_>) -> Result<Job, Error> {
    let to = command.target(file.path(), file.below());
    let (mut wanted, mut key) = (command.version, None);
    let cert = match command.mode {
        SealMode::Check => {
            let (from, places) = (&command.cert.from, [file.path(), to.as_path()]);
            wanted = wanted.or(look_ups.formats.at(from, &places)?);
            key = look_ups.keys.at(from, &places);
            None
        }
        _ => {
            let cert = look_ups.certificates.of_file(&[file.path(), &to], file.is_found())?;
            cert.sealer(command.version)?;
            Some(cert)
        }
    };
    Ok(Job {
        file,
        to,
        cert,
        wanted,
        key,
        tracked: false,
    })
}

/// Two clear files may not have one sealed file, whatever symlinks lead to it.
fn refuse_common_targets(jobs: &[Job]) -> Result<(), Error> {
    // What cannot be followed cannot be written either.
    let end = |to: &Path| place::end_of_links(to).unwrap_or_else(|_| to.to_owned());
    let mut targets: Vec<_> = jobs
        .iter()
        .map(|job| (end(&job.to), job.file.path(), &job.to))
        .collect();
    targets.sort();
    for pair in targets.windows(2) {
        if let [(end, one, to), (same, other, _)] = pair
            && end == same
        {
            return Err(CommonTarget {
                to: (*to).clone(),
                one: one.to_path_buf(),
                other: other.to_path_buf(),
            }
            .into());
        }
    }
    Ok(())
}

/// Differences that sealing alone does not take away.
#[derive(Debug, Default)]
struct BeyondSealing {
    /// Clear files, each with its sealed one that holds more.
    lacking: Vec<(PathBuf, PathBuf)>,
    /// Sealed files with values of format v2 where the project file names format v1.
    later: Vec<PathBuf>,
}

/// Compares a file with its sealed one.
fn check(
    command: &SealFiles,
    (job, clear): (&Job, &ClearFile),
    values: &Values,
    beyond: &Mutex<BeyondSealing>,
) -> Result<FileReport, Error> {
    let after = |former: Format| match job.wanted {
        Some(Format::V1) => Format::V1,
        wanted => former.max(wanted.unwrap_or_default()),
    };
    let (differences, remarks) = match Existing::at(&job.to, clear, command.keeps(), values)? {
        None => (vec!["there is no such file".to_owned()], Vec::new()),
        Some(existing) => {
            existing.check_not_lowered(command.version)?;
            let of_other_format = existing.raised(clear, after);
            if let Ok(mut beyond) = beyond.lock() {
                if existing.check_removes_nothing(clear).is_err() {
                    beyond.lacking.push((clear.path.clone(), job.to.clone()));
                }
                if job.wanted == Some(Format::V1) && !of_other_format.is_empty() {
                    beyond.later.push(job.to.clone());
                }
            }
            let mut differences = existing.differences(clear);
            differences.extend(of_other_format);
            let mut remarks = existing.left_alone(clear);
            remarks.extend(job.key.iter().flat_map(|key| existing.of_other_keys(clear, key)));
            (differences, remarks)
        }
    };
    Ok(match differences.is_empty() {
        true => job.untouched(clear, "same", remarks),
        false => job.told(clear, "differs").with(differences).with(remarks),
    })
}

/// What becomes of a sealed file.
struct Made {
    text: Vec<u8>,
    details: Vec<String>,
    /// The file that is written over, which others must not change meanwhile.
    held: Option<File>,
}

fn one(
    command: &SealFiles,
    (job, clear): (&Job, &ClearFile),
    values: &Values,
    cert: &Certificate,
    writer: &Writer,
) -> Result<FileReport, Error> {
    let sealer = cert.sealer(command.version)?;
    if command.mode == SealMode::SealAndDelete {
        clear.check_deletable()?;
    }
    let is_there = std::fs::metadata(&job.to).is_ok();
    let existing = Existing::at(&job.to, clear, command.keeps(), values)?;
    // Another run, or a clear file whose name differs in what the file system takes for the same, may make it meanwhile.
    let is_new = !is_there && existing.is_none();
    let made = match &existing {
        Some(existing) if !command.force => {
            existing.check_no_contradiction(clear)?;
            existing.check_not_lowered(command.version)?;
            if command.mode == SealMode::Seal && existing.is_current(clear, &sealer, command.key_hint) {
                return Ok(job.untouched(clear, "kept", existing.left_alone(clear)));
            }
            followed(command, clear, existing, &sealer)?
        }
        existing => rewritten(command, (job, clear), existing.as_ref(), cert)?,
    };
    let Made {
        text,
        mut details,
        held: _held,
    } = made;
    match is_new {
        true => writer.write_new(&job.to, &text)?,
        false => writer.write(&job.to, &text)?,
    }
    details.extend(sizes(&text));
    let result = if command.mode == SealMode::SealAndDelete {
        writer.sync();
        // Another program may have written the same file.
        check_unchanged(&job.to, &text)?;
        clear.delete()?;
        "sealed and deleted"
    } else {
        "sealed"
    };
    Ok(job.told(clear, result).with(details).with(clear.left_alone()))
}

/// Changes a sealed file in place.
fn followed(command: &SealFiles, clear: &ClearFile, existing: &Existing, sealer: &Sealer<'_>) -> Result<Made, Error> {
    let mut details = existing.left_alone(clear);
    let (text, removed) = existing.followed(clear, command, sealer)?;
    details.extend(removed);
    details.extend(existing.raised(clear, |former| sealer.format_after(Some(former))));
    let held = existing.hold_unchanged()?;
    Ok(Made { text, details, held })
}

/// Writes a whole sealed file, whatever is there.
fn rewritten(
    command: &SealFiles,
    (job, clear): (&Job, &ClearFile),
    existing: Option<&Existing>,
    cert: &Certificate,
) -> Result<Made, Error> {
    let mut sealer = cert.sealer(command.version)?;
    let (mut details, mut held) = (Vec::new(), None);
    if let Some(existing) = existing {
        // A rewritten file keeps its version of the format.
        if let Some(former) = existing.latest().filter(|former| *former > sealer.format_after(None)) {
            if command.version == Some(Format::V1) {
                let name = InputName(job.to.display().to_string());
                return Err(name.fault(ClearFileFault::Lowered(job.to.clone())).into());
            }
            sealer = cert.sealer(Some(former))?;
        }
        existing.check_replaceable()?;
        details = existing.lost(clear)?;
        details.extend(existing.raised(clear, |_| sealer.format_after(None)));
        held = existing.hold_unchanged()?;
    }
    let text = sealed(command, clear, &job.to, &sealer)?.as_bytes().to_vec();
    Ok(Made { text, details, held })
}

/// A line for each SealedSecret of `text` that is too large.
fn sizes(text: &[u8]) -> impl Iterator<Item = String> {
    obstacles(text)
        .into_iter()
        .map(|(place, obstacle)| format!("warning: {place}: {obstacle}; what helps: {}", obstacle.fix()))
}

/// Seals one file, and makes the folder for the result.
fn sealed(command: &SealFiles, clear: &ClearFile, to: &Path, sealer: &Sealer<'_>) -> Result<Zeroizing<String>, Error> {
    let secrets = clear.secrets.iter();
    let values = secrets.map(|secret| secret.sealed(clear, command.key_hint, sealer));
    let values: Vec<_> = values.collect::<Result<_, _>>()?;
    let text = objects::text(&values, clear.format).map_err(|error| clear.name.fault(error))?;
    if command.out.is_some() {
        files::make_folder_of(to)?;
    }
    Ok(text)
}

/// Clear files whose sealed ones are not as they should be; the report says which.
#[derive(Debug, thiserror::Error)]
#[error("{files} of the clear files differ from their sealed ones")]
struct Differing {
    files: usize,
    beyond: BeyondSealing,
}

impl Hinted for Differing {
    fn hint(&self, typed: &Typed) -> Option<String> {
        let BeyondSealing { lacking, later } = &self.beyond;
        let (way_back, what) = match later.iter().min() {
            Some(sealed) => (
                format!("{} takes values back to format v1; ", way_back(sealed, typed)),
                "what else differs",
            ),
            None => (String::new(), "what differs"),
        };
        let Some((clear, sealed)) = lacking.iter().min() else {
            return Some(format!("{way_back}{} seals {what}", typed.without(&["check"])));
        };
        let (clear, sealed) = (quoting::path_word(clear), quoting::path_word(sealed));
        Some(format!(
            "{way_back}{} seals {what}, and removes what only a sealed file holds; kubeseal --merge-into {sealed} -f {clear}{} keeps it",
            typed.in_place_of("check", "--prune"),
            typed.sealing_flags()
        ))
    }
}
