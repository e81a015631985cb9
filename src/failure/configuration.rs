//! The user's own files, and what they say about indexes.

use std::io::ErrorKind;

use super::{Failure, Kind};
use crate::config::dotfile::DotfileError;
use crate::config::keyring::KeyringError;
use crate::config::repository::RepositoryError;
use crate::config::settings_file::SettingsFileError;
use crate::config::tools::TomlError;
use crate::config::{EditError, EditProblem, NetrcEditError};

impl From<DotfileError> for Failure {
    fn from(error: DotfileError) -> Self {
        let hint = match &error {
            DotfileError::Read { .. } => "check that you may read it and the folders above it",
            DotfileError::Write { source, .. } => match source.kind() {
                ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "make room on that disk, then try again",
                ErrorKind::ReadOnlyFilesystem => "name a file on a disk that can be written to",
                _ => "check that you may write into its folder",
            },
            DotfileError::NotAFile { .. } => "move it away, or name another file",
            DotfileError::Owner { .. } => "run the command as the owner of the file",
            DotfileError::Appeared { .. } => "run the command again",
        };
        Self::from_error(&error).hint(hint)
    }
}

impl From<EditError> for Failure {
    fn from(error: EditError) -> Self {
        let hint = match &error.problem {
            EditProblem::Toml(TomlError::OtherDefault { .. }) => {
                "take that key out by hand, or leave out --index-url; nothing was changed"
            }
            EditProblem::Toml(TomlError::NotATable { .. }) => "mend it by hand; nothing was changed",
            EditProblem::Netrc(NetrcEditError::OtherUser { .. }) => {
                "take that entry out by hand, or leave out --netrc; nothing was changed"
            }
            EditProblem::Netrc(NetrcEditError::Entangled) | EditProblem::Toml(TomlError::Entangled) => {
                "change it by hand; nothing was changed"
            }
            EditProblem::Ini(_) | EditProblem::Toml(TomlError::Syntax { .. }) | EditProblem::Netrc(_) => {
                "mend or remove that line and run the command again; nothing was changed"
            }
        };
        Self::from_error(&error).hint(hint)
    }
}

impl From<KeyringError> for Failure {
    fn from(error: KeyringError) -> Self {
        let hint = match &error {
            KeyringError::Missing => {
                "install it with `uv tool install keyring` or `pipx install keyring`, or leave out --keyring"
            }
            KeyringError::Start { .. } => "check that you may run it",
            KeyringError::TimedOut => "unlock the keyring, then try again",
            KeyringError::Failed { .. } | KeyringError::NotKept => {
                "`keyring --list-backends` shows what it can use; leave out --keyring to store the password in ~/.pypirc"
            }
        };
        Self::new("can't use the keyring").caused_by(&error).hint(hint)
    }
}

impl From<RepositoryError> for Failure {
    fn from(error: RepositoryError) -> Self {
        let failure = Self {
            kind: Kind::Usage,
            ..Self::from_error(&error)
        };
        match &error {
            RepositoryError::Unreadable { .. } => {
                failure.hint("check that the file exists and that you may read it")
            }
            RepositoryError::Malformed { .. } => {
                failure.hint("correct that line; `pkgctl configure` writes the file for you")
            }
            RepositoryError::None { .. } => {
                failure.hint("run `pkgctl configure`, or name an index with --repository or --repository-url")
            }
            RepositoryError::Several { names } => {
                let first = names.first().map_or("NAME", |name| name.trim_matches('`'));
                failure.hint(format!("pick one, as in `pkgctl publish --repository {first}`"))
            }
            RepositoryError::Unknown { .. } => {
                failure.hint("check the spelling, or add it with `pkgctl configure`")
            }
            RepositoryError::NoUrl { name, .. } => failure.hint(format!(
                "add a line `repository = http://localhost:8080/` to `[{name}]`, or run `pkgctl configure`"
            )),
            RepositoryError::BadUrl { .. } => failure.hint("write it like `http://localhost:8080/`"),
        }
    }
}

impl From<SettingsFileError> for Failure {
    fn from(error: SettingsFileError) -> Self {
        let (kind, hint) = match &error {
            SettingsFileError::Missing { .. } => (
                Kind::Usage,
                "check the name; `pkgctl serve --show-config > FILE` writes one with the settings of now",
            ),
            SettingsFileError::Unreadable { .. } => (
                Kind::Failed,
                "check that it is a text file in UTF-8 and that you may read it",
            ),
            SettingsFileError::Malformed { .. } => (
                Kind::Usage,
                "write one `key = value` a line, and texts in quotes, as in `host = \"127.0.0.1\"`",
            ),
            SettingsFileError::Unfit { .. } => (
                Kind::Usage,
                "write `key = value` with a text in quotes, a whole number, true, false or a list of texts",
            ),
        };
        let failure = Self {
            kind,
            ..Self::from_error(&error)
        }
        .hint(hint);
        match &error {
            SettingsFileError::Unreadable { path, source } => failure.blame_rights(source.kind(), path),
            _ => failure,
        }
    }
}
