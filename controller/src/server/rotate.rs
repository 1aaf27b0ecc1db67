//! `/v1/rotate`: reseals the ciphertexts of a SealedSecret for the current key, and changes nothing else.

use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use crds::names;
use sealing::SystemRandom;
use sealing::recent_keys::RecentKeys;
use sealing::reseal::{self, ResealError, Which};
use sealing::sealer::{Format, Sealer};
use sealing::size;
use serde_json::Value;
use tracing::{error, warn};

use super::{Accepted, Shared, unseal_request};
use crate::keys::Keys;

/// Fields that only the API server sets: in the file that the client writes, they would be refused or wrong.
const OF_THE_SERVER: [&str; 7] = [
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "managedFields",
    "selfLink",
];

/// 200 with the object as compact JSON without `kind` and `apiVersion` (the reference's shape), whichever key sealed it, unless
/// [`names::QUERY_ONLY_STALE`] is given; 500 with an empty body for everything else, such as another kind or an object that does
/// not open; for a body that cannot be read, see [`unseal_request::work`].
pub(crate) async fn rotate(State(shared): State<Shared>, request: Request) -> Response {
    let accepted = shared.accepted.clone();
    let asked = request.uri().query().unwrap_or_default();
    let asks = |query: &str| asked.split('&').any(|part| part == query);
    let wish = Wish {
        which: if asks(names::QUERY_ONLY_STALE) {
            Which::OfOtherKeys
        } else {
            Which::All
        },
        least: if asks(names::QUERY_FORMAT_V2) {
            Format::V2
        } else {
            Format::V1
        },
    };
    let resealed = unseal_request::work(&shared, request, move |body, keys, recent| {
        reseal(body, keys, recent, &accepted, wish)
    });
    match resealed.await {
        Ok(Some(text)) => ([(header::CONTENT_TYPE, "application/json")], text).into_response(),
        Ok(None) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Err(code) => code.into_response(),
    }
}

/// The options of a request.
#[derive(Debug, Clone, Copy)]
struct Wish {
    which: Which,
    /// The earliest version of the format that is written. Values of a later one keep it.
    least: Format,
}

fn reseal(body: Vec<u8>, keys: &Keys, recent: &RecentKeys, accepted: &Accepted, wish: Wish) -> Option<String> {
    let length = body.len();
    let (document, sealed) = match unseal_request::sealed_secret(body) {
        Ok(found) => found,
        Err(reason) => {
            error!(error = reason, "Error rotating secret");
            return None;
        }
    };
    let Some(current) = &keys.current else {
        error!(error = "there is no current key", "Error rotating secret");
        return None;
    };
    // The positions in the document are not needed.
    let mut object = document.into_value();
    let mut random = SystemRandom::default();
    let resealed = accepted.keys(&keys.ring, &sealed).map(|ring| {
        let (likely, to) = (recent.keys(), Sealer::new(&current.cert, wish.least));
        reseal::reseal(&sealed, &ring, &likely, &to, wish.which, &mut random)
    });
    let resealed = match resealed {
        Some(Ok(resealed)) => resealed,
        Some(Err(ResealError::Items(items))) if items.were_interrupted() => {
            warn!("a SealedSecret that was sent to be sealed anew takes too many private-key operations");
            return None;
        }
        Some(Err(reason @ (ResealError::Item(_) | ResealError::TooLarge))) => {
            error!(error = %reason, "a SealedSecret that was sent to be sealed anew opens, and cannot be sealed");
            return None;
        }
        _ => {
            warn!("a SealedSecret that was sent to be sealed anew does not open");
            return None;
        }
    };
    drop(sealed);
    recent.opened(&resealed.opened_by);
    resealed.put_into(&mut object);
    drop(resealed);
    // About as long as the request, unless values get a longer format. A string that grows is held twice, and doubles.
    let longer = if wish.least > Format::V1 {
        size::LARGEST_REQUEST
    } else {
        0
    };
    let mut text = Vec::with_capacity(length + longer + length / 16);
    serde_json::to_writer(&mut text, &without_the_servers(object)).ok()?;
    String::from_utf8(text).ok()
}

fn without_the_servers(mut object: Value) -> Value {
    if let Some(fields) = object.as_object_mut() {
        for field in ["kind", "apiVersion", "status"] {
            fields.remove(field);
        }
    }
    if let Some(metadata) = object.pointer_mut("/metadata").and_then(Value::as_object_mut) {
        for field in OF_THE_SERVER {
            metadata.remove(field);
        }
    }
    object
}

#[cfg(test)]
mod tests;
