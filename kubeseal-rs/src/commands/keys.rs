//! `kubeseal keys`: shows, saves and brings back the sealing keys of a cluster.

mod backup;
mod list;
mod pin;
mod restore;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use jiff::Timestamp;

use super::error::CommandError;
use crate::cluster::Controller;
use crate::environment::Environment;
use crate::error::Error;
use crate::files::{Input, Output};
use crate::flags::{ClusterFlags, ControllerFlags, paths, set};
pub(super) use list::readable_certs;
use pin::PinFlags;

/// `kubeseal keys` and what follows.
#[derive(Debug, Args)]
#[command(disable_help_subcommand = true, arg_required_else_help = false)]
pub(crate) struct KeysFlags {
    /// What to do with the keys.
    #[command(subcommand)]
    pub what: KeysVerb,
}

/// What to do with the sealing keys of a cluster.
#[derive(Debug, Subcommand)]
pub(crate) enum KeysVerb {
    /// Show the sealing keys: fingerprint, age, expiry, which is current, how many objects need each
    List(ListFlags),
    /// Print what pins a certificate in the project file, without asking a cluster
    Pin(PinFlags),
    /// Save the sealing keys, encrypted with age
    Backup(BackupFlags),
    /// Bring saved sealing keys back, best before the controller's first start
    Restore(RestoreFlags),
}

/// Flags of `kubeseal keys list`.
#[derive(Debug, Args)]
#[command(after_help = include_str!("keys-list.txt"))]
pub(crate) struct ListFlags {
    /// Also say whether this certificate is still the one to seal with; repeatable [default: those of the project file]
    #[arg(long, value_name = "FILE")]
    pub cert: Vec<OsString>,
    /// How to tell it: text or json [default: text]
    #[arg(long, short = 'o', value_name = "FORMAT")]
    pub output: Option<String>,
    /// Where the controller is.
    #[command(flatten)]
    pub controller: ControllerFlags,
    /// How to reach the cluster.
    #[command(flatten)]
    pub cluster: ClusterFlags,
}

/// Flags of `kubeseal keys backup`.
#[derive(Debug, Args)]
#[command(after_help = include_str!("keys-backup.txt"))]
pub(crate) struct BackupFlags {
    /// Encrypt to this age recipient (age1…); repeatable
    #[arg(long, short = 'r', value_name = "RECIPIENT")]
    pub recipient: Vec<String>,
    /// Do not encrypt: whoever reads the file can open everything that was ever sealed
    #[arg(long)]
    pub unencrypted: bool,
    /// Write this file (mode 0600) instead of stdout
    #[arg(long, short = 'w', value_name = "FILE")]
    pub output_file: Option<OsString>,
    /// Where the controller is.
    #[command(flatten)]
    pub controller: ControllerFlags,
    /// How to reach the cluster.
    #[command(flatten)]
    pub cluster: ClusterFlags,
}

/// Flags of `kubeseal keys restore`.
#[derive(Debug, Args)]
#[command(after_help = include_str!("keys-restore.txt"))]
pub(crate) struct RestoreFlags {
    /// The backup: that of kubeseal keys backup, or of kubectl get secret -o yaml; - for stdin
    #[arg(required = true, value_name = "FILE")]
    pub file: OsString,
    /// The age identity file that opens an encrypted backup
    #[arg(long, short = 'i', value_name = "FILE")]
    pub identity: Option<OsString>,
    /// Only say what would be done
    #[arg(long)]
    pub dry_run: bool,
    /// Where the controller is.
    #[command(flatten)]
    pub controller: ControllerFlags,
    /// How to reach the cluster.
    #[command(flatten)]
    pub cluster: ClusterFlags,
}

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
    /// Print what pins a certificate.
    Pin(Input),
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
            KeysVerb::Pin(flags) => Ok(Self::Pin(Input::of(flags.file.as_ref()))),
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

/// Does what was asked for at the time `now`. `flags`: those that reach the cluster, for commands that are proposed.
pub(crate) fn run(command: &Keys, flags: &str, environment: &Environment, now: Timestamp) -> Result<(), Error> {
    match command {
        Keys::List {
            controller,
            certs,
            json,
        } => list::run(controller, certs, flags, *json, environment, now),
        Keys::Pin(input) => pin::run(input),
        Keys::Backup {
            controller,
            recipients,
            output,
        } => backup::run(controller, recipients, output, environment),
        Keys::Restore {
            controller,
            input,
            identity,
            dry_run,
        } => restore::run(controller, input, identity.as_deref(), *dry_run, environment),
    }
}
