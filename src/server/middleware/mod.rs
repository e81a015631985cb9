//! What happens around every request: an id, a log line, safe headers, failures in the client's own form.

use std::time::Instant;

use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::error::ApiError;
use super::extract::UserSlot;

mod access_log;
mod errors;
mod headers;

/// Longest target of a request, in bytes.
const MAX_TARGET_BYTES: usize = 8 * 1024;

/// The one layer around all routes.
pub(super) async fn around(mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let user = UserSlot::default();
    request.extensions_mut().insert(user.clone());
    let about = access_log::About::of(&request);
    let asker = errors::Asker::of(request.headers(), request.version());
    let target_bytes = request
        .uri()
        .path_and_query()
        .map_or(0, |target| target.as_str().len());
    let mut response = if target_bytes > MAX_TARGET_BYTES {
        ApiError::new(StatusCode::URI_TOO_LONG, "the address is too long").into_response()
    } else {
        next.run(request).await
    };
    errors::give_form(&mut response, &asker, &about.request_id);
    headers::make_safe(&mut response);
    if let Ok(id) = HeaderValue::from_str(&about.request_id) {
        response.headers_mut().insert("x-request-id", id);
    }
    about.log(&response, user.name(), started.elapsed());
    response
}
