//! A progress bar for bytes on their way.

use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use indicatif::{DecimalBytes, ProgressBar, ProgressStyle};

/// A bar on stderr over a known number of bytes, with lines of talk above it.
pub struct TransferBar {
    bar: ProgressBar,
}

impl TransferBar {
    /// A bar for that many bytes; `None` when nobody would see it, because stderr is no terminal.
    #[must_use]
    pub fn on_terminal(total_bytes: u64) -> Option<Self> {
        if !std::io::stderr().is_terminal() {
            return None;
        }
        let bar = ProgressBar::new(total_bytes);
        let template =
            "{bar:28} {decimal_bytes}/{decimal_total_bytes} {decimal_bytes_per_sec} {eta} left  {wide_msg}";
        // The template is a constant; were it wrong, the default style would do.
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("━━╌"));
        }
        // Time goes on even when no byte moves.
        bar.enable_steady_tick(Duration::from_millis(250));
        Some(Self { bar })
    }

    /// What is on its way now.
    pub fn label(&self, text: &str) {
        self.bar.set_message(text.to_owned());
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

/// A number of bytes for people: `1.24 MB`.
#[must_use]
pub fn size(bytes: u64) -> String {
    DecimalBytes(bytes).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_decimal_and_the_template_is_valid() {
        assert_eq!(
            (size(999), size(1_240_000)),
            ("999 B".to_owned(), "1.24 MB".to_owned())
        );
    }
}
