//! The user's editor, on a private text that is removed when the editor ends.

mod private_dir;
#[cfg(windows)]
mod windows;

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitStatus;

use thiserror::Error;
#[cfg(unix)]
use tokio::process::{Child, Command};
use zeroize::Zeroizing;

use crate::environment::Environment;
use crate::error::Hinted;
use crate::files::plain;
use crate::quoting::with_variable;
use crate::typed::Typed;

/// The editor gave no text. Nothing of the text is left anywhere.
#[derive(Debug, Error)]
pub(crate) enum EditorError {
    /// There is no place for the text.
    #[error("cannot make a private file for the editor: {}", plain(.0))]
    Place(io::Error),
    /// It cannot be started.
    #[error("cannot start the editor {editor:?}: {}", plain(reason))]
    Start {
        /// What was to be started.
        editor: String,
        /// Why.
        reason: io::Error,
    },
    /// The file is gone, or cannot be read any more.
    #[error("the editor {editor:?} left no file: {}", plain(reason))]
    Gone {
        /// What was started.
        editor: String,
        /// Why it cannot be read.
        reason: io::Error,
    },
    /// It says that it has failed.
    #[error("the editor {editor:?} ended with {status}: nothing was changed")]
    Failed {
        /// What was started.
        editor: String,
        /// How it ended.
        status: ExitStatus,
    },
    /// This program was told to end while the editor was open.
    #[error("ended by a signal while the editor was open: nothing was changed")]
    Ended,
}

/// Where the user names none.
const DEFAULT: &str = if cfg!(windows) { "notepad" } else { "vi" };

/// Opens `$VISUAL`, else `$EDITOR`, else [`DEFAULT`] on `text`, and gives what was made of it; wiped when dropped. The value of
/// the variable may have arguments, as for Git. The text lies in a [`private_dir`], so that what editors put beside it
/// (swap files, backups) goes with it.
///
/// # Errors
/// [`EditorError`].
pub(crate) fn edit(text: &[u8], environment: &Environment) -> Result<Zeroizing<Vec<u8>>, EditorError> {
    let named = environment.text("VISUAL").or(environment.text("EDITOR"));
    let editor = named.unwrap_or(DEFAULT).to_owned();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(EditorError::Place)?;
    runtime.block_on(async {
        // From here on a signal ends the editor, not this program, so that the folder is always removed.
        let mut signals = signals::Signals::catch().map_err(EditorError::Place)?;
        let folder = private_dir::make(environment).map_err(EditorError::Place)?;
        let file = folder.path().join("values.yaml");
        put(&file, text).map_err(EditorError::Place)?;
        let not_started = |reason| EditorError::Start {
            editor: editor.clone(),
            reason,
        };
        let mut child = start(&editor, &file, environment).map_err(not_started)?;
        let status = tokio::select! {
            status = child.wait() => status.map_err(not_started)?,
            () = signals.end() => {
                // It may have ended by the same signal already.
                let _ = child.kill().await;
                return Err(EditorError::Ended);
            }
        };
        // What `env` says of a program that it cannot start (POSIX); the numbers of the reasons are those of every Unix.
        match status.code() {
            Some(126) if cfg!(unix) => return Err(not_started(io::Error::from_raw_os_error(13))),
            Some(127) if cfg!(unix) => return Err(not_started(io::Error::from_raw_os_error(2))),
            _ => {}
        }
        if !status.success() {
            return Err(EditorError::Failed {
                editor: editor.clone(),
                status,
            });
        }
        let bytes = fs::read(&file).map(Zeroizing::new);
        bytes.map_err(|reason| EditorError::Gone { editor, reason })
    })
}

fn put(file: &Path, text: &[u8]) -> io::Result<()> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file)?.write_all(text)
}

#[cfg(windows)]
use windows::start;

#[cfg(unix)]
fn start(editor: &str, file: &Path, _: &Environment) -> io::Result<Child> {
    // One word, though it has blanks in it.
    if editor.contains('/') && Path::new(editor).is_file() {
        return Command::new(editor).arg(file).spawn();
    }
    // The shell takes the arguments apart and makes way for `env`, which takes variables before the editor's name and makes
    // way for the editor: what is ended by a signal is the editor itself.
    Command::new("/bin/sh")
        .arg("-c")
        .arg(format!("exec env {editor} \"$1\""))
        .arg("kubeseal")
        .arg(file)
        .spawn()
}

#[cfg(unix)]
mod signals {
    use std::io;

    use tokio::signal::unix::{Signal, SignalKind, signal};

    pub(super) struct Signals {
        terminate: Signal,
        hang_up: Signal,
        /// What the keyboard sends is the editor's, which has the terminal; here it is only kept from ending the program.
        _keyboard: [Signal; 2],
    }

    impl Signals {
        pub(super) fn catch() -> io::Result<Self> {
            Ok(Self {
                terminate: signal(SignalKind::terminate())?,
                hang_up: signal(SignalKind::hangup())?,
                _keyboard: [signal(SignalKind::interrupt())?, signal(SignalKind::quit())?],
            })
        }

        /// Returns when this program is told to end.
        pub(super) async fn end(&mut self) {
            tokio::select! {
                _ = self.terminate.recv() => {}
                _ = self.hang_up.recv() => {}
            }
        }
    }
}

#[cfg(not(unix))]
mod signals {
    use std::io;

    pub(super) struct Signals;

    impl Signals {
        pub(super) fn catch() -> io::Result<Self> {
            Ok(Self)
        }

        /// Returns when this program is told to end.
        pub(super) async fn end(&mut self) {
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}

impl Hinted for EditorError {
    fn hint(&self, typed: &Typed) -> Option<String> {
        match self {
            EditorError::Start { .. } => Some(format!(
                "name yours: {}",
                with_variable("EDITOR", "nano", &typed.without(&[]))
            )),
            _ => None,
        }
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    fn edited(editor: &str) -> Result<Zeroizing<Vec<u8>>, EditorError> {
        let path = std::env::var("PATH").unwrap();
        edit(b"a", &Environment::from([("EDITOR", editor), ("PATH", &path)]))
    }

    #[test]
    fn an_editor_may_have_variables_and_arguments() {
        let appends = r#"X='p q' sh -c 'printf "%s" "$X" >> "$1"' sh"#;
        assert_eq!(*edited(appends).unwrap(), b"ap q");
    }

    #[test]
    fn an_editor_that_cannot_be_started_is_told_from_one_that_fails() {
        let told = |editor: &str| edited(editor).unwrap_err().to_string();
        assert_eq!(
            told("/nowhere/no-such-editor"),
            "cannot start the editor \"/nowhere/no-such-editor\": no such file or directory"
        );
        assert_eq!(
            told("/dev/null"),
            "cannot start the editor \"/dev/null\": permission denied"
        );
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("an editor");
        fs::write(&path, "#!/bin/sh\nprintf b >> \"$1\"\n").unwrap();
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        assert_eq!(*edited(path.to_str().unwrap()).unwrap(), b"ab");
        assert!(matches!(edited("false"), Err(EditorError::Failed { .. })));
    }
}
