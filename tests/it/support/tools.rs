//! Real clients from the package registry, in pinned versions, each in a virtual environment of its own.
//!
//! They are set up once, under `target/test-tools/`, by the first test that needs them: a stamp file beside each
//! environment says that it is complete, a lock file keeps parallel test processes apart. Setting up uses the machine's
//! own configuration and network; running a tool afterwards does not: it sees the testbed's home and no index but
//! the one it is given.
//!
//! A tool that can't be had makes its tests say so and pass, unless `PKGCTL_TEST_REQUIRE_TOOLS=1` or `CI` is set.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use super::Testbed;

/// pip, the client that nearly everybody has.
pub(crate) fn pip() -> Result<Tool, Skipped> {
    static PIP: Slot = Slot::new();
    PIP.with("pip", &["pip==26.3"])
}

/// pip of the last days of Python 2: it knows HTML alone. It needs a Python before 3.12, with what that took away.
pub(crate) fn old_pip() -> Result<Tool, Skipped> {
    static OLD_PIP: Slot = Slot::of_python("<3.12");
    OLD_PIP
        .with("pip-20.3", &["pip==20.3.4"])
        .map(|tool| tool.renamed("pip"))
}

/// uv, the client that is quickest to change its manners.
pub(crate) fn uv() -> Result<Tool, Skipped> {
    UV.with("uv", &[UV_REQUIREMENT])
}

/// twine, the uploader that indexes are tested with.
pub(crate) fn twine() -> Result<Tool, Skipped> {
    static TWINE: Slot = Slot::new();
    TWINE.with("twine", &["twine==7.0.0"])
}

/// twine before it refused `--skip-existing` and knew metadata 2.5.
pub(crate) fn old_twine() -> Result<Tool, Skipped> {
    static OLD_TWINE: Slot = Slot::new();
    OLD_TWINE
        .with("twine-6.1", &["twine==6.1.0"])
        .map(|tool| tool.renamed("twine"))
}

/// flit, which builds and uploads in one go.
pub(crate) fn flit() -> Result<Tool, Skipped> {
    static FLIT: Slot = Slot::new();
    FLIT.with("flit", &["flit==4.2.0"])
}

/// poetry, which has an uploader of its own.
pub(crate) fn poetry() -> Result<Tool, Skipped> {
    static POETRY: Slot = Slot::new();
    POETRY.with("poetry", &["poetry==2.5.1"])
}

/// pdm, which has an uploader and settings of its own.
pub(crate) fn pdm() -> Result<Tool, Skipped> {
    static PDM: Slot = Slot::new();
    // With the versions that it was released with; it calls for any later ones too, and breaks with some.
    PDM.with("pdm", &["pdm[locked]==2.29.3"])
}

/// hatch, which looks at the index before it uploads.
pub(crate) fn hatch() -> Result<Tool, Skipped> {
    static HATCH: Slot = Slot::new();
    HATCH.with("hatch", &["hatch==1.18.2"])
}

/// The program through which others reach the system's keyring, with backends that need no desktop.
pub(crate) fn keyring() -> Result<Tool, Skipped> {
    static KEYRING: Slot = Slot::new();
    KEYRING.with("keyring", &["keyring==25.7.0", "keyrings.alt==5.0.2"])
}

/// The server that this project replaces, with the password libraries that it works with.
pub(crate) fn pypiserver() -> Result<Tool, Skipped> {
    static PYPISERVER: Slot = Slot::new();
    PYPISERVER
        .with(
            "pypiserver",
            &["pypiserver==2.4.2", "passlib==1.7.4", "bcrypt==4.0.1"],
        )
        .map(|tool| tool.renamed("pypi-server"))
}

/// Another index server, which keeps several indexes and their users.
pub(crate) fn devpi() -> Result<Tool, Skipped> {
    static DEVPI: Slot = Slot::new();
    DEVPI
        .with("devpi", &["devpi-server==6.20.3"])
        .map(|tool| tool.renamed("devpi-server"))
}

/// The password library of pypiserver, with all that its schemes need; run it by [`Tool::python`].
pub(crate) fn passlib() -> Result<Tool, Skipped> {
    static PASSLIB: Slot = Slot::new();
    PASSLIB.with(
        "passlib",
        &["passlib==1.7.4", "bcrypt==4.0.1", "argon2-cffi==25.1.0"],
    )
}

/// `python -m build`, the builder that this project replaces; run it by [`Tool::python`].
pub(crate) fn build() -> Result<Tool, Skipped> {
    static BUILD: Slot = Slot::new();
    BUILD
        .with("build", &["build==1.6.1"])
        .map(|tool| tool.renamed("pyproject-build"))
}

/// Prometheus' reader of its text format, as a library; run it by [`Tool::python`].
pub(crate) fn prometheus_parser() -> Result<Tool, Skipped> {
    static PARSER: Slot = Slot::new();
    PARSER.with("prometheus", &["prometheus-client==0.26.0"])
}

/// The reader of compose files that needs no engine to read them, with its YAML library; run it by [`Tool::python`].
pub(crate) fn podman_compose() -> Result<Tool, Skipped> {
    static PODMAN_COMPOSE: Slot = Slot::new();
    PODMAN_COMPOSE.with("podman-compose", &["podman-compose==1.6.0"])
}

/// A folder with the wheels that building the tests' projects takes, so that an index made of it can stand in for the
/// public one.
pub(crate) fn wheelhouse() -> Result<PathBuf, Skipped> {
    static WHEELHOUSE: OnceLock<Result<PathBuf, Skipped>> = OnceLock::new();
    let pip = pip()?;
    let find = || {
        install_once("wheelhouse", &[SETUPTOOLS_REQUIREMENT], |folder| {
            let mut download = Command::new(&pip.program);
            download
                .args([
                    "download",
                    "--quiet",
                    "--no-deps",
                    "--only-binary=:all:",
                    "--dest",
                ])
                .arg(folder)
                .arg(SETUPTOOLS_REQUIREMENT);
            succeed(&mut download)
        })
    };
    WHEELHOUSE.get_or_init(find).clone().inspect_err(tell)
}

static UV: Slot = Slot::new();
const UV_REQUIREMENT: &str = "uv==0.13.9";
const SETUPTOOLS_REQUIREMENT: &str = "setuptools==84.2.1";

/// An installed client.
#[derive(Debug, Clone)]
pub(crate) struct Tool {
    pub(crate) program: PathBuf,
}

impl Tool {
    /// The program in the testbed's home, kept from every index and setting but those that the test gives it.
    pub(crate) fn command(&self, testbed: &Testbed) -> Command {
        self.isolated(testbed, &self.program)
    }

    /// The interpreter that has the tool's package, kept apart in the same way.
    pub(crate) fn python(&self, testbed: &Testbed) -> Command {
        self.isolated(testbed, &self.interpreter())
    }

    /// The path of the interpreter that has the tool's package.
    pub(crate) fn interpreter(&self) -> PathBuf {
        self.program.with_file_name("python")
    }

    /// The folder that holds the program, for a `PATH`.
    pub(crate) fn folder(&self) -> &Path {
        self.program.parent().unwrap_or(&self.program)
    }

    fn isolated(&self, testbed: &Testbed, program: &Path) -> Command {
        let mut command = testbed.program(program);
        command
            .env_remove("PIP_INDEX_URL")
            .env("PIP_CONFIG_FILE", "/dev/null")
            .env("PIP_NO_INPUT", "1")
            .env("PIP_DISABLE_PIP_VERSION_CHECK", "1")
            .env("PIP_RETRIES", "0")
            .env("UV_PYTHON", self.interpreter())
            .env("UV_PYTHON_DOWNLOADS", "never")
            .env("UV_KEYRING_PROVIDER", "disabled")
            .env("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring");
        command
    }

    pub(super) fn renamed(&self, program: &str) -> Self {
        Self {
            program: self.program.with_file_name(program),
        }
    }
}

/// Why a tool can't be had. Whoever holds it has been told already: return from the test.
#[derive(Debug, Clone)]
pub(crate) struct Skipped(pub(super) String);

/// The answer for one tool, found once in each process.
struct Slot {
    answer: OnceLock<Result<Tool, Skipped>>,
    /// Which Python it must have, as uv asks for one; `None` where any will do.
    python: Option<&'static str>,
}

impl Slot {
    const fn new() -> Self {
        Self {
            answer: OnceLock::new(),
            python: None,
        }
    }

    const fn of_python(python: &'static str) -> Self {
        Self {
            answer: OnceLock::new(),
            python: Some(python),
        }
    }

    fn with(&self, name: &str, requirements: &[&str]) -> Result<Tool, Skipped> {
        let answer = self.find(name, requirements);
        answer.inspect_err(tell)
    }

    fn find(&self, name: &str, requirements: &[&str]) -> Result<Tool, Skipped> {
        let find = || {
            let environment = install_once(name, requirements, |folder| {
                // uv installs the others, since it takes a tenth of the time.
                let by_uv = (name != "uv").then(|| UV.find("uv", &[UV_REQUIREMENT]));
                match (by_uv, self.python) {
                    (Some(Ok(uv)), Some(python)) => install_by_uv(&uv, folder, python, requirements),
                    (_, Some(python)) => Err(format!("there is no uv to find a Python {python}")),
                    (Some(Ok(uv)), None) => install_by_uv(&uv, folder, uv.interpreter(), requirements)
                        .or_else(|_| install_by_pip(folder, requirements)),
                    _ => install_by_pip(folder, requirements),
                }
            })?;
            Ok(Tool {
                program: environment.join("bin").join(name),
            })
        };
        self.answer.get_or_init(find).clone()
    }
}

/// Says which test does without what. A refusal is a failure where the tools must exist.
pub(crate) fn skip(reason: &str) {
    tell(&Skipped(reason.to_owned()));
}

/// Whether a program may mount a disk that it alone sees; with a word about it where it may not.
pub(crate) fn can_mount() -> bool {
    let mounted = Command::new("unshare")
        .args(["-rm", "mount", "-t", "tmpfs", "none", "/mnt"])
        .stderr(Stdio::null())
        .status();
    let can = mounted.is_ok_and(|status| status.success());
    if !can {
        skip("nothing can be mounted here");
    }
    can
}

/// Says that a test is left out; where tools are required, that fails it.
pub(crate) fn tell(Skipped(reason): &Skipped) {
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    assert!(!tools_are_required(), "{test} needs a tool: {reason}");
    // Written past the capture of passing tests: a run is to be honest about what it left out.
    let _ = writeln!(io::stderr(), "skipped: {test}: {reason}");
}

#[expect(
    clippy::disallowed_methods,
    reason = "asks the developer's environment, not the program's"
)]
fn tools_are_required() -> bool {
    ["PKGCTL_TEST_REQUIRE_TOOLS", "CI"].iter().any(|name| {
        std::env::var_os(name).is_some_and(|value| !["", "0", "false"].iter().any(|no| value == *no))
    })
}

/// The folder `target/test-tools/NAME`, filled by `install` unless its stamp says that this was done.
pub(crate) fn install_once(
    name: &str,
    requirements: &[&str],
    install: impl FnOnce(&Path) -> Result<(), String>,
) -> Result<PathBuf, Skipped> {
    let tools = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("test-tools");
    let folder = tools.join(name);
    let stamp = tools.join(format!("{name}.stamp"));
    // Virtual environments hold absolute paths, so a moved one is another one.
    let wanted = format!("{}\n{}\n", folder.display(), requirements.join("\n"));
    let prepared = (|| {
        fs::create_dir_all(stamp.parent().unwrap_or(&tools))?;
        let lock = File::create(tools.join(format!("{name}.lock")))?;
        lock.lock()?;
        io::Result::Ok(lock)
    })();
    let _lock = prepared.map_err(|error| Skipped(format!("can't prepare `{}`: {error}", tools.display())))?;
    if fs::read_to_string(&stamp).is_ok_and(|found| found == wanted) && is_usable(&folder) {
        return Ok(folder);
    }
    let _ = fs::remove_file(&stamp);
    let _ = fs::remove_dir_all(&folder);
    install(&folder)
        .and_then(|()| fs::write(&stamp, wanted).map_err(|error| error.to_string()))
        .map_err(|reason| Skipped(format!("can't set up {}: {reason}", requirements.join(", "))))?;
    Ok(folder)
}

/// Whether the folder is there, and the interpreter that a virtual environment points to still exists.
fn is_usable(folder: &Path) -> bool {
    let interpreter = folder.join("bin/python");
    folder.is_dir() && (interpreter.exists() || !folder.join("pyvenv.cfg").exists())
}

/// `python` is an interpreter, or what uv finds one by.
fn install_by_uv(
    uv: &Tool,
    folder: &Path,
    python: impl AsRef<OsStr>,
    requirements: &[&str],
) -> Result<(), String> {
    let _ = fs::remove_dir_all(folder);
    succeed(
        Command::new(&uv.program)
            .args(["venv", "--quiet", "--no-project", "--python"])
            .arg(python)
            .arg(folder),
    )?;
    succeed(
        Command::new(&uv.program)
            .args(["pip", "install", "--quiet", "--no-config", "--python"])
            .arg(folder.join("bin/python"))
            .args(requirements),
    )
}

fn install_by_pip(folder: &Path, requirements: &[&str]) -> Result<(), String> {
    let _ = fs::remove_dir_all(folder);
    succeed(Command::new("python3").args(["-m", "venv"]).arg(folder))?;
    succeed(
        Command::new(folder.join("bin/python"))
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
            .args(requirements),
    )
}

/// Runs a step of the set-up in the machine's own environment; the error is the tail of what it said.
pub(crate) fn succeed(command: &mut Command) -> Result<(), String> {
    // Python adds its own folder's modules to every child when told so; no tool wants that.
    command.env_remove("PYTHONPATH").env_remove("PYTHONHOME");
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("`{program}`: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    let lines: Vec<&str> = said.trim().lines().collect();
    let tail = lines[lines.len().saturating_sub(5)..].join("; ");
    Err(format!("`{program}` failed ({}): {tail}", output.status))
}
