//! The inside half of a relay: `inside UNIX-SOCKET ADDRESS:PORT`.

use std::path::PathBuf;

use anyhow::{Context, Result};

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let socket = PathBuf::from(arguments.next().context("which socket?")?);
    let target = arguments.next().context("which address?")?.parse()?;
    Ok(harness::relay::serve_inside(&socket, target)?)
}
