//! What can go wrong in a build.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::interpreter::{PythonRequest, Unfit};
use super::process::Transcript;
use crate::archive;
use crate::packaging::filename::FilenameError;
use crate::packaging::pyproject::{PyprojectError, RequirementError};

/// Why a build failed. In each case but [`Error::Clearing`] the output folder is as it was.
#[derive(Debug, Error)]
pub enum Error {
    /// The user wanted to stop.
    #[error("the build was interrupted")]
    Interrupted,

    /// There is nothing at the source's path.
    #[error("there is nothing at `{}`", .path.display())]
    SourceMissing {
        /// The path.
        path: PathBuf,
    },
    /// A folder without any file that says how to build it.
    #[error("there is no Python project in `{}`", .folder.display())]
    NotAProject {
        /// The folder.
        folder: PathBuf,
    },
    /// The source is a file, but no sdist.
    #[error("`{}` is neither a project's folder nor an sdist", .path.display())]
    NotAnSdist {
        /// The file.
        path: PathBuf,
    },
    /// An sdist was asked for, and the source is one already.
    #[error("`{}` is an sdist already", .path.display())]
    SdistOfSdist {
        /// The sdist.
        path: PathBuf,
    },
    /// A file of the project can't be read.
    #[error("can't read `{}`", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The `[build-system]` table is not as the standard has it.
    #[error("`{}` says nothing usable about the build", .path.display())]
    Pyproject {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: PyprojectError,
    },

    /// No program that can be the interpreter.
    #[error("no usable Python interpreter was found")]
    NoInterpreter {
        /// What was looked for.
        request: PythonRequest,
        /// What was found, and why it would not do.
        unfit: Vec<Unfit>,
    },
    /// uv was asked for by name.
    #[error("`uv` is not on the search path")]
    NoUv,
    /// Neither uv nor any pip.
    #[error("`{}` has no pip to install build requirements with", .python.display())]
    NoPip {
        /// The interpreter.
        python: PathBuf,
    },
    /// The isolated environment could not be made.
    #[error("can't create an isolated environment with `{tool}`")]
    EnvironmentFailed {
        /// `uv` or `venv`.
        tool: &'static str,
        /// Its last words.
        #[source]
        reason: Reason,
        /// All it said.
        transcript: Transcript,
    },
    /// Requirements could not be installed.
    #[error("`{installer}` can't install the build requirements: {requirements}")]
    InstallFailed {
        /// `uv` or `pip`.
        installer: &'static str,
        /// What was to be installed.
        requirements: String,
        /// Its last words.
        #[source]
        reason: Reason,
        /// All it said.
        transcript: Transcript,
    },
    /// The build requirements lead back to the project.
    #[error(
        "`{project}` can't be built before it is built: its build requirements go round in a circle, {chain}"
    )]
    RequirementCycle {
        /// The project that was to be built.
        project: String,
        /// The projects on the way, `a -> b -> a`.
        chain: String,
        /// One line for each requirement on the way.
        #[source]
        steps: Reason,
    },
    /// Without isolation, the interpreter's environment lacks requirements.
    #[error("the environment of `{}` does not meet the build requirements", .python.display())]
    UnmetRequirements {
        /// The interpreter.
        python: PathBuf,
        /// One line for each: the requirement, and what is there in its stead.
        #[source]
        unmet: Reason,
    },

    /// The backend can't be imported.
    #[error("the build backend `{backend}` can't be loaded")]
    BackendMissing {
        /// `module:object`.
        backend: String,
        /// The last line of the traceback.
        #[source]
        reason: Reason,
        /// All it said.
        transcript: Transcript,
    },
    /// A folder of `backend-path` is not there.
    #[error("`build-system.backend-path` names `{}`, which is not a folder", .folder.display())]
    BackendFolder {
        /// The folder.
        folder: PathBuf,
    },
    /// The backend lacks a hook that each must have.
    #[error("the build backend `{backend}` has no hook `{hook}`")]
    HookMissing {
        /// `module:object`.
        backend: String,
        /// The hook.
        hook: &'static str,
    },
    /// The hook raised an exception.
    #[error("the build backend failed in `{hook}`")]
    HookFailed {
        /// The hook.
        hook: &'static str,
        /// The last line of the traceback.
        #[source]
        reason: Reason,
        /// All it said.
        transcript: Transcript,
    },
    /// The hook's process ended without an answer.
    #[error("the build backend's process died in `{hook}`")]
    HookDied {
        /// The hook.
        hook: &'static str,
        /// How it ended.
        #[source]
        reason: Reason,
        /// All it said.
        transcript: Transcript,
    },
    /// The backend says that it can't do this here.
    #[error("the build backend does not support `{hook}` here")]
    Unsupported {
        /// The hook.
        hook: &'static str,
        /// Its reason.
        #[source]
        reason: Reason,
        /// All it said.
        transcript: Transcript,
    },
    /// The hook's answer is not of the type that the standard wants.
    #[error("the build backend's `{hook}` returned {found}, and {expected} was expected")]
    WrongAnswer {
        /// The hook.
        hook: &'static str,
        /// What was expected.
        expected: &'static str,
        /// What came.
        found: String,
    },
    /// The backend asks for a requirement that is none.
    #[error("the build backend's `{hook}` returned an invalid requirement")]
    InvalidRequirement {
        /// The hook.
        hook: &'static str,
        /// What is wrong with it.
        #[source]
        source: RequirementError,
    },
    /// The artifact's name is not that of a distribution.
    #[error("the build backend's `{hook}` made a file whose name is not that of {expected}")]
    InvalidName {
        /// The hook.
        hook: &'static str,
        /// `an sdist` or `a wheel`.
        expected: &'static str,
        /// What is wrong with it.
        #[source]
        source: FilenameError,
    },
    /// The backend says that it made a file, and there is none.
    #[error("the build backend's `{hook}` says that it made `{filename}`, but there is no such file")]
    ArtifactMissing {
        /// The hook.
        hook: &'static str,
        /// The name.
        filename: String,
    },

    /// The direct call was asked for, and there is nothing to call.
    #[error("there is no `setup.py` in `{}`", .folder.display())]
    NoSetupPy {
        /// The folder.
        folder: PathBuf,
    },
    /// `setup.py` needs what the interpreter has not got.
    #[error("`{}` ({version}) has no {missing}, which `setup.py` needs", .python.display())]
    SetupPyLacks {
        /// The interpreter.
        python: PathBuf,
        /// What it is, such as `Python 3.12.1`.
        version: String,
        /// `setuptools` or `wheel`.
        missing: &'static str,
    },
    /// `setup.py` failed.
    #[error("`setup.py {commands}` failed")]
    SetupPyFailed {
        /// What it was told, such as `sdist bdist_wheel`.
        commands: String,
        /// Its last line.
        #[source]
        reason: Reason,
        /// All it said.
        transcript: Transcript,
    },
    /// `setup.py` made something else than what it was told.
    #[error("`setup.py` made {found}, and {expected} was expected")]
    SetupPyMade {
        /// A file's name.
        found: String,
        /// `an sdist` or `a wheel`.
        expected: &'static str,
    },

    /// The artifact is not one that an index should take.
    #[error("`{filename}` is not a sound distribution")]
    Unsound {
        /// The file's name.
        filename: String,
        /// What is wrong with it.
        #[source]
        source: archive::Error,
    },
    /// An sdist can't be unpacked.
    #[error("`{filename}` is not a sound distribution")]
    UnsoundSdist {
        /// The file's name.
        filename: String,
        /// What is wrong with it.
        #[source]
        source: archive::Error,
    },
    /// The wheel is of another project or version than the sdist.
    #[error("the wheel `{wheel}` and the sdist `{sdist}` are not of the same release")]
    Disagreement {
        /// The sdist's file name.
        sdist: String,
        /// The wheel's file name.
        wheel: String,
    },
    /// A second build made other bytes.
    #[error("a second build makes another {filenames}")]
    NotReproducible {
        /// The files that differ, each in backticks.
        filenames: String,
        /// The members that differ, and in what.
        #[source]
        differences: Reason,
        /// Whether the user has said which time archives should show.
        has_epoch: bool,
    },
    /// Another build of the same run makes a file of that name in the same folder.
    #[error("`{filename}` is what the build of `{}` has made too, and both would go to one folder", .other.display())]
    Claimed {
        /// The file's name.
        filename: String,
        /// The other project.
        other: PathBuf,
    },
    /// The sdist was built, but its wheel failed, so that neither is delivered.
    #[error(
        "no wheel could be built for `{sdist}`; the output folder is as it was, and that sdist {}",
        kept_where(kept.as_deref())
    )]
    WheelFailed {
        /// The sdist's file name.
        sdist: String,
        /// Where it lies now: in [`super::Request::leftovers`].
        kept: Option<PathBuf>,
        /// What went wrong.
        #[source]
        source: Box<Self>,
    },
    /// The artifacts can't be put where they belong.
    #[error("can't write to the output folder `{}`", .folder.display())]
    OutputFolder {
        /// The folder.
        folder: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The new artifacts are there, but older ones could not be looked for or removed.
    #[error("the artifacts are in `{}`, but older ones can't be removed from it", .folder.display())]
    Clearing {
        /// The folder.
        folder: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The scratch folder of the build can't be written, or a program not started.
    #[error("can't {doing}")]
    System {
        /// What was tried, such as `create a temporary folder`.
        doing: String,
        /// What the system says.
        #[source]
        source: io::Error,
    },
}

fn kept_where(kept: Option<&Path>) -> String {
    match kept {
        Some(path) => format!("is kept as `{}`", path.display()),
        None => "is not kept either".to_owned(),
    }
}

/// A line or two in another program's words.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct Reason(pub String);

impl Error {
    /// What the program that failed had printed; `None` when no program failed.
    #[must_use]
    pub fn transcript(&self) -> Option<&Transcript> {
        match self {
            Self::EnvironmentFailed { transcript, .. }
            | Self::InstallFailed { transcript, .. }
            | Self::BackendMissing { transcript, .. }
            | Self::HookFailed { transcript, .. }
            | Self::HookDied { transcript, .. }
            | Self::Unsupported { transcript, .. }
            | Self::SetupPyFailed { transcript, .. } => Some(transcript),
            Self::WheelFailed { source, .. } => source.transcript(),
            _ => None,
        }
    }

    /// What the program that failed had printed, without the lines that are told as the cause anyway: an installer
    /// sums up at its end what went wrong.
    #[must_use]
    pub fn unrepeated_transcript(&self) -> Option<Vec<u8>> {
        match self {
            Self::EnvironmentFailed {
                reason, transcript, ..
            }
            | Self::InstallFailed {
                reason, transcript, ..
            } => Some(transcript.without(&reason.0)),
            Self::WheelFailed { source, .. } => source.unrepeated_transcript(),
            _ => self.transcript().map(|transcript| transcript.as_bytes().to_vec()),
        }
    }

    /// For `map_err`: what the system would not let us do.
    pub(crate) fn system(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let doing = doing.into();
        |source| Self::System { doing, source }
    }
}
