//! core/v1 Events: posted beside the work, aggregated by count, bounded. A failure to post never fails anything else.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crds::{Lenient, names};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Event, EventSource, ObjectReference};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use kube::api::{Patch, PatchParams};
use kube::{Api, Client};
use serde_json::json;
use tokio::sync::mpsc;
use tracing::{debug, info, warn};

use crate::error::ApiFailure;
use crate::lease::leadership::Leadership;
use crate::request::{self, in_time};

/// Source and reporting component of every event (the reference's).
const COMPONENT: &str = "sealed-secrets";
/// Longest message that the API server takes, in bytes.
const LONGEST_MESSAGE: usize = 1024;
/// Longest message in the log, in bytes.
const LONGEST_LOGGED: usize = 4 * 1024;
/// Longest name of an object, in bytes (DNS subdomain).
const LONGEST_NAME: usize = 253;
/// Events are posted so many at a time. Those of one object are posted in turn, always in the same lane.
const LANES: usize = 8;
/// Events that wait to be posted, in one lane; more are dropped.
const WAITING: usize = 512;
/// Events that can be counted up instead of posted anew, in one lane.
const REMEMBERED: usize = 256;
/// How long an event is counted up.
const COUNTED_FOR: Duration = Duration::from_secs(600);
/// Events of one object in a burst, and how long one of them takes to come back (client-go's spam filter).
const BURST: f64 = 25.0;
const REFILL: Duration = Duration::from_secs(300);

/// Kind of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum EventType {
    /// Something went as it should.
    Normal,
    /// Something did not.
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

/// An event that waits to be posted.
type Waiting = (Subject, Notice);

/// Where events are handed in. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Events(Arc<[mpsc::Sender<Waiting>]>);

impl Events {
    /// Starts the tasks that post. What is handed in while this replica does not lead is dropped: the leader says it.
    pub(crate) fn start(client: &Client, leadership: &Leadership) -> Self {
        let troubled = Arc::new(AtomicBool::new(false));
        let lane = |_| {
            let (sender, receiver) = mpsc::channel(WAITING);
            let lane = Lane {
                client: client.clone(),
                leadership: leadership.clone(),
                posted: Posted::default(),
                troubled: troubled.clone(),
            };
            tokio::spawn(lane.post_all(receiver));
            sender
        };
        Self((0..LANES).map(lane).collect())
    }

    /// Logs an event and has it posted; drops it when too many wait.
    pub(crate) fn post(&self, subject: Subject, mut notice: Notice) {
        notice.message = shown(&notice.message);
        let object = format!(
            "{}/{}",
            subject.0.namespace.as_deref().unwrap_or_default(),
            subject.0.name.as_deref().unwrap_or_default()
        );
        info!(
            object,
            kind = notice.kind.as_str(),
            reason = notice.reason,
            note = notice.message,
            "Event"
        );
        let lane = self.0.get(lane_of(subject.uid()));
        if lane.is_none_or(|lane| lane.try_send((subject, notice)).is_err()) {
            debug!("an event was dropped: too many wait");
        }
    }
}

fn lane_of(uid: &str) -> usize {
    let mut hasher = DefaultHasher::new();
    uid.hash(&mut hasher);
    // A remainder of a small number is one.
    usize::try_from(hasher.finish() % LANES as u64).unwrap_or_default()
}

/// One of the tasks that post.
struct Lane {
    client: Client,
    leadership: Leadership,
    posted: Posted,
    /// Whether it was said that events cannot be posted; shared by all.
    troubled: Arc<AtomicBool>,
}

impl Lane {
    async fn post_all(mut self, mut waiting: mpsc::Receiver<Waiting>) {
        while let Some((subject, mut notice)) = waiting.recv().await {
            if !self.leadership.leads() {
                continue;
            }
            truncate(&mut notice.message, LONGEST_MESSAGE);
            let Some(known) = self.posted.admit(subject.uid(), &notice, Instant::now()) else {
                debug!("an event was dropped: this object has had too many");
                continue;
            };
            let namespace = subject.0.namespace.as_deref().unwrap_or("default");
            let api = Api::namespaced(self.client.clone(), namespace);
            match post(&api, &subject, &notice, known).await {
                Ok((name, count)) => {
                    self.troubled.store(false, Ordering::Relaxed);
                    let uid = subject.uid().to_owned();
                    self.posted.remember(uid, notice, name, count, Instant::now());
                }
                Err(ApiFailure::NamespaceEnds(_)) => {}
                Err(error) if !self.troubled.swap(true, Ordering::Relaxed) => {
                    warn!(%error, "events cannot be posted");
                }
                Err(_) => {}
            }
        }
    }
}

/// Counts up the event `known`, or posts a new one. Gives its name and count.
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
            // It has expired, or patching is denied: a new one says the same.
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

/// The text without characters that a terminal or a viewer of logs obeys, such as U+009B, U+202E and U+2028: they are written as
/// `\u{9b}`. Who chooses names of items chooses these too. ASCII below U+007F stays; where it matters it is quoted.
pub(crate) fn printable(text: &str) -> String {
    let is_plain = |character: char| character < '\u{7f}' || character.is_alphanumeric();
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if is_plain(character) {
            shown.push(character);
        } else {
            shown.extend(character.escape_debug());
        }
    }
    shown
}

/// Cuts `text` to at most `longest` bytes, at a character.
pub(crate) fn truncate(text: &mut String, longest: usize) {
    const ELLIPSIS: &str = "…";
    if text.len() > longest {
        let mut end = longest.saturating_sub(ELLIPSIS.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push_str(ELLIPSIS);
    }
}

/// What was posted lately. Bounded: when full, what is old goes, and if nothing is, everything.
#[derive(Default)]
struct Posted {
    events: HashMap<(String, Notice), (String, i32, Instant)>,
    allowances: HashMap<String, (f64, Instant)>,
}

impl Posted {
    /// Whether the object may have another event (`None`: it has had too many), and which event can be counted up.
    fn admit(&mut self, uid: &str, notice: &Notice, now: Instant) -> Option<Option<(String, i32)>> {
        if self.allowances.len() >= REMEMBERED {
            self.allowances
                .retain(|_, (left, since)| refilled(*left, *since, now) < BURST);
        }
        if self.allowances.len() >= REMEMBERED {
            self.allowances.clear();
        }
        let (left, since) = self.allowances.entry(uid.to_owned()).or_insert((BURST, now));
        let available = refilled(*left, *since, now);
        if available < 1.0 {
            return None;
        }
        (*left, *since) = (available - 1.0, now);
        let known = self.events.get(&(uid.to_owned(), notice.clone()));
        let fresh = known.filter(|(_, _, last)| now.duration_since(*last) < COUNTED_FOR);
        Some(fresh.map(|(name, count, _)| (name.clone(), *count)))
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

fn refilled(left: f64, since: Instant, now: Instant) -> f64 {
    (left + now.duration_since(since).as_secs_f64() / REFILL.as_secs_f64()).min(BURST)
}

/// A message that names what tenants choose: a line must not be as long as their object, as it is printed.
fn shown(message: &str) -> String {
    let mut message = printable(message);
    truncate(&mut message, LONGEST_LOGGED);
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notice(message: &str) -> Notice {
        Notice {
            kind: EventType::Normal,
            reason: "Unsealed",
            message: message.to_owned(),
        }
    }

    #[test]
    fn what_is_printed_longer_than_it_is_is_cut_all_the_same() {
        let message = shown(&"\u{80}".repeat(2000));
        assert!(message.starts_with(r"\u{80}\u{80}"), "{message}");
        assert!(message.len() <= LONGEST_LOGGED, "{}", message.len());
    }

    #[test]
    fn an_event_that_repeats_is_counted_up_for_a_while() {
        let mut posted = Posted::default();
        let start = Instant::now();
        assert_eq!(posted.admit("u", &notice("m"), start), Some(None));
        posted.remember("u".to_owned(), notice("m"), "e1".to_owned(), 1, start);
        assert_eq!(posted.admit("u", &notice("m"), start), Some(Some(("e1".to_owned(), 1))));
        assert_eq!(posted.admit("u", &notice("other"), start), Some(None));
        assert_eq!(posted.admit("v", &notice("m"), start), Some(None));
        assert_eq!(posted.admit("u", &notice("m"), start + COUNTED_FOR), Some(None));
    }

    #[test]
    fn the_events_of_one_object_have_one_lane_and_those_of_many_have_all() {
        let lanes: Vec<_> = (0..100).map(|n| lane_of(&n.to_string())).collect();
        assert!((0..LANES).all(|lane| lanes.contains(&lane)));
        assert!(lanes.iter().all(|lane| *lane < LANES));
        assert_eq!(lane_of("u"), lane_of("u"));
    }

    #[test]
    fn one_object_cannot_flood() {
        let mut posted = Posted::default();
        let start = Instant::now();
        let admitted = |posted: &mut Posted, at| posted.admit("u", &notice("m"), at).is_some();
        assert_eq!((0..100).filter(|_| admitted(&mut posted, start)).count(), 25);
        assert!(!admitted(&mut posted, start + REFILL / 2));
        assert!(admitted(&mut posted, start + REFILL + Duration::from_secs(1)));
        assert!(
            posted.admit("v", &notice("m"), start).is_some(),
            "others are not affected"
        );
    }

    #[test]
    fn the_memory_is_bounded() {
        let mut posted = Posted::default();
        let start = Instant::now();
        for n in 0..3 * REMEMBERED {
            let uid = n.to_string();
            posted.admit(&uid, &notice("m"), start);
            posted.remember(uid, notice("m"), "e".to_owned(), 1, start);
        }
        assert!(posted.events.len() <= REMEMBERED && posted.allowances.len() <= REMEMBERED);
    }

    #[test]
    fn a_long_name_of_the_object_leaves_room_for_the_rest() {
        let now: Timestamp = "2024-06-01T00:00:00.123456789Z".parse().unwrap();
        assert_eq!(name("one", now), "one.17d4b84d4fa8cd15");
        let long = name(&"x".repeat(253), now);
        assert!(long.len() == 253 && long.ends_with("xx.17d4b84d4fa8cd15"), "{long}");
        let dashed = name(&format!("{}{}", "x".repeat(200), "-.".repeat(20)), now);
        assert_eq!(
            dashed,
            format!("{}.17d4b84d4fa8cd15", "x".repeat(200)),
            "no label ends with a dash"
        );
    }

    #[test]
    fn messages_are_cut_at_a_character() {
        let mut text = "ä".repeat(600);
        truncate(&mut text, 1024);
        assert!(text.len() <= 1024 && text.ends_with("ä…"));
        let mut short = "short".to_owned();
        truncate(&mut short, 1024);
        assert_eq!(short, "short");
    }
}
