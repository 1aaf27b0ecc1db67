//! The commands: a verb a file with its arguments, the rules about them and what it does; the modes without a verb in [`classic`].

pub(crate) mod classic;
pub(crate) mod doctor;
pub(crate) mod edit;
mod embedded_file;
mod error;
mod file_names;
pub(crate) mod help;
pub(crate) mod keys;
pub(crate) mod lint;
pub(crate) mod manual;
mod metadata;
pub(crate) mod namespace;
pub(crate) mod page;
mod private_keys;
mod read;
pub(crate) mod rename;
pub(crate) mod render;
pub(crate) mod reseal;
pub(crate) mod seal;
mod sealed_file;
pub(crate) mod set;
mod target;
mod tree;
pub(crate) mod unseal;
pub(crate) mod unset;
pub(crate) mod verb;

use std::path::PathBuf;

use manifest::Format;

use self::set::SetItem;
use crate::cert_source::CertSource;
use crate::cluster::Controller;
use crate::files::{Input, Output};
use crate::flags;
use classic::merge_into::MergeInto;
use classic::raw::Raw;
use classic::re_encrypt::ReEncrypt;
use classic::seal::Seal;
use doctor::Doctor;
use edit::EditValues;
pub(crate) use error::{CommandError, VALUE_OF_SET};
use lint::Lint;
use page::Page;
use private_keys::PrivateKeys;
use rename::RenameItem;
use render::Render;
use reseal::ResealFiles;
use seal::SealFiles;
use unseal::{Unseal, UnsealFiles, UnsealRaw};
use unset::UnsetItems;
use verb::Verb;

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
    /// `kubeseal page`.
    Page(Page),
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

impl Command {
    /// Decides what a verb's command line means.
    ///
    /// # Errors
    /// [`CommandError`].
    pub(crate) fn of_verb(verb: Verb) -> Result<Self, CommandError> {
        match verb {
            Verb::Completions(flags) => Ok(Command::Completions(flags.shell)),
            Verb::Help(flags) => match flags.verb.as_slice() {
                [] => Ok(Command::Help),
                words => help::of(words).map(Command::VerbHelp).ok_or_else(|| {
                    let typed = words.join(" ");
                    let meant = verb::meant_by(&typed);
                    CommandError::NoSuchVerb { typed, meant }
                }),
            },
            Verb::Man(flags) => Ok(Command::Man(flags::set(flags.folder).map(PathBuf::from))),
            Verb::Page(flags) => Page::decide(*flags).map(Command::Page),
            Verb::Doctor(flags) => Ok(Command::Doctor(Box::new(Doctor::decide(*flags)?))),
            Verb::Keys(flags) => Ok(Command::Keys(Box::new(keys::Keys::decide(*flags)?))),
            Verb::Lint(flags) => Ok(Lint::decide(flags)?.map_or(Command::LintRules, Command::Lint)),
            Verb::Render(flags) => Render::decide(flags).map(Command::Render),
            Verb::Edit(flags) => EditValues::decide(*flags).map(Command::EditValues),
            Verb::Set(flags) => SetItem::decide(*flags).map(Command::SetItem),
            Verb::Unset(flags) => Ok(Command::UnsetItems(flags.into())),
            Verb::Rename(flags) => RenameItem::decide(*flags).map(Command::RenameItem),
            Verb::Seal(flags) => match seal::of_stream(&flags)? {
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
}
