//! `cargo xtask vectors`: regenerates the vectors that compare our format with others' (`sealing/tests/vectors`) and our
//! templates with Go's (`gotmpl/tests/cases`).

use std::path::Path;
use std::process::Command;

use anyhow::Result;
use harness::output::run;
use harness::peers;

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    which: Option<Which>,
}

/// Which vectors, when not those of the format.
#[derive(clap::Subcommand)]
enum Which {
    /// What Go and sprig make of the templates of gotmpl's tests (needs Go).
    Templates,
    /// What Go's `crypto/hpke` seals in format v2, well and badly (needs Go).
    V2,
}

/// Makes the vectors that were asked for.
pub(crate) fn make(args: &Args) -> Result<()> {
    match args.which {
        Some(Which::Templates) => gotmpl_tools::vectors::make(),
        Some(Which::V2) => version_2(),
        None => run_script(),
    }
}

/// Writes what the Go program gives.
fn version_2() -> Result<()> {
    let found = peers::ensure(&[peers::FORMAT_V2], &|line| println!("{line}"))?;
    let made = run(Command::new(found.path(&peers::FORMAT_V2)?).arg("vectors"))?.success()?;
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sealing/tests/vectors/v2.json");
    std::fs::write(file, made.bytes)?;
    println!("written: sealing/tests/vectors/v2.json; now `cargo test -p sealing`");
    Ok(())
}

/// Runs the script with the reference's binaries and the Python packages that seal.
fn run_script() -> Result<()> {
    let wanted = [peers::REF_KUBESEAL, peers::MAKE_KEYS, peers::KUBESEALPY];
    let found = peers::ensure(&wanted, &|line| println!("{line}"))?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sealing/tests/vectors/make.py");
    let mut make = Command::new(found.path(&peers::KUBESEALPY)?.join("bin/python"));
    make.arg(script)
        .arg(found.path(&peers::MAKE_KEYS)?)
        .arg(found.path(&peers::REF_KUBESEAL)?);
    run(&mut make)?.success()?;
    println!("written: sealing/tests/vectors/{{keys,values,documents}}.json; now `cargo test -p sealing`");
    Ok(())
}
