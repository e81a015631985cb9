//! What is taken at the door, and that an answer is sent whole.

use axum::http::StatusCode;
use proptest::prelude::*;
use tokio::io::AsyncReadExt as _;

use super::*;

fn read(head: &str) -> Option<(Method, String, bool)> {
    let bytes = Bytes::copy_from_slice(head.as_bytes());
    let mut headers = HeaderMap::new();
    let request = Plain::read(&bytes, &mut headers)?;
    Some((
        request.method.clone(),
        request.path.to_owned(),
        request.is_the_last,
    ))
}

fn taken(method: Method, path: &str, is_the_last: bool) -> Option<(Method, String, bool)> {
    Some((method, path.to_owned(), is_the_last))
}

#[test]
fn one_whole_plain_head_is_taken() {
    let lib = "/simple/lib/";
    for (head, expected) in [
        (
            "GET /simple/lib/ HTTP/1.1\r\nHost: x\r\n\r\n",
            taken(Method::GET, lib, false),
        ),
        (
            "HEAD /simple/lib/ HTTP/1.1\r\nhost:x\r\n\r\n",
            taken(Method::HEAD, lib, false),
        ),
        (
            "GET /packages/a+b-1.0~(c)!.zip HTTP/1.1\r\nHost: x\r\nAccept: */*\r\nRange: bytes=0-1\r\n\r\n",
            taken(Method::GET, "/packages/a+b-1.0~(c)!.zip", false),
        ),
        (
            "GET /simple/lib/ HTTP/1.1\r\nHost: x\r\nConnection: Keep-Alive\r\n\r\n",
            taken(Method::GET, lib, false),
        ),
        (
            "GET /simple/lib/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
            taken(Method::GET, lib, true),
        ),
    ] {
        assert_eq!(read(head), expected, "{head}");
    }
}

#[test]
fn everything_else_is_for_hyper() {
    let whole = "GET /simple/lib/ HTTP/1.1\r\nHost: x\r\n\r\n";
    for end in 0..whole.len() {
        assert_eq!(read(&whole[..end]), None, "{end} bytes");
    }
    assert_eq!(read(&format!("{whole}G")), None, "something comes behind it");
    assert_eq!(read(&format!("{whole}{whole}")), None, "two at once");
    for line in [
        "Content-Length: 0",
        "Transfer-Encoding: chunked",
        "Transfer-Encoding: identity",
        "Expect: 100-continue",
        "Upgrade: h2c",
        "TE: trailers",
        "Trailer: x",
        "Connection: upgrade",
        "Connection: close, keep-alive",
        "Connection: close\r\nConnection: close",
        "Host: x",
        "Bad Name: x",
        "Spaced : x",
        "Nul: \0",
        "Folded: a\r\n b",
    ] {
        let head = format!("GET /simple/lib/ HTTP/1.1\r\nHost: x\r\n{line}\r\n\r\n");
        assert_eq!(read(&head), None, "{head}");
    }
    for first in [
        "GET /simple/lib/ HTTP/1.0",
        "GET /simple/lib/ HTTP/2.0",
        "get /simple/lib/ HTTP/1.1",
        "POST /simple/lib/ HTTP/1.1",
        "OPTIONS * HTTP/1.1",
        "GET http://x/simple/lib/ HTTP/1.1",
        "GET /simple/lib/? HTTP/1.1",
        "GET /simple/lib/#a HTTP/1.1",
        "GET /simple/l%69b/ HTTP/1.1",
        "GET /simple/l\u{e4}b/ HTTP/1.1",
        "GET /simple/\"lib\"/ HTTP/1.1",
        "GET  /simple/lib/ HTTP/1.1",
        "GET /simple/lib/",
    ] {
        let head = format!("{first}\r\nHost: x\r\n\r\n");
        assert_eq!(read(&head), None, "{head}");
    }
    assert_eq!(read("GET /simple/lib/ HTTP/1.1\r\n\r\n"), None, "no host");
    let lines = "X: y\r\n".repeat(MAX_LINES);
    let head = format!("GET /simple/lib/ HTTP/1.1\r\nHost: x\r\n{lines}\r\n");
    assert_eq!(read(&head), None, "many lines");
}

proptest! {
    /// Whatever comes in: what is taken says nothing of a body, and ends where the bytes end.
    #[test]
    fn nothing_doubtful_is_taken(bytes in r"(GET|HEAD|POST) /[ -~]{0,20} HTTP/1\.[01]\r\n((Host|Content-Length|Connection|X): [ -~]{0,12}\r\n){0,4}[\r\n ]{0,6}") {
        if read(&bytes).is_some() {
            // A line may end without a carriage return (RFC 9112, section 2.2).
            let lines = bytes.to_ascii_lowercase().replace("\r\n", "\n");
            prop_assert_eq!(lines.find("\n\n"), Some(lines.len() - 2));
            prop_assert!(!lines.contains("\ncontent-length:"));
            prop_assert_eq!(lines.matches("\nhost:").count(), 1);
        }
    }
}

#[tokio::test]
async fn an_answer_is_sent_whole_to_a_client_that_takes_little() {
    let (mut client, mut socket) = tokio::io::duplex(7);
    let body = Bytes::from((0..=255).cycle().take(1000).collect::<Vec<u8>>());
    let mut answer = AtHand::new(StatusCode::OK);
    answer.carry(body.clone());
    let answering = Answering::default();
    let mut sending = Sending::new(answer, answering.begin());
    let mut sent = Vec::new();
    let (outcome, read) = tokio::join!(
        async {
            let outcome = std::future::poll_fn(|cx| sending.poll(&mut socket, cx)).await;
            assert!(answering.is_busy());
            drop((sending, socket));
            outcome
        },
        client.read_to_end(&mut sent)
    );
    outcome.unwrap();
    read.unwrap();
    assert!(!answering.is_busy());
    assert!(sent.starts_with(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\ndate: "));
    assert!(sent.ends_with(&body));
}
