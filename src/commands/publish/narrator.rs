//! What the user sees while files are on their way: bars on a terminal, lines elsewhere.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::client::{Distribution, Outcome, Progress};
use crate::terminal;
use crate::terminal::progress::TransferBars;
use crate::terminal::size;

/// Tells the user what the client does.
pub(super) struct Narrator {
    bars: Option<TransferBars>,
    files: usize,
    done: AtomicUsize,
}

impl Narrator {
    pub(super) fn new(distributions: &[Distribution], without_bars: bool) -> Self {
        let total_bytes = distributions.iter().map(Distribution::size_bytes).sum();
        let files = distributions.len();
        Self {
            bars: (!without_bars)
                .then(|| TransferBars::on_terminal(files, total_bytes))
                .flatten(),
            files,
            done: AtomicUsize::new(0),
        }
    }

    fn line(&self, text: &str) {
        match &self.bars {
            Some(bars) => bars.line(text),
            None => terminal::note(text),
        }
    }

    pub(super) fn clear(&self) {
        if let Some(bars) = &self.bars {
            bars.clear();
        }
    }
}

impl Progress for Narrator {
    fn begin(&self, filename: &str, size_bytes: u64, _attempt: u32) {
        if let Some(bars) = &self.bars {
            bars.begin(filename, size_bytes);
        }
    }

    fn sent(&self, filename: &str, bytes: u64) {
        if let Some(bars) = &self.bars {
            bars.advance(filename, bytes);
        }
    }

    fn pausing(&self, filename: &str, pause: Duration, reason: &str) {
        self.line(&format!(
            "`{filename}`: {reason}; trying again in {:.1} s",
            pause.as_secs_f64()
        ));
    }

    fn finished(&self, filename: &str, size_bytes: u64, outcome: Outcome) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        if let Some(bars) = &self.bars {
            bars.finish(filename, size_bytes);
            bars.label_total(&format!("{done} of {} files", self.files));
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

    fn failed(&self, filename: &str) {
        if let Some(bars) = &self.bars {
            bars.give_up(filename);
        }
    }
}
