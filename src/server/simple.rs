//! The Simple repository API: the list of projects, and one page for each (PEP 503, 691).

use std::sync::Arc;

use axum::extract::State as AxumState;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, Version, header};
use axum::response::{IntoResponse, Response};

use super::error::ApiError;
use super::extract::{PathText, Visitor, Wanted, text};
use super::range::etag_matches;
use super::state::State;
use crate::auth::Action;
use crate::index::{Page, PageKey};
use crate::packaging::ProjectName;

/// What a shared cache must look at before it gives one client's page to another.
const VARY: &str = "Accept, Accept-Encoding";

/// `GET /simple`: the page is one slash further. Relative, so that it holds behind any proxy and under any prefix.
pub(super) async fn to_root(
    AxumState(state): AxumState<State>,
    visitor: Visitor,
    uri: Uri,
) -> Result<Response, ApiError> {
    state.authorize(Action::List, &visitor).await?;
    Ok(redirect(
        StatusCode::MOVED_PERMANENTLY,
        &with_query("simple/", &uri),
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
        Some(page) => Ok(send(&page, wanted, &headers)),
        None => Err(ApiError::not_found("there is no such page")),
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
    if project.as_str() != spelling {
        return Ok(redirect(
            StatusCode::MOVED_PERMANENTLY,
            &with_query(&format!("../{project}/"), &uri),
        ));
    }
    let key = PageKey {
        project: Some(project),
        format: wanted.format,
        gzip: wanted.gzip,
    };
    match (state.index().page(&key).await?, key.project) {
        (Some(page), _) => Ok(send(&page, wanted, &headers)),
        (None, Some(project)) => elsewhere(&state, &project, version),
        (None, None) => Err(ApiError::not_found("there is no such page")),
    }
}

/// Sends a client that asks for a project that was never here to the fallback index, unless the name is private.
fn elsewhere(state: &State, project: &ProjectName, version: Version) -> Result<Response, ApiError> {
    let unknown = || ApiError::not_found(format!("project `{project}` is not on this index"));
    let fallback = state.settings().fallback.as_ref().ok_or_else(unknown)?;
    if fallback.private.iter().any(|pattern| pattern.covers(project)) {
        return Err(unknown());
    }
    // As pypiserver does: HTTP/1.0 has no 303.
    let status = if version == Version::HTTP_10 {
        StatusCode::FOUND
    } else {
        StatusCode::SEE_OTHER
    };
    Ok(redirect(status, &format!("{}/{project}/", fallback.url)))
}

fn send(page: &Arc<Page>, wanted: Wanted, headers: &HeaderMap) -> Response {
    let unchanged =
        text(headers, &header::IF_NONE_MATCH).is_some_and(|known| etag_matches(&known, &page.etag));
    let mut response = if unchanged {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let content_type = [(header::CONTENT_TYPE, wanted.format.content_type())];
        (content_type, axum::body::Body::from(page.body.clone())).into_response()
    };
    let answer = response.headers_mut();
    if let Ok(etag) = HeaderValue::from_str(&page.etag) {
        answer.insert(header::ETAG, etag);
    }
    answer.insert(header::VARY, HeaderValue::from_static(VARY));
    // Clients may keep the page but must ask whether it still holds: an upload is visible at once.
    answer.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if page.gzip && !unchanged {
        answer.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

/// The query goes along: it may name the format that is wanted.
fn with_query(location: &str, uri: &Uri) -> String {
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
