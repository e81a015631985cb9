//! Uploads in the legacy form that twine, uv, poetry and all others send.

use axum::body::Body;
use axum::extract::{Request, State as AxumState};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt as _;
use tracing::debug;

use super::error::ApiError;
use super::extract::Visitor;
use super::multipart::{self, Multipart, MultipartError, PartHead};
use super::patience::Answering;
use super::state::State;
use crate::auth::{Action, Username};
use crate::index::{Spool, Submission};
use crate::packaging::upload_form::{self, UploadForm};

/// Tells what became of an accepted upload: `stored`, `unchanged` or `replaced`.
const OUTCOME_HEADER: &str = "x-pkgctl-upload";
/// Bound of a text field, in bytes.
const MAX_FIELD_BYTES: usize = 64 << 10;
/// Bound of the fields that hold whole documents, in bytes.
const MAX_DOCUMENT_BYTES: usize = 4 << 20;
/// Fields that hold whole documents.
const DOCUMENTS: [&str; 3] = ["description", "attestations", "gpg_signature"];
/// Bound of all text fields together, in bytes.
const MAX_FORM_BYTES: usize = 16 << 20;
/// After so many bytes of an upload the disk is looked at again: others fill it too.
const DISK_LOOK_BYTES: u64 = 16 << 20;
/// How long the rest of a refused upload is still taken, so that the client gets to read why.
const DRAIN_TIME: std::time::Duration = std::time::Duration::from_secs(30);

/// `POST` of the upload form, at any of the addresses where uploaders expect it.
pub(super) async fn post(
    AxumState(state): AxumState<State>,
    visitor: Visitor,
    request: Request,
) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let user = match admit(&state, &parts.headers, &visitor).await {
        Ok(user) => user,
        Err(refusal) => return Ok(refuse_unread(&parts, body, refusal)),
    };
    let boundary = match multipart::boundary(&parts.headers) {
        Ok(boundary) => boundary,
        Err(error) => {
            let refusal = ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, error.to_string());
            return Ok(refuse_unread(&parts, body, refusal));
        }
    };
    let _turn = match state.upload_turn().await {
        Ok(turn) => turn,
        Err(refusal) => return Ok(refuse_unread(&parts, body, refusal)),
    };
    let limits = &state.settings().limits;
    let mut form = Multipart::new(body, &boundary, max_body_bytes(&state), limits.body_pause);
    match receive(&state, &mut form).await {
        Ok(received) => {
            let action = received.form.action;
            answer(&state, received, user)
                .await
                .inspect_err(|error| debug!(?action, %error.message, "refused"))
        }
        Err(refusal) => Ok(refuse_half_read(&parts, form.into_body(), refusal)),
    }
}

/// Everything that can be judged before a byte of the body is read.
async fn admit(state: &State, headers: &HeaderMap, visitor: &Visitor) -> Result<Option<Username>, ApiError> {
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
        if state
            .index()
            .free_bytes()
            .await
            .is_some_and(|free_bytes| announced_bytes > free_bytes)
        {
            return Err(ApiError::no_space());
        }
    }
    Ok(user)
}

/// The file, and the form around it.
fn max_body_bytes(state: &State) -> u64 {
    state
        .settings()
        .max_upload_bytes
        .saturating_add(2 * MAX_FORM_BYTES as u64)
}

/// A form that has arrived.
struct Received {
    form: UploadForm,
    file: Option<(String, Spool)>,
}

/// Reads all parts: text into memory, the file into a spool.
async fn receive(state: &State, multipart: &mut Multipart) -> Result<Received, ApiError> {
    let mut fields: Vec<(String, String)> = Vec::new();
    let mut form_bytes = 0;
    let mut file = None;
    while let Some(head) = multipart.next_part().await? {
        if head.name == upload_form::CONTENT_FIELD {
            let filename = head.filename.ok_or_else(|| {
                ApiError::bad_request("the field `content` is text; it must be a file with a name")
            })?;
            if file.is_some() {
                return Err(ApiError::bad_request(
                    "the form has two files; upload one at a time",
                ));
            }
            file = Some((filename, spool(state, multipart).await?));
            continue;
        }
        let value = read_field(multipart, &head).await?;
        form_bytes += head.name.len() + value.len();
        if form_bytes > MAX_FORM_BYTES {
            let message = format!("the form's text is longer than {MAX_FORM_BYTES} bytes");
            return Err(ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, message));
        }
        // Signatures come as files; nothing else of the form does.
        if head.filename.is_none() {
            fields.push((head.name, value));
        }
    }
    Ok(Received {
        form: UploadForm::from_fields(&fields)?,
        file,
    })
}

async fn read_field(multipart: &mut Multipart, head: &PartHead) -> Result<String, ApiError> {
    let is_document = DOCUMENTS.contains(&head.name.as_str());
    let max_bytes = if is_document {
        MAX_DOCUMENT_BYTES
    } else {
        MAX_FIELD_BYTES
    };
    let shown: String = head.name.chars().take(64).collect();
    let value = multipart.whole(max_bytes).await.map_err(|error| match error {
        MultipartError::TooLarge { .. } => {
            let message = format!(
                "the field `{}` is longer than {max_bytes} bytes",
                shown.escape_debug()
            );
            ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, message)
        }
        other => other.into(),
    })?;
    // What metadata say is taken from the archive, so a field with odd bytes in it is no reason to refuse.
    Ok(String::from_utf8(value)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}

/// Streams the file to disk, hashing as it comes.
async fn spool(state: &State, multipart: &mut Multipart) -> Result<Spool, ApiError> {
    let max_bytes = state.settings().max_upload_bytes;
    let mut spool = state.index().begin_upload().await?;
    let mut received_bytes = 0_u64;
    let mut look_at_disk_again = DISK_LOOK_BYTES;
    while let Some(chunk) = multipart.chunk().await? {
        received_bytes += chunk.len() as u64;
        if received_bytes > max_bytes {
            return Err(ApiError::too_large(max_bytes));
        }
        spool.write(chunk).await.map_err(crate::index::Error::from)?;
        if received_bytes >= look_at_disk_again {
            look_at_disk_again += DISK_LOOK_BYTES;
            if state.index().free_bytes().await == Some(0) {
                return Err(ApiError::no_space());
            }
        }
    }
    Ok(spool)
}

async fn answer(state: &State, received: Received, user: Option<Username>) -> Result<Response, ApiError> {
    use upload_form::Action as Asked;
    let Received { form, file } = received;
    match form.action {
        Asked::FileUpload => {
            let (filename, spool) = file.ok_or_else(|| {
                ApiError::bad_request("the form has no file: its field `content` is missing")
            })?;
            let uploader = user.map(|user| user.as_str().to_owned());
            let accepted = state
                .index()
                .accept(Submission {
                    form,
                    filename,
                    spool,
                    uploader,
                })
                .await?;
            // An empty body, as pypiserver's: uploaders print nothing then. Our own reads the header.
            Ok(([(OUTCOME_HEADER, accepted.name())], StatusCode::OK).into_response())
        }
        // Steps of the past: old tools take them first and want to hear that all is well.
        Asked::Submit | Asked::Verify => Ok(StatusCode::OK.into_response()),
        Asked::DocUpload => {
            let message = "this index keeps no documentation; upload distributions only";
            Err(ApiError::new(StatusCode::GONE, message))
        }
        Asked::RemovePkg => {
            let message = "this index doesn't remove releases through the upload form; \
                           ask its operator to delete the files from the packages folder";
            Err(ApiError::bad_request(message))
        }
    }
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
