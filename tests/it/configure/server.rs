//! What the server says afterwards: never a failure, never for long.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::time::{Duration, Instant};

use pkgctl::auth::Secret;
use pkgctl::auth::credentials::Basic;
use pkgctl::client::probe::{ClockSkew, Findings, Pages, Question, Reading, Unreachable, Uploading, probe};

use super::{PYPIRC, all_files};
use crate::support::foreign_server::free_port;
use crate::support::pypiserver::Pypiserver;
use crate::support::scripted_index::{Reply, ScriptedIndex};
use crate::support::{Outcome, Server, Testbed, tools};

/// Runs `configure` for this address as alice and gives what it said; the files are written whatever the server says.
#[track_caller]
fn said(bed: &Testbed, url: &str, password: &str) -> String {
    let mut command = bed.pkgctl(["configure", "--url", url, "-u", "alice"]);
    command
        .env_remove("PKGCTL_OFFLINE")
        .env("PKGCTL_PASSWORD", password);
    let outcome = Outcome::of(&mut command).expect_code(0);
    assert!(bed.path(PYPIRC).exists());
    assert!(!outcome.stderr.contains(password), "{}", outcome.stderr);
    outcome.stderr
}

fn guarded(bed: &Testbed, actions: &str) -> Server {
    fs::create_dir_all(bed.path("packages")).unwrap();
    bed.write(
        "passwords",
        format!("alice:{}\n", bcrypt::hash("s3cret", 4).unwrap()),
    );
    bed.serve(["-P", "passwords", "-a", actions, "packages"])
}

#[track_caller]
fn assert_told(text: &str, expected: &[&str]) {
    for expected in expected {
        assert!(text.contains(expected), "`{expected}` is not told:\n{text}");
    }
}

#[test]
fn a_server_tells_whether_the_user_may_read_and_upload() {
    let bed = Testbed::new();
    let server = guarded(&bed, "update");
    assert_told(
        &said(&bed, &server.url, "s3cret"),
        &["answers, and `alice` may upload"],
    );
    assert_told(
        &said(&bed, &server.url, "wr0ng"),
        &["warning: ", "refuses the password of `alice`"],
    );
    let server = guarded(&bed, "update,download,list");
    assert_told(
        &said(&bed, &server.url, "s3cret"),
        &[
            "takes a login for reading",
            "--netrc writes",
            "`alice` may upload",
        ],
    );
    assert_told(&said(&bed, &server.url, "wr0ng"), &["refuses the password"]);
    // Without a passwords file nobody may upload.
    let bed = Testbed::new();
    fs::create_dir(bed.path("open")).unwrap();
    let server = bed.serve(["open"]);
    assert_told(
        &said(&bed, &server.url, "s3cret"),
        &["warning: ", "`alice` may not upload"],
    );
    // Nothing was left there by asking.
    let stored = fs::read_dir(bed.path("open"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    assert!(stored.into_iter().all(|name| name == ".pkgctl"));
}

#[test]
fn pypiserver_is_asked_in_the_same_way() {
    let Ok(pypiserver) = tools::pypiserver() else {
        return;
    };
    let bed = Testbed::new();
    fs::create_dir(bed.path("packages")).unwrap();
    bed.write(
        "passwords",
        format!("alice:{}\n", bcrypt::hash("s3cret", 4).unwrap()),
    );
    let server = Pypiserver::start(
        &pypiserver,
        &bed,
        &["-P", "passwords", "-a", "update", "packages"],
    );
    assert_told(
        &said(&bed, &server.url, "s3cret"),
        &["answers, and `alice` may upload"],
    );
    // It answers 403 to a wrong password.
    assert_told(&said(&bed, &server.url, "wr0ng"), &["`alice` may not upload"]);
    assert_eq!(fs::read_dir(bed.path("packages")).unwrap().count(), 0);
}

#[test]
fn a_server_that_does_not_run_yet_is_a_note_and_one_that_hangs_keeps_nobody() {
    let bed = Testbed::new();
    let text = said(&bed, &format!("http://127.0.0.1:{}", free_port()), "s3cret");
    assert_told(&text, &["yet (nobody listens there); `pkgctl serve` starts one"]);
    assert!(!text.contains("warning"), "{text}");
    // Takes connections and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let started = Instant::now();
    let text = said(
        &bed,
        &format!("http://{}", silent.local_addr().unwrap()),
        "s3cret",
    );
    assert_told(&text, &["no answer within 3 s"]);
    assert!(
        started.elapsed() < Duration::from_secs(20),
        "{:?}",
        started.elapsed()
    );
}

#[test]
fn what_is_no_index_is_told() {
    let bed = Testbed::new();
    let index = ScriptedIndex::start([Reply::status("405 Method Not Allowed")]);
    assert_told(
        &said(&bed, &index.url, "s3cret"),
        &[
            "is no index that pip can read: the server answers 404",
            "takes no uploads there",
        ],
    );
    index.page(
        "/simple/",
        "text/html",
        "<form action=login><a href=x>help</a></form>",
    );
    assert_told(
        &said(&bed, &index.url, "s3cret"),
        &["is no index that pip can read"],
    );
    index.page("/simple/", "text/html", "<title>Simple index</title>");
    assert!(!said(&bed, &index.url, "s3cret").contains("is no index"));
    let forms = index.uploads();
    assert!(!forms.is_empty());
    for form in forms {
        assert_eq!(form.fields(), [(":action".to_owned(), "verify".to_owned())]);
    }
}

#[test]
fn a_server_of_another_protocol_is_warned_about() {
    let bed = Testbed::new();
    let server = guarded(&bed, "update");
    let url = server.url.replace("http:", "https:");
    let text = said(&bed, &url, "s3cret");
    assert_told(&text, &["warning: ", "the connection is not safe"]);
}

#[test]
fn offline_and_public_indexes_are_not_asked() {
    let index = ScriptedIndex::start([Reply::ok()]);
    let bed = Testbed::new();
    let mut command = bed.pkgctl(["configure", "--offline", "--url", &index.url]);
    Outcome::of(command.env_remove("PKGCTL_OFFLINE")).expect_code(0);
    let mut command = bed.pkgctl(["configure", "--url", &index.url]);
    Outcome::of(command.env("PKGCTL_OFFLINE", "yes")).expect_code(0);
    for flag in ["--dry-run", "--print-env", "--remove"] {
        let mut command = bed.pkgctl(["configure", "--url", &index.url, flag]);
        Outcome::of(command.env_remove("PKGCTL_OFFLINE")).expect_code(0);
    }
    assert_eq!(index.requests().len(), 0);
    assert_eq!(all_files(&bed), [""; 0]);
}

fn look(url: &str, password: Option<&str>) -> Result<Findings, Unreachable> {
    let question = Question {
        upload_url: format!("{url}/").parse().unwrap(),
        simple_url: format!("{url}/simple/").parse().unwrap(),
        credentials: password.map(|password| Basic {
            username: "alice".parse().unwrap(),
            password: Secret::new(password),
        }),
        ca_cert: None,
        client_cert: None,
        patience: Duration::from_secs(10),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.unwrap().block_on(probe(&question))
}

#[test]
fn a_look_tells_each_thing_apart() {
    let bed = Testbed::new();
    let simple = |api_version: Option<&str>, has_json| Pages::Simple {
        api_version: api_version.map(str::to_owned),
        has_json,
    };
    let server = guarded(&bed, "update");
    let found = look(&server.url, None).unwrap();
    assert_eq!(
        (found.pages, found.reading, found.uploading),
        (
            simple(Some("1.4"), true),
            Reading::Open,
            Uploading::NeedsCredentials
        )
    );
    assert!(found.clock_skew.unwrap().amount() < Duration::from_secs(2));
    let server = guarded(&bed, "update,list");
    for (password, expected) in [
        (
            None,
            (
                Pages::Hidden,
                Reading::NeedsCredentials,
                Uploading::NeedsCredentials,
            ),
        ),
        (
            Some("wr0ng"),
            (
                Pages::Hidden,
                Reading::WrongCredentials,
                Uploading::WrongCredentials,
            ),
        ),
        (
            Some("s3cret"),
            (simple(Some("1.4"), true), Reading::Accepted, Uploading::Allowed),
        ),
    ] {
        let found = look(&server.url, password).unwrap();
        assert_eq!(
            (found.pages, found.reading, found.uploading),
            expected,
            "{password:?}"
        );
    }
    let closed = look(&format!("http://127.0.0.1:{}", free_port()), None);
    assert!(matches!(closed, Err(Unreachable::NobodyListens)), "{closed:?}");
    let not_tls = look(&server.url.replace("http:", "https:"), None);
    assert!(matches!(not_tls, Err(Unreachable::Tls(_))), "{not_tls:?}");
}

#[test]
fn redirects_and_wrong_clocks_are_found_and_credentials_go_nowhere_else() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    let target = format!("http://{}/simple/", elsewhere.local_addr().unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let location = target.clone();
    std::thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            let mut head = BufReader::new(&connection).lines().map_while(Result::ok);
            head.find(|line| line.is_empty());
            let answer = format!(
                "HTTP/1.1 307 Temporary Redirect\r\nDate: Thu, 01 Jan 2004 00:00:00 GMT\r\nServer: old/1\r\n\
                 Location: {location}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            );
            (&connection).write_all(answer.as_bytes()).unwrap();
        }
    });
    let found = look(&url, Some("s3cret")).unwrap();
    assert_eq!(
        (
            found.pages,
            found.reading,
            found.uploading,
            found.server.as_deref()
        ),
        (
            Pages::Elsewhere(target),
            Reading::Unknown,
            Uploading::Unknown,
            Some("old/1")
        )
    );
    assert!(
        matches!(found.clock_skew, Some(ClockSkew::Behind(_))),
        "{:?}",
        found.clock_skew
    );
    assert!(found.clock_skew.unwrap().amount() > Duration::from_secs(365 * 24 * 3600));
    elsewhere.set_nonblocking(true).unwrap();
    assert!(elsewhere.accept().is_err(), "the redirect was followed");
}
