//! The laptop of the story: a Git repository, the two tools, and no private key anywhere.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use harness::netns;
use harness::output::{run, run_with_input};
use tempfile::TempDir;

use super::credentials::Credential;
use super::quiet;
use super::stage::Stage;

const CERTIFICATE: &str = "secrets/keys/dev.crt";
const CLEAR: &str = "secrets/local-toseal/dev";
const SEALED: &str = "secrets/sealed/dev";
/// Everything but the sealed files stays out of Git.
const GITIGNORE: &str = "secrets/keys/\nsecrets/local-toseal/\n";

/// The folder of the user, with its repository.
pub(crate) struct Laptop {
    folder: TempDir,
    kubeseal: PathBuf,
}

impl Laptop {
    /// An empty repository in a folder under `place`.
    pub(crate) fn new(kubeseal: PathBuf, place: &Path) -> Result<Laptop> {
        let folder = tempfile::Builder::new().prefix("laptop-").tempdir_in(place)?;
        let laptop = Laptop { folder, kubeseal };
        fs::create_dir_all(laptop.path("secrets/keys"))?;
        fs::create_dir_all(laptop.path(SEALED))?;
        laptop.git(["init", "--quiet", "--initial-branch=main"])?;
        fs::write(laptop.path(".gitignore"), GITIGNORE)?;
        Ok(laptop)
    }

    /// The kubeseal under show.
    pub(crate) fn kubeseal(&self) -> &Path {
        &self.kubeseal
    }

    /// Step 1 of the story; gives the PEM text.
    pub(crate) fn fetch_certificate(&self, stage: &Stage) -> Result<String> {
        let mut command = stage.command(&self.kubeseal)?;
        command.arg("--fetch-cert").args(stage.certificate_arguments());
        let certificate = quiet(run(&mut command)?)?.stdout;
        ensure!(
            certificate.starts_with("-----BEGIN CERTIFICATE-----"),
            "not a certificate: {certificate}"
        );
        fs::write(self.path(CERTIFICATE), &certificate)?;
        Ok(certificate)
    }

    /// Step 2: the temporary manifests in clear.
    pub(crate) fn create_clear(&self, stage: &Stage, secrets: &[Credential]) -> Result<()> {
        fs::create_dir_all(self.path(CLEAR))?;
        secrets.iter().try_for_each(|secret| {
            let values = tempfile::tempdir_in(self.folder.path())?;
            let mut create = stage.kubectl()?;
            create.args([
                "create",
                "secret",
                "generic",
                &secret.name,
                "--namespace",
                stage.namespace(),
            ]);
            create.args(["--dry-run=client", "-o", "yaml"]);
            for (item, value) in &secret.items {
                let file = values.path().join(item);
                fs::write(&file, value)?;
                create.arg(format!("--from-file={item}={}", file.display()));
            }
            let mut manifest = quiet(run(&mut create)?)?.bytes;
            if !secret.labels.is_empty() {
                let mut label = stage.kubectl()?;
                label.args(["label", "--local", "-f", "-", "-o", "yaml"]);
                label.args(secret.labels.iter().map(|(label, value)| format!("{label}={value}")));
                manifest = quiet(run_with_input(&mut label, &manifest)?)?.bytes;
            }
            fs::write(self.clear_file(stage, secret), manifest)?;
            Ok(())
        })
    }

    /// Step 3: `kubeseal --format=yaml --cert=… < clear > sealed`, with nothing but the certificate to go by.
    pub(crate) fn seal_all(&self, stage: &Stage, secrets: &[Credential]) -> Result<()> {
        secrets.iter().try_for_each(|secret| {
            let clear = fs::read(self.clear_file(stage, secret))?;
            let mut command = self.offline(&self.kubeseal);
            command
                .arg("--format=yaml")
                .arg(format!("--cert={}", self.path(CERTIFICATE).display()));
            let sealed = quiet(run_with_input(&mut command, &clear)?)?.bytes;
            fs::write(self.sealed_file(stage, secret), sealed)?;
            Ok(())
        })
    }

    /// A command without a kubeconfig, and, where the machine can do that, without any network.
    fn offline(&self, program: &Path) -> Command {
        let mut command = if netns::namespaces_available().is_ok() {
            let mut command = Command::new("unshare");
            command.args(["--user", "--map-root-user", "--net", "--"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        command.env_remove("KUBECONFIG").env("HOME", self.folder.path());
        command
    }

    /// Step 4: the clear files go, the sealed ones are committed; no value is found in any commit. Gives the short id.
    pub(crate) fn commit(&self, secrets: &[Credential], message: &str) -> Result<String> {
        fs::remove_dir_all(self.path(CLEAR))?;
        self.git(["add", "--all"])?;
        self.git(["commit", "--quiet", "--message", message])?;
        let tracked = self.git(["ls-files"])?;
        ensure!(!tracked.contains("local-toseal"), "a clear file is tracked:\n{tracked}");
        self.check_nothing_leaked(secrets)?;
        Ok(self.git(["rev-parse", "--short", "HEAD"])?.trim().to_owned())
    }

    /// `git grep` over all commits for each value, plain and as base64, whole and line by line.
    fn check_nothing_leaked(&self, secrets: &[Credential]) -> Result<()> {
        // A search that finds nothing proves nothing unless it finds what is there.
        ensure!(
            self.git_greps("encryptedData")?,
            "git grep does not find what the commit holds"
        );
        for secret in secrets {
            for (item, value) in &secret.items {
                for pattern in traces(value) {
                    ensure!(
                        !self.git_greps(&pattern)?,
                        "the value of {}/{item} is in Git",
                        secret.name
                    );
                }
            }
        }
        Ok(())
    }

    fn git_greps(&self, pattern: &str) -> Result<bool> {
        let commits = self.git(["rev-list", "--all"])?;
        let mut command = self.git_command();
        command
            .args(["grep", "--quiet", "--text", "--fixed-strings", "-e", pattern])
            .args(commits.lines());
        let found = run(&mut command)?;
        match found.code() {
            0 => Ok(true),
            1 => Ok(false),
            _ => bail!("{found}"),
        }
    }

    /// Step 5: what a GitOps tool does: clones the commit and applies the folder.
    pub(crate) fn apply_commit(&self, stage: &Stage) -> Result<()> {
        let clone = tempfile::tempdir_in(self.folder.path())?;
        self.git([
            OsStr::new("clone"),
            "--quiet".as_ref(),
            ".".as_ref(),
            clone.path().as_ref(),
        ])?;
        let mut apply = stage.kubectl()?;
        apply.args(["apply", "--filename"]).arg(clone.path().join(SEALED));
        run(&mut apply)?.success()?;
        Ok(())
    }

    /// Waits until each is synced.
    pub(crate) fn wait_synced(&self, stage: &Stage, secrets: &[Credential]) -> Result<()> {
        let mut wait = stage.kubectl()?;
        wait.args([
            "wait",
            "--for=condition=Synced",
            "--timeout=60s",
            "--namespace",
            stage.namespace(),
        ]);
        wait.args(secrets.iter().map(|secret| format!("sealedsecret/{}", secret.name)));
        run(&mut wait)?
            .success()
            .map(drop)
            .map_err(|error| stage.explain(error))
    }

    fn path(&self, relative: &str) -> PathBuf {
        self.folder.path().join(relative)
    }

    fn clear_file(&self, stage: &Stage, secret: &Credential) -> PathBuf {
        self.path(CLEAR).join(file_name(stage, secret))
    }

    fn sealed_file(&self, stage: &Stage, secret: &Credential) -> PathBuf {
        self.path(SEALED).join(file_name(stage, secret))
    }

    fn git_command(&self) -> Command {
        let mut command = Command::new("git");
        // The user's own settings (signing, hooks) must not decide whether the demo works.
        command
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_SYSTEM", "/dev/null");
        command.args(["-c", "user.name=Demo", "-c", "user.email=demo@example.com"]);
        command.current_dir(self.folder.path());
        command
    }

    fn git<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Result<String> {
        let output = run(self.git_command().args(arguments)).context("is git installed?")?;
        Ok(output.success()?.stdout)
    }
}

fn file_name(stage: &Stage, secret: &Credential) -> String {
    format!("{}-{}.yaml", stage.namespace(), secret.name)
}

/// The texts that show a leak of a value. Short lines could match by chance and are left out.
fn traces(value: &[u8]) -> Vec<String> {
    use base64::Engine as _;
    const LONG_ENOUGH: usize = 8;
    let mut traces = vec![base64::engine::general_purpose::STANDARD.encode(value)];
    traces.extend(String::from_utf8_lossy(value).lines().map(str::to_owned));
    traces.retain(|trace| trace.len() >= LONG_ENOUGH && !trace.contains('\u{fffd}') && !trace.contains('\0'));
    traces
}
