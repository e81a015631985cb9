//! The settings files of uv, poetry, pdm and hatch: which they are, and how a repository gets in and out of them.
//!
//! | question | file |
//! |---|---|
//! | where does a tool look on which system | [`paths`] |
//! | what does it call a repository | `uv.rs`, `poetry.rs`, `pdm.rs`, `hatch.rs` |
//! | how is a TOML file changed without harm | `toml_text.rs` |

mod hatch;
pub mod paths;
mod pdm;
mod poetry;
mod toml_text;
mod uv;

use super::pypirc::PasswordEdit;
pub use toml_text::TomlError;

/// A tool with settings of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tool {
    /// uv, by Astral.
    Uv,
    /// Poetry.
    Poetry,
    /// PDM.
    Pdm,
    /// Hatch.
    Hatch,
}

impl Tool {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Uv, Self::Poetry, Self::Pdm, Self::Hatch];

    /// The name of its program.
    #[must_use]
    pub fn program(self) -> &'static str {
        match self {
            Self::Uv => "uv",
            Self::Poetry => "poetry",
            Self::Pdm => "pdm",
            Self::Hatch => "hatch",
        }
    }

    /// Its files.
    #[must_use]
    pub fn files(self) -> &'static [ToolFile] {
        match self {
            Self::Uv => &[ToolFile::Uv],
            Self::Poetry => &[ToolFile::PoetryConfig, ToolFile::PoetryAuth],
            Self::Pdm => &[ToolFile::Pdm],
            Self::Hatch => &[ToolFile::Hatch],
        }
    }
}

/// A settings file of a tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ToolFile {
    /// `uv.toml`.
    Uv,
    /// poetry's `config.toml`.
    PoetryConfig,
    /// poetry's `auth.toml`.
    PoetryAuth,
    /// pdm's `config.toml`.
    Pdm,
    /// hatch's `config.toml`.
    Hatch,
}

/// A repository as the tools are to know it.
#[derive(Debug, Clone, Copy)]
pub struct ToolRepository<'a> {
    /// Its name.
    pub name: &'a str,
    /// Where to upload to.
    pub upload_url: &'a str,
    /// The address of its Simple API; `None` where nothing can be installed from.
    pub simple_url: Option<&'a str>,
    /// Whether it is the only index to install from.
    pub is_only: bool,
    /// Plain http to another machine, which pdm takes no packages from unless told to.
    pub is_exposed: bool,
    /// Who uploads; what is there stays when it is `None`.
    pub username: Option<&'a str>,
    /// What happens to the password.
    pub password: PasswordEdit<'a>,
}

impl ToolFile {
    /// Whether passwords stand in it.
    #[must_use]
    pub fn holds_password(self) -> bool {
        match self {
            Self::Uv | Self::PoetryConfig => false,
            Self::PoetryAuth | Self::Pdm | Self::Hatch => true,
        }
    }

    /// Whether a text knows a repository of that name.
    #[must_use]
    pub fn names(self, text: &str, name: &str) -> bool {
        toml_text::parse(text).is_ok_and(|document| match self {
            Self::Uv => uv::names(&document, name),
            Self::PoetryConfig => poetry::names(&document, name),
            Self::PoetryAuth => poetry::authenticates(&document, name),
            Self::Pdm => pdm::names(&document, name),
            Self::Hatch => hatch::names(&document, name),
        })
    }

    /// Writes a repository into the text of the file. All other bytes stay.
    ///
    /// # Errors
    /// The text can't be read, has something else in the place, or another index as the only one.
    pub fn with_repository(self, text: &str, repository: &ToolRepository<'_>) -> Result<String, TomlError> {
        toml_text::edited(text, |document| match self {
            Self::Uv => uv::add(document, repository),
            Self::PoetryConfig => poetry::add(document, repository),
            Self::PoetryAuth => poetry::authenticate(document, repository),
            Self::Pdm => pdm::add(document, repository),
            Self::Hatch => hatch::add(document, repository),
        })
    }

    /// Takes a repository out of the text: what [`ToolFile::with_repository`] wrote, and no more. `simple_urls` are
    /// the addresses under which it is known.
    ///
    /// # Errors
    /// The text can't be read.
    pub fn without_repository(
        self,
        text: &str,
        name: &str,
        simple_urls: &[String],
    ) -> Result<String, TomlError> {
        toml_text::edited(text, |document| {
            match self {
                Self::Uv => uv::remove(document, name),
                Self::PoetryConfig => poetry::remove(document, name),
                Self::PoetryAuth => poetry::forget(document, name),
                Self::Pdm => pdm::remove(document, name, simple_urls),
                Self::Hatch => hatch::remove(document, name),
            }
            Ok(())
        })
    }
}

/// Writes user and password, under the keys that the tool has for them.
fn set_login(
    document: &mut toml_edit::DocumentMut,
    path: &[&str],
    keys: [&str; 2],
    repository: &ToolRepository<'_>,
) -> Result<(), TomlError> {
    let [user_key, password_key] = keys;
    if let Some(username) = repository.username {
        toml_text::set(document, path, user_key, username)?;
    }
    match repository.password {
        PasswordEdit::Keep => {}
        PasswordEdit::Remove => toml_text::remove(document, path, &[password_key]),
        PasswordEdit::Set(password) => toml_text::set(document, path, password_key, password.expose())?,
    }
    Ok(())
}

#[cfg(test)]
mod tests;
