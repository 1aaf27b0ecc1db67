//! `cargo xtask image`: the controller as an OCI image, made without a daemon and without a base image.
//!
//! The image is one layer with two files: the static program and the list of what is in it. There is no shell, no library,
//! no certificate: the controller talks to the API server alone, whose CA its Pod is given.

pub(crate) mod layout;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use harness::implementation::repository;
use harness::output::run;
use serde_json::Value;

use crate::{archive, dist};
use layout::Layout;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// For which processor.
    #[arg(long, value_enum, default_value_t = Arch::Amd64)]
    arch: Arch,
    /// The folder of the OCI layout; what is there is replaced.
    #[arg(long, default_value = "target/image")]
    output: PathBuf,
    /// Build everything a second time, in another folder, and compare.
    #[arg(long)]
    twice: bool,
    /// Link what the tests have compiled already, in place of a build that takes minutes.
    #[arg(long, hide = true)]
    for_tests: bool,
}

/// The processor, by the name that OCI has for it.
#[derive(Clone, Copy, clap::ValueEnum)]
pub(crate) enum Arch {
    /// x86-64.
    Amd64,
    /// AArch64. On another machine it needs `rustup target add aarch64-unknown-linux-gnu` and `aarch64-linux-gnu-gcc`.
    Arm64,
}

impl Arch {
    fn oci(self) -> &'static str {
        match self {
            Arch::Amd64 => "amd64",
            Arch::Arm64 => "arm64",
        }
    }

    pub(crate) fn target(self) -> &'static str {
        match self {
            Arch::Amd64 => dist::TARGET,
            Arch::Arm64 => "aarch64-unknown-linux-gnu",
        }
    }
}

/// Makes the image and prints its path.
pub(crate) fn run_image(args: &Args) -> Result<()> {
    let program = if args.for_tests {
        dist::link_for_tests()?
    } else {
        dist::build_controller(args.arch.target(), "dist")?
    };
    dist::check_static(&program)?;
    let made = make(&program, args.arch, &args.output)?;
    println!("{}: {made}", args.output.display());
    if args.twice {
        let again = dist::build_controller(args.arch.target(), "dist-again")?;
        let folder = tempfile::tempdir()?;
        let other = make(&again, args.arch, folder.path())?;
        ensure!(made == other, "built a second time, it is {other}");
        println!("built a second time, in another folder: the same");
    }
    Ok(())
}

/// Writes the layout of one image; gives the digest of its manifest.
fn make(program: &Path, arch: Arch, output: &Path) -> Result<String> {
    let mut layout = Layout::replace(output, created()?)?;
    add(&mut layout, program, arch)?;
    layout.finish()
}

/// Adds the image of an architecture; gives what the layout says of its manifest, and the list of what is in it.
fn add(layout: &mut Layout, program: &Path, arch: Arch) -> Result<(Value, Vec<u8>)> {
    let bytes = fs::read(program).with_context(|| format!("cannot read {}", program.display()))?;
    let list = crate::sbom::cyclonedx("controller", arch.target())?;
    let files = [
        archive::File {
            path: "usr/local/bin/controller",
            bytes: &bytes,
            mode: 0o755,
        },
        archive::File {
            path: "usr/share/doc/sealed-secrets-controller/sbom.cdx.json",
            bytes: &list,
            mode: 0o644,
        },
    ];
    let image = layout.image(&archive::tar(&files)?, arch.oci())?;
    Ok((image, list))
}

/// Builds the controller for each architecture, and writes one layout of all, with the list of what is in each as its referrer;
/// gives the digest of the whole.
pub(crate) fn of_all(architectures: &[Arch], output: &Path) -> Result<String> {
    let mut layout = Layout::replace(output, created()?)?;
    for arch in architectures {
        let program = dist::build_controller(arch.target(), "dist")?;
        dist::check_static(&program)?;
        let (image, list) = add(&mut layout, &program, *arch)?;
        layout.refer(&image, &list)?;
    }
    layout.finish()
}

/// Seconds since 1970 that the image says it was made: `SOURCE_DATE_EPOCH`, else the time of the last commit, so that the
/// same source gives the same bytes.
pub(crate) fn created() -> Result<i64> {
    let text = match std::env::var("SOURCE_DATE_EPOCH") {
        Ok(text) => text,
        Err(_) => {
            let mut git = Command::new("git");
            git.args(["log", "-1", "--format=%ct"]).current_dir(repository());
            match run(&mut git)?.success() {
                Ok(said) => said.stdout,
                Err(error) => bail!("outside of a Git repository set SOURCE_DATE_EPOCH: {error}"),
            }
        }
    };
    let seconds = text.trim().parse();
    seconds.with_context(|| format!("{text:?} is no number of seconds (SOURCE_DATE_EPOCH)"))
}
