//! A user's clone of the example repository, and the commands in it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use harness::cluster::Cluster;
use harness::implementation::repository;
use harness::output::{Captured, run};
use tempfile::TempDir;

/// A working copy with the example in it.
pub(crate) struct WorkingCopy<'a> {
    cluster: &'a Cluster,
    folder: TempDir,
}

/// The items of the Secrets of an environment: Secret → item → value.
pub(crate) type Values = BTreeMap<String, BTreeMap<String, Vec<u8>>>;

impl<'a> WorkingCopy<'a> {
    /// Copies the example and pushes it to an empty repository.
    pub(crate) fn create(cluster: &'a Cluster, url: &str) -> Result<WorkingCopy<'a>> {
        let folder = tempfile::tempdir()?;
        let example = repository().join("deploy/examples/kafka-gitops/.");
        run(Command::new("cp").arg("-a").arg(example).arg(folder.path()))?.success()?;
        let copy = WorkingCopy { cluster, folder };
        copy.git(&["init", "-q", "--initial-branch=main"])?;
        copy.git(&["remote", "add", "origin", url])?;
        Ok(copy)
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// Runs a program in the working copy and inside the cluster's network, with our kubeseal on the path.
    pub(crate) fn run(&self, program: impl AsRef<Path>, arguments: &[&str]) -> Result<Captured> {
        run(&mut self.command(program, arguments)?)
    }

    fn command(&self, program: impl AsRef<Path>, arguments: &[&str]) -> Result<Command> {
        let mut command = self.cluster.desk(program, self.folder.path())?;
        command
            .args(arguments)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .envs(["GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"].map(|name| (name, "Somebody")))
            .envs(["GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"].map(|name| (name, "somebody@example.invalid")));
        Ok(command)
    }

    pub(crate) fn git(&self, arguments: &[&str]) -> Result<Captured> {
        self.run("git", arguments)?.success()
    }

    /// Commits what is there and pushes it; gives the commit.
    pub(crate) fn push(&self, message: &str) -> Result<String> {
        self.git(&["add", "-A"])?;
        self.git(&["commit", "-q", "-m", message])?;
        self.git(&["push", "-q", "origin", "main"])?;
        Ok(self.git(&["rev-parse", "HEAD"])?.stdout.trim().to_owned())
    }

    /// Step 1: the certificate of the cluster, for an environment.
    pub(crate) fn fetch_certificate(&self, environment: &str) -> Result<()> {
        let certificate = self.run("kubeseal", &["--fetch-cert"])?.success()?;
        Ok(std::fs::write(
            self.path(&format!("secrets/keys/{environment}.crt")),
            certificate.bytes,
        )?)
    }

    /// Copies the example's values into a folder of the user's, with other texts in them.
    pub(crate) fn fill_in(&self, folder: &str, texts: &[(&str, &str)]) -> Result<()> {
        let target = self.path(folder);
        std::fs::create_dir_all(&target)?;
        for entry in std::fs::read_dir(self.path("secrets/example"))? {
            let entry = entry?;
            let mut text = std::fs::read_to_string(entry.path())?;
            for (old, new) in texts {
                text = text.replace(old, new);
            }
            std::fs::write(target.join(entry.file_name()), text)?;
        }
        Ok(())
    }

    /// Runs one of the example's own scripts, where no cluster can be asked.
    pub(crate) fn script(&self, name: &str, arguments: &[&str]) -> Result<Captured> {
        let script = self.path(&format!("scripts/{name}"));
        run(self.command(script, arguments)?.env("KUBECONFIG", "/dev/null"))?.success()
    }

    /// The clear values in the folder of Secrets to be sealed.
    pub(crate) fn clear_values(&self, environment: &str) -> Result<Values> {
        let folder = self.path(&format!("secrets/local-toseal/{environment}"));
        let mut values = Values::new();
        for object in self.cluster.objects_at(&folder)? {
            let name = object["metadata"]["name"].as_str().context("a name")?;
            let items = object["data"].as_object().context("items")?;
            let items = items
                .iter()
                .map(|(item, value)| Ok((item.clone(), STANDARD.decode(value.as_str().context("base64")?)?)))
                .collect::<Result<_>>()?;
            values.insert(name.to_owned(), items);
        }
        ensure!(!values.is_empty(), "nothing to seal for {environment}");
        Ok(values)
    }

    /// Everything that is or ever was in the repository, as text.
    pub(crate) fn history(&self) -> Result<String> {
        Ok(self.git(&["log", "-p", "--all", "--full-history"])?.stdout)
    }
}
