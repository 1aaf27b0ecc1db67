//! What is not legal on the command line, and what to type instead.

use thiserror::Error;

use crate::cert_source::SourceError;
use crate::error::{A_BACKUP_WILL_DO, Hinted};
use crate::files::StrayWord;
use crate::typed::Typed;

/// A combination of flags that is not legal. The texts are the reference's where it has them.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum CommandError {
    /// A word that no flag takes.
    #[error(transparent)]
    Word(#[from] StrayWord),
    /// `kubeseal help` of a verb that there is not.
    #[error("there is no verb {typed:?}")]
    NoSuchVerb {
        /// What was typed.
        typed: String,
        /// The verb that was meant, if one is near enough.
        meant: Option<String>,
    },
    /// A word that was typed where the name of an item belongs, and cannot be one. It is not repeated: it may be a value, or
    /// hold one after its name.
    #[error("{0} cannot be the name of an item (at most 253 letters, digits, '-', '_' and '.')")]
    ItemName(&'static str),
    /// A sample value that does not say for which item.
    #[error("--data takes KEY=VALUE, and --data-file KEY=FILE")]
    SampleWithoutKey,
    /// A stream among other paths.
    #[error("stdin and pipes (-, /dev/fd/…) are read alone, without other paths")]
    StreamAmongPaths,
    /// A flag that needs a place beside the file.
    #[error("{0} is for files: what comes from a stream goes to stdout")]
    StreamHasNoPlace(&'static str),
    /// The file and the value both come from stdin.
    #[error("the file and the value cannot both come from stdin")]
    TwoFromStdin,
    /// `--from-file` in a mode that does not read it.
    #[error("--from-file requires --raw")]
    FromFileWithoutRaw,
    /// `--item` in a mode that binds each value to its own item.
    #[error("--item requires --raw")]
    ItemWithoutRaw,
    /// More than one value.
    #[error("must provide only one --from-file when encrypting a single item with --raw")]
    ManyFromFiles,
    /// `--raw` with a file of Secrets.
    #[error("--secret-file is not read with --raw")]
    SecretFileWithRaw,
    /// `--raw` in scope strict without a name.
    #[error("must provide the --name flag with --raw and --scope strict")]
    RawNeedsName,
    /// `--validate` has no result.
    #[error("--validate writes nothing, so it takes no --sealed-secret-file")]
    OutputWithValidate,
    /// A verb without anything to work on. Holds what to type.
    #[error("no files or directories given")]
    NoPath(&'static str),
    /// Neither a recipient nor the word that there shall be none, or both.
    #[error("either --recipient age1… or --unencrypted is required")]
    EncryptedOrNot,
    /// Neither text nor json.
    #[error("unsupported output format: {0}")]
    NeitherTextNorJson(String),
    /// A form of report that there is not.
    #[error("unsupported output format: {0}")]
    UnknownReportForm(String),
    /// A rule that there is not.
    #[error("there is no rule {0:?}")]
    UnknownRule(String),
    /// `--merge-into` has its own file to write.
    #[error("--merge-into writes the file that it names, so it takes no --sealed-secret-file")]
    OutputWithMergeInto,
    /// Neither json nor yaml.
    #[error("unsupported output format: {0}")]
    UnknownFormat(String),
    /// What is due is known by opening alone, and the controller does not report it.
    #[error("--check and --diff require --recovery-private-key")]
    CheckNeedsKeys,
    /// Lowering must be asked for, and needs the keys: no controller does it.
    #[error(
        "--format-version 1 lowers values of format v2, which requires --allow-downgrade and --recovery-private-key"
    )]
    DowngradeNeedsKeys,
    /// Nothing is lowered.
    #[error("--allow-downgrade is for --format-version 1")]
    NoDowngrade,
    /// The controller seals with its own certificate.
    #[error("{0} needs --recovery-private-key: the controller seals with its own newest certificate")]
    CertNeedsKeys(&'static str),
    /// Nothing to open with.
    #[error("kubeseal unseal needs --recovery-private-key")]
    UnsealNeedsKeys,
    /// A bare value goes to stdout.
    #[error("--raw writes to stdout, so it takes no --beside and no --out")]
    RawToFile,
    /// More than one bare value.
    #[error("--raw opens one value, so it takes one PATH")]
    ManyRaw,
    /// A bare value whose scope binds a name that was not said.
    #[error("--raw with --scope {1} needs {0}")]
    UnsealRawNeeds(&'static str, sealing::binding::Scope),
    /// Whole objects say it themselves.
    #[error("{0} is for --raw: a SealedSecret says it itself")]
    OnlyWithRaw(&'static str),
    /// Two flags that both say where the clear files go.
    #[error("--beside and --out both say where the clear files go")]
    TwoPlaces,
    /// Neither text nor json.
    #[error("unsupported report: {0}")]
    UnknownReport(String),
    /// A path without a letter, as of a variable that is not set.
    #[error("an empty PATH")]
    EmptyPath,
    /// `--check` with a flag that writes.
    #[error("--check writes nothing, so it takes no {0}")]
    CheckWrites(&'static str),
    /// Two flags that both say what sealed values are compared with.
    #[error("--recovery-private-key and --compare-with-cluster both say what sealed values are compared with")]
    TwoComparisons,
    /// A flag for a Secret that is put together from files and texts.
    #[error("{0} is for --from-env-file, --from-file and --from-literal: a Secret in a file says it itself")]
    OnlyWithSources(&'static str),
    /// A Secret that is put together has no name.
    #[error("--from-env-file, --from-file and --from-literal need --name")]
    SourcesNeedName,
    /// A name that no object can have.
    #[error("{0:?} cannot be the name of a Secret (at most 253 lower-case letters, digits, '-' and '.')")]
    ObjectName(String),
    /// A text that names no file. It is not repeated: it may hold a value.
    #[error("--from-file takes FILE or KEY=FILE")]
    NotAFileSource,
    /// A text that is not an item. It is not repeated: it holds a value.
    #[error("--from-literal takes KEY=VALUE")]
    NotALiteral,
    /// What is read beside Secrets is not deleted.
    #[error("--delete-clear deletes files of Secrets, not those of --from-env-file and --from-file")]
    DeleteSources,
    /// Metadata of a SealedSecret where none is made.
    #[error(
        "--sealed-label and --sealed-annotation are for whole Secrets: --raw and --merge-into make no SealedSecret"
    )]
    MetadataOfNone,
    /// A text that is not a label or annotation. Holds the flag.
    #[error("{0} takes KEY=VALUE, with a KEY of Kubernetes ([PREFIX/]NAME)")]
    NotMetadata(&'static str),
    /// A label that the API server refuses. Holds its key.
    #[error("label {0}: its value is not valid (at most 63 letters, digits, '-', '_' and '.')")]
    LabelValue(String),
    /// An annotation that another flag is for. Holds both.
    #[error("annotation {0} is not set by --sealed-annotation")]
    OtherFlag(&'static str, &'static str),
    /// The flags name no certificate.
    #[error(transparent)]
    Certificate(#[from] SourceError),
}

impl CommandError {
    /// What to type instead.
    pub(crate) fn hint(&self) -> Option<String> {
        Some(match self {
            CommandError::Word(word) => of_word(word),
            CommandError::NoSuchVerb { meant: Some(verb), .. } => format!("did you mean kubeseal help {verb}?"),
            CommandError::CheckNeedsKeys => {
                format!("{A_BACKUP_WILL_DO}; without keys, kubeseal lint --cert FILE judges by the key hints")
            }
            CommandError::NotMetadata(flag) => format!("kubeseal seal {flag} app.kubernetes.io/part-of=shop PATH…"),
            CommandError::OtherFlag(_, flag) => format!("it is what {flag} is for"),
            _ => return self.fixed().map(ToOwned::to_owned),
        })
    }

    /// The same where it does not depend on what was typed.
    fn fixed(&self) -> Option<&'static str> {
        Some(match self {
            CommandError::NoSuchVerb { .. } => "kubeseal help lists the verbs",
            CommandError::ItemName("KEY") => VALUE_OF_SET,
            CommandError::SampleWithoutKey => "kubeseal render FILE --data password=secret",
            CommandError::FromFileWithoutRaw => "kubeseal --raw --from-file FILE, or kubeseal -f SECRET-FILE",
            CommandError::ItemWithoutRaw => "a Secret names its items; for one bare value: kubeseal --raw --item KEY",
            CommandError::ManyFromFiles => "run kubeseal --raw once for each value",
            CommandError::SecretFileWithRaw => "kubeseal --raw --from-file FILE",
            CommandError::NoPath(example) => *example,
            CommandError::EncryptedOrNot => "age-keygen -o identity.txt makes an identity and prints its recipient",
            CommandError::NeitherTextNorJson(_) | CommandError::UnknownReport(_) => "-o text or -o json",
            CommandError::UnknownReportForm(_) => "-o text, -o json or -o sarif",
            CommandError::UnknownRule(_) => "kubeseal lint --rules shows them all",
            CommandError::UnknownFormat(_) => "-o json or -o yaml",
            CommandError::Certificate(SourceError::TwoCertificates) => {
                "leave one of them out (a preset one with --cert= or --for-cluster=)"
            }
            CommandError::UnsealNeedsKeys => A_BACKUP_WILL_DO,
            CommandError::DowngradeNeedsKeys => {
                "kubeseal reseal --format-version 1 --allow-downgrade --recovery-private-key FILE PATH…"
            }
            CommandError::StreamAmongPaths => "run kubeseal once for the stream and once for the paths",
            CommandError::StreamHasNoPlace(_) => "write it into a file first",
            CommandError::TwoFromStdin => "read the value from a file: --from-file FILE",
            CommandError::EmptyPath => ". means the current folder",
            // By [`Self::hint`], or with the command that was typed by [`Hinted::hint`].
            CommandError::Word(_)
            | CommandError::CheckNeedsKeys
            | CommandError::NotMetadata(_)
            | CommandError::OtherFlag(..)
            | CommandError::RawNeedsName
            | CommandError::SourcesNeedName
            // None.
            | CommandError::CertNeedsKeys(_)
            | CommandError::NoDowngrade
            | CommandError::RawToFile
            | CommandError::ManyRaw
            | CommandError::UnsealRawNeeds(..)
            | CommandError::OnlyWithRaw(_)
            | CommandError::TwoPlaces
            | CommandError::LabelValue(_)
            | CommandError::TwoComparisons
            | CommandError::MetadataOfNone
            | CommandError::OnlyWithSources(_)
            | CommandError::ObjectName(_)
            | CommandError::NotAFileSource
            | CommandError::NotALiteral
            | CommandError::DeleteSources
            | CommandError::CheckWrites(_)
            | CommandError::OutputWithValidate
            | CommandError::OutputWithMergeInto
            | CommandError::Certificate(_)
            | CommandError::ItemName(_) => return None,
        })
    }
}

fn of_word(word: &StrayWord) -> String {
    match word {
        StrayWord { meant: Some(verb), .. } => {
            format!("did you mean kubeseal {verb}? kubeseal --help lists the verbs")
        }
        StrayWord { raw: true, .. } => {
            "a value comes from a file or from stdin: kubeseal --raw --from-file FILE, or printf %s \
                                        \"$VALUE\" | kubeseal --raw"
                .to_owned()
        }
        StrayWord { .. } => "to read a file: kubeseal -f FILE; kubeseal --help lists the verbs".to_owned(),
    }
}

/// What to type in place of a value, which would stay in the shell's history and in the list of processes.
pub(crate) const VALUE_OF_SET: &str =
    "a value is not typed on the command line: printf %s \"$VALUE\" | kubeseal set FILE KEY, or --from-file";

impl Hinted for CommandError {
    fn hint(&self, typed: &Typed) -> Option<String> {
        match self {
            CommandError::SourcesNeedName => Some(typed.with("--name app")),
            CommandError::RawNeedsName => Some(match typed.flags(|flag| flag == "namespace").is_empty() {
                true => typed.with("--name NAME --namespace NAMESPACE"),
                false => typed.with("--name NAME"),
            }),
            _ => self.hint(),
        }
    }
}
