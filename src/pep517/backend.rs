//! Calls a build backend's hooks, each in a process that no other hook has touched, as PEP 517 wants it.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::environment::BuildEnvironment;
use super::error::{Error, Reason};
use super::process::{Finished, RunError, Supervisor, Transcript};
use super::progress::Step;
use super::runner::Runner;
use crate::packaging::DistFilename;
use crate::packaging::filename::SdistFormat;
use crate::packaging::pyproject::{BackendReference, BuildRequirement};

/// What the user tells the backend: a text for each key, or a list where a key came several times.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct ConfigSettings(BTreeMap<String, Setting>);

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
enum Setting {
    One(String),
    Many(Vec<String>),
}

impl ConfigSettings {
    /// Adds a value; a key's second value turns it into a list.
    pub fn add(&mut self, key: &str, value: &str) {
        let value = value.to_owned();
        match self.0.get_mut(key) {
            None => {
                self.0.insert(key.to_owned(), Setting::One(value));
            }
            Some(Setting::Many(values)) => values.push(value),
            Some(setting) => {
                let Setting::One(first) = std::mem::replace(setting, Setting::Many(Vec::new())) else {
                    return;
                };
                *setting = Setting::Many(vec![first, value]);
            }
        }
    }

    fn to_argument(&self) -> Value {
        if self.0.is_empty() {
            return Value::Null;
        }
        json!(self)
    }
}

/// What a backend builds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A source distribution, `.tar.gz`.
    Sdist,
    /// A wheel.
    Wheel,
}

impl Kind {
    pub(crate) fn requirements_hook(self) -> &'static str {
        match self {
            Self::Sdist => "get_requires_for_build_sdist",
            Self::Wheel => "get_requires_for_build_wheel",
        }
    }

    fn build_hook(self) -> &'static str {
        match self {
            Self::Sdist => "build_sdist",
            Self::Wheel => "build_wheel",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sdist => "an sdist",
            Self::Wheel => "a wheel",
        })
    }
}

/// A project's backend, ready to be called.
pub(crate) struct Backend<'a> {
    pub(crate) reference: &'a BackendReference,
    /// The project: the hooks' working folder.
    pub(crate) project: &'a Path,
    pub(crate) settings: &'a ConfigSettings,
    pub(crate) supervisor: &'a Supervisor<'a>,
    /// Calls and results are exchanged below this folder.
    pub(crate) scratch: &'a Path,
}

/// What the hook runner writes.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Returned(Value),
    NoBackend(String),
    NoHook(#[allow(dead_code, reason = "the hook's name is known to the caller")] String),
    Unsupported(String),
    Failed(String),
}

impl Backend<'_> {
    /// What the backend needs beyond the table's `requires` to build `kind`.
    pub(crate) fn requirements_for(
        &self,
        kind: Kind,
        environment: &BuildEnvironment,
    ) -> Result<Vec<BuildRequirement>, Error> {
        let hook = kind.requirements_hook();
        self.supervisor.begin(&Step::AskRequirements { kind });
        let Some(value) = self.call(hook, &json!([self.settings.to_argument()]), environment)? else {
            return Ok(Vec::new());
        };
        let texts: Vec<String> = serde_json::from_value(value.clone()).map_err(|_| Error::WrongAnswer {
            hook,
            expected: "a list of texts",
            found: value.to_string(),
        })?;
        texts
            .iter()
            .map(|text| {
                BuildRequirement::parse(text).map_err(|source| Error::InvalidRequirement { hook, source })
            })
            .collect()
    }

    /// Builds `kind` into the folder `into`, and gives the file's name, which is there.
    pub(crate) fn build(
        &self,
        kind: Kind,
        environment: &BuildEnvironment,
        into: &Path,
    ) -> Result<DistFilename, Error> {
        let hook = kind.build_hook();
        fs::create_dir_all(into).map_err(Error::system("create a temporary folder"))?;
        let into_text = into.to_str().ok_or_else(|| {
            let not_unicode = std::io::Error::other("its path is not Unicode");
            Error::system("use the temporary folder")(not_unicode)
        })?;
        let arguments = match kind {
            Kind::Sdist => json!([into_text, self.settings.to_argument()]),
            Kind::Wheel => json!([into_text, self.settings.to_argument(), null]),
        };
        let value = self
            .call(hook, &arguments, environment)?
            .ok_or_else(|| Error::HookMissing {
                backend: self.reference.entry_point.to_string(),
                hook,
            })?;
        let text = value.as_str().ok_or_else(|| Error::WrongAnswer {
            hook,
            expected: "a file's name",
            found: value.to_string(),
        })?;
        let filename = parse_artifact(kind, text)?;
        // A link could lead anywhere, also to a file that is gone with the environment.
        let made =
            fs::symlink_metadata(into.join(filename.as_str())).is_ok_and(|metadata| metadata.is_file());
        if !made {
            return Err(Error::ArtifactMissing {
                hook,
                filename: text.to_owned(),
            });
        }
        Ok(filename)
    }

    /// Calls a hook; `None` when the backend has none of this name.
    fn call(
        &self,
        hook: &'static str,
        arguments: &Value,
        environment: &BuildEnvironment,
    ) -> Result<Option<Value>, Error> {
        let folder = self.write_call(hook, arguments)?;
        let finished = self.ask(folder.path(), environment)?;
        let Some(answer) = read_answer(folder.path()) else {
            return Err(died(hook, finished));
        };
        self.judge(hook, answer, finished.transcript)
    }

    /// Has the call in `folder` answered by the environment's runner, which is started where there is none of use.
    fn ask(&self, folder: &Path, environment: &BuildEnvironment) -> Result<Finished, Error> {
        let failed = |error| match error {
            RunError::Interrupted => Error::Interrupted,
            RunError::Io(source) => Error::system(format!("run `{}`", environment.python.display()))(source),
        };
        let mut slot = environment.runner.borrow_mut();
        let fitting = slot
            .take()
            .filter(|runner| runner.serves(self.reference, self.project));
        let mut runner = match fitting {
            Some(runner) => runner,
            None => self.start_runner(environment)?,
        };
        let (finished, is_of_use) = runner.call(folder, self.supervisor).map_err(failed)?;
        *slot = Some(runner).filter(|_| is_of_use);
        Ok(finished)
    }

    fn start_runner(&self, environment: &BuildEnvironment) -> Result<Runner, Error> {
        if self.supervisor.interrupt.is_set() {
            return Err(Error::Interrupted);
        }
        let folders = self.backend_folders()?;
        Runner::start(
            environment.command(),
            self.reference,
            self.project,
            &folders,
            environment.is_kept(),
            self.scratch,
        )
        .map_err(Error::system(format!("run `{}`", environment.python.display())))
    }

    fn judge(
        &self,
        hook: &'static str,
        answer: Answer,
        transcript: Transcript,
    ) -> Result<Option<Value>, Error> {
        match answer {
            Answer::Returned(value) => Ok(Some(value)),
            Answer::NoHook(_) => Ok(None),
            Answer::NoBackend(reason) => Err(Error::BackendMissing {
                backend: self.reference.entry_point.to_string(),
                reason: Reason(reason),
                transcript,
            }),
            Answer::Unsupported(reason) => Err(Error::Unsupported {
                hook,
                reason: Reason(reason),
                transcript,
            }),
            Answer::Failed(reason) => Err(Error::HookFailed {
                hook,
                reason: Reason(reason),
                transcript,
            }),
        }
    }

    /// A new folder with what is to be called.
    fn write_call(&self, hook: &str, arguments: &Value) -> Result<tempfile::TempDir, Error> {
        let call = json!({
            "hook": hook,
            "arguments": arguments,
            // As bytes, since it need not be Unicode.
            "project": self.project.as_os_str().as_bytes(),
        });
        let write = || {
            let folder = tempfile::Builder::new()
                .prefix("hook-")
                .tempdir_in(self.scratch)?;
            fs::write(folder.path().join("call.json"), call.to_string())?;
            Ok(folder)
        };
        write().map_err(Error::system("write a temporary file"))
    }

    fn backend_folders(&self) -> Result<Vec<PathBuf>, Error> {
        let folders = self.reference.paths.iter().map(|relative| {
            let folder = self.project.join(&**relative);
            if !folder.is_dir() {
                return Err(Error::BackendFolder {
                    folder: (**relative).into(),
                });
            }
            // A link may not lead out of the project either.
            match (folder.canonicalize(), self.project.canonicalize()) {
                (Ok(real), Ok(project)) if real.starts_with(&project) => Ok(real),
                _ => Err(Error::BackendFolder {
                    folder: (**relative).into(),
                }),
            }
        });
        folders.collect()
    }
}

/// Takes a name that is plain and of the right kind.
fn parse_artifact(kind: Kind, text: &str) -> Result<DistFilename, Error> {
    let (hook, expected) = (kind.build_hook(), kind);
    let filename: DistFilename = text.parse().map_err(|source| Error::InvalidName {
        hook,
        expected: if expected == Kind::Sdist {
            "an sdist"
        } else {
            "a wheel"
        },
        source,
    })?;
    let fits = match &filename {
        DistFilename::Sdist(sdist) => kind == Kind::Sdist && sdist.format == SdistFormat::TarGz,
        DistFilename::Wheel(_) => kind == Kind::Wheel,
        DistFilename::Legacy(_) => false,
    };
    if fits {
        return Ok(filename);
    }
    Err(Error::WrongAnswer {
        hook,
        expected: match kind {
            Kind::Sdist => "the name of a `.tar.gz`",
            Kind::Wheel => "the name of a `.whl`",
        },
        found: format!("`{filename}`"),
    })
}

fn read_answer(folder: &Path) -> Option<Answer> {
    let text = fs::read(folder.join("result.json")).ok()?;
    serde_json::from_slice(&text).ok()
}

/// A process that was killed, or that left by a back door such as `os._exit`.
fn died(hook: &'static str, finished: Finished) -> Error {
    let mut reason = finished.status.to_string();
    if let Some(last) = finished.transcript.last_lines(1).pop() {
        reason = format!("{reason}; its last line was: {last}");
    }
    Error::HookDied {
        hook,
        reason: Reason(reason),
        transcript: finished.transcript,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_setting_becomes_a_list() {
        let mut settings = ConfigSettings::default();
        assert_eq!(settings.to_argument(), Value::Null);
        for (key, value) in [("a", "1"), ("b", ""), ("c", "1"), ("c", "2"), ("c", "3")] {
            settings.add(key, value);
        }
        assert_eq!(
            settings.to_argument(),
            json!({"a": "1", "b": "", "c": ["1", "2", "3"]})
        );
    }

    #[test]
    fn a_backend_can_not_name_a_file_elsewhere_or_of_another_kind() {
        let cases = [
            (Kind::Wheel, "../a-1.0-py3-none-any.whl"),
            (Kind::Wheel, "/tmp/a-1.0-py3-none-any.whl"),
            (Kind::Wheel, "a-1.0.tar.gz"),
            (Kind::Wheel, "a.whl"),
            (Kind::Wheel, ""),
            (Kind::Sdist, "a-1.0-py3-none-any.whl"),
            (Kind::Sdist, "a-1.0.zip"),
            (Kind::Sdist, "a.tar.gz"),
        ];
        for (kind, name) in cases {
            assert!(parse_artifact(kind, name).is_err(), "{name}");
        }
        assert!(parse_artifact(Kind::Sdist, "A.B-1.0.tar.gz").is_ok());
        assert!(parse_artifact(Kind::Wheel, "a-1.0-py3-none-any.whl").is_ok());
    }
}
