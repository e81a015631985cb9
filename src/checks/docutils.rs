//! A Python with docutils at work: it is found and started, and answers one text after the other.
//!
//! Nobody waits for it for ever: a Python that keeps silent for too long is ended, with all that it has started.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use serde::Deserialize;

use crate::pep517::{Variables, programs_on_path};

/// What the interpreter runs.
pub(super) const SCRIPT: &str = include_str!("render.py");

/// How many interpreters are asked before it is believed that none has docutils.
const MAX_INTERPRETERS: usize = 4;

/// The longest answer that is read, in bytes.
const MAX_ANSWER_BYTES: u64 = 1 << 20;

/// A running interpreter that can render. Ends when it is dropped.
#[derive(Debug)]
pub(super) struct Docutils {
    /// The program as it was found.
    pub(super) interpreter: PathBuf,
    /// The program as it calls itself, and the files and folders that its verdicts rest on.
    pub(super) introduction: Introduction,
    child: Child,
    stdin: Option<ChildStdin>,
    answers: Receiver<String>,
    patience: Duration,
}

/// The first line that the script says.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Introduction {
    /// Whether it can render at all.
    pub(super) renders: bool,
    /// The interpreter as it calls itself.
    pub(super) executable: PathBuf,
    /// What may change its verdicts when it changes.
    pub(super) rests_on: Vec<PathBuf>,
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Silence {
    /// It ended.
    Ended,
    /// It took too long.
    TooLong,
}

impl Docutils {
    /// Starts an interpreter and waits for its introduction.
    pub(super) fn start(
        interpreter: &Path,
        variables: &Variables,
        patience: Duration,
    ) -> Result<Self, Silence> {
        let mut command = Command::new(interpreter);
        variables.apply_to(&mut command);
        // Isolated: neither the current folder nor PYTHON* variables may put other modules in docutils' place.
        command
            .args(["-I", "-c", SCRIPT])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0);
        let mut child = command.spawn().map_err(|_| Silence::Ended)?;
        let (sender, answers) = sync_channel(16);
        if let Some(stdout) = child.stdout.take() {
            std::thread::spawn(move || forward(stdout, &sender));
        }
        let stdin = child.stdin.take();
        let mut docutils = Self {
            interpreter: interpreter.to_owned(),
            introduction: Introduction::default(),
            child,
            stdin,
            answers,
            patience,
        };
        docutils.introduction = docutils.answer()?;
        Ok(docutils)
    }

    /// For each text what it complains about, as far as it answers at all; and its introduction.
    pub(super) fn complaints(
        mut self,
        texts: &[&str],
    ) -> (Vec<Result<Option<String>, Silence>>, Introduction) {
        let lines: String = texts
            .iter()
            .map(|text| format!("{}\n", serde_json::Value::from(*text)))
            .collect();
        if let Some(mut stdin) = self.stdin.take() {
            // It may answer before it has read everything: nobody may wait for the other.
            std::thread::spawn(move || {
                // When it has ended there is nobody left to tell; that it has is noticed below.
                let _ = stdin.write_all(lines.as_bytes());
            });
        }
        let mut end = None;
        let mut next = || match end {
            Some(silence) => Err(silence),
            None => self.answer().inspect_err(|silence| end = Some(*silence)),
        };
        let answers = texts.iter().map(|_| next()).collect();
        let introduction = std::mem::take(&mut self.introduction);
        (answers, introduction)
    }

    fn answer<T: serde::de::DeserializeOwned>(&self) -> Result<T, Silence> {
        match self.answers.recv_timeout(self.patience) {
            Ok(line) => serde_json::from_str(&line).map_err(|_| Silence::Ended),
            Err(RecvTimeoutError::Timeout) => Err(Silence::TooLong),
            Err(RecvTimeoutError::Disconnected) => Err(Silence::Ended),
        }
    }
}

impl Drop for Docutils {
    fn drop(&mut self) {
        // Not reaped yet, so the number is still its own. A group that is gone already is what is wanted.
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.child.wait();
    }
}

/// Hands on each line until there is no more, or nobody listens.
fn forward(stdout: std::process::ChildStdout, sender: &SyncSender<String>) {
    let mut reader = BufReader::new(stdout);
    loop {
        let mut line = String::new();
        let read = (&mut reader).take(MAX_ANSWER_BYTES).read_line(&mut line);
        if !matches!(read, Ok(1..)) || sender.send(line).is_err() {
            return;
        }
    }
}

/// The interpreters that may have a renderer, each once: that of the active environment, twine's, those on the search
/// path.
pub(super) fn interpreters(variables: &Variables) -> Vec<PathBuf> {
    let active = variables.get("VIRTUAL_ENV");
    let active = active.map(|environment| Path::new(environment).join("bin/python"));
    let on_path = |name: &str| programs_on_path(OsStr::new(name), variables);
    let twine = on_path("twine")
        .into_iter()
        .filter_map(|twine| interpreter_of(&twine));
    let mut interpreters: Vec<PathBuf> = Vec::new();
    for program in active
        .into_iter()
        .chain(twine)
        .chain(on_path("python3"))
        .chain(on_path("python"))
    {
        if !interpreters.contains(&program) {
            interpreters.push(program);
        }
    }
    interpreters.truncate(MAX_INTERPRETERS);
    interpreters
}

/// The interpreter that a Python script names in its first line.
fn interpreter_of(script: &Path) -> Option<PathBuf> {
    let mut line = String::new();
    let start = BufReader::new(File::open(script).ok()?.take(1024)).read_line(&mut line);
    start.ok()?;
    let interpreter = PathBuf::from(line.strip_prefix("#!")?.trim());
    let is_python = interpreter.file_name()?.to_str()?.starts_with("python");
    (is_python && interpreter.is_absolute() && fs::metadata(&interpreter).is_ok()).then_some(interpreter)
}
