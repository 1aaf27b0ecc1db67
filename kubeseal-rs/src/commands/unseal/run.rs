//! What the command does.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crds::names;
use jiff::Zoned;
use manifest::Format;
use rayon::prelude::*;
use sealing::SystemRandom;
use sealing::raw::open_raw;
use sealing::recent_keys::RecentKeys;
use sealing::render::Rendering;
use sealing::sealer;
use sealing::unseal::{fill_namespace, unseal};
use thiserror::Error as ThisError;
use zeroize::Zeroizing;

use super::{ClearPlace, UnsealFiles, UnsealRaw};
use crate::commands::file_names::clear_name;
use crate::commands::private_keys::{HeldKeys, held_keys};
use crate::commands::read::place_by_kustomization;
use crate::commands::tree::{CommonTarget, NothingFound};
use crate::error::Error;
use crate::error::Hinted;
use crate::files::{self, FileError, Output, Writer};
use crate::lint::{Namespaces, Purpose, absolute, patches};
use crate::manifest_file::{self, Manifest};
use crate::note;
use crate::objects::{self, Fault, InputName};
use crate::place;
use crate::progress::Progress;
use crate::report::{self, FileReport, ReportFormat};
use crate::tree::{self, TreeFile};
use crate::typed::Typed;

/// Why a clear file is not written.
#[derive(Debug, Clone, PartialEq, Eq, ThisError)]
pub(crate) enum ClearPlaceFault {
    /// It could be committed.
    #[error("a Secret in clear is not written into a Git work tree, where it could be committed")]
    InWorkTree,
    /// There is a file already.
    #[error("it is there already, and a clear file is not written over another one")]
    Exists,
}

impl ClearPlaceFault {
    /// What to do about it.
    pub(crate) fn hint(&self) -> String {
        match self {
            ClearPlaceFault::InWorkTree => {
                "write it elsewhere (--out DIR), or have Git ignore it there (.gitignore), or leave out --out and --beside \
                 to see it on stdout"
            }
            ClearPlaceFault::Exists => "move it away, or write elsewhere: --out DIR",
        }
        .to_owned()
    }
}

/// The Secrets of one file as text.
struct Clear {
    file: TreeFile,
    text: Zeroizing<String>,
    objects: usize,
}

/// Opens the files and writes what is in them.
pub(crate) fn run(command: &UnsealFiles) -> Result<(), Error> {
    let keys = held_keys(&command.keys)?;
    let meant = tree::files(&command.tree.paths, &command.tree.exclude)?;
    let skipped = manifest_file::passed_over(&meant, names::KIND);
    let mut files = meant.files;
    let patches = patches(files.iter().map(|file| file.path.as_path()));
    // They are not objects, unless the user names one.
    files.retain(|file| file.typed || !patches.contains(&absolute(&file.path)));
    let format = match (&command.to, command.tree.report) {
        (ClearPlace::Stdout, ReportFormat::Json) => Some(Format::Json),
        (ClearPlace::Stdout, ReportFormat::Text) => Some(Format::Yaml),
        _ => None,
    };
    let (progress, lately, namespaces) = (Progress::of(files.len()), RecentKeys::default(), Namespaces::default());
    let opened: Vec<_> = files
        .into_par_iter()
        .filter_map(|file| {
            let path = file.path.clone();
            let clear = opened(command, file, (&keys, &lately, &namespaces), format).transpose();
            progress.done(&path);
            clear.map(|clear| clear.map_err(|fault| (path, fault)))
        })
        .collect();
    drop(progress);
    if opened.is_empty() && skipped.is_empty() {
        return Err(NothingFound {
            what: names::KIND,
            paths: command.tree.paths.clone(),
        }
        .into());
    }
    match &command.to {
        ClearPlace::Stdout => {
            skipped.iter().for_each(|report| note::told(&report.line()));
            print(opened)
        }
        to => write(to, opened, skipped, command.tree.report),
    }
}

type Opened = Result<Clear, (PathBuf, Error)>;

/// All or none.
fn print(opened: Vec<Opened>) -> Result<(), Error> {
    let mut all = Zeroizing::new(String::new());
    let mut faults = Vec::new();
    for one in opened {
        match one {
            Ok(clear) => all.push_str(&clear.text),
            Err((_, fault)) => faults.push(fault),
        }
    }
    if !faults.is_empty() {
        return Err(Error::of_files(faults));
    }
    Ok(files::write(&Output::Stdout, all.as_bytes())?)
}

/// Each file by itself.
fn write(to: &ClearPlace, opened: Vec<Opened>, skipped: Vec<FileReport>, format: ReportFormat) -> Result<(), Error> {
    let writer = Writer::default();
    let target = |clear: &Clear| match to {
        ClearPlace::Folder(folder) => clear_name(&folder.join(&clear.file.below)),
        _ => clear_name(&clear.file.path),
    };
    let mut targets = BTreeMap::new();
    for clear in opened.iter().flatten() {
        let to = target(clear);
        if let Some(one) = targets.insert(to.clone(), &clear.file.path) {
            let (one, other) = (one.clone(), clear.file.path.clone());
            return Err(CommonTarget { to, one, other }.into());
        }
    }
    let reports = opened.into_iter().map(|one| match one {
        Err((path, fault)) => FileReport::failed(&path, fault),
        Ok(clear) => {
            let target = target(&clear);
            match written(&target, &clear.text, &writer) {
                Ok(()) => FileReport::done(&clear.file.path, "unsealed", clear.objects).to(&target),
                Err(fault) => FileReport::failed(&clear.file.path, fault),
            }
        }
    });
    report::print(reports.chain(skipped).collect(), format)
}

fn written(target: &Path, text: &str, writer: &Writer) -> Result<(), Error> {
    let name = InputName(target.display().to_string());
    let failed = |reason| FileError::Write {
        path: target.to_owned(),
        reason,
    };
    if place::comes_under_git(target).map_err(failed)? {
        return Err(name.fault(ClearPlaceFault::InWorkTree).into());
    }
    if std::fs::symlink_metadata(target).is_ok() {
        return Err(name.fault(ClearPlaceFault::Exists).into());
    }
    files::make_folder_of(target)?;
    // A new file, so its mode is 0600.
    Ok(writer.write_new(target, text.as_bytes())?)
}

/// The Secrets of a file; none when there is no SealedSecret in it.
fn opened(
    command: &UnsealFiles,
    file: TreeFile,
    (keys, lately, namespaces): (&HeldKeys, &RecentKeys, &Namespaces),
    format: Option<Format>,
) -> Result<Option<Clear>, Error> {
    let Some(manifest) = Manifest::read(&file, names::KIND)? else {
        return Ok(None);
    };
    let name = &manifest.name;
    let mut rendering = Rendering {
        now: &Zoned::now(),
        random: &mut SystemRandom::default(),
        refuse_nondeterministic: false,
        work: sealing::render::WORK,
    };
    let mut clear = Vec::new();
    let mut language = None;
    for document in manifest.of_kind(names::KIND) {
        language.get_or_insert(document.format);
        let mut sealed = name.sealed_secret(document)?;
        fill_namespace(&mut sealed, command.namespace.as_deref());
        place_by_kustomization(&manifest.path, &mut sealed, namespaces, Purpose::Opening)
            .map_err(|fault| name.fault_at(document.place(), fault))?;
        let mut unsealed = unseal(&sealed, &keys.ring, &lately.keys(), &mut rendering)
            .map_err(|error| name.fault_at(document.place(), keys.explained(error)))?;
        // An owner reference without a uid, which only the cluster knows, would keep the Secret from being applied.
        unsealed.secret.metadata.owner_references = None;
        lately.opened(&unsealed.opened_by);
        clear.push(
            unsealed
                .secret
                .to_value()
                .map_err(|_| name.fault(manifest::EmitError))?,
        );
    }
    let Some(language) = language else { return Ok(None) };
    let objects = clear.len();
    let text = objects::text(&clear, format.unwrap_or(language));
    clear.into_iter().for_each(manifest::wipe);
    let text = text.map_err(|error| name.fault(error))?;
    Ok(Some(Clear { file, text, objects }))
}

/// Opens one bare ciphertext and prints its value as it is.
pub(crate) fn run_raw(command: &UnsealRaw) -> Result<(), Error> {
    let keys = held_keys(&command.keys)?;
    let bytes = files::read(&command.input, "a sealed value")?;
    let name = InputName::of(&command.input);
    let is_bound = sealer::Format::of(String::from_utf8_lossy(&bytes).trim()) == Some(sealer::Format::V2);
    if is_bound && command.item.is_none() {
        return Err(name.fault(NeedsItem).into());
    }
    let item = command.item.as_deref().unwrap_or_default();
    let value = open_raw(&bytes, &command.binding, item, &keys.ring);
    let value = value.map_err(|error| name.fault(keys.explained(Fault::OpenRaw(error))))?;
    Ok(files::write(&Output::Stdout, value.expose())?)
}

/// A value of format v2 is bound to its item, and nothing says which that is.
#[derive(Debug, ThisError)]
#[error("the value is of format v2, which binds the item's name")]
struct NeedsItem;

impl Hinted for NeedsItem {
    fn hint(&self, typed: &Typed) -> Option<String> {
        Some(typed.with("--item KEY"))
    }
}

impl Hinted for ClearPlaceFault {
    fn hint(&self, _typed: &Typed) -> Option<String> {
        Some(self.hint())
    }
}
