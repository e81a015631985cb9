//! Finds the Python interpreter that a build runs in, and learns what it can do.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::{Deserialize, Serialize};

use super::Error;
use super::known_interpreters::KnownInterpreters;
use super::process::{RunError, Supervisor};
use super::variables::Variables;

/// The oldest Python that a build runs in: the first whose standard library knows installed distributions.
pub const OLDEST_PYTHON: [u16; 2] = [3, 8];

/// The oldest pip that installs into another environment (`pip --python`).
const OLDEST_OUTER_PIP: [u16; 2] = [22, 3];

const PROBE: &str = include_str!("probe.py");
const PIP_PROBE: &str = include_str!("pip_probe.py");

/// Which interpreter the user wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PythonRequest {
    /// That of the active virtual environment, else `python3`, else `python` on the search path.
    Any,
    /// The program at this path, or the one in the virtual environment at this path.
    Path(PathBuf),
    /// One of this version on the search path: `3`, `3.12` or `3.12.4`.
    Version(Vec<u16>),
    /// A program of this name on the search path, such as `pypy3`.
    Program(OsString),
}

impl PythonRequest {
    /// Reads what stands behind `--python`: a version, a path, or the name of a program.
    #[must_use]
    pub fn parse(text: &OsStr) -> Self {
        let numbers = text.to_str().and_then(|text| {
            let numbers: Option<Vec<u16>> = text.split('.').map(|part| part.parse().ok()).collect();
            numbers.filter(|numbers| numbers.len() <= 3)
        });
        match numbers {
            Some(numbers) => Self::Version(numbers),
            None if Path::new(text).components().count() > 1 || text == "." || text == "~" => {
                Self::Path(text.into())
            }
            None => Self::Program(text.to_owned()),
        }
    }
}

impl fmt::Display for PythonRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("python3"),
            Self::Path(path) => path.display().fmt(f),
            Self::Version(numbers) => write!(f, "Python {}", dotted(numbers)),
            Self::Program(name) => name.display().fmt(f),
        }
    }
}

/// A Python interpreter that runs and is new enough.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interpreter {
    /// The program itself, behind any launcher script.
    pub executable: PathBuf,
    version: Vec<u16>,
    implementation: String,
    /// What it says of its own build.
    build: String,
}

/// What an interpreter has to install packages with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct OwnPip {
    /// The version of its own pip, where it has one.
    pub pip: Option<String>,
    ensurepip: bool,
}

impl fmt::Display for Interpreter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.implementation.as_str() {
            "cpython" => "Python",
            "pypy" => "PyPy",
            other => other,
        };
        write!(f, "{name} {}", dotted(&self.version))
    }
}

/// Why a program is not the interpreter that is looked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// It can't be started, or is no Python.
    #[error("`{}` does not run: {reason}", .program.display())]
    Broken {
        /// The program.
        program: PathBuf,
        /// What it said, or the system about it.
        reason: String,
    },
    /// Its Python is older than [`OLDEST_PYTHON`].
    #[error("`{}` is Python {version}, and a build needs {} or newer", .program.display(), dotted(&OLDEST_PYTHON))]
    TooOld {
        /// The program.
        program: PathBuf,
        /// What it is.
        version: String,
    },
    /// Its version is not the one that was asked for.
    #[error("`{}` is Python {version}", .program.display())]
    OtherVersion {
        /// The program.
        program: PathBuf,
        /// What it is.
        version: String,
    },
}

/// What the probe prints.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Answer {
    executable: PathBuf,
    pub(super) version: Vec<u16>,
    implementation: String,
    #[serde(default)]
    build: String,
}

impl Interpreter {
    /// Finds the interpreter that `request` means; of several candidates the first that runs and is new enough. One in
    /// `known` is not asked.
    ///
    /// # Errors
    /// [`Error::NoInterpreter`] with what was tried and why it would not do.
    pub(crate) fn find(
        request: &PythonRequest,
        known: Option<&KnownInterpreters>,
        variables: &Variables,
        supervisor: &Supervisor<'_>,
    ) -> Result<Self, Error> {
        let mut unfit = Vec::new();
        for candidate in candidates(request, variables) {
            let recalled = known.and_then(|known| known.recall(&candidate, variables));
            let is_new = recalled.is_none();
            let answer = match recalled {
                Some(answer) => Ok(answer),
                None => Self::probe(&candidate, variables, supervisor)?,
            };
            if let (Ok(answer), Some(known), true) = (&answer, known, is_new) {
                known.remember(&candidate, variables, answer);
            }
            match answer.and_then(|answer| answer.judge(&candidate, request)) {
                Ok(interpreter) => return Ok(interpreter),
                Err(reason) => unfit.push(reason),
            }
        }
        Err(Error::NoInterpreter {
            request: request.clone(),
            unfit,
        })
    }

    /// Asks the program what it is.
    fn probe(
        program: &Path,
        variables: &Variables,
        supervisor: &Supervisor<'_>,
    ) -> Result<Result<Answer, Unfit>, Error> {
        let mut command = Command::new(program);
        variables.apply_to(&mut command);
        // Neither PYTHON* variables nor any site-packages; Python 2 has no single flag for that.
        command.args(["-E", "-s", "-S", "-c", PROBE]);
        let broken = |reason: String| Unfit::Broken {
            program: program.to_owned(),
            reason,
        };
        let finished = match supervisor.run_silently(command) {
            Ok(finished) => finished,
            Err(RunError::Interrupted) => return Err(Error::Interrupted),
            Err(RunError::Io(error)) => return Ok(Err(broken(error.to_string()))),
        };
        let said = finished.transcript.last_lines(1).pop().unwrap_or_default();
        let Ok(answer) = serde_json::from_str::<Answer>(&said) else {
            // Launchers say first what is wrong, and then what could be done about it.
            let reason = finished.transcript.first_line();
            return Ok(Err(broken(reason.unwrap_or_else(|| finished.status.to_string()))));
        };
        Ok(Ok(answer))
    }

    /// Looks for its own pip, which takes longer than all else that is asked of it.
    ///
    /// # Errors
    /// [`Error::Interrupted`]; one that does not answer has none.
    pub(crate) fn own_pip(
        &self,
        variables: &Variables,
        supervisor: &Supervisor<'_>,
    ) -> Result<OwnPip, Error> {
        let mut command = Command::new(&self.executable);
        variables.apply_to(&mut command);
        command.args(["-E", "-s", "-c", PIP_PROBE]);
        match supervisor.run_silently(command) {
            Ok(finished) => {
                let said = finished.transcript.last_lines(1).pop().unwrap_or_default();
                Ok(serde_json::from_str(&said).unwrap_or_default())
            }
            Err(RunError::Interrupted) => Err(Error::Interrupted),
            Err(RunError::Io(_)) => Ok(OwnPip::default()),
        }
    }

    /// One that is made up, at the path of any program.
    #[cfg(test)]
    pub(crate) fn for_testing(executable: &str) -> Self {
        Self {
            executable: executable.into(),
            version: vec![3, 12, 0],
            implementation: "cpython".to_owned(),
            build: String::new(),
        }
    }

    /// What tells it from every other interpreter, and from what was in its place before an upgrade.
    pub(crate) fn identity(&self) -> serde_json::Value {
        let real = self.executable.canonicalize().unwrap_or_default();
        let stamp = std::fs::metadata(&real)
            .map(|metadata| (metadata.len(), metadata.mtime(), metadata.mtime_nsec()))
            .unwrap_or_default();
        serde_json::json!([
            self.executable.to_string_lossy(),
            real.to_string_lossy(),
            stamp,
            self.version,
            self.implementation,
            self.build,
        ])
    }
}

impl OwnPip {
    /// Whether this pip can install into other environments.
    pub(crate) fn can_lend(&self) -> bool {
        let version = self.pip.as_deref().map(numbers_of);
        version.is_some_and(|version| version >= OLDEST_OUTER_PIP.to_vec())
    }

    /// Whether the interpreter can put a pip of its own into a new environment.
    pub(crate) fn has_ensurepip(&self) -> bool {
        self.ensurepip
    }
}

impl Answer {
    fn judge(self, program: &Path, request: &PythonRequest) -> Result<Interpreter, Unfit> {
        let (program, version) = (program.to_owned(), dotted(&self.version));
        if let PythonRequest::Version(wanted) = request
            && !self.version.starts_with(wanted)
        {
            return Err(Unfit::OtherVersion { program, version });
        }
        if self.version < OLDEST_PYTHON.to_vec() {
            return Err(Unfit::TooOld { program, version });
        }
        // An interpreter that does not know where it is (embedded, or started oddly) is called as it was found.
        let executable = if self.executable.is_absolute() {
            self.executable
        } else {
            program
        };
        Ok(Interpreter {
            executable,
            version: self.version,
            implementation: self.implementation,
            build: self.build,
        })
    }
}

/// The programs that may be meant, in the order in which they are tried.
fn candidates(request: &PythonRequest, variables: &Variables) -> Vec<PathBuf> {
    let active = variables
        .get("VIRTUAL_ENV")
        .map(|environment| Path::new(environment).join("bin/python"));
    let on_path = |name: &OsStr| programs_on_path(name, variables);
    match request {
        PythonRequest::Any => active
            .into_iter()
            .chain(on_path("python3".as_ref()))
            .chain(on_path("python".as_ref()))
            .collect(),
        PythonRequest::Path(path) if path.is_dir() => vec![path.join("bin/python")],
        PythonRequest::Path(path) => vec![path.clone()],
        PythonRequest::Program(name) => on_path(name),
        PythonRequest::Version(numbers) => {
            let minor = format!("python{}", dotted(&numbers[..numbers.len().min(2)]));
            let mut programs: Vec<PathBuf> = active.into_iter().collect();
            for name in [minor.as_str(), "python3", "python"] {
                programs.extend(on_path(name.as_ref()));
            }
            programs
        }
    }
}

/// All programs of that name on the search path, the first first.
pub(crate) fn programs_on_path(name: &OsStr, variables: &Variables) -> Vec<PathBuf> {
    let path = variables.get("PATH").unwrap_or_default();
    std::env::split_paths(path)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(name))
        .filter(|program| is_executable(program))
        .collect()
}

fn is_executable(path: &Path) -> bool {
    std::fs::metadata(path)
        .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

/// The leading numbers of a version: `23.0.1rc2` is 23, 0.
fn numbers_of(version: &str) -> Vec<u16> {
    version.split('.').map_while(|part| part.parse().ok()).collect()
}

fn dotted(numbers: &[u16]) -> String {
    let texts: Vec<String> = numbers.iter().map(u16::to_string).collect();
    texts.join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_paths_and_programs_are_told_apart() {
        let cases = [
            ("3", PythonRequest::Version(vec![3])),
            ("3.12", PythonRequest::Version(vec![3, 12])),
            ("3.12.4", PythonRequest::Version(vec![3, 12, 4])),
            ("3.12.4.5", PythonRequest::Program("3.12.4.5".into())),
            ("pypy3", PythonRequest::Program("pypy3".into())),
            ("./python", PythonRequest::Path("./python".into())),
            ("/usr/bin/python3", PythonRequest::Path("/usr/bin/python3".into())),
            ("~/venv", PythonRequest::Path("~/venv".into())),
            (".", PythonRequest::Path(".".into())),
        ];
        for (text, expected) in cases {
            assert_eq!(PythonRequest::parse(text.as_ref()), expected, "{text}");
        }
    }

    #[test]
    fn an_answer_is_judged_by_version() {
        let answer = |version: &[u16]| Answer {
            executable: "/opt/python".into(),
            version: version.to_vec(),
            implementation: "cpython".to_owned(),
            build: String::new(),
        };
        let program = Path::new("/shims/python3");
        let wanted = PythonRequest::Version(vec![3, 1]);
        let too_old = answer(&[2, 7, 18]).judge(program, &PythonRequest::Any);
        assert_eq!(
            too_old.unwrap_err().to_string(),
            "`/shims/python3` is Python 2.7.18, and a build needs 3.8 or newer"
        );
        assert!(answer(&[3, 7, 16]).judge(program, &PythonRequest::Any).is_err());
        assert!(answer(&[3, 12, 1]).judge(program, &wanted).is_err());
        let interpreter = answer(&[3, 8, 0]).judge(program, &PythonRequest::Any).unwrap();
        assert_eq!(interpreter.to_string(), "Python 3.8.0");
        assert_eq!(interpreter.executable, Path::new("/opt/python"));
    }

    #[test]
    fn pips_that_can_reach_into_other_environments_are_known() {
        for (version, can) in [
            ("22.2.2", false),
            ("22.3", true),
            ("23.0.1rc1", true),
            ("9.0.3", false),
            ("junk", false),
        ] {
            let own = OwnPip {
                pip: Some(version.to_owned()),
                ensurepip: true,
            };
            assert_eq!(own.can_lend(), can, "{version}");
        }
    }
}
