//! Why an upload is refused, in the words that its sender reads.

use super::Error;
use crate::packaging::digest::Algorithm;
use crate::packaging::filename::FilenameError;
use crate::packaging::simple::ProjectStatus;
use crate::packaging::{ProjectName, ReleaseVersion, Sha256};
use crate::storage;

/// Why an upload is refused. Every message is one plain sentence that names the rule.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The file's name is not acceptable.
    #[error(transparent)]
    Filename(#[from] FilenameError),
    /// The form names another project than the file.
    #[error("the form says project `{}`, but the file `{filename}` belongs to `{expected}`", .form)]
    Name {
        /// What the form says.
        form: ProjectName,
        /// What the file name says.
        expected: ProjectName,
        /// The file.
        filename: String,
    },
    /// The form names another version than the file.
    #[error("the form says version `{}`, but the file `{filename}` is version `{expected}`", .form.to_string().escape_debug())]
    Version {
        /// What the form says.
        form: ReleaseVersion,
        /// What the file name says.
        expected: ReleaseVersion,
        /// The file.
        filename: String,
    },
    /// A digest in the form is not that of the bytes that arrived.
    #[error("the {} digest of `{filename}` is {actual}, but the form says {announced}", .algorithm.name())]
    Digest {
        /// Which digest.
        algorithm: Algorithm,
        /// What the form says.
        announced: String,
        /// What it is.
        actual: String,
        /// The file.
        filename: String,
    },
    /// The archive is not sound, or is not what its name claims.
    #[error("`{filename}` is refused: {reason}")]
    Archive {
        /// The file.
        filename: String,
        /// The rule that it breaks, with the causes of that.
        reason: String,
    },
    /// Other bytes are known under that name.
    #[error("{}", duplicate_message(.filename, .existing, .sha256, *.present))]
    Duplicate {
        /// The file.
        filename: String,
        /// The name under which the other bytes are known.
        existing: String,
        /// Digest of the other bytes.
        sha256: Option<Sha256>,
        /// Whether they are here now, or were removed.
        present: bool,
    },
    /// Something that is no distribution lies where the file would go.
    #[error(
        "something else with the name `{filename}` already exists in the packages folder; ask its operator to remove it"
    )]
    Occupied {
        /// The file.
        filename: String,
    },
    /// The project takes no uploads.
    #[error("project `{project}` is {}: it takes no uploads", .status.name())]
    Status {
        /// The project.
        project: ProjectName,
        /// Its status.
        status: ProjectStatus,
    },
    /// The index could not do its work.
    #[error(transparent)]
    Index(#[from] Error),
}

impl From<storage::Error> for Refusal {
    fn from(error: storage::Error) -> Self {
        Self::Index(error.into())
    }
}

impl From<crate::catalog::Error> for Refusal {
    fn from(error: crate::catalog::Error) -> Self {
        Self::Index(error.into())
    }
}

/// The words "already exists" are what uploaders look for.
fn duplicate_message(filename: &str, existing: &str, sha256: &Option<Sha256>, present: bool) -> String {
    let digest = sha256.map_or_else(String::new, |digest| format!(" (sha256 {digest})"));
    let spelt = if existing == filename {
        String::new()
    } else {
        format!(" as `{existing}`")
    };
    if present {
        format!("`{filename}` already exists{spelt} with other bytes{digest}; upload a new version instead")
    } else {
        format!(
            "`{filename}` already existed{spelt} with other bytes{digest} and was removed, and a name never comes back \
             with other bytes (File already exists); upload a new version instead"
        )
    }
}
