//! `--fetch-cert`: the certificate's bytes as they are: a chain, or one that has expired, is passed on, but not a page
//! of a web server that is not a certificate at all.

use sealing::cert::{CertError, SealingCert};

use crate::cert_source::{self, CertSource};
use crate::environment::Environment;
use crate::error::Error;
use crate::files::{self, Output};
use crate::objects::Fault;

/// Copies the certificate to the output.
pub(crate) fn run(cert: &CertSource, output: &Output, environment: &Environment) -> Result<(), Error> {
    let (bytes, name) = cert_source::bytes(&cert.from, environment)?;
    if let Err(CertError::NoCertificate) = SealingCert::from_pem(&bytes) {
        return Err(name.not_a_certificate(&bytes, Fault::NoCertificate).into());
    }
    Ok(files::write(output, &bytes)?)
}
