//! From the command line to its end: decide, then do.

use std::ffi::OsString;
use std::io::{self, IsTerminal as _};

use jiff::Timestamp;
use sealing::SystemRandom;

use crate::args::CommandLine;
use crate::cmd;
use crate::command::{Command, CommandError, Output};
use crate::environment::Environment;
use crate::error::Error;
use crate::files;

/// Does what the command line asks for; `now` is the time against which the certificate is held.
///
/// # Errors
/// [`Error`]; nothing has been written then.
pub(crate) fn run(
    argv: impl IntoIterator<Item = OsString>,
    environment: &Environment,
    now: Timestamp,
) -> Result<(), Error> {
    let line = CommandLine::read(argv, environment)?;
    let is_classic = matches!(line, CommandLine::Flags(_));
    let not_legal = |error| match error {
        CommandError::Word { .. } => Error::Usage(error),
        _ if is_classic => Error::Command(error),
        _ => Error::Usage(error),
    };
    match Command::decide(line, io::stdin().is_terminal()).map_err(not_legal)? {
        Command::Version => print(concat!("kubeseal version: v", env!("CARGO_PKG_VERSION"), "\n")),
        Command::Help => print(&CommandLine::help()),
        Command::VerbHelp(text) => print(&text),
        Command::FetchCert { cert, output } => cmd::fetch_cert::run(&cert, &output, environment),
        Command::Seal(command) => cmd::seal::run(&command, environment, now),
        Command::EditValues(command) => cmd::edit_values::run(&command, environment, now, &mut SystemRandom::default()),
        Command::SetItem(command) => cmd::items::set(&command, environment, now, &mut SystemRandom::default()),
        Command::UnsetItems(command) => cmd::items::unset(&command),
        Command::RenameItem(command) => cmd::items::rename(&command),
        Command::MergeInto(command) => cmd::merge_into::run(&command, environment, now, &mut SystemRandom::default()),
        Command::ReEncrypt(command) => cmd::re_encrypt::run(&command, environment),
        Command::Raw(command) => cmd::raw::run(&command, environment, now, &mut SystemRandom::default()),
        Command::Validate {
            input,
            controller,
            namespace,
        } => cmd::validate::run(&input, namespace.as_deref(), &controller, environment),
        Command::RecoveryUnseal {
            input,
            output,
            format,
            keys,
            namespace,
        } => cmd::recovery_unseal::run(&input, namespace.as_deref(), &output, format, &keys),
        Command::SealFiles(command) => cmd::seal_files::run(&command, environment, now),
        Command::ResealFiles(command) => cmd::reseal_files::run(&command, environment, now),
        Command::UnsealFiles(command) => cmd::unseal_files::run(&command),
        Command::UnsealRaw(command) => cmd::unseal_files::run_raw(&command),
        Command::Completions(shell) => cmd::manual::completions(shell),
        Command::Man(folder) => cmd::manual::man(folder.as_deref()),
        Command::Doctor(command) => cmd::doctor::run(&command, environment, now),
        Command::Keys(command) => cmd::keys::run(&command, environment, now),
        Command::Render(command) => cmd::render::run(&command, &mut SystemRandom::default()),
        Command::Lint(command) => cmd::lint::run(&command, environment),
        Command::LintRules => print(&crate::lint::report::rules()),
    }
}

fn print(text: &str) -> Result<(), Error> {
    Ok(files::write(&Output::Stdout, text.as_bytes())?)
}
