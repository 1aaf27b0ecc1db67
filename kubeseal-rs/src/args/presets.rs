//! Flags preset by the environment: `SEALED_SECRETS_CONTROLLER_NAME=x` stands for `--controller-name=x`.

use std::ffi::OsString;

use super::ArgsError;
use crate::environment::Environment;

const PREFIX: &str = "SEALED_SECRETS_";

/// Scripts keep version numbers in `SEALED_SECRETS_VERSION`; what is no boolean there was not meant for this program.
const LENIENT: [&str; 2] = ["version", "help"];

/// The presets of `command`'s own flags, to be placed before the typed ones, which then win. Variables that name none of
/// its flags are not meant for it. The logging flags cannot be preset (reference behaviour).
///
/// `help` is the command line that shows the flags, for messages.
pub(super) fn flags(
    command: &clap::Command,
    environment: &Environment,
    help: &str,
) -> Result<Vec<OsString>, ArgsError> {
    // Each preset is tried alone, so that a fault can name its variable.
    let alone = command
        .clone()
        .mut_args(|arg| arg.required(false))
        .subcommand_required(false);
    let mut flags = Vec::new();
    for (name, value) in environment.with_prefix(PREFIX) {
        let flag = name.to_lowercase().replace('_', "-");
        let known = command
            .get_arguments()
            .filter_map(clap::Arg::get_long)
            .any(|long| long == flag && long != "v");
        if !known || name.chars().any(char::is_lowercase) {
            continue;
        }
        let mut word = OsString::from(format!("--{flag}="));
        word.push(value);
        match alone.clone().try_get_matches_from(["kubeseal".into(), word.clone()]) {
            Ok(_) => flags.push(word),
            Err(_) if LENIENT.contains(&flag.as_str()) => {}
            Err(fault) => {
                return Err(ArgsError::Preset {
                    variable: format!("{PREFIX}{name}"),
                    fault,
                    help: help.to_owned(),
                });
            }
        }
    }
    Ok(flags)
}
