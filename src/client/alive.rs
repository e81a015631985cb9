//! Whether a server is alive: one request, for health checks that run every few seconds.

use std::time::Duration;

use reqwest::StatusCode;
use url::{Host, Url};

use crate::causes::in_one_line;

/// Where servers of this kind say that they are alive, unless they are told another place.
const USUAL_PATH: &str = "/health";

/// Why a server doesn't count as alive.
#[derive(Debug, thiserror::Error)]
pub enum NotAlive {
    /// The text is no address of a server.
    #[error("it is not an address with http or https")]
    Address,
    /// It answered, but otherwise.
    #[error("it answers {0}")]
    Status(StatusCode),
    /// No answer came.
    #[error("{0}")]
    Silent(String),
}

/// Asks the server at `url` whether it is alive, and waits no longer than `patience`. An address without a path means
/// `/health`. Blocks.
///
/// The certificate of a server on this very machine is not checked: it is made out to another name, and nothing
/// secret is sent.
///
/// # Errors
/// [`NotAlive`].
pub fn check(url: &str, patience: Duration) -> Result<(), NotAlive> {
    let mut url: Url = url.parse().map_err(|_| NotAlive::Address)?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(NotAlive::Address);
    }
    if url.path() == "/" {
        url.set_path(USUAL_PATH);
    }
    let silent = |error: &(dyn std::error::Error + 'static)| NotAlive::Silent(in_one_line(error));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| silent(&error))?;
    let answer = runtime.block_on(async {
        // A second call finds the provider in place, which is just as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(patience)
            .tls_danger_accept_invalid_certs(is_this_machine(&url))
            .build()?;
        client.get(url).send().await
    });
    match answer.map_err(|error| silent(&error.without_url()))?.status() {
        StatusCode::OK => Ok(()),
        status => Err(NotAlive::Status(status)),
    }
}

fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
