//! Watches SealedSecrets, and the metadata of Secrets, into the index, and wakes the SealedSecrets that need a pass.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crds::{Lenient, SealedSecret};
use futures::StreamExt as _;
use k8s_openapi::api::core::v1::Secret;
use kube::core::PartialObjectMeta;
use kube::runtime::watcher;
use kube::{Api, Client, Resource as _};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::{error, info, warn};

use crate::error::{ApiFailure, Failure};
use crate::events::{EventType, Events, Notice, Subject};
use crate::index::{Index, Wake};
use crate::lease::leadership::Leadership;
use crate::metrics::Metrics;
use crate::object_ref::ObjectName;
use crate::queue::Queue;
use crate::reconcile::gc::Tombstones;
use crate::reconcile::summary;
use crate::reconcile::unreadable::Unreadable;
use crate::relist::{self, Listed, Relists};
use crate::settings::ReconcileSettings;

mod unreadable;

use unreadable::UnreadableObjects;

/// What the watches share.
#[derive(Clone)]
pub(crate) struct Watches {
    /// The API server.
    pub client: Client,
    /// The cache of the cluster.
    pub index: Arc<Index>,
    /// The SealedSecrets that need a pass.
    pub queue: Arc<Queue>,
    /// Where deletions and unreadable objects are counted.
    pub metrics: Arc<Metrics>,
    /// Where events go.
    pub events: Events,
    /// Where deleted SealedSecrets are noted, if their Secrets are to be deleted.
    pub gone: Option<Arc<Tombstones>>,
    /// Whether this replica leads.
    pub leadership: Leadership,
    /// How long the API server is asked to keep each watch open.
    pub seconds: u32,
    /// Tells when to list everything again.
    pub relists: Relists,
    /// Where complete lists of SealedSecrets are noted.
    pub listed: Listed,
    /// How SealedSecrets are handled.
    pub settings: ReconcileSettings,
    /// Where objects that cannot be parsed are noted, so that their statuses say so.
    pub unreadable: Arc<Unreadable>,
    /// Labels of the SealedSecrets that are watched; `None`: all of them.
    pub labels: Option<String>,
    /// Whether Secrets are watched too.
    pub secrets: bool,
}

/// How long a replica that does not lead remembers deletions, in case it comes to lead: longer than the longest lease of a leader
/// that dies.
const FOLLOWED: Duration = Duration::from_secs(120);

/// Objects in one page of a list, unless they are large (`runtime/pages.rs`). Little of a Secret is kept, so a page is most of
/// the memory that Secrets take.
const PAGE: u32 = 250;

/// Logs when a watch begins to fail, and when it works again.
pub(crate) struct Trouble {
    what: &'static str,
    scope: String,
    troubled: bool,
}

impl Trouble {
    pub(crate) fn new(what: &'static str, namespace: Option<&str>) -> Self {
        Self {
            what,
            scope: namespace.unwrap_or("all namespaces").to_owned(),
            troubled: false,
        }
    }

    pub(crate) fn begins(&mut self, error: &ApiFailure) {
        if !std::mem::replace(&mut self.troubled, true) {
            let hint = match error {
                ApiFailure::NotFound(_) => "; is the CustomResourceDefinition installed?",
                ApiFailure::Denied(_) => "; does the controller's role allow it?",
                _ => "",
            };
            warn!(namespace = self.scope, %error, "{} cannot be watched, trying again{hint}", self.what);
        }
    }

    pub(crate) fn ends(&mut self) {
        if std::mem::take(&mut self.troubled) {
            info!(namespace = self.scope, "{} are watched again", self.what);
        }
    }
}

impl Watches {
    /// Starts the watches of `namespace` (of all, if `None`). Returns a receiver that becomes true when everything has been
    /// listed, or when SealedSecrets of that one namespace may not be listed. SealedSecrets are listed first, so that only
    /// Secrets of their names are kept.
    pub(crate) fn begin(&self, namespace: Option<&str>, tasks: &mut JoinSet<()>) -> watch::Receiver<bool> {
        let (sealed, sealed_listed) = watch::channel(false);
        let namespace = namespace.map(str::to_owned);
        tasks.spawn(self.clone().watch_sealed(namespace.clone(), sealed));
        if !self.secrets {
            return sealed_listed;
        }
        let (secrets, secrets_listed) = watch::channel(false);
        let (watches, mut listed) = (self.clone(), sealed_listed);
        tasks.spawn(async move {
            // The watch never ends, so its sender lives.
            let _ = listed.wait_for(|listed| *listed).await;
            watches.watch_secrets(namespace, secrets).await;
        });
        secrets_listed
    }

    /// The watches of a namespace have ended. Its objects stay as they are.
    pub(crate) fn leave(&self, namespace: &str) {
        for name in self.index.sealed_names(Some(namespace)) {
            self.index.sealed_gone(&name);
            self.queue.forget(&name);
        }
        for name in self.unreadable.names() {
            if name.namespace == namespace {
                self.unreadable.forget(&name);
            }
        }
        self.index.secrets_left(namespace);
        self.listed.forget(namespace);
        self.metrics.contacts.forget(namespace);
    }

    async fn watch_sealed(self, namespace: Option<String>, done: watch::Sender<bool>) {
        let api: Api<Lenient<SealedSecret>> = match &namespace {
            Some(namespace) => Api::namespaced(self.client.clone(), namespace),
            None => Api::all(self.client.clone()),
        };
        let config = watcher::Config {
            label_selector: self.labels.clone(),
            timeout: Some(self.seconds),
            page_size: Some(PAGE),
            ..watcher::Config::default()
        };
        let mut stream = std::pin::pin!(relist::follow(api, config, self.relists.clone()));
        let mut trouble = Trouble::new("SealedSecrets", namespace.as_deref());
        let mut unreadable = UnreadableObjects::new(&self.metrics);
        let mut begun = 0;
        while let Some(event) = stream.next().await {
            match event {
                Ok(watcher::Event::Init) => {
                    self.index.sealed_list_begins(namespace.as_deref());
                    unreadable.list_begins();
                    begun = *self.relists.borrow();
                }
                Ok(watcher::Event::InitApply(sealed)) => self.sealed_seen(sealed, &mut unreadable),
                Ok(watcher::Event::InitDone) => {
                    trouble.ends();
                    for name in self.index.sealed_not_listed(namespace.as_deref()) {
                        self.sealed_gone(&name);
                    }
                    for name in unreadable.not_listed() {
                        self.readable_or_gone(&name, &mut unreadable);
                    }
                    self.listed.note(namespace.as_deref(), begun);
                    done.send_replace(true);
                }
                Ok(watcher::Event::Apply(sealed)) => {
                    trouble.ends();
                    self.sealed_seen(sealed, &mut unreadable);
                }
                Ok(watcher::Event::Delete(sealed)) => {
                    let name = ObjectName::of(sealed.meta());
                    self.readable_or_gone(&name, &mut unreadable);
                    self.sealed_gone(&name);
                }
                Err(error) => {
                    let failure = ApiFailure::from(error);
                    if namespace.is_some() && matches!(failure, ApiFailure::Denied(_)) {
                        // The other namespaces do not wait for it.
                        self.listed.note(namespace.as_deref(), u64::MAX);
                        done.send_replace(true);
                    }
                    trouble.begins(&failure);
                }
            }
        }
    }

    fn sealed_seen(&self, sealed: Lenient<SealedSecret>, unreadable: &mut UnreadableObjects) {
        let name = ObjectName::of(sealed.meta());
        match sealed.into_result() {
            Ok(sealed) => {
                self.readable_or_gone(&name, unreadable);
                self.sealed_applied(sealed);
            }
            Err(object) => {
                // Its Secret stays as it is until the object can be parsed again.
                if self.index.sealed_gone(&name).is_some() {
                    self.queue.forget(&name);
                }
                if unreadable.insert(&name, &object.fault) {
                    self.report_unreadable(&name, &object);
                    self.unreadable.note(&name);
                    self.queue.add(name);
                }
            }
        }
    }

    fn readable_or_gone(&self, name: &ObjectName, unreadable: &mut UnreadableObjects) {
        if unreadable.remove(name) {
            self.unreadable.forget(name);
        }
    }

    fn report_unreadable(&self, name: &ObjectName, object: &crds::Unreadable) {
        let failure = Failure::Unreadable(object.fault.clone());
        let notice = Notice {
            kind: EventType::Warning,
            reason: failure.row().event,
            message: failure.event_message(),
        };
        error!(key = %name, error = %object, "SealedSecret cannot be read");
        self.events.post(Subject::sealed_secret(&object.metadata), notice);
    }

    fn sealed_applied(&self, mut sealed: SealedSecret) {
        // Only the API server needs managed fields, and they can be larger than the rest.
        sealed.metadata.managed_fields = None;
        let name = ObjectName::of(&sealed.metadata);
        let entry = summary::of(&sealed, &self.settings);
        let wake = self.index.sealed_applied(&name, entry, &sealed);
        self.wake(name, wake);
    }

    fn sealed_gone(&self, name: &ObjectName) {
        if let Some(before) = self.index.sealed_gone(name) {
            // With a label selector the object may still exist, with other labels.
            info!(key = %name, "SealedSecret is served no more; when it is deleted, its Secret goes by garbage collection");
            self.queue.forget(name);
            if let Some(gone) = &self.gone {
                gone.note(name, &before);
            }
            // A replica that begins to lead later finds what was noted earlier.
            match (self.leadership.leads(), &self.gone) {
                (true, gone) => {
                    self.metrics.unseal_requests.inc();
                    if gone.is_some() {
                        self.queue.add(name.clone());
                    }
                }
                (false, Some(gone)) => gone.forget(FOLLOWED),
                (false, None) => {}
            }
        }
    }

    async fn watch_secrets(self, namespace: Option<String>, done: watch::Sender<bool>) {
        let api: Api<Lenient<PartialObjectMeta<Secret>>> = match &namespace {
            Some(namespace) => Api::namespaced(self.client.clone(), namespace),
            None => Api::all(self.client.clone()),
        };
        let config = watcher::Config::default().page_size(PAGE).timeout(self.seconds);
        let mut stream = std::pin::pin!(relist::follow(api, config, self.relists.clone()));
        let mut trouble = Trouble::new("Secrets", namespace.as_deref());
        while let Some(event) = stream.next().await {
            match event {
                Ok(watcher::Event::Init) => self.index.secret_list_begins(namespace.as_deref()),
                Ok(watcher::Event::InitApply(secret)) => {
                    let (_, wake) = self.index.secret_applied(secret.meta(), Instant::now());
                    self.wake(ObjectName::of(secret.meta()), wake);
                }
                Ok(watcher::Event::InitDone) => {
                    trouble.ends();
                    for name in self.index.secrets_not_listed(namespace.as_deref()) {
                        let wake = self.index.secret_gone(&name, None, Instant::now());
                        self.wake(name, wake);
                    }
                    self.index.set_secrets_watched(namespace.as_deref(), true);
                    done.send_replace(true);
                }
                Ok(watcher::Event::Apply(secret)) => {
                    trouble.ends();
                    self.index.set_secrets_watched(namespace.as_deref(), true);
                    let (_, wake) = self.index.secret_applied(secret.meta(), Instant::now());
                    self.wake(ObjectName::of(secret.meta()), wake);
                }
                Ok(watcher::Event::Delete(secret)) => {
                    trouble.ends();
                    // After a temporary denial the watch resumes without a list.
                    self.index.set_secrets_watched(namespace.as_deref(), true);
                    let name = ObjectName::of(secret.meta());
                    let wake = self.index.secret_gone(&name, Some(secret.meta()), Instant::now());
                    self.wake(name, wake);
                }
                Err(error) => {
                    let failure = ApiFailure::from(error);
                    if matches!(failure, ApiFailure::Denied(_)) {
                        // The controller works without this watch: it reads Secrets before it writes them.
                        self.index.set_secrets_watched(namespace.as_deref(), false);
                        done.send_replace(true);
                    }
                    trouble.begins(&failure);
                }
            }
        }
    }

    fn wake(&self, name: ObjectName, wake: Option<Wake>) {
        match wake {
            Some(Wake::Now) => self.queue.add(name),
            Some(Wake::After(pause)) => self.queue.add_after(name, pause),
            None => {}
        }
    }
}
