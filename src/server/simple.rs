//! The Simple repository API: the list of projects, and one page for each (PEP 503, 691).

use axum::body::Body;
use axum::extract::State as AxumState;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, Version, header};
use axum::response::{IntoResponse, Response};

use super::at_hand::AtHand;
use super::error::{ApiError, no_such_page};
use super::extract::{PathText, Visitor, Wanted, text};
use super::range::etag_matches;
use super::state::State;
use crate::auth::Action;
use crate::index::{Page, PageKey};
use crate::packaging::ProjectName;
use crate::packaging::simple::negotiate::Format;

/// What is said of a rendered page beside its bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent {
    pub(super) content_type: &'static HeaderValue,
    /// What a shared cache must look at before it gives one client's page to another.
    pub(super) vary: &'static HeaderValue,
}

// Made once: each is checked byte by byte when it is made.
static JSON: HeaderValue = HeaderValue::from_static(Format::Json.content_type());
static HTML_V1: HeaderValue = HeaderValue::from_static(Format::HtmlV1.content_type());
pub(super) static HTML: HeaderValue = HeaderValue::from_static(Format::Html.content_type());
static BY_FORMAT_AND_CODING: HeaderValue = HeaderValue::from_static("Accept, Accept-Encoding");
pub(super) static BY_CODING: HeaderValue = HeaderValue::from_static("Accept-Encoding");
pub(super) static ASK_AGAIN: HeaderValue = HeaderValue::from_static("no-cache");
static GZIP: HeaderValue = HeaderValue::from_static("gzip");

impl Sent {
    pub(super) fn simple(format: Format) -> Self {
        Self {
            content_type: match format {
                Format::Json => &JSON,
                Format::HtmlV1 => &HTML_V1,
                Format::Html => &HTML,
            },
            vary: &BY_FORMAT_AND_CODING,
        }
    }
}

/// `GET /simple`, `/packages`, `/+simple`: the page is one slash further. Relative, so that it holds behind any proxy
/// and under any prefix.
pub(super) async fn one_slash_further(
    AxumState(state): AxumState<State>,
    visitor: Visitor,
    uri: Uri,
) -> Result<Response, ApiError> {
    state.authorize(Action::List, &visitor).await?;
    let last = uri.path().rsplit('/').next().unwrap_or_default();
    Ok(redirect(
        StatusCode::MOVED_PERMANENTLY,
        &with_query(&format!("{last}/"), &uri),
    ))
}

/// `GET /simple/`: every project.
pub(super) async fn root(
    AxumState(state): AxumState<State>,
    visitor: Visitor,
    wanted: Wanted,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    state.authorize(Action::List, &visitor).await?;
    let key = PageKey {
        project: None,
        format: wanted.format,
        gzip: wanted.gzip,
    };
    match state.index().page(&key).await? {
        Some(page) => Ok(send(&page, Sent::simple(wanted.format), &headers)),
        None => Err(no_such_page(AxumState(state)).await),
    }
}

/// `GET /+simple/`: the same for tools that look there, which read HTML and nothing else.
pub(super) async fn html_root(
    state: AxumState<State>,
    visitor: Visitor,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    root(state, visitor, Wanted::html(&headers), headers).await
}

/// `GET /+simple/{project}/`: the page of a project in HTML. hatch looks here for what it need not upload again, so
/// that unknown projects never lead to another index.
pub(super) async fn html_project(
    AxumState(state): AxumState<State>,
    visitor: Visitor,
    PathText(spelling): PathText,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    state.authorize(Action::List, &visitor).await?;
    let project: ProjectName = spelling.parse()?;
    let wanted = Wanted::html(&headers);
    match page_of(&state, &spelling, &project, &uri, wanted, &headers).await? {
        Some(response) => Ok(response),
        None => Err(unknown(&state, &project)),
    }
}

/// `GET /simple/{project}`: the page is one slash further, under the normalized name.
pub(super) async fn to_project(
    AxumState(state): AxumState<State>,
    visitor: Visitor,
    PathText(project): PathText,
    uri: Uri,
) -> Result<Response, ApiError> {
    state.authorize(Action::List, &visitor).await?;
    let project: ProjectName = project.parse()?;
    Ok(redirect(
        StatusCode::MOVED_PERMANENTLY,
        &with_query(&format!("{project}/"), &uri),
    ))
}

/// `GET /simple/{project}/`: the files of a project, or where to look for one that was never here.
pub(super) async fn project(
    AxumState(state): AxumState<State>,
    visitor: Visitor,
    PathText(spelling): PathText,
    uri: Uri,
    version: Version,
    wanted: Wanted,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    state.authorize(Action::List, &visitor).await?;
    let project: ProjectName = spelling.parse()?;
    match page_of(&state, &spelling, &project, &uri, wanted, &headers).await? {
        Some(response) => Ok(response),
        None => elsewhere(&state, &project, version),
    }
}

/// The page of a project, or the way from another spelling to it; `None` for one that was never here.
async fn page_of(
    state: &State,
    spelling: &str,
    project: &ProjectName,
    uri: &Uri,
    wanted: Wanted,
    headers: &HeaderMap,
) -> Result<Option<Response>, ApiError> {
    if project.as_str() != spelling {
        let location = with_query(&format!("../{project}/"), uri);
        return Ok(Some(redirect(StatusCode::MOVED_PERMANENTLY, &location)));
    }
    let key = PageKey {
        project: Some(project.clone()),
        format: wanted.format,
        gzip: wanted.gzip,
    };
    let page = state.index().page(&key).await?;
    Ok(page.map(|page| send(&page, Sent::simple(wanted.format), headers)))
}

/// Sends a client that asks for a project that was never here to the fallback index, unless the name is private.
fn elsewhere(state: &State, project: &ProjectName, version: Version) -> Result<Response, ApiError> {
    if state.index().is_arriving(project) {
        return Err(ApiError::arriving(project));
    }
    let fallback = state.settings().fallback.as_ref();
    let fallback = fallback.ok_or_else(|| unknown(state, project))?;
    if fallback.private.iter().any(|pattern| pattern.covers(project)) {
        return Err(unknown(state, project));
    }
    Ok(redirect(
        see_other(version),
        &format!("{}/{project}/", fallback.url),
    ))
}

fn unknown(state: &State, project: &ProjectName) -> ApiError {
    let mount = &state.settings().mount;
    ApiError::not_found(format!(
        "project `{project}` is not on this index; all projects are at {mount}/simple/"
    ))
}

/// As pypiserver does: HTTP/1.0 has no 303.
fn see_other(version: Version) -> StatusCode {
    if version == Version::HTTP_10 {
        StatusCode::FOUND
    } else {
        StatusCode::SEE_OTHER
    }
}

/// `GET /{project}` and `/{project}/`: people who leave out `simple/` are shown the way. Relative, so that it leads
/// nowhere else whatever stands in the address.
pub(super) async fn to_project_at_root(
    AxumState(state): AxumState<State>,
    PathText(project): PathText,
    uri: Uri,
    version: Version,
) -> Result<Response, ApiError> {
    let Ok(project) = project.parse::<ProjectName>() else {
        return Err(no_such_page(AxumState(state)).await);
    };
    let up = if uri.path().ends_with('/') { "../" } else { "" };
    Ok(redirect(see_other(version), &format!("{up}simple/{project}/")))
}

/// A rendered page, or 304 when the client has it.
pub(super) fn send(page: &Page, sent: Sent, headers: &HeaderMap) -> Response {
    answer(page, sent, headers).into_response().map(Body::from)
}

/// The same, as it lies ready.
pub(super) fn answer(page: &Page, sent: Sent, headers: &HeaderMap) -> AtHand {
    let unchanged =
        text(headers, &header::IF_NONE_MATCH).is_some_and(|known| etag_matches(&known, &page.etag));
    let mut answer = AtHand::new(if unchanged {
        StatusCode::NOT_MODIFIED
    } else {
        StatusCode::OK
    });
    if let Ok(etag) = HeaderValue::from_maybe_shared(page.etag.clone()) {
        answer.say(header::ETAG, etag);
    }
    answer.say(header::VARY, sent.vary.clone());
    // Clients may keep the page but must ask whether it still holds: an upload is visible at once.
    answer.say(header::CACHE_CONTROL, ASK_AGAIN.clone());
    if !unchanged {
        answer.say(header::CONTENT_TYPE, sent.content_type.clone());
        if page.gzip {
            answer.say(header::CONTENT_ENCODING, GZIP.clone());
        }
        answer.carry(page.body.clone());
    }
    answer
}

/// The query goes along: it may name the format that is wanted.
pub(super) fn with_query(location: &str, uri: &Uri) -> String {
    uri.query()
        .map_or_else(|| location.to_owned(), |query| format!("{location}?{query}"))
}

/// A redirect to an address that can stand in a header; those made here are of plain ASCII.
pub(super) fn redirect(status: StatusCode, location: &str) -> Response {
    match HeaderValue::from_str(location) {
        Ok(location) => (status, [(header::LOCATION, location)]).into_response(),
        Err(_) => ApiError::not_found("there is no such page").into_response(),
    }
}
