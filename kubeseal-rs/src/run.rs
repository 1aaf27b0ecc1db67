//! From the command line to its end: decide, then do.

use std::ffi::OsString;
use std::io::{self, IsTerminal as _};

use jiff::Timestamp;
use sealing::SystemRandom;

use crate::args::{self, CommandLine};
use crate::commands::{self, Command, CommandError, help};
use crate::environment::Environment;
use crate::error::Error;
use crate::files::{self, Output};

/// Does what the command line asks for; `now` is the time against which the certificate is held.
///
/// # Errors
/// [`Error`]; nothing has been written then.
pub(crate) fn run(
    argv: impl IntoIterator<Item = OsString>,
    environment: &Environment,
    now: Timestamp,
) -> Result<(), Error> {
    let argv: Vec<_> = argv.into_iter().collect();
    let line = CommandLine::read(argv.iter().cloned(), environment)?;
    let flags = || args::typed(&argv).controller_flags();
    let is_classic = matches!(line, CommandLine::Flags(_));
    let not_legal = |error: CommandError| match error {
        CommandError::Word(_) => Error::from(error).of_usage(),
        _ if is_classic => error.into(),
        _ => Error::from(error).of_usage(),
    };
    match decide(line, io::stdin().is_terminal()).map_err(not_legal)? {
        Command::Version => print(concat!("kubeseal version: v", env!("CARGO_PKG_VERSION"), "\n")),
        Command::Help => print(&help::program()),
        Command::VerbHelp(text) => print(&text),
        Command::FetchCert { cert, output } => commands::classic::fetch_cert::run(&cert, &output, environment),
        Command::Seal(command) => commands::classic::seal::run(&command, environment, now),
        Command::EditValues(command) => commands::edit::run(&command, environment, now, &mut SystemRandom::default()),
        Command::SetItem(command) => commands::set::run(&command, environment, now, &mut SystemRandom::default()),
        Command::UnsetItems(command) => commands::unset::run(&command),
        Command::RenameItem(command) => commands::rename::run(&command, environment, now, &mut SystemRandom::default()),
        Command::MergeInto(command) => {
            commands::classic::merge_into::run(&command, environment, now, &mut SystemRandom::default())
        }
        Command::ReEncrypt(command) => commands::classic::re_encrypt::run(&command, environment),
        Command::Raw(command) => commands::classic::raw::run(&command, environment, now, &mut SystemRandom::default()),
        Command::Validate {
            input,
            controller,
            namespace,
        } => commands::classic::validate::run(&input, namespace.as_deref(), &controller, environment),
        Command::RecoveryUnseal {
            input,
            output,
            format,
            keys,
            namespace,
        } => commands::classic::recovery_unseal::run(&input, namespace.as_deref(), &output, format, &keys),
        Command::SealFiles(command) => commands::seal::run::run(&command, environment, now),
        Command::ResealFiles(command) => commands::reseal::run(&command, environment, now),
        Command::UnsealFiles(command) => commands::unseal::run::run(&command),
        Command::UnsealRaw(command) => commands::unseal::run::run_raw(&command),
        Command::Completions(shell) => commands::manual::completions(shell),
        Command::Man(folder) => commands::manual::man(folder.as_deref()),
        Command::Page(command) => commands::page::run(&command, environment, now),
        Command::Doctor(command) => commands::doctor::run(&command, &flags(), environment, now),
        Command::Keys(command) => commands::keys::run(&command, &flags(), environment, now),
        Command::Render(command) => commands::render::run(&command, &mut SystemRandom::default()),
        Command::Lint(command) => commands::lint::run(&command, environment, now),
        Command::LintRules => print(&crate::lint::report::rules()),
    }
}

fn print(text: &str) -> Result<(), Error> {
    Ok(files::write(&Output::Stdout, text.as_bytes())?)
}

/// Decides what a command line means. `at_terminal`: stdin is one, so that nothing comes from there by itself.
///
/// # Errors
/// [`CommandError`].
fn decide(line: CommandLine, at_terminal: bool) -> Result<Command, CommandError> {
    match line {
        CommandLine::Flags(args) => Command::of_flags(*args, at_terminal),
        CommandLine::VerbHelp(text) => Ok(Command::VerbHelp(text)),
        CommandLine::Verb(verb) => Command::of_verb(*verb),
    }
}

#[cfg(test)]
mod tests;
