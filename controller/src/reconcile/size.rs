//! What counts as large. A large object takes several times its size until the API server has answered, and hundreds of passes
//! may wait for that at a time. So there is a lane for large objects.

use std::io;

use crds::SealedSecret;
use k8s_openapi::api::core::v1::Secret;
use sealing::secret::ClearSecret;
use serde::Serialize;
use serde_json::ser::Formatter;

use crate::error::ApiFailure;
use crate::lanes::{Lane, Pass, Unfinished};
use crate::request::at_most::AtMost;

/// A Secret of more bytes is large.
const LARGE: usize = 32 << 10;
/// A SealedSecret of more bytes is large: ciphertexts are longer than plaintexts, and `kubectl apply` keeps a copy of them.
pub(crate) const LARGE_OBJECT: usize = 96 << 10;
/// Bytes of a field or an element beside its text: thousands of empty annotations take ten times their text.
const OF_A_VALUE: usize = 128;

/// Whether a SealedSecret is large in memory, and when it is sent back with its status.
pub(crate) fn is_large_object(sealed: &SealedSecret) -> bool {
    size_of(sealed) > LARGE_OBJECT
}

/// Whether the Secret that is made is large.
pub(crate) fn is_large(made: &ClearSecret) -> bool {
    let items = made
        .items
        .iter()
        .map(|(item, bytes)| item.len() + bytes.expose().len() + OF_A_VALUE);
    let type_ = made.type_.as_ref().map_or(0, String::len);
    items.sum::<usize>() + type_ + size_of(&made.metadata) > LARGE
}

/// Bytes of an object as JSON and in memory.
fn size_of(object: &impl Serialize) -> usize {
    let mut size = Size(0);
    match object.serialize(&mut serde_json::Serializer::with_formatter(&mut size, Roomy)) {
        Ok(()) => size.0,
        // It could not be sent either.
        Err(_) => 0,
    }
}

/// Writes each value with the memory that it takes.
struct Roomy;

impl Formatter for Roomy {
    fn begin_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W, _first: bool) -> io::Result<()> {
        writer.write_all(&[0; OF_A_VALUE])
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(&[0; OF_A_VALUE])
    }
}

struct Size(usize);

impl io::Write for Size {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads the existing Secret.
///
/// # Errors
/// It is large, and the lane of this pass is too light.
pub(crate) async fn read_in_lane<R>(
    pass: &Pass,
    read: impl Fn(AtMost) -> R,
) -> Result<Result<Option<Secret>, ApiFailure>, Unfinished>
where
    R: Future<Output = Result<Option<Secret>, ApiFailure>>,
{
    if pass.lane >= Lane::Large {
        return Ok(read(AtMost::new(usize::MAX)).await);
    }
    let bound = AtMost::new(LARGE);
    let found = read(bound.clone()).await;
    if bound.is_exceeded() || is_large_found(&found) {
        pass.needs(Lane::Large)?;
    }
    Ok(found)
}

fn is_large_found(found: &Result<Option<Secret>, ApiFailure>) -> bool {
    matches!(found, Ok(Some(live)) if size_of(live) > LARGE)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use k8s_openapi::ByteString;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
    use sealing::SecretBytes;
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::lanes::Places;

    fn live(size: usize) -> Result<Option<Secret>, ApiFailure> {
        Ok(Some(Secret {
            data: Some(BTreeMap::from([("a".to_owned(), ByteString(vec![7; size]))])),
            ..Secret::default()
        }))
    }

    #[tokio::test]
    async fn a_large_secret_is_read_in_its_lane_alone() {
        let stop = CancellationToken::new();
        for (lane, size, is_read) in [
            (Lane::Light, 1, true),
            (Lane::Long, LARGE + 1, false),
            (Lane::Large, LARGE + 1, true),
        ] {
            let pass = Places::new(lane, stop.clone()).take().await;
            let read = read_in_lane(&pass, |_| async move { live(size) }).await;
            let expected = if is_read {
                Ok(live(size))
            } else {
                Err(Unfinished::Needs(Lane::Large))
            };
            assert_eq!(read, expected);
        }
        let pass = Places::new(Lane::Light, stop).take().await;
        let too_long = |bound: AtMost| async move {
            bound
                .read(LARGE + 1)
                .map_err(|_| ApiFailure::Unreachable(String::new()))?;
            live(1)
        };
        let read = read_in_lane(&pass, too_long).await;
        assert_eq!(read, Err(Unfinished::Needs(Lane::Large)));
    }

    #[test]
    fn all_of_a_secret_counts() {
        let size = "x".repeat(LARGE + 1);
        let metadata = ObjectMeta {
            name: Some(size.clone()),
            ..ObjectMeta::default()
        };
        let made = || ClearSecret {
            metadata: ObjectMeta::default(),
            type_: None,
            immutable: None,
            items: BTreeMap::new(),
        };
        assert!(!is_large(&made()) && size_of(&Secret::default()) < LARGE);
        let (mut typed, mut named) = (made(), made());
        typed.type_ = Some(size.clone());
        named.metadata = metadata.clone();
        assert!(is_large(&typed) && is_large(&named));
        let mut many = made();
        many.items = (0..LARGE / 100)
            .map(|item| (item.to_string(), SecretBytes::default()))
            .collect();
        assert!(is_large(&many));
        let (mut typed, mut named) = (Secret::default(), Secret::default());
        typed.type_ = Some(size);
        named.metadata = metadata;
        assert!(size_of(&typed) > LARGE && size_of(&named) > LARGE);
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
            large.pointer_mut(pointer).unwrap()["a"] = "x".repeat(LARGE_OBJECT + 1).into();
            assert!(is_large_object(&object(large)), "{pointer}");
            let mut large = base.clone();
            large.pointer_mut(pointer).unwrap()["x".repeat(LARGE_OBJECT + 1).as_str()] = "".into();
            assert!(is_large_object(&object(large)), "{pointer}: a name");
            let mut many = base.clone();
            let names = (0..1000).map(|number| (number.to_string(), serde_json::json!("")));
            *many.pointer_mut(pointer).unwrap() = names.collect::<serde_json::Map<_, _>>().into();
            assert!(is_large_object(&object(many)), "{pointer}: many");
        }
        let mut many = base;
        many["metadata"]["finalizers"] = vec![""; 1000].into();
        assert!(is_large_object(&object(many)), "elements of a list");
    }
}
