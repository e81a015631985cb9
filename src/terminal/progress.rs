//! A progress bar for bytes on their way.

use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How long a transfer goes on without a bar.
const UNSEEN: Duration = Duration::from_millis(500);
/// How often the bar is drawn while no byte moves.
const TICK: Duration = Duration::from_millis(250);

/// A bar on stderr over a known number of bytes, with lines of talk above it.
pub struct TransferBar {
    bar: ProgressBar,
    layout: Layout,
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

/// The bar appears when the transfer takes long enough for one to be of use.
fn show_later(bar: &ProgressBar) {
    let bar = bar.downgrade();
    std::thread::spawn(move || {
        std::thread::sleep(UNSEEN);
        if let Some(bar) = bar.upgrade().filter(|bar| !bar.is_finished()) {
            bar.set_draw_target(ProgressDrawTarget::stderr());
            // Time goes on even when no byte moves.
            bar.enable_steady_tick(TICK);
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

impl TransferBar {
    /// A bar for that many bytes; `None` when nobody would see it, because stderr is no terminal.
    #[must_use]
    pub fn on_terminal(total_bytes: u64) -> Option<Self> {
        if !std::io::stderr().is_terminal() {
            return None;
        }
        let layout = Layout::within(columns());
        let bar = ProgressBar::with_draw_target(Some(total_bytes), ProgressDrawTarget::hidden());
        // The templates are constants; were one wrong, the default style would do.
        if let Ok(style) = ProgressStyle::with_template(layout.template) {
            bar.set_style(style.progress_chars("━━╌"));
        }
        show_later(&bar);
        Some(Self { bar, layout })
    }

    /// What is on its way now; cut where there is no room for it.
    pub fn label(&self, text: &str) {
        self.bar.set_message(shortened(text, self.layout.label_columns));
    }

    /// So many more bytes are through.
    pub fn advance(&self, bytes: u64) {
        self.bar.inc(bytes);
    }

    /// Back, or forward, to so many bytes in all.
    pub fn jump(&self, bytes: u64) {
        self.bar.set_position(bytes);
    }

    /// A line above the bar.
    pub fn line(&self, text: &str) {
        self.bar.suspend(|| {
            // When stderr is gone there is nobody left to tell.
            let _ = writeln!(anstream::stderr(), "{text}");
        });
    }

    /// Takes the bar off the screen.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

impl Drop for TransferBar {
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
        bar.set_style(ProgressStyle::with_template(layout.template).unwrap());
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
