//! `/metrics`, for a few at a time: the text grows with the SealedSecrets.

use std::sync::Arc;

use axum::extract::{Extension, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::connections::Pulse;
use super::permits::{Peer, Places, held};
use super::{Shared, rate_limit};

/// Scrapes at a time, over all.
const ALL: usize = 8;
/// Of these, for one peer.
const FOR_A_PEER: usize = 2;

/// The room for scrapes.
pub(crate) fn room() -> Arc<Places<Peer>> {
    Places::new(ALL, FOR_A_PEER)
}

/// The text format 0.0.4; 429 when there is no room.
pub(crate) async fn scrape(
    State(shared): State<Shared>,
    Extension(room): Extension<Arc<Places<Peer>>>,
    Extension(peer): Extension<Peer>,
    Extension(pulse): Extension<Arc<Pulse>>,
) -> Response {
    let Some(place) = room.take(peer, pulse.end()) else {
        return rate_limit::exceeded();
    };
    let answer = match shared.metrics.text(shared.leadership.leads()) {
        Ok(text) => ([(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    };
    held(answer, place)
}
