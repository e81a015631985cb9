//! What an archive holds, member by member, so that two archives of one name can be compared.

use std::collections::BTreeMap;
use std::io::{Read, Seek};

use super::Limits;
use super::error::{Error, Judge, Rule};
use super::member::{Flow, Kind, Member, Visitor};
use super::sdist;
use super::zip_walker::ZipWalker;
use crate::packaging::digest::Sha256Hasher;
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
    let mut judge = Judge::new(limits);
    let mut listing = Contents::default();
    match filename {
        DistFilename::Wheel(_) => {
            let mut zip = ZipWalker::open(file, &mut judge, |_| Ok(()))?;
            zip.walk(limits.max_wheel_unpacked_bytes, &mut judge, &mut listing)?;
        }
        DistFilename::Sdist(name) => sdist::walk(name.format, file, &mut judge, &mut listing)?,
        DistFilename::Legacy(_) => return Err(Error::archive(Rule::UnsupportedKind)),
    }
    Ok(listing.found)
}

#[derive(Default)]
struct Contents {
    found: BTreeMap<String, Content>,
    current: Option<Current>,
}

struct Current {
    path: String,
    size_bytes: u64,
    is_executable: bool,
    hasher: Sha256Hasher,
}

impl Visitor for Contents {
    fn begin(&mut self, member: &Member<'_>, _judge: &mut Judge<'_>) -> Result<(), Error> {
        let mut hasher = Sha256Hasher::default();
        let size_bytes = match member.kind {
            Kind::Folder => return Ok(()),
            Kind::File { bytes } => bytes,
            Kind::Symlink { target } | Kind::HardLink { target } => {
                hasher.update(target.as_bytes());
                0
            }
        };
        self.current = Some(Current {
            path: member.path.to_owned(),
            size_bytes,
            is_executable: member.executable,
            hasher,
        });
        Ok(())
    }

    fn data(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if let Some(current) = &mut self.current {
            current.hasher.update(bytes);
        }
        Ok(())
    }

    fn end(&mut self, _judge: &mut Judge<'_>) -> Result<Flow, Error> {
        if let Some(current) = self.current.take() {
            let content = Content {
                size_bytes: current.size_bytes,
                sha256: current.hasher.finish(),
                is_executable: current.is_executable,
            };
            self.found.insert(current.path, content);
        }
        Ok(Flow::Continue)
    }
}
