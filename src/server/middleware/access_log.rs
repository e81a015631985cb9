//! One line for each request.

use std::fmt::{self, Write as _};
use std::net::IpAddr;
use std::time::Duration;

use axum::extract::Request;
use axum::http::{HeaderMap, Method, header};
use tracing::info;

use super::request_id::RequestId;
use crate::auth::Username;
use crate::server::extract::Client;

/// The target of these lines. The text log shows their message alone, the JSON log all fields.
pub(crate) const ACCESS_TARGET: &str = "pkgctl::access";

/// Longest path that is told, in characters.
const MAX_PATH_CHARS: usize = 500;
/// Longest name of a client's program that is told, in characters.
const MAX_AGENT_CHARS: usize = 80;

/// What a line takes beside the path.
const USUAL_LINE_BYTES: usize = 128;

/// What the log line tells of a request.
pub(super) struct About<'a> {
    pub(super) method: &'a Method,
    /// As it came, percent-encoded; a query is left out, since people put secrets there.
    pub(super) path: &'a str,
    pub(super) client: Option<IpAddr>,
    pub(super) agent: &'a str,
}

/// The same, taken before a handler takes the request apart; only where there is a line to be written.
pub(super) struct Kept {
    method: Method,
    path: String,
    client: Option<IpAddr>,
    agent: String,
}

/// What came of a request.
pub(super) struct Outcome<'a> {
    pub(super) status: u16,
    pub(super) size_bytes: u64,
    pub(super) user: Option<&'a Username>,
    /// What the client was told, where it was no success.
    pub(super) told: Option<&'a str>,
    pub(super) duration: Duration,
}

/// Whether lines are written at all.
pub(super) fn is_on() -> bool {
    tracing::enabled!(target: ACCESS_TARGET, tracing::Level::INFO)
}

/// The client's program, as it calls itself.
pub(super) fn agent(headers: &HeaderMap) -> &str {
    let agent = headers.get(header::USER_AGENT);
    agent.and_then(|agent| agent.to_str().ok()).unwrap_or("-")
}

/// The first characters of a text.
fn beginning(text: &str, most_chars: usize) -> &str {
    if text.len() <= most_chars {
        return text;
    }
    text.char_indices()
        .nth(most_chars)
        .map_or(text, |(end, _)| &text[..end])
}

impl Kept {
    pub(super) fn of(request: &Request) -> Option<Self> {
        is_on().then(|| Self {
            method: request.method().clone(),
            path: beginning(request.uri().path(), MAX_PATH_CHARS).to_owned(),
            client: request.extensions().get::<Client>().map(|client| client.0),
            agent: beginning(agent(request.headers()), MAX_AGENT_CHARS).to_owned(),
        })
    }

    pub(super) fn log(&self, request_id: &RequestId, outcome: &Outcome<'_>) {
        let about = About {
            method: &self.method,
            path: &self.path,
            client: self.client,
            agent: &self.agent,
        };
        about.log(request_id, outcome);
    }
}

impl About<'_> {
    /// Writes the line: for a person as the message, for a machine as fields.
    pub(super) fn log(&self, request_id: &RequestId, outcome: &Outcome<'_>) {
        let Outcome {
            status, size_bytes, ..
        } = *outcome;
        let path = beginning(self.path, MAX_PATH_CHARS);
        let agent = beginning(self.agent, MAX_AGENT_CHARS);
        let request_id = request_id.as_str();
        let user = outcome.user.map_or("-", Username::as_str);
        let duration = Milliseconds::of(outcome.duration);
        let client = self.client;
        let tool = agent.split(' ').next().unwrap_or("-");
        let (colon, reason) = outcome.told.map_or(("", ""), |told| (": ", told));
        let method = self.method.as_str();
        // Put together here, as "200 GET /simple/x/ 902B 1.5ms alice 192.0.2.1 pip/25.0 1f0c93ab-42: why": piece by piece
        // it would pass through every layer of the log.
        let mut line = Line::with_room_for(path);
        line.number(status.into()).texts([" ", method, " ", path, " "]);
        line.number(size_bytes).texts(["B "]).milliseconds(duration);
        line.texts(["ms ", user, " "]).address(client);
        line.texts([" ", tool, " ", request_id, colon, reason]);
        let Line(message) = line;
        info!(
            target: ACCESS_TARGET,
            method,
            path,
            status,
            duration_ms = duration.as_f64(),
            size_bytes,
            user,
            client = %OrDash(client),
            agent,
            request_id,
            message = message.as_str(),
        );
    }
}

/// A duration to the tenth of a millisecond. Written as the number would be, which takes much longer to write.
#[derive(Clone, Copy)]
struct Milliseconds {
    tenths: u64,
}

impl Milliseconds {
    fn of(duration: Duration) -> Self {
        let tenths = (duration.as_nanos() + 50_000) / 100_000;
        Self {
            tenths: u64::try_from(tenths).unwrap_or(u64::MAX),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "2^53 tenths are 28,000 years")]
    fn as_f64(self) -> f64 {
        self.tenths as f64 / 10.0
    }
}

/// A line as it is put together, without the machinery of `fmt`, which takes five times as long.
struct Line(String);

impl Line {
    fn with_room_for(path: &str) -> Self {
        Self(String::with_capacity(USUAL_LINE_BYTES + path.len()))
    }

    fn texts<const COUNT: usize>(&mut self, texts: [&str; COUNT]) -> &mut Self {
        self.0.extend(texts);
        self
    }

    fn number(&mut self, number: u64) -> &mut Self {
        self.texts([itoa::Buffer::new().format(number)])
    }

    fn milliseconds(&mut self, Milliseconds { tenths }: Milliseconds) -> &mut Self {
        self.number(tenths / 10);
        match tenths % 10 {
            0 => self,
            tenth => self.texts(["."]).number(tenth),
        }
    }

    fn address(&mut self, address: Option<IpAddr>) -> &mut Self {
        match address {
            Some(IpAddr::V4(address)) => {
                let [first, rest @ ..] = address.octets();
                self.number(first.into());
                rest.into_iter()
                    .fold(self, |line, octet| line.texts(["."]).number(octet.into()))
            }
            address => {
                // Writing to a String can't fail.
                let _ = write!(self.0, "{}", OrDash(address));
                self
            }
        }
    }
}

/// An address, or a dash where there is none.
struct OrDash(Option<IpAddr>);

impl fmt::Display for OrDash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(address) => address.fmt(f),
            None => f.write_str("-"),
        }
    }
}

/// Bytes of a body, as far as they are known before it is sent: what is announced, or what the body itself knows.
pub(super) fn size_of(headers: &HeaderMap, body_bytes: Option<u64>) -> u64 {
    let announced = headers.get(header::CONTENT_LENGTH);
    let announced = announced.and_then(|length| length.to_str().ok()?.parse().ok());
    announced.or(body_bytes).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_their_numbers_do() {
        for nanoseconds in [
            0,
            49_999,
            50_000,
            149_999,
            950_000,
            1_049_999,
            12_345_678,
            60_000_000_000,
        ] {
            let duration = Duration::from_nanos(nanoseconds);
            let milliseconds = Milliseconds::of(duration);
            let number = (duration.as_secs_f64() * 10_000.0).round() / 10.0;
            let mut line = Line::with_room_for("");
            line.milliseconds(milliseconds);
            assert_eq!(line.0, number.to_string(), "{nanoseconds}");
            assert_eq!(milliseconds.as_f64(), number, "{nanoseconds}");
        }
    }

    #[test]
    fn addresses_read_as_they_are_written() {
        for address in ["192.0.2.1", "255.255.255.255", "0.0.0.0", "2001:db8::1", "::1"] {
            let mut line = Line::with_room_for("");
            line.address(Some(address.parse().unwrap()));
            assert_eq!(line.0, address);
        }
        let mut line = Line::with_room_for("");
        line.address(None);
        assert_eq!(line.0, "-");
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(beginning("äöü", 2), "äö");
        assert_eq!(beginning("äöü", 3), "äöü");
        assert_eq!(beginning("", 3), "");
    }
}
