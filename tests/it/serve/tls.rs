//! HTTPS and HTTP/2: versions, certificates that change, starts that can't be, clients that misbehave.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::distributions::wheel;
use crate::support::http::{raw, raw_on};
use crate::support::http2::{self, Client, frame, next_frame};
use crate::support::tls::{Authority, Pair, connect, make_private};
use crate::support::upload::{Form, form_for};
use crate::support::{Server, Testbed, tools};

/// A server with a certificate of `authority`.
fn serve(testbed: &Testbed, authority: &Authority, flags: &[&str]) -> Server {
    authority.issue().write(testbed);
    let mut all = vec!["--tls-cert", "server.pem", "--tls-key", "server.key"];
    all.extend(flags);
    testbed.serve(all)
}

const ASK: &[u8] = b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

/// Waits for the server's end of the connection, and tells how long that took.
fn seconds_until_closed(connection: &mut impl std::io::Read, since: Instant) -> f64 {
    let mut rest = Vec::new();
    let _ = connection.read_to_end(&mut rest);
    since.elapsed().as_secs_f64()
}

#[test]
fn both_versions_of_tls_and_of_http_are_spoken() {
    let testbed = Testbed::new();
    let authority = Authority::new();
    let server = serve(&testbed, &authority, &[]);
    assert!(server.url.starts_with("https://"), "{}", server.url);
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let client = authority.client_of_version("http/1.1", &[version]);
        let stream = connect(&server.url, client).unwrap();
        assert_eq!(raw_on(stream, ASK).expect(200).text(), "Ok");
    }
    // A client that knows nothing of the choice gets HTTP/1.1.
    let mut client = authority.client("h2");
    client.alpn_protocols.clear();
    raw_on(connect(&server.url, client).unwrap(), ASK).expect(200);
    let client = Client::connect(&server.url, &authority);
    assert_eq!(client.get("/health", &[]).expect(200).text(), "Ok");
    let stranger = connect(&server.url, Authority::new().client("h2"));
    assert!(stranger.is_err(), "another authority's client was satisfied");
}

#[test]
fn uploads_and_downloads_go_over_http2() {
    let testbed = Testbed::new();
    let authority = Authority::new();
    let server = serve(&testbed, &authority, &["-P", ".", "-a", "."]);
    let client = Client::connect(&server.url, &authority);
    let file = wheel("lib", "1.0").padding(3 << 20, 1).build();
    let content_type = Form::content_type();
    let post = [("content-type", content_type.as_str())];
    client
        .request("POST", "/", &post, &form_for(&file).body())
        .unwrap()
        .expect(200);
    let path = format!("/packages/{}", file.filename);
    let answer = client.get(&path, &[]).expect(200);
    assert!(answer.body == file.bytes);
    let part = client.get(&path, &[("range", "bytes=-100")]).expect(206);
    assert!(part.body == file.bytes[file.bytes.len() - 100..]);
    assert!(
        client
            .get("/simple/lib/", &[])
            .expect(200)
            .text()
            .contains(&file.filename)
    );
    // Conditions work as ever.
    let etag = answer.headers["etag"].to_str().unwrap().to_owned();
    client.get(&path, &[("if-none-match", &etag)]).expect(304);
}

#[test]
fn failures_over_http2_say_why_in_the_body_and_nothing_about_the_connection() {
    let testbed = Testbed::new();
    let authority = Authority::new();
    let server = serve(&testbed, &authority, &[]);
    let client = Client::connect(&server.url, &authority);
    let content_type = Form::content_type();
    let headers = [("content-type", content_type.as_str())];
    let body = form_for(&wheel("lib", "1.0").build()).body();
    // It is refused before the body is read, which over HTTP/1.1 ends the connection.
    let answer = client.request("POST", "/", &headers, &body).unwrap().expect(401);
    assert!(
        answer.text().contains("user name and a password"),
        "{}",
        answer.text()
    );
    for name in [
        "connection",
        "keep-alive",
        "proxy-connection",
        "transfer-encoding",
        "upgrade",
    ] {
        assert!(
            !answer.headers.contains_key(name),
            "{name} is sent: {:?}",
            answer.headers
        );
    }
    // The same connection goes on.
    client.get("/health", &[]).expect(200);
    let problem = client
        .get("/simple/no.such.name/", &[("accept", "application/json")])
        .expect(406);
    assert!(
        problem.headers["content-type"]
            .to_str()
            .unwrap()
            .contains("problem+json")
    );
    // Over HTTP/1.1 the reason is in the first line, too.
    let refused = raw_on(
        authority.connect(&server.url, "http/1.1"),
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
    )
    .expect(401);
    assert!(refused.reason.contains("user name"), "{}", refused.reason);
    assert_eq!(refused.header("connection"), "close");
    assert!(!server.log().contains("illegal"), "{}", server.log());
}

#[test]
fn a_head_over_http2_has_the_same_bounds() {
    let testbed = Testbed::new();
    let authority = Authority::new();
    let server = serve(&testbed, &authority, &[]);
    let ask = |path: &str, headers: &[(&str, &str)]| {
        Client::connect(&server.url, &authority)
            .request("GET", path, headers, &[])
            .unwrap()
            .status
    };
    let names: Vec<String> = (0..120).map(|number| format!("x-{number}")).collect();
    let many: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "x")).collect();
    assert_eq!(ask("/simple/", &many), 431);
    assert_eq!(ask(&format!("/simple/{}/", "x".repeat(9000)), &[]), 414);
    // So large a head may end the connection as well as the request, if only it is not taken.
    let large = "x".repeat(40_000);
    let client = Client::connect(&server.url, &authority);
    let answer = client.request("GET", "/simple/", &[("x-large", &large)], &[]);
    assert!(
        answer.is_err() || answer.is_ok_and(|answer| answer.status == 431),
        "a head of 40 kB was taken"
    );
    assert_eq!(ask("/health", &[]), 200);
}

#[test]
fn plain_http_is_told_where_it_is() {
    let testbed = Testbed::new();
    let server = serve(&testbed, &Authority::new(), &[]);
    let plain = server.url.replace("https://", "http://");
    let answer = raw(
        &plain,
        b"GET /simple/ HTTP/1.1\r\nHost: x\r\nAuthorization: Basic YTpi\r\n\r\n",
    )
    .expect(400);
    assert!(answer.text().contains("https://"), "{}", answer.text());
    assert!(answer.reason.contains("HTTPS"), "{}", answer.reason);
    // Noise is let go without a word.
    let mut noise = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    noise.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    noise.write_all(&[0, 1, 2, 3]).unwrap();
    let mut answer = Vec::new();
    let _ = noise.read_to_end(&mut answer);
    assert!(answer.is_empty(), "{answer:?}");
}

#[test]
fn a_new_certificate_is_used_without_a_restart_and_a_broken_one_is_not() {
    let testbed = Testbed::new();
    let authority = Authority::new();
    let server = serve(&testbed, &authority, &[]);
    let shows = |pair: &Pair| pair.is_shown_by(&authority.connect(&server.url, "http/1.1"));
    let wait_for = |pair: &Pair| {
        let deadline = Instant::now() + Duration::from_secs(20);
        while !shows(pair) {
            assert!(
                Instant::now() < deadline,
                "the new certificate never came:\n{}",
                server.log()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    };
    let mut kept = Client::connect(&server.url, &authority);
    let second = authority.issue();
    assert!(!shows(&second));
    second.write(&testbed);
    wait_for(&second);
    // Connections that are there go on.
    kept.get("/health", &[]).expect(200);

    // A certificate alone, without its key: the old pair stays.
    let third = authority.issue();
    testbed.write("server.pem", &third.certificate);
    let deadline = Instant::now() + Duration::from_secs(20);
    while !server.log().contains("ERROR") {
        assert!(shows(&second), "a pair that does not fit was used");
        assert!(Instant::now() < deadline, "nothing is logged:\n{}", server.log());
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(server.log().contains("server.key"), "{}", server.log());
    // Files that are gone are no reason to stop either.
    fs::remove_file(testbed.path("server.pem")).unwrap();
    server.wait_for_log("ERROR");
    assert!(shows(&second));
    // Once both are there, they are used.
    third.write(&testbed);
    wait_for(&third);
    kept = Client::connect(&server.url, &authority);
    kept.get("/health", &[]).expect(200);
}

#[test]
fn certificates_and_keys_that_can_t_be_used_are_named() {
    let testbed = Testbed::new();
    let authority = Authority::new();
    let (right, other) = (authority.issue(), authority.issue());
    right.write(&testbed);
    let key = |name: &str, content: &[u8]| make_private(&testbed.write(name, content));
    key("other.key", other.key.as_bytes());
    key("empty", b"\n");
    key("der", &[0x30, 0x82, 0x01, 0x00, 0x02]);
    key("cut.key", right.key.split_at(right.key.len() - 40).0.as_bytes());
    key("text", b"hello\n");
    key(
        "encrypted.key",
        b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----\n",
    );
    key(
        "old.key",
        b"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nMIIB\n-----END RSA PRIVATE KEY-----\n",
    );
    key(
        "nonsense.pem",
        b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
    );
    key(
        "nonsense.key",
        b"-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n",
    );
    for (certificate, key, named, said) in [
        ("absent", "server.key", "absent", "certificate chain"),
        ("server.pem", "absent", "absent", "private key"),
        ("empty", "server.key", "empty", "certificate chain"),
        ("server.pem", "empty", "empty", "private key"),
        ("der", "server.key", "der", "openssl x509 -inform DER"),
        ("server.pem", "der", "der", "openssl pkey -inform DER"),
        ("server.key", "server.key", "server.key", "PRIVATE KEY"),
        ("server.pem", "server.pem", "server.pem", "CERTIFICATE"),
        ("text", "server.key", "text", "certificate chain"),
        ("server.pem", "text", "text", "private key"),
        ("server.pem", "cut.key", "cut.key", "damaged"),
        ("server.pem", "encrypted.key", "encrypted.key", "openssl pkey -in"),
        ("server.pem", "old.key", "old.key", "encrypted"),
        ("server.pem", "other.key", "other.key", "server.pem"),
        ("nonsense.pem", "server.key", "nonsense.pem", "certificate"),
        ("server.pem", "nonsense.key", "nonsense.key", "key"),
    ] {
        let outcome = testbed
            .run([
                "serve",
                "--host",
                "127.0.0.1",
                "-p",
                "0",
                "--tls-cert",
                certificate,
                "--tls-key",
                key,
            ])
            .expect_failure(1, named);
        assert!(outcome.stderr.contains(said), "{said}:\n{}", outcome.stderr);
        assert!(
            !outcome.stderr.contains("MII") && !outcome.stderr.contains("hello"),
            "a line of the file is shown:\n{}",
            outcome.stderr
        );
    }
    for flags in [["--tls-cert", "server.pem"], ["--tls-key", "server.key"]] {
        let outcome = testbed.run(["serve", "-p", "0", flags[0], flags[1]]);
        outcome.expect_failure(2, "needs the");
    }
}

#[test]
fn one_file_may_hold_both_and_a_public_key_file_is_warned_about() {
    let testbed = Testbed::new();
    let authority = Authority::new();
    let pair = authority.issue();
    let both = testbed.write("both.pem", format!("{}{}", pair.key, pair.certificate));
    fs::set_permissions(&both, fs::Permissions::from_mode(0o644)).unwrap();
    let server = testbed.serve(["--tls-cert", "both.pem", "--tls-key", "both.pem"]);
    raw_on(authority.connect(&server.url, "http/1.1"), ASK).expect(200);
    assert!(
        server.log().contains("WARN") && server.log().contains("both.pem"),
        "{}",
        server.log()
    );
    let quiet = serve(&testbed, &authority, &[]);
    assert!(!quiet.log().contains("private key"), "{}", quiet.log());
}

#[test]
fn clients_that_stop_in_the_middle_are_let_go() {
    let testbed = Testbed::new();
    let authority = Authority::new();
    let server = serve(
        &testbed,
        &authority,
        &["--head-timeout", "1s", "--idle-timeout", "3s"],
    );
    let began = Instant::now();
    // Says nothing, or half a hello.
    for hello in [&b""[..], &[22, 3, 1, 2, 0, 1]] {
        let mut socket = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let since = Instant::now();
        socket.write_all(hello).unwrap();
        let seconds = seconds_until_closed(&mut socket, since);
        assert!((0.9..5.0).contains(&seconds), "{seconds}");
    }
    // Half a head, in either protocol.
    let mut slow = authority.connect(&server.url, "http/1.1");
    slow.write_all(b"GET / HTTP/1.1\r\nHost:").unwrap();
    let seconds = seconds_until_closed(&mut slow, Instant::now());
    assert!((0.9..2.9).contains(&seconds), "{seconds}");
    let mut slow = authority.connect(&server.url, "h2");
    http2::begin(&mut slow).unwrap();
    slow.write_all(&frame(
        http2::HEADERS,
        http2::END_STREAM,
        1,
        &http2::get_head("/health"),
    ))
    .unwrap();
    let seconds = seconds_until_closed(&mut slow, Instant::now());
    assert!((0.9..2.9).contains(&seconds), "{seconds}");
    // Nothing at all: it has longer, and not for ever.
    let mut idle = authority.connect(&server.url, "h2");
    http2::begin(&mut idle).unwrap();
    let seconds = seconds_until_closed(&mut idle, Instant::now());
    assert!((2.0..7.0).contains(&seconds), "{seconds}");
    assert!(began.elapsed() < Duration::from_secs(40));
}

#[test]
fn a_client_of_http2_that_takes_nothing_of_its_answer_is_let_go() {
    let testbed = Testbed::new();
    let authority = Authority::new();
    let file = wheel("lib", "1.0").padding(4 << 20, 1).build();
    file.write_into(testbed.path("packages"));
    let server = serve(&testbed, &authority, &["--idle-timeout", "1s"]);
    let mut stuck = authority.connect(&server.url, "h2");
    http2::begin(&mut stuck).unwrap();
    let whole = http2::END_STREAM | http2::END_HEADERS;
    let path = format!("/packages/{}", file.filename);
    stuck
        .write_all(&frame(http2::HEADERS, whole, 1, &http2::get_head(&path)))
        .unwrap();
    // It reads what comes, and never says that there may come more.
    let began = Instant::now();
    let mut received_bytes = 0;
    while let Some((kind, _, _, payload)) = next_frame(&mut stuck) {
        if kind == http2::DATA {
            received_bytes += payload.len();
        }
    }
    let seconds = began.elapsed().as_secs_f64();
    assert_eq!(received_bytes, 65_535, "the window of a client that sets none");
    assert!((4.0..15.0).contains(&seconds), "{seconds}");
}

#[test]
fn a_body_that_stalls_over_http2_is_told_so() {
    let testbed = Testbed::new();
    let authority = Authority::new();
    let flags = ["-P", ".", "-a", ".", "--body-timeout", "1s"];
    let server = serve(&testbed, &authority, &flags);
    let mut connection = authority.connect(&server.url, "h2");
    http2::begin(&mut connection).unwrap();
    let head = [
        http2::post_head("/"),
        http2::header("content-type", &Form::content_type()),
    ]
    .concat();
    connection
        .write_all(&frame(http2::HEADERS, http2::END_HEADERS, 1, &head))
        .unwrap();
    let body = form_for(&wheel("lib", "1.0").build()).body();
    connection
        .write_all(&frame(http2::DATA, 0, 1, &body[..100]))
        .unwrap();
    let mut said = Vec::new();
    while let Some((kind, flags, _, payload)) = next_frame(&mut connection) {
        if kind == http2::DATA {
            said.extend(payload);
            if flags & http2::END_STREAM != 0 {
                break;
            }
        }
    }
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(
        said.contains("pause") || said.contains("stall") || said.contains("second"),
        "{said}"
    );
    server.wait_for_log("408 POST /");
}

/// What a server does about a connection that is of no use.
#[derive(Debug)]
struct Ending {
    /// Whether everything could be sent; a server that closes early resets what is still on its way.
    all_sent: bool,
    /// The kinds of frames that came until the end.
    kinds: Vec<u8>,
}

/// Sends frames until the server has enough of them, and reads to the end.
fn flood(
    connection: &mut (impl std::io::Read + std::io::Write),
    mut frames: impl Iterator<Item = Vec<u8>>,
) -> Ending {
    let all_sent = frames.all(|frame| connection.write_all(&frame).is_ok()) && connection.flush().is_ok();
    let mut kinds = Vec::new();
    while let Some((kind, ..)) = next_frame(connection) {
        kinds.push(kind);
    }
    Ending { all_sent, kinds }
}

// A26
#[test]
fn floods_of_resets_and_of_endless_heads_end_the_connection() {
    // A26
    let testbed = Testbed::new();
    let authority = Authority::new();
    let server = serve(&testbed, &authority, &[]);
    let connect = || {
        let mut connection = authority.connect(&server.url, "h2");
        http2::begin(&mut connection).unwrap();
        connection
    };
    let began = Instant::now();
    let whole = http2::END_STREAM | http2::END_HEADERS;
    let resets = (0..10_000).map(|number| {
        let stream = 2 * number + 1;
        let head = frame(http2::HEADERS, whole, stream, &http2::get_head("/simple/"));
        [head, frame(http2::RST_STREAM, 0, stream, &[0, 0, 0, 8])].concat()
    });
    let ending = flood(&mut connect(), resets);
    assert!(
        !ending.all_sent || ending.kinds.contains(&http2::GOAWAY),
        "{ending:?}"
    );
    let answered = server.log().matches("GET /simple/").count();
    assert!(
        answered < 1000,
        "{answered} requests that were taken back were answered"
    );
    let filler = http2::header("x-filler", &"x".repeat(100)).repeat(100);
    let first = frame(http2::HEADERS, http2::END_STREAM, 1, &http2::get_head("/simple/"));
    let endless = std::iter::once(first).chain((0..5000).map(|_| frame(http2::CONTINUATION, 0, 1, &filler)));
    let ending = flood(&mut connect(), endless);
    assert!(
        !ending.all_sent || ending.kinds.contains(&http2::GOAWAY),
        "{ending:?}"
    );
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    Client::connect(&server.url, &authority)
        .get("/health", &[])
        .expect(200);
}

#[test]
fn a_stop_ends_http2_connections_once_they_are_done() {
    let testbed = Testbed::new();
    let authority = Authority::new();
    let mut server = serve(&testbed, &authority, &["-P", ".", "-a", "."]);
    let idle = Client::connect(&server.url, &authority);
    idle.get("/health", &[]).expect(200);
    let mut half = authority.connect(&server.url, "h2");
    http2::begin(&mut half).unwrap();
    half.write_all(&frame(http2::HEADERS, 0, 1, &http2::get_head("/")))
        .unwrap();
    // One that has not even said hello.
    let _silent = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    let file = wheel("lib", "1.0").padding(1 << 19, 1).build();
    let body = form_for(&file).body();
    let mut uploading = authority.connect(&server.url, "h2");
    http2::begin(&mut uploading).unwrap();
    let head = [
        http2::post_head("/"),
        http2::header("content-type", &Form::content_type()),
    ]
    .concat();
    uploading
        .write_all(&frame(http2::HEADERS, http2::END_HEADERS, 1, &head))
        .unwrap();
    let pieces: Vec<&[u8]> = body.chunks(16_000).collect();
    let (first, rest) = pieces.split_at(4);
    for piece in first {
        uploading.write_all(&frame(http2::DATA, 0, 1, piece)).unwrap();
    }
    uploading.flush().unwrap();
    idle.get("/health", &[]).expect(200);
    let began = Instant::now();
    server.signal("TERM");
    server.wait_for_log("stopping");
    for piece in rest {
        uploading.write_all(&frame(http2::DATA, 0, 1, piece)).unwrap();
    }
    uploading
        .write_all(&frame(http2::DATA, http2::END_STREAM, 1, &[]))
        .unwrap();
    uploading.flush().unwrap();
    let ending = flood(&mut uploading, std::iter::empty());
    assert!(ending.kinds.contains(&http2::HEADERS), "no answer: {ending:?}");
    assert_eq!(server.wait(), Some(0), "{}", server.log());
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    assert!(fs::read(testbed.path("packages").join(&file.filename)).unwrap() == file.bytes);
}

#[test]
fn pip_uv_and_curl_come_over_tls() {
    let testbed = Testbed::new();
    let authority = Authority::new();
    let server = serve(&testbed, &authority, &["-P", ".", "-a", "."]);
    let root = authority.file(&testbed);
    let file = wheel("my-lib", "1.0").build();
    let file_path = testbed.write(&format!("dist/{}", file.filename), &file.bytes);
    let index = format!("{}/simple/", server.url);
    let succeed = |command: &mut Command| {
        let output = command.output().unwrap();
        assert!(
            output.status.success(),
            "{command:?}:\n{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    if let Ok(uv) = tools::uv() {
        let mut publish = uv.command(&testbed);
        publish
            .env("SSL_CERT_FILE", &root)
            .args(["publish", "--no-config", "--trusted-publishing", "never"])
            .args(["--username", "", "--password", ""])
            .args(["--publish-url", &format!("{}/", server.url)])
            .arg(&file_path);
        succeed(&mut publish);
        let mut install = uv.command(&testbed);
        install
            .env("SSL_CERT_FILE", &root)
            .args(["pip", "install", "--no-config", "--no-cache", "--target", "by-uv"])
            .args(["--index-url", &index, "my-lib==1.0"]);
        succeed(&mut install);
        assert!(testbed.path("by-uv/my_lib-1.0.dist-info").is_dir());
    } else {
        file.write_into(testbed.path("packages"));
    }
    if let Ok(pip) = tools::pip() {
        let mut install = pip.command(&testbed);
        // The library below pip would take this one before the one that pip is told.
        install.env_remove("REQUESTS_CA_BUNDLE");
        install
            .args([
                "install",
                "-v",
                "--no-deps",
                "--no-cache-dir",
                "--target",
                "by-pip",
                "--cert",
            ])
            .arg(&root)
            .args(["--index-url", &index, "my-lib==1.0"]);
        succeed(&mut install);
        assert!(testbed.path("by-pip/my_lib-1.0.dist-info").is_dir());
    }
    if Command::new("curl").arg("--version").output().is_ok() {
        let mut curl = testbed.program("curl");
        curl.args([
            "--silent",
            "--fail",
            "--http2",
            "--output",
            "by-curl",
            "--write-out",
            "%{http_version}",
            "--cacert",
        ])
        .arg(&root)
        .arg(format!("{}/packages/{}", server.url, file.filename));
        assert_eq!(succeed(&mut curl), "2");
        assert!(fs::read(testbed.path("by-curl")).unwrap() == file.bytes);
    } else {
        eprintln!("skipped: there is no curl");
    }
}
