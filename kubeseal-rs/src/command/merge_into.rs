//! `--merge-into`: flags → what to do.

use std::path::PathBuf;

use manifest::Format;
use sealing::merge::MergeParameters;

use super::{CertSource, CommandError, Input, Output, format, set};
use crate::args::Args;

/// Seal the items of Secrets into a file of SealedSecrets.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct MergeInto {
    /// The Secrets.
    pub input: Input,
    /// The file of SealedSecrets, changed in place.
    pub target: PathBuf,
    /// The certificate to seal with.
    pub cert: CertSource,
    /// `--name`: which SealedSecret of the file is meant, if not the one with the Secret's name.
    pub name: Option<String>,
    /// Whether the result must be JSON. That it be YAML is asked for in vain: JSON is YAML, and the file keeps its form.
    pub json: bool,
    /// What else the flags say.
    pub parameters: MergeParameters,
}

impl MergeInto {
    /// Decides what the flags mean when `--merge-into` names `target`.
    ///
    /// # Errors
    /// [`CommandError`].
    pub(super) fn decide(
        args: &Args,
        target: PathBuf,
        input: Input,
        output: &Output,
        cert: CertSource,
    ) -> Result<Self, CommandError> {
        if *output != Output::Stdout {
            return Err(CommandError::OutputWithMergeInto);
        }
        let said = set(args.files.format.as_ref()).is_some();
        let format = format(args, output)?;
        Ok(Self {
            cert: cert.between(&input, &Output::File(target.clone())),
            input,
            target,
            name: set(args.sealing.name.clone()),
            json: said && format == Format::Json,
            parameters: MergeParameters {
                scope: args.sealing.scope,
                namespace: set(args.sealing.namespace.clone()),
                allow_empty: args.sealing.allow_empty_data,
                hinted: args.sealing.key_hint,
            },
        })
    }
}
