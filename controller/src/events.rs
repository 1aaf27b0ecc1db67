//! core/v1 Events: posted in the background, aggregated by count, bounded. Failing to post affects nothing else.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crds::{Lenient, names};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Event, EventSource, ObjectReference};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use kube::api::{Patch, PatchParams};
use kube::{Api, Client};
use serde_json::json;
use tracing::{debug, info, warn};

use crate::buckets::{Buckets, Rate};
use crate::digest;
use crate::error::ApiFailure;
use crate::lease::leadership::Leadership;
use crate::object_ref::ObjectName;
use crate::printable::{printable, truncate};
use crate::queue::Queue;
use crate::request::{self, in_time};
use crate::shrink::shrink;

/// Source and reporting component of every event (the reference's).
const COMPONENT: &str = "sealed-secrets";
/// Longest message that the API server takes, in bytes.
const LONGEST_MESSAGE: usize = 1024;
/// Longest message in the log, in bytes.
const LONGEST_LOGGED: usize = 1024;
/// Longest name of an object, in bytes (DNS subdomain).
const LONGEST_NAME: usize = 253;
/// Events that are posted at a time; those of one object are posted in turn.
const WORKERS: usize = 32;
/// Events that wait to be posted. A namespace may add one while it has no more of them than there is room left: alone it gets
/// half, beside many others an equal share.
const WAITING: usize = 4096;
/// Events that can be counted up.
const REMEMBERED: usize = 2048;
/// How long an event is counted up.
const COUNTED_FOR: Duration = Duration::from_secs(600);
/// Events of one object (client-go's spam filter).
const OF_AN_OBJECT: Rate = Rate {
    interval: Duration::from_secs(300),
    limit: 25,
};
/// Events of all objects of a namespace, also of objects that are deleted and recreated.
const OF_A_NAMESPACE: Rate = Rate {
    interval: Duration::from_secs(1),
    limit: 1000,
};
/// Most namespaces, and objects, with a limit of their own.
const NAMESPACES: usize = 8192;
const OBJECTS: usize = 65_536;

/// Kind of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum EventType {
    /// A success.
    Normal,
    /// A failure.
    Warning,
}

impl EventType {
    fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "Normal",
            Self::Warning => "Warning",
        }
    }
}

/// What an event says.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Notice {
    /// Its kind.
    pub kind: EventType,
    /// Its reason, one of the constants of [`crate::error`].
    pub reason: &'static str,
    /// A sentence; never carries a value.
    pub message: String,
}

/// What an event is about.
#[derive(Debug, Clone)]
pub(crate) struct Subject(ObjectReference);

impl Subject {
    /// A SealedSecret.
    pub(crate) fn sealed_secret(metadata: &ObjectMeta) -> Self {
        Self(ObjectReference {
            api_version: Some(names::API_VERSION.to_owned()),
            kind: Some(names::KIND.to_owned()),
            namespace: metadata.namespace.clone(),
            name: metadata.name.clone(),
            uid: metadata.uid.clone(),
            resource_version: metadata.resource_version.clone(),
            ..ObjectReference::default()
        })
    }

    fn name(&self) -> ObjectName {
        ObjectName {
            namespace: self.0.namespace.clone().unwrap_or_default(),
            name: self.0.name.clone().unwrap_or_default(),
        }
    }

    fn uid(&self) -> &str {
        self.0.uid.as_deref().unwrap_or_default()
    }

    /// A key Secret.
    pub(crate) fn key_secret(namespace: &str, name: &str, uid: &str) -> Self {
        Self(ObjectReference {
            api_version: Some("v1".to_owned()),
            kind: Some("Secret".to_owned()),
            namespace: Some(namespace.to_owned()),
            name: Some(name.to_owned()),
            uid: Some(uid.to_owned()),
            ..ObjectReference::default()
        })
    }
}

/// Accepts events. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Events(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// The objects that have events waiting.
    queue: Queue,
    waiting: Mutex<Waiting>,
    allowances: Mutex<Allowances>,
    posted: Mutex<Posted>,
    /// Whether it was logged that events cannot be posted.
    troubled: AtomicBool,
}

impl Events {
    /// Starts the tasks that post. While this replica does not lead, events are dropped: the leader posts them.
    pub(crate) fn start(client: &Client, leadership: &Leadership) -> Self {
        let shared = Arc::new(Shared {
            queue: Queue::new(WORKERS),
            waiting: Mutex::default(),
            allowances: Mutex::default(),
            posted: Mutex::default(),
            troubled: AtomicBool::new(false),
        });
        for _ in 0..WORKERS {
            tokio::spawn(shared.clone().post_all(client.clone(), leadership.clone()));
        }
        Self(shared)
    }

    /// Logs an event and queues it. An event beyond the limit of its object or namespace is logged as not posted, and dropped. One
    /// that finds too many waiting is not posted.
    pub(crate) fn post(&self, subject: Subject, mut notice: Notice) {
        let name = subject.name();
        let object = name.to_string();
        if !lock(&self.0.allowances).admit(&name.namespace, subject.uid(), Instant::now()) {
            info!(
                object,
                reason = notice.reason,
                "Event, not posted: this object or its namespace has had too many"
            );
            return;
        }
        notice.message = shown(&notice.message);
        info!(
            object,
            kind = notice.kind.as_str(),
            reason = notice.reason,
            note = notice.message,
            "Event"
        );
        if lock(&self.0.waiting).push(&name, subject, notice) {
            self.0.queue.add(name);
        } else {
            debug!("an event was dropped: too many wait");
        }
    }
}

/// No code panics while it holds one of these locks, and every step leaves their contents consistent.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    async fn post_all(self: Arc<Self>, client: Client, leadership: Leadership) {
        loop {
            let name = self.queue.next().await;
            let event = lock(&self.waiting).pop(&name);
            if let Some((subject, notice)) = event.filter(|_| leadership.leads()) {
                let namespace = subject.0.namespace.as_deref().unwrap_or("default");
                self.post(&Api::namespaced(client.clone(), namespace), &subject, notice)
                    .await;
            }
            let next = lock(&self.waiting).of.contains_key(&name);
            self.queue.done(name, next.then_some(Duration::ZERO));
        }
    }

    async fn post(&self, api: &Api<Lenient<Event>>, subject: &Subject, mut notice: Notice) {
        truncate(&mut notice.message, LONGEST_MESSAGE);
        let known = lock(&self.posted).known(subject.uid(), &notice, Instant::now());
        match post(api, subject, &notice, known).await {
            Ok((name, count)) => {
                self.troubled.store(false, Ordering::Relaxed);
                let uid = subject.uid().to_owned();
                lock(&self.posted).remember(uid, notice, name, count, Instant::now());
            }
            Err(ApiFailure::NamespaceEnds(_)) => {}
            Err(error) if !self.troubled.swap(true, Ordering::Relaxed) => {
                warn!(%error, "events cannot be posted");
            }
            Err(_) => {}
        }
    }
}

/// The events that wait to be posted.
#[derive(Debug, Default)]
struct Waiting {
    of: HashMap<ObjectName, VecDeque<(Subject, Notice)>>,
    /// How many of each namespace.
    counts: HashMap<String, usize>,
    total: usize,
}

impl Waiting {
    /// Queues an event of this object, unless its namespace has too many.
    fn push(&mut self, name: &ObjectName, subject: Subject, notice: Notice) -> bool {
        let count = self.counts.get(&name.namespace).copied().unwrap_or_default();
        let free = WAITING - self.total;
        if count >= free {
            return false;
        }
        self.total += 1;
        self.counts.insert(name.namespace.clone(), count + 1);
        self.of.entry(name.clone()).or_default().push_back((subject, notice));
        true
    }

    /// Removes the first event of this object.
    fn pop(&mut self, name: &ObjectName) -> Option<(Subject, Notice)> {
        let events = self.of.get_mut(name)?;
        let event = events.pop_front()?;
        if events.is_empty() {
            self.of.remove(name);
            shrink(&mut self.of);
        }
        self.total -= 1;
        let count = self.counts.get_mut(&name.namespace)?;
        *count -= 1;
        if *count == 0 {
            self.counts.remove(&name.namespace);
            shrink(&mut self.counts);
        }
        Some(event)
    }
}

/// Counts up the event `known`, or posts a new one. Returns its name and count.
async fn post(
    api: &Api<Lenient<Event>>,
    subject: &Subject,
    notice: &Notice,
    known: Option<(String, i32)>,
) -> Result<(String, i32), ApiFailure> {
    let now = Timestamp::now();
    if let Some((name, count)) = known {
        let count = count.saturating_add(1);
        let patch = json!({"count": count, "lastTimestamp": Time(now)});
        match in_time(api.patch(&name, &PatchParams::default(), &Patch::Merge(patch))).await {
            Ok(_) => return Ok((name, count)),
            // It has expired, or patching is denied. A new one says the same.
            Err(ApiFailure::NotFound(_) | ApiFailure::Denied(_)) => {}
            Err(error) => return Err(error),
        }
    }
    let event = event(subject, notice, now);
    let name = event.metadata.name.clone().unwrap_or_default();
    in_time(request::create(api, &event)).await?;
    Ok((name, 1))
}

fn event(subject: &Subject, notice: &Notice, now: Timestamp) -> Event {
    Event {
        metadata: ObjectMeta {
            name: Some(name(subject.0.name.as_deref().unwrap_or_default(), now)),
            namespace: subject.0.namespace.clone(),
            ..ObjectMeta::default()
        },
        involved_object: subject.0.clone(),
        type_: Some(notice.kind.as_str().to_owned()),
        reason: Some(notice.reason.to_owned()),
        message: Some(notice.message.clone()),
        count: Some(1),
        first_timestamp: Some(Time(now)),
        last_timestamp: Some(Time(now)),
        source: Some(EventSource {
            component: Some(COMPONENT.to_owned()),
            host: None,
        }),
        reporting_component: Some(COMPONENT.to_owned()),
        ..Event::default()
    }
}

/// As client-go names them: unique by the nanosecond. A long name of the object is cut, at the end of a word.
fn name(object: &str, now: Timestamp) -> String {
    let suffix = format!(".{:x}", now.as_nanosecond());
    let cut = object.get(..LONGEST_NAME - suffix.len()).unwrap_or(object);
    format!("{}{suffix}", cut.trim_end_matches(['.', '-']))
}

/// How many more events there may be.
#[derive(Debug)]
struct Allowances {
    namespaces: Buckets<String>,
    /// By a digest of the uid.
    objects: Buckets<u64>,
}

impl Default for Allowances {
    fn default() -> Self {
        Self {
            namespaces: Buckets::new(NAMESPACES),
            objects: Buckets::new(OBJECTS),
        }
    }
}

impl Allowances {
    /// Whether the object may have another event. An event that the object's limit refuses does not count for the namespace, and
    /// one that the namespace's limit refuses takes no place among the objects. While there are too many objects, new ones only
    /// have the limit of their namespace: it is not known whose objects crowd them out.
    fn admit(&mut self, namespace: &str, uid: &str, now: Instant) -> bool {
        let full_at = self.namespaces.full_at(namespace.to_owned(), now);
        let of_namespace = OF_A_NAMESPACE.judge(*full_at - now);
        let object = digest::of(uid);
        let may = |objects: &mut Buckets<_>| {
            objects.is_crowded(&Some(object), now) || objects.take(object, OF_AN_OBJECT, now)
        };
        let admitted = of_namespace.allowed && may(&mut self.objects);
        if admitted {
            *full_at = now + of_namespace.reset;
        }
        admitted
    }
}

/// Recently posted events. Bounded: when it is full, old ones are dropped, and if there are none, all.
#[derive(Debug, Default)]
struct Posted {
    events: HashMap<(String, Notice), (String, i32, Instant)>,
}

impl Posted {
    /// The event that can be counted up for this one.
    fn known(&self, uid: &str, notice: &Notice, now: Instant) -> Option<(String, i32)> {
        let known = self.events.get(&(uid.to_owned(), notice.clone()));
        let fresh = known.filter(|(_, _, last)| now.duration_since(*last) < COUNTED_FOR);
        fresh.map(|(name, count, _)| (name.clone(), *count))
    }

    fn remember(&mut self, uid: String, notice: Notice, name: String, count: i32, now: Instant) {
        if self.events.len() >= REMEMBERED {
            self.events
                .retain(|_, (_, _, last)| now.duration_since(*last) < COUNTED_FOR);
        }
        if self.events.len() >= REMEMBERED {
            self.events.clear();
        }
        self.events.insert((uid, notice), (name, count, now));
    }
}

/// A message with names that tenants choose, escaped and cut: escaping makes it longer.
fn shown(message: &str) -> String {
    let mut message = printable(message);
    truncate(&mut message, LONGEST_LOGGED);
    message
}

#[cfg(test)]
mod tests;
