//! What ends the program with a message: what is wrong, where, and what to type next.

use std::error::Error as StdError;
use std::io::{self, Write as _};
use std::process::ExitCode;

use thiserror::Error;

use crate::args::ArgsError;
use crate::cert_source::FetchError;
use crate::cluster::ClusterError;
use crate::command::CommandError;
use crate::editor::EditorError;
use crate::files::FileError;
use crate::objects::InputError;

/// Everything that ends the program.
#[derive(Debug, Error)]
pub(crate) enum Error {
    /// What is wrong stands on stdout already.
    #[error("")]
    Told,
    /// The command line is not understood.
    #[error(transparent)]
    Args(#[from] ArgsError),
    /// The flags do not go together.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// The file of Secrets cannot be read. The text is the reference's.
    #[error("Could not read file specified with --secret-file")]
    SecretFile(#[source] FileError),
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file with the certificate cannot be read.
    #[error(transparent)]
    CertFile(FileError),
    /// A cluster of the project file was asked for, and there is no such file.
    #[error("--for-cluster {0}: there is no project file .kubeseal.yaml here or above, up to the Git root")]
    NoProjectFile(String),
    /// What was read is wrong.
    #[error(transparent)]
    Input(#[from] InputError),
    /// Several of the things that were read are wrong.
    #[error("{} documents are wrong", .0.len())]
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
    /// The editor gave no text.
    #[error(transparent)]
    Editor(#[from] EditorError),
    /// The system gives no random bytes, or the backend refuses to work.
    #[error(transparent)]
    Seal(#[from] sealing::key::SealBytesError),
}

impl Error {
    /// Prints the message on stderr and gives the exit code: 2 for a command line that is not understood, else 1.
    pub(crate) fn report(&self) -> ExitCode {
        // Whoever closed the pipe does not want the rest, nor a message about it.
        if !matches!(self, Error::File(file) if file.is_closed_pipe()) && !matches!(self, Error::Told) {
            // There is nowhere left to tell that stderr cannot be written.
            let _ = io::stderr().lock().write_all(self.message().as_bytes());
        }
        match self {
            Error::Args(_) => ExitCode::from(2),
            _ => ExitCode::FAILURE,
        }
    }

    fn message(&self) -> String {
        if let Error::Inputs(errors) = self {
            return errors.iter().map(|error| told(error, error.fault.hint())).collect();
        }
        told(self, self.hint())
    }

    fn hint(&self) -> Option<String> {
        match self {
            Error::Args(error) => Some(error.hint()),
            Error::CertFile(FileError::Open { path, .. }) => Some(format!(
                "get it from the cluster: kubeseal --fetch-cert > {}",
                path.display()
            )),
            Error::Command(error) => error.hint(),
            Error::Input(error) => error.fault.hint(),
            Error::Cluster(error) => error.hint(),
            Error::NoProjectFile(_) => Some("docs/project-file.md describes it; or seal with --cert FILE".to_owned()),
            Error::Fetch(error) => error.hint(),
            Error::Editor(EditorError::Start { .. }) => Some("name yours: EDITOR=nano kubeseal edit FILE".to_owned()),
            Error::RawNeedsNamespace { .. } | Error::NoNamespace { .. } => {
                Some("kubeseal --namespace NAMESPACE".to_owned())
            }
            Error::Told
            | Error::Editor(_)
            | Error::SecretFile(_)
            | Error::File(_)
            | Error::CertFile(_)
            | Error::Inputs(_)
            | Error::Seal(_) => None,
        }
    }
}

/// `error: ` and the chain of causes on a line, then what to do on another.
fn told(error: &dyn StdError, hint: Option<String>) -> String {
    let mut line = format!("error: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        line.push_str(": ");
        line.push_str(&error.to_string());
        cause = error.source();
    }
    line.push('\n');
    if let Some(hint) = hint {
        line.push_str(&format!("hint: {hint}\n"));
    }
    line
}
