//! Version specifiers such as `>=3.9,<4`, as the field Requires-Python holds them.
//!
//! Standard: the version specifiers specification (PEP 440). Two old habits of build tools are accepted beside it,
//! because installers accept them and real distributions have them: a comma too many, and `>=3.6.*`.

use std::fmt;
use std::str::FromStr;

use pep440_rs::VersionSpecifier;
use thiserror::Error;

/// Longest specifier set that is accepted, in bytes.
pub const MAX_SPECIFIER_BYTES: usize = 1024;

/// A valid set of version specifiers; `Display` gives it as it was written, without white space around it.
///
/// It holds no control character and nothing that could be markup but `<` and `>`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SpecifierSet(Box<str>);

impl SpecifierSet {
    /// The set as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The text is not a set of version specifiers.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{}` is not a valid version specifier: write it like `>=3.9` or `>=3.9,<4`", .text.escape_debug())]
pub struct SpecifierError {
    /// What was given, cut when long.
    pub text: String,
}

impl FromStr for SpecifierSet {
    type Err = SpecifierError;

    fn from_str(text: &str) -> Result<Self, SpecifierError> {
        let text = text.trim();
        let plain = text.len() <= MAX_SPECIFIER_BYTES
            && text
                .bytes()
                .all(|byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\'' | b'&'));
        let valid = plain
            && text
                .split(',')
                .map(str::trim)
                .filter(|part| !part.is_empty())
                .all(is_specifier);
        if !valid {
            return Err(SpecifierError {
                text: text.chars().take(160).collect(),
            });
        }
        Ok(Self(text.into()))
    }
}

fn is_specifier(part: &str) -> bool {
    if part.parse::<VersionSpecifier>().is_ok() {
        return true;
    }
    // `>=3.6.*`, which setuptools wrote for years; installers read it as `>=3.6`.
    let is_ordered = part.starts_with(['<', '>']);
    part.strip_suffix(".*")
        .is_some_and(|starless| is_ordered && starless.parse::<VersionSpecifier>().is_ok())
}

impl fmt::Display for SpecifierSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn valid_sets_keep_their_spelling() {
        for text in [
            ">=3.9",
            ">= 3.8, < 4",
            "~=3.7",
            "!=3.0.*,!=3.1.*,>=2.7",
            "==3.11.*",
            ">=3.7,",
            ">=3.6.*",
            "===3.9",
            "",
            ">3",
        ] {
            assert_eq!(text.parse::<SpecifierSet>().unwrap().as_str(), text);
        }
        assert_eq!(" >=3 ".parse::<SpecifierSet>().unwrap().to_string(), ">=3");
    }

    #[test]
    fn everything_else_is_refused() {
        for bad in [
            "3.9",
            ">=abc",
            "=>3",
            ">=3.9 <4",
            ">=3\n<4",
            ">=3\"><script>",
            "<script>alert(1)</script>",
            "~=3",
            "~=3.*",
            ">=3;x",
            ">=3&amp;",
            "ä",
            ">=3\0",
        ] {
            assert!(bad.parse::<SpecifierSet>().is_err(), "{bad:?} was accepted");
        }
        assert!(">=3,".repeat(400).parse::<SpecifierSet>().is_err());
    }
}
