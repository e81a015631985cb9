//! Whether the server is alive.

use axum::http::header;
use axum::response::IntoResponse;

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
