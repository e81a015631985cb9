//! What `pkgctl build` can fail of.

use std::io::ErrorKind;

use super::Failure;
use crate::packaging::pyproject::PyprojectError;
use crate::pep517::{Error, OLDEST_PYTHON, PythonRequest};

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let hint = build_hint(&error);
        let failure = match &error {
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
            _ => Self::from_error(&error),
        };
        match hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

/// The one remedy for a failed build.
#[expect(clippy::too_many_lines, reason = "a table with a line or two for each error")]
fn build_hint(error: &Error) -> Option<String> {
    let hint = match error {
        Error::Interrupted => return None,
        error if error.is_out_of_space() => {
            "the disk with the temporary folder is full: make room there, or set `TMPDIR` to a folder on another disk"
        }
        Error::WheelFailed { source, .. } => return build_hint(source),
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
        Error::OutputFolder { source, .. } if source.kind() == ErrorKind::StorageFull => {
            "its disk is full: make room there, or name a folder on another disk with `--outdir`"
        }
        Error::OutputFolder { .. } => "name a folder that you may write to with `--outdir`",
        Error::Clearing { .. } => "check the folder's permissions, or leave out `--clear`",
        Error::System { .. } => "check the free space and the permissions of the temporary folder (`TMPDIR`)",
    };
    Some(hint.to_owned())
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
