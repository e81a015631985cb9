//! Progress of files on their way: a line for each of them, and one for all together.

use std::collections::BTreeMap;
use std::io::{IsTerminal as _, Write as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How long a transfer goes on without a display.
const UNSEEN: Duration = Duration::from_millis(500);
/// How often it is drawn while no byte moves.
const TICK: Duration = Duration::from_millis(250);
/// Rows of a terminal that are not for files: the total, and where the cursor is.
const OTHER_ROWS: usize = 2;

/// A display on stderr: a line for each file that is on its way, with its bytes and its rate, and below them the
/// total, with its rate and the time that is left. Lines of talk go above it. A single file has one line in all.
pub struct TransferBar {
    all: MultiProgress,
    total: ProgressBar,
    layout: Layout,
    /// As many files as the terminal has room for.
    most_lines: usize,
    files: Arc<Mutex<Files>>,
}

/// What is told of single files.
#[derive(Default)]
struct Files {
    number: usize,
    done: usize,
    under_way: BTreeMap<String, Transfer>,
}

/// A file on its way.
struct Transfer {
    sent_bytes: u64,
    /// `None` where there is no room for it.
    line: Option<ProgressBar>,
}

impl Files {
    /// `2 of 6 files`; a single file has its name there.
    fn in_words(&self) -> String {
        match self.number {
            1 => self.under_way.keys().next().cloned().unwrap_or_default(),
            number => format!("{} of {number} files", self.done),
        }
    }
}

/// What a line consists of, so that it stays one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Layout {
    total: &'static str,
    file: &'static str,
    /// Room for the label.
    label_columns: usize,
}

impl Layout {
    /// The fullest one that leaves room for a label on so many columns. The numbers are the widest that its parts
    /// get: `999.99 MB/999.99 MB`, `999.99 MB/s`, `59m left`, and blanks.
    fn within(columns: usize) -> Self {
        let (total, file, taken) = match columns {
            90.. => (
                "{bar:20} {decimal_bytes:>9}/{decimal_total_bytes:9} {decimal_bytes_per_sec:>11} {eta:>3} left  {msg}",
                "{bar:20} {decimal_bytes:>9}/{decimal_total_bytes:9} {decimal_bytes_per_sec:>11}           {msg}",
                64,
            ),
            60..90 => (
                "{bar:10} {decimal_bytes:>9}/{decimal_total_bytes:9}  {msg}",
                "{bar:10} {decimal_bytes:>9}/{decimal_total_bytes:9}  {msg}",
                33,
            ),
            _ => ("{percent:>3}%  {msg}", "{percent:>3}%  {msg}", 6),
        };
        Self {
            total,
            file,
            // A cursor in the last column makes some terminals go on to the next line.
            label_columns: columns.saturating_sub(taken + 1),
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    // The templates are constants; were one wrong, the default style would do.
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("━━╌")
}

/// The columns and rows of the terminal; 80 and 24 where it does not tell.
fn dimensions() -> (usize, usize) {
    #[cfg(unix)]
    if let Ok(size) = rustix::termios::tcgetwinsize(std::io::stderr())
        && size.ws_col > 0
        && size.ws_row > 0
    {
        return (usize::from(size.ws_col), usize::from(size.ws_row));
    }
    (80, 24)
}

/// The display appears when the transfer takes long enough for one to be of use. From then on it is drawn now and
/// then: time goes on even when no byte moves.
fn show_later(all: MultiProgress, total: &ProgressBar, files: &Arc<Mutex<Files>>) {
    let (total, files) = (total.downgrade(), Arc::downgrade(files));
    std::thread::spawn(move || {
        std::thread::sleep(UNSEEN);
        let mut is_hidden = true;
        while let (Some(total), Some(files)) = (total.upgrade(), files.upgrade()) {
            if total.is_finished() {
                return;
            }
            if std::mem::take(&mut is_hidden) {
                all.set_draw_target(ProgressDrawTarget::stderr());
            }
            let files = files.lock().unwrap_or_else(PoisonError::into_inner);
            let lines = files
                .under_way
                .values()
                .filter_map(|transfer| transfer.line.as_ref());
            lines.for_each(ProgressBar::tick);
            drop(files);
            total.tick();
            std::thread::sleep(TICK);
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
    /// A display for so many files of that many bytes in all; `None` when nobody would see it, because stderr is no
    /// terminal.
    #[must_use]
    pub fn on_terminal(files: usize, total_bytes: u64) -> Option<Self> {
        if !std::io::stderr().is_terminal() {
            return None;
        }
        let (columns, rows) = dimensions();
        let all = MultiProgress::with_draw_target(ProgressDrawTarget::hidden());
        let bar = Self::new(all, (columns, rows), files, total_bytes);
        show_later(bar.all.clone(), &bar.total, &bar.files);
        Some(bar)
    }

    fn new(all: MultiProgress, (columns, rows): (usize, usize), files: usize, total_bytes: u64) -> Self {
        let layout = Layout::within(columns);
        let total = all.add(ProgressBar::new(total_bytes).with_style(style(layout.total)));
        Self {
            all,
            total,
            layout,
            most_lines: if files > 1 {
                rows.saturating_sub(OTHER_ROWS)
            } else {
                0
            },
            files: Arc::new(Mutex::new(Files {
                number: files,
                ..Files::default()
            })),
        }
    }

    /// This file begins, or begins anew.
    pub fn begin(&self, name: &str, size: u64) {
        let before = self.change(|files| {
            let before = files.under_way.remove(name);
            let repeated = before.as_ref().map_or(0, |transfer| transfer.sent_bytes);
            let line = before.and_then(|transfer| transfer.line);
            let line = line.or_else(|| self.line_for(name, size, files));
            if let Some(line) = &line {
                line.reset();
            }
            let transfer = Transfer { sent_bytes: 0, line };
            files.under_way.insert(name.to_owned(), transfer);
            repeated
        });
        self.total
            .set_position(self.total.position().saturating_sub(before));
    }

    /// A line for one more file, where there is room.
    fn line_for(&self, name: &str, size: u64, files: &Files) -> Option<ProgressBar> {
        let shown = files
            .under_way
            .values()
            .filter(|transfer| transfer.line.is_some());
        (shown.count() < self.most_lines).then(|| {
            let line = ProgressBar::new(size).with_style(style(self.layout.file));
            let line = self.all.insert_before(&self.total, line);
            line.set_message(shortened(name, self.layout.label_columns));
            line
        })
    }

    /// So many more bytes of this file are through.
    pub fn advance(&self, name: &str, bytes: u64) {
        self.total.inc(bytes);
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(transfer) = files.under_way.get_mut(name) {
            transfer.sent_bytes += bytes;
            if let Some(line) = &transfer.line {
                line.inc(bytes);
            }
        }
    }

    /// This file is done, or need not be sent; its bytes count as through.
    pub fn finish(&self, name: &str, size: u64) {
        let sent = self.change(|files| {
            files.done += 1;
            self.take_away(name, files)
        });
        self.total.inc(size.saturating_sub(sent));
    }

    /// This file is given up.
    pub fn give_up(&self, name: &str) {
        self.change(|files| self.take_away(name, files));
    }

    /// Removes a file's line, and gives how many bytes of it were through.
    fn take_away(&self, name: &str, files: &mut Files) -> u64 {
        let Some(transfer) = files.under_way.remove(name) else {
            return 0;
        };
        if let Some(line) = transfer.line {
            line.finish_and_clear();
            self.all.remove(&line);
        }
        transfer.sent_bytes
    }

    /// What is done now, in the place of the number of files.
    pub fn tell(&self, text: &str) {
        self.total.set_message(shortened(text, self.layout.label_columns));
    }

    /// A line above the display.
    pub fn line(&self, text: &str) {
        self.all.suspend(|| {
            // When stderr is gone there is nobody left to tell.
            let _ = writeln!(anstream::stderr(), "{text}");
        });
    }

    /// Takes the display off the screen.
    pub fn clear(&self) {
        self.change(|files| {
            let names: Vec<String> = files.under_way.keys().cloned().collect();
            for name in names {
                self.take_away(&name, files);
            }
        });
        self.total.finish_and_clear();
    }

    /// Changes what is told of single files. A short section without any waiting, so a plain mutex is right; what it
    /// guards is whole at every moment.
    fn change<T>(&self, act: impl FnOnce(&mut Files) -> T) -> T {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let result = act(&mut files);
        let text = shortened(&files.in_words(), self.layout.label_columns);
        drop(files);
        self.total.set_message(text);
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

    use indicatif::TermLike;

    use super::*;

    /// A terminal of so many columns that keeps the lines of the last drawing.
    #[derive(Clone, Debug)]
    struct Paper(u16, Arc<Mutex<String>>);

    impl TermLike for Paper {
        fn width(&self) -> u16 {
            self.0
        }
        fn height(&self) -> u16 {
            8
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
            self.write_str(&format!("{text}\n"))
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

    const LONG: &str =
        "a_name_that_is_far_too_long-1.0-cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64.whl";

    /// The lines that a terminal of so many columns shows after something was done.
    fn shown(columns: u16, files: usize, act: impl FnOnce(&TransferBar)) -> Vec<String> {
        let paper = Paper(columns, Arc::default());
        let target = ProgressDrawTarget::term_like(Box::new(paper.clone()));
        let all = MultiProgress::with_draw_target(target);
        let bar = TransferBar::new(all, (usize::from(columns), 8), files, 999_990_000);
        act(&bar);
        paper.1.lock().unwrap().clear();
        // What was drawn before is drawn again, whatever the rate of drawings allows.
        bar.all.suspend(|| ());
        let written = anstream::adapter::strip_str(&paper.1.lock().unwrap()).to_string();
        // Each line is filled up with blanks to the width of the terminal.
        let screen: Vec<char> = written.chars().filter(|c| *c != '\n').collect();
        let lines = screen.chunks(usize::from(columns));
        let lines = lines.map(|line| line.iter().collect::<String>().trim_end().to_owned());
        lines.filter(|line| !line.is_empty()).collect()
    }

    #[test]
    fn each_line_fits_on_every_terminal() {
        for columns in [20, 40, 59, 60, 80, 89, 90, 120] {
            let screen = shown(columns, 3, |bar| {
                bar.begin(LONG, 499_990_000);
                bar.advance(LONG, 250_000_000);
            });
            assert_eq!(screen.len(), 2, "{columns}: {screen:?}");
            for line in &screen {
                assert!(line.chars().count() < usize::from(columns), "{columns}: {line}");
            }
            assert!(screen[0].contains('…'), "{columns}: {screen:?}");
        }
    }

    #[test]
    fn each_file_has_a_line_and_all_have_one_below_them() {
        let screen = shown(120, 6, |bar| {
            bar.begin("done-1.0.tar.gz", 1_000);
            bar.finish("done-1.0.tar.gz", 1_000);
            bar.begin("my_lib-1.0.tar.gz", 200_000_000);
            bar.begin("other-2.0.tar.gz", 1_000_000);
            bar.advance("other-2.0.tar.gz", 500_000);
        });
        let [first, second, total] = &screen[..] else {
            panic!("{screen:?}")
        };
        assert!(
            first.contains("/200.00 MB") && first.ends_with("my_lib-1.0.tar.gz"),
            "{first}"
        );
        assert!(
            second.contains("500.00 kB/1.00 MB") && second.contains("/s "),
            "{second}"
        );
        assert!(
            total.contains("/999.99 MB") && total.contains(" left  1 of 6 files"),
            "{total}"
        );
        let single = shown(120, 1, |bar| bar.begin("my_lib-1.0.tar.gz", 5));
        assert!(
            single.len() == 1 && single[0].ends_with("my_lib-1.0.tar.gz"),
            "{single:?}"
        );
    }

    #[test]
    fn files_without_room_count_in_the_total_only() {
        let screen = shown(120, 30, |bar| {
            for number in 0..30 {
                bar.begin(&format!("lib{number}-1.0.tar.gz"), 10);
                bar.advance(&format!("lib{number}-1.0.tar.gz"), 10);
            }
            assert_eq!(bar.total.position(), 300);
        });
        assert_eq!(screen.len(), 7, "{screen:?}");
        assert!(screen[6].ends_with("0 of 30 files"), "{screen:?}");
    }

    #[test]
    fn a_file_that_begins_anew_counts_once() {
        shown(120, 2, |bar| {
            bar.begin("a-1.tar.gz", 1_000);
            bar.advance("a-1.tar.gz", 900);
            bar.begin("a-1.tar.gz", 1_000);
            bar.advance("a-1.tar.gz", 100);
            assert_eq!(bar.total.position(), 100);
            let files = bar.files.lock().unwrap();
            assert_eq!(
                files.under_way["a-1.tar.gz"].line.as_ref().unwrap().position(),
                100
            );
        });
    }

    #[test]
    fn short_labels_stay_whole() {
        assert_eq!(shortened("ééé", 3), "ééé");
        assert_eq!(shortened("éééé", 3), "éé…");
        assert_eq!(shortened("abc", 0), "…");
    }
}
