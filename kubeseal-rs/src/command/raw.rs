//! `--raw`: flags → what to do.

use std::path::Path;

use sealing::binding::Scope;

use super::{CertSource, CommandError, Input, Namespace, Output, flattened, set};
use crate::args::Args;

/// Seal one bare value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Raw {
    /// The value.
    pub input: Input,
    /// Where the ciphertext goes.
    pub output: Output,
    /// The certificate to seal with.
    pub cert: CertSource,
    /// What the ciphertext is bound to.
    pub target: RawTarget,
    /// `--allow-empty-data`.
    pub allow_empty: bool,
}

/// What a bare value is bound to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum RawTarget {
    /// One name in one namespace.
    Strict {
        /// Name of the Secret.
        name: String,
        /// Its namespace.
        namespace: Namespace,
    },
    /// A namespace.
    NamespaceWide {
        /// The namespace.
        namespace: Namespace,
    },
    /// Nothing.
    ClusterWide,
}

impl Raw {
    /// Decides what the flags mean; `input` is what they say without `--from-file`.
    ///
    /// # Errors
    /// [`CommandError`].
    pub(super) fn decide(args: &Args, input: Input, output: Output, cert: CertSource) -> Result<Self, CommandError> {
        Ok(Self {
            input: input_of(&flattened(&args.files.from_file), input)?,
            output,
            cert,
            target: target_of(args)?,
            allow_empty: args.sealing.allow_empty_data,
        })
    }
}

/// `--from-file` as in kubectl: `FILE` or `key=FILE`; the key has no meaning for a single value.
fn input_of(from_files: &[String], input: Input) -> Result<Input, CommandError> {
    if matches!(input, Input::File(_)) {
        return Err(CommandError::SecretFileWithRaw);
    }
    match from_files {
        [] => Ok(input),
        [one] => {
            let path = one.split_once('=').map_or(one.as_str(), |(_, path)| path);
            Ok(Input::File(Path::new(path).to_owned()))
        }
        _ => Err(CommandError::ManyFromFiles),
    }
}

fn target_of(args: &Args) -> Result<RawTarget, CommandError> {
    Ok(match args.sealing.scope.unwrap_or_default() {
        Scope::ClusterWide => RawTarget::ClusterWide,
        Scope::NamespaceWide => RawTarget::NamespaceWide {
            namespace: Namespace::of(args.sealing.namespace.as_ref(), &args.cluster),
        },
        Scope::Strict => RawTarget::Strict {
            name: set(args.sealing.name.clone()).ok_or(CommandError::RawNeedsName)?,
            namespace: Namespace::of(args.sealing.namespace.as_ref(), &args.cluster),
        },
    })
}
