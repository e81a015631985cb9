//! A streaming reader of `multipart/form-data` (RFC 7578) under strict bounds.
//!
//! The common readers keep a part's head in memory however long it is, or everything that has arrived. This one keeps
//! at most one network read beside a head of [`MAX_HEAD_BYTES`], and passes file contents on as they come.
//!
//! Two liberties of uploaders that are still in use are taken as they are: distutils begins its forms with an empty
//! line, and its `register` ends lines with `\n` alone. The first boundary decides for the whole form which line end
//! counts, so that no content can be read in two ways.

use std::time::Duration;

use axum::body::Body;
use axum::http::HeaderMap;
use axum::http::header;
use bytes::{Buf as _, Bytes, BytesMut};
use http_body_util::BodyExt as _;
use memchr::memmem;
use thiserror::Error;
use tokio::time::Instant;

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

/// The head of a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PartHead {
    /// The field's name.
    pub(super) name: String,
    /// The name of the file; `None` for a text field.
    pub(super) filename: Option<String>,
}

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

/// The boundary that the `Content-Type` header gives.
pub(super) fn boundary(headers: &HeaderMap) -> Result<String, MultipartError> {
    let mut values = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(MultipartError::Boundary);
    };
    let value = value.to_str().map_err(|_| MultipartError::Boundary)?;
    let (media_type, parameters) = value.split_once(';').ok_or(MultipartError::Boundary)?;
    if !media_type.trim().eq_ignore_ascii_case("multipart/form-data") {
        return Err(MultipartError::Boundary);
    }
    let parameters = parse_parameters(parameters).ok_or(MultipartError::Boundary)?;
    let mut boundaries = parameters
        .into_iter()
        .filter(|(key, _)| key == "boundary")
        .map(|(_, value)| value);
    let (Some(boundary), None) = (boundaries.next(), boundaries.next()) else {
        return Err(MultipartError::Boundary);
    };
    let sound = (1..=MAX_BOUNDARY_BYTES).contains(&boundary.len())
        && boundary.chars().all(|c| c.is_ascii_graphic() || c == ' ')
        && !boundary.ends_with(' ');
    if sound {
        Ok(boundary)
    } else {
        Err(MultipartError::Boundary)
    }
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

fn parse_head(head: &[u8], lines: LineEnd) -> Result<PartHead, MultipartError> {
    let head = std::str::from_utf8(head).map_err(|_| MultipartError::Head("its head is not UTF-8"))?;
    let mut disposition = None;
    for (number, line) in head.split(lines.text()).enumerate() {
        if number >= MAX_HEAD_LINES {
            return Err(MultipartError::HeadTooLong);
        }
        let (name, value) = line
            .split_once(':')
            .ok_or(MultipartError::Head("a line of its head has no colon"))?;
        match name.trim().to_ascii_lowercase().as_str() {
            "content-disposition" if disposition.replace(value).is_some() => {
                return Err(MultipartError::Head("it has two Content-Disposition lines"));
            }
            "content-transfer-encoding" if !is_identity(value) => {
                return Err(MultipartError::Head(
                    "it has a transfer encoding, which HTTP forms don't have",
                ));
            }
            _ => {}
        }
    }
    let disposition = disposition.ok_or(MultipartError::Head("it has no Content-Disposition line"))?;
    parse_disposition(disposition)
}

/// Encodings that change no byte; some libraries name them although RFC 7578 says not to.
fn is_identity(encoding: &str) -> bool {
    ["binary", "8bit", "7bit"]
        .iter()
        .any(|identity| encoding.trim().eq_ignore_ascii_case(identity))
}

fn parse_disposition(value: &str) -> Result<PartHead, MultipartError> {
    let malformed = MultipartError::Head("its Content-Disposition line is not `form-data; name=\"...\"`");
    let (kind, parameters) = value.split_once(';').unwrap_or((value, ""));
    if !kind.trim().eq_ignore_ascii_case("form-data") {
        return Err(malformed);
    }
    let Some(parameters) = parse_parameters(parameters) else {
        return Err(malformed);
    };
    let (mut name, mut filename, mut encoded) = (None, None, None);
    for (key, value) in parameters {
        let slot = match key.as_str() {
            "name" => &mut name,
            "filename" => &mut filename,
            "filename*" => &mut encoded,
            "name*" => return Err(MultipartError::Head("it uses `name*`, which forms must not")),
            _ => continue,
        };
        if slot.replace(value).is_some() {
            return Err(MultipartError::Head(
                "its Content-Disposition line names something twice",
            ));
        }
    }
    let filename = one_filename(filename, encoded)?;
    name.map(|name| PartHead { name, filename }).ok_or(malformed)
}

/// Some HTTP libraries give the name a second time as `filename*`, in the encoding of RFC 8187. Readers disagree about
/// which one counts, so both must say the same.
fn one_filename(plain: Option<String>, encoded: Option<String>) -> Result<Option<String>, MultipartError> {
    let Some(encoded) = encoded else { return Ok(plain) };
    let decoded = decode_extended(&encoded).ok_or(MultipartError::Head(
        "its `filename*` is not `UTF-8''` and a percent-encoded name",
    ))?;
    match plain {
        Some(plain) if plain != decoded => Err(MultipartError::Head(
            "its `filename` and its `filename*` name different files",
        )),
        _ => Ok(Some(decoded)),
    }
}

/// Decodes `UTF-8'language'percent-encoded`; `None` when it is something else.
fn decode_extended(value: &str) -> Option<String> {
    let mut parts = value.splitn(3, '\'');
    let (charset, _language, text) = (parts.next()?, parts.next()?, parts.next()?);
    charset.eq_ignore_ascii_case("utf-8").then_some(())?;
    let decoded = percent_encoding::percent_decode_str(text).decode_utf8().ok()?;
    Some(decoded.into_owned())
}

/// Reads `; key=value; key="quoted value"`; keys in lower case. `None` when it is malformed.
fn parse_parameters(mut text: &str) -> Option<Vec<(String, String)>> {
    let mut parameters = Vec::new();
    loop {
        text = text.trim_start_matches([' ', '\t', ';']);
        if text.is_empty() {
            return Some(parameters);
        }
        let (key, rest) = text.split_once('=')?;
        let (value, rest) = match rest.strip_prefix('"') {
            Some(quoted) => unquote(quoted)?,
            None => {
                let end = rest.find(';').unwrap_or(rest.len());
                (rest[..end].trim_end().to_owned(), &rest[end..])
            }
        };
        parameters.push((key.trim().to_ascii_lowercase(), value));
        text = rest.trim_start_matches([' ', '\t']);
        if !text.is_empty() && !text.starts_with(';') {
            return None;
        }
    }
}

/// Reads to the closing quote; a backslash takes the next character as it is, browsers write a quote as `%22`.
fn unquote(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => return Some((value.replace("%22", "\""), &text[at + 1..])),
            '\\' => match characters.next()? {
                (_, escaped @ ('"' | '\\')) => value.push(escaped),
                // A path from an old browser: the backslash is part of it.
                (_, other) => value.extend(['\\', other]),
            },
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Parts = Vec<(String, Option<String>, Vec<u8>)>;

    /// Sends `body` in pieces of `piece` bytes and collects the parts.
    fn read(body: &[u8], piece: usize) -> Result<Parts, MultipartError> {
        let pieces: Vec<Result<Bytes, std::io::Error>> = body
            .chunks(piece)
            .map(|chunk| Ok(Bytes::copy_from_slice(chunk)))
            .collect();
        let body = Body::from_stream(futures_util::stream::iter(pieces));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        runtime.block_on(async {
            let mut form = Multipart::new(body, "XX", 1 << 20, Duration::from_secs(5));
            let mut parts = Vec::new();
            while let Some(head) = form.next_part().await? {
                parts.push((head.name, head.filename, form.whole(1 << 20).await?));
            }
            Ok(parts)
        })
    }

    fn part(disposition: &str, content: &str) -> String {
        format!("--XX\r\nContent-Disposition: {disposition}\r\n\r\n{content}\r\n")
    }

    #[test]
    fn parts_come_in_order_whatever_the_pieces() {
        let form = format!(
            "{}{}{}{}--XX--\r\n",
            part("form-data; name=\":action\"", "file_upload"),
            part(
                "form-data; name=\"content\"; filename=\"a-1.0.tar.gz\"\r\nContent-Type: x/y",
                "\r\n--X\r\n--XY"
            ),
            part("form-data; name=empty", ""),
            part(
                "form-data; filename=\"a \\\"b\\\" %22c%22.asc\"; name=\"gpg\"",
                "sig"
            ),
        );
        let expected: Parts = vec![
            (":action".into(), None, b"file_upload".to_vec()),
            (
                "content".into(),
                Some("a-1.0.tar.gz".into()),
                b"\r\n--X\r\n--XY".to_vec(),
            ),
            ("empty".into(), None, Vec::new()),
            ("gpg".into(), Some("a \"b\" \"c\".asc".into()), b"sig".to_vec()),
        ];
        for piece in [1, 2, 3, 7, 64, 10_000] {
            assert_eq!(
                read(form.as_bytes(), piece).unwrap(),
                expected,
                "pieces of {piece}"
            );
        }
        assert_eq!(read(b"--XX--", 100).unwrap(), vec![]);
    }

    /// What `setup.py upload` and `setup.py register` of old Pythons send, byte for byte in their manner.
    #[test]
    fn forms_of_distutils_are_read() {
        let upload = "\r\n--XX\r\nContent-Disposition: form-data; name=\":action\"\r\n\r\nfile_upload\
                      \r\n--XX\r\nContent-Disposition: form-data; name=\"content\"; filename=\"a-1.tar.gz\"\r\n\r\na\n--XX\n\
                      \r\n--XX--\r\n\r\n";
        let register = "\n--XX\nContent-Disposition: form-data; name=\":action\"\n\nverify\
                        \n--XX\nContent-Disposition: form-data; name=\"summary\"\n\na\r\nb\
                        \n--XX--\n";
        for piece in [1, 2, 5, 1000] {
            let parts = read(upload.as_bytes(), piece).unwrap();
            assert_eq!(parts[0].2, b"file_upload", "pieces of {piece}");
            assert_eq!(parts[1].2, b"a\n--XX\n", "pieces of {piece}");
            let parts = read(register.as_bytes(), piece).unwrap();
            assert_eq!(parts[0].2, b"verify", "pieces of {piece}");
            assert_eq!(parts[1].2, b"a\r\nb", "pieces of {piece}");
        }
    }

    #[test]
    fn one_form_has_one_kind_of_line_end() {
        // In a form of `\r\n` a boundary behind `\n` is content, and the form has no end.
        let mixed = part("form-data; name=\"a\"", "b\n--XX--\n");
        assert!(matches!(
            read(mixed.as_bytes(), 100),
            Err(MultipartError::Truncated)
        ));
        // In a form of `\n` the `\r` before a boundary is content.
        let mixed = "--XX\nContent-Disposition: form-data; name=\"a\"\n\nb\r\n--XX--\n";
        assert_eq!(read(mixed.as_bytes(), 100).unwrap()[0].2, b"b\r");
    }

    #[test]
    fn a_second_name_of_the_file_must_be_the_same() {
        let name_of = |disposition: &str| {
            let form = format!("{}--XX--", part(disposition, "x"));
            read(form.as_bytes(), 100).map(|mut parts| parts.remove(0).1)
        };
        let both = "form-data; name=\"content\"; filename=\"a-1.0+b.zip\"; filename*=utf-8''a-1.0%2Bb.zip";
        assert_eq!(name_of(both).unwrap().as_deref(), Some("a-1.0+b.zip"));
        let alone = "form-data; name=content; filename*=UTF-8'en'%C3%A4-1.0.zip";
        assert_eq!(name_of(alone).unwrap().as_deref(), Some("ä-1.0.zip"));
        for bad in [
            "form-data; name=content; filename=a-1.0.zip; filename*=utf-8''b-1.0.zip",
            "form-data; name=content; filename*=utf-16''a-1.0.zip",
            "form-data; name=content; filename*=a-1.0.zip",
            "form-data; name=content; filename*=utf-8''%ff.zip",
            "form-data; name=content; filename*=utf-8''a; filename*=utf-8''a",
            "form-data; name*=utf-8''content; name=content; filename=a",
        ] {
            assert!(matches!(name_of(bad), Err(MultipartError::Head(_))), "{bad}");
        }
    }

    #[test]
    fn malformed_forms_are_refused() {
        let good = part("form-data; name=\"a\"", "b");
        let cases = [
            (String::new(), "Truncated"),
            (good.clone(), "Truncated"),
            (format!("{good}--XX"), "Truncated"),
            (format!("preamble\r\n{good}--XX--"), "Head"),
            (format!("{good}--XX-- "), "Trailing"),
            (format!("{good}--XX--\r\n--XX--\r\n"), "Trailing"),
            (format!("{good}--XXjunk\r\n"), "Head"),
            (part("form-data", "b"), "Head"),
            (part("attachment; name=\"a\"", "b"), "Head"),
            (part("form-data; name=\"a\"; name=\"b\"", "b"), "Head"),
            (
                part("form-data; name=\"a\"; filename=\"x\"; filename=\"y\"", "b"),
                "Head",
            ),
            (
                part("form-data; name=\"a\"; filename=y; filename*=utf-8''x", "b"),
                "Head",
            ),
            ("\r\n\r\n--XX--".to_owned(), "Head"),
            (format!("{good}--XX--\r\n\r\n\r\n"), "Trailing"),
            (part("form-data; name=\"a", "b"), "Head"),
            (part("form-data; name=\"a\" junk", "b"), "Head"),
            (
                part(
                    "form-data; name=\"a\"\r\nContent-Transfer-Encoding: base64",
                    "Yg==",
                ),
                "Head",
            ),
            (
                part(
                    "form-data; name=\"a\"\r\nContent-Disposition: form-data; name=\"b\"",
                    "b",
                ),
                "Head",
            ),
            (part("form-data; name=\"a\"\r\nno colon here", "b"), "Head"),
            (format!("--XX\r\nX: {}", "y".repeat(9000)), "HeadTooLong"),
            (format!("--XX\r\n{}\r\n", "X: y\r\n".repeat(17)), "HeadTooLong"),
            (
                "--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n".to_owned(),
                "Truncated",
            ),
            (
                format!("{}--XX--", part("form-data; name=a", "").repeat(10_001)),
                "TooManyParts",
            ),
            (
                format!("{}--XX--", part("form-data; name=a", &"x".repeat(2 << 20))),
                "TooLarge",
            ),
        ];
        for (form, expected) in cases {
            let error = read(form.as_bytes(), 4096).map(|_| ()).unwrap_err();
            let variant = format!("{error:?}");
            assert!(
                variant.starts_with(expected),
                "{variant} for {:?}",
                &form[..form.len().min(120)]
            );
        }
    }

    #[test]
    fn only_one_sound_boundary_is_taken() {
        let with = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, value.parse().unwrap());
            boundary(&headers).ok()
        };
        assert_eq!(with("multipart/form-data; boundary=abc").as_deref(), Some("abc"));
        assert_eq!(
            with("Multipart/Form-Data; charset=utf-8; boundary=\"a b\"").as_deref(),
            Some("a b")
        );
        for bad in [
            "multipart/form-data",
            "multipart/form-data; boundary=",
            "multipart/mixed; boundary=a",
            "application/json",
            "multipart/form-data; boundary=a; boundary=b",
            "multipart/form-data; boundary=\"a",
            &format!("multipart/form-data; boundary={}", "a".repeat(71)),
            "multipart/form-data; boundary=\"a \"",
        ] {
            assert_eq!(with(bad), None, "{bad}");
        }
        assert!(boundary(&HeaderMap::new()).is_err());
    }

    proptest! {
        #[test]
        fn any_content_comes_through(content in prop::collection::vec(any::<u8>(), 0..300), piece in 1_usize..50) {
            prop_assume!(memmem::find(&content, b"\r\n--XX").is_none());
            let mut form = b"--XX\r\nContent-Disposition: form-data; name=\"c\"; filename=\"f\"\r\n\r\n".to_vec();
            form.extend(&content);
            form.extend(b"\r\n--XX--\r\n");
            let parts = read(&form, piece).unwrap();
            prop_assert_eq!(&parts[0].2, &content);
        }

        #[test]
        fn any_bytes_end_without_a_panic(body in prop::collection::vec(any::<u8>(), 0..200), piece in 1_usize..20) {
            let mut form = b"--XX\r\n".to_vec();
            form.extend(&body);
            prop_assert!(read(&form, piece).map_or(true, |parts| form.ends_with(b"--XX--") || form.ends_with(b"--XX--\r\n") || parts.is_empty()));
        }
    }
}
