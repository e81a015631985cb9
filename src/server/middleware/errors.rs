//! One sentence in three places: HTTP's reason phrase for twine, a problem document for uv, plain text for people.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Version, header};
use axum::response::Response;
use hyper::ext::ReasonPhrase;
use serde_json::json;
use tracing::error;

use crate::causes::in_one_line;
use crate::server::error::ApiError;
use crate::server::extract::text;

/// Longest reason phrase, in bytes; beyond it old HTTP libraries give up on the status line.
const MAX_REASON_BYTES: usize = 500;

/// What the client is, as far as failures are concerned.
pub(super) struct Asker {
    /// Whether it reads problem documents (RFC 9457).
    reads_problems: bool,
    /// twine takes a 400 for "already there" and shows a 409 as a plain failure; pypiserver answers it so, too.
    is_twine: bool,
    has_reason_phrases: bool,
}

impl Asker {
    pub(super) fn of(headers: &HeaderMap, version: Version) -> Self {
        let accept = text(headers, &header::ACCEPT).unwrap_or_default();
        let agent = text(headers, &header::USER_AGENT).unwrap_or_default();
        Self {
            reads_problems: ["application/json", "application/problem+json"]
                .iter()
                .any(|kind| accept.contains(kind)),
            is_twine: agent.contains("twine"),
            has_reason_phrases: version < Version::HTTP_2,
        }
    }
}

/// Gives a failure that a handler returned the form that the client can read, and logs it where it is ours. Gives
/// what the client is told, for the request's line in the log.
pub(super) fn give_form(response: &mut Response, asker: &Asker, request_id: &str) -> Option<String> {
    let failure = response.extensions_mut().remove::<ApiError>()?;
    let cause = failure.cause.as_ref().map(|cause| in_one_line(cause.as_ref()));
    match cause {
        Some(cause) => error!(request_id, "{}: {cause}", failure.message),
        None if failure.status == StatusCode::INSUFFICIENT_STORAGE => {
            error!(request_id, "{}", failure.message)
        }
        None => {}
    }
    let duplicate_for_twine = asker.is_twine && failure.status == StatusCode::CONFLICT;
    let status = if duplicate_for_twine {
        StatusCode::BAD_REQUEST
    } else {
        failure.status
    };
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_LENGTH);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if failure.challenge {
        headers.insert(
            header::WWW_AUTHENTICATE,
            HeaderValue::from_static("Basic realm=\"pypi\", charset=\"UTF-8\""),
        );
    }
    if let Some(wait) = failure.retry_after {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
    }
    let (content_type, body) = if failure.as_json {
        (
            "application/json",
            json!({"message": failure.message}).to_string(),
        )
    } else if asker.reads_problems {
        let problem = json!({"type": "about:blank", "status": status.as_u16(), "title": title(status), "detail": failure.message});
        // uv reads the document only under exactly this type, without a parameter.
        ("application/problem+json", problem.to_string())
    } else {
        ("text/plain; charset=utf-8", format!("{}\n", failure.message))
    };
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    *response.body_mut() = Body::from(body);
    if asker.has_reason_phrases
        && let Some(reason) = reason_phrase(&failure.message)
    {
        response.extensions_mut().insert(reason);
    }
    Some(failure.message)
}

fn title(status: StatusCode) -> &'static str {
    status.canonical_reason().unwrap_or("Error")
}

/// The sentence on one line of printable ASCII.
fn reason_phrase(message: &str) -> Option<ReasonPhrase> {
    let printable = |c: char| if c.is_ascii_graphic() || c == ' ' { c } else { '?' };
    let line: String = message.chars().map(printable).take(MAX_REASON_BYTES).collect();
    ReasonPhrase::try_from(line.into_bytes()).ok()
}
