//! `/v1/verify`: whether a SealedSecret would open here. Every body is empty, and so is every answer's.

use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::StatusCode;
use crds::{SealedSecret, names};
use sealing::document;
use sealing::keyring::KeyRing;
use sealing::unseal;
use tracing::{error, warn};

use super::Shared;
use crate::error::chain;

/// 200 when every item opens; 409 when one does not, whatever the reason; 500 for what is no single SealedSecret; 400
/// for a body that cannot be read, 413 for one that is too large.
pub(crate) async fn verify(State(shared): State<Shared>, body: Result<Bytes, BytesRejection>) -> StatusCode {
    let body = match body {
        Ok(body) => body,
        Err(rejection) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => return StatusCode::PAYLOAD_TOO_LARGE,
        Err(_) => return StatusCode::BAD_REQUEST,
    };
    // The semaphore is never closed.
    let _permit = shared.cores.clone().acquire_owned().await.ok();
    let keys = shared.keys.borrow().clone();
    match tokio::task::spawn_blocking(move || judge(&body, &keys.ring)).await {
        Ok(code) => code,
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn judge(body: &[u8], keys: &KeyRing) -> StatusCode {
    let mut sealed = match parse(body) {
        Ok(sealed) => sealed,
        Err(reason) => {
            error!(error = reason, "Error validating secret");
            return StatusCode::INTERNAL_SERVER_ERROR;
        }
    };
    // No template is rendered for whoever asks over the network.
    if let Some(template) = &mut sealed.spec.template {
        template.data = None;
    }
    match unseal::unseal(&sealed, keys, None) {
        Ok(_) => StatusCode::OK,
        Err(_) => {
            warn!("a SealedSecret that was sent to be verified does not open");
            StatusCode::CONFLICT
        }
    }
}

fn parse(body: &[u8]) -> Result<SealedSecret, String> {
    let mut documents = document::read(body).map_err(|error| chain(&error))?;
    let document = match (documents.pop(), documents.is_empty()) {
        (Some(document), true) if document.item.is_none() => document,
        _ => return Err("exactly one document is expected".to_owned()),
    };
    let word = |field: &str| document.value.get(field).and_then(serde_json::Value::as_str);
    if word("kind") != Some(names::KIND) || word("apiVersion") != Some(names::API_VERSION) {
        return Err(format!("a {} ({}) is expected", names::KIND, names::API_VERSION));
    }
    // Its own text could quote the document.
    serde_json::from_value(document.into_value()).map_err(|_| "the SealedSecret is malformed".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(body: &str) -> u16 {
        judge(body.as_bytes(), &KeyRing::default()).as_u16()
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
}
