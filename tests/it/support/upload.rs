//! The upload form as a test wants it: right in all but what the test is about.

use super::distributions::Distribution;
use super::http::{self, Reply};

const BOUNDARY: &str = "boundary-of-the-test";

/// A form that is being put together. Parts are sent in the order of the calls.
#[derive(Clone, Default)]
pub(crate) struct Form {
    parts: Vec<u8>,
}

/// The form that an uploader makes for a distribution.
pub(crate) fn form_for(distribution: &Distribution) -> Form {
    Form::default()
        .field(":action", "file_upload")
        .field("protocol_version", "1")
        .field("sha256_digest", &distribution.sha256())
        .file("content", &distribution.filename, &distribution.bytes)
}

impl Form {
    pub(crate) fn field(self, name: &str, value: &str) -> Self {
        self.part(&format!("form-data; name=\"{name}\""), value.as_bytes())
    }

    pub(crate) fn file(self, name: &str, filename: &str, content: &[u8]) -> Self {
        self.part(
            &format!("form-data; name=\"{name}\"; filename=\"{filename}\""),
            content,
        )
    }

    fn part(mut self, disposition: &str, content: &[u8]) -> Self {
        let head = format!("--{BOUNDARY}\r\nContent-Disposition: {disposition}\r\n\r\n");
        self.parts.extend(head.as_bytes());
        self.parts.extend(content);
        self.parts.extend(b"\r\n");
        self
    }

    pub(crate) fn content_type() -> String {
        format!("multipart/form-data; boundary={BOUNDARY}")
    }

    pub(crate) fn body(&self) -> Vec<u8> {
        let mut body = self.parts.clone();
        body.extend(format!("--{BOUNDARY}--\r\n").as_bytes());
        body
    }

    pub(crate) fn post(&self, server: &str, headers: &[(&str, &str)]) -> Reply {
        let content_type = Self::content_type();
        let mut all = vec![("Content-Type", content_type.as_str())];
        all.extend(headers);
        http::request(server, "POST", "/", &all, &self.body())
    }
}

/// Uploads a distribution without a password, as an uploader would.
pub(crate) fn upload(server: &str, distribution: &Distribution) -> Reply {
    form_for(distribution).post(server, &[])
}
