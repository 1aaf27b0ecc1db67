//! `cargo xtask vectors`: makes the vectors anew that hold our format against others' (`sealing/tests/vectors`).

use std::path::Path;
use std::process::Command;

use anyhow::Result;
use harness::output::run;
use harness::peers;

/// What was typed after `cargo xtask vectors`: nothing.
#[derive(clap::Args)]
pub(crate) struct Args {}

/// Runs the script with the reference's binaries and the Python packages that seal.
pub(crate) fn run_script(Args {}: &Args) -> Result<()> {
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
