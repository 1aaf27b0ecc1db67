//! The metrics, with the reference's names, types and labels.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crds::names;
use jiff::Timestamp;
use prometheus::core::Collector;
use prometheus::{
    CounterVec, Encoder as _, Gauge, Histogram, HistogramOpts, HistogramVec, IntCounter, IntGauge, IntGaugeVec, Opts,
    Registry, TextEncoder,
};

use sealing::key::Fingerprint;

use crate::contact::Contacts;
use crate::index::{Index, SealedEntry};
use crate::keys::Keys;
use crate::keys::registry::KeyCounts;

/// Label of a SealedSecret that `condition_info` repeats.
pub(crate) const INSTANCE_LABEL: &str = "app.kubernetes.io/instance";

const CONDITION_INFO: &str = "sealed_secrets_controller_condition_info";
const OBJECTS: &str = "sealed_secrets_controller_objects";
const OBJECTS_HELP: &str =
    "SealedSecrets by the fingerprint of the key that opened them last; one of several keys counts for each.";
const OBJECTS_WITHOUT_KEY: &str = "sealed_secrets_controller_objects_without_key";
const OBJECTS_WITHOUT_KEY_HELP: &str =
    "SealedSecrets that were opened last with a key that is not held any more; one of several keys counts for each.";
const CONDITION_INFO_HELP: &str =
    "Current SealedSecret condition status. Values are -1 (false), 0 (unknown or absent), 1 (true)";
const CERTIFICATE_BEGIN_HELP: &str = "Begin of the certificate that seals now, as Unix time; 0 while there is none.";
const CERTIFICATE_END_HELP: &str = "End of the certificate that seals now, as Unix time; 0 while there is none.";
const LAST_CONTACT_HELP: &str = "Unix time of the API server's last good answer: of the watches of several namespaces, the \
    worst; of the Lease, its last renewal or look.";
const LAST_SYNC_HELP: &str = "Unix time at which a SealedSecret was last found or made in sync, or a resync ended.";
const KEY_OPERATIONS_HELP: &str =
    "Attempts to open something with a private key, for the cluster and for callers of the HTTP server.";

/// Every metric that is exported. Cheap to share behind an `Arc`.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    /// Passes over a SealedSecret, deletions included.
    pub unseal_requests: IntCounter,
    unseal_errors: CounterVec,
    /// What is known of the SealedSecrets, which is told as it is when it is asked for.
    index: Arc<Index>,
    /// Whether each of them is shown.
    shows_conditions: bool,
    /// SealedSecrets whose key is not held (ours).
    objects_without_key: IntGauge,
    /// Fingerprints of the keys that are held; none before the first list of them.
    held: Mutex<Option<HashSet<String>>>,
    /// Requests by path, code and method.
    pub http_requests: CounterVec,
    /// Seconds by path and method.
    pub http_durations: HistogramVec,
    key_gauges: KeyGauges,
    /// SealedSecrets that cannot be read (ours).
    pub unreadable_objects: IntGauge,
    /// Seconds in which the items of one SealedSecret were opened (ours).
    pub unseal_durations: Histogram,
    /// SealedSecrets that wait for a pass (ours).
    pub queue_length: IntGauge,
    /// Unix time of the current certificate's begin and end; 0 while there is none (ours).
    certificate_times: (IntGauge, IntGauge),
    /// Private-key operations that no scrape has told yet; key rings count here.
    pub key_operations: Arc<AtomicU64>,
    key_operations_total: IntCounter,
    leader: IntGauge,
    /// When the API server answered last (ours).
    pub contacts: Arc<Contacts>,
    last_contact: IntGaugeVec,
    last_sync: IntGauge,
}

/// How many keys there are of each kind (ours).
#[derive(Debug)]
struct KeyGauges {
    malformed: IntGauge,
    hybrid: IntGauge,
    hybrid_faults: IntGauge,
    short: IntGauge,
    held: IntGauge,
}

impl KeyGauges {
    fn new(new: &Registering<'_>) -> Result<Self, prometheus::Error> {
        let faults = "Sealing keys whose hybrid key is missing or broken.";
        Ok(Self {
            malformed: new.gauge("malformed_keys", "Key Secrets that hold no usable key.")?,
            hybrid: new.gauge("hybrid_keys", "Sealing keys that open format v2.")?,
            hybrid_faults: new.gauge("hybrid_key_faults", faults)?,
            short: new.gauge("short_keys", "Sealing keys that are too short to seal with.")?,
            held: new.gauge("held_keys", "Sealing keys that are held for opening.")?,
        })
    }

    fn show(&self, held: usize, counts: KeyCounts) {
        let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        self.malformed.set(number(counts.malformed));
        self.hybrid.set(number(counts.hybrid));
        self.hybrid_faults.set(number(counts.hybrid_faults));
        self.short.set(number(counts.short));
        self.held.set(number(held));
    }
}

/// Makes metrics of the common prefix and registers them.
struct Registering<'a>(&'a Registry);

impl Registering<'_> {
    fn register<T: Collector + Clone + 'static>(
        &self,
        metric: Result<T, prometheus::Error>,
    ) -> Result<T, prometheus::Error> {
        let metric = metric?;
        self.0.register(Box::new(metric.clone()))?;
        Ok(metric)
    }

    fn opts(name: &str, help: &str) -> Opts {
        Opts::new(format!("sealed_secrets_controller_{name}"), help)
    }

    fn counter(&self, name: &str, help: &str) -> Result<IntCounter, prometheus::Error> {
        self.register(IntCounter::with_opts(Self::opts(name, help)))
    }

    fn counters(&self, name: &str, help: &str, labels: &[&str]) -> Result<CounterVec, prometheus::Error> {
        self.register(CounterVec::new(Self::opts(name, help), labels))
    }

    fn gauge(&self, name: &str, help: &str) -> Result<IntGauge, prometheus::Error> {
        self.register(IntGauge::with_opts(Self::opts(name, help)))
    }
}

impl Metrics {
    /// Registers everything. `version` is the value of the label `revision`.
    ///
    /// # Errors
    /// A name or label that Prometheus does not allow; cannot happen with the constants here.
    pub(crate) fn new(version: &str, omit_secret_labels: bool, index: Arc<Index>) -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let new = Registering(&registry);
        let build_info = Registering::opts("build_info", "Build information.").const_label("revision", version);
        new.register(Gauge::with_opts(build_info))?.set(1.0);
        // A process that has just begun is not late.
        let last_sync = new.gauge("last_sync_timestamp_seconds", LAST_SYNC_HELP)?;
        last_sync.set(Timestamp::now().as_second());
        #[cfg(target_os = "linux")]
        registry.register(Box::new(prometheus::process_collector::ProcessCollector::for_self()))?;
        let http_durations = HistogramOpts::from(Registering::opts(
            "http_request_duration_seconds",
            "A histogram of latencies for requests.",
        ));
        let unseal_durations = HistogramOpts::from(Registering::opts(
            "unseal_duration_seconds",
            "Time in which the items of one SealedSecret are opened, pauses for other work included. Neither the wait before \
             it nor rendering templates is part of it.",
        ));
        let buckets = prometheus::exponential_buckets(0.001, 2.0, 14)?;
        Ok(Self {
            unseal_requests: new.counter("unseal_requests_total", "Total number of sealed secret unseal requests")?,
            unseal_errors: new.counters(
                "unseal_errors_total",
                "Total number of sealed secret unseal errors by reason",
                &["reason", "namespace"],
            )?,
            index,
            shows_conditions: !omit_secret_labels,
            objects_without_key: new.register(IntGauge::new(OBJECTS_WITHOUT_KEY, OBJECTS_WITHOUT_KEY_HELP))?,
            held: Mutex::default(),
            http_requests: new.counters(
                "http_requests_total",
                "A counter for requests to the wrapped handler.",
                &["path", "code", "method"],
            )?,
            http_durations: new.register(HistogramVec::new(http_durations, &["path", "method"]))?,
            key_gauges: KeyGauges::new(&new)?,
            unreadable_objects: new.gauge(
                "unreadable_objects",
                "SealedSecrets that cannot be read, and are skipped.",
            )?,
            unseal_durations: new.register(Histogram::with_opts(unseal_durations.buckets(buckets)))?,
            queue_length: new.gauge("queue_length", "SealedSecrets that wait for a pass.")?,
            certificate_times: (
                new.gauge("certificate_not_before_timestamp_seconds", CERTIFICATE_BEGIN_HELP)?,
                new.gauge("certificate_not_after_timestamp_seconds", CERTIFICATE_END_HELP)?,
            ),
            key_operations: Arc::default(),
            key_operations_total: new.counter("private_key_operations_total", KEY_OPERATIONS_HELP)?,
            contacts: Arc::default(),
            last_contact: new.register(IntGaugeVec::new(
                Registering::opts("last_contact_timestamp_seconds", LAST_CONTACT_HELP),
                &["resource"],
            ))?,
            last_sync,
            leader: new.gauge("leader", "1 while this replica leads, and writes; else 0.")?,
            registry: registry.clone(),
        })
    }

    /// Shows the keys that are held, and how many there are of each kind.
    pub(crate) fn show_keys(&self, keys: &Keys, counts: KeyCounts) {
        let held: HashSet<_> = keys.ring.fingerprints().map(ToString::to_string).collect();
        self.key_gauges.show(held.len(), counts);
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = Some(held);
        let (begin, end) = keys.current.as_ref().map_or((0, 0), |current| {
            (
                current.cert.not_before().as_second(),
                current.cert.not_after().as_second(),
            )
        });
        self.certificate_times.0.set(begin);
        self.certificate_times.1.set(end);
    }

    /// A SealedSecret is in sync, or all were compared.
    pub(crate) fn note_sync(&self) {
        self.last_sync.set(Timestamp::now().as_second());
    }

    /// Counts a failure by its label of the error table.
    pub(crate) fn count_error(&self, reason: &str, namespace: &str) {
        self.unseal_errors.with_label_values(&[reason, namespace]).inc();
    }

    /// Removes the series of other namespaces than these.
    pub(crate) fn retain_namespaces(&self, namespaces: &HashSet<String>) {
        for family in self.unseal_errors.collect() {
            for metric in family.get_metric() {
                let label = |name: &str| {
                    let mut labels = metric.get_label().iter();
                    labels
                        .find(|label| label.name() == name)
                        .map_or("", |label| label.value())
                };
                if !namespaces.contains(label("namespace")) {
                    // It is there: it was told just now.
                    let _ = self
                        .unseal_errors
                        .remove_label_values(&[label("reason"), label("namespace")]);
                }
            }
        }
    }

    /// The series of the SealedSecrets: their conditions, and how many there are for each key that opened them.
    fn objects(&self) -> String {
        let (mut text, mut objects) = (String::new(), BTreeMap::<Fingerprint, i64>::new());
        let head = |name, help| format!("# HELP {name} {help}\n# TYPE {name} gauge\n");
        if self.shows_conditions {
            text += &head(CONDITION_INFO, CONDITION_INFO_HELP);
        }
        self.index.show_all(|namespace, name, entry| {
            for key in &*entry.status.opened_by {
                match objects.get_mut(key) {
                    Some(count) => *count += 1,
                    None => drop(objects.insert(key.clone(), 1)),
                }
            }
            if self.shows_conditions {
                condition_lines(&mut text, (namespace, name), entry);
            }
        });
        text += &head(OBJECTS, OBJECTS_HELP);
        for (key, count) in &objects {
            text += &format!("{OBJECTS}{{key=\"{key}\"}} {count}\n");
        }
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = held.as_ref() {
            let lost = objects.iter().filter(|(key, _)| !held.contains(key.as_str()));
            self.objects_without_key.set(lost.map(|(_, count)| count).sum());
        }
        text
    }

    /// The text format 0.0.4. Of several replicas only the one that `leads` tells of the SealedSecrets, so that a sum over the
    /// replicas counts each object once.
    ///
    /// # Errors
    /// A metric without a name; cannot happen with the constants here.
    pub(crate) fn text(&self, leads: bool) -> Result<Vec<u8>, prometheus::Error> {
        // Taken out as they are told, so that two scrapes at a time tell none twice.
        let told_now = self.key_operations.swap(0, Ordering::Relaxed);
        self.key_operations_total.inc_by(told_now);
        self.leader.set(i64::from(leads));
        let mut text = if leads { self.objects() } else { String::new() }.into_bytes();
        for (asked, time) in self.contacts.oldest() {
            self.last_contact.with_label_values(&[asked.name()]).set(time);
        }
        if !leads {
            // What it knows of waits for the leader's passes.
            self.queue_length.set(0);
        }
        let mut families = self.registry.gather();
        families.retain(|family| leads || family.name() != OBJECTS_WITHOUT_KEY);
        TextEncoder::new().encode(&families, &mut text)?;
        Ok(text)
    }
}

/// The series of an object's conditions. Names and labels of Kubernetes hold nothing that the text format escapes; what a
/// strange API server might let in is not shown.
fn condition_lines(text: &mut String, (namespace, name): (&str, &str), entry: &SealedEntry) {
    let instance = entry.instance.as_deref().unwrap_or_default();
    if [namespace, name, instance]
        .iter()
        .any(|value| value.contains(['\\', '"', '\n']))
    {
        return;
    }
    for (condition, value) in names::CONDITION_TYPES.iter().zip(entry.status.conditions) {
        let Some(value) = value else { continue };
        // Into a text, which takes everything.
        let _ = writeln!(
            text,
            "{CONDITION_INFO}{{condition=\"{condition}\",name=\"{name}\",namespace=\"{namespace}\",\
             ss_app_kubernetes_io_instance=\"{instance}\"}} {value}"
        );
    }
}

#[cfg(test)]
mod tests;
