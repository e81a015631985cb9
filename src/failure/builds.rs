//! What `pkgctl build` can fail of.

use std::io::ErrorKind;
use std::path::Path;

use super::Failure;
use super::build_symptoms::{self, Said};
use crate::packaging::pyproject::PyprojectError;
use crate::pep517::{Error, OLDEST_PYTHON, PythonRequest};

/// How many of the last lines of a program's output are searched for the reason of its failure.
const SEARCHED_LINES: usize = 400;

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::of_build(&error, &|_| None)
    }
}

impl Failure {
    /// A failed build. `asked` says which index an installer (`pip`, `uv`) asks, in a sentence.
    pub(crate) fn of_build(error: &Error, asked: &dyn Fn(&str) -> Option<String>) -> Self {
        let hint = symptom_hint(error, asked).or_else(|| build_hint(error));
        let failure = match error {
            Error::Interrupted => Self::interrupted("interrupted; the output folder is as it was"),
            Error::SdistOfSdist { path } => Self::usage(format!("`{}` is an sdist already", path.display())),
            Error::NoInterpreter { request, unfit } => {
                let headline = match request {
                    PythonRequest::Any => "no usable Python interpreter was found".to_owned(),
                    PythonRequest::Version(_) => format!("no usable {request} was found"),
                    PythonRequest::Path(_) | PythonRequest::Program(_) => {
                        format!("`{request}` is no usable Python interpreter")
                    }
                };
                unfit
                    .iter()
                    .fold(Self::new(headline), |failure, reason| failure.caused_by(reason))
            }
            _ => Self::from_error(error),
        };
        let failure = failure.map_texts(abbreviated);
        match hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

/// Long lines without their middle: pip lists hundreds of versions, and setuptools whole commands.
fn abbreviated(text: &str) -> String {
    const HEAD: usize = 240;
    const TAIL: usize = 120;
    let shorten = |line: &str| {
        let length = line.chars().count();
        if length <= HEAD + TAIL {
            return line.to_owned();
        }
        let head: String = line.chars().take(HEAD).collect();
        let tail: String = line.chars().skip(length - TAIL).collect();
        format!("{head} … {tail}")
    };
    let lines: Vec<String> = text.split('\n').map(shorten).collect();
    lines.join("\n")
}

/// The remedy where what a program has printed tells what is wrong.
fn symptom_hint(error: &Error, asked: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let (failed, is_from_sdist) = match error {
        Error::WheelFailed { source, .. } => (&**source, true),
        error => (error, false),
    };
    let (reason, installer) = match failed {
        Error::InstallFailed {
            installer, reason, ..
        } => (&reason.0, Some(*installer)),
        Error::EnvironmentFailed { reason, .. }
        | Error::BackendMissing { reason, .. }
        | Error::HookFailed { reason, .. }
        | Error::HookDied { reason, .. } => (&reason.0, None),
        Error::System { source, .. } if source.kind() == ErrorKind::StorageFull => {
            (&source.to_string(), None)
        }
        _ => return None,
    };
    let lines = failed
        .transcript()
        .map(|transcript| transcript.last_lines(SEARCHED_LINES));
    build_symptoms::remedy(&Said {
        reason,
        lines: lines.unwrap_or_default(),
        installer,
        index: installer.and_then(asked),
        is_from_sdist,
    })
}

/// The one remedy for a failed build, by what kind of failure it is.
fn build_hint(error: &Error) -> Option<String> {
    if let Error::WheelFailed { source, .. } = error {
        return build_hint(source);
    }
    source_hint(error)
        .or_else(|| environment_hint(error))
        .or_else(|| hook_hint(error))
        .or_else(|| artifact_hint(error))
}

/// What the project, or the words that name it, should be.
fn source_hint(error: &Error) -> Option<String> {
    let hint = match error {
        Error::SourceMissing { .. } => "name the project's folder, or an sdist",
        Error::NotAProject { .. } => {
            "change to the project's folder, or name it: it is the one with `pyproject.toml` or `setup.py`"
        }
        Error::NotAnSdist { .. } => "an sdist is called like `my_lib-1.0.tar.gz`",
        Error::SdistOfSdist { .. } => "leave out `--sdist`: from an sdist only the wheel can be built",
        Error::Unreadable { .. } => "check the file's permissions, and that it is text in UTF-8",
        Error::Pyproject {
            path,
            source: PyprojectError::Syntax { line, .. },
        } => return Some(format!("mend line {line} of `{}`", path.display())),
        Error::Pyproject { .. } => {
            "a sound table is `[build-system]` with `requires = [\"setuptools>=61\"]` and \
             `build-backend = \"setuptools.build_meta\"`"
        }
        _ => return None,
    };
    Some(hint.to_owned())
}

/// What the interpreter, the installer and the environment should be.
fn environment_hint(error: &Error) -> Option<String> {
    let hint = match error {
        Error::NoInterpreter { request, .. } => return Some(interpreter_hint(request)),
        Error::NoUv => "install uv, or leave out `--installer uv` to use pip",
        Error::NoPip { .. } => {
            "install uv, or this interpreter's pip and venv (Debian and Ubuntu: `apt install python3-venv`)"
        }
        Error::EnvironmentFailed { tool: "uv", .. } => {
            "try `--installer pip`, or another interpreter with `--python`"
        }
        Error::EnvironmentFailed { .. } => {
            "install uv, or the interpreter's venv (Debian and Ubuntu: `apt install python3-venv`)"
        }
        Error::InstallFailed { installer: "uv", .. } => {
            "check the network and the index that uv asks: that of its own settings (`UV_INDEX`, `uv.toml`), and \
             pip's where uv's variables name none"
        }
        Error::InstallFailed { .. } => {
            "check the network and the index that pip asks: `pip config list` shows it"
        }
        Error::RequirementCycle { .. } => {
            "break the circle: name the project's own folder in `backend-path` and take the requirement out, or require \
             an earlier release, as in `my-lib<2`"
        }
        Error::UnmetRequirements { .. } => {
            "install them there, or leave out `--no-isolation`; `--skip-dependency-check` builds all the same"
        }
        Error::System { .. } => "check the free space and the permissions of the temporary folder (`TMPDIR`)",
        _ => return None,
    };
    Some(hint.to_owned())
}

/// What to do about a backend that fails.
fn hook_hint(error: &Error) -> Option<String> {
    let hint = match error {
        Error::BackendMissing { backend, reason, .. } => {
            return missing_module_hint(&reason.0).or_else(|| Some(backend_hint(backend)));
        }
        Error::BackendFolder { .. } => "correct the folder in pyproject.toml; it must be inside the project",
        Error::HookFailed { reason, .. } => match missing_module_hint(&reason.0) {
            Some(hint) => return Some(hint),
            None => "the backend's output, above, says more",
        },
        Error::HookDied { .. } => {
            "the backend's output, above, may say more; a process that is killed is often out of memory"
        }
        Error::Unsupported { .. } => "try `--wheel`, or build where the project's version control is",
        Error::HookMissing { .. }
        | Error::WrongAnswer { .. }
        | Error::InvalidRequirement { .. }
        | Error::ArtifactMissing { .. } => {
            "this is an error in the build backend: try another version of it in `build-system.requires`"
        }
        _ => return None,
    };
    Some(hint.to_owned())
}

/// What the artifacts, and the folder that they go to, should be.
fn artifact_hint(error: &Error) -> Option<String> {
    let hint = match error {
        Error::InvalidName { .. } | Error::Disagreement { .. } => {
            "check the project's name and version, and how its version is made"
        }
        Error::NoSetupPy { .. } => {
            "leave out `--setup-py`: the build backend that pyproject.toml names is called then"
        }
        Error::SetupPyLacks { python, .. } => {
            return Some(format!(
                "`{} -m pip install setuptools wheel`, or leave out `--setup-py`: then what the build needs is \
                 installed apart",
                python.display()
            ));
        }
        Error::SetupPyFailed { reason, .. } => match missing_module(&reason.0) {
            Some(module) => {
                return Some(format!(
                    "install what provides `{module}` for that interpreter, or leave out `--setup-py`"
                ));
            }
            None => "the output of `setup.py`, above, says more",
        },
        Error::SetupPyMade { .. } => {
            "leave out `--setup-py`, or look in setup.cfg and setup.py for what changes its commands"
        }
        Error::Unsound { .. } => {
            "an index would refuse it: correct the project's metadata, or try a newer build backend"
        }
        Error::UnsoundSdist { .. } => {
            "the archive is broken: fetch it again, or build it anew from the project's folder"
        }
        Error::NotReproducible { has_epoch: false, .. } => {
            "nothing was written; to take times from the last commit: `SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)`"
        }
        Error::NotReproducible { .. } => {
            "nothing was written; a backend that knows `SOURCE_DATE_EPOCH`, such as flit-core or hatchling, makes the \
             same bytes from the same files"
        }
        Error::Claimed { .. } => "leave out `--outdir`, so that each project has a folder of its own",
        Error::OutputFolder { folder, source } => return Some(output_folder_hint(folder, source.kind())),
        Error::Clearing { .. } => "check the folder's permissions, or leave out `--clear`",
        _ => return None,
    };
    Some(hint.to_owned())
}

fn output_folder_hint(folder: &Path, kind: ErrorKind) -> String {
    match kind {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "its disk is full: make room there, or name a folder on another disk with `--outdir`".to_owned()
        }
        ErrorKind::NotADirectory => format!(
            "`{}`, or what it lies in, is a file: move that away, or name another folder with `--outdir`",
            folder.display()
        ),
        ErrorKind::IsADirectory => {
            "a folder in it has the name of an artifact: move that away, or name another folder with `--outdir`"
                .to_owned()
        }
        _ => "name a folder that you may write to with `--outdir`".to_owned(),
    }
}

fn backend_hint(backend: &str) -> String {
    format!("check that `requires` and `build-backend` in pyproject.toml belong together: `{backend}`")
}

fn interpreter_hint(request: &PythonRequest) -> String {
    let oldest = OLDEST_PYTHON.map(|number| number.to_string()).join(".");
    match request {
        PythonRequest::Any => {
            format!("install Python {oldest} or newer, or name an interpreter with `--python PATH`")
        }
        _ => format!("name a Python {oldest} or newer by its path: `--python /usr/bin/python3`"),
    }
}

/// What to do when the backend, or the project's `setup.py`, imports what is not there.
fn missing_module_hint(reason: &str) -> Option<String> {
    let top_level = missing_module(reason)?;
    Some(format!(
        "add what provides `{top_level}` to `requires` in the `[build-system]` table of pyproject.toml"
    ))
}

/// The top-level module that could not be imported.
fn missing_module(reason: &str) -> Option<&str> {
    let (_, rest) = reason.split_once("ModuleNotFoundError: No module named '")?;
    let (module, _) = rest.split_once('\'')?;
    Some(module.split('.').next().unwrap_or(module))
}
