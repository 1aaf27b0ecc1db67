//! The settings: [`Args`] parsed and validated, so that nothing below has to ask whether a value makes sense.

mod formats;
mod scope;
mod watches;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv6Addr, SocketAddr};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use crds::names;
use jiff::Timestamp;
use thiserror::Error;

use crate::args::Args;
use crate::lease::LeaseTimes;
pub(crate) use formats::{AcceptedFormats, HybridKeys};
pub(crate) use watches::WATCH_SECONDS;
use watches::watch_seconds;

/// Everything that was asked for.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// Sealing keys.
    pub keys: KeySettings,
    /// What is served.
    pub scope: ServedScope,
    /// How SealedSecrets are handled.
    pub reconcile: ReconcileSettings,
    /// Pause between two rounds over all SealedSecrets; `None`: there are none.
    pub resync_period: Option<Duration>,
    /// The HTTP servers.
    pub http: HttpSettings,
    /// This installation among others, and this replica among its like.
    pub installation: InstallationSettings,
    /// The API server's client.
    pub api: ApiSettings,
    /// Logging.
    pub log: LogSettings,
}

/// Sealing keys: how they are found, ordered, made and renewed.
#[derive(Debug, Clone)]
pub(crate) struct KeySettings {
    /// `generateName` of new key Secrets, and the exact name of a key Secret of version 0.8.
    pub prefix: String,
    /// Bits of new keys.
    pub bits: usize,
    /// Validity of new certificates.
    pub ttl: Duration,
    /// Common name of new certificates; may be empty.
    pub common_name: String,
    /// Age at which the current key is followed by a new one; `None`: never.
    pub renew_period: Option<Duration>,
    /// A current key older than this is followed by a new one.
    pub cutoff: Option<Timestamp>,
    /// What orders the keys.
    pub order: KeyOrder,
    /// Labels of new key Secrets.
    pub labels: BTreeMap<String, String>,
    /// Annotations of new key Secrets.
    pub annotations: BTreeMap<String, String>,
    /// What new keys are for, besides version 1.
    pub hybrid: HybridKeys,
}

/// What orders the keys; the newest is the current one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyOrder {
    /// Begin of the certificate's validity.
    CertNotBefore,
    /// Creation of the key Secret.
    SecretCreationTimestamp,
}

/// Which SealedSecrets are served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServedScope {
    /// `None`: all namespaces. Else the controller's own and these.
    pub additional_namespaces: Option<BTreeSet<String>>,
    /// Label selector of namespaces that are served besides.
    pub namespace_selector: Option<String>,
    /// Kubernetes label selector.
    pub label_selector: Option<String>,
}

/// How SealedSecrets are handled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReconcileSettings {
    /// Whether the status is written.
    pub update_status: bool,
    /// Whether a Secret that was deleted or changed is brought back.
    pub repair: bool,
    /// Fast retries of a failure that may pass by itself.
    pub fast_retries: u32,
    /// Whether the deprecated `spec.data` is opened.
    pub accept_deprecated_data: bool,
    /// Which versions of the format are opened.
    pub formats: AcceptedFormats,
    /// Whether a Secret that cannot be changed is deleted and made anew.
    pub replace_immutable: bool,
    /// Whether Secrets are made that Kubernetes takes for credentials of its own.
    pub allow_credential_types: bool,
    /// Whether templates with results that differ from one time to the next are refused.
    pub deny_nondeterministic_templates: bool,
    /// Whether the Secret of a SealedSecret that has gone is deleted here, not only by garbage collection.
    pub delete_secrets: bool,
}

/// The HTTP servers.
#[derive(Debug, Clone)]
pub(crate) struct HttpSettings {
    /// Where certificate and verify are served.
    pub listen: SocketAddr,
    /// Where metrics are served.
    pub listen_metrics: SocketAddr,
    /// Where the probes are served besides.
    pub listen_probe: Option<SocketAddr>,
    /// Longest time for reading a request.
    pub read_timeout: Duration,
    /// Longest time for answering a request.
    pub write_timeout: Duration,
    /// Requests a second for each client.
    pub rate: NonZeroU32,
    /// Requests beyond the rate in a burst.
    pub burst: u32,
    /// Whether the metric that names every SealedSecret is left out.
    pub omit_secret_labels: bool,
}

/// This installation among others, and this replica among its like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InstallationSettings {
    /// Name of the Service and of the Lease; the ConfigMap's begins with it.
    pub name: String,
    /// Whether one of several replicas is chosen to write; else this is the only one.
    pub leader_elect: bool,
    /// The times of the election.
    pub lease: LeaseTimes,
}

/// The API server's client.
#[derive(Debug, Clone)]
pub(crate) struct ApiSettings {
    /// Kubeconfig file; else KUBECONFIG, else the Pod's own service account.
    pub kubeconfig: Option<PathBuf>,
    /// Requests a second and in a burst; `None`: no limit.
    pub limit: Option<(f64, NonZeroU32)>,
    /// How long each watch is asked for.
    pub watch_seconds: u32,
}

/// Logging.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LogSettings {
    /// Least severe level that is written.
    pub level: tracing::Level,
    /// Whether lines are JSON objects.
    pub json: bool,
    /// Whether levels up to INFO go to stdout.
    pub info_to_stdout: bool,
}

/// A value that makes no sense. Names the flag.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("invalid value {value:?} for --{flag}: {reason}")]
pub(crate) struct SettingsError {
    flag: &'static str,
    value: String,
    reason: String,
}

fn wrong(flag: &'static str, value: impl ToString, reason: impl Into<String>) -> SettingsError {
    SettingsError {
        flag,
        value: value.to_string(),
        reason: reason.into(),
    }
}

impl Settings {
    /// Validates what was typed.
    ///
    /// # Errors
    /// [`SettingsError`] for the first value that makes no sense.
    pub(crate) fn new(args: Args) -> Result<Self, SettingsError> {
        let scope = scope::scope(&args)?;
        // Of each namespace two kinds are watched, of the controller's own also the keys. How many will have labels is not known.
        let namespaces = match &scope.namespace_selector {
            None => scope.additional_namespaces.as_ref().map_or(0, BTreeSet::len) + 1,
            Some(_) => usize::MAX / 4,
        };
        Ok(Self {
            keys: keys(&args)?,
            scope,
            reconcile: ReconcileSettings {
                update_status: args.update_status,
                repair: !args.skip_recreate,
                fast_retries: args.max_unseal_retries,
                accept_deprecated_data: args.accept_deprecated_v1_data,
                formats: AcceptedFormats::of(&args.accept_formats.join(","))?,
                replace_immutable: args.replace_immutable,
                allow_credential_types: args.allow_credential_types,
                deny_nondeterministic_templates: args.deny_nondeterministic_templates,
                delete_secrets: args.old_gc_behavior,
            },
            resync_period: Some(args.resync_period).filter(|period| !period.is_zero()),
            http: http(&args)?,
            installation: installation(&args)?,
            log: log(&args)?,
            api: ApiSettings {
                limit: api_limit(&args)?,
                watch_seconds: watch_seconds(2 * namespaces + 1),
                kubeconfig: args.kubeconfig,
            },
        })
    }
}

/// Longest key prefix: the API server adds eight characters, and names end at 253 (the reference's limit).
const LONGEST_PREFIX: usize = 245;
/// Longest validity of a certificate, a thousand years: X.509 ends with the year 9999.
const LONGEST_TTL: Duration = Duration::from_secs(8_760_000 * 3600);

fn keys(args: &Args) -> Result<KeySettings, SettingsError> {
    let prefix = &args.key_prefix;
    if prefix.is_empty() || prefix.len() > LONGEST_PREFIX {
        return Err(wrong(
            "key-prefix",
            prefix,
            format!("must have 1 to {LONGEST_PREFIX} characters"),
        ));
    }
    if let Some(illegal) = prefix.chars().find(|c| !matches!(c, 'a'..='z' | '0'..='9' | '-')) {
        return Err(wrong(
            "key-prefix",
            prefix,
            format!("name contains illegal character {illegal}"),
        ));
    }
    if ![2048, 3072, 4096, 8192].contains(&args.key_size) {
        return Err(wrong("key-size", args.key_size, "must be 2048, 3072, 4096 or 8192"));
    }
    if args.key_ttl.is_zero() || args.key_ttl > LONGEST_TTL {
        let hours = format!("{}h", args.key_ttl.as_secs() / 3600);
        return Err(wrong("key-ttl", hours, "must be longer than 0 and at most 8760000h"));
    }
    let order = match args.key_order_priority.as_str() {
        "CertNotBefore" => KeyOrder::CertNotBefore,
        "SecretCreationTimestamp" => KeyOrder::SecretCreationTimestamp,
        other => {
            return Err(wrong(
                "key-order-priority",
                other,
                "must be CertNotBefore or SecretCreationTimestamp",
            ));
        }
    };
    let period = args.rotate_period.unwrap_or(args.key_renew_period);
    let mut labels = pairs("privatekey-labels", &args.privatekey_labels)?;
    labels.remove(names::LABEL_SEALING_KEY);
    Ok(KeySettings {
        prefix: prefix.clone(),
        bits: args.key_size,
        ttl: args.key_ttl,
        common_name: args.my_cn.clone(),
        renew_period: Some(period).filter(|period| !period.is_zero()),
        cutoff: cutoff(&args.key_cutoff_time)?,
        order,
        labels,
        annotations: pairs("privatekey-annotations", &args.privatekey_annotations)?,
        hybrid: HybridKeys::of(&args.hybrid)?,
    })
}

fn cutoff(text: &str) -> Result<Option<Timestamp>, SettingsError> {
    if text.is_empty() {
        return Ok(None);
    }
    let parsed = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text);
    parsed
        .map(Some)
        .map_err(|_| wrong("key-cutoff-time", text, "must be an instant as `date -R` prints it"))
}

/// `k=v,k=v`; empty parts are passed over.
fn pairs(flag: &'static str, text: &str) -> Result<BTreeMap<String, String>, SettingsError> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts
        .map(|part| match part.split_once('=') {
            Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
            _ => Err(wrong(flag, text, "must be a list such as key=value,key=value")),
        })
        .collect()
}

/// Longest name of a Service (RFC 1035 label).
const LONGEST_SERVICE_NAME: usize = 63;

fn installation(args: &Args) -> Result<InstallationSettings, SettingsError> {
    let name = &args.controller_name;
    let allowed = |c: char| matches!(c, 'a'..='z' | '0'..='9' | '-');
    let label = (1..=LONGEST_SERVICE_NAME).contains(&name.len())
        && name.chars().all(allowed)
        && !name.starts_with('-')
        && !name.ends_with('-');
    if !label {
        return Err(wrong("controller-name", name, "must be the name of a Service"));
    }
    Ok(InstallationSettings {
        name: name.clone(),
        leader_elect: args.leader_elect,
        lease: lease(args)?,
    })
}

fn lease(args: &Args) -> Result<LeaseTimes, SettingsError> {
    let times = LeaseTimes {
        lease_duration: args.leader_elect_lease_duration,
        renew_deadline: args.leader_elect_renew_deadline,
        retry_period: args.leader_elect_retry_period,
    };
    let said = format!("{:?}", times.lease_duration);
    let fault = times
        .fault()
        .map(|fault| wrong("leader-elect-lease-duration", said, fault));
    fault.map_or(Ok(times), Err)
}

fn http(args: &Args) -> Result<HttpSettings, SettingsError> {
    let not_zero = |flag, duration: Duration| {
        if duration.is_zero() {
            Err(wrong(flag, "0", "must be longer than 0"))
        } else {
            Ok(duration)
        }
    };
    Ok(HttpSettings {
        listen: address("listen-addr", &args.listen_addr)?,
        listen_metrics: address("listen-metrics-addr", &args.listen_metrics_addr)?,
        listen_probe: match args.listen_probe_addr.as_str() {
            "" => None,
            text => Some(address("listen-probe-addr", text)?),
        },
        read_timeout: not_zero("read-timeout", args.read_timeout)?,
        write_timeout: not_zero("write-timeout", args.write_timeout)?,
        rate: NonZeroU32::new(args.rate_limit).ok_or_else(|| wrong("rate-limit", 0, "must be at least 1"))?,
        burst: args.rate_limit_burst,
        omit_secret_labels: args.metrics_omit_secret_labels,
    })
}

/// `:8080` (every address, both families) or `IP:port`.
fn address(flag: &'static str, text: &str) -> Result<SocketAddr, SettingsError> {
    let reason = "must be `:port` or `IP:port`";
    if let Some(port) = text.strip_prefix(':') {
        let port = port.parse().map_err(|_| wrong(flag, text, reason))?;
        return Ok(SocketAddr::from((Ipv6Addr::UNSPECIFIED, port)));
    }
    text.parse().map_err(|_| wrong(flag, text, reason))
}

fn api_limit(args: &Args) -> Result<Option<(f64, NonZeroU32)>, SettingsError> {
    let Some(qps) = args.kubeclient_qps.filter(|qps| *qps >= 0.0 || qps.is_nan()) else {
        return Ok(None);
    };
    if !qps.is_finite() || qps < 0.001 {
        return Err(wrong(
            "kubeclient-qps",
            qps,
            "must be a number above 0, or negative for no limit",
        ));
    }
    let burst = NonZeroU32::new(args.kubeclient_burst);
    Ok(Some((
        qps,
        burst.ok_or_else(|| wrong("kubeclient-burst", 0, "must be at least 1"))?,
    )))
}

fn log(args: &Args) -> Result<LogSettings, SettingsError> {
    let level = match args.log_level.to_ascii_uppercase().as_str() {
        "DEBUG" => tracing::Level::DEBUG,
        "INFO" | "" => tracing::Level::INFO,
        "WARN" | "WARNING" => tracing::Level::WARN,
        "ERROR" => tracing::Level::ERROR,
        _ => {
            return Err(wrong(
                "log-level",
                &args.log_level,
                "must be DEBUG, INFO, WARN or ERROR",
            ));
        }
    };
    let json = match args.log_format.as_str() {
        "text" | "" => false,
        "json" => true,
        other => return Err(wrong("log-format", other, "must be text or json")),
    };
    Ok(LogSettings {
        level,
        json,
        info_to_stdout: args.log_info_stdout,
    })
}

#[cfg(test)]
mod tests;
