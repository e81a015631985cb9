//! The plainest requests, answered at the door: off the socket, before hyper has the connection.
//!
//! hyper is ready for anything: bodies, upgrades, requests behind each other, answers that take their time. A request for
//! a page that lies in memory needs none of it, and most requests are of that kind. So every HTTP/1 connection begins
//! here. As long as what comes in is one whole head of such a request and nothing else, and its answer is at hand, that
//! is written and the next one awaited. At the first bytes that are anything else, hyper gets the connection, these
//! bytes with it, and keeps it: nothing is refused here, and nothing is understood here that hyper would understand
//! in another way.

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use bytes::{Buf as _, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::arrival::Arrival;
use super::at_hand::AtHand;
use super::date;
use super::express::{Express, Question};
use super::farewell::Ending;
use super::patience::{Answering, AnsweringNow};

/// A head that is longer is hyper's affair. It lies on the stack, so that connections which wait take no memory for it.
const MAX_HEAD_BYTES: usize = 4096;
/// One with more lines as well.
const MAX_LINES: usize = 24;

static CLOSE: HeaderValue = HeaderValue::from_static("close");

/// A connection at the door. Completes with the socket and the bytes that hyper is to begin with, or with nothing when
/// the connection is over.
pub(super) struct Door<'a, S> {
    /// Taken when it is handed on.
    socket: Option<S>,
    express: &'a Express,
    arrival: &'a Arrival,
    answering: &'a Answering,
    /// Empty between two requests; it keeps its memory.
    headers: HeaderMap,
    sending: Option<Sending>,
    /// No more requests are taken.
    is_closing: bool,
}

/// An answer on its way.
struct Sending {
    head: Vec<u8>,
    /// So many bytes of the head are sent.
    sent_of_head: usize,
    /// What is left of it.
    body: Bytes,
    /// Held until all of it has been passed on.
    _now: AnsweringNow,
}

/// What came in.
enum Came {
    /// A request whose answer is at hand.
    Answered(AtHand, AnsweringNow),
    /// Something for hyper.
    Else(Bytes),
    /// The client's end.
    Nothing,
}

impl<'a, S> Door<'a, S> {
    pub(super) fn new(
        socket: S,
        express: &'a Express,
        arrival: &'a Arrival,
        answering: &'a Answering,
    ) -> Self {
        Self {
            socket: Some(socket),
            express,
            arrival,
            answering,
            headers: HeaderMap::new(),
            sending: None,
            is_closing: false,
        }
    }

    /// The answer to the request that these bytes are, if it is at hand.
    fn answer(&mut self, bytes: &Bytes) -> Option<(AtHand, AnsweringNow)> {
        let (express, arrival, answering) = (self.express, self.arrival, self.answering);
        let request = Plain::read(bytes, &mut self.headers)?;
        let question = Question {
            method: &request.method,
            path: request.path,
            headers: &self.headers,
        };
        let client = || arrival.client(question.headers).0;
        let mut answer = express.answer(question, client)?;
        if request.is_the_last {
            self.is_closing = true;
            answer.say(header::CONNECTION, CLOSE.clone());
        }
        Some((answer, answering.begin()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Door<'_, S> {
    fn poll_request(&mut self, socket: &mut S, cx: &mut Context<'_>) -> Poll<io::Result<Came>> {
        let mut space = [MaybeUninit::uninit(); MAX_HEAD_BYTES];
        let mut buffer = ReadBuf::uninit(&mut space);
        ready!(Pin::new(socket).poll_read(cx, &mut buffer))?;
        if buffer.filled().is_empty() {
            return Poll::Ready(Ok(Came::Nothing));
        }
        let bytes = Bytes::copy_from_slice(buffer.filled());
        let answer = self.answer(&bytes);
        self.headers.clear();
        Poll::Ready(Ok(match answer {
            Some((answer, now)) => Came::Answered(answer, now),
            None => Came::Else(bytes),
        }))
    }

    fn poll_with(&mut self, socket: &mut S, cx: &mut Context<'_>) -> Poll<io::Result<Option<Bytes>>> {
        loop {
            if let Some(sending) = &mut self.sending {
                ready!(sending.poll(socket, cx))?;
                self.sending = None;
            }
            if self.is_closing {
                ready!(Pin::new(socket).poll_shutdown(cx))?;
                return Poll::Ready(Ok(None));
            }
            match ready!(self.poll_request(socket, cx))? {
                Came::Answered(answer, now) => self.sending = Some(Sending::new(answer, now)),
                Came::Else(bytes) => return Poll::Ready(Ok(Some(bytes))),
                Came::Nothing => self.is_closing = true,
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Future for Door<'_, S> {
    type Output = io::Result<Option<(Bytes, S)>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // Completed before.
        let Some(mut socket) = self.socket.take() else {
            return Poll::Ready(Ok(None));
        };
        let polled = self.poll_with(&mut socket, cx);
        match polled {
            Poll::Ready(Ok(Some(bytes))) => Poll::Ready(Ok(Some((bytes, socket)))),
            Poll::Ready(ended) => Poll::Ready(ended.map(|_| None)),
            Poll::Pending => {
                self.socket = Some(socket);
                Poll::Pending
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Ending for Door<'_, S> {
    fn finish(mut self: Pin<&mut Self>) {
        self.is_closing = true;
    }
}

impl Sending {
    fn new(answer: AtHand, now: AnsweringNow) -> Self {
        let (head, body) = date::with_now(|date| answer.into_bytes(date));
        Self {
            head,
            sent_of_head: 0,
            body,
            _now: now,
        }
    }

    fn poll<S: AsyncWrite + Unpin>(&mut self, socket: &mut S, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let head = &self.head[self.sent_of_head..];
            if head.is_empty() && self.body.is_empty() {
                break;
            }
            let pieces = [IoSlice::new(head), IoSlice::new(&self.body)];
            let written = ready!(Pin::new(&mut *socket).poll_write_vectored(cx, &pieces))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            let of_head = written.min(head.len());
            self.sent_of_head += of_head;
            self.body.advance(written - of_head);
        }
        // TLS keeps what it has until then.
        Pin::new(socket).poll_flush(cx)
    }
}

/// A request of which nothing is special.
struct Plain<'a> {
    method: Method,
    path: &'a str,
    /// Whether the client wants the connection to end with it.
    is_the_last: bool,
}

impl<'a> Plain<'a> {
    /// Reads a request, if it is one, whole and alone; its lines go into `headers`, which is empty.
    fn read(bytes: &'a Bytes, headers: &mut HeaderMap) -> Option<Self> {
        let mut lines = [const { MaybeUninit::uninit() }; MAX_LINES];
        let mut request = httparse::Request::new(&mut []);
        let parsed = request.parse_with_uninit_headers(bytes, &mut lines).ok()?;
        if parsed != httparse::Status::Complete(bytes.len()) || request.version? != 1 {
            return None;
        }
        let method = match request.method? {
            "GET" => Method::GET,
            "HEAD" => Method::HEAD,
            _ => return None,
        };
        let path = request.path.filter(|path| is_plain_path(path))?;
        for line in request.headers {
            let name = HeaderName::from_bytes(line.name.as_bytes()).ok()?;
            if is_of_a_body(&name) {
                return None;
            }
            let is_single = is_single(&name);
            let value = HeaderValue::from_maybe_shared(bytes.slice_ref(line.value)).ok()?;
            if headers.append(name, value) && is_single {
                return None;
            }
        }
        headers.get(header::HOST)?;
        Some(Self {
            method,
            path,
            is_the_last: is_the_last(headers)?,
        })
    }
}

/// An absolute path of characters that mean themselves (RFC 3986, section 3.3): no query, and nothing encoded.
fn is_plain_path(path: &str) -> bool {
    let is_plain = |byte: u8| {
        byte.is_ascii_alphanumeric()
            || matches!(
                byte,
                b'/' | b'-' | b'.' | b'_' | b'~' | b'+' | b'!' | b'$' | b'&' | b'\'' | b'(' | b')'
            )
            || matches!(byte, b'*' | b',' | b';' | b'=' | b':' | b'@')
    };
    path.starts_with('/') && path.bytes().all(is_plain)
}

/// Whether a line says something of a body, or of what is to be spoken next (RFC 9110, sections 7.8 and 10.1, and
/// RFC 9112, section 6).
fn is_of_a_body(name: &HeaderName) -> bool {
    matches!(
        *name,
        header::CONTENT_LENGTH
            | header::TRANSFER_ENCODING
            | header::TRAILER
            | header::TE
            | header::EXPECT
            | header::UPGRADE
    )
}

/// Whether a second line of this name makes the request doubtful.
fn is_single(name: &HeaderName) -> bool {
    matches!(*name, header::HOST | header::CONNECTION)
}

/// Whether the connection is to end after this request (RFC 9112, section 9.6); `None` where something else is said of it.
fn is_the_last(headers: &HeaderMap) -> Option<bool> {
    let Some(said) = headers.get(header::CONNECTION) else {
        return Some(false);
    };
    let said = said.as_bytes();
    if said.eq_ignore_ascii_case(b"close") {
        return Some(true);
    }
    said.eq_ignore_ascii_case(b"keep-alive").then_some(false)
}

#[cfg(any(test, fuzzing))]
#[path = "door_oracle.rs"]
pub(super) mod oracle;
#[cfg(test)]
#[path = "door_tests.rs"]
mod tests;
