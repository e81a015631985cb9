//! Passwords and what they guard, as pypiserver's `-P` and `-a` have it, but for 401 in place of its 403.

use std::fs;
use std::path::PathBuf;

use base64::Engine as _;

use crate::support::distributions::wheel;
use crate::support::http::{Reply, get};
use crate::support::upload::form_for;
use crate::support::{Server, Testbed};

/// `openssl passwd -apr1 -salt saltsalt secret`, and {SHA} of the same.
const PASSWORDS: &str = "# users\n\
    alice:$apr1$saltsalt$LrttParrLPdxvgutaSXWJ0\n\
    bob:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n";

fn serve(flags: &[&str]) -> (Testbed, Server, PathBuf) {
    let testbed = Testbed::new();
    let folder = testbed.path("packages");
    wheel("lib", "1.0").build().write_into(&folder);
    let passwords = testbed.write("htpasswd", PASSWORDS);
    let mut arguments: Vec<std::ffi::OsString> = vec!["-P".into(), passwords.clone().into()];
    arguments.extend(flags.iter().map(Into::into));
    arguments.push(folder.into());
    let server = testbed.serve(arguments);
    (testbed, server, passwords)
}

fn basic(credentials: &str) -> String {
    format!(
        "Basic {}",
        base64::engine::general_purpose::STANDARD.encode(credentials)
    )
}

fn try_all(server: &Server, credentials: Option<&str>, version: &str) -> [u16; 3] {
    let authorization = credentials.map(basic);
    let headers: Vec<(&str, &str)> = authorization
        .iter()
        .map(|value| ("Authorization", value.as_str()))
        .collect();
    [
        get(&server.url, "/simple/lib/", &headers).status,
        get(&server.url, "/packages/lib-1.0-py3-none-any.whl", &headers).status,
        form_for(&wheel("lib", version).build())
            .post(&server.url, &headers)
            .status,
    ]
}

fn challenge(reply: &Reply) -> &str {
    reply.header("www-authenticate")
}

#[test]
fn uploads_alone_need_a_password_unless_told_otherwise() {
    let (_testbed, server, _) = serve(&[]);
    assert_eq!(try_all(&server, None, "2.0"), [200, 200, 401]);
    assert_eq!(try_all(&server, Some("bob:wrong"), "2.0"), [200, 200, 401]);
    assert_eq!(try_all(&server, Some("nobody:secret"), "2.0"), [200, 200, 401]);
    // {SHA} of "secret".
    assert_eq!(try_all(&server, Some("bob:secret"), "2.0"), [200, 200, 200]);
}

#[test]
fn every_action_can_be_guarded() {
    let (_testbed, server, _) = serve(&["-a", "Update, download,LIST,list"]);
    assert_eq!(try_all(&server, None, "2.0"), [401, 401, 401]);
    assert_eq!(try_all(&server, Some("bob:secret"), "2.0"), [200, 200, 200]);
    let reply = get(&server.url, "/simple/", &[]).expect(401);
    assert!(
        challenge(&reply).starts_with("Basic realm="),
        "{}",
        challenge(&reply)
    );
    let reply = get(
        &server.url,
        "/simple/absent/",
        &[("Authorization", &basic("bob:no"))],
    )
    .expect(401);
    assert!(challenge(&reply).starts_with("Basic realm="));
    get(&server.url, "/health", &[]).expect(200);
}

// F1, F2, F5
#[test]
fn odd_credentials_are_a_401_and_never_a_500() {
    let (_testbed, server, _) = serve(&["-a", "list"]);
    let long = basic(&format!("bob:{}", "x".repeat(6000)));
    for value in [
        "Basic",
        "Basic !!!",
        "Basic Og==",
        "Bearer abc",
        "nonsense",
        &basic("bob"),
        &basic("bob:secret\0junk"),
        &basic(":secret"),
        &basic("bo\nb:secret"),
        &basic("{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=:x"),
        &basic("bob:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ="),
        &long,
    ] {
        let reply = get(&server.url, "/simple/", &[("Authorization", value)]);
        assert!(
            matches!(reply.status, 401 | 429),
            "{value}: {} {}",
            reply.status,
            reply.text()
        );
        // Without it no installer would look for other credentials.
        let is_asked = challenge(&reply).starts_with("Basic realm=");
        assert!(is_asked || reply.status == 429, "{value}");
    }
}

#[test]
fn weak_passwords_are_told_in_one_line_with_the_command_that_mends_them() {
    let (_testbed, server, passwords) = serve(&["-a", "list"]);
    let log = server.log();
    let lines: Vec<&str> = log
        .lines()
        .filter(|line| line.contains("easily guessed"))
        .collect();
    assert_eq!(lines.len(), 1, "{log}");
    let command = format!("`pkgctl adduser -f {} alice`", passwords.display());
    assert!(
        lines[0].contains("alice, bob") && lines[0].contains(&command),
        "{log}"
    );
}

/// Lines that pypiserver takes: plain text, DES crypt of `U*U*U*U*`, and one that is sound.
const WITH_WEAK_LINES: &str = "carol:hunter2\n\
    dave:CCNf8Sbh3HDfQ\n\
    bob:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n\
    erin:$y$j9T$x$y\n\
    frank:$2y$15$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW\n\
    gina:$6$rounds=1000001$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1\n";

#[test]
fn weak_lines_are_left_out_by_number_unless_they_are_allowed() {
    let testbed = Testbed::new();
    let folder = testbed.path("packages");
    wheel("lib", "1.0").build().write_into(&folder);
    testbed.write("packages/.htaccess", WITH_WEAK_LINES);
    let statuses = |server: &Server| {
        [
            "carol:hunter2",
            "dave:U*U*U*U*",
            "bob:secret",
            "dave:CCNf8Sbh3HDfQ",
            "erin:$y$j9T$x$y",
        ]
        .map(|credentials| get(&server.url, "/simple/", &[("Authorization", &basic(credentials))]).status)
    };
    let server = testbed.serve(["-a", "list"]);
    assert_eq!(statuses(&server), [401, 401, 200, 401, 401]);
    let log = server.log();
    for told in [
        "line 1: plain text passwords are too weak",
        "line 2: DES crypt passwords are too weak",
        "line 4: the password's scheme is not supported",
        "line 5: a check of this bcrypt password would cost more than is allowed",
        "line 6: a check of this sha512-crypt password would cost more than is allowed",
        "pkgctl adduser -f ",
        "--allow-weak-passwords",
    ] {
        assert!(log.contains(told), "{told} is not in\n{log}");
    }
    let mut command = testbed.pkgctl(["serve", "--host=127.0.0.1", "--port=0", "-a", "list"]);
    command.env("PKGCTL_ALLOW_WEAK_PASSWORDS", "yes");
    for server in [
        testbed.serve(["-a", "list", "--allow-weak-passwords"]),
        Server::start(command),
    ] {
        assert_eq!(statuses(&server), [200, 200, 200, 401, 401]);
        let log = server.log();
        let lines: Vec<&str> = log
            .lines()
            .filter(|line| line.contains("in plain text or DES crypt"))
            .collect();
        assert_eq!(lines.len(), 1, "{log}");
        assert!(
            lines[0].contains("carol, dave") && lines[0].contains("`pkgctl adduser -f "),
            "{log}"
        );
        assert!(!log.contains("hunter2") && !log.contains("CCNf8"), "{log}");
    }
}

// F8
#[test]
fn a_file_that_lets_nobody_in_is_told_at_the_start() {
    let testbed = Testbed::new();
    fs::create_dir(testbed.path("packages")).unwrap();
    for (content, names, remedy) in [
        ("carol:hunter2\n", "line 1: plain text", "--allow-weak-passwords"),
        ("# nobody yet\n", "no usable user", "pkgctl adduser"),
        (
            "carol:$y$j9T$x$y\n",
            "line 1: the password's scheme",
            "pkgctl adduser",
        ),
        (
            "bob:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\nhunter2\n",
            "line 2: ",
            "pkgctl adduser",
        ),
    ] {
        testbed.write("users", content);
        let outcome = testbed
            .run(["serve", "--host=127.0.0.1", "--port=0", "-P", "users", "packages"])
            .expect_failure(1, names);
        assert!(
            outcome.stderr.contains(remedy) && !outcome.stderr.contains("hunter2"),
            "{}",
            outcome.stderr
        );
    }
}

#[test]
fn empty_credentials_are_fine_where_none_are_needed() {
    let (_testbed, server, _) = serve(&[]);
    for credentials in [":", "bob:", ":secret", "bob:wrong"] {
        assert_eq!(
            try_all(&server, Some(credentials), "2.0"),
            [200, 200, 401],
            "{credentials}"
        );
    }
}

#[test]
fn whoever_fails_waits_and_nobody_else() {
    let (_testbed, server, passwords) = serve(&["-a", "list"]);
    let ask = |credentials: &str| get(&server.url, "/simple/", &[("Authorization", &basic(credentials))]);
    ask("alice:secret").expect(200);
    for number in 0..10 {
        ask(&format!("bob:wrong{number}")).expect(401);
    }
    let reply = ask("bob:secret").expect(429);
    let wait: u64 = reply.header("retry-after").parse().unwrap();
    assert!((200..=300).contains(&wait), "{wait}");
    ask("alice:secret").expect(200);
    ask("carol:secret").expect(401);
    get(&server.url, "/packages/lib-1.0-py3-none-any.whl", &[]).expect(200);
    // A new password is a new start.
    fs::write(
        &passwords,
        PASSWORDS.replace("bob:", "bob:$apr1$saltsalt$LrttParrLPdxvgutaSXWJ0:"),
    )
    .unwrap();
    ask("bob:secret").expect(200);
}

// F3
#[test]
fn a_flood_of_wrong_passwords_stops_neither_pages_nor_users() {
    let testbed = Testbed::new();
    let folder = testbed.path("packages");
    wheel("lib", "1.0").build().write_into(&folder);
    testbed
        .run_with_input(["adduser", "-i", "alice", "--cost=10"], "long enough")
        .expect_code(0);
    let server = testbed.serve(["-a", "update"]);
    let upload = |version: &str, credentials: &str| {
        form_for(&wheel("lib", version).build())
            .post(&server.url, &[("Authorization", &basic(credentials))])
            .status
    };
    assert_eq!(upload("2.0", "alice:long enough"), 200);
    let stop = std::sync::atomic::AtomicBool::new(false);
    let is_over = || stop.load(std::sync::atomic::Ordering::Relaxed);
    std::thread::scope(|scope| {
        let guessers: Vec<_> = (0..24)
            .map(|guesser| {
                scope.spawn(move || {
                    let mut statuses = std::collections::BTreeSet::new();
                    let mut number = 0;
                    while !is_over() {
                        number += 1;
                        statuses.insert(upload("3.0", &format!("user{guesser}-{number}:guess")));
                    }
                    statuses
                })
            })
            .collect();
        for _ in 0..20 {
            let started = std::time::Instant::now();
            get(&server.url, "/simple/lib/", &[]).expect(200);
            assert!(started.elapsed().as_secs() < 1, "{:?}", started.elapsed());
        }
        // Remembered; then known from here with a password that is not.
        assert_eq!(upload("4.0", "alice:long enough"), 200);
        testbed
            .run_with_input(["adduser", "-i", "alice", "--cost=10"], "changed it")
            .expect_code(0);
        assert_eq!(upload("5.0", "alice:changed it"), 200);
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        for guesser in guessers {
            let statuses = guesser.join().unwrap();
            assert!(
                statuses.iter().all(|status| matches!(status, 401 | 429)),
                "{statuses:?}"
            );
        }
    });
    assert_eq!(upload("6.0", "alice:long enough"), 401);
}

// F6, F7
#[test]
fn edits_of_the_password_file_count_at_once() {
    let (_testbed, server, passwords) = serve(&["-a", "list"]);
    let ask =
        |credentials: &str| get(&server.url, "/simple/", &[("Authorization", &basic(credentials))]).status;
    assert_eq!(ask("bob:secret"), 200);
    fs::write(&passwords, "carol:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n").unwrap();
    assert_eq!((ask("bob:secret"), ask("carol:secret")), (401, 200));
    // A file that vanished or makes no sense opens no door and closes none.
    fs::write(&passwords, "no colon in this line\n").unwrap();
    assert_eq!((ask("bob:secret"), ask("carol:secret")), (401, 200));
    fs::remove_file(&passwords).unwrap();
    assert_eq!((ask("bob:secret"), ask("carol:secret")), (401, 200));
    fs::write(&passwords, PASSWORDS).unwrap();
    assert_eq!((ask("bob:secret"), ask("carol:secret")), (200, 401));
}

// F9
#[test]
fn without_a_password_file_nobody_uploads() {
    let testbed = Testbed::new();
    let folder = testbed.path("packages");
    wheel("lib", "1.0").build().write_into(&folder);
    let server = testbed.serve([&folder]);
    assert_eq!(try_all(&server, None, "2.0"), [200, 200, 401]);
    assert_eq!(try_all(&server, Some("bob:secret"), "2.0"), [200, 200, 403]);
    assert!(server.log().contains("nobody can upload"), "{}", server.log());
}

#[test]
fn the_usual_password_file_is_found_by_itself() {
    let testbed = Testbed::new();
    wheel("lib", "1.0").build().write_into(testbed.path("packages"));
    testbed.write("packages/.htaccess", PASSWORDS);
    let server = testbed.serve(Vec::<&str>::new());
    assert_eq!(try_all(&server, Some("bob:secret"), "2.0"), [200, 200, 200]);
    assert_eq!(try_all(&server, None, "3.0"), [200, 200, 401]);
}

// F9
#[test]
fn an_open_index_is_open_and_says_so() {
    let testbed = Testbed::new();
    let folder = testbed.path("packages");
    wheel("lib", "1.0").build().write_into(&folder);
    let server = testbed.serve([
        "-P".as_ref(),
        ".".as_ref(),
        "-a".as_ref(),
        ".".as_ref(),
        folder.as_os_str(),
    ]);
    assert_eq!(try_all(&server, None, "2.0"), [200, 200, 200]);
    assert_eq!(try_all(&server, Some(":"), "3.0"), [200, 200, 200]);
    assert!(
        server.log().contains("anyone who reaches this port can upload"),
        "{}",
        server.log()
    );
}

// F11
#[test]
fn no_secret_is_ever_logged() {
    let (_testbed, server, _) = serve(&["-v", "-v", "-a", "list,update"]);
    get(
        &server.url,
        "/simple/?token=hunter2",
        &[("Authorization", &basic("bob:secret"))],
    )
    .expect(200);
    get(
        &server.url,
        "/simple/",
        &[("Authorization", &basic("bob:hunter3"))],
    )
    .expect(401);
    server.wait_for_log(" 401 GET /simple/");
    let log = server.log();
    assert!(
        log.contains(" 200 GET /simple/") && log.contains(" bob "),
        "{log}"
    );
    assert!(log.contains("wrong user name or password"), "{log}");
    for secret in [
        "secret",
        "hunter2",
        "hunter3",
        &basic("bob:secret")[6..],
        "5en6G6MezRroT3XKqkdPOmY",
        "$apr1$",
    ] {
        assert!(!log.contains(secret), "{secret} is in\n{log}");
    }
}
