//! A command line that is not understood.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use thiserror::Error;

use crate::commands::VALUE_OF_SET;
use crate::error::{Hinted, Kind};
use crate::typed::Typed;

/// A command line, or a preset, that is not understood. Ends the program with exit code 2.
#[derive(Debug, Error)]
pub(crate) enum ArgsError {
    /// A flag that does not exist, or a value that it does not take.
    #[error("{}", first_paragraph(fault))]
    Typed {
        /// What is wrong.
        fault: clap::Error,
        /// The command line that shows what there is.
        help: String,
    },
    /// A word more than the verb takes. It is not repeated: it may be a value, and messages get into logs.
    #[error("unexpected argument after {} (not shown here, as it may be a value)", path.join(" "))]
    Surplus {
        /// The program and the verb.
        path: Vec<String>,
    },
    /// A preset with a value that its flag does not take.
    #[error("the environment variable {variable}: {}", first_paragraph(fault))]
    Preset {
        /// Name of the variable.
        variable: String,
        /// What is wrong with its value.
        fault: clap::Error,
        /// The command line that shows what there is.
        help: String,
    },
}

/// Whether what is not understood is a word, and no flag.
pub(super) fn is_surplus(fault: &clap::Error) -> bool {
    fault.kind() == ErrorKind::UnknownArgument
        && matches!(fault.get(ContextKind::InvalidArg), Some(ContextValue::String(word)) if !word.starts_with('-'))
}

/// What is wrong. The parser's further paragraphs are the usage, and advice that does not fit this program. A word that a switch
/// does not take is not repeated: of `--raw=hunter2` it is the value.
fn first_paragraph(fault: &clap::Error) -> String {
    if let Some(ContextValue::String(flag)) = fault.get(ContextKind::InvalidArg)
        && let (ErrorKind::ValueValidation, Some((flag, _))) = (fault.kind(), flag.split_once("[=<BOOL>]"))
    {
        return format!("{flag} is true or false (what was typed is not shown here, as it may be a value)");
    }
    let text = fault.render().to_string();
    let lines: Vec<_> = text
        .lines()
        .take_while(|line| !line.is_empty())
        .map(str::trim)
        .collect();
    lines.join(" ").trim_start_matches("error: ").to_owned()
}

impl ArgsError {
    /// What to type instead.
    pub(crate) fn hint(&self) -> String {
        let (fault, help) = match self {
            ArgsError::Typed { fault, help } | ArgsError::Preset { fault, help, .. } => (fault, help),
            ArgsError::Surplus { path } if path.iter().any(|word| word == "set") => return VALUE_OF_SET.to_owned(),
            ArgsError::Surplus { path } => return format!("{} --help shows what it takes", path.join(" ")),
        };
        match fault.get(ContextKind::SuggestedArg) {
            Some(ContextValue::String(flag)) => format!("there is a flag {flag}; {help} shows them all"),
            _ => format!("{help} shows all flags"),
        }
    }
}

impl Hinted for ArgsError {
    fn hint(&self, _typed: &Typed) -> Option<String> {
        Some(self.hint())
    }

    fn kind(&self) -> Kind {
        Kind::Usage
    }
}
