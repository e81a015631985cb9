//! The table of contents: every URL and the function that answers it.
//!
//! `HEAD` is answered wherever `GET` is.

use axum::Router;
use axum::routing::{MethodRouter, get, post};

use axum::extract::FromRef as _;

use super::HealthPath;
use super::state::{Live, State};
use super::{error, files, health, listing, metrics, middleware, project_json, search, simple, upload, web};

/// All routes, inside the one layer that every request passes.
pub(super) fn router(live: Live) -> Router {
    // Where the routes are stays what it was at the start.
    let at_start = State::from_ref(&live);
    let settings = at_start.settings();
    let around = axum::middleware::from_fn_with_state(live.clone(), middleware::around);
    let routes = routes(&settings.health_path).layer(around.clone());
    if settings.mount.is_root() {
        return routes.with_state(live);
    }
    // Outside there is nothing, not even the health check.
    let nothing: Router<Live> = Router::new().fallback(error::no_such_page).layer(around);
    nothing
        .nest_service(settings.mount.as_str(), routes.with_state(live.clone()))
        .with_state(live)
}

fn routes(health_path: &HealthPath) -> Router<Live> {
    Router::new()
        .route("/", get(web::welcome).merge(uploads()))
        // An address that ends in a slash, with another behind it: uploaders that join them so get through.
        .route("//", get(web::welcome).merge(uploads()))
        .route("/robots.txt", get(web::robots))
        .route("/favicon.ico", get(web::favicon))
        .route("/simple", get(simple::one_slash_further).merge(uploads()))
        .route("/simple/", get(simple::root).merge(uploads()))
        .route("/simple/{project}", get(simple::to_project))
        .route("/simple/{project}/", get(simple::project))
        // Where hatch looks for what it has uploaded before.
        .route("/+simple", get(simple::one_slash_further))
        .route("/+simple/", get(simple::html_root))
        .route("/+simple/{project}", get(simple::to_project))
        .route("/+simple/{project}/", get(simple::html_project))
        // hatch writes the plus in its other spelling.
        .route("/%2Bsimple/{project}/", get(simple::html_project))
        .route("/packages", get(simple::one_slash_further))
        .route("/packages/", get(listing::all_files))
        .route("/packages/{*path}", get(files::download))
        .route("/{project}/json", get(project_json::newest))
        .route("/pypi/{project}/json", get(project_json::latest))
        .route("/pypi/{project}/json/", get(project_json::latest))
        .route("/pypi/{project}/{version}/json", get(project_json::release))
        .route("/pypi/{project}/{version}/json/", get(project_json::release))
        .route("/RPC2", post(search::call))
        // What the upload form is posted to elsewhere; teams have these addresses in their configuration.
        .route("/legacy", uploads())
        .route("/legacy/", uploads())
        .route("/pypi", uploads())
        .route("/pypi/", uploads())
        .route("/ready", get(health::ready))
        .route("/metrics", get(metrics::show))
        .route(health_path.as_str(), get(health::live))
        .route("/{project}", get(simple::to_project_at_root))
        .route("/{project}/", get(simple::to_project_at_root))
        .fallback(error::no_such_page)
        .method_not_allowed_fallback(error::method_not_allowed)
}

fn uploads() -> MethodRouter<Live> {
    post(upload::post)
}
