//! Changes to the line of one user. All other bytes of the file stay as they are, be they UTF-8 or not.

use super::BYTE_ORDER_MARK;
use crate::auth::credentials::Username;

/// Whether a user is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// The user has a line now.
    Added,
    /// The user's line has another password now.
    Replaced,
}

/// The line of a user, without the end of it.
#[must_use]
pub fn line_of(user: &Username, password: &str) -> String {
    format!("{user}:{password}")
}

/// Sets the stored password of a user. Every line of the user gets it, since other programs let the first one count;
/// without one a line is appended.
#[must_use]
pub fn set_password(content: &[u8], user: &Username, password: &str) -> (Vec<u8>, Change) {
    let (mark, text) = split_marks(content);
    let mut edited = Vec::with_capacity(content.len() + user.as_str().len() + password.len() + 3);
    edited.extend_from_slice(mark);
    let mut change = Change::Added;
    for line in lines(text) {
        match password_span(line, user) {
            Some((start, end)) => {
                edited.extend_from_slice(&line[..start]);
                edited.extend_from_slice(password.as_bytes());
                edited.extend_from_slice(&line[end..]);
                change = Change::Replaced;
            }
            None => edited.extend_from_slice(line),
        }
    }
    if change == Change::Added {
        let line_end: &[u8] = if content.windows(2).any(|pair| pair == b"\r\n") {
            b"\r\n"
        } else {
            b"\n"
        };
        if !text.is_empty() && !text.ends_with(b"\n") {
            edited.extend_from_slice(line_end);
        }
        edited.extend_from_slice(line_of(user, password).as_bytes());
        edited.extend_from_slice(line_end);
    }
    (edited, change)
}

/// Removes every line of a user; `None` when there is none.
#[must_use]
pub fn remove_user(content: &[u8], user: &Username) -> Option<Vec<u8>> {
    let (mark, text) = split_marks(content);
    let mut kept = mark.to_vec();
    for line in lines(text).filter(|line| password_span(line, user).is_none()) {
        kept.extend_from_slice(line);
    }
    (kept.len() < content.len()).then_some(kept)
}

/// The byte-order marks at the beginning, mostly none, and the text behind them.
pub(super) fn split_marks(content: &[u8]) -> (&[u8], &[u8]) {
    let mark = BYTE_ORDER_MARK.as_bytes();
    let marks = content.chunks(mark.len()).take_while(|bytes| *bytes == mark);
    content.split_at(marks.count() * mark.len())
}

/// Each with its end.
fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split_inclusive(|&byte| byte == b'\n')
}

/// Where the password stands in a line of `user`. Further fields stay, unless their bytes make the line unreadable.
fn password_span(line: &[u8], user: &Username) -> Option<(usize, usize)> {
    let (_, entry) = split_marks(line);
    let rest = entry.strip_prefix(user.as_str().as_bytes())?.strip_prefix(b":")?;
    let start = line.len() - rest.len();
    let ends = rest.iter().rev().take_while(|byte| matches!(byte, b'\r' | b'\n'));
    let fields = &rest[..rest.len() - ends.count()];
    let password = fields.iter().position(|&byte| byte == b':');
    let bytes = password.filter(|&at| std::str::from_utf8(&fields[at..]).is_ok());
    Some((start, start + bytes.unwrap_or(fields.len())))
}
