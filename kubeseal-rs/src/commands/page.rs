//! `kubeseal page`: the page that seals in a browser, for one certificate.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::Args;
use jiff::Timestamp;
use sealing::sealer::Format;
use thiserror::Error;

use super::error::CommandError;
use crate::cert_source::{self, CertSource};
use crate::environment::Environment;
use crate::error::{Error, Hinted};
use crate::files::{self, Input, Output};
use crate::flags::{self, CertificateFlags};
use crate::quoting;
use crate::typed::Typed;

/// What the page is called beside the program, or in `share/kubeseal` beside the program's folder.
const NAME: &str = "kubeseal-page.html";

/// Where the certificate goes in it.
const PLACE: &str = "<template id=\"given-certificate\">";

/// Flags of `kubeseal page`.
#[derive(Debug, Args)]
#[command(after_help = include_str!("page.txt"))]
pub(crate) struct PageFlags {
    /// The page without a certificate [default: kubeseal-page.html beside this program, or in ../share/kubeseal]
    #[arg(long, value_name = "FILE")]
    pub page: Option<OsString>,
    /// Which certificate to fill in.
    #[command(flatten)]
    pub certificate: CertificateFlags,
}

/// Fill a certificate into the page.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Page {
    /// The page without one, if it is named.
    pub page: Option<PathBuf>,
    /// The certificate.
    pub cert: CertSource,
}

impl Page {
    /// Decides what the flags mean.
    ///
    /// # Errors
    /// [`CommandError`].
    pub(super) fn decide(flags: PageFlags) -> Result<Self, CommandError> {
        Ok(Self {
            page: flags::set(flags.page).map(PathBuf::from),
            cert: CertSource::of_verb(&flags.certificate)?,
        })
    }
}

/// Why there is no page.
#[derive(Debug, Error)]
enum PageError {
    /// It lies nowhere.
    #[error("the page is not beside this program ({NAME}), nor named by --page")]
    Nowhere,
    /// It is something else, or has a certificate.
    #[error("{}: not the page that this program fills in", quoting::path(.0))]
    Other(PathBuf),
}

impl Hinted for PageError {
    fn hint(&self, _typed: &Typed) -> Option<String> {
        Some(format!(
            "{NAME} is in the archives of a release, and `cargo xtask page` makes it in a clone of the repository; then: kubeseal page --page {NAME}"
        ))
    }
}

/// Prints the page with the certificate filled in.
///
/// # Errors
/// There is no page, or no certificate to seal with; it has a hybrid key that is not pinned.
pub(crate) fn run(command: &Page, environment: &Environment, now: Timestamp) -> Result<(), Error> {
    let path = match &command.page {
        Some(path) => path.clone(),
        None => std::env::current_exe()
            .ok()
            .and_then(|program| beside(&program))
            .ok_or(PageError::Nowhere)?,
    };
    let bytes = files::read(&Input::File(path.clone()), "the page")?;
    let page = std::str::from_utf8(&bytes).ok();
    let (before, after) = page
        .and_then(|page| page.split_once(PLACE))
        .filter(|(_, after)| after.starts_with("</template>"))
        .ok_or(PageError::Other(path))?;
    let cert = cert_source::sealing_cert(&command.cert, environment, now)?;
    if matches!(cert.hybrid(), Ok(Some(_))) {
        // The page would seal with it.
        cert.classic_sealer(Some(Format::V2))?;
    }
    // PEM has no character that means something in HTML.
    let filled = [before, PLACE, cert.pem(), after].concat();
    Ok(files::write(&Output::Stdout, filled.as_bytes())?)
}

/// The page that came with a program.
fn beside(program: &Path) -> Option<PathBuf> {
    let folder = program.parent()?;
    let places = [folder.join(NAME), folder.join("../share/kubeseal").join(NAME)];
    places.into_iter().find(|place| place.is_file())
}
