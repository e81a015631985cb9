//! Requests to a server that may be killed at any moment, and random numbers that can be had again.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use crate::support::upload::Form;

/// A connection that is used for one request after the other.
pub(super) struct Connection {
    address: String,
    stream: Option<BufReader<TcpStream>>,
}

impl Connection {
    pub(super) fn to(server: &str) -> Self {
        Self {
            address: server.strip_prefix("http://").unwrap().to_owned(),
            stream: None,
        }
    }

    /// Status and body, when the answer came whole. After an error the next request has a new connection.
    pub(super) fn ask(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> io::Result<(u16, Vec<u8>)> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => connect(&self.address)?,
        };
        let answer = exchange(&mut stream, &self.address, method, path, headers, body)?;
        if !answer.closes {
            self.stream = Some(stream);
        }
        Ok((answer.status, answer.body))
    }

    pub(super) fn get(&mut self, path: &str) -> io::Result<(u16, Vec<u8>)> {
        self.ask("GET", path, &[("Accept", crate::support::index::JSON)], &[])
    }

    /// The status of a form's answer.
    pub(super) fn post(&mut self, form: &Form) -> io::Result<u16> {
        let headers = [("Content-Type", Form::content_type())];
        let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
        self.ask("POST", "/", &headers, &form.body())
            .map(|(status, _)| status)
    }

    pub(super) fn remove(&mut self, name: &str, version: &str) -> io::Result<u16> {
        let form = Form::default()
            .field(":action", "remove_pkg")
            .field("name", name)
            .field("version", version);
        self.post(&form)
    }
}

fn connect(address: &str) -> io::Result<BufReader<TcpStream>> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    stream.set_write_timeout(Some(Duration::from_secs(60)))?;
    Ok(BufReader::with_capacity(64 * 1024, stream))
}

struct Answer {
    status: u16,
    closes: bool,
    body: Vec<u8>,
}

fn exchange(
    stream: &mut BufReader<TcpStream>,
    host: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> io::Result<Answer> {
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if method == "POST" {
        head.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    head.push_str("\r\n");
    let mut message = head.into_bytes();
    message.extend(body);
    stream.get_mut().write_all(&message)?;
    let mut line = String::new();
    let broken = || io::Error::from(io::ErrorKind::UnexpectedEof);
    let mut next = |stream: &mut BufReader<TcpStream>| -> io::Result<String> {
        line.clear();
        match stream.read_line(&mut line)? {
            0 => Err(broken()),
            _ => Ok(line.trim_end().to_lowercase()),
        }
    };
    let status = next(stream)?
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok())
        .ok_or_else(broken)?;
    let (mut length, mut closes) = (0, false);
    loop {
        let header = next(stream)?;
        if header.is_empty() {
            break;
        }
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse().map_err(|_| broken())?;
        }
        assert!(!header.starts_with("transfer-encoding"), "{header}");
        closes |= header == "connection: close";
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok(Answer { status, closes, body })
}

/// Numbers that look random and are the same for the same seed (splitmix64).
#[derive(Clone)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

/// A number from the environment: how long, how often, from which seed.
pub(super) fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |value| value.parse().unwrap())
}

/// The seed of this run: the one that is given, or another one each time.
pub(super) fn seed() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    setting("PKGCTL_TEST_SEED", u64::from(now.unwrap().subsec_nanos()))
}
