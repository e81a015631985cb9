//! RECORD: the list of a wheel's files with their digests and sizes.
//!
//! Standard: the "recording installed projects" specification, as the binary distribution format uses it: a CSV
//! file of path, `algorithm=digest` (URL-safe base64 without padding) and size, for every file but itself.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256, Sha384, Sha512};

use super::error::{Error, Judge, Rule};

/// Longest row that is read, in bytes; a path has 1,024, a digest under a hundred.
const MAX_ROW_BYTES: usize = 16 * 1024;

/// What RECORD says about the members of a wheel, by their position in the archive.
pub(super) struct Record {
    expectations: Vec<Expectation>,
    path: String,
}

/// What RECORD says about one member.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Expectation {
    /// There is no row.
    #[default]
    Unlisted,
    /// There is a row without a digest, or with a weak one; the policy has been asked.
    Listed,
    /// The content must match.
    Content { digest: Digest, bytes: Option<u64> },
}

/// A digest that is strong enough for RECORD. The longer ones are rare and boxed, so that the table stays small.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Digest {
    Sha256([u8; 32]),
    Sha384(Box<[u8; 48]>),
    Sha512(Box<[u8; 64]>),
}

impl Digest {
    /// Parses `sha256=…`; `None` when the algorithm is another or the digest is not one of its.
    fn parse(text: &str) -> Option<Self> {
        let (algorithm, digest) = text.split_once('=')?;
        let bytes = URL_SAFE_NO_PAD.decode(digest.trim_end_matches('=')).ok()?;
        match algorithm.to_ascii_lowercase().as_str() {
            "sha256" => bytes.try_into().ok().map(Self::Sha256),
            "sha384" => Some(Self::Sha384(Box::new(bytes.try_into().ok()?))),
            "sha512" => Some(Self::Sha512(Box::new(bytes.try_into().ok()?))),
            _ => None,
        }
    }
}

impl Record {
    /// An empty table for `members` members, to be filled with [`Record::push`].
    pub(super) fn new(members: usize, path: &str) -> Self {
        Self {
            expectations: vec![Expectation::default(); members],
            path: path.to_owned(),
        }
    }

    /// Takes one row. `find` gives a path's position in the archive.
    pub(super) fn push(
        &mut self,
        row: &[String],
        find: impl Fn(&str) -> Option<usize>,
        judge: &mut Judge<'_>,
    ) -> Result<(), Error> {
        let (path, digest, bytes) = match row {
            [path, digest, bytes] => (path, digest.as_str(), bytes.as_str()),
            [path, digest] => (path, digest.as_str(), ""),
            [path] => (path, "", ""),
            _ => return self.refuse_table(judge),
        };
        let leaves = path.starts_with(['/', '\\']) || path.split(['/', '\\']).any(|part| part == "..");
        if leaves {
            return Err(Error::member(path, Rule::RecordPath));
        }
        let policy = judge.limits.policy.record;
        let Some(position) = find(path) else {
            // Folders and signatures may be listed or not.
            let is_exempt = path.ends_with('/') || self.is_signature(path);
            return if is_exempt {
                Ok(())
            } else {
                judge.member(policy, path, Rule::RecordGhost)
            };
        };
        if *path == self.path {
            return Ok(());
        }
        let expectation = match (digest, bytes.parse()) {
            ("", _) => {
                if !self.is_signature(path) {
                    judge.member(policy, path, Rule::RecordNoDigest)?;
                }
                Expectation::Listed
            }
            (_, Err(_)) if !bytes.is_empty() => return self.refuse_table(judge),
            (digest, bytes) => match Digest::parse(digest) {
                Some(digest) => Expectation::Content {
                    digest,
                    bytes: bytes.ok(),
                },
                None => {
                    judge.member(policy, path, Rule::RecordWeakDigest)?;
                    Expectation::Listed
                }
            },
        };
        let place = &mut self.expectations[position];
        if *place != Expectation::Unlisted && *place != expectation {
            return judge.member(policy, path, Rule::RecordRepeated);
        }
        *place = expectation;
        Ok(())
    }

    fn refuse_table(&self, judge: &mut Judge<'_>) -> Result<(), Error> {
        judge.member(judge.limits.policy.record, &self.path, Rule::RecordMalformed)
    }

    /// RECORD itself can't hold its own digest, nor those of its signatures.
    fn is_signature(&self, path: &str) -> bool {
        path.strip_prefix(&self.path)
            .is_some_and(|ending| matches!(ending, ".jws" | ".p7s"))
    }

    /// Begins to check the member at `position`.
    pub(super) fn start(&self, position: usize) -> ContentCheck {
        match &self.expectations[position] {
            Expectation::Content { digest, .. } => match digest {
                Digest::Sha256(_) => ContentCheck::Sha256(Sha256::new()),
                Digest::Sha384(_) => ContentCheck::Sha384(Sha384::new()),
                Digest::Sha512(_) => ContentCheck::Sha512(Sha512::new()),
            },
            _ => ContentCheck::Nothing,
        }
    }

    /// Judges the member at `position` after its content went through `check`.
    pub(super) fn finish(
        &self,
        position: usize,
        path: &str,
        found_bytes: u64,
        check: ContentCheck,
        judge: &mut Judge<'_>,
    ) -> Result<(), Error> {
        let policy = judge.limits.policy.record;
        match &self.expectations[position] {
            Expectation::Unlisted if *path == self.path || self.is_signature(path) => Ok(()),
            Expectation::Unlisted => judge.member(policy, path, Rule::RecordMissing),
            Expectation::Listed => Ok(()),
            Expectation::Content { digest, bytes } => {
                if check.finish().as_ref() != Some(digest) {
                    return judge.member(policy, path, Rule::RecordDigest);
                }
                if bytes.is_some_and(|bytes| bytes != found_bytes) {
                    return judge.member(policy, path, Rule::RecordSize);
                }
                Ok(())
            }
        }
    }
}

/// The running digest of one member's content.
pub(super) enum ContentCheck {
    Nothing,
    Sha256(Sha256),
    Sha384(Sha384),
    Sha512(Sha512),
}

impl ContentCheck {
    pub(super) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Nothing => {}
            Self::Sha256(hasher) => hasher.update(bytes),
            Self::Sha384(hasher) => hasher.update(bytes),
            Self::Sha512(hasher) => hasher.update(bytes),
        }
    }

    fn finish(self) -> Option<Digest> {
        match self {
            Self::Nothing => None,
            Self::Sha256(hasher) => Some(Digest::Sha256(hasher.finalize().into())),
            Self::Sha384(hasher) => Some(Digest::Sha384(Box::new(hasher.finalize().into()))),
            Self::Sha512(hasher) => Some(Digest::Sha512(Box::new(hasher.finalize().into()))),
        }
    }
}

/// Reads CSV rows from pieces of text as Python's `csv` module reads them, without holding more than one row.
#[derive(Default)]
pub(super) struct RowReader {
    fields: Vec<Vec<u8>>,
    state: State,
    row_bytes: usize,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum State {
    /// Nothing of the row has been read, or a line end just has.
    #[default]
    RowStart,
    FieldStart,
    Plain,
    Quoted,
    /// A quote was read inside a quoted field: the field's end, or the first half of a quote.
    QuoteInQuoted,
}

/// The text is not UTF-8, or a row is too long.
pub(super) struct NotRows;

impl RowReader {
    /// Reads a piece and gives the rows that it completes, empty ones left out.
    pub(super) fn push(&mut self, piece: &[u8]) -> Result<Vec<Vec<String>>, NotRows> {
        let mut rows = Vec::new();
        for &byte in piece {
            self.row_bytes += 1;
            if self.row_bytes > MAX_ROW_BYTES {
                return Err(NotRows);
            }
            self.byte(byte, &mut rows)?;
        }
        Ok(rows)
    }

    /// The last row, if no line end follows it.
    pub(super) fn finish(mut self) -> Result<Option<Vec<String>>, NotRows> {
        match self.state {
            State::RowStart => Ok(None),
            State::Quoted => Err(NotRows),
            _ => self.take_row().map(Some),
        }
    }

    fn byte(&mut self, byte: u8, rows: &mut Vec<Vec<String>>) -> Result<(), NotRows> {
        if self.state == State::RowStart {
            if matches!(byte, b'\r' | b'\n') {
                self.row_bytes = 0;
                return Ok(());
            }
            self.fields.push(Vec::new());
            self.state = State::FieldStart;
        }
        match (self.state, byte) {
            (State::Quoted, b'"') => self.state = State::QuoteInQuoted,
            (State::Quoted, other) => self.append(other),
            (State::QuoteInQuoted, b'"') => {
                self.append(b'"');
                self.state = State::Quoted;
            }
            (State::FieldStart, b'"') => self.state = State::Quoted,
            (_, b',') => {
                self.fields.push(Vec::new());
                self.state = State::FieldStart;
            }
            (_, b'\r' | b'\n') => rows.push(self.take_row()?),
            (_, other) => {
                self.append(other);
                self.state = State::Plain;
            }
        }
        Ok(())
    }

    fn append(&mut self, byte: u8) {
        if let Some(field) = self.fields.last_mut() {
            field.push(byte);
        }
    }

    fn take_row(&mut self) -> Result<Vec<String>, NotRows> {
        self.state = State::RowStart;
        self.row_bytes = 0;
        let fields = std::mem::take(&mut self.fields).into_iter();
        fields
            .map(|field| String::from_utf8(field).map_err(|_| NotRows))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Option<Vec<Vec<String>>> {
        let mut whole = RowReader::default();
        let mut rows = whole.push(text.as_bytes()).ok()?;
        rows.extend(whole.finish().ok()?);
        let mut bytewise = RowReader::default();
        let mut again = Vec::new();
        for byte in text.as_bytes() {
            again.extend(bytewise.push(&[*byte]).ok()?);
        }
        again.extend(bytewise.finish().ok()?);
        assert_eq!(rows, again);
        Some(rows)
    }

    // Each expectation is what `list(csv.reader(io.StringIO(text, newline="")))` gives in Python, less empty rows.
    #[test]
    fn rows_are_read_as_python_reads_them() {
        let expect = |text: &str, expected: &[&[&str]]| {
            assert_eq!(rows(text).unwrap(), expected, "{text:?}");
        };
        expect("a,b,c\n", &[&["a", "b", "c"]]);
        expect("a,,\r\nb,,", &[&["a", "", ""], &["b", "", ""]]);
        expect(
            "\"a,b\",\"c\"\"d\",1\n\n\ne,f,g\n",
            &[&["a,b", "c\"d", "1"], &["e", "f", "g"]],
        );
        expect("\"a\nb\",,\n", &[&["a\nb", "", ""]]);
        expect("a\"b\",c\n", &[&["a\"b\"", "c"]]);
        expect("\"a\"b,c\n", &[&["ab", "c"]]);
        expect("a\rb\r", &[&["a"], &["b"]]);
        expect("", &[]);
        assert_eq!(rows("\"a,b\n"), None);
        assert_eq!(rows(&"a".repeat(MAX_ROW_BYTES + 1)), None);
    }
}
