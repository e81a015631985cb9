//! One HTTP request over a bare socket, so that a test sees what the server really sent.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// What the server answered.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// The text behind the status in the first line.
    pub(crate) reason: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header's value; the empty text when it is absent.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .iter()
            .find(|header| header.0 == name)
            .map_or("", |header| &header.1)
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(
            self.status,
            status,
            "{} {}\n{}",
            self.status,
            self.reason,
            self.text()
        );
        self
    }
}

/// Asks for `path` of the server at `http://HOST:PORT`, on a connection of its own.
pub(crate) fn get(server: &str, path: &str, headers: &[(&str, &str)]) -> Reply {
    request(server, "GET", path, headers, &[])
}

/// Sends a request with a body, which may be empty, on a connection of its own.
pub(crate) fn request(
    server: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Reply {
    let address = server.strip_prefix("http://").unwrap();
    let connection = TcpStream::connect(address).unwrap();
    connection
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    let mut request = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n");
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    if !body.is_empty() {
        request.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    request.push_str("\r\n");
    let mut message = request.into_bytes();
    message.extend(body);
    raw_on(connection, &message)
}

/// Sends exactly these bytes and reads what comes until the server closes.
pub(crate) fn raw(server: &str, message: &[u8]) -> Reply {
    let connection = TcpStream::connect(server.strip_prefix("http://").unwrap()).unwrap();
    connection
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    raw_on(connection, message)
}

/// The same on a connection of any kind.
pub(crate) fn raw_on(mut connection: impl Read + Write, message: &[u8]) -> Reply {
    // A server that refuses early may close while we still send; its answer counts.
    let _ = connection.write_all(message);
    let mut answer = Vec::new();
    let _ = connection.read_to_end(&mut answer);
    read(&answer)
}

fn read(answer: &[u8]) -> Reply {
    let end_of_head = answer
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .unwrap_or_else(|| panic!("no head: {}", String::from_utf8_lossy(answer)));
    let head = String::from_utf8_lossy(&answer[..end_of_head]);
    let mut lines = head.lines();
    let mut first = lines.next().unwrap().splitn(3, ' ').skip(1);
    let status = first.next().unwrap().parse().unwrap();
    let reason = first.next().unwrap_or_default().to_owned();
    let headers: Vec<(String, String)> = lines
        .map(|line| line.split_once(':').unwrap())
        .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
        .collect();
    let body = &answer[end_of_head + 4..];
    let is_chunked = headers.iter().any(|header| header.0 == "transfer-encoding");
    let body = if is_chunked {
        unchunked(body)
    } else {
        body.to_owned()
    };
    Reply {
        status,
        reason,
        headers,
        body,
    }
}

fn unchunked(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let line_end = rest.windows(2).position(|window| window == b"\r\n").unwrap();
        let line = std::str::from_utf8(&rest[..line_end]).unwrap();
        let size = usize::from_str_radix(line.split(';').next().unwrap().trim(), 16).unwrap();
        if size == 0 {
            return body;
        }
        body.extend(&rest[line_end + 2..line_end + 2 + size]);
        rest = &rest[line_end + 2 + size + 2..];
    }
}
