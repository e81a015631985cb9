//! Receives a form: its fields into memory, its file into a spool, all under bounds.
//!
//! Files come in multipart forms only. What has no file may come URL-encoded too, as `curl -d` and the scripts around
//! pypiserver send it.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use http_body_util::BodyExt as _;

use super::error::ApiError;
use super::multipart::{Multipart, MultipartError, PartHead};
use super::room::Expected;
use super::state::State;
use crate::index::Spool;
use crate::packaging::signature::{MAX_SIGNATURE_BYTES, SIGNATURE_ENDING, Signature};
use crate::packaging::upload_form::{CONTENT_FIELD, SIGNATURE_FIELD, announced_digests, is_read};

/// Bound of a text field, in bytes.
const MAX_FIELD_BYTES: usize = 64 << 10;
/// Bound of the fields that hold whole documents, in bytes.
const MAX_DOCUMENT_BYTES: usize = 4 << 20;
/// Fields that hold whole documents.
const DOCUMENTS: [&str; 3] = ["description", "attestations", "license"];
/// Bound of all fields but the file together, in bytes.
pub(super) const MAX_FORM_BYTES: usize = 16 << 20;
/// Bound of a URL-encoded form, in bytes; pypiserver's is the same.
const MAX_URLENCODED_BYTES: usize = 100 << 10;
/// After so many bytes of an upload the disk is looked at again: others fill it too.
const DISK_LOOK_BYTES: u64 = 16 << 20;

/// A form that has arrived.
#[derive(Default)]
pub(super) struct Received {
    /// The text fields that anything is made of, in the order in which they came.
    pub(super) fields: Vec<(String, String)>,
    /// The distribution.
    pub(super) file: Option<ReceivedFile>,
}

/// The file of a form.
pub(super) struct ReceivedFile {
    /// The name that its part gave.
    pub(super) filename: String,
    /// Its bytes.
    pub(super) spool: Spool,
    /// The signature that came with it.
    pub(super) signature: Option<Signature>,
}

/// Whether the body says of itself that it is a URL-encoded form.
pub(super) fn is_urlencoded(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(Ok(value)), None) = (values.next().map(|value| value.to_str()), values.next()) else {
        return false;
    };
    let media_type = value.split(';').next().unwrap_or_default().trim();
    media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// Reads a URL-encoded form, which must have come whole within `time`.
pub(super) async fn receive_urlencoded(body: &mut Body, time: Duration) -> Result<Received, ApiError> {
    let stalled = |_| MultipartError::Stalled {
        seconds: time.as_secs(),
    };
    let text = tokio::time::timeout(time, collect(body))
        .await
        .map_err(stalled)??;
    let fields = url::form_urlencoded::parse(&text)
        .filter(|(name, _)| is_read(name))
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    Ok(Received { fields, file: None })
}

async fn collect(body: &mut Body) -> Result<Vec<u8>, ApiError> {
    let mut text = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(MultipartError::Lost)?;
        let Ok(data) = frame.into_data() else { continue };
        if text.len() + data.len() > MAX_URLENCODED_BYTES {
            let message = format!(
                "a URL-encoded form may have {MAX_URLENCODED_BYTES} bytes; files are sent as multipart/form-data"
            );
            return Err(ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, message));
        }
        text.extend_from_slice(&data);
    }
    Ok(text)
}

/// Reads all parts of a multipart form, in whatever order they come.
pub(super) async fn receive_multipart(
    state: &State,
    form: &mut Multipart,
    expected: &mut Expected<'_>,
) -> Result<Received, ApiError> {
    let mut fields: Vec<(String, String)> = Vec::new();
    let mut form_bytes = 0;
    let (mut file, mut signature) = (None, None);
    while let Some(head) = form.next_part().await? {
        if head.name == CONTENT_FIELD {
            let filename = name_of_file(&head, "the distribution's file name")?;
            if file.is_some() {
                return Err(ApiError::bad_request(
                    "the form has two files; upload one at a time",
                ));
            }
            file = Some((filename, spool(state, form, &fields, expected).await?));
            continue;
        }
        let value = read_field(form, &head).await?;
        form_bytes += head.name.len() + value.len();
        if form_bytes > MAX_FORM_BYTES {
            let message = format!("the form's text is longer than {MAX_FORM_BYTES} bytes");
            return Err(ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, message));
        }
        if head.name == SIGNATURE_FIELD {
            read_signature(&head, value, &mut signature)?;
        } else if is_read(&head.name) {
            fields.push(read_text(head, value)?);
        }
    }
    let file = match file {
        None => None,
        Some((filename, spool)) => {
            let signature = signature_of(&filename, signature)?;
            Some(ReceivedFile {
                filename,
                spool,
                signature,
            })
        }
    };
    Ok(Received { fields, file })
}

/// The name of a part that must be a file.
fn name_of_file(head: &PartHead, expected: &str) -> Result<String, ApiError> {
    head.filename.clone().ok_or_else(|| {
        let name = shown(&head.name);
        let message = format!("the field `{name}` is text; it must be a file with a name, {expected}");
        ApiError::bad_request(message)
    })
}

/// The text of a field that something is made of.
fn read_text(head: PartHead, value: Vec<u8>) -> Result<(String, String), ApiError> {
    // pypiserver would overlook such a field, and with it the digest that it may hold.
    if head.filename.is_some() {
        let message = format!("the field `{}` is sent as a file; send it as text", head.name);
        return Err(ApiError::bad_request(message));
    }
    // A digest with odd bytes in it will be refused as one; in a comment they do no harm.
    let value = String::from_utf8(value)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
    Ok((head.name, value))
}

/// Takes the signature with the name that it came under. An empty one is none: browsers send such for a field that
/// was left alone.
fn read_signature(
    head: &PartHead,
    value: Vec<u8>,
    signature: &mut Option<(String, Signature)>,
) -> Result<(), ApiError> {
    if value.trim_ascii().is_empty() {
        return Ok(());
    }
    let filename = name_of_file(head, "the distribution's with `.asc` behind it")?;
    let parsed = Signature::parse(value).map_err(|error| ApiError::bad_request(error.to_string()))?;
    match signature.replace((filename, parsed)) {
        None => Ok(()),
        Some(_) => Err(ApiError::bad_request(
            "the form has two signatures; a file can have one",
        )),
    }
}

/// The signature, when it is that of this file.
fn signature_of(
    filename: &str,
    signature: Option<(String, Signature)>,
) -> Result<Option<Signature>, ApiError> {
    let Some((name, signature)) = signature else {
        return Ok(None);
    };
    if name.strip_suffix(SIGNATURE_ENDING) != Some(filename) {
        let message = format!(
            "the signature is named `{}`, but that of `{1}` must be named `{1}{SIGNATURE_ENDING}`",
            shown(&name),
            shown(filename)
        );
        return Err(ApiError::bad_request(message));
    }
    Ok(Some(signature))
}

async fn read_field(form: &mut Multipart, head: &PartHead) -> Result<Vec<u8>, ApiError> {
    let max_bytes = match head.name.as_str() {
        SIGNATURE_FIELD => MAX_SIGNATURE_BYTES,
        name if DOCUMENTS.contains(&name) => MAX_DOCUMENT_BYTES,
        _ => MAX_FIELD_BYTES,
    };
    form.whole(max_bytes).await.map_err(|error| match error {
        MultipartError::TooLarge { .. } => {
            let message = format!(
                "the field `{}` is longer than {max_bytes} bytes",
                shown(&head.name)
            );
            ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, message)
        }
        other => other.into(),
    })
}

/// Enough of a name to recognize it by, safe to show.
fn shown(name: &str) -> String {
    name.chars().take(200).flat_map(char::escape_debug).collect()
}

/// Streams the file to disk, hashing as it comes.
async fn spool(
    state: &State,
    form: &mut Multipart,
    fields: &[(String, String)],
    expected: &mut Expected<'_>,
) -> Result<Spool, ApiError> {
    let max_bytes = state.settings().max_upload_bytes;
    let mut spool = state.index().begin_upload().await?;
    // Uploaders send what they say of a file before the file.
    spool.digest_too(announced_digests(fields));
    let mut received_bytes = 0_u64;
    let mut look_at_disk_again = DISK_LOOK_BYTES;
    while let Some(chunk) = form.chunk().await? {
        let chunk_bytes = chunk.len() as u64;
        received_bytes += chunk_bytes;
        if received_bytes > max_bytes {
            return Err(ApiError::too_large(max_bytes));
        }
        spool.write(chunk).await.map_err(crate::index::Error::from)?;
        expected.arrived(chunk_bytes);
        if received_bytes >= look_at_disk_again {
            look_at_disk_again += DISK_LOOK_BYTES;
            if state.index().free_bytes().await == Some(0) {
                return Err(ApiError::no_space());
            }
        }
    }
    Ok(spool)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn urlencoded_forms_are_told_by_their_type() {
        let with = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::CONTENT_TYPE, HeaderValue::from_static(value));
            }
            is_urlencoded(&headers)
        };
        assert!(with(&["application/x-www-form-urlencoded"]));
        assert!(with(&["Application/X-WWW-Form-URLEncoded; charset=utf-8"]));
        for other in [
            &[][..],
            &["multipart/form-data; boundary=a"],
            &["application/json"],
            &[
                "application/x-www-form-urlencoded",
                "multipart/form-data; boundary=a",
            ],
        ] {
            assert!(!with(other), "{other:?}");
        }
    }
}
