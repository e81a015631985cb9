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

/// The target of these lines. The text log shows their message alone, the JSON log all fields.
pub(crate) const ACCESS_TARGET: &str = "pkgctl::access";

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

    /// Writes the line: for a person as the message, for a machine as fields.
    pub(super) fn log(
        &self,
        response: &Response,
        size_bytes: u64,
        user: Option<&Username>,
        told: Option<&str>,
        duration: Duration,
    ) {
        if !tracing::enabled!(target: ACCESS_TARGET, tracing::Level::INFO) {
            return;
        }
        let status = response.status().as_u16();
        let user = user.map_or("-", Username::as_str);
        let duration_ms = (duration.as_secs_f64() * 10_000.0).round() / 10.0;
        let client = self
            .client
            .map_or_else(|| "-".to_owned(), |client| client.to_string());
        let tool = self.agent.split(' ').next().unwrap_or("-");
        let reason = told.map_or_else(String::new, |told| format!(": {told}"));
        info!(
            target: ACCESS_TARGET,
            method = %self.method,
            path = self.path,
            status,
            duration_ms,
            size_bytes,
            user,
            client,
            agent = self.agent,
            request_id = self.request_id,
            "{status} {} {} {size_bytes}B {duration_ms}ms {user} {client} {tool} {}{reason}",
            self.method,
            self.path,
            self.request_id
        );
    }
}

/// Bytes of the body, as far as they are known before it is sent.
pub(super) fn size_of(response: &Response) -> u64 {
    let announced = response.headers().get(header::CONTENT_LENGTH);
    let announced = announced.and_then(|length| length.to_str().ok()?.parse().ok());
    announced.or(response.body().size_hint().exact()).unwrap_or(0)
}
