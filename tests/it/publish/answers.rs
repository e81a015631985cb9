//! What is made of refusals, passing troubles and servers that are no servers.

use std::io::Write as _;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use pkgctl::archive::Limits;
use pkgctl::client::progress::{Progress, Silent};
use pkgctl::client::{Client, Distribution, RetryPolicy, Settings, Timeouts};

use super::{WHEEL, World, expect_in_order, my_wheel};
use crate::support::distributions::wheel;
use crate::support::scripted_index::Reply;

#[test]
fn a_server_that_is_down_is_named() {
    let world = World::new(&[my_wheel()], [Reply::ok()]);
    // Nothing listens on a port that was just given up.
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let url = format!("http://127.0.0.1:{port}/");
    let outcome = world.publish(&["--repository-url", &url]).expect_failure(1, &url);
    assert_eq!(
        outcome.stderr.matches("trying again").count(),
        4,
        "{}",
        outcome.stderr
    );
    assert!(outcome.stderr.contains("after 5 attempts"), "{}", outcome.stderr);
}

// H1
#[test]
fn passing_troubles_are_sat_out() {
    for line in [
        "500 Internal Server Error",
        "502 Bad Gateway",
        "503 Service Unavailable",
        "504 Gateway Timeout",
        "429 Too Many Requests",
    ] {
        let world = World::new(
            &[my_wheel()],
            [Reply::status(line), Reply::status(line), Reply::ok()],
        );
        let outcome = world.publish(&[]).expect_code(0);
        assert_eq!(world.index.uploads().len(), 3, "{line}");
        expect_in_order(&outcome.stderr, &[line, "trying again", "uploaded my_lib"]);
    }
}

#[test]
fn lasting_troubles_end_after_five_attempts_with_what_the_server_says() {
    let world = World::new(
        &[my_wheel()],
        [Reply::status("500 Internal Server Error")
            .with_body("text/plain", "the disk is on fire\nat line 3")],
    );
    let outcome = world.publish(&[]).expect_failure(1, WHEEL);
    assert_eq!(world.index.uploads().len(), 5);
    expect_in_order(
        &outcome.stderr,
        &[
            "error: ",
            "`internal`",
            "caused by: ",
            "500",
            "the disk is on fire",
            "hint: ",
        ],
    );
    assert!(!outcome.stderr.contains("at line 3"), "{}", outcome.stderr);
}

#[test]
fn retry_after_is_heeded() {
    let busy = Reply::status("429 Too Many Requests").with_header("Retry-After", "1");
    let world = World::new(&[my_wheel()], [busy, Reply::ok()]);
    let start = Instant::now();
    world.publish(&[]).expect_code(0);
    assert!(start.elapsed() >= Duration::from_secs(1));
    // The same as a date, in full seconds.
    let date = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(3));
    let busy = Reply::status("503 Service Unavailable").with_header("Retry-After", &date);
    let world = World::new(&[my_wheel()], [busy, Reply::ok()]);
    let start = Instant::now();
    world.publish(&[]).expect_code(0);
    assert!(start.elapsed() >= Duration::from_secs(1));
    // An hour is more than anyone waits for.
    let busy = Reply::status("503 Service Unavailable").with_header("Retry-After", "3600");
    let world = World::new(&[my_wheel()], [busy]);
    world.publish(&[]).expect_failure(1, "503");
    assert_eq!(world.index.uploads().len(), 1);
}

#[test]
fn refusals_are_final_and_read_in_one_line() {
    let html = "<html><head><title>Forbidden</title></head><body><h1>Forbidden</h1><p>Quota used up.</p></body></html>";
    let problem = r#"{"title": "Bad Request", "detail": "RECORD is missing"}"#;
    let cases = [
        (Reply::status("403 Forbidden"), "403 Forbidden"),
        (
            Reply::status("403 Forbidden").with_body("text/html", html),
            "403 Forbidden: Quota used up.",
        ),
        (Reply::status("400 The digest is wrong"), "The digest is wrong"),
        (
            Reply::status("400 Bad Request").with_body("application/problem+json", problem),
            "RECORD is missing",
        ),
        (
            Reply::status("400 Bad Request").with_body("application/json", r#"{"code": "no such form"}"#),
            "no such form",
        ),
        (Reply::status("413 Payload Too Large"), "413"),
        (Reply::status("405 Method Not Allowed"), "405"),
    ];
    for (reply, words) in cases {
        let world = World::new(&[my_wheel()], [reply]);
        let outcome = world.publish(&[]).expect_failure(1, words);
        assert_eq!(world.index.uploads().len(), 1, "{words}");
        assert!(!outcome.stderr.contains('<'), "{}", outcome.stderr);
    }
}

#[test]
fn rejected_credentials_name_user_repository_and_remedy() {
    for line in ["401 Unauthorized", "403 Forbidden"] {
        let world = World::new(&[my_wheel()], [Reply::status(line)]);
        let outcome = world.publish(&[]).expect_failure(1, line);
        expect_in_order(
            &outcome.stderr,
            &[
                "error: ",
                "`internal`",
                "hint: ",
                "password",
                "`alice`",
                "`internal`",
            ],
        );
    }
}

#[test]
fn a_refusal_before_the_body_was_read_is_understood() {
    let large = wheel("my-lib", "1.0").padding(20_000_000, 3).build();
    let world = World::new(&[large], [Reply::Early("401 Unauthorized".to_owned())]);
    world.publish(&[]).expect_failure(1, "401 Unauthorized");
}

#[test]
fn a_plain_server_behind_an_https_address_is_no_mystery() {
    let world = World::new(&[my_wheel()], [Reply::ok()]);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut connection in listener.incoming().flatten() {
            // What a web server says to a TLS greeting.
            let _ = connection.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
        }
    });
    let outcome = world
        .publish(&["--repository-url", &url, "-u", "a", "-p", "b"])
        .expect_failure(1, &url);
    expect_in_order(
        &outcome.stderr,
        &["caused by: no secure connection", "hint: ", "https", "--cert"],
    );
    assert!(!outcome.stderr.contains("trying again"), "{}", outcome.stderr);
}

// H9
#[test]
fn certificates_that_are_none_are_named() {
    let world = World::new(&[my_wheel()], [Reply::ok()]);
    world.bed.write("empty.pem", "no certificate\n");
    for arguments in [
        ["--cert", "nosuch.pem"],
        ["--cert", "empty.pem"],
        ["--client-cert", "empty.pem"],
    ] {
        let outcome = world.publish(&arguments).expect_failure(2, arguments[1]);
        assert!(!outcome.stderr.contains("builder"), "{}", outcome.stderr);
    }
    // A certificate alone is only half of what is needed.
    let certificate = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
    world.bed.write("half.pem", certificate);
    let outcome = world
        .publish(&["--client-cert", "half.pem"])
        .expect_failure(2, "half.pem`: it must hold");
    assert!(
        outcome.stderr.contains("certificate and the private key"),
        "{}",
        outcome.stderr
    );
    let outcome = world
        .publish(&["--cert", "half.pem"])
        .expect_failure(2, "half.pem`: it must hold");
    assert!(!outcome.stderr.contains("builder"), "{}", outcome.stderr);
    assert_eq!(world.index.requests().len(), 0);
}

#[test]
fn a_server_that_never_answers_is_given_up() {
    let world = World::new(&[my_wheel()], [Reply::Silence]);
    let short = Duration::from_millis(200);
    let settings = Settings {
        retry: RetryPolicy {
            attempts: 2,
            base_delay: Duration::from_millis(1),
            ..RetryPolicy::default()
        },
        timeouts: Timeouts {
            stall: short,
            answer: short,
            ..Timeouts::default()
        },
        ..Settings::plain(world.index.url.parse().unwrap())
    };
    let path = world.bed.path("dist").join(WHEEL);
    let file = Distribution::check(&path, &WHEEL.parse().unwrap(), &Limits::default(), None).unwrap();
    let client = Client::new(settings).unwrap();
    let silent: Arc<dyn Progress> = Arc::new(Silent);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let error = runtime
        .block_on(client.upload(&file, &silent))
        .unwrap_err()
        .to_string();
    assert_eq!(error, "no answer came for 0.2 seconds, after 2 attempts");
}

#[test]
fn a_sign_in_page_with_status_200_is_no_success() {
    let page = "<!DOCTYPE html><html><head><title>Sign in</title></head><form action=/login></form></html>";
    let world = World::new(&[my_wheel()], [Reply::ok().with_body("text/html", page)]);
    let outcome = world.publish_only(&[]).expect_failure(1, "200 OK: Sign in");
    assert!(outcome.stderr.contains("hint: that is a web page, not an index"));
    // What the public index says of an upload that it took.
    let page = "<html><head><title>200 OK</title></head><body><h1>200 OK</h1></body></html>";
    let world = World::new(&[my_wheel()], [Reply::ok().with_body("text/html", page)]);
    world.publish_only(&[]).expect_code(0);
}

#[test]
fn a_server_that_asks_for_too_long_a_pause_is_given_up_with_that_reason() {
    let busy = Reply::status("429 Too Many Requests").with_header("Retry-After", "3600");
    let world = World::new(&[my_wheel()], [busy]);
    world
        .publish(&[])
        .expect_failure(1, "after 1 attempt; it asks for 3600 s of patience\n");
}
