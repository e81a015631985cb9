//! What a server's answer to an upload means, and the one line of it that is worth reading.
//!
//! Indexes say no in many ways: problem documents, JSON of their own, the HTTP reason phrase, plain text, HTML
//! pages for people. [`Answer::line`] is a single sentence of any of them, free of control characters. Which answers
//! mean "this file is already here" is known from the public index, pypiserver, Artifactory, Nexus, GitLab, Azure
//! and devpi.

mod message;
#[cfg(test)]
mod tests;

use std::fmt;
use std::time::{Duration, SystemTime};

use hyper::ext::ReasonPhrase;
pub(super) use message::unescape;
use message::{one_line, repeats_status, without_status};
use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, LOCATION, RETRY_AFTER};

/// The header in which this program's own server says what became of a file that it took.
const UPLOAD_HEADER: HeaderName = HeaderName::from_static("x-pkgctl-upload");

/// A server's answer, reduced to what matters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: StatusCode,
    /// What the server says about it in one line; empty when it says nothing of its own.
    pub line: String,
    /// Lower-case reason phrase and body, to recognize duplicates by.
    said: String,
    /// What the server's own header says of a stored file.
    stored: Option<Stored>,
    location: Option<String>,
    retry_after: Option<Duration>,
}

/// How a file came to be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stored {
    /// By this request.
    New,
    /// It was there before, with the same bytes.
    Before,
    /// By this request, in place of a file with other bytes.
    Replaced,
}

/// What to do after an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The file is stored.
    Stored(Stored),
    /// The server says that it has a file of that name.
    Duplicate,
    /// Ask somewhere else; the `Location` as it was given.
    Redirect(String),
    /// Try again later, after the pause that was asked for, if one was.
    Busy(Option<Duration>),
    /// No.
    Refused,
}

impl Answer {
    /// Reads an answer; `body` may be cut.
    #[must_use]
    pub fn read(
        status: StatusCode,
        headers: &HeaderMap,
        reason: Option<&ReasonPhrase>,
        body: &[u8],
        now: SystemTime,
    ) -> Self {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let reason = reason.map(|phrase| latin1_or_utf8(phrase.as_bytes()));
        let body = String::from_utf8_lossy(body);
        let line = one_line(
            status,
            text(CONTENT_TYPE).unwrap_or_default(),
            reason.as_deref(),
            &body,
        );
        Self {
            status,
            said: format!("{} {body}", reason.unwrap_or_default()).to_lowercase(),
            line: if repeats_status(&line, status) {
                String::new()
            } else {
                without_status(&line, status).to_owned()
            },
            stored: text(UPLOAD_HEADER).and_then(Stored::from_header),
            location: text(LOCATION).map(str::to_owned),
            retry_after: text(RETRY_AFTER).and_then(|value| parse_retry_after(value, now)),
        }
    }

    /// What to do now.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        match self.status.as_u16() {
            200..=299 if self.is_page_for_people() => Verdict::Refused,
            200..=299 => Verdict::Stored(self.stored.unwrap_or_else(|| {
                if self.said.contains("already") {
                    Stored::Before
                } else {
                    Stored::New
                }
            })),
            301 | 302 | 303 | 307 | 308 => match &self.location {
                Some(location) => Verdict::Redirect(location.clone()),
                None => Verdict::Refused,
            },
            _ if self.is_duplicate() => Verdict::Duplicate,
            408 | 429 | 500 | 502 | 503 | 504 => Verdict::Busy(self.retry_after),
            _ => Verdict::Refused,
        }
    }

    /// Whether the server may have done what was asked before it answered like this.
    #[must_use]
    pub fn leaves_doubt(&self) -> bool {
        self.status.is_server_error() || self.status == StatusCode::REQUEST_TIMEOUT
    }

    /// Whether it is a page that wants to be filled in or run, such as a sign-in page before the index: no index
    /// answers an upload like this, however good the status.
    pub(crate) fn is_page_for_people(&self) -> bool {
        let has = |tag| self.said.contains(tag);
        self.status.is_success() && has("<html") && (has("<form") || has("<script"))
    }

    /// The pause that the server asks for.
    pub(super) fn asked_pause(&self) -> Option<Duration> {
        self.retry_after
    }

    /// Whether the server speaks of something that has ended, such as a token.
    pub(super) fn says_expired(&self) -> bool {
        self.said.contains("expire")
    }

    fn is_duplicate(&self) -> bool {
        let says = |words: &[&str]| words.iter().any(|word| self.said.contains(word));
        match self.status.as_u16() {
            // pypiserver, Azure, devpi.
            409 => true,
            // The public index and Google; Nexus, old and new; GitLab.
            400 => says(&[
                "already exist",
                "updating asset",
                "cannot be updated",
                "already been taken",
            ]),
            // Artifactory.
            403 => says(&["overwrite artifact"]),
            _ => false,
        }
    }
}

impl Stored {
    /// Reads the value of [`UPLOAD_HEADER`]; what a later version may add to it says nothing here.
    fn from_header(value: &str) -> Option<Self> {
        match value.trim() {
            "stored" => Some(Self::New),
            "unchanged" => Some(Self::Before),
            "replaced" => Some(Self::Replaced),
            _ => None,
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the server answered {}", self.status.as_u16())?;
        if let Some(phrase) = self.status.canonical_reason() {
            write!(f, " {phrase}")?;
        }
        if !self.line.is_empty() {
            write!(f, ": {}", self.line)?;
        }
        Ok(())
    }
}

/// Reason phrases are Latin-1 by the standard and UTF-8 by habit.
fn latin1_or_utf8(bytes: &[u8]) -> String {
    std::str::from_utf8(bytes).map_or_else(
        |_| bytes.iter().map(|&byte| char::from(byte)).collect(),
        str::to_owned,
    )
}

/// Seconds or a date.
fn parse_retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = httpdate::parse_http_date(value).ok()?;
    Some(until.duration_since(now).unwrap_or_default())
}

/// What stands before the parameters of a Content-Type, in lowercase.
pub(super) fn media_type(content_type: &str) -> String {
    let essence = content_type.split(';').next().unwrap_or_default();
    essence.trim().to_ascii_lowercase()
}
