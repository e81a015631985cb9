//! The user's terminal: stdout is data, stderr is talk.

pub mod progress;
pub mod prompt;
pub mod steps;

use std::fmt::Display;
use std::io::{self, Write as _};

/// Tells the user what was done: one line on stderr.
pub fn note(text: impl Display) {
    // When stderr is gone there is nobody left to tell.
    let _ = writeln!(anstream::stderr(), "{text}");
}

/// Tells the user what is worth a second look: one line on stderr. Its first word is yellow on a terminal, unless
/// `NO_COLOR` is set.
pub fn warning(text: impl Display) {
    let _ = writeln!(anstream::stderr(), "\x1b[1;33mwarning:\x1b[0m {text}");
}

/// Tells the user what is wrong and does not end the command: one line on stderr. Its first word is red on a
/// terminal, unless `NO_COLOR` is set.
pub fn error(text: impl Display) {
    let _ = writeln!(anstream::stderr(), "\x1b[1;31merror:\x1b[0m {text}");
}

/// Writes what the command was asked for to stdout, as it is.
///
/// # Errors
/// stdout can't be written; a reader that has seen enough (a closed pipe) is none.
pub fn data(content: impl AsRef<[u8]>) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(content.as_ref()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome,
    }
}

/// Writes a text with colours to stdout; they are taken away where they don't belong: off a terminal, and with
/// `NO_COLOR`.
///
/// # Errors
/// As [`data`].
pub fn report(text: &str) -> io::Result<()> {
    let mut stdout = anstream::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome,
    }
}

/// A number of things for people: `1 file`, `2 files`.
#[must_use]
pub fn counted(number: u64, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

/// A number of bytes for people: `1.24 MB`.
#[must_use]
pub fn size(bytes: u64) -> String {
    indicatif::DecimalBytes(bytes).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_decimal() {
        let shown = [0, 999, 1_000, 1_240_000].map(size);
        assert_eq!(shown, ["0 B", "999 B", "1.00 kB", "1.24 MB"]);
    }
}
