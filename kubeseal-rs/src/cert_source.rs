//! The certificate's bytes, from a file, a web server or the controller; and which of them, when no flag says it.

mod certificate;
mod found;
mod many;
mod source;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sealing::cert::SealingCert;
use thiserror::Error;
use ureq::config::Config;
use url::Url;
use zeroize::Zeroizing;

use crate::cluster::{Cluster, ClusterError, FoundCertificate};
use crate::environment::Environment;
use crate::error::{Error, Hinted};
use crate::files;
use crate::objects::InputName;
use crate::project::CertFile;
use crate::proxy;
use crate::quoting::address;
use crate::typed::Typed;
pub(crate) use certificate::{Certificate, check_sealable_into};
pub(crate) use many::{Certificates, Formats, KnownKeys};
pub(crate) use source::{CertFrom, CertSource, Finding, SourceError};

/// A certificate is about 2 kB, a chain a few; whatever is larger is something else.
const LARGEST: u64 = 1024 * 1024;
const TIMEOUT: Duration = Duration::from_secs(30);

/// A web server does not give the certificate.
#[derive(Debug, Error)]
pub(crate) enum FetchError {
    /// It answers with something else than 200. The text is the reference's.
    #[error("cannot fetch {url:?}: {status}")]
    Status {
        /// The address.
        url: String,
        /// Its answer.
        status: ureq::http::StatusCode,
    },
    /// It does not answer.
    #[error("cannot fetch {url:?}: {reason}")]
    NoAnswer {
        /// The address.
        url: String,
        /// Why, as far as it is known.
        reason: String,
    },
    /// The proxy's address cannot be understood. It is not shown, as it may hold a password.
    #[error("the address of the proxy (HTTPS_PROXY, HTTP_PROXY) is not valid")]
    Proxy,
    /// This build speaks no TLS.
    #[error("this kubeseal was built without TLS: it fetches nothing over https")]
    #[cfg_attr(feature = "open", expect(dead_code, reason = "of the other build"))]
    NoTls,
}

impl FetchError {
    /// What to type next.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            FetchError::Status { .. } | FetchError::NoAnswer { .. } | FetchError::NoTls => {
                Some("seal with a certificate file (--cert FILE), or ask the cluster: leave out --cert".to_owned())
            }
            FetchError::Proxy => None,
        }
    }
}

/// The certificate's bytes as they are, without regard to a project file, and the name of their source for messages.
///
/// # Errors
/// Whatever keeps them from being read.
pub(crate) fn bytes(from: &CertFrom, environment: &Environment) -> Result<NamedBytes, Error> {
    match from {
        CertFrom::File(path) => {
            let bytes = files::read_file(path).map_err(CertFile)?;
            Ok((bytes, InputName(path.display().to_string())))
        }
        CertFrom::Url(url) => Ok((Zeroizing::new(get(url, environment)?), InputName(address(url)))),
        CertFrom::Found(finding) => {
            let cluster = Cluster::connect(&finding.controller.cluster, environment)?;
            Ok(named(match finding.named {
                true => cluster.certificate_of(&finding.controller)?,
                false => cluster.find_certificate(&finding.controller)?,
            }))
        }
    }
}

/// As [`bytes`]; an error about the cluster tells how to seal without one.
fn bytes_to_seal(from: &CertFrom, environment: &Environment) -> Result<NamedBytes, Error> {
    bytes(from, environment).map_err(|error| match error.downcast::<ClusterError>() {
        Ok(error) => CertOfCluster(error).into(),
        Err(error) => error,
    })
}

type NamedBytes = (Zeroizing<Vec<u8>>, InputName);

fn named(found: FoundCertificate) -> NamedBytes {
    (Zeroizing::new(found.bytes), InputName(found.source))
}

/// The certificate to seal with at `now`.
///
/// # Errors
/// Whatever keeps it from being read, and what makes it unfit to seal: no RSA key, expiry, another key than the pinned one.
pub(crate) fn sealing_cert(
    source: &CertSource,
    environment: &Environment,
    now: Timestamp,
) -> Result<Arc<Certificate>, Error> {
    Certificates::new(source, environment, now).between(&[])
}

fn usable(bytes: &[u8], name: &InputName, now: Timestamp) -> Result<SealingCert, Error> {
    let cert = name.cert(bytes)?;
    cert.check_not_expired(now).map_err(|error| name.fault(error))?;
    Ok(cert)
}

fn get(url: &Url, environment: &Environment) -> Result<Vec<u8>, FetchError> {
    let no_answer = |error: ureq::Error| FetchError::NoAnswer {
        url: address(url),
        reason: reason(&error),
    };
    let agent = configured(url, environment)?.new_agent();
    let mut reply = agent.get(url.as_str()).call().map_err(no_answer)?;
    if reply.status() != ureq::http::StatusCode::OK {
        return Err(FetchError::Status {
            url: address(url),
            status: reply.status(),
        });
    }
    reply
        .body_mut()
        .with_config()
        .limit(LARGEST)
        .read_to_vec()
        .map_err(no_answer)
}

fn configured(url: &Url, environment: &Environment) -> Result<Config, FetchError> {
    let port = url.port_or_known_default().unwrap_or_default();
    let host = url
        .host_str()
        .unwrap_or_default()
        .trim_start_matches('[')
        .trim_end_matches(']');
    let proxy = proxy::for_host(environment, url.scheme() == "https", host, port)
        // In the words of this library, it is the `h` that has the proxy look up names.
        .map(|url| url.replacen("socks5://", "socks5h://", 1))
        .map(|url| ureq::Proxy::new(&url).map_err(|_| FetchError::Proxy))
        .transpose()?;
    let config = Config::builder()
        .timeout_global(Some(TIMEOUT))
        .http_status_as_error(false)
        // A project file is untrusted, and names the address: a redirect must not leave https.
        .https_only(url.scheme() == "https")
        .proxy(proxy);
    tls::with_tls(config, url.scheme())
}

fn reason(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Io(error) => files::plain(error),
        other => other.to_string(),
    }
}

impl Hinted for FetchError {
    fn hint(&self, _typed: &Typed) -> Option<String> {
        self.hint()
    }
}

/// The cluster does not give the certificate to seal with, which a file could hold.
#[derive(Debug, Error)]
#[error(transparent)]
struct CertOfCluster(ClusterError);

impl Hinted for CertOfCluster {
    fn hint(&self, _typed: &Typed) -> Option<String> {
        let offline = "seal offline with a certificate file: --cert FILE";
        let hint = self.0.hint();
        Some(hint.map_or(offline.to_owned(), |hint| format!("{hint}; or {offline}")))
    }
}
