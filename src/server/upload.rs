//! `POST` of the legacy form that twine, uv, poetry and all others send: uploads, removals, and steps of the past.

use axum::body::Body;
use axum::extract::{Request, State as AxumState};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt as _;
use tracing::debug;

use super::error::ApiError;
use super::extract::Visitor;
use super::form::{self, MAX_FORM_BYTES, Received};
use super::multipart::{self, Multipart};
use super::patience::Answering;
use super::room::Expected;
use super::state::State;
use crate::auth::{Action, Username};
use crate::index::{Removal, Submission};
use crate::packaging::upload_form::{Action as Asked, RemovalForm, UploadForm};

/// Tells what became of an accepted upload: `stored`, `unchanged` or `replaced`.
const OUTCOME_HEADER: &str = "x-pkgctl-upload";
/// Forms up to this length may have no file, in bytes.
const SHORT_FORM_BYTES: u64 = 100 << 10;
/// How long the rest of a refused upload is still taken, so that the client gets to read why.
const DRAIN_TIME: std::time::Duration = std::time::Duration::from_secs(30);

/// `POST` of the upload form, at any of the addresses where uploaders expect it.
pub(super) async fn post(
    AxumState(state): AxumState<State>,
    visitor: Visitor,
    request: Request,
) -> Result<Response, ApiError> {
    let (parts, mut body) = request.into_parts();
    let (user, mut expected) = match admit(&state, &parts.headers, &visitor).await {
        Ok(admitted) => admitted,
        Err(refusal) => return Ok(refuse_unread(&parts, body, refusal)),
    };
    let _turn = match state.upload_turn().await {
        Ok(turn) => turn,
        Err(refusal) => return Ok(refuse_unread(&parts, body, refusal)),
    };
    let limits = &state.settings().limits;
    let received = if form::is_urlencoded(&parts.headers) {
        match form::receive_urlencoded(&mut body, limits.body_pause).await {
            Ok(received) => received,
            Err(refusal) => return Ok(refuse_half_read(&parts, body, refusal)),
        }
    } else {
        let boundary = match multipart::boundary(&parts.headers) {
            Ok(boundary) => boundary,
            Err(error) => {
                let refusal = ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, error.to_string());
                return Ok(refuse_unread(&parts, body, refusal));
            }
        };
        let mut form = Multipart::new(body, &boundary, max_body_bytes(&state), limits.body_pause);
        let received = tokio::time::timeout(
            limits.upload_timeout,
            form::receive_multipart(&state, &mut form, &mut expected),
        )
        .await
        .unwrap_or_else(|_| Err(ApiError::upload_too_long(limits.upload_timeout)));
        match received {
            Ok(received) => received,
            Err(refusal) => return Ok(refuse_half_read(&parts, form.into_body(), refusal)),
        }
    };
    answer(&state, received, user)
        .await
        .inspect_err(|error| debug!(%error.message, "refused"))
}

/// Everything that can be judged before a byte of the body is read.
async fn admit<'a>(
    state: &'a State,
    headers: &HeaderMap,
    visitor: &Visitor,
) -> Result<(Option<Username>, Expected<'a>), ApiError> {
    let user = state.authorize(Action::Update, visitor).await?;
    if headers.contains_key(header::CONTENT_ENCODING) {
        let message = "an upload's body must not have a Content-Encoding";
        return Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message));
    }
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if let Some(announced_bytes) = announced {
        if announced_bytes > max_body_bytes(state) {
            return Err(ApiError::too_large(state.settings().max_upload_bytes));
        }
        // Forms without a file are short, and removing something must work on a full disk.
        if announced_bytes > SHORT_FORM_BYTES {
            let expected = state.room().expect(announced_bytes);
            let free_bytes = state.index().free_bytes().await;
            if free_bytes.is_some_and(|free_bytes| !expected.fits(free_bytes)) {
                return Err(ApiError::no_space());
            }
            return Ok((user, expected));
        }
    }
    Ok((user, state.room().expect(0)))
}

/// The file, and the form around it.
fn max_body_bytes(state: &State) -> u64 {
    state
        .settings()
        .max_upload_bytes
        .saturating_add(2 * MAX_FORM_BYTES as u64)
}

/// Does what the form asks for. What has nothing to give answers with an empty body, as pypiserver does.
async fn answer(state: &State, received: Received, user: Option<Username>) -> Result<Response, ApiError> {
    match Asked::of(&received.fields)? {
        Asked::FileUpload => upload(state, received, user).await,
        Asked::RemovePkg => remove(state, &received, user).await,
        // Steps of the past: old tools take them first and want to hear that all is well.
        Asked::Submit | Asked::Verify => Ok(StatusCode::OK.into_response()),
        Asked::DocUpload => {
            let message = "this index keeps no documentation; upload distributions only";
            Err(ApiError::new(StatusCode::GONE, message))
        }
    }
}

async fn upload(state: &State, received: Received, user: Option<Username>) -> Result<Response, ApiError> {
    let form = UploadForm::from_fields(&received.fields)?;
    let file = received.file.ok_or_else(|| {
        ApiError::bad_request(
            "the form has no file: its field `content` is missing, or is not a part of a multipart form",
        )
    })?;
    let accepted = state
        .index()
        .accept(Submission {
            form,
            filename: file.filename,
            spool: file.spool,
            signature: file.signature,
            uploader: user.map(|user| user.as_str().to_owned()),
        })
        .await?;
    // Uploaders print nothing for an empty body. Our own reads the header.
    Ok(([(OUTCOME_HEADER, accepted.name())], StatusCode::OK).into_response())
}

async fn remove(state: &State, received: &Received, user: Option<Username>) -> Result<Response, ApiError> {
    let RemovalForm {
        name,
        version,
        version_as_written,
    } = RemovalForm::from_fields(&received.fields)?;
    let removal = Removal {
        project: name,
        version,
        version_as_written,
        actor: user.map(|user| user.as_str().to_owned()),
    };
    state.index().remove_release(removal).await?;
    Ok(StatusCode::OK.into_response())
}

/// Answers before the body has been read, and ends the connection behind the answer.
///
/// A client that is still sending would find the connection reset and never read the answer, so the rest is taken
/// for a while and thrown away; it is never looked at. One that waits for permission to send isn't given it.
fn refuse_unread(parts: &Parts, body: Body, refusal: ApiError) -> Response {
    if parts.headers.contains_key(header::EXPECT) {
        return ([(header::CONNECTION, "close")], refusal).into_response();
    }
    refuse_half_read(parts, body, refusal)
}

/// The same for a body that was begun to be read: whoever waited for permission has it.
fn refuse_half_read(parts: &Parts, body: Body, refusal: ApiError) -> Response {
    let answering = parts.extensions.get::<Answering>().map(Answering::begin);
    tokio::spawn(async move {
        let _answering = answering;
        // Ends with the body, with the connection, or with our patience.
        let _ = tokio::time::timeout(DRAIN_TIME, drain(body)).await;
    });
    ([(header::CONNECTION, "close")], refusal).into_response()
}

async fn drain(mut body: Body) {
    while let Some(Ok(_)) = body.frame().await {}
}
