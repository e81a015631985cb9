//! A body on its way to the client.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};

use super::patience::AnsweringNow;

/// An answer's body that keeps its request counted as being answered until all of it has been passed on.
pub(super) struct SentBody {
    body: Body,
    now: AnsweringNow,
    /// Whether each piece counts as a step.
    steps: bool,
}

impl SentBody {
    pub(super) fn new(body: Body, now: AnsweringNow) -> Self {
        Self {
            body,
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
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        if self.steps && polled.is_ready() {
            self.now.connection().step();
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
