//! Core metadata: what METADATA in a wheel and PKG-INFO in an sdist say about a distribution.
//!
//! Standard: the core metadata specifications, versions 1.0 to 2.6. Only what readers act upon is checked; every
//! other header, known or not, is kept as it is, because metadata of tomorrow and of ten years ago must pass.

use std::borrow::Cow;

use thiserror::Error;

use super::headers::Headers;
use super::name::{NameError, ProjectName};
use super::specifier::{SpecifierError, SpecifierSet};
use super::version::{Version, VersionError};

/// Valid core metadata: a version of the format that we can read, a name and a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CoreMetadata {
    headers: Headers,
    name: ProjectName,
    version: Version,
    requires_python: Option<SpecifierSet>,
    /// The Description header without its folding; the body needs no copy.
    unfolded_description: Option<Box<str>>,
}

/// Why a text is not core metadata.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MetadataError {
    /// A byte sequence that is not UTF-8.
    #[error("the metadata are not UTF-8 text: the bytes at {valid_bytes} are something else")]
    NotUtf8 {
        /// Length of the valid text before it, in bytes.
        valid_bytes: usize,
    },
    /// A NUL character, at which some readers stop.
    #[error("the metadata hold a NUL character")]
    Nul,
    /// A header without which there is no distribution.
    #[error("the metadata have no {header} header")]
    Missing {
        /// Its name.
        header: &'static str,
    },
    /// A header that may occur once, and of which readers would pick different ones.
    #[error("the metadata have more than one {header} header")]
    Repeated {
        /// Its name.
        header: &'static str,
    },
    /// Not `1.x` or `2.x`.
    #[error("the metadata version `{}` is unknown: versions 1.0 to 2.6 are read, and later ones that begin with 2", .0.escape_debug())]
    MetadataVersion(String),
    /// The Name header is not a project's name.
    #[error("the metadata's Name is invalid")]
    Name(#[source] NameError),
    /// The Version header is not a version.
    #[error("the metadata's Version is invalid")]
    Version(#[source] VersionError),
    /// The Requires-Python header is not a set of version specifiers.
    #[error("the metadata's Requires-Python is invalid")]
    RequiresPython(#[source] SpecifierError),
}

/// The headers that decide what a distribution is; no reader may be left to choose between two of them.
const SINGLE: [&str; 4] = ["Metadata-Version", "Name", "Version", "Requires-Python"];

impl CoreMetadata {
    /// Reads METADATA or PKG-INFO strictly, as befits an upload.
    ///
    /// # Errors
    /// [`MetadataError`] when the text is not UTF-8, holds NUL, lacks Metadata-Version, Name or Version, repeats
    /// one of those or Requires-Python, or one of them is invalid.
    pub fn parse(bytes: &[u8]) -> Result<Self, MetadataError> {
        let text = std::str::from_utf8(bytes).map_err(|error| MetadataError::NotUtf8 {
            valid_bytes: error.valid_up_to(),
        })?;
        if text.contains('\0') {
            return Err(MetadataError::Nul);
        }
        let headers = Headers::parse(text);
        if let Some(header) = SINGLE
            .into_iter()
            .find(|header| headers.all(header).nth(1).is_some())
        {
            return Err(MetadataError::Repeated { header });
        }
        check_metadata_version(required(&headers, "Metadata-Version")?)?;
        let requires_python = stated(&headers, "Requires-Python")
            .map(str::parse)
            .transpose()
            .map_err(MetadataError::RequiresPython)?;
        Self::assemble(headers, requires_python)
    }

    /// Reads the metadata of a file that is already in the folder: bytes that are not UTF-8 are replaced, of
    /// repeated headers the first counts, an invalid Requires-Python or Metadata-Version counts as absent.
    ///
    /// # Errors
    /// [`MetadataError`] when there is no valid Name or Version.
    pub fn parse_lenient(bytes: &[u8]) -> Result<Self, MetadataError> {
        let headers = lenient_headers(bytes);
        let requires_python = stated(&headers, "Requires-Python").and_then(|text| text.parse().ok());
        Self::assemble(headers, requires_python)
    }

    /// The valid Requires-Python of the metadata of a file that is already in the folder, whatever else is wrong with
    /// them: installers go by it even where name or version are not of today.
    #[must_use]
    pub fn requires_python_leniently(bytes: &[u8]) -> Option<String> {
        let headers = lenient_headers(bytes);
        let stated = stated(&headers, "Requires-Python")?.parse::<SpecifierSet>();
        stated.ok().map(|specifiers| specifiers.as_str().to_owned())
    }

    fn assemble(headers: Headers, requires_python: Option<SpecifierSet>) -> Result<Self, MetadataError> {
        let name = required(&headers, "Name")?.parse().map_err(MetadataError::Name)?;
        let version = required(&headers, "Version")?
            .parse()
            .map_err(MetadataError::Version)?;
        let unfolded_description = stated(&headers, "Description").map(|value| unfold(value).into());
        Ok(Self {
            headers,
            name,
            version,
            requires_python,
            unfolded_description,
        })
    }

    /// The version of the metadata format, such as `2.4`; empty when it was absent and read leniently.
    #[must_use]
    pub fn metadata_version(&self) -> &str {
        self.first("Metadata-Version").unwrap_or_default().trim()
    }

    /// The same as numbers, which compare as versions do; `None` when they are none.
    #[must_use]
    pub fn format_version(&self) -> Option<(u16, u16)> {
        let (major, minor) = self.metadata_version().split_once('.')?;
        Some((major.parse().ok()?, minor.parse().ok()?))
    }

    /// The project.
    #[must_use]
    pub fn name(&self) -> &ProjectName {
        &self.name
    }

    /// The project's name as its author spells it.
    #[must_use]
    pub fn name_as_written(&self) -> &str {
        self.first("Name").unwrap_or_default().trim()
    }

    /// The release.
    #[must_use]
    pub fn version(&self) -> &Version {
        &self.version
    }

    /// The valid Requires-Python as it was written, without white space around it; `None` when absent or empty.
    #[must_use]
    pub fn requires_python(&self) -> Option<&str> {
        self.requires_python.as_ref().map(SpecifierSet::as_str)
    }

    /// The first value of any header; names match in any case.
    #[must_use]
    pub fn first(&self, header: &str) -> Option<&str> {
        self.headers.first(header)
    }

    /// All values of any header, in order; names match in any case.
    pub fn all<'a>(&'a self, header: &'a str) -> impl Iterator<Item = &'a str> + 'a {
        self.headers.all(header)
    }

    /// All headers in order, unknown ones included, with names as written.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers.iter()
    }

    /// The long description: the Description header without its folding, otherwise the body; `None` when empty.
    #[must_use]
    pub fn description(&self) -> Option<&str> {
        self.unfolded_description
            .as_deref()
            .or_else(|| Some(self.headers.body()).filter(|body| !body.trim().is_empty()))
    }

    /// Whether there is both a Description header and a body, of which readers would show different ones.
    #[must_use]
    pub fn has_description_twice(&self) -> bool {
        self.unfolded_description.is_some() && !self.headers.body().trim().is_empty()
    }
}

/// Headers of any bytes. Some editors put a byte order mark in front, which would hide the first header.
fn lenient_headers(bytes: &[u8]) -> Headers {
    let text = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    Headers::parse(String::from_utf8_lossy(text).into_owned())
}

fn required<'a>(headers: &'a Headers, header: &'static str) -> Result<&'a str, MetadataError> {
    stated(headers, header).ok_or(MetadataError::Missing { header })
}

/// A header's value, unless it says nothing: distutils wrote `UNKNOWN` for fields without a value.
fn stated<'a>(headers: &'a Headers, header: &str) -> Option<&'a str> {
    let value = headers.first(header)?.trim();
    (!value.is_empty() && (value != "UNKNOWN" || header == "Name")).then_some(value)
}

/// Versions 1.x and 2.x; a greater minor version may add fields, a greater major one may change their meaning.
fn check_metadata_version(text: &str) -> Result<(), MetadataError> {
    let is_number =
        |part: &str| !part.is_empty() && part.len() <= 3 && part.bytes().all(|b| b.is_ascii_digit());
    match text.split_once('.') {
        Some(("1" | "2", minor)) if is_number(minor) => Ok(()),
        _ => Err(MetadataError::MetadataVersion(text.chars().take(40).collect())),
    }
}

/// Takes the folding off a Description header: seven spaces and a `|`, or the eight spaces of old distutils,
/// before each line but the first.
fn unfold(value: &str) -> Cow<'_, str> {
    if !value.contains('\n') {
        return Cow::Borrowed(value);
    }
    let lines = value.split('\n').map(|line| {
        line.strip_prefix("       |")
            .or_else(|| line.strip_prefix("        "))
            .unwrap_or(line)
    });
    Cow::Owned(lines.collect::<Vec<_>>().join("\n"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MINIMAL: &str = "Metadata-Version: 2.1\nName: My.Lib\nVersion: 1.0\n";

    fn parse(text: &str) -> Result<CoreMetadata, MetadataError> {
        CoreMetadata::parse(text.as_bytes())
    }

    #[test]
    fn fields_are_read_in_order_and_unknown_ones_are_kept() {
        let text = format!(
            "{MINIMAL}Requires-Python:  >=3.8 \nClassifier: A\nclassifier: B\nX-Future: yes\nRequires-Dist: x\n  ; extra == 'y'\n\n# Title\n\ntext\n"
        );
        let metadata = parse(&text).unwrap();
        assert_eq!(metadata.metadata_version(), "2.1");
        assert_eq!(metadata.name().as_str(), "my-lib");
        assert_eq!(metadata.name_as_written(), "My.Lib");
        assert_eq!(metadata.version().to_string(), "1.0");
        assert_eq!(metadata.requires_python(), Some(">=3.8"));
        assert_eq!(metadata.all("Classifier").collect::<Vec<_>>(), ["A", "B"]);
        assert_eq!(metadata.first("x-future"), Some("yes"));
        assert_eq!(metadata.first("requires-dist"), Some("x\n  ; extra == 'y'"));
        assert_eq!(metadata.headers().count(), 8);
        assert_eq!(metadata.description(), Some("# Title\n\ntext\n"));
    }

    #[test]
    fn every_version_of_the_format_is_read() {
        for version in [
            "1.0", "1.1", "1.2", "2.0", "2.1", "2.2", "2.3", "2.4", "2.5", "2.6", "2.9", "2.10",
        ] {
            let text = MINIMAL.replace("2.1", version);
            assert_eq!(parse(&text).unwrap().metadata_version(), version);
        }
        for version in ["3.0", "0.9", "2", "2.x", "", "2.1.1", "two", "2."] {
            assert!(
                parse(&MINIMAL.replace("2.1", version)).is_err(),
                "{version} was accepted"
            );
        }
    }

    #[test]
    fn descriptions_are_unfolded() {
        let modern = format!("{MINIMAL}Description: one\n       |\n       |  two\n       |three\n");
        assert_eq!(parse(&modern).unwrap().description(), Some("one\n\n  two\nthree"));
        let old = format!("{MINIMAL}Description: one\n        \n          two\nPlatform: any\n");
        assert_eq!(parse(&old).unwrap().description(), Some("one\n\n  two"));
        let unknown = format!("{MINIMAL}Description: UNKNOWN\nRequires-Python: UNKNOWN\n");
        assert_eq!(parse(&unknown).unwrap().description(), None);
        assert_eq!(parse(&unknown).unwrap().requires_python(), None);
        assert_eq!(parse(MINIMAL).unwrap().description(), None);
    }

    #[test]
    fn b14_what_readers_would_disagree_about_is_refused() {
        for header in SINGLE {
            let twice = format!("{MINIMAL}Requires-Python: >=3\n{header}: 1.0\n");
            assert_eq!(parse(&twice), Err(MetadataError::Repeated { header }), "{header}");
        }
        assert_eq!(
            parse(&format!("{MINIMAL}Summary: a\0b\n")),
            Err(MetadataError::Nul)
        );
        let latin = [MINIMAL.as_bytes(), b"Author: J\xf6rg\n"].concat();
        assert!(matches!(
            CoreMetadata::parse(&latin),
            Err(MetadataError::NotUtf8 { .. })
        ));
        for header in ["Metadata-Version", "Name", "Version"] {
            let without: String = MINIMAL
                .lines()
                .filter(|line| !line.starts_with(&format!("{header}:")))
                .fold(String::new(), |text, line| text + line + "\n");
            assert_eq!(
                parse(&without),
                Err(MetadataError::Missing { header }),
                "{header}"
            );
        }
        for bad in ["Name: a/b", "Name: ../x", "Version: one", "Version: 1.0/2"] {
            let (header, _) = bad.split_once(':').unwrap();
            let text = MINIMAL.lines().map(|line| {
                if line.starts_with(&format!("{header}:")) {
                    bad
                } else {
                    line
                }
            });
            assert!(
                parse(&text.collect::<Vec<_>>().join("\n")).is_err(),
                "{bad} was accepted"
            );
        }
        assert!(matches!(
            parse(&format!("{MINIMAL}Requires-Python: <script>\n")),
            Err(MetadataError::RequiresPython(_))
        ));
        assert!(
            parse(&format!("\n{MINIMAL}")).is_err(),
            "headers below an empty line are body"
        );
    }

    #[test]
    fn lenient_reading_keeps_what_can_be_kept() {
        let text = b"Name: A\nName: B\nVersion: 1.0\nRequires-Python: any\nAuthor: J\xf6rg\n";
        let metadata = CoreMetadata::parse_lenient(text).unwrap();
        assert_eq!(metadata.name().as_str(), "a");
        assert_eq!(metadata.requires_python(), None);
        assert_eq!(metadata.first("Author"), Some("J\u{fffd}rg"));
        let marked = "\u{feff}Metadata-Version: 2.1\nName: A\nVersion: 1.0\n";
        assert_eq!(
            CoreMetadata::parse_lenient(marked.as_bytes())
                .unwrap()
                .metadata_version(),
            "2.1"
        );
        assert!(CoreMetadata::parse_lenient(b"Name: A\n").is_err());
        assert!(CoreMetadata::parse_lenient(b"").is_err());
    }

    #[test]
    fn the_python_requirement_is_found_in_metadata_that_are_not_valid() {
        let read = |text: &[u8]| CoreMetadata::requires_python_leniently(text);
        for text in [
            &b"Name: a\nVersion: 2004d\nRequires-Python: >=3.8 \n"[..],
            b"Requires-Python: >=3.8\nAuthor: J\xf6rg\n",
            b"\xef\xbb\xbfRequires-Python: >=3.8\nRequires-Python: >=3.9\n",
        ] {
            assert_eq!(read(text).as_deref(), Some(">=3.8"));
        }
        for text in [
            &b"Name: a\n\nRequires-Python: >=3\n"[..],
            b"Requires-Python: <script>\n",
            b"Requires-Python: UNKNOWN\n",
            b"",
        ] {
            assert_eq!(read(text), None);
        }
    }

    proptest! {
        #[test]
        fn written_headers_are_read_back(
            fields in prop::collection::vec(("X-[A-Za-z-]{1,12}", "[!-~][ -~ä€]{0,40}"), 0..20),
            body in "[ -~\n]{0,60}",
        ) {
            let mut text = MINIMAL.to_owned();
            for (name, value) in &fields {
                text += &format!("{name}: {value}\n");
            }
            let metadata = parse(&format!("{text}\n{body}")).unwrap();
            let got: Vec<_> = metadata.headers().skip(3).map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
            prop_assert_eq!(got, fields);
            prop_assert_eq!(metadata.description().unwrap_or_default().trim(), body.trim());
        }

        #[test]
        fn any_bytes_are_read_or_refused_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = CoreMetadata::parse(&bytes);
            let _ = CoreMetadata::parse_lenient(&bytes);
            let _ = CoreMetadata::parse(&[MINIMAL.as_bytes(), &bytes].concat());
        }
    }
}
