//! The accept loop: how many connections there are, how long a silent one lives, and how all of them end.
//!
//! `axum::serve` has neither a bound on connections nor a time-out for a request's head, so hyper is driven here.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower::ServiceExt as _;
use tracing::{debug, info, warn};

use super::arrival::Arrival;
use super::origin::Scheme;
use super::patience::{Answering, Patient};
use super::{Limits, TrustedProxies};

/// Bound of a request's head, in bytes; also how much of a body is read at once.
const MAX_HEAD_BYTES: usize = 32 * 1024;
/// Bound of the lines in a request's head.
const MAX_HEADERS: usize = 100;
/// How long to wait when the system has no descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves connections until `shutdown` completes; then no new ones are taken, and those in flight have the limits'
/// grace to finish.
pub(super) async fn serve(
    limits: &Limits,
    proxies: Arc<TrustedProxies>,
    listener: TcpListener,
    router: Router,
    shutdown: impl Future<Output = ()>,
) {
    let places = Arc::new(Semaphore::new(limits.connections));
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(limits.idle_timeout);
    builder
        .max_buf_size(MAX_HEAD_BYTES)
        .max_headers(MAX_HEADERS)
        .keep_alive(true);
    let head_timeout = limits.head_timeout;
    let host = Host {
        builder,
        router,
        graceful: GracefulShutdown::new(),
        head_timeout,
    };
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            () = &mut shutdown => break,
            accepted = accept(&listener, &places, &proxies) => accepted,
        };
        match accepted {
            Ok((stream, arrival, place)) => host.serve(stream, arrival, place),
            Err(error) => {
                // A client that was gone again is its own affair; no descriptors left is ours, and passes.
                warn!(%error, "can't accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    info!(
        grace_seconds = limits.grace.as_secs(),
        "stopping: no new connections, requests in flight finish"
    );
    tokio::select! {
        () = host.graceful.shutdown() => info!("stopped"),
        () = tokio::time::sleep(limits.grace) => warn!("stopped with requests still in flight"),
    }
}

/// Waits for a free place first, so that clients beyond the limit wait in the system's queue.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
    proxies: &Arc<TrustedProxies>,
) -> io::Result<(TcpStream, Arrival, OwnedSemaphorePermit)> {
    let place = Arc::clone(places)
        .acquire_owned()
        .await
        .map_err(io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    let arrival = Arrival::over_tcp(peer, stream.local_addr()?, Scheme::Http, proxies);
    Ok((stream, arrival, place))
}

/// What every connection is served with.
struct Host {
    builder: http1::Builder,
    router: Router,
    graceful: GracefulShutdown,
    head_timeout: Duration,
}

impl Host {
    /// Serves one connection in a task of its own, which holds its place.
    fn serve(&self, stream: TcpStream, arrival: Arrival, place: OwnedSemaphorePermit) {
        // Answers are written whole; waiting for more to fill a packet only delays them.
        if let Err(error) = stream.set_nodelay(true) {
            debug!(%error, "can't switch off Nagle's algorithm");
        }
        let answering = Answering::default();
        let socket = TokioIo::new(Patient::new(stream, answering.clone(), self.head_timeout));
        let router = self.router.clone();
        let peer = arrival.peer();
        let service = service_fn(move |mut request: hyper::Request<Incoming>| {
            let now = answering.begin();
            let client = arrival.client(request.headers());
            request.extensions_mut().insert(client);
            request.extensions_mut().insert(arrival.clone());
            request.extensions_mut().insert(answering.clone());
            let answer = router.clone().oneshot(request.map(Body::new) as Request);
            async move {
                let _now = now;
                answer.await
            }
        });
        let connection = self
            .graceful
            .watch(self.builder.serve_connection(socket, service));
        tokio::spawn(async move {
            let _place = place;
            if let Err(error) = connection.await {
                debug!(%peer, %error, "connection ended");
            }
        });
    }
}
