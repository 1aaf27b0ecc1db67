//! `--raw`: one bare value → base64, without a newline.

use std::io::{self, IsTerminal as _};
use std::path::Path;

use jiff::Timestamp;
use sealing::binding::{Binding, Scope};
use sealing::merge::check_item_name;
use sealing::random::Random;
use sealing::raw::seal_raw;
use sealing::sealer::Format;
use sealing::size;

use super::args::Args;
use crate::cert_source::{self, CertSource};
use crate::commands::error::CommandError;
use crate::commands::namespace::{Namespace, RawNeedsNamespace};
use crate::commands::read::{check_came, read_before};
use crate::environment::Environment;
use crate::error::{Error, Hinted};
use crate::files::{self, Input, Output};
use crate::flags::{flattened, set};
use crate::note;
use crate::objects::{Fault, InputName};
use crate::typed::Typed;

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
    /// The name of the item that the value is for, where one is given.
    pub item: Option<String>,
    /// Whether `--item` says it.
    pub item_typed: bool,
    /// `--format-version`.
    pub version: Option<Format>,
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
        let from_files = flattened(&args.files.from_file);
        let typed = set(args.sealing.item.clone());
        if typed.as_deref().is_some_and(|item| check_item_name(item).is_err()) {
            return Err(CommandError::ItemName("--item"));
        }
        let key = from_files.first().and_then(|one| one.split_once('='));
        let key = key.map(|(key, _)| key.to_owned());
        Ok(Self {
            input: input_of(&from_files, input)?,
            item_typed: typed.is_some(),
            item: typed.or(key),
            version: args.sealing.format_version,
            output,
            cert,
            target: target_of(args)?,
            allow_empty: args.sealing.allow_empty_data,
        })
    }
}

/// `--from-file` as in kubectl: `FILE` or `key=FILE`.
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

/// Seals the value as it is: a newline at its end is part of it.
pub(crate) fn run(
    command: &Raw,
    environment: &Environment,
    now: Timestamp,
    random: &mut dyn Random,
) -> Result<(), Error> {
    let read = || {
        let value = files::read(&command.input, "a secret to encrypt")?;
        if !command.allow_empty {
            check_came(&command.input, &value)?;
        }
        Ok(value)
    };
    let sealing = || {
        let binding = binding(&command.target, environment)?;
        let cert = cert_source::sealing_cert(&command.cert, environment, now)?;
        let item = match cert.classic_sealer(command.version)?.format_after(None) {
            Format::V1 if command.item_typed => return Err(ItemNotBound.into()),
            Format::V1 => "",
            Format::V2 | Format::Later => item(command)?,
        };
        Ok((binding, cert, item))
    };
    let (value, (binding, cert, item)) = read_before(&command.input, read, sealing)?;
    if value.is_empty() && !command.allow_empty {
        return Err(InputName::of(&command.input).fault(Fault::EmptyValue).into());
    }
    if value.len() > size::LARGEST_SECRET {
        return Err(InputName::of(&command.input)
            .fault(Fault::LargeValue(value.len()))
            .into());
    }
    let sealer = cert.classic_sealer(command.version)?;
    let sealed = seal_raw(&value, &binding, item, &sealer, random)?;
    files::write(&command.output, sealed.as_bytes())?;
    match &binding {
        Binding::Strict { namespace, name } => note::bound_to(Scope::Strict, name, namespace),
        Binding::NamespaceWide { namespace } => note::bound_to(Scope::NamespaceWide, "", namespace),
        Binding::ClusterWide => {}
    }
    note::placeholder("the value", &value);
    note::line_break_at_end(&value, command.output == Output::Stdout && io::stdout().is_terminal());
    Ok(())
}

/// The name of the item, which must be said.
fn item(command: &Raw) -> Result<&str, Error> {
    let item = command.item.as_deref().ok_or(RawNeedsItem)?;
    check_item_name(item).map_err(|error| InputName::of(&command.input).fault(error))?;
    Ok(item)
}

/// A value of format v2 is bound to its item, and nothing says which it is for.
#[derive(Debug, thiserror::Error)]
#[error("format v2 binds the item's name, so --raw requires --item")]
struct RawNeedsItem;

impl Hinted for RawNeedsItem {
    fn hint(&self, typed: &Typed) -> Option<String> {
        Some(typed.with("--item KEY"))
    }
}

/// `--item` says what format v1 cannot bind.
#[derive(Debug, thiserror::Error)]
#[error("--item is for format v2, and format v1 would be sealed, which is not bound to an item")]
struct ItemNotBound;

impl Hinted for ItemNotBound {
    fn hint(&self, typed: &Typed) -> Option<String> {
        Some(format!("{}, or leave --item out", typed.with("--format-version 2")))
    }
}

fn binding(target: &RawTarget, environment: &Environment) -> Result<Binding, Error> {
    let look_up = |namespace: &Namespace, scope: Scope| {
        let found = namespace.resolved(environment);
        found.map_err(|lookup| RawNeedsNamespace { scope, lookup })
    };
    Ok(match target {
        RawTarget::ClusterWide => Binding::ClusterWide,
        RawTarget::NamespaceWide { namespace } => Binding::NamespaceWide {
            namespace: look_up(namespace, Scope::NamespaceWide)?,
        },
        RawTarget::Strict { name, namespace } => Binding::Strict {
            namespace: look_up(namespace, Scope::Strict)?,
            name: name.clone(),
        },
    })
}
