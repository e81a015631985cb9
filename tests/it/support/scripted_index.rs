//! An index that answers uploads as a test tells it to, and remembers what it was asked. HTTP/1.1 by hand, because
//! half of what it must do no library would.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use super::distributions::Distribution;

/// How to answer one upload.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// This status line without `HTTP/1.1`, these further headers, this body.
    Answer(String, Vec<(String, String)>, String),
    /// An answer before the body was read, and the end of the connection.
    Early(String),
    /// Read everything, list the file from now on, and hang up without an answer.
    StoreAndHangUp(Distribution),
    /// Hang up in the middle of the body.
    HangUp,
    /// Read everything and never answer.
    Silence,
}

impl Reply {
    pub(crate) fn status(line: &str) -> Self {
        Self::Answer(line.to_owned(), Vec::new(), String::new())
    }

    pub(crate) fn ok() -> Self {
        Self::status("200 OK")
    }

    pub(crate) fn with_header(self, name: &str, value: &str) -> Self {
        let Self::Answer(line, mut headers, body) = self else {
            panic!("only answers have headers")
        };
        headers.push((name.to_owned(), value.to_owned()));
        Self::Answer(line, headers, body)
    }

    pub(crate) fn with_body(self, content_type: &str, text: &str) -> Self {
        let Self::Answer(line, headers, _) = self.with_header("Content-Type", content_type) else {
            panic!("only answers have bodies")
        };
        Self::Answer(line, headers, text.to_owned())
    }
}

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self
            .headers
            .iter()
            .find(|(header, _)| header.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The parts of the form in order: name, file name, content.
    pub(crate) fn parts(&self) -> Vec<(String, Option<String>, Vec<u8>)> {
        let content_type = self.header("Content-Type").unwrap();
        let boundary = content_type.split_once("boundary=").unwrap().1.trim_matches('"');
        let delimiter = format!("\r\n--{boundary}");
        // The first delimiter has no line end in front of it.
        let body = [b"\r\n", &self.body[..]].concat();
        let mut at = find(&body, delimiter.as_bytes(), 0).unwrap() + delimiter.len();
        let mut parts = Vec::new();
        while !body[at..].starts_with(b"--") {
            let end = find(&body, delimiter.as_bytes(), at).expect("the form is cut");
            let part = &body[at + 2..end];
            let head_end = find(part, b"\r\n\r\n", 0).unwrap();
            let head = String::from_utf8(part[..head_end].to_vec()).unwrap();
            let attribute = |name: &str| {
                let value = head.split_once(&format!("; {name}=\""))?.1;
                Some(value.split('"').next().unwrap().to_owned())
            };
            let content = part[head_end + 4..].to_vec();
            parts.push((attribute("name").unwrap(), attribute("filename"), content));
            at = end + delimiter.len();
        }
        assert_eq!(&body[at..], b"--\r\n", "something follows the form");
        parts
    }

    /// The text fields of the form in order.
    pub(crate) fn fields(&self) -> Vec<(String, String)> {
        let parts = self.parts().into_iter();
        parts
            .filter(|(_, filename, _)| filename.is_none())
            .map(|(name, _, content)| (name, String::from_utf8(content).unwrap()))
            .collect()
    }

    /// The file in the form, with its name.
    pub(crate) fn file(&self) -> (String, Vec<u8>) {
        let mut parts = self.parts().into_iter();
        let (_, filename, content) = parts.find(|(name, _, _)| name == "content").unwrap();
        (filename.unwrap(), content)
    }
}

fn find(bytes: &[u8], wanted: &[u8], from: usize) -> Option<usize> {
    memchr::memmem::find(&bytes[from..], wanted).map(|at| from + at)
}

#[derive(Default)]
struct State {
    replies: Vec<Reply>,
    requests: Vec<Request>,
    pages: HashMap<String, (String, String)>,
}

/// The running index. Its threads end with the test's process.
pub(crate) struct ScriptedIndex {
    /// `http://127.0.0.1:PORT`, without a final slash.
    pub(crate) url: String,
    state: Arc<Mutex<State>>,
}

impl ScriptedIndex {
    /// Answers uploads by `replies` in turn; the last one serves for all that follow.
    pub(crate) fn start(replies: impl IntoIterator<Item = Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let mut replies: Vec<Reply> = replies.into_iter().collect();
        replies.reverse();
        let state = Arc::new(Mutex::new(State {
            replies,
            ..State::default()
        }));
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let state = Arc::clone(&shared);
                std::thread::spawn(move || serve(&connection, &state));
            }
        });
        Self { url, state }
    }

    /// Lists a file on its project's page below `/simple/`, with this digest or none; the only one on it.
    pub(crate) fn list(&self, filename: &str, sha256: Option<&str>) {
        list(&mut self.state.lock().unwrap(), filename, sha256);
    }

    /// Serves this at `GET path`.
    pub(crate) fn page(&self, path: &str, content_type: &str, body: &str) {
        let page = (content_type.to_owned(), body.to_owned());
        self.state.lock().unwrap().pages.insert(path.to_owned(), page);
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.state.lock().unwrap().requests.clone()
    }

    /// The uploads among the requests.
    pub(crate) fn uploads(&self) -> Vec<Request> {
        let mut requests = self.requests();
        requests.retain(|request| request.method == "POST");
        requests
    }
}

fn list(state: &mut State, filename: &str, sha256: Option<&str>) {
    let project = filename.split('-').next().unwrap().replace('_', "-");
    let fragment = sha256.map_or(String::new(), |digest| format!("#sha256={digest}"));
    let page = format!("<!DOCTYPE html><a href=\"../../files/{filename}{fragment}\">{filename}</a>");
    let path = format!("/simple/{project}/");
    state
        .pages
        .insert(path, ("text/html; charset=utf-8".to_owned(), page));
}

/// One connection, kept alive as long as the client likes.
fn serve(connection: &TcpStream, state: &Mutex<State>) {
    let mut reader = BufReader::new(connection);
    while let Some((mut request, length)) = read_head(&mut reader) {
        if request.method != "POST" {
            let page = state.lock().unwrap().pages.get(&request.target).cloned();
            state.lock().unwrap().requests.push(request);
            let (content_type, body) = page.clone().unwrap_or_default();
            let status = if page.is_some() { "200 OK" } else { "404 Not Found" };
            write_answer(
                connection,
                status,
                &[("Content-Type".to_owned(), content_type)],
                &body,
            );
            continue;
        }
        let reply = {
            let mut state = state.lock().unwrap();
            match state.replies.len() {
                1 => state.replies[0].clone(),
                _ => state
                    .replies
                    .pop()
                    .expect("an upload that no reply was scripted for"),
            }
        };
        let wanted = match &reply {
            Reply::Early(_) => 0,
            Reply::HangUp => length / 2,
            _ => length,
        };
        request.body = vec![0; wanted];
        let complete = reader.read_exact(&mut request.body).is_ok();
        if complete {
            state.lock().unwrap().requests.push(request);
        }
        match reply {
            Reply::Answer(line, headers, body) if complete => {
                write_answer(connection, &line, &headers, &body)
            }
            Reply::Early(line) => {
                write_answer(
                    connection,
                    &line,
                    &[("Connection".to_owned(), "close".to_owned())],
                    "",
                );
                // What is in flight is swallowed, so that the answer is not lost to a reset.
                let _ = connection.shutdown(Shutdown::Write);
                let _ = std::io::copy(&mut reader, &mut std::io::sink());
                return;
            }
            Reply::StoreAndHangUp(stored) => {
                list(
                    &mut state.lock().unwrap(),
                    &stored.filename,
                    Some(&stored.sha256()),
                );
                let _ = connection.shutdown(Shutdown::Both);
                return;
            }
            Reply::Silence => {
                let _ = reader.read(&mut [0]);
                return;
            }
            Reply::HangUp | Reply::Answer(..) => {
                let _ = connection.shutdown(Shutdown::Both);
                return;
            }
        }
    }
}

/// A request without its body, and the length of that. `None` at the connection's end.
fn read_head(reader: &mut BufReader<&TcpStream>) -> Option<(Request, usize)> {
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
    let request = Request {
        method,
        target,
        headers,
        body: Vec::new(),
    };
    let length = request
        .header("Content-Length")
        .map_or(0, |length| length.parse().unwrap());
    Some((request, length))
}

fn write_answer(mut connection: &TcpStream, line: &str, headers: &[(String, String)], body: &str) {
    let mut head = format!("HTTP/1.1 {line}\r\nContent-Length: {}\r\n", body.len());
    for (name, value) in headers.iter().filter(|(_, value)| !value.is_empty()) {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let _ = connection.write_all(format!("{head}\r\n{body}").as_bytes());
}
