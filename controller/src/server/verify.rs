//! `/v1/verify`: whether a SealedSecret would open here. Every body is empty, and so is every answer's.

use axum::extract::{Request, State};
use axum::http::StatusCode;
use sealing::keyring::KeyRing;
use sealing::recent_keys::RecentKeys;
use sealing::unseal::{self, UnsealError};
use tracing::{error, warn};

use super::{Accepted, Shared, unseal_request};

/// 200 when every item opens; 409 when one does not, whatever the reason; 413 when it takes too long; 500 for what is no
/// single SealedSecret; for a body that cannot be had, see [`unseal_request::work`].
pub(crate) async fn verify(State(shared): State<Shared>, request: Request) -> StatusCode {
    let accepted = shared.accepted.clone();
    let judged = unseal_request::work(&shared, request, move |body, keys, recent| {
        judge(body, &keys.ring, recent, &accepted)
    });
    judged.await.unwrap_or_else(|code| code)
}

fn judge(body: Vec<u8>, keys: &KeyRing, recent: &RecentKeys, accepted: &Accepted) -> StatusCode {
    let sealed = match unseal_request::sealed_secret(body) {
        // The rest of the document is not kept.
        Ok((_, sealed)) => sealed,
        Err(reason) => {
            error!(error = reason, "Error validating secret");
            return StatusCode::INTERNAL_SERVER_ERROR;
        }
    };
    let opened = accepted
        .keys(keys, &sealed)
        .map(|keys| unseal::verify(&sealed, &keys, &recent.keys()));
    match opened {
        Some(Ok(opened_by)) => {
            recent.opened(&opened_by);
            StatusCode::OK
        }
        Some(Err(UnsealError::Items(items))) if items.were_interrupted() => {
            warn!("a SealedSecret that was sent to be verified takes too many private-key operations");
            StatusCode::PAYLOAD_TOO_LARGE
        }
        _ => {
            warn!("a SealedSecret that was sent to be verified does not open");
            StatusCode::CONFLICT
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use sealing::sealer::Sealer;

    use super::*;
    use crate::settings::AcceptedFormats;

    /// Opens whatever there is.
    fn all() -> Accepted {
        Accepted {
            deprecated_data: true,
            formats: Arc::new(AcceptedFormats::ALL),
        }
    }

    fn code(body: &str) -> u16 {
        judge(body.into(), &KeyRing::default(), &RecentKeys::default(), &all()).as_u16()
    }

    #[test]
    fn what_is_no_single_sealed_secret_is_500() {
        let sealed = "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: one, namespace: ns}\nspec: {encryptedData: {}}\n";
        assert_eq!(code(sealed), 200, "nothing to open");
        for body in [
            "",
            "# nothing\n",
            "{",
            "plain text",
            "[]",
            &format!("{sealed}---\n{sealed}"),
            &sealed.replace("kind: SealedSecret", "kind: Secret"),
            &sealed.replace("v1alpha1", "v9"),
            &sealed.replace("encryptedData: {}", "encryptedData: []"),
            "apiVersion: v1\nkind: List\nitems: []\n",
        ] {
            assert_eq!(code(body), 500, "{body:?}");
        }
    }

    #[test]
    fn what_does_not_open_is_409_whatever_the_reason() {
        for items in ["{a: \"%\"}", "{a: AAA=}", "{a: AgBy3i4}", "{a: \"\"}"] {
            let body = format!(
                "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {{name: one, namespace: ns}}\nspec: {{encryptedData: {items}}}\n"
            );
            assert_eq!(code(&body), 409, "{items}");
        }
    }

    #[test]
    fn templates_are_not_rendered() {
        let body = "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: one, namespace: ns}\nspec: {template: {data: {a: \"{{ fail }}\"}}, encryptedData: {}}\n";
        assert_eq!(code(body), 200);
    }

    #[test]
    fn the_key_that_opened_lately_is_tried_first() {
        let operations = Arc::new(AtomicU64::new(0));
        let mut ring = KeyRing::counting(operations.clone());
        let [old, new] = [(); 2].map(|()| Arc::new(sealing::key::PrivateKey::generate(2048).unwrap()));
        ring.insert(old.clone(), jiff::Timestamp::UNIX_EPOCH);
        ring.insert(new, jiff::Timestamp::MAX);
        let binding = sealing::binding::Binding::ClusterWide;
        let item = sealing::raw::seal_raw(
            b"a",
            &binding,
            "",
            &Sealer::of_key(old.public()),
            &mut sealing::SystemRandom::default(),
        );
        let body = format!(
            "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {{name: one, annotations: {{{}: 'true'}}}}\nspec: {{encryptedData: {{a: {}}}}}\n",
            crds::names::ANNOTATION_CLUSTER_WIDE,
            item.unwrap()
        );
        let recent = RecentKeys::default();
        let cost = || {
            let before = operations.load(Ordering::Relaxed);
            assert_eq!(judge(body.clone().into(), &ring, &recent, &all()), StatusCode::OK);
            operations.load(Ordering::Relaxed) - before
        };
        assert_eq!((cost(), cost()), (2, 1));
    }

    #[test]
    fn the_deprecated_format_opens_only_where_it_is_accepted() {
        let key = Arc::new(sealing::key::PrivateKey::generate(2048).unwrap());
        let secret = br#"{"kind":"Secret","apiVersion":"v1","metadata":{"name":"n"},"data":{"a":"YQ=="}}"#;
        let binding = sealing::binding::Binding::ClusterWide;
        let data = sealing::raw::seal_raw(
            secret,
            &binding,
            "",
            &Sealer::of_key(key.public()),
            &mut sealing::SystemRandom::default(),
        );
        let mut ring = KeyRing::default();
        ring.insert(key, jiff::Timestamp::UNIX_EPOCH);
        let body = format!(
            "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {{name: one, annotations: {{{}: 'true'}}}}\nspec: {{data: {}, encryptedData: {{}}}}\n",
            crds::names::ANNOTATION_CLUSTER_WIDE,
            data.unwrap()
        );
        let judged = |deprecated_data| {
            let accepted = Accepted {
                deprecated_data,
                ..all()
            };
            judge(body.clone().into(), &ring, &RecentKeys::default(), &accepted)
        };
        assert_eq!((judged(true), judged(false)), (StatusCode::OK, StatusCode::CONFLICT));
    }
}
