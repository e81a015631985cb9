//! The beginning of a TLS connection, and what is said to clients that do not begin one.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::tls::{HTTP2, Tls};

/// The first byte of a TLS connection (RFC 8446, section 5.1).
const HANDSHAKE_RECORD: u8 = 22;
/// What a client that speaks plain HTTP may still send while it is told so.
const MAX_IGNORED_BYTES: u64 = 64 * 1024;
/// How long it may take to read what it is told.
const PLAIN_TIME: Duration = Duration::from_secs(1);

/// Makes a TLS connection of a fresh one, within `timeout`.
///
/// # Errors
/// The client speaks something else, nothing, or too slowly; or it and we have no version or cipher in common.
pub(super) async fn greet(
    stream: TcpStream,
    tls: &Arc<Tls>,
    timeout: Duration,
) -> io::Result<TlsStream<TcpStream>> {
    tokio::time::timeout(timeout, shake_hands(stream, tls))
        .await
        .unwrap_or_else(|_| {
            Err(io::Error::new(
                io::ErrorKind::TimedOut,
                "the handshake took too long",
            ))
        })
}

async fn shake_hands(stream: TcpStream, tls: &Arc<Tls>) -> io::Result<TlsStream<TcpStream>> {
    let mut first = [0];
    match stream.peek(&mut first).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ if first[0] == HANDSHAKE_RECORD => TlsAcceptor::from(tls.config().await).accept(stream).await,
        _ => {
            if first[0].is_ascii_uppercase() {
                let _ = tokio::time::timeout(PLAIN_TIME, refuse_plain_http(stream)).await;
            }
            let message = "the client does not speak TLS";
            Err(io::Error::new(io::ErrorKind::InvalidData, message))
        }
    }
}

/// Whether the handshake settled on HTTP/2.
pub(super) fn chose_http2(stream: &TlsStream<TcpStream>) -> bool {
    stream.get_ref().1.alpn_protocol() == Some(HTTP2)
}

/// The request is not looked at: it may hold a password, and it is too late to keep that secret.
async fn refuse_plain_http(mut stream: TcpStream) -> io::Result<()> {
    const SENTENCE: &str = "this port speaks HTTPS; use an address that begins with https://";
    let answer = format!(
        "HTTP/1.1 400 {SENTENCE}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{SENTENCE}\n",
        SENTENCE.len() + 1
    );
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await?;
    // To close with bytes unread would reset the connection, and the answer might be lost with it.
    let mut rest = stream.take(MAX_IGNORED_BYTES);
    tokio::io::copy(&mut rest, &mut tokio::io::sink()).await?;
    Ok(())
}
