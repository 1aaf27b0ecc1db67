//! `kubeseal seal`: each file with Secrets into a sealed one.
//!
//! All clear files are read, and all certificates found, before the first is sealed; each is read again when its turn comes. A sealed file that is there already is
//! changed in place: items follow the clear file, but none is removed unless a person says so (its value may be nowhere else);
//! everything else in it is people's. Each file is done whole or not at all: its
//! result replaces the old one by a rename after it has reached the disk, and only then may the clear file go.

mod clear;
mod existing;
pub(crate) mod fault;
mod given;
mod lost;
pub(crate) mod run;
pub(crate) mod sources;
mod values;
mod waiting;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::Args;
use manifest::Format;
use sealing::binding::Scope;
use sealing::sealer;

use super::classic::seal::Seal;
use super::error::CommandError;
use super::file_names::sealed_name;
use super::metadata::SealedMetadata;
use super::namespace::Namespace;
use super::private_keys::PrivateKeys;
use super::tree::{Tree, stream_of};
use crate::cert_source::CertSource;
use crate::files::{Input, Output};
use crate::flags::{
    CertificateFlags, ClusterFlags, CommaSeparated, FormatFlags, MetadataFlags, PrivateKeyFlags, TreeFlags, set,
};
use crate::report::ReportFormat;
use given::Sources;

/// The flags that stand in place of PATHs.
const SOURCES: [&str; 3] = ["from_env_file", "from_file", "from_literal"];

/// What a new Secret is put together from.
#[derive(Debug, Args)]
#[command(next_help_heading = "In place of PATH, as in kubectl create secret generic")]
pub(crate) struct SourceFlags {
    /// Seal the variables of this file (KEY=VALUE lines; quotes are part of a value) into NAME.sealed.yaml, beside the other
    /// items of that file; repeatable
    #[arg(long, value_name = "FILE")]
    pub from_env_file: Vec<CommaSeparated>,
    /// Seal this file as one item, or each file of this directory; repeatable
    #[arg(long, value_name = "[KEY=]FILE|DIR")]
    pub from_file: Vec<CommaSeparated>,
    /// Seal this value, which the shell's history and the list of processes will show; repeatable
    #[arg(long, value_name = "KEY=VALUE")]
    pub from_literal: Vec<String>,
    /// Name of that Secret
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Type of that Secret [default: Opaque]
    #[arg(long = "type", value_name = "TYPE")]
    pub type_: Option<String>,
}

/// Flags of `kubeseal seal`.
#[derive(Debug, Args)]
#[command(after_help = include_str!("seal.txt"))]
#[command(mut_arg("paths", |paths| paths.required(false).required_unless_present_any(SOURCES).conflicts_with_all(SOURCES)))]
pub(crate) struct SealFlags {
    /// Which files, and how to tell of them.
    #[command(flatten)]
    pub tree: TreeFlags,
    /// What a new Secret is put together from, in place of PATHs.
    #[command(flatten)]
    pub sources: SourceFlags,
    /// Write the sealed files below this folder instead of beside the clear ones
    #[arg(long, value_name = "DIR")]
    pub out: Option<OsString>,
    /// Write nothing; fail when a sealed file is missing, or sealing would change more than values in it (for CI; needs no
    /// certificate, and names what is sealed with another key than one that is at hand; with --recovery-private-key values are
    /// compared too)
    #[arg(long)]
    pub check: bool,
    /// Rewrite sealed files, also those that are current; what only they hold is lost, and named
    #[arg(long)]
    pub force: bool,
    /// Remove the items and the whole SealedSecrets of a sealed file that its clear file does not have, and name them; without it
    /// nothing is written there
    #[arg(long)]
    pub prune: bool,
    /// Delete each clear file once its sealed one is safely on disk; items of the sealed file that are not in it stay
    #[arg(long)]
    pub delete_clear: bool,
    /// Where the results may be opened: strict, namespace-wide or cluster-wide; strict leaves the choice to each Secret's
    /// own scope annotations [default: strict]
    #[arg(long, value_name = "SCOPE")]
    pub scope: Option<Scope>,
    /// Namespace of Secrets that name none; one that names another is refused; without effect in scope cluster-wide
    /// [default: the kubeconfig context's]
    #[arg(long, short = 'n', value_name = "NAMESPACE")]
    pub namespace: Option<String>,
    /// Refuse values that are placeholders (${VAR}, $(VAR), <path:…>, ref+…://, ENC[…]), which are sealed as they stand;
    /// without it they are named
    #[arg(long)]
    pub strict: bool,
    /// Seal Secrets without any items
    #[arg(long)]
    pub allow_empty_data: bool,
    /// Do not note the key's fingerprint in an annotation (which saves time later, and decides nothing)
    #[arg(long)]
    pub no_key_hint: bool,
    /// Labels and annotations of the SealedSecrets.
    #[command(flatten)]
    pub metadata: MetadataFlags,
    /// What opens sealed values, so that unchanged ones stay as they are.
    #[command(flatten)]
    pub keys: PrivateKeyFlags,
    /// Ask the cluster, in place of private keys, which values are unchanged: those whose ciphertext it has unsealed to the
    /// same value (needs the right to get Secrets)
    #[arg(long)]
    pub compare_with_cluster: bool,
    /// In which version of the format to seal.
    #[command(flatten)]
    pub version: FormatFlags,
    /// Which certificate to seal with.
    #[command(flatten)]
    pub certificate: CertificateFlags,
}

/// Seal files, each into a file of its own.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SealFiles {
    /// Which files.
    pub tree: Tree,
    /// Whether a value that is a placeholder is refused.
    pub strict: bool,
    /// What to seal in place of files.
    pub sources: Option<Sources>,
    /// What to do with them.
    pub mode: SealMode,
    /// Whether sealed files are rewritten, without what only they hold.
    pub force: bool,
    /// Whether items that are not in the clear file are removed from the sealed one.
    pub prune: bool,
    /// The folder of the sealed files; none: beside the clear ones.
    pub out: Option<PathBuf>,
    /// The certificate to seal with.
    pub cert: CertSource,
    /// `--scope`.
    pub scope: Scope,
    /// `--namespace`, or where a Secret that names none gets its namespace.
    pub namespace: Namespace,
    /// `--allow-empty-data`.
    pub allow_empty: bool,
    /// Whether the key's fingerprint is noted in the sealed object.
    pub key_hint: bool,
    /// What the sealed values are compared with.
    pub values: KnownValues,
    /// What the SealedSecrets themselves carry.
    pub metadata: SealedMetadata,
    /// `--format-version`.
    pub version: Option<sealer::Format>,
}

/// What says whether a sealed value is still the one in the clear file.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum KnownValues {
    /// Nothing.
    None,
    /// Private keys, at least one file.
    Keys(PrivateKeys),
    /// What the cluster has made of the same ciphertexts.
    Cluster(Box<ClusterFlags>),
}

impl KnownValues {
    fn of(keys: PrivateKeyFlags, cluster: Option<&ClusterFlags>) -> Result<Self, CommandError> {
        let keys = PrivateKeys::of(keys);
        match (keys.files.is_empty(), cluster) {
            (true, None) => Ok(KnownValues::None),
            (false, None) => Ok(KnownValues::Keys(keys)),
            (true, Some(cluster)) => Ok(KnownValues::Cluster(Box::new(cluster.clone()))),
            (false, Some(_)) => Err(CommandError::TwoComparisons),
        }
    }
}

/// What `kubeseal seal` does with the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SealMode {
    /// Compare them with the sealed ones.
    Check,
    /// Seal those that need it.
    Seal,
    /// Seal them all.
    SealAgain,
    /// Seal them all, and delete the clear files. What is deleted must have been sealed in the same run: that a sealed file
    /// from before holds the same values is not known.
    SealAndDelete,
}

/// What `kubeseal seal` does with a stream: as the mode without a verb, it seals the Secrets to stdout, and leaves out all else.
///
/// # Errors
/// [`CommandError::StreamHasNoPlace`], and those of [`SealFiles::decide`].
pub(super) fn of_stream(flags: &SealFlags) -> Result<Option<Seal>, CommandError> {
    let Some(path) = stream_of(&flags.tree.paths)? else {
        return Ok(None);
    };
    let no_place = [
        (flags.check, "--check"),
        (flags.delete_clear, "--delete-clear"),
        (flags.force, "--force"),
        (flags.prune, "--prune"),
        (flags.strict, "--strict"),
        (flags.compare_with_cluster, "--compare-with-cluster"),
        (set(flags.out.as_ref()).is_some(), "--out"),
    ];
    if let Some((_, flag)) = no_place.iter().find(|(typed, _)| *typed) {
        return Err(CommandError::StreamHasNoPlace(flag));
    }
    let report = Tree::report(flags.tree.output.as_deref())?;
    Ok(Some(Seal {
        input: Input::of(&path),
        output: Output::Stdout,
        format: if report == ReportFormat::Json {
            Format::Json
        } else {
            Format::Yaml
        },
        cert: CertSource::of_verb(&flags.certificate)?,
        scope: flags.scope.unwrap_or_default(),
        name: None,
        namespace: Namespace::of(flags.namespace.as_ref(), &flags.certificate.cluster),
        allow_empty: flags.allow_empty_data,
        only_secrets: true,
        hinted: !flags.no_key_hint,
        metadata: SealedMetadata::of(&flags.metadata)?,
        version: flags.version.format_version,
        is_verb: true,
    }))
}

impl SealFiles {
    /// Decides what the flags mean.
    ///
    /// # Errors
    /// [`CommandError`].
    pub(super) fn decide(flags: SealFlags) -> Result<Self, CommandError> {
        let sources = Sources::of(flags.sources)?;
        if sources.is_some() && flags.delete_clear {
            return Err(CommandError::DeleteSources);
        }
        let mode = match (flags.check, flags.delete_clear, flags.force) {
            (true, true, _) => return Err(CommandError::CheckWrites("--delete-clear")),
            (true, _, true) => return Err(CommandError::CheckWrites("--force")),
            (true, ..) if flags.prune => return Err(CommandError::CheckWrites("--prune")),
            (true, ..) => SealMode::Check,
            (_, true, _) => SealMode::SealAndDelete,
            (_, _, true) => SealMode::SealAgain,
            _ => SealMode::Seal,
        };
        Ok(Self {
            mode,
            force: flags.force,
            prune: flags.prune,
            tree: Tree::of(flags.tree)?,
            strict: flags.strict,
            sources,
            out: set(flags.out).map(PathBuf::from),
            cert: CertSource::of_verb(&flags.certificate)?,
            scope: flags.scope.unwrap_or_default(),
            namespace: Namespace::of(flags.namespace.as_ref(), &flags.certificate.cluster),
            allow_empty: flags.allow_empty_data,
            key_hint: !flags.no_key_hint,
            version: flags.version.format_version,
            values: KnownValues::of(
                flags.keys,
                flags.compare_with_cluster.then_some(&flags.certificate.cluster),
            )?,
            metadata: SealedMetadata::of(&flags.metadata)?,
        })
    }

    /// Whether items stay in the sealed file that the clear one does not have. Only where no clear file stays, which could be
    /// the whole of it; else a person must say what is meant.
    pub(crate) fn keeps(&self) -> bool {
        !self.prune && (self.sources.is_some() || self.mode == SealMode::SealAndDelete)
    }

    /// Where the sealed file of a clear one goes: beside it, or under its path below the folder that was typed; that of other
    /// sources into the current folder, or the one that was typed.
    pub(crate) fn target(&self, path: &Path, below: &Path) -> PathBuf {
        match (&self.out, &self.sources) {
            (None, Some(sources)) => sources.sealed_name(),
            (Some(out), Some(sources)) => out.join(sources.sealed_name()),
            (None, None) => sealed_name(path),
            (Some(out), None) => sealed_name(&out.join(below)),
        }
    }
}
