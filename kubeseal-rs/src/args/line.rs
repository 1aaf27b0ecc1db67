//! A whole command line: the classic flags, or a verb with flags of its own.

use std::ffi::OsString;

use clap::{CommandFactory as _, FromArgMatches as _, Subcommand as _};

use super::{ArgsError, error, presets, syntax};
use crate::commands::classic::args::Args;
use crate::commands::help::{named_by, verb_help};
use crate::commands::verb::{Verb, VerbLine};
use crate::environment::Environment;

/// What was typed.
#[derive(Debug)]
pub(crate) enum CommandLine {
    /// Flags without a verb, as for the reference.
    Flags(Box<Args>),
    /// A verb and its flags.
    Verb(Box<Verb>),
    /// `kubeseal VERB --help`: the text that it asks for.
    VerbHelp(String),
}

impl CommandLine {
    /// Reads a command line (its first word is the program's name) on top of the presets in `environment`. It is a verb's
    /// when its second word is the name of one; the reference ignores such words, so no command line of its is changed.
    ///
    /// # Errors
    /// [`ArgsError`].
    pub(crate) fn read(argv: impl IntoIterator<Item = OsString>, environment: &Environment) -> Result<Self, ArgsError> {
        let mut words: Vec<_> = argv.into_iter().collect();
        if words.is_empty() {
            words.push("kubeseal".into());
        }
        let is_verb = words
            .get(1)
            .and_then(|word| word.to_str())
            .is_some_and(Verb::has_subcommand);
        // To build the verbs' flags takes longer than to seal a small Secret.
        let command = syntax::of_pflag(if is_verb { VerbLine::command() } else { Args::command() });
        let (path, innermost) = named_by(&command, &words);
        let help = format!("{} --help", path.join(" "));
        let presets = presets::flags(innermost, &words, environment, &help)?;
        words.splice(path.len()..path.len(), presets);
        let not_understood = |fault| match error::is_surplus(&fault) {
            true => ArgsError::Surplus { path: path.clone() },
            false => ArgsError::Typed {
                fault,
                help: help.clone(),
            },
        };
        match command.try_get_matches_from(words) {
            Ok(matches) if path.len() == 1 => {
                let args = Args::from_arg_matches(&matches).map_err(not_understood)?;
                Ok(CommandLine::Flags(Box::new(args)))
            }
            Ok(matches) => {
                let line = VerbLine::from_arg_matches(&matches).map_err(not_understood)?;
                Ok(CommandLine::Verb(Box::new(line.verb)))
            }
            Err(fault) if fault.kind() == clap::error::ErrorKind::DisplayHelp => {
                Ok(CommandLine::VerbHelp(verb_help(&path)))
            }
            Err(fault) => Err(not_understood(fault)),
        }
    }
}
