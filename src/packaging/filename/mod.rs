//! File names of distributions, and what they say about project, version and kind.
//!
//! Standards: the binary distribution format (PEP 427) for wheels, the source distribution format (PEP 625) for
//! sdists. A folder that pypiserver served for years also holds eggs, installers and sdists in other archives;
//! those are [`LegacyFilename`]s: listed and downloadable, but few of them are accepted as a new upload.

use std::fmt;
use std::str::FromStr;

use super::name::ProjectName;
use super::version::{ReleaseVersion, Version};

mod error;
mod legacy;
mod sdist;
#[cfg(test)]
mod tests;
mod wheel;

pub use error::FilenameError;
pub use legacy::{LegacyFilename, LegacyKind};
pub use sdist::{SdistFilename, SdistFormat};
pub use wheel::WheelFilename;

/// Longest file name that is accepted, in bytes: a file system's 255 less room for `.metadata` and the like.
pub const MAX_FILENAME_BYTES: usize = 200;

/// The name of a distribution file: a wheel, an sdist, or one of the formats of the past.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum DistFilename {
    /// `{name}-{version}(-{build})?-{python}-{abi}-{platform}.whl`
    Wheel(WheelFilename),
    /// `{name}-{version}.tar.gz`, or `.zip` as setuptools once made them on Windows.
    Sdist(SdistFilename),
    /// Anything else that pypiserver lists.
    Legacy(LegacyFilename),
}

impl DistFilename {
    /// The name as it was given, byte for byte.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Wheel(name) => &name.text,
            Self::Sdist(name) => &name.text,
            Self::Legacy(name) => &name.text,
        }
    }

    /// The project that the file belongs to.
    #[must_use]
    pub fn project(&self) -> &ProjectName {
        match self {
            Self::Wheel(name) => &name.project,
            Self::Sdist(name) => &name.project,
            Self::Legacy(name) => &name.project,
        }
    }

    /// The release that the file belongs to.
    #[must_use]
    pub fn version(&self) -> &ReleaseVersion {
        match self {
            Self::Wheel(name) => &name.release,
            Self::Sdist(name) => &name.release,
            Self::Legacy(name) => &name.release,
        }
    }

    /// The kind of distribution by the word that the upload form and the project JSON have for it.
    #[must_use]
    pub fn package_type(&self) -> &'static str {
        match self {
            Self::Wheel(_) => "bdist_wheel",
            Self::Sdist(_) => "sdist",
            Self::Legacy(name) => name.package_type(),
        }
    }

    /// The interpreters that it is for, as the upload form and the project JSON name them: a wheel's python tag,
    /// `source`, the `2.7` of an egg or installer, or `any`.
    #[must_use]
    pub fn python_version(&self) -> &str {
        match self {
            Self::Wheel(name) => &name.python,
            Self::Sdist(_) => "source",
            Self::Legacy(name) => name.python_version(),
        }
    }

    /// Reads the name of a file that is already in the folder, as leniently as pypiserver does.
    ///
    /// # Errors
    /// [`FilenameError`] when the file is not a distribution of any time.
    pub fn parse_listed(text: &str) -> Result<Self, FilenameError> {
        text.parse().or_else(|strict| {
            let legacy = LegacyFilename::parse_listed(text).map(Self::Legacy);
            legacy.map_err(|lenient| match strict {
                FilenameError::UnknownEnding(_) => lenient,
                strict => strict,
            })
        })
    }

    /// Reads the name of an upload: a wheel or an sdist as [`FromStr`] does, or one of the few files of the past that
    /// are still taken.
    ///
    /// # Errors
    /// [`FilenameError`], which says what to do instead.
    pub fn parse_uploaded(text: &str) -> Result<Self, FilenameError> {
        match text.parse() {
            Err(FilenameError::UnknownEnding(_)) => LegacyFilename::parse_uploaded(text).map(Self::Legacy),
            other => other,
        }
    }

    /// The name's identity: two spellings of one distribution (`a.b-1.0.tar.gz`, `a_b-1.0.0.tar.gz`) share it.
    #[must_use]
    pub fn identity(&self) -> String {
        match self {
            Self::Wheel(wheel) => {
                let mut parts = vec![wheel.project.to_filename_part(), comparable(&wheel.version)];
                parts.extend(wheel.build.iter().map(|tag| tag.to_ascii_lowercase()));
                parts.extend(
                    [&wheel.python, &wheel.abi, &wheel.platform].map(|tags| tags.to_ascii_lowercase()),
                );
                parts.extend(wheel.variant.iter().map(|label| label.to_string()));
                format!("{}.whl", parts.join("-"))
            }
            Self::Sdist(sdist) => {
                let ending = match sdist.format {
                    SdistFormat::TarGz => "tar.gz",
                    SdistFormat::Zip => "zip",
                };
                format!(
                    "{}-{}.{ending}",
                    sdist.project.to_filename_part(),
                    comparable(&sdist.version)
                )
            }
            Self::Legacy(legacy) => legacy.text.to_ascii_lowercase(),
        }
    }
}

/// One text for all versions that compare equal: trailing zeros of the release are dropped.
fn comparable(version: &Version) -> String {
    let text = version.to_string();
    let (epoch, rest) = text.split_once('!').unwrap_or(("0", &text));
    let end = rest
        .find(|c: char| !(c.is_ascii_digit() || c == '.'))
        .unwrap_or(rest.len());
    // `1.0.post1`: the dot before a word belongs to the word, not to the release.
    let (release, suffix) = rest.split_at(rest[..end].trim_end_matches('.').len());
    let mut numbers: Vec<&str> = release.split('.').collect();
    while numbers.len() > 1 && numbers.last() == Some(&"0") {
        numbers.pop();
    }
    format!("{epoch}!{}{suffix}", numbers.join("."))
}

impl fmt::Display for DistFilename {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for DistFilename {
    type Err = FilenameError;

    /// Reads the name of a new distribution: a wheel or an sdist by today's standards, other spellings of the
    /// project's name included.
    fn from_str(text: &str) -> Result<Self, FilenameError> {
        check_plain(text)?;
        if let Some(stem) = text.strip_suffix(".whl") {
            return WheelFilename::parse(text, stem).map(Self::Wheel);
        }
        for (ending, format) in [(".tar.gz", SdistFormat::TarGz), (".zip", SdistFormat::Zip)] {
            if let Some(stem) = text.strip_suffix(ending) {
                return SdistFilename::parse(text, stem, format).map(Self::Sdist);
            }
        }
        Err(FilenameError::UnknownEnding(text.to_owned()))
    }
}

/// Refuses whatever could be read as a path, as markup or as a hidden file.
fn check_plain(text: &str) -> Result<(), FilenameError> {
    if text.len() > MAX_FILENAME_BYTES {
        return Err(FilenameError::TooLong { bytes: text.len() });
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '+' | '!' | '-');
    if text.is_empty() || text.starts_with('.') || !text.chars().all(allowed) {
        return Err(FilenameError::NotPlain(text.to_owned()));
    }
    Ok(())
}

fn parse_name(filename: &str, part: &str) -> Result<ProjectName, FilenameError> {
    part.parse().map_err(|source| FilenameError::Name {
        filename: filename.to_owned(),
        source,
    })
}

fn parse_version(filename: &str, part: &str) -> Result<Version, FilenameError> {
    // `_` stands for a dash in a wheel's version part, as old versions of bdist_wheel wrote it.
    part.replace('_', "-")
        .parse()
        .map_err(|source| FilenameError::Version {
            filename: filename.to_owned(),
            source,
        })
}
