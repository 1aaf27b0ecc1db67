//! `--fetch-cert`: the certificate's bytes, unread (a chain, or one that has expired, is passed on as it is).

use crate::cert_source;
use crate::command::{CertSource, Output};
use crate::environment::Environment;
use crate::error::Error;
use crate::files;

/// Copies the certificate to the output.
pub(crate) fn run(cert: &CertSource, output: &Output, environment: &Environment) -> Result<(), Error> {
    let (bytes, _) = cert_source::bytes(cert, environment)?;
    Ok(files::write(output, &bytes)?)
}
