//! `kubeseal unseal`: SealedSecrets and private keys → Secrets in clear, offline, file by file.

pub(crate) mod run;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;
use sealing::binding::{Binding, BindingError, Scope};

use super::error::CommandError;
use super::private_keys::PrivateKeys;
use super::tree::{Tree, stream_of};
use crate::files::Input;
use crate::flags::{PrivateKeyFlags, TreeFlags, set};

/// Flags of `kubeseal unseal`.
#[derive(Debug, Args)]
#[command(after_help = include_str!("unseal.txt"))]
pub(crate) struct UnsealFlags {
    /// Which files, and how to tell of them.
    #[command(flatten)]
    pub tree: TreeFlags,
    /// What to open with.
    #[command(flatten)]
    pub keys: PrivateKeyFlags,
    /// Write each clear file beside the sealed one (db.sealed.yaml → db.yaml, x.yaml → x.clear.yaml), with mode 0600
    #[arg(long)]
    pub beside: bool,
    /// Write the clear files below this folder, with mode 0600
    #[arg(long, value_name = "DIR")]
    pub out: Option<OsString>,
    /// PATH is a file with one bare ciphertext (- for stdin); its value goes to stdout as it is
    #[arg(long)]
    pub raw: bool,
    /// With --raw: the scope that the value was sealed with [default: strict]
    #[arg(long, value_name = "SCOPE")]
    pub scope: Option<Scope>,
    /// With --raw: the name of the Secret
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// With --raw: the name of the item that the value is of, which format v2 binds
    #[arg(long, value_name = "KEY")]
    pub item: Option<String>,
    /// The namespace of SealedSecrets that name none [default: that of their template]; with --raw that of the Secret
    #[arg(long, short = 'n', value_name = "NAMESPACE")]
    pub namespace: Option<String>,
}

/// Open what is in files, offline.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct UnsealFiles {
    /// Which files.
    pub tree: Tree,
    /// At least one file.
    pub keys: PrivateKeys,
    /// The namespace of SealedSecrets that name none.
    pub namespace: Option<String>,
    /// Where the Secrets go.
    pub to: ClearPlace,
}

/// Open one bare ciphertext.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct UnsealRaw {
    /// The ciphertext.
    pub input: Input,
    /// What it is bound to.
    pub binding: Binding,
    /// The name of its item, where one is given.
    pub item: Option<String>,
    /// At least one file.
    pub keys: PrivateKeys,
}

/// Where Secrets in clear go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ClearPlace {
    /// To stdout.
    Stdout,
    /// Each into a file beside the sealed one.
    Beside,
    /// Each into a file below this folder.
    Folder(PathBuf),
}

/// `kubeseal unseal`, either way.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Unseal {
    /// Whole objects.
    Files(UnsealFiles),
    /// One value.
    Raw(UnsealRaw),
}

impl Unseal {
    /// Decides what the flags mean.
    ///
    /// # Errors
    /// [`CommandError`].
    pub(super) fn decide(flags: UnsealFlags) -> Result<Self, CommandError> {
        let keys = PrivateKeys::of(flags.keys);
        if keys.files.is_empty() {
            return Err(CommandError::UnsealNeedsKeys);
        }
        stream_of(&flags.tree.paths)?;
        let tree = Tree::of(flags.tree)?;
        let out = set(flags.out).map(PathBuf::from);
        if flags.raw {
            if flags.beside || out.is_some() {
                return Err(CommandError::RawToFile);
            }
            let [path] = tree.paths.as_slice() else {
                return Err(CommandError::ManyRaw);
            };
            let text = |flag: &Option<String>| flag.clone().unwrap_or_default();
            let scope = flags.scope.unwrap_or_default();
            let binding =
                Binding::new(scope, &text(&flags.namespace), &text(&flags.name)).map_err(|error| match error {
                    BindingError::NameMissing => CommandError::UnsealRawNeeds("--name", scope),
                    BindingError::NamespaceMissing(scope) => CommandError::UnsealRawNeeds("--namespace", scope),
                })?;
            let input = Input::of(path);
            let item = set(flags.item);
            return Ok(Unseal::Raw(UnsealRaw {
                input,
                binding,
                item,
                keys,
            }));
        }
        let needs_raw = [
            (flags.scope.is_some(), "--scope"),
            (set(flags.name).is_some(), "--name"),
            (set(flags.item).is_some(), "--item"),
        ];
        if let Some((_, flag)) = needs_raw.iter().find(|(typed, _)| *typed) {
            return Err(CommandError::OnlyWithRaw(flag));
        }
        if tree.is_stream() && (flags.beside || out.is_some()) {
            return Err(CommandError::StreamHasNoPlace(if flags.beside {
                "--beside"
            } else {
                "--out"
            }));
        }
        let to = match (flags.beside, out) {
            (true, Some(_)) => return Err(CommandError::TwoPlaces),
            (true, None) => ClearPlace::Beside,
            (false, Some(folder)) => ClearPlace::Folder(folder),
            (false, None) => ClearPlace::Stdout,
        };
        Ok(Unseal::Files(UnsealFiles {
            tree,
            keys,
            namespace: set(flags.namespace),
            to,
        }))
    }
}
