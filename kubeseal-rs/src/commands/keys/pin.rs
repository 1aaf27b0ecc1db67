//! `kubeseal keys pin`.

use std::ffi::OsString;

use clap::Args;
use sealing::sealer::SealItemError;

use crate::error::Error;
use crate::files::{self, Input, Output};
use crate::objects::InputName;
use crate::project::CertFile;

/// Flags of `kubeseal keys pin`.
#[derive(Debug, Args)]
#[command(after_help = include_str!("../keys-pin.txt"))]
pub(crate) struct PinFlags {
    /// The certificate; - for stdin
    #[arg(required = true, value_name = "FILE")]
    pub file: OsString,
}

/// Prints what pins the certificate; no cluster is asked.
pub(super) fn run(input: &Input) -> Result<(), Error> {
    let name = InputName::of(input);
    let bytes = files::read(input, "a certificate").map_err(CertFile)?;
    let cert = name.cert(&bytes)?;
    let pin = cert.pin().map_err(|error| name.fault(SealItemError::from(error)))?;
    let mut text = pin.map_or(String::new(), |pin| format!("{pin} (both keys)\n"));
    text += &format!("{} (the RSA key)\n", cert.public().fingerprint());
    Ok(files::write(&Output::Stdout, text.as_bytes())?)
}
