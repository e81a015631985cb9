//! What the user sees when a command fails: the headline, the chain of causes, one remedy, and the exit code.
//!
//! Every translation from a room's error to a message for a person is in this file, so that headline and remedy
//! of any failure are found in one place. Rooms describe what went wrong; only here is decided what to advise.

use std::error::Error;
use std::fmt::Write as _;
use std::process::ExitCode;

use crate::index;
use crate::pep517::{self, PythonRequest};

/// A command's failure, ready to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    kind: Kind,
    headline: String,
    causes: Vec<String>,
    hint: Option<String>,
}

/// Decides the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The work could not be done: exit code 1.
    Failed,
    /// The words or settings make no sense: exit code 2.
    Usage,
    /// The user pressed Ctrl-C: exit code 130, as shells expect.
    Interrupted,
}

impl Failure {
    /// The work could not be done; `headline` names the object and what failed.
    #[must_use]
    pub fn new(headline: impl Into<String>) -> Self {
        Self {
            kind: Kind::Failed,
            headline: headline.into(),
            causes: Vec::new(),
            hint: None,
        }
    }

    /// The arguments or settings make no sense.
    #[must_use]
    pub fn usage(headline: impl Into<String>) -> Self {
        Self {
            kind: Kind::Usage,
            ..Self::new(headline)
        }
    }

    /// The user stopped the command; `headline` says what state things are in now.
    #[must_use]
    pub fn interrupted(headline: impl Into<String>) -> Self {
        Self {
            kind: Kind::Interrupted,
            ..Self::new(headline)
        }
    }

    /// A failure whose headline is the error's own text and whose causes are its sources.
    #[must_use]
    pub fn from_error(error: &(dyn Error + 'static)) -> Self {
        Self::new(error.to_string()).caused_by_sources(error)
    }

    /// Adds `error` and its sources to the causes.
    #[must_use]
    pub fn caused_by(mut self, error: &(dyn Error + 'static)) -> Self {
        self.causes.push(error.to_string());
        self.caused_by_sources(error)
    }

    /// The one thing to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    fn caused_by_sources(mut self, error: &(dyn Error + 'static)) -> Self {
        let mut next = error.source();
        while let Some(cause) = next {
            self.causes.push(cause.to_string());
            next = cause.source();
        }
        self
    }

    /// What the process exits with.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        match self.kind {
            Kind::Failed => ExitCode::from(1),
            Kind::Usage => ExitCode::from(2),
            Kind::Interrupted => ExitCode::from(130),
        }
    }

    /// The text for stderr: `error:`, `caused by:`, `hint:`; each on lines of its own, with a final line end.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = String::new();
        // Writing to a String can't fail.
        let _ = writeln!(text, "error: {}", indent(&self.headline));
        for cause in &self.causes {
            let _ = writeln!(text, "caused by: {}", indent(cause));
        }
        if let Some(hint) = &self.hint {
            let _ = writeln!(text, "hint: {}", indent(hint));
        }
        text
    }
}

/// Lines after the first are set in, so that a message of several lines stays one block.
fn indent(message: &str) -> String {
    message.trim_end().replace('\n', "\n  ")
}

// ---- storage, catalog, index ----

impl From<index::Error> for Failure {
    fn from(error: index::Error) -> Self {
        match error {
            index::Error::Catalog(error) => error.into(),
            index::Error::Store(error) => error.into(),
            index::Error::Unsteady(_) | index::Error::Task(_) => {
                Self::from_error(&error).hint("start it again")
            }
        }
    }
}

// Passwords, prompts and the user's own files.

impl From<crate::terminal::prompt::PromptError> for Failure {
    fn from(error: crate::terminal::prompt::PromptError) -> Self {
        use crate::terminal::prompt::PromptError;
        match error {
            PromptError::NoTerminal { ref instead, .. } => {
                Self::usage(error.to_string()).hint(instead.clone())
            }
            PromptError::Interrupted => Self::interrupted("interrupted; nothing was written"),
            PromptError::Mismatch => Self::from_error(&error).hint("try again"),
            PromptError::Terminal(_) | PromptError::Stdin(_) => {
                Self::from_error(&error).hint("set PKGCTL_PASSWORD, or pipe the password to --password-stdin")
            }
        }
    }
}

impl From<crate::auth::scheme::MakeError> for Failure {
    fn from(error: crate::auth::scheme::MakeError) -> Self {
        use crate::auth::scheme::MakeError;
        let hint = match error {
            MakeError::TooLong { .. } => "choose a shorter one; 72 bytes are enough for any password",
            MakeError::Nul => "choose one without it",
            MakeError::Bcrypt(_) => "try again",
        };
        Self::new("can't store the password").caused_by(&error).hint(hint)
    }
}

impl From<crate::config::dotfile::DotfileError> for Failure {
    fn from(error: crate::config::dotfile::DotfileError) -> Self {
        use crate::config::dotfile::DotfileError;
        let hint = match error {
            DotfileError::Read { .. } => "check that you may read it and the folders above it",
            DotfileError::Write { .. } => {
                "check that you may write into its folder and that the disk is not full"
            }
            DotfileError::NotAFile { .. } => "name a file",
            DotfileError::Owner { .. } => "run the command as the owner of the file",
            DotfileError::Appeared { .. } => "run the command again",
        };
        Self::from_error(&error).hint(hint)
    }
}

impl From<crate::auth::Error> for Failure {
    fn from(error: crate::auth::Error) -> Self {
        use crate::auth::Error;
        let hint = match &error {
            Error::Missing { .. } => "make it with `pkgctl adduser NAME --file FILE`, or name another one",
            Error::Unreadable { .. } => "check that the server's user may read it",
            Error::TooLarge { .. } => "name a passwords file; this is none",
            Error::NotUtf8 { .. } | Error::Malformed { .. } => {
                "mend or remove that line; `pkgctl adduser NAME` writes a sound one"
            }
            Error::NoUsers { warnings, .. } => {
                let mut failure =
                    Self::from_error(&error).hint("add a user with `pkgctl adduser NAME --file FILE`");
                failure.causes.extend(warnings.iter().map(ToString::to_string));
                return failure;
            }
            Error::Randomness(_) => "try again",
        };
        Self::from_error(&error).hint(hint)
    }
}

impl From<crate::auth::policy::PolicyError> for Failure {
    fn from(error: crate::auth::policy::PolicyError) -> Self {
        use crate::auth::policy::PolicyError;
        let hint = match error {
            PolicyError::OpenButProtected { .. } => {
                "use `-P . -a .` to let everybody in, or name a file with -P"
            }
            PolicyError::ProtectedByNothing => "use `-P . -a .` to let everybody in, or leave `-a .` out",
        };
        Self::usage(error.to_string()).hint(hint)
    }
}

// Storage and catalog.

impl From<crate::storage::Error> for Failure {
    fn from(error: crate::storage::Error) -> Self {
        use crate::storage::Error as Storage;
        let failure = Self::from_error(&error);
        match error {
            Storage::NotFound(_) => failure,
            Storage::AlreadyExists(_) => {
                failure.hint("give the release a new version; files are never replaced by accident")
            }
            Storage::NoSpace { .. } => failure.hint("free some space, then try again"),
            Storage::NotWritable { folder, .. } => failure.hint(format!(
                "let the user that runs pkgctl write to `{}`",
                folder.display()
            )),
            Storage::Root { folder, source } => match source.kind() {
                std::io::ErrorKind::NotFound => {
                    failure.hint(format!("create it: mkdir -p '{}'", folder.display()))
                }
                std::io::ErrorKind::PermissionDenied => {
                    failure.hint("let the user that runs pkgctl read it, or name another folder")
                }
                _ => failure.hint("name a folder that holds packages, or is to hold them"),
            },
            Storage::Io { path, .. } => {
                failure.hint(format!("look after the disk that holds `{}`", path.display()))
            }
        }
    }
}

impl From<crate::catalog::Error> for Failure {
    fn from(error: crate::catalog::Error) -> Self {
        use crate::catalog::Error as Catalog;
        let failure = Self::from_error(&error);
        match error {
            Catalog::Damaged { .. } => failure
                .hint("start pkgctl again: it sets the file aside and makes a new one; no package is lost"),
            Catalog::TooNew { .. } => {
                failure.hint("run the newer version, or name another folder with --state-dir")
            }
            Catalog::NotWritable { .. } => failure
                .hint("let the user that runs pkgctl write there, or name another folder with --state-dir"),
            Catalog::NoSpace { .. } => failure.hint("free some space, then try again"),
            Catalog::Database { path, .. } => {
                failure.hint(format!("look after the disk that holds `{}`", path.display()))
            }
        }
    }
}

// ---- Builds -------------------------------------------------------------------------------------------------

impl From<pep517::Error> for Failure {
    fn from(error: pep517::Error) -> Self {
        use pep517::Error as E;
        let hint = build_hint(&error);
        let failure = match &error {
            E::Interrupted => Self::interrupted("interrupted; the output folder is as it was"),
            E::SdistOfSdist { path } => Self::usage(format!("`{}` is an sdist already", path.display())),
            E::NoInterpreter { request, unfit } => {
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
fn build_hint(error: &pep517::Error) -> Option<String> {
    use pep517::Error as E;
    let hint = match error {
        E::Interrupted => return None,
        E::WheelFailed { source, .. } => return build_hint(source),
        E::SourceMissing { .. } => "name the project's folder, or an sdist".to_owned(),
        E::NotAProject { .. } => {
            "change to the project's folder, or name it: it is the one with `pyproject.toml` or `setup.py`".to_owned()
        }
        E::NotAnSdist { .. } => "an sdist is called like `my_lib-1.0.tar.gz`".to_owned(),
        E::SdistOfSdist { .. } => "leave out `--sdist`: from an sdist only the wheel can be built".to_owned(),
        E::Unreadable { .. } => "check the file's permissions, and that it is text in UTF-8".to_owned(),
        E::Pyproject { .. } => {
            "a sound table is `[build-system]` with `requires = [\"setuptools>=61\"]` and `build-backend = \"setuptools.build_meta\"`".to_owned()
        }
        E::NoInterpreter { request, .. } => interpreter_hint(request),
        E::NoUv => "install uv, or leave out `--installer uv` to use pip".to_owned(),
        E::NoPip { .. } => {
            "install uv, or this interpreter's pip and venv (Debian and Ubuntu: `apt install python3-venv`)".to_owned()
        }
        E::EnvironmentFailed { tool, .. } => match *tool {
            "uv" => "try `--installer pip`, or another interpreter with `--python`".to_owned(),
            _ => "install uv, or the interpreter's venv (Debian and Ubuntu: `apt install python3-venv`)".to_owned(),
        },
        E::InstallFailed { installer, .. } => match *installer {
            "uv" => "check the network and the index that uv asks (`UV_INDEX`, `uv.toml`); uv does not read pip's configuration, `--installer pip` does".to_owned(),
            _ => "check the network and the index that pip asks: `pip config list` shows it".to_owned(),
        },
        E::UnmetRequirements { .. } => {
            "install them there, or leave out `--no-isolation`; `--skip-dependency-check` builds all the same".to_owned()
        }
        E::BackendMissing { backend, reason, .. } => missing_module_hint(&reason.0).unwrap_or_else(|| {
            format!("check that `requires` and `build-backend` in pyproject.toml belong together: `{backend}`")
        }),
        E::BackendFolder { .. } => "correct the folder in pyproject.toml; it must be inside the project".to_owned(),
        E::HookFailed { reason, .. } => missing_module_hint(&reason.0)
            .unwrap_or_else(|| "the backend's output, above, says more".to_owned()),
        E::HookDied { .. } => "the backend's output, above, may say more; a process that is killed is often out of memory".to_owned(),
        E::Unsupported { .. } => "try `--wheel`, or build where the project's version control is".to_owned(),
        E::HookMissing { .. }
        | E::WrongAnswer { .. }
        | E::InvalidRequirement { .. }
        | E::ArtifactMissing { .. } => {
            "this is an error in the build backend: try another version of it in `build-system.requires`".to_owned()
        }
        E::InvalidName { .. } | E::Disagreement { .. } => {
            "check the project's name and version, and how its version is made".to_owned()
        }
        E::Unsound { .. } => "an index would refuse it: correct the project's metadata, or try a newer build backend".to_owned(),
        E::OutputFolder { .. } => "name a folder that you may write to with `--outdir`".to_owned(),
        E::System { .. } => "check the free space and the permissions of the temporary folder (`TMPDIR`)".to_owned(),
    };
    Some(hint)
}

fn interpreter_hint(request: &PythonRequest) -> String {
    let oldest = pep517::OLDEST_PYTHON.map(|number| number.to_string()).join(".");
    match request {
        PythonRequest::Any => {
            format!("install Python {oldest} or newer, or name an interpreter with `--python PATH`")
        }
        _ => format!("name a Python {oldest} or newer by its path: `--python /usr/bin/python3`"),
    }
}

/// What to do when the backend, or the project's `setup.py`, imports what is not there.
fn missing_module_hint(reason: &str) -> Option<String> {
    let (_, rest) = reason.split_once("ModuleNotFoundError: No module named '")?;
    let (module, _) = rest.split_once('\'')?;
    let top_level = module.split('.').next().unwrap_or(module);
    Some(format!(
        "add what provides `{top_level}` to `requires` in the `[build-system]` table of pyproject.toml"
    ))
}

// What `publish` can fail of.

impl From<crate::config::repository::RepositoryError> for Failure {
    fn from(error: crate::config::repository::RepositoryError) -> Self {
        use crate::config::repository::RepositoryError as E;
        let hint = match &error {
            E::Unreadable { .. } => "check that the file exists and that you may read it".to_owned(),
            E::Malformed { .. } => "correct that line; `pkgctl configure` writes the file for you".to_owned(),
            E::None { .. } => {
                "run `pkgctl configure`, or name an index with --repository or --repository-url".to_owned()
            }
            E::Several { names } => {
                let first = names.first().map_or("NAME", |name| name.trim_matches('`'));
                format!("pick one, as in `pkgctl publish --repository {first}`")
            }
            E::Unknown { .. } => "check the spelling, or add it with `pkgctl configure`".to_owned(),
            E::NoUrl { name, .. } => {
                format!(
                    "add a line `repository = http://localhost:8080/` to `[{name}]`, or run `pkgctl configure`"
                )
            }
            E::BadUrl { .. } => "write it like `http://localhost:8080/`".to_owned(),
        };
        Self {
            kind: Kind::Usage,
            ..Self::from_error(&error)
        }
        .hint(hint)
    }
}

impl From<crate::client::Error> for Failure {
    fn from(error: crate::client::Error) -> Self {
        use crate::client::Error as E;
        let hint = match &error {
            E::NothingThere(_) => "check the path, or build first with `pkgctl build`".to_owned(),
            E::NoDistributions { .. } => "build them first with `pkgctl build`".to_owned(),
            E::NotDistributions(_) => {
                "name only wheels (.whl) and sdists (.tar.gz), or the folder that holds them".to_owned()
            }
            E::SameName { .. } => "name only the one that you mean".to_owned(),
            E::Unreadable { .. } => "check who may read it".to_owned(),
            E::BadFiles(_) => "nothing was sent; build them again with `pkgctl build`".to_owned(),
            E::Certificate { .. } => "name a PEM file with --cert or --client-cert".to_owned(),
            E::Setup(_) => "check the certificates of this system, or name some with --cert".to_owned(),
            E::Upload {
                destination, source, ..
            } => upload_hint(destination, source),
        };
        Self::from_error(&error).hint(hint)
    }
}

/// The remedy for one file that was not uploaded.
fn upload_hint(destination: &crate::client::Destination, error: &crate::client::UploadError) -> String {
    use crate::client::UploadError as E;
    let place = destination
        .repository
        .as_ref()
        .map_or(&destination.url, |name| name);
    match error {
        E::Refused(answer) => match (answer.status.as_u16(), &destination.username) {
            (401 | 403, None) => {
                "name a user with --username and --password-stdin, or with PKGCTL_USERNAME and \
                                  PKGCTL_PASSWORD, or in ~/.pypirc by `pkgctl configure`"
                    .to_owned()
            }
            (401, Some(user)) => {
                format!("check the name and the password of `{user}`; `{place}` knows no such pair")
            }
            (403, Some(user)) => {
                format!("check the password of `{user}`, and that `{user}` may upload to `{place}`")
            }
            (404 | 405 | 410, _) => {
                "check the address: most indexes take uploads at `/`, some at `/legacy/`".to_owned()
            }
            (413, _) => {
                "the file is larger than the index takes; whoever runs it can raise the limit".to_owned()
            }
            (507, _) => "the index is full; whoever runs it must make room".to_owned(),
            _ => "correct what the server objects to, then publish again".to_owned(),
        },
        E::Busy { .. } => "try again later; what is uploaded already is passed over".to_owned(),
        E::Unreachable { .. } => format!(
            "check that a server runs at {} and that the address is right",
            destination.url
        ),
        E::Tls(_) => {
            "check whether the address should begin with https, or name the server's certificate authority with --cert"
                .to_owned()
        }
        E::RedirectElsewhere { to, .. } => {
            format!("if you trust that server, publish with --repository-url {to}")
        }
        E::RedirectsInCircle(_) => "check the address of the repository".to_owned(),
        E::OtherContent { .. } => {
            "a published file is not replaced; raise the version, build and publish again".to_owned()
        }
        E::Unconfirmed { .. } => {
            "compare the two files, or pass --skip-existing to take the server's word".to_owned()
        }
        E::Changed => "wait until nothing writes to the file, then publish again".to_owned(),
        E::Unreadable(_) => "check that the file is still there, then publish again".to_owned(),
    }
}

// Wheels and sdists.

impl From<crate::archive::Error> for Failure {
    fn from(error: crate::archive::Error) -> Self {
        use crate::archive::{Error, Rule};

        let hint = match &error {
            Error::Read(_) => "check that the file is complete and that you may read it",
            Error::Write { .. } => "check that there is space left and that you may write there",
            Error::Metadata { .. } => "correct the project's metadata and build it again",
            Error::Refused(finding) if finding.rule == Rule::UnsupportedKind => {
                "build a wheel (.whl) or an sdist (.tar.gz) instead"
            }
            Error::Refused(_) => "build the distribution again with `pkgctl build`",
        };
        Self::from_error(&error).hint(hint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headline_causes_and_hint_stand_on_lines_of_their_own() {
        let cause = std::io::Error::other("disk on fire");
        let failure = Failure::new("can't write `x`")
            .caused_by(&cause)
            .hint("put it out\nthen try again");
        let shown = "error: can't write `x`\ncaused by: disk on fire\nhint: put it out\n  then try again\n";
        assert_eq!(failure.render(), shown);
    }
}
