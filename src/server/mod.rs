//! The index server: HTTP in front of [`crate::index`]. axum and hyper live here and nowhere else.
//!
//! `router.rs` is the table of contents: which URL is answered by which function. `error.rs` decides every status
//! code of a failure and its text. `connections.rs` owns the sockets: how many, how long, and what is spoken there;
//! `farewell.rs` is how they end. `arrival.rs` is what a request knows of its way here, and `origin.rs` what its client
//! calls this server. `express.rs` answers in front of the router what lies ready in memory, and `door.rs` does so in front
//! of hyper where the request is of the plainest kind.

use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;

use crate::auth::{Authenticator, Policy};
use crate::packaging::ProjectName;

mod address;
mod arrival;
mod at_hand;
mod connections;
mod date;
mod door;
mod error;
mod express;
mod extract;
mod farewell;
mod file_body;
mod files;
mod form;
mod forwarded;
mod handshake;
mod health;
mod http2_heads;
mod listener;
mod listing;
mod metrics;
mod middleware;
mod multipart;
#[cfg(any(test, fuzzing))]
pub mod oracles;
mod origin;
mod patience;
mod project_json;
mod proxies;
mod range;
mod resumed;
mod room;
mod router;
mod search;
mod sent_body;
mod simple;
mod state;
mod tls;
mod upload;
mod web;
mod xml_rpc;

pub use address::{MountPath, MountPathError};
pub use health::{HealthPath, HealthPathError};
pub use listener::{Listener, Listeners};
pub(crate) use middleware::ACCESS_TARGET;
pub use origin::{Origin, Scheme};
pub use proxies::{NetworkError, TrustedProxies};
pub use state::Live;
pub use tls::{Holds, Tls, TlsError};
pub use web::{TemplateError, WelcomeTemplate};

/// What the server is told at the start, and when its settings change.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Largest file that is accepted, in bytes.
    pub max_upload_bytes: u64,
    /// Where names go that this index doesn't know; `None` answers 404.
    pub fallback: Option<Fallback>,
    /// Whether stored files may be replaced, which forbids clients to keep them for ever.
    pub files_may_change: bool,
    /// How long clients may keep a file without asking, in seconds; `None` says that it never changes, or where it
    /// may, that they must ask.
    pub file_max_age_seconds: Option<NonZero<u32>>,
    /// The path below which everything is served.
    pub mount: MountPath,
    /// Where the server tells that it is alive, below `mount`.
    pub health_path: HealthPath,
    /// The operator's own welcome page.
    pub welcome: Option<WelcomeTemplate>,
    /// Bounds of connections and requests.
    pub limits: Limits,
    /// Who is believed about the way of a request.
    pub trusted_proxies: TrustedProxies,
}

/// Where unknown names are sent.
#[derive(Debug, Clone)]
pub struct Fallback {
    /// The root of another simple index, without a final slash.
    pub url: String,
    /// Names that are never sent there.
    pub private: Vec<NamePattern>,
}

/// A pattern over normalized project names: `*` stands for any text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamePattern(Box<str>);

impl NamePattern {
    /// Normalizes the pattern as names are, so that `Corp_*` covers `corp-x`. `None` when it has characters that no
    /// name has.
    #[must_use]
    pub fn new(pattern: &str) -> Option<Self> {
        let mut normal = String::with_capacity(pattern.len());
        for c in pattern.chars() {
            match c {
                '-' | '_' | '.' if normal.ends_with('-') => {}
                '-' | '_' | '.' => normal.push('-'),
                '*' => normal.push('*'),
                other if other.is_ascii_alphanumeric() => normal.push(other.to_ascii_lowercase()),
                _ => return None,
            }
        }
        (!normal.is_empty()).then(|| Self(normal.into()))
    }

    /// Whether the pattern covers the name.
    #[must_use]
    pub fn covers(&self, name: &ProjectName) -> bool {
        let mut pieces = self.0.split('*');
        // `split` gives at least one piece.
        let first = pieces.next().unwrap_or_default();
        let Some(mut rest) = name.as_str().strip_prefix(first) else {
            return false;
        };
        let mut pieces = pieces.peekable();
        if pieces.peek().is_none() {
            return rest.is_empty();
        }
        while let Some(piece) = pieces.next() {
            if pieces.peek().is_none() {
                return rest.ends_with(piece);
            }
            let Some(at) = rest.find(piece) else { return false };
            rest = &rest[at + piece.len()..];
        }
        true
    }
}

/// Bounds of connections and requests.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Connections at a time; more wait in the system's queue.
    pub connections: usize,
    /// Uploads whose bodies are read at a time.
    pub uploads: usize,
    /// Uploads that wait for their turn; more are told to come back.
    pub queued_uploads: usize,
    /// A request's head must be complete so long after its first byte.
    pub head_timeout: Duration,
    /// A connection may be silent for this long, before its first request and between two.
    pub idle_timeout: Duration,
    /// A body must not pause longer than this, neither an upload's nor an answer's that the client does not take.
    pub body_pause: Duration,
    /// An upload must have arrived so long after its head.
    pub upload_timeout: Duration,
    /// Requests in flight have this long to finish when the server is stopped.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1024,
            uploads: 16,
            queued_uploads: 64,
            head_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(60),
            body_pause: Duration::from_secs(60),
            upload_timeout: Duration::from_secs(60 * 60),
            grace: Duration::from_secs(30),
        }
    }
}

/// Who may do what, and how they prove who they are.
pub struct Access {
    /// Which action needs a user.
    pub policy: Policy,
    /// The users; `None` when there is no password file.
    pub authenticator: Option<Arc<Authenticator>>,
}

/// Serves the index on `listeners` until `shutdown` completes, then lets requests in flight finish.
///
/// Failures of single connections are logged and end only those. The limits are those of connections; what a request
/// may do is for the settings of `live` to say.
pub async fn run(
    live: Live,
    limits: &Limits,
    listeners: Listeners,
    shutdown: impl Future<Output = ()> + Send,
) {
    connections::serve(live, limits, listeners, shutdown).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_that_no_name_can_match_are_refused() {
        for bad in ["", "corp-[", "a/b", "a b", "ä*"] {
            assert_eq!(NamePattern::new(bad), None, "{bad}");
        }
    }

    #[test]
    fn patterns_cover_names() {
        let covers =
            |pattern: &str, name: &str| NamePattern::new(pattern).unwrap().covers(&name.parse().unwrap());
        for (pattern, name) in [
            ("corp-*", "corp-x"),
            ("Corp_*", "corp.x"),
            ("*", "x"),
            ("x", "X"),
            ("*-internal", "a-internal"),
            ("a*b*c", "a-b-c"),
            ("a*a", "a-a"),
            ("corp.*", "corp-tools"),
        ] {
            assert!(covers(pattern, name), "{pattern} does not cover {name}");
        }
        for (pattern, name) in [
            ("corp-*", "corporate"),
            ("x", "xy"),
            ("a*b", "ab-c"),
            ("*-x", "x"),
            ("a*a", "a"),
        ] {
            assert!(!covers(pattern, name), "{pattern} covers {name}");
        }
    }
}
