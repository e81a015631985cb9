//! Distributions of the past: what pypiserver lists and today's standards have no name for.
//!
//! The reading of names follows pypiserver's, so that a folder shows the same projects; where it differs, it is because
//! that reading would put a file where no installer finds it. `tests/it/serve/legacy_names.rs` holds the two against
//! each other, name by name, with the reason for each difference.

use super::{FilenameError, check_plain, parse_name};
use crate::packaging::name::ProjectName;
use crate::packaging::version::ReleaseVersion;

/// A distribution of the past: an egg, an installer, an sdist whose packing or version is not of today, or a wheel
/// whose name is not.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LegacyFilename {
    pub(super) text: Box<str>,
    pub(super) project: ProjectName,
    pub(super) release: ReleaseVersion,
    /// What kind of file it is.
    pub kind: LegacyKind,
}

/// What a distribution of the past is, going by its name's ending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LegacyKind {
    /// `.egg`: a zip with `EGG-INFO` in it.
    Egg,
    /// `.tgz`, or `.tar.gz` with a version or platform that the standard doesn't know.
    TarGz,
    /// `.zip` with such a version or platform.
    Zip,
    /// `.tar.bz2`.
    TarBz2,
    /// `.tar.xz`.
    TarXz,
    /// `.exe` or `.msi` for one platform.
    Installer,
    /// `.whl` with parts that are not those of a wheel.
    Wheel,
}

/// The endings, in any case but for wheels'; of two that fit the longer one stands first.
const ENDINGS: [(&str, LegacyKind); 9] = [
    (".tar.gz", LegacyKind::TarGz),
    (".tgz", LegacyKind::TarGz),
    (".tar.bz2", LegacyKind::TarBz2),
    (".tar.xz", LegacyKind::TarXz),
    (".zip", LegacyKind::Zip),
    (".egg", LegacyKind::Egg),
    (".exe", LegacyKind::Installer),
    (".msi", LegacyKind::Installer),
    (".whl", LegacyKind::Wheel),
];

/// Longest name that a file system holds, in bytes.
const MAX_LISTED_BYTES: usize = 255;

impl LegacyFilename {
    /// Reads a name as pypiserver does.
    ///
    /// # Errors
    /// [`FilenameError`], for what it would not list and for what has no valid project name.
    pub(super) fn parse_listed(text: &str) -> Result<Self, FilenameError> {
        // Copies by hand have spaces and tildes in their names. What could be read as markup or a path is not served.
        let printable = |c: char| matches!(c, ' '..='~') && !matches!(c, '/' | '\\' | '"' | '<' | '>' | '&');
        if text.len() > MAX_LISTED_BYTES || text.starts_with('.') || !text.chars().all(printable) {
            return Err(FilenameError::NotPlain(text.to_owned()));
        }
        let (stem, kind) = split_ending(text).ok_or_else(|| FilenameError::UnknownEnding(text.to_owned()))?;
        let (name, version) = match kind {
            LegacyKind::Wheel => parts_of_wheel(text, stem)?,
            LegacyKind::Installer => parts_of_installer(text, stem)?,
            _ => parts_of(stem),
        };
        Ok(Self {
            text: text.into(),
            project: parse_name(text, name)?,
            release: read_version(version),
            kind,
        })
    }

    /// Reads the name of a new upload: eggs and `.tgz` are still made by tools in use, and can be verified.
    ///
    /// # Errors
    /// [`FilenameError`] for everything else, with what to do instead.
    pub(super) fn parse_uploaded(text: &str) -> Result<Self, FilenameError> {
        check_plain(text)?;
        let not_taken = |remedy| FilenameError::NotTaken {
            filename: text.to_owned(),
            remedy,
        };
        if text.ends_with(".asc") {
            return Err(not_taken(
                "send a signature with its file, in the field `gpg_signature`",
            ));
        }
        if text.ends_with(".metadata") {
            return Err(not_taken("upload the wheel, the index reads its metadata itself"));
        }
        let (_, kind) = split_ending(text).ok_or_else(|| FilenameError::UnknownEnding(text.to_owned()))?;
        match kind {
            LegacyKind::Installer => Err(not_taken("build a wheel in place of an installer")),
            LegacyKind::TarBz2 | LegacyKind::TarXz => Err(not_taken("pack the sdist as `.tar.gz`")),
            LegacyKind::Egg | LegacyKind::TarGz if text.ends_with(".egg") || text.ends_with(".tgz") => {
                let parsed = Self::parse_listed(text)?;
                match parsed.release {
                    ReleaseVersion::Standard(_) => Ok(parsed),
                    ReleaseVersion::Legacy(_) => {
                        Err(not_taken("give it a version such as `1.0` or `2.1.post3`"))
                    }
                }
            }
            _ => Err(not_taken("write its ending in small letters")),
        }
    }

    /// What the public index calls its kind.
    pub(super) fn package_type(&self) -> &'static str {
        match self.kind {
            LegacyKind::Egg => "bdist_egg",
            LegacyKind::Installer if self.text.to_ascii_lowercase().ends_with(".msi") => "bdist_msi",
            LegacyKind::Installer => "bdist_wininst",
            LegacyKind::Wheel => "bdist_wheel",
            LegacyKind::TarGz | LegacyKind::Zip | LegacyKind::TarBz2 | LegacyKind::TarXz => "sdist",
        }
    }

    /// The Python that it is for, as the public index writes it.
    pub(super) fn python_version(&self) -> &str {
        if self.package_type() == "sdist" {
            return "source";
        }
        // `foo-1.0-py2.7.egg`, `foo-1.0.win32-py2.7.exe`; what is left behind the version is digits and dots.
        let is_version = |c: char| c.is_ascii_digit() || c == '.';
        let version = self.text.split("-py").nth(1).map(|rest| {
            let end = rest.find(|c| !is_version(c)).unwrap_or(rest.len());
            rest[..end].trim_end_matches('.')
        });
        version.filter(|version| !version.is_empty()).unwrap_or("any")
    }
}

fn split_ending(text: &str) -> Option<(&str, LegacyKind)> {
    ENDINGS.iter().find_map(|(ending, kind)| {
        let at = text.len().checked_sub(ending.len())?;
        let (stem, found) = text.split_at_checked(at)?;
        found.eq_ignore_ascii_case(ending).then_some((stem, *kind))
    })
}

/// Name and version of everything but wheels; without a version the whole is the name.
fn parts_of(stem: &str) -> (&str, &str) {
    let dashes = stem.matches('-').count();
    let split = match dashes {
        0 => None,
        // Without a dot nothing looks like a version, so the last word is taken for one: `foo-bar-master`.
        _ if dashes == 1 || !stem.contains('.') => stem.rsplit_once('-'),
        _ => first_versionlike(stem).map(|at| (&stem[..at], &stem[at + 1..])),
    };
    let (name, version) = split.unwrap_or((stem, ""));
    (name, before_platform(version))
}

/// The first dash behind which digits stand and then a letter or one of `. _ ! +`.
fn first_versionlike(stem: &str) -> Option<usize> {
    stem.match_indices('-').map(|(at, _)| at).find(|at| {
        let rest = &stem[at + 1..];
        let behind_digits = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        behind_digits.len() < rest.len()
            && behind_digits
                .starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '.' | '_' | '!' | '+'))
    })
}

/// What stands before the first word for a platform or a Python: `1.0` of `1.0.linux-x86_64` and of `1.0-py2.7`.
fn before_platform(version: &str) -> &str {
    const SYSTEMS: [&str; 8] = [
        "macosx", "linux", "sunos", "solaris", "irix", "aix", "cygwin", "win",
    ];
    let names_platform = |word: &str| {
        let is_python = ["cp", "py"].iter().any(|python| {
            word.strip_prefix(python)
                .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        });
        is_python || SYSTEMS.iter().any(|system| word.starts_with(system))
    };
    let end = version
        .match_indices(['.', '-'])
        .map(|(at, _)| at)
        .find(|at| names_platform(&version[at + 1..]));
    &version[..end.unwrap_or(version.len())]
}

/// An installer's name says for which platform it is; other programs that happen to lie in the folder don't.
fn parts_of_installer<'a>(text: &str, stem: &'a str) -> Result<(&'a str, &'a str), FilenameError> {
    let (name, version) = parts_of(stem);
    if version.is_empty() || name.len() + 1 + version.len() == stem.len() {
        return Err(FilenameError::NotInstaller(text.to_owned()));
    }
    Ok((name, version))
}

/// A wheel with too many parts: its version begins at the first dash before a digit, and three parts or more follow.
fn parts_of_wheel<'a>(text: &str, stem: &'a str) -> Result<(&'a str, &'a str), FilenameError> {
    let refuse = |reason| FilenameError::Wheel {
        filename: text.to_owned(),
        reason,
    };
    if !text.ends_with(".whl") {
        return Err(refuse("installers know the ending in small letters only"));
    }
    let found = stem
        .match_indices('-')
        .map(|(at, _)| (&stem[..at], &stem[at + 1..]))
        .find(|(name, rest)| !name.is_empty() && rest.starts_with(|c: char| c.is_ascii_digit()));
    let Some((name, rest)) = found else {
        return Err(refuse("it has no part that is a version"));
    };
    let (version, tags) = rest.split_once('-').unwrap_or((rest, ""));
    if tags.split('-').filter(|tag| !tag.is_empty()).count() < 3 {
        return Err(refuse("it must end in python tag, ABI tag and platform tag"));
    }
    Ok((name, version))
}

/// In eggs and wheels `_` stands for a dash of the version.
fn read_version(text: &str) -> ReleaseVersion {
    match ReleaseVersion::parse(&text.replace('_', "-")) {
        standard @ ReleaseVersion::Standard(_) => standard,
        ReleaseVersion::Legacy(_) => ReleaseVersion::Legacy(text.into()),
    }
}
