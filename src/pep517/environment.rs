//! The environment that a backend runs in: an isolated one that holds what the build asked for and nothing else,
//! or, without isolation, the interpreter's own.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::cache::{Checkout, EnvironmentCache, KeyParts, Lease};
use super::error::{Error, Reason};
use super::index_settings::IndexSettings;
use super::interpreter::{Interpreter, OwnPip, programs_on_path};
use super::process::{Finished, RunError, Supervisor};
use super::progress::{Step, listed};
use super::runner::Runner;
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
    pub(crate) choice: InstallerChoice,
    /// Looked for when the first environment is made: a build that finds a kept one needs none.
    pub(crate) tools: OnceCell<Tools>,
    pub(crate) indexes: &'a IndexSettings,
    pub(crate) cache: Option<&'a EnvironmentCache>,
    /// The user's variables without the credentials for publishing.
    pub(crate) variables: &'a Variables,
    pub(crate) supervisor: &'a Supervisor<'a>,
    /// Environments that are not kept are made below this folder.
    pub(crate) folder: &'a Path,
}

/// What environments are made with.
#[derive(Debug)]
pub(crate) struct Tools {
    installer: Installer,
    own_pip: OwnPip,
}

/// An environment that a backend can run in.
#[derive(Debug)]
pub(crate) struct BuildEnvironment {
    /// The interpreter inside.
    pub(crate) python: PathBuf,
    /// The variables of what runs inside.
    pub(crate) variables: Variables,
    holds: BTreeSet<BuildRequirement>,
    /// Has the backend of the last hook imported. It goes before the lease does.
    pub(crate) runner: RefCell<Option<Runner>>,
    /// Kept for other builds too, so that nothing may be added to it.
    lease: Option<Lease>,
}

impl BuildEnvironment {
    /// The interpreter's own environment, as it is.
    pub(crate) fn unisolated(interpreter: &Interpreter, variables: &Variables) -> Self {
        Self {
            python: interpreter.executable.clone(),
            variables: variables.clone(),
            holds: BTreeSet::new(),
            runner: RefCell::default(),
            lease: None,
        }
    }

    /// One in a folder of its own.
    fn in_folder(folder: &Path, workshop: &Workshop<'_>) -> Self {
        Self {
            python: folder.join("bin/python"),
            variables: workshop.variables.inside(folder),
            holds: BTreeSet::new(),
            runner: RefCell::default(),
            lease: None,
        }
    }

    /// Whether it is as it was made. One that is not kept is the build's own business.
    pub(crate) fn is_untouched(&self) -> bool {
        self.lease.as_ref().is_none_or(Lease::is_untouched)
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
        // It may have imported what is replaced now.
        self.runner.take();
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
            && (self.lease.is_none() || self.holds_all(requirements))
    }

    /// Its Python, with the right variables.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.python);
        self.variables.apply_to(&mut command);
        command
    }
}

impl Workshop<'_> {
    /// An environment that holds `requirements` and what they need: a kept one where there is one and it may be used,
    /// else a new one, which is kept for the next build if it may. `name` is that of the folder of one that is not.
    pub(crate) fn environment(
        &self,
        requirements: &[BuildRequirement],
        name: &str,
    ) -> Result<BuildEnvironment, Error> {
        if let Some(cache) = self.cache
            && let Some(environment) = self.kept_environment(cache, requirements)?
        {
            return Ok(environment);
        }
        self.new_environment(&self.folder.join(name), requirements)
    }

    /// `None` when none can be kept for these requirements, or not now.
    fn kept_environment(
        &self,
        cache: &EnvironmentCache,
        requirements: &[BuildRequirement],
    ) -> Result<Option<BuildEnvironment>, Error> {
        let parts = KeyParts {
            interpreter: self.interpreter,
            installer: self.choice,
            indexes: self.indexes,
            variables: self.variables,
            requirements,
        };
        let Some(key) = parts.key() else { return Ok(None) };
        let unusable = |error: io::Error| {
            let (folder, reason) = (cache.folder(), &error.to_string());
            self.supervisor.begin(&Step::CacheUnusable { folder, reason });
        };
        let mut is_new = false;
        // Twice, since another build may remove what this one has made, before it is checked out.
        for _ in 0..2 {
            match cache.check_out(&key, self.supervisor.interrupt) {
                Ok(Checkout::Ready(lease)) => {
                    if !is_new {
                        self.supervisor.begin(&Step::ReuseEnvironment {
                            interpreter: self.interpreter,
                            requirements,
                        });
                    }
                    let mut environment = BuildEnvironment::in_folder(&lease.folder, self);
                    environment.holds.extend(requirements.iter().cloned());
                    environment.lease = Some(lease);
                    return Ok(Some(environment));
                }
                Ok(Checkout::Missing(making)) => {
                    self.new_environment(&making.folder, requirements)?;
                    is_new = true;
                    if let Err(error) = making.finish(&parts) {
                        unusable(error);
                        return Ok(None);
                    }
                    // What is too much goes while time was spent anyway; it is no failure of this build if it stays.
                    let _ = cache.prune_beside(&key);
                }
                Ok(Checkout::Busy) => return Ok(None),
                Err(_) if self.supervisor.interrupt.is_set() => return Err(Error::Interrupted),
                Err(error) => {
                    unusable(error);
                    return Ok(None);
                }
            }
        }
        Ok(None)
    }

    fn new_environment(
        &self,
        folder: &Path,
        requirements: &[BuildRequirement],
    ) -> Result<BuildEnvironment, Error> {
        self.supervisor.begin(&Step::CreateEnvironment {
            interpreter: self.interpreter,
            installer: &self.tools()?.installer,
        });
        self.create(folder)?;
        let mut environment = BuildEnvironment::in_folder(folder, self);
        environment.add(self, requirements)?;
        Ok(environment)
    }

    fn tools(&self) -> Result<&Tools, Error> {
        if let Some(tools) = self.tools.get() {
            return Ok(tools);
        }
        let installer = Installer::choose(self.choice, self.variables, self.supervisor)?;
        let own_pip = match installer {
            Installer::Uv(_) => OwnPip::default(),
            Installer::Pip => self.interpreter.own_pip(self.variables, self.supervisor)?,
        };
        Ok(self.tools.get_or_init(|| Tools { installer, own_pip }))
    }

    /// Makes an environment without anything in it but, where there is no other way, pip.
    fn create(&self, folder: &Path) -> Result<(), Error> {
        let python = &self.interpreter.executable;
        let Tools { installer, own_pip } = self.tools()?;
        let mut command;
        let tool = match installer {
            Installer::Uv(uv) => {
                command = Command::new(uv);
                // The folder is there already: it was made so that nobody else takes its name.
                command.args(["venv", "--no-project", "--allow-existing", "--python"]);
                command.arg(python);
                "uv"
            }
            Installer::Pip => {
                if !own_pip.can_lend() && !own_pip.has_ensurepip() {
                    return Err(Error::NoPip {
                        python: python.clone(),
                    });
                }
                command = Command::new(python);
                command.args(["-Im", "venv"]);
                if own_pip.can_lend() {
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
        let Tools { installer, own_pip } = self.tools()?;
        if *installer != Installer::Pip || own_pip.can_lend() {
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
        let Tools { installer, own_pip } = self.tools()?;
        let mut command = match installer {
            Installer::Uv(uv) => {
                let mut command = Command::new(uv);
                command
                    .args(["pip", "install", "--python"])
                    .arg(&environment.python);
                command
            }
            Installer::Pip => {
                let mut command;
                if own_pip.can_lend() {
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
        if let Installer::Uv(_) = installer {
            self.indexes.apply_to_uv(&mut command, self.variables);
        }
        let installer = installer.name();
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
            runner: RefCell::default(),
            lease: None,
        };
        assert!(environment.can_become(&[requirement("b"), requirement("a")]));
        assert!(environment.can_become(&[requirement("b"), requirement("a"), requirement("c")]));
        assert!(!environment.can_become(&[requirement("a")]));
    }
}
