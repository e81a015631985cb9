//! Downloads: distributions, the metadata files beside wheels (PEP 658), and the signatures beside any of them.

use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::ops::Range;

use axum::body::Body;
use axum::extract::State as AxumState;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use futures_util::stream;

use super::error::ApiError;
use super::extract::{PathText, Visitor};
use super::range::{Asked, Validators};
use super::state::State;
use crate::auth::Action;
use crate::index::{Content, Download, Object};
use crate::packaging::signature::SIGNATURE_ENDING;

/// How much of a large file is read at once, in bytes.
const READ_BYTES: usize = 256 * 1024;

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
    send(download, &headers, kind, cache_control)
}

/// What is served under an address.
#[derive(Clone, Copy)]
struct Kind {
    content_type: &'static str,
    /// Whether it may be another one tomorrow, whatever the settings say of distributions.
    may_change: bool,
}

const OF_A_FILE: Kind = Kind {
    content_type: "application/octet-stream",
    may_change: false,
};
/// A signature may be added, and replaced, by hand. Its type is pypiserver's.
const OF_A_SIGNATURE: Kind = Kind {
    content_type: "text/plain; charset=utf-8",
    may_change: true,
};

fn send(
    download: Download,
    headers: &HeaderMap,
    kind: Kind,
    cache_control: HeaderValue,
) -> Result<Response, ApiError> {
    let etag = format!("\"{}\"", download.sha256);
    let size_bytes = download.size_bytes;
    let validators = Validators {
        etag: &etag,
        modified_ns: download.modified_ns,
        size_bytes,
    };
    let (status, part) = match validators.asked(headers) {
        Asked::Whole => (StatusCode::OK, Some(0..size_bytes)),
        Asked::Part(part) => (StatusCode::PARTIAL_CONTENT, Some(part)),
        Asked::Unchanged => (StatusCode::NOT_MODIFIED, None),
        Asked::Unsatisfiable => return Ok(unsatisfiable(size_bytes)),
    };
    let mut response = status.into_response();
    let answer = response.headers_mut();
    answer.insert(header::CACHE_CONTROL, cache_control);
    let mut put = |name: HeaderName, value: &str| {
        // All values are made here, of plain ASCII.
        if let Ok(value) = HeaderValue::from_str(value) {
            answer.insert(name, value);
        }
    };
    put(header::ETAG, &etag);
    put(header::LAST_MODIFIED, &validators.last_modified());
    put(header::ACCEPT_RANGES, "bytes");
    let Some(part) = part else { return Ok(response) };
    put(header::CONTENT_TYPE, kind.content_type);
    // Without a file name: the URL has it, and installers would believe this one instead.
    put(header::CONTENT_DISPOSITION, "attachment");
    put(header::CONTENT_LENGTH, &(part.end - part.start).to_string());
    if status == StatusCode::PARTIAL_CONTENT {
        put(
            header::CONTENT_RANGE,
            &format!("bytes {}-{}/{size_bytes}", part.start, part.end - 1),
        );
    }
    *response.body_mut() = match download.content {
        Content::Memory(bytes) => Body::from(slice(&bytes, &part)),
        Content::Stored(object) => stream_part(object, part),
    };
    Ok(response)
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
fn slice(bytes: &Bytes, part: &Range<u64>) -> Bytes {
    let bound = |at: u64| usize::try_from(at).map_or(bytes.len(), |at| at.min(bytes.len()));
    bytes.slice(bound(part.start)..bound(part.end))
}

/// Streams a part of a large file. Each read happens on a blocking thread, while the one before it is being sent.
///
/// A file that has become shorter ends the connection: an answer that looks whole must be whole.
fn stream_part(object: Object, part: Range<u64>) -> Body {
    let first = read_ahead(object, Some(part.start), part.end - part.start);
    Body::from_stream(stream::try_unfold(Some(first), |reading| async {
        let Some(reading) = reading else { return Ok(None) };
        let (object, bytes, left) = reading.await.map_err(io::Error::other)??;
        let next = (left > 0).then(|| read_ahead(object, None, left));
        Ok::<_, io::Error>(Some((bytes, next)))
    }))
}

type Reading = tokio::task::JoinHandle<io::Result<(Object, Bytes, u64)>>;

/// Reads the next piece of the `left` bytes, first going to `start` where one is given.
fn read_ahead(mut object: Object, start: Option<u64>, left: u64) -> Reading {
    tokio::task::spawn_blocking(move || {
        if let Some(start) = start {
            object.reader.seek(SeekFrom::Start(start))?;
        }
        let length = usize::try_from(left).unwrap_or(READ_BYTES).min(READ_BYTES);
        let mut bytes = BytesMut::zeroed(length);
        object.reader.read_exact(&mut bytes)?;
        Ok((object, bytes.freeze(), left - length as u64))
    })
}
