//! Child processes that can be stopped as a whole: each runs in a process group of its own, so that a compiler
//! that a backend started ends with it.

use std::io::{self, PipeReader, Read as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use super::progress::{Event, Step};

/// How often the interrupt is looked at while a child is silent.
pub(super) const POLL: Duration = Duration::from_millis(40);
/// How long an interrupted child may tidy up before it is killed.
const GRACE: Duration = Duration::from_secs(2);
/// How long the output of a child that has ended is waited for while another process keeps the pipe open.
const LAST_WORDS: Duration = Duration::from_millis(400);
/// How much of a child's output is kept for the case of failure; older output is forgotten first.
const MAX_TRANSCRIPT_BYTES: usize = 16 * 1024 * 1024;

/// Set when the user wants to stop. Clones share one flag.
#[derive(Clone, Debug, Default)]
pub struct Interrupt {
    wanted: Arc<AtomicBool>,
    at_once: Arc<AtomicBool>,
}

impl Interrupt {
    /// The flag itself, for a signal to set.
    #[must_use]
    pub fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.wanted)
    }

    /// The user does not want to wait until children have tidied up: they are killed.
    pub fn insist(&self) {
        self.at_once.store(true, Ordering::SeqCst);
    }

    /// Whether the user wants to stop.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.wanted.load(Ordering::SeqCst)
    }

    fn is_urgent(&self) -> bool {
        self.at_once.load(Ordering::SeqCst)
    }
}

/// What a child wrote to stdout and stderr, in the order in which it wrote it. Need not be UTF-8.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transcript(Vec<u8>);

impl Transcript {
    /// The bytes as they came.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The last lines that are not blank, at most `count`, without colours and other control characters.
    #[must_use]
    pub fn last_lines(&self, count: usize) -> Vec<String> {
        let text = String::from_utf8_lossy(&self.0);
        let mut lines: Vec<String> = text.lines().rev().filter_map(plain).take(count).collect();
        lines.reverse();
        lines
    }

    /// The first line that is not blank, in the same form.
    #[must_use]
    pub fn first_line(&self) -> Option<String> {
        String::from_utf8_lossy(&self.0).lines().find_map(plain)
    }

    /// The bytes without the lines that `told` holds, with or without the `error:` that they begin with.
    #[must_use]
    pub(crate) fn without(&self, told: &str) -> Vec<u8> {
        let told: Vec<&str> = told.lines().map(str::trim).collect();
        let is_told = |line: &[u8]| {
            let text = plain(&String::from_utf8_lossy(line)).unwrap_or_default();
            let marked = text
                .get(..6)
                .is_some_and(|start| start.eq_ignore_ascii_case("error:"));
            let words = if marked { &text[6..] } else { &text }.trim();
            !words.is_empty() && told.contains(&words)
        };
        self.0
            .split_inclusive(|byte| *byte == b'\n')
            .filter(|line| !is_told(line))
            .flatten()
            .copied()
            .collect()
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
        if self.0.len() > 2 * MAX_TRANSCRIPT_BYTES {
            self.0.drain(..self.0.len() - MAX_TRANSCRIPT_BYTES);
        }
    }
}

/// A line without colours, other control characters and blanks at its end; `None` when nothing is left.
fn plain(line: &str) -> Option<String> {
    let text: String = anstream::adapter::strip_str(line)
        .flat_map(str::chars)
        .filter(|c| !c.is_control())
        .collect();
    let text = text.trim_end();
    (!text.is_empty()).then(|| text.to_owned())
}

/// How a child ended.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) status: ExitStatus,
    pub(crate) transcript: Transcript,
}

/// Why a child did not come to its own end.
#[derive(Debug)]
pub(crate) enum RunError {
    /// The user wanted to stop; the child and all of its children are gone.
    Interrupted,
    /// It could not be started or watched.
    Io(io::Error),
}

impl From<io::Error> for RunError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Runs children one after the other, tells the watcher what happens, and stops when the user wants to.
pub(crate) struct Supervisor<'a> {
    pub(crate) interrupt: &'a Interrupt,
    pub(crate) watcher: &'a dyn Fn(Event<'_>),
}

impl Supervisor<'_> {
    /// Tells the watcher what begins now.
    pub(crate) fn begin(&self, step: &Step<'_>) {
        (self.watcher)(Event::Step(step));
    }

    /// Runs `command` to its end, without stdin, in a process group of its own.
    pub(crate) fn run(&self, command: Command) -> Result<Finished, RunError> {
        self.supervise(command, &|bytes| (self.watcher)(Event::Output(bytes)))
    }

    /// The same for a command whose output means nothing to the user.
    pub(crate) fn run_silently(&self, command: Command) -> Result<Finished, RunError> {
        self.supervise(command, &|_| ())
    }

    fn supervise(&self, mut command: Command, listener: &dyn Fn(&[u8])) -> Result<Finished, RunError> {
        if self.interrupt.is_set() {
            return Err(RunError::Interrupted);
        }
        command.stdin(Stdio::null());
        let (mut child, chunks) = listen_to(command)?;
        let mut transcript = Transcript::default();
        let keep = |chunk: &[u8]| {
            transcript.push(chunk);
            listener(chunk);
        };
        match self.watch(&mut child, &chunks, keep) {
            Ok(status) => Ok(Finished { status, transcript }),
            Err(error) => {
                stop_group(&mut child, self.interrupt)?;
                Err(error)
            }
        }
    }

    fn watch(
        &self,
        child: &mut Child,
        chunks: &Receiver<Vec<u8>>,
        mut keep: impl FnMut(&[u8]),
    ) -> Result<ExitStatus, RunError> {
        loop {
            if self.interrupt.is_set() {
                return Err(RunError::Interrupted);
            }
            match chunks.recv_timeout(POLL) {
                Ok(chunk) => keep(&chunk),
                // A process that the child left behind may hold the pipe open for ever: the child's end counts.
                Err(RecvTimeoutError::Timeout) => {
                    if let Some(status) = child.try_wait()? {
                        last_chunks(chunks).for_each(|chunk| keep(&chunk));
                        return Ok(status);
                    }
                }
                Err(RecvTimeoutError::Disconnected) => return self.wait(child),
            }
        }
    }

    /// Waits for a child that has closed its output, so that almost always it has ended already.
    pub(super) fn wait(&self, child: &mut Child) -> Result<ExitStatus, RunError> {
        let mut pause = Duration::from_micros(200);
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(status);
            }
            if self.interrupt.is_set() {
                return Err(RunError::Interrupted);
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(POLL);
        }
    }
}

/// Starts `command` in a process group of its own; what it writes comes through the channel, until it ends.
pub(super) fn listen_to(mut command: Command) -> io::Result<(Child, Receiver<Vec<u8>>)> {
    let (reader, writer) = io::pipe()?;
    command
        .stdout(writer.try_clone()?)
        .stderr(writer)
        .process_group(0);
    let child = command.spawn()?;
    // The command holds the pipe's writing end; the reader would never see the end of it.
    drop(command);
    let (sender, chunks) = sync_channel(16);
    std::thread::spawn(move || forward(reader, &sender));
    Ok((child, chunks))
}

/// What a child that has ended wrote shortly before, and what is still on its way on a busy machine.
pub(super) fn last_chunks(chunks: &Receiver<Vec<u8>>) -> impl Iterator<Item = Vec<u8>> {
    std::iter::from_fn(|| chunks.recv_timeout(LAST_WORDS).ok())
}

/// Hands on what comes through the pipe until it ends or nobody listens.
fn forward(mut reader: PipeReader, sender: &SyncSender<Vec<u8>>) {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return,
            Ok(read) => {
                if sender.send(buffer[..read].to_vec()).is_err() {
                    return;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}

/// Asks the child's process group to stop as Ctrl-C would, and kills what is left of it after [`GRACE`], or as soon
/// as the user insists.
pub(super) fn stop_group(child: &mut Child, interrupt: &Interrupt) -> io::Result<()> {
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    if let Some(group) = group {
        // A group that is gone already is what is wanted.
        let _ = kill_process_group(group, Signal::INT);
        let deadline = Instant::now() + GRACE;
        while Instant::now() < deadline && !has_ended(group) && !interrupt.is_urgent() {
            std::thread::sleep(POLL);
        }
        // The child is not reaped yet, so its number can't have been given to a stranger.
        let _ = kill_process_group(group, Signal::KILL);
    }
    child.wait().map(drop)
}

/// Whether the child has ended; it stays to be reaped.
fn has_ended(child: Pid) -> bool {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    !matches!(waitid(WaitId::Pid(child), options), Ok(None))
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn output_is_kept_in_order_and_need_not_be_unicode() {
        let (interrupt, seen) = (Interrupt::default(), Mutex::new(Vec::new()));
        let watcher = |event: Event<'_>| {
            if let Event::Output(bytes) = event {
                seen.lock().unwrap().extend_from_slice(bytes);
            }
        };
        let supervisor = Supervisor {
            interrupt: &interrupt,
            watcher: &watcher,
        };
        let finished = supervisor
            .run(shell(
                "echo one; echo two >&2; printf '\\377\\n\\033[31mlast\\033[0m\\n\\n'; exit 3",
            ))
            .unwrap();
        assert_eq!(finished.status.code(), Some(3));
        assert_eq!(
            finished.transcript.as_bytes(),
            b"one\ntwo\n\xff\n\x1b[31mlast\x1b[0m\n\n"
        );
        assert_eq!(finished.transcript.last_lines(2), ["\u{fffd}", "last"]);
        assert_eq!(finished.transcript.first_line().as_deref(), Some("one"));
        assert_eq!(*seen.lock().unwrap(), finished.transcript.as_bytes());
    }

    #[test]
    fn a_process_left_behind_holds_nothing_up() {
        let interrupt = Interrupt::default();
        let supervisor = Supervisor {
            interrupt: &interrupt,
            watcher: &|_| (),
        };
        let begun = Instant::now();
        let finished = supervisor.run(shell("sleep 5 & echo done")).unwrap();
        assert!(begun.elapsed() < Duration::from_secs(4));
        assert_eq!(finished.transcript.as_bytes(), b"done\n");
    }

    #[test]
    fn lines_that_are_told_elsewhere_are_left_out() {
        let transcript =
            Transcript(b"Looking\n\x1b[31mERROR: no match\x1b[0m\n  cause: it\n\n\xff\n".to_vec());
        assert_eq!(transcript.without("no match\n  cause: it"), b"Looking\n\n\xff\n");
        assert_eq!(transcript.without(""), transcript.as_bytes());
    }

    #[test]
    fn an_interrupt_ends_the_whole_group() {
        let interrupt = Interrupt::default();
        // The grandchild's number is told first; then both wait for much longer than the test.
        let grandchild = Mutex::new(None);
        let watcher = |event: Event<'_>| {
            if let Event::Output(bytes) = event {
                let number = String::from_utf8_lossy(bytes).trim().parse().ok();
                *grandchild.lock().unwrap() = number.and_then(Pid::from_raw);
                interrupt.flag().store(true, Ordering::SeqCst);
            }
        };
        let supervisor = Supervisor {
            interrupt: &interrupt,
            watcher: &watcher,
        };
        let outcome = supervisor.run(shell("trap '' INT; sleep 60 & echo $!; wait; sleep 60"));
        assert!(matches!(outcome, Err(RunError::Interrupted)));
        let grandchild = grandchild.lock().unwrap().unwrap();
        let deadline = Instant::now() + Duration::from_secs(10);
        while is_running(grandchild) {
            assert!(Instant::now() < deadline, "the grandchild lives on");
            std::thread::yield_now();
        }
        assert!(matches!(
            supervisor.run(shell("true")),
            Err(RunError::Interrupted)
        ));
    }

    /// A killed orphan stays a zombie where no init process reaps it.
    fn is_running(process: Pid) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", process.as_raw_nonzero()));
        stat.is_ok_and(|stat| !stat.contains(") Z"))
    }
}
