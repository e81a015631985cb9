//! The direct call: `python setup.py sdist bdist_wheel`, as many a guide has it, in the interpreter's own environment.
//!
//! There is no isolation here and no backend: what `setup.py` imports must be installed, and setuptools leaves its
//! `build` and `*.egg-info` folders in the project, as it does when it is called by hand. Only the distributions go
//! to a private folder first, so that they are verified before anybody sees them.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::backend::Kind;
use super::delivery::Staged;
use super::error::{Error, Reason};
use super::interpreter::Interpreter;
use super::process::{Finished, RunError, Supervisor, Transcript};
use super::progress::Step;
use super::variables::Variables;
use crate::packaging::DistFilename;

/// How `setup.py` is called.
pub(crate) struct SetupPy<'a> {
    pub(crate) interpreter: &'a Interpreter,
    pub(crate) variables: &'a Variables,
    pub(crate) supervisor: &'a Supervisor<'a>,
}

impl SetupPy<'_> {
    /// Runs the script of the project in `folder` for all of `kinds` at once, and gives what lies in `into` then, in
    /// the order of `kinds`; not verified yet.
    pub(crate) fn build(&self, folder: &Path, kinds: &[Kind], into: &Path) -> Result<Vec<Staged>, Error> {
        if !folder.join("setup.py").is_file() {
            return Err(Error::NoSetupPy {
                folder: folder.to_owned(),
            });
        }
        fs::create_dir_all(into).map_err(Error::system("create a temporary folder"))?;
        let commands: Vec<&str> = kinds.iter().map(|kind| command_for(*kind)).collect();
        let commands = commands.join(" ");
        self.supervisor.begin(&Step::SetupPy {
            interpreter: self.interpreter,
            commands: &commands,
        });
        let finished = self.run(folder, kinds, into)?;
        if !finished.status.success() {
            return Err(self.failure(&commands, finished));
        }
        let mut made = files_in(into)?;
        let staged = kinds
            .iter()
            .map(|kind| take(*kind, &mut made, into))
            .collect::<Result<Vec<_>, _>>()?;
        match made.first() {
            None => Ok(staged),
            Some(surplus) => Err(Error::SetupPyMade {
                found: format!("`{surplus}` too"),
                expected: "nothing else",
            }),
        }
    }

    fn run(&self, folder: &Path, kinds: &[Kind], into: &Path) -> Result<Finished, Error> {
        let mut command = Command::new(&self.interpreter.executable);
        self.variables.apply_to(&mut command);
        command.arg("setup.py").current_dir(folder);
        for kind in kinds {
            command.args([command_for(*kind), "--dist-dir"]).arg(into);
        }
        self.supervisor.run(command).map_err(|error| match error {
            RunError::Interrupted => Error::Interrupted,
            RunError::Io(source) => {
                let program = self.interpreter.executable.display();
                Error::system(format!("run `{program}`"))(source)
            }
        })
    }

    fn failure(&self, commands: &str, finished: Finished) -> Error {
        let Finished { status, transcript } = finished;
        match missing(&transcript) {
            Some(missing) => Error::SetupPyLacks {
                python: self.interpreter.executable.clone(),
                version: self.interpreter.to_string(),
                missing,
            },
            None => Error::SetupPyFailed {
                commands: commands.to_owned(),
                reason: Reason(
                    transcript
                        .last_lines(1)
                        .pop()
                        .unwrap_or_else(|| status.to_string()),
                ),
                transcript,
            },
        }
    }
}

fn command_for(kind: Kind) -> &'static str {
    match kind {
        Kind::Sdist => "sdist",
        Kind::Wheel => "bdist_wheel",
    }
}

/// What the interpreter has not got, by the last words of a `setup.py` that failed.
fn missing(transcript: &Transcript) -> Option<&'static str> {
    let last = transcript.last_lines(1).pop()?;
    let lacks = |module: &str| last.contains(&format!("No module named '{module}"));
    // Since Python 3.12 it is setuptools that brings distutils along.
    if ["setuptools'", "distutils", "pkg_resources'"]
        .into_iter()
        .any(lacks)
    {
        return Some("setuptools");
    }
    // Before its version 70.1 setuptools has the command from the wheel package.
    (lacks("wheel'") || last.contains("invalid command 'bdist_wheel'")).then_some("wheel")
}

/// The names of what lies in the folder, sorted.
fn files_in(folder: &Path) -> Result<Vec<String>, Error> {
    let list = || {
        let mut names = Vec::new();
        for entry in fs::read_dir(folder)? {
            names.push(entry?.file_name().to_string_lossy().into_owned());
        }
        names.sort();
        Ok(names)
    };
    list().map_err(Error::system("read what was built"))
}

/// Takes the one distribution of that kind out of `made`.
fn take(kind: Kind, made: &mut Vec<String>, folder: &Path) -> Result<Staged, Error> {
    let fitting = made.iter().enumerate().find_map(|(at, name)| {
        let filename: DistFilename = name.parse().ok()?;
        let fits = matches!(
            (&filename, kind),
            (DistFilename::Sdist(_), Kind::Sdist) | (DistFilename::Wheel(_), Kind::Wheel)
        );
        // A link could lead anywhere.
        let is_file = fs::symlink_metadata(folder.join(name)).is_ok_and(|metadata| metadata.is_file());
        (fits && is_file).then_some((at, filename))
    });
    let Some((at, filename)) = fitting else {
        return Err(Error::SetupPyMade {
            found: made
                .first()
                .map_or_else(|| "nothing".to_owned(), |name| format!("`{name}`")),
            expected: match kind {
                Kind::Sdist => "an sdist",
                Kind::Wheel => "a wheel",
            },
        });
    };
    let path = folder.join(made.remove(at));
    Ok(Staged { filename, path })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_words_tell_what_is_missing() {
        let missing = |last: &str| {
            let mut transcript = Transcript::default();
            transcript.push(b"Traceback (most recent call last):\n");
            transcript.push(last.as_bytes());
            missing(&transcript)
        };
        for (last, expected) in [
            (
                "ModuleNotFoundError: No module named 'setuptools'\n",
                Some("setuptools"),
            ),
            (
                "ModuleNotFoundError: No module named 'distutils'",
                Some("setuptools"),
            ),
            (
                "ModuleNotFoundError: No module named 'distutils.core'",
                Some("setuptools"),
            ),
            ("ImportError: No module named 'pkg_resources'", Some("setuptools")),
            ("error: invalid command 'bdist_wheel'\n", Some("wheel")),
            ("ModuleNotFoundError: No module named 'wheel'", Some("wheel")),
            ("ModuleNotFoundError: No module named 'setuptools_scm'", None),
            ("ModuleNotFoundError: No module named 'wheels'", None),
            ("ValueError: no", None),
            ("", None),
        ] {
            assert_eq!(missing(last), expected, "{last}");
        }
    }

    #[test]
    fn what_was_made_is_taken_by_its_kind() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a-1.0.tar.gz", "a-1.0-py3-none-any.whl", "a-1.0-py3.11.egg"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let mut made = files_in(folder.path()).unwrap();
        let sdist = take(Kind::Sdist, &mut made, folder.path()).unwrap();
        assert_eq!(sdist.filename.as_str(), "a-1.0.tar.gz");
        let wheel = take(Kind::Wheel, &mut made, folder.path()).unwrap();
        assert_eq!(wheel.path, folder.path().join("a-1.0-py3-none-any.whl"));
        assert_eq!(made, ["a-1.0-py3.11.egg"]);
        let error = take(Kind::Wheel, &mut made, folder.path()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`setup.py` made `a-1.0-py3.11.egg`, and a wheel was expected"
        );
    }
}
