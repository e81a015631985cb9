//! What the index believes of the fields that it gets.

use super::{Filetype, FormError, PROTOCOL_VERSION, digest_field};
use crate::packaging::digest::{Algorithm, NamedDigest};
use crate::packaging::name::ProjectName;
use crate::packaging::version::ReleaseVersion;

/// The fields that are read, all of them text. What any other field holds is of no consequence, `attestations`
/// included: they are taken and forgotten, because an index that can't verify them must not pass them on as
/// provenance (PEP 740).
pub(super) const READ_FIELDS: [&str; 10] = [
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
pub(super) const ACTIONS: [(&str, Action); 6] = [
    ("file_upload", Action::FileUpload),
    ("remove_pkg", Action::RemovePkg),
    ("submit", Action::Submit),
    ("submit_pkg_info", Action::Submit),
    ("verify", Action::Verify),
    ("doc_upload", Action::DocUpload),
];

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

/// Which digests the fields announce, so that they can be made while the file comes. Says nothing of whether they can
/// be digests; [`UploadForm::from_fields`] judges that.
#[must_use]
pub fn announced_digests(fields: &[(String, String)]) -> Vec<Algorithm> {
    let digests = digests(fields).unwrap_or_default();
    digests.into_iter().map(|digest| digest.algorithm).collect()
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
