//! How long a client that says nothing, or says it slowly, or does not listen, is waited for.
//!
//! hyper has one time-out for HTTP/1: it runs from the end of one request's answer to the end of the next one's head.
//! A connection that is kept for its next request may well be silent for a minute, but a head that has begun must
//! come quickly. So hyper is given the longer time, and this wrapper of the socket keeps the shorter one. For HTTP/2
//! hyper has none of these; there the wrapper reads along which frames come in.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

use super::http2_heads::Http2Heads;

/// What happens on a connection; shared by its socket, its requests, and whoever decides when it ends.
#[derive(Clone, Debug, Default)]
pub(super) struct Answering(Arc<Activity>);

#[derive(Debug, Default)]
struct Activity {
    /// Requests whose answer has not been sent whole.
    requests: AtomicUsize,
    /// The client takes nothing of what is to be written.
    is_stuck: AtomicBool,
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

    /// Whether a request has been begun and not been answered whole.
    pub(super) fn is_busy(&self) -> bool {
        self.0.requests.load(Ordering::Relaxed) > 0
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
    /// From the first byte of a request's head to its last.
    pub(super) head: Duration,
    /// From one byte of an answer that is taken to the next one.
    pub(super) write: Duration,
}

/// A socket that fails when a request's head has begun and does not end in time, and when nothing can be written for
/// too long.
pub(super) struct Patient<S> {
    socket: S,
    answering: Answering,
    heads: Heads,
    patience: Patience,
    /// Runs while a head is coming in.
    head_deadline: Option<Pin<Box<Sleep>>>,
    /// Runs while nothing can be written.
    write_deadline: Option<Pin<Box<Sleep>>>,
}

impl<S> Patient<S> {
    pub(super) fn new(socket: S, answering: Answering, heads: Heads, patience: Patience) -> Self {
        Self {
            socket,
            answering,
            heads,
            patience,
            head_deadline: None,
            write_deadline: None,
        }
    }

    /// Starts and stops the clock by what has just come in.
    fn hear(&mut self, bytes: &[u8]) {
        let is_inside_head = match &mut self.heads {
            Heads::Http1 => !self.answering.is_busy() && (self.head_deadline.is_some() || !bytes.is_empty()),
            Heads::Http2(frames) => {
                if frames.read(bytes).ended_one {
                    self.head_deadline = None;
                }
                // An upload's next frame may well be cut by the network, and take its time.
                frames.is_inside_one() || (frames.may_be_inside_one() && !self.answering.is_busy())
            }
        };
        if !is_inside_head {
            self.head_deadline = None;
        } else if self.head_deadline.is_none() {
            self.head_deadline = Some(Box::pin(tokio::time::sleep(self.patience.head)));
        }
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
            && let Some(deadline) = &mut self.head_deadline
            && deadline.as_mut().poll(cx).is_ready()
        {
            return Poll::Ready(Err(late("the head of a request came too slowly")));
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
