//! Unix sockets, sockets that a service manager hands over, and the words it is told.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::support::distributions::wheel;
use crate::support::http::{Reply, get, raw_on};
use crate::support::tls::Authority;
use crate::support::upload::form_for;
use crate::support::{Outcome, Server, Testbed};

const ASK: &[u8] = b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

fn ask(socket: &Path) -> Reply {
    raw_on(UnixStream::connect(socket).unwrap(), ASK)
}

fn serve_on(testbed: &Testbed, socket: &Path) -> Command {
    let mut command = testbed.pkgctl(["serve", "--socket"]);
    command.arg(socket);
    command
}

#[test]
fn a_unix_socket_is_served_and_removed() {
    let testbed = Testbed::new();
    let socket = testbed.path("pkgctl.sock");
    let mut server = Server::start(serve_on(&testbed, Path::new("pkgctl.sock")));
    assert_eq!(server.url, format!("unix:{}", socket.display()));
    assert_eq!(ask(&socket).expect(200).text(), "Ok");
    let metadata = fs::metadata(&socket).unwrap();
    assert!(metadata.file_type().is_socket());
    assert_eq!(metadata.permissions().mode() & 0o777, 0o660);
    if Command::new("curl").arg("--version").output().is_ok() {
        let mut curl = testbed.program("curl");
        curl.args(["--silent", "--fail", "--unix-socket"])
            .arg(&socket)
            .arg("http://pkgctl/health");
        assert_eq!(Outcome::of(&mut curl).expect_code(0).stdout, "Ok");
    }
    server.signal("TERM");
    assert_eq!(server.wait(), Some(0), "{}", server.log());
    assert!(!socket.exists());
}

#[test]
fn uploads_come_over_a_unix_socket() {
    let testbed = Testbed::new();
    let socket = testbed.path("pkgctl.sock");
    let mut command = serve_on(&testbed, &socket);
    command.args(["-P", ".", "-a", "."]);
    let _server = Server::start(command);
    let file = wheel("lib", "1.0").padding(2 << 20, 1).build();
    let body = form_for(&file).body();
    let mut message = format!(
        "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: {}\r\nContent-Length: {}\r\n\r\n",
        crate::support::upload::Form::content_type(),
        body.len()
    )
    .into_bytes();
    message.extend(body);
    raw_on(UnixStream::connect(&socket).unwrap(), &message).expect(200);
    assert!(fs::read(testbed.path("packages").join(&file.filename)).unwrap() == file.bytes);
}

#[test]
fn only_sockets_that_nobody_listens_on_are_taken_over() {
    let testbed = Testbed::new();
    let socket = testbed.path("pkgctl.sock");
    let mut killed = Server::start(serve_on(&testbed, &socket));
    killed.signal("KILL");
    killed.wait();
    assert!(socket.exists(), "the test needs a socket that was left behind");
    let server = Server::start(serve_on(&testbed, &socket));
    ask(&socket).expect(200);

    // While it is served, nobody else gets it.
    let second = Outcome::of(&mut serve_on(&testbed, &socket));
    second.expect_failure(1, "pkgctl.sock");
    ask(&socket).expect(200);
    drop(server);

    // One that listens and never answers is alive, too.
    let busy = testbed.path("busy.sock");
    let _listener = UnixListener::bind(&busy).unwrap();
    Outcome::of(&mut serve_on(&testbed, &busy)).expect_failure(1, "busy.sock");
    assert!(UnixStream::connect(&busy).is_ok());

    // What is no socket stays.
    let file = testbed.write("file", "precious");
    Outcome::of(&mut serve_on(&testbed, &file)).expect_failure(1, "is no socket");
    assert_eq!(testbed.read("file"), "precious");
    let folder = testbed.path("folder");
    fs::create_dir(&folder).unwrap();
    Outcome::of(&mut serve_on(&testbed, &folder)).expect_failure(1, "is no socket");
}

#[test]
fn a_server_that_stops_leaves_another_one_s_socket_alone() {
    let testbed = Testbed::new();
    let socket = testbed.path("pkgctl.sock");
    let mut first = Server::start(serve_on(&testbed, &socket));
    fs::remove_file(&socket).unwrap();
    let _second = Server::start(serve_on(&testbed, &socket));
    first.signal("TERM");
    assert_eq!(first.wait(), Some(0));
    ask(&socket).expect(200);
}

#[test]
fn paths_that_can_t_be_sockets_are_named() {
    let testbed = Testbed::new();
    let long = testbed.path(&"x".repeat(120));
    Outcome::of(&mut serve_on(&testbed, &long)).expect_failure(2, "bytes");
    Outcome::of(&mut serve_on(&testbed, Path::new("no/such/folder.sock"))).expect_failure(1, "folder.sock");
    for flags in [["--port", "0"], ["--host", "127.0.0.1"]] {
        let outcome = testbed
            .run(["serve", "--socket", "x.sock", flags[0], flags[1]])
            .expect_code(2);
        assert!(outcome.stderr.contains("--socket"), "{}", outcome.stderr);
    }
    Authority::new().issue().write(&testbed);
    testbed
        .run([
            "serve",
            "--socket",
            "x.sock",
            "--tls-cert",
            "server.pem",
            "--tls-key",
            "server.key",
        ])
        .expect_failure(2, "TCP");
    assert!(
        !testbed.path("x.sock").exists(),
        "a server that did not start left its socket"
    );
}

/// Opens what its arguments say, as descriptors 3, 4 and on, and becomes the server.
const SERVICE_MANAGER: &str = r#"
import fcntl, os, socket, sys
kinds, program = sys.argv[1].split(","), sys.argv[2:]
opened = []
for kind in kinds:
    if kind == "tcp":
        one = socket.socket()
        one.bind(("127.0.0.1", 0))
        one.listen()
    elif kind == "deaf":
        one = socket.socket()
        one.bind(("127.0.0.1", 0))
    elif kind == "udp":
        one = socket.socket(type=socket.SOCK_DGRAM)
    elif kind == "file":
        one = open("/dev/null")
    else:
        one = socket.socket(socket.AF_UNIX)
        one.bind(kind)
        one.listen()
    opened.append(fcntl.fcntl(one.fileno(), fcntl.F_DUPFD, 100))
for number, descriptor in enumerate(opened):
    os.dup2(descriptor, 3 + number)
    os.close(descriptor)
os.environ["LISTEN_FDS"] = str(len(opened))
os.environ["LISTEN_PID"] = os.environ.get("FAKE_PID") or str(os.getpid())
os.execv(program[0], program)
"#;

/// The server, with sockets handed over; `None`, with a word, where there is no Python.
fn handed(testbed: &Testbed, kinds: &str, flags: &[&str]) -> Option<Command> {
    if Command::new("python3").arg("--version").output().is_err() {
        eprintln!("skipped: there is no python3 to hand over sockets");
        return None;
    }
    let mut command = testbed.program("python3");
    command
        .args(["-c", SERVICE_MANAGER, kinds, crate::support::binary(), "serve"])
        .args(flags);
    Some(command)
}

#[test]
fn sockets_that_are_handed_over_are_served() {
    let testbed = Testbed::new();
    let unix = testbed.path("handed.sock");
    let kinds = format!("tcp,{},tcp", unix.display());
    // Where it would listen otherwise can't be had, so it must not be tried.
    let Some(command) = handed(&testbed, &kinds, &["--port", "1", "--host", "192.0.2.1"]) else {
        return;
    };
    let mut server = Server::start(command);
    server.wait_for_log("unix:");
    let log = server.log();
    let ports: Vec<&str> = log
        .lines()
        .filter_map(|line| line.split_once("listening on "))
        .map(|(_, address)| address)
        .filter(|address| address.starts_with("http://"))
        .collect();
    let mut ports = ports.into_iter();
    get(ports.next().unwrap(), "/health", &[]).expect(200);
    assert_eq!(ask(&unix).expect(200).text(), "Ok");
    server.wait_for_log("listening on http");
    server.signal("TERM");
    assert_eq!(server.wait(), Some(0), "{}", server.log());
    assert!(
        unix.exists(),
        "a socket that is the service manager's was removed"
    );
}

#[test]
fn tls_is_spoken_on_ports_that_are_handed_over() {
    let testbed = Testbed::new();
    let authority = Authority::new();
    authority.issue().write(&testbed);
    let flags = ["--tls-cert", "server.pem", "--tls-key", "server.key"];
    let Some(command) = handed(&testbed, "tcp", &flags) else {
        return;
    };
    let server = Server::start(command);
    assert!(server.url.starts_with("https://"), "{}", server.url);
    raw_on(authority.connect(&server.url, "http/1.1"), ASK).expect(200);
}

#[test]
fn what_is_handed_over_and_is_no_listener_is_named() {
    let testbed = Testbed::new();
    for kinds in ["udp", "deaf", "file", "tcp,file"] {
        let Some(mut command) = handed(&testbed, kinds, &[]) else {
            return;
        };
        Outcome::of(&mut command).expect_failure(1, "LISTEN_FDS");
    }
}

#[test]
fn sockets_for_another_process_are_left_alone() {
    let testbed = Testbed::new();
    let Some(mut command) = handed(&testbed, "tcp", &["--host", "127.0.0.1", "--port", "0"]) else {
        return;
    };
    command.env("FAKE_PID", "1");
    let server = Server::start(command);
    get(&server.url, "/health", &[]).expect(200);
    for nonsense in ["", "0", "-1", "many"] {
        let mut command = testbed.pkgctl(["serve", "--host", "127.0.0.1", "--port", "0"]);
        let server = Server::start({
            command.env("LISTEN_FDS", nonsense);
            command
        });
        get(&server.url, "/health", &[]).expect(200);
    }
}

/// The next word to the service manager.
fn heard(socket: &UnixDatagram) -> String {
    let mut word = [0; 256];
    let length = socket.recv(&mut word).unwrap();
    String::from_utf8_lossy(&word[..length]).into_owned()
}

#[test]
fn the_service_manager_is_told_when_it_begins_and_when_it_ends() {
    let testbed = Testbed::new();
    let path = testbed.path("notify.sock");
    let by_path = UnixDatagram::bind(&path).unwrap();
    let mut ears = vec![(by_path, path.as_os_str().to_owned())];
    #[cfg(target_os = "linux")]
    {
        use std::os::linux::net::SocketAddrExt as _;
        let name = format!("pkgctl-test-{}", std::process::id());
        let address = std::os::unix::net::SocketAddr::from_abstract_name(&name).unwrap();
        ears.push((
            UnixDatagram::bind_addr(&address).unwrap(),
            format!("@{name}").into(),
        ));
    }
    for (ear, name) in ears {
        ear.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let mut command = testbed.pkgctl(["serve", "--host", "127.0.0.1", "--port", "0"]);
        command.env("NOTIFY_SOCKET", &name);
        let mut server = Server::start(command);
        assert_eq!(heard(&ear), "READY=1", "{:?}", name.as_bytes());
        get(&server.url, "/health", &[]).expect(200);
        server.signal("TERM");
        assert_eq!(heard(&ear), "STOPPING=1");
        assert_eq!(server.wait(), Some(0));
    }
    // Nobody there is no reason not to serve.
    for nowhere in ["/no/such/socket", "@", "relative", &"x".repeat(300)] {
        let mut command = testbed.pkgctl(["serve", "--host", "127.0.0.1", "--port", "0"]);
        command.env("NOTIFY_SOCKET", nowhere);
        get(&Server::start(command).url, "/health", &[]).expect(200);
    }
}
