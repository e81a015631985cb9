//! A body on its way to the client.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};

use super::patience::AnsweringNow;

/// An answer's body that keeps its request counted as being answered until all of it has been passed on.
pub(super) struct SentBody {
    content: Content,
    now: AnsweringNow,
    /// Whether each piece counts as a step.
    steps: bool,
}

enum Content {
    /// In memory, and sent in one piece.
    Whole(Bytes),
    /// Whatever a route has made.
    Routed(Body),
}

impl SentBody {
    /// What a route has made.
    pub(super) fn new(body: Body, now: AnsweringNow) -> Self {
        Self {
            content: Content::Routed(body),
            now,
            steps: false,
        }
    }

    /// These bytes.
    pub(super) fn whole(bytes: Bytes, now: AnsweringNow) -> Self {
        Self {
            content: Content::Whole(bytes),
            now,
            steps: false,
        }
    }

    /// Lets a connection see that the client takes the body.
    pub(super) fn with_steps(self) -> Self {
        Self { steps: true, ..self }
    }
}

impl HttpBody for SentBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = match &mut self.content {
            Content::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Content::Whole(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Content::Routed(body) => Pin::new(body).poll_frame(cx),
        };
        if self.steps && polled.is_ready() {
            self.now.connection().step();
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Whole(bytes) => bytes.is_empty(),
            Content::Routed(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Content::Routed(body) => body.size_hint(),
        }
    }
}
