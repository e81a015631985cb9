//! An answer that lies ready: a status, a few lines, bytes in memory.
//!
//! It is made for the two ways out: as a response, for hyper, and as the bytes that go through the socket. The lines are
//! a list and no map, since nobody looks for one among them and each is said once.

use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;

use super::middleware::{RequestId, X_REQUEST_ID};

/// Room for so many lines is made at once; there are seldom more.
const USUAL_LINES: usize = 12;
/// Room for the head as it is sent; a usual one takes some two thirds of it.
const USUAL_HEAD_BYTES: usize = 768;

/// An answer whose body is in memory.
pub(super) struct AtHand {
    status: StatusCode,
    lines: Vec<(HeaderName, HeaderValue)>,
    /// Which request it answers; a line as well.
    id: Option<RequestId>,
    body: Bytes,
    /// What is announced, in bytes; nothing where there can't be a body.
    length: Option<u64>,
}

impl AtHand {
    /// An answer without a body that could have one.
    pub(super) fn new(status: StatusCode) -> Self {
        Self {
            status,
            lines: Vec::with_capacity(USUAL_LINES),
            id: None,
            body: Bytes::new(),
            // A 304 that had one would have to announce that of the page itself (RFC 9110, section 8.6).
            length: (status != StatusCode::NOT_MODIFIED).then_some(0),
        }
    }

    /// Adds a line, which is not there yet.
    pub(super) fn say(&mut self, name: HeaderName, value: HeaderValue) {
        self.lines.push((name, value));
    }

    /// Says which request it answers.
    pub(super) fn say_id(&mut self, id: RequestId) {
        self.id = Some(id);
    }

    /// Puts the body in.
    pub(super) fn carry(&mut self, body: Bytes) {
        self.length = Some(body.len() as u64);
        self.body = body;
    }

    /// Announces a body of so many bytes, which is sent by other means, if at all.
    pub(super) fn announce(&mut self, length: u64) {
        self.length = Some(length);
    }

    /// Leaves the body away where only the head was asked for; its length is announced all the same.
    pub(super) fn answering(mut self, method: &Method) -> Self {
        if method == Method::HEAD {
            self.body = Bytes::new();
        }
        self
    }

    pub(super) fn status(&self) -> StatusCode {
        self.status
    }

    /// What is announced, or nothing.
    pub(super) fn length(&self) -> u64 {
        self.length.unwrap_or(0)
    }

    /// For hyper.
    pub(super) fn into_response(self) -> Response<Bytes> {
        let mut response = Response::new(self.body);
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.reserve(self.lines.len() + 2);
        headers.extend(self.lines);
        if let Some(id) = self.id.and_then(|id| id.to_header()) {
            headers.insert(X_REQUEST_ID, id);
        }
        if let Some(length) = self.length {
            headers.insert(header::CONTENT_LENGTH, length.into());
        }
        response
    }

    /// For the socket: the head as it is sent over HTTP/1.1, and the body.
    pub(super) fn into_bytes(self, date: &[u8]) -> (Vec<u8>, Bytes) {
        let mut head = Vec::with_capacity(USUAL_HEAD_BYTES);
        head.extend_from_slice(b"HTTP/1.1 ");
        head.extend_from_slice(self.status.as_str().as_bytes());
        head.push(b' ');
        let reason = self.status.canonical_reason().unwrap_or_default();
        head.extend_from_slice(reason.as_bytes());
        head.extend_from_slice(b"\r\n");
        let mut write_line = |name: &HeaderName, value: &[u8]| {
            head.extend_from_slice(name.as_str().as_bytes());
            head.extend_from_slice(b": ");
            head.extend_from_slice(value);
            head.extend_from_slice(b"\r\n");
        };
        for (name, value) in &self.lines {
            write_line(name, value.as_bytes());
        }
        if let Some(id) = &self.id {
            write_line(&X_REQUEST_ID, id.as_str().as_bytes());
        }
        if let Some(length) = self.length {
            let mut digits = itoa::Buffer::new();
            write_line(&header::CONTENT_LENGTH, digits.format(length).as_bytes());
        }
        write_line(&header::DATE, date);
        head.extend_from_slice(b"\r\n");
        (head, self.body)
    }
}
