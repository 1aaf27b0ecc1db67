//! `kubeseal keys …`: flags → what to do.

use std::path::PathBuf;

use super::{CommandError, Controller, Input, Output, paths, set};
use crate::args::verb::keys::{BackupFlags, KeysFlags, KeysVerb, ListFlags, RestoreFlags};

/// What to do with the sealing keys of a cluster.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Keys {
    /// Show them.
    List {
        /// Whose.
        controller: Controller,
        /// Local certificates to hold against them; none: those of the project file.
        certs: Vec<PathBuf>,
        /// Whether as JSON.
        json: bool,
    },
    /// Save them.
    Backup {
        /// Whose.
        controller: Controller,
        /// Whom the backup is for; none: in clear.
        recipients: Vec<String>,
        /// Where it goes.
        output: Output,
    },
    /// Bring them back.
    Restore {
        /// Where to.
        controller: Controller,
        /// The backup.
        input: Input,
        /// What opens an encrypted one.
        identity: Option<PathBuf>,
        /// Whether nothing is to be done.
        dry_run: bool,
    },
}

impl Keys {
    /// Decides what the flags mean.
    ///
    /// # Errors
    /// [`CommandError`].
    pub(super) fn decide(flags: KeysFlags) -> Result<Self, CommandError> {
        match flags.what {
            KeysVerb::List(flags) => Self::list(flags),
            KeysVerb::Backup(flags) => Self::backup(flags),
            KeysVerb::Restore(flags) => Ok(Self::restore(flags)),
        }
    }

    fn list(flags: ListFlags) -> Result<Self, CommandError> {
        Ok(Keys::List {
            controller: Controller::of(&flags.controller, &flags.cluster),
            certs: paths(flags.cert),
            json: text_or_json(flags.output)?,
        })
    }

    fn backup(flags: BackupFlags) -> Result<Self, CommandError> {
        let recipients: Vec<_> = flags.recipient.into_iter().filter(|text| !text.is_empty()).collect();
        if recipients.is_empty() != flags.unencrypted {
            return Err(CommandError::EncryptedOrNot);
        }
        Ok(Keys::Backup {
            controller: Controller::of(&flags.controller, &flags.cluster),
            recipients,
            output: set(flags.output_file).map_or(Output::Stdout, |path| Output::File(path.into())),
        })
    }

    fn restore(flags: RestoreFlags) -> Self {
        Keys::Restore {
            controller: Controller::of(&flags.controller, &flags.cluster),
            input: Input::of(flags.file.as_ref()),
            identity: set(flags.identity).map(PathBuf::from),
            dry_run: flags.dry_run,
        }
    }
}

/// Whether `-o` asks for JSON.
pub(super) fn text_or_json(asked: Option<String>) -> Result<bool, CommandError> {
    match asked.as_deref().unwrap_or_default().to_lowercase().as_str() {
        "" | "text" => Ok(false),
        "json" => Ok(true),
        _ => Err(CommandError::NeitherTextNorJson(asked.unwrap_or_default())),
    }
}
