use proptest::prelude::*;

use super::message::MAX_LINE_CHARS;
use super::*;

fn answer(status: u16, content_type: &str, reason: Option<&'static str>, body: &str) -> Answer {
    let mut headers = HeaderMap::new();
    if !content_type.is_empty() {
        headers.insert(CONTENT_TYPE, content_type.parse().unwrap());
    }
    let reason = reason.map(|text| ReasonPhrase::from_static(text.as_bytes()));
    let status = StatusCode::from_u16(status).unwrap();
    Answer::read(
        status,
        &headers,
        reason.as_ref(),
        body.as_bytes(),
        SystemTime::UNIX_EPOCH,
    )
}

fn line(content_type: &str, body: &str) -> String {
    answer(400, content_type, None, body).line
}

#[test]
fn the_servers_own_header_says_how_a_file_came_to_be_stored() {
    let stored = |header: &str, body: &str| {
        let headers = HeaderMap::from_iter([("x-pkgctl-upload".parse().unwrap(), header.parse().unwrap())]);
        let answer = Answer::read(
            StatusCode::OK,
            &headers,
            None,
            body.as_bytes(),
            SystemTime::UNIX_EPOCH,
        );
        answer.verdict()
    };
    assert_eq!(stored("stored", "already"), Verdict::Stored(Stored::New));
    assert_eq!(stored("unchanged", ""), Verdict::Stored(Stored::Before));
    assert_eq!(stored("replaced", ""), Verdict::Stored(Stored::Replaced));
    assert_eq!(
        stored("something new", "already"),
        Verdict::Stored(Stored::Before)
    );
}

#[test]
fn the_status_is_not_said_twice() {
    let shown = |status, body| answer(status, "application/problem+json", None, body).to_string();
    assert_eq!(
        shown(401, r#"{"title": "Unauthorized", "detail": "wrong user"}"#),
        "the server answered 401 Unauthorized: wrong user"
    );
    assert_eq!(
        shown(404, r#"{"title": "Not Found", "detail": "no such page"}"#),
        "the server answered 404 Not Found: no such page"
    );
    assert_eq!(
        shown(404, r#"{"detail": "Not Founded in time"}"#),
        "the server answered 404 Not Found: Not Founded in time"
    );
}

#[test]
fn json_of_every_shape_becomes_one_line() {
    let json = |body| line("application/json", body);
    let problem = r#"{"title": "Bad file", "detail": "no RECORD"}"#;
    assert_eq!(
        line("application/problem+json; charset=utf-8", problem),
        "Bad file: no RECORD"
    );
    assert_eq!(json(r#"{"detail": "broken"}"#), "broken");
    // The public index, devpi, Artifactory, GitLab.
    let warehouse =
        r#"{"message": "The server could not comply", "code": "400 File exists", "title": "Bad"}"#;
    assert_eq!(json(warehouse), "File exists");
    assert_eq!(json(r#"{"code": "E17", "message": "Nope"}"#), "Nope");
    assert_eq!(
        json(r#"{"errors": [{"status": 403, "message": "Not enough"}]}"#),
        "Not enough"
    );
    assert_eq!(
        json(r#"{"message": {"base": ["Name is taken"]}}"#),
        "Name is taken"
    );
    assert_eq!(json(r#"{"message": "<p>In <b>HTML</b></p>"}"#), "In HTML");
    assert_eq!(json(r#"{"odd": 1}"#), r#"{"odd": 1}"#);
    let unreadable = answer(400, "application/json", Some("From the reason"), "{not json");
    assert_eq!(unreadable.line, "From the reason");
}

#[test]
fn pages_for_people_become_one_line() {
    let page = "<!doctype html><html><head><title>Error: 400 Bad Request</title><style>p {color: red}</style></head>\
                <body><h1>Bad Request</h1>\n<p>Your plan has <b>expired</b> &amp; so have you.</p></body></html>";
    assert_eq!(
        line("text/html; charset=utf-8", page),
        "Your plan has expired & so have you."
    );
    assert_eq!(
        line("", "<html><body>Bad gateway, <i>sorry</i></body></html>"),
        "Bad gateway, sorry"
    );
    // pypiserver's.
    let bottle = "<html><title>Error: 400 Bad Request</title><h1>Error: 400 Bad Request</h1><p>Sorry, the \
                  requested URL <tt>&#039;http://h/&#039;</tt> caused an error:</p><pre>It isn&#x27;t a form</pre>";
    assert_eq!(line("text/html", bottle), "It isn't a form");
    assert_eq!(
        line("text/html", "<h1>400 Bad Request</h1><hr>nginx"),
        "400 Bad Request nginx"
    );
    assert_eq!(
        answer(400, "text/html", Some("Digest mismatch"), page).line,
        "Digest mismatch"
    );
}

#[test]
fn plain_text_gives_its_first_line_without_control_characters() {
    let text = |body| line("text/plain", body);
    assert_eq!(text("\n  first line \nsecond line"), "first line");
    assert_eq!((text(""), text("Bad Request")), Default::default());
    assert_eq!(text("a\u{1b}[31mred\u{7}"), "a [31mred");
    assert_eq!(text(&"é".repeat(5000)).chars().count(), MAX_LINE_CHARS + 1);
}

#[test]
fn an_answer_reads_as_status_and_line() {
    assert_eq!(
        answer(403, "", None, "").to_string(),
        "the server answered 403 Forbidden"
    );
    let with_reason = answer(400, "", Some("wrong digest"), "");
    assert_eq!(
        with_reason.to_string(),
        "the server answered 400 Bad Request: wrong digest"
    );
}

#[test]
fn every_known_way_to_say_duplicate_is_understood() {
    let said = [
        (409, "", "anything"),
        (
            400,
            "File already exists ('a-1.0.tar.gz', with blake2_256 hash '...')",
            "",
        ),
        (400, "", "Package already exists"),
        (400, "Repository does not allow updating assets: pypi-hosted", ""),
        (400, "", "<html><p>a-1.0.tar.gz cannot be updated</p></html>"),
        (
            400,
            "",
            r#"{"message": "Validation failed: File name has already been taken"}"#,
        ),
        (
            403,
            "",
            r#"{"errors": [{"message": "Not enough permissions to overwrite artifact 'x'"}]}"#,
        ),
    ];
    for (status, reason, body) in said {
        let reason = (!reason.is_empty()).then_some(reason);
        assert_eq!(
            answer(status, "", reason, body).verdict(),
            Verdict::Duplicate,
            "{status} {reason:?} {body}"
        );
    }
    for (status, body) in [
        (400, "bad digest"),
        (403, "already exists"),
        (401, "overwrite artifact"),
    ] {
        assert_eq!(
            answer(status, "", None, body).verdict(),
            Verdict::Refused,
            "{status} {body}"
        );
    }
}

#[test]
fn success_busy_and_redirects_are_told_apart() {
    for status in [200, 201, 202, 204] {
        assert_eq!(
            answer(status, "", None, "").verdict(),
            Verdict::Stored(Stored::New)
        );
    }
    for (body, verdict) in [
        (
            "<html><head><title>200 OK</title></head></html>",
            Verdict::Stored(Stored::New),
        ),
        (
            "<!DOCTYPE html><HTML><title>Sign in</title><FORM action=/login>",
            Verdict::Refused,
        ),
        ("<html><script src=app.js></script></html>", Verdict::Refused),
    ] {
        assert_eq!(answer(200, "text/html", None, body).verdict(), verdict, "{body}");
    }
    assert_eq!(
        answer(200, "", None, "Already there").verdict(),
        Verdict::Stored(Stored::Before)
    );
    for status in [408, 429, 500, 502, 503, 504] {
        assert_eq!(
            answer(status, "", None, "").verdict(),
            Verdict::Busy(None),
            "{status}"
        );
    }
    for status in [400, 401, 403, 404, 405, 410, 413, 501, 507, 302] {
        assert_eq!(
            answer(status, "", None, "").verdict(),
            Verdict::Refused,
            "{status}"
        );
    }
    let mut headers = HeaderMap::new();
    headers.insert(LOCATION, "/legacy/".parse().unwrap());
    let moved = Answer::read(
        StatusCode::PERMANENT_REDIRECT,
        &headers,
        None,
        b"",
        SystemTime::UNIX_EPOCH,
    );
    assert_eq!(moved.verdict(), Verdict::Redirect("/legacy/".to_owned()));
}

#[test]
fn retry_after_is_seconds_or_a_date() {
    let now = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
    let seconds = |text| parse_retry_after(text, now).map(|pause| pause.as_secs());
    assert_eq!(seconds(" 7 "), Some(7));
    assert_eq!(seconds("Sun, 06 Nov 1994 08:50:07 GMT"), Some(30));
    assert_eq!(seconds("Sun, 06 Nov 1994 08:00:00 GMT"), Some(0));
    assert_eq!((seconds("soon"), seconds("-1"), seconds("")), (None, None, None));
}

proptest! {
    #[test]
    fn no_body_makes_it_panic_or_print_control_characters(
        body in ".*",
        tags in "(<[a-z/!]{0,8}[ >]?|&lt;|[é ]|title|script|style){0,20}",
        json: bool,
    ) {
        let media_type = if json { "application/json" } else { "text/html" };
        for text in [&body, &tags, &format!("<script{body}"), &format!("<title>{body}")] {
            let line = answer(400, media_type, None, text).line;
            prop_assert!(!line.chars().any(char::is_control), "{line:?}");
        }
    }
}
