//! What happens around every request: an id, a log line, safe headers, failures in the client's own form.

use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::time::Instant;

use axum::extract::{Request, State as AxumState};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request as HttpRequest, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use futures_util::FutureExt as _;
use hyper::body::Body as _;

use super::at_hand::AtHand;
use super::connections::MAX_HEADERS;
use super::error::ApiError;
use super::extract::UserSlot;
use super::metrics::Counted;
use super::state::{Current, State};
use crate::auth::Username;

mod access_log;
mod errors;
mod headers;
mod request_id;

pub(crate) use access_log::ACCESS_TARGET;
use access_log::{About, Kept, Outcome};
pub(super) use request_id::RequestId;

pub(super) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Longest target of a request, in bytes.
const MAX_TARGET_BYTES: usize = 8 * 1024;

/// Longest head of a request, in bytes. hyper bounds its buffer, which may hold somewhat more than that.
const MAX_HEAD_BYTES: usize = 32 * 1024;

fn check_head<B>(request: &HttpRequest<B>) -> Result<(), ApiError> {
    let target_bytes = request
        .uri()
        .path_and_query()
        .map_or(0, |target| target.as_str().len());
    if target_bytes > MAX_TARGET_BYTES {
        return Err(ApiError::new(StatusCode::URI_TOO_LONG, "the address is too long"));
    }
    let mut head_bytes = 0;
    let mut coding: Option<&HeaderValue> = None;
    for (name, value) in request.headers() {
        head_bytes += name.as_str().len() + value.len();
        if name == header::TRANSFER_ENCODING {
            check_coding(coding, value)?;
            coding = Some(value);
        }
    }
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

/// Refuses any transfer coding but `chunked`, once (RFC 9112, section 6.1). hyper looks at the last one only, and a proxy
/// that looks at the first one would see the body end elsewhere.
fn check_coding(former: Option<&HeaderValue>, coding: &HeaderValue) -> Result<(), ApiError> {
    let is_chunked = |coding: &[u8]| coding.trim_ascii().eq_ignore_ascii_case(b"chunked");
    if former.is_none() && is_chunked(coding.as_bytes()) {
        return Ok(());
    }
    let mut all = [former, Some(coding)]
        .into_iter()
        .flatten()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    Err(if all.all(is_chunked) {
        ApiError::bad_request("the body of the request is chunked more than once")
    } else {
        let message = "the body of the request has a transfer coding other than chunked";
        ApiError::new(StatusCode::NOT_IMPLEMENTED, message)
    })
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
    let id = RequestId::next();
    let kept = Kept::of(&request);
    let counted = Counted::of(request.method(), request.uri().path());
    let asker = errors::Asker::of(request.headers(), request.version());
    let mut response = match check_head(&request) {
        Ok(()) => survive(next.run(request)).await,
        // Nobody knows where what comes behind such a head begins.
        Err(refusal) => ([(header::CONNECTION, "close")], refusal).into_response(),
    };
    let told = errors::give_form(&mut response, &asker, id.as_str());
    complete(&mut response, &id);
    let outcome = Outcome {
        status: response.status().as_u16(),
        size_bytes: access_log::size_of(response.headers(), response.body().size_hint().exact()),
        user: user.name(),
        told: told.as_deref(),
        duration: started.elapsed(),
    };
    count(&state, counted, response.status(), &outcome);
    if let Some(kept) = kept {
        kept.log(&id, &outcome);
    }
    response
}

/// A request that was answered at once, in front of the routes.
pub(super) struct AtOnce<'a> {
    pub(super) method: &'a Method,
    /// Below the path that everything is mounted at.
    pub(super) path: &'a str,
    pub(super) headers: &'a HeaderMap,
    pub(super) started: Instant,
    pub(super) user: Option<&'a Username>,
}

/// What [`around`] does, around such an answer. `client` is asked where the log wants to know.
pub(super) fn around_at_once(
    state: &Current,
    request: &AtOnce<'_>,
    answer: &mut AtHand,
    client: impl FnOnce() -> IpAddr,
) {
    let id = RequestId::next();
    headers::say_safe(answer);
    let outcome = Outcome {
        status: answer.status().as_u16(),
        size_bytes: answer.length(),
        user: request.user,
        told: None,
        duration: request.started.elapsed(),
    };
    let counted = Counted::of(request.method, request.path);
    count(state, counted, answer.status(), &outcome);
    if access_log::is_on() {
        let about = About {
            method: request.method,
            path: request.path,
            client: Some(client()),
            agent: access_log::agent(request.headers),
        };
        about.log(&id, &outcome);
    }
    answer.say_id(id);
}

/// Whether the head of a request keeps within the limits.
pub(super) fn is_short<B>(request: &HttpRequest<B>) -> bool {
    check_head(request).is_ok()
}

/// What every answer says.
fn complete<B>(response: &mut Response<B>, id: &RequestId) {
    headers::make_safe(response);
    if let Some(id) = id.to_header() {
        response.headers_mut().insert(X_REQUEST_ID, id);
    }
}

fn count(state: &Current, counted: Counted, status: StatusCode, outcome: &Outcome<'_>) {
    state
        .metrics()
        .record(counted, status, outcome.size_bytes, outcome.duration);
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
