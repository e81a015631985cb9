//! The accept loops: how many connections there are, what is spoken on them, and how all of them end.
//!
//! `axum::serve` has neither a bound on connections nor a time-out for a request's head, so hyper is driven here.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use futures_util::TryFutureExt as _;
use futures_util::future::{Either, join_all, ready};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tower::ServiceExt as _;
use tracing::{debug, info, warn};

use super::arrival::Arrival;
use super::door::Door;
use super::express::{Express, Question};
use super::farewell::{Ear, Farewell};
use super::handshake;
use super::http2_heads::Http2Heads;
use super::listener::{Listener, Listeners, Stream};
use super::origin::Scheme;
use super::patience::{Answering, Heads, Patience, Patient};
use super::resumed::Resumed;
use super::router::router;
use super::sent_body::SentBody;
use super::state::Live;
use super::tls::Tls;
use super::{Limits, TrustedProxies};

/// Bound of a request's head, in bytes; also how much of a body is read at once.
const MAX_HEAD_BYTES: usize = 32 * 1024;
/// Bound of the lines in a request's head.
pub(super) const MAX_HEADERS: usize = 100;
/// How long to wait when the system has no descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How often to say so.
const ACCEPT_WARNING_INTERVAL: Duration = Duration::from_secs(10);
/// How long connections that are cut have to clean up behind them.
const CUT_TIME: Duration = Duration::from_secs(1);

/// Requests at a time on one HTTP/2 connection; the standard asks for no less, and uv has half as many.
const MAX_STREAMS: u32 = 100;
/// Bytes of an answer that wait for a client to take them, for each request on an HTTP/2 connection.
const MAX_STREAM_SEND_BYTES: usize = 128 * 1024;
/// Bytes that a client may send before they are taken, for each HTTP/2 connection.
const RECEIVE_WINDOW_BYTES: u32 = 1024 * 1024;
/// Requests that a client may have taken back before they were looked at (CVE-2023-44487).
const MAX_RESETS: usize = 20;
/// How often an HTTP/2 client is asked whether it is still there, and how long it has to answer.
const PING_INTERVAL: Duration = Duration::from_secs(20);

/// Serves connections until `shutdown` completes; then no new ones are taken, and those in flight have the limits'
/// grace to finish.
pub(super) async fn serve(
    live: Live,
    limits: &Limits,
    listeners: Listeners,
    shutdown: impl Future<Output = ()>,
) {
    let host = Arc::new(Host::new(limits, live));
    let Listeners { sockets, tls } = listeners;
    let accepting = join_all(
        sockets
            .iter()
            .map(|listener| host.accept_from(listener, tls.as_ref())),
    );
    tokio::select! {
        () = shutdown => {}
        _ = accepting => {}
    }
    drop(sockets);
    info!(
        grace_seconds = limits.grace.as_secs(),
        "stopping: no new connections, requests in flight finish"
    );
    host.farewell.finish();
    if tokio::time::timeout(limits.grace, host.farewell.all_gone())
        .await
        .is_ok()
    {
        info!("stopped");
        return;
    }
    let connections = host.farewell.connections();
    host.farewell.cut();
    let _ = tokio::time::timeout(CUT_TIME, host.farewell.all_gone()).await;
    warn!(
        connections,
        "stopped; connections that were cut because their requests were not done after {} s: {connections}",
        limits.grace.as_secs()
    );
}

/// What every connection is served with.
struct Host {
    http1: http1::Builder,
    http2: http2::Builder<TokioExecutor>,
    express: Express,
    router: Router,
    farewell: Farewell,
    /// Clients beyond the limit wait in the system's queue.
    places: Arc<Semaphore>,
    proxies: Arc<TrustedProxies>,
    patience: Patience,
    idle_timeout: Duration,
}

impl Host {
    fn new(limits: &Limits, live: Live) -> Self {
        let mut http1 = http1::Builder::new();
        http1
            // `Patient` keeps the time: hyper would set a timer for each request.
            .header_read_timeout(None)
            .max_buf_size(MAX_HEAD_BYTES)
            // As many lines as `MAX_HEADERS` are hyper's own bound. Said aloud, it costs the filling of a table of that
            // length for each request.
            .keep_alive(true);
        let mut http2 = http2::Builder::new(TokioExecutor::new());
        http2
            .timer(TokioTimer::new())
            .max_concurrent_streams(MAX_STREAMS)
            .max_header_list_size(MAX_HEAD_BYTES as u32)
            .max_send_buf_size(MAX_STREAM_SEND_BYTES)
            .initial_connection_window_size(RECEIVE_WINDOW_BYTES)
            .initial_stream_window_size(RECEIVE_WINDOW_BYTES)
            .max_pending_accept_reset_streams(MAX_RESETS)
            .keep_alive_interval(PING_INTERVAL)
            .keep_alive_timeout(PING_INTERVAL);
        Self {
            http1,
            http2,
            proxies: Arc::new(live.trusted_proxies()),
            express: Express::new(live.clone()),
            router: router(live),
            farewell: Farewell::new(),
            places: Arc::new(Semaphore::new(limits.connections)),
            patience: Patience {
                silence: limits.idle_timeout,
                head: limits.head_timeout,
                write: limits.body_pause,
            },
            idle_timeout: limits.idle_timeout,
        }
    }

    /// Takes connections for as long as it is polled.
    async fn accept_from(self: &Arc<Self>, listener: &Listener, tls: Option<&Arc<Tls>>) -> Infallible {
        let bound = listener.address();
        let mut warned: Option<Instant> = None;
        loop {
            // A free place first. The semaphore is never closed, so one always comes.
            let place = Arc::clone(&self.places).acquire_owned().await.ok();
            match listener.accept().await {
                Ok(Stream::Tcp(stream, peer)) => {
                    let scheme = if tls.is_some() {
                        Scheme::Https
                    } else {
                        Scheme::Http
                    };
                    let Some(bound) = bound.or_else(|| stream.local_addr().ok()) else {
                        // It is gone again.
                        continue;
                    };
                    let arrival = Arrival::over_tcp(peer, bound, scheme, &self.proxies);
                    self.serve_tcp(stream, arrival, tls.cloned(), place);
                }
                Ok(Stream::Unix(stream)) => {
                    let arrival = Arrival::over_unix_socket(&self.proxies);
                    let host = Arc::clone(self);
                    tokio::spawn(async move {
                        let _place = place;
                        host.serve_http1(stream, arrival, host.farewell.ear()).await;
                    });
                }
                // A client that was gone again is its own affair.
                Err(error) if is_the_client_s(&error) => {
                    debug!(%error, "a connection was gone before it was accepted")
                }
                Err(error) => {
                    // No descriptors or no memory left: that passes. Asking again at once would only burn time.
                    if warned.is_none_or(|warned| warned.elapsed() >= ACCEPT_WARNING_INTERVAL) {
                        warn!(%error, "can't accept connections; trying on");
                        warned = Some(Instant::now());
                    }
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    /// Serves a connection in a task of its own, which holds its place.
    fn serve_tcp(
        self: &Arc<Self>,
        stream: TcpStream,
        arrival: Arrival,
        tls: Option<Arc<Tls>>,
        place: Option<OwnedSemaphorePermit>,
    ) {
        // Answers are written whole; waiting for more to fill a packet only delays them.
        if let Err(error) = stream.set_nodelay(true) {
            debug!(%error, "can't switch off Nagle's algorithm");
        }
        let host = Arc::clone(self);
        tokio::spawn(async move {
            let _place = place;
            let mut ear = host.farewell.ear();
            let Some(tls) = tls else {
                return host.serve_http1(stream, arrival, ear).await;
            };
            let greeted = ear
                .unless_told(handshake::greet(stream, &tls, host.patience.head))
                .await;
            match greeted {
                Some(Ok(stream)) if handshake::chose_http2(&stream) => {
                    host.serve_http2(stream, arrival, ear).await;
                }
                Some(Ok(stream)) => host.serve_http1(stream, arrival, ear).await,
                Some(Err(error)) => debug!(peer = %arrival.peer(), %error, "no TLS connection came about"),
                None => {}
            }
        });
    }

    async fn serve_http1<S>(&self, stream: S, arrival: Arrival, mut ear: Ear<'_>)
    where
        S: AsyncRead + AsyncWrite + Unpin + 'static,
    {
        let answering = Answering::default();
        let socket = Patient::new(stream, answering.clone(), Heads::Http1, self.patience);
        let door = Door::new(socket, &self.express, &arrival, &answering);
        let socket = match ear.see_off_http1(door, &answering).await {
            Some(Ok(Some((bytes, socket)))) => Resumed::new(bytes, socket),
            Some(Err(error)) => return debug!(peer = %arrival.peer(), %error, "connection ended"),
            Some(Ok(None)) | None => return,
        };
        let service = service_fn(|request| {
            let now = answering.begin();
            if let Some(answer) = self.at_once(&request, &arrival) {
                return Either::Left(ready(Ok(answer.map(|body| SentBody::whole(body, now)))));
            }
            let answer = self.answer(request, &arrival, &answering);
            Either::Right(async move {
                let answer = answer.await?;
                Ok::<_, Infallible>(answer.map(|body| SentBody::new(body, now)))
            })
        });
        let connection = self.http1.serve_connection(TokioIo::new(socket), service);
        if let Some(Err(error)) = ear.see_off_http1(connection, &answering).await {
            debug!(peer = %arrival.peer(), %error, "connection ended");
        }
    }

    async fn serve_http2<S>(&self, stream: S, arrival: Arrival, mut ear: Ear<'_>)
    where
        S: AsyncRead + AsyncWrite + Unpin + 'static,
    {
        let answering = Answering::default();
        let heads = Heads::Http2(Http2Heads::default());
        let socket = Patient::new(stream, answering.clone(), heads, self.patience);
        let service = service_fn(|request| {
            let now = answering.begin();
            let thinking = answering.think();
            if let Some(answer) = self.at_once(&request, &arrival) {
                let answer = answer.map(|body| SentBody::whole(body, now).with_steps());
                return Either::Left(ready(Ok(answer)));
            }
            let answer = self.answer(request, &arrival, &answering);
            Either::Right(async move {
                let mut answer = answer.await?;
                drop(thinking);
                // It is about the connection, of which HTTP/2 has its own way to speak (RFC 9113, section 8.2.2).
                answer.headers_mut().remove(header::CONNECTION);
                Ok::<_, Infallible>(answer.map(|body| SentBody::new(body, now).with_steps()))
            })
        });
        let connection = self.http2.serve_connection(TokioIo::new(socket), service);
        let seen_off = ear.see_off_http2(connection, &answering, self.idle_timeout);
        if let Some(Err(error)) = seen_off.await {
            debug!(peer = %arrival.peer(), %error, "connection ended");
        }
    }

    /// The answer to a request that needs no route.
    fn at_once(&self, request: &hyper::Request<Incoming>, arrival: &Arrival) -> Option<Response<Bytes>> {
        let client = || arrival.client(request.headers()).0;
        let answer = self.express.answer(Question::of(request)?, client)?;
        Some(answer.into_response())
    }

    /// Hands a request to its route, with what it needs to know of its connection.
    fn answer(
        &self,
        mut request: hyper::Request<Incoming>,
        arrival: &Arrival,
        answering: &Answering,
    ) -> impl Future<Output = Result<Response, Infallible>> + Send + 'static {
        let client = arrival.client(request.headers());
        let extensions = request.extensions_mut();
        extensions.insert(client);
        extensions.insert(arrival.clone());
        extensions.insert(answering.clone());
        let answer = self.router.clone().oneshot(request.map(Body::new) as Request);
        answer.map_ok(without_false_length)
    }
}

/// axum announces the length of what is sent, which for a 304 is nothing. There it would have to be that of the page
/// itself (RFC 9110, section 8.6).
fn without_false_length(mut answer: Response) -> Response {
    if answer.status() == StatusCode::NOT_MODIFIED {
        answer.headers_mut().remove(header::CONTENT_LENGTH);
    }
    answer
}

fn is_the_client_s(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionRefused
    )
}
