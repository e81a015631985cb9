//! The small texts of a form: the boundary in the request's head, and the heads of parts.

use axum::http::{HeaderMap, header};

use super::{LineEnd, MAX_BOUNDARY_BYTES, MAX_HEAD_LINES, MultipartError};

/// The head of a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::server) struct PartHead {
    /// The field's name.
    pub(in crate::server) name: String,
    /// The name of the file; `None` for a text field.
    pub(in crate::server) filename: Option<String>,
}

/// The boundary that the `Content-Type` header gives.
pub(in crate::server) fn boundary(headers: &HeaderMap) -> Result<String, MultipartError> {
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

/// Reads the lines of a part's head.
pub(super) fn parse_head(head: &[u8], lines: LineEnd) -> Result<PartHead, MultipartError> {
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
