//! Flags, and what becomes of a start: whether it serves, or with which code it ends.

use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::folders;
use super::tables::Expected;
use crate::support::foreign_server::free_port;
use crate::support::tools::Tool;
use crate::support::{Testbed, tools};

/// The row of README's table about flags and files that won't do.
const FAILED: &str = "starts that fail";
/// Stands for a free port.
const PORT: &str = "PORT";
const LISTEN: [&str; 4] = ["-i", "127.0.0.1", "-p", PORT];

/// A command line, and what becomes of it.
pub(super) struct Start {
    /// What follows `pypi-server` or `pypi-server run`, and `pkgctl serve`.
    arguments: Vec<&'static str>,
    /// Without `run`, as before pypiserver 2.0.
    bare: bool,
    pub(super) expected: Expected,
}

impl Start {
    /// The words of the command line, without what is joined to a flag by `=`.
    pub(super) fn flags(&self) -> Vec<String> {
        let before_value = |argument: &&str| argument.split('=').next().unwrap_or_default().to_owned();
        self.arguments.iter().map(before_value).collect()
    }
}

/// With flags that say where to listen in front.
fn start(expected: Expected, arguments: &[&'static str]) -> Start {
    whole(expected, &[&LISTEN, arguments].concat())
}

fn whole(expected: Expected, arguments: &[&'static str]) -> Start {
    Start {
        arguments: arguments.to_vec(),
        bare: false,
        expected,
    }
}

fn bare(arguments: &[&'static str]) -> Start {
    Start {
        bare: true,
        ..whole(serves(), arguments)
    }
}

fn serves() -> Expected {
    Expected::Same("serves")
}

fn fails(there: &'static str, here: &'static str) -> Expected {
    Expected::Differs {
        topic: FAILED,
        there,
        here,
    }
}

/// Every start that is compared.
pub(super) fn starts() -> Vec<Start> {
    [listening(), accepted(), refused(), of_pages(), of_logs()]
        .into_iter()
        .flatten()
        .collect()
}

fn listening() -> Vec<Start> {
    vec![
        whole(serves(), &["-p", PORT, "-i", "127.0.0.1", "packages"]),
        whole(serves(), &["packages", "--port", PORT, "--host", "127.0.0.1"]),
        whole(serves(), &["-H", "127.0.0.1", "packages", "-p", PORT]),
        whole(serves(), &["--interface=127.0.0.1", "--port=PORT"]),
        bare(&["-p", PORT, "-i", "127.0.0.1", "-P", "passwords", "packages"]),
        bare(&["packages", "-p", PORT, "-i", "127.0.0.1"]),
        bare(&["run", "-p", PORT, "-i", "127.0.0.1", "packages"]),
        start(Expected::Same("exit 0"), &["--version"]),
        start(Expected::Same("exit 0"), &["--help"]),
    ]
}

fn accepted() -> Vec<Start> {
    vec![
        start(serves(), &["packages", "more"]),
        start(
            serves(),
            &["-P", "passwords", "-a", "update,download,list", "packages"],
        ),
        start(serves(), &["-a", "LIST , list", "--passwords", "passwords"]),
        start(serves(), &["-a", "list", "-a", "update", "-P", "passwords"]),
        start(serves(), &["-P", ".", "--authenticate", "."]),
        start(
            serves(),
            &[
                "--overwrite",
                "--disable-fallback",
                "--fallback-url",
                "http://127.0.0.1:9/simple/",
            ],
        ),
        start(
            serves(),
            &["-o", "-o", "--hash-algo", "sha512", "--hash-algo", "md5"],
        ),
        start(serves(), &["--hash-algo", "no"]),
        start(serves(), &["--server", "wsgiref", "--backend", "simple-dir"]),
        start(
            serves(),
            &["--disable", "--fallback", "http://127.0.0.1:9/simple/"],
        ),
    ]
}

fn of_pages() -> Vec<Start> {
    vec![
        start(
            serves(),
            &[
                "--cache-control",
                "0",
                "--health-endpoint",
                "/ok",
                "--welcome",
                "README.html",
            ],
        ),
        start(serves(), &["--server-base-url", "/", "packages"]),
    ]
}

fn of_logs() -> Vec<Start> {
    vec![
        start(serves(), &["-v", "-v", "-v"]),
        start(serves(), &["-vv", "--log-file", "log.txt", "packages"]),
        start(
            serves(),
            &["--log-stream", "stderr", "--log-frmt", "%(asctime)s %(message)s"],
        ),
        start(serves(), &["--log-stream", "none"]),
        start(serves(), &["--log-stream", "stdout"]),
        start(
            serves(),
            &[
                "--log-req-frmt",
                "%s",
                "--log-res-frmt",
                "%s",
                "--log-err-frmt",
                "%s",
            ],
        ),
    ]
}

fn refused() -> Vec<Start> {
    vec![
        start(Expected::Same("exit 2"), &["--no-such-flag"]),
        start(Expected::Same("exit 2"), &["-a", ""]),
        start(Expected::Same("exit 2"), &["-a", "list,explode"]),
        start(Expected::Same("exit 2"), &["-a", ".,list", "-P", "."]),
        start(Expected::Same("exit 2"), &["--hash-algo", "yes"]),
        start(Expected::Same("exit 2"), &["--hash-algo", "crc32"]),
        start(Expected::Same("exit 2"), &["--log-stream", "nowhere"]),
        start(Expected::Same("exit 2"), &["--health-endpoint", "no slash"]),
        start(Expected::Same("exit 1"), &["-P", "missing"]),
        whole(Expected::Same("exit 2"), &["-p", "many"]),
        start(fails("exit 1", "exit 2"), &["-P", "."]),
        start(fails("exit 1", "exit 2"), &["-a", "."]),
        start(fails("exit 1", "exit 2"), &["-P", ".", "-a", "list"]),
        start(fails("exit 2", "exit 1"), &["nowhere"]),
        start(fails("serves", "exit 2"), &["-a", "list"]),
        start(fails("serves", "exit 2"), &["--fallback-url", "not an address"]),
        start(
            Expected::Differs {
                topic: "digest in pages",
                there: "serves",
                here: "exit 2",
            },
            &["--hash-algo", "sha1"],
        ),
    ]
}

/// The home of every start.
fn home() -> Testbed {
    let home = Testbed::new();
    folders::write_passwords(&home);
    folders::with_a_second_root(&home);
    home.write("README.html", "<h1>Welcome</h1>\n");
    home
}

/// Starts each with both programs. All that is wrong is told at once.
#[track_caller]
fn compare(starts: &[Start]) {
    let Ok(pypiserver) = tools::pypiserver() else {
        return;
    };
    let objections: Vec<String> = starts
        .iter()
        .filter_map(|start| objection(&pypiserver, start))
        .collect();
    assert!(objections.is_empty(), "{}", objections.join("\n"));
}

fn objection(pypiserver: &Tool, start: &Start) -> Option<String> {
    let homes = [home(), home()];
    let mut there = pypiserver.command(&homes[0]);
    if !start.bare {
        there.arg("run");
    }
    let here = homes[1].pkgctl(["serve"]);
    let ports = [free_port(), free_port()];
    // Both at a time: each takes a while.
    let there = begin(there, start, ports[0]);
    let here = begin(here, start, ports[1]);
    let (there, here) = (outcome(there, ports[0]), outcome(here, ports[1]));
    let objection = start.expected.objection(&there, &here)?;
    Some(format!("{}\n{objection}", start.arguments.join(" ")))
}

fn begin(mut command: Command, start: &Start, port: u16) -> Child {
    let port = port.to_string();
    let arguments = start
        .arguments
        .iter()
        .map(|argument| argument.replace(PORT, &port));
    command
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Waits until the program takes connections or ends.
fn outcome(mut child: Child, port: u16) -> String {
    let deadline = Instant::now() + Duration::from_secs(60);
    let outcome = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status
                .code()
                .map_or("signal".to_owned(), |code| format!("exit {code}"));
        }
        if TcpStream::connect(("127.0.0.1", port)).is_ok() {
            break "serves".to_owned();
        }
        assert!(Instant::now() < deadline, "it neither serves nor ends");
        // Nobody tells when a port is taken, so it is asked.
        std::thread::sleep(Duration::from_millis(10));
    };
    let _ = child.kill();
    let _ = child.wait();
    outcome
}

#[test]
fn it_listens_where_it_is_told() {
    compare(&listening());
}

#[test]
fn what_is_accepted_there_is_accepted_here() {
    compare(&accepted());
}

#[test]
fn flags_of_pages_are_accepted() {
    compare(&of_pages());
}

#[test]
fn flags_of_the_log_are_accepted() {
    compare(&of_logs());
}

#[test]
fn what_is_refused_there_is_refused_here() {
    compare(&refused());
}
