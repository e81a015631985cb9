//! From bytes of a request to domain types; nothing behind this door parses again.

use std::borrow::Cow;
use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, OnceLock};

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

use super::error::ApiError;
use crate::auth::Username;
use crate::packaging::simple::negotiate::{Format, accepts_gzip, choose_format};

/// The address that a request came from; put into each request by the accept loop.
#[derive(Clone, Copy, Debug)]
pub(super) struct Client(pub(super) IpAddr);

/// Where the name of a user who has proved it is left for the log line of the request.
#[derive(Clone, Debug, Default)]
pub(super) struct UserSlot(Arc<OnceLock<Username>>);

impl UserSlot {
    /// The name, once it has been proved.
    pub(super) fn name(&self) -> Option<&Username> {
        self.0.get()
    }
}

/// Who asks: an address, and what may prove a name.
#[derive(Clone, Debug)]
pub(super) struct Visitor {
    /// Where the request came from.
    pub(super) address: IpAddr,
    /// The `Authorization` header as it came.
    pub(super) authorization: Option<HeaderValue>,
    slot: UserSlot,
}

impl Visitor {
    /// Leaves the proved name for the log.
    pub(super) fn is_known_as(&self, user: &Username) {
        // A request is authorized once; should it be twice, it is the same user.
        let _ = self.slot.0.set(user.clone());
    }
}

impl<S: Sync> FromRequestParts<S> for Visitor {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        // Absent only where a test calls the router without a socket.
        let client = parts
            .extensions
            .get()
            .copied()
            .unwrap_or(Client(IpAddr::V4(Ipv4Addr::LOCALHOST)));
        Ok(Self {
            address: client.0,
            authorization: parts.headers.get(header::AUTHORIZATION).cloned(),
            slot: parts.extensions.get().cloned().unwrap_or_default(),
        })
    }
}

/// The one variable part of an address, decoded.
#[derive(Clone, Debug)]
pub(super) struct PathText(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for PathText {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let Path(text) = Path::from_request_parts(parts, state)
            .await
            .map_err(|_| ApiError::bad_request("the address is not UTF-8"))?;
        Ok(Self(text))
    }
}

/// In which form a Simple page is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) format: Format,
    pub(super) gzip: bool,
}

impl Wanted {
    /// HTML, whatever the client accepts.
    pub(super) fn html(headers: &HeaderMap) -> Self {
        Self {
            format: Format::Html,
            gzip: accepts_gzip(text(headers, &header::ACCEPT_ENCODING).as_deref()),
        }
    }
}

impl Wanted {
    /// What the headers say; `None` when they take nothing that there is.
    pub(super) fn by_headers(headers: &HeaderMap) -> Option<Self> {
        Some(Self {
            format: choose_format(text(headers, &header::ACCEPT).as_deref())?,
            gzip: Self::html(headers).gzip,
        })
    }
}

impl<S: Sync> FromRequestParts<S> for Wanted {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        if let Some(format) = parts.uri.query().and_then(format_parameter) {
            let gzip = Self::html(&parts.headers).gzip;
            return Ok(Self { format, gzip });
        }
        Self::by_headers(&parts.headers).ok_or_else(ApiError::not_acceptable)
    }
}

/// The `format` parameter of PEP 691; an unknown one leaves the choice to the `Accept` header.
fn format_parameter(query: &str) -> Option<Format> {
    let (_, value) = url::form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == "format")?;
    // A plus in a query string is a space, and these types have one.
    Format::from_media_type(&value.replace(' ', "+"))
}

/// A header as text; several of one name are one list. Where there is one, as nearly always, it is not copied.
pub(super) fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<Cow<'a, str>> {
    let mut values = headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let mut list = Cow::Borrowed(values.next()?);
    for value in values {
        let list = list.to_mut();
        list.push(',');
        list.push_str(value);
    }
    Some(list)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_parameter_is_a_media_type() {
        let json = Some(Format::Json);
        assert_eq!(
            format_parameter("format=application/vnd.pypi.simple.v1%2Bjson"),
            json
        );
        assert_eq!(
            format_parameter("a=b&format=application/vnd.pypi.simple.v1+json"),
            json
        );
        assert_eq!(format_parameter("format=json"), None);
        assert_eq!(format_parameter(""), None);
    }
}
