//! `/v1/cert.pem`: the certificate that seals.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::Shared;

/// 200 with the PEM, or 500 while there is no active key.
pub(crate) async fn certificate(State(shared): State<Shared>) -> Response {
    match &shared.keys.borrow().current {
        Some(current) => (
            [(header::CONTENT_TYPE, "application/x-pem-file")],
            current.cert.pem().to_owned(),
        )
            .into_response(),
        None => (StatusCode::INTERNAL_SERVER_ERROR, "cannot get certificate\n").into_response(),
    }
}
