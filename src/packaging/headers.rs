//! E-mail-style headers, as METADATA, PKG-INFO and WHEEL hold them.
//!
//! Standard: the core metadata specification says "as Python's `email` parser with the compat32 policy reads them",
//! so that parser, not RFC 5322, is what this file follows: lines end at `\n`, `\r\n` or `\r`; a header's name is
//! visible ASCII without a colon and touches its colon; a line that begins with a space or tab continues the value;
//! the headers end at the first line that is neither, and what follows (less one empty line) is the body.

use std::ops::Range;

/// Headers in the order in which they were written, and the body behind them.
///
/// Holds the text once; names and values are ranges of it, so the cost is linear however many there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Headers {
    text: Box<str>,
    fields: Vec<Field>,
    body_start: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Field {
    name: Range<usize>,
    value: Range<usize>,
}

impl Headers {
    /// Reads headers and body; every text has some reading, as it has for Python.
    #[must_use]
    pub fn parse(text: impl Into<Box<str>>) -> Self {
        let text = text.into();
        let mut fields: Vec<Field> = Vec::new();
        // A continuation belongs to the header right before it; after a line that was no header it is dropped.
        let mut continues = false;
        let mut position = 0;
        while position < text.len() {
            let rest = &text[position..];
            let line = &rest[..line_bytes(rest)];
            let next = position + line.len();
            if line.starts_with([' ', '\t']) {
                if let (true, Some(field)) = (continues, fields.last_mut()) {
                    field.value.end = next;
                }
            } else if let Some(colon) = colon_of_header(line) {
                continues = colon > 0;
                if continues {
                    fields.push(Field {
                        name: position..position + colon,
                        value: position + colon + 1..next,
                    });
                }
            } else if line.starts_with("From ") {
                // The envelope line of a mailbox, which is no header for Python either. (As the last line before the
                // body Python counts it to the body; no metadata have ever had one.)
                continues = false;
            } else {
                let is_separator = line.starts_with(['\r', '\n']);
                position = if is_separator { next } else { position };
                break;
            }
            position = next;
        }
        for field in &mut fields {
            field.value = trimmed(&text, field.value.clone());
        }
        Self {
            text,
            fields,
            body_start: position,
        }
    }

    /// The first value of a header; names match in any case.
    #[must_use]
    pub fn first(&self, name: &str) -> Option<&str> {
        self.iter()
            .find(|(written, _)| written.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// All values of a header in order; names match in any case.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> + 'a {
        self.iter()
            .filter(move |(written, _)| written.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// Names as written and values, in order. A folded value keeps its line ends and the white space after them.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields
            .iter()
            .map(|field| (&self.text[field.name.clone()], &self.text[field.value.clone()]))
    }

    /// What follows the headers; empty when nothing does.
    #[must_use]
    pub fn body(&self) -> &str {
        &self.text[self.body_start..]
    }
}

/// The length of the first line of `text`, its line end included.
fn line_bytes(text: &str) -> usize {
    match text.find(['\r', '\n']) {
        None => text.len(),
        Some(at) if text[at..].starts_with("\r\n") => at + 2,
        Some(at) => at + 1,
    }
}

/// Where the colon stands when the line begins a header: at 0 when its name is empty, which Python skips.
fn colon_of_header(line: &str) -> Option<usize> {
    let end = line
        .bytes()
        .position(|byte| !matches!(byte, b'!'..=b'9' | b';'..=b'~'))?;
    (line.as_bytes()[end] == b':').then_some(end)
}

/// The range without white space before the value and without the line end after it.
fn trimmed(text: &str, range: Range<usize>) -> Range<usize> {
    let value = &text[range.clone()];
    let start = range.start + (value.len() - value.trim_start_matches([' ', '\t', '\r', '\n']).len());
    let end = range.start + value.trim_end_matches(['\r', '\n']).len();
    start.min(end)..end.max(start.min(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &str) -> Vec<(String, String)> {
        Headers::parse(text)
            .iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }

    fn expect(text: &str, fields: &[(&str, &str)], body: &str) {
        let fields: Vec<_> = fields
            .iter()
            .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
            .collect();
        assert_eq!(pairs(text), fields, "{text:?}");
        assert_eq!(Headers::parse(text).body(), body, "{text:?}");
    }

    // Each expectation is what `email.message_from_string(text)` gives in Python 3.13.
    #[test]
    fn headers_are_read_as_python_reads_them() {
        expect("A: 1\nB:2\n\nbody\n", &[("A", "1"), ("B", "2")], "body\n");
        expect("A: 1\r\nB: 2\r\rbody", &[("A", "1"), ("B", "2")], "body");
        expect(
            "A: 1\n  more\n\tand\nB: 2",
            &[("A", "1\n  more\n\tand"), ("B", "2")],
            "",
        );
        expect("A:   \nB: x  \n", &[("A", ""), ("B", "x  ")], "");
        expect(" lost\nA: 1\n", &[("A", "1")], "");
        expect(": nameless\n dropped\nA: 1\n", &[("A", "1")], "");
        expect(
            "A: 1\nno header here\nB: 2\n",
            &[("A", "1")],
            "no header here\nB: 2\n",
        );
        expect("A : 1\nB: 2\n", &[], "A : 1\nB: 2\n");
        expect("A: ä\u{2028}x\nÄ: 1\n", &[("A", "ä\u{2028}x")], "Ä: 1\n");
        expect("", &[], "");
        expect("\n\n", &[], "\n");
        expect("A:\n  1\n", &[("A", "1")], "");
    }

    #[test]
    fn names_match_in_any_case_and_repeats_are_kept() {
        let headers = Headers::parse("classifier: a\nClassifier: b\nX: c\n");
        assert_eq!(headers.all("CLASSIFIER").collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(headers.first("x"), Some("c"));
        assert_eq!(headers.first("y"), None);
    }
}
