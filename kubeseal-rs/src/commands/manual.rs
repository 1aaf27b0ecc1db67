//! `kubeseal completions`, `kubeseal man` and `kubeseal help`: made from the same declaration as the command line itself.

use std::ffi::OsString;
use std::path::Path;

use clap::{Args, Command};
use clap_complete::Shell;

use super::help;
use crate::error::Error;
use crate::files::{self, FileError, Output};
use crate::place;

/// Flags of `kubeseal completions`.
#[derive(Debug, Args)]
#[command(after_help = include_str!("completions.txt"))]
pub(crate) struct CompletionsFlags {
    /// The shell
    #[arg(required = true, value_name = "SHELL")]
    pub shell: Shell,
}

/// Flags of `kubeseal man`.
#[derive(Debug, Args)]
#[command(after_help = include_str!("man.txt"))]
pub(crate) struct ManFlags {
    /// Write one page for the program and one for each verb into this folder; without it, the program's page to stdout
    #[arg(value_name = "DIR")]
    pub folder: Option<OsString>,
}

/// Flags of `kubeseal help`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  kubeseal help\n  kubeseal help keys restore")]
pub(crate) struct HelpFlags {
    /// The verb; without one, the help of the program
    #[arg(value_name = "VERB")]
    pub verb: Vec<String>,
}

/// Prints the completions for a shell.
pub(crate) fn completions(shell: Shell) -> Result<(), Error> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut help::whole(), "kubeseal", &mut text);
    Ok(files::write(&Output::Stdout, &text)?)
}

/// Prints the program's manual page, or writes those of the program and of all verbs into a folder.
pub(crate) fn man(folder: Option<&Path>) -> Result<(), Error> {
    let mut command = help::whole();
    command.build();
    let Some(folder) = folder else {
        return Ok(files::write(&Output::Stdout, &page(&command)?)?);
    };
    let mut pages = Vec::new();
    collect(&command, "kubeseal", &mut pages)?;
    for (name, page) in pages {
        // With the mode that the umask gives: a manual is not a secret.
        let path = folder.join(format!("{name}.1"));
        let written = place::check_in_work_tree(&path).and_then(|()| std::fs::write(&path, page));
        written.map_err(|reason| FileError::Write { path, reason })?;
    }
    Ok(())
}

fn collect(command: &Command, name: &str, pages: &mut Vec<(String, Vec<u8>)>) -> Result<(), Error> {
    pages.push((name.to_owned(), page(command)?));
    for verb in command.get_subcommands() {
        collect(verb, &format!("{name}-{}", verb.get_name()), pages)?;
    }
    Ok(())
}

fn page(command: &Command) -> Result<Vec<u8>, Error> {
    let mut page = Vec::new();
    // Writing to memory fails for no reason of its own.
    clap_mangen::Man::new(command.clone())
        .render(&mut page)
        .map_err(FileError::Stdout)?;
    Ok(page)
}
