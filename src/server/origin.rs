//! What this server is called from outside: scheme, host and path, as the client of a request sees them.

use std::convert::Infallible;
use std::fmt;
use std::net::Ipv6Addr;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;

use super::arrival::Arrival;

/// Longest name of a host that DNS knows, in bytes.
const MAX_HOST_BYTES: usize = 253;
/// Longest prefix that is believed, in bytes.
const MAX_PREFIX_BYTES: usize = 1024;

/// Where the client of one request has found this server; take it as an argument of a route's function.
///
/// All three parts are safe in a header, and in HTML and JSON once escaped: whatever else a client or a proxy says is
/// passed over. The host is the client's own word, though: an answer that holds it must not be kept for others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    scheme: Scheme,
    /// Host, in lower case, and port; the scheme's own port is left out.
    authority: Arc<str>,
    /// Empty, or a path that begins with a slash and ends without one.
    prefix: String,
}

/// How the client speaks to the server, or to the proxy before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// In the open.
    Http,
    /// Under TLS.
    Https,
}

impl Scheme {
    fn parse(text: &str) -> Option<Self> {
        [Self::Http, Self::Https]
            .into_iter()
            .find(|scheme| text.eq_ignore_ascii_case(scheme.as_str()))
    }

    /// `http` or `https`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    fn port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

impl Origin {
    /// How the client speaks.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The host, and its port where it is not the scheme's own.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// The path below which a proxy shows this server: empty, or with a slash in front and none behind.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The first that is there and sound: what trusted proxies say, the request itself, the address it came to.
    fn of(parts: &Parts) -> Self {
        // Absent only where a test calls the router without a socket.
        let arrival = parts
            .extensions
            .get::<Arrival>()
            .cloned()
            .unwrap_or_else(Arrival::without_socket);
        let told = arrival.told(&parts.headers);
        let scheme = told
            .scheme
            .as_deref()
            .and_then(Scheme::parse)
            .unwrap_or_else(|| arrival.scheme());
        // pypiserver takes a path behind the host for the prefix, and its users write it so.
        let (host, path) = told.host.as_deref().map_or((None, ""), |host| {
            let (host, path) = host.split_at(host.find('/').unwrap_or(host.len()));
            (Some(host), path)
        });
        let asked_host = || parts.headers.get(header::HOST)?.to_str().ok();
        let authority = host
            .and_then(|host| authority(host, scheme))
            .or_else(|| authority(parts.uri.authority()?.as_str(), scheme))
            .or_else(|| authority(asked_host()?, scheme))
            .map_or_else(|| arrival.bound_authority(), Arc::from);
        let told_prefix = told.prefix.as_deref().unwrap_or(path);
        Self {
            scheme,
            authority,
            prefix: prefix(told_prefix).unwrap_or_default(),
        }
    }
}

/// `https://packages.example/prefix`, without a final slash.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.scheme.as_str(), self.authority, self.prefix)
    }
}

impl<S: Sync> FromRequestParts<S> for Origin {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self::of(parts))
    }
}

/// A host and maybe a port; `None` when there is anything else in it: user names, spaces, whatever no host has.
fn authority(text: &str, scheme: Scheme) -> Option<String> {
    let end_of_host = match text.strip_prefix('[') {
        Some(rest) => {
            let (address, _) = rest.split_once(']')?;
            address.parse::<Ipv6Addr>().ok()?;
            address.len() + 2
        }
        None => text.find(':').unwrap_or(text.len()),
    };
    let (host, port) = text.split_at(end_of_host);
    // Names with an underscore are no host names, but containers have them.
    let is_name = |host: &str| {
        host.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
            && host.bytes().any(|byte| byte.is_ascii_alphanumeric())
    };
    if host.len() > MAX_HOST_BYTES || !(host.starts_with('[') || is_name(host)) {
        return None;
    }
    let host = host.to_ascii_lowercase();
    let Some(digits) = port.strip_prefix(':') else {
        return port.is_empty().then_some(host);
    };
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    match digits.parse() {
        Ok(0) | Err(_) => None,
        Ok(port) if port == scheme.port() => Some(host),
        Ok(port) => Some(format!("{host}:{port}")),
    }
}

/// A path of plain segments, without a final slash; `None` when it could lead elsewhere than below this server.
fn prefix(text: &str) -> Option<String> {
    let path = text.strip_suffix('/').unwrap_or(text);
    if path.is_empty() {
        return Some(String::new());
    }
    let is_segment = |segment: &str| {
        !["", ".", ".."].contains(&segment)
            && segment
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-._~+@".contains(&byte))
    };
    let is_sound = path.len() <= MAX_PREFIX_BYTES && path.strip_prefix('/')?.split('/').all(is_segment);
    is_sound.then(|| path.to_owned())
}

#[cfg(test)]
#[path = "origin_tests.rs"]
mod tests;
