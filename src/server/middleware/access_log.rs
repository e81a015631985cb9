//! One line for each request.

use std::net::IpAddr;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::extract::Request;
use axum::http::{Method, header};
use axum::response::Response;
use hyper::body::Body as _;
use tracing::info;

use crate::auth::Username;
use crate::server::extract::Client;

/// What the log line tells of a request; taken before a handler takes it apart.
pub(super) struct About {
    pub(super) request_id: String,
    method: Method,
    path: String,
    client: Option<IpAddr>,
    agent: String,
}

/// Tells the requests of this process from those of the one before it.
static RUN: LazyLock<String> = LazyLock::new(|| {
    let mut bytes = [0; 4];
    // Without randomness ids repeat after a restart, which confuses nobody but a reader of old logs.
    let _ = getrandom::fill(&mut bytes);
    data_encoding::HEXLOWER.encode(&bytes)
});
static COUNT: AtomicU64 = AtomicU64::new(1);

impl About {
    pub(super) fn of(request: &Request) -> Self {
        let agent = request
            .headers()
            .get(header::USER_AGENT)
            .and_then(|agent| agent.to_str().ok())
            .unwrap_or("-");
        Self {
            request_id: format!("{}-{}", *RUN, COUNT.fetch_add(1, Ordering::Relaxed)),
            method: request.method().clone(),
            // As it came, percent-encoded; a query is left out, since people put secrets there.
            path: request.uri().path().chars().take(500).collect(),
            client: request.extensions().get::<Client>().map(|client| client.0),
            agent: agent.chars().take(80).collect(),
        }
    }

    pub(super) fn log(&self, response: &Response, user: Option<&Username>, duration: Duration) {
        let user = user.map_or("-", Username::as_str);
        let announced = response
            .headers()
            .get(header::CONTENT_LENGTH)
            .and_then(|length| length.to_str().ok());
        let size_bytes = announced
            .and_then(|length| length.parse().ok())
            .or(response.body().size_hint().exact());
        info!(
            method = %self.method,
            path = self.path,
            status = response.status().as_u16(),
            duration_ms = (duration.as_secs_f64() * 100_000.0).round() / 100.0,
            size_bytes = size_bytes.unwrap_or(0),
            user,
            client = self.client.map(tracing::field::display),
            agent = self.agent,
            request_id = self.request_id,
            "request"
        );
    }
}
