//! What ends the program with a message: what is wrong, where, and what to type next.

use std::error::Error as StdError;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use thiserror::Error;

use crate::args::ArgsError;
use crate::cert_source::FetchError;
use crate::cluster::ClusterError;
use crate::commands::CommandError;
use crate::editor::EditorError;
use crate::files::FileError;
use crate::objects::{Fault, InputError};
use crate::quoting::{self, visible};
use crate::tree::TreeError;
use crate::typed::Typed;

/// Everything that ends the program.
#[derive(Debug, Error)]
pub(crate) enum Error {
    /// What is wrong stands on stdout already.
    #[error("")]
    Told,
    /// Keys cannot be saved or brought back.
    #[error(transparent)]
    Keys(#[from] crate::keys::KeysError),
    /// The command line is not understood.
    #[error(transparent)]
    Args(#[from] ArgsError),
    /// The flags do not go together.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// The same where no reference ends with another exit code: with a verb, and with words that no flag takes.
    #[error(transparent)]
    Usage(CommandError),
    /// The file of Secrets cannot be read. The text is the reference's.
    #[error("Could not read file specified with --secret-file")]
    SecretFile(#[source] FileError),
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file that is to be changed cannot be read.
    #[error(transparent)]
    ToChange(FileError),
    /// The file with the certificate cannot be read.
    #[error(transparent)]
    CertFile(FileError),
    /// The cluster does not give the certificate to seal with, which a file could hold.
    #[error(transparent)]
    CertOfCluster(ClusterError),
    /// A cluster of the project file was asked for, and there is no such file.
    #[error("--for-cluster {0}: there is no project file .kubeseal.yaml here or above, up to the Git root")]
    NoProjectFile(String),
    /// The paths mean no files.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// The paths mean files, and none of them holds what is looked for.
    #[error("there is no {what} in {}", paths.iter().map(|path| quoting::path(path)).collect::<Vec<_>>().join(", "))]
    NothingFound {
        /// The kind.
        what: &'static str,
        /// The paths as typed.
        paths: Vec<PathBuf>,
    },
    /// Two files would be written to one.
    #[error(
        "{} and {} would both be written to {}",
        quoting::path(one),
        quoting::path(other),
        quoting::path(to)
    )]
    CommonTarget {
        /// The file to write.
        to: PathBuf,
        /// The one.
        one: PathBuf,
        /// The other.
        other: PathBuf,
    },
    /// Files of a tree that failed; the others are done.
    #[error("{} files failed", .0.len())]
    Files(Vec<Error>),
    /// Files in which something is not sealed with the newest key.
    #[error("{0} of the files are not sealed with the newest key")]
    Due(usize),
    /// Clear files whose sealed ones are not as they should be; the report says which.
    #[error("{0} of the clear files differ from their sealed ones")]
    Differing(usize),
    /// The report cannot be written as JSON; cannot happen.
    #[error("the report cannot be written")]
    Report,
    /// What was read is wrong.
    #[error(transparent)]
    Input(#[from] InputError),
    /// Several of the things that were read are wrong.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Inputs(Vec<InputError>),
    /// The certificate's server does not give it.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// The cluster does not give what it was asked for.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// No namespace was said, and none could be looked up.
    #[error("must provide the --namespace flag with --raw and --scope {scope}")]
    RawNeedsNamespace {
        /// The scope.
        scope: sealing::binding::Scope,
        /// Why none could be looked up.
        #[source]
        lookup: Box<ClusterError>,
    },
    /// Neither the Secret nor the command line nor the kubeconfig says a namespace. The text is the reference's.
    #[error("{}: secret must declare a namespace", input.location())]
    NoNamespace {
        /// The document.
        input: InputError,
        /// Why none could be looked up.
        #[source]
        lookup: Box<ClusterError>,
    },
    /// What was typed in the editor is wrong, and gone.
    #[error(transparent)]
    Edited(InputError),
    /// The editor gave no text.
    #[error(transparent)]
    Editor(#[from] EditorError),
    /// The system gives no random bytes, or the backend refuses to work.
    #[error(transparent)]
    Seal(#[from] sealing::key::SealBytesError),
}

impl Error {
    /// Prints the message on stderr and gives the exit code: 2 for a command line that is not understood (1, as the reference,
    /// where the flags of its modes do not go together), else 1.
    pub(crate) fn report(&self, typed: impl FnOnce() -> Typed) -> ExitCode {
        // Whoever closed the pipe does not want the rest, nor a message about it.
        if !matches!(self, Error::File(file) if file.is_closed_pipe()) && !matches!(self, Error::Told) {
            // There is nowhere left to tell that stderr cannot be written.
            let _ = io::stderr().lock().write_all(self.message(&typed()).as_bytes());
        }
        match self {
            Error::Args(_) | Error::Usage(_) => ExitCode::from(2),
            _ => ExitCode::FAILURE,
        }
    }

    fn message(&self, typed: &Typed) -> String {
        if let Error::Inputs(errors) = self {
            return errors
                .iter()
                .map(|error| told(error, error.fault.hint(typed)))
                .collect();
        }
        if let Error::Files(errors) = self {
            return errors.iter().map(|error| error.message(typed)).collect();
        }
        told(self, self.hint(typed))
    }

    fn hint(&self, typed: &Typed) -> Option<String> {
        match self {
            Error::Args(error) => Some(error.hint()),
            Error::CertFile(FileError::Open { path, .. }) if path.as_os_str() == "-" => {
                Some("--cert takes a file or a URL; standard input is the file /dev/stdin".to_owned())
            }
            Error::CertFile(FileError::Open { path, .. }) => Some(format!(
                "get it from the cluster: kubeseal --fetch-cert{} > {}",
                typed.controller_flags(),
                quoting::path_word(path)
            )),
            Error::Keys(error) => error.hint(),
            Error::Command(error) | Error::Usage(error) => error.hint(),
            Error::Input(error) => error.fault.hint(typed),
            Error::Edited(error) if matches!(*error.fault, Fault::EmptiedForm) => None,
            Error::Edited(_) => Some(format!(
                "nothing was written, and what was typed is gone (where stdin is a terminal the editor opens again); one value: \
                 printf %s \"$VALUE\" | kubeseal set FILE KEY{}",
                typed.sealing_flags()
            )),
            Error::Cluster(error) => error.hint(),
            Error::CertOfCluster(error) => {
                let offline = "seal offline with a certificate file: --cert FILE";
                Some(
                    error
                        .hint()
                        .map_or(offline.to_owned(), |hint| format!("{hint}; or {offline}")),
                )
            }
            Error::Tree(TreeError::NothingFits(_)) => {
                Some("in quotes, so that the shell leaves it: 'apps/*/prod'".to_owned())
            }
            Error::Differing(_) => Some(format!("{} seals what differs", typed.without(&["check"]))),
            Error::Due(_) => Some(format!("{} seals them again", typed.without(&["check", "diff"]))),
            Error::NothingFound { .. } => Some("name the folder or the files that hold them".to_owned()),
            Error::CommonTarget { .. } => Some("write one of them elsewhere: --out DIR".to_owned()),
            Error::NoProjectFile(_) => Some("docs/project-file.md describes it; or seal with --cert FILE".to_owned()),
            Error::Fetch(error) => error.hint(),
            Error::Editor(EditorError::Start { .. }) => Some(format!("name yours: EDITOR=nano {}", typed.without(&[]))),
            Error::RawNeedsNamespace { .. } | Error::NoNamespace { .. } => Some(typed.with("--namespace NAMESPACE")),
            Error::ToChange(FileError::Open { path, reason }) if reason.kind() == io::ErrorKind::NotFound => {
                Some(format!(
                    "a new one is made by kubeseal edit {0}{1}, or kubeseal -f SECRET-FILE -w {0}{1}",
                    quoting::path_word(path),
                    typed.sealing_flags()
                ))
            }
            Error::File(FileError::Open { path, reason } | FileError::Write { path, reason })
            | Error::ToChange(FileError::Open { path, reason } | FileError::Write { path, reason })
                if reason.kind() == io::ErrorKind::PermissionDenied =>
            {
                Some(format!("ls -ld {} shows who may", quoting::path_word(path)))
            }
            Error::Told
            | Error::Tree(_)
            | Error::Files(_)
            | Error::Report
            | Error::Editor(_)
            | Error::SecretFile(_)
            | Error::File(_)
            | Error::ToChange(_)
            | Error::CertFile(_)
            | Error::Inputs(_)
            | Error::Seal(_) => None,
        }
    }
}

/// `error: ` and the chain of causes on a line, then what to do on another.
fn told(error: &dyn StdError, hint: Option<String>) -> String {
    let mut line = format!("error: {}\n", chain(error));
    if let Some(hint) = hint {
        line.push_str(&format!("hint: {hint}\n"));
    }
    visible(&line)
}

/// An error and its causes on one line.
pub(crate) fn chain(error: &dyn StdError) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        line.push_str(": ");
        line.push_str(&error.to_string());
        cause = error.source();
    }
    line
}
