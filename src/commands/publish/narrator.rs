//! What the user sees while files are on their way: a bar on a terminal, lines elsewhere.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::client::{Distribution, Outcome, Progress};
use crate::terminal;
use crate::terminal::progress::TransferBar;
use crate::terminal::size;

/// Tells the user what the client does.
pub(super) struct Narrator {
    bar: Option<TransferBar>,
    is_waiting: AtomicBool,
}

impl Narrator {
    pub(super) fn new(distributions: &[Distribution], without_bar: bool) -> Self {
        let total_bytes = distributions.iter().map(Distribution::size_bytes).sum();
        let files = distributions.len();
        let bar = (!without_bar).then(|| TransferBar::on_terminal(files, total_bytes));
        Self {
            bar: bar.flatten(),
            is_waiting: AtomicBool::new(false),
        }
    }

    fn line(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.line(text),
            None => terminal::note(text),
        }
    }

    pub(super) fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.clear();
        }
    }
}

impl Progress for Narrator {
    fn begin(&self, filename: &str, size_bytes: u64, _attempt: u32) {
        if let Some(bar) = &self.bar {
            bar.begin(filename, size_bytes);
        }
    }

    fn sent(&self, filename: &str, bytes: u64) {
        if let Some(bar) = &self.bar {
            bar.advance(filename, bytes);
        }
    }

    fn pausing(&self, filename: &str, pause: Duration, reason: &str) {
        self.line(&format!(
            "`{filename}`: {reason}; trying again in {:.1} s",
            pause.as_secs_f64()
        ));
    }

    fn finished(&self, filename: &str, size_bytes: u64, outcome: Outcome) {
        if let Some(bar) = &self.bar {
            bar.finish(filename, size_bytes);
        }
        let size = size(size_bytes);
        self.line(&match outcome {
            Outcome::Uploaded => format!("uploaded {filename} ({size})"),
            Outcome::Replaced => format!("uploaded {filename} ({size}), in place of another file"),
            Outcome::AlreadyThere => format!("already there {filename} ({size}), same bytes"),
            Outcome::AlreadyThereByMd5 => format!("already there {filename} ({size}), same MD5"),
            Outcome::AlreadyThereUnverified => {
                format!("already there {filename} ({size}); the index shows no digest to compare")
            }
        });
    }

    fn waiting_for_listing(&self, files: usize, since: Duration) {
        let files = terminal::counted(files as u64, "file");
        let text = format!("waiting for the index to list {files} ({} s)", since.as_secs());
        match &self.bar {
            Some(bar) => bar.tell(&text),
            // Elsewhere once is enough.
            None if !self.is_waiting.swap(true, Ordering::Relaxed) => terminal::note(text),
            None => {}
        }
    }

    fn failed(&self, filename: &str) {
        if let Some(bar) = &self.bar {
            bar.give_up(filename);
        }
    }
}
