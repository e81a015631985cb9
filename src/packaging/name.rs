//! Project names: what is valid, and the one spelling that stands for all others.
//!
//! Standard: the packaging specification "Names and normalization" (PEP 503, PEP 508).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Longest project name that is accepted, in bytes.
pub const MAX_PROJECT_NAME_BYTES: usize = 128;

/// A project name in its normalized form: `Foo.Bar_baz` is held as `foo-bar-baz`.
///
/// Two spellings of one project compare equal, because only the normalized text is kept. The text holds
/// nothing but `a-z`, `0-9` and single dashes, so it can stand in a URL or an HTML page as it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ProjectName(Box<str>);

impl ProjectName {
    /// The normalized name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form that file names use: dashes become underscores.
    #[must_use]
    pub fn to_filename_part(&self) -> String {
        self.0.replace('-', "_")
    }
}

/// Why a text is not a project name.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NameError {
    /// Nothing was given.
    #[error("a project name can't be empty")]
    Empty,
    /// Longer than [`MAX_PROJECT_NAME_BYTES`].
    #[error("the project name is {bytes} bytes long, the limit is {MAX_PROJECT_NAME_BYTES}")]
    TooLong {
        /// Its length in bytes.
        bytes: usize,
    },
    /// A character outside the standard's alphabet, or a separator at an end.
    #[error(
        "`{}` is not a valid project name: use letters, digits, `.`, `_` and `-`, and begin and end with a letter or digit",
        .0.escape_debug()
    )]
    Invalid(String),
}

impl FromStr for ProjectName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        if text.is_empty() {
            return Err(NameError::Empty);
        }
        if text.len() > MAX_PROJECT_NAME_BYTES {
            return Err(NameError::TooLong { bytes: text.len() });
        }
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        let at_ends = |c: char| c.is_ascii_alphanumeric();
        if !text.chars().all(allowed) || !text.starts_with(at_ends) || !text.ends_with(at_ends) {
            return Err(NameError::Invalid(text.to_owned()));
        }
        Ok(Self(normalize(text).into_boxed_str()))
    }
}

/// Lowercases and turns each run of `-`, `_` and `.` into one dash.
fn normalize(text: &str) -> String {
    let mut normal = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '-' | '_' | '.' if normal.ends_with('-') => {}
            '-' | '_' | '.' => normal.push('-'),
            other => normal.push(other.to_ascii_lowercase()),
        }
    }
    normal
}

impl TryFrom<String> for ProjectName {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        text.parse()
    }
}

impl From<ProjectName> for String {
    fn from(name: ProjectName) -> Self {
        name.0.into()
    }
}

impl fmt::Display for ProjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for ProjectName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn spellings_of_one_project_are_equal() {
        for spelling in ["Foo.Bar", "foo_bar", "FOO--bar", "foo._-bar"] {
            assert_eq!(spelling.parse::<ProjectName>().unwrap().as_str(), "foo-bar");
        }
    }

    #[test]
    fn what_the_standard_forbids_is_refused() {
        for bad in [
            "", "-a", "a-", "_", ".a", "a b", "a/b", "ä", "a\n", "a\0b", "%41", "a+b",
        ] {
            assert!(bad.parse::<ProjectName>().is_err(), "{bad:?} was accepted");
        }
        assert!("a".repeat(128).parse::<ProjectName>().is_ok());
        assert_eq!(
            "a".repeat(129).parse::<ProjectName>(),
            Err(NameError::TooLong { bytes: 129 })
        );
    }

    proptest! {
        #[test]
        fn normalizing_twice_changes_nothing(text in "[A-Za-z0-9]([A-Za-z0-9._-]{0,30}[A-Za-z0-9])?") {
            let once: ProjectName = text.parse().unwrap();
            let twice: ProjectName = once.as_str().parse().unwrap();
            prop_assert_eq!(&once, &twice);
            prop_assert!(!once.as_str().contains("--"));
        }
    }
}
