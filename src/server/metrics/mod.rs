//! What the server counts of its own work, and `GET /metrics`, which shows it to Prometheus.
//!
//! Counting happens on every request, so it is an array look-up and a few atomics; `exposition.rs` gives the figures
//! their names and form when somebody asks.

use std::time::{Duration, Instant};

use axum::extract::State as AxumState;
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use super::error::ApiError;
use super::extract::Visitor;
use super::state::State;
use crate::auth::Action;
use crate::measures::{Counter, Durations};

mod exposition;

/// What a request was for, as operators think of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The list of projects.
    Root,
    /// The page of a project.
    Project,
    /// A distribution, its metadata file or its signature.
    File,
    /// An upload or another action of the upload form.
    Upload,
    /// Anything else.
    Other,
}

impl Kind {
    const ALL: [Self; 5] = [Self::Root, Self::Project, Self::File, Self::Upload, Self::Other];

    /// By method and path, which is cheaper than asking the router which of its routes it took.
    fn of(method: &Method, path: &str) -> Self {
        if method == Method::POST {
            return if path == "/RPC2" {
                Self::Other
            } else {
                Self::Upload
            };
        }
        let has_one_segment = |rest: &str| rest.find('/') == Some(rest.len().wrapping_sub(1));
        match (path.strip_prefix("/simple/"), path.strip_prefix("/packages/")) {
            (Some(""), _) => Self::Root,
            (Some(rest), _) if has_one_segment(rest) => Self::Project,
            (_, Some(rest)) if !rest.is_empty() => Self::File,
            _ => Self::Other,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Project => "project",
            Self::File => "file",
            Self::Upload => "upload",
            Self::Other => "other",
        }
    }
}

/// Classes of status codes, `1xx` to `5xx`.
const STATUS_CLASSES: usize = 5;

/// Counted since the start of the server.
#[derive(Debug)]
pub(super) struct Metrics {
    started: Instant,
    answers: [Answers; Kind::ALL.len()],
}

/// The answers to requests of one kind.
#[derive(Debug, Default)]
struct Answers {
    by_status: [Durations; STATUS_CLASSES],
    body_bytes: Counter,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            started: Instant::now(),
            answers: std::array::from_fn(|_| Answers::default()),
        }
    }
}

/// What must be known of a request before a handler takes it apart.
#[derive(Debug, Clone, Copy)]
pub(super) struct Counted {
    kind: Kind,
    has_body: bool,
}

impl Counted {
    pub(super) fn of(method: &Method, path: &str) -> Self {
        Self {
            kind: Kind::of(method, path),
            // The answer to HEAD announces a length but sends nothing.
            has_body: method != Method::HEAD,
        }
    }
}

impl Metrics {
    /// Takes note of an answer whose body has so many bytes.
    pub(super) fn record(&self, counted: Counted, status: StatusCode, body_bytes: u64, duration: Duration) {
        let answers = &self.answers[counted.kind as usize];
        let class = usize::from(status.as_u16() / 100).clamp(1, STATUS_CLASSES) - 1;
        answers.by_status[class].record(duration);
        if counted.has_body {
            answers.body_bytes.add(body_bytes);
        }
    }
}

/// `GET /metrics`: the server's figures in Prometheus' text format (`OpenMetrics` 1.0).
pub(super) async fn show(AxumState(state): AxumState<State>, visitor: Visitor) -> Result<Response, ApiError> {
    state.authorize(Action::Metrics, &visitor).await?;
    let text = exposition::text(&state).await?;
    let headers = [
        (header::CONTENT_TYPE, exposition::CONTENT_TYPE),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, text).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_as_what_they_are_for() {
        for (method, path, kind) in [
            (Method::GET, "/simple/", Kind::Root),
            (Method::HEAD, "/simple/", Kind::Root),
            (Method::GET, "/simple/x/", Kind::Project),
            (Method::GET, "/simple/x", Kind::Other),
            (Method::GET, "/simple/x/y/", Kind::Other),
            (Method::GET, "/packages/a/b.whl", Kind::File),
            (Method::GET, "/packages/", Kind::Other),
            (Method::POST, "/", Kind::Upload),
            (Method::POST, "/simple/", Kind::Upload),
            (Method::POST, "/RPC2", Kind::Other),
            (Method::GET, "/", Kind::Other),
        ] {
            assert_eq!(Kind::of(&method, path), kind, "{method} {path}");
        }
    }

    #[test]
    fn answers_are_told_apart_by_kind_and_class_of_status() {
        let metrics = Metrics::default();
        let project = Counted {
            kind: Kind::Project,
            has_body: true,
        };
        let head = Counted {
            has_body: false,
            ..project
        };
        metrics.record(project, StatusCode::OK, 100, Duration::from_micros(50));
        metrics.record(head, StatusCode::OK, 100, Duration::from_micros(50));
        metrics.record(project, StatusCode::NOT_MODIFIED, 0, Duration::ZERO);
        let answers = &metrics.answers[Kind::Project as usize];
        let counts = [0, 1, 2, 3, 4].map(|class: usize| answers.by_status[class].distribution().count);
        assert_eq!(counts, [0, 2, 1, 0, 0]);
        assert_eq!(answers.body_bytes.total(), 100);
        assert_eq!(metrics.answers[Kind::File as usize].body_bytes.total(), 0);
    }
}
