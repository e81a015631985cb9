//! How an environment is made, and how something is installed into it: the commands that uv, venv and pip are given.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::environment::BuildEnvironment;
use super::error::{Error, Reason};
use super::installer::Installer;
use super::process::{Finished, RunError};
use super::progress::listed;
use super::workshop::{Tools, Workshop};
use crate::packaging::pyproject::BuildRequirement;

impl Workshop<'_> {
    /// Makes an environment without anything in it but, where there is no other way, pip.
    pub(super) fn create(&self, folder: &Path) -> Result<(), Error> {
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

    pub(super) fn install(
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
    use crate::pep517::process::Supervisor;

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
}
