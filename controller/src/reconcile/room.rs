//! Room for large Secrets. A pass takes several times the size of one until the API server has answered, and hundreds of passes
//! may wait for that at a time.

use std::collections::BTreeMap;
use std::sync::Arc;

use crds::SealedSecret;
use k8s_openapi::api::core::v1::Secret;
use sealing::secret::ClearSecret;

use crate::error::ApiFailure;
use crate::fair_semaphore::{FairSemaphore, Permit};

/// Large Secrets at a time. Each takes up to 8 MiB: what was opened, the Secret, its JSON, the answer and its tree.
const ROOMS: usize = 16;
/// Bytes of a Secret that needs room.
const LARGE: usize = 32 << 10;

/// All rooms, by the namespace whose objects are in them.
pub(crate) type Rooms = FairSemaphore<String>;

/// As many as there are.
pub(crate) fn rooms() -> Arc<Rooms> {
    Rooms::new(ROOMS)
}

/// Whether what is opened or sent back of an object is large.
pub(crate) fn is_large_object(sealed: &SealedSecret) -> bool {
    let spec = &sealed.spec;
    let template = spec.template.as_ref().and_then(|template| template.data.as_ref());
    let texts = spec
        .encrypted_data
        .values()
        .chain(template.into_iter().flatten().filter_map(|(_, text)| text.as_ref()));
    let metadata = [&sealed.metadata.labels, &sealed.metadata.annotations];
    let marks = metadata.into_iter().flatten().map(size_of_marks);
    let data = spec.data.as_ref().map_or(0, String::len);
    texts.map(String::len).chain(marks).sum::<usize>() + data > LARGE
}

fn size_of_marks(marks: &BTreeMap<String, String>) -> usize {
    marks.iter().map(|(key, value)| key.len() + value.len()).sum()
}

/// Whether the Secret that is made is large.
pub(crate) fn is_large(made: &ClearSecret) -> bool {
    made.items.values().map(|bytes| bytes.expose().len()).sum::<usize>() > LARGE
}

/// Whether the Secret that is there is large.
fn is_large_there(live: &Secret) -> bool {
    let data = live.data.iter().flatten().map(|(_, bytes)| bytes.0.len());
    let metadata = [&live.metadata.labels, &live.metadata.annotations];
    data.chain(metadata.into_iter().flatten().map(size_of_marks))
        .sum::<usize>()
        > LARGE
}

/// The room that one pass has, or may get.
pub(crate) struct Room {
    rooms: Arc<Rooms>,
    namespace: String,
    permit: Option<Permit<String>>,
    /// What is made needs it.
    is_kept: bool,
}

impl Room {
    /// For a pass of this namespace, which makes a large Secret if it has a permit already.
    pub(crate) fn new(rooms: &Arc<Rooms>, namespace: &str, permit: Option<Permit<String>>) -> Self {
        Self {
            rooms: rooms.clone(),
            namespace: namespace.to_owned(),
            is_kept: permit.is_some(),
            permit,
        }
    }

    /// Reads the Secret that is there with room for a large one; for a small one it is given back.
    pub(crate) async fn read(
        &mut self,
        read: impl Future<Output = Result<Option<Secret>, ApiFailure>>,
    ) -> Result<Option<Secret>, ApiFailure> {
        if self.permit.is_none() {
            self.permit = Some(self.rooms.acquire(&self.namespace).await);
        }
        let found = read.await;
        let is_large = matches!(&found, Ok(Some(live)) if is_large_there(live));
        if !is_large && !self.is_kept {
            self.permit = None;
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::ByteString;

    use super::*;

    fn live(size: usize) -> Result<Option<Secret>, ApiFailure> {
        Ok(Some(Secret {
            data: Some(BTreeMap::from([("a".to_owned(), ByteString(vec![7; size]))])),
            ..Secret::default()
        }))
    }

    #[tokio::test]
    async fn few_large_secrets_are_read_at_a_time() {
        let rooms = rooms();
        let mut passes = Vec::new();
        for _ in 0..ROOMS {
            let mut room = Room::new(&rooms, "crowd", None);
            let read = room.read(async { live(LARGE + 1) }).await;
            passes.push((room, read));
        }
        let mut next = Room::new(&rooms, "other", None);
        let waits = tokio::time::timeout(std::time::Duration::from_millis(10), next.read(async { live(1) }));
        assert!(waits.await.is_err());
        passes.pop();
        assert!(next.read(async { live(1) }).await.is_ok());
        assert!(
            rooms.try_acquire(&"other".to_owned()).is_some(),
            "a small one needs no room"
        );
        let mut makes = Room::new(&rooms, "other", rooms.try_acquire(&"other".to_owned()));
        assert!(makes.read(async { live(1) }).await.is_ok());
        assert!(rooms.try_acquire(&"other".to_owned()).is_none(), "what is made does");
    }

    #[test]
    fn all_that_is_sent_back_of_an_object_counts() {
        let object = |json: serde_json::Value| serde_json::from_value::<SealedSecret>(json).unwrap();
        let base = serde_json::json!({
            "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
            "metadata": {"name": "a", "annotations": {}, "labels": {}},
            "spec": {"encryptedData": {}, "template": {"data": {}}},
        });
        assert!(!is_large_object(&object(base.clone())));
        for pointer in [
            "/metadata/annotations",
            "/metadata/labels",
            "/spec/encryptedData",
            "/spec/template/data",
        ] {
            let mut large = base.clone();
            large.pointer_mut(pointer).unwrap()["a"] = "x".repeat(LARGE + 1).into();
            assert!(is_large_object(&object(large)), "{pointer}");
        }
    }
}
