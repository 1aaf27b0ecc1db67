//! The command line: exactly what was typed, with the reference's names, defaults and environment variables.
//!
//! A flag that is not here is an error with exit code 2, never ignored.

mod go_values;

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Parser};
use crds::names;

pub(crate) use go_values::{go_bool, go_duration};

/// What was typed. Every flag can also be preset by `SEALED_SECRETS_<NAME>`; the command line wins, of repeats the last.
#[derive(Debug, Clone, Parser)]
#[command(
    name = "controller",
    about = "Turns SealedSecrets into Secrets and publishes the sealing certificate.",
    disable_version_flag = true,
    args_override_self = true
)]
pub(crate) struct Args {
    /// Prefix of the names of key Secrets
    #[arg(long, env = "SEALED_SECRETS_KEY_PREFIX", default_value = names::DEFAULT_KEY_PREFIX)]
    pub key_prefix: String,
    /// Bits of new keys: 2048, 3072, 4096 or 8192
    #[arg(long, env = "SEALED_SECRETS_KEY_SIZE", default_value_t = 4096)]
    pub key_size: usize,
    /// How long the certificate of a new key is valid
    #[arg(long, env = "SEALED_SECRETS_KEY_TTL", default_value = "87600h", value_parser = go_duration)]
    pub key_ttl: Duration,
    /// Common name in the certificate of a new key
    #[arg(long, env = "SEALED_SECRETS_MY_CN", default_value = "")]
    pub my_cn: String,
    /// Age at which the current key is followed by a new one; 0 turns renewal off
    #[arg(long, env = "SEALED_SECRETS_KEY_RENEW_PERIOD", default_value = "720h", value_parser = go_duration)]
    pub key_renew_period: Duration,
    /// Former name of --key-renew-period
    #[arg(long, env = "SEALED_SECRETS_ROTATE_PERIOD", hide = true, value_parser = go_duration)]
    pub rotate_period: Option<Duration>,
    /// What orders the keys: CertNotBefore or SecretCreationTimestamp
    #[arg(long, env = "SEALED_SECRETS_KEY_ORDER_PRIORITY", default_value = "CertNotBefore")]
    pub key_order_priority: String,
    /// Renew the current key when it is older than this instant (as `date -R` prints it)
    #[arg(long, env = "SEALED_SECRETS_KEY_CUTOFF_TIME", default_value = "")]
    pub key_cutoff_time: String,
    /// Labels for new key Secrets: k=v,k=v
    #[arg(long, env = "SEALED_SECRETS_PRIVATEKEY_LABELS", default_value = "")]
    pub privatekey_labels: String,
    /// Annotations for new key Secrets: k=v,k=v
    #[arg(long, env = "SEALED_SECRETS_PRIVATEKEY_ANNOTATIONS", default_value = "")]
    pub privatekey_annotations: String,
    /// Post-quantum keys for format v2: off, prepare (new keys have a hybrid key) or publish (their certificates carry it,
    /// and a key is made where none does). Publish only when all replicas run a version that knows this flag
    #[arg(
        long,
        env = "SEALED_SECRETS_HYBRID",
        default_value = "off",
        value_name = "off|prepare|publish"
    )]
    pub hybrid: String,
    /// Formats that are opened: v1,v2, or v2 alone, or v2=NAMESPACE (or v2=PREFIX*) for v2 alone there; comma-separated, repeatable
    #[arg(
        long,
        env = "SEALED_SECRETS_ACCEPT_FORMATS",
        default_value = "v1,v2",
        value_name = "FORMATS",
        value_delimiter = ','
    )]
    pub accept_formats: Vec<String>,
    /// Accept the deprecated field spec.data
    #[arg(long, env = "SEALED_SECRETS_ACCEPT_DEPRECATED_V1_DATA", default_value_t = true, value_parser = go_bool,
          num_args = 0..=1, require_equals = true, default_missing_value = "true", action = ArgAction::Set)]
    pub accept_deprecated_v1_data: bool,
    /// Serve the SealedSecrets of all namespaces
    #[arg(long, env = "SEALED_SECRETS_ALL_NAMESPACES", default_value_t = true, value_parser = go_bool,
          num_args = 0..=1, require_equals = true, default_missing_value = "true", action = ArgAction::Set)]
    pub all_namespaces: bool,
    /// Serve these namespaces besides the controller's own: a,b
    #[arg(long, env = "SEALED_SECRETS_ADDITIONAL_NAMESPACES", default_value = "")]
    pub additional_namespaces: String,
    /// Serve the namespaces with these labels besides the controller's own, as they come and go; needs the right to watch
    /// namespaces
    #[arg(long, env = "SEALED_SECRETS_NAMESPACE_SELECTOR", default_value = "")]
    pub namespace_selector: String,
    /// Serve only the SealedSecrets with these labels
    #[arg(long, env = "SEALED_SECRETS_LABEL_SELECTOR", default_value = "")]
    pub label_selector: String,
    /// Write the status of SealedSecrets
    #[arg(long, env = "SEALED_SECRETS_UPDATE_STATUS", default_value_t = true, value_parser = go_bool,
          num_args = 0..=1, require_equals = true, default_missing_value = "true", action = ArgAction::Set)]
    pub update_status: bool,
    /// Accepted for compatibility: key Secrets are always watched
    #[arg(long, env = "SEALED_SECRETS_WATCH_FOR_SECRETS", default_value_t = false, value_parser = go_bool,
          num_args = 0..=1, require_equals = true, default_missing_value = "true", action = ArgAction::Set)]
    pub watch_for_secrets: bool,
    /// Do not bring back Secrets that were deleted or changed
    #[arg(long, env = "SEALED_SECRETS_SKIP_RECREATE", default_value_t = false, value_parser = go_bool,
          num_args = 0..=1, require_equals = true, default_missing_value = "true", action = ArgAction::Set)]
    pub skip_recreate: bool,
    /// Delete a Secret that cannot be changed (immutable, or of another type) and make it anew; needs the right to delete
    #[arg(long, env = "SEALED_SECRETS_REPLACE_IMMUTABLE", default_value_t = false, value_parser = go_bool,
          num_args = 0..=1, require_equals = true, default_missing_value = "true", action = ArgAction::Set)]
    pub replace_immutable: bool,
    /// Make Secrets that are credentials of the cluster itself (service account and bootstrap tokens, sealing keys)
    #[arg(long, env = "SEALED_SECRETS_ALLOW_CREDENTIAL_TYPES", default_value_t = false, value_parser = go_bool,
          num_args = 0..=1, require_equals = true, default_missing_value = "true", action = ArgAction::Set)]
    pub allow_credential_types: bool,
    /// Refuse templates that call functions with random, dated or generated results
    #[arg(long, env = "SEALED_SECRETS_DENY_NONDETERMINISTIC_TEMPLATES", default_value_t = false, value_parser = go_bool,
          num_args = 0..=1, require_equals = true, default_missing_value = "true", action = ArgAction::Set)]
    pub deny_nondeterministic_templates: bool,
    /// Delete the Secret of a SealedSecret that has gone, where no garbage collection does; needs the right to delete
    #[arg(long, env = "SEALED_SECRETS_OLD_GC_BEHAVIOR", default_value_t = false, value_parser = go_bool,
          num_args = 0..=1, require_equals = true, default_missing_value = "true", action = ArgAction::Set)]
    pub old_gc_behavior: bool,
    /// Pause between two rounds in which every SealedSecret is compared with what is known of it; 0 turns them off
    #[arg(long, env = "SEALED_SECRETS_RESYNC_PERIOD", default_value = "10m", value_parser = go_duration)]
    pub resync_period: Duration,
    /// Fast retries of a failed write, before the failure is reported and the pauses grow
    #[arg(long, env = "SEALED_SECRETS_MAX_UNSEAL_RETRIES", default_value_t = 5)]
    pub max_unseal_retries: u32,
    /// Address that serves the certificate and verify
    #[arg(long, env = "SEALED_SECRETS_LISTEN_ADDR", default_value = ":8080")]
    pub listen_addr: String,
    /// Address that serves the metrics
    #[arg(long, env = "SEALED_SECRETS_LISTEN_METRICS_ADDR", default_value = ":8081")]
    pub listen_metrics_addr: String,
    /// Address that serves /healthz and /readyz alone, for the kubelet's probes; empty: none (--listen-addr serves them too)
    #[arg(long, env = "SEALED_SECRETS_LISTEN_PROBE_ADDR", default_value = "")]
    pub listen_probe_addr: String,
    /// Longest time for reading an HTTP request
    #[arg(long, env = "SEALED_SECRETS_READ_TIMEOUT", default_value = "2m", value_parser = go_duration)]
    pub read_timeout: Duration,
    /// Longest time for answering an HTTP request
    #[arg(long, env = "SEALED_SECRETS_WRITE_TIMEOUT", default_value = "2m", value_parser = go_duration)]
    pub write_timeout: Duration,
    /// Requests a second to verify, for each client
    #[arg(long, env = "SEALED_SECRETS_RATE_LIMIT", default_value_t = 2)]
    pub rate_limit: u32,
    /// Requests beyond the rate in a burst
    #[arg(long, env = "SEALED_SECRETS_RATE_LIMIT_BURST", default_value_t = 2)]
    pub rate_limit_burst: u32,
    /// Requests a second to the API server; none or a negative number: no limit (the API server has its own)
    #[arg(long, env = "SEALED_SECRETS_KUBECLIENT_QPS", allow_negative_numbers = true)]
    pub kubeclient_qps: Option<f64>,
    /// Requests to the API server in a burst; used with --kubeclient-qps
    #[arg(long, env = "SEALED_SECRETS_KUBECLIENT_BURST", default_value_t = 10)]
    pub kubeclient_burst: u32,
    /// Leave the metric that names every SealedSecret out
    #[arg(long, env = "SEALED_SECRETS_METRICS_OMIT_SECRET_LABELS", default_value_t = false, value_parser = go_bool,
          num_args = 0..=1, require_equals = true, default_missing_value = "true", action = ArgAction::Set)]
    pub metrics_omit_secret_labels: bool,
    /// DEBUG, INFO, WARN or ERROR
    #[arg(long, env = "SEALED_SECRETS_LOG_LEVEL", default_value = "INFO")]
    pub log_level: String,
    /// text or json
    #[arg(long, env = "SEALED_SECRETS_LOG_FORMAT", default_value = "text")]
    pub log_format: String,
    /// Log up to INFO to stdout; else everything goes to stderr
    #[arg(long, env = "SEALED_SECRETS_LOG_INFO_STDOUT", default_value_t = true, value_parser = go_bool,
          num_args = 0..=1, require_equals = true, default_missing_value = "true", action = ArgAction::Set)]
    pub log_info_stdout: bool,
    /// Name of the controller's Service, as kubeseal's --controller-name; the Lease and the ConfigMap of the certificate
    /// are named after it
    #[arg(long, env = "SEALED_SECRETS_CONTROLLER_NAME", default_value = names::DEFAULT_CONTROLLER_NAME)]
    pub controller_name: String,
    /// Let one of several replicas write, chosen by a Lease; off: this is the only one
    #[arg(long, env = "SEALED_SECRETS_LEADER_ELECT", default_value_t = true, value_parser = go_bool,
          num_args = 0..=1, require_equals = true, default_missing_value = "true", action = ArgAction::Set)]
    pub leader_elect: bool,
    /// How long a leader that is heard of no more is respected; grows by itself while the API server answers slowly
    #[arg(long, env = "SEALED_SECRETS_LEADER_ELECT_LEASE_DURATION", default_value = "12s", value_parser = go_duration)]
    pub leader_elect_lease_duration: Duration,
    /// How long a leader writes after the begin of its last renewal
    #[arg(long, env = "SEALED_SECRETS_LEADER_ELECT_RENEW_DEADLINE", default_value = "8s", value_parser = go_duration)]
    pub leader_elect_renew_deadline: Duration,
    /// Time from one renewal of the Lease to the next
    #[arg(long, env = "SEALED_SECRETS_LEADER_ELECT_RETRY_PERIOD", default_value = "2s", value_parser = go_duration)]
    pub leader_elect_retry_period: Duration,
    /// Kubeconfig file, for a controller outside the cluster (KUBECONFIG works too)
    #[arg(long, env = "SEALED_SECRETS_KUBECONFIG")]
    pub kubeconfig: Option<PathBuf>,
    /// Take what the reference does not know off all statuses, and exit: for the way back to it, with no controller running
    #[arg(long, default_value_t = false, value_parser = go_bool,
          num_args = 0..=1, require_equals = true, default_missing_value = "true", action = ArgAction::Set)]
    pub strip_status: bool,
    /// Print the version and exit
    #[arg(long, env = "SEALED_SECRETS_VERSION", default_value_t = false, value_parser = go_bool,
          num_args = 0..=1, require_equals = true, default_missing_value = "true", action = ArgAction::Set)]
    pub version: bool,
}

/// What `--version` prints: `controller version: vX.Y.Z`.
pub(crate) fn version_line() -> String {
    format!("controller version: {VERSION}")
}

/// The version with a leading `v`, as the reference's releases have it.
pub(crate) const VERSION: &str = concat!("v", env!("CARGO_PKG_VERSION"));

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Result<Args, clap::Error> {
        Args::try_parse_from(std::iter::once("controller").chain(words.iter().copied()))
    }

    #[test]
    fn booleans_are_typed_as_pflag_takes_them() {
        assert!(!parse(&["--update-status=false"]).unwrap().update_status);
        assert!(parse(&["--skip-recreate"]).unwrap().skip_recreate);
        assert!(
            !parse(&["--skip-recreate", "--skip-recreate=F"]).unwrap().skip_recreate,
            "the last one wins"
        );
        // pflag would take `false` as a word of its own and leave the flag true; we say that it is not understood.
        assert_eq!(parse(&["--update-status", "false"]).unwrap_err().exit_code(), 2);
    }

    #[test]
    fn what_is_not_understood_exits_with_2() {
        for words in [
            &["--no-such-flag"][..],
            &["--old-gc-behavior=perhaps"],
            &["--key-size=big"],
            &["--key-ttl=10"],
            &["--read-timeout=-5s"],
            &["--update-status=perhaps"],
            &["--rate-limit=-1"],
            &["word"],
        ] {
            assert_eq!(parse(words).unwrap_err().exit_code(), 2, "{words:?}");
        }
    }

    #[test]
    fn the_version_has_the_shape_that_the_references_suite_wants() {
        let rest = version_line().strip_prefix("controller version: v").unwrap().to_owned();
        assert_eq!(
            rest.split('.').filter(|part| part.parse::<u32>().is_ok()).count(),
            3,
            "{rest}"
        );
    }
}
