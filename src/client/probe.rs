//! One look at an index that leaves no trace: does it answer, is it a Simple index, may this user read and upload.
//!
//! At most three requests, none of which changes anything: the list of projects without credentials; the same with them,
//! if it takes any; and an upload form that asks for `verify`, a step of the past which pypiserver and this program's own
//! server answer without doing anything, once the user may upload. Other indexes refuse the form in ways that say nothing
//! about the user, which is then [`Uploading::Unknown`].

use std::io;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use reqwest::header::{CONTENT_TYPE, DATE, LOCATION, SERVER};
use reqwest::{Response, StatusCode};
use tokio::time::{Instant, timeout_at};
use url::Url;

use super::answer::media_type;
use super::upload::tls_cause;
use super::{Client, Settings, Timeouts, accept, listing, read_body};
use crate::auth::credentials::Basic;
use crate::causes::{chain, in_one_line};

/// How much of the list of projects is read, in bytes; its version stands at its head.
const HEAD_BYTES: usize = 64 << 10;

const BOUNDARY: &str = "pkgctl-asks-nothing-of-you";

/// What to look at, as whom, and how patiently.
#[derive(Debug, Clone)]
pub struct Question {
    /// Where uploads go, without user and password.
    pub upload_url: Url,
    /// The list of projects; of the same origin, or no credentials are sent there.
    pub simple_url: Url,
    /// Who asks, if anybody in particular.
    pub credentials: Option<Basic>,
    /// A PEM file with further certificate authorities, beside those of the system.
    pub ca_cert: Option<PathBuf>,
    /// A PEM file with the client's own certificate and its key.
    pub client_cert: Option<PathBuf>,
    /// For everything together; what isn't known by then stays unknown.
    pub patience: Duration,
}

/// What an index that answers was found to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Findings {
    /// What stands where the list of projects should be.
    pub pages: Pages,
    /// May this user list the projects?
    pub reading: Reading,
    /// May this user upload?
    pub uploading: Uploading,
    /// How far the server's clock is from this machine's; answers tell full seconds only.
    pub clock_skew: Option<ClockSkew>,
    /// What the server calls itself.
    pub server: Option<String>,
}

/// What stands where the list of projects should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pages {
    /// A list of projects by the Simple API.
    Simple {
        /// The version that it names; old servers name none.
        api_version: Option<String>,
        /// JSON is offered, beside or instead of HTML.
        has_json: bool,
    },
    /// Nothing that can be seen without other credentials.
    Hidden,
    /// The address of another page.
    Elsewhere(String),
    /// Something else, or nothing.
    Other(StatusCode),
    /// The answer did not come in time.
    Unknown,
}

/// May this user list the projects?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// Everybody may.
    Open,
    /// With these credentials.
    Accepted,
    /// There were no credentials, and it takes some.
    NeedsCredentials,
    /// The credentials are wrong.
    WrongCredentials,
    /// The credentials may be right, but not for this.
    Forbidden,
    /// The answers don't tell.
    Unknown,
}

/// May this user upload?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Uploading {
    /// Yes.
    Allowed,
    /// There were no credentials, and it takes some.
    NeedsCredentials,
    /// The credentials are wrong.
    WrongCredentials,
    /// Not with these credentials, or nobody may.
    Forbidden,
    /// Uploads don't go to that address.
    NotHere,
    /// The answers don't tell.
    Unknown,
}

/// How far two clocks are apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockSkew {
    /// The server's is ahead by so much.
    Ahead(Duration),
    /// The server's is behind by so much.
    Behind(Duration),
}

impl ClockSkew {
    /// How much, in either direction.
    #[must_use]
    pub fn amount(self) -> Duration {
        match self {
            Self::Ahead(amount) | Self::Behind(amount) => amount,
        }
    }
}

/// Why nothing was learned.
#[derive(Debug, thiserror::Error)]
pub enum Unreachable {
    /// No such host.
    #[error("the host is not known")]
    UnknownHost,
    /// The machine is there, but nobody listens.
    #[error("nobody listens there")]
    NobodyListens,
    /// No answer in time.
    #[error("no answer within {} s", .0.as_secs_f64())]
    TimedOut(Duration),
    /// The server can't prove who it is, or speaks no TLS.
    #[error("the connection is not safe: {0}")]
    Tls(String),
    /// The client can't be set up.
    #[error(transparent)]
    Client(#[from] super::Error),
    /// Something else.
    #[error("the connection broke: {0}")]
    Broken(String),
}

/// Looks at an index. Ends within the question's patience.
///
/// # Errors
/// [`Unreachable`] when the first request got no answer.
pub async fn probe(question: &Question) -> Result<Findings, Unreachable> {
    let deadline = Instant::now() + question.patience;
    let client = Client::new(Settings {
        credentials: question.credentials.clone(),
        ca_cert: question.ca_cert.clone(),
        client_cert: question.client_cert.clone(),
        timeouts: Timeouts {
            connect: question.patience,
            stall: question.patience,
            ..Timeouts::default()
        },
        ..Settings::plain(question.upload_url.clone())
    })?;
    let look = Look {
        client,
        question,
        deadline,
    };
    let first = look
        .list(As::Nobody)
        .await
        .map_err(|failed| failed.unwrap_or(Unreachable::TimedOut(question.patience)))?;
    let (pages, reading) = look.reading(&first).await;
    let uploading = match reading {
        // A second wrong attempt would only make the server more cautious.
        Reading::WrongCredentials => Uploading::WrongCredentials,
        _ => look.uploading().await,
    };
    Ok(Findings {
        pages,
        reading,
        uploading,
        clock_skew: first.clock_skew,
        server: first.server,
    })
}

/// One look under way.
struct Look<'a> {
    client: Client,
    question: &'a Question,
    deadline: Instant,
}

/// As whom to ask.
#[derive(Clone, Copy)]
enum As {
    Nobody,
    User,
}

/// An answer to the request for the list of projects.
struct Listed {
    status: StatusCode,
    pages: Pages,
    clock_skew: Option<ClockSkew>,
    server: Option<String>,
}

impl Look<'_> {
    async fn list(&self, who: As) -> Result<Listed, Option<Unreachable>> {
        let url = &self.question.simple_url;
        let request = self.client.http.get(url.clone()).headers(accept(listing::ACCEPT));
        let request = match who {
            As::Nobody => request,
            As::User => self.client.with_credentials(request, url),
        };
        let asked_at = SystemTime::now();
        let mut response = self.send(request).await?;
        let text = |name| {
            let value = response.headers().get(name)?.to_str().ok()?;
            Some(value.to_owned())
        };
        let clock_skew = text(DATE).and_then(|date| skew(&date, asked_at, SystemTime::now()));
        let server = text(SERVER);
        let status = response.status();
        let pages = match status.as_u16() {
            200..=299 => self.kind_of(&mut response).await,
            300..=399 => text(LOCATION)
                .and_then(|location| url.join(&location).ok())
                .map_or(Pages::Other(status), |url| Pages::Elsewhere(url.into())),
            401 | 403 => Pages::Hidden,
            _ => Pages::Other(status),
        };
        Ok(Listed {
            status,
            pages,
            clock_skew,
            server,
        })
    }

    /// What a page is, by its type and its head.
    async fn kind_of(&self, response: &mut Response) -> Pages {
        let status = response.status();
        let content_type = response.headers().get(CONTENT_TYPE);
        let content_type = media_type(
            content_type
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default(),
        );
        let stall = self.question.patience;
        let Ok(head) = timeout_at(self.deadline, read_body(response, HEAD_BYTES, stall)).await else {
            return Pages::Unknown;
        };
        let head = String::from_utf8_lossy(&head);
        match content_type.as_str() {
            "application/vnd.pypi.simple.v1+json" => Pages::Simple {
                api_version: value_after(&head, "\"api-version\""),
                has_json: true,
            },
            "application/vnd.pypi.simple.v1+html" => Pages::Simple {
                api_version: value_after(&head, "pypi:repository-version"),
                has_json: false,
            },
            // A login form is a page too, but no list of links.
            "text/html" if head.contains("pypi:repository-version") || is_bare_list(&head) => Pages::Simple {
                api_version: value_after(&head, "pypi:repository-version"),
                has_json: false,
            },
            _ => Pages::Other(status),
        }
    }

    async fn reading(&self, first: &Listed) -> (Pages, Reading) {
        let refused = matches!(first.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
        if !refused {
            let reading = if matches!(first.pages, Pages::Simple { .. }) {
                Reading::Open
            } else {
                Reading::Unknown
            };
            return (first.pages.clone(), reading);
        }
        if self.question.credentials.is_none() {
            return (Pages::Hidden, Reading::NeedsCredentials);
        }
        let Ok(listed) = self.list(As::User).await else {
            return (Pages::Unknown, Reading::Unknown);
        };
        let reading = match listed.status {
            StatusCode::UNAUTHORIZED => Reading::WrongCredentials,
            StatusCode::FORBIDDEN => Reading::Forbidden,
            _ if matches!(listed.pages, Pages::Simple { .. }) => Reading::Accepted,
            _ => Reading::Unknown,
        };
        (listed.pages, reading)
    }

    async fn uploading(&self) -> Uploading {
        let url = &self.question.upload_url;
        let form = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\":action\"\r\n\r\nverify\r\n--{BOUNDARY}--\r\n"
        );
        let request = self
            .client
            .http
            .post(url.clone())
            .body(form)
            .header(CONTENT_TYPE, format!("multipart/form-data; boundary={BOUNDARY}"));
        let request = self.client.with_credentials(request, url);
        let Ok(response) = self.send(request).await else {
            return Uploading::Unknown;
        };
        let has_credentials = self.question.credentials.is_some();
        match response.status().as_u16() {
            200..=299 => Uploading::Allowed,
            401 if has_credentials => Uploading::WrongCredentials,
            401 => Uploading::NeedsCredentials,
            403 => Uploading::Forbidden,
            404 | 405 | 501 => Uploading::NotHere,
            _ => Uploading::Unknown,
        }
    }

    /// `Err(None)` when time is up.
    async fn send(&self, request: reqwest::RequestBuilder) -> Result<Response, Option<Unreachable>> {
        match timeout_at(self.deadline, request.send()).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) if error.is_timeout() => Err(None),
            Ok(Err(error)) => Err(Some(unreachable(error))),
            Err(_) => Err(None),
        }
    }
}

fn unreachable(error: reqwest::Error) -> Unreachable {
    let error = error.without_url();
    if let Some(reason) = tls_cause(&error) {
        return Unreachable::Tls(reason);
    }
    let refused = chain(&error).any(|cause| {
        let cause = cause.downcast_ref::<io::Error>();
        cause.is_some_and(|cause| cause.kind() == io::ErrorKind::ConnectionRefused)
    });
    if refused {
        return Unreachable::NobodyListens;
    }
    // The library keeps the type of this one to itself.
    if error.is_connect() && chain(&error).any(|cause| cause.to_string().contains("dns error")) {
        return Unreachable::UnknownHost;
    }
    Unreachable::Broken(in_one_line(&error))
}

/// The first text in quotes behind a word, if it looks like a version.
fn value_after(text: &str, word: &str) -> Option<String> {
    let rest = &text[text.find(word)? + word.len()..];
    let version = rest
        .split(['"', '\''])
        .find(|part| part.starts_with(|first: char| first.is_ascii_digit()))?;
    let is_version = version.len() < 16 && version.chars().all(|c| c.is_ascii_digit() || c == '.');
    is_version.then(|| version.to_owned())
}

/// A page of links and nothing that a person would use: what pypiserver and its like show.
fn is_bare_list(html: &str) -> bool {
    let html = html.to_lowercase();
    let shows_more = ["<form", "<script", "<input"]
        .iter()
        .any(|tag| html.contains(tag));
    !shows_more && (html.contains("<a ") || html.contains("simple index"))
}

/// The difference between the server's clock and this one. Its answer tells full seconds, and took a while.
fn skew(date: &str, asked_at: SystemTime, answered_at: SystemTime) -> Option<ClockSkew> {
    let theirs = httpdate::parse_http_date(date).ok()?;
    if let Ok(ahead) = theirs.duration_since(answered_at) {
        return Some(ClockSkew::Ahead(ahead));
    }
    let behind = asked_at.duration_since(theirs).unwrap_or_default();
    Some(ClockSkew::Behind(behind.saturating_sub(Duration::from_secs(1))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_both_formats() {
        let json = "{\"meta\": {\"_last-serial\": 3, \"api-version\": \"1.4\"}}";
        assert_eq!(value_after(json, "\"api-version\"").as_deref(), Some("1.4"));
        let html = "<meta name=\"pypi:repository-version\" content=\"1.1\">";
        assert_eq!(
            value_after(html, "pypi:repository-version").as_deref(),
            Some("1.1")
        );
        for text in ["", "\"api-version\": 1", "\"api-version\": \"1<script>\""] {
            assert_eq!(value_after(text, "\"api-version\""), None, "{text}");
        }
    }

    #[test]
    fn a_list_of_links_is_told_from_a_page_for_people() {
        let list = "<html><head><title>Simple Index</title></head><body><a href=\"a/\">a</a></body></html>";
        assert!(is_bare_list(list));
        assert!(!is_bare_list("<a href=x>login</a><form action=y>"));
        assert!(!is_bare_list("<h1>It works!</h1>"));
    }

    #[test]
    fn the_time_that_the_answer_took_is_no_skew() {
        let second = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let skew_of = |theirs: u64| {
            let date = httpdate::fmt_http_date(second(theirs));
            skew(&date, second(1_000), second(1_003)).unwrap()
        };
        for theirs in 999..=1_003 {
            assert_eq!(skew_of(theirs).amount(), Duration::ZERO, "{theirs}");
        }
        assert_eq!(skew_of(1_303), ClockSkew::Ahead(Duration::from_secs(300)));
        assert_eq!(skew_of(799), ClockSkew::Behind(Duration::from_secs(200)));
        assert_eq!(skew("yesterday", second(0), second(1)), None);
    }
}
