//! The JSON of a project, as the public index answers at `/pypi/{project}/json` and, in a shape that needs less,
//! pypiserver at `/{project}/json`.
//!
//! This is a vendor's interface, not a standard; what scripts read from it is what matters: `info`, `urls` and
//! `releases`, whose links are absolute. `info` comes from the metadata of one archive, never from an upload form.
//! What nobody can know here (download counts, vulnerabilities) has the value by which the public index says so.

use std::io::{self, Write};

use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};
use serde_json::ser::Formatter;

use super::digest::{Algorithm, NamedDigest};
use super::metadata::CoreMetadata;
use super::name::ProjectName;
use super::simple::{FileEntry, ProjectStatus, format_upload_time};
use super::version::ReleaseVersion;

/// A project as its JSON shows it.
#[derive(Clone, Debug)]
pub struct ProjectDocument {
    /// The normalized name.
    pub name: ProjectName,
    /// The status marker of PEP 792; left out while it is `active`.
    pub status: ProjectStatus,
    /// Why; free text.
    pub status_reason: Option<String>,
    /// The files, oldest version first; never empty.
    pub files: Vec<ReleaseFile>,
    /// The release that `info` and `urls` are about; one of those of `files`.
    pub release: ReleaseVersion,
    /// The metadata of that release; `None` when none of its files has any.
    pub metadata: Option<CoreMetadata>,
    /// Whether `releases` is there, and in which order.
    pub releases: Releases,
}

/// Whether a document has `releases`, and in which order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Releases {
    /// No: the document is about one release.
    None,
    /// Oldest first, as the public index.
    OldestFirst,
    /// Newest first, as pypiserver.
    NewestFirst,
}

/// A file of a release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReleaseFile {
    /// What project pages say of it.
    pub entry: FileEntry,
    /// All digests that are known, sha256 among them unless the file could not be read.
    pub digests: Vec<NamedDigest>,
}

impl ReleaseFile {
    fn version(&self) -> &ReleaseVersion {
        self.entry.filename.version()
    }

    fn digest(&self, algorithm: Algorithm) -> Option<&str> {
        let digest = self.digests.iter().find(|digest| digest.algorithm == algorithm)?;
        Some(digest.hex())
    }
}

/// The release that the public index calls the latest: one that is not yanked before one that is, a final one before
/// a pre-release, then the highest version. `None` without files.
///
/// `files` are in the order of their versions.
#[must_use]
pub fn latest(files: &[ReleaseFile]) -> Option<&ReleaseVersion> {
    let of_releases = releases_of(files).map(|release| {
        let version = release[0].version();
        let is_final = version.standard().is_some_and(|version| !version.is_prerelease());
        (!is_yanked(release), is_final, version)
    });
    of_releases.max().map(|(_, _, version)| version)
}

/// The release that pypiserver calls the newest: the highest version, be it a pre-release; yanked ones, of which
/// pypiserver knows nothing, only when there is no other. `None` without files.
///
/// `files` are in the order of their versions.
#[must_use]
pub fn newest(files: &[ReleaseFile]) -> Option<&ReleaseVersion> {
    let of_releases = releases_of(files).map(|release| (!is_yanked(release), release[0].version()));
    of_releases.max().map(|(_, version)| version)
}

/// The files of each release together; `files` are in the order of their versions.
fn releases_of(files: &[ReleaseFile]) -> impl DoubleEndedIterator<Item = &[ReleaseFile]> {
    files.chunk_by(|a, b| a.version() == b.version())
}

/// A release is yanked when all its files are.
fn is_yanked(release: &[ReleaseFile]) -> bool {
    release.iter().all(|file| file.entry.yanked.is_some())
}

/// A rendered document without the address of the index, which differs from client to client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonTemplate {
    /// JSON in which a NUL byte stands for the address. No JSON text has one: in strings it is escaped.
    bytes: Vec<u8>,
}

const ADDRESS: u8 = 0;

impl JsonTemplate {
    /// The document for clients that know the index under `base`, an address with a final slash.
    #[must_use]
    pub fn at(&self, base: &str) -> Vec<u8> {
        let quoted = serde_json::Value::from(base).to_string();
        // Without the quotes, which stand around every string.
        let base = &quoted.as_bytes()[1..quoted.len() - 1];
        let mut document = Vec::with_capacity(self.bytes.len() + self.bytes.len() / 4);
        let mut pieces = self.bytes.split(|byte| *byte == ADDRESS);
        document.extend(pieces.next().unwrap_or_default());
        for piece in pieces {
            document.extend(base);
            document.extend(piece);
        }
        document
    }

    /// The template itself, as far as digests and memory are concerned.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// A path below the address of the index, percent-encoded; becomes a string that begins with the address.
struct Link(String);

impl Serialize for Link {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Nothing else here is made of bytes, so that the formatter can tell links from all other values.
        serializer.serialize_bytes(self.0.as_bytes())
    }
}

/// Writes compact JSON, as formatters do unless told otherwise, and links behind the mark for the address.
struct LinkFormatter;

impl Formatter for LinkFormatter {
    fn write_byte_array<W: ?Sized + Write>(&mut self, writer: &mut W, path: &[u8]) -> io::Result<()> {
        // Percent-encoded, a path has nothing that JSON would escape.
        writer.write_all(&[b'"', ADDRESS])?;
        writer.write_all(path)?;
        writer.write_all(b"\"")
    }
}

/// Renders a document.
#[must_use]
pub fn render(document: &ProjectDocument) -> JsonTemplate {
    #[derive(Serialize)]
    struct Page<'a> {
        info: Info<'a>,
        last_serial: u64,
        #[serde(rename = "project-status", skip_serializing_if = "Option::is_none")]
        project_status: Option<Status<'a>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        releases: Option<Pairs<String, Vec<File<'a>>>>,
        urls: Vec<File<'a>>,
        vulnerabilities: [(); 0],
    }
    #[derive(Serialize)]
    struct Status<'a> {
        status: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<&'a str>,
    }
    let release = releases_of(&document.files)
        .find(|release| *release[0].version() == document.release)
        .unwrap_or_default();
    let status = (document.status != ProjectStatus::Active).then(|| Status {
        status: document.status.name(),
        reason: document.status_reason.as_deref(),
    });
    let page = Page {
        info: Info::of(document, release),
        last_serial: 0,
        project_status: status,
        releases: releases(document),
        urls: release.iter().map(File::from).collect(),
        vulnerabilities: [],
    };
    let mut bytes = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, LinkFormatter);
    // Plain structs with text keys, written to memory: there is no way to fail.
    let _ = page.serialize(&mut serializer);
    JsonTemplate { bytes }
}

fn releases(document: &ProjectDocument) -> Option<Pairs<String, Vec<File<'_>>>> {
    let pair = |release: &'_ [ReleaseFile]| release[0].version().to_string();
    let mut pairs: Vec<_> = releases_of(&document.files)
        .map(|release| (pair(release), release.iter().map(File::from).collect()))
        .collect();
    match document.releases {
        Releases::None => return None,
        Releases::OldestFirst => {}
        Releases::NewestFirst => pairs.reverse(),
    }
    Some(Pairs(pairs))
}

/// An object whose keys stand in this order.
struct Pairs<K, V>(Vec<(K, V)>);

impl<K: Serialize, V: Serialize> Serialize for Pairs<K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (key, value) in &self.0 {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

#[derive(Serialize)]
struct Info<'a> {
    author: Option<&'a str>,
    author_email: Option<&'a str>,
    bugtrack_url: (),
    classifiers: Vec<&'a str>,
    description: &'a str,
    description_content_type: Option<&'a str>,
    docs_url: (),
    download_url: Option<&'a str>,
    downloads: Downloads,
    dynamic: Option<Vec<&'a str>>,
    home_page: Option<&'a str>,
    keywords: Option<&'a str>,
    license: Option<&'a str>,
    license_expression: Option<&'a str>,
    license_files: Option<Vec<&'a str>>,
    maintainer: Option<&'a str>,
    maintainer_email: Option<&'a str>,
    name: &'a str,
    package_url: Link,
    platform: Option<String>,
    project_url: Link,
    project_urls: Option<Pairs<&'a str, &'a str>>,
    provides_extra: Option<Vec<&'a str>>,
    release_url: Link,
    requires_dist: Option<Vec<&'a str>>,
    requires_python: Option<&'a str>,
    summary: Option<&'a str>,
    version: String,
    yanked: bool,
    yanked_reason: Option<&'a str>,
}

/// Nobody counts them.
#[derive(Serialize)]
struct Downloads {
    last_day: i8,
    last_month: i8,
    last_week: i8,
}

impl<'a> Info<'a> {
    fn of(document: &'a ProjectDocument, release: &'a [ReleaseFile]) -> Self {
        let fields = Fields(document.metadata.as_ref());
        let page = || Link(format!("simple/{}/", document.name));
        let yanked = is_yanked(release);
        let reason = || release.iter().find_map(|file| reason_of(file)).filter(|_| yanked);
        Self {
            author: fields.one("Author"),
            author_email: fields.one("Author-email"),
            bugtrack_url: (),
            classifiers: fields.all("Classifier"),
            description: document
                .metadata
                .as_ref()
                .and_then(CoreMetadata::description)
                .unwrap_or_default(),
            description_content_type: fields.one("Description-Content-Type"),
            docs_url: (),
            download_url: fields.one("Download-URL").filter(|url| is_harmless(url)),
            downloads: Downloads {
                last_day: -1,
                last_month: -1,
                last_week: -1,
            },
            dynamic: fields.some("Dynamic"),
            home_page: fields.one("Home-page").filter(|url| is_harmless(url)),
            keywords: fields.one("Keywords"),
            license: fields.one("License"),
            license_expression: fields.one("License-Expression"),
            license_files: fields.some("License-File"),
            maintainer: fields.one("Maintainer"),
            maintainer_email: fields.one("Maintainer-email"),
            name: fields.one("Name").unwrap_or(document.name.as_str()),
            package_url: page(),
            platform: fields.some("Platform").map(|platforms| platforms.join(",")),
            project_url: page(),
            project_urls: fields.project_urls(),
            provides_extra: fields.some("Provides-Extra"),
            release_url: page(),
            requires_dist: fields.some("Requires-Dist"),
            requires_python: document.metadata.as_ref().and_then(CoreMetadata::requires_python),
            summary: fields.one("Summary"),
            version: document.release.to_string(),
            yanked,
            yanked_reason: reason(),
        }
    }
}

/// The fields of the metadata, if there are any.
struct Fields<'a>(Option<&'a CoreMetadata>);

impl<'a> Fields<'a> {
    /// The values of a field that may be repeated, without those that say nothing.
    fn all(&self, header: &'static str) -> Vec<&'a str> {
        let says_something = |value: &&str| !value.is_empty() && (*value != "UNKNOWN" || header == "Name");
        let values = self.0.into_iter().flat_map(|metadata| metadata.all(header));
        values.map(str::trim).filter(says_something).collect()
    }

    fn some(&self, header: &'static str) -> Option<Vec<&'a str>> {
        Some(self.all(header)).filter(|values| !values.is_empty())
    }

    fn one(&self, header: &'static str) -> Option<&'a str> {
        self.all(header).first().copied()
    }

    /// Labels and addresses, the two old fields for them first.
    fn project_urls(&self) -> Option<Pairs<&'a str, &'a str>> {
        let old = [("Homepage", "Home-page"), ("Download", "Download-URL")];
        let old = old
            .into_iter()
            .filter_map(|(label, field)| Some((label, self.one(field)?)));
        let new = self.all("Project-URL");
        let new = new.iter().filter_map(|value| value.split_once(','));
        let mut urls: Vec<(&str, &str)> = Vec::new();
        for (label, url) in old.chain(new) {
            let (label, url) = (label.trim(), url.trim());
            // A key that stands twice is read by some as the first, by others as the last.
            if is_harmless(url) && !urls.iter().any(|(known, _)| *known == label) {
                urls.push((label, url));
            }
        }
        (!urls.is_empty()).then_some(Pairs(urls))
    }
}

/// Whether an address may be shown as a link: it is not a program in disguise. What is no address at all does nothing.
fn is_harmless(address: &str) -> bool {
    !url::Url::parse(address)
        .is_ok_and(|url| matches!(url.scheme(), "javascript" | "vbscript" | "data" | "blob" | "file"))
}

#[derive(Serialize)]
struct File<'a> {
    comment_text: &'static str,
    #[serde(rename = "core-metadata")]
    core_metadata: CoreMetadataFile,
    digests: Pairs<&'static str, &'a str>,
    downloads: i8,
    filename: &'a str,
    has_sig: bool,
    md5_digest: Option<&'a str>,
    packagetype: &'static str,
    python_version: &'a str,
    requires_python: Option<&'a str>,
    size: u64,
    upload_time: String,
    upload_time_iso_8601: String,
    url: Link,
    yanked: bool,
    yanked_reason: Option<&'a str>,
}

/// Whether there is a metadata file beside the distribution, and its digest.
#[derive(Serialize)]
#[serde(untagged)]
enum CoreMetadataFile {
    None(bool),
    Sha256 { sha256: String },
}

impl<'a> From<&'a ReleaseFile> for File<'a> {
    fn from(file: &'a ReleaseFile) -> Self {
        let entry = &file.entry;
        let digests = [Algorithm::Blake2b256, Algorithm::Md5, Algorithm::Sha256];
        let digests = digests
            .into_iter()
            .filter_map(|algorithm| Some((algorithm.name(), file.digest(algorithm)?)));
        let upload_time = format_upload_time(entry.uploaded_at);
        // The old field has neither a zone nor a fraction.
        let without_fraction = upload_time.split('.').next().unwrap_or(&upload_time);
        Self {
            comment_text: "",
            core_metadata: match entry.metadata_sha256 {
                Some(digest) => CoreMetadataFile::Sha256 {
                    sha256: digest.to_string(),
                },
                None => CoreMetadataFile::None(false),
            },
            digests: Pairs(digests.collect()),
            downloads: -1,
            filename: entry.filename.as_str(),
            has_sig: entry.is_signed,
            md5_digest: file.digest(Algorithm::Md5),
            packagetype: entry.filename.package_type(),
            python_version: entry.filename.python_version(),
            requires_python: entry.requires_python.as_deref(),
            size: entry.size_bytes,
            upload_time: without_fraction.trim_end_matches('Z').to_owned(),
            upload_time_iso_8601: upload_time,
            url: Link(format!("packages/{}", entry.encoded_path())),
            yanked: entry.yanked.is_some(),
            yanked_reason: reason_of(file),
        }
    }
}

fn reason_of(file: &ReleaseFile) -> Option<&str> {
    file.entry.yanked.as_deref().filter(|reason| !reason.is_empty())
}

#[cfg(test)]
mod tests;
