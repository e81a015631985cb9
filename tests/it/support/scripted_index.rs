//! An index that answers uploads as a test tells it to, and remembers what it was asked. HTTP/1.1 by hand, because
//! half of what it must do no library would.

use std::collections::{HashMap, VecDeque};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

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
    /// Answer with this status line once so many uploads have come, this one included.
    Together(usize, &'static str),
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
    /// Status, type and body by target.
    pages: HashMap<String, (String, String, String)>,
    /// What stands in a page's place once it was served, and what after that.
    later_pages: HashMap<String, VecDeque<(String, String, String)>>,
    lists_what_it_takes: bool,
    uploads_come: usize,
    under_way: usize,
    most_at_once: usize,
}

impl State {
    /// What stands at `target` now; the next time it may be something else.
    fn take_page(&mut self, target: &str) -> Option<(String, String, String)> {
        let page = self.pages.get(target).cloned()?;
        if let Some(next) = self.later_pages.get_mut(target).and_then(VecDeque::pop_front) {
            self.pages.insert(target.to_owned(), next);
        }
        Some(page)
    }
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    upload_came: Condvar,
}

impl Shared {
    /// Counts an upload as one that has come.
    fn came(&self, request: Request) {
        let mut state = self.state.lock().unwrap();
        state.requests.push(request);
        state.uploads_come += 1;
        drop(state);
        self.upload_came.notify_all();
    }

    /// Waits until so many uploads have come; `false` when they don't.
    fn wait_for(&self, uploads: usize) -> bool {
        let state = self.state.lock().unwrap();
        let patience = Duration::from_secs(20);
        let waited = self
            .upload_came
            .wait_timeout_while(state, patience, |state| state.uploads_come < uploads);
        !waited.unwrap().1.timed_out()
    }
}

/// The running index. Its threads end with the test's process.
pub(crate) struct ScriptedIndex {
    /// `http://127.0.0.1:PORT`, without a final slash.
    pub(crate) url: String,
    shared: Arc<Shared>,
}

impl ScriptedIndex {
    /// Answers uploads by `replies` in turn; the last one serves for all that follow.
    pub(crate) fn start(replies: impl IntoIterator<Item = Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let mut replies: Vec<Reply> = replies.into_iter().collect();
        replies.reverse();
        let state = State {
            replies,
            ..State::default()
        };
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            ..Shared::default()
        });
        let of_all = Arc::clone(&shared);
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let shared = Arc::clone(&of_all);
                std::thread::spawn(move || serve(&connection, &shared));
            }
        });
        Self { url, shared }
    }

    /// Lists a file on its project's page below `/simple/`, with this digest or none; the only one on it.
    pub(crate) fn list(&self, filename: &str, sha256: Option<&str>) {
        list(&mut self.shared.state.lock().unwrap(), filename, sha256);
    }

    /// Lists from now on every file that it takes, with its digest.
    pub(crate) fn list_what_is_taken(&self) {
        self.shared.state.lock().unwrap().lists_what_it_takes = true;
    }

    /// Serves this at `path`, whatever the method.
    pub(crate) fn page(&self, path: &str, content_type: &str, body: &str) {
        self.page_with_status(path, "200 OK", content_type, body);
    }

    /// The same with another status line.
    pub(crate) fn page_with_status(&self, path: &str, status: &str, content_type: &str, body: &str) {
        let page = (status.to_owned(), content_type.to_owned(), body.to_owned());
        self.shared
            .state
            .lock()
            .unwrap()
            .pages
            .insert(path.to_owned(), page);
    }

    /// Serves this there once what is served now was asked for one more time.
    pub(crate) fn later_page(&self, path: &str, status: &str, content_type: &str, body: &str) {
        let page = (status.to_owned(), content_type.to_owned(), body.to_owned());
        let mut state = self.shared.state.lock().unwrap();
        state
            .later_pages
            .entry(path.to_owned())
            .or_default()
            .push_back(page);
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.shared.state.lock().unwrap().requests.clone()
    }

    /// The most uploads that were under way at one time.
    pub(crate) fn most_at_once(&self) -> usize {
        self.shared.state.lock().unwrap().most_at_once
    }

    /// The uploads among the requests.
    pub(crate) fn uploads(&self) -> Vec<Request> {
        let mut requests = self.requests();
        requests.retain(|request| request.method == "POST");
        requests
    }
}

fn list(state: &mut State, filename: &str, sha256: Option<&str>) {
    state.pages.insert(
        page_path(filename),
        html_page(format!("<!DOCTYPE html>{}", link(filename, sha256))),
    );
}

fn list_beside_others(state: &mut State, filename: &str, sha256: &str) {
    let page = state.pages.entry(page_path(filename));
    let page = page.or_insert_with(|| html_page("<!DOCTYPE html>".to_owned()));
    page.2.push_str(&link(filename, Some(sha256)));
}

fn page_path(filename: &str) -> String {
    let project = filename.split('-').next().unwrap().replace('_', "-");
    format!("/simple/{project}/")
}

fn html_page(body: String) -> (String, String, String) {
    ("200 OK".to_owned(), "text/html; charset=utf-8".to_owned(), body)
}

fn link(filename: &str, sha256: Option<&str>) -> String {
    let fragment = sha256.map_or(String::new(), |digest| format!("#sha256={digest}"));
    format!("<a href=\"../../files/{filename}{fragment}\">{filename}</a>")
}

/// One connection, kept alive as long as the client likes.
fn serve(connection: &TcpStream, shared: &Shared) {
    let mut reader = BufReader::new(connection);
    while let Some((mut request, length)) = read_head(&mut reader) {
        let page = shared.state.lock().unwrap().take_page(&request.target);
        if page.is_some() || request.method != "POST" {
            request.body = vec![0; length];
            if reader.read_exact(&mut request.body).is_err() {
                return;
            }
            shared.state.lock().unwrap().requests.push(request);
            let (status, content_type, body) =
                page.unwrap_or_else(|| ("404 Not Found".to_owned(), String::new(), String::new()));
            let content_type = [("Content-Type".to_owned(), content_type)];
            write_answer(connection, &status, &content_type, &body);
            continue;
        }
        let reply = {
            let mut state = shared.state.lock().unwrap();
            state.under_way += 1;
            state.most_at_once = state.most_at_once.max(state.under_way);
            match state.replies.len() {
                1 => state.replies[0].clone(),
                _ => state
                    .replies
                    .pop()
                    .expect("an upload that no reply was scripted for"),
            }
        };
        let goes_on = answer_upload(connection, &mut reader, shared, reply, (request, length));
        if !goes_on {
            return;
        }
    }
}

/// Does with one upload as `reply` says, and tells whether the connection is kept.
fn answer_upload(
    connection: &TcpStream,
    reader: &mut BufReader<&TcpStream>,
    shared: &Shared,
    reply: Reply,
    (mut request, length): (Request, usize),
) -> bool {
    let wanted = match &reply {
        Reply::Early(_) => 0,
        Reply::HangUp => length / 2,
        _ => length,
    };
    request.body = vec![0; wanted];
    let complete = reader.read_exact(&mut request.body).is_ok();
    if complete {
        shared.came(request.clone());
    }
    let is_together = match &reply {
        Reply::Together(uploads, _) => complete && shared.wait_for(*uploads),
        _ => true,
    };
    // Before the answer, or the next upload could come while this one still counts.
    if !matches!(reply, Reply::Silence) {
        shared.state.lock().unwrap().under_way -= 1;
    }
    match reply {
        Reply::Answer(line, headers, body) if complete => {
            let is_success = line.starts_with('2');
            if is_success && shared.state.lock().unwrap().lists_what_it_takes {
                let (filename, content) = request.file();
                let digest = super::distributions::sha256(&content);
                list_beside_others(&mut shared.state.lock().unwrap(), &filename, &digest);
            }
            write_answer(connection, &line, &headers, &body);
            true
        }
        Reply::Together(_, line) if complete => {
            let line = if is_together {
                line
            } else {
                "400 the others never came"
            };
            write_answer(connection, line, &[], "");
            true
        }
        Reply::Early(line) => {
            let close = [("Connection".to_owned(), "close".to_owned())];
            write_answer(connection, &line, &close, "");
            // What is in flight is swallowed, so that the answer is not lost to a reset.
            let _ = connection.shutdown(Shutdown::Write);
            let _ = std::io::copy(reader, &mut std::io::sink());
            false
        }
        Reply::StoreAndHangUp(stored) => {
            let digest = stored.sha256();
            list(&mut shared.state.lock().unwrap(), &stored.filename, Some(&digest));
            let _ = connection.shutdown(Shutdown::Both);
            false
        }
        Reply::Silence => {
            let _ = reader.read(&mut [0]);
            false
        }
        Reply::HangUp | Reply::Answer(..) | Reply::Together(..) => {
            let _ = connection.shutdown(Shutdown::Both);
            false
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
