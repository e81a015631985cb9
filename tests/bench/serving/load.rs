//! A load generator for HTTP/1.1 that needs the standard library alone, for `tests/bench/serve.py`.
//!
//! ```text
//! load again  ADDRESS CONNECTIONS SECONDS < REQUEST    the same request over and over
//! load once   ADDRESS CONNECTIONS SECONDS FILE         each request of the file once, until time is up
//! load stream ADDRESS < REQUEST                        one answer, as fast as it comes
//! ```
//!
//! The answer is one line of JSON on stdout. FILE holds requests one after the other, each behind its length as eight
//! bytes, the lowest first.
//!
//! `again` has one thread that goes round its connections: it reads an answer whole and sends that connection's next
//! request, so that all other connections have a request at the server meanwhile. That takes two system calls for each
//! request, and no waiting for events. `once` has a thread for each connection, because uploads differ in how long they take.

use std::env;
use std::error::Error;
use std::fs::File;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::ops::Range;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let told = match words[..] {
        ["again", address, connections, seconds] => again(address, connections, seconds),
        ["once", address, connections, seconds, file] => once(address, connections, seconds, file),
        ["stream", address] => stream(address),
        _ => Err("usage: load again|once|stream ADDRESS ..., see the head of load.rs".into()),
    };
    match told {
        Ok(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("load: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The same request over and over, for that many seconds.
fn again(address: &str, connections: &str, seconds: &str) -> Outcome<String> {
    let request = request_of_stdin()?;
    let without_body = request.starts_with(b"HEAD ");
    let mut connections: Vec<Connection> = (0..connections.parse()?)
        .map(|_| Connection::open(address))
        .collect::<io::Result<_>>()?;
    let mut tally = Tally::default();
    let begin = Instant::now();
    let end = begin + Duration::from_secs_f64(seconds.parse()?);
    for connection in &mut connections {
        connection.send(&request)?;
    }
    let last = 'load: loop {
        for connection in &mut connections {
            let answer = connection.receive(without_body)?;
            let now = Instant::now();
            tally.add(&answer, now - connection.sent);
            if now >= end {
                break 'load now;
            }
            if answer.ends_connection {
                connection.reopen()?;
            }
            connection.send(&request)?;
        }
    };
    Ok(tally.json(last - begin))
}

/// Each request of the file once, over several connections at a time, until all are sent or time is up.
fn once(address: &str, connections: &str, seconds: &str, file: &str) -> Outcome<String> {
    let requests = requests_of(file)?;
    let connections: usize = connections.parse()?;
    let limit = Duration::from_secs_f64(seconds.parse()?);
    let (next, total) = (AtomicUsize::new(0), Mutex::new(Tally::default()));
    let begin = Instant::now();
    let work = || -> Outcome<()> {
        let mut connection = Connection::open(address)?;
        let mut tally = Tally::default();
        while begin.elapsed() < limit {
            let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed)) else {
                break;
            };
            connection.send(request)?;
            let answer = connection.receive(false)?;
            tally.add(&answer, connection.sent.elapsed());
            if !answer.is_good() {
                return Err(answer.refusal().into());
            }
            if answer.ends_connection {
                connection.reopen()?;
            }
        }
        total.lock().map_err(|_| "another connection failed")?.join(tally);
        Ok(())
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..connections).map(|_| scope.spawn(work)).collect();
        workers
            .into_iter()
            .try_for_each(|worker| worker.join().map_err(|_| "a connection's thread failed")?)
    })?;
    let taken = begin.elapsed();
    let total = total.into_inner().map_err(|_| "a connection failed")?;
    Ok(total.json(taken))
}

/// One answer. The time is that from the request's first byte to the answer's last.
fn stream(address: &str) -> Outcome<String> {
    let request = request_of_stdin()?;
    let mut connection = Connection::open(address)?;
    let begin = Instant::now();
    connection.send(&request)?;
    let answer = connection.receive(false)?;
    let taken = begin.elapsed();
    let mut tally = Tally::default();
    tally.add(&answer, taken);
    Ok(tally.json(taken))
}

fn request_of_stdin() -> io::Result<Vec<u8>> {
    let mut request = Vec::new();
    io::stdin().read_to_end(&mut request)?;
    Ok(request)
}

fn requests_of(path: &str) -> io::Result<Vec<Vec<u8>>> {
    let mut file = io::BufReader::new(File::open(path)?);
    let mut requests = Vec::new();
    let mut length = [0; 8];
    while file.read_exact(&mut length).is_ok() {
        let mut request = Vec::new();
        let wanted = u64::from_le_bytes(length);
        if (&mut file).take(wanted).read_to_end(&mut request)? as u64 != wanted {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        requests.push(request);
    }
    Ok(requests)
}

/// What came back, added up.
#[derive(Default)]
struct Tally {
    body_bytes: u64,
    /// Answers with a status of 400 and above.
    bad: u64,
    /// One for each answer, in microseconds.
    latencies: Vec<u32>,
}

impl Tally {
    fn add(&mut self, answer: &Answer, latency: Duration) {
        self.body_bytes += answer.body_bytes;
        self.bad += u64::from(!answer.is_good());
        self.latencies
            .push(u32::try_from(latency.as_micros()).unwrap_or(u32::MAX));
    }

    fn join(&mut self, other: Self) {
        self.body_bytes += other.body_bytes;
        self.bad += other.bad;
        self.latencies.extend(other.latencies);
    }

    fn json(mut self, taken: Duration) -> String {
        self.latencies.sort_unstable();
        let count = self.latencies.len();
        let quantile = |hundredths: usize| {
            let at = (count * hundredths / 100).min(count.saturating_sub(1));
            self.latencies.get(at).copied().unwrap_or(0)
        };
        format!(
            "{{\"requests\": {count}, \"seconds\": {:.6}, \"bytes\": {}, \"bad\": {}, \"p50_us\": {}, \"p99_us\": {}}}",
            taken.as_secs_f64(),
            self.body_bytes,
            self.bad,
            quantile(50),
            quantile(99)
        )
    }
}

struct Answer {
    status: u16,
    body_bytes: u64,
    ends_connection: bool,
    /// The beginning of a refusal's body.
    said: Vec<u8>,
}

impl Answer {
    fn is_good(&self) -> bool {
        self.status < 400
    }

    fn refusal(&self) -> String {
        format!(
            "refused with {}: {}",
            self.status,
            String::from_utf8_lossy(&self.said)
        )
    }
}

/// How the end of a body is known.
enum Framing {
    Length(u64),
    Chunks,
    UntilClosed,
}

struct Head {
    status: u16,
    framing: Framing,
    ends_connection: bool,
}

struct Connection {
    address: String,
    stream: TcpStream,
    buffer: Vec<u8>,
    /// The part of the buffer that came and was not looked at.
    begin: usize,
    end: usize,
    /// When the last request's first byte was sent.
    sent: Instant,
}

impl Connection {
    fn open(address: &str) -> io::Result<Self> {
        Ok(Self {
            address: address.to_owned(),
            stream: connected(address)?,
            buffer: vec![0; 256 << 10],
            begin: 0,
            end: 0,
            sent: Instant::now(),
        })
    }

    fn reopen(&mut self) -> io::Result<()> {
        self.stream = connected(&self.address)?;
        (self.begin, self.end) = (0, 0);
        Ok(())
    }

    fn send(&mut self, request: &[u8]) -> io::Result<()> {
        self.sent = Instant::now();
        self.stream.write_all(request)
    }

    /// Reads an answer to its end and throws its body away.
    fn receive(&mut self, without_body: bool) -> io::Result<Answer> {
        let head = self.head()?;
        let mut answer = Answer {
            status: head.status,
            body_bytes: 0,
            ends_connection: head.ends_connection,
            said: Vec::new(),
        };
        if without_body || head.status == 304 || head.status == 204 {
            return Ok(answer);
        }
        match head.framing {
            Framing::Length(length) => self.body(length, &mut answer)?,
            Framing::Chunks => loop {
                let line = self.line()?;
                let digits = self.buffer[line]
                    .split(|byte| *byte == b';')
                    .next()
                    .unwrap_or_default();
                let length = u64::from_str_radix(String::from_utf8_lossy(digits).trim(), 16)
                    .map_err(|_| io::Error::other("a chunk has no length"))?;
                self.body(length, &mut answer)?;
                self.line()?;
                if length == 0 {
                    break;
                }
            },
            Framing::UntilClosed => {
                answer.ends_connection = true;
                loop {
                    answer.body_bytes += (self.end - self.begin) as u64;
                    self.begin = self.end;
                    match self.fill() {
                        Ok(()) => {}
                        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => break,
                        Err(error) => return Err(error),
                    }
                }
            }
        }
        Ok(answer)
    }

    fn body(&mut self, length: u64, answer: &mut Answer) -> io::Result<()> {
        let mut left = length;
        loop {
            let here = ((self.end - self.begin) as u64).min(left) as usize;
            if answer.status >= 400 && answer.said.len() < 300 {
                answer
                    .said
                    .extend_from_slice(&self.buffer[self.begin..self.begin + here.min(300)]);
            }
            self.begin += here;
            left -= here as u64;
            if left == 0 {
                break;
            }
            self.fill()?;
        }
        answer.body_bytes += length;
        Ok(())
    }

    fn head(&mut self) -> io::Result<Head> {
        let mut head = Head {
            status: 0,
            framing: Framing::UntilClosed,
            ends_connection: false,
        };
        let first = self.line()?;
        let first = &self.buffer[first];
        head.status = first
            .get(9..12)
            .and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok())
            .ok_or_else(|| {
                io::Error::other(format!("no answer of HTTP: {}", String::from_utf8_lossy(first)))
            })?;
        head.ends_connection = first.starts_with(b"HTTP/1.0");
        loop {
            let line = self.line()?;
            let line = &self.buffer[line];
            if line.is_empty() {
                return Ok(head);
            }
            let Some(colon) = line.iter().position(|byte| *byte == b':') else {
                continue;
            };
            let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
            if name.eq_ignore_ascii_case(b"content-length") {
                let length = std::str::from_utf8(value)
                    .ok()
                    .and_then(|digits| digits.parse().ok());
                head.framing =
                    Framing::Length(length.ok_or_else(|| io::Error::other("a length that is no number"))?);
            } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
                head.framing = Framing::Chunks;
            } else if name.eq_ignore_ascii_case(b"connection") {
                head.ends_connection = value.eq_ignore_ascii_case(b"close");
            }
        }
    }

    /// Where the next line is in the buffer, without its end. It is there until more is read.
    fn line(&mut self) -> io::Result<Range<usize>> {
        let mut seen = 0;
        loop {
            let here = &self.buffer[self.begin..self.end];
            if let Some(at) = here[seen..].iter().position(|byte| *byte == b'\n') {
                let begin = self.begin;
                self.begin += seen + at + 1;
                return Ok(begin..begin + here[..seen + at].trim_ascii_end().len());
            }
            seen = here.len();
            self.fill()?;
        }
    }

    fn fill(&mut self) -> io::Result<()> {
        if self.begin == self.end {
            (self.begin, self.end) = (0, 0);
        } else if self.end == self.buffer.len() {
            self.buffer.copy_within(self.begin..self.end, 0);
            (self.begin, self.end) = (0, self.end - self.begin);
        }
        if self.end == self.buffer.len() {
            return Err(io::Error::other("a line without an end"));
        }
        match self.stream.read(&mut self.buffer[self.end..])? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            count => {
                self.end += count;
                Ok(())
            }
        }
    }
}

fn connected(address: &str) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    // A server that says nothing for so long fails the figure, not the whole run.
    stream.set_read_timeout(Some(Duration::from_secs(120)))?;
    Ok(stream)
}
