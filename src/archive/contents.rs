//! What an archive holds, by path, so that two archives of one name can be compared whatever their times are.

use std::collections::BTreeMap;
use std::io::{Read, Seek};

use super::Limits;
use super::error::{Error, Rule};
use super::members::{Matter, Recorded, members};
use crate::packaging::{DistFilename, Sha256};

/// What one member of an archive is made of. Its time is no part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// Size in bytes; 0 for a link.
    pub size_bytes: u64,
    /// Digest of its bytes; for a link that of its target's path.
    pub sha256: Sha256,
    /// Whether its owner may execute it.
    pub is_executable: bool,
}

/// The files and links of a wheel or sdist by their paths; folders are left out.
///
/// # Errors
/// As [`super::inspect`], but that name, version and RECORD are not checked.
pub fn contents(
    filename: &DistFilename,
    file: impl Read + Seek,
    limits: &Limits,
) -> Result<BTreeMap<String, Content>, Error> {
    if matches!(filename, DistFilename::Legacy(_)) {
        return Err(Error::archive(Rule::UnsupportedKind));
    }
    let members = members(filename, file, limits)?;
    Ok(members.into_iter().filter_map(by_path).collect())
}

fn by_path(member: Recorded) -> Option<(String, Content)> {
    let (size_bytes, sha256) = match member.content {
        Matter::Folder => return None,
        Matter::File { bytes, digest } => (bytes, digest),
        Matter::Link(target) => (0, Sha256::of(target)),
    };
    let content = Content {
        size_bytes,
        sha256,
        is_executable: member.is_executable,
    };
    Some((member.path, content))
}
