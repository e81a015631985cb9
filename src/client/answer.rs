//! What a server's answer to an upload means, and the one line of it that is worth reading.
//!
//! Indexes say no in many ways: problem documents, JSON of their own, the HTTP reason phrase, plain text, HTML
//! pages for people. [`Answer::line`] is a single sentence of any of them, free of control characters. Which answers
//! mean "this file is already here" is known from the public index, pypiserver, Artifactory, Nexus, GitLab, Azure
//! and devpi.

use std::fmt;
use std::time::{Duration, SystemTime};

use hyper::ext::ReasonPhrase;
use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, LOCATION, RETRY_AFTER};
use serde_json::Value;

/// Longest line that is shown, in characters.
const MAX_LINE_CHARS: usize = 300;

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

fn one_line(status: StatusCode, content_type: &str, reason: Option<&str>, body: &str) -> String {
    let media_type = media_type(content_type);
    let is_json = media_type == "application/json" || media_type.ends_with("+json");
    let looks_like_html = media_type.contains("html") || body.trim_start().starts_with('<');
    let from_json = || is_json.then(|| json_message(body, status)).flatten();
    let from_reason = || reason.map(str::to_owned);
    let from_body = || {
        if looks_like_html {
            html_message(body, status)
        } else {
            first_line(body)
        }
    };
    let sources: [&dyn Fn() -> Option<String>; 3] = [&from_json, &from_reason, &from_body];
    sources
        .iter()
        .filter_map(|source| source())
        .map(|line| tidy(&line))
        .find(|line| !line.is_empty())
        .unwrap_or_default()
}

/// White space becomes single blanks, control characters vanish, and the end is cut where it gets too long.
fn tidy(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control());
    let line = words
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ");
    match line.char_indices().nth(MAX_LINE_CHARS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

fn first_line(body: &str) -> Option<String> {
    body.lines()
        .map(str::trim)
        .find(|line| !line.is_empty())
        .map(str::to_owned)
}

/// The sentence in a problem document (RFC 9457) or in one of the shapes that indexes have made up.
fn json_message(body: &str, status: StatusCode) -> Option<String> {
    let document: Value = serde_json::from_str(body).ok()?;
    let field = |name: &str| document.get(name).and_then(|value| words(value, status));
    if let (Some(title), Some(detail)) = (field("title"), field("detail")) {
        return Some(if detail.contains(&title) {
            detail
        } else {
            format!("{title}: {detail}")
        });
    }
    // The public index puts the sentence behind the status in `code`; elsewhere that is a word for machines.
    let sentence_in_code = || {
        let code = field("code")?;
        let sentence = code.trim_start_matches(|c: char| c.is_ascii_digit()).trim_start();
        sentence.contains(' ').then(|| sentence.to_owned())
    };
    let first_of_errors = || {
        document
            .get("errors")?
            .as_array()?
            .first()
            .and_then(|error| words(error, status))
    };
    field("detail")
        .or_else(sentence_in_code)
        .or_else(|| field("message"))
        .or_else(|| field("error_description"))
        .or_else(first_of_errors)
        .or_else(|| field("error"))
        .or_else(|| field("title"))
        .or_else(|| field("code"))
        .or_else(|| words(&document, status))
}

/// The text of a string, of the message in an object, or of a list's first item.
fn words(value: &Value, status: StatusCode) -> Option<String> {
    match value {
        Value::String(text) if text.trim_start().starts_with('<') => html_message(text, status),
        Value::String(text) => Some(text.clone()).filter(|text| !text.trim().is_empty()),
        Value::Array(items) => items.iter().find_map(|item| words(item, status)),
        Value::Object(fields) => ["message", "detail", "description", "base"]
            .iter()
            .find_map(|name| fields.get(*name).and_then(|value| words(value, status))),
        _ => None,
    }
}

/// What an HTML page says to a person: title, heading, and the message itself, which some servers put into a `pre`.
/// Parts that only repeat the status or one another are left out. A page without any of them gives all its text.
fn html_message(page: &str, status: StatusCode) -> Option<String> {
    let inner = |name| element(page, name).map(|inner| tidy(&without_tags(inner)));
    let message = inner("pre").or_else(|| inner("p"));
    let mut parts: Vec<String> = Vec::new();
    for part in [inner("title"), inner("h1"), message].into_iter().flatten() {
        let is_new = !parts.iter().any(|known| known.contains(&part));
        if is_new && !repeats_status(&part, status) {
            parts.retain(|known| !part.contains(known.as_str()));
            parts.push(part);
        }
    }
    if parts.is_empty() {
        return Some(without_tags(page)).filter(|text| !text.trim().is_empty());
    }
    Some(parts.join(": "))
}

/// The text without the status phrase that it may begin with, as the title of a problem document mostly does.
fn without_status(line: &str, status: StatusCode) -> &str {
    let phrase = status.canonical_reason().unwrap_or_default();
    let repeated = line
        .get(..phrase.len())
        .is_some_and(|start| !phrase.is_empty() && start.eq_ignore_ascii_case(phrase));
    let rest = repeated
        .then(|| line[phrase.len()..].strip_prefix(": "))
        .flatten();
    rest.unwrap_or(line)
}

/// Whether a text is nothing but the status in other words, such as `Error: 403 Forbidden`.
fn repeats_status(text: &str, status: StatusCode) -> bool {
    let phrase = status.canonical_reason().unwrap_or_default().to_lowercase();
    let rest = text
        .to_lowercase()
        .replace(&phrase, "")
        .replace(status.as_str(), "")
        .replace("error", "");
    !rest.contains(char::is_alphanumeric)
}

/// The inside of the first element of that name.
fn element<'a>(page: &'a str, name: &str) -> Option<&'a str> {
    // ASCII lowering keeps every byte where it is, so positions hold for the page itself.
    let lower = page.to_ascii_lowercase();
    let opening = format!("<{name}");
    let start = lower
        .match_indices(&opening)
        .map(|(at, _)| at + opening.len())
        .find(|&at| {
            // `<p>` and `<p class=...>`, not `<pre>`.
            lower[at..].starts_with(['>', ' ', '\t', '\n', '\r', '/'])
        })?;
    let inner = start + lower[start..].find('>')? + 1;
    let end = inner
        + lower[inner..]
            .find(&format!("</{name}"))
            .unwrap_or(lower.len() - inner);
    Some(&page[inner..end])
}

fn without_tags(html: &str) -> String {
    let mut text = String::new();
    let mut rest = html;
    while let Some(open) = rest.find('<') {
        text.push_str(&rest[..open]);
        text.push(' ');
        let tag = &rest[open..];
        let lower = tag
            .get(..8.min(tag.len()))
            .unwrap_or_default()
            .to_ascii_lowercase();
        // What is inside these is not for people.
        let close = ["script", "style"]
            .iter()
            .find(|name| lower[1.min(lower.len())..].starts_with(**name));
        let end = match close {
            Some(name) => tag
                .to_ascii_lowercase()
                .find(&format!("</{name}"))
                .map(|at| at + 2 + name.len()),
            None => Some(0),
        };
        let Some(after) = end.and_then(|from| tag[from..].find('>').map(|at| from + at + 1)) else {
            return unescape(&text);
        };
        rest = &tag[after..];
    }
    text.push_str(rest);
    unescape(&text)
}

/// Turns character references into characters: numbers, and the five names that occur in messages and links.
pub(super) fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        match reference(rest) {
            Some((letter, length)) => {
                plain.push(letter);
                rest = &rest[length..];
            }
            None => {
                plain.push('&');
                rest = &rest[1..];
            }
        }
    }
    plain.push_str(rest);
    plain
}

/// The character that a text begins with by reference, and the length of the reference.
fn reference(text: &str) -> Option<(char, usize)> {
    let end = text.find(';').filter(|end| *end <= 10)?;
    let name = &text[1..end];
    let letter = match name {
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "amp" => '&',
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16),
                None => number.parse(),
            };
            char::from_u32(code.ok()?)?
        }
    };
    Some((letter, end + 1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn answer(status: u16, content_type: &str, reason: Option<&'static str>, body: &str) -> Answer {
        let mut headers = HeaderMap::new();
        if !content_type.is_empty() {
            headers.insert(CONTENT_TYPE, content_type.parse().unwrap());
        }
        let reason = reason.map(|text| ReasonPhrase::from_static(text.as_bytes()));
        let status = StatusCode::from_u16(status).unwrap();
        Answer::read(
            status,
            &headers,
            reason.as_ref(),
            body.as_bytes(),
            SystemTime::UNIX_EPOCH,
        )
    }

    fn line(content_type: &str, body: &str) -> String {
        answer(400, content_type, None, body).line
    }

    #[test]
    fn the_servers_own_header_says_how_a_file_came_to_be_stored() {
        let stored = |header: &str, body: &str| {
            let headers =
                HeaderMap::from_iter([("x-pkgctl-upload".parse().unwrap(), header.parse().unwrap())]);
            let answer = Answer::read(
                StatusCode::OK,
                &headers,
                None,
                body.as_bytes(),
                SystemTime::UNIX_EPOCH,
            );
            answer.verdict()
        };
        assert_eq!(stored("stored", "already"), Verdict::Stored(Stored::New));
        assert_eq!(stored("unchanged", ""), Verdict::Stored(Stored::Before));
        assert_eq!(stored("replaced", ""), Verdict::Stored(Stored::Replaced));
        assert_eq!(
            stored("something new", "already"),
            Verdict::Stored(Stored::Before)
        );
    }

    #[test]
    fn the_status_is_not_said_twice() {
        let shown = |status, body| answer(status, "application/problem+json", None, body).to_string();
        assert_eq!(
            shown(401, r#"{"title": "Unauthorized", "detail": "wrong user"}"#),
            "the server answered 401 Unauthorized: wrong user"
        );
        assert_eq!(
            shown(404, r#"{"title": "Not Found", "detail": "no such page"}"#),
            "the server answered 404 Not Found: no such page"
        );
        assert_eq!(
            shown(404, r#"{"detail": "Not Founded in time"}"#),
            "the server answered 404 Not Found: Not Founded in time"
        );
    }

    #[test]
    fn json_of_every_shape_becomes_one_line() {
        let json = |body| line("application/json", body);
        let problem = r#"{"title": "Bad file", "detail": "no RECORD"}"#;
        assert_eq!(
            line("application/problem+json; charset=utf-8", problem),
            "Bad file: no RECORD"
        );
        assert_eq!(json(r#"{"detail": "broken"}"#), "broken");
        // The public index, devpi, Artifactory, GitLab.
        let warehouse =
            r#"{"message": "The server could not comply", "code": "400 File exists", "title": "Bad"}"#;
        assert_eq!(json(warehouse), "File exists");
        assert_eq!(json(r#"{"code": "E17", "message": "Nope"}"#), "Nope");
        assert_eq!(
            json(r#"{"errors": [{"status": 403, "message": "Not enough"}]}"#),
            "Not enough"
        );
        assert_eq!(
            json(r#"{"message": {"base": ["Name is taken"]}}"#),
            "Name is taken"
        );
        assert_eq!(json(r#"{"message": "<p>In <b>HTML</b></p>"}"#), "In HTML");
        assert_eq!(json(r#"{"odd": 1}"#), r#"{"odd": 1}"#);
        let unreadable = answer(400, "application/json", Some("From the reason"), "{not json");
        assert_eq!(unreadable.line, "From the reason");
    }

    #[test]
    fn pages_for_people_become_one_line() {
        let page = "<!doctype html><html><head><title>Error: 400 Bad Request</title><style>p {color: red}</style></head>\
                    <body><h1>Bad Request</h1>\n<p>Your plan has <b>expired</b> &amp; so have you.</p></body></html>";
        assert_eq!(
            line("text/html; charset=utf-8", page),
            "Your plan has expired & so have you."
        );
        assert_eq!(
            line("", "<html><body>Bad gateway, <i>sorry</i></body></html>"),
            "Bad gateway, sorry"
        );
        // pypiserver's.
        let bottle = "<html><title>Error: 400 Bad Request</title><h1>Error: 400 Bad Request</h1><p>Sorry, the \
                      requested URL <tt>&#039;http://h/&#039;</tt> caused an error:</p><pre>It isn&#x27;t a form</pre>";
        assert_eq!(line("text/html", bottle), "It isn't a form");
        assert_eq!(
            line("text/html", "<h1>400 Bad Request</h1><hr>nginx"),
            "400 Bad Request nginx"
        );
        assert_eq!(
            answer(400, "text/html", Some("Digest mismatch"), page).line,
            "Digest mismatch"
        );
    }

    #[test]
    fn plain_text_gives_its_first_line_without_control_characters() {
        let text = |body| line("text/plain", body);
        assert_eq!(text("\n  first line \nsecond line"), "first line");
        assert_eq!((text(""), text("Bad Request")), Default::default());
        assert_eq!(text("a\u{1b}[31mred\u{7}"), "a [31mred");
        assert_eq!(text(&"é".repeat(5000)).chars().count(), MAX_LINE_CHARS + 1);
    }

    #[test]
    fn an_answer_reads_as_status_and_line() {
        assert_eq!(
            answer(403, "", None, "").to_string(),
            "the server answered 403 Forbidden"
        );
        let with_reason = answer(400, "", Some("wrong digest"), "");
        assert_eq!(
            with_reason.to_string(),
            "the server answered 400 Bad Request: wrong digest"
        );
    }

    #[test]
    fn every_known_way_to_say_duplicate_is_understood() {
        let said = [
            (409, "", "anything"),
            (
                400,
                "File already exists ('a-1.0.tar.gz', with blake2_256 hash '...')",
                "",
            ),
            (400, "", "Package already exists"),
            (400, "Repository does not allow updating assets: pypi-hosted", ""),
            (400, "", "<html><p>a-1.0.tar.gz cannot be updated</p></html>"),
            (
                400,
                "",
                r#"{"message": "Validation failed: File name has already been taken"}"#,
            ),
            (
                403,
                "",
                r#"{"errors": [{"message": "Not enough permissions to overwrite artifact 'x'"}]}"#,
            ),
        ];
        for (status, reason, body) in said {
            let reason = (!reason.is_empty()).then_some(reason);
            assert_eq!(
                answer(status, "", reason, body).verdict(),
                Verdict::Duplicate,
                "{status} {reason:?} {body}"
            );
        }
        for (status, body) in [
            (400, "bad digest"),
            (403, "already exists"),
            (401, "overwrite artifact"),
        ] {
            assert_eq!(
                answer(status, "", None, body).verdict(),
                Verdict::Refused,
                "{status} {body}"
            );
        }
    }

    #[test]
    fn success_busy_and_redirects_are_told_apart() {
        for status in [200, 201, 202, 204] {
            assert_eq!(
                answer(status, "", None, "").verdict(),
                Verdict::Stored(Stored::New)
            );
        }
        for (body, verdict) in [
            (
                "<html><head><title>200 OK</title></head></html>",
                Verdict::Stored(Stored::New),
            ),
            (
                "<!DOCTYPE html><HTML><title>Sign in</title><FORM action=/login>",
                Verdict::Refused,
            ),
            ("<html><script src=app.js></script></html>", Verdict::Refused),
        ] {
            assert_eq!(answer(200, "text/html", None, body).verdict(), verdict, "{body}");
        }
        assert_eq!(
            answer(200, "", None, "Already there").verdict(),
            Verdict::Stored(Stored::Before)
        );
        for status in [408, 429, 500, 502, 503, 504] {
            assert_eq!(
                answer(status, "", None, "").verdict(),
                Verdict::Busy(None),
                "{status}"
            );
        }
        for status in [400, 401, 403, 404, 405, 410, 413, 501, 507, 302] {
            assert_eq!(
                answer(status, "", None, "").verdict(),
                Verdict::Refused,
                "{status}"
            );
        }
        let mut headers = HeaderMap::new();
        headers.insert(LOCATION, "/legacy/".parse().unwrap());
        let moved = Answer::read(
            StatusCode::PERMANENT_REDIRECT,
            &headers,
            None,
            b"",
            SystemTime::UNIX_EPOCH,
        );
        assert_eq!(moved.verdict(), Verdict::Redirect("/legacy/".to_owned()));
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        let seconds = |text| parse_retry_after(text, now).map(|pause| pause.as_secs());
        assert_eq!(seconds(" 7 "), Some(7));
        assert_eq!(seconds("Sun, 06 Nov 1994 08:50:07 GMT"), Some(30));
        assert_eq!(seconds("Sun, 06 Nov 1994 08:00:00 GMT"), Some(0));
        assert_eq!((seconds("soon"), seconds("-1"), seconds("")), (None, None, None));
    }

    proptest! {
        #[test]
        fn no_body_makes_it_panic_or_print_control_characters(
            body in ".*",
            tags in "(<[a-z/!]{0,8}[ >]?|&lt;|[é ]|title|script|style){0,20}",
            json: bool,
        ) {
            let media_type = if json { "application/json" } else { "text/html" };
            for text in [&body, &tags, &format!("<script{body}"), &format!("<title>{body}")] {
                let line = answer(400, media_type, None, text).line;
                prop_assert!(!line.chars().any(char::is_control), "{line:?}");
            }
        }
    }
}
