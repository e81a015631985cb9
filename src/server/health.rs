//! Whether the server is alive, and whether it can do its work.

use std::str::FromStr;

use axum::extract::State as AxumState;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use thiserror::Error;

use super::error::ApiError;
use super::state::State;

/// `GET /ready`: whether the folders can be read and the catalog follows them; 503 with the reason when not.
///
/// A full disk refuses uploads, which say so themselves; whoever only reads is still served.
pub(super) async fn ready(AxumState(state): AxumState<State>) -> Result<Response, ApiError> {
    state.index().counts().await.map_err(|error| ApiError {
        status: StatusCode::SERVICE_UNAVAILABLE,
        ..error.into()
    })?;
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, "ready\n").into_response())
}

/// `GET /health`: answers as long as the server answers at all, with the words that pypiserver uses.
pub(super) async fn live() -> impl IntoResponse {
    (
        [
            (header::CONTENT_TYPE, "text/html; charset=utf-8"),
            (header::CACHE_CONTROL, "no-store"),
        ],
        "Ok",
    )
}

/// Where [`live`] is to be found, unless told otherwise.
const DEFAULT: &str = "/health";

/// First parts of the paths of other routes; `json` behind a name is one, too.
const TAKEN: [&str; 8] = [
    "simple", "packages", "pypi", "legacy", "RPC2", "ready", "metrics", "json",
];

/// The path at which the server tells that it is alive: pypiserver's `/[A-Za-z0-9/_-]+`, and of no other route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthPath(Box<str>);

impl HealthPath {
    /// The path, with a slash in front.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for HealthPath {
    fn default() -> Self {
        Self(DEFAULT.into())
    }
}

/// Why a path can't be that of the health check.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum HealthPathError {
    /// Not a path, or one with other characters.
    #[error("`{}` is not a slash with letters, digits, `/`, `_` or `-` behind it", .0.escape_debug())]
    Malformed(String),
    /// Something else is answered there.
    #[error("`{0}` is where this server answers something else")]
    Taken(String),
}

impl FromStr for HealthPath {
    type Err = HealthPathError;

    fn from_str(text: &str) -> Result<Self, HealthPathError> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/_-".contains(&byte);
        if text.len() < 2 || text.len() > 1024 || !text.starts_with('/') || !text.bytes().all(is_plain) {
            return Err(HealthPathError::Malformed(text.chars().take(200).collect()));
        }
        let mut parts = text.split('/').filter(|part| !part.is_empty());
        let first = parts.next();
        let is_json_of_a_project = text.trim_end_matches('/').ends_with("/json");
        if first.is_none() || is_json_of_a_project || TAKEN.iter().any(|taken| first == Some(taken)) {
            return Err(HealthPathError::Taken(text.to_owned()));
        }
        Ok(Self(text.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn health_paths_are_plain_and_free() {
        for good in [
            "/health", "/healthz", "/health/", "/-/live", "/a_b/C-9", "/HEALTH",
        ] {
            assert_eq!(good.parse::<HealthPath>().unwrap().as_str(), good);
        }
        for malformed in [
            "",
            "/",
            "health",
            "/a.b",
            "/a b",
            "/{x}",
            "/ä",
            "/a?b",
            "/%41",
            "http://x/",
        ] {
            let error = malformed.parse::<HealthPath>().unwrap_err();
            assert!(
                matches!(error, HealthPathError::Malformed(_)),
                "{malformed}: {error}"
            );
        }
        for taken in [
            "/simple",
            "/simple/",
            "/simple/x/",
            "/packages",
            "/packages/x",
            "/pypi",
            "/pypi/",
            "/pypi/x/json",
            "/legacy/",
            "/RPC2",
            "/x/json",
            "/x/json/",
            "/ready",
            "/metrics",
            "//",
        ] {
            let error = taken.parse::<HealthPath>().unwrap_err();
            assert!(matches!(error, HealthPathError::Taken(_)), "{taken}: {error}");
        }
    }
}
