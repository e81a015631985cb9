//! Whose word about a request's way is taken: seen in the log, and in who is kept out after wrong passwords.

use std::os::unix::net::UnixStream;

use crate::support::http::{get, raw_on};
use crate::support::{Server, Testbed};

/// The client that the log names for the request to `path`.
fn logged_client(server: &Server, path: &str) -> String {
    server.wait_for_log(path);
    let log = server.log();
    let line = log.lines().find(|line| line.contains(path)).unwrap();
    // 200 GET /path 2B 0.1ms USER CLIENT AGENT
    let mut words = line.split_whitespace().skip_while(|word| *word != path);
    words.nth(4).unwrap().trim_end_matches(':').to_owned()
}

// G11
#[test]
fn a_proxy_on_this_machine_is_believed_unless_told_otherwise() {
    let testbed = Testbed::new();
    let chain = "198.51.100.1, 203.0.113.7";
    for (flags, expected) in [
        (&[][..], "203.0.113.7"),
        (&["--trusted-proxy", "127.0.0.1"], "203.0.113.7"),
        (&["--trusted-proxy", "127.0.0.1,203.0.113.0/24"], "198.51.100.1"),
        (
            &[
                "--trusted-proxy",
                "127.0.0.0/8",
                "--trusted-proxy",
                "203.0.113.7/32",
            ],
            "198.51.100.1",
        ),
        (&["--trusted-proxy", "none"], "127.0.0.1"),
        (&["--trusted-proxy", "10.0.0.0/8"], "127.0.0.1"),
    ] {
        let server = testbed.serve(flags);
        get(&server.url, "/x-forwarded", &[("X-Forwarded-For", chain)]);
        assert_eq!(logged_client(&server, "/x-forwarded"), expected, "{flags:?}");
        let standard = "for=198.51.100.1, for=\"203.0.113.7:4711\";proto=https";
        get(&server.url, "/standard", &[("Forwarded", standard)]);
        assert_eq!(logged_client(&server, "/standard"), expected, "{flags:?}");
        get(&server.url, "/nothing", &[]);
        assert_eq!(logged_client(&server, "/nothing"), "127.0.0.1", "{flags:?}");
    }
}

#[test]
fn the_variable_is_a_list_too() {
    let testbed = Testbed::new();
    let mut command = testbed.pkgctl(["serve", "--host", "127.0.0.1", "--port", "0"]);
    command.env("PKGCTL_TRUSTED_PROXY", "127.0.0.1,203.0.113.7");
    let server = Server::start(command);
    get(
        &server.url,
        "/asked",
        &[("X-Forwarded-For", "198.51.100.1, 203.0.113.7")],
    );
    assert_eq!(logged_client(&server, "/asked"), "198.51.100.1");
}

#[test]
fn an_empty_list_in_the_settings_file_means_nobody() {
    let testbed = Testbed::new();
    let settings = testbed.write("settings.toml", "trusted-proxy = []\n");
    let server = testbed.serve(["--config".as_ref(), settings.as_os_str()]);
    get(
        &server.url,
        "/asked",
        &[("X-Forwarded-For", "198.51.100.1, 203.0.113.7")],
    );
    assert_eq!(logged_client(&server, "/asked"), "127.0.0.1");
}

#[test]
fn whoever_comes_through_a_unix_socket_is_a_proxy() {
    let testbed = Testbed::new();
    let socket = testbed.path("pkgctl.sock");
    let mut command = testbed.pkgctl(["serve", "--trusted-proxy", "none", "--socket"]);
    command.arg(&socket);
    let server = Server::start(command);
    let ask = |path: &str, header: &str| {
        let head = format!("GET {path} HTTP/1.1\r\nHost: x\r\n{header}Connection: close\r\n\r\n");
        raw_on(UnixStream::connect(&socket).unwrap(), head.as_bytes()).expect(303);
    };
    ask("/told", "X-Forwarded-For: 203.0.113.7\r\n");
    assert_eq!(logged_client(&server, "/told"), "203.0.113.7");
    ask("/untold", "");
    assert_eq!(logged_client(&server, "/untold"), "127.0.0.1");
}

#[test]
fn wrong_passwords_are_counted_against_the_client_and_not_against_the_proxy() {
    let testbed = Testbed::new();
    testbed.write("packages/.htaccess", "alice:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n");
    let wrong = "Basic YWxpY2U6d3Jvbmc=";
    let try_from = |server: &Server, client: &str| {
        get(
            &server.url,
            "/simple/",
            &[("Authorization", wrong), ("X-Forwarded-For", client)],
        )
        .status
    };
    let flags = ["-a", "list,download,update"];
    let server = testbed.serve(flags);
    // What the client made up stands left of what the proxy adds, and does not help it.
    let statuses: Vec<u16> = (0..12)
        .map(|number| try_from(&server, &format!("10.0.0.{number}, 203.0.113.7")))
        .collect();
    assert_eq!(statuses[0], 401);
    assert_eq!(statuses[11], 429, "{statuses:?}");
    assert_eq!(
        try_from(&server, "198.51.100.1"),
        401,
        "another client pays for it"
    );

    // Where the proxy is not trusted, all of them are one client.
    let server = testbed.serve([&flags[..], &["--trusted-proxy", "none"]].concat());
    let statuses: Vec<u16> = (0..12)
        .map(|number| try_from(&server, &format!("203.0.113.{number}")))
        .collect();
    assert_eq!(statuses[11], 429, "{statuses:?}");
}

#[test]
fn networks_that_are_none_are_named() {
    let testbed = Testbed::new();
    for bad in [
        "proxy.example",
        "10.0.0.0/33",
        "1.2.3",
        "none,10.0.0.1",
        "10.0.0.1;10.0.0.2",
    ] {
        testbed
            .run(["serve", "-p", "0", "--trusted-proxy", bad])
            .expect_failure(2, "--trusted-proxy");
    }
}
