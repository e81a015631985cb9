//! The log: where it goes, what its lines look like, and that nobody waits for it.

use std::fs;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::distributions::wheel;
use crate::support::http::get;
use crate::support::upload::form_for;
use crate::support::{Outcome, Server, Testbed};

/// Waits until the file holds `text`, and gives all of it.
#[track_caller]
fn wait_for(file: &Path, text: &str) -> String {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let content = fs::read_to_string(file).unwrap_or_default();
        if content.contains(text) {
            return content;
        }
        assert!(Instant::now() < deadline, "`{text}` never came:\n{content}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_log_file_is_appended_to_beside_the_stream() {
    let testbed = Testbed::new();
    let file = testbed.write("log", "from before\n");
    let mut server = testbed.serve(["--log-file", "log"]);
    get(&server.url, "/simple/", &[]).expect(200);
    server.signal("TERM");
    assert_eq!(server.wait(), Some(0));
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.starts_with("from before\n"), "{text}");
    for told in [
        "the log is in ",
        "listening on http://",
        "200 GET /simple/",
        "stopped",
    ] {
        assert!(text.contains(told), "{text}");
        server.wait_for_log(told);
    }
}

#[test]
fn a_new_log_file_is_for_its_owner_and_group_at_most() {
    for (umask, mode) in [("022", 0o640), ("077", 0o600), ("000", 0o640)] {
        let testbed = Testbed::new();
        let mut command = testbed.program("sh");
        command.args([
            "-c",
            &format!("umask {umask}; exec \"$@\""),
            "sh",
            crate::support::binary(),
        ]);
        command.args(["serve", "--host", "127.0.0.1", "-p", "0", "--log-file", "log"]);
        let _server = Server::start(command);
        let found = fs::metadata(testbed.path("log")).unwrap().permissions().mode() & 0o777;
        assert_eq!(found, mode, "umask {umask}: {found:o}");
    }
}

#[test]
fn the_stream_is_chosen() {
    let testbed = Testbed::new();
    for (stream, on_stdout, on_stderr) in [
        ("stdout", true, false),
        ("NONE", false, false),
        ("stderr", false, true),
    ] {
        let file = testbed.path(&format!("log-{stream}"));
        let mut child = testbed
            .pkgctl([
                "serve",
                "--host",
                "127.0.0.1",
                "-p",
                "0",
                "--log-stream",
                stream,
                "--log-file",
            ])
            .arg(&file)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        wait_for(&file, "listening on");
        assert!(
            Command::new("kill")
                .arg(child.id().to_string())
                .status()
                .unwrap()
                .success()
        );
        let (mut stdout, mut stderr) = (String::new(), String::new());
        child.stdout.take().unwrap().read_to_string(&mut stdout).unwrap();
        child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        assert!(child.wait().unwrap().success());
        assert_eq!(
            (stdout.contains("listening on"), stderr.contains("listening on")),
            (on_stdout, on_stderr),
            "{stream}: {stdout}{stderr}"
        );
    }
}

#[test]
fn a_log_file_that_can_t_be_opened_is_named() {
    let testbed = Testbed::new();
    fs::create_dir_all(testbed.path("folder")).unwrap();
    for file in ["nowhere/log", "folder"] {
        testbed
            .run(["serve", "-p", "0", "--log-file", file])
            .expect_failure(1, file);
    }
    testbed
        .run(["serve", "-p", "0", "--log-frmt", "no attribute"])
        .expect_failure(2, "--log-frmt");
}

#[test]
fn a_request_is_told_in_fields_or_in_a_line() {
    let testbed = Testbed::new();
    wheel("lib", "1.0").build().write_into(testbed.path("packages"));
    testbed.write("htpasswd", "bob:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n");
    let arguments = |format: &'static str| ["-P", "htpasswd", "-a", "list,update", "--log-format", format];
    let bob = [
        ("Authorization", "Basic Ym9iOnNlY3JldA=="),
        ("User-Agent", "pip/99.1 x"),
    ];

    let server = testbed.serve(arguments("json"));
    let reply = get(&server.url, "/simple/lib/?a-query=hunter2", &bob);
    let id = reply.header("x-request-id").to_owned();
    server.wait_for_log(&id);
    let log = server.log();
    let line = log.lines().find(|line| line.contains(&id)).unwrap();
    let line: Value = serde_json::from_str(line).unwrap();
    for (key, value) in [
        ("method", Value::from("GET")),
        ("path", Value::from("/simple/lib/")),
        ("status", Value::from(reply.status)),
        ("size_bytes", Value::from(reply.body.len())),
        ("client", Value::from("127.0.0.1")),
        ("agent", Value::from("pip/99.1 x")),
        ("request_id", Value::from(id.as_str())),
        ("level", Value::from("INFO")),
    ] {
        assert_eq!(line[key], value, "{key} in {line}");
    }
    assert!(
        line["duration_ms"].is_number() && line["timestamp"].is_string(),
        "{line}"
    );
    assert!(line["user"].is_string(), "{line}");
    for line in log.lines() {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(line["message"].is_string(), "{line}");
    }
    assert!(!log.contains("hunter2") && !log.contains("Ym9i"), "{log}");

    let server = testbed.serve(arguments("text"));
    let reply = get(&server.url, "/simple/lib/", &[]).expect(401);
    let id = reply.header("x-request-id");
    server.wait_for_log(id);
    let log = server.log();
    let line = log.lines().find(|line| line.contains(id)).unwrap();
    for told in ["401 GET /simple/lib/", "127.0.0.1", "ms"] {
        assert!(line.contains(told), "{line}");
    }
}

#[test]
fn a_proved_user_is_named() {
    let testbed = Testbed::new();
    let added = testbed.run_with_input(
        ["adduser", "-f", "htpasswd", "--password-stdin", "bob"],
        "a fine password\n",
    );
    added.expect_code(0);
    let server = testbed.serve(["-P", "htpasswd", "-a", "list,update", "--log-format", "json"]);
    let credentials =
        base64::Engine::encode(&base64::engine::general_purpose::STANDARD, "bob:a fine password");
    let authorization = format!("Basic {credentials}");
    get(&server.url, "/simple/", &[("Authorization", &authorization)]).expect(200);
    server.wait_for_log("\"user\":\"bob\"");
    assert!(!server.log().contains(&credentials), "{}", server.log());
}

#[test]
fn lines_take_the_shape_that_python_s_users_know() {
    let testbed = Testbed::new();
    let file = testbed.path("log");
    let server = testbed.serve([
        "--log-file",
        "log",
        "--log-frmt",
        "%(asctime)s|%(name)s|%(levelname)-7s|%(thread)d|%(message)s",
    ]);
    let reply = get(&server.url, "/simple/%0a/", &[]);
    let text = wait_for(&file, reply.header("x-request-id"));
    server.wait_for_log(reply.header("x-request-id"));
    let line = text.lines().last().unwrap();
    let parts: Vec<&str> = line.splitn(5, '|').collect();
    let [asctime, name, level, thread, message] = parts[..] else {
        panic!("{line}")
    };
    let shape: String = asctime
        .chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    assert_eq!(shape, "0000-00-00 00:00:00,000");
    assert_eq!((name, level), ("pkgctl.access", "INFO   "));
    assert!(thread.parse::<u64>().is_ok(), "{line}");
    assert!(message.contains("GET /simple/%0a/"), "{line}");
    // JSON is asked for on purpose, and wins.
    let server = testbed.serve(["--log-format", "json", "--log-frmt", "%(message)s"]);
    assert!(
        server.log().lines().all(|line| line.starts_with('{')),
        "{}",
        server.log()
    );
}

#[test]
fn a_stopped_server_has_written_every_line() {
    const REQUESTS: usize = 400;
    let testbed = Testbed::new();
    let mut server = testbed.serve(["--log-file", "log"]);
    let ids: Vec<String> = (0..REQUESTS)
        .map(|_| {
            get(&server.url, "/health", &[])
                .expect(200)
                .header("x-request-id")
                .to_owned()
        })
        .collect();
    server.signal("TERM");
    assert_eq!(server.wait(), Some(0));
    let text = testbed.read("log");
    for id in ids {
        assert!(text.contains(&id), "{id} is missing");
    }
    assert_eq!(text.matches("GET /health").count(), REQUESTS);
}

#[test]
fn a_full_disk_under_the_log_stops_nothing_but_the_log() {
    if !Path::new("/dev/full").exists() {
        return;
    }
    let testbed = Testbed::new();
    let mut server = testbed.serve(["-P", ".", "-a", ".", "--log-file", "/dev/full"]);
    for number in 0..50 {
        get(&server.url, "/simple/", &[]).expect(200);
        if number == 25 {
            form_for(&wheel("lib", "1.0").build())
                .post(&server.url, &[])
                .expect(200);
        }
    }
    server.wait_for_log("/dev/full");
    server.signal("TERM");
    assert_eq!(server.wait(), Some(0));
    let log = server.log();
    assert_eq!(
        log.matches("can't write the log file").count(),
        1,
        "told once:\n{log}"
    );
    assert!(log.contains("No space left"), "{log}");
}

#[test]
fn a_reader_that_is_stuck_holds_no_request_up() {
    let testbed = Testbed::new();
    let file = testbed.path("log");
    let mut child = testbed
        .pkgctl(["serve", "--host", "127.0.0.1", "-p", "0", "--log-file", "log"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let text = wait_for(&file, "listening on http://");
    let url = text
        .split_once("listening on ")
        .unwrap()
        .1
        .lines()
        .next()
        .unwrap()
        .to_owned();
    // Far more than a pipe holds, and nobody reads it.
    let long = "x".repeat(400);
    for _ in 0..1500 {
        get(&url, &format!("/{long}/y/z"), &[]).expect(404);
    }
    assert!(
        Command::new("kill")
            .arg(child.id().to_string())
            .status()
            .unwrap()
            .success()
    );
    let began = Instant::now();
    assert!(child.wait().unwrap().success());
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    assert_eq!(
        fs::read_to_string(&file).unwrap().matches("404 GET").count(),
        1500
    );
}

#[test]
fn a_failed_start_is_told_once_and_behind_the_log() {
    let testbed = Testbed::new();
    let outcome: Outcome = testbed.run(["serve", "--server", "auto", "--host", "no.such.host.invalid"]);
    let outcome = outcome.expect_failure(2, "no.such.host.invalid");
    let (warning, error) = (
        outcome.stderr.find("WARN").unwrap(),
        outcome.stderr.find("error: ").unwrap(),
    );
    assert!(warning < error, "{}", outcome.stderr);
}
