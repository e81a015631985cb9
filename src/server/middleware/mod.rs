//! What happens around every request: an id, a log line, safe headers, failures in the client's own form.

use std::panic::AssertUnwindSafe;
use std::time::Instant;

use axum::extract::{Request, State as AxumState};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use futures_util::FutureExt as _;

use super::connections::MAX_HEADERS;
use super::error::ApiError;
use super::extract::UserSlot;
use super::metrics::Counted;
use super::state::State;

mod access_log;
mod errors;
mod headers;

pub(crate) use access_log::ACCESS_TARGET;

/// Longest target of a request, in bytes.
const MAX_TARGET_BYTES: usize = 8 * 1024;

/// Longest head of a request, in bytes. hyper bounds its buffer, which may hold somewhat more than that.
const MAX_HEAD_BYTES: usize = 32 * 1024;

fn check_head(request: &Request) -> Result<(), ApiError> {
    let target_bytes = request
        .uri()
        .path_and_query()
        .map_or(0, |target| target.as_str().len());
    if target_bytes > MAX_TARGET_BYTES {
        return Err(ApiError::new(StatusCode::URI_TOO_LONG, "the address is too long"));
    }
    let head_bytes: usize = request
        .headers()
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len())
        .sum();
    // Over HTTP/2 nobody has counted them yet.
    if head_bytes > MAX_HEAD_BYTES || request.headers().len() > MAX_HEADERS {
        let message = "the headers of the request are too long";
        return Err(ApiError::new(
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            message,
        ));
    }
    Ok(())
}

/// The answer, or a plain 500 when making it panics: that ends this request and no other one on the connection.
async fn survive(answer: impl Future<Output = Response>) -> Response {
    // What a handler shares with others it shares behind locks that don't mind, and nothing of its own is left.
    AssertUnwindSafe(answer).catch_unwind().await.unwrap_or_else(|_| {
        let message = "the index could not do its work; its log says why";
        ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, message).into_response()
    })
}

/// The one layer around all routes.
pub(super) async fn around(AxumState(state): AxumState<State>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let user = UserSlot::default();
    request.extensions_mut().insert(user.clone());
    let about = access_log::About::of(&request);
    let counted = Counted::of(&request);
    let asker = errors::Asker::of(request.headers(), request.version());
    let mut response = match check_head(&request) {
        Ok(()) => survive(next.run(request)).await,
        Err(refusal) => refusal.into_response(),
    };
    let told = errors::give_form(&mut response, &asker, &about.request_id);
    headers::make_safe(&mut response);
    if let Ok(id) = HeaderValue::from_str(&about.request_id) {
        response.headers_mut().insert("x-request-id", id);
    }
    let (body_bytes, duration) = (access_log::size_of(&response), started.elapsed());
    state
        .metrics()
        .record(counted, response.status(), body_bytes, duration);
    about.log(&response, body_bytes, user.name(), told.as_deref(), duration);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    // A25
    #[tokio::test]
    async fn a_handler_that_panics_is_a_500() {
        let broken = survive(async { panic!("a handler's mistake") }).await;
        assert_eq!(broken.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(
            survive(async { Response::default() }).await.status(),
            StatusCode::OK
        );
    }
}
