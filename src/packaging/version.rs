//! Versions as the version specifiers specification (PEP 440) orders and spells them.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The longest version that is taken, as written and in its normal form.
const MAX_BYTES: usize = 128;

/// A valid version. `Display` gives the normalized spelling; trailing zeros are kept, but `1.0` equals `1.0.0`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Version(pep440_rs::Version);

impl Version {
    /// Whether this is an alpha, beta, release candidate or development release.
    #[must_use]
    pub fn is_prerelease(&self) -> bool {
        self.0.any_prerelease()
    }

    /// Whether the version has a local label (`1.0+corp.3`).
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.0.is_local()
    }

    /// The form that file names use: the normalized text with `-` turned into `_`.
    #[must_use]
    pub fn to_filename_part(&self) -> String {
        self.0.to_string().replace('-', "_")
    }
}

/// The text is not a version by the standard.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{}` is not a valid version: write it like `1.0`, `2.1.post3` or `1.0rc1`", .text.escape_debug())]
pub struct VersionError {
    /// What was given.
    pub text: String,
}

impl FromStr for Version {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        // The standard trims white space; a version that comes with line breaks is a broken header, not a version.
        let acceptable = text.len() <= MAX_BYTES && !text.chars().any(char::is_control);
        let parsed = acceptable
            .then(|| text.trim().parse::<pep440_rs::Version>().ok())
            .flatten()
            .map(Self);
        // `1-0` becomes `1.post0`: the normal form too must be one that can be read again.
        let is_short = |version: &Self| text.len() <= MAX_BYTES / 2 || version.to_string().len() <= MAX_BYTES;
        parsed.filter(is_short).ok_or_else(|| VersionError {
            text: text.chars().take(MAX_BYTES).collect(),
        })
    }
}

impl TryFrom<String> for Version {
    type Error = VersionError;

    fn try_from(text: String) -> Result<Self, VersionError> {
        text.parse()
    }
}

impl From<Version> for String {
    fn from(version: Version) -> Self {
        version.to_string()
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The version of a release that is already in the folder: a valid one, or the text that an old tool once wrote.
///
/// Legacy versions sort before all valid ones, among themselves by their text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ReleaseVersion {
    /// A version by today's standard.
    Standard(Version),
    /// Anything else, as it stands in the file name; may be empty.
    Legacy(Box<str>),
}

impl ReleaseVersion {
    /// Reads a version leniently; never fails.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        text.parse()
            .map_or_else(|_| Self::Legacy(text.into()), Self::Standard)
    }

    /// The version by today's standard, if it is one.
    #[must_use]
    pub fn standard(&self) -> Option<&Version> {
        match self {
            Self::Standard(version) => Some(version),
            Self::Legacy(_) => None,
        }
    }
}

impl PartialOrd for ReleaseVersion {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ReleaseVersion {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Standard(a), Self::Standard(b)) => a.cmp(b),
            (Self::Legacy(a), Self::Legacy(b)) => a.cmp(b),
            (Self::Legacy(_), Self::Standard(_)) => Ordering::Less,
            (Self::Standard(_), Self::Legacy(_)) => Ordering::Greater,
        }
    }
}

impl fmt::Display for ReleaseVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Standard(version) => version.fmt(f),
            Self::Legacy(text) => f.write_str(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_too_long_in_its_normal_form_is_refused() {
        let with_local = |bytes: usize| format!("1-0+{}", "a".repeat(bytes - 4)).parse::<Version>();
        let longest = with_local(124).unwrap();
        assert_eq!(longest.to_string().len(), 128);
        assert_eq!(longest.to_string().parse(), Ok(longest));
        with_local(125).unwrap_err();
    }

    #[test]
    fn the_standards_example_of_order_holds() {
        let ascending = [
            "1.0.dev1",
            "1.0a1.dev1",
            "1.0a1",
            "1.0a1.post1",
            "1.0b1",
            "1.0rc1",
            "1.0",
            "1.0+a",
            "1.0+a.1",
            "1.0+5",
            "1.0.post1.dev1",
            "1.0.post1",
            "1.1.dev1",
            "1!0.1",
        ];
        let parsed: Vec<Version> = ascending.iter().map(|text| text.parse().unwrap()).collect();
        assert!(parsed.windows(2).all(|pair| pair[0] < pair[1]), "{parsed:?}");
    }

    #[test]
    fn odd_spellings_are_normalized() {
        let cases = [
            ("v1.0", "1.0"),
            ("1.0-1", "1.0.post1"),
            ("1.0ALPHA", "1.0a0"),
            ("1.0.preview3", "1.0rc3"),
            ("1.0-rev2", "1.0.post2"),
            ("1.0+Ubuntu-1_2", "1.0+ubuntu.1.2"),
            ("01.02", "1.2"),
            ("1.0.0", "1.0.0"),
            (" 1.0 ", "1.0"),
        ];
        for (given, normal) in cases {
            assert_eq!(given.parse::<Version>().unwrap().to_string(), normal, "{given}");
        }
    }

    #[test]
    fn what_is_no_version_is_refused() {
        for bad in ["", "abc", "1.0\n", "1..0", "1.0+", "latest", "1.0/2", "../1"] {
            assert!(bad.parse::<Version>().is_err(), "{bad:?} was accepted");
        }
    }

    #[test]
    fn legacy_versions_sort_first() {
        assert!(ReleaseVersion::parse("zzz-nightly") < ReleaseVersion::parse("0.dev0"));
    }

    proptest! {
        #[test]
        fn the_normal_form_round_trips(
            release in prop::collection::vec(0u32..3000, 1..5), pre in "((a|b|rc)[0-9]{1,3})?",
            post in "(\\.post[0-9]{1,3})?", dev in "(\\.dev[0-9]{1,3})?", local in "(\\+[a-z0-9]{1,5}(\\.[a-z0-9]{1,5})?)?",
        ) {
            let release = release.iter().map(u32::to_string).collect::<Vec<_>>().join(".");
            let once: Version = format!("{release}{pre}{post}{dev}{local}").parse().unwrap();
            let twice: Version = once.to_string().parse().unwrap();
            prop_assert_eq!(once.to_string(), twice.to_string());
            prop_assert_eq!(once, twice);
        }
    }
}
