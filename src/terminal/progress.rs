//! Progress bars for bytes on their way: one for each file, and one for all of them together.

use std::collections::HashMap;
use std::io::{IsTerminal as _, Write as _};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How long a transfer goes on without a bar.
const UNSEEN: Duration = Duration::from_millis(500);
/// How often the bar is drawn while no byte moves.
const TICK: Duration = Duration::from_millis(250);

/// Bars on stderr for files on their way, with lines of talk above them. The total stands below the files, with its
/// rate and the time that is left; a single file is its own total.
pub struct TransferBars {
    screen: MultiProgress,
    layout: Layout,
    total: ProgressBar,
    files: Mutex<HashMap<String, ProgressBar>>,
    /// More than one file: each has a bar of its own.
    has_files: bool,
}

/// What a bar consists of, so that it stays on one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Layout {
    template: &'static str,
    /// Room for the label.
    label_columns: usize,
}

impl Layout {
    /// The fullest one that leaves room for a label on so many columns. The numbers are the widest that its parts
    /// get: `999.99 MB/999.99 MB`, `999.99 MB/s`, `59m left`, and blanks.
    fn within(columns: usize) -> Self {
        const FULL: &str =
            "{bar:20} {decimal_bytes}/{decimal_total_bytes} {decimal_bytes_per_sec} {eta} left  {msg}";
        const SHORT: &str = "{bar:10} {decimal_bytes}/{decimal_total_bytes}  {msg}";
        const TINY: &str = "{percent:>3}%  {msg}";
        let (template, taken) = match columns {
            90.. => (FULL, 64),
            60..90 => (SHORT, 33),
            _ => (TINY, 6),
        };
        Self {
            template,
            // A cursor in the last column makes some terminals go on to the next line.
            label_columns: columns.saturating_sub(taken + 1),
        }
    }

    fn style(self) -> ProgressStyle {
        // The templates are constants; were one wrong, the default style would do.
        ProgressStyle::with_template(self.template)
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .progress_chars("━━╌")
    }
}

/// The width of the terminal; 80 where it does not tell.
fn columns() -> usize {
    #[cfg(unix)]
    if let Ok(size) = rustix::termios::tcgetwinsize(std::io::stderr())
        && size.ws_col > 0
    {
        return usize::from(size.ws_col);
    }
    80
}

/// The bars appear when the transfer takes long enough for them to be of use.
fn show_later(screen: &MultiProgress, total: &ProgressBar) {
    let (screen, total) = (screen.clone(), total.downgrade());
    std::thread::spawn(move || {
        std::thread::sleep(UNSEEN);
        if let Some(total) = total.upgrade().filter(|total| !total.is_finished()) {
            screen.set_draw_target(ProgressDrawTarget::stderr());
            // Time goes on even when no byte moves.
            total.enable_steady_tick(TICK);
        }
    });
}

/// `my_very_long_na…`
fn shortened(text: &str, columns: usize) -> String {
    if text.chars().count() <= columns {
        return text.to_owned();
    }
    let kept: String = text.chars().take(columns.saturating_sub(1)).collect();
    format!("{kept}…")
}

impl TransferBars {
    /// Bars for so many files of that many bytes in all; `None` when nobody would see them, because stderr is no
    /// terminal.
    #[must_use]
    pub fn on_terminal(files: usize, total_bytes: u64) -> Option<Self> {
        if !std::io::stderr().is_terminal() {
            return None;
        }
        let layout = Layout::within(columns());
        let screen = MultiProgress::with_draw_target(ProgressDrawTarget::hidden());
        let total = screen.add(ProgressBar::new(total_bytes).with_style(layout.style()));
        show_later(&screen, &total);
        Some(Self {
            screen,
            layout,
            total,
            files: Mutex::default(),
            has_files: files > 1,
        })
    }

    /// This file begins, or begins anew.
    pub fn begin(&self, label: &str, size_bytes: u64) {
        if !self.has_files {
            self.total.set_message(self.shortened(label));
            self.total.set_position(0);
            return;
        }
        let bar = ProgressBar::new(size_bytes).with_style(self.layout.style());
        bar.set_message(self.shortened(label));
        if let Some(before) = self.with(|files| files.remove(label)) {
            self.total
                .set_position(self.total.position().saturating_sub(before.position()));
            self.screen.remove(&before);
        }
        let bar = self.screen.insert_before(&self.total, bar);
        self.with(|files| files.insert(label.to_owned(), bar));
    }

    /// So many more bytes of this file are through.
    pub fn advance(&self, label: &str, bytes: u64) {
        self.total.inc(bytes);
        self.with(|files| files.get(label).inspect(|bar| bar.inc(bytes)).is_some());
    }

    /// This file is done, or was never to be sent; its bytes count as through.
    pub fn finish(&self, label: &str, size_bytes: u64) {
        let sent = match self.with(|files| files.remove(label)) {
            Some(bar) => {
                let sent = bar.position();
                self.screen.remove(&bar);
                sent
            }
            None if self.has_files => 0,
            None => self.total.position(),
        };
        self.total.inc(size_bytes.saturating_sub(sent));
    }

    /// This file is given up.
    pub fn give_up(&self, label: &str) {
        if let Some(bar) = self.with(|files| files.remove(label)) {
            self.screen.remove(&bar);
        }
    }

    /// What the bar of all files is called.
    pub fn label_total(&self, label: &str) {
        if self.has_files {
            self.total.set_message(self.shortened(label));
        }
    }

    /// A line above the bars.
    pub fn line(&self, text: &str) {
        self.screen.suspend(|| {
            // When stderr is gone there is nobody left to tell.
            let _ = writeln!(anstream::stderr(), "{text}");
        });
    }

    /// Takes the bars off the screen.
    pub fn clear(&self) {
        for bar in self.with(std::mem::take).into_values() {
            bar.finish_and_clear();
        }
        self.total.finish_and_clear();
        // Nothing is left to be drawn on; were that not so, the next line would simply be below it.
        let _ = self.screen.clear();
    }

    fn shortened(&self, text: &str) -> String {
        shortened(text, self.layout.label_columns)
    }

    /// Short sections without any waiting, so a plain mutex is right; what it guards is whole at every moment.
    fn with<T>(&self, act: impl FnOnce(&mut HashMap<String, ProgressBar>) -> T) -> T {
        act(&mut self.files.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for TransferBars {
    fn drop(&mut self) {
        self.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use indicatif::TermLike;

    use super::*;

    /// A terminal of so many columns that keeps what is written.
    #[derive(Clone, Debug)]
    struct Paper(u16, Arc<Mutex<String>>);

    impl TermLike for Paper {
        fn width(&self) -> u16 {
            self.0
        }
        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn write_line(&self, text: &str) -> io::Result<()> {
            self.write_str(text)
        }
        fn write_str(&self, text: &str) -> io::Result<()> {
            self.1.lock().unwrap().push_str(text);
            Ok(())
        }
        fn clear_line(&self) -> io::Result<()> {
            self.1.lock().unwrap().clear();
            Ok(())
        }
        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What a terminal of so many columns shows half-way through a large file with a long name.
    fn shown(columns: u16) -> String {
        let paper = Paper(columns, Arc::default());
        let layout = Layout::within(usize::from(columns));
        let target = ProgressDrawTarget::term_like(Box::new(paper.clone()));
        let bar = ProgressBar::with_draw_target(Some(999_990_000), target);
        bar.set_style(layout.style());
        bar.set_message(shortened(
            "a_name_that_is_far_too_long-1.0-cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
            layout.label_columns,
        ));
        bar.set_position(499_990_000);
        paper.1.lock().unwrap().clear();
        bar.tick();
        let written = paper.1.lock().unwrap();
        anstream::adapter::strip_str(&written)
            .to_string()
            .trim_end()
            .to_owned()
    }

    #[test]
    fn the_bar_is_one_line_on_every_terminal() {
        for columns in [20, 40, 59, 60, 80, 89, 90, 120] {
            let screen = shown(columns);
            assert!(
                screen.chars().count() < usize::from(columns),
                "{columns}: {screen}"
            );
            assert!(screen.contains('…'), "{columns}: {screen}");
        }
        assert_eq!(shown(40), " 50%  a_name_that_is_far_too_long-1.0-…");
    }

    #[test]
    fn short_labels_stay_whole() {
        assert_eq!(shortened("ééé", 3), "ééé");
        assert_eq!(shortened("éééé", 3), "éé…");
        assert_eq!(shortened("abc", 0), "…");
    }
}
