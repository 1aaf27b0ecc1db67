//! The command line exactly as typed.
//!
//! The syntax is pflag's: the last of a repeated flag wins, `--flag=false` switches a boolean off, and a value may begin
//! with a dash. A flag can be preset by the variable `SEALED_SECRETS_` and its name in capitals with underscores.

mod error;
mod line;
mod presets;
mod syntax;
mod typed;

pub(crate) use error::ArgsError;
pub(crate) use line::CommandLine;
pub(crate) use typed::typed;
