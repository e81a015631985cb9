//! Every failure that a client can see: its status code, its public text, and its private cause.
//!
//! One sentence serves three readers. twine prints HTTP's reason phrase, uv reads problem documents, a person reads
//! the body; `middleware/errors.rs` puts the sentence in all three places.

use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State as AxumState;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::multipart::MultipartError;
use super::state::State;
use crate::auth::{Action, Denied};
use crate::index::{self, Refusal, RemovalError, Trouble};
use crate::packaging::ProjectName;
use crate::packaging::name::NameError;
use crate::packaging::upload_form::FormError;

/// A request's failure.
#[derive(Debug, Clone)]
pub(super) struct ApiError {
    pub(super) status: StatusCode,
    /// For the client: one sentence that says what is wrong and, where there is one, the remedy.
    pub(super) message: String,
    pub(super) retry_after: Option<Duration>,
    /// Whether to ask for credentials.
    pub(super) challenge: bool,
    /// Whether the body is JSON whatever the client accepts, because nothing else is ever answered there.
    pub(super) as_json: bool,
    /// For the log alone.
    pub(super) cause: Option<Arc<dyn StdError + Send + Sync>>,
}

impl ApiError {
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            retry_after: None,
            challenge: false,
            as_json: false,
            cause: None,
        }
    }

    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }

    pub(super) fn credentials_missing() -> Self {
        let message = "this index asks for a user name and a password";
        Self {
            challenge: true,
            ..Self::new(StatusCode::UNAUTHORIZED, message)
        }
    }

    /// What nobody may do on this server.
    pub(super) fn switched_off(action: Action) -> Self {
        let what = match action {
            Action::List => "pages are",
            Action::Download => "downloads are",
            Action::Update => "uploads are",
            Action::Metrics => "the figures at /metrics are",
        };
        let message = format!("{what} switched off: this index was started without a passwords file");
        Self::new(StatusCode::FORBIDDEN, message)
    }

    /// Its first file is being copied in: neither here yet nor to be looked for elsewhere.
    pub(super) fn arriving(project: &ProjectName) -> Self {
        let message = format!(
            "the first file of project `{project}` is being written right now; try again in a moment"
        );
        Self {
            retry_after: Some(Duration::from_secs(2)),
            ..Self::new(StatusCode::SERVICE_UNAVAILABLE, message)
        }
    }

    pub(super) fn too_many_uploads() -> Self {
        let message = "too many uploads are waiting already; try again in a moment";
        let retry_after = Some(Duration::from_secs(5));
        Self {
            retry_after,
            ..Self::new(StatusCode::SERVICE_UNAVAILABLE, message)
        }
    }

    pub(super) fn not_acceptable() -> Self {
        let message = "this page is offered as application/vnd.pypi.simple.v1+json, \
                       application/vnd.pypi.simple.v1+html and text/html, none of which the Accept header names";
        Self::new(StatusCode::NOT_ACCEPTABLE, message)
    }

    pub(super) fn too_large(limit_bytes: u64) -> Self {
        let message = format!("the file is larger than this index accepts, which is {limit_bytes} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, message)
    }

    pub(super) fn upload_too_long(limit: Duration) -> Self {
        let message = format!(
            "the upload took longer than this index waits, which is {} seconds",
            limit.as_secs()
        );
        Self::new(StatusCode::REQUEST_TIMEOUT, message)
    }

    pub(super) fn no_space() -> Self {
        let message = "the index has no space left for this file; tell its operator, then upload again";
        Self::new(StatusCode::INSUFFICIENT_STORAGE, message)
    }
}

impl IntoResponse for ApiError {
    /// A bare answer that carries the failure along; the middleware, which knows the client, gives it its form.
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<index::Error> for ApiError {
    fn from(error: index::Error) -> Self {
        let busy = |message: &str, retry_after| Self {
            retry_after,
            ..Self::new(StatusCode::SERVICE_UNAVAILABLE, message)
        };
        let told = match error.trouble() {
            Trouble::NoSpace => Self::no_space(),
            Trouble::NotWritable => busy(
                "the packages folder of this index can't be written to; tell its operator",
                None,
            ),
            Trouble::Unsteady => {
                let soon = Some(Duration::from_secs(2));
                busy("the file is being written right now; try again in a moment", soon)
            }
            Trouble::DiskFails => busy(
                "the disk of this index fails, and uploads are refused until it is mended; tell its operator",
                None,
            ),
            Trouble::FolderGone => busy(
                "the packages folder of this index is not there right now; tell its operator",
                Some(Duration::from_secs(10)),
            ),
            Trouble::Busy => busy(
                "the catalog of this index is locked by another program; try again in a moment",
                Some(Duration::from_secs(5)),
            ),
            Trouble::Internal => {
                let message = "the index could not do its work; its log says why";
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, message)
            }
        };
        Self {
            cause: Some(Arc::new(error)),
            ..told
        }
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let message = refusal.to_string();
        match refusal {
            Refusal::Filename(_)
            | Refusal::Name { .. }
            | Refusal::Version { .. }
            | Refusal::Digest { .. }
            | Refusal::Archive { .. } => Self::bad_request(message),
            Refusal::Duplicate { .. } | Refusal::Occupied { .. } => Self::new(StatusCode::CONFLICT, message),
            Refusal::Status { .. } => Self::new(StatusCode::FORBIDDEN, message),
            Refusal::Index(error) => error.into(),
        }
    }
}

impl From<RemovalError> for ApiError {
    fn from(error: RemovalError) -> Self {
        let message = error.to_string();
        let failed = |message, trouble| match trouble {
            Trouble::NoSpace | Trouble::Unsteady | Trouble::Internal => {
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, message)
            }
            _ => Self::new(StatusCode::SERVICE_UNAVAILABLE, message),
        };
        match error {
            RemovalError::Nothing { .. } => Self::not_found(message),
            RemovalError::Incomplete { source, .. } => {
                let cause = index::Error::from(source);
                Self {
                    ..failed(message, cause.trouble())
                }
            }
            RemovalError::Index(error) => error.into(),
        }
    }
}

impl From<FormError> for ApiError {
    fn from(error: FormError) -> Self {
        Self::bad_request(error.to_string())
    }
}

impl From<NameError> for ApiError {
    fn from(error: NameError) -> Self {
        Self::not_found(format!("there is no such project: {error}"))
    }
}

impl From<MultipartError> for ApiError {
    fn from(error: MultipartError) -> Self {
        let message = error.to_string();
        match error {
            MultipartError::TooLarge { .. } => Self::new(StatusCode::PAYLOAD_TOO_LARGE, message),
            MultipartError::Stalled { .. } | MultipartError::TooSlow => {
                Self::new(StatusCode::REQUEST_TIMEOUT, message)
            }
            MultipartError::Boundary
            | MultipartError::Head(_)
            | MultipartError::HeadTooLong
            | MultipartError::TooManyParts
            | MultipartError::Truncated
            | MultipartError::Trailing
            | MultipartError::Lost(_) => Self::bad_request(message),
        }
    }
}

impl From<Denied> for ApiError {
    fn from(denied: Denied) -> Self {
        let later = |message: &str, retry_after| Self {
            retry_after: Some(retry_after),
            ..Self::new(StatusCode::TOO_MANY_REQUESTS, message)
        };
        match denied {
            Denied::Missing => Self::credentials_missing(),
            Denied::Malformed => Self {
                message: "the Authorization header is not HTTP Basic with a user name and a password"
                    .to_owned(),
                ..Self::credentials_missing()
            },
            Denied::Wrong => Self {
                message: "wrong user name or password".to_owned(),
                ..Self::credentials_missing()
            },
            Denied::TooManyAttempts { retry_after } => later(
                "too many wrong passwords; wait before the next attempt",
                retry_after,
            ),
            Denied::Busy { retry_after } => {
                later("too many logins at once; try again in a moment", retry_after)
            }
        }
    }
}

/// No route matches.
pub(super) async fn no_such_page(AxumState(state): AxumState<State>) -> ApiError {
    let mount = &state.settings().mount;
    ApiError::not_found(format!(
        "there is no such page; this index is at {mount}/, its projects are at {mount}/simple/"
    ))
}

/// The route exists, but not with this method.
pub(super) async fn method_not_allowed() -> ApiError {
    let message =
        "this address does not take that method; uploads go to / by POST, everything else is read by GET";
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, message)
}
