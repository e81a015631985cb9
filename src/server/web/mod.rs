//! Pages for people.

use axum::extract::State as AxumState;
use axum::http::{HeaderValue, header};
use axum::response::{Html, IntoResponse, Response};

use self::template::Values;
use self::welcome_page::WelcomePage;
use super::address::Address;
use super::error::ApiError;
use super::state::State;
use crate::auth::Action;
use crate::auth::policy::Access;

mod template;
mod welcome_page;

pub use self::template::{TemplateError, WelcomeTemplate};

/// A page of the operator's own may hold what the operator wants, but it must not be shown within other pages.
const POLICY_OF_OWN_PAGE: &str =
    "default-src http: https: data: 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'";

/// `GET /`: what this is, for someone who opens the address in a browser.
pub(super) async fn welcome(
    AxumState(state): AxumState<State>,
    address: Address,
) -> Result<Response, ApiError> {
    let counts = state.index().counts().await?;
    let version = env!("CARGO_PKG_VERSION");
    let url = address.url();
    let mut response = match &state.settings().welcome {
        Some(own) => {
            let values = Values {
                url: &url,
                version,
                files: counts.files,
                path: address.path(),
            };
            let policy = (header::CONTENT_SECURITY_POLICY, POLICY_OF_OWN_PAGE);
            ([policy], Html(own.render(values))).into_response()
        }
        None => {
            let uploads = state.access(Action::Update);
            let page = WelcomePage {
                files: counts.files,
                projects: counts.projects,
                url: &url,
                links: links(&state, &address),
                untrusted_host: untrusted_host(&address),
                takes_uploads: uploads != Access::Impossible,
                asks_for_password: uploads == Access::User,
                version,
            };
            Html(page.to_html()).into_response()
        }
    };
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Ok(response)
}

/// What links of the page begin with. At the root nothing, so that they hold behind any proxy; below a path all of it,
/// since the page is also shown where the final slash is missing.
fn links<'a>(state: &State, address: &'a Address) -> &'a str {
    if state.settings().mount.is_root() {
        ""
    } else {
        address.path()
    }
}

/// pip believes no host that it reaches in the open, but for this machine.
fn untrusted_host(address: &Address) -> Option<&str> {
    let host = address.host();
    let is_this_machine = ["localhost", "127.", "[::1]"]
        .iter()
        .any(|own| host.starts_with(own));
    (address.is_in_the_open() && !is_this_machine).then_some(host)
}

/// `GET /robots.txt`: an index of packages is nothing for search engines.
pub(super) async fn robots() -> impl IntoResponse {
    (
        [
            (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
            (header::CACHE_CONTROL, "max-age=86400"),
        ],
        "User-agent: *\nDisallow: /\n",
    )
}

/// `GET /favicon.ico`: there is none.
pub(super) async fn favicon() -> ApiError {
    ApiError::not_found("this index has no icon")
}
