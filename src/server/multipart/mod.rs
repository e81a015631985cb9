//! A streaming reader of `multipart/form-data` (RFC 7578) under strict bounds; `head.rs` reads what is small.
//!
//! The common readers keep a part's head in memory however long it is, or everything that has arrived. This one keeps
//! at most one network read beside a head of [`MAX_HEAD_BYTES`], and passes file contents on as they come.
//!
//! Two liberties of uploaders that are still in use are taken as they are: distutils begins its forms with an empty
//! line, and its `register` ends lines with `\n` alone. The first boundary decides for the whole form which line end
//! counts, so that no content can be read in two ways.

use std::time::Duration;

use axum::body::Body;
use bytes::{Buf as _, Bytes, BytesMut};
use http_body_util::BodyExt as _;
use memchr::memmem;
use thiserror::Error;
use tokio::time::Instant;

mod head;
#[cfg(any(test, fuzzing))]
pub(super) mod oracle;

use head::parse_head;
pub(super) use head::{PartHead, boundary};

/// Bound of a part's head, in bytes.
const MAX_HEAD_BYTES: usize = 8 * 1024;
/// Bound of the lines in a part's head.
const MAX_HEAD_LINES: usize = 16;
/// Bound of the parts of a form. Uploaders send one part for each classifier and each requirement.
const MAX_PARTS: usize = 10_000;
/// Bound of a boundary by RFC 2046, in bytes.
const MAX_BOUNDARY_BYTES: usize = 70;
/// Bound of the line ends behind the closing boundary, in bytes: some writers put an empty line there.
const MAX_EPILOGUE_BYTES: usize = 4;

/// A body that comes more slowly than this holds a place that others wait for.
const MIN_BYTES_PER_SECOND: u64 = 1024;
/// Over so long a time.
const PACE_WINDOW: Duration = Duration::from_secs(60);

/// What is wrong with a form's encoding. Each message is one sentence for the client.
#[derive(Debug, Error)]
pub(super) enum MultipartError {
    #[error(
        "the body must be multipart/form-data with one boundary of at most {MAX_BOUNDARY_BYTES} characters"
    )]
    Boundary,
    #[error("a part of the form is malformed: {0}")]
    Head(&'static str),
    #[error("the head of a part of the form is longer than {MAX_HEAD_BYTES} bytes or {MAX_HEAD_LINES} lines")]
    HeadTooLong,
    #[error("the form has more than {MAX_PARTS} parts")]
    TooManyParts,
    #[error("the form ends in the middle of a part: its closing boundary is missing")]
    Truncated,
    #[error("something follows the form's closing boundary")]
    Trailing,
    #[error("the upload is larger than this index accepts, which is {limit_bytes} bytes")]
    TooLarge { limit_bytes: u64 },
    #[error("no byte of the upload came for {seconds} seconds")]
    Stalled { seconds: u64 },
    #[error("the upload came more slowly than {} bytes a second for {} seconds", MIN_BYTES_PER_SECOND, PACE_WINDOW.as_secs())]
    TooSlow,
    #[error("the connection was lost in the middle of the upload")]
    Lost(#[source] axum::Error),
}

/// A form that is being received.
pub(super) struct Multipart {
    body: Body,
    boundary: String,
    lines: LineEnd,
    /// Ends a part: a line end, two dashes and the boundary.
    delimiter: memmem::Finder<'static>,
    /// Received and not yet passed on.
    buffer: BytesMut,
    position: Position,
    parts: usize,
    received_bytes: u64,
    max_bytes: u64,
    max_pause: Duration,
    pace: Pace,
}

/// What ends the lines of a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LineEnd {
    /// As the standard has it.
    CrLf,
    /// As old distutils wrote it.
    Lf,
}

impl LineEnd {
    fn text(self) -> &'static str {
        match self {
            Self::CrLf => "\r\n",
            Self::Lf => "\n",
        }
    }

    /// What stands between a head and its content.
    fn empty_line(self) -> &'static [u8] {
        match self {
            Self::CrLf => b"\r\n\r\n",
            Self::Lf => b"\n\n",
        }
    }

    /// The line end that `bytes` begin with.
    fn at_start_of(bytes: &[u8]) -> Option<Self> {
        [Self::CrLf, Self::Lf]
            .into_iter()
            .find(|line_end| bytes.starts_with(line_end.text().as_bytes()))
    }
}

/// How fast the body comes.
struct Pace {
    since: Instant,
    bytes: u64,
}

impl Pace {
    fn begin() -> Self {
        Self {
            since: Instant::now(),
            bytes: 0,
        }
    }

    /// Counts what came; `false` when it was too little over the last window.
    fn keeps_up(&mut self, bytes: u64) -> bool {
        self.bytes += bytes;
        if self.since.elapsed() < PACE_WINDOW {
            return true;
        }
        let enough = self.bytes >= MIN_BYTES_PER_SECOND * PACE_WINDOW.as_secs();
        *self = Self::begin();
        enough
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Position {
    /// Before the first boundary.
    Start,
    /// Inside a part.
    Content,
    /// Right behind a boundary.
    Boundary,
    /// Behind the closing boundary.
    End,
}

impl Multipart {
    /// Reads the form in `body`, of which at most `max_bytes` may come and which may pause for `max_pause`.
    pub(super) fn new(body: Body, boundary: &str, max_bytes: u64, max_pause: Duration) -> Self {
        let lines = LineEnd::CrLf;
        Self {
            body,
            boundary: boundary.to_owned(),
            lines,
            delimiter: delimiter(lines, boundary),
            buffer: BytesMut::new(),
            position: Position::Start,
            parts: 0,
            received_bytes: 0,
            max_bytes,
            max_pause,
            pace: Pace::begin(),
        }
    }

    /// The head of the next part, behind whatever is left of this one; `None` at the end of the form.
    pub(super) async fn next_part(&mut self) -> Result<Option<PartHead>, MultipartError> {
        if self.position == Position::Start {
            self.begin().await?;
        }
        while self.position == Position::Content {
            self.chunk().await?;
        }
        if self.position == Position::End {
            return Ok(None);
        }
        self.fill(2).await?;
        if self.buffer.starts_with(b"--") {
            self.buffer.advance(2);
            return self.finish().await.map(|()| None);
        }
        let line_end = self.lines.text().as_bytes();
        if !self.buffer.starts_with(line_end) {
            return Err(MultipartError::Head("a boundary is not followed by a line end"));
        }
        self.buffer.advance(line_end.len());
        self.parts += 1;
        if self.parts > MAX_PARTS {
            return Err(MultipartError::TooManyParts);
        }
        let head = self.head().await?;
        self.position = Position::Content;
        Ok(Some(head))
    }

    /// Reads the first boundary, which may stand behind one empty line, and learns from it how lines end.
    async fn begin(&mut self) -> Result<(), MultipartError> {
        self.fill(2).await?;
        if let Some(line_end) = LineEnd::at_start_of(&self.buffer) {
            self.buffer.advance(line_end.text().len());
        }
        let boundary_bytes = 2 + self.boundary.len();
        self.fill(boundary_bytes + 2).await?;
        let begins = self.buffer.starts_with(b"--") && self.buffer[2..].starts_with(self.boundary.as_bytes());
        if !begins {
            return Err(MultipartError::Head("the form does not begin with its boundary"));
        }
        self.buffer.advance(boundary_bytes);
        if LineEnd::at_start_of(&self.buffer) == Some(LineEnd::Lf) {
            self.lines = LineEnd::Lf;
            self.delimiter = delimiter(self.lines, &self.boundary);
        }
        self.position = Position::Boundary;
        Ok(())
    }

    /// The next bytes of the part; `None` at its end.
    pub(super) async fn chunk(&mut self) -> Result<Option<Bytes>, MultipartError> {
        if self.position != Position::Content {
            return Ok(None);
        }
        let delimiter_bytes = self.delimiter.needle().len();
        loop {
            if let Some(at) = self.delimiter.find(&self.buffer) {
                let content = self.buffer.split_to(at);
                if content.is_empty() {
                    self.buffer.advance(delimiter_bytes);
                    self.position = Position::Boundary;
                    return Ok(None);
                }
                return Ok(Some(content.freeze()));
            }
            // The end of the buffer may be the beginning of a boundary.
            let certain = self.buffer.len().saturating_sub(delimiter_bytes - 1);
            if certain > 0 {
                return Ok(Some(self.buffer.split_to(certain).freeze()));
            }
            if !self.receive().await? {
                return Err(MultipartError::Truncated);
            }
        }
    }

    /// The rest of the part as a whole.
    ///
    /// # Errors
    /// [`MultipartError::TooLarge`] beyond `max_bytes`.
    pub(super) async fn whole(&mut self, max_bytes: usize) -> Result<Vec<u8>, MultipartError> {
        let mut content = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            if content.len() + chunk.len() > max_bytes {
                return Err(MultipartError::TooLarge {
                    limit_bytes: max_bytes as u64,
                });
            }
            content.extend_from_slice(&chunk);
        }
        Ok(content)
    }

    /// What is left of the body, to be read and thrown away.
    pub(super) fn into_body(self) -> Body {
        self.body
    }

    async fn head(&mut self) -> Result<PartHead, MultipartError> {
        let empty_line = self.lines.empty_line();
        let end = loop {
            if let Some(at) = memmem::find(&self.buffer, empty_line) {
                break at;
            }
            if self.buffer.len() > MAX_HEAD_BYTES {
                return Err(MultipartError::HeadTooLong);
            }
            if !self.receive().await? {
                return Err(MultipartError::Truncated);
            }
        };
        if end > MAX_HEAD_BYTES {
            return Err(MultipartError::HeadTooLong);
        }
        let lines = self.buffer.split_to(end);
        self.buffer.advance(empty_line.len());
        parse_head(&lines, self.lines)
    }

    /// Nothing but line ends may follow the closing boundary.
    async fn finish(&mut self) -> Result<(), MultipartError> {
        self.position = Position::End;
        loop {
            let is_epilogue = self.buffer.len() <= MAX_EPILOGUE_BYTES
                && self.buffer.iter().all(|byte| matches!(byte, b'\r' | b'\n'));
            if !is_epilogue {
                return Err(MultipartError::Trailing);
            }
            if !self.receive().await? {
                return Ok(());
            }
        }
    }

    async fn fill(&mut self, bytes: usize) -> Result<(), MultipartError> {
        while self.buffer.len() < bytes {
            if !self.receive().await? {
                return Err(MultipartError::Truncated);
            }
        }
        Ok(())
    }

    /// Receives once; `false` at the end of the body.
    async fn receive(&mut self) -> Result<bool, MultipartError> {
        loop {
            let frame = tokio::time::timeout(self.max_pause, self.body.frame())
                .await
                .map_err(|_| MultipartError::Stalled {
                    seconds: self.max_pause.as_secs(),
                })?;
            let Some(frame) = frame else { return Ok(false) };
            let frame = frame.map_err(MultipartError::Lost)?;
            // Trailers say nothing that concerns a form.
            let Ok(data) = frame.into_data() else { continue };
            self.received_bytes += data.len() as u64;
            if !self.pace.keeps_up(data.len() as u64) {
                return Err(MultipartError::TooSlow);
            }
            if self.received_bytes > self.max_bytes {
                return Err(MultipartError::TooLarge {
                    limit_bytes: self.max_bytes,
                });
            }
            self.keep(data);
            return Ok(true);
        }
    }

    fn keep(&mut self, data: Bytes) {
        if self.buffer.is_empty() {
            // The usual case in the middle of a file: the network's buffer is taken over without a copy.
            self.buffer = BytesMut::from(data);
        } else {
            self.buffer.extend_from_slice(&data);
        }
    }
}

fn delimiter(lines: LineEnd, boundary: &str) -> memmem::Finder<'static> {
    memmem::Finder::new(format!("{}--{boundary}", lines.text()).as_bytes()).into_owned()
}

#[cfg(test)]
mod tests;
