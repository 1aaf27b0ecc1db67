//! `kubeseal keys`: shows, saves and brings back the sealing keys of a cluster.

mod backup;
mod list;
mod restore;

use jiff::Timestamp;

pub(super) use list::local_certs;

use crate::command::keys::Keys;
use crate::environment::Environment;
use crate::error::Error;

/// Does what was asked for at the time `now`.
pub(crate) fn run(command: &Keys, environment: &Environment, now: Timestamp) -> Result<(), Error> {
    match command {
        Keys::List {
            controller,
            certs,
            json,
        } => list::run(controller, certs, *json, environment, now),
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
