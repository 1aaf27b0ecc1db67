//! Room for large Secrets. A pass takes several times the size of one until the API server has answered, and hundreds of passes
//! may wait for that at a time.

use std::collections::BTreeMap;
use std::sync::Arc;

use crds::SealedSecret;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
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
    let items = template.into_iter().flatten();
    let items = items.map(|(item, text)| item.len() + text.as_ref().map_or(0, String::len));
    let made = spec.template.as_ref().and_then(|template| template.metadata.as_ref());
    let metadata = [Some(&sealed.metadata), made]
        .into_iter()
        .flatten()
        .map(size_of_metadata);
    let data = spec.data.as_ref().map_or(0, String::len);
    items.chain(metadata).sum::<usize>() + size_of_marks(&spec.encrypted_data) + data > LARGE
}

fn size_of_marks(marks: &BTreeMap<String, String>) -> usize {
    marks.iter().map(|(key, value)| key.len() + value.len()).sum()
}

fn size_of_metadata(metadata: &ObjectMeta) -> usize {
    let marks = [&metadata.labels, &metadata.annotations];
    marks.into_iter().flatten().map(size_of_marks).sum()
}

/// Whether the Secret that is made is large.
pub(crate) fn is_large(made: &ClearSecret) -> bool {
    let items = made.items.iter().map(|(item, bytes)| item.len() + bytes.expose().len());
    items.sum::<usize>() + size_of_metadata(&made.metadata) > LARGE
}

/// Whether the Secret that is there is large.
fn is_large_there(live: &Secret) -> bool {
    let data = live
        .data
        .iter()
        .flatten()
        .map(|(item, bytes)| item.len() + bytes.0.len());
    data.sum::<usize>() + size_of_metadata(&live.metadata) > LARGE
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
            "spec": {"encryptedData": {}, "template": {"data": {}, "metadata": {"labels": {}, "annotations": {}}}},
        });
        assert!(!is_large_object(&object(base.clone())));
        for pointer in [
            "/metadata/annotations",
            "/metadata/labels",
            "/spec/encryptedData",
            "/spec/template/data",
            "/spec/template/metadata/labels",
            "/spec/template/metadata/annotations",
        ] {
            let mut large = base.clone();
            large.pointer_mut(pointer).unwrap()["a"] = "x".repeat(LARGE + 1).into();
            assert!(is_large_object(&object(large)), "{pointer}");
            let mut large = base.clone();
            large.pointer_mut(pointer).unwrap()["x".repeat(LARGE + 1).as_str()] = "".into();
            assert!(is_large_object(&object(large)), "{pointer}: a name");
        }
    }
}
