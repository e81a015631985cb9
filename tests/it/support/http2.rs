//! HTTP/2: a client for requests, and frames by hand for what no client would send.

use std::io::{self, Read, Write};
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http2::{self, SendRequest};
use hyper::{HeaderMap, Request, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio_rustls::TlsConnector;

use super::tls::Authority;

/// One HTTP/2 connection.
pub(crate) struct Client {
    runtime: Runtime,
    requests: SendRequest<Full<Bytes>>,
    server: String,
}

/// What the server answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text());
        self
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl Client {
    /// Connects to the server at `https://127.0.0.1:PORT`.
    pub(crate) fn connect(server: &str, authority: &Authority) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let requests = runtime.block_on(async {
            let socket = TcpStream::connect(server.strip_prefix("https://").unwrap())
                .await
                .unwrap();
            let name = ServerName::try_from("127.0.0.1").unwrap();
            let connector = TlsConnector::from(Arc::new(authority.client("h2")));
            let stream = connector.connect(name, socket).await.unwrap();
            assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
            let (requests, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
                .await
                .unwrap();
            tokio::spawn(connection);
            requests
        });
        Self {
            runtime,
            requests,
            server: server.to_owned(),
        }
    }

    pub(crate) fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.request("GET", path, headers, &[]).unwrap()
    }

    pub(crate) fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> hyper::Result<Answer> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.server));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::from(body.to_owned())).unwrap();
        let mut requests = self.requests.clone();
        self.runtime.block_on(async move {
            requests.ready().await?;
            let (head, body) = requests.send_request(request).await?.into_parts();
            assert_eq!(head.version, Version::HTTP_2);
            Ok(Answer {
                status: head.status.as_u16(),
                headers: head.headers,
                body: body.collect().await?.to_bytes().to_vec(),
            })
        })
    }
}

/// What a client sends before its first frame, and that frame: settings without any.
pub(crate) fn preface() -> Vec<u8> {
    [
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
        frame(SETTINGS, 0, 0, &[]),
    ]
    .concat()
}

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const CONTINUATION: u8 = 9;
pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;

/// A frame (RFC 9113, section 4.1).
pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// The head of a request without a body, in HPACK's static table and plain text (RFC 7541): `GET path`.
pub(crate) fn get_head(path: &str) -> Vec<u8> {
    request_head(0x82, path)
}

/// The head of a `POST` to `path`.
pub(crate) fn post_head(path: &str) -> Vec<u8> {
    request_head(0x83, path)
}

fn request_head(method: u8, path: &str) -> Vec<u8> {
    let text = |text: &str| {
        let mut coded = vec![u8::try_from(text.len()).unwrap()];
        coded.extend(text.as_bytes());
        coded
    };
    [
        vec![method, 0x87, 0x04],
        text(path),
        vec![0x01],
        text("127.0.0.1"),
    ]
    .concat()
}

/// A header with a name and a value of up to 126 bytes each, not to be kept in a table.
pub(crate) fn header(name: &str, value: &str) -> Vec<u8> {
    let mut coded = vec![0];
    for text in [name, value] {
        coded.push(u8::try_from(text.len()).unwrap());
        coded.extend(text.as_bytes());
    }
    coded
}

/// The next frame that the server sends: kind, flags, stream, payload. `None` at the end of the connection.
pub(crate) fn next_frame(connection: &mut impl Read) -> Option<(u8, u8, u32, Vec<u8>)> {
    let mut head = [0; 9];
    connection.read_exact(&mut head).ok()?;
    let [a, b, c, kind, flags, s, t, u, v] = head;
    let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
    connection.read_exact(&mut payload).ok()?;
    Some((kind, flags, u32::from_be_bytes([s, t, u, v]), payload))
}

/// Sends the preface and takes the server's settings.
pub(crate) fn begin(connection: &mut (impl Read + Write)) -> io::Result<()> {
    connection.write_all(&preface())?;
    connection.write_all(&frame(SETTINGS, 1, 0, &[]))?;
    connection.flush()?;
    while let Some((kind, flags, ..)) = next_frame(connection) {
        if (kind, flags) == (SETTINGS, 1) {
            return Ok(());
        }
    }
    Err(io::ErrorKind::UnexpectedEof.into())
}
