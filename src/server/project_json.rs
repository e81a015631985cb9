//! The JSON of projects: as pypiserver has it at `/{project}/json`, as the public index has it below `/pypi/`.

use axum::extract::{Path, State as AxumState};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::Response;

use super::address::Address;
use super::error::ApiError;
use super::extract::{PathText, Visitor, text};
use super::simple::{BY_CODING, Sent, redirect, send, with_query};
use super::state::{Live, State};
use crate::auth::Action;
use crate::index::{DocumentKey, Which};
use crate::packaging::simple::negotiate::accepts_gzip;
use crate::packaging::{ProjectName, ReleaseVersion};

static OF_JSON: HeaderValue = HeaderValue::from_static("application/json");
static JSON: Sent = Sent {
    content_type: &OF_JSON,
    vary: &BY_CODING,
};

/// Who asks, and how the answer is to be sent.
pub(super) struct Asked {
    visitor: Visitor,
    address: Address,
    uri: Uri,
    headers: HeaderMap,
}

impl axum::extract::FromRequestParts<Live> for Asked {
    type Rejection = ApiError;

    async fn from_request_parts(
        parts: &mut axum::http::request::Parts,
        live: &Live,
    ) -> Result<Self, ApiError> {
        let Ok(visitor) = Visitor::from_request_parts(parts, live).await;
        let Ok(address) = Address::from_request_parts(parts, live).await;
        Ok(Self {
            visitor,
            address,
            uri: parts.uri.clone(),
            headers: parts.headers.clone(),
        })
    }
}

/// `GET /{project}/json`: pypiserver's, with all that the public index tells added.
pub(super) async fn newest(
    AxumState(state): AxumState<State>,
    PathText(spelling): PathText,
    asked: Asked,
) -> Result<Response, ApiError> {
    answer(&state, &spelling, Which::Newest, &asked)
        .await
        .map_err(as_json)
}

/// `GET /pypi/{project}/json`: the latest release and all others.
pub(super) async fn latest(
    AxumState(state): AxumState<State>,
    PathText(spelling): PathText,
    asked: Asked,
) -> Result<Response, ApiError> {
    answer(&state, &spelling, Which::Latest, &asked)
        .await
        .map_err(as_json)
}

/// `GET /pypi/{project}/{version}/json`: one release.
pub(super) async fn release(
    AxumState(state): AxumState<State>,
    path: Result<Path<(String, String)>, axum::extract::rejection::PathRejection>,
    asked: Asked,
) -> Result<Response, ApiError> {
    let refuse = |_| as_json(ApiError::bad_request("the address is not UTF-8"));
    let Path((spelling, version)) = path.map_err(refuse)?;
    let which = Which::Release(ReleaseVersion::parse(&version));
    answer(&state, &spelling, which, &asked).await.map_err(as_json)
}

async fn answer(state: &State, spelling: &str, which: Which, asked: &Asked) -> Result<Response, ApiError> {
    state.authorize(Action::List, &asked.visitor).await?;
    let project: ProjectName = spelling.parse()?;
    if project.as_str() != spelling {
        let location = respelt(asked.uri.path(), &which, &project);
        return Ok(redirect(
            StatusCode::MOVED_PERMANENTLY,
            &with_query(&location, &asked.uri),
        ));
    }
    let unknown = match &which {
        Which::Release(version) => format!("there is no release {version} of `{project}` on this index"),
        Which::Latest | Which::Newest => format!("there are no files of project `{project}` on this index"),
    };
    let gzip = accepts_gzip(text(&asked.headers, &header::ACCEPT_ENCODING).as_deref());
    let key = DocumentKey { project, which };
    let document = state.index().document(key, &asked.address.url(), gzip).await?;
    let document = document.ok_or_else(|| {
        ApiError::not_found(format!(
            "{unknown}; all projects are at {}simple/",
            asked.address.path()
        ))
    })?;
    Ok(send(&document, JSON, &asked.headers))
}

/// From `…/{spelling}/json` or `…/{spelling}/{version}/json`, each with or without a final slash, to the same below the
/// normalized name; relative, so that it holds behind any proxy.
fn respelt(path: &str, which: &Which, project: &ProjectName) -> String {
    let parts = match which {
        Which::Newest | Which::Latest => 1,
        Which::Release(_) => 2,
    };
    let behind = parts + usize::from(path.ends_with('/'));
    let mut rest: Vec<&str> = path.rsplit('/').take(behind).collect();
    rest.reverse();
    format!("{}{project}/{}", "../".repeat(behind), rest.join("/"))
}

fn as_json(error: ApiError) -> ApiError {
    ApiError {
        as_json: true,
        ..error
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_stay_below_the_same_address() {
        let base = url::Url::parse("http://x/").unwrap();
        let release = || Which::Release(ReleaseVersion::parse("1.0"));
        for (path, which, expected) in [
            ("/My_Lib/json", Which::Newest, "/my-lib/json"),
            ("/pypi/My_Lib/json", Which::Latest, "/pypi/my-lib/json"),
            ("/pypi/My_Lib/json/", Which::Latest, "/pypi/my-lib/json/"),
            (
                "/pypi/My_Lib/1.0%2Bl/json",
                release(),
                "/pypi/my-lib/1.0%2Bl/json",
            ),
            ("/pypi/My_Lib/pypi/json/", release(), "/pypi/my-lib/pypi/json/"),
        ] {
            let location = respelt(path, &which, &"my-lib".parse().unwrap());
            let target = base.join(path).unwrap().join(&location).unwrap();
            assert_eq!(target.path(), expected, "{path} to {location}");
            // Behind a proxy that shows all of this below a path of its own.
            let target = base
                .join(&format!("/deep/er{path}"))
                .unwrap()
                .join(&location)
                .unwrap();
            assert_eq!(
                target.path(),
                format!("/deep/er{expected}"),
                "{path} to {location}"
            );
        }
    }
}
