//! `/v1/verify`: whether a SealedSecret would open here. Every body is empty, and so is every answer's.

use axum::extract::{Request, State};
use axum::http::StatusCode;
use sealing::keyring::KeyRing;
use sealing::unseal;
use tracing::{error, warn};

use super::{Shared, opening};

/// 200 when every item opens; 409 when one does not, whatever the reason; 500 for what is no single SealedSecret; for a
/// body that cannot be had, see [`opening::work`].
pub(crate) async fn verify(State(shared): State<Shared>, request: Request) -> StatusCode {
    let accept_deprecated_data = shared.accept_deprecated_data;
    let judged = opening::work(&shared, request, move |body, keys| {
        judge(body, &keys.ring, accept_deprecated_data)
    });
    judged.await.unwrap_or_else(|code| code)
}

fn judge(body: &[u8], keys: &KeyRing, accept_deprecated_data: bool) -> StatusCode {
    let sealed = match opening::sealed_secret(body) {
        Ok((_, sealed)) => sealed,
        Err(reason) => {
            error!(error = reason, "Error validating secret");
            return StatusCode::INTERNAL_SERVER_ERROR;
        }
    };
    let accepted = accept_deprecated_data || sealed.spec.data.is_none();
    if accepted && unseal::verify(&sealed, keys, &[]).is_ok() {
        StatusCode::OK
    } else {
        warn!("a SealedSecret that was sent to be verified does not open");
        StatusCode::CONFLICT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(body: &str) -> u16 {
        judge(body.as_bytes(), &KeyRing::default(), true).as_u16()
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
    fn the_deprecated_format_opens_only_where_it_is_accepted() {
        let key = std::sync::Arc::new(sealing::key::PrivateKey::generate(2048).unwrap());
        let secret = br#"{"kind":"Secret","apiVersion":"v1","metadata":{"name":"n"},"data":{"a":"YQ=="}}"#;
        let binding = sealing::binding::Binding::ClusterWide;
        let data = sealing::raw::seal_raw(secret, &binding, key.public(), &mut sealing::SystemRandom::default());
        let mut ring = KeyRing::default();
        ring.insert(key, jiff::Timestamp::UNIX_EPOCH);
        let body = format!(
            "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {{name: one, annotations: {{{}: 'true'}}}}\nspec: {{data: {}, encryptedData: {{}}}}\n",
            crds::names::ANNOTATION_CLUSTER_WIDE,
            data.unwrap()
        );
        assert_eq!(judge(body.as_bytes(), &ring, true), StatusCode::OK);
        assert_eq!(judge(body.as_bytes(), &ring, false), StatusCode::CONFLICT);
    }
}
