//! How long a client that says nothing, or says it slowly, is waited for.
//!
//! hyper has one time-out for both: it runs from the end of one request's answer to the end of the next one's head.
//! A connection that is kept for its next request may well be silent for a minute, but a head that has begun must
//! come quickly. So hyper is given the longer time, and this wrapper of the socket keeps the shorter one.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

/// Tells whether a request is being answered; shared by a connection's socket and its service.
#[derive(Clone, Debug, Default)]
pub(super) struct Answering(Arc<AtomicUsize>);

impl Answering {
    /// From the end of a request's head until all these values are dropped, what comes is no head: the rest of a
    /// refused body may still be on its way when the answer is made.
    pub(super) fn begin(&self) -> AnsweringNow {
        self.0.fetch_add(1, Ordering::Relaxed);
        AnsweringNow(self.clone())
    }
}

/// A request is being answered as long as this lives.
pub(super) struct AnsweringNow(Answering);

impl Drop for AnsweringNow {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A socket that fails when a request's head has begun and does not end in time.
pub(super) struct Patient<S> {
    socket: S,
    answering: Answering,
    head_timeout: Duration,
    /// Runs while a head is coming in.
    deadline: Option<Pin<Box<Sleep>>>,
}

impl<S> Patient<S> {
    pub(super) fn new(socket: S, answering: Answering, head_timeout: Duration) -> Self {
        Self {
            socket,
            answering,
            head_timeout,
            deadline: None,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.socket).poll_read(cx, buffer);
        if self.answering.0.load(Ordering::Relaxed) > 0 {
            self.deadline = None;
            return polled;
        }
        let has_more = polled.is_ready() && buffer.filled().len() > before;
        if has_more && self.deadline.is_none() {
            let deadline = Instant::now() + self.head_timeout;
            self.deadline = Some(Box::pin(tokio::time::sleep_until(deadline)));
        }
        if polled.is_pending()
            && let Some(deadline) = &mut self.deadline
            && deadline.as_mut().poll(cx).is_ready()
        {
            let late = io::Error::new(io::ErrorKind::TimedOut, "the head of a request came too slowly");
            return Poll::Ready(Err(late));
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write_vectored(cx, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

    #[tokio::test(start_paused = true)]
    async fn silence_is_borne_and_a_slow_head_is_not() {
        let (mut client, server) = tokio::io::duplex(64);
        let mut patient = Patient::new(server, Answering::default(), HEAD_TIMEOUT);
        let mut byte = [0; 1];
        // Nothing at all for a long time.
        assert!(
            tokio::time::timeout(HEAD_TIMEOUT * 5, patient.read(&mut byte))
                .await
                .is_err()
        );
        let began = Instant::now();
        client.write_all(b"G").await.unwrap();
        patient.read_exact(&mut byte).await.unwrap();
        // A byte now and then does not help.
        for _ in 0..4 {
            tokio::time::sleep(HEAD_TIMEOUT / 5).await;
            client.write_all(b"E").await.unwrap();
            patient.read_exact(&mut byte).await.unwrap();
        }
        let error = patient.read(&mut byte).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(began.elapsed().as_secs(), HEAD_TIMEOUT.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_may_take_its_time() {
        let (mut client, server) = tokio::io::duplex(64);
        let answering = Answering::default();
        let mut patient = Patient::new(server, answering.clone(), HEAD_TIMEOUT);
        let mut byte = [0; 1];
        client.write_all(b"G").await.unwrap();
        patient.read_exact(&mut byte).await.unwrap();
        let now = answering.begin();
        assert!(
            tokio::time::timeout(HEAD_TIMEOUT * 5, patient.read(&mut byte))
                .await
                .is_err()
        );
        drop(now);
        // The next head has its own time.
        client.write_all(b"G").await.unwrap();
        patient.read_exact(&mut byte).await.unwrap();
        assert!(patient.read(&mut byte).await.is_err());
    }
}
