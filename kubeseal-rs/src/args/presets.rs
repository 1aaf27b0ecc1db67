//! Flags preset by the environment: `SEALED_SECRETS_CONTROLLER_NAME=x` stands for `--controller-name=x`.

use std::ffi::OsString;

use clap::error::ErrorKind;

use super::ArgsError;
use crate::environment::Environment;

const PREFIX: &str = "SEALED_SECRETS_";

const RAW: &str = "SEALED_SECRETS_RAW";

/// Scripts keep version numbers in `SEALED_SECRETS_VERSION`; what is not a boolean there was not meant for this program.
const LENIENT: [&str; 2] = ["version", "help"];

/// The presets of `command`'s own flags, to be placed before the typed ones, which then win. Variables that name none of
/// its flags are not meant for it, nor are those of which a verb makes something else than the reference's modes do. The
/// logging flags cannot be preset (reference behaviour).
///
/// `help` is the command line that shows the flags, for messages.
pub(super) fn flags(
    command: &clap::Command,
    typed: &[OsString],
    environment: &Environment,
    help: &str,
) -> Result<Vec<OsString>, ArgsError> {
    let mut flags = Vec::new();
    for (name, value) in environment.with_prefix(PREFIX) {
        let flag = name.to_lowercase().replace('_', "-");
        let known = command
            .get_arguments()
            .filter_map(clap::Arg::get_long)
            .any(|long| long == flag && long != "v");
        if !known
            || name.chars().any(char::is_lowercase)
            || means_another(command.get_name(), &flag, typed, environment)
        {
            continue;
        }
        let mut word = OsString::from(format!("--{flag}="));
        word.push(value);
        // Each is tried alone, so that a fault can name its variable.
        let alone = command.clone().subcommand_required(false);
        match alone.try_get_matches_from(["kubeseal".into(), word.clone()]) {
            Ok(_) => flags.push(word),
            // What else is needed is typed.
            Err(fault) if fault.kind() == ErrorKind::MissingRequiredArgument => flags.push(word),
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

/// Whether `flag` of a verb is not what the reference's variable presets: then a preset for sealing would stop the verb.
fn means_another(verb: &str, flag: &str, typed: &[OsString], environment: &Environment) -> bool {
    let is_typed = |long: &str| {
        let words = typed.iter().filter_map(|word| word.to_str());
        let mut flags = words.map(|word| word.split_once('=').map_or(word, |(flag, _)| flag));
        flags.any(|word| word == long)
    };
    match (verb, flag) {
        // Which of the objects of a file is meant, not what a Secret is called.
        ("edit" | "set" | "unset" | "rename" | "render" | "reseal", "name" | "namespace") => true,
        // It is for bare values, and the flag is not the reference's.
        ("kubeseal", "item") => !is_typed("--raw") && environment.get(RAW).is_none(),
        // There it allows the scope that an object has, rather than choosing one.
        ("edit" | "set", "scope") => true,
        // What a cluster's certificate is compared with, and always a file.
        ("doctor" | "list", "cert") => true,
        // Of a Secret that is put together alone; and whoever seals does not open by the way.
        ("seal", "name") => !["--from-env-file", "--from-file", "--from-literal"]
            .into_iter()
            .any(is_typed),
        ("seal", "from-file" | "recovery-private-key" | "identity") => true,
        // What a bare value is bound to. Whether it is one is not to be guessed.
        ("unseal", "raw") => true,
        ("unseal", "name" | "namespace" | "scope" | "item") => !is_typed("--raw"),
        // To give all values another version is decided each time.
        ("reseal", "format-version" | "allow-downgrade") => true,
        // Without private keys nothing is sealed here.
        ("reseal" | "rename", "cert" | "for-cluster") => {
            !is_typed("--recovery-private-key") && environment.get("SEALED_SECRETS_RECOVERY_PRIVATE_KEY").is_none()
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::commands::verb::VerbLine;

    #[test]
    fn a_verb_is_not_stopped_by_what_is_preset_for_sealing() {
        let preset = |line: &str, keys: &str| -> Vec<String> {
            let words: Vec<_> = line.split(' ').map(OsString::from).collect();
            let mut command = VerbLine::command();
            for word in line.split(' ') {
                command = command.find_subcommand(word).cloned().unwrap_or(command);
            }
            let environment = Environment::from([
                ("SEALED_SECRETS_CERT", "c"),
                ("SEALED_SECRETS_FOR_CLUSTER", "dev"),
                ("SEALED_SECRETS_NAME", "n"),
                ("SEALED_SECRETS_NAMESPACE", "ns"),
                ("SEALED_SECRETS_RAW", "true"),
                ("SEALED_SECRETS_RECOVERY_PRIVATE_KEY", keys),
                ("SEALED_SECRETS_SCOPE", "strict"),
            ]);
            let mut flags: Vec<_> = flags(&command, &words, &environment, "")
                .unwrap()
                .into_iter()
                .map(|flag| flag.into_string().unwrap())
                .collect();
            flags.sort();
            flags
        };
        let cases: [(&str, &[&str]); 13] = [
            (
                "seal x",
                &["--cert=c", "--for-cluster=dev", "--namespace=ns", "--scope=strict"],
            ),
            ("set x i", &["--cert=c", "--for-cluster=dev"]),
            ("edit x", &["--cert=c", "--for-cluster=dev"]),
            ("unset x i", &[]),
            ("rename x i j", &[]),
            ("render x", &[]),
            ("doctor x", &[]),
            ("keys list", &[]),
            ("reseal x", &[]),
            ("reseal x --recovery-private-key k", &["--cert=c", "--for-cluster=dev"]),
            ("reseal x --recovery-private-key=k", &["--cert=c", "--for-cluster=dev"]),
            ("unseal x", &[]),
            ("unseal --raw x", &["--name=n", "--namespace=ns", "--scope=strict"]),
        ];
        for (line, expected) in cases {
            assert_eq!(preset(line, ""), expected, "{line}");
        }
        let with_keys = preset("reseal x", "k");
        assert_eq!(with_keys, ["--cert=c", "--for-cluster=dev", "--recovery-private-key=k"]);
    }
}
