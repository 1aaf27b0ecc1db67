//! Keeps track of the keys, and makes the next key when it is time.

mod make;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt as _, stream};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use sealing::key::{Fingerprint, KeyError};
use sealing::key_secret::KeySecretError;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::registry::{Change, KeyRegistry, KeySecret};
use super::rotation::Rotation;
use super::schedule;
use super::watcher::{self, KeyApi, KeyNews};
use super::{Keys, KeysReader};
use crate::backoff;
use crate::error::{EVENT_KEY_GONE, EVENT_KEY_HYBRID, EVENT_KEY_MALFORMED, EVENT_KEY_SHORT, chain};
use crate::events::{EventType, Events, Notice, Subject};
use crate::lease::leadership::Leadership;
use crate::metrics::Metrics;
use crate::relist::Relists;
use crate::settings::KeySettings;

/// Key Secrets that are read at a time.
const READ_AT_ONCE: usize = 4;
/// Pause before a key Secret that could not be read is read again.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
/// How long a replica that does not lead remembers that a key was requested: the leader may be dead.
const ASKED_FOR: Duration = Duration::from_secs(12);
/// Most events about key Secrets that a replica that does not lead keeps.
const UNREPORTED: usize = 64;

/// What happens to a key whose Secret is gone.
const KEPT: &str = "its key is kept for opening until the next start, and then is lost for good";
/// What happens to a key whose Secret holds another one.
const FORMER: &str = "the former key is kept for opening until the next start, and then is lost for good";

/// What to do about values that were sealed with a key of a size that is not supported.
const WAY_OUT: &str =
    "unseal with the reference's `kubeseal --recovery-unseal --recovery-private-key` and that key, and seal again";
/// What to do about a key that is too short to seal with.
const SHORT: &str = "it opens what was sealed with it, and seals nothing more: `kubeseal reseal` moves the values to another key, \
                     and `kubeseal lint` finds them (weak-key)";

/// Holds the keys of one namespace.
pub(crate) struct KeyStore {
    api: KeyApi,
    namespace: String,
    settings: KeySettings,
    events: Events,
    metrics: Arc<Metrics>,
    leadership: Leadership,
    relists: Relists,
    stop: CancellationToken,
    /// Events about key Secrets that were not posted, because this replica does not lead.
    unreported: Vec<(Subject, Notice)>,
    registry: KeyRegistry,
    published: watch::Sender<Arc<Keys>>,
    listed: bool,
    /// Key Secrets that changed or seem to be gone, and could not be read yet: their keys stay as they were.
    unsure: BTreeSet<String>,
    /// When they are read again.
    look_at: Instant,
    /// Since when there is no active key, in a controller that has had one.
    lacking_since: Option<Instant>,
    /// When this process made a key last.
    made: Option<Instant>,
    /// Key Secrets from the future that were logged.
    named: BTreeSet<String>,
    rotation: Rotation,
    /// The key whose certificate was logged last.
    logged: Option<Fingerprint>,
    /// When a key was requested while another replica led.
    asked_at: Option<Instant>,
}

impl KeyStore {
    /// A store of the keys in `namespace`, which `api` reaches, and the receiver of its keys. It makes keys while this replica
    /// leads, until `stop`.
    pub(crate) fn new(
        api: KeyApi,
        namespace: String,
        settings: KeySettings,
        events: Events,
        metrics: Arc<Metrics>,
        (leadership, relists, stop): (Leadership, Relists, CancellationToken),
    ) -> (Self, KeysReader) {
        let (published, reader) = watch::channel(Arc::new(Keys::default()));
        let registry = KeyRegistry::new(settings.order, metrics.key_operations.clone());
        let store = Self {
            api,
            namespace,
            settings,
            events,
            metrics,
            leadership,
            relists,
            stop,
            unreported: Vec::new(),
            registry,
            published,
            listed: false,
            unsure: BTreeSet::new(),
            look_at: Instant::now(),
            lacking_since: None,
            made: None,
            named: BTreeSet::new(),
            rotation: Rotation::default(),
            logged: None,
            asked_at: None,
        };
        (store, reader)
    }

    /// Follows the key Secrets and makes keys when it is time, or when `asked` receives a request. Ends with the process.
    pub(crate) async fn run(mut self, mut asked: mpsc::Receiver<()>) {
        info!("Searching for existing private keys");
        let (sender, mut news) = mpsc::channel(16);
        let (api, legacy) = (self.api.clone(), self.settings.prefix.clone());
        tokio::spawn(watcher::follow(api, legacy, sender, self.relists.clone()));
        while !self.stop.is_cancelled() {
            self.turn(&mut news, &mut asked).await;
        }
    }

    /// Waits for the next event and handles it. There is one every few seconds, so no pause may start over each time.
    async fn turn(&mut self, news: &mut mpsc::Receiver<KeyNews>, asked: &mut mpsc::Receiver<()>) {
        let due = self.due();
        tokio::select! {
            Some(said) = news.recv() => self.hear(said).await,
            Some(()) = asked.recv() => self.make_as_asked().await,
            () = self.leadership.changed() => self.has_changed_place().await,
            () = tokio::time::sleep_until(self.look_at), if !self.unsure.is_empty() => self.look_again().await,
            () = backoff::until(due) => {
                // The time alone can make another key current.
                self.publish();
                if self.is_due() {
                    self.make_if_still_due().await;
                }
            }
            () = self.stop.cancelled() => {}
        }
    }

    async fn hear(&mut self, news: KeyNews) {
        match news {
            KeyNews::Listed(secrets) => {
                let lost = self.registry.names_besides(&secrets);
                self.see(secrets).await;
                for name in lost {
                    self.look(&name).await;
                }
                self.listed = true;
            }
            KeyNews::Changed(name) => self.look(&name).await,
        }
        self.publish();
    }

    /// Parses key Secrets, several at a time: each private key is checked.
    async fn see(&mut self, secrets: Vec<Secret>) {
        let legacy = self.settings.prefix.clone();
        let read = move |secret: Secret| {
            let legacy = legacy.clone();
            tokio::task::spawn_blocking(move || KeySecret::read(&secret, &legacy))
        };
        let mut reading = stream::iter(secrets).map(read).buffered(READ_AT_ONCE);
        while let Some(read) = reading.next().await {
            read.into_iter().for_each(|secret| self.seen(secret));
        }
    }

    fn seen(&mut self, secret: KeySecret) {
        let (name, uid) = (secret.name.clone(), secret.version.0.clone());
        let short = secret.short_key();
        let change = self.registry.seen(secret);
        if let (Some(bits), Some(Change::Loaded | Change::Replaced)) = (short, &change) {
            let message = format!("The Secret holds a key of {bits} bits, which is breakable: {SHORT}");
            warn!(secretname = name, "a key of {bits} bits is breakable: {SHORT}");
            self.tell((&name, &uid), EVENT_KEY_SHORT, message);
        }
        if change.is_some()
            && let Some(fault) = self.registry.hybrid_fault(&name)
        {
            let message = format!("The Secret's hybrid key: {fault}");
            warn!(secretname = name, "the hybrid key of a key Secret: {fault}");
            self.tell((&name, &uid), EVENT_KEY_HYBRID, message);
        }
        match change {
            None => {}
            Some(Change::Loaded) => info!(secretname = name, "registered private key"),
            Some(Change::Replaced) => {
                warn!(secretname = name, "a key Secret holds another key now: {FORMER}");
                self.tell(
                    (&name, &uid),
                    EVENT_KEY_GONE,
                    format!("The Secret holds another key now: {FORMER}"),
                );
            }
            Some(Change::Unloaded) => warn!(
                secretname = name,
                "private key unloaded: its Secret does not have the active label any more"
            ),
            Some(Change::Malformed(reason)) => {
                let is_of_another_size = matches!(reason, KeySecretError::Key(KeyError::Size(_)));
                let reason = chain(&reason);
                error!(secret = name, error = reason, "Error reading key");
                let mut message = format!("The Secret holds no usable sealing key: {reason}");
                if is_of_another_size {
                    message = format!("{message}; what was sealed with it: {WAY_OUT}");
                }
                self.tell((&name, &uid), EVENT_KEY_MALFORMED, message);
            }
        }
    }

    /// Posts a warning about a key Secret if this replica leads; otherwise keeps it in case the replica comes to lead.
    fn tell(&mut self, (name, uid): (&str, &str), reason: &'static str, message: String) {
        let notice = Notice {
            kind: EventType::Warning,
            reason,
            message,
        };
        let subject = Subject::key_secret(&self.namespace, name, uid);
        self.unreported.push((subject, notice));
        self.report();
        // A replica that never leads posts none of them. The latest matter most.
        let too_many = self.unreported.len().saturating_sub(UNREPORTED);
        self.unreported.drain(..too_many);
    }

    fn report(&mut self) {
        if self.leadership.leads() {
            for (subject, notice) in self.unreported.drain(..) {
                self.events.post(subject, notice);
            }
        }
    }

    /// Reads a Secret: the watch does not tell what it holds, nor whether a Secret that it no longer shows was deleted or lost
    /// its label.
    async fn look(&mut self, name: &str) {
        match watcher::by_name(&self.api, name).await {
            Ok(found) => {
                self.unsure.remove(name);
                if let Some(secret) = found {
                    return self.see(vec![secret]).await;
                }
            }
            Err(error) => {
                // Without an answer nothing is known. If the key counted as gone, another would be made.
                if self.unsure.insert(name.to_owned()) {
                    self.look_at = Instant::now() + LOOK_AGAIN;
                    warn!(secretname = name, %error, "a key Secret cannot be looked up, trying again");
                }
                return;
            }
        }
        if let Some(uid) = self.registry.gone(name) {
            warn!(secretname = name, "a key Secret was deleted: {KEPT}");
            self.tell((name, &uid), EVENT_KEY_GONE, format!("The Secret was deleted: {KEPT}"));
        }
    }

    /// Reads again what could not be read.
    async fn look_again(&mut self) {
        for name in self.unsure.clone() {
            self.look(&name).await;
        }
        self.look_at = Instant::now() + LOOK_AGAIN;
        self.publish();
    }

    fn publish(&mut self) {
        let now = Timestamp::now();
        self.name_from_the_future(now);
        let keys = self.registry.keys(now);
        self.metrics.show_keys(&keys, self.registry.counts());
        if self.rotation.unconfirmed().is_some_and(|key| keys.ring.holds(key)) {
            self.has_made();
        }
        let before = self.published.borrow().clone();
        match &keys.current {
            Some(current) => {
                self.lacking_since = None;
                if self.logged.as_ref() != Some(current.fingerprint()) {
                    self.logged = Some(current.fingerprint().clone());
                    info!(
                        secretname = current.secret,
                        certificate = current.cert.pem(),
                        "Certificate in use"
                    );
                }
            }
            None if before.current.is_some() => {
                self.lacking_since = Some(Instant::now());
                warn!(
                    "there is no active key: one is made in {} s unless one appears",
                    schedule::GRACE.as_secs()
                );
            }
            None => {}
        }
        if before.version != keys.version || before.current != keys.current {
            self.published.send_replace(Arc::new(keys));
        }
    }

    /// Logs each key Secret from the future once.
    fn name_from_the_future(&mut self, now: Timestamp) {
        for (secretname, begin) in self.registry.ahead(now) {
            if self.named.insert(secretname.to_owned()) {
                warn!(secretname, %begin, "a key is from the future: a clock is wrong, or was when it was made");
            }
        }
    }
}

#[cfg(test)]
mod tests;
