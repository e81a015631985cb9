//! Starting, bad starts, and stopping.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use crate::support::distributions::wheel;
use crate::support::http::{get, request};
use crate::support::upload::{Form, form_for};
use crate::support::{Outcome, Server, Testbed};

#[test]
fn the_default_folder_is_made_and_the_summary_tells_all() {
    let testbed = Testbed::new();
    let server = testbed.serve(Vec::<&str>::new());
    assert!(testbed.path("packages").is_dir());
    for told in [
        "packages",
        "0 files of 0 projects",
        "https://pypi.org/simple/",
        "uploads",
        "listening on http://",
    ] {
        assert!(
            server.log().contains(told),
            "`{told}` is not told:\n{}",
            server.log()
        );
    }
    assert_eq!(get(&server.url, "/health", &[]).expect(200).text(), "Ok");
    assert_eq!(
        request(&server.url, "HEAD", "/health", &[], &[])
            .expect(200)
            .header("content-length"),
        "2"
    );
}

// D14
#[test]
fn a_folder_that_is_not_there_is_named() {
    let testbed = Testbed::new();
    let missing = testbed.path("nowhere");
    let outcome = testbed.run(["serve".as_ref(), "-p".as_ref(), "0".as_ref(), missing.as_os_str()]);
    outcome.expect_failure(1, "nowhere");
    let file = testbed.write("a-file", "");
    testbed
        .run(["serve".as_ref(), "-p".as_ref(), "0".as_ref(), file.as_os_str()])
        .expect_failure(1, "a-file");
    assert!(!missing.exists());
}

// D14
#[test]
fn a_folder_that_can_t_be_read_is_named() {
    let testbed = Testbed::new();
    let folder = testbed.path("packages");
    fs::create_dir_all(&folder).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o000)).unwrap();
    let arguments = ["serve".as_ref(), "-p".as_ref(), "0".as_ref(), folder.as_os_str()];
    let Some(mut command) = testbed.pkgctl_without_rights(arguments) else {
        return;
    };
    let outcome = Outcome::of(&mut command);
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
    outcome.expect_failure(1, "packages");
}

// D14
#[test]
fn a_read_only_folder_is_served_and_refuses_uploads() {
    let testbed = Testbed::new();
    let folder = testbed.path("packages");
    let file = wheel("lib", "1.0").build();
    file.write_into(&folder);
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o555)).unwrap();
    let arguments = ["serve", "--host", "127.0.0.1", "-p", "0", "-P", ".", "-a", "."];
    let mut arguments: Vec<&std::ffi::OsStr> = arguments.iter().map(AsRef::as_ref).collect();
    arguments.push(folder.as_os_str());
    let Some(command) = testbed.pkgctl_without_rights(arguments) else {
        return;
    };
    let server = Server::start(command);
    assert!(
        get(&server.url, "/packages/lib-1.0-py3-none-any.whl", &[])
            .expect(200)
            .body
            == file.bytes
    );
    let reply = form_for(&wheel("lib", "2.0").build())
        .post(&server.url, &[])
        .expect(503);
    assert!(reply.text().contains("can't be written to"), "{}", reply.text());
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_port_that_is_taken_is_named() {
    let testbed = Testbed::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let outcome = testbed.run(["serve", "--host", "127.0.0.1", "--port", &port]);
    outcome.expect_failure(1, &port);
    testbed
        .run(["serve", "--host", "no.such.host.invalid"])
        .expect_failure(2, "no.such.host.invalid");
    testbed.run(["serve", "--port", "99999"]).expect_code(2);
}

// F6, F8
#[test]
fn password_files_that_can_t_be_used_are_named() {
    let testbed = Testbed::new();
    let start = |file: &str| testbed.run(["serve", "-p", "0", "-P", file]);
    start("missing").expect_failure(1, "missing");
    for (name, content) in [
        ("no-colon", "alice\n"),
        ("empty", ""),
        ("only-comments", "# nobody\n"),
        ("plain", "a:b\n"),
    ] {
        testbed.write(name, content);
        let outcome = start(name).expect_failure(1, name);
        assert!(
            !outcome.stderr.contains("alice"),
            "a line of the file is shown:\n{}",
            outcome.stderr
        );
    }
    let hidden = testbed.write("hidden", "alice:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n");
    fs::set_permissions(&hidden, fs::Permissions::from_mode(0o000)).unwrap();
    if let Some(mut command) = testbed.pkgctl_without_rights(["serve", "-p", "0", "-P", "hidden", "."]) {
        Outcome::of(&mut command).expect_failure(1, "hidden");
    }
}

#[test]
fn flags_that_contradict_each_other_are_bad_usage() {
    let testbed = Testbed::new();
    for flags in [
        &["-P", "."][..],
        &["-P", ".", "-a", "list"],
        &["-a", "."],
        &["-a", ""],
        &["-a", "list,explode"],
        &["--fallback-url", "not an address"],
        &["--fallback-url", "ftp://x/"],
        &["--fallback-url", "http://user:hunter2@x/simple"],
        &["--private", "corp-["],
        &["-a", "list"],
        &["--max-upload-size", "lots"],
        &["--hash-algo", "crc32"],
        &["--no-such-flag"],
    ] {
        let mut arguments = vec!["serve", "-p", "0"];
        arguments.extend(flags);
        let outcome = testbed.run(&arguments).expect_code(2);
        assert!(
            outcome.stderr.contains("error: "),
            "{flags:?}: {}",
            outcome.stderr
        );
    }
}

#[test]
fn a_variable_that_makes_no_sense_switches_nothing_on() {
    let testbed = Testbed::new();
    let mut command = testbed.pkgctl(["serve", "--port", "0"]);
    let outcome = Outcome::of(command.env("PKGCTL_OVERWRITE", "banana")).expect_code(2);
    assert!(outcome.stderr.contains("banana"), "{}", outcome.stderr);
}

#[test]
fn variables_stand_in_for_flags() {
    let testbed = Testbed::new();
    let folder = testbed.path("elsewhere");
    wheel("lib", "1.0").build().write_into(&folder);
    let mut command = testbed.pkgctl(["serve"]);
    command
        .env("PKGCTL_HOST", "127.0.0.1")
        .env("PKGCTL_PORT", "0")
        .env("PKGCTL_ROOTS", &folder);
    command.env("PKGCTL_DISABLE_FALLBACK", "1");
    let server = Server::start(command);
    get(&server.url, "/simple/lib/", &[]).expect(200);
    get(&server.url, "/simple/absent/", &[]).expect(404);
}

#[test]
fn what_pypiserver_alone_has_is_accepted_with_a_word() {
    let testbed = Testbed::new();
    let server = testbed.serve(["--server", "waitress", "--backend", "cached-dir", "."]);
    assert!(
        server.log().contains("--server and --backend ignored"),
        "{}",
        server.log()
    );
    get(&server.url, "/simple/", &[]).expect(200);
}

/// Begins an upload and sends half of it.
fn half_an_upload(server: &Server, body: &[u8]) -> TcpStream {
    let mut connection = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    connection
        .set_read_timeout(Some(Duration::from_secs(40)))
        .unwrap();
    let head = format!(
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: {}\r\nContent-Length: {}\r\n\r\n",
        Form::content_type(),
        body.len()
    );
    connection.write_all(head.as_bytes()).unwrap();
    connection.write_all(&body[..body.len() / 2]).unwrap();
    connection
}

// A27
#[test]
fn a_stopped_server_finishes_what_it_has_begun() {
    for signal in ["TERM", "INT"] {
        let testbed = Testbed::new();
        let mut server = testbed.serve(["-P", ".", "-a", "."]);
        let file = wheel("lib", "1.0").padding(1 << 20, 1).build();
        let body = form_for(&file).body();
        let mut connection = half_an_upload(&server, &body);
        // The half is on its way; an answer to another request shows that the server runs on meanwhile.
        get(&server.url, "/health", &[]).expect(200);
        server.signal(signal);
        server.wait_for_log("stopping");
        assert!(
            TcpStream::connect(("127.0.0.1", server.port())).is_err(),
            "new connections are still taken"
        );
        connection.write_all(&body[body.len() / 2..]).unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert_eq!(server.wait(), Some(0), "{}", server.log());
        assert!(fs::read(testbed.path("packages").join(&file.filename)).unwrap() == file.bytes);
    }
}

// A27
#[test]
fn a_second_signal_stops_at_once_and_leaves_nothing_half_written() {
    let testbed = Testbed::new();
    let mut server = testbed.serve(["-P", ".", "-a", "."]);
    let file = wheel("lib", "1.0").padding(1 << 20, 1).build();
    let body = form_for(&file).body();
    let _connection = half_an_upload(&server, &body);
    get(&server.url, "/health", &[]).expect(200);
    server.signal("INT");
    server.wait_for_log("stopping");
    server.signal("INT");
    assert_eq!(server.wait(), Some(130), "{}", server.log());
    assert!(!testbed.path("packages").join(&file.filename).exists());
    // What is left of the upload is removed by the next start.
    let _server = testbed.serve(Vec::<&str>::new());
    let incoming = testbed.path("packages/.pkgctl/incoming");
    let left: Vec<_> = fs::read_dir(incoming)
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

// A5
#[test]
fn silent_and_slow_clients_are_let_go() {
    let testbed = Testbed::new();
    let server = testbed.serve(Vec::<&str>::new());
    let began = std::time::Instant::now();
    let mut slow = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    slow.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    slow.write_all(b"GET /simple/ HTTP/1.1\r\nHost:").unwrap();
    let mut rest = Vec::new();
    let _ = slow.read_to_end(&mut rest);
    assert!(
        began.elapsed() < Duration::from_secs(16),
        "a half-sent head kept its connection"
    );
    assert!(
        !rest.starts_with(b"HTTP/1.1 200"),
        "{}",
        String::from_utf8_lossy(&rest)
    );
}

#[test]
fn a_kept_connection_may_be_silent_for_a_while_and_ends_with_the_server() {
    let testbed = Testbed::new();
    let mut server = testbed.serve(Vec::<&str>::new());
    let mut kept = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    kept.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    for pause in [Duration::ZERO, Duration::from_secs(12)] {
        std::thread::sleep(pause);
        kept.write_all(b"HEAD /health HTTP/1.1\r\nHost: x\r\n\r\n")
            .unwrap();
        let mut answer = [0; 15];
        kept.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200 OK", "after {pause:?}");
        let mut rest = [0; 4096];
        assert!(kept.read(&mut rest).unwrap() > 0);
    }
    let began = std::time::Instant::now();
    server.signal("TERM");
    assert_eq!(server.wait(), Some(0));
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "a silent connection held the server up"
    );
}

// A22
#[test]
fn heads_beyond_the_limits_are_refused() {
    let testbed = Testbed::new();
    let server = testbed.serve(Vec::<&str>::new());
    let many: Vec<(String, &str)> = (0..200).map(|number| (format!("X-{number}"), "x")).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    get(&server.url, "/simple/", &many).expect(431);
    get(&server.url, "/simple/", &[("X-Large", &"x".repeat(40_000))]).expect(431);
    get(&server.url, &format!("/simple/{}/", "x".repeat(9000)), &[]).expect(414);
    get(&server.url, "/health", &[]).expect(200);
}
