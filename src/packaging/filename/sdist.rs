//! The file name of an sdist (PEP 625), and of those from before it.

use super::{FilenameError, parse_name};
use crate::packaging::name::ProjectName;
use crate::packaging::version::{ReleaseVersion, Version};

/// An sdist's file name, taken apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SdistFilename {
    pub(super) text: Box<str>,
    pub(super) project: ProjectName,
    pub(super) version: Version,
    pub(super) release: ReleaseVersion,
    /// How it is packed.
    pub format: SdistFormat,
}

/// How an sdist is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SdistFormat {
    /// A gzip-compressed tar, the only one in today's standard.
    TarGz,
    /// A zip; allowed until PEP 625.
    Zip,
}

impl SdistFilename {
    /// The version, which for a new sdist is always one by the standard.
    #[must_use]
    pub fn version(&self) -> &Version {
        &self.version
    }

    /// The name without `.tar.gz` or `.zip`: what the one top folder in the archive is called.
    #[must_use]
    pub fn stem(&self) -> &str {
        let ending = match self.format {
            SdistFormat::TarGz => ".tar.gz",
            SdistFormat::Zip => ".zip",
        };
        self.text.strip_suffix(ending).unwrap_or(&self.text)
    }

    pub(super) fn parse(text: &str, stem: &str, format: SdistFormat) -> Result<Self, FilenameError> {
        let (name, version) = split_at_version(stem).ok_or_else(|| FilenameError::Sdist(text.to_owned()))?;
        let project = parse_name(text, name)?;
        let release = ReleaseVersion::Standard(version.clone());
        Ok(Self {
            text: text.into(),
            project,
            version,
            release,
            format,
        })
    }
}

/// Splits at the first dash behind which a valid version stands: `python-daemon-3K-1.5.8`, `foo-1.0-1`.
fn split_at_version(stem: &str) -> Option<(&str, Version)> {
    stem.match_indices('-').find_map(|(at, _)| {
        let (name, rest) = (&stem[..at], &stem[at + 1..]);
        let looks_like_version = rest.starts_with(|c: char| c.is_ascii_digit() || c == 'v' || c == 'V');
        let version = looks_like_version.then(|| rest.parse().ok()).flatten()?;
        Some((name, version))
    })
}
