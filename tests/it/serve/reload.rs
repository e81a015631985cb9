//! SIGHUP: logs are rotated, settings read again, and nothing breaks the server.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use crate::support::distributions::wheel;
use crate::support::http::get;
use crate::support::upload::{Form, form_for};
use crate::support::{Server, Testbed};

const BOB: [(&str, &str); 1] = [("Authorization", "Basic Ym9iOmhlbGxv")];
/// `openssl passwd -apr1 -salt saltsalt hello`.
const PASSWORDS: &str = "bob:$apr1$saltsalt$qdT0pAqsa0h/01U4EjwJY1\n";

const SETTINGS: &str = "pkgctl.toml";

/// A server with this settings file; what the tests change is in it alone.
fn serve(testbed: &Testbed, settings: &str) -> Server {
    testbed.write(SETTINGS, settings);
    testbed.serve(["--config", SETTINGS])
}

/// Has the settings read again, and waits for the word that comes of it.
#[track_caller]
fn reload(server: &Server, word: &str) {
    let before = server.log().matches(word).count();
    server.signal("HUP");
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while server.log().matches(word).count() == before {
        assert!(
            std::time::Instant::now() < deadline,
            "`{word}` never came:\n{}",
            server.log()
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn status(server: &Server, path: &str) -> u16 {
    get(&server.url, path, &[]).status
}

#[test]
fn a_rotated_log_goes_on_in_a_new_file() {
    let testbed = Testbed::new();
    let mut server = serve(&testbed, "log-file = 'log'");
    let first = get(&server.url, "/health", &[])
        .expect(200)
        .header("x-request-id")
        .to_owned();
    fs::rename(testbed.path("log"), testbed.path("log.1")).unwrap();
    let second = get(&server.url, "/health", &[])
        .expect(200)
        .header("x-request-id")
        .to_owned();
    reload(&server, "settings read again");
    let third = get(&server.url, "/health", &[])
        .expect(200)
        .header("x-request-id")
        .to_owned();
    // A broken settings file is no reason to write into a file that was moved away.
    fs::rename(testbed.path("log"), testbed.path("log.2")).unwrap();
    testbed.write(SETTINGS, "log-file = ");
    reload(&server, "the settings stay as they were");
    let fourth = get(&server.url, "/health", &[])
        .expect(200)
        .header("x-request-id")
        .to_owned();
    server.signal("TERM");
    assert_eq!(server.wait(), Some(0));
    let holds = |file: &str| {
        let text = testbed.read(file);
        [&first, &second, &third, &fourth].map(|id| text.contains(id.as_str()))
    };
    assert_eq!(holds("log.1"), [true, true, false, false]);
    assert_eq!(holds("log.2"), [false, false, true, false]);
    assert_eq!(holds("log"), [false, false, false, true]);
}

#[test]
fn a_log_that_can_t_be_opened_anew_goes_on_in_the_old_file() {
    let testbed = Testbed::new();
    fs::create_dir_all(testbed.path("logs")).unwrap();
    let server = serve(&testbed, "log-file = 'logs/log'");
    fs::rename(testbed.path("logs"), testbed.path("gone")).unwrap();
    reload(&server, "the log goes on in the old file");
    let id = get(&server.url, "/health", &[])
        .expect(200)
        .header("x-request-id")
        .to_owned();
    server.wait_for_log(&id);
    drop(server);
    assert!(testbed.read("gone/log").contains(&id));
}

#[test]
fn the_log_may_be_moved_and_its_level_changed() {
    let testbed = Testbed::new();
    let mut server = serve(&testbed, "");
    assert!(!server.log().contains("DEBUG"));
    testbed.write(SETTINGS, "log-file = 'moved'\nverbose = 2");
    reload(&server, "changed: log-file, verbose");
    testbed.write(
        "packages/junk.txt",
        "whoever wants to know more is told why this is not listed",
    );
    get(&server.url, "/simple/", &[]).expect(200);
    testbed.write(SETTINGS, "log-file = 'moved'\nlog-stream = 'none'");
    server.signal("HUP");
    server.signal("TERM");
    assert_eq!(server.wait(), Some(0));
    let moved = testbed.read("moved");
    for told in [
        "changed: log-file, verbose",
        "GET /simple/",
        "DEBUG",
        "junk.txt",
        "stopped",
    ] {
        assert!(moved.contains(told), "`{told}`:\n{moved}");
    }
}

#[test]
fn what_can_change_changes_for_the_next_request() {
    let testbed = Testbed::new();
    testbed.write("htpasswd", PASSWORDS);
    wheel("lib", "1.0").build().write_into(testbed.path("packages"));
    let server = serve(&testbed, "");
    assert_eq!(status(&server, "/simple/absent/"), 303);
    assert_eq!(status(&server, "/simple/lib/"), 200);
    testbed.write(SETTINGS, "private = ['abs*']");
    reload(&server, "changed: private");
    assert_eq!(
        (
            status(&server, "/simple/absent/"),
            status(&server, "/simple/other/")
        ),
        (404, 303)
    );
    testbed.write(SETTINGS, "fallback-url = 'http://127.0.0.1:9/simple'");
    reload(&server, "changed: fallback-url, private");
    let moved = get(&server.url, "/simple/absent/", &[]);
    assert_eq!(moved.header("location"), "http://127.0.0.1:9/simple/absent/");
    testbed.write(
        SETTINGS,
        "disable-fallback = true\npasswords = 'htpasswd'\nauthenticate = 'list,update'",
    );
    reload(&server, "settings read again");
    assert_eq!(status(&server, "/simple/lib/"), 401);
    assert_eq!(
        get(&server.url, "/simple/lib/", &BOB).status,
        200,
        "{}",
        server.log()
    );
    assert_eq!(get(&server.url, "/simple/absent/", &BOB).status, 404);
    assert!(
        server.log().contains("pages are for users with a password"),
        "{}",
        server.log()
    );
    testbed.write(
        SETTINGS,
        "passwords = '.'\nauthenticate = '.'\nmax-upload-size = '2K'",
    );
    reload(&server, "settings read again");
    assert_eq!(status(&server, "/simple/lib/"), 200);
    let large = wheel("lib", "2.0").padding(1 << 16, 1).build();
    form_for(&large).post(&server.url, &[]).expect(413);
}

#[test]
fn what_can_t_change_waits_for_a_restart_and_is_named() {
    let testbed = Testbed::new();
    let server = serve(&testbed, "");
    testbed.write(
        SETTINGS,
        "roots = ['elsewhere']\noverwrite = true\nprivate = ['x']",
    );
    for _ in 0..2 {
        reload(&server, "only a restart makes it count: roots, overwrite");
    }
    // Half of it would be worse than nothing: files that are never replaced may be kept for ever.
    wheel("lib", "1.0").build().write_into(testbed.path("packages"));
    let file = get(&server.url, "/packages/lib-1.0-py3-none-any.whl", &[]).expect(200);
    assert!(file.header("cache-control").contains("immutable"), "{file:?}");
    assert_eq!(
        (status(&server, "/simple/x/"), status(&server, "/simple/y/")),
        (404, 303)
    );
    assert!(!testbed.path("elsewhere").exists());
}

#[test]
fn a_flag_beats_the_file_at_a_reload_as_well() {
    let testbed = Testbed::new();
    testbed.write(SETTINGS, "");
    let server = testbed.serve(["--config", SETTINGS, "--private", "mine"]);
    testbed.write(SETTINGS, "private = ['yours']");
    reload(
        &server,
        "none of those that can change without a restart has changed",
    );
    assert_eq!(
        (
            status(&server, "/simple/mine/"),
            status(&server, "/simple/yours/")
        ),
        (404, 303)
    );
}

#[test]
fn a_passwords_file_that_appears_where_one_is_looked_for_is_taken() {
    let testbed = Testbed::new();
    let server = serve(&testbed, "");
    let upload = |version: &str| {
        form_for(&wheel("lib", version).build())
            .post(&server.url, &BOB)
            .status
    };
    assert_eq!(upload("1.0"), 403, "switched off");
    testbed.write("packages/.htaccess", PASSWORDS);
    reload(&server, "there is another passwords file now");
    assert_eq!(upload("1.0"), 200, "{}", server.log());
    // It is read again by itself from then on, and a reload forgets nobody.
    testbed.write("packages/.htaccess", PASSWORDS.replace("bob", "eve"));
    assert_eq!(upload("2.0"), 401);
    fs::remove_file(testbed.path("packages/.htaccess")).unwrap();
    reload(&server, "there is another passwords file now");
    assert_eq!(upload("2.0"), 403);
}

#[test]
fn settings_that_can_t_be_used_change_nothing() {
    let testbed = Testbed::new();
    testbed.write("no-users", "# nobody\n");
    let mut server = serve(&testbed, "private = ['mine']");
    for (bad, told) in [
        ("private = [", "line 1"),
        ("privat = ['x']", "privat"),
        ("private = ['corp-[']", "corp-["),
        ("private = ['x']\npasswords = 'missing'", "missing"),
        ("private = ['x']\npasswords = 'no-users'", "no-users"),
        ("private = ['x']\nlog-file = 'nowhere/log'", "nowhere/log"),
        ("private = ['x']\nauthenticate = '.'", "-P ."),
    ] {
        testbed.write(SETTINGS, bad);
        reload(&server, "the settings stay as they were");
        let log = server.log();
        let line = log
            .lines()
            .rfind(|line| line.contains("the settings stay"))
            .unwrap();
        assert!(line.contains("ERROR") && line.contains(told), "{bad:?}: {line}");
        assert_eq!(
            (status(&server, "/simple/mine/"), status(&server, "/simple/x/")),
            (404, 303),
            "{bad}"
        );
    }
    fs::remove_file(testbed.path(SETTINGS)).unwrap();
    reload(&server, "the settings stay as they were");
    testbed.write(SETTINGS, "private = ['x']");
    reload(&server, "changed: private");
    assert_eq!(status(&server, "/simple/x/"), 404);
    server.signal("TERM");
    assert_eq!(server.wait(), Some(0));
}

#[test]
fn an_upload_ends_by_the_settings_that_it_began_with() {
    let testbed = Testbed::new();
    testbed.write("htpasswd", PASSWORDS);
    let server = serve(&testbed, "passwords = '.'\nauthenticate = '.'");
    let file = wheel("lib", "1.0").padding(1 << 20, 1).build();
    let body = form_for(&file).body();
    let mut connection = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    connection
        .set_read_timeout(Some(Duration::from_secs(40)))
        .unwrap();
    let head = format!(
        "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: {}\r\nContent-Length: {}\r\n\r\n",
        Form::content_type(),
        body.len()
    );
    connection.write_all(head.as_bytes()).unwrap();
    connection.write_all(&body[..body.len() / 2]).unwrap();
    // The server has begun to read it once there is a file for it.
    let incoming = testbed.path("packages/.pkgctl/incoming");
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while fs::read_dir(&incoming).map_or(0, Iterator::count) == 0 {
        assert!(std::time::Instant::now() < deadline, "nothing arrives");
        std::thread::sleep(Duration::from_millis(10));
    }
    testbed.write(SETTINGS, "passwords = 'htpasswd'\nmax-upload-size = '1K'");
    reload(&server, "settings read again");
    connection.write_all(&body[body.len() / 2..]).unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    form_for(&wheel("lib", "2.0").build())
        .post(&server.url, &[])
        .expect(401);
}
