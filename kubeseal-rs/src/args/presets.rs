//! Flags preset by the environment: `SEALED_SECRETS_CONTROLLER_NAME=x` stands for `--controller-name=x`.

use std::ffi::OsString;

use clap::CommandFactory as _;

use super::{Args, ArgsError};
use crate::environment::Environment;

const PREFIX: &str = "SEALED_SECRETS_";

/// Scripts keep version numbers in `SEALED_SECRETS_VERSION`; what is no boolean there was not meant for this program.
const LENIENT: [&str; 2] = ["version", "help"];

/// The presets as flags, to be placed before the typed ones, which then win. Variables that name no flag are not ours.
/// The logging flags cannot be preset (reference behaviour).
pub(super) fn flags(environment: &Environment) -> Result<Vec<OsString>, ArgsError> {
    let mut flags = Vec::new();
    for (name, value) in environment.with_prefix(PREFIX) {
        let flag = name.to_lowercase().replace('_', "-");
        let command = Args::command();
        let known = command
            .get_arguments()
            .filter_map(clap::Arg::get_long)
            .any(|long| long == flag && long != "v");
        if !known || name.chars().any(char::is_lowercase) {
            continue;
        }
        let mut word = OsString::from(format!("--{flag}="));
        word.push(value);
        match command.try_get_matches_from(["kubeseal".into(), word.clone()]) {
            Ok(_) => flags.push(word),
            Err(_) if LENIENT.contains(&flag.as_str()) => {}
            Err(fault) => {
                return Err(ArgsError::Preset {
                    variable: format!("{PREFIX}{name}"),
                    fault,
                });
            }
        }
    }
    Ok(flags)
}
