//! What the flags mean together: flags → a [`Command`], in which only legal combinations exist.
//!
//! All rules and the precedence of modes live here. Pure: the environment is an argument, nothing is read or asked.

mod cert;
pub(crate) mod doctor;
mod error;
pub(crate) mod items;
pub(crate) mod keys;
pub(crate) mod lint;
mod merge_into;
mod metadata;
mod private_keys;
mod raw;
mod re_encrypt;
pub(crate) mod render;
mod reseal_files;
mod seal_files;
mod sources;
mod tree;
mod unseal_files;

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use manifest::Format;
use sealing::binding::Scope;

use crate::args::verb::{self, Verb};
use crate::args::{Args, ClusterFlags, CommaSeparated, CommandLine};
pub(crate) use cert::{CertSource, Controller, Finding};
pub(crate) use doctor::Doctor;
pub(crate) use error::CommandError;
use items::{EditValues, RenameItem, SetItem, UnsetItems};
pub(crate) use lint::Lint;
pub(crate) use merge_into::MergeInto;
pub(crate) use metadata::SealedMetadata;
pub(crate) use private_keys::PrivateKeys;
pub(crate) use raw::{Raw, RawTarget};
pub(crate) use re_encrypt::ReEncrypt;
pub(crate) use render::Render;
pub(crate) use reseal_files::{Opener, ResealFiles, ResealMode};
pub(crate) use seal_files::{KnownValues, SealFiles, SealMode};
pub(crate) use sources::Sources;
pub(crate) use tree::Tree;
pub(crate) use unseal_files::{ClearPlace, Unseal, UnsealFiles, UnsealRaw, clear_name};

/// What to do, with everything that doing it needs.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Command {
    /// Print the version.
    Version,
    /// Print the help.
    Help,
    /// Print the help of a verb.
    VerbHelp(String),
    /// Open SealedSecrets with private keys that are at hand.
    RecoveryUnseal {
        /// The SealedSecrets.
        input: Input,
        /// Where the Secrets go.
        output: Output,
        /// How they are written.
        format: Format,
        /// What to open with.
        keys: PrivateKeys,
        /// The namespace of SealedSecrets that name none.
        namespace: Option<String>,
    },
    /// Ask the controller whether it can open SealedSecrets.
    Validate {
        /// The SealedSecrets.
        input: Input,
        /// Where the controller is.
        controller: Box<Controller>,
        /// The namespace of SealedSecrets that name none.
        namespace: Option<String>,
    },
    /// Print the certificate.
    FetchCert {
        /// Where it is.
        cert: CertSource,
        /// Where it goes.
        output: Output,
    },
    /// Seal Secrets into a file of SealedSecrets.
    MergeInto(MergeInto),
    /// Have SealedSecrets sealed again.
    ReEncrypt(ReEncrypt),
    /// Seal one bare value.
    Raw(Raw),
    /// Seal Secrets.
    Seal(Seal),
    /// `kubeseal edit`.
    EditValues(EditValues),
    /// `kubeseal set`.
    SetItem(SetItem),
    /// `kubeseal unset`.
    UnsetItems(UnsetItems),
    /// `kubeseal rename`.
    RenameItem(RenameItem),
    /// `kubeseal seal`.
    SealFiles(SealFiles),
    /// `kubeseal reseal`.
    ResealFiles(ResealFiles),
    /// `kubeseal unseal`.
    UnsealFiles(UnsealFiles),
    /// `kubeseal unseal --raw`.
    UnsealRaw(UnsealRaw),
    /// `kubeseal completions`.
    Completions(clap_complete::Shell),
    /// `kubeseal man`, into a folder.
    Man(Option<PathBuf>),
    /// `kubeseal doctor`.
    Doctor(Box<Doctor>),
    /// `kubeseal keys …`.
    Keys(Box<keys::Keys>),
    /// `kubeseal render`.
    Render(Render),
    /// `kubeseal lint`.
    Lint(Lint),
    /// `kubeseal lint --rules`.
    LintRules,
}

/// Seal Secrets.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Seal {
    /// The Secrets.
    pub input: Input,
    /// Where the SealedSecrets go.
    pub output: Output,
    /// How they are written.
    pub format: Format,
    /// The certificate to seal with.
    pub cert: CertSource,
    /// `--scope`.
    pub scope: Scope,
    /// `--name`.
    pub name: Option<String>,
    /// `--namespace`, or where a Secret that names none gets its namespace.
    pub namespace: Namespace,
    /// `--allow-empty-data`.
    pub allow_empty: bool,
    /// `--only-secrets`.
    pub only_secrets: bool,
    /// `--key-hint`.
    pub hinted: bool,
    /// What the SealedSecrets themselves carry.
    pub metadata: SealedMetadata,
}

/// Where bytes come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Input {
    /// Standard input.
    Stdin,
    /// Standard input; and what is wrong when nothing comes from there.
    StdinOr(Box<CommandError>),
    /// A file.
    File(PathBuf),
}

impl Input {
    /// What a verb's FILE means: `-` is stdin.
    pub(crate) fn of(path: &Path) -> Self {
        if path == Path::new("-") {
            Input::Stdin
        } else {
            Input::File(path.to_owned())
        }
    }
}

/// Whether a path is a stream: `-`, or a pipe under the name of a file (process substitution). Nothing can be written in its place
/// or beside it, so the result goes to stdout.
pub(crate) fn is_stream(path: &Path) -> bool {
    path == Path::new("-") || path.starts_with("/dev") || path.starts_with("/proc")
}

/// Where the result goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Output {
    /// Standard output.
    Stdout,
    /// A file.
    File(PathBuf),
}

/// A namespace, said or to be looked up.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Namespace {
    /// `--namespace`.
    Said(String),
    /// That of the kubeconfig context.
    OfContext(Box<ClusterFlags>),
}

impl Namespace {
    fn of(typed: Option<&String>, cluster: &ClusterFlags) -> Self {
        match set(typed.cloned()) {
            Some(said) => Namespace::Said(said),
            None => Namespace::OfContext(Box::new(cluster.clone())),
        }
    }
}

impl Command {
    /// Decides what a command line means. `at_terminal`: stdin is one, so that nothing comes from there by itself.
    ///
    /// # Errors
    /// [`CommandError`].
    pub(crate) fn decide(line: CommandLine, at_terminal: bool) -> Result<Self, CommandError> {
        match line {
            CommandLine::Flags(args) => Self::of_flags(*args, at_terminal),
            CommandLine::VerbHelp(text) => Ok(Command::VerbHelp(text)),
            CommandLine::Verb(verb) => Self::of_verb(*verb),
        }
    }

    fn of_verb(verb: Verb) -> Result<Self, CommandError> {
        match verb {
            Verb::Completions(flags) => Ok(Command::Completions(flags.shell)),
            Verb::Help(flags) => match flags.verb.as_slice() {
                [] => Ok(Command::Help),
                words => CommandLine::help_of(words)
                    .map(Command::VerbHelp)
                    .ok_or_else(|| CommandError::NoSuchVerb(words.join(" "))),
            },
            Verb::Man(flags) => Ok(Command::Man(set(flags.folder).map(PathBuf::from))),
            Verb::Doctor(flags) => Ok(Command::Doctor(Box::new(Doctor::decide(*flags)?))),
            Verb::Keys(flags) => Ok(Command::Keys(Box::new(keys::Keys::decide(*flags)?))),
            Verb::Lint(flags) => Ok(Lint::decide(flags)?.map_or(Command::LintRules, Command::Lint)),
            Verb::Render(flags) => Render::decide(flags).map(Command::Render),
            Verb::Edit(flags) => EditValues::decide(*flags).map(Command::EditValues),
            Verb::Set(flags) => SetItem::decide(*flags).map(Command::SetItem),
            Verb::Unset(flags) => Ok(Command::UnsetItems(flags.into())),
            Verb::Rename(flags) => RenameItem::decide(flags).map(Command::RenameItem),
            Verb::Seal(flags) => match seal_files::of_stream(&flags)? {
                Some(seal) => Ok(Command::Seal(seal)),
                None => SealFiles::decide(*flags).map(Command::SealFiles),
            },
            Verb::Reseal(flags) => ResealFiles::decide(*flags).map(Command::ResealFiles),
            Verb::Unseal(flags) => Unseal::decide(*flags).map(|unseal| match unseal {
                Unseal::Files(command) => Command::UnsealFiles(command),
                Unseal::Raw(command) => Command::UnsealRaw(command),
            }),
        }
    }

    /// The order of the modes is the reference's: version, help, recovery-unseal, validate, re-encrypt,
    /// fetch-cert, merge-into, raw, seal.
    fn of_flags(args: Args, at_terminal: bool) -> Result<Self, CommandError> {
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
        let input = match set(args.files.secret_file.clone()) {
            Some(path) => Input::File(path.into()),
            None => stdin,
        };
        let output =
            set(args.files.sealed_secret_file.clone()).map_or(Output::Stdout, |path| Output::File(path.into()));
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
        if args.mode.re_encrypt || args.mode.rotate {
            return ReEncrypt::decide(&args, input, output).map(Command::ReEncrypt);
        }
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
        }))
    }
}

/// Standard input, and what is wrong with the words that are no flags when nothing comes from there. The reference ignores
/// such words, and so do the scripts that have one (`kubeseal -o yaml - < FILE`). They are refused at once where something else
/// was meant: a verb, a file (`-f *.yaml`, of which only the first would be sealed), or stdin is a terminal, and the program
/// would wait for it for ever.
fn stdin_beside_words(args: &Args, at_terminal: bool) -> Result<Input, CommandError> {
    let Some(word) = args.words.iter().find(|word| *word != "-") else {
        return Ok(Input::Stdin);
    };
    let meant = verb::meant_by(&word.to_string_lossy());
    let at_once = meant.is_some() || args.files.secret_file.is_some() || at_terminal;
    let raw = args.mode.raw;
    let error = CommandError::Word { meant, raw };
    if at_once {
        return Err(error);
    }
    Ok(Input::StdinOr(Box::new(error)))
}

/// An empty value counts as not given (reference behaviour).
fn set<T: AsRef<OsStr>>(value: Option<T>) -> Option<T> {
    value.filter(|value| !value.as_ref().is_empty())
}

/// Those that are [`set`].
fn paths(values: Vec<OsString>) -> Vec<PathBuf> {
    values
        .into_iter()
        .filter_map(|path| set(Some(path)))
        .map(PathBuf::from)
        .collect()
}

fn flattened(values: &[CommaSeparated]) -> Vec<String> {
    values.iter().flat_map(|value| value.0.iter().cloned()).collect()
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

#[cfg(test)]
mod tests;
