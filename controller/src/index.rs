//! A cache of the cluster: of each SealedSecret, what decides whether it needs a pass; of the Secrets, those that belong to
//! SealedSecrets or have their names.
//!
//! Its size does not depend on other Secrets or on the sealed values. The methods return which SealedSecrets need a pass.

mod body;
mod by_name;
mod compact;
mod entry;
mod known;
mod reconcile_state;
mod sealed_entry;
mod ttl_cache;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crds::SealedSecret;
use kube::core::ObjectMeta;

use crate::error::Retry;
use crate::index::body::Bodies;
pub(crate) use crate::index::body::Body;
use crate::index::by_name::ByName;
pub(crate) use crate::index::entry::SecretIdentity;
use crate::index::entry::{Owner, SecretEntry};
use crate::index::known::{Known, Sealed, SharedKeys, Watched};
use crate::index::reconcile_state::KeptState;
pub(crate) use crate::index::reconcile_state::{Obstacle, ReconcileState, Repairs, Reported, Said, Unsaid};
pub(crate) use crate::index::sealed_entry::{SealedEntry, StatusEntry, WrittenEntry};
use crate::index::ttl_cache::TtlCache;
use crate::object_ref::ObjectName;

/// How long a Secret that blocked a SealedSecret must be gone before its place is taken: its owner may be about to create it
/// again.
pub(crate) const BLOCKED_GRACE: Duration = Duration::from_secs(2);
/// How long a foreign Secret is remembered after it appeared or changed. The two watches are not in step: when a Secret is
/// deleted at the moment in which a SealedSecret of its name appears, its deletion may arrive too late.
const FOREIGN_REMEMBERED: Duration = Duration::from_secs(10);

/// When a SealedSecret needs a pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wake {
    /// Now.
    Now,
    /// After a pause.
    After(Duration),
}

/// The state from which a pass starts.
#[derive(Debug, Clone)]
pub(crate) struct Begun {
    /// The cached data of the SealedSecret.
    pub entry: SealedEntry,
    /// The SealedSecret, if it is cached whole; otherwise the pass reads it.
    pub body: Option<Arc<Body>>,
    /// What earlier passes left.
    pub memory: ReconcileState,
    /// resourceVersion of the Secret, as the watch knew it.
    pub seen: Option<String>,
}

/// Whether the Secret of a SealedSecret exists, as far as the watch knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SecretPresence {
    /// The watch knows one of that name.
    Known,
    /// The watch knows none. A foreign one may exist all the same.
    NotKnown,
    /// There was a foreign one a moment ago.
    Foreign,
    /// Secrets are not watched.
    NotWatched,
}

/// The cache. Shared by the watches and the workers.
#[derive(Debug, Default)]
pub(crate) struct Index {
    inner: Mutex<Inner>,
    bodies: Bodies,
}

#[derive(Debug, Default)]
struct Inner {
    known: ByName<Known>,
    keys: SharedKeys,
    watched: Watched,
    foreign_seen: TtlCache,
    foreign_deleted: TtlCache,
}

impl Inner {
    fn sealed(&self, name: &ObjectName) -> Option<&Sealed> {
        self.known.get(name)?.sealed.as_ref()
    }

    fn sealed_mut(&mut self, name: &ObjectName) -> Option<&mut Sealed> {
        self.known.get_mut(name)?.sealed.as_mut()
    }

    fn secret(&self, name: &ObjectName) -> Option<&SecretEntry> {
        self.known.get(name)?.secret.as_ref()
    }

    fn take_secret(&mut self, name: &ObjectName) -> Option<SecretEntry> {
        let known = self.known.get_mut(name)?;
        let secret = known.secret.take();
        if known.is_nothing() {
            self.known.remove(name);
        }
        secret
    }
}

impl Index {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        // No code panics while it holds the lock, and every step leaves the maps consistent.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A SealedSecret appeared or changed; `entry` is to be cached. Returns whether it needs a pass.
    pub(crate) fn sealed_applied(&self, name: &ObjectName, entry: SealedEntry, sealed: &SealedSecret) -> Option<Wake> {
        let (matters, keeps) = {
            let mut inner = self.inner();
            let entry = inner.keys.share(entry);
            let known = inner.known.get_or_new(name);
            match &mut known.sealed {
                Some(sealed) => sealed.changes_to(entry),
                none => (true, none.insert(Sealed::new(entry)).needs_body()),
            }
        };
        if keeps {
            // Outside of the lock: an object may be large.
            let body = self.bodies.keep(sealed);
            if let Some(known) = self.inner().sealed_mut(name) {
                known.keep_body(body, sealed);
            }
        }
        matters.then_some(Wake::Now)
    }

    /// A pass that began with the entry `start` has read the object, perhaps before the watch has reported it; `entry` is to be
    /// cached.
    pub(crate) fn sealed_read(&self, name: &ObjectName, start: &SealedEntry, entry: SealedEntry) {
        let mut inner = self.inner();
        let entry = inner.keys.share(entry);
        if let Some(sealed) = inner.sealed_mut(name) {
            sealed.was_read(start, entry);
        }
    }

    /// A SealedSecret was deleted.
    pub(crate) fn sealed_gone(&self, name: &ObjectName) -> Option<SealedEntry> {
        let mut inner = self.inner();
        let known = inner.known.get_mut(name)?;
        let sealed = known.sealed.take();
        if known.secret.as_ref().is_none_or(|secret| secret.owner == Owner::Nobody) {
            inner.known.remove(name);
        }
        sealed.map(|sealed| sealed.entry)
    }

    /// The SealedSecrets of `namespace`, or all, are about to be listed.
    pub(crate) fn sealed_list_begins(&self, namespace: Option<&str>) {
        let mut inner = self.inner();
        let known = inner.known.values_mut(namespace);
        for sealed in known.filter_map(|known| known.sealed.as_mut()) {
            sealed.is_listed = false;
        }
    }

    /// Names of the SealedSecrets that the list did not contain.
    pub(crate) fn sealed_not_listed(&self, namespace: Option<&str>) -> Vec<ObjectName> {
        let is_missing = |known: &Known| known.sealed.as_ref().is_some_and(|sealed| !sealed.is_listed);
        self.inner().known.names(namespace, is_missing)
    }

    /// Names of the SealedSecrets in `namespace`, or in all.
    pub(crate) fn sealed_names(&self, namespace: Option<&str>) -> Vec<ObjectName> {
        self.inner().known.names(namespace, |known| known.sealed.is_some())
    }

    /// Namespaces with SealedSecrets.
    pub(crate) fn namespaces(&self) -> HashSet<String> {
        let inner = self.inner();
        let mut namespaces: HashSet<_> = inner.known.namespaces().map(str::to_owned).collect();
        namespaces.retain(|namespace| {
            let mut known = inner.known.of_namespace(namespace);
            known.any(|(_, known)| known.sealed.is_some())
        });
        namespaces
    }

    /// Calls `show` for each SealedSecret, with its namespace, its name and its entry.
    pub(crate) fn show_all(&self, mut show: impl FnMut(&str, &str, &SealedEntry)) {
        // The lock is released between two namespaces.
        for namespace in self.namespaces() {
            let inner = self.inner();
            for (name, known) in inner.known.of_namespace(&namespace) {
                if let Some(sealed) = &known.sealed {
                    show(&namespace, name, &sealed.entry);
                }
            }
        }
    }

    /// A SealedSecret, what its last pass left, and its Secret if the watch knows it.
    pub(crate) fn look(
        &self,
        name: &ObjectName,
    ) -> Option<(SealedEntry, Option<ReconcileState>, Option<SecretIdentity>)> {
        let inner = self.inner();
        let known = inner.known.get(name)?;
        let sealed = known.sealed.as_ref()?;
        let secret = known.secret.as_ref().map(SecretEntry::identity);
        Some((sealed.entry.clone(), sealed.memory(), secret))
    }

    /// The Secrets of `namespace`, or all, are about to be listed.
    pub(crate) fn secret_list_begins(&self, namespace: Option<&str>) {
        let mut inner = self.inner();
        let known = inner.known.values_mut(namespace);
        for secret in known.filter_map(|known| known.secret.as_mut()) {
            secret.is_listed = false;
        }
    }

    /// Names of the cached Secrets that the list did not contain.
    pub(crate) fn secrets_not_listed(&self, namespace: Option<&str>) -> Vec<ObjectName> {
        let is_missing = |known: &Known| known.secret.as_ref().is_some_and(|secret| !secret.is_listed);
        self.inner().known.names(namespace, is_missing)
    }

    /// Sets whether the Secrets of `namespace`, or of all, are watched.
    pub(crate) fn set_secrets_watched(&self, namespace: Option<&str>, watched: bool) {
        self.inner().watched.set(namespace, watched);
    }

    /// The Secrets of `namespace` are no longer watched. They are forgotten.
    pub(crate) fn secrets_left(&self, namespace: &str) {
        let mut inner = self.inner();
        inner.watched.set(Some(namespace), false);
        inner.known.retain(namespace, |known| {
            known.secret = None;
            !known.is_nothing()
        });
    }

    /// A Secret appeared or changed. Returns whether it is cached, and whether the SealedSecret of its name needs a pass.
    pub(crate) fn secret_applied(&self, metadata: &ObjectMeta, now: Instant) -> (bool, Option<Wake>) {
        let name = ObjectName::of(metadata);
        let entry = SecretEntry::of(metadata);
        let mut inner = self.inner();
        if inner.sealed(&name).is_none() && entry.owner == Owner::Nobody {
            inner.take_secret(&name);
            if !entry.managed {
                inner.foreign_seen.note(name, now, FOREIGN_REMEMBERED);
            }
            return (false, None);
        }
        let known = inner.known.get_or_new(&name);
        // Without a state, the first pass is still due.
        let wake = known.sealed.as_mut().is_some_and(|sealed| sealed.is_woken_by(&entry));
        known.secret = Some(entry);
        (true, wake.then_some(Wake::Now))
    }

    /// A Secret was deleted. `metadata` is its last state, if the watch gave it. Returns whether the SealedSecret of its name
    /// needs a pass: only if the Secret was its own, or one that it may take over, or one that blocked it.
    pub(crate) fn secret_gone(&self, name: &ObjectName, metadata: Option<&ObjectMeta>, now: Instant) -> Option<Wake> {
        let mut inner = self.inner();
        inner.foreign_seen.forget(name);
        let kept = inner.take_secret(name);
        let entry = metadata.map(SecretEntry::of).or(kept)?;
        if entry.managed || entry.owner == Owner::OfItsName {
            let sealed = inner.sealed_mut(name)?;
            sealed.secret_changed = false;
            return (!sealed.is_left_alone()).then_some(Wake::Now);
        }
        inner.foreign_deleted.note(name.clone(), now, BLOCKED_GRACE);
        let memory = inner.sealed(name)?.memory.as_ref().and_then(KeptState::other);
        let blocked = memory.is_some_and(|memory| memory.obstacle.is_some());
        blocked.then_some(Wake::After(BLOCKED_GRACE))
    }

    /// How much longer the place of a deleted foreign Secret must stay empty.
    pub(crate) fn kept_empty_for(&self, name: &ObjectName, now: Instant) -> Option<Duration> {
        let deleted = self.inner().foreign_deleted.at(name)?;
        let left = BLOCKED_GRACE.checked_sub(now.saturating_duration_since(deleted))?;
        (!left.is_zero()).then_some(left)
    }

    /// A foreign Secret is gone, and the watch has not reported it yet.
    pub(crate) fn foreign_missing(&self, name: &ObjectName, now: Instant) {
        let mut inner = self.inner();
        inner.foreign_seen.forget(name);
        inner.foreign_deleted.note(name.clone(), now, BLOCKED_GRACE);
    }

    /// Whether the Secret of that name exists.
    pub(crate) fn presence(&self, name: &ObjectName, now: Instant) -> SecretPresence {
        let inner = self.inner();
        let seen = inner.foreign_seen.at(name);
        if !inner.watched.holds(&name.namespace) {
            SecretPresence::NotWatched
        } else if inner.secret(name).is_some() {
            SecretPresence::Known
        } else if seen.is_some_and(|seen| now.saturating_duration_since(seen) < FOREIGN_REMEMBERED) {
            SecretPresence::Foreign
        } else {
            SecretPresence::NotKnown
        }
    }

    /// The Secret of that name, if the watch knows one.
    pub(crate) fn identity(&self, name: &ObjectName) -> Option<SecretIdentity> {
        self.inner().secret(name).map(SecretEntry::identity)
    }

    /// Begins a pass. `None`: there is nothing to do, because the object is gone or its Secret only changed to what the last pass
    /// wrote.
    pub(crate) fn begin(&self, name: &ObjectName) -> Option<Begun> {
        let mut inner = self.inner();
        let known = inner.known.get_mut(name)?;
        let sealed = known.sealed.as_mut()?;
        let changed = std::mem::take(&mut sealed.changed);
        let only_secret_changed = std::mem::take(&mut sealed.secret_changed) && !changed;
        // Its Secret is deleted with it, so no pass is made for an object that is being deleted.
        if sealed.entry.goes {
            return None;
        }
        let memory = sealed.memory().unwrap_or_else(|| ReconcileState {
            uid: sealed.entry.uid.to_string(),
            ..ReconcileState::default()
        });
        let seen = known.secret.as_ref().map(|secret| secret.version.to_string());
        let same_secret = seen.is_some() && seen == memory.secret_version;
        // A pass that must be repeated is not skipped: this wake-up came in place of its timer.
        if only_secret_changed && same_secret && memory.is_settled() {
            return None;
        }
        Some(Begun {
            entry: sealed.entry.clone(),
            body: sealed.body.clone(),
            memory,
            seen,
        })
    }

    /// A pass was not finished. The next one begins as this one did.
    pub(crate) fn put_off(&self, name: &ObjectName) {
        let mut inner = self.inner();
        if let Some(sealed) = inner.known.get_mut(name).and_then(|known| known.sealed.as_mut()) {
            sealed.changed = true;
        }
    }

    /// Ends a pass that began when the watch knew the Secret at version `seen`. Returns the pause before the next pass, if
    /// something else changed the Secret meanwhile: before a first state, such a change wakes no pass.
    pub(crate) fn end(&self, name: &ObjectName, seen: Option<&str>, memory: ReconcileState) -> Option<Duration> {
        let mut inner = self.inner();
        let known = inner.known.get_mut(name)?;
        let sealed = known.sealed.as_mut()?;
        let now = known.secret.as_ref().map(|secret| secret.version.to_string());
        let changed = now.as_deref() != seen && now != memory.secret_version;
        sealed.pass_ended(memory);
        (changed && !sealed.is_left_alone()).then_some(Duration::ZERO)
    }

    /// A pass has read or written a Secret.
    pub(crate) fn secret_read(&self, metadata: &ObjectMeta) {
        let mut inner = self.inner();
        let name = ObjectName::of(metadata);
        // The watch may know a newer version; versions cannot be compared.
        if inner.watched.holds(&name.namespace) {
            let known = inner.known.get_or_new(&name);
            known.secret.get_or_insert_with(|| SecretEntry::of(metadata));
        }
    }

    /// Forgets the results of all passes: another replica has led meanwhile.
    pub(crate) fn forget_passes(&self) {
        let mut inner = self.inner();
        let known = inner.known.values_mut(None);
        for sealed in known.filter_map(|known| known.sealed.as_mut()) {
            sealed.memory = None;
            sealed.secret_changed = false;
        }
    }

    /// SealedSecrets that wait for other keys.
    pub(crate) fn waiting_for_keys(&self) -> Vec<ObjectName> {
        self.inner().known.names(None, |known| {
            let sealed = known.sealed.as_ref();
            let memory = sealed.and_then(|sealed| sealed.memory.as_ref()?.other());
            memory.is_some_and(|memory| memory.retry == Some(Retry::OnChange) && !memory.is_over_limit())
        })
    }
}

#[cfg(test)]
mod tests;
