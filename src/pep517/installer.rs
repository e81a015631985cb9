//! What installs build requirements: uv or pip.

use std::path::PathBuf;
use std::process::Command;

use super::error::Error;
use super::interpreter::programs_on_path;
use super::process::{RunError, Supervisor};
use super::variables::Variables;

/// What installs build requirements, as the user wants it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InstallerChoice {
    /// uv when it is on the search path and runs, else pip.
    #[default]
    Auto,
    /// pip.
    Pip,
    /// uv; an error when there is none.
    Uv,
}

/// What installs build requirements. Both read the user's own configuration, so that private indexes work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Installer {
    /// The uv at this path.
    Uv(PathBuf),
    /// The interpreter's pip, or the one that it puts into new environments.
    Pip,
}

impl Installer {
    /// Settles on an installer.
    ///
    /// # Errors
    /// [`Error::NoUv`] when uv is wanted and there is none.
    pub(crate) fn choose(
        choice: InstallerChoice,
        variables: &Variables,
        supervisor: &Supervisor<'_>,
    ) -> Result<Self, Error> {
        if choice == InstallerChoice::Pip {
            return Ok(Self::Pip);
        }
        for program in programs_on_path("uv".as_ref(), variables) {
            // A launcher script for a uv that is not installed here is no uv.
            let mut command = Command::new(&program);
            variables.apply_to(&mut command);
            command.arg("--version");
            match supervisor.run_silently(command) {
                Ok(finished) if finished.status.success() => return Ok(Self::Uv(program)),
                Err(RunError::Interrupted) => return Err(Error::Interrupted),
                Ok(_) | Err(RunError::Io(_)) => {}
            }
        }
        match choice {
            InstallerChoice::Uv => Err(Error::NoUv),
            InstallerChoice::Auto | InstallerChoice::Pip => Ok(Self::Pip),
        }
    }

    /// What the user calls it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Uv(_) => "uv",
            Self::Pip => "pip",
        }
    }
}
