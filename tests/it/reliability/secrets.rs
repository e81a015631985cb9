//! Nothing that was told in confidence is ever repeated: not on the terminal, in a log, in an answer, in the arguments or
//! the environment of a program that is called, nor in a file that others may read. F11, H5, H6, H9, I2.
//!
//! Every verb is given known secrets by every way that it has, and is made to succeed and to fail, as loudly as it can
//! be. Then everything that came out is searched.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;

use crate::support::distributions::wheel;
use crate::support::folder::paths_below;
use crate::support::http::{self, get};
use crate::support::scripted_index::{Reply, ScriptedIndex};
use crate::support::upload::{Form, form_for};
use crate::support::{Outcome, Server, Testbed, debian};

/// What is told in confidence, by the way on which it is told.
const TYPED: &str = "typed-Zq8%/w0rd";
const IN_URL: &str = "url-Xk3vv9secret";
const IN_FILE: &str = "file-Rt5bb2secret";
const IN_VARIABLE: &str = "variable-Lm7cc4secret";
const WRONG: &str = "wrong-Bn1dd6secret";
const TOKEN: &str = "pypi-AgEIcHlwaS5vcmcCJDk2Token";
const ALL: [&str; 6] = [TYPED, IN_URL, IN_FILE, IN_VARIABLE, WRONG, TOKEN];
const USERS: [&str; 3] = ["alice", "bob", "__token__"];

/// All that a secret may look like.
fn looks() -> Vec<(String, &'static str)> {
    let base64 = &base64::engine::general_purpose::STANDARD;
    let mut looks = Vec::new();
    for secret in ALL {
        looks.push((secret.to_owned(), secret));
        let encoded: String =
            percent_encoding::utf8_percent_encode(secret, percent_encoding::NON_ALPHANUMERIC).collect();
        looks.push((encoded, secret));
        looks.push((base64.encode(secret), secret));
        for user in USERS {
            let pair = base64.encode(format!("{user}:{secret}"));
            looks.push((pair.trim_end_matches('=').to_owned(), secret));
        }
    }
    looks
}

/// Panics when a secret is in it.
#[track_caller]
fn assert_silent(what: &str, text: &[u8]) {
    let text = String::from_utf8_lossy(text);
    for (look, secret) in looks() {
        assert!(!text.contains(&look), "{what} tells `{secret}`:\n{text}");
    }
}

/// A home whose verbs are watched by strace where there is one.
struct Watched {
    bed: Testbed,
    strace: Option<PathBuf>,
    runs: std::cell::Cell<u32>,
}

impl Watched {
    fn new() -> Self {
        let bed = Testbed::new();
        let watched = Self {
            strace: debian::strace().ok().map(|tool| tool.program),
            bed,
            runs: std::cell::Cell::new(0),
        };
        fs::create_dir_all(watched.bed.path("dist")).unwrap();
        watched
    }

    fn trace(&self) -> PathBuf {
        self.bed.root().join(format!("trace-{}", self.runs.get()))
    }

    /// The verb, to be run under strace.
    fn command(&self, arguments: &[&str]) -> Command {
        self.runs.set(self.runs.get() + 1);
        let binary = crate::support::binary();
        let mut command = match &self.strace {
            None => self.bed.program(binary),
            Some(strace) => {
                let mut command = self.bed.program(strace);
                command
                    .args([
                        "-f",
                        "-qq",
                        "-s",
                        "100000",
                        "-e",
                        "signal=none",
                        "-e",
                        "trace=execve,execveat",
                        "-o",
                    ])
                    .arg(self.trace())
                    .arg(binary);
                command
            }
        };
        command
            .args(arguments)
            .env("RUST_BACKTRACE", "1")
            .env("PKGCTL_LOG_LEVEL", "debug");
        command
    }

    /// Runs it; nothing of what it says, and nothing of what it calls others with, may be a secret.
    #[track_caller]
    fn run(&self, command: &mut Command, input: &str) -> Outcome {
        let outcome = Outcome::with_input(command, input);
        let what = format!("{command:?}");
        let verb = what.split("pkgctl\"").last().unwrap_or_default().to_owned();
        assert_silent(&format!("stdout of {verb}"), outcome.stdout.as_bytes());
        assert_silent(&format!("stderr of {verb}"), outcome.stderr.as_bytes());
        let trace = fs::read_to_string(self.trace()).unwrap_or_default();
        for line in trace.lines().filter(|line| line.contains("exec")) {
            // What the user typed is in the user's own process list, and the help says so.
            if !line.contains(&format!("execve(\"{}\"", crate::support::binary())) {
                assert_silent(&format!("a program called by {verb}"), line.as_bytes());
            }
        }
        let _ = fs::remove_file(self.trace());
        outcome
    }

    #[track_caller]
    fn expect(&self, code: i32, arguments: &[&str], variables: &[(&str, &str)], input: &str) -> Outcome {
        let mut command = self.command(arguments);
        command.envs(variables.iter().copied());
        let outcome = self.run(&mut command, input);
        assert_eq!(outcome.code, Some(code), "{arguments:?}: {outcome:#?}");
        outcome
    }

    /// Searches every file of this home. Those that are made to hold secrets may be read by their owner alone.
    fn assert_kept(&self, holders: &[&str]) {
        for path in paths_below(self.bed.root()) {
            let metadata = fs::symlink_metadata(&path).unwrap();
            if !metadata.is_file() {
                continue;
            }
            let text = fs::read(&path).unwrap();
            let text = String::from_utf8_lossy(&text);
            if !looks().iter().any(|(look, _)| text.contains(look)) {
                continue;
            }
            let mode = metadata.permissions().mode() & 0o777;
            let name = path.file_name().unwrap().to_str().unwrap();
            assert!(holders.contains(&name), "{} holds a secret", path.display());
            assert_eq!(
                mode & 0o077,
                0,
                "{} is readable by others: {mode:o}",
                path.display()
            );
        }
    }
}

/// `http://USER:SECRET@HOST:PORT`
fn with_secret(url: &str, secret: &str) -> String {
    url.replacen("://", &format!("://alice:{secret}@"), 1)
}

// F11
#[test]
fn adduser_tells_nobody() {
    let watched = Watched::new();
    let run = |code, arguments: &[&str], input: &str| watched.expect(code, arguments, &[], input);
    let typed = format!("{TYPED}\n");
    for scheme in ["-B", "-5", "-s", "--argon2"] {
        let cheap: &[&str] = match scheme {
            "-B" => &["-C", "4"],
            "-5" => &["-r", "1000"],
            _ => &[],
        };
        let arguments = [&["adduser", "-f", "passwords", scheme, "-i", "alice"], cheap].concat();
        run(0, &arguments, &typed);
        run(0, &["adduser", "-f", "passwords", "-v", "-i", "alice"], &typed);
        run(1, &["adduser", "-f", "passwords", "-v", "-i", "alice"], WRONG);
    }
    run(0, &["adduser", "-n", "-C", "4", "-i", "alice"], &typed);
    run(2, &["adduser", "-f", "passwords", "-i", "a:b"], &typed);
    run(
        1,
        &["adduser", "-f", "/proc/nowhere/passwords", "-i", "alice"],
        &typed,
    );
    run(
        1,
        &["adduser", "-f", "passwords", "-i", "alice"],
        &format!("{}{TYPED}", "x".repeat(80)),
    );
    run(0, &["adduser", "-f", "passwords", "-l"], "");
    watched.assert_kept(&[]);
}

// H5
#[test]
fn configure_tells_nobody() {
    let watched = Watched::new();
    let typed = format!("{TYPED}\n");
    let url = "http://127.0.0.1:9/";
    let base = ["configure", "--name", "internal", "--url", url, "-u", "alice"];
    let run = |code, arguments: &[&str], input: &str| {
        let all = [&base[..], arguments].concat();
        watched.expect(code, &all, &[], input)
    };
    run(
        0,
        &["--password-stdin", "--dry-run", "--offline", "--netrc", "--uv"],
        &typed,
    );
    run(0, &["--password-stdin", "--all", "--offline"], &typed);
    // The same once more, over what is there; then with a look at a server that isn't.
    run(
        0,
        &["--password-stdin", "--all", "--offline", "--dry-run"],
        &format!("{WRONG}\n"),
    );
    run(0, &["--password-stdin", "--all"], &format!("{WRONG}\n"));
    run(0, &["--no-password", "--dry-run", "--offline"], "");
    // An address that brings its own password; files that can't be written.
    for bad in [
        &with_secret(url, IN_URL),
        "ftp://alice:url-Xk3vv9secret@x/",
        "http://alice:url-Xk3vv9secret@",
    ] {
        let arguments = [
            "configure",
            "--name",
            "other",
            "--url",
            bad,
            "--offline",
            "--no-password",
        ];
        watched.run(&mut watched.command(&arguments), "");
    }
    let nowhere = [
        "--password-stdin",
        "--offline",
        "--pypirc",
        "/proc/nowhere/pypirc",
    ];
    run(1, &nowhere, &typed);
    watched
        .bed
        .write(".pypirc", format!("[internal\npassword = {IN_FILE}\n"));
    fs::set_permissions(watched.bed.path(".pypirc"), fs::Permissions::from_mode(0o600)).unwrap();
    let broken = watched.run(
        &mut watched.command(&[&base[..], &["--password-stdin", "--offline"]].concat()),
        &typed,
    );
    assert_ne!(broken.code, Some(101), "{}", broken.stderr);
    watched.expect(
        0,
        &[
            "configure",
            "--name",
            "internal",
            "--remove",
            "--offline",
            "--pypirc",
            "another",
        ],
        &[],
        "",
    );
    watched.assert_kept(&[
        ".pypirc",
        "pip.conf",
        ".netrc",
        "uv.toml",
        "credentials.toml",
        "auth.toml",
        "config.toml",
        "hatch.toml",
        "credentials",
    ]);
}

// H5
#[test]
fn publish_tells_nobody() {
    let watched = Watched::new();
    wheel("my-lib", "1.0")
        .build()
        .write_into(watched.bed.path("dist"));
    let redirect =
        Reply::status("307 Temporary Redirect").with_header("Location", "http://127.0.0.1:9/elsewhere");
    let answers = [
        Reply::ok(),
        Reply::status("401 Unauthorized"),
        Reply::status("403 Forbidden"),
        Reply::status("500 Oh no"),
        redirect,
        Reply::HangUp,
    ];
    let dead = "http://127.0.0.1:9";
    let variables = [("TWINE_USERNAME", "bob"), ("TWINE_PASSWORD", IN_VARIABLE)];
    let own = [("PKGCTL_USERNAME", "bob"), ("PKGCTL_PASSWORD", IN_VARIABLE)];
    for answer in answers {
        let publish = |url: &str, arguments: &[&str], variables: &[(&str, &str)], input: &str| {
            let pypirc = format!(
                "[distutils]\nindex-servers = internal token\n[internal]\nrepository = {url}/\nusername = alice\n\
                 password = {IN_FILE}\n[token]\nrepository = {url}/\nusername = __token__\npassword = {TOKEN}\n"
            );
            watched.bed.write(".pypirc", pypirc);
            let private = fs::Permissions::from_mode(0o600);
            fs::set_permissions(watched.bed.path(".pypirc"), private).unwrap();
            let fixed = [
                "publish",
                "-v",
                "--retry-delay",
                "0.01",
                "--jobs",
                "1",
                "--no-verify",
            ];
            let mut command = watched.command(&[&fixed, arguments].concat());
            command.envs(variables.iter().copied());
            watched.run(&mut command, input)
        };
        let index = || ScriptedIndex::start([answer.clone(), answer.clone(), answer.clone(), answer.clone()]);
        let is_ok = matches!(&answer, Reply::Answer(line, ..) if line.starts_with("200"));
        let index_of = index();
        let outcome = publish(&index_of.url, &["-r", "internal"], &[], "");
        assert_eq!(outcome.code == Some(0), is_ok, "{outcome:#?}");
        publish(&index().url, &["-r", "token", "--json"], &[], "");
        publish(&index().url, &["-r", "internal"], &variables, "");
        publish(&index().url, &["-r", "internal"], &own, "");
        publish(
            &index().url,
            &["-r", "internal", "-u", "bob", "-p", TYPED],
            &[],
            "",
        );
        let typed = format!("{TYPED}\n");
        publish(
            &index().url,
            &["-r", "internal", "-u", "bob", "--password-stdin"],
            &[],
            &typed,
        );
        let url = with_secret(&index_of.url, IN_URL);
        publish(&index_of.url, &["--repository-url", &url, "--dry-run"], &[], "");
        publish(&index_of.url, &["--repository-url", &url], &[], "");
    }
    let url = with_secret(dead, IN_URL);
    for bad in [
        &url[..],
        "http://alice:url-Xk3vv9secret@nowhere.invalid/",
        "http://alice:url-Xk3vv9secret@:x/",
    ] {
        let arguments = [
            "publish",
            "-v",
            "--retry-delay",
            "0.01",
            "--repository-url",
            bad,
            "dist/*",
        ];
        let outcome = watched.run(&mut watched.command(&arguments), "");
        assert_ne!(outcome.code, Some(0));
    }
    watched
        .bed
        .write(".pypirc", format!("password = {IN_FILE}\n[internal\n"));
    fs::set_permissions(watched.bed.path(".pypirc"), fs::Permissions::from_mode(0o600)).unwrap();
    watched.run(&mut watched.command(&["publish", "-v", "-r", "internal"]), "");
    watched.assert_kept(&[".pypirc"]);
}

#[test]
fn doctor_and_check_tell_nobody() {
    let watched = Watched::new();
    watched.bed.write(
        ".pypirc",
        format!(
            "[distutils]\nindex-servers = internal\n[internal]\nrepository = http://127.0.0.1:9/\nusername = alice\n\
             password = {IN_FILE}\n"
        ),
    );
    watched.bed.write(
        ".config/pip/pip.conf",
        format!("[global]\nindex-url = http://alice:{IN_URL}@127.0.0.1:9/simple/\nextra-index-url = http://bob:{TOKEN}@[\n"),
    );
    watched.bed.write(
        ".netrc",
        format!("machine 127.0.0.1 login alice password {IN_FILE}\n"),
    );
    watched
        .bed
        .write("packages/.htaccess", format!("alice:{IN_FILE}\nbob\n"));
    for path in [".pypirc", ".config/pip/pip.conf", ".netrc", "packages/.htaccess"] {
        fs::set_permissions(watched.bed.path(path), fs::Permissions::from_mode(0o600)).unwrap();
    }
    let variables = [("TWINE_PASSWORD", IN_VARIABLE), ("UV_PUBLISH_TOKEN", TOKEN)];
    for arguments in [
        &["doctor", "--folder", "packages"][..],
        &[
            "doctor",
            "--json",
            "--folder",
            "packages",
            "-P",
            "packages/.htaccess",
        ],
        &["doctor", "http://alice:url-Xk3vv9secret@127.0.0.1:9/"],
        &["doctor", "--live", "http://alice:url-Xk3vv9secret@127.0.0.1:9/"],
        &["check", "packages"],
        &["cache", "list"],
    ] {
        let mut command = watched.command(arguments);
        command.envs(variables);
        let outcome = watched.run(&mut command, "");
        assert!(!outcome.stderr.contains("panicked"), "{}", outcome.stderr);
    }
    watched.assert_kept(&[".pypirc", "pip.conf", ".netrc", ".htaccess"]);
}

/// Prints all that it has in its environment, and fails where it is told to.
const TALKATIVE_BACKEND: &str = r#"
import os, sys, pathlib

def tell():
    print("TOLD", dict(os.environ), sys.argv)
    print("TOLD", dict(os.environ), file=sys.stderr)
    # What is printed may have been masked; this is not.
    with open("environment", "a") as told:
        told.write(repr(dict(os.environ)))
    if pathlib.Path("fail").exists():
        raise RuntimeError(repr(dict(os.environ)))

def build_sdist(directory, settings=None):
    tell()
    raise SystemExit(3)

def build_wheel(directory, settings=None, metadata=None):
    tell()
    raise SystemExit(3)
"#;

// I2
#[test]
fn build_gives_no_secret_to_a_backend() {
    let watched = Watched::new();
    let pyproject = "[build-system]\nrequires = []\nbuild-backend = 'talkative'\nbackend-path = ['.']\n";
    watched.bed.write("project/pyproject.toml", pyproject);
    watched.bed.write("project/talkative.py", TALKATIVE_BACKEND);
    let index = with_secret("http://127.0.0.1:9/simple/", IN_URL);
    let variables = [
        ("TWINE_USERNAME", "bob"),
        ("TWINE_PASSWORD", IN_VARIABLE),
        ("PKGCTL_PASSWORD", IN_VARIABLE),
        ("UV_PUBLISH_PASSWORD", IN_VARIABLE),
        ("UV_PUBLISH_TOKEN", TOKEN),
        ("POETRY_PYPI_TOKEN_INTERNAL", TOKEN),
        ("HATCH_INDEX_AUTH", TOKEN),
        ("PYPI_ID_TOKEN", TOKEN),
        ("INDEX_EXAMPLE_COM_ID_TOKEN", TOKEN),
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", TOKEN),
        ("CIRCLE_OIDC_TOKEN_V2", TOKEN),
        ("BUILDKITE_AGENT_ACCESS_TOKEN", TOKEN),
        ("HARMLESS", "kept"),
        ("PIP_INDEX_URL", &index),
        ("UV_INDEX_URL", &index),
    ];
    for fails in [false, true] {
        for arguments in [
            &["build", "-v", "project"][..],
            &["build", "-v", "--wheel", "project"],
        ] {
            let mut command = watched.command(arguments);
            command.envs(variables);
            let outcome = watched.run(&mut command, "");
            assert_ne!(outcome.code, Some(0));
            assert!(outcome.stderr.contains("TOLD"), "{}", outcome.stderr);
        }
        if !fails {
            watched.bed.write("project/fail", "");
        }
    }
    let environment = watched.bed.read("project/environment");
    assert!(environment.contains("'HARMLESS': 'kept'"), "{environment}");
    watched.assert_kept(&[]);
}

fn basic(user: &str, password: &str) -> String {
    let pair = format!("{user}:{password}");
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair))
}

// F11
#[test]
fn serve_tells_nobody() {
    for format in ["text", "json"] {
        let watched = Watched::new();
        let line = bcrypt::hash(IN_FILE, 4).unwrap();
        watched
            .bed
            .write("passwords", format!("alice:{line}\nbob:{WRONG}\n"));
        fs::set_permissions(watched.bed.path("passwords"), fs::Permissions::from_mode(0o600)).unwrap();
        fs::create_dir_all(watched.bed.path("packages")).unwrap();
        let flags = [
            "serve",
            "-p",
            "0",
            "-i",
            "127.0.0.1",
            "-vvv",
            "--disable-fallback",
            "-P",
            "passwords",
            "-a",
            "update,download,list",
            "--log-format",
            format,
            "--log-file",
            "server.log",
            "packages",
        ];
        let mut command = watched.bed.pkgctl(flags);
        command
            .env("RUST_BACKTRACE", "1")
            .env("TWINE_PASSWORD", IN_VARIABLE);
        let mut server = Server::start(command);
        let answers = talk_to(&server.url);
        for (what, answer) in &answers {
            assert_silent(what, answer);
        }
        let cmdline = fs::read(format!("/proc/{}/cmdline", server.id())).unwrap();
        assert_silent("the process list", &cmdline);
        let limits = fs::read_to_string(format!("/proc/{}/limits", server.id())).unwrap();
        let core = limits
            .lines()
            .find(|line| line.starts_with("Max core file size"))
            .unwrap();
        assert_eq!(
            core.split_whitespace().nth(4),
            Some("0"),
            "a core dump holds passwords"
        );
        server.signal("HUP");
        server.signal("TERM");
        assert_eq!(server.wait(), Some(0));
        assert_silent("the log", server.log().as_bytes());
        watched.assert_kept(&["passwords"]);
        let modes = |path: &str| fs::metadata(watched.bed.path(path)).unwrap().permissions().mode() & 0o777;
        assert_eq!(
            modes("packages/.pkgctl") & 0o077,
            0,
            "uploaders and yanks are nobody's business"
        );
        assert_eq!(modes("packages/.pkgctl/catalog.db") & 0o077, 0);
    }
}

/// Says secrets in every place where a client may say one; gives the answers.
fn talk_to(url: &str) -> Vec<(String, Vec<u8>)> {
    let mut answers = Vec::new();
    let distribution = wheel("lib", "1.0").build();
    let content_type = Form::content_type();
    let logins = [
        basic("alice", IN_FILE),
        basic("alice", WRONG),
        basic("bob", WRONG),
        basic("nobody", TYPED),
        basic("__token__", TOKEN),
        format!("Bearer {TOKEN}"),
        format!("Basic {WRONG}"),
        format!("{WRONG} {TYPED}"),
    ];
    for login in &logins {
        let headers = [
            ("Authorization", login.as_str()),
            ("Cookie", TOKEN),
            ("Proxy-Authorization", login),
        ];
        for path in [
            "/",
            "/simple/",
            "/simple/lib/",
            "/packages/x",
            "/nowhere",
            "/metrics",
            "/health",
        ] {
            let reply = get(url, path, &headers);
            answers.push((format!("{path} for {login}"), all_of(&reply)));
        }
        let form = form_for(&distribution);
        answers.push((format!("an upload by {login}"), all_of(&form.post(url, &headers))));
        let bad = Form::default()
            .field(":action", "file_upload")
            .file("content", "lib-1.0.exe", b"x");
        answers.push((
            format!("a bad upload by {login}"),
            all_of(&bad.post(url, &headers)),
        ));
        let body = &form.body()[..300];
        let half = [("Content-Type", content_type.as_str()), headers[0]];
        answers.push((
            "half an upload".to_owned(),
            all_of(&http::request(url, "POST", "/", &half, body)),
        ));
    }
    let broken = format!(
        "GET / HTTP/1.1\r\nHost: x\r\nAuthorization: {}\r\nbroken header\r\n\r\n",
        logins[0]
    );
    answers.push((
        "a broken head".to_owned(),
        all_of(&http::raw(url, broken.as_bytes())),
    ));
    answers
}

fn all_of(reply: &http::Reply) -> Vec<u8> {
    let mut all = format!("{:?} {}", reply.headers, reply.reason).into_bytes();
    all.extend(&reply.body);
    all
}

/// For the sweep above: a file that holds a secret and may be read by others is found.
#[test]
#[should_panic(expected = "is readable by others")]
fn the_sweep_finds_what_it_is_for() {
    let watched = Watched::new();
    let path: &Path = &watched.bed.write(".pypirc", TYPED);
    fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
    watched.assert_kept(&[".pypirc"]);
}
