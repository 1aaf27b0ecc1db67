//! The entry of one name: a SealedSecret, the state that its last pass left, and its Secret.

use std::collections::HashSet;
use std::sync::Arc;

use crds::SealedSecret;
use sealing::key::Fingerprint;

use super::body::Body;
use super::compact::{Uid, Version};
use super::entry::SecretEntry;
use super::reconcile_state::{KeptState, ReconcileState};
use super::sealed_entry::SealedEntry;
use crate::error::Retry;

/// A SealedSecret, its Secret, or both.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) sealed: Option<Sealed>,
    pub(super) secret: Option<SecretEntry>,
}

/// A SealedSecret.
#[derive(Debug)]
pub(super) struct Sealed {
    pub(super) entry: SealedEntry,
    pub(super) memory: Option<KeptState>,
    /// The object, if a pass is due and there was room for it.
    pub(super) body: Option<Arc<Body>>,
    /// It has changed since its last pass began.
    pub(super) changed: bool,
    /// Its next pass is due because its Secret changed; only for that, if it has not changed itself.
    pub(super) secret_changed: bool,
    /// A pass has read it at this version, and the watch has not reported that version yet.
    is_ahead: bool,
    /// The current list, or the last one, contains it.
    pub(super) is_listed: bool,
}

impl Known {
    pub(super) fn is_nothing(&self) -> bool {
        self.sealed.is_none() && self.secret.is_none()
    }
}

impl Sealed {
    pub(super) fn new(entry: SealedEntry) -> Self {
        Self {
            entry,
            memory: None,
            body: None,
            changed: true,
            secret_changed: false,
            is_ahead: false,
            is_listed: true,
        }
    }

    /// The watch reports the object. Returns whether it needs a pass, and whether to keep it whole until then.
    pub(super) fn changes_to(&mut self, entry: SealedEntry) -> (bool, bool) {
        self.is_listed = true;
        if self.is_ahead && entry.version.is_before(&self.entry.version) {
            // The report is older than what a pass has read, so it is ignored. If the API server's data were restored, it is not
            // older; the next pass reads the object again.
            self.body = None;
            self.changed = true;
            return (true, false);
        }
        self.is_ahead = false;
        let matters = self.replace(entry);
        self.changed |= matters;
        // A status cannot be written to an old version of the object.
        self.body = None;
        (matters, self.changed && self.needs_body())
    }

    /// A pass that began with `start` has read it.
    pub(super) fn was_read(&mut self, start: &SealedEntry, entry: SealedEntry) {
        // The watch may have reported a newer version meanwhile, and has woken the object if that matters.
        if self.entry.version == start.version && self.entry.version != entry.version {
            self.is_ahead = true;
            self.body = None;
            self.replace(entry);
        }
    }

    /// Returns whether the change matters.
    fn replace(&mut self, entry: SealedEntry) -> bool {
        let before = std::mem::replace(&mut self.entry, entry);
        let matters = self.entry.differs_from(&before);
        if self.entry.digest != before.digest
            && let Some(memory) = &mut self.memory
        {
            memory.hold_digest(before.digest);
        }
        if self.entry.uid != before.uid {
            self.memory = None;
        } else if let Some(memory) = self.memory.as_mut().filter(|_| matters) {
            memory.begin_anew();
        }
        matters
    }

    /// Whether a pass is likely to need more than the entry. An object that is being deleted gets no pass.
    pub(super) fn needs_body(&self) -> bool {
        !self.entry.goes && (!self.entry.may_be_in_sync() || self.memory.is_some())
    }

    /// Keeps the object, if it is still the current version and its pass has not begun.
    pub(super) fn keep_body(&mut self, body: Option<Arc<Body>>, sealed: &SealedSecret) {
        let version = sealed.metadata.resource_version.as_deref().unwrap_or_default();
        if self.changed && self.entry.version == Version::from(version) {
            self.body = body;
        }
    }

    pub(super) fn memory(&self) -> Option<ReconcileState> {
        let memory = self.memory.as_ref()?;
        Some(memory.memory(&self.entry))
    }

    /// A pass has ended. The object that it began with is no longer needed.
    pub(super) fn pass_ended(&mut self, memory: ReconcileState) {
        if !self.changed {
            self.body = None;
        }
        // If the object was recreated meanwhile, the state belongs to the former one.
        if self.entry.uid == Uid::from(memory.uid.as_str()) {
            self.memory = Some(KeptState::new(memory, &self.entry));
        }
    }

    /// Whether changes of the Secret are ignored: no Secret can be made of the SealedSecret as it is, or it is in sync and an
    /// annotation says to leave the Secret alone.
    pub(super) fn is_left_alone(&self) -> bool {
        let Some(memory) = &self.memory else {
            return false;
        };
        // While another controller keeps overwriting the Secret, its changes are ignored: the next repair has its time.
        let waits = |memory: &ReconcileState| memory.retry == Some(Retry::OnChange) || memory.repairs.are_contested();
        memory.other().is_some_and(waits) || memory.is_settled() && self.entry.options.skip_recreate
    }

    /// Whether this version of its Secret makes a pass due.
    pub(super) fn is_woken_by(&mut self, secret: &SecretEntry) -> bool {
        let is_other = self
            .memory
            .as_ref()
            .is_some_and(|memory| !memory.knows(&secret.version));
        let wakes = is_other && !self.is_left_alone();
        self.secret_changed |= wakes;
        wakes
    }
}

/// Bytes of an entry, without names and shared data.
#[cfg(all(test, target_pointer_width = "64"))]
#[test]
fn an_object_takes_little_room() {
    assert!(size_of::<Known>() <= 360, "{}", size_of::<Known>());
}

/// The namespaces in which Secrets are watched.
#[derive(Debug, Default)]
pub(super) struct Watched {
    all: bool,
    namespaces: HashSet<String>,
}

impl Watched {
    pub(super) fn holds(&self, namespace: &str) -> bool {
        self.all || self.namespaces.contains(namespace)
    }

    /// Sets it for `namespace`, or for all.
    pub(super) fn set(&mut self, namespace: Option<&str>, watched: bool) {
        match namespace {
            None => self.all = watched,
            Some(namespace) if watched => drop(self.namespaces.insert(namespace.to_owned())),
            Some(namespace) => drop(self.namespaces.remove(namespace)),
        }
    }
}

/// The sets of keys that opened objects. Most objects share one set, which is held once.
#[derive(Debug, Default)]
pub(super) struct SharedKeys {
    sets: HashSet<Arc<[Fingerprint]>>,
    /// At this size, sets that no object uses any more are dropped.
    most: usize,
}

impl SharedKeys {
    pub(super) fn share(&mut self, mut entry: SealedEntry) -> SealedEntry {
        let keys = &mut entry.status.opened_by;
        if let Some(shared) = self.sets.get(keys) {
            *keys = shared.clone();
            return entry;
        }
        if self.sets.len() >= self.most {
            self.sets.retain(|keys| Arc::strong_count(keys) > 1);
            self.most = 2 * self.sets.len() + 16;
        }
        self.sets.insert(keys.clone());
        entry
    }
}
