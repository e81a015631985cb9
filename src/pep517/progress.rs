//! What a build tells while it runs; who prints it, and how, is not decided here.

use std::fmt;
use std::path::Path;

use super::backend::Kind;
use super::installer::Installer;
use super::interpreter::Interpreter;
use crate::packaging::pyproject::BuildRequirement;

/// Something that happened.
#[derive(Debug)]
pub enum Event<'a> {
    /// A new step begins.
    Step(&'a Step<'a>),
    /// The running child wrote these bytes; they need not be UTF-8, nor end with a line.
    Output(&'a [u8]),
}

/// What begins now. `Display` says it in a line for a person.
#[derive(Debug)]
pub enum Step<'a> {
    /// An isolated environment is made.
    CreateEnvironment {
        /// The interpreter that it is made for.
        interpreter: &'a Interpreter,
        /// What makes it.
        installer: &'a Installer,
    },
    /// An isolated environment of an earlier build is used again.
    ReuseEnvironment {
        /// The interpreter that it was made for.
        interpreter: &'a Interpreter,
        /// What it holds, beside what that needs.
        requirements: &'a [BuildRequirement],
    },
    /// Environments can't be kept, so this build makes its own.
    CacheUnusable {
        /// The folder that they would be kept in.
        folder: &'a Path,
        /// What the system says.
        reason: &'a str,
    },
    /// Requirements are installed into it.
    Install {
        /// All of them.
        requirements: &'a [BuildRequirement],
    },
    /// The build goes on in the environment that the interpreter has.
    UseEnvironment {
        /// That interpreter.
        interpreter: &'a Interpreter,
    },
    /// `setup.py` is run as a program.
    SetupPy {
        /// By this interpreter.
        interpreter: &'a Interpreter,
        /// With these commands, such as `sdist bdist_wheel`.
        commands: &'a str,
    },
    /// The backend is asked what it needs beyond the table's `requires`.
    AskRequirements {
        /// For what.
        kind: Kind,
    },
    /// The source distribution is built.
    BuildSdist,
    /// The wheel is built.
    BuildWheel {
        /// Whether it is built from an unpacked sdist, as opposed to the project's folder.
        from_sdist: bool,
    },
    /// The backend makes no sdist here, so the wheel is built from the project's folder.
    SkipSdist {
        /// The backend's reason.
        reason: &'a str,
    },
    /// All is built once more, to be compared with the first time.
    BuildAgain,
    /// An sdist is unpacked.
    Unpack {
        /// The sdist.
        sdist: &'a Path,
    },
}

impl fmt::Display for Step<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CreateEnvironment {
                interpreter,
                installer,
            } => {
                write!(
                    f,
                    "creating an isolated environment: {interpreter}, {}",
                    installer.name()
                )
            }
            Self::ReuseEnvironment {
                interpreter,
                requirements: [],
            } => write!(f, "using the kept environment: {interpreter}"),
            Self::ReuseEnvironment {
                interpreter,
                requirements,
            } => {
                write!(
                    f,
                    "using the kept environment: {interpreter}, {}",
                    listed(requirements)
                )
            }
            Self::CacheUnusable { folder, reason } => {
                write!(f, "can't keep environments in {}: {reason}", folder.display())
            }
            Self::Install { requirements } => write!(f, "installing {}", listed(requirements)),
            Self::UseEnvironment { interpreter } => write!(f, "building without isolation: {interpreter}"),
            Self::SetupPy {
                interpreter,
                commands,
            } => {
                write!(f, "running `setup.py {commands}`: {interpreter}")
            }
            Self::AskRequirements { kind } => write!(f, "asking the backend what {kind} needs"),
            Self::BuildSdist => f.write_str("building the sdist"),
            Self::BuildWheel { from_sdist: true } => f.write_str("building the wheel from the sdist"),
            Self::BuildWheel { from_sdist: false } => f.write_str("building the wheel"),
            Self::SkipSdist { reason } => write!(f, "the backend makes no sdist here: {reason}"),
            Self::BuildAgain => f.write_str("building all once more, to compare"),
            Self::Unpack { sdist } => write!(f, "unpacking {}", sdist.display()),
        }
    }
}

impl Step<'_> {
    /// Whether it is worth knowing also when the build is over, and not only while it lasts.
    #[must_use]
    pub fn is_news(&self) -> bool {
        matches!(self, Self::CacheUnusable { .. } | Self::SkipSdist { .. })
    }
}

/// Requirements in a sentence: `setuptools>=61, wheel`.
pub(crate) fn listed(requirements: &[BuildRequirement]) -> String {
    let texts: Vec<&str> = requirements.iter().map(BuildRequirement::as_str).collect();
    texts.join(", ")
}
