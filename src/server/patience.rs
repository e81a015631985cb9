//! How long a client that says nothing, or says it slowly, or does not listen, is waited for.
//!
//! hyper has one time-out for HTTP/1: it runs from the end of one request's answer to the end of the next one's head,
//! and costs a timer for each request. A connection that is kept for its next request may well be silent for a minute,
//! but a head that has begun must come quickly. So this wrapper of the socket keeps both times, by one alarm for the
//! whole life of the connection: it is moved forward when it rings and not when something happens, which it need not be
//! told of. For HTTP/2 hyper has none of these; there the wrapper reads along which frames come in, and silence is the
//! affair of `farewell.rs`.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use super::http2_heads::Http2Heads;

/// What happens on a connection; shared by its socket, its requests, and whoever decides when it ends.
#[derive(Clone, Debug, Default)]
pub(super) struct Answering(Arc<Activity>);

#[derive(Debug, Default)]
struct Activity {
    /// Requests whose answer has not been sent whole.
    requests: AtomicUsize,
    /// Requests whose head has come, ever; only a change of it means anything.
    begun: AtomicUsize,
    /// The client takes nothing of what is to be written.
    is_stuck: AtomicBool,
    /// The next request began to be waited for while the last one was still being answered, so that no clock runs.
    is_clockless: AtomicBool,
    /// Requests whose answer is still being thought about; counted for HTTP/2 alone.
    thinking: AtomicUsize,
    /// Grows with every step of a request; counted for HTTP/2 alone.
    steps: AtomicUsize,
}

impl Answering {
    /// From the end of a request's head until all these values are dropped, what comes is no head: the rest of a
    /// refused body may still be on its way when the answer is made.
    pub(super) fn begin(&self) -> AnsweringNow {
        self.0.requests.fetch_add(1, Ordering::Relaxed);
        self.0.begun.fetch_add(1, Ordering::Relaxed);
        AnsweringNow(self.clone())
    }

    /// Held while an answer is made, which may take as long as it takes.
    pub(super) fn think(&self) -> Thinking {
        self.0.thinking.fetch_add(1, Ordering::Relaxed);
        Thinking(self.clone())
    }

    /// A request has come further.
    pub(super) fn step(&self) {
        self.0.steps.fetch_add(1, Ordering::Relaxed);
    }

    /// How far all requests together have come; only a change of it means anything. `None` while we are what they
    /// wait for.
    pub(super) fn steps(&self) -> Option<usize> {
        let is_thinking = self.0.thinking.load(Ordering::Relaxed) > 0;
        (!is_thinking).then(|| self.0.steps.load(Ordering::Relaxed))
    }

    /// How many requests have been begun.
    fn begun(&self) -> usize {
        self.0.begun.load(Ordering::Relaxed)
    }

    /// Whether a request has been begun and not been answered whole.
    pub(super) fn is_busy(&self) -> bool {
        self.0.requests.load(Ordering::Relaxed) > 0
    }

    /// Whether the connection must be polled once more, since its clock could not be set before the last answer was sent
    /// whole. Says so once.
    pub(super) fn needs_a_clock(&self) -> bool {
        let is_clockless = &self.0.is_clockless;
        is_clockless.load(Ordering::Relaxed) && !self.is_busy() && is_clockless.swap(false, Ordering::Relaxed)
    }

    /// Whether nobody would miss anything if the connection ended now: asked between two polls of it, when all that
    /// could be written has been.
    pub(super) fn is_quiet(&self) -> bool {
        !self.is_busy() && !self.0.is_stuck.load(Ordering::Relaxed)
    }
}

/// A request is being answered as long as this lives.
pub(super) struct AnsweringNow(Answering);

impl AnsweringNow {
    /// The connection that the request came over.
    pub(super) fn connection(&self) -> &Answering {
        &self.0
    }
}

impl Drop for AnsweringNow {
    fn drop(&mut self) {
        self.0.0.requests.fetch_sub(1, Ordering::Relaxed);
    }
}

/// An answer is being made as long as this lives.
pub(super) struct Thinking(Answering);

impl Drop for Thinking {
    fn drop(&mut self) {
        self.0.step();
        self.0.0.thinking.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How heads are told from what else comes in.
pub(super) enum Heads {
    /// Whatever comes while no request is being answered.
    Http1,
    /// By its frames.
    Http2(Http2Heads),
}

/// How long a socket is patient.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// Before the first request of an HTTP/1 connection, and between two of them.
    pub(super) silence: Duration,
    /// From the first byte of a request's head to its last.
    pub(super) head: Duration,
    /// From one byte of an answer that is taken to the next one.
    pub(super) write: Duration,
}

/// A socket that fails when no request comes, when a request's head has begun and does not end in time, and when
/// nothing can be written for too long.
pub(super) struct Patient<S> {
    socket: S,
    answering: Answering,
    heads: Heads,
    patience: Patience,
    awaited: Awaited,
    /// How many requests had begun when `awaited` was told.
    begun: usize,
    /// Until when there is to be something to read; `None` until it must be waited for.
    read_deadline: Option<Instant>,
    /// Rings at `read_deadline` or before, and then is set again.
    alarm: Option<Pin<Box<Sleep>>>,
    /// Runs while nothing can be written.
    write_deadline: Option<Pin<Box<Sleep>>>,
}

/// What is to come in next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Awaited {
    /// Nothing that would have to come in time.
    Anything,
    /// A request.
    Request,
    /// The rest of a request's head.
    RestOfHead,
}

impl<S> Patient<S> {
    pub(super) fn new(socket: S, answering: Answering, heads: Heads, patience: Patience) -> Self {
        Self {
            socket,
            answering,
            heads,
            patience,
            awaited: Awaited::Anything,
            begun: 0,
            read_deadline: None,
            alarm: None,
            write_deadline: None,
        }
    }

    /// Takes note of what has just come in.
    fn hear(&mut self, bytes: &[u8]) {
        // The head that was coming in has come, and been answered meanwhile.
        let begun = self.answering.begun();
        let has_begun = std::mem::replace(&mut self.begun, begun) != begun;
        let is_busy = self.answering.is_busy();
        let awaited = match &mut self.heads {
            Heads::Http1 if is_busy => Awaited::Anything,
            Heads::Http1 if !bytes.is_empty() => Awaited::RestOfHead,
            Heads::Http1 if self.awaited == Awaited::RestOfHead && !has_begun => Awaited::RestOfHead,
            Heads::Http1 => Awaited::Request,
            Heads::Http2(frames) => {
                if frames.read(bytes).ended_one {
                    self.read_deadline = None;
                }
                // An upload's next frame may well be cut by the network, and take its time.
                match frames.is_inside_one() || (frames.may_be_inside_one() && !is_busy) {
                    true => Awaited::RestOfHead,
                    false => Awaited::Anything,
                }
            }
        };
        if awaited != self.awaited || has_begun {
            self.awaited = awaited;
            self.read_deadline = None;
        }
        if awaited == Awaited::RestOfHead && self.read_deadline.is_none() {
            self.read_deadline = Some(Instant::now() + self.patience.head);
        }
    }

    /// Keeps the clock of reading, while there is nothing to read.
    fn wait_to_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        let (patience, what) = match self.awaited {
            Awaited::Anything => {
                if matches!(self.heads, Heads::Http1) {
                    self.answering.0.is_clockless.store(true, Ordering::Relaxed);
                }
                return Poll::Pending;
            }
            Awaited::Request => (self.patience.silence, "no request came"),
            Awaited::RestOfHead => (self.patience.head, "the head of a request came too slowly"),
        };
        let deadline = *self
            .read_deadline
            .get_or_insert_with(|| Instant::now() + patience);
        let alarm = self
            .alarm
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        if alarm.deadline() > deadline {
            alarm.as_mut().reset(deadline);
        }
        while alarm.as_mut().poll(cx).is_ready() {
            if alarm.deadline() >= deadline {
                return Poll::Ready(late(what));
            }
            alarm.as_mut().reset(deadline);
        }
        Poll::Pending
    }

    /// Keeps the clock of writing: `polled` is what the socket said.
    fn wait_to_write<T>(&mut self, cx: &mut Context<'_>, polled: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            if self.write_deadline.take().is_some() {
                self.answering.0.is_stuck.store(false, Ordering::Relaxed);
            }
            return polled;
        }
        let patience = self.patience.write;
        let deadline = self.write_deadline.get_or_insert_with(|| {
            self.answering.0.is_stuck.store(true, Ordering::Relaxed);
            Box::pin(tokio::time::sleep(patience))
        });
        if deadline.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(late("the client takes nothing of its answer")));
        }
        Poll::Pending
    }
}

fn late(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, what)
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.socket).poll_read(cx, buffer);
        self.hear(&buffer.filled()[before..]);
        if polled.is_pending()
            && let Poll::Ready(error) = self.wait_to_read(cx)
        {
            return Poll::Ready(Err(error));
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.socket).poll_write(cx, bytes);
        self.wait_to_write(cx, polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.socket).poll_write_vectored(cx, pieces);
        self.wait_to_write(cx, polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.socket).poll_flush(cx);
        self.wait_to_write(cx, polled)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.socket).poll_shutdown(cx);
        self.wait_to_write(cx, polled)
    }
}

#[cfg(test)]
#[path = "patience_tests.rs"]
mod tests;
