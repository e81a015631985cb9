//! File names of distributions, and what they say about project, version and kind.
//!
//! Standards: the binary distribution format (PEP 427) for wheels, the source distribution format (PEP 625) for
//! sdists. A folder that pypiserver served for years also holds eggs, installers and sdists in other archives;
//! those are [`LegacyFilename`]s: listed and downloadable, but few of them are accepted as a new upload.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::name::{NameError, ProjectName};
use super::version::{ReleaseVersion, Version, VersionError};

mod legacy;

pub use legacy::{LegacyFilename, LegacyKind};

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

/// A wheel's file name, taken apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct WheelFilename {
    text: Box<str>,
    project: ProjectName,
    version: Version,
    release: ReleaseVersion,
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

/// An sdist's file name, taken apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SdistFilename {
    text: Box<str>,
    project: ProjectName,
    version: Version,
    release: ReleaseVersion,
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

/// Why a file name is not that of a distribution.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FilenameError {
    /// Over [`MAX_FILENAME_BYTES`].
    #[error("the file name is {bytes} bytes long, the limit is {MAX_FILENAME_BYTES}")]
    TooLong {
        /// Its length in bytes.
        bytes: usize,
    },
    /// A path, a hidden file, or a character outside the allow-list.
    #[error("`{}` is not a plain file name: use letters, digits and `. _ + ! -`, not beginning with a dot", .0.escape_debug())]
    NotPlain(String),
    /// An ending that no distribution has.
    #[error("`{0}` is not a distribution: its name ends in none of `.whl`, `.tar.gz` and `.zip`")]
    UnknownEnding(String),
    /// A program that is no installer of a distribution.
    #[error(
        "`{0}` is not an installer of a distribution: such a name ends in a platform, as in `demo-1.0.win32.exe`"
    )]
    NotInstaller(String),
    /// A file that is listed where it lies, but not taken as an upload.
    #[error("`{filename}` is not taken as an upload: {remedy}")]
    NotTaken {
        /// The name that was given.
        filename: String,
        /// What to do instead.
        remedy: &'static str,
    },
    /// A wheel whose name has the wrong number of parts, or an empty or malformed part.
    #[error("`{filename}` is not a wheel's file name: {reason}")]
    Wheel {
        /// The name that was given.
        filename: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// An sdist whose name does not end in a dash and a version.
    #[error(
        "`{0}` is not an sdist's file name: it must be the project's name, a dash, the version and `.tar.gz`"
    )]
    Sdist(String),
    /// The part for the project's name is not a name.
    #[error("the file name `{filename}` holds no valid project name")]
    Name {
        /// The name that was given.
        filename: String,
        /// What is wrong with it.
        #[source]
        source: NameError,
    },
    /// The part for the version is not a version.
    #[error("the file name `{filename}` holds no valid version")]
    Version {
        /// The name that was given.
        filename: String,
        /// What is wrong with it.
        #[source]
        source: VersionError,
    },
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

impl WheelFilename {
    /// The version, which for a wheel is always one by the standard.
    #[must_use]
    pub fn version(&self) -> &Version {
        &self.version
    }

    fn parse(text: &str, stem: &str) -> Result<Self, FilenameError> {
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

    fn parse(text: &str, stem: &str, format: SdistFormat) -> Result<Self, FilenameError> {
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

/// Splits at the first dash behind which a valid version stands: `python-daemon-3K-1.5.8`, `foo-1.0-1`.
fn split_at_version(stem: &str) -> Option<(&str, Version)> {
    stem.match_indices('-').find_map(|(at, _)| {
        let (name, rest) = (&stem[..at], &stem[at + 1..]);
        let looks_like_version = rest.starts_with(|c: char| c.is_ascii_digit() || c == 'v' || c == 'V');
        let version = looks_like_version.then(|| rest.parse().ok()).flatten()?;
        Some((name, version))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn kinds_and_interpreters_have_the_words_of_the_upload_form() {
        for (text, package_type, python_version) in [
            ("a-1.0-py2.py3-none-any.whl", "bdist_wheel", "py2.py3"),
            ("a-1.0-7-cp312-abi3-linux_x86_64.whl", "bdist_wheel", "cp312"),
            ("a-1.0.tar.gz", "sdist", "source"),
            ("a-1.0.zip", "sdist", "source"),
            ("a-1.0.tar.bz2", "sdist", "source"),
            ("a-1.0-py2.7.egg", "bdist_egg", "2.7"),
            ("a-1.0-py3.10-linux-x86_64.egg", "bdist_egg", "3.10"),
            ("a-1.0.win32-py2.7.exe", "bdist_wininst", "2.7"),
            ("a-1.0.win32.exe", "bdist_wininst", "any"),
            ("a-1.0.win-amd64-py3.4.msi", "bdist_msi", "3.4"),
        ] {
            let name = DistFilename::parse_listed(text).unwrap();
            assert_eq!(
                (name.package_type(), name.python_version()),
                (package_type, python_version),
                "{text}"
            );
        }
    }

    fn parts(text: &str) -> (String, String) {
        let name = DistFilename::parse_listed(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(name.as_str(), text);
        (name.project().to_string(), name.version().to_string())
    }

    fn expect(text: &str, project: &str, version: &str) {
        assert_eq!(parts(text), (project.to_owned(), version.to_owned()), "{text}");
    }

    #[test]
    fn wheels_are_taken_apart() {
        expect("my_lib-1.0.0-py3-none-any.whl", "my-lib", "1.0.0");
        expect(
            "My.Lib-1.0-1build-cp311.cp312-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
            "my-lib",
            "1.0",
        );
        expect("a-1.0+local.1-py3-none-linux_x86_64.whl", "a", "1.0+local.1");
        expect("a-1!2.0-py2.py3-none-any.whl", "a", "1!2.0");
        expect("a-1.0_1-py3-none-any.whl", "a", "1.0.post1");
        let DistFilename::Wheel(wheel) = "a-1.0-217-cp3-abi3t-any-x86_64_v3.whl".parse().unwrap() else {
            panic!()
        };
        assert_eq!(
            (wheel.build.as_deref(), wheel.variant.as_deref()),
            (Some("217"), Some("x86_64_v3"))
        );
    }

    #[test]
    fn sdists_are_taken_apart() {
        expect("my_lib-1.0.0.tar.gz", "my-lib", "1.0.0");
        expect("python-daemon-3K-1.5.8.tar.gz", "python-daemon-3k", "1.5.8");
        expect("foo-1.0-1.tar.gz", "foo", "1.0.post1");
        expect("zope.interface-5.0.zip", "zope-interface", "5.0");
        expect("foo-v1.0.tar.gz", "foo", "1.0");
    }

    #[test]
    fn old_formats_stay_listed() {
        expect("Foo-1.0-py2.7.egg", "foo", "1.0");
        expect("foo-1.0.win32-py2.7.exe", "foo", "1.0");
        expect("foo-1.0.win-amd64-py3.3.msi", "foo", "1.0");
        expect("foo-1.0.tar.bz2", "foo", "1.0");
        expect("foo-1.0.tgz", "foo", "1.0");
        expect("foo-1.0_rc1-py2.7.egg", "foo", "1.0rc1");
        expect("notaversion-abc.tar.gz", "notaversion", "abc");
        expect("foo-bar-1.0-py3-none-any.whl", "foo-bar", "1.0");
        expect("foo-2004d.tar.gz", "foo", "2004d");
    }

    #[test]
    fn what_is_taken_as_an_upload_is_less_than_what_is_listed() {
        for taken in [
            "foo-1.0.zip",
            "Foo-1.0-py2.7.egg",
            "foo-1.0.tgz",
            "foo-1.0-py3-none-any.whl",
        ] {
            assert!(DistFilename::parse_uploaded(taken).is_ok(), "{taken}");
        }
        for (old, remedy) in [
            ("foo-1.0.win32-py2.7.exe", "build a wheel"),
            ("foo-1.0.win32.msi", "build a wheel"),
            ("setup.exe", "build a wheel"),
            ("foo-1.0.tar.bz2", "as `.tar.gz`"),
            ("foo-1.0.tar.xz", "as `.tar.gz`"),
            ("foo-2004d.tgz", "give it a version"),
            ("foo-1.0.TAR.GZ", "in small letters"),
            ("foo-1.0-py3-none-any.WHL", "in small letters"),
            ("foo-1.0.tar.gz.asc", "the field `gpg_signature`"),
            ("foo-1.0-py3-none-any.whl.metadata", "reads its metadata itself"),
        ] {
            let error = DistFilename::parse_uploaded(old).unwrap_err().to_string();
            assert!(error.contains(remedy), "{error}");
        }
        for strict in ["Foo-1.0-py2.7.egg", "foo-1.0.tgz", "foo-2004d.tar.gz"] {
            assert!(
                strict.parse::<DistFilename>().is_err(),
                "{strict} would be published"
            );
        }
    }

    #[test]
    fn junk_is_not_a_distribution() {
        for junk in [
            "",
            ".hidden-1.0.tar.gz",
            "../a-1.0.tar.gz",
            "a/b-1.0.tar.gz",
            "a\\b-1.0.tar.gz",
            "README.md",
            "a.whl",
            "a-1.0.whl",
            "a-1.0-py3-none.whl",
            "a-1.0-py3-none-any.whl.metadata",
            "setup.exe",
            "index.html",
            "a-1.0-py3-none-any.whl.html",
            "a-1.0.tar.gz\n",
            "a\u{202e}-1.0.tar.gz",
            "a-1.0.tar.gz.asc",
            ".htaccess",
        ] {
            assert!(DistFilename::parse_listed(junk).is_err(), "{junk:?} was listed");
        }
        let long = format!("{}-1.0.tar.gz", "a".repeat(200));
        assert!(matches!(
            long.parse::<DistFilename>(),
            Err(FilenameError::TooLong { .. })
        ));
    }

    #[test]
    fn spellings_of_one_distribution_share_an_identity() {
        let same = [
            ["a.b-1.0.tar.gz", "A_B-1.0.0.tar.gz"],
            ["a-b-1.0.post1.tar.gz", "a_b-1.post1.tar.gz"],
            ["a_b-0!1.0-py3-none-any.whl", "A.B-1-py3-none-any.whl"],
        ];
        for [one, other] in same {
            let identity = |text: &str| text.parse::<DistFilename>().unwrap().identity();
            assert_eq!(identity(one), identity(other));
        }
        let identity = |text: &str| text.parse::<DistFilename>().unwrap().identity();
        assert_ne!(identity("a-10.tar.gz"), identity("a-1.tar.gz"));
        assert_ne!(
            identity("a-1.0-py3-none-any.whl"),
            identity("a-1.0-1-py3-none-any.whl")
        );
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_without_a_panic(text in "\\PC{0,60}") {
            if let Ok(name) = DistFilename::parse_listed(&text) {
                prop_assert_eq!(name.as_str(), &text);
            }
        }

        #[test]
        fn what_may_be_uploaded_is_listed_under_the_same_name(
            stem in "[a-zA-Z0-9._!+-]{0,30}",
            ending in prop::sample::select(vec![".whl", ".tar.gz", ".zip", ".egg", ".tgz", ".tar.xz", ".exe", ".Zip", ""]),
        ) {
            let text = format!("{stem}{ending}");
            if let Ok(uploaded) = DistFilename::parse_uploaded(&text) {
                prop_assert_eq!(DistFilename::parse_listed(&text), Ok(uploaded));
            }
        }

        #[test]
        fn old_names_are_taken_apart_where_they_were_put_together(
            name in "[a-z][a-z0-9]{0,8}(-[a-z][a-z0-9]{0,8})?",
            version in "[0-9]{1,3}\\.[0-9]{1,3}(\\.[0-9]{1,2})?(a1|rc2)?",
            platform in prop::sample::select(vec!["", ".linux-x86_64", ".win32", "-py2.7", "-py3.11", ".macosx-10.9-x86_64"]),
            ending in prop::sample::select(vec![".tgz", ".tar.bz2", ".egg", ".TAR.GZ"]),
        ) {
            let text = format!("{name}-{version}{platform}{ending}");
            let parsed = DistFilename::parse_listed(&text).unwrap();
            prop_assert_eq!(parsed.project().as_str(), &name);
            prop_assert_eq!(parsed.version(), &ReleaseVersion::parse(&version));
        }

        #[test]
        fn standard_names_round_trip(name in "[a-z][a-z0-9_]{0,12}[a-z0-9]", major in 0u32..90, minor in 0u32..90) {
            let wheel = format!("{name}-{major}.{minor}-py3-none-any.whl");
            let sdist = format!("{name}-{major}.{minor}.tar.gz");
            for text in [wheel, sdist] {
                let parsed: DistFilename = text.parse().unwrap();
                prop_assert_eq!(parsed.as_str(), &text);
                prop_assert_eq!(parsed.version().to_string(), format!("{major}.{minor}"));
                prop_assert_eq!(parsed.project(), &name.parse::<ProjectName>().unwrap());
            }
        }
    }
}
