//! `kubeseal seal`: what can be typed after it.

use std::ffi::OsString;

use clap::Args;
use sealing::binding::Scope;

use super::shared::{CertificateFlags, TreeFlags};
use crate::args::{CommaSeparated, MetadataFlags, PrivateKeyFlags};

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
    /// certificate; with --recovery-private-key values are compared too)
    #[arg(long)]
    pub check: bool,
    /// Write sealed files anew, also those that are current; what only they hold is lost, and named
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
    /// Which certificate to seal with.
    #[command(flatten)]
    pub certificate: CertificateFlags,
}
