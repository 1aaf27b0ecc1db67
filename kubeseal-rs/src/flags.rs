//! Groups of flags that several commands share.

pub(crate) mod values;

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use clap::Args;
use sealing::sealer::Format;

pub(crate) use values::{CommaSeparated, RequestTimeout};

/// Private keys that are at hand.
#[derive(Debug, Default, Args)]
pub(crate) struct PrivateKeyFlags {
    /// Private keys to open with: a backup of the key Secrets (YAML, JSON, List; also encrypted with age), or PEM, which holds RSA
    /// keys alone and opens format v1 only; comma-separated, repeatable
    #[arg(long, value_name = "FILE,…")]
    pub recovery_private_key: Vec<CommaSeparated>,
    /// The age identity file that opens an encrypted backup
    #[arg(long, short = 'i', value_name = "FILE")]
    pub identity: Option<OsString>,
}

/// Metadata of the SealedSecret itself.
#[derive(Debug, Default, Args)]
pub(crate) struct MetadataFlags {
    /// Put this label on the SealedSecret itself, not on the Secret; repeatable
    #[arg(long, value_name = "KEY=VALUE")]
    pub sealed_label: Vec<String>,
    /// Put this annotation on the SealedSecret itself, not on the Secret; repeatable
    #[arg(long, value_name = "KEY=VALUE")]
    pub sealed_annotation: Vec<String>,
}

/// Where the controller is.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "The controller")]
pub(crate) struct ControllerFlags {
    /// Name of the controller's Service [default: sealed-secrets-controller]
    #[arg(long, value_name = "NAME")]
    pub controller_name: Option<String>,
    /// Namespace of the controller [default: kube-system]
    #[arg(long, value_name = "NAMESPACE")]
    pub controller_namespace: Option<String>,
}

/// The heading over the flags of [`ClusterFlags`].
pub(crate) const CLUSTER_HEADING: &str = "The cluster (as in kubectl)";

/// How to reach the cluster, as in kubectl.
#[derive(Debug, Clone, Default, PartialEq, Args)]
#[command(next_help_heading = CLUSTER_HEADING)]
pub(crate) struct ClusterFlags {
    /// The kubeconfig file [default: $KUBECONFIG, then ~/.kube/config, then the Pod's service account]
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<OsString>,
    /// The kubeconfig context
    #[arg(long, value_name = "NAME")]
    pub context: Option<String>,
    /// The kubeconfig cluster
    #[arg(long, value_name = "NAME")]
    pub cluster: Option<String>,
    /// The kubeconfig user
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
    /// Address of the API server
    #[arg(long, value_name = "URL")]
    pub server: Option<String>,
    /// Name in the API server's certificate, if it is not that of its address
    #[arg(long, value_name = "NAME")]
    pub tls_server_name: Option<String>,
    /// Certificate authority of the API server
    #[arg(long, value_name = "FILE")]
    pub certificate_authority: Option<String>,
    /// Do not check the API server's certificate (insecure)
    #[arg(long)]
    pub insecure_skip_tls_verify: bool,
    /// Reach the API server through this proxy
    #[arg(long, value_name = "URL")]
    pub proxy_url: Option<String>,
    /// Ask for uncompressed replies (they always are)
    #[arg(long, hide = true)]
    pub disable_compression: bool,
    /// Time limit of one request, such as 30s or 2m; 0 for none [default: 60s]
    #[arg(long, value_name = "DURATION")]
    pub request_timeout: Option<RequestTimeout>,
    /// Bearer token
    #[arg(long, value_name = "TOKEN")]
    pub token: Option<String>,
    /// User name for basic authentication
    #[arg(long, value_name = "NAME")]
    pub username: Option<String>,
    /// Password for basic authentication
    #[arg(long, value_name = "PASSWORD")]
    pub password: Option<String>,
    /// Client certificate
    #[arg(long, value_name = "FILE")]
    pub client_certificate: Option<String>,
    /// Key of the client certificate
    #[arg(long, value_name = "FILE")]
    pub client_key: Option<String>,
    /// Act as this user
    #[arg(long = "as", value_name = "USER")]
    pub as_user: Option<String>,
    /// Act as a member of this group; repeatable
    #[arg(long, value_name = "GROUP")]
    pub as_group: Vec<String>,
    /// Act as the user with this UID
    #[arg(long, value_name = "UID")]
    pub as_uid: Option<String>,
}

/// Which certificate to seal with.
#[derive(Debug, Args)]
#[command(next_help_heading = "The certificate")]
pub(crate) struct CertificateFlags {
    /// Seal with this certificate: a file, or a URL (http, https, file) [default: what the project file
    /// (.kubeseal.yaml) says of each file, else the controller's]
    #[arg(long, value_name = "FILE|URL")]
    pub cert: Option<String>,
    /// Seal for this cluster of the project file, wherever the files lie that are named; of those that are found in folders, one that is for another cluster is refused
    #[arg(long, value_name = "NAME")]
    pub for_cluster: Option<String>,
    /// Where the controller is.
    #[command(flatten)]
    pub controller: ControllerFlags,
    /// How to reach the cluster.
    #[command(flatten)]
    pub cluster: ClusterFlags,
}

/// In which version of the format to seal.
#[derive(Debug, Args)]
#[command(next_help_heading = "The certificate")]
pub(crate) struct FormatFlags {
    /// Format to seal in: 1 (v1), which every implementation reads, or 2 (v2), post-quantum and bound to the item's name; an
    /// object that has v2 takes no v1 [default: what the project file says; else that of the object, and of a new one v2 where
    /// the certificate has a hybrid key]
    #[arg(long, value_name = "1|2")]
    pub format_version: Option<Format>,
}

/// Which files a verb works on, and how it tells of them.
#[derive(Debug, Args)]
pub(crate) struct TreeFlags {
    /// Files, folders (with all manifests below: .yaml, .yml, .json), patterns such as 'apps/*/prod', or - for stdin
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<OsString>,
    /// Leave out what this pattern fits, at any depth; repeatable
    #[arg(long, value_name = "PATTERN")]
    pub exclude: Vec<String>,
    /// How to tell what was done: text or json
    #[arg(long, short = 'o', value_name = "text|json")]
    pub output: Option<String>,
}

/// Which SealedSecret of a file is meant.
#[derive(Debug, Args)]
pub(crate) struct ObjectFlags {
    /// The name of the SealedSecret that is meant, when the file holds several
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// The namespace of the SealedSecret that is meant, or is to be taken for its own where it names none [default: that of its template]
    #[arg(long, short = 'n', value_name = "NAMESPACE")]
    pub namespace: Option<String>,
}

/// An empty value counts as not given (reference behaviour).
pub(crate) fn set<T: AsRef<OsStr>>(value: Option<T>) -> Option<T> {
    value.filter(|value| !value.as_ref().is_empty())
}

/// Those that are [`set`].
pub(crate) fn paths(values: Vec<OsString>) -> Vec<PathBuf> {
    values
        .into_iter()
        .filter_map(|path| set(Some(path)))
        .map(PathBuf::from)
        .collect()
}

pub(crate) fn flattened(values: &[CommaSeparated]) -> Vec<String> {
    values.iter().flat_map(|value| value.0.iter().cloned()).collect()
}
