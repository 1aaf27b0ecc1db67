//! `cargo xtask dist`: kubeseal as one static program; and the controller as one, for its image.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use harness::implementation::repository;
use harness::output::{run, run_with_input};
use harness::sealing_keys::SealingKey;
use object::elf::{FileHeader64, PT_INTERP};
use object::read::elf::{ElfFile, ProgramHeader as _};
use object::{Endianness, Object as _};
use serde_json::json;

use crate::bench::release;
use crate::sbom;

/// Named even where it is the host: without it, cargo builds macros with the same flags, and those cannot be static.
pub(crate) const TARGET: &str = "x86_64-unknown-linux-gnu";

/// The C library goes in.
const STATIC: &str = "-C target-feature=+crt-static";

/// kubeseal for Linux is loaded where it was linked to, as Go's programs are and the reference's kubeseal with them: to relocate
/// its tables would be a third of all pages that a short run touches.
const FIXED: &str = "-C relocation-model=static";

#[derive(clap::Args)]
pub(crate) struct Args {}

/// Builds the program, and shows that it is static and works.
pub(crate) fn run_dist(Args {}: &Args) -> Result<()> {
    let program = build(TARGET)?;
    check_static(&program)?;
    check_works(&program)?;
    let list = program.with_extension("cdx.json");
    fs::write(&list, sbom::cyclonedx("kubeseal-rs", TARGET)?)?;
    let size = fs::metadata(&program)?.len() as f64 / 1024.0 / 1024.0;
    println!("{} ({size:.1} MiB): static, seals and opens", program.display());
    println!("{}: what it is built of", list.display());
    Ok(())
}

/// Builds kubeseal with the profile `dist`, in a target folder of its own, because the flags differ; gives its path.
///
/// # Errors
/// The build fails, as without `rustup target add` and a linker for the target.
pub(crate) fn build(target: &str) -> Result<PathBuf> {
    let folder = release::target()?.join("dist");
    let flags = match target {
        linux if linux.contains("linux") => format!("{STATIC} {FIXED}"),
        windows if windows.contains("windows") => STATIC.to_owned(),
        _ => String::new(),
    };
    let mut cargo = cargo_for(target, &folder)?;
    cargo
        .args(["--profile", "dist", "--package", "kubeseal-rs", "--bin", "kubeseal"])
        .env("RUSTFLAGS", flags)
        // 30 ms of every process: AWS-LC would measure the jitter of the processor's timing as a seed beside the operating
        // system's generator and the processor's own.
        .env("AWS_LC_SYS_NO_JITTER_ENTROPY", "1");
    let built = cargo.status().context("cannot run cargo")?;
    ensure!(built.success(), "cannot build kubeseal for {target}");
    let name = if target.contains("windows") {
        "kubeseal.exe"
    } else {
        "kubeseal"
    };
    Ok(folder.join(target).join("dist").join(name))
}

/// `cargo build` for a target, into a folder.
fn cargo_for(target: &str, folder: &Path) -> Result<Command> {
    let mut cargo = release::cargo(&["build", "--locked", "--target", target])?;
    cargo.env("CARGO_TARGET_DIR", folder);
    if target != TARGET && target.contains("linux") {
        use_debian_compiler(&mut cargo, target);
    }
    Ok(cargo)
}

/// Has cargo compile C and link for a Linux of another processor. Whatever else is set wins.
pub(crate) fn use_debian_compiler(cargo: &mut Command, target: &str) {
    let compiler = debian_compiler(target);
    let variable = target.to_uppercase().replace('-', "_");
    for name in [
        format!("CARGO_TARGET_{variable}_LINKER"),
        format!("CC_{}", target.replace('-', "_")),
    ] {
        if std::env::var_os(&name).is_none() {
            cargo.env(name, &compiler);
        }
    }
}

/// Whether Rust's standard library for a target is here.
pub(crate) fn has_library(target: &str) -> bool {
    let sysroot = run(Command::new("rustc").args(["--print", "sysroot"])).and_then(|said| said.success());
    sysroot.is_ok_and(|said| {
        Path::new(said.stdout.trim())
            .join("lib/rustlib")
            .join(target)
            .join("lib")
            .is_dir()
    })
}

/// Installs Rust's standard library for a target, unless it is here.
///
/// # Errors
/// It cannot be installed; the message names the command.
pub(crate) fn add_library(target: &str) -> Result<()> {
    if has_library(target) {
        return Ok(());
    }
    let added = Command::new("rustup").args(["target", "add", target]).status();
    ensure!(
        added.is_ok_and(|added| added.success()),
        "Rust's library for {target} is not here, and cannot be installed: rustup target add {target}"
    );
    Ok(())
}

/// Debian's name of the C compiler for Linux on another processor.
pub(crate) fn debian_compiler(target: &str) -> String {
    format!("{}-gcc", target.replace("-unknown", "").replace("armv7", "arm"))
}

/// Builds the controller with the profile `release` (it survives a panic, which `dist` would end it with) in a target folder
/// of that name; gives its path. Where it was built is not in it: the same source gives the same bytes.
pub(crate) fn build_controller(target: &str, folder: &str) -> Result<PathBuf> {
    let folder = release::target()?.join(folder);
    let (root, home) = (repository().canonicalize()?, std::env::var("HOME").unwrap_or_default());
    let folders = format!(
        "--remap-path-prefix={}=/target --remap-path-prefix={}=/source --remap-path-prefix={home}=/home",
        folder.display(),
        root.display()
    );
    let mut cargo = cargo_for(target, &folder)?;
    cargo
        .args(["--release", "--package", "controller", "--bin", "controller"])
        .env("RUSTFLAGS", format!("{STATIC} {folders}"));
    ensure!(
        cargo.status().context("cannot run cargo")?.success(),
        "cannot build the controller"
    );
    Ok(folder.join(target).join("release/controller"))
}

/// Links the controller statically from what `cargo build` has compiled for the tests; gives its path. Only cargo's cache is
/// shared: what does not fit is compiled.
pub(crate) fn link_for_tests() -> Result<PathBuf> {
    let (target, folder) = (release::target()?, release::target()?.join("static"));
    if !folder.exists() {
        let debug = folder.join("debug");
        fs::create_dir_all(&debug)?;
        // Links of the artefacts, which are never changed in place; copies of the fingerprints, which are.
        for (how, what) in [("-al", "deps"), ("-al", "build"), ("-a", ".fingerprint")] {
            run(Command::new("cp")
                .arg(how)
                .arg(target.join("debug").join(what))
                .arg(&debug))?
            .success()?;
        }
        for own in fs::read_dir(debug.join("deps"))? {
            let own = own?;
            if own.file_name().to_string_lossy().starts_with("controller-") {
                fs::remove_file(own.path())?;
            }
        }
    }
    // The flag is for the last step alone, so that the crates below are those of the tests.
    let linked = release::cargo(&["rustc", "--package", "controller", "--bin", "controller"])?
        .arg("--")
        .args(STATIC.split(' '))
        .env("CARGO_TARGET_DIR", &folder)
        .status()
        .context("cannot run cargo")?;
    ensure!(linked.success(), "cannot link the controller");
    Ok(folder.join("debug/controller"))
}

/// Nothing is loaded beside it: no interpreter, no library.
pub(crate) fn check_static(program: &Path) -> Result<()> {
    let bytes = fs::read(program).with_context(|| format!("cannot read {}", program.display()))?;
    let file: ElfFile<'_, FileHeader64<Endianness>> = ElfFile::parse(&*bytes).context("no ELF program")?;
    let endian = file.endian();
    let mut segments = file.elf_program_headers().iter();
    ensure!(
        segments.all(|segment| segment.p_type(endian) != PT_INTERP),
        "it asks for a dynamic linker"
    );
    let imported = file.imports()?;
    ensure!(
        imported.is_empty(),
        "it asks for {} symbols of libraries",
        imported.len()
    );
    Ok(())
}

/// It prints its version, seals, and opens what it has sealed.
pub(crate) fn check_works(program: &Path) -> Result<()> {
    let kubeseal = || {
        let mut command = Command::new(program);
        command.env_clear();
        command
    };
    run(kubeseal().arg("--version"))?.success()?;
    let folder = tempfile::tempdir()?;
    let key = SealingKey::generate(folder.path(), 2048)?;
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db", "namespace": "shop"},
        "data": {"password": "aHVudGVyMg=="},
    });
    let mut seal = kubeseal();
    let sealed = run_with_input(seal.arg("--cert").arg(&key.certificate), secret.to_string().as_bytes())?.success()?;
    let mut recover = kubeseal();
    recover
        .args(["--recovery-unseal", "--recovery-private-key"])
        .arg(&key.private_key);
    let opened = run_with_input(&mut recover, &sealed.bytes)?.success()?.json()?;
    ensure!(
        opened.get("data") == secret.get("data"),
        "it did not open what it had sealed"
    );
    Ok(())
}
