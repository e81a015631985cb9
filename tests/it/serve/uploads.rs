//! What is accepted is there, whole and listed; what is refused has left nothing.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::support::distributions::{Distribution, sdist, wheel};
use crate::support::http::{self, get, request};
use crate::support::index::files_below;
use crate::support::upload::{Form, form_for, upload};
use crate::support::{Server, Testbed};

const JSON: [(&str, &str); 1] = [("Accept", "application/vnd.pypi.simple.v1+json")];

/// A server that everybody may upload to.
pub(super) fn open_server() -> (Testbed, Server) {
    open_server_with(&[])
}

fn open_server_with(flags: &[&str]) -> (Testbed, Server) {
    let testbed = Testbed::new();
    fs::create_dir_all(testbed.path("packages")).unwrap();
    let mut arguments = vec!["-P", ".", "-a", "."];
    arguments.extend(flags);
    let folder = testbed.path("packages");
    let mut arguments: Vec<std::ffi::OsString> = arguments.into_iter().map(Into::into).collect();
    arguments.push(folder.into());
    let server = testbed.serve(arguments);
    (testbed, server)
}

#[track_caller]
pub(super) fn refused(testbed: &Testbed, reply: &http::Reply, status: u16, says: &str) {
    assert_eq!(reply.status, status, "{} {}", reply.reason, reply.text());
    assert!(
        reply.text().contains(says),
        "{:?} does not say {says:?}",
        reply.text()
    );
    assert!(
        reply.reason.contains(&says[..says.len().min(20)]),
        "the reason phrase is {:?}",
        reply.reason
    );
    assert_eq!(
        files_below(&testbed.path("packages")),
        Vec::<String>::new(),
        "something was left"
    );
}

// D8
#[test]
fn an_accepted_file_is_whole_listed_and_downloadable_at_once() {
    use std::os::unix::fs::PermissionsExt as _;
    let (testbed, server) = open_server();
    for distribution in [
        wheel("my_lib", "1.0").requires_python(">=3.8").build(),
        sdist("my_lib", "1.0").build(),
        wheel("my_lib", "1.0+corp.1")
            .tags("cp311-cp311-linux_x86_64")
            .build(),
        wheel("my_lib", "1!2.0").build(),
        wheel("my_lib", "2.0").tags("1local-py3-none-any").build(),
        wheel("big", "1.0").padding(5 << 20, 3).build(),
    ] {
        upload(&server.url, &distribution).expect(200);
        let stored = testbed.path("packages").join(&distribution.filename);
        assert!(fs::read(&stored).unwrap() == distribution.bytes);
        assert_eq!(fs::metadata(&stored).unwrap().permissions().mode() & 0o777, 0o644);
        let project = if distribution.filename.starts_with("big") {
            "big"
        } else {
            "my-lib"
        };
        let page = get(&server.url, &format!("/simple/{project}/"), &JSON).text();
        assert!(
            page.contains(&distribution.sha256()) && page.contains(&distribution.filename),
            "{page}"
        );
    }
    assert_eq!(
        files_below(&testbed.path("packages")).len(),
        6,
        "{:?}",
        files_below(&testbed.path("packages"))
    );
}

// C9
#[test]
fn every_address_and_every_shape_of_form_that_uploaders_use_is_taken() {
    let (_testbed, server) = open_server();
    for (number, path) in [
        "/", "/legacy/", "/legacy", "/simple/", "/simple", "/pypi", "/pypi/",
    ]
    .iter()
    .enumerate()
    {
        let file = wheel("lib", &format!("1.{number}")).build();
        let content_type = Form::content_type();
        let body = form_for(&file).body();
        request(
            &server.url,
            "POST",
            path,
            &[("Content-Type", &content_type)],
            &body,
        )
        .expect(200);
    }
    let file = wheel("lib", "2.0").build();
    // uv sends fields behind the file; flit no digest but md5; others leave the protocol version out.
    let odd = Form::default()
        .file("content", &file.filename, &file.bytes)
        .field("attestations", "[]")
        .field("unknown_field", "kept by nobody")
        .field("requires_python", "")
        .field("name", "LIB")
        .field("version", "2.0.0")
        .field("classifiers", "A")
        .field("classifiers", "B")
        .file(
            "gpg_signature",
            &format!("{}.asc", file.filename),
            b"\x88\x75\x04\x00 a signature",
        )
        .field(":action", "file_upload");
    odd.post(&server.url, &[("Authorization", "Basic Og==")])
        .expect(200);
    for action in ["submit", "verify"] {
        Form::default()
            .field(":action", action)
            .field("name", "lib")
            .post(&server.url, &[])
            .expect(200);
    }
    let docs = Form::default()
        .field(":action", "doc_upload")
        .file("content", "docs.zip", b"PK")
        .post(&server.url, &[]);
    docs.expect(410);
}

// D6, D7
#[test]
fn the_same_bytes_again_are_success_and_other_bytes_are_refused() {
    let (testbed, server) = open_server();
    let first = wheel("lib", "1.0").build();
    let other = wheel("lib", "1.0").padding(64, 5).build();
    upload(&server.url, &first).expect(200);
    upload(&server.url, &first).expect(200);
    let refused = upload(&server.url, &other).expect(409);
    assert!(refused.text().contains("already exists") && refused.reason.contains("already exists"));
    assert!(refused.text().contains(&first.sha256()), "{}", refused.text());
    // twine calls only a 400 "already there".
    form_for(&other)
        .post(&server.url, &[("User-Agent", "twine/7.0.0 CPython/3.11")])
        .expect(400);
    let problem = form_for(&other).post(
        &server.url,
        &[("Accept", "application/json;q=0.9, text/plain;q=0.8")],
    );
    assert_eq!(problem.header("content-type"), "application/problem+json");
    assert!(
        problem.json()["detail"]
            .as_str()
            .unwrap()
            .contains("already exists")
    );
    // Another spelling of the name is the same distribution.
    upload(
        &server.url,
        &wheel("lib", "1.0")
            .padding(64, 5)
            .filename("LIB-1.0.0-py3-none-any.whl")
            .build(),
    );
    assert_eq!(
        files_below(&testbed.path("packages")),
        ["lib-1.0-py3-none-any.whl"]
    );
    assert!(fs::read(testbed.path("packages/lib-1.0-py3-none-any.whl")).unwrap() == first.bytes);
    // A name that was removed does not come back with other bytes, but with its own.
    fs::remove_file(testbed.path("packages/lib-1.0-py3-none-any.whl")).unwrap();
    let back = upload(&server.url, &other).expect(409);
    assert!(back.text().contains("was removed"), "{}", back.text());
    upload(&server.url, &first).expect(200);
}

#[test]
fn with_overwrite_other_bytes_take_the_place() {
    let (testbed, server) = open_server_with(&["--overwrite"]);
    let first = wheel("lib", "1.0").build();
    let other = wheel("lib", "1.0").padding(64, 5).build();
    for file in [&first, &other, &first] {
        upload(&server.url, file).expect(200);
        assert!(
            get(&server.url, &format!("/packages/{}", file.filename), &[])
                .expect(200)
                .body
                == file.bytes
        );
        assert!(
            get(&server.url, "/simple/lib/", &JSON)
                .text()
                .contains(&file.sha256())
        );
    }
    assert_eq!(files_below(&testbed.path("packages")).len(), 1);
}

// D5
#[test]
fn of_many_at_once_one_wins() {
    let (testbed, server) = open_server();
    let files: Vec<Distribution> = (0..8)
        .map(|seed| wheel("lib", "1.0").padding(9000, seed).build())
        .collect();
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let uploads: Vec<_> = files
            .iter()
            .map(|file| scope.spawn(|| upload(&server.url, file).status))
            .collect();
        uploads.into_iter().map(|upload| upload.join().unwrap()).collect()
    });
    let winners: Vec<usize> = (0..8).filter(|&number| statuses[number] == 200).collect();
    assert_eq!(winners.len(), 1, "{statuses:?}");
    assert!(
        statuses.iter().all(|status| matches!(status, 200 | 409)),
        "{statuses:?}"
    );
    let stored = fs::read(testbed.path("packages").join(&files[0].filename)).unwrap();
    assert!(stored == files[winners[0]].bytes);
}

/// Large enough that the disk is looked at on the way, and without a length by which to judge them before.
#[test]
fn many_large_chunked_uploads_at_once_stay_whole() {
    let (testbed, server) = open_server();
    let files: Vec<Distribution> = (0..4)
        .map(|seed| wheel("lib", &format!("1.{seed}")).padding(18 << 20, seed).build())
        .collect();
    std::thread::scope(|scope| {
        for file in &files {
            let url = &server.url;
            scope.spawn(move || {
                let head =
                    "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n";
                let mut message =
                    format!("{head}Content-Type: {}\r\n\r\n", Form::content_type()).into_bytes();
                for chunk in form_for(file).body().chunks(70_001) {
                    message.extend(format!("{:x}\r\n", chunk.len()).as_bytes());
                    message.extend(chunk);
                    message.extend(b"\r\n");
                }
                message.extend(b"0\r\n\r\n");
                http::raw(url, &message).expect(200);
            });
        }
    });
    let page = get(&server.url, "/simple/lib/", &JSON).text();
    for file in &files {
        assert!(page.contains(&file.sha256()), "{}", file.filename);
        assert!(fs::read(testbed.path("packages").join(&file.filename)).unwrap() == file.bytes);
    }
}

// A1
#[test]
fn a_client_that_goes_away_leaves_nothing() {
    let (testbed, server) = open_server();
    let file = wheel("lib", "1.0").padding(4 << 20, 1).build();
    let body = form_for(&file).body();
    let head = format!(
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: {}\r\nContent-Length: {}\r\n\r\n",
        Form::content_type(),
        body.len()
    );
    for cut in [body.len() / 2, body.len() - 5] {
        let mut connection = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
        connection.write_all(head.as_bytes()).unwrap();
        connection.write_all(&body[..cut]).unwrap();
        drop(connection);
    }
    let deadline = Instant::now() + Duration::from_secs(20);
    while !files_below(&testbed.path("packages")).is_empty() {
        assert!(
            Instant::now() < deadline,
            "{:?} is left",
            files_below(&testbed.path("packages"))
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    upload(&server.url, &file).expect(200);
}

// A4
#[test]
fn a_file_beyond_the_limit_is_refused_before_it_is_read() {
    let (testbed, server) = open_server_with(&["--max-upload-size", "1M"]);
    let message = format!(
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: {}\r\nContent-Length: 1099511627776\r\n\r\n",
        Form::content_type()
    );
    let mut connection = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    connection
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    connection.write_all(message.as_bytes()).unwrap();
    let mut first = [0; 12];
    connection.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"HTTP/1.1 413");
    let large = upload(&server.url, &wheel("lib", "1.0").padding(2 << 20, 1).build());
    refused(
        &testbed,
        &large,
        413,
        "the file is larger than this index accepts",
    );
}

#[test]
fn what_lies_in_the_way_is_a_conflict() {
    let (testbed, server) = open_server();
    let file = wheel("lib", "1.0").build();
    fs::create_dir(testbed.path("packages").join(&file.filename)).unwrap();
    let reply = upload(&server.url, &file).expect(409);
    assert!(reply.text().contains("something else"), "{}", reply.text());
    assert_eq!(files_below(&testbed.path("packages")), Vec::<String>::new());
}

// C8
#[test]
fn a_client_that_goes_away_at_the_end_can_t_get_two_spellings_in() {
    let (testbed, server) = open_server();
    for round in 0..10 {
        let version = format!("1.{round}");
        let first = wheel("a_b", &version).padding(200_000, 1).build();
        let second = wheel("a_b", &version).padding(200_000, 2).build();
        let second = Distribution {
            filename: second.filename.replace("a_b", "A.B"),
            ..second
        };
        let body = form_for(&first).body();
        let head = format!(
            "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: {}\r\nContent-Length: {}\r\n\r\n",
            Form::content_type(),
            body.len()
        );
        let mut connection = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
        connection.write_all(head.as_bytes()).unwrap();
        connection.write_all(&body).unwrap();
        std::thread::sleep(Duration::from_millis(round));
        drop(connection);
        upload(&server.url, &second);
        let stored = files_below(&testbed.path("packages"));
        let of_version = stored
            .iter()
            .filter(|name| name.contains(&format!("-{version}-")))
            .count();
        assert!(of_version <= 1, "{stored:?}");
    }
}

#[test]
fn an_answer_tells_what_became_of_the_upload() {
    let (_testbed, server) = open_server_with(&["--overwrite"]);
    let file = wheel("lib", "1.0").build();
    let other = wheel("lib", "1.0").padding(64, 5).build();
    for (file, outcome) in [(&file, "stored"), (&file, "unchanged"), (&other, "replaced")] {
        assert_eq!(
            upload(&server.url, file).expect(200).header("x-pkgctl-upload"),
            outcome
        );
    }
}

#[test]
fn chunked_bodies_are_taken() {
    let (_testbed, server) = open_server();
    let file = wheel("lib", "1.0").build();
    let mut message = format!(
        "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\nContent-Type: {}\r\n\r\n",
        Form::content_type()
    )
    .into_bytes();
    for chunk in form_for(&file).body().chunks(700) {
        message.extend(format!("{:x}\r\n", chunk.len()).as_bytes());
        message.extend(chunk);
        message.extend(b"\r\n");
    }
    message.extend(b"0\r\n\r\n");
    http::raw(&server.url, &message).expect(200);
}
