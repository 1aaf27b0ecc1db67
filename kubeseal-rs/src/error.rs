//! What ends the program with a message: what is wrong, where, and what to type next.
//!
//! Each module has errors of its own, and says there what helps; here they become one kind, and are printed.

use std::error::Error as StdError;
use std::io::{self, Write as _};
use std::process::ExitCode;

use crate::interrupt;
use crate::quoting::visible;
use crate::typed::Typed;

/// What to open with, where the keys are not at hand.
pub(crate) const A_BACKUP_WILL_DO: &str = "a PEM private key will do for format v1, or an encrypted backup of the keys: age-keygen -o identity.txt prints \
                                           a recipient (age1…); kubeseal keys backup -r age1… -w keys.yaml.age; then \
                                           --recovery-private-key keys.yaml.age --identity identity.txt";

/// What to type where this build lacks what is asked for.
pub(crate) const WHOLE_BUILD: &str = "the kubeseal that is built with its default features does (it needs a C compiler): cargo install --path kubeseal-rs";

/// An error that says what to type next.
pub(crate) trait Hinted: StdError + Send + Sync + 'static {
    /// What to type next, where something helps.
    fn hint(&self, typed: &Typed) -> Option<String>;

    /// How it ends the program.
    fn kind(&self) -> Kind {
        Kind::Failed
    }
}

/// How an error ends the program.
#[derive(Debug)]
pub(crate) enum Kind {
    /// With its message.
    Failed,
    /// The same; the command line is not understood.
    Usage,
    /// The same; by Ctrl-C.
    Interrupted,
    /// Without a message: the fault is on stdout already, or the reader has closed the pipe.
    Silent,
    /// The same, with an exit code of its own: stdout says what could not be checked.
    Unchecked,
    /// With the messages of these, one after the other.
    Several(Vec<Error>),
}

/// The exit code of a command line that is not understood; that of most other errors is 1.
const USAGE: u8 = 2;

/// The exit code where no fault was found because the cluster could not be asked.
const UNCHECKED: u8 = 3;

/// What ends the program.
#[derive(Debug)]
pub(crate) struct Error {
    kind: Kind,
    source: Box<dyn StdError + Send + Sync>,
    hint: fn(&(dyn StdError + 'static), &Typed) -> Option<String>,
}

/// Several errors, or one that has been told. Holds what a report says of it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Summary(String);

impl<E: Hinted> From<E> for Error {
    fn from(error: E) -> Self {
        Self {
            kind: error.kind(),
            source: Box::new(error),
            hint: hint_of::<E>,
        }
    }
}

fn hint_of<E: Hinted>(error: &(dyn StdError + 'static), typed: &Typed) -> Option<String> {
    error.downcast_ref::<E>()?.hint(typed)
}

impl Hinted for Summary {
    fn hint(&self, _typed: &Typed) -> Option<String> {
        None
    }
}

impl Error {
    /// What is wrong stands on stdout already.
    pub(crate) fn told() -> Self {
        Self {
            kind: Kind::Silent,
            ..Summary(String::new()).into()
        }
    }

    /// Stdout says what could not be checked.
    pub(crate) fn unchecked() -> Self {
        Self {
            kind: Kind::Unchecked,
            ..Summary(String::new()).into()
        }
    }

    /// All of these; `summary` is what a report says of them.
    pub(crate) fn several(summary: String, all: Vec<Error>) -> Self {
        Self {
            kind: Kind::Several(all),
            ..Summary(summary).into()
        }
    }

    /// The faults of several files; the other files are done.
    pub(crate) fn of_files(faults: Vec<Error>) -> Self {
        Self::several(format!("{} files failed", faults.len()), faults)
    }

    /// The same, where the command line is not understood.
    pub(crate) fn of_usage(self) -> Self {
        Self {
            kind: Kind::Usage,
            ..self
        }
    }

    /// The error itself, if it is such a one.
    pub(crate) fn downcast_ref<E: StdError + 'static>(&self) -> Option<&E> {
        self.source.downcast_ref()
    }

    /// The same, taken out.
    ///
    /// # Errors
    /// The error as it is, if it is another one.
    pub(crate) fn downcast<E: StdError + 'static>(self) -> Result<E, Self> {
        let Self { kind, source, hint } = self;
        match source.downcast::<E>() {
            Ok(error) => Ok(*error),
            Err(source) => Err(Self { kind, source, hint }),
        }
    }

    /// Prints the message on stderr and gives the exit code: 2 for a command line that is not understood (1, as the reference,
    /// where the flags of its modes do not go together), 3 where nothing could be checked, 130 after Ctrl-C, else 1.
    pub(crate) fn report(&self, typed: impl FnOnce() -> Typed) -> ExitCode {
        if !matches!(self.kind, Kind::Silent | Kind::Unchecked) {
            // There is nowhere left to tell that stderr cannot be written.
            let _ = io::stderr().lock().write_all(self.message(&typed()).as_bytes());
        }
        match self.kind {
            Kind::Usage => ExitCode::from(USAGE),
            Kind::Unchecked => ExitCode::from(UNCHECKED),
            Kind::Interrupted => ExitCode::from(interrupt::EXIT_CODE),
            Kind::Failed | Kind::Silent | Kind::Several(_) => ExitCode::FAILURE,
        }
    }

    /// `error: ` and the chain of causes on a line, then what to do on another.
    fn message(&self, typed: &Typed) -> String {
        if let Kind::Several(all) = &self.kind {
            return all.iter().map(|error| error.message(typed)).collect();
        }
        let mut line = format!("error: {}\n", self.chain());
        if let Some(hint) = (self.hint)(self.source.as_ref(), typed) {
            line.push_str(&format!("hint: {hint}\n"));
        }
        visible(&line)
    }

    /// The error and its causes on one line.
    pub(crate) fn chain(&self) -> String {
        chain(self.source.as_ref())
    }
}

/// An error and its causes on one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        line.push_str(": ");
        line.push_str(&error.to_string());
        cause = error.source();
    }
    line
}
