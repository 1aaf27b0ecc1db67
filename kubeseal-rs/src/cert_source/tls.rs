//! TLS for `--cert https://…`: the system's roots, and the cryptography of AWS-LC, where this build has it.

use ureq::config::{Config, ConfigBuilder};
use ureq::typestate::AgentScope;

use super::FetchError;

/// The finished configuration for an address of this scheme.
#[cfg(feature = "open")]
pub(super) fn with_tls(config: ConfigBuilder<AgentScope>, _: &str) -> Result<Config, FetchError> {
    use ureq::tls::{RootCerts, TlsConfig};

    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let tls = TlsConfig::builder()
        .root_certs(RootCerts::PlatformVerifier)
        .unversioned_rustls_crypto_provider(std::sync::Arc::new(provider))
        .build();
    Ok(config.tls_config(tls).build())
}

/// The finished configuration for an address of this scheme.
#[cfg(not(feature = "open"))]
pub(super) fn with_tls(config: ConfigBuilder<AgentScope>, scheme: &str) -> Result<Config, FetchError> {
    match scheme {
        "http" => Ok(config.build()),
        _ => Err(FetchError::NoTls),
    }
}
