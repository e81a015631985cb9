//! What the commonest requests cost in system calls: a figure that a busy machine can't change.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::Stdio;
use std::time::{Duration, SystemTime};

use crate::support::distributions::wheel;
use crate::support::http::get;
use crate::support::{Server, Testbed};

const REQUESTS: usize = 200;

/// How threads wait for each other and for sockets depends on who gets which processor when. What begins with these is
/// not counted.
const WAITING: [&str; 5] = ["epoll_", "futex", "sched_yield", "madvise", "restart_syscall"];

/// Calls by name that `REQUESTS` requests over one connection make; `None` where nobody can count them.
fn calls_of(testbed: &Testbed, server: &Server, request: &str) -> Option<BTreeMap<String, usize>> {
    let mut connection = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    connection.set_nodelay(true).unwrap();
    let mut answer = vec![0; 1 << 20];
    // What is made once is made now.
    for _ in 0..20 {
        connection.write_all(request.as_bytes()).unwrap();
        whole_answer(&mut connection, &mut answer, request.starts_with("HEAD"));
    }
    let summary = testbed.path("calls");
    let mut counter = testbed
        .program("strace")
        .args(["-f", "-c", "-o"])
        .arg(&summary)
        .args(["-p", &server.id().to_string()])
        .stderr(Stdio::piped())
        .spawn()
        .ok()?;
    let mut said = String::new();
    // Kept open: it says something at its end too.
    let mut saying = BufReader::new(counter.stderr.take().unwrap());
    saying.read_line(&mut said).unwrap();
    if !said.contains("attached") {
        eprintln!("system calls can't be counted here: {said}");
        counter.wait().unwrap();
        return None;
    }
    for _ in 0..REQUESTS {
        connection.write_all(request.as_bytes()).unwrap();
        // Not so many bytes each time: the number of a request has more and fewer digits.
        whole_answer(&mut connection, &mut answer, request.starts_with("HEAD"));
    }
    let interrupt = testbed
        .program("kill")
        .args(["-INT", &counter.id().to_string()])
        .status();
    assert!(interrupt.unwrap().success());
    counter.wait().unwrap();
    let calls = fs::read_to_string(summary).unwrap();
    let is_waiting = |name: &str| WAITING.iter().any(|start| name.starts_with(start));
    let counted = calls.lines().filter_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (count, name) = (words.get(3)?.parse().ok()?, (*words.last()?).to_owned());
        (name != "total" && !is_waiting(&name)).then_some((name, count))
    });
    Some(counted.collect())
}

/// Reads an answer to its end.
fn whole_answer(connection: &mut TcpStream, answer: &mut [u8], is_head: bool) {
    let mut length = 0;
    loop {
        length += connection.read(&mut answer[length..]).unwrap();
        let text = String::from_utf8_lossy(&answer[..length]).to_ascii_lowercase();
        let Some(head) = text.find("\r\n\r\n") else {
            continue;
        };
        let announced = text[..head]
            .lines()
            .find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
        let body = announced.filter(|_| !is_head && !text.starts_with("http/1.1 304"));
        if length >= head + 4 + body.unwrap_or(0) {
            return;
        }
    }
}

#[test]
fn an_answer_from_memory_takes_four_system_calls() {
    let testbed = Testbed::new();
    let folder = testbed.path("packages");
    for version in ["1.0", "2.0", "3.0"] {
        wheel("lib", version).build().write_into(&folder);
    }
    // What is read from a file is kept when a change would show in its time.
    let long_ago = SystemTime::now() - Duration::from_secs(3600);
    for file in fs::read_dir(&folder).unwrap() {
        let file = fs::File::options()
            .write(true)
            .open(file.unwrap().path())
            .unwrap();
        file.set_modified(long_ago).unwrap();
    }
    let log = testbed.path("log");
    let server = testbed.serve([
        "--log-file".into(),
        log.into_os_string(),
        folder.clone().into_os_string(),
    ]);
    let page = get(&server.url, "/simple/lib/", &[]).expect(200);
    let head = format!("HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n", server.port());
    let file = "/packages/lib-1.0-py3-none-any.whl";
    for (what, request) in [
        ("a page", format!("GET /simple/lib/ {head}\r\n")),
        (
            "a page for those who take gzip",
            format!("GET /simple/lib/ {head}Accept-Encoding: gzip\r\n\r\n"),
        ),
        (
            "a page that the client has",
            format!(
                "GET /simple/lib/ {head}If-None-Match: {}\r\n\r\n",
                page.header("etag")
            ),
        ),
        ("the list of projects", format!("GET /simple/ {head}\r\n")),
        ("the list of files", format!("GET /packages/ {head}\r\n")),
        ("a file", format!("GET {file} {head}\r\n")),
        ("a file's head", format!("HEAD {file} {head}\r\n")),
        ("metadata", format!("GET {file}.metadata {head}\r\n")),
    ] {
        let Some(calls) = calls_of(&testbed, &server, &request) else {
            return;
        };
        let all: usize = calls.values().sum();
        // The request, its answer, a look at the queue of the folder's changes and one at which folder it is. Beside
        // them the log is written and the background looks around now and then.
        let most = 4 * REQUESTS + REQUESTS / 2;
        assert!(
            all <= most,
            "{what}: {all} calls for {REQUESTS} requests: {calls:?}"
        );
    }
}
