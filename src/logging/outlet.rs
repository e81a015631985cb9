//! How a line leaves without holding its request up: it is copied into a bounded buffer, and a thread writes it.
//!
//! A system call for each line would cost a request more than its page does. So the thread, once it is awake, takes
//! naps and finds at their end whatever has come meanwhile; only when nothing came for a while does it sleep until it
//! is woken, which is the one time that a line costs a system call. Lines that matter to a person who is watching wake
//! it from a nap as well.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tracing_subscriber::fmt::MakeWriter;

use super::destination::{Destination, News};

/// Bound of the lines that wait to be written, in bytes: some ten thousand requests.
const MAX_PENDING_BYTES: usize = 2 * 1024 * 1024;
/// How long a line may stay in memory.
const NAP: Duration = Duration::from_millis(10);
/// The thread goes to sleep when nothing came for so many naps.
const NAPS_BEFORE_SLEEP: u32 = 20;

/// The two ways out of the log.
#[derive(Clone)]
pub(super) struct Outlets {
    pub(super) stream: Outlet,
    pub(super) file: Outlet,
    /// The target of events that may stay in memory for an instant.
    pub(super) unhurried_target: &'static str,
}

impl Outlets {
    pub(super) fn lead_somewhere(&self) -> bool {
        self.stream.leads_somewhere() || self.file.leads_somewhere()
    }
}

/// A buffer with a thread that empties it. Cloning gives another handle to the same one.
#[derive(Clone)]
pub(super) struct Outlet {
    shared: Arc<Shared>,
}

struct Shared {
    /// Whether the lines are written anywhere.
    leads_somewhere: AtomicBool,
    /// Held for the time of a copy.
    pending: Mutex<Pending>,
    /// There is something to do.
    waking: Condvar,
    /// Everything is written.
    emptied: Condvar,
}

struct Pending {
    lines: Vec<u8>,
    /// Lines for which there was no room.
    dropped: u64,
    /// Another destination, and how many bytes of the lines are still for the old one.
    next: Option<(usize, Destination)>,
    thread: Activity,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Activity {
    Writing,
    /// Awake again in an instant, or when it is urgent.
    Napping,
    /// Until it is woken.
    Asleep,
}

impl Outlet {
    /// Starts the thread, which lives until the process ends.
    ///
    /// # Errors
    /// The system gave no thread.
    pub(super) fn start(name: &str, destination: Destination) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            leads_somewhere: AtomicBool::new(!destination.is_nowhere()),
            pending: Mutex::new(Pending {
                lines: Vec::new(),
                dropped: 0,
                next: None,
                thread: Activity::Writing,
            }),
            waking: Condvar::new(),
            emptied: Condvar::new(),
        });
        let for_thread = Arc::clone(&shared);
        std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || for_thread.write_on(destination))?;
        Ok(Self { shared })
    }

    fn leads_somewhere(&self) -> bool {
        self.shared.leads_somewhere.load(Ordering::Relaxed)
    }

    /// What came so far goes where it went; what comes from now on goes to `destination`.
    pub(super) fn redirect(&self, destination: Destination) {
        self.shared
            .leads_somewhere
            .store(!destination.is_nowhere(), Ordering::Relaxed);
        let mut pending = self.shared.pending();
        let for_the_old = pending
            .next
            .as_ref()
            .map_or(pending.lines.len(), |(bytes, _)| *bytes);
        pending.next = Some((for_the_old, destination));
        drop(pending);
        self.shared.waking.notify_one();
    }

    /// Waits until everything is written, but no longer than this.
    pub(super) fn flush(&self, at_most: Duration) {
        let deadline = Instant::now() + at_most;
        let mut pending = self.shared.pending();
        while pending.thread == Activity::Writing || pending.has_work() {
            self.shared.waking.notify_one();
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            (pending, _) = self
                .shared
                .emptied
                .wait_timeout(pending, left)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn push(&self, line: &[u8], is_urgent: bool) {
        if !self.leads_somewhere() {
            return;
        }
        let mut pending = self.shared.pending();
        if pending.lines.len() + line.len() > MAX_PENDING_BYTES {
            pending.dropped += 1;
            return;
        }
        pending.lines.extend_from_slice(line);
        let must_wake = match pending.thread {
            Activity::Writing => false,
            Activity::Napping => is_urgent || pending.lines.len() > MAX_PENDING_BYTES / 2,
            Activity::Asleep => true,
        };
        drop(pending);
        if must_wake {
            self.shared.waking.notify_one();
        }
    }
}

impl Shared {
    /// Every section leaves the lines whole, so a panic in one harms none of the others.
    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_on(&self, mut destination: Destination) {
        let mut lines = Vec::new();
        loop {
            let (dropped, next) = self.wait_for_work(&mut lines);
            let for_the_old = next.as_ref().map_or(lines.len(), |(bytes, _)| *bytes);
            let (before, after) = lines.split_at(for_the_old);
            let mut news = destination.write(before);
            if let Some((_, next)) = next {
                destination = next;
                news = destination.write(after).or(news);
            }
            // These are lines of the log as well, and come back to this thread as such.
            if dropped > 0 {
                tracing::warn!(
                    lines = dropped,
                    "the log could not be written as fast as it came: lines of it are missing here"
                );
            }
            match news {
                Some(News::Failing(path, error)) => tracing::error!(
                    %error,
                    "can't write the log file `{}`; lines are lost until that is mended",
                    path.display()
                ),
                Some(News::Recovered(path, lost)) => tracing::warn!(
                    lines = lost,
                    "the log file `{}` can be written again; lines of it are missing here",
                    path.display()
                ),
                None => {}
            }
        }
    }

    /// Swaps the lines that wait for the empty `lines`.
    fn wait_for_work(&self, lines: &mut Vec<u8>) -> (u64, Option<(usize, Destination)>) {
        lines.clear();
        let mut pending = self.pending();
        // A line that came while the last ones were written has company that is on its way.
        let mut naps = 0;
        loop {
            let is_rested = naps > 0 || pending.next.is_some();
            if pending.has_work() && is_rested {
                break;
            }
            if !pending.has_work() {
                self.emptied.notify_all();
            }
            if naps < NAPS_BEFORE_SLEEP {
                pending.thread = Activity::Napping;
                (pending, _) = self
                    .waking
                    .wait_timeout(pending, NAP)
                    .unwrap_or_else(PoisonError::into_inner);
                naps += 1;
            } else {
                pending.thread = Activity::Asleep;
                pending = self.waking.wait(pending).unwrap_or_else(PoisonError::into_inner);
            }
        }
        pending.thread = Activity::Writing;
        std::mem::swap(&mut pending.lines, lines);
        (std::mem::take(&mut pending.dropped), pending.next.take())
    }
}

impl Pending {
    fn has_work(&self) -> bool {
        !self.lines.is_empty() || self.next.is_some()
    }
}

/// Takes one event.
pub(super) struct LineWriter<'a> {
    outlets: &'a Outlets,
    is_urgent: bool,
}

impl io::Write for LineWriter<'_> {
    /// The formatter hands over each event whole, with its line end.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.outlets.stream.push(line, self.is_urgent);
        self.outlets.file.push(line, self.is_urgent);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Outlets {
    type Writer = LineWriter<'a>;

    fn make_writer(&'a self) -> LineWriter<'a> {
        LineWriter {
            outlets: self,
            is_urgent: true,
        }
    }

    fn make_writer_for(&'a self, metadata: &tracing::Metadata<'_>) -> LineWriter<'a> {
        LineWriter {
            outlets: self,
            is_urgent: metadata.target() != self.unhurried_target,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::mpsc;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);

    /// Gives what is written to the test, one write at a time; each waits until the test lets it go on.
    struct Gate {
        written: mpsc::Sender<Vec<u8>>,
        may_go_on: mpsc::Receiver<()>,
    }

    impl Write for Gate {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.written.send(bytes.to_vec());
            let _ = self.may_go_on.recv();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn gated() -> (Outlet, mpsc::Receiver<Vec<u8>>, mpsc::Sender<()>) {
        let (written, tell) = mpsc::channel();
        let (let_go, may_go_on) = mpsc::channel();
        let gate = Gate { written, may_go_on };
        let outlet = Outlet::start("test", Destination::other(gate)).unwrap();
        (outlet, tell, let_go)
    }

    #[test]
    fn a_flushed_outlet_has_written_every_line_in_order() {
        let (outlet, written, let_go) = gated();
        drop(let_go);
        for number in 0..1000 {
            outlet.push(format!("{number}\n").as_bytes(), number % 7 == 0);
        }
        outlet.flush(PATIENCE);
        let text: Vec<u8> = written.try_iter().flatten().collect();
        let expected: String = (0..1000).map(|number| format!("{number}\n")).collect();
        assert_eq!(String::from_utf8(text).unwrap(), expected);
    }

    #[test]
    fn an_outlet_that_is_stuck_holds_nobody_up_and_takes_no_more_than_its_bound() {
        let (outlet, written, let_go) = gated();
        outlet.push(b"first\n", true);
        assert_eq!(written.recv_timeout(PATIENCE).unwrap(), b"first\n");
        let line = [b'x'; 1024];
        for _ in 0..MAX_PENDING_BYTES / line.len() + 5 {
            outlet.push(&line, true);
        }
        assert_eq!(outlet.shared.pending().dropped, 5);
        assert_eq!(outlet.shared.pending().lines.len(), MAX_PENDING_BYTES);
        // A farewell to one that is stuck ends, too.
        outlet.flush(Duration::from_millis(50));
        drop(let_go);
        outlet.flush(PATIENCE);
        assert_eq!(outlet.shared.pending().dropped, 0, "told");
    }

    #[test]
    fn lines_go_where_the_log_led_when_they_were_logged() {
        let (outlet, before, let_go) = gated();
        drop(let_go);
        let (written, after) = mpsc::channel();
        let (_, may_go_on) = mpsc::channel();
        outlet.push(b"before\n", false);
        outlet.redirect(Destination::other(Gate { written, may_go_on }));
        outlet.push(b"after\n", false);
        outlet.flush(PATIENCE);
        assert_eq!(before.try_iter().flatten().collect::<Vec<u8>>(), b"before\n");
        assert_eq!(after.try_iter().flatten().collect::<Vec<u8>>(), b"after\n");
    }

    #[test]
    fn an_outlet_to_nowhere_keeps_nothing() {
        let outlet = Outlet::start("test", Destination::nowhere()).unwrap();
        outlet.push(b"lost\n", true);
        assert!(outlet.shared.pending().lines.is_empty());
        assert!(!outlet.leads_somewhere());
    }
}
