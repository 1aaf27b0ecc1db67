//! A command line that is not understood.

use clap::error::{ContextKind, ContextValue};
use thiserror::Error;

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

/// What is wrong. The parser's further paragraphs are the usage, and advice that does not fit this program.
fn first_paragraph(fault: &clap::Error) -> String {
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
        let (ArgsError::Typed { fault, help } | ArgsError::Preset { fault, help, .. }) = self;
        match fault.get(ContextKind::SuggestedArg) {
            Some(ContextValue::String(flag)) => format!("there is a flag {flag}; {help} shows them all"),
            _ => format!("{help} shows all flags"),
        }
    }
}
