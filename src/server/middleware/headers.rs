//! Headers that keep a browser from taking anything of ours for more than it is.

use axum::http::{HeaderValue, header};
use axum::response::Response;

use crate::server::at_hand::AtHand;

static NO_GUESSING: HeaderValue = HeaderValue::from_static("nosniff");
static NOTHING_ACTIVE: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
);

/// Forbids guessing of content types, and everything active in pages; our own pages need nothing but a style. A page
/// that came with a policy of its own keeps it.
pub(super) fn make_safe<B>(response: &mut Response<B>) {
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, NO_GUESSING.clone());
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert_with(|| NOTHING_ACTIVE.clone());
}

/// The same for an answer that came with no policy of its own.
pub(super) fn say_safe(answer: &mut AtHand) {
    answer.say(header::X_CONTENT_TYPE_OPTIONS, NO_GUESSING.clone());
    answer.say(header::CONTENT_SECURITY_POLICY, NOTHING_ACTIVE.clone());
}
