//! Pages of the Simple repository API, version 1.4: one model, two renderings.
//!
//! Standards: PEP 503 and 592 (HTML), PEP 691 (JSON), PEP 700 (versions, size, upload time), PEP 658 and 714
//! (metadata files), PEP 792 (project status), PEP 833 (HTML stays at 1.4).

use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::digest::NamedDigest;
use super::name::ProjectName;
use super::version::ReleaseVersion;
use super::{DistFilename, Sha256};

pub mod html;
pub mod json;
pub mod negotiate;

/// The version that both renderings announce.
pub const API_VERSION: &str = "1.4";

/// The index page: every project that has a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectList {
    /// In order of their names.
    pub projects: Vec<ProjectName>,
}

/// A project page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectDetail {
    /// The normalized name.
    pub name: ProjectName,
    /// The status marker.
    pub status: ProjectStatus,
    /// Why; free text.
    pub status_reason: Option<String>,
    /// The files, oldest version first. Empty for a quarantined project.
    pub files: Vec<FileEntry>,
}

impl ProjectDetail {
    /// Whether links tell which files are signed. The standard wants that on every link of a page or on none.
    pub(super) fn tells_signatures(&self) -> bool {
        self.files.iter().any(|file| file.is_signed)
    }

    /// The versions of the files, each once, in ascending order and normalized spelling.
    #[must_use]
    pub fn versions(&self) -> Vec<String> {
        let mut versions: Vec<&ReleaseVersion> =
            self.files.iter().map(|file| file.filename.version()).collect();
        versions.sort();
        versions.dedup();
        versions
            .into_iter()
            .map(ToString::to_string)
            .filter(|version| !version.is_empty())
            .collect()
    }
}

/// One file of a project page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileEntry {
    /// Its name, which is also the last part of its URL.
    pub filename: DistFilename,
    /// Where it is below `/packages/`: `/`-separated, not yet percent-encoded.
    pub path: String,
    /// The one digest that pages show; `None` when hashes are switched off.
    pub digest: Option<NamedDigest>,
    /// `Requires-Python` as the metadata has it.
    pub requires_python: Option<String>,
    /// Digest of the metadata file at the file's URL plus `.metadata`; `None` when there is no such file.
    pub metadata_sha256: Option<Sha256>,
    /// The reason when the file is yanked; may be empty.
    pub yanked: Option<String>,
    /// Length in bytes.
    pub size_bytes: u64,
    /// When the file came.
    pub uploaded_at: Timestamp,
    /// Whether there is a detached PGP signature at the file's URL plus `.asc`.
    pub is_signed: bool,
}

impl FileEntry {
    /// The URL relative to a project page, percent-encoded. Relative, so that the page is right behind any proxy
    /// and under any prefix.
    #[must_use]
    pub fn relative_url(&self) -> String {
        format!("../../packages/{}", self.encoded_path())
    }

    /// The path below `/packages/`, percent-encoded.
    #[must_use]
    pub fn encoded_path(&self) -> String {
        utf8_percent_encode(&self.path, PATH).to_string()
    }
}

/// Everything but unreserved characters and the slash is encoded; `+` and `!` too, which some clients decode wrongly.
const PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');

/// The status markers of PEP 792.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProjectStatus {
    /// Nothing special.
    #[default]
    Active,
    /// No new uploads; files are served.
    Archived,
    /// No new uploads, and no files are offered.
    Quarantined,
    /// Served, but clients may warn.
    Deprecated,
}

impl ProjectStatus {
    /// The marker in pages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Archived => "archived",
            Self::Quarantined => "quarantined",
            Self::Deprecated => "deprecated",
        }
    }
}

/// A moment as PEP 700 writes it: UTC with `Z`, at most six digits of a second's fraction.
#[must_use]
pub fn format_upload_time(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}

#[cfg(test)]
pub(super) mod samples {
    use super::*;
    use crate::packaging::digest::Algorithm;

    /// A page with everything that needs care: escapes, a local version, a yank, a file without metadata.
    pub(super) fn detail() -> ProjectDetail {
        let file = |filename: &str, path: &str| FileEntry {
            filename: filename.parse().unwrap(),
            path: path.to_owned(),
            digest: Some(NamedDigest::parse(Algorithm::Sha256, &"ab".repeat(32)).unwrap()),
            requires_python: None,
            metadata_sha256: None,
            yanked: None,
            size_bytes: 12,
            uploaded_at: "2026-01-02T03:04:05.678901234Z".parse().unwrap(),
            is_signed: false,
        };
        let sdist = FileEntry {
            yanked: Some("broken \"quotes\"\n& <tags>".to_owned()),
            ..file("foo_bar-1.0.tar.gz", "old/foo_bar-1.0.tar.gz")
        };
        let wheel = FileEntry {
            requires_python: Some(">=3.8,<4".to_owned()),
            metadata_sha256: Some(Sha256::of("metadata")),
            ..file(
                "foo_bar-1.0+corp.1-py3-none-any.whl",
                "foo_bar-1.0+corp.1-py3-none-any.whl",
            )
        };
        ProjectDetail {
            name: "Foo.Bar".parse().unwrap(),
            status: ProjectStatus::Deprecated,
            status_reason: Some("use <baz>".to_owned()),
            files: vec![sdist, wheel],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upload_times_have_a_zone_and_six_digits_at_most() {
        let moment = "2026-01-02T03:04:05.678901234Z".parse().unwrap();
        assert_eq!(format_upload_time(moment), "2026-01-02T03:04:05.678901Z");
        assert_eq!(
            format_upload_time(Timestamp::UNIX_EPOCH),
            "1970-01-01T00:00:00.000000Z"
        );
    }

    #[test]
    fn versions_are_unique_and_ascending() {
        assert_eq!(samples::detail().versions(), ["1.0", "1.0+corp.1"]);
    }

    #[test]
    fn a_plus_in_a_path_is_encoded() {
        let urls: Vec<String> = samples::detail()
            .files
            .iter()
            .map(FileEntry::relative_url)
            .collect();
        assert_eq!(
            urls,
            [
                "../../packages/old/foo_bar-1.0.tar.gz",
                "../../packages/foo_bar-1.0%2Bcorp.1-py3-none-any.whl"
            ]
        );
    }
}
