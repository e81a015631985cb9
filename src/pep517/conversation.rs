//! A child that answers several questions, one after the other, and prints what it likes in between.
//!
//! What it prints for one question ends with a line that begins with the fence, a word that nobody can guess.

use std::io::{self, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError};

use super::process::{Finished, POLL, RunError, Supervisor, Transcript, last_chunks, listen_to, stop_group};
use super::progress::Event;

/// A running child.
#[derive(Debug)]
pub(crate) struct Conversation {
    child: Child,
    questions: Option<ChildStdin>,
    chunks: Receiver<Vec<u8>>,
    /// What came and was not told yet: the beginning of a fence, or of nothing.
    pending: Vec<u8>,
    fence: Vec<u8>,
}

/// How a question was answered.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) finished: Finished,
    /// What stood on the fence's line after the status; `None` when the child has ended or is about to.
    pub(crate) remark: Option<String>,
}

impl Conversation {
    /// Starts `command` in a process group of its own. Its stdin takes the questions.
    pub(crate) fn start(mut command: Command, fence: &str) -> io::Result<Self> {
        command.stdin(Stdio::piped());
        let (mut child, chunks) = listen_to(command)?;
        Ok(Self {
            questions: child.stdin.take(),
            child,
            chunks,
            pending: Vec::new(),
            fence: fence.as_bytes().to_vec(),
        })
    }

    /// Sends one line, and waits for the fence or for the child's end.
    pub(crate) fn ask(&mut self, question: &str, supervisor: &Supervisor<'_>) -> Result<Answered, RunError> {
        let outcome = self.exchange(question, supervisor);
        if outcome.is_err() {
            stop_group(&mut self.child, supervisor.interrupt)?;
        }
        outcome
    }

    fn exchange(&mut self, question: &str, supervisor: &Supervisor<'_>) -> Result<Answered, RunError> {
        if let Some(questions) = &mut self.questions {
            // One that died while nobody listened shows below.
            let _ = questions.write_all(format!("{question}\n").as_bytes());
        }
        let mut transcript = Transcript::default();
        loop {
            if supervisor.interrupt.is_set() {
                return Err(RunError::Interrupted);
            }
            let ended = match self.chunks.recv_timeout(POLL) {
                Ok(chunk) => {
                    self.pending.extend_from_slice(&chunk);
                    None
                }
                // A process that a hook left behind may hold the pipe open for ever: the child's end counts.
                Err(RecvTimeoutError::Timeout) => {
                    let status = self.child.try_wait()?;
                    if status.is_some() {
                        self.pending.extend(last_chunks(&self.chunks).flatten());
                    }
                    status
                }
                Err(RecvTimeoutError::Disconnected) => Some(supervisor.wait(&mut self.child)?),
            };
            while let Some(line) = self.next_fence(&mut transcript, supervisor) {
                if let Some((status, remark)) = read_line(&line) {
                    return Ok(Answered {
                        finished: Finished { status, transcript },
                        remark: Some(remark),
                    });
                }
            }
            if let Some(status) = ended {
                let rest = std::mem::take(&mut self.pending);
                tell(&rest, &mut transcript, supervisor);
                return Ok(Answered {
                    finished: Finished { status, transcript },
                    remark: None,
                });
            }
        }
    }

    /// Tells what is surely output, and takes the next complete line of a fence, without the fence.
    fn next_fence(&mut self, transcript: &mut Transcript, supervisor: &Supervisor<'_>) -> Option<String> {
        let found = memchr::memmem::find(&self.pending, &self.fence);
        let output = found.unwrap_or_else(|| self.pending.len() - self.begun_fence());
        let told: Vec<u8> = self.pending.drain(..output).collect();
        tell(&told, transcript, supervisor);
        found?;
        let end = memchr::memchr(b'\n', &self.pending)?;
        let line: Vec<u8> = self.pending.drain(..=end).collect();
        Some(
            String::from_utf8_lossy(&line[self.fence.len()..end])
                .trim()
                .to_owned(),
        )
    }

    /// How many bytes at the end may be the beginning of a fence.
    fn begun_fence(&self) -> usize {
        let longest = self.pending.len().min(self.fence.len().saturating_sub(1));
        (1..=longest)
            .rev()
            .find(|length| self.pending.ends_with(&self.fence[..*length]))
            .unwrap_or(0)
    }
}

impl Drop for Conversation {
    fn drop(&mut self) {
        // It waits for questions, and there are no more. One that is reaped already is left alone by both calls.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn tell(bytes: &[u8], transcript: &mut Transcript, supervisor: &Supervisor<'_>) {
    if !bytes.is_empty() {
        transcript.push(bytes);
        (supervisor.watcher)(Event::Output(bytes));
    }
}

/// `exited 3 remark`, `killed 9`; `None` for `last`, after which the child takes the call itself and ends.
fn read_line(line: &str) -> Option<(ExitStatus, String)> {
    let mut words = line.split_whitespace();
    let how = words.next()?;
    let number: i32 = words.next()?.parse().ok()?;
    let status = match how {
        "exited" => ExitStatus::from_raw(number << 8),
        "killed" => ExitStatus::from_raw(number),
        _ => return None,
    };
    Some((status, words.collect::<Vec<_>>().join(" ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pep517::Interrupt;

    const FENCE: &str = "c0ffee";

    fn ask(conversation: &mut Conversation, question: &str) -> Answered {
        let interrupt = Interrupt::default();
        let supervisor = Supervisor {
            interrupt: &interrupt,
            watcher: &|_| (),
        };
        conversation.ask(question, &supervisor).unwrap()
    }

    fn shell(script: &str) -> Conversation {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        Conversation::start(command, FENCE).unwrap()
    }

    #[test]
    fn each_answer_has_its_own_output_and_status() {
        // Once with a line that is not ended, and with half a fence in it.
        let script = "while read word; do printf \"$word c0ff\\377\"; echo c0ffee exited 3 bound; done";
        let mut conversation = shell(script);
        for question in ["one", "two"] {
            let answered = ask(&mut conversation, question);
            let expected = [question.as_bytes(), b" c0ff\xff"].concat();
            assert_eq!(answered.finished.transcript.as_bytes(), expected);
            assert_eq!(answered.finished.status.code(), Some(3));
            assert_eq!(answered.remark.as_deref(), Some("bound"));
        }
    }

    #[test]
    fn a_fence_may_come_in_pieces() {
        let mut conversation =
            shell("read word; printf 'a c0f'; sleep 0.1; printf 'fee kill'; sleep 0.1; echo ed 9; read x");
        let answered = ask(&mut conversation, "go");
        assert_eq!(answered.finished.transcript.as_bytes(), b"a ");
        assert_eq!(answered.finished.status.signal(), Some(9));
    }

    #[test]
    fn an_end_without_a_fence_is_an_answer_too() {
        let answered = ask(
            &mut shell("echo before; echo c0ffee last; echo after; exit 4"),
            "go",
        );
        assert_eq!(answered.finished.transcript.as_bytes(), b"before\nafter\n");
        assert_eq!(
            (answered.finished.status.code(), answered.remark),
            (Some(4), None)
        );
        let mut conversation = shell("exit 5");
        assert_eq!(ask(&mut conversation, "go").finished.status.code(), Some(5));
        assert_eq!(ask(&mut conversation, "again").finished.status.code(), Some(5));
    }
}
