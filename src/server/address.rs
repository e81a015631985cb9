//! The address under which a client knows the index, for links that must be absolute.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use axum::extract::{FromRef as _, FromRequestParts};
use axum::http::request::Parts;
use thiserror::Error;

use super::origin::{Origin, Scheme};
use super::state::{Live, State};

/// The address under which the client of one request knows the index.
///
/// The host is the client's own word: what holds it must not be kept for others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    origin: Origin,
    /// Begins and ends with a slash.
    path: String,
}

impl Address {
    /// The whole address, with a final slash.
    pub(super) fn url(&self) -> String {
        format!("{}://{}{}", self.origin.scheme().as_str(), self.host(), self.path)
    }

    /// Its path on the host, with a slash at both ends.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// The host and its port, without the scheme.
    pub(super) fn host(&self) -> &str {
        self.origin.authority()
    }

    /// Whether what passes between the client and the index can be read on the way.
    pub(super) fn is_in_the_open(&self) -> bool {
        self.origin.scheme() == Scheme::Http
    }
}

impl FromRequestParts<Live> for Address {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, live: &Live) -> Result<Self, Self::Rejection> {
        let origin = Origin::from_request_parts(parts, live).await?;
        let state = State::from_ref(live);
        Ok(Self {
            // A proxy may show the place where everything is mounted below yet another path.
            path: format!("{}{}/", origin.prefix(), state.settings().mount),
            origin,
        })
    }
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
