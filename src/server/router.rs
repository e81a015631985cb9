//! The table of contents: every URL and the function that answers it.
//!
//! `HEAD` is answered wherever `GET` is.

use axum::Router;
use axum::routing::{MethodRouter, get, post};

use super::state::State;
use super::{error, files, health, metrics, middleware, simple, upload, web};

/// All routes, inside the one layer that every request passes.
pub(super) fn router(state: State) -> Router {
    Router::new()
        .route("/", get(web::welcome).merge(uploads()))
        // An address that ends in a slash, with another behind it: uploaders that join them so get through.
        .route("//", get(web::welcome).merge(uploads()))
        .route("/simple", get(simple::to_root).merge(uploads()))
        .route("/simple/", get(simple::root).merge(uploads()))
        .route("/simple/{project}", get(simple::to_project))
        .route("/simple/{project}/", get(simple::project))
        .route("/packages/{*path}", get(files::download))
        // What the upload form is posted to elsewhere; teams have these addresses in their configuration.
        .route("/legacy", uploads())
        .route("/legacy/", uploads())
        .route("/pypi", uploads())
        .route("/pypi/", uploads())
        .route("/health", get(health::live))
        .route("/ready", get(health::ready))
        .route("/metrics", get(metrics::show))
        .fallback(error::no_such_page)
        .method_not_allowed_fallback(error::method_not_allowed)
        .layer(axum::middleware::from_fn_with_state(
            state.clone(),
            middleware::around,
        ))
        .with_state(state)
}

fn uploads() -> MethodRouter<State> {
    post(upload::post)
}
