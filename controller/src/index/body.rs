//! SealedSecrets as a watch told them, until their pass: only what is to be worked on, and so many bytes in all. Of the others,
//! a pass reads the object again.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crds::SealedSecret;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes of all that are kept.
const MOST: usize = 16 << 20;
/// Bytes that are allocated at a time. One by one, they would lie between what stays, and the allocator would give nothing of
/// them back to the system; so do blocks that fit into what a page of the list leaves free. Of a block, only what was written
/// is resident.
const BLOCK: usize = 4 << 20;

/// The room for all of them.
#[derive(Debug)]
pub(super) struct Bodies {
    room: Arc<Semaphore>,
    /// Where the next one goes, if it fits.
    last: Mutex<Weak<Block>>,
}

impl Default for Bodies {
    fn default() -> Self {
        Self {
            room: Arc::new(Semaphore::new(MOST)),
            last: Mutex::default(),
        }
    }
}

/// Objects that were told one after the other: their passes, too, are likely to end so.
#[derive(Debug)]
struct Block {
    json: Mutex<Vec<u8>>,
    _room: OwnedSemaphorePermit,
}

impl Block {
    /// Takes this text, if there is room. Gives its place.
    fn take(&self, text: &[u8]) -> Option<Range<usize>> {
        let mut json = self.json.lock().unwrap_or_else(PoisonError::into_inner);
        let start = json.len();
        let fits = text.len() <= json.capacity() - start;
        fits.then(|| json.extend_from_slice(text))?;
        Some(start..json.len())
    }
}

/// A SealedSecret as JSON, which takes a third of the object's room.
#[derive(Debug)]
pub(crate) struct Body {
    block: Arc<Block>,
    place: Range<usize>,
}

impl Bodies {
    /// Keeps an object, if there is room.
    pub(super) fn keep(&self, sealed: &SealedSecret) -> Option<Arc<Body>> {
        let json = serde_json::to_vec(sealed).ok()?;
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let in_last = |block: Arc<Block>| Some((block.take(&json)?, block));
        let (place, block) = match last.upgrade().and_then(in_last) {
            Some(taken) => taken,
            None => {
                let size = json.len().max(BLOCK);
                let room = self
                    .room
                    .clone()
                    .try_acquire_many_owned(u32::try_from(size).ok()?)
                    .ok()?;
                let block = Arc::new(Block {
                    json: Mutex::new(Vec::with_capacity(size)),
                    _room: room,
                });
                *last = Arc::downgrade(&block);
                (block.take(&json)?, block)
            }
        };
        Some(Arc::new(Body { block, place }))
    }
}

impl Body {
    /// Bytes of the JSON.
    pub(crate) fn len(&self) -> usize {
        self.place.len()
    }

    /// The object.
    pub(crate) fn read(&self) -> Option<SealedSecret> {
        let json = self.block.json.lock().unwrap_or_else(PoisonError::into_inner);
        serde_json::from_slice(json.get(self.place.clone())?).ok()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sealed(size: usize) -> SealedSecret {
        serde_json::from_value(json!({
            "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
            "metadata": {"namespace": "ns", "name": "one", "uid": "u1", "generation": 1, "resourceVersion": "5",
                "creationTimestamp": "2024-05-01T12:00:00Z", "annotations": {"a": "b"}},
            "spec": {"encryptedData": {"a": "x".repeat(size)}, "template": {"type": "Opaque", "immutable": true,
                "data": {"b": null, "c": "{{ .a }}"},
                "metadata": {"labels": {"l": "x"}, "finalizers": ["f"], "ownerReferences": []}}},
            "status": {"observedGeneration": 1, "openedBy": ["k"], "written": {"uid": "s1"},
                "conditions": [{"type": "Synced", "status": "True", "lastUpdateTime": "2024-05-01T12:00:00Z"}]},
        }))
        .unwrap()
    }

    #[test]
    fn objects_come_back_as_they_were() {
        let bodies = Bodies::default();
        let sizes = [1, 2, 100_000, 200_000, 3, 1 << 20, 4];
        let kept = sizes.map(|size| bodies.keep(&sealed(size)).unwrap());
        for (body, size) in kept.iter().zip(sizes) {
            assert_eq!(body.read(), Some(sealed(size)));
        }
    }

    #[test]
    fn the_room_is_bounded_and_given_back() {
        let bodies = Bodies::default();
        let all = || std::iter::from_fn(|| bodies.keep(&sealed(3 << 10))).collect::<Vec<_>>();
        let (kept, size) = (all(), serde_json::to_vec(&sealed(3 << 10)).unwrap().len());
        assert_eq!(kept.len(), MOST / BLOCK * (BLOCK / size));
        assert!(bodies.keep(&sealed(1 << 20)).is_none());
        drop(kept);
        assert_eq!(bodies.room.available_permits(), MOST);
        assert!(bodies.keep(&sealed(1 << 20)).is_some());
    }
}
