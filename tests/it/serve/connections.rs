//! How many connections there are, how long a slow one is waited for, and how they end.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::distributions::wheel;
use crate::support::http::{get, request};
use crate::support::upload::{Form, form_for};
use crate::support::{Outcome, Server, Testbed};

fn connect(server: &Server) -> TcpStream {
    let connection = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    connection
        .set_read_timeout(Some(Duration::from_secs(40)))
        .unwrap();
    connection
}

/// Everything that comes until the server closes, and how many seconds that took.
fn rest_of(connection: &mut TcpStream) -> (String, f64) {
    let began = Instant::now();
    let mut rest = Vec::new();
    let _ = connection.read_to_end(&mut rest);
    let seconds = began.elapsed().as_secs_f64();
    (String::from_utf8_lossy(&rest).into_owned(), seconds)
}

/// The head of an upload of so many bytes.
fn upload_head(length: usize) -> String {
    format!(
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: {}\r\nContent-Length: {length}\r\n\r\n",
        Form::content_type(),
    )
}

// A5
#[test]
fn slow_heads_and_silence_have_their_own_times() {
    // A5
    let testbed = Testbed::new();
    let server = testbed.serve(["--head-timeout", "1s", "--idle-timeout", "3s"]);
    for begin in ["G", "GET /simple/ HTTP/1.1\r\nHost: x\r\nX-Slow: "] {
        let mut slow = connect(&server);
        slow.write_all(begin.as_bytes()).unwrap();
        let (answer, seconds) = rest_of(&mut slow);
        assert!((0.9..2.9).contains(&seconds), "{seconds} after `{begin}`");
        assert!(!answer.contains(" 200 "), "{answer}");
    }
    // A byte now and then does not help.
    let mut trickle = connect(&server);
    let began = Instant::now();
    while trickle.write_all(b"X").is_ok() && began.elapsed() < Duration::from_secs(10) {
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    let (_, seconds) = rest_of(&mut connect(&server));
    assert!((2.5..6.0).contains(&seconds), "silence was borne for {seconds} s");
}

// A6, A8
#[test]
fn an_upload_may_be_slow_and_may_not_stand_still() {
    let testbed = Testbed::new();
    let server = testbed.serve(["-P", ".", "-a", ".", "--body-timeout", "2s"]);
    let file = wheel("lib", "1.0").build();
    let body = form_for(&file).body();
    let begin = |pieces: &mut dyn Iterator<Item = &[u8]>| {
        let mut client = connect(&server);
        client.write_all(upload_head(body.len()).as_bytes()).unwrap();
        for piece in pieces {
            client.write_all(piece).unwrap();
            std::thread::sleep(Duration::from_millis(500));
        }
        client
    };
    // Nothing more comes, and the client does not hang up.
    let mut stalled = begin(&mut [&body[..body.len() / 2]].into_iter());
    let (answer, _) = rest_of(&mut stalled);
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 408 "),
        "{answer}"
    );
    let spools = testbed.path("packages/.pkgctl/incoming");
    let left = || std::fs::read_dir(&spools).unwrap().count();
    let begun = Instant::now();
    while left() > 0 {
        assert!(begun.elapsed() < Duration::from_secs(20), "a spool is left");
        std::thread::sleep(Duration::from_millis(20));
    }
    // All together longer than a pause may be.
    let mut slow = begin(&mut body.chunks(body.len() / 6 + 1));
    slow.shutdown(std::net::Shutdown::Write).unwrap();
    let (answer, _) = rest_of(&mut slow);
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

// A6
#[test]
fn an_upload_that_takes_too_long_is_told_so_and_leaves_nothing() {
    let testbed = Testbed::new();
    let flags = ["-P", ".", "-a", ".", "--upload-timeout", "1s"];
    let server = testbed.serve(flags);
    let file = wheel("lib", "1.0").build();
    let body = form_for(&file).body();
    let mut slow = connect(&server);
    slow.write_all(upload_head(body.len()).as_bytes()).unwrap();
    // It comes steadily, and would come for ever.
    let began = Instant::now();
    for byte in &body {
        if slow.write_all(&[*byte]).is_err() || began.elapsed() > Duration::from_secs(2) {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    slow.shutdown(std::net::Shutdown::Write).unwrap();
    let (answer, _) = rest_of(&mut slow);
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("took longer"), "{answer}");
    assert!(!testbed.path("packages").join(&file.filename).exists());
    form_for(&file).post(&server.url, &[]).expect(200);
}

#[test]
fn a_client_that_takes_nothing_of_its_answer_is_let_go() {
    let testbed = Testbed::new();
    let file = wheel("lib", "1.0").padding(64 << 20, 1).build();
    file.write_into(testbed.path("packages"));
    let flags = ["--body-timeout", "1s", "--max-connections", "1"];
    let server = testbed.serve(flags);
    let mut stuck = connect(&server);
    let ask = format!("GET /packages/{} HTTP/1.1\r\nHost: x\r\n\r\n", file.filename);
    stuck.write_all(ask.as_bytes()).unwrap();
    // Its place is the only one, so this is answered once it is gone.
    let began = Instant::now();
    get(&server.url, "/health", &[]).expect(200);
    assert!(began.elapsed() > Duration::from_millis(500), "it had no place");
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    let (answer, _) = rest_of(&mut stuck);
    assert!(answer.len() < 64 << 20, "all of it was sent");
}

// A24
#[test]
fn clients_beyond_the_limit_wait_for_a_place() {
    // A24
    let testbed = Testbed::new();
    let server = testbed.serve(["--max-connections", "2"]);
    let ask = |connection: &mut TcpStream| {
        connection
            .write_all(b"HEAD /health HTTP/1.1\r\nHost: x\r\n\r\n")
            .unwrap();
    };
    let is_answered = |connection: &mut TcpStream| {
        let mut answer = [0; 12];
        connection
            .read_exact(&mut answer)
            .is_ok_and(|()| &answer == b"HTTP/1.1 200")
    };
    let mut kept = [connect(&server), connect(&server)];
    for connection in &mut kept {
        ask(connection);
        assert!(is_answered(connection));
    }
    let mut third = connect(&server);
    ask(&mut third);
    third.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    assert!(!is_answered(&mut third), "there was a third place");
    third.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    drop(kept);
    assert!(is_answered(&mut third));
}

/// The server with no more than so many descriptors.
fn with_few_descriptors(testbed: &Testbed, number: u32) -> Command {
    let mut command = testbed.program("sh");
    let script = format!("ulimit -n {number} && exec \"$@\"");
    command
        .args(["-c", &script, "sh", crate::support::binary(), "serve"])
        .args(["--host", "127.0.0.1", "--port", "0"]);
    command
}

// A24
#[test]
fn running_out_of_descriptors_is_survived() {
    // A24
    let testbed = Testbed::new();
    let server = Server::start(with_few_descriptors(&testbed, 48));
    assert!(
        server.log().contains("open files") && server.log().contains("--max-connections"),
        "{}",
        server.log()
    );
    let crowd: Vec<TcpStream> = (0..100).map(|_| connect(&server)).collect();
    server.wait_for_log("can't accept connections");
    let spent = cpu_seconds(server.id());
    std::thread::sleep(Duration::from_secs(2));
    let spent = cpu_seconds(server.id()) - spent;
    assert!(spent < 0.5, "it spins: {spent} s of work in 2 s");
    assert!(
        server.log().matches("can't accept").count() < 5,
        "it floods the log:\n{}",
        server.log()
    );
    drop(crowd);
    get(&server.url, "/health", &[]).expect(200);
}

/// The time that a process has worked, from `/proc`; nothing elsewhere.
fn cpu_seconds(process: u32) -> f64 {
    let Ok(stat) = fs::read_to_string(format!("/proc/{process}/stat")) else {
        return 0.0;
    };
    let (_, behind_name) = stat.rsplit_once(')').unwrap();
    let ticks: f64 = behind_name
        .split_whitespace()
        .skip(11)
        .take(2)
        .map(|ticks| ticks.parse::<f64>().unwrap())
        .sum();
    ticks / 100.0
}

// A27
#[test]
fn a_stop_ends_what_has_not_begun_at_once() {
    let testbed = Testbed::new();
    let mut server = testbed.serve(Vec::<&str>::new());
    let _silent = connect(&server);
    let mut half = connect(&server);
    half.write_all(b"GET /simple/ HTTP/1.1\r\nHost:").unwrap();
    let mut kept = connect(&server);
    kept.write_all(b"HEAD /health HTTP/1.1\r\nHost: x\r\n\r\n")
        .unwrap();
    assert!(kept.read(&mut [0; 4096]).unwrap() > 0);
    let began = Instant::now();
    server.signal("TERM");
    assert_eq!(server.wait(), Some(0), "{}", server.log());
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    assert!(!server.log().contains("cut"), "{}", server.log());
}

#[test]
fn a_stop_lets_a_slow_download_finish() {
    let testbed = Testbed::new();
    let file = wheel("lib", "1.0").padding(16 << 20, 1).build();
    file.write_into(testbed.path("packages"));
    let mut server = testbed.serve(Vec::<&str>::new());
    let mut slow = connect(&server);
    let ask = format!("GET /packages/{} HTTP/1.1\r\nHost: x\r\n\r\n", file.filename);
    slow.write_all(ask.as_bytes()).unwrap();
    let mut first = vec![0; 1000];
    slow.read_exact(&mut first).unwrap();
    server.signal("TERM");
    server.wait_for_log("stopping");
    std::thread::sleep(Duration::from_millis(500));
    let mut rest = Vec::new();
    slow.read_to_end(&mut rest).unwrap();
    assert!(rest.ends_with(&file.bytes[file.bytes.len() - 1000..]));
    assert_eq!(server.wait(), Some(0), "{}", server.log());
}

// A27
#[test]
fn what_outlasts_the_grace_is_cut_and_leaves_nothing() {
    // A27
    let testbed = Testbed::new();
    let flags = ["-P", ".", "-a", ".", "--stop-timeout", "1s"];
    let mut server = testbed.serve(flags);
    let file = wheel("lib", "1.0").padding(1 << 20, 1).build();
    let body = form_for(&file).body();
    let mut stalled = connect(&server);
    stalled.write_all(upload_head(body.len()).as_bytes()).unwrap();
    stalled.write_all(&body[..body.len() / 2]).unwrap();
    get(&server.url, "/health", &[]).expect(200);
    let began = Instant::now();
    server.signal("TERM");
    assert_eq!(server.wait(), Some(0), "{}", server.log());
    let seconds = began.elapsed().as_secs_f64();
    assert!((0.9..5.0).contains(&seconds), "{seconds}");
    assert!(server.log().contains("after 1 s: 1"), "{}", server.log());
    assert!(!testbed.path("packages").join(&file.filename).exists());
    let incoming = testbed.path("packages/.pkgctl/incoming");
    let left = fs::read_dir(incoming).into_iter().flatten().count();
    assert_eq!(left, 0, "a half-received file was left");
}

#[test]
fn a_range_means_nothing_to_head() {
    let testbed = Testbed::new();
    let file = wheel("lib", "1.0").padding(2 << 20, 1).build();
    file.write_into(testbed.path("packages"));
    let server = testbed.serve(Vec::<&str>::new());
    let path = format!("/packages/{}", file.filename);
    for range in ["bytes=0-9", "bytes=-100", "bytes=999999999-"] {
        let head = request(&server.url, "HEAD", &path, &[("Range", range)], &[]).expect(200);
        assert_eq!(head.header("content-length"), file.bytes.len().to_string());
        assert_eq!(head.header("content-range"), "");
        assert_eq!(head.header("accept-ranges"), "bytes");
    }
}

#[test]
fn limits_that_make_no_sense_are_named() {
    let testbed = Testbed::new();
    for (flag, value) in [
        ("--max-connections", "0"),
        ("--max-uploads", "many"),
        ("--head-timeout", "0"),
        ("--idle-timeout", "1 week"),
        ("--body-timeout", "-1s"),
        ("--upload-timeout", "1d"),
        ("--stop-timeout", ""),
    ] {
        let outcome: Outcome = testbed
            .run(["serve", "-p", "0", &format!("{flag}={value}")])
            .expect_code(2);
        assert!(outcome.stderr.contains(flag), "{}", outcome.stderr);
    }
}
