//! Requests that no honest client sends: refused at little cost, and nobody else notices. The names begin with the rows
//! of the threats that they stand for.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::support::distributions::wheel;

use crate::support::index::{Index, OPEN};
use crate::support::upload::{Form, form_for, upload};
use crate::support::{Server, Testbed};

const MIB: usize = 1 << 20;

fn connect(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(server.url.strip_prefix("http://").unwrap()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(90))).unwrap();
    stream.set_write_timeout(Some(Duration::from_secs(30))).unwrap();
    stream
}

/// Everything that comes until the server closes. A server may refuse while we still send.
fn send(server: &Server, message: &[u8]) -> String {
    let mut stream = connect(server);
    let _ = stream.write_all(message);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

fn upload_head(length: impl std::fmt::Display) -> String {
    format!(
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: {}\r\nContent-Length: {length}\r\n",
        Form::content_type()
    )
}

/// Nothing was stored, and the server is as it was.
fn assert_untouched(index: &Index) {
    assert_eq!(index.leftovers(), Vec::<String>::new());
    index.get("/health", &[]).expect(200);
}

/// Waits until what a vanished client had begun is gone.
fn assert_untouched_soon(index: &Index) {
    let begun = Instant::now();
    while !index.leftovers().is_empty() {
        assert!(begun.elapsed().as_secs() < 20, "{:?}", index.leftovers());
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_untouched(index);
}

fn peak_kib(server: &Server) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", server.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn a1_a2_clients_that_die_in_the_middle_leave_nothing() {
    let index = Index::open();
    let lib = wheel("lib", "1.0").padding(2 * MIB, 1).build();
    let body = form_for(&lib).body();
    for resets in [false, true] {
        for part in [10, 200, MIB, body.len() - 1] {
            let mut stream = connect(&index.server);
            stream
                .write_all(format!("{}\r\n", upload_head(body.len())).as_bytes())
                .unwrap();
            stream.write_all(&body[..part]).unwrap();
            if resets {
                rustix::net::sockopt::set_socket_linger(&stream, Some(Duration::ZERO)).unwrap();
            }
            drop(stream);
        }
    }
    assert_untouched_soon(&index);
    upload(&index.server.url, &lib).expect(200);
}

#[test]
fn a4_lengths_beyond_all_measure_are_refused_unread() {
    let index = Index::open();
    for length in ["2199023255552", "1099511627776", "18446744073709551615"] {
        let mut stream = connect(&index.server);
        let begun = Instant::now();
        stream
            .write_all(format!("{}\r\n", upload_head(length)).as_bytes())
            .unwrap();
        let mut answer = vec![0; 12];
        stream.read_exact(&mut answer).unwrap();
        let answer = String::from_utf8_lossy(&answer).into_owned();
        // The last one is a number that no length may be.
        let is_refused = ["HTTP/1.1 413", "HTTP/1.1 431"].contains(&answer.as_str());
        assert!(is_refused, "{length}: {answer}");
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    }
    assert_untouched(&index);
}

#[test]
fn a7_stalled_uploads_keep_nobody_waiting() {
    let index = Index::open();
    index.copy_in(&wheel("there", "1.0").build());
    let body = form_for(&wheel("lib", "1.0").padding(MIB, 1).build()).body();
    let stalled: Vec<TcpStream> = (0..64)
        .map(|_| {
            let mut stream = connect(&index.server);
            stream
                .write_all(format!("{}\r\n", upload_head(body.len())).as_bytes())
                .unwrap();
            stream.write_all(&body[..1000]).unwrap();
            stream
        })
        .collect();
    for _ in 0..10 {
        let begun = Instant::now();
        index.get("/simple/there/", &[]).expect(200);
        assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    }
    drop(stalled);
    upload(&index.server.url, &wheel("lib", "2.0").build()).expect(200);
}

#[test]
fn a10_a11_floods_of_fields_and_endless_heads_take_no_memory() {
    let index = Index::open();
    index.get("/simple/", &[]).expect(200);
    let before = peak_kib(&index.server);
    let content_type = Form::content_type();
    let boundary = content_type.split_once("boundary=").unwrap().1;
    let field = |name: &str, length: usize| Form::default().field(name, &"x".repeat(length)).body();
    let many = (0..50_000).fold(Form::default(), |form, _| form.field("classifiers", "x"));
    let mut endless =
        format!("--{boundary}\r\nContent-Disposition: form-data; name=\"a\"\r\nX-Endless: ").into_bytes();
    endless.extend(vec![b'a'; 64 * MIB]);
    let total = (0..20).fold(Form::default(), |form, number| {
        form.field(
            if number % 2 == 0 { "description" } else { "license" },
            &"x".repeat(3 * MIB),
        )
    });
    for (what, body, allowed) in [
        ("50,000 fields", many.body(), "400 413"),
        ("a field of 20 MiB", field("summary", 20 * MIB), "413"),
        ("a description of 20 MiB", field("description", 20 * MIB), "413"),
        ("60 MiB of fields", total.body(), "413"),
        ("a part's head without an end", endless, "400"),
    ] {
        let begun = Instant::now();
        let mut message = format!("{}Connection: close\r\n\r\n", upload_head(body.len())).into_bytes();
        message.extend(body);
        let answer = send(&index.server, &message);
        let status = answer.get(9..12).unwrap_or_default().to_owned();
        assert!(
            allowed.contains(&status) && !status.is_empty(),
            "{what}: {answer}"
        );
        assert!(begun.elapsed().as_secs() < 30, "{what}: {:?}", begun.elapsed());
    }
    let after = peak_kib(&index.server);
    assert!(after < before + 48 * 1024, "{before} then {after} KiB");
    assert_untouched(&index);
}

#[test]
fn a16_bodies_of_two_lengths_are_never_two_requests() {
    let index = Index::open();
    index.copy_in(&wheel("there", "1.0").build());
    let smuggled =
        "GET /packages/there-1.0-py3-none-any.whl HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    for (what, headers, body) in [
        (
            "both",
            "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
            format!("0\r\n\r\n{smuggled}"),
        ),
        (
            "two lengths",
            "Content-Length: 4\r\nContent-Length: 5\r\n",
            format!("abcd{smuggled}"),
        ),
        (
            "a list of lengths",
            "Content-Length: 4, 5\r\n",
            format!("abcd{smuggled}"),
        ),
        (
            "another coding",
            "Transfer-Encoding: xchunked\r\n",
            smuggled.to_owned(),
        ),
        (
            "a bad chunk",
            "Transfer-Encoding: chunked\r\n",
            format!("zz\r\n{smuggled}"),
        ),
        (
            "chunked twice",
            "Transfer-Encoding: chunked, chunked\r\n",
            format!("0\r\n\r\n{smuggled}"),
        ),
        (
            "chunked twice, in two headers",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
            format!("0\r\n\r\n{smuggled}"),
        ),
        (
            "a coding before the last",
            "Transfer-Encoding: gzip, chunked\r\n",
            format!("0\r\n\r\n{smuggled}"),
        ),
        ("a negative length", "Content-Length: -1\r\n", smuggled.to_owned()),
        (
            "a signed length",
            "Content-Length: +4\r\n",
            format!("abcd{smuggled}"),
        ),
    ] {
        let head = format!(
            "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n{headers}\r\n"
        );
        let answer = send(&index.server, format!("{head}{body}").as_bytes());
        assert!(!answer.contains("HTTP/1.1 200"), "{what}: {answer}");
        assert!(answer.matches("HTTP/1.1 ").count() <= 1, "{what}: {answer}");
        if what.starts_with("chunked twice") {
            assert!(answer.starts_with("HTTP/1.1 400"), "{what}: {answer}");
        }
        if what == "a coding before the last" {
            assert!(answer.starts_with("HTTP/1.1 501"), "{what}: {answer}");
        }
    }
    // Once is as it should be, in whatever letters.
    let head = "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding:  CHUNKED \r\n\r\n";
    let answer = send(&index.server, format!("{head}0\r\n\r\n").as_bytes());
    assert!(
        !answer.contains("transfer coding") && !answer.contains("chunked"),
        "{answer}"
    );
    index.get("/health", &[]).expect(200);
}

#[test]
fn a17_a18_what_is_refused_early_is_never_read_as_a_request() {
    let index = Index::guarded();
    let smuggled = "GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let answer = send(
        &index.server,
        format!("{}\r\n{smuggled}", upload_head(smuggled.len())).as_bytes(),
    );
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
    // Whoever asks first isn't told to go on.
    let asked = send(
        &index.server,
        format!("{}Expect: 100-continue\r\n\r\n", upload_head(10 * MIB)).as_bytes(),
    );
    assert!(asked.starts_with("HTTP/1.1 401"), "{asked}");
    assert!(!asked.contains("100 Continue"), "{asked}");
    assert_untouched(&index);
}

#[test]
fn a22_heads_without_measure_are_refused() {
    let index = Index::open();
    let many: String = (0..1000).map(|number| format!("X-{number}: x\r\n")).collect();
    let long = "x".repeat(512 * 1024);
    for (what, message, status) in [
        (
            "1,000 headers",
            format!("GET / HTTP/1.1\r\nHost: x\r\n{many}\r\n"),
            "431",
        ),
        (
            "512 KiB",
            format!("GET / HTTP/1.1\r\nHost: x\r\nX-Long: {long}\r\n\r\n"),
            "431",
        ),
        (
            "128 KiB of address",
            format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", &long[..128 * 1024]),
            "414",
        ),
    ] {
        let answer = send(&index.server, message.as_bytes());
        // Some heads are so long that the connection ends while they come.
        let is_refused = ["431", status]
            .iter()
            .any(|status| answer.starts_with(&format!("HTTP/1.1 {status}")));
        let is_refused = is_refused || answer.is_empty();
        assert!(is_refused, "{what}: {}", &answer[..answer.len().min(200)]);
    }
    index.get("/health", &[]).expect(200);
}

#[test]
fn a23_noise_of_other_protocols_is_hung_up_on() {
    let index = Index::open();
    let hello = [
        &[0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03][..],
        &[7; 500],
    ]
    .concat();
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec();
    let noise: Vec<u8> = (0..4096_u32).map(|number| (number * 193 % 251) as u8).collect();
    for (what, message) in [
        ("TLS", hello),
        ("HTTP/2", preface),
        ("noise", noise),
        ("NUL", vec![0; 100]),
    ] {
        let begun = Instant::now();
        let answer = send(&index.server, &message);
        assert!(!answer.contains("HTTP/1.1 200"), "{what}: {answer}");
        assert!(begun.elapsed().as_secs() < 15, "{what}: {:?}", begun.elapsed());
    }
    index.get("/health", &[]).expect(200);
}

#[test]
fn c1_names_with_bytes_that_end_lines_or_paths_are_refused() {
    let index = Index::open();
    let bytes = wheel("lib", "1.0").build().bytes;
    for name in [
        "lib-1.0\0-py3-none-any.whl",
        "lib-1.0-py3-none-any.whl\r\nX-Injected: 1",
        "%2e%2e%2flib-1.0-py3-none-any.whl",
        "..%2flib-1.0-py3-none-any.whl",
        "lib-1.0-py3-none-any.whl/",
        "lib\u{202e}-1.0-py3-none-any.whl",
        "C:lib-1.0-py3-none-any.whl",
    ] {
        let form = Form::default()
            .field(":action", "file_upload")
            .file("content", name, &bytes);
        let reply = index.post(&form);
        assert_eq!(reply.status, 400, "{name:?}: {}", reply.text());
        assert!(reply.header("x-injected").is_empty());
    }
    // C3: as long as a file system allows, with nothing left for what is added.
    for length in [251, 255, 5000] {
        let name = format!("{}-1.0-py3-none-any.whl", "a".repeat(length - 22));
        let form = Form::default()
            .field(":action", "file_upload")
            .file("content", &name, &bytes);
        assert_eq!(index.post(&form).status, 400, "{length}");
    }
    assert_untouched(&index);
}

#[test]
fn d18_a_file_that_is_removed_while_it_is_read_is_read_to_its_end() {
    let index = Index::open();
    let large = wheel("large", "1.0").padding(24 * MIB, 1).build();
    upload(&index.server.url, &large).expect(200);
    let mut stream = connect(&index.server);
    let head = format!(
        "GET /packages/{} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        large.filename
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut beginning = vec![0; 1000];
    stream.read_exact(&mut beginning).unwrap();
    let form = Form::default()
        .field(":action", "remove_pkg")
        .field("name", "large")
        .field("version", "1.0");
    index.post(&form).expect(200);
    assert!(index.listed("large").is_empty());
    index
        .get(&format!("/packages/{}", large.filename), &[])
        .expect(404);
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).unwrap();
    let whole = [beginning, rest].concat();
    assert!(whole.ends_with(&large.bytes), "{} bytes", whole.len());
}

// D12: the digest that is promised stays the recorded one, or tells the new bytes: never one for the other.
#[test]
fn d12_bytes_that_rot_are_never_served_under_a_digest_that_is_not_theirs() {
    let testbed = Testbed::new();
    let lib = wheel("lib", "1.0").padding(50_000, 1).build();
    let path = lib.write_into(testbed.path("packages"));
    age(&path);
    let index = Index::start(testbed, &OPEN);
    assert_eq!(index.page("lib")["files"][0]["hashes"]["sha256"], lib.sha256());
    rot(&path, &lib.bytes);
    let listed = index.page("lib")["files"][0]["hashes"]["sha256"].clone();
    // It is said loudly, with both digests.
    index
        .server
        .wait_for_log("the file has other bytes than before under the same name");
    assert!(
        index.server.log().contains(&lib.sha256()),
        "{}",
        index.server.log()
    );
    let served = index.get(&format!("/packages/{}", lib.filename), &[]).expect(200);
    let digest = crate::support::distributions::sha256(&served.body);
    assert_eq!(listed, digest);
}

// D12: a disk that forgets tells nobody, so the digest that is promised stays the recorded one, over restarts too.
#[test]
fn d12_what_rots_unseen_does_not_fit_its_digest() {
    let testbed = Testbed::new();
    let lib = wheel("lib", "1.0").padding(50_000, 1).build();
    let path = lib.write_into(testbed.path("packages"));
    age(&path);
    let server = |testbed: &Testbed| {
        let packages = testbed.path("packages");
        let flags = ["-P", ".", "-a", "."];
        testbed.serve(
            flags
                .iter()
                .map(std::ffi::OsString::from)
                .chain([packages.into()]),
        )
    };
    let listed = |server: &Server| {
        let page = crate::support::http::get(
            &server.url,
            "/simple/lib/",
            &[("Accept", "application/vnd.pypi.simple.v1+json")],
        );
        let page: serde_json::Value = serde_json::from_slice(&page.expect(200).body).unwrap();
        page["files"][0]["hashes"]["sha256"].as_str().unwrap().to_owned()
    };
    let before = server(&testbed);
    assert_eq!(listed(&before), lib.sha256());
    drop(before);
    rot(&path, &lib.bytes);
    let after = server(&testbed);
    assert_eq!(listed(&after), lib.sha256());
    let served =
        crate::support::http::get(&after.url, &format!("/packages/{}", lib.filename), &[]).expect(200);
    assert!(served.body != lib.bytes, "the file was to be a rotten one");
}

/// As if it had been there for an hour.
fn age(path: &std::path::Path) {
    let old = std::time::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    let file = fs::File::options().write(true).open(path).unwrap();
    file.set_modified(old).unwrap();
}

/// Changes one bit, and neither size nor time.
fn rot(path: &std::path::Path, sound: &[u8]) {
    let mut rotten = sound.to_vec();
    rotten[30_000] ^= 0x10;
    fs::write(path, &rotten).unwrap();
    age(path);
}
