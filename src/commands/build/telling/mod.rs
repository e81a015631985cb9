//! What `build` tells: steps while it lasts, the output of other programs when it is wanted, and what was made.
//!
//! All that other programs print goes through a mask, so that no index's password reaches a screen or a log.

mod listing;
mod log;

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

pub(super) use listing::{described, document, print_json, told_of_older};

use self::log::BuildLog;
use crate::config::{Environment, OutputMask};
use crate::pep517::{Error, Event};
use crate::terminal::steps::{StepBoard, StepLine, StepStyle};

/// A line that never ends is shown in pieces of this length.
const MAX_LINE_BYTES: usize = 64 * 1024;

/// How steps are shown: a spinner for a person, lines for logs, and lines among the output that is shown with them.
pub(super) fn step_style(environment: &Environment, is_verbose: bool) -> StepStyle {
    let is_ci = environment
        .var("CI")
        .is_some_and(|value| !["false", "0"].contains(&value));
    let is_dumb = environment.var("TERM") == Some("dumb");
    if is_verbose || is_ci || is_dumb {
        StepStyle::Lines
    } else {
        StepStyle::Spinner
    }
}

/// Tells of one build.
pub(super) struct Talk<'a> {
    mask: &'a OutputMask,
    is_verbose: bool,
    /// Whether others are told of beside it, so that another program's lines must be set apart even when wanted.
    is_one_of_several: bool,
    line: StepLine,
    /// Behind a lock, since builds side by side share nothing but the screen, and a watcher may be called anywhere.
    record: Mutex<Record>,
}

#[derive(Default)]
struct Record {
    log: Option<BuildLog>,
    /// The beginning of a line of output; what is secret shows only when the line is whole.
    begun: Vec<u8>,
}

impl<'a> Talk<'a> {
    /// Begins to tell on `board`. The log is kept below `cache_folder`; without one, or where it can't be written,
    /// there is no log.
    pub(super) fn begin(
        board: &StepBoard,
        name: Option<&str>,
        mask: &'a OutputMask,
        cache_folder: Option<&Path>,
        is_verbose: bool,
    ) -> Self {
        let log = cache_folder.and_then(|folder| BuildLog::begin(folder).ok());
        Self {
            mask,
            is_verbose,
            is_one_of_several: name.is_some(),
            line: board.line(name),
            record: Mutex::new(Record {
                log,
                begun: Vec::new(),
            }),
        }
    }

    /// The folder for what is left of this run when it fails.
    pub(super) fn folder(&self) -> Option<PathBuf> {
        let record = self.record();
        record.log.as_ref().map(|log| log.folder().to_owned())
    }

    /// Tells what happens.
    pub(super) fn hear(&self, event: &Event<'_>) {
        let mut record = self.record();
        match event {
            Event::Step(step) => {
                let rest = std::mem::take(&mut record.begun);
                self.tell(&rest, &mut record);
                let text = self.mask.apply_to_text(&step.to_string());
                record.log(format!("* {text}\n").as_bytes());
                if step.is_news() {
                    self.line.news(&text);
                } else {
                    self.line.begin(&text);
                }
            }
            Event::Output(bytes) => {
                record.begun.extend_from_slice(bytes);
                let end = match memchr::memrchr2(b'\n', b'\r', &record.begun) {
                    Some(last) => last + 1,
                    None if record.begun.len() > MAX_LINE_BYTES => record.begun.len(),
                    None => 0,
                };
                let lines: Vec<u8> = record.begun.drain(..end).collect();
                self.tell(&lines, &mut record);
            }
        }
    }

    /// Output of other programs, which begins and ends with lines.
    fn tell(&self, output: &[u8], record: &mut Record) {
        if output.is_empty() {
            return;
        }
        let shown = self.mask.apply(output);
        record.log(&shown);
        if self.is_verbose && self.is_one_of_several {
            self.line.print(&with_gutter(&shown));
        } else if self.is_verbose {
            self.line.print(&shown);
        }
    }

    /// Says something in lines of our own.
    pub(super) fn say(&self, text: &str) {
        self.line.print(format!("{text}\n").as_bytes());
    }

    /// Ends with a failure: shows what the program that failed has printed, and says where the log is.
    pub(super) fn end_with(&self, error: &Error) {
        let mut record = self.record();
        let rest = std::mem::take(&mut record.begun);
        self.tell(&rest, &mut record);
        if let Some(transcript) = error.unrepeated_transcript().filter(|_| !self.is_verbose) {
            self.line.print(&with_gutter(&self.mask.apply(&transcript)));
        }
        let Some(mut log) = record.log.take().filter(|log| !log.is_empty()) else {
            return;
        };
        log.write(&self.mask.apply(format!("* failed: {error}\n").as_bytes()));
        if !matches!(error, Error::Interrupted) {
            self.line
                .news(&format!("the whole output is in {}", log.path().display()));
        }
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        // What it guards is whole at every moment.
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Record {
    fn log(&mut self, bytes: &[u8]) {
        if let Some(log) = &mut self.log {
            log.write(bytes);
        }
    }
}

/// Sets another program's output apart from ours.
fn with_gutter(output: &[u8]) -> Vec<u8> {
    let mut shown = Vec::with_capacity(output.len() + output.len() / 8);
    let mut lines: Vec<&[u8]> = output.split(|byte| *byte == b'\n').collect();
    if lines.last().is_some_and(|last| last.is_empty()) {
        lines.pop();
    }
    for line in lines {
        shown.extend_from_slice(b"  | ");
        shown.extend_from_slice(&last_state(line));
        shown.push(b'\n');
    }
    shown
}

/// What a terminal would show of a line in which a program has gone back to the beginning: its last state.
fn last_state(line: &[u8]) -> Cow<'_, [u8]> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let start = memchr::memrchr(b'\r', line).map_or(0, |at| at + 1);
    Cow::Borrowed(&line[start..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_of_others_is_set_apart_whatever_its_bytes() {
        assert_eq!(
            with_gutter(b"a\n\xff\r\n\nlast"),
            b"  | a\n  | \xff\n  | \n  | last\n"
        );
        assert_eq!(with_gutter(b"10%\r20%\rdone\r\n"), b"  | done\n");
        assert_eq!(with_gutter(b""), b"");
    }

    #[test]
    fn a_spinner_is_for_people_alone() {
        let style = |variables: &[(&str, &str)], is_verbose| {
            step_style(
                &Environment::for_testing(Path::new("/home/x"), variables),
                is_verbose,
            )
        };
        assert_eq!(style(&[("CI", "false")], false), StepStyle::Spinner);
        assert_eq!(style(&[("CI", "true")], false), StepStyle::Lines);
        assert_eq!(style(&[("TERM", "dumb")], false), StepStyle::Lines);
        assert_eq!(style(&[], true), StepStyle::Lines);
    }
}
