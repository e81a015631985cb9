//! What must hold of the first bytes of a connection.

use std::convert::Infallible;

use axum::http::{HeaderMap, Method};
use bytes::Bytes;
use http_body_util::Empty;
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{CLOSE, Plain};

/// What hyper makes of a request.
struct Understood {
    method: Method,
    target: String,
    headers: HeaderMap,
    has_body: bool,
}

/// What is taken at the door is one request, and hyper understands the same.
pub fn door(bytes: &[u8]) {
    let bytes = Bytes::copy_from_slice(bytes);
    let mut headers = HeaderMap::new();
    let Some(plain) = Plain::read(&bytes, &mut headers) else {
        return;
    };
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().build() else {
        return;
    };
    let (requests, answer) = runtime.block_on(by_hyper(&bytes));
    let [request] = &requests[..] else {
        panic!("it was {} requests", requests.len());
    };
    assert_eq!(request.method, plain.method);
    assert_eq!(request.target, plain.path);
    assert_eq!(request.headers, headers);
    assert!(!request.has_body, "it has a body");
    let says_goodbye = answer.windows(17).any(|line| line == b"connection: close");
    assert_eq!(says_goodbye, plain.is_the_last, "{CLOSE:?}");
}

/// The requests that hyper finds in these bytes, and what it answers.
async fn by_hyper(bytes: &[u8]) -> (Vec<Understood>, Vec<u8>) {
    let (mut client, server) = tokio::io::duplex(64 * 1024);
    let (found, mut requests) = tokio::sync::mpsc::unbounded_channel();
    let service = service_fn(move |request: Request<Incoming>| {
        let has_body = !request.body().is_end_stream();
        let (head, _) = request.into_parts();
        // The receiver lives as long as the connection.
        let _ = found.send(Understood {
            method: head.method,
            target: head.uri.to_string(),
            headers: head.headers,
            has_body,
        });
        async { Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new())) }
    });
    let connection = http1::Builder::new()
        .half_close(true)
        .serve_connection(TokioIo::new(server), service);
    let mut answer = Vec::new();
    let talk = async {
        // It all fits.
        let _ = client.write_all(bytes).await;
        let _ = client.shutdown().await;
        let _ = client.read_to_end(&mut answer).await;
    };
    let (ended, ()) = tokio::join!(connection, talk);
    assert!(ended.is_ok(), "hyper refuses it: {ended:?}");
    let mut all = Vec::new();
    while let Some(request) = requests.recv().await {
        all.push(request);
    }
    (all, answer)
}
