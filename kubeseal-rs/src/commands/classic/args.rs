//! What can be typed without a verb.

use std::ffi::OsString;

use clap::{Args as ClapArgs, Parser};
use sealing::binding::Scope;
use sealing::sealer::Format;

use crate::flags::{ClusterFlags, CommaSeparated, ControllerFlags, MetadataFlags, PrivateKeyFlags};

/// Everything that can be typed without a verb.
#[derive(Debug, Parser)]
#[command(
    name = "kubeseal",
    disable_help_flag = true,
    args_override_self = true,
    max_term_width = 110
)]
#[command(about = "Seals Kubernetes Secrets so that only your cluster can open them", long_about = None)]
#[command(override_usage = "kubeseal [flags] < secret.yaml > sealed-secret.json")]
#[command(after_help = include_str!("help.txt"))]
pub(crate) struct Args {
    /// What to do.
    #[command(flatten)]
    pub mode: ModeFlags,
    /// What to read and write.
    #[command(flatten)]
    pub files: FileFlags,
    /// How to seal.
    #[command(flatten)]
    pub sealing: SealingFlags,
    /// Where the controller is.
    #[command(flatten)]
    pub controller: ControllerFlags,
    /// How to reach the cluster.
    #[command(flatten)]
    pub cluster: ClusterFlags,
    /// The reference's logging flags.
    #[command(flatten)]
    pub logging: LogFlags,
    /// Words that are no flags.
    #[arg(hide = true)]
    pub words: Vec<OsString>,
}

/// What to do; none of them: seal.
#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "What to do (without any of these: seal the Secrets that are read)")]
pub(crate) struct ModeFlags {
    /// Print the controller's certificate, to seal with it offline (--cert)
    #[arg(long)]
    pub fetch_cert: bool,
    /// Ask the controller whether it can open the SealedSecrets that are read
    #[arg(long)]
    pub validate: bool,
    /// Have the controller seal the SealedSecrets that are read again with its newest key; with -f and without -w the
    /// file is changed in place. Only ciphertexts change
    #[arg(long)]
    pub re_encrypt: bool,
    /// Seal the items of the Secrets that are read into the SealedSecrets of this file, in place. Only what is new changes
    #[arg(long, value_name = "FILE")]
    pub merge_into: Option<OsString>,
    /// Seal one bare value (--from-file or stdin) and print its base64 without a newline
    #[arg(long)]
    pub raw: bool,
    /// Open SealedSecrets offline with --recovery-private-key and print the Secrets in clear
    #[arg(long)]
    pub recovery_unseal: bool,
    /// What --recovery-unseal opens with.
    #[command(flatten)]
    pub keys: PrivateKeyFlags,
    /// Print the version
    #[arg(long)]
    pub version: bool,
    /// Print this help
    #[arg(long, short = 'h')]
    pub help: bool,
    /// The deprecated name of --re-encrypt
    #[arg(long, hide = true)]
    pub rotate: bool,
}

/// What to read and write.
#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "Input and output")]
pub(crate) struct FileFlags {
    /// Read this file instead of stdin
    #[arg(long, short = 'f', value_name = "FILE")]
    pub secret_file: Option<OsString>,
    /// Write this file instead of stdout: whole or not at all; a name ending in .yaml or .yml means -o yaml
    #[arg(long, short = 'w', value_name = "FILE")]
    pub sealed_secret_file: Option<OsString>,
    /// Output format: json or yaml [default: json]
    #[arg(long, short = 'o', value_name = "FORMAT")]
    pub format: Option<String>,
    /// Read the value for --raw from this file (`key=FILE` is understood, as in kubectl; the key is used in
    /// format v2 alone)
    #[arg(long, value_name = "FILE")]
    pub from_file: Vec<CommaSeparated>,
}

/// How to seal.
#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "Sealing")]
pub(crate) struct SealingFlags {
    /// Seal with this certificate: a file, or a URL (http, https, file). No cluster is asked then
    /// [default: what the project file says, else the controller's]
    #[arg(long, value_name = "FILE|URL")]
    pub cert: Option<String>,
    /// Seal for this cluster of the project file (.kubeseal.yaml), wherever the file lies
    #[arg(long, value_name = "NAME")]
    pub for_cluster: Option<String>,
    /// Where the result may be opened: strict (this name in this namespace), namespace-wide (any name in this
    /// namespace) or cluster-wide. Strict leaves the choice to the Secret's own scope annotations [default: strict]
    #[arg(long, value_name = "SCOPE")]
    pub scope: Option<Scope>,
    /// Name of the sealed Secret, in place of metadata.name; needed by --raw in scope strict
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Namespace of the sealed Secret; a Secret that names another one is refused; without effect in scope cluster-wide
    /// [default: the kubeconfig context's]
    #[arg(long, short = 'n', value_name = "NAMESPACE")]
    pub namespace: Option<String>,
    /// Format to seal in: 1 (v1), which every implementation reads, or 2 (v2), post-quantum and bound to the item's name
    /// [default: what the project file says, else v1; with --re-encrypt that of each value]
    #[arg(long, value_name = "1|2")]
    pub format_version: Option<Format>,
    /// With --raw: the item that the value is for, which format v2 binds [default: the key of --from-file KEY=FILE]
    #[arg(long, value_name = "KEY")]
    pub item: Option<String>,
    /// Seal a Secret without any items
    #[arg(long)]
    pub allow_empty_data: bool,
    /// Seal the Secrets of the input and leave out objects of other kinds (helm template, kustomize build)
    #[arg(long)]
    pub only_secrets: bool,
    /// Note in an annotation of the SealedSecret which key it was sealed with (its fingerprint)
    #[arg(long)]
    pub key_hint: bool,
    /// Labels and annotations.
    #[command(flatten)]
    pub metadata: MetadataFlags,
}

/// The reference's logging flags. This program has no log, so they change nothing and are accepted for scripts' sake.
#[derive(Debug, ClapArgs)]
pub(crate) struct LogFlags {
    #[arg(long = "add_dir_header", hide = true)]
    _add_dir_header: bool,
    #[arg(long = "alsologtostderr", hide = true)]
    _alsologtostderr: bool,
    #[arg(long = "alsologtostderrthreshold", hide = true)]
    _alsologtostderrthreshold: Option<String>,
    #[arg(long = "legacy_stderr_threshold_behavior", hide = true)]
    _legacy_stderr_threshold_behavior: bool,
    #[arg(long = "log_backtrace_at", hide = true)]
    _log_backtrace_at: Option<String>,
    #[arg(long = "log_dir", hide = true)]
    _log_dir: Option<String>,
    #[arg(long = "log_file", hide = true)]
    _log_file: Option<String>,
    #[arg(long = "log_file_max_size", hide = true)]
    _log_file_max_size: Option<u64>,
    #[arg(long = "logtostderr", hide = true)]
    _logtostderr: bool,
    #[arg(long = "one_output", hide = true)]
    _one_output: bool,
    #[arg(long = "skip_headers", hide = true)]
    _skip_headers: bool,
    #[arg(long = "skip_log_headers", hide = true)]
    _skip_log_headers: bool,
    #[arg(long = "stderrthreshold", hide = true)]
    _stderrthreshold: Option<String>,
    #[arg(long = "v", short = 'v', hide = true)]
    _v: Option<i32>,
    #[arg(long = "vmodule", hide = true)]
    _vmodule: Option<String>,
}
