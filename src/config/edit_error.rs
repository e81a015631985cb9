//! Why a settings file of another program can't be edited, whatever its format.

use std::path::PathBuf;

use super::ini::IniError;
use super::netrc_edit::NetrcEditError;
use super::tools::TomlError;

/// A file that can't be edited; it is as it was.
#[derive(Debug, thiserror::Error)]
#[error("can't edit `{}`", path.display())]
pub struct EditError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    #[source]
    pub problem: EditProblem,
}

/// What keeps a text from being edited. It holds no secrets.
#[derive(Debug, thiserror::Error)]
pub enum EditProblem {
    /// An INI file: `.pypirc`, pip's configuration.
    #[error(transparent)]
    Ini(#[from] IniError),
    /// A TOML file: those of uv, poetry, pdm and hatch.
    #[error(transparent)]
    Toml(#[from] TomlError),
    /// `.netrc`.
    #[error(transparent)]
    Netrc(#[from] NetrcEditError),
}
