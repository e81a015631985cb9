//! A home folder of its own, an empty environment, and the real binary in it.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, Instant};

/// The program that is tested: the one that was built with the tests, or the one that `PKGCTL_TEST_BINARY` names.
pub(crate) fn binary() -> &'static str {
    static NAMED: LazyLock<Option<String>> = LazyLock::new(|| std::env::var("PKGCTL_TEST_BINARY").ok());
    NAMED.as_deref().unwrap_or(env!("CARGO_BIN_EXE_pkgctl"))
}

/// One test's world. Everything in it vanishes with it.
pub(crate) struct Testbed {
    folder: tempfile::TempDir,
}

impl Testbed {
    pub(crate) fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("pkgctl-test-").tempdir().unwrap();
        fs::create_dir_all(folder.path().join("home")).unwrap();
        fs::create_dir_all(folder.path().join("tmp")).unwrap();
        Self { folder }
    }

    /// The folder that holds everything of this test.
    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// A path below the home folder.
    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.home().join(relative)
    }

    /// Writes a file below the home folder, with its parents.
    pub(crate) fn write(&self, relative: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(relative);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    /// Writes an executable script below the home folder, with its parents.
    pub(crate) fn script(&self, relative: &str, text: &str) -> PathBuf {
        let plain = self.write(&format!("{relative}.plain"), text);
        let path = self.path(relative);
        copy_executable(&plain, &path);
        fs::remove_file(plain).unwrap();
        path
    }

    pub(crate) fn read(&self, relative: &str) -> String {
        let path = self.path(relative);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Any program, in this home and with an empty environment but for PATH.
    pub(crate) fn program(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("HOME", self.home())
            .env("TMPDIR", self.folder.path().join("tmp"));
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("LANG", "C.UTF-8");
        // The registries of this machine's pip configuration, where it has one: real clients fetch from there.
        for name in ["PIP_INDEX_URL", "PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command.current_dir(self.home()).stdin(Stdio::null());
        command
    }

    /// The real binary with these arguments; not yet started.
    pub(crate) fn pkgctl<I, S>(&self, arguments: I) -> Command
    where
        I: IntoIterator<Item = S>,
        S: AsRef<std::ffi::OsStr>,
    {
        let mut command = self.program(binary());
        // Set-up asks the server afterwards, which in most tests is made up.
        command.args(arguments).env("PKGCTL_OFFLINE", "1");
        command
    }

    /// The real binary as a user to whom file permissions apply: this one, or nobody when the tests run as root.
    /// `None`, with a word about it, where that can't be had.
    pub(crate) fn pkgctl_without_rights<I, S>(&self, arguments: I) -> Option<Command>
    where
        I: IntoIterator<Item = S>,
        S: AsRef<std::ffi::OsStr>,
    {
        use std::os::unix::fs::PermissionsExt as _;
        if !rustix::process::geteuid().is_root() {
            return Some(self.pkgctl(arguments));
        }
        if !Path::new("/usr/bin/setpriv").exists() {
            eprintln!("skipped: runs as root, and there is no setpriv to give that up");
            return None;
        }
        // Somewhere that everybody can reach; the build folder may not be.
        let binary = self.root().join("pkgctl");
        copy_executable(Path::new(self::binary()), &binary);
        for path in [self.root().to_owned(), self.home(), binary.clone()] {
            fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        let mut command = self.program("/usr/bin/setpriv");
        command
            .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
            .arg(binary)
            .args(arguments);
        Some(command)
    }

    /// Runs the real binary to its end.
    pub(crate) fn run<I, S>(&self, arguments: I) -> Outcome
    where
        I: IntoIterator<Item = S>,
        S: AsRef<std::ffi::OsStr>,
    {
        Outcome::of(&mut self.pkgctl(arguments))
    }

    /// Runs the real binary to its end, with `input` on its stdin.
    pub(crate) fn run_with_input<I, S>(&self, arguments: I, input: &str) -> Outcome
    where
        I: IntoIterator<Item = S>,
        S: AsRef<std::ffi::OsStr>,
    {
        Outcome::with_input(&mut self.pkgctl(arguments), input)
    }

    /// Starts `pkgctl serve` on a free port of the loopback interface and waits until it listens.
    pub(crate) fn serve<I, S>(&self, arguments: I) -> Server
    where
        I: IntoIterator<Item = S>,
        S: AsRef<std::ffi::OsStr>,
    {
        let mut command = self.pkgctl(["serve", "--host", "127.0.0.1", "--port", "0"]);
        command.args(arguments);
        Server::start(command)
    }
}

/// How a program ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Outcome {
    pub(crate) fn of(command: &mut Command) -> Self {
        Self::with_input(command, "")
    }

    /// Ends the program when it takes longer than any test may: a hanging suite tells nothing.
    pub(crate) fn with_input(command: &mut Command, input: &str) -> Self {
        if !input.is_empty() {
            command.stdin(Stdio::piped());
        }
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        if let Some(mut stdin) = child.stdin.take() {
            let input = input.to_owned();
            // A program that reads nothing of it is no failure of the test's.
            std::thread::spawn(move || drop(stdin.write_all(input.as_bytes())));
        }
        let stdout = Collected::from(child.stdout.take().unwrap());
        let stderr = Collected::from(child.stderr.take().unwrap());
        let deadline = Instant::now() + Duration::from_secs(240);
        let mut pause = Duration::from_millis(1);
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break Some(status);
            }
            if Instant::now() > deadline {
                let _ = child.kill();
                let _ = child.wait();
                break None;
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(20));
        };
        let outcome = Self {
            code: status.and_then(|status| status.code()),
            stdout: stdout.text(),
            stderr: stderr.text(),
        };
        assert!(status.is_some(), "{command:?} does not end: {outcome:#?}");
        outcome
    }

    /// Panics with everything it printed unless it ended with `code`; no ending may look like a crash.
    #[track_caller]
    pub(crate) fn expect_code(self, code: i32) -> Self {
        assert_eq!(
            self.code,
            Some(code),
            "stdout:\n{}\nstderr:\n{}",
            self.stdout,
            self.stderr
        );
        for sign_of_a_crash in [
            "panicked at",
            "RUST_BACKTRACE",
            "Traceback (most recent call last)",
        ] {
            assert!(!self.stderr.contains(sign_of_a_crash), "{}", self.stderr);
        }
        self
    }

    /// A failure that tells its object (`names`) and a remedy.
    #[track_caller]
    pub(crate) fn expect_failure(self, code: i32, names: &str) -> Self {
        let outcome = self.expect_code(code);
        assert!(
            outcome.stderr.contains("error: "),
            "no headline:\n{}",
            outcome.stderr
        );
        assert!(
            outcome.stderr.contains(names),
            "`{names}` is not named:\n{}",
            outcome.stderr
        );
        assert!(
            outcome.stderr.contains("hint: "),
            "no remedy:\n{}",
            outcome.stderr
        );
        outcome
    }
}

/// What comes out of a pipe, read by a thread of its own.
struct Collected {
    bytes: Arc<Mutex<Vec<u8>>>,
    end: std::sync::mpsc::Receiver<()>,
}

impl Collected {
    fn from(mut pipe: impl std::io::Read + Send + 'static) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let (tell_end, end) = std::sync::mpsc::channel();
        let sink = Arc::clone(&bytes);
        std::thread::spawn(move || {
            let mut piece = vec![0; 65536];
            while let Ok(length @ 1..) = pipe.read(&mut piece) {
                sink.lock().unwrap().extend(&piece[..length]);
            }
            let _ = tell_end.send(());
        });
        Self { bytes, end }
    }

    /// Everything up to the end of the pipe. A process that was left behind may hold it open: then what came so far.
    fn text(self) -> String {
        let _ = self.end.recv_timeout(Duration::from_secs(5));
        String::from_utf8_lossy(&self.bytes.lock().unwrap()).into_owned()
    }
}

/// Copies a program by a process of its own. What this one starts meanwhile, on another test's thread, would hold the copy
/// open for writing for a moment, and what is open for writing can't be run.
fn copy_executable(from: &Path, to: &Path) {
    let mut install = Command::new("install");
    let installed = install.args(["-m", "755"]).arg(from).arg(to).status();
    assert!(installed.unwrap().success());
}

/// A running `pkgctl serve`. Dropping it ends it.
pub(crate) struct Server {
    child: Child,
    /// `http://127.0.0.1:PORT` or `https://127.0.0.1:PORT`, without a final slash; `unix:PATH` for a Unix socket.
    pub(crate) url: String,
    log: Arc<Mutex<String>>,
    forgets_routine: Arc<AtomicBool>,
}

impl Server {
    /// Starts the command and waits until a line of its stderr tells the address.
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let log = Arc::new(Mutex::new(String::new()));
        let (tell, told) = std::sync::mpsc::channel();
        let sink = Arc::clone(&log);
        let forgets_routine = Arc::new(AtomicBool::new(false));
        let forgets = Arc::clone(&forgets_routine);
        std::thread::spawn(move || {
            for line in stderr.lines() {
                let Ok(line) = line else { break };
                if forgets.load(Ordering::Relaxed) && line.contains("Z INFO ") {
                    continue;
                }
                let mut log = sink.lock().unwrap();
                log.push_str(&line);
                log.push('\n');
                if let Some(url) = address_in(&line) {
                    let _ = tell.send(url);
                }
            }
        });
        let Ok(url) = told.recv_timeout(Duration::from_secs(60)) else {
            let _ = child.kill();
            panic!("the server told no address:\n{}", log.lock().unwrap());
        };
        Self {
            child,
            url,
            log,
            forgets_routine,
        }
    }

    /// From here on its log is kept without the lines of requests: millions of them tell nothing more.
    pub(crate) fn forget_routine(&self) {
        self.forgets_routine.store(true, Ordering::Relaxed);
    }

    /// Everything it logged so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Waits until the log holds `text`.
    #[track_caller]
    pub(crate) fn wait_for_log(&self, text: &str) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while !self.log().contains(text) {
            assert!(Instant::now() < deadline, "`{text}` never came:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.url.rsplit(':').next().unwrap().parse().unwrap()
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal by name (`TERM`, `INT`, `KILL`, `HUP`).
    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .arg(format!("-{name}"))
            .arg(self.id().to_string())
            .status()
            .unwrap();
        assert!(status.success());
    }

    /// Waits for its end and gives the exit code.
    pub(crate) fn wait(&mut self) -> Option<i32> {
        let deadline = Instant::now() + Duration::from_secs(45);
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(
                Instant::now() < deadline,
                "the server does not end:\n{}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The address in a line that says that the server listens.
fn address_in(line: &str) -> Option<String> {
    let (_, address) = line.split_once("listening on ")?;
    let is_whole = |scheme: &str| address.starts_with(&format!("{scheme}://127.0.0.1:"));
    // A path behind host and port is where everything is mounted; the tests name it themselves.
    let host = address.find("://").map_or(0, |at| at + "://".len());
    let ends_address = |c: char| matches!(c, ' ' | '"') || (host > 0 && c == '/');
    let end = address[host..]
        .find(ends_address)
        .map_or(address.len(), |at| host + at);
    (is_whole("http") || is_whole("https") || address.starts_with("unix:")).then(|| address[..end].to_owned())
}
