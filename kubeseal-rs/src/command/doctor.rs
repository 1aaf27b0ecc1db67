//! `kubeseal doctor`: flags → what to do.

use std::path::PathBuf;

use super::keys::text_or_json;
use super::{CommandError, Controller, PrivateKeys, paths, set};
use crate::args::verb::doctor::DoctorFlags;

/// Find out why a file does not unseal.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Doctor {
    /// The file.
    pub file: PathBuf,
    /// What to try to open it with.
    pub keys: PrivateKeys,
    /// Certificates to hold against the cluster's; none: those of the project file.
    pub certs: Vec<PathBuf>,
    /// The controller to ask; none with `--offline`.
    pub controller: Option<Controller>,
    /// Whether as JSON.
    pub json: bool,
}

impl Doctor {
    /// Decides what the flags mean.
    ///
    /// # Errors
    /// [`CommandError`].
    pub(super) fn decide(flags: DoctorFlags) -> Result<Self, CommandError> {
        let controller = Controller::of(&flags.controller, &flags.cluster);
        Ok(Self {
            file: set(Some(flags.file))
                .ok_or(CommandError::NoPath("kubeseal doctor FILE"))?
                .into(),
            keys: PrivateKeys::of(flags.keys),
            certs: paths(flags.cert),
            controller: (!flags.offline).then_some(controller),
            json: text_or_json(flags.output)?,
        })
    }
}
