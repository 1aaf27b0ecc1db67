//! What is known of the cluster: the SealedSecrets, and of the Secrets only those that are theirs or have their names.
//!
//! Nothing here grows with the Secrets that are not ours. The methods say which SealedSecrets need a pass.

mod entry;
mod memory;
mod recent;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crds::SealedSecret;
use kube::core::ObjectMeta;
use sealing::binding::Scope;

use crate::annotation::{self, Wishes};
use crate::error::Retry;
pub(crate) use crate::index::entry::{SecretEntry, SecretIdentity};
pub(crate) use crate::index::memory::{Memory, Obstacle, Repairs, Reported, Said};
use crate::index::recent::Recent;
use crate::object_ref::ObjectName;

/// How long a Secret that blocked a SealedSecret has to be gone before its place is taken: whoever deleted it may be
/// about to put another one there.
pub(crate) const BLOCKED_GRACE: Duration = Duration::from_secs(2);
/// How long a foreign Secret is remembered that appeared or changed. The two watches are not in step: of a Secret that is
/// deleted in the moment in which a SealedSecret of its name appears, the end may be heard of too late.
const FOREIGN_REMEMBERED: Duration = Duration::from_secs(10);

/// When a SealedSecret needs a pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wake {
    /// Now.
    Now,
    /// After a pause.
    After(Duration),
}

/// What a pass starts from.
#[derive(Debug, Clone)]
pub(crate) struct Start {
    /// The SealedSecret.
    pub sealed: Arc<SealedSecret>,
    /// What is remembered of it.
    pub memory: Memory,
    /// resourceVersion of the Secret, as the watch knew it.
    pub seen: Option<String>,
}

/// Where the Secret of a SealedSecret stands, as far as the watch tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// The watch knows one of that name.
    Known,
    /// The watch knows none; one that is not ours may be there all the same.
    NotKnown,
    /// One that is not ours was there a moment ago.
    Foreign,
    /// There is no watch.
    NotWatched,
}

/// Everything that is known. Shared by the watches and the workers.
#[derive(Debug, Default)]
pub(crate) struct Index(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    sealed: HashMap<ObjectName, Arc<SealedSecret>>,
    secrets: HashMap<ObjectName, SecretEntry>,
    watched: Watched,
    memories: HashMap<ObjectName, Memory>,
    /// SealedSecrets that have changed since their last pass began.
    changed: HashSet<ObjectName>,
    /// SealedSecrets whose next pass is due because their Secret changed; only for that, if they are not among `changed`.
    secret_changed: HashSet<ObjectName>,
    foreign_seen: Recent,
    foreign_deleted: Recent,
}

/// Where Secrets are watched.
#[derive(Debug, Default)]
struct Watched {
    all: bool,
    namespaces: HashSet<String>,
}

impl Watched {
    fn holds(&self, namespace: &str) -> bool {
        self.all || self.namespaces.contains(namespace)
    }
}

impl Inner {
    /// resourceVersion of the Secret of that name, if the watch knows one.
    fn version(&self, name: &ObjectName) -> Option<String> {
        self.secrets.get(name).map(|entry| entry.identity.version.clone())
    }

    /// Whether what others make of the Secret is of no concern: nothing can be made of the SealedSecret as it is, or it says
    /// so itself, and nothing is left to do for it.
    fn is_left_alone(&self, name: &ObjectName) -> bool {
        let Some(memory) = self.memories.get(name) else {
            return false;
        };
        // Of a Secret that others write back at once, no word is news: its next repair has its time.
        if memory.retry == Some(Retry::OnChange) || memory.repairs.are_contested() {
            return true;
        }
        memory.is_settled()
            && self
                .sealed
                .get(name)
                .is_some_and(|sealed| Wishes::of(sealed).skip_recreate)
    }
}

impl Index {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        // No code panics while it holds the lock; if it did, the maps would still be whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A SealedSecret appeared or changed. Gives what it was before, and whether it needs a pass.
    pub(crate) fn sealed_applied(
        &self,
        sealed: impl Into<Arc<SealedSecret>>,
    ) -> (Option<Arc<SealedSecret>>, Option<Wake>) {
        let sealed = sealed.into();
        let name = ObjectName::of(&sealed.metadata);
        let mut inner = self.inner();
        let before = inner.sealed.insert(name.clone(), sealed.clone());
        let matters = before
            .as_ref()
            .is_none_or(|before| what_matters(before) != what_matters(&sealed));
        if matters {
            inner.changed.insert(name.clone());
            if let Some(memory) = inner.memories.get_mut(&name) {
                memory.attempts = 0;
                memory.repairs = Repairs::default();
            }
        }
        (before, matters.then_some(Wake::Now))
    }

    /// A SealedSecret went.
    pub(crate) fn sealed_gone(&self, name: &ObjectName) -> Option<Arc<SealedSecret>> {
        let mut inner = self.inner();
        inner.memories.remove(name);
        inner.changed.remove(name);
        inner.secret_changed.remove(name);
        if inner.secrets.get(name).is_some_and(|entry| entry.owner.is_none()) {
            inner.secrets.remove(name);
        }
        inner.sealed.remove(name)
    }

    /// Names of the SealedSecrets in `namespace`, or in all.
    pub(crate) fn sealed_names(&self, namespace: Option<&str>) -> Vec<ObjectName> {
        in_namespace(self.inner().sealed.keys(), namespace)
    }

    /// Namespaces with SealedSecrets.
    pub(crate) fn namespaces(&self) -> HashSet<String> {
        self.inner().sealed.keys().map(|name| name.namespace.clone()).collect()
    }

    /// A SealedSecret, what its last pass left, and its Secret if the watch knows it.
    pub(crate) fn look(
        &self,
        name: &ObjectName,
    ) -> Option<(Arc<SealedSecret>, Option<Memory>, Option<SecretIdentity>)> {
        let inner = self.inner();
        let sealed = inner.sealed.get(name)?.clone();
        let secret = inner.secrets.get(name).map(|entry| entry.identity.clone());
        Some((sealed, inner.memories.get(name).cloned(), secret))
    }

    /// Names of the Secrets that are kept, in `namespace` or in all.
    pub(crate) fn secret_names(&self, namespace: Option<&str>) -> Vec<ObjectName> {
        in_namespace(self.inner().secrets.keys(), namespace)
    }

    /// Says whether the Secrets of `namespace`, or of all, are watched.
    pub(crate) fn set_secrets_watched(&self, namespace: Option<&str>, watched: bool) {
        let mut inner = self.inner();
        match namespace {
            None => inner.watched.all = watched,
            Some(namespace) if watched => drop(inner.watched.namespaces.insert(namespace.to_owned())),
            Some(namespace) => drop(inner.watched.namespaces.remove(namespace)),
        }
    }

    /// The Secrets of `namespace` are watched no more, and forgotten.
    pub(crate) fn secrets_left(&self, namespace: &str) {
        let mut inner = self.inner();
        inner.watched.namespaces.remove(namespace);
        inner.secrets.retain(|name, _| name.namespace != namespace);
    }

    /// A Secret appeared or changed. Gives whether it is kept, and whether the SealedSecret of its name needs a pass.
    pub(crate) fn secret_applied(&self, metadata: &ObjectMeta, now: Instant) -> (bool, Option<Wake>) {
        let name = ObjectName::of(metadata);
        let entry = SecretEntry::of(metadata);
        let mut inner = self.inner();
        let wanted = inner.sealed.contains_key(&name);
        if !wanted && entry.owner.is_none() {
            inner.secrets.remove(&name);
            if !entry.managed {
                inner.foreign_seen.note(name, now, FOREIGN_REMEMBERED);
            }
            return (false, None);
        }
        let seen = inner
            .memories
            .get(&name)
            .map(|memory| memory.secret_version.as_ref() == Some(&entry.identity.version));
        inner.secrets.insert(name.clone(), entry);
        // Without a memory, the first pass is still to come.
        let wake = wanted && seen == Some(false) && !inner.is_left_alone(&name);
        if wake {
            inner.secret_changed.insert(name);
        }
        (true, wake.then_some(Wake::Now))
    }

    /// A Secret was deleted. `metadata`: its last state, if the watch gave it. Says whether the SealedSecret of its name
    /// needs a pass: only when the Secret was its own, or one that it may take over, or one that blocked it.
    pub(crate) fn secret_gone(&self, name: &ObjectName, metadata: Option<&ObjectMeta>, now: Instant) -> Option<Wake> {
        let mut inner = self.inner();
        inner.foreign_seen.forget(name);
        let kept = inner.secrets.remove(name);
        let entry = metadata.map(SecretEntry::of).or(kept)?;
        let sealed = inner.sealed.get(name).cloned();
        let owned_by_name = entry.owner.as_ref().is_some_and(|owner| owner.name == name.name);
        if entry.managed || owned_by_name {
            inner.secret_changed.remove(name);
            return sealed.filter(|_| !inner.is_left_alone(name)).map(|_| Wake::Now);
        }
        inner.foreign_deleted.note(name.clone(), now, BLOCKED_GRACE);
        let blocked = inner.memories.get(name).is_some_and(|memory| memory.obstacle.is_some());
        (sealed.is_some() && blocked).then_some(Wake::After(BLOCKED_GRACE))
    }

    /// How much longer the place of a foreign Secret that was deleted has to stay empty.
    pub(crate) fn kept_empty_for(&self, name: &ObjectName, now: Instant) -> Option<Duration> {
        let deleted = self.inner().foreign_deleted.at(name)?;
        let left = BLOCKED_GRACE.checked_sub(now.saturating_duration_since(deleted))?;
        (!left.is_zero()).then_some(left)
    }

    /// A foreign Secret that was there a moment ago turned out to be gone, before the watch has told.
    pub(crate) fn foreign_missing(&self, name: &ObjectName, now: Instant) {
        let mut inner = self.inner();
        inner.foreign_seen.forget(name);
        inner.foreign_deleted.note(name.clone(), now, BLOCKED_GRACE);
    }

    /// Where the Secret of that name stands.
    pub(crate) fn standing(&self, name: &ObjectName, now: Instant) -> Standing {
        let inner = self.inner();
        let seen = inner.foreign_seen.at(name);
        if !inner.watched.holds(&name.namespace) {
            Standing::NotWatched
        } else if inner.secrets.contains_key(name) {
            Standing::Known
        } else if seen.is_some_and(|seen| now.saturating_duration_since(seen) < FOREIGN_REMEMBERED) {
            Standing::Foreign
        } else {
            Standing::NotKnown
        }
    }

    /// The Secret of that name, if the watch knows one.
    pub(crate) fn identity(&self, name: &ObjectName) -> Option<SecretIdentity> {
        self.inner().secrets.get(name).map(|entry| entry.identity.clone())
    }

    /// Begins a pass. `None`: there is nothing to do, because the object went or because its Secret only changed to what
    /// the last pass made of it.
    pub(crate) fn begin(&self, name: &ObjectName) -> Option<Start> {
        let mut inner = self.inner();
        let changed = inner.changed.remove(name);
        let only_secret_changed = inner.secret_changed.remove(name) && !changed;
        let sealed = inner.sealed.get(name)?.clone();
        // Its Secret goes with it; nothing is made for an object that is on its way out.
        if sealed.metadata.deletion_timestamp.is_some() {
            return None;
        }
        let uid = sealed.metadata.uid.clone().unwrap_or_default();
        let memory = inner.memories.get(name).filter(|memory| memory.uid == uid).cloned();
        let memory = memory.unwrap_or(Memory {
            uid,
            ..Memory::default()
        });
        let seen = inner.version(name);
        let same_secret = seen.is_some() && seen == memory.secret_version;
        // A pass that has to be made again is not skipped: this wake came in the place of its timer.
        if only_secret_changed && same_secret && memory.is_settled() {
            return None;
        }
        Some(Start { sealed, memory, seen })
    }

    /// Ends a pass that began when the watch knew the Secret at version `seen`. Gives the pause before the next one, if
    /// the Secret changed meanwhile and not by this pass: while nothing was remembered yet, that woke nobody.
    pub(crate) fn end(&self, name: &ObjectName, seen: Option<&str>, memory: Memory) -> Option<Duration> {
        let mut inner = self.inner();
        if !inner.sealed.contains_key(name) {
            return None;
        }
        let now = inner.version(name);
        let changed = now.as_deref() != seen && now != memory.secret_version;
        inner.memories.insert(name.clone(), memory);
        (changed && !inner.is_left_alone(name)).then_some(Duration::ZERO)
    }

    /// A Secret was read or written by a pass.
    pub(crate) fn secret_read(&self, metadata: &ObjectMeta) {
        let mut inner = self.inner();
        let name = ObjectName::of(metadata);
        // What the watch knows may be newer; versions cannot be compared.
        if inner.watched.holds(&name.namespace) {
            inner.secrets.entry(name).or_insert_with(|| SecretEntry::of(metadata));
        }
    }

    /// Forgets what was remembered of all passes: another replica has led meanwhile.
    pub(crate) fn forget_passes(&self) {
        let mut inner = self.inner();
        inner.memories.clear();
        inner.secret_changed.clear();
    }

    /// SealedSecrets that wait for a change of the keyring.
    pub(crate) fn waiting_for_keys(&self) -> Vec<ObjectName> {
        let inner = self.inner();
        let stalled = inner
            .memories
            .iter()
            .filter(|(_, memory)| memory.retry == Some(Retry::OnChange) && !memory.is_over_limit());
        stalled.map(|(name, _)| name.clone()).collect()
    }
}

fn in_namespace<'a>(all: impl Iterator<Item = &'a ObjectName>, namespace: Option<&str>) -> Vec<ObjectName> {
    all.filter(|name| namespace.is_none_or(|namespace| name.namespace == namespace))
        .cloned()
        .collect()
}

/// What of a SealedSecret decides what its Secret is. The status is not part of it: our own writes wake nobody. The spec is,
/// beside its generation: in a cluster that was restored from a backup, another spec can have the same generation.
fn what_matters(sealed: &SealedSecret) -> impl PartialEq {
    let metadata = &sealed.metadata;
    let scope = Scope::from_annotations(metadata.annotations.as_ref());
    (
        metadata.uid.as_deref(),
        metadata.generation,
        scope,
        (Wishes::of(sealed), annotation::force_sync(sealed)),
        metadata.deletion_timestamp.is_some(),
        &sealed.spec,
    )
}

#[cfg(test)]
mod tests;
