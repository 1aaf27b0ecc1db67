//! Where the command lines run.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context, Result, anyhow};
use harness::cluster::Cluster;
use harness::differences::Difference;
use harness::implementation::{Implementation, UNLIMITED};
use harness::output::run_with_input;
use harness::process::Process;
use tempfile::TempDir;

use crate::line::Line;
use crate::outcome::Outcome;
use crate::{inputs, server};

/// The test key is older than a month: without this, the controller would make itself another.
const NO_RENEWAL: &[&str] = &["--key-renew-period=0"];

/// The two programs, the files, and a cluster for the lines that need one.
pub(crate) struct Laboratory {
    /// The files in the folder of every line.
    files: TempDir,
    server: String,
    cluster: OnceLock<Result<Served, String>>,
}

/// A cluster with the reference's controller: both programs talk to the same.
struct Served {
    cluster: Cluster,
    _controller: Process,
}

impl Laboratory {
    pub(crate) fn new() -> Result<Laboratory> {
        let files = tempfile::tempdir()?;
        inputs::write(files.path())?;
        for (sealed, input, flags) in inputs::SEALED {
            let mut command = Command::new(Implementation::Reference.programs()?.kubeseal);
            command.args(flags.split(' ')).current_dir(files.path()).env_clear();
            let made = run_with_input(&mut command, &fs::read(files.path().join(input))?)?.success()?;
            fs::write(files.path().join(sealed), made.bytes)?;
        }
        Ok(Laboratory {
            server: server::serve(files.path().to_owned())?,
            files,
            cluster: OnceLock::new(),
        })
    }

    /// Runs both programs, each in a folder of its own, and tells what differs.
    pub(crate) fn compare(&self, line: &Line) -> Result<BTreeSet<Difference>> {
        let reference = self.outcome(Implementation::Reference, line)?;
        let ours = self.outcome(subject(), line)?;
        Ok(reference.differences(&ours, &line.name))
    }

    fn outcome(&self, implementation: Implementation, line: &Line) -> Result<Outcome> {
        let folder = tempfile::tempdir()?;
        copy(self.files.path(), folder.path())?;
        let program = implementation.programs()?.kubeseal;
        let mut command = if line.needs_cluster {
            self.served()?.cluster.command(program)
        } else {
            let mut command = Command::new(program);
            command.env_clear();
            command
        };
        let filled = |text: &str| {
            text.replace("$SERVER", &self.server)
                .replace("$FOLDER", &folder.path().display().to_string())
        };
        command
            .current_dir(folder.path())
            .envs(line.variables.iter().map(|(name, value)| (name, filled(value))))
            .args(line.words.iter().map(|word| filled(word)));
        let stdin = match &line.stdin {
            Some(name) => fs::read(folder.path().join(name)).with_context(|| format!("no file {name}"))?,
            None => Vec::new(),
        };
        let ended = run_with_input(&mut command, &stdin)?;
        Outcome::of(&ended, folder.path(), self.files.path(), &self.server)
    }

    fn served(&self) -> Result<&Served> {
        let start = || -> Result<Served> {
            let cluster = Cluster::start()?;
            cluster.install(Implementation::Reference)?;
            cluster.apply(&inputs::key_secret(self.files.path())?.to_string())?;
            let controller = cluster.start_controller(Implementation::Reference, &[UNLIMITED, NO_RENEWAL].concat())?;
            Ok(Served {
                cluster,
                _controller: controller,
            })
        };
        let served = self
            .cluster
            .get_or_init(|| start().map_err(|error| format!("{error:#}")));
        served.as_ref().map_err(|error| anyhow!("{error}"))
    }
}

/// `COMMAND_LINES_SUBJECT=reference` compares the reference with itself, to judge this test.
fn subject() -> Implementation {
    match std::env::var("COMMAND_LINES_SUBJECT").as_deref() {
        Ok("reference") => Implementation::Reference,
        _ => Implementation::Ours,
    }
}

/// Files with their modes, symlinks as symlinks, and empty folders.
fn copy(from: &Path, to: &Path) -> Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (source, target): (PathBuf, PathBuf) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type()?;
        if kind.is_symlink() {
            symlink(fs::read_link(&source)?, &target)?;
        } else if kind.is_dir() {
            fs::create_dir(&target)?;
        } else {
            fs::copy(&source, &target)?;
            fs::set_permissions(
                &target,
                fs::Permissions::from_mode(fs::metadata(&source)?.permissions().mode()),
            )?;
        }
    }
    Ok(())
}
