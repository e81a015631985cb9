//! Whether the server is alive, and whether it can do its work.

use axum::extract::State as AxumState;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::error::ApiError;
use super::state::State;

/// `GET /ready`: whether the folders can be read and the catalog follows them; 503 with the reason when not.
///
/// A full disk refuses uploads, which say so themselves; whoever only reads is still served.
pub(super) async fn ready(AxumState(state): AxumState<State>) -> Result<Response, ApiError> {
    state.index().counts().await.map_err(|error| ApiError {
        status: StatusCode::SERVICE_UNAVAILABLE,
        ..error.into()
    })?;
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, "ready\n").into_response())
}

/// `GET /health`: answers as long as the server answers at all, with the words that pypiserver uses.
pub(super) async fn live() -> impl IntoResponse {
    (
        [
            (header::CONTENT_TYPE, "text/html; charset=utf-8"),
            (header::CACHE_CONTROL, "no-store"),
        ],
        "Ok",
    )
}
