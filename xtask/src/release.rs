//! `cargo xtask release`: everything that people download, in one folder, checked, and published.
//!
//! The files have the names of the reference's, so that scripts that download those find these.

mod check;
mod programs;
mod publish;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use harness::implementation::repository;
use harness::output::run as run_command;
use harness::peers;
use sha2::{Digest as _, Sha256};

use crate::bench::release as built;
use crate::image::{self, Arch};
use crate::page;
use crate::sbom;
use programs::Program;

/// The version of all that is made.
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The image that `deploy/controller.yaml` and the chart name until it is published somewhere.
const UNPUBLISHED: &str = "localhost/sealed-secrets-controller";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Make and check what can be made on this machine; publish nothing, and say what would be run.
    #[arg(long)]
    dry_run: bool,
    /// Make and check everything, publish nothing: programs that are in the folder already, from other machines, are taken as they are.
    #[arg(long, conflicts_with_all = ["dry_run", "only"])]
    collect: bool,
    /// Build nothing: publish what `--collect` has made, on a machine without credentials.
    #[arg(long, conflicts_with_all = ["dry_run", "only", "collect"])]
    publish_only: bool,
    /// Make only kubeseal for these targets of Rust, for a machine whose programs are collected later. What is in the folder stays.
    #[arg(long, value_name = "TARGET")]
    only: Vec<String>,
    /// The image's name in your registry, without a tag. The manifests name it.
    #[arg(long, value_name = "REGISTRY/NAME", env = "IMAGE", default_value = UNPUBLISHED)]
    image: String,
    /// The folder of the chart in your registry, as `helm push` takes it.
    #[arg(
        long,
        value_name = "oci://REGISTRY/FOLDER",
        env = "CHARTS",
        default_value = "oci://localhost/charts"
    )]
    charts: String,
}

/// Where all of it is.
struct Artifacts {
    folder: PathBuf,
    /// Files that this machine cannot make: the name, and why.
    missing: BTreeMap<String, String>,
}

/// Makes the files, checks them, and publishes them.
pub(crate) fn run(args: &Args) -> Result<()> {
    let wanted = programs::wanted(&args.only)?;
    let publishing = !args.dry_run && !args.collect && args.only.is_empty();
    let collects = publishing || args.collect;
    if publishing {
        ensure!(
            !args.image.is_empty() && args.image != UNPUBLISHED && !args.charts.is_empty(),
            "--image and --charts name where the image and the chart are pushed to; with --dry-run nothing is pushed"
        );
        publish::tools_are_there()?;
        publish::check_tag(&repository())?;
    }
    let folder = built::target()?.join("release-artifacts");
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let mut artifacts = Artifacts {
        folder,
        missing: BTreeMap::new(),
    };
    if args.publish_only {
        artifacts.check_collected(&wanted)?;
        return publish::publish(&artifacts, args, true);
    }
    for program in &wanted {
        artifacts.kubeseal(program, collects)?;
    }
    if !args.only.is_empty() {
        return artifacts.all_are_there();
    }
    artifacts.page()?;
    artifacts.controller(&args.image)?;
    artifacts.chart()?;
    artifacts.checksums()?;
    if collects {
        artifacts.all_are_there()?;
    }
    check::all(&artifacts, &wanted)?;
    let folder = artifacts.folder.display();
    for (name, why) in &artifacts.missing {
        println!("not made: {name}: {why}");
    }
    println!("{folder}: {} files, checked", artifacts.files()?.len());
    publish::publish(&artifacts, args, publishing)
}

impl Artifacts {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The names of the files.
    fn files(&self) -> Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                names.push(entry.file_name().to_string_lossy().into_owned());
            }
        }
        names.sort();
        Ok(names)
    }

    /// # Errors
    /// One that is to be published is missing, or is not what was made.
    fn check_collected(&self, programs: &[Program]) -> Result<()> {
        check::checksums(self)?;
        let there = self.files()?;
        let missing: Vec<_> = programs
            .iter()
            .map(|program| program.archive())
            .filter(|name| !there.contains(name))
            .collect();
        ensure!(missing.is_empty(), "not made: {}", missing.join(", "));
        Ok(())
    }

    fn all_are_there(&self) -> Result<()> {
        let missing: Vec<_> = self
            .missing
            .iter()
            .map(|(name, why)| format!("{name}: {why}"))
            .collect();
        ensure!(missing.is_empty(), "not made:\n{}", missing.join("\n"));
        Ok(())
    }

    /// kubeseal for a target, and the list of what is in it. `collects`: another machine may have made it.
    fn kubeseal(&mut self, program: &Program, collects: bool) -> Result<()> {
        let archive = program.archive();
        if collects && self.path(&archive).exists() {
            println!("{archive}: there already");
            return Ok(());
        }
        match program.build()? {
            Err(why) => drop(self.missing.insert(archive, why)),
            Ok(bytes) => {
                let list = sbom::cyclonedx("kubeseal-rs", program.target)?;
                fs::write(self.path(&program.list()), list)?;
                let work = tempfile::tempdir()?;
                let tar = work.path().join("archive.tar");
                fs::write(&tar, program.files(&bytes)?)?;
                // `-n`: neither its name nor the hour are in it.
                run_command(Command::new("gzip").args(["-9", "-n"]).arg(&tar))?.success()?;
                fs::copy(tar.with_extension("tar.gz"), self.path(&archive))?;
                println!("{archive}");
            }
        }
        Ok(())
    }

    /// The page that seals in a browser.
    fn page(&self) -> Result<()> {
        fs::copy(page::build()?, self.path(page::NAME))?;
        Ok(())
    }

    /// The image for both processors, and the manifest that names it.
    fn controller(&mut self, name: &str) -> Result<()> {
        let mut architectures = Vec::new();
        for arch in [Arch::Amd64, Arch::Arm64] {
            match programs::why_not(arch.target()) {
                None => architectures.push(arch),
                Some(why) => drop(self.missing.insert(format!("image for {}", arch.target()), why)),
            }
        }
        let digest = image::of_all(&architectures, &self.path("image"))?;
        fs::write(self.path("image.digest"), format!("{digest}\n"))?;
        println!("image: {digest}");
        let manifest = fs::read_to_string(repository().join("deploy/controller.yaml"))?;
        let unpublished = format!("{UNPUBLISHED}:{VERSION}");
        ensure!(
            manifest.contains(&unpublished),
            "deploy/controller.yaml names no {unpublished}"
        );
        let manifest = manifest.replace(&unpublished, &format!("{name}:{VERSION}@{digest}"));
        fs::write(self.path("controller.yaml"), manifest)?;
        Ok(())
    }

    /// The chart, packed by Helm.
    fn chart(&self) -> Result<()> {
        let peers = peers::ensure(&[peers::HELM], &|line| println!("{line}"))?;
        let mut helm = Command::new(peers.path(&peers::HELM)?);
        helm.args(["package", "--destination"]).arg(&self.folder);
        run_command(helm.arg(repository().join("deploy/chart/sealed-secrets")))?.success()?;
        Ok(())
    }

    /// SHA-256 of each file, as `sha256sum --check` reads it.
    fn checksums(&self) -> Result<()> {
        let own = checksums_name();
        let mut lines = String::new();
        for name in self.files()?.into_iter().filter(|name| *name != own) {
            writeln!(lines, "{}  {name}", sha256(&self.path(&name))?)?;
        }
        fs::write(self.path(&own), lines)?;
        Ok(())
    }
}

fn checksums_name() -> String {
    format!("sealed-secrets_{VERSION}_checksums.txt")
}

fn sha256(file: &Path) -> Result<String> {
    let bytes = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    Ok(format!("{:x}", Sha256::digest(bytes)))
}
