//! Downloads: distributions, the metadata files beside wheels (PEP 658), and the signatures beside any of them.

use std::ops::Range;

use axum::body::Body;
use axum::extract::State as AxumState;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;

use super::at_hand::AtHand;
use super::error::ApiError;
use super::extract::{PathText, Visitor};
use super::file_body::FileBody;
use super::range::{Asked, Validators};
use super::state::State;
use crate::auth::Action;
use crate::index::{Content, Download};
use crate::packaging::signature::SIGNATURE_ENDING;

/// `GET /packages/{path}`: a distribution, its `.metadata`, or its `.asc`.
pub(super) async fn download(
    AxumState(state): AxumState<State>,
    visitor: Visitor,
    PathText(path): PathText,
    method: Method,
    mut headers: HeaderMap,
) -> Result<Response, ApiError> {
    if method == Method::HEAD {
        // A range means something to GET alone (RFC 9110, section 14.2).
        headers.remove(header::RANGE);
    }
    state.authorize(Action::Download, &visitor).await?;
    let index = state.index();
    let (found, kind) = if let Some(wheel) = path.strip_suffix(".metadata") {
        (index.metadata_file(wheel).await?, OF_A_FILE)
    } else if let Some(signed) = path.strip_suffix(SIGNATURE_ENDING) {
        (index.signature_file(signed).await?, OF_A_SIGNATURE)
    } else {
        (index.download(&path).await?, OF_A_FILE)
    };
    let download = found.ok_or_else(|| {
        ApiError::not_found(
            "there is no such file on this index; the project's page under /simple/ lists those there are",
        )
    })?;
    let cache_control = if kind.may_change {
        HeaderValue::from_static("no-cache")
    } else {
        state.file_cache_control()
    };
    Ok(send(download, &method, &headers, kind, cache_control))
}

/// What is served under an address.
#[derive(Clone, Copy)]
pub(super) struct Kind {
    content_type: &'static HeaderValue,
    /// Whether it may be another one tomorrow, whatever the settings say of distributions.
    may_change: bool,
}

// Made once: each is checked byte by byte when it is made.
static BYTES: HeaderValue = HeaderValue::from_static("application/octet-stream");
static PLAIN_TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
static IN_BYTES: HeaderValue = HeaderValue::from_static("bytes");
static FOR_KEEPING: HeaderValue = HeaderValue::from_static("attachment");

/// A distribution or its metadata.
pub(super) static OF_A_FILE: Kind = Kind {
    content_type: &BYTES,
    may_change: false,
};
/// A signature may be added, and replaced, by hand. Its type is pypiserver's.
static OF_A_SIGNATURE: Kind = Kind {
    content_type: &PLAIN_TEXT,
    may_change: true,
};

fn send(
    download: Download,
    method: &Method,
    headers: &HeaderMap,
    kind: Kind,
    cache_control: HeaderValue,
) -> Response {
    let Some((answer, part)) = head(&download, headers, kind, cache_control) else {
        return unsatisfiable(download.size_bytes);
    };
    let response = answer.into_response();
    let Some(part) = part else {
        return response.map(Body::from);
    };
    let body = match download.content {
        _ if method == Method::HEAD => Body::empty(),
        Content::Memory(bytes) => Body::from(slice(&bytes, &part)),
        Content::Stored(object) => Body::new(FileBody::new(object, part)),
    };
    response.map(|_| body)
}

/// The answer to a request with these headers, and which part of the file it is to carry, if any; `None` for a part that
/// the file does not have. The part is announced, and still to be put in.
pub(super) fn head(
    download: &Download,
    headers: &HeaderMap,
    kind: Kind,
    cache_control: HeaderValue,
) -> Option<(AtHand, Option<Range<u64>>)> {
    let size_bytes = download.size_bytes;
    let validators = Validators {
        etag: &download.etag,
        modified_ns: download.modified_ns,
        size_bytes,
    };
    let (status, part) = match validators.asked(headers) {
        Asked::Whole => (StatusCode::OK, Some(0..size_bytes)),
        Asked::Part(part) => (StatusCode::PARTIAL_CONTENT, Some(part)),
        Asked::Unchanged => (StatusCode::NOT_MODIFIED, None),
        Asked::Unsatisfiable => return None,
    };
    let mut answer = AtHand::new(status);
    answer.say(header::CACHE_CONTROL, cache_control);
    for (name, value) in [
        (header::ETAG, &download.etag),
        (header::LAST_MODIFIED, &download.last_modified),
    ] {
        // Made by ourselves, of plain ASCII.
        if let Ok(value) = HeaderValue::from_maybe_shared(value.clone()) {
            answer.say(name, value);
        }
    }
    answer.say(header::ACCEPT_RANGES, IN_BYTES.clone());
    let Some(part) = part else {
        return Some((answer, None));
    };
    answer.announce(part.end - part.start);
    answer.say(header::CONTENT_TYPE, kind.content_type.clone());
    // Without a file name: the URL has it, and installers would believe this one instead.
    answer.say(header::CONTENT_DISPOSITION, FOR_KEEPING.clone());
    if status == StatusCode::PARTIAL_CONTENT
        && let Ok(range) =
            HeaderValue::from_str(&format!("bytes {}-{}/{size_bytes}", part.start, part.end - 1))
    {
        answer.say(header::CONTENT_RANGE, range);
    }
    Some((answer, Some(part)))
}

fn unsatisfiable(size_bytes: u64) -> Response {
    let message = format!("the file has {size_bytes} bytes, the range lies beyond");
    let mut response = ApiError::new(StatusCode::RANGE_NOT_SATISFIABLE, message).into_response();
    if let Ok(range) = HeaderValue::from_str(&format!("bytes */{size_bytes}")) {
        response.headers_mut().insert(header::CONTENT_RANGE, range);
    }
    response
}

/// A small file's part, shared. Its bounds lie in the file, which fits in memory.
pub(super) fn slice(bytes: &Bytes, part: &Range<u64>) -> Bytes {
    let bound = |at: u64| usize::try_from(at).map_or(bytes.len(), |at| at.min(bytes.len()));
    bytes.slice(bound(part.start)..bound(part.end))
}
