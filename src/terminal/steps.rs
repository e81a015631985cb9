//! What a command is doing now: a spinner with the current step on a terminal, else a line for each step.
//!
//! Several things may be under way side by side; each has a line of its own. A spinner appears only when a step takes
//! a moment, so that quick work leaves a quiet screen, and goes when all is done. It has no colours.

use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How long work goes on without a spinner.
const UNSEEN: Duration = Duration::from_millis(300);
/// How often the spinner turns.
const TICK: Duration = Duration::from_millis(100);
/// The step, and how long it has taken so far.
const TEMPLATE: &str = "{spinner} {wide_msg} {elapsed:>4}";

/// How steps are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepStyle {
    /// A spinner, where stderr is a terminal; lines where it is none.
    Spinner,
    /// A line for each step, wherever stderr goes: for logs, and among other output.
    Lines,
}

/// The place on stderr where steps are shown. All lines that are printed meanwhile go through it.
pub struct StepBoard {
    /// `None` when steps are lines.
    spinners: Option<MultiProgress>,
}

/// One thing that is under way.
pub struct StepLine {
    name: Option<String>,
    spinner: Option<(MultiProgress, ProgressBar)>,
}

impl StepBoard {
    /// An empty board.
    #[must_use]
    pub fn new(style: StepStyle) -> Self {
        let is_animated = style == StepStyle::Spinner && std::io::stderr().is_terminal();
        Self {
            spinners: is_animated.then(|| {
                let spinners = MultiProgress::with_draw_target(ProgressDrawTarget::hidden());
                show_later(&spinners);
                spinners
            }),
        }
    }

    /// A line for something that begins; `name` tells it from others beside it.
    #[must_use]
    pub fn line(&self, name: Option<&str>) -> StepLine {
        StepLine {
            name: name.map(str::to_owned),
            spinner: self.spinners.as_ref().map(|spinners| {
                // The template is a constant; were it wrong, the default style would do.
                let style = ProgressStyle::with_template(TEMPLATE)
                    .unwrap_or_else(|_| ProgressStyle::default_spinner());
                let spinner = spinners.add(ProgressBar::new_spinner().with_style(style));
                spinner.enable_steady_tick(TICK);
                (spinners.clone(), spinner)
            }),
        }
    }
}

/// The spinners appear when the work takes long enough for one to be of use.
fn show_later(spinners: &MultiProgress) {
    let spinners = spinners.clone();
    std::thread::spawn(move || {
        std::thread::sleep(UNSEEN);
        spinners.set_draw_target(ProgressDrawTarget::stderr());
    });
}

impl StepLine {
    /// A step begins, and the one before it is done.
    pub fn begin(&self, step: &str) {
        match &self.spinner {
            Some((_, spinner)) => {
                spinner.reset_elapsed();
                let name = self.name.as_ref();
                let prefix = name.map_or_else(String::new, |name| format!("{name}: "));
                spinner.set_message(format!("{prefix}{step}…"));
            }
            None => self.news(step),
        }
    }

    /// A line that stays.
    pub fn news(&self, text: &str) {
        self.print(format!("* {text}\n").as_bytes());
    }

    /// Lines as they are, each after the name, if there is one, and none between those of another. They may be another
    /// program's, which need not be text, so nothing may look for colours in them.
    pub fn print(&self, lines: &[u8]) {
        let named;
        let bytes = match &self.name {
            Some(name) => {
                named = marked(name, lines);
                &named
            }
            None => lines,
        };
        let write = || {
            // When stderr is gone there is nobody left to tell.
            let _ = std::io::stderr().write_all(bytes);
        };
        match &self.spinner {
            Some((spinners, _)) => spinners.suspend(write),
            None => write(),
        }
    }
}

/// Each line with a name before it, and all of them ended.
fn marked(name: &str, lines: &[u8]) -> Vec<u8> {
    let mut block = Vec::new();
    for line in lines.split_inclusive(|byte| *byte == b'\n') {
        block.extend_from_slice(name.as_bytes());
        block.extend_from_slice(b": ");
        block.extend_from_slice(line.strip_suffix(b"\n").unwrap_or(line));
        block.push(b'\n');
    }
    block
}

impl Drop for StepLine {
    fn drop(&mut self) {
        if let Some((spinners, spinner)) = &self.spinner {
            spinner.finish_and_clear();
            spinners.remove(spinner);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_marked_and_ended() {
        assert_eq!(marked("a", b"  | x\n\n\xff"), b"a:   | x\na: \na: \xff\n");
        assert_eq!(marked("a", b""), b"");
    }
}
