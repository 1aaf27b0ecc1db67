//! `cargo xtask image`: the controller as an OCI image, made without a daemon and without anybody else's layers.
//!
//! The image is one layer with two files: the static program and the list of what is in it. There is no shell, no library,
//! no certificate: the controller talks to the API server alone, whose CA its Pod is given.

mod layer;
mod layout;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use harness::implementation::repository;
use harness::output::run;

use crate::dist;

/// What was typed after `cargo xtask image`.
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

    fn target(self) -> &'static str {
        match self {
            Arch::Amd64 => dist::TARGET,
            Arch::Arm64 => "aarch64-unknown-linux-gnu",
        }
    }
}

/// Makes the image and says where it is.
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

/// Writes the layout; gives the digest of the image's manifest.
fn make(program: &Path, arch: Arch, output: &Path) -> Result<String> {
    let bytes = fs::read(program).with_context(|| format!("cannot read {}", program.display()))?;
    let created = created()?;
    let list = crate::sbom::cyclonedx("controller", arch.target())?;
    let files = [
        layer::File {
            path: "usr/local/bin/controller",
            bytes: &bytes,
            mode: 0o755,
        },
        layer::File {
            path: "usr/share/doc/sealed-secrets-controller/sbom.cdx.json",
            bytes: &list,
            mode: 0o644,
        },
    ];
    let layer = layer::tar(&files)?;
    layout::write(output, &layer, arch.oci(), created)
}

/// Seconds since 1970 that the image says it was made: `SOURCE_DATE_EPOCH`, else the time of the last commit, so that the
/// same source gives the same bytes.
fn created() -> Result<i64> {
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
