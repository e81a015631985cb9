//! A progress bar for files on their way: how far each of them is, and all of them together.

use std::collections::BTreeMap;
use std::io::{IsTerminal as _, Write as _};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How long a transfer goes on without a bar.
const UNSEEN: Duration = Duration::from_millis(500);
/// How often the bar is drawn while no byte moves.
const TICK: Duration = Duration::from_millis(250);

/// A bar on stderr over all bytes of some files, with its rate and the time that is left; behind it how many files are
/// done, and how far those are that are on their way. Lines of talk go above it.
///
/// It is one line however many files there are: a display that grows and shrinks is restless, and leaves traces on
/// terminals that are narrower than they say.
pub struct TransferBar {
    bar: ProgressBar,
    layout: Layout,
    files: Mutex<Files>,
}

/// What the bar tells of single files.
#[derive(Default)]
struct Files {
    number: usize,
    done: usize,
    under_way: BTreeMap<String, Sent>,
}

/// Bytes of one file.
#[derive(Default)]
struct Sent {
    sent: u64,
    size: u64,
}

impl Files {
    /// `2 of 6 files: my_lib-1.0 45%, other-2.0 7%`; a single file has its name there.
    fn in_words(&self) -> String {
        if self.number == 1 {
            return self.under_way.keys().next().cloned().unwrap_or_default();
        }
        let each = self.under_way.iter().map(|(name, file)| {
            let percent = (file.sent * 100).checked_div(file.size).unwrap_or(100);
            format!("{} {percent}%", brief(name))
        });
        let each: Vec<String> = each.collect();
        let colon = if each.is_empty() { "" } else { ": " };
        format!("{} of {} files{colon}{}", self.done, self.number, each.join(", "))
    }
}

/// A distribution's name and version, without the tags and the ending.
fn brief(filename: &str) -> &str {
    let stem = filename.strip_suffix(".tar.gz").unwrap_or(filename);
    match stem.match_indices('-').nth(1) {
        Some((end, _)) => &stem[..end],
        None => stem,
    }
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
    /// A bar for so many files of that many bytes in all; `None` when nobody would see it, because stderr is no
    /// terminal.
    #[must_use]
    pub fn on_terminal(files: usize, total_bytes: u64) -> Option<Self> {
        if !std::io::stderr().is_terminal() {
            return None;
        }
        let layout = Layout::within(columns());
        let bar = ProgressBar::with_draw_target(Some(total_bytes), ProgressDrawTarget::hidden())
            .with_style(layout.style());
        show_later(&bar);
        let files = Mutex::new(Files {
            number: files,
            ..Files::default()
        });
        Some(Self { bar, layout, files })
    }

    /// This file begins, or begins anew.
    pub fn begin(&self, name: &str, size: u64) {
        let before = self.change(|files| files.under_way.insert(name.to_owned(), Sent { sent: 0, size }));
        let repeated = before.map_or(0, |file| file.sent);
        self.bar
            .set_position(self.bar.position().saturating_sub(repeated));
    }

    /// So many more bytes of this file are through.
    pub fn advance(&self, name: &str, bytes: u64) {
        self.bar.inc(bytes);
        self.change(|files| {
            if let Some(file) = files.under_way.get_mut(name) {
                file.sent += bytes;
            }
        });
    }

    /// This file is done, or need not be sent; its bytes count as through.
    pub fn finish(&self, name: &str, size: u64) {
        let file = self.change(|files| {
            files.done += 1;
            files.under_way.remove(name)
        });
        self.bar
            .inc(size.saturating_sub(file.map_or(0, |file| file.sent)));
    }

    /// This file is given up.
    pub fn give_up(&self, name: &str) {
        self.change(|files| files.under_way.remove(name));
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

    /// Changes what is told of single files. A short section without any waiting, so a plain mutex is right; what it
    /// guards is whole at every moment.
    fn change<T>(&self, act: impl FnOnce(&mut Files) -> T) -> T {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let result = act(&mut files);
        let text = shortened(&files.in_words(), self.layout.label_columns);
        drop(files);
        self.bar.set_message(text);
        result
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
    fn each_file_on_its_way_is_told_beside_the_whole() {
        let file = |sent, size| Sent { sent, size };
        let mut files = Files {
            number: 6,
            done: 2,
            ..Files::default()
        };
        assert_eq!(files.in_words(), "2 of 6 files");
        files.under_way = BTreeMap::from([
            ("my_lib-1.0-py3-none-any.whl".to_owned(), file(45, 100)),
            ("other-2.0.tar.gz".to_owned(), file(0, 0)),
        ]);
        assert_eq!(files.in_words(), "2 of 6 files: my_lib-1.0 45%, other-2.0 100%");
        files.number = 1;
        files.under_way.remove("other-2.0.tar.gz");
        assert_eq!(files.in_words(), "my_lib-1.0-py3-none-any.whl");
    }

    #[test]
    fn short_labels_stay_whole() {
        assert_eq!(shortened("ééé", 3), "ééé");
        assert_eq!(shortened("éééé", 3), "éé…");
        assert_eq!(shortened("abc", 0), "…");
    }
}
