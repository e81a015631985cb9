//! The legacy upload form in both directions: what `publish` writes and what the index believes of what it gets.
//!
//! No standard describes it. The field names are those that the public index reads, and what is tolerated is what
//! uploaders in use send: fields in any order, empty fields, fields of their own. Metadata are written but not
//! read: the index takes them from the archive.

use thiserror::Error;

use super::digest::{Algorithm, DigestError, NamedDigest};
use super::metadata::CoreMetadata;
use super::name::{NameError, ProjectName};
use super::version::ReleaseVersion;
use super::{DistFilename, Version};

/// The name of the part that carries the file.
pub const CONTENT_FIELD: &str = "content";

/// The only version of the protocol there has ever been.
const PROTOCOL_VERSION: &str = "1";

/// The headers of core metadata after the first three, and the fields that the public index reads them from.
const METADATA_FIELDS: [(&str, &str); 29] = [
    ("Dynamic", "dynamic"),
    ("Platform", "platform"),
    ("Supported-Platform", "supported_platform"),
    ("Summary", "summary"),
    ("Description-Content-Type", "description_content_type"),
    ("Keywords", "keywords"),
    ("Home-page", "home_page"),
    ("Download-URL", "download_url"),
    ("Author", "author"),
    ("Author-email", "author_email"),
    ("Maintainer", "maintainer"),
    ("Maintainer-email", "maintainer_email"),
    ("License", "license"),
    ("License-Expression", "license_expression"),
    ("License-File", "license_file"),
    ("Classifier", "classifiers"),
    ("Requires-Dist", "requires_dist"),
    ("Requires-Python", "requires_python"),
    ("Requires-External", "requires_external"),
    ("Project-URL", "project_urls"),
    ("Provides-Extra", "provides_extra"),
    // Some uploaders send these two in the plural, which no index reads.
    ("Import-Name", "import_name"),
    ("Import-Namespace", "import_namespace"),
    ("Provides-Dist", "provides_dist"),
    ("Obsoletes-Dist", "obsoletes_dist"),
    ("Requires", "requires"),
    ("Provides", "provides"),
    ("Obsoletes", "obsoletes"),
    ("Description", "description"),
];

/// All text fields for a distribution, in the order in which they are to be sent: what a server needs to refuse
/// early comes first, the long description last. The file itself follows as [`CONTENT_FIELD`].
///
/// Empty headers are left out, except `requires_python`, which some indexes insist on.
#[must_use]
pub fn to_fields(
    filename: &DistFilename,
    metadata: &CoreMetadata,
    digests: &[NamedDigest],
    comment: Option<&str>,
) -> Vec<(&'static str, String)> {
    let mut fields = vec![
        (":action", "file_upload".to_owned()),
        ("protocol_version", PROTOCOL_VERSION.to_owned()),
    ];
    for digest in digests {
        if let Some(field) = digest_field(digest.algorithm) {
            fields.push((field, digest.hex().to_owned()));
        }
    }
    let (filetype, pyversion) = match filename {
        DistFilename::Wheel(wheel) => (Filetype::Wheel, &*wheel.python),
        DistFilename::Sdist(_) | DistFilename::Legacy(_) => (Filetype::Sdist, "source"),
    };
    fields.push(("filetype", filetype.as_str().to_owned()));
    fields.push(("pyversion", pyversion.to_owned()));
    if let Some(comment) = comment.filter(|text| !text.is_empty()) {
        fields.push(("comment", comment.to_owned()));
    }
    fields.extend(metadata_fields(metadata));
    fields
}

fn metadata_fields(metadata: &CoreMetadata) -> Vec<(&'static str, String)> {
    let mut fields = vec![
        ("metadata_version", metadata.metadata_version().to_owned()),
        ("name", metadata.name_as_written().to_owned()),
        ("version", metadata.version().to_string()),
    ];
    for (header, field) in METADATA_FIELDS {
        match field {
            // Either the body or, in old metadata, a header.
            "description" => fields.extend(non_empty(metadata.description()).map(|text| (field, text))),
            "requires_python" => {
                fields.push((field, metadata.requires_python().unwrap_or_default().to_owned()));
            }
            // setuptools wrote this header for years before a metadata version knew it; indexes refuse that.
            "license_file" if !knows_license_files(metadata) => {}
            _ => fields.extend(
                metadata
                    .all(header)
                    .filter_map(|value| Some((field, non_empty(Some(value))?))),
            ),
        }
    }
    fields
}

fn non_empty(text: Option<&str>) -> Option<String> {
    text.filter(|text| !text.trim().is_empty()).map(str::to_owned)
}

fn knows_license_files(metadata: &CoreMetadata) -> bool {
    let declared = metadata.metadata_version().parse::<Version>();
    let first = "2.4".parse::<Version>();
    matches!((declared, first), (Ok(declared), Ok(first)) if declared >= first)
}

fn digest_field(algorithm: Algorithm) -> Option<&'static str> {
    match algorithm {
        Algorithm::Md5 => Some("md5_digest"),
        Algorithm::Sha256 => Some("sha256_digest"),
        Algorithm::Blake2b256 => Some("blake2_256_digest"),
        Algorithm::Sha384 | Algorithm::Sha512 | Algorithm::Blake2b512 => None,
    }
}

/// The name of the part that carries the file's detached PGP signature.
pub const SIGNATURE_FIELD: &str = "gpg_signature";

/// The name of the field that carries attestations (PEP 740), as the text of a JSON array.
pub const ATTESTATIONS_FIELD: &str = "attestations";

/// The fields that are read, all of them text. What any other field holds is of no consequence, `attestations`
/// included: they are taken and forgotten, because an index that can't verify them must not pass them on as
/// provenance (PEP 740).
const READ_FIELDS: [&str; 10] = [
    ":action",
    "protocol_version",
    "name",
    "version",
    "filetype",
    "pyversion",
    "comment",
    "md5_digest",
    "sha256_digest",
    "blake2_256_digest",
];

/// Whether anything is made of a text field of that name.
#[must_use]
pub fn is_read(field: &str) -> bool {
    READ_FIELDS.contains(&field)
}

/// What the index reads in the form of a `file_upload`. Everything else that it says is checked against nothing and
/// forgotten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadForm {
    /// The project, in whatever spelling the uploader chose.
    pub name: Option<ProjectName>,
    /// The release. Not necessarily a valid version: the file's name decides what may come.
    pub version: Option<ReleaseVersion>,
    /// What kind of file the uploader takes it for.
    pub filetype: Option<Filetype>,
    /// The python tag of a wheel, `source` for an sdist.
    pub pyversion: Option<String>,
    /// Digests that the file must have, at most one of each algorithm.
    pub digests: Vec<NamedDigest>,
    /// A remark on the file.
    pub comment: Option<String>,
}

/// What a form asks for, in its field `:action`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// `file_upload`: store the file.
    FileUpload,
    /// `submit` or `submit_pkg_info`: register metadata without a file, a step of the past.
    Submit,
    /// `verify`: check metadata without storing anything, a step of the past.
    Verify,
    /// `remove_pkg`: delete a release, as pypiserver does.
    RemovePkg,
    /// `doc_upload`: store documentation, which only the public index once did.
    DocUpload,
}

/// The words for them, the most usual first.
const ACTIONS: [(&str, Action); 6] = [
    ("file_upload", Action::FileUpload),
    ("remove_pkg", Action::RemovePkg),
    ("submit", Action::Submit),
    ("submit_pkg_info", Action::Submit),
    ("verify", Action::Verify),
    ("doc_upload", Action::DocUpload),
];

/// What kind of distribution a form announces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filetype {
    /// `bdist_wheel`.
    Wheel,
    /// `sdist`.
    Sdist,
    /// `bdist_egg`, which setuptools made before there were wheels.
    Egg,
}

impl Filetype {
    /// The word in the form.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Wheel => "bdist_wheel",
            Self::Sdist => "sdist",
            Self::Egg => "bdist_egg",
        }
    }
}

/// The release that the form of a `remove_pkg` names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemovalForm {
    /// The project, in whatever spelling.
    pub name: ProjectName,
    /// The release; not necessarily a valid version.
    pub version: ReleaseVersion,
    /// The same as it was written. pypiserver counts a wheel's build tag as part of the version, and so do scripts that
    /// were written for it.
    pub version_as_written: String,
}

/// What is wrong with a form. Each message is one sentence that an uploader can show.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FormError {
    /// Nothing is asked for.
    #[error("the form has no `:action` field; this index knows {}", known_actions())]
    NoAction,
    /// Something unknown is asked for.
    #[error("the action `{}` is not known; this index knows {}", shortened(.0), known_actions())]
    UnknownAction(String),
    /// A field without which the release to be removed is not known.
    #[error("the field `{0}` is missing: `remove_pkg` needs `name` and `version`")]
    Missing(&'static str),
    /// A protocol that does not exist.
    #[error("protocol version `{}` is not supported, only 1 is", shortened(.0))]
    Protocol(String),
    /// A field that can have one value has two.
    #[error("the field `{0}` is given twice, with different values")]
    Contradiction(&'static str),
    /// The project's name is not one.
    #[error("the field `name` is not valid: {0}")]
    Name(NameError),
    /// A digest is not one.
    #[error("the field `{field}` is not valid: {reason}")]
    Digest {
        /// Which digest.
        field: &'static str,
        /// What is wrong with it.
        reason: DigestError,
    },
    /// Something that this index does not take is announced.
    #[error(
        "the file type `{}` is not accepted, only `bdist_wheel`, `sdist` and `bdist_egg` are; build a wheel instead",
        shortened(.0)
    )]
    Filetype(String),
}

fn known_actions() -> String {
    let names: Vec<String> = ACTIONS.iter().map(|(name, _)| format!("`{name}`")).collect();
    names.join(", ")
}

/// Enough of a bad value to recognize it by, safe to show.
fn shortened(value: &str) -> String {
    value.chars().take(80).flat_map(char::escape_debug).collect()
}

impl Action {
    /// What a form asks for.
    ///
    /// # Errors
    /// [`FormError`] when no known action is named, two are, or the form is of another protocol than the only one.
    pub fn of(fields: &[(String, String)]) -> Result<Self, FormError> {
        let asked = single(fields, ":action")?.ok_or(FormError::NoAction)?;
        if let Some(other) =
            single(fields, "protocol_version")?.filter(|version| *version != PROTOCOL_VERSION)
        {
            return Err(FormError::Protocol(other.to_owned()));
        }
        ACTIONS
            .iter()
            .find(|(name, _)| *name == asked)
            .map(|(_, action)| *action)
            .ok_or_else(|| FormError::UnknownAction(asked.to_owned()))
    }
}

impl RemovalForm {
    /// Reads the text fields of a `remove_pkg`, as [`UploadForm::from_fields`] does.
    ///
    /// # Errors
    /// [`FormError`] when `name` or `version` is missing, malformed or contradicted.
    pub fn from_fields(fields: &[(String, String)]) -> Result<Self, FormError> {
        let name = single(fields, "name")?.ok_or(FormError::Missing("name"))?;
        let version = single(fields, "version")?.ok_or(FormError::Missing("version"))?;
        Ok(Self {
            name: name.parse().map_err(FormError::Name)?,
            version: ReleaseVersion::parse(version),
            version_as_written: version.to_owned(),
        })
    }
}

impl UploadForm {
    /// Reads the text fields of a `file_upload`. Their order does not matter; a field that is empty or `UNKNOWN` counts
    /// as absent; fields that are not known are ignored.
    ///
    /// # Errors
    /// [`FormError`] when a field that is read is malformed, or one is given twice with different values.
    pub fn from_fields(fields: &[(String, String)]) -> Result<Self, FormError> {
        let filetype = match single(fields, "filetype")? {
            None => None,
            Some("bdist_wheel") => Some(Filetype::Wheel),
            Some("sdist") => Some(Filetype::Sdist),
            Some("bdist_egg") => Some(Filetype::Egg),
            Some(other) => return Err(FormError::Filetype(other.to_owned())),
        };
        Ok(Self {
            name: single(fields, "name")?
                .map(str::parse)
                .transpose()
                .map_err(FormError::Name)?,
            version: single(fields, "version")?.map(ReleaseVersion::parse),
            filetype,
            pyversion: single(fields, "pyversion")?.map(str::to_owned),
            digests: digests(fields)?,
            comment: single(fields, "comment")?.map(str::to_owned),
        })
    }

    /// The digest of that algorithm which the uploader vouches for.
    #[must_use]
    pub fn digest(&self, algorithm: Algorithm) -> Option<&NamedDigest> {
        self.digests.iter().find(|digest| digest.algorithm == algorithm)
    }
}

fn digests(fields: &[(String, String)]) -> Result<Vec<NamedDigest>, FormError> {
    let mut digests = Vec::new();
    for algorithm in [Algorithm::Md5, Algorithm::Sha256, Algorithm::Blake2b256] {
        let Some(field) = digest_field(algorithm) else {
            continue;
        };
        if let Some(text) = single(fields, field)? {
            // distutils meant the short one and sent the long one.
            let algorithm = match algorithm {
                Algorithm::Blake2b256 if text.len() == 128 => Algorithm::Blake2b512,
                other => other,
            };
            let digest =
                NamedDigest::parse(algorithm, text).map_err(|reason| FormError::Digest { field, reason })?;
            digests.push(digest);
        }
    }
    Ok(digests)
}

/// The value of a field that can have only one. Repeating it is harmless, contradicting it is not: whoever checks
/// the first value and whoever uses the last one would disagree on what was uploaded.
fn single<'a>(fields: &'a [(String, String)], name: &'static str) -> Result<Option<&'a str>, FormError> {
    let mut values = fields
        .iter()
        .filter(|(field, _)| field == name)
        .map(|(_, value)| value.trim())
        .filter(|value| !value.is_empty() && *value != "UNKNOWN");
    let first = values.next();
    match values.find(|value| Some(*value) != first) {
        Some(_) => Err(FormError::Contradiction(name)),
        None => Ok(first),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::packaging::digest::MultiHasher;

    fn metadata(text: &str) -> CoreMetadata {
        CoreMetadata::parse(text.as_bytes()).unwrap()
    }

    fn digests_of(bytes: &[u8]) -> Vec<NamedDigest> {
        let mut hasher = MultiHasher::new([Algorithm::Sha256, Algorithm::Blake2b256]);
        hasher.update(bytes);
        hasher.finish()
    }

    fn owned(fields: &[(&str, &str)]) -> Vec<(String, String)> {
        fields
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    fn form(fields: &[(&str, &str)]) -> Result<UploadForm, FormError> {
        let fields = owned(fields);
        Action::of(&fields)?;
        UploadForm::from_fields(&fields)
    }

    #[test]
    fn a_wheel_gives_the_fields_that_the_public_index_reads() {
        let filename = "Demo_Pkg-1.0-py2.py3-none-any.whl".parse().unwrap();
        let metadata = metadata(
            "Metadata-Version: 2.5\nName: Demo_Pkg\nVersion: 1.0\nSummary: A demo\nKeywords: a,b\n\
             Classifier: A :: B\nClassifier: C :: D\nProject-URL: Source, https://example.com\n\
             License-Expression: MIT\nLicense-File: LICENSE\nRequires-Dist: requests\n\
             Import-Name: demo\nImport-Namespace: corp\nDescription-Content-Type: text/markdown\n\n# Hello\n",
        );
        let fields = to_fields(&filename, &metadata, &digests_of(b"abc"), Some("a remark"));
        let expected = [
            (":action", "file_upload"),
            ("protocol_version", "1"),
            (
                "sha256_digest",
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            ),
            (
                "blake2_256_digest",
                "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319",
            ),
            ("filetype", "bdist_wheel"),
            ("pyversion", "py2.py3"),
            ("comment", "a remark"),
            ("metadata_version", "2.5"),
            ("name", "Demo_Pkg"),
            ("version", "1.0"),
            ("summary", "A demo"),
            ("description_content_type", "text/markdown"),
            ("keywords", "a,b"),
            ("license_expression", "MIT"),
            ("license_file", "LICENSE"),
            ("classifiers", "A :: B"),
            ("classifiers", "C :: D"),
            ("requires_dist", "requests"),
            ("requires_python", ""),
            ("project_urls", "Source, https://example.com"),
            ("import_name", "demo"),
            ("import_namespace", "corp"),
            ("description", "# Hello\n"),
        ];
        let fields: Vec<_> = fields
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        assert_eq!(fields, expected);
    }

    #[test]
    fn an_sdist_is_source_and_old_metadata_carry_no_license_file() {
        let filename = "demo-1.0.tar.gz".parse().unwrap();
        let metadata = metadata("Metadata-Version: 2.1\nName: demo\nVersion: 1.0\nLicense-File: LICENSE\n\n");
        let fields = to_fields(&filename, &metadata, &[], None);
        assert!(fields.contains(&("filetype", "sdist".to_owned())));
        assert!(fields.contains(&("pyversion", "source".to_owned())));
        assert!(
            fields
                .iter()
                .all(|(name, _)| !["license_file", "comment", "description"].contains(name))
        );
    }

    #[test]
    fn a_form_is_read_in_any_order_and_without_the_rest() {
        let read = form(&[
            ("metadata_version", "2.1"),
            ("version", "1.0"),
            ("unheard_of", "x"),
            ("requires_python", ""),
            ("comment", "UNKNOWN"),
            ("md5_digest", "900150983CD24FB0D6963F7D28E17F72"),
            ("name", "Demo.Pkg"),
            (":action", "file_upload"),
            ("name", "Demo.Pkg"),
        ])
        .unwrap();
        assert_eq!(read.name.as_ref().map(ProjectName::as_str), Some("demo-pkg"));
        assert_eq!(read.version, Some(ReleaseVersion::parse("1.0")));
        assert_eq!(
            (read.filetype, read.pyversion.as_deref(), read.comment.as_deref()),
            (None, None, None)
        );
        let md5 = read.digest(Algorithm::Md5).map(NamedDigest::hex);
        assert_eq!(md5, Some("900150983cd24fb0d6963f7d28e17f72"));
        assert!(read.digest(Algorithm::Sha256).is_none());
    }

    #[test]
    fn every_action_in_use_is_known() {
        for (word, action) in [
            ("file_upload", Action::FileUpload),
            ("submit", Action::Submit),
            ("submit_pkg_info", Action::Submit),
            ("verify", Action::Verify),
            ("remove_pkg", Action::RemovePkg),
            ("doc_upload", Action::DocUpload),
        ] {
            assert_eq!(Action::of(&owned(&[(":action", word)])), Ok(action));
        }
    }

    #[test]
    fn a_removal_needs_name_and_version() {
        let removal = |fields: &[(&str, &str)]| RemovalForm::from_fields(&owned(fields));
        let whole = removal(&[("version", " 217-55 "), ("name", "Demo.Pkg"), ("filetype", "x")]).unwrap();
        assert_eq!(whole.name.as_str(), "demo-pkg");
        assert_eq!(whole.version, ReleaseVersion::parse("217.post55"));
        assert_eq!(whole.version_as_written, "217-55");
        for (fields, message) in [
            (&[("version", "1.0")][..], "the field `name` is missing"),
            (
                &[("name", "demo"), ("version", "")],
                "the field `version` is missing",
            ),
            (
                &[("name", "../x"), ("version", "1")],
                "the field `name` is not valid",
            ),
            (
                &[("name", "a"), ("name", "b"), ("version", "1")],
                "the field `name` is given twice",
            ),
        ] {
            let error = removal(fields).unwrap_err().to_string();
            assert!(error.starts_with(message), "{error}");
        }
    }

    #[test]
    fn nothing_is_made_of_fields_that_are_not_read() {
        for field in READ_FIELDS {
            assert!(is_read(field), "{field}");
        }
        for field in [
            "attestations",
            "description",
            "content",
            SIGNATURE_FIELD,
            "Name",
            "",
        ] {
            assert!(!is_read(field), "{field}");
        }
    }

    /// Rows A13 and A15.
    #[test]
    fn malformed_and_contradictory_forms_are_refused_in_one_sentence() {
        let upload = (":action", "file_upload");
        let other_digest = "0".repeat(64);
        let digest = "1".repeat(64);
        let refused: [(&[(&str, &str)], &str); 13] = [
            (&[], "the form has no `:action` field"),
            (&[(":action", "")], "the form has no `:action` field"),
            (
                &[(":action", "explode\r\nnow")],
                "the action `explode\\r\\nnow` is not known; this index knows `file_upload`, `remove_pkg`",
            ),
            (
                &[upload, ("protocol_version", "2")],
                "protocol version `2` is not supported, only 1 is",
            ),
            (
                &[upload, (":action", "remove_pkg")],
                "the field `:action` is given twice, with different values",
            ),
            (
                &[upload, ("name", "a"), ("name", "b")],
                "the field `name` is given twice, with different values",
            ),
            (
                &[upload, ("version", "1"), ("version", ""), ("version", "2")],
                "the field `version` is given twice, with different values",
            ),
            (
                &[
                    upload,
                    ("sha256_digest", &digest),
                    ("sha256_digest", &other_digest),
                ],
                "the field `sha256_digest` is given twice, with different values",
            ),
            (
                &[upload, ("sha256_digest", "12")],
                "the field `sha256_digest` is not valid: ",
            ),
            (
                &[upload, ("md5_digest", &digest)],
                "the field `md5_digest` is not valid: ",
            ),
            (
                &[upload, ("blake2_256_digest", "-")],
                "the field `blake2_256_digest` is not valid: ",
            ),
            (&[upload, ("name", "../etc")], "the field `name` is not valid: "),
            (
                &[upload, ("filetype", "bdist_wininst")],
                "the file type `bdist_wininst` is not accepted, only `bdist_wheel`, `sdist` and `bdist_egg` are",
            ),
        ];
        for (fields, message) in refused {
            let error = form(fields).expect_err(message).to_string();
            assert!(error.starts_with(message), "{error:?} is not {message:?}");
            assert!(!error.contains(['\n', '\r']), "{error:?}");
        }
    }

    proptest! {
        #[test]
        fn what_the_client_writes_the_server_reads(
            name in "[A-Za-z0-9]([A-Za-z0-9._-]{0,20}[A-Za-z0-9])?",
            version in "[0-9]{1,3}(\\.[0-9]{1,3}){0,3}(rc[0-9])?",
            wheel: bool,
            comment in proptest::option::of("[!-~]([ -~]{0,30}[!-~])?"),
            content: Vec<u8>,
        ) {
            let name: ProjectName = name.parse().unwrap();
            let version: Version = version.parse().unwrap();
            let stem = format!("{}-{}", name.to_filename_part(), version.to_filename_part());
            let filename = if wheel { format!("{stem}-py3-none-any.whl") } else { format!("{stem}.tar.gz") };
            let filename: DistFilename = filename.parse().unwrap();
            let metadata = metadata(&format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\n"));
            let digests = digests_of(&content);
            let comment = comment.filter(|text| text != "UNKNOWN");

            let mut fields: Vec<(String, String)> = to_fields(&filename, &metadata, &digests, comment.as_deref())
                .into_iter()
                .map(|(field, value)| (field.to_owned(), value))
                .collect();
            fields.reverse();
            let read = UploadForm::from_fields(&fields).unwrap();

            prop_assert_eq!(read, UploadForm {
                name: Some(name),
                version: Some(ReleaseVersion::Standard(version)),
                filetype: Some(if wheel { Filetype::Wheel } else { Filetype::Sdist }),
                pyversion: Some(if wheel { "py3" } else { "source" }.to_owned()),
                digests,
                comment,
            });
        }

        #[test]
        fn no_form_makes_it_panic(fields: Vec<(String, String)>) {
            let _ = Action::of(&fields);
            let _ = UploadForm::from_fields(&fields);
            let _ = RemovalForm::from_fields(&fields);
        }
    }
}
