//! Judges what the API shows: every state of the Secrets, every request of the controller. Pure.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::book::{Book, Pages};

/// A request of the controller, by the API server's audit log.
#[derive(Clone, Debug)]
struct Asked {
    replica: usize,
    /// When it left the replica, in seconds.
    sent: f64,
    what: String,
}

/// The API server's answer to a write on another version than the present one.
const CONFLICT: u64 = 409;

/// How often the controller wrote to an object.
#[derive(Clone, Copy, Debug, Default)]
struct Writes {
    /// With success.
    done: u64,
    /// With and without.
    tried: u64,
}

/// The observed state, and the violations in it.
#[derive(Debug, Default)]
pub(super) struct Observer {
    /// By name: the value that a Secret had last.
    values: BTreeMap<String, u64>,
    /// By UID: the digest of each key that was ever there.
    keys: BTreeMap<String, String>,
    writes: BTreeMap<String, Writes>,
    /// When which replica learned that it holds the Lease, in the order of time.
    terms: Vec<(f64, usize)>,
    /// Writes that are not judged yet: the log line about the Lease may arrive a little later.
    unjudged: Vec<Asked>,
    too_many: BTreeSet<String>,
    /// States of Secrets that were seen.
    pub(super) states: u64,
    /// Writes of the controller that were seen.
    pub(super) written: u64,
    /// Broken invariants.
    pub(super) violations: Vec<String>,
}

impl Observer {
    /// A line of the eyes: states of Secrets, or of keys.
    pub(super) fn see(&mut self, line: &Value, book: &Book) {
        let (of, what) = (text(line, "/of"), text(line, "/what"));
        let objects = line.get("objects").and_then(Value::as_array);
        let objects: Vec<&Value> = objects.into_iter().flatten().collect();
        match of {
            "key" => self.see_keys(what, &objects, &book.open()),
            _ if what == "DELETED" => {}
            _ => objects
                .into_iter()
                .for_each(|secret| self.see_secret(secret, &book.open())),
        }
    }

    fn see_secret(&mut self, secret: &Value, pages: &Pages) {
        let name = text(secret, "/name");
        let Some(wanted) = pages.objects.get(name) else {
            return;
        };
        self.states += 1;
        match value_of(secret) {
            Err(fault) => self.violations.push(format!("Secret {name}: {fault}")),
            Ok(value) if !wanted.values.contains(&value) => {
                self.violations
                    .push(format!("Secret {name} has {value}, which nobody asked for"));
            }
            Ok(value) => {
                let before = self.values.insert(name.to_owned(), value).unwrap_or(value);
                if value < before {
                    self.violations
                        .push(format!("Secret {name} went back from {before} to {value}"));
                }
            }
        }
    }

    fn see_keys(&mut self, what: &str, found: &[&Value], pages: &Pages) {
        let uids: BTreeSet<&str> = found.iter().map(|key| text(key, "/uid")).collect();
        let lost: Vec<String> = match what {
            "DELETED" => uids.iter().map(|uid| (*uid).to_owned()).collect(),
            "LIST" => {
                let known = self.keys.keys().filter(|uid| !uids.contains(uid.as_str()));
                known.cloned().collect()
            }
            _ => Vec::new(),
        };
        for uid in lost {
            self.violations.push(format!("the key {uid} is lost"));
            self.keys.remove(&uid);
        }
        if what == "DELETED" {
            return;
        }
        for key in found {
            let (uid, digest) = (text(key, "/uid").to_owned(), text(key, "/digest").to_owned());
            match self.keys.insert(uid.clone(), digest.clone()) {
                None if self.keys.len() > pages.keys => {
                    let count = self.keys.len();
                    self.violations.push(format!(
                        "{count} keys, and {} were asked for: {uid} is one too many",
                        pages.keys
                    ));
                }
                Some(before) if before != digest => self.violations.push(format!("the key {uid} was changed")),
                _ => {}
            }
        }
    }

    /// How many keys there are.
    pub(super) fn keys(&self) -> usize {
        self.keys.len()
    }

    /// An event of the API server's audit log.
    pub(super) fn hear(&mut self, event: &Value) {
        let verb = text(event, "/verb");
        if text(event, "/stage") != "ResponseComplete" || ["get", "list", "watch"].contains(&verb) {
            return;
        }
        let Some((replica, sent)) = sender(text(event, "/userAgent")) else {
            return;
        };
        let code = event.pointer("/responseStatus/code").and_then(Value::as_u64);
        let done = code.is_some_and(|code| code < 300);
        let (resource, name) = (text(event, "/objectRef/resource"), text(event, "/objectRef/name"));
        if resource == "leases" {
            let answered = text(event, "/stageTimestamp").parse::<jiff::Timestamp>();
            if let (true, Ok(answered)) = (done, answered) {
                self.terms.push((answered.as_duration().as_secs_f64(), replica));
            }
            return;
        }
        self.written += 1;
        let what = format!("{verb} {resource} {name}");
        // A process that is stopped just before it sends a request sends it when it continues. Each request names the version that was
        // read, so the API server refuses it, and nothing is written.
        if code != Some(CONFLICT) {
            self.unjudged.push(Asked { replica, sent, what });
        }
        if ["secrets", "sealedsecrets"].contains(&resource) && !name.is_empty() {
            let writes = self.writes.entry(name.to_owned()).or_default();
            writes.tried += 1;
            writes.done += u64::from(done);
        }
    }

    /// Judges the writes that were sent before `until`, in seconds: no replica may write while another holds the Lease.
    pub(super) fn judge_writers(&mut self, until: f64) {
        self.terms.sort_by(|one, other| one.0.total_cmp(&other.0));
        let (due, later): (Vec<_>, Vec<_>) = self.unjudged.drain(..).partition(|asked| asked.sent < until);
        self.unjudged = later;
        for asked in due {
            let begun = self.terms.partition_point(|(time, _)| *time <= asked.sent);
            let holder = begun.checked_sub(1).and_then(|last| self.terms.get(last));
            if let Some((since, holder)) = holder.filter(|(_, holder)| *holder != asked.replica) {
                self.violations.push(format!(
                    "two writers: replica {} sent `{}` {:.1} s after replica {holder} was told that it holds the Lease",
                    asked.replica,
                    asked.what,
                    asked.sent - since
                ));
            }
        }
    }

    /// Judges the number of writes to each object: a Secret and a status for a change, twice that for a late read, and one more of
    /// each for a fault. Failed writes may be three times as many. The sum of all writes, with events, has the same bound.
    pub(super) fn judge_bounds(&mut self, book: &Book) {
        let pages = book.open();
        let changes: u64 = pages.objects.values().map(|wanted| wanted.changes).sum();
        if self.written > 4 * changes + 20 * pages.faults + 20 && self.too_many.insert(String::new()) {
            self.violations.push(format!(
                "{} writes in all, for {changes} changes and {} faults",
                self.written, pages.faults
            ));
        }
        for (name, writes) in &self.writes {
            let changes = pages.objects.get(name).map_or(0, |wanted| wanted.changes);
            let most = 4 * changes + 2 * pages.faults + 4;
            if (writes.done > most || writes.tried > 3 * most) && self.too_many.insert(name.clone()) {
                self.violations.push(format!(
                    "{} writes to {name}, {} of them with success, for {changes} changes and {} faults",
                    writes.tried, writes.done, pages.faults
                ));
            }
        }
    }

    /// The most writes per change that an object had: writes, changes.
    pub(super) fn busiest(&self, book: &Book) -> (u64, u64) {
        let pages = book.open();
        let each = self
            .writes
            .iter()
            .filter_map(|(name, writes)| Some((writes.done, pages.objects.get(name)?.changes)));
        // Compared as fractions: a/b < c/d is a·d < c·b.
        each.max_by(|one, other| (one.0 * other.1).cmp(&(other.0 * one.1)))
            .unwrap_or_default()
    }
}

fn text<'a>(value: &'a Value, path: &str) -> &'a str {
    value.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

/// What the relay has put behind the name of the program: which replica, and when.
fn sender(agent: &str) -> Option<(usize, f64)> {
    let (replica, sent) = agent.split_once("chaos=")?.1.split_once('@')?;
    Some((replica.parse().ok()?, sent.parse().ok()?))
}

/// The value that both items of a Secret hold; what is wrong with it, if it is empty or half.
pub(super) fn value_of(secret: &Value) -> Result<u64, String> {
    let data = secret.get("data").and_then(Value::as_object).ok_or("no data")?;
    let item = |name: &str| -> Result<u64, String> {
        let encoded = data
            .get(name)
            .and_then(Value::as_str)
            .ok_or(format!("no item {name}"))?;
        let bytes = STANDARD.decode(encoded).map_err(|error| error.to_string())?;
        let text = String::from_utf8(bytes).map_err(|error| error.to_string())?;
        text.parse().map_err(|_| format!("{name} is {text:?}"))
    };
    let (a, b) = (item("a")?, item("b")?);
    if a != b || data.len() != 2 {
        return Err(format!("half a Secret: {a} and {b}, {} items", data.len()));
    }
    Ok(a)
}

#[cfg(test)]
mod tests;
