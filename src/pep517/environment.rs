//! The environment that a backend runs in: an isolated one that holds what the build asked for and nothing else,
//! or, without isolation, the interpreter's own.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::error::{Error, Reason};
use super::interpreter::{Interpreter, programs_on_path};
use super::process::{Finished, RunError, Supervisor};
use super::progress::{Step, listed};
use super::variables::Variables;
use crate::packaging::pyproject::BuildRequirement;

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

/// Where environments come from: one interpreter, one installer, one folder that vanishes with the build.
pub(crate) struct Workshop<'a> {
    pub(crate) interpreter: &'a Interpreter,
    pub(crate) installer: Installer,
    /// The user's variables without the credentials for publishing.
    pub(crate) variables: &'a Variables,
    pub(crate) supervisor: &'a Supervisor<'a>,
    /// Environments are made below this folder.
    pub(crate) folder: &'a Path,
}

/// An environment that a backend can run in.
#[derive(Debug)]
pub(crate) struct BuildEnvironment {
    /// The interpreter inside.
    pub(crate) python: PathBuf,
    /// The variables of what runs inside.
    pub(crate) variables: Variables,
    holds: BTreeSet<BuildRequirement>,
}

impl BuildEnvironment {
    /// The interpreter's own environment, as it is.
    pub(crate) fn unisolated(interpreter: &Interpreter, variables: &Variables) -> Self {
        Self {
            python: interpreter.executable.clone(),
            variables: variables.clone(),
            holds: BTreeSet::new(),
        }
    }

    /// Makes a new environment that holds `requirements` and what they need. `name` is that of its folder.
    ///
    /// An environment is nothing but its interpreter and its requirements, so one that was kept from an earlier
    /// build could be handed out here.
    pub(crate) fn isolated(
        workshop: &Workshop<'_>,
        requirements: &[BuildRequirement],
        name: &str,
    ) -> Result<Self, Error> {
        workshop.supervisor.begin(&Step::CreateEnvironment {
            interpreter: workshop.interpreter,
            installer: &workshop.installer,
        });
        let folder = workshop.folder.join(name);
        workshop.create(&folder)?;
        let mut environment = Self {
            python: folder.join("bin/python"),
            variables: workshop.variables.inside(&folder),
            holds: BTreeSet::new(),
        };
        environment.add(workshop, requirements)?;
        Ok(environment)
    }

    /// Installs what is not there yet of `requirements`.
    pub(crate) fn add(
        &mut self,
        workshop: &Workshop<'_>,
        requirements: &[BuildRequirement],
    ) -> Result<(), Error> {
        let missing: Vec<BuildRequirement> = requirements
            .iter()
            .filter(|requirement| !self.holds.contains(requirement))
            .cloned()
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        workshop.supervisor.begin(&Step::Install {
            requirements: &missing,
        });
        workshop.install(self, &missing)?;
        self.holds.extend(missing);
        Ok(())
    }

    /// Whether all of `requirements` were installed here.
    pub(crate) fn holds_all(&self, requirements: &[BuildRequirement]) -> bool {
        requirements
            .iter()
            .all(|requirement| self.holds.contains(requirement))
    }

    /// Whether adding to this environment can make it hold exactly `requirements`.
    pub(crate) fn can_become(&self, requirements: &[BuildRequirement]) -> bool {
        let wanted: BTreeSet<&BuildRequirement> = requirements.iter().collect();
        self.holds.iter().all(|held| wanted.contains(held))
    }

    /// Its Python, with the right variables.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.python);
        self.variables.apply_to(&mut command);
        command
    }
}

impl Workshop<'_> {
    /// Makes an environment without anything in it but, where there is no other way, pip.
    fn create(&self, folder: &Path) -> Result<(), Error> {
        let python = &self.interpreter.executable;
        let mut command;
        let tool = match &self.installer {
            Installer::Uv(uv) => {
                command = Command::new(uv);
                command.args(["venv", "--no-project", "--python"]);
                command.arg(python);
                "uv"
            }
            Installer::Pip => {
                if !self.interpreter.can_lend_pip() && !self.interpreter.has_ensurepip() {
                    return Err(Error::NoPip {
                        python: python.clone(),
                    });
                }
                command = Command::new(python);
                command.args(["-Im", "venv"]);
                if self.interpreter.can_lend_pip() {
                    // Unpacking a pip for each environment would take seconds.
                    command.arg("--without-pip");
                }
                "venv"
            }
        };
        self.variables.inside(folder).apply_to(&mut command);
        // The new environment is not active while it does not exist.
        command.env_remove("VIRTUAL_ENV").arg(folder);
        let finished = self.run(command, tool)?;
        if !finished.status.success() {
            return Err(Error::EnvironmentFailed {
                tool,
                reason: last_words(&finished),
                transcript: finished.transcript,
            });
        }
        self.remove_bundled_setuptools(folder)
    }

    /// Before Python 3.12 a pip comes with an old setuptools, which would then pass for the one that is required.
    fn remove_bundled_setuptools(&self, folder: &Path) -> Result<(), Error> {
        if self.installer != Installer::Pip || self.interpreter.can_lend_pip() {
            return Ok(());
        }
        let mut command = Command::new(folder.join("bin/python"));
        self.variables.inside(folder).apply_to(&mut command);
        command.args(["-Im", "pip", "uninstall", "--yes", "--quiet", "setuptools"]);
        self.run(command, "pip").map(drop)
    }

    fn install(
        &self,
        environment: &BuildEnvironment,
        requirements: &[BuildRequirement],
    ) -> Result<(), Error> {
        let list = self.folder.join("requirements.txt");
        let lines: String = requirements
            .iter()
            .map(|requirement| format!("{requirement}\n"))
            .collect();
        fs::write(&list, lines).map_err(Error::system("write a temporary file"))?;
        let mut command = match &self.installer {
            Installer::Uv(uv) => {
                let mut command = Command::new(uv);
                command
                    .args(["pip", "install", "--python"])
                    .arg(&environment.python);
                command
            }
            Installer::Pip => {
                let mut command;
                if self.interpreter.can_lend_pip() {
                    command = Command::new(&self.interpreter.executable);
                    command.args(["-Im", "pip", "--python"]).arg(&environment.python);
                } else {
                    command = Command::new(&environment.python);
                    command.args(["-Im", "pip"]);
                }
                command.args([
                    "install",
                    "--no-input",
                    "--use-pep517",
                    "--no-warn-script-location",
                ]);
                // Most of what is installed is never imported.
                command.arg("--no-compile");
                command
            }
        };
        command.arg("--requirement").arg(&list);
        environment.variables.apply_to(&mut command);
        let installer = self.installer.name();
        let finished = self.run(command, installer)?;
        if finished.status.success() {
            return Ok(());
        }
        Err(Error::InstallFailed {
            installer,
            requirements: listed(requirements),
            reason: last_words(&finished),
            transcript: finished.transcript,
        })
    }

    fn run(&self, command: Command, program: &str) -> Result<Finished, Error> {
        self.supervisor.run(command).map_err(|error| match error {
            RunError::Interrupted => Error::Interrupted,
            RunError::Io(source) => Error::system(format!("run `{program}`"))(source),
        })
    }
}

/// What an installer said last: from its last block of `ERROR:` lines on when there is one, else its last lines,
/// else how it ended.
fn last_words(finished: &Finished) -> Reason {
    let lines = finished.transcript.last_lines(12);
    let is_error = |line: &String| line.to_ascii_lowercase().starts_with("error:");
    let start = lines
        .iter()
        .position(is_error)
        .unwrap_or(lines.len().saturating_sub(4));
    let said: Vec<&str> = lines[start..]
        .iter()
        .map(|line| {
            if is_error(line) {
                line["error:".len()..].trim_start()
            } else {
                line
            }
        })
        .take(6)
        .collect();
    if said.is_empty() {
        return Reason(finished.status.to_string());
    }
    Reason(said.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pep517::Interrupt;

    #[test]
    fn the_last_words_of_an_installer_are_its_errors() {
        let said = |text: &str| {
            let interrupt = Interrupt::default();
            let supervisor = Supervisor {
                interrupt: &interrupt,
                watcher: &|_| (),
            };
            let mut command = Command::new("/bin/sh");
            command.args(["-c", "printf \"$0\"; exit 1", text]);
            last_words(&supervisor.run(command).unwrap()).0
        };
        assert_eq!(
            said("Looking\nERROR: none of it\nERROR: no match\n"),
            "none of it\nno match"
        );
        assert_eq!(
            said("Using x\nerror: no way\n  cause: because\n"),
            "no way\n  cause: because"
        );
        assert_eq!(said("1\n2\n3\n4\nérr\n"), "2\n3\n4\nérr");
        assert_eq!(said(""), "exit status: 1");
    }

    #[test]
    fn an_environment_may_grow_but_not_shrink() {
        let requirement = |text: &str| BuildRequirement::parse(text).unwrap();
        let environment = BuildEnvironment {
            python: PathBuf::new(),
            variables: Variables::without_credentials(std::iter::empty()),
            holds: BTreeSet::from([requirement("a"), requirement("b")]),
        };
        assert!(environment.can_become(&[requirement("b"), requirement("a")]));
        assert!(environment.can_become(&[requirement("b"), requirement("a"), requirement("c")]));
        assert!(!environment.can_become(&[requirement("a")]));
    }
}
