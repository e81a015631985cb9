//! Plain requests are answered in front of hyper, which gets the connection at the first one that is not; nobody may be
//! able to tell.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant, SystemTime};

use crate::support::distributions::wheel;
use crate::support::{Server, Testbed};

/// Nothing at hand is at this address, so that it is hyper's, and so is the connection from then on.
const FOR_HYPER: &str = "GET /health HTTP/1.1\r\nHost: x\r\n\r\n";
const PLAIN: &str = "GET /simple/lib/ HTTP/1.1\r\nHost: x\r\n\r\n";

/// A connection over which answers are read one by one.
struct Conversation {
    connection: TcpStream,
    unread: Vec<u8>,
}

/// An answer without what only this very one says.
#[derive(Debug, PartialEq, Eq)]
struct Answer {
    first_line: String,
    headers: Vec<String>,
    body: Vec<u8>,
}

impl Conversation {
    fn with(server: &Server) -> Self {
        let connection = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
        connection.set_nodelay(true).unwrap();
        connection
            .set_read_timeout(Some(Duration::from_secs(40)))
            .unwrap();
        Self {
            connection,
            unread: Vec::new(),
        }
    }

    fn say(&mut self, bytes: &[u8]) {
        // The server may have hung up.
        let _ = self.connection.write_all(bytes);
    }

    /// Reads more; tells whether there was any.
    fn hear(&mut self) -> bool {
        let mut piece = [0; 65536];
        let length = self.connection.read(&mut piece).unwrap_or(0);
        self.unread.extend(&piece[..length]);
        length > 0
    }

    /// The next answer; `None` when the server has hung up.
    fn answer(&mut self, is_to_head: bool) -> Option<Answer> {
        let end_of_head = loop {
            let end = self.unread.windows(4).position(|bytes| bytes == b"\r\n\r\n");
            if let Some(end) = end {
                break end + 4;
            }
            if !self.hear() {
                return None;
            }
        };
        let head = String::from_utf8(self.unread.drain(..end_of_head).collect()).unwrap();
        let mut lines = head.trim_end().lines();
        let first_line = lines.next().unwrap().to_owned();
        let is_own = |line: &&str| line.starts_with("date: ") || line.starts_with("x-request-id: ");
        let mut headers: Vec<_> = lines.filter(|line| !is_own(line)).map(str::to_owned).collect();
        headers.sort();
        let announced = headers
            .iter()
            .find_map(|line| line.strip_prefix("content-length: "));
        let length = match announced {
            Some(length) if !is_to_head => length.parse().unwrap(),
            _ => 0,
        };
        while self.unread.len() < length {
            assert!(self.hear(), "the body ends early");
        }
        Some(Answer {
            first_line,
            headers,
            body: self.unread.drain(..length).collect(),
        })
    }
}

fn folder(testbed: &Testbed) -> std::path::PathBuf {
    let folder = testbed.path("packages");
    fs::create_dir_all(&folder).unwrap();
    let file = wheel("lib", "1.0").padding(3000, 1).build().write_into(&folder);
    // What is read from a file is kept when a change would show in its time.
    let file = fs::File::options().write(true).open(file).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(3600))
        .unwrap();
    folder
}

/// Heads of all kinds, well made and otherwise.
fn heads() -> Vec<String> {
    let mut heads: Vec<String> = [
        "GET /simple/lib/ HTTP/1.1",
        "HEAD /simple/lib/ HTTP/1.1",
        "GET /packages/lib-1.0-py3-none-any.whl HTTP/1.1",
        "HEAD /packages/lib-1.0-py3-none-any.whl HTTP/1.1",
        "GET /packages/lib-1.0-py3-none-any.whl.metadata HTTP/1.1",
        "GET /simple/absent/ HTTP/1.1",
        "GET /simple/LIB/ HTTP/1.1",
        "get /simple/lib/ HTTP/1.1",
        "GET /simple/lib/ HTTP/1.0",
        "GET /simple/lib/ HTTP/1.2",
        "GET /simple/lib/ HTTP/3",
        "GET /simple/lib/",
        "GET  /simple/lib/ HTTP/1.1",
        "GET /simple/lib/? HTTP/1.1",
        "GET /simple/lib/#x HTTP/1.1",
        "GET /simple/l%69b/ HTTP/1.1",
        "GET /simple/%00/ HTTP/1.1",
        "GET /simple/l\u{e4}b/ HTTP/1.1",
        "GET /simple/\\lib/ HTTP/1.1",
        "GET //simple/lib/ HTTP/1.1",
        "GET /simple/../simple/lib/ HTTP/1.1",
        "GET http://x/simple/lib/ HTTP/1.1",
        "GET x:80 HTTP/1.1",
        "OPTIONS * HTTP/1.1",
        "POST /simple/lib/ HTTP/1.1",
        "DELETE /simple/lib/ HTTP/1.1",
        "PRI * HTTP/2.0",
    ]
    .map(|first| format!("{first}\r\nHost: x\r\n\r\n"))
    .into();
    for lines in [
        "",
        "Host: x\r\nHost: x\r\n",
        "Host:\r\n",
        "hOsT:   x  \r\n",
        "Host: x\r\nAccept: application/vnd.pypi.simple.v1+json\r\nAccept-Encoding: gzip\r\n",
        "Host: x\r\nAccept: image/png\r\n",
        "Host: x\r\nAccept:\r\n",
        "Host: x\r\nIf-None-Match: *\r\n",
        "Host: x\r\nRange: bytes=0-3\r\n",
        "Host: x\r\nConnection: close\r\n",
        "Host: x\r\nConnection: CLOSE\r\n",
        "Host: x\r\nConnection: keep-alive\r\n",
        "Host: x\r\nConnection: keep-alive, close\r\n",
        "Host: x\r\nConnection: close\r\nConnection: keep-alive\r\n",
        "Host: x\r\nConnection: x-own\r\n",
        "Host: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n",
        "Host: x\r\nContent-Length: 0\r\n",
        "Host: x\r\nContent-Length: x\r\n",
        "Host: x\r\nContent-Length: 0\r\nContent-Length: 5\r\n",
        "Host: x\r\nTransfer-Encoding: gzip\r\n",
        "Host: x\r\nTE: trailers\r\n",
        "Host: x\r\nX-Tab: a\tb\r\n",
        "Host: x\r\nX-Nul: a\0b\r\n",
        "Host: x\r\nX-Bytes: \u{e4}\r\n",
        "Host: x\r\nX-Folded: a\r\n b\r\n",
        "Host: x\r\nX-Spaced : a\r\n",
        "Host: x\r\n: a\r\n",
        "Host: x\r\nno colon\r\n",
        "Host: x\r\nX-CR: a\rb\r\n",
    ] {
        heads.push(format!("GET /simple/lib/ HTTP/1.1\r\n{lines}\r\n"));
    }
    for many in [20, 23, 24, 60, 99, 100, 101] {
        let lines: String = (0..many).map(|number| format!("X-{number}: y\r\n")).collect();
        heads.push(format!("GET /simple/lib/ HTTP/1.1\r\nHost: x\r\n{lines}\r\n"));
    }
    for long in [3000, 4048, 4049, 4050, 4096, 9000, 20_000] {
        let value = "y".repeat(long);
        heads.push(format!(
            "GET /simple/lib/ HTTP/1.1\r\nHost: x\r\nX: {value}\r\n\r\n"
        ));
        heads.push(format!("GET /simple/{value}/ HTTP/1.1\r\nHost: x\r\n\r\n"));
    }
    for with_body in [
        "Content-Length: 4\r\n\r\nbody",
        "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
    ] {
        heads.push(format!("GET /simple/lib/ HTTP/1.1\r\nHost: x\r\n{with_body}"));
    }
    heads.push(format!("\r\n{PLAIN}"));
    heads.push(PLAIN.replace("\r\n", "\n"));
    heads.push("\x16\x03\x01\x02\x00\x01\x00".to_owned() + PLAIN);
    heads
}

// A1, A2, A3
#[test]
fn whatever_a_request_looks_like_it_is_answered_as_hyper_would() {
    let testbed = Testbed::new();
    let server = testbed.serve([folder(&testbed).into_os_string()]);
    // Once for whatever is kept from then on.
    for head in heads() {
        let mut first = Conversation::with(&server);
        first.say(head.as_bytes());
        first.answer(head.starts_with("HEAD"));
    }
    for head in heads() {
        let is_to_head = head.starts_with("HEAD");
        let told = &head[..head.len().min(120)];
        let mut door = Conversation::with(&server);
        let mut hyper = Conversation::with(&server);
        hyper.say(FOR_HYPER.as_bytes());
        assert!(hyper.answer(false).is_some());
        // A connection that was at the door before is no other one.
        let mut known = Conversation::with(&server);
        known.say(PLAIN.as_bytes());
        assert!(known.answer(false).is_some());
        for conversation in [&mut door, &mut hyper, &mut known] {
            conversation.say(head.as_bytes());
        }
        let by_hyper = hyper.answer(is_to_head);
        assert_eq!(door.answer(is_to_head), by_hyper, "{told}");
        assert_eq!(known.answer(is_to_head), by_hyper, "{told}");
        // Whether the connection goes on is the same, too.
        for conversation in [&mut door, &mut hyper, &mut known] {
            conversation.say(PLAIN.as_bytes());
        }
        let by_hyper = hyper.answer(false);
        assert_eq!(door.answer(false), by_hyper, "after {told}");
        assert_eq!(known.answer(false), by_hyper, "after {told}");
    }
}

#[test]
fn requests_in_pieces_and_in_heaps_are_answered_in_turn() {
    let testbed = Testbed::new();
    let server = testbed.serve([folder(&testbed).into_os_string()]);
    let mut conversation = Conversation::with(&server);
    conversation.say(PLAIN.as_bytes());
    let page = conversation.answer(false).unwrap();
    assert_eq!(page.first_line, "HTTP/1.1 200 OK");
    for pieces in [1, 2, 10] {
        let mut slow = Conversation::with(&server);
        slow.say(PLAIN.as_bytes());
        assert_eq!(slow.answer(false).unwrap(), page);
        for piece in PLAIN.as_bytes().chunks(PLAIN.len().div_ceil(pieces)) {
            slow.say(piece);
            std::thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(slow.answer(false).unwrap(), page, "in {pieces} pieces");
    }
    let head = PLAIN.replace("GET", "HEAD");
    let heap = [PLAIN, FOR_HYPER, &head, PLAIN, FOR_HYPER, PLAIN];
    conversation.say(heap.concat().as_bytes());
    for request in heap {
        let answer = conversation.answer(request == head).unwrap();
        match request {
            FOR_HYPER => assert_eq!(answer.body, b"Ok"),
            PLAIN => assert_eq!(answer, page),
            _ => assert_eq!(answer.headers, page.headers),
        }
    }
}

// A27
#[test]
fn a_stop_ends_connections_that_wait_at_the_door() {
    let testbed = Testbed::new();
    let mut server = testbed.serve([folder(&testbed).into_os_string()]);
    let mut waiting = Conversation::with(&server);
    waiting.say(PLAIN.as_bytes());
    assert!(waiting.answer(false).is_some());
    let began = Instant::now();
    server.signal("TERM");
    assert_eq!(server.wait(), Some(0), "{}", server.log());
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    assert!(!server.log().contains("cut"), "{}", server.log());
    assert!(!waiting.hear());
}

// A5, A8
#[test]
fn silence_and_slow_heads_after_an_answer_have_their_times() {
    let testbed = Testbed::new();
    let folder = folder(&testbed).into_os_string();
    let server = testbed.serve([
        "--head-timeout".into(),
        "1s".into(),
        "--idle-timeout".into(),
        "3s".into(),
        folder,
    ]);
    let seconds_after = |requests: &[&str], more: &str| {
        let mut client = Conversation::with(&server);
        for request in requests {
            client.say(request.as_bytes());
            assert!(client.answer(false).is_some());
        }
        client.say(more.as_bytes());
        let began = Instant::now();
        while client.hear() {}
        began.elapsed().as_secs_f64()
    };
    for requests in [
        &[PLAIN][..],
        &[PLAIN, PLAIN],
        &[FOR_HYPER],
        &[PLAIN, FOR_HYPER, PLAIN],
    ] {
        let silent = seconds_after(requests, "");
        assert!(
            (2.5..6.0).contains(&silent),
            "silence was borne for {silent} s after {requests:?}"
        );
        let slow = seconds_after(requests, "GET /simple/lib/ HTTP/1.1\r\nHost: ");
        assert!(
            (0.9..2.9).contains(&slow),
            "a slow head was borne for {slow} s after {requests:?}"
        );
    }
}
