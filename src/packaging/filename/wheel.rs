//! The file name of a wheel (PEP 427).

use super::{FilenameError, parse_name, parse_version};
use crate::packaging::name::ProjectName;
use crate::packaging::version::{ReleaseVersion, Version};

/// A wheel's file name, taken apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct WheelFilename {
    pub(super) text: Box<str>,
    pub(super) project: ProjectName,
    pub(super) version: Version,
    pub(super) release: ReleaseVersion,
    /// Build tag; begins with a digit.
    pub build: Option<Box<str>>,
    /// Python tags joined by dots, such as `py2.py3`; the upload form calls this `pyversion`.
    pub python: Box<str>,
    /// ABI tags joined by dots.
    pub abi: Box<str>,
    /// Platform tags joined by dots.
    pub platform: Box<str>,
    /// The variant label that draft standards put last; today's installers skip such files.
    pub variant: Option<Box<str>>,
}

impl WheelFilename {
    /// The version, which for a wheel is always one by the standard.
    #[must_use]
    pub fn version(&self) -> &Version {
        &self.version
    }

    pub(super) fn parse(text: &str, stem: &str) -> Result<Self, FilenameError> {
        let refuse = |reason| FilenameError::Wheel {
            filename: text.to_owned(),
            reason,
        };
        let mut parts: Vec<&str> = stem.split('-').collect();
        if parts.iter().any(|part| part.is_empty()) {
            return Err(refuse("one of its parts between the dashes is empty"));
        }
        if parts.len() < 5 {
            return Err(refuse(
                "it must be name, version, python tag, ABI tag and platform tag, joined by dashes",
            ));
        }
        let build =
            (parts.len() > 5 && parts[2].starts_with(|c: char| c.is_ascii_digit())).then(|| parts.remove(2));
        let variant = (parts.len() == 6).then(|| parts.remove(5));
        let [name, version, python, abi, platform] = parts[..] else {
            return Err(refuse(
                "it has too many parts; dashes in the project's name are written as underscores",
            ));
        };
        if python.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(refuse("its python tag begins with a digit"));
        }
        if variant.is_some_and(|label| {
            !label
                .chars()
                .all(|c| matches!(c, '0'..='9' | 'a'..='z' | '_' | '.'))
        }) {
            return Err(refuse("its build tag does not begin with a digit"));
        }
        let tags_are_sound = |tags: &str| {
            tags.split('.')
                .all(|tag| !tag.is_empty() && tag.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
        };
        if ![python, abi, platform].into_iter().all(tags_are_sound) {
            return Err(refuse(
                "its tags must be letters, digits and underscores, joined by dots",
            ));
        }
        let project = parse_name(text, name)?;
        let version = parse_version(text, version)?;
        Ok(Self {
            text: text.into(),
            project,
            release: ReleaseVersion::Standard(version.clone()),
            version,
            build: build.map(Into::into),
            python: python.into(),
            abi: abi.into(),
            platform: platform.into(),
            variant: variant.map(Into::into),
        })
    }
}
