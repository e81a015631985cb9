//! The address under which a client knows the index, for links that must be absolute.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;
use thiserror::Error;

use super::extract::text;
use super::state::State;

/// The address under which the client of one request knows the index.
///
/// The host is the client's own word: what holds it must not be kept for others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    scheme_and_host: String,
    /// Begins and ends with a slash.
    path: String,
}

impl Address {
    /// The whole address, with a final slash.
    pub(super) fn url(&self) -> String {
        format!("{}{}", self.scheme_and_host, self.path)
    }

    /// Its path on the host, with a slash at both ends.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// The host and its port, without the scheme.
    pub(super) fn host(&self) -> &str {
        let after_scheme = self.scheme_and_host.split("://").nth(1);
        after_scheme.unwrap_or(&self.scheme_and_host)
    }

    /// Whether what passes between the client and the index can be read on the way.
    pub(super) fn is_in_the_open(&self) -> bool {
        self.scheme_and_host.starts_with("http://")
    }
}

impl FromRequestParts<State> for Address {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Self::Rejection> {
        Ok(Self {
            scheme_and_host: scheme_and_host(parts),
            path: format!("{}/", state.settings().mount),
        })
    }
}

/// By the request itself. What no host is called is passed over.
fn scheme_and_host(parts: &Parts) -> String {
    let by_target = parts
        .uri
        .authority()
        .map(|authority| authority.as_str().to_owned());
    let host = by_target
        .or_else(|| text(&parts.headers, &header::HOST))
        .filter(|host| is_host(host))
        .unwrap_or_else(|| "localhost".to_owned());
    format!("http://{host}")
}

/// Whether the text is a host and not something that wants to be shown to people.
fn is_host(text: &str) -> bool {
    (1..=255).contains(&text.len())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']' | '_'))
}

/// The path below which everything is served: empty for the root, else with a slash in front and none behind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MountPath(Box<str>);

impl MountPath {
    /// Whether everything is served at the root.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The path; empty for the root.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MountPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text is no path below which an index could be served.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{}` is not a path of plain names, such as /pypi or /team/python", .0.escape_debug())]
pub struct MountPathError(String);

impl FromStr for MountPath {
    type Err = MountPathError;

    /// Slashes at both ends may be there or not; `/` alone is the root.
    fn from_str(text: &str) -> Result<Self, MountPathError> {
        let path = text.trim_matches('/');
        if path.is_empty() {
            return Ok(Self::default());
        }
        let is_plain = |segment: &str| {
            !["", ".", ".."].contains(&segment)
                && segment
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-._~+@".contains(&byte))
        };
        if text.len() > 1024 || !path.split('/').all(is_plain) {
            return Err(MountPathError(text.chars().take(200).collect()));
        }
        Ok(Self(format!("/{path}").into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mount_paths_are_plain_names() {
        for (text, path) in [
            ("/", ""),
            ("", ""),
            ("pypi", "/pypi"),
            ("/pypi", "/pypi"),
            ("/pypi/", "/pypi"),
            ("/team/python_3.12/", "/team/python_3.12"),
        ] {
            assert_eq!(text.parse::<MountPath>().unwrap().as_str(), path, "{text}");
        }
        for bad in [
            "/a//b",
            "/a/../b",
            "/.",
            "/a b",
            "/{x}",
            "/a?b",
            "/a#b",
            "/ä",
            "http://x/y",
            "/a\\b",
            "/%41",
            "/*",
        ] {
            assert!(bad.parse::<MountPath>().is_err(), "{bad}");
        }
    }
}
