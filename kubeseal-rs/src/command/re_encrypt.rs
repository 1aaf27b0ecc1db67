//! `--re-encrypt`: flags → what to do.

use manifest::Format;

use super::{CommandError, Controller, Input, Output, format, set};
use crate::args::Args;

/// Have the controller seal SealedSecrets again with its newest key.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ReEncrypt {
    /// The SealedSecrets.
    pub input: Input,
    /// Where the result goes.
    pub output: Output,
    /// How it is written; `None` for a file that is changed in place, whose form stays.
    pub format: Option<Format>,
    /// Where the controller is.
    pub controller: Box<Controller>,
    /// The namespace of SealedSecrets that name none.
    pub namespace: Option<String>,
}

impl ReEncrypt {
    /// Decides what the flags mean. A file that is read and not written elsewhere is changed in place, as in the
    /// reference; what is under `/dev` is no file.
    ///
    /// # Errors
    /// [`CommandError::UnknownFormat`].
    pub(super) fn decide(args: &Args, input: Input, output: Output) -> Result<Self, CommandError> {
        let asked = format(args, &output)?;
        let (output, format) = match (&input, output) {
            (Input::File(path), Output::Stdout) if !path.starts_with("/dev") => (Output::File(path.clone()), None),
            (Input::File(path), Output::File(to)) if *path == to => (Output::File(to), None),
            (_, output) => (output, Some(asked)),
        };
        Ok(Self {
            input,
            output,
            format,
            controller: Box::new(Controller::of(&args.controller, &args.cluster)),
            namespace: set(args.sealing.namespace.clone()),
        })
    }
}
