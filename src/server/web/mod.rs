//! Pages for people.

use askama::Template;
use axum::extract::State as AxumState;
use axum::http::{HeaderMap, header};
use axum::response::{Html, IntoResponse, Response};

use super::error::ApiError;
use super::extract::text;
use super::state::State;

#[derive(Template)]
#[template(
    ext = "html",
    source = r##"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Python packages</title>
<style>body { font-family: sans-serif; max-width: 42em; margin: 2em auto; padding: 0 1em; line-height: 1.5 }</style>
</head>
<body>
<h1>Python packages</h1>
<p>This private index holds {{ files }} files of {{ projects }} projects.</p>
<p>To install from it:</p>
<pre>pip install --extra-index-url http://{{ host }}/simple/ PACKAGE</pre>
<p><a href="simple/">All projects</a></p>
<p><small>pkgctl {{ version }}</small></p>
</body>
</html>
"##
)]
struct Welcome<'a> {
    files: u64,
    projects: u64,
    host: &'a str,
    version: &'static str,
}

/// `GET /`: what this is, for someone who opens the address in a browser.
pub(super) async fn welcome(
    AxumState(state): AxumState<State>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let counts = state.index().counts().await?;
    let host = text(&headers, &header::HOST)
        .filter(|host| is_host(host))
        .unwrap_or_else(|| "localhost".to_owned());
    let page = Welcome {
        files: counts.files,
        projects: counts.projects,
        host: &host,
        version: env!("CARGO_PKG_VERSION"),
    };
    // Rendering to memory has no way to fail.
    let page = Html(page.render().unwrap_or_default());
    Ok(([(header::CACHE_CONTROL, "no-cache")], page).into_response())
}

/// Whether the header is a host and not something that wants to be shown to people.
fn is_host(text: &str) -> bool {
    text.len() <= 255
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']' | '_'))
}
