//! The modes without a verb, which are the reference's.

pub(crate) mod args;
pub(crate) mod fetch_cert;
pub(crate) mod merge_into;
pub(crate) mod raw;
pub(crate) mod re_encrypt;
pub(crate) mod recovery_unseal;
pub(crate) mod seal;
pub(crate) mod validate;

use manifest::Format;

use super::error::CommandError;
use super::metadata::SealedMetadata;
use super::namespace::Namespace;
use super::private_keys::PrivateKeys;
use super::{Command, verb};
use crate::cert_source::CertSource;
use crate::cluster::Controller;
use crate::files::{Input, Output, StrayWord};
use crate::flags::{flattened, set};
use args::Args;
use merge_into::MergeInto;
use raw::Raw;
use re_encrypt::ReEncrypt;
use seal::Seal;

impl Command {
    /// The order of the modes is the reference's: version, help, recovery-unseal, validate, re-encrypt,
    /// fetch-cert, merge-into, raw, seal.
    pub(crate) fn of_flags(args: Args, at_terminal: bool) -> Result<Self, CommandError> {
        if args.mode.version {
            return Ok(Command::Version);
        }
        if args.mode.help {
            return Ok(Command::Help);
        }
        let stdin = stdin_beside_words(&args, at_terminal)?;
        let from_files = flattened(&args.files.from_file);
        if !from_files.is_empty() && !args.mode.raw {
            return Err(CommandError::FromFileWithoutRaw);
        }
        if set(args.sealing.item.as_ref()).is_some() && !args.mode.raw {
            return Err(CommandError::ItemWithoutRaw);
        }
        let input = match set(args.files.secret_file.clone()) {
            Some(path) => Input::File(path.into()),
            None => stdin,
        };
        let output =
            set(args.files.sealed_secret_file.clone()).map_or(Output::Stdout, |path| Output::File(path.into()));
        if args.mode.recovery_unseal || args.mode.validate || args.mode.re_encrypt || args.mode.rotate {
            return Self::of_sealed(args, input, output);
        }
        Self::of_clear(args, input, output)
    }

    /// The modes that read SealedSecrets: no certificate is looked for.
    fn of_sealed(args: Args, input: Input, output: Output) -> Result<Self, CommandError> {
        if args.mode.recovery_unseal {
            let format = format(&args, &output)?;
            return Ok(Command::RecoveryUnseal {
                input,
                output,
                format,
                keys: PrivateKeys::of(args.mode.keys),
                namespace: set(args.sealing.namespace),
            });
        }
        if args.mode.validate {
            if output != Output::Stdout {
                return Err(CommandError::OutputWithValidate);
            }
            return Ok(Command::Validate {
                input,
                controller: Box::new(Controller::of(&args.controller, &args.cluster)),
                namespace: set(args.sealing.namespace),
            });
        }
        ReEncrypt::decide(&args, input, output).map(Command::ReEncrypt)
    }

    /// The modes that need a certificate.
    fn of_clear(args: Args, input: Input, output: Output) -> Result<Self, CommandError> {
        let cert = CertSource::of(args.sealing.cert.as_deref(), &args.controller, &args.cluster)?;
        let named = args.sealing.for_cluster.clone();
        let cert = cert.for_cluster(named, &args.controller, &args.cluster)?;
        if args.mode.fetch_cert {
            return Ok(Command::FetchCert { cert, output });
        }
        let metadata = SealedMetadata::of(&args.sealing.metadata)?;
        let not_sealed = args.mode.raw || set(args.mode.merge_into.as_ref()).is_some();
        if not_sealed && metadata != SealedMetadata::default() {
            return Err(CommandError::MetadataOfNone);
        }
        if let Some(target) = set(args.mode.merge_into.clone()) {
            return MergeInto::decide(&args, target.into(), input, &output, cert).map(Command::MergeInto);
        }
        let cert = cert.between(&input, &output);
        if args.mode.raw {
            return Raw::decide(&args, input, output, cert).map(Command::Raw);
        }
        let format = format(&args, &output)?;
        Ok(Command::Seal(Seal {
            input,
            output,
            format,
            cert,
            scope: args.sealing.scope.unwrap_or_default(),
            namespace: Namespace::of(args.sealing.namespace.as_ref(), &args.cluster),
            name: set(args.sealing.name),
            allow_empty: args.sealing.allow_empty_data,
            only_secrets: args.sealing.only_secrets,
            hinted: args.sealing.key_hint,
            metadata,
            version: args.sealing.format_version,
            is_verb: false,
        }))
    }
}

/// Standard input, and what is wrong with the words that are no flags when nothing comes from there. The reference ignores
/// such words, and so do the scripts that have one (`kubeseal -o yaml - < FILE`). They are refused at once where something else
/// was meant: a verb, a file (`-f *.yaml`, of which only the first would be sealed), or stdin is a terminal, and the program
/// would wait for input without an end.
fn stdin_beside_words(args: &Args, at_terminal: bool) -> Result<Input, CommandError> {
    let Some(word) = args.words.iter().find(|word| *word != "-") else {
        return Ok(Input::Stdin);
    };
    let typed = word.to_string_lossy();
    let meant = verb::meant_by(&typed);
    let at_once = meant.is_some() || args.files.secret_file.is_some() || at_terminal;
    let raw = args.mode.raw;
    // Such a word may be that of a script, which goes on as long as something comes from stdin.
    let meant = meant.or_else(|| verb::of_synonym(&typed).filter(|_| !raw).map(ToOwned::to_owned));
    let word = StrayWord { meant, raw };
    if at_once {
        return Err(word.into());
    }
    Ok(Input::StdinOr(word))
}

fn format(args: &Args, output: &Output) -> Result<Format, CommandError> {
    let asked = args.files.format.as_deref().unwrap_or_default();
    let asked = match asked.to_lowercase().as_str() {
        "" | "json" => Format::Json,
        "yaml" => Format::Yaml,
        _ => return Err(CommandError::UnknownFormat(asked.to_owned())),
    };
    match output {
        Output::File(path) if path.extension().is_some_and(|end| end == "yaml" || end == "yml") => Ok(Format::Yaml),
        _ => Ok(asked),
    }
}
