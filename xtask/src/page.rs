//! `cargo xtask page`: the page that seals in a browser, as one file.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use harness::implementation::repository;
use harness::output::run_with_input;
use sha2::{Digest as _, Sha256};

use crate::bench::release;
use crate::dist;

/// Runs in every browser of the last years, and needs nothing of the page but the few calls that `page.js` answers.
const TARGET: &str = "wasm32-wasip1";

/// The page's name beside kubeseal's program, where `kubeseal page` looks for it.
pub(crate) const NAME: &str = "kubeseal-page.html";

#[derive(clap::Args)]
pub(crate) struct Args {}

/// Writes the page and prints its path.
pub(crate) fn run(Args {}: &Args) -> Result<()> {
    let page = build()?;
    let size = fs::metadata(&page)?.len() / 1024;
    println!(
        "{} ({size} KiB): open it in a browser, or fill in a certificate:",
        page.display()
    );
    println!("  kubeseal page --cert cert.pem --page {} > seal.html", page.display());
    Ok(())
}

/// Builds the program and puts it into the page, with everything else that the page needs; gives the page's path.
///
/// # Errors
/// The target is not there, or the build fails.
pub(crate) fn build() -> Result<PathBuf> {
    dist::add_library(TARGET)?;
    let folder = release::target()?.join("page");
    let mut cargo = release::cargo(&["build", "--profile", "dist", "--locked", "--target", TARGET])?;
    cargo
        .args(["--package", "page", "--bin", "page"])
        .env("CARGO_TARGET_DIR", &folder);
    let built = cargo.status().context("cannot run cargo")?;
    ensure!(built.success(), "cannot build the page's program");
    let program = fs::read(folder.join(TARGET).join("dist/page.wasm"))?;
    let packed = run_with_input(Command::new("gzip").args(["-9", "-n"]), &program)?.success()?;
    let part = |name: &str| -> Result<String> {
        let path = repository().join("page").join(name);
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    };
    let (script, style) = (part("page.js")?, part("page.css")?);
    // One pass, since the parts hold no mark of another.
    let page = part("page.html")?
        .replace("@SCRIPT_HASH@", &hash(&script))
        .replace("@STYLE_HASH@", &hash(&style))
        .replace("@STYLE@", &style)
        .replace("@SCRIPT@", &script)
        .replace("@PROGRAM@", &STANDARD.encode(packed.bytes));
    let path = folder.join(NAME);
    fs::write(&path, page)?;
    Ok(path)
}

/// As a content security policy names an inline part.
fn hash(part: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(part)))
}
