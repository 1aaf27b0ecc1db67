//! `cargo xtask dist`: kubeseal as one static program; and the controller as one, for its image.

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod order;

use std::collections::BTreeSet;
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
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::bench::release;
use crate::sbom;

/// Named even where it is the host: without it, cargo builds macros with the same flags, and those cannot be static.
pub(crate) const TARGET: &str = "x86_64-unknown-linux-gnu";

/// The C library goes in.
const STATIC: &str = "-C target-feature=+crt-static";

/// kubeseal is loaded where it was linked to, as Go's programs are and the reference's kubeseal with them: to relocate its
/// tables would be a third of all pages that a short run touches.
const RUSTFLAGS: &str = "-C target-feature=+crt-static -C relocation-model=static";

/// What was typed after `cargo xtask dist`: nothing.
#[derive(clap::Args)]
pub(crate) struct Args {}

/// Builds the program, and shows that it is static and works.
pub(crate) fn run_dist(Args {}: &Args) -> Result<()> {
    let program = build()?;
    check_static(&program)?;
    check_works(&program)?;
    let list = program.with_extension("cdx.json");
    fs::write(&list, sbom::cyclonedx("kubeseal-rs", TARGET)?)?;
    let size = fs::metadata(&program)?.len() as f64 / 1024.0 / 1024.0;
    println!("{} ({size:.1} MiB): static, seals and opens", program.display());
    println!("{}: what it is built of", list.display());
    Ok(())
}

/// Builds kubeseal with the profile `dist`, in a target folder of its own, because the flags differ; gives its path. It is
/// linked again when its functions do not lie in the order in which they are called.
pub(crate) fn build() -> Result<PathBuf> {
    let folder = release::target()?.join("dist");
    let known = folder.join("order.txt");
    let order = fs::read_to_string(&known).unwrap_or_default();
    let mut linked = link(&folder, &order)?;
    let called = called(&linked)?;
    let there: BTreeSet<_> = order.lines().collect();
    let missing = called.iter().filter(|name| !there.contains(name.as_str())).count();
    // Which ones are called depends a little on chance and on the processor.
    if missing * 50 > called.len() {
        let order = called.join("\n");
        linked = link(&folder, &order)?;
        fs::write(&known, order)?;
    }
    let program = folder.join("kubeseal");
    let mut strip = Command::new("strip");
    run(strip.arg("--strip-all").arg("-o").arg(&program).arg(&linked))?.success()?;
    Ok(program)
}

/// With its symbols. `order`: names of functions, one a line.
fn link(folder: &Path, order: &str) -> Result<PathBuf> {
    let mut cargo = release::cargo(&["rustc", "--profile", "dist", "--target", TARGET])?;
    cargo.args(["--package", "kubeseal-rs", "--bin", "kubeseal"]);
    if !order.is_empty() {
        // Cargo looks at arguments, not at the files that they name: another order is another file.
        let file = folder.join(format!("order-{:x}.txt", Sha256::digest(order)));
        fs::write(&file, order)?;
        cargo.args(["--", "-C"]);
        cargo.arg(format!("link-arg=-Wl,--symbol-ordering-file={}", file.display()));
        cargo.args(["-C", "link-arg=-Wl,--no-warn-symbol-ordering"]);
    }
    let built = cargo
        .env("CARGO_TARGET_DIR", folder)
        .env("RUSTFLAGS", RUSTFLAGS)
        // 30 ms of every process: AWS-LC would measure the jitter of the processor's timing as a seed beside the operating
        // system's generator and the processor's own.
        .env("AWS_LC_SYS_NO_JITTER_ENTROPY", "1")
        .status()
        .context("cannot run cargo")?;
    ensure!(built.success(), "cannot build kubeseal");
    Ok(folder.join(TARGET).join("dist").join("kubeseal"))
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
    let mut cargo = release::cargo(&["build", "--release", "--locked", "--target", target])?;
    cargo
        .args(["--package", "controller", "--bin", "controller"])
        .env("CARGO_TARGET_DIR", &folder)
        .env("RUSTFLAGS", format!("{STATIC} {folders}"));
    if target != TARGET {
        // Cross-compilers are named so in Debian; whatever else is set wins.
        let prefix = target.replace("-unknown", "");
        let variable = target.to_uppercase().replace('-', "_");
        for (name, tool) in [
            (format!("CARGO_TARGET_{variable}_LINKER"), "gcc"),
            (format!("CC_{}", target.replace('-', "_")), "gcc"),
        ] {
            if std::env::var_os(&name).is_none() {
                cargo.env(name, format!("{prefix}-{tool}"));
            }
        }
    }
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

fn secret() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db", "namespace": "shop"},
        "data": {"password": "aHVudGVyMg=="},
    })
}

/// The functions that ordinary runs call, in the order of their first calls: a Secret in YAML is sealed, and one in JSON.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn called(program: &Path) -> Result<Vec<String>> {
    let functions = order::Functions::of(program)?;
    let folder = tempfile::tempdir()?;
    let key = SealingKey::generate(folder.path(), 2048)?;
    let certificate = key.certificate.display().to_string();
    let input = folder.path().join("secret");
    let seal = |secret: String, format| {
        fs::write(&input, secret)?;
        functions.called_by(&["--cert", &certificate, "--format", format], &input)
    };
    let runs = [
        seal(serde_saphyr::to_string(&secret())?, "yaml")?,
        seal(secret().to_string(), "json")?,
    ];
    Ok(order::merged(runs))
}

/// Another machine cannot run it.
#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
fn called(_: &Path) -> Result<Vec<String>> {
    Ok(Vec::new())
}

/// It says its version, seals, and opens again what it has sealed.
fn check_works(program: &Path) -> Result<()> {
    let kubeseal = || {
        let mut command = Command::new(program);
        command.env_clear();
        command
    };
    run(kubeseal().arg("--version"))?.success()?;
    let folder = tempfile::tempdir()?;
    let key = SealingKey::generate(folder.path(), 2048)?;
    let secret = secret();
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
