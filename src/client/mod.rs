//! The HTTP client: of `publish`, and of the look at an index that set-up ends with.
//!
//! | question | file |
//! |---|---|
//! | which files do the words on the command line mean | [`select`](mod@select) |
//! | is a file fit to be sent | [`distribution`] |
//! | should they go to that index at all | [`judgement`] |
//! | several at a time, in which order | [`publish`](mod@publish), `order` |
//! | what became of each | [`report`] |
//! | one file: attempts, pauses, redirects, duplicates | [`upload`] |
//! | what does an answer mean | [`answer`] |
//! | how does a file become a request, how long is a pause | `body`, [`retry`] |
//! | what does the index list already | `confirm`, `listing` |
//! | which token does a CI job get for its identity, and the next one | [`trusted`], `session` |
//! | does an index answer, and what may its user do there | [`probe`](mod@probe) |
//!
//! # Promises
//! - Nothing is sent before every file was checked (the caller checks with [`check_all`], the types see to it).
//! - Credentials go to the origin that was configured, and nowhere else; redirects are followed only within it,
//!   with method and body kept.
//! - The digest in the form is that of the bytes that were sent; a file that changes under way is never complete.
//! - Memory does not grow with the file.
//! - Nothing is printed; [`Progress`] is told.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Certificate, Identity, redirect};
use thiserror::Error;
use url::Url;

use self::session::Session;
use self::trusted::{Identities, Offer, TOKEN_USER, Token};
use crate::auth::credentials::Basic;
use crate::causes::in_one_line;

pub mod alive;
pub mod answer;
mod body;
mod confirm;
pub mod distribution;
pub mod judgement;
mod listing;
#[cfg(any(test, fuzzing))]
pub mod oracles;
mod order;
pub mod probe;
pub mod progress;
pub mod publish;
pub mod report;
pub mod retry;
pub mod select;
mod session;
pub mod trusted;
pub mod upload;

pub use confirm::Presence;
pub use distribution::{BadFile, Checked, Distribution, Preparation, check_all};
pub use judgement::judge;
pub use progress::{Outcome, Progress};
pub use publish::publish;
pub use report::{FileReport, Report, State};
pub use retry::RetryPolicy;
pub use select::{Ignored, Selected, Selection, select};
pub use upload::UploadError;

/// Where to publish, as whom, and how patiently.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The upload address, without user and password.
    pub url: Url,
    /// The section of `.pypirc` that it came from, if it did; only for messages.
    pub repository: Option<String>,
    /// Sent with every request to the origin of `url`; `None` sends none.
    pub credentials: Option<Basic>,
    /// A PEM file with further certificate authorities, beside those of the system.
    pub ca_cert: Option<PathBuf>,
    /// A PEM file with the client's own certificate and its key.
    pub client_cert: Option<PathBuf>,
    /// Ask the index first and leave out what it has already; believe it when it has a file but shows no digest.
    pub skip_existing: bool,
    /// Ask the index afterwards whether it lists what it took.
    pub verify: bool,
    /// The list of projects to ask, where it is not in one of the usual places.
    pub check: Option<CheckPlace>,
    /// Uploads at a time.
    pub jobs: NonZeroUsize,
    /// Pauses and attempts.
    pub retry: RetryPolicy,
    /// Limits on waiting.
    pub timeouts: Timeouts,
}

impl Settings {
    /// Plain settings for an upload address: nobody's credentials, one file at a time, nothing asked before or after.
    #[must_use]
    pub fn plain(url: Url) -> Self {
        Self {
            url,
            repository: None,
            credentials: None,
            ca_cert: None,
            client_cert: None,
            skip_existing: false,
            verify: false,
            check: None,
            jobs: NonZeroUsize::MIN,
            retry: RetryPolicy::default(),
            timeouts: Timeouts::default(),
        }
    }
}

/// Where an index lists its files, and as whom to look.
#[derive(Debug, Clone)]
pub struct CheckPlace {
    /// The list of projects, without user and password; a project's page is below it.
    pub url: Url,
    /// Sent to the origin of `url`; without any, those of the uploads are, if it is the same origin.
    pub credentials: Option<Basic>,
}

/// How long to wait for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For a connection, TLS included.
    pub connect: Duration,
    /// Without a byte going out or coming in, while there is something to send or to read.
    pub stall: Duration,
    /// For the answer once everything was sent: a server may have to check a large file first.
    pub answer: Duration,
    /// For one attempt as a whole.
    pub total: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            stall: Duration::from_secs(60),
            answer: Duration::from_secs(15 * 60),
            total: Duration::from_secs(6 * 60 * 60),
        }
    }
}

/// The index in the words of a message: its name, its address, the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// The section of `.pypirc`, if there is one.
    pub repository: Option<String>,
    /// The address, without user and password.
    pub url: String,
    /// As whom the files are sent.
    pub username: Option<String>,
}

impl std::fmt::Display for Destination {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.repository {
            Some(name) => write!(f, "`{name}` ({})", self.url),
            None => write!(f, "{}", self.url),
        }
    }
}

/// Why publishing failed.
#[derive(Debug, Error)]
pub enum Error {
    /// A name or pattern that no file has.
    #[error("there is no file `{}`", .0.display())]
    NothingThere(PathBuf),
    /// A folder without a single distribution.
    #[error("there is no distribution in `{}`{}", .folder.display(), lines(.nearly))]
    NoDistributions {
        /// The folder.
        folder: PathBuf,
        /// Its files that end as a distribution does but are none, with the reason.
        nearly: Vec<(PathBuf, String)>,
    },
    /// Files that were named one by one but are no distributions.
    #[error("{}", list("not a distribution", .0.iter().map(|(path, reason)| (path, reason))))]
    NotDistributions(Vec<(PathBuf, String)>),
    /// Two files that would have the same name on the index.
    #[error("`{}` and `{}` would be the same file on the index", .first.display(), .second.display())]
    SameName {
        /// The one named first.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
    /// A folder or file that the system doesn't let us read.
    #[error("can't read `{}`", .path.display())]
    Unreadable {
        /// What.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// Files whose archives are not sound. Nothing was sent.
    #[error("{}", list("not fit to be published", .0.iter().map(|bad| (&bad.path, &bad.reason))))]
    BadFiles(Vec<BadFile>),
    /// Files that are marked as private, on their way to a public index. Nothing was sent.
    #[error("{}", list(&format!("kept from the public index `{index}`"), .files.iter().map(|bad| (&bad.path, &bad.reason))))]
    Private {
        /// The files.
        files: Vec<BadFile>,
        /// The index.
        index: &'static str,
    },
    /// Files that the index took and does not list.
    #[error("{destination} took {} but does not list {} yet, {:.0} s later", names(.files), if .files.len() == 1 { "it" } else { "them" }, .waited.as_secs_f64())]
    NotListed {
        /// Their names.
        files: Vec<String>,
        /// The index.
        destination: Destination,
        /// How long it was asked.
        waited: Duration,
    },
    /// A certificate file that can't be used.
    #[error("can't use the certificate file `{}`: {reason}", .path.display())]
    Certificate {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The HTTP client can't be set up.
    #[error("can't set up HTTPS: {0}")]
    Setup(String),
    /// A file could not be uploaded.
    #[error("`{filename}` was not uploaded to {destination}")]
    Upload {
        /// The file.
        filename: String,
        /// The index.
        destination: Destination,
        /// What happened.
        #[source]
        source: Box<UploadError>,
    },
}

fn names(files: &[String]) -> String {
    let quoted: Vec<String> = files.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

/// One bad file reads as a sentence, several as a list.
fn list<'a>(what: &str, files: impl ExactSizeIterator<Item = (&'a PathBuf, &'a String)>) -> String {
    let several = files.len() > 1;
    let mut text = if several {
        format!("{} files are {what}:", files.len())
    } else {
        String::new()
    };
    for (path, reason) in files {
        if several {
            text.push_str(&format!("\n`{}`: {reason}", path.display()));
        } else {
            text.push_str(&format!("`{}` is {what}: {reason}", path.display()));
        }
    }
    text
}

/// Each file with its reason, on a line of its own.
fn lines(files: &[(PathBuf, String)]) -> String {
    files
        .iter()
        .map(|(path, reason)| format!("\n`{}`: {reason}", path.display()))
        .collect()
}

/// A connection to one index.
pub struct Client {
    settings: Settings,
    http: reqwest::Client,
    session: Session,
}

impl Client {
    /// Sets up the client; nothing is sent yet.
    ///
    /// # Errors
    /// [`Error::Certificate`], [`Error::Setup`].
    pub fn new(settings: Settings) -> Result<Self, Error> {
        // A second call finds the provider in place, which is just as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("pkgctl/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            // This file decides what is repeated; the library knows nothing of duplicates.
            .retry(reqwest::retry::never())
            .connect_timeout(settings.timeouts.connect)
            .tcp_nodelay(true);
        if let Some(path) = &settings.ca_cert {
            let pem = read_certificate(path)?;
            let authorities = Certificate::from_pem_bundle(&pem).unwrap_or_default();
            if authorities.is_empty() {
                return Err(unfit(path, AUTHORITIES_PEM));
            }
            builder = builder.tls_certs_merge(authorities);
        } else if settings.url.scheme() == "http" {
            // Saves reading the system's authorities, which a plain connection has no use for.
            builder = builder.tls_certs_only([]);
        }
        if let Some(path) = &settings.client_cert {
            // The library's own words name neither the file nor what is missing in it.
            let identity =
                Identity::from_pem(&read_certificate(path)?).map_err(|_| unfit(path, CLIENT_PEM))?;
            builder = builder.identity(identity);
        }
        let http = builder.build().map_err(|error| setup_error(&settings, &error))?;
        let session = Session::of(settings.credentials.clone());
        Ok(Self {
            settings,
            http,
            session,
        })
    }

    /// Sends these credentials from now on.
    pub fn log_in(&mut self, credentials: Basic) {
        self.session = Session::of(Some(credentials));
    }

    /// Sends this token from now on, and fetches another one when it runs out.
    pub fn log_in_with(&mut self, token: &Token, offer: Offer, identities: Identities) {
        if let Ok(username) = TOKEN_USER.parse() {
            let credentials = Basic {
                username,
                password: token.secret.clone(),
            };
            self.session = Session::trusted(credentials, token, offer, identities);
        }
    }

    /// The index in the words of a message.
    #[must_use]
    pub fn destination(&self) -> Destination {
        Destination {
            repository: self.settings.repository.clone(),
            url: self.settings.url.to_string(),
            username: self
                .session
                .credentials()
                .map(|credentials| credentials.username.to_string()),
        }
    }

    /// Adds the credentials, but only towards the origin that they were given for.
    fn with_credentials(&self, request: reqwest::RequestBuilder, url: &Url) -> reqwest::RequestBuilder {
        match self.session.credentials() {
            Some(credentials) if url.origin() == self.settings.url.origin() => {
                request.basic_auth(credentials.username, Some(credentials.password.expose()))
            }
            _ => request,
        }
    }
}

/// What is in the file of `--cert`.
const AUTHORITIES_PEM: &str = "it must hold certificates of authorities, in PEM form";
/// What is in the file of `--client-cert`.
const CLIENT_PEM: &str =
    "it must hold the client's certificate and the private key that belongs to it, in PEM form";

/// The pieces are read only when all is put together; of those that can be at fault the certificates of the user are
/// the likely ones.
fn setup_error(settings: &Settings, error: &(dyn std::error::Error + 'static)) -> Error {
    match (upload::tls_cause(error), &settings.client_cert, &settings.ca_cert) {
        (Some(cause), Some(path), None) => unfit(path, &format!("{CLIENT_PEM} ({cause})")),
        (Some(cause), None, Some(path)) => unfit(path, &format!("{AUTHORITIES_PEM} ({cause})")),
        _ => Error::Setup(in_one_line(error)),
    }
}

fn unfit(path: &Path, reason: &str) -> Error {
    Error::Certificate {
        path: path.to_owned(),
        reason: reason.to_owned(),
    }
}

fn read_certificate(path: &Path) -> Result<Vec<u8>, Error> {
    std::fs::read(path).map_err(|error| unusable(path, &error))
}

fn unusable(path: &Path, error: &(dyn std::error::Error + 'static)) -> Error {
    Error::Certificate {
        path: path.to_owned(),
        reason: in_one_line(error),
    }
}

/// The one header of a request that isn't the library's own.
fn accept(value: &'static str) -> HeaderMap {
    HeaderMap::from_iter([(reqwest::header::ACCEPT, HeaderValue::from_static(value))])
}

/// Reads an answer's body up to a limit; what comes after it is left unread. An end that comes too early is an end.
async fn read_body(response: &mut reqwest::Response, limit_bytes: usize, stall: Duration) -> Vec<u8> {
    let mut body = Vec::new();
    while body.len() < limit_bytes {
        match tokio::time::timeout(stall, response.chunk()).await {
            Ok(Ok(Some(chunk))) => {
                body.extend_from_slice(&chunk[..chunk.len().min(limit_bytes - body.len())])
            }
            _ => break,
        }
    }
    body
}
