//! How connections end: when the server stops, and when nothing happens on them any more.
//!
//! A stop has two steps. First every connection finishes what it has begun and takes no more requests; those that have
//! begun nothing end at once. When the grace is over, the rest is cut.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper_util::server::graceful::GracefulConnection;
use tokio::sync::watch;
use tokio::time::{Instant, Sleep};

use super::patience::Answering;

/// An HTTP/2 client is told that no more requests are taken, and answers; one that does not isn't waited for.
const GOODBYE_TIME: Duration = Duration::from_secs(1);
/// The time-out of silence is looked after in so many parts, which bounds how much later it may be kept.
const PARTS: u32 = 4;
/// An answer that the client has asked for and takes nothing of is kept for so many time-outs of silence: it is passed
/// on in pieces of which a slow client takes few.
const STUCK_TIMEOUTS: u32 = 5;

/// A connection that can be asked to end when what it has begun is finished.
pub(super) trait Ending: Future {
    /// No more requests are to be taken.
    fn finish(self: Pin<&mut Self>);
}

impl<C: GracefulConnection> Ending for C {
    fn finish(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

/// Tells all connections to end.
#[derive(Debug)]
pub(super) struct Farewell {
    finish: watch::Sender<bool>,
    cut: watch::Sender<bool>,
    /// What `finish` tells, at the price of a load: connections ask at every step.
    is_finishing: AtomicBool,
}

/// One connection's ear for the end. As long as one of these lives, the server waits for it.
pub(super) struct Ear<'a> {
    farewell: &'a Farewell,
    finish: watch::Receiver<bool>,
}

impl Farewell {
    pub(super) fn new() -> Self {
        Self {
            finish: watch::Sender::new(false),
            cut: watch::Sender::new(false),
            is_finishing: AtomicBool::new(false),
        }
    }

    pub(super) fn ear(&self) -> Ear<'_> {
        Ear {
            farewell: self,
            finish: self.finish.subscribe(),
        }
    }

    /// Lets all connections finish what they have begun.
    pub(super) fn finish(&self) {
        self.is_finishing.store(true, Ordering::Release);
        self.finish.send_replace(true);
    }

    /// Ends all connections where they are.
    pub(super) fn cut(&self) {
        self.cut.send_replace(true);
    }

    /// Completes when there are no connections.
    pub(super) async fn all_gone(&self) {
        self.finish.closed().await;
    }

    /// How many connections there are.
    pub(super) fn connections(&self) -> usize {
        self.finish.receiver_count()
    }
}

impl Ear<'_> {
    /// Runs `greeting`, which no request is part of, and gives it up when the server stops.
    pub(super) async fn unless_told<F: Future>(&mut self, greeting: F) -> Option<F::Output> {
        tokio::select! {
            _ = self.finish.wait_for(|told| *told) => None,
            output = greeting => Some(output),
        }
    }

    /// Runs an HTTP/1 connection to its end; silence is the socket's own affair there. `None` when it was cut.
    pub(super) async fn see_off_http1<C: Ending>(
        &mut self,
        connection: C,
        answering: &Answering,
    ) -> Option<C::Output> {
        self.see_off(connection, answering, Duration::ZERO, |_| Silence::Kept)
            .await
    }

    /// Runs an HTTP/2 connection to its end, which comes when it is silent for `idle_timeout` or a quarter more.
    pub(super) async fn see_off_http2<C: Ending>(
        &mut self,
        connection: C,
        answering: &Answering,
        idle_timeout: Duration,
    ) -> Option<C::Output> {
        let mut idleness = Idleness::new(idle_timeout, answering);
        self.see_off(connection, answering, GOODBYE_TIME, |cx| idleness.poll(cx))
            .await
    }

    async fn see_off<C: Ending>(
        &mut self,
        connection: C,
        answering: &Answering,
        goodbye_time: Duration,
        mut silence: impl FnMut(&mut Context<'_>) -> Silence,
    ) -> Option<C::Output> {
        let Self { farewell, finish } = self;
        let mut cut = farewell.cut.subscribe();
        let mut connection = pin!(connection);
        let mut told_to_finish = pin!(finish.wait_for(|told| *told));
        let mut told_to_end = pin!(cut.wait_for(|told| *told));
        let mut has_asked = false;
        let mut goodbye: Option<Pin<Box<Sleep>>> = None;
        poll_fn(|cx| {
            if goodbye.is_none() {
                // Asked once, the channel wakes this task when it is time; until then there is no need to ask again,
                // and to take its lock.
                let is_told = (!has_asked || farewell.is_finishing.load(Ordering::Acquire))
                    && told_to_finish.as_mut().poll(cx).is_ready();
                has_asked = true;
                let silence = silence(cx);
                if silence == Silence::Unbearable {
                    return Poll::Ready(None);
                }
                if is_told || silence == Silence::Long {
                    connection.as_mut().finish();
                    goodbye = Some(Box::pin(tokio::time::sleep(goodbye_time)));
                }
            }
            let mut polled = connection.as_mut().poll(cx);
            if polled.is_pending() && answering.needs_a_clock() {
                polled = connection.as_mut().poll(cx);
            }
            let polled = polled.map(Some);
            let Some(goodbye) = &mut goodbye else {
                return polled;
            };
            if polled.is_ready() {
                return polled;
            }
            let is_over = goodbye.is_elapsed() || goodbye.as_mut().poll(cx).is_ready();
            let is_cut = told_to_end.as_mut().poll(cx).is_ready();
            if is_cut || (is_over && answering.is_quiet()) {
                return Poll::Ready(None);
            }
            Poll::Pending
        })
        .await
    }
}

/// What to do about the silence on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Silence {
    /// Nothing yet.
    Kept,
    /// To say goodbye.
    Long,
    /// To go without a word.
    Unbearable,
}

/// Notices when nothing happens on an HTTP/2 connection, by looking now and then whether anything has.
struct Idleness<'a> {
    answering: &'a Answering,
    part: Duration,
    next_look: Pin<Box<Sleep>>,
    /// What was seen at the last look.
    steps: Option<usize>,
    /// Looks in a row that found nothing new.
    quiet_looks: u32,
}

impl<'a> Idleness<'a> {
    fn new(timeout: Duration, answering: &'a Answering) -> Self {
        let part = timeout / PARTS;
        Self {
            answering,
            part,
            next_look: Box::pin(tokio::time::sleep(part)),
            steps: Some(0),
            quiet_looks: 0,
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Silence {
        while self.next_look.as_mut().poll(cx).is_ready() {
            self.next_look.as_mut().reset(Instant::now() + self.part);
            let steps = self.answering.steps();
            let is_quiet = steps.is_some() && steps == self.steps;
            self.quiet_looks = if is_quiet { self.quiet_looks + 1 } else { 0 };
            self.steps = steps;
            if self.quiet_looks >= PARTS * STUCK_TIMEOUTS {
                return Silence::Unbearable;
            }
            if self.quiet_looks >= PARTS && !self.answering.is_busy() {
                return Silence::Long;
            }
        }
        Silence::Kept
    }
}
