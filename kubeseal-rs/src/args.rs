//! The command line exactly as typed. What the flags mean together is decided in [`crate::command`].
//!
//! The syntax is pflag's: the last of a repeated flag wins, `--flag=false` switches a boolean off, and a value may begin
//! with a dash. A flag can be preset by the variable `SEALED_SECRETS_` and its name in capitals with underscores.

mod presets;
mod values;

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue};
use clap::{Args as ClapArgs, CommandFactory as _, FromArgMatches as _, Parser};
use sealing::binding::Scope;
use thiserror::Error;

use crate::environment::Environment;
pub(crate) use values::{CommaSeparated, RequestTimeout};

/// A command line, or a preset, that is not understood. Ends the program with exit code 2.
#[derive(Debug, Error)]
pub(crate) enum ArgsError {
    /// A flag that does not exist, or a value that it does not take.
    #[error("{}", first_line(.0))]
    Typed(clap::Error),
    /// A preset with a value that its flag does not take.
    #[error("the environment variable {variable}: {}", first_line(fault))]
    Preset {
        /// Name of the variable.
        variable: String,
        /// What is wrong with its value.
        fault: clap::Error,
    },
}

/// What is wrong. The parser's further lines are the usage, and advice that does not fit this program.
fn first_line(fault: &clap::Error) -> String {
    let text = fault.render().to_string();
    text.lines()
        .next()
        .unwrap_or_default()
        .trim_start_matches("error: ")
        .to_owned()
}

impl ArgsError {
    /// What to type instead.
    pub(crate) fn hint(&self) -> String {
        let (ArgsError::Typed(fault) | ArgsError::Preset { fault, .. }) = self;
        match fault.get(ContextKind::SuggestedArg) {
            Some(ContextValue::String(flag)) => format!("there is a flag {flag}; kubeseal --help shows them all"),
            _ => "kubeseal --help shows all flags".to_owned(),
        }
    }
}

/// Everything that can be typed.
#[derive(Debug, Parser)]
#[command(
    name = "kubeseal",
    disable_help_flag = true,
    args_override_self = true,
    max_term_width = 110
)]
#[command(about = "Seals Kubernetes Secrets so that only your cluster can open them", long_about = None)]
#[command(override_usage = "kubeseal [flags] < secret.yaml > sealed-secret.json")]
#[command(after_help = include_str!("args/help.txt"))]
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
    #[arg(long, num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true",
          value_parser = values::boolean, hide_default_value = true, hide_possible_values = true, value_name = "BOOL")]
    pub fetch_cert: bool,
    /// Ask the controller whether it can open the SealedSecrets that are read
    #[arg(long, num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true",
          value_parser = values::boolean, hide_default_value = true, value_name = "BOOL")]
    pub validate: bool,
    /// Seal one bare value (--from-file or stdin) and print its base64 without a newline
    #[arg(long, num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true",
          value_parser = values::boolean, hide_default_value = true, value_name = "BOOL")]
    pub raw: bool,
    /// Open SealedSecrets offline with --recovery-private-key and print the Secrets in clear
    #[arg(long, num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true",
          value_parser = values::boolean, hide_default_value = true, value_name = "BOOL")]
    pub recovery_unseal: bool,
    /// Private keys for --recovery-unseal: PEM, or a backup of the key Secrets (YAML, JSON, List); comma-separated, repeatable
    #[arg(long, allow_hyphen_values = true, value_name = "FILE,…")]
    pub recovery_private_key: Vec<CommaSeparated>,
    /// Print the version
    #[arg(long, num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true",
          value_parser = values::boolean, hide_default_value = true, value_name = "BOOL")]
    pub version: bool,
    /// Print this help
    #[arg(long, short = 'h', num_args = 0..=1, require_equals = true, default_value = "false",
          default_missing_value = "true", value_parser = values::boolean, hide_default_value = true,
          value_name = "BOOL")]
    pub help: bool,
    /// Not built yet.
    #[arg(long, hide = true, allow_hyphen_values = true)]
    pub merge_into: Option<OsString>,
    /// Not built yet.
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_value = "false",
          default_missing_value = "true", value_parser = values::boolean)]
    pub re_encrypt: bool,
    /// The deprecated name of --re-encrypt; not built yet.
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_value = "false",
          default_missing_value = "true", value_parser = values::boolean)]
    pub rotate: bool,
}

/// What to read and write.
#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "Input and output")]
pub(crate) struct FileFlags {
    /// Read this file instead of stdin
    #[arg(long, short = 'f', allow_hyphen_values = true, value_name = "FILE")]
    pub secret_file: Option<OsString>,
    /// Write this file instead of stdout: whole or not at all; a name ending in .yaml or .yml means -o yaml
    #[arg(long, short = 'w', allow_hyphen_values = true, value_name = "FILE")]
    pub sealed_secret_file: Option<OsString>,
    /// Output format: json or yaml [default: json]
    #[arg(long, short = 'o', allow_hyphen_values = true, value_name = "FORMAT")]
    pub format: Option<String>,
    /// Read the value for --raw from this file (`key=FILE` is understood, as in kubectl; the key is not used)
    #[arg(long, allow_hyphen_values = true, value_name = "FILE")]
    pub from_file: Vec<CommaSeparated>,
}

/// How to seal.
#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "Sealing")]
pub(crate) struct SealingFlags {
    /// Seal with this certificate: a file, or a URL (http, https, file). No cluster is asked then
    #[arg(long, allow_hyphen_values = true, value_name = "FILE|URL")]
    pub cert: Option<String>,
    /// Where the result may be opened: strict (this name in this namespace), namespace-wide (any name in this
    /// namespace) or cluster-wide. Strict leaves the choice to the Secret's own scope annotations [default: strict]
    #[arg(long, allow_hyphen_values = true, value_name = "SCOPE")]
    pub scope: Option<Scope>,
    /// Name of the sealed Secret, in place of metadata.name; needed by --raw in scope strict
    #[arg(long, allow_hyphen_values = true, value_name = "NAME")]
    pub name: Option<String>,
    /// Namespace of the sealed Secret; a Secret that names another one is refused [default: the kubeconfig context's]
    #[arg(long, short = 'n', allow_hyphen_values = true, value_name = "NAMESPACE")]
    pub namespace: Option<String>,
    /// Seal a Secret without any items
    #[arg(long, num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true",
          value_parser = values::boolean, hide_default_value = true, value_name = "BOOL")]
    pub allow_empty_data: bool,
}

/// Where the controller is.
#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "The controller")]
pub(crate) struct ControllerFlags {
    /// Name of the controller's Service [default: sealed-secrets-controller]
    #[arg(long, allow_hyphen_values = true, value_name = "NAME")]
    pub controller_name: Option<String>,
    /// Namespace of the controller [default: kube-system]
    #[arg(long, allow_hyphen_values = true, value_name = "NAMESPACE")]
    pub controller_namespace: Option<String>,
}

/// How to reach the cluster, as in kubectl.
#[derive(Debug, Clone, Default, PartialEq, ClapArgs)]
#[command(next_help_heading = "The cluster (as in kubectl)")]
pub(crate) struct ClusterFlags {
    /// The kubeconfig file [default: $KUBECONFIG, then ~/.kube/config, then the Pod's service account]
    #[arg(long, allow_hyphen_values = true, value_name = "FILE")]
    pub kubeconfig: Option<OsString>,
    /// The kubeconfig context
    #[arg(long, allow_hyphen_values = true, value_name = "NAME")]
    pub context: Option<String>,
    /// The kubeconfig cluster
    #[arg(long, allow_hyphen_values = true, value_name = "NAME")]
    pub cluster: Option<String>,
    /// The kubeconfig user
    #[arg(long, allow_hyphen_values = true, value_name = "NAME")]
    pub user: Option<String>,
    /// Address of the API server
    #[arg(long, allow_hyphen_values = true, value_name = "URL")]
    pub server: Option<String>,
    /// Name in the API server's certificate, if it is not that of its address
    #[arg(long, allow_hyphen_values = true, value_name = "NAME")]
    pub tls_server_name: Option<String>,
    /// Certificate authority of the API server
    #[arg(long, allow_hyphen_values = true, value_name = "FILE")]
    pub certificate_authority: Option<String>,
    /// Do not check the API server's certificate (insecure)
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true",
          value_parser = values::boolean, value_name = "BOOL")]
    pub insecure_skip_tls_verify: Option<bool>,
    /// Reach the API server through this proxy
    #[arg(long, allow_hyphen_values = true, value_name = "URL")]
    pub proxy_url: Option<String>,
    /// Ask for uncompressed replies (they always are)
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true",
          value_parser = values::boolean, value_name = "BOOL", hide = true)]
    pub disable_compression: Option<bool>,
    /// Time limit of one request, such as 30s or 2m; 0 for none [default: 60s]
    #[arg(long, allow_hyphen_values = true, value_name = "DURATION")]
    pub request_timeout: Option<RequestTimeout>,
    /// Bearer token
    #[arg(long, allow_hyphen_values = true, value_name = "TOKEN")]
    pub token: Option<String>,
    /// User name for basic authentication
    #[arg(long, allow_hyphen_values = true, value_name = "NAME")]
    pub username: Option<String>,
    /// Password for basic authentication
    #[arg(long, allow_hyphen_values = true, value_name = "PASSWORD")]
    pub password: Option<String>,
    /// Client certificate
    #[arg(long, allow_hyphen_values = true, value_name = "FILE")]
    pub client_certificate: Option<String>,
    /// Key of the client certificate
    #[arg(long, allow_hyphen_values = true, value_name = "FILE")]
    pub client_key: Option<String>,
    /// Act as this user
    #[arg(long = "as", allow_hyphen_values = true, value_name = "USER")]
    pub as_user: Option<String>,
    /// Act as a member of this group; repeatable
    #[arg(long, allow_hyphen_values = true, value_name = "GROUP")]
    pub as_group: Vec<String>,
    /// Act as the user with this UID
    #[arg(long, allow_hyphen_values = true, value_name = "UID")]
    pub as_uid: Option<String>,
}

/// The reference's logging flags. This program has no log, so they change nothing and are accepted for scripts' sake.
#[derive(Debug, ClapArgs)]
pub(crate) struct LogFlags {
    #[arg(long = "add_dir_header", hide = true, num_args = 0..=1, require_equals = true,
          default_missing_value = "true", value_parser = values::boolean)]
    _add_dir_header: Option<bool>,
    #[arg(long = "alsologtostderr", hide = true, num_args = 0..=1, require_equals = true,
          default_missing_value = "true", value_parser = values::boolean)]
    _alsologtostderr: Option<bool>,
    #[arg(long = "alsologtostderrthreshold", hide = true, allow_hyphen_values = true)]
    _alsologtostderrthreshold: Option<String>,
    #[arg(long = "legacy_stderr_threshold_behavior", hide = true, num_args = 0..=1, require_equals = true,
          default_missing_value = "true", value_parser = values::boolean)]
    _legacy_stderr_threshold_behavior: Option<bool>,
    #[arg(long = "log_backtrace_at", hide = true, allow_hyphen_values = true)]
    _log_backtrace_at: Option<String>,
    #[arg(long = "log_dir", hide = true, allow_hyphen_values = true)]
    _log_dir: Option<String>,
    #[arg(long = "log_file", hide = true, allow_hyphen_values = true)]
    _log_file: Option<String>,
    #[arg(long = "log_file_max_size", hide = true)]
    _log_file_max_size: Option<u64>,
    #[arg(long = "logtostderr", hide = true, num_args = 0..=1, require_equals = true,
          default_missing_value = "true", value_parser = values::boolean)]
    _logtostderr: Option<bool>,
    #[arg(long = "one_output", hide = true, num_args = 0..=1, require_equals = true,
          default_missing_value = "true", value_parser = values::boolean)]
    _one_output: Option<bool>,
    #[arg(long = "skip_headers", hide = true, num_args = 0..=1, require_equals = true,
          default_missing_value = "true", value_parser = values::boolean)]
    _skip_headers: Option<bool>,
    #[arg(long = "skip_log_headers", hide = true, num_args = 0..=1, require_equals = true,
          default_missing_value = "true", value_parser = values::boolean)]
    _skip_log_headers: Option<bool>,
    #[arg(long = "stderrthreshold", hide = true, allow_hyphen_values = true)]
    _stderrthreshold: Option<String>,
    #[arg(long = "v", short = 'v', hide = true, allow_hyphen_values = true)]
    _v: Option<i32>,
    #[arg(long = "vmodule", hide = true, allow_hyphen_values = true)]
    _vmodule: Option<String>,
}

impl Args {
    /// Reads a command line (its first word is the program's name) on top of the presets in `environment`.
    ///
    /// # Errors
    /// [`ArgsError`].
    pub(crate) fn read(argv: impl IntoIterator<Item = OsString>, environment: &Environment) -> Result<Self, ArgsError> {
        let mut argv = argv.into_iter();
        let program = argv.next().unwrap_or_else(|| "kubeseal".into());
        let presets = presets::flags(environment)?;
        let words = std::iter::once(program).chain(presets).chain(argv);
        let matches = Self::command().try_get_matches_from(words).map_err(ArgsError::Typed)?;
        Self::from_arg_matches(&matches).map_err(ArgsError::Typed)
    }

    /// The text of `--help`.
    pub(crate) fn help() -> String {
        Self::command().render_help().to_string()
    }
}
