//! The accept loop: how many connections there are, how long a silent one lives, and how all of them end.
//!
//! `axum::serve` has neither a bound on connections nor a time-out for a request's head, so hyper is driven here.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
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

use super::Limits;
use super::extract::Client;

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
    listener: TcpListener,
    router: Router,
    shutdown: impl Future<Output = ()>,
) {
    let places = Arc::new(Semaphore::new(limits.connections));
    let graceful = GracefulShutdown::new();
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_timeout);
    builder
        .max_buf_size(MAX_HEAD_BYTES)
        .max_headers(MAX_HEADERS)
        .keep_alive(true);
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            () = &mut shutdown => break,
            accepted = accept(&listener, &places) => accepted,
        };
        match accepted {
            Ok((stream, client, place)) => spawn(stream, client, place, &builder, router.clone(), &graceful),
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
        () = graceful.shutdown() => info!("stopped"),
        () = tokio::time::sleep(limits.grace) => warn!("stopped with requests still in flight"),
    }
}

/// Waits for a free place first, so that clients beyond the limit wait in the system's queue.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> io::Result<(TcpStream, Client, OwnedSemaphorePermit)> {
    let place = Arc::clone(places)
        .acquire_owned()
        .await
        .map_err(io::Error::other)?;
    let (stream, address) = listener.accept().await?;
    Ok((stream, Client(address.ip().to_canonical()), place))
}

fn spawn(
    stream: TcpStream,
    client: Client,
    place: OwnedSemaphorePermit,
    builder: &http1::Builder,
    router: Router,
    graceful: &GracefulShutdown,
) {
    // Answers are written whole; waiting for more to fill a packet only delays them.
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%error, "can't switch off Nagle's algorithm");
    }
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(client);
        router
            .clone()
            .oneshot(request.map(axum::body::Body::new) as Request)
    });
    let connection = graceful.watch(builder.serve_connection(TokioIo::new(stream), service));
    tokio::spawn(async move {
        let _place = place;
        if let Err(error) = connection.await {
            debug!(client = %client.0, %error, "connection ended");
        }
    });
}
