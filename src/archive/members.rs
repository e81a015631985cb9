//! What an archive holds, member by member, as far as archives are compared.

use std::fmt;
use std::io::{Read, Seek};

use super::error::{Error, Judge};
use super::limits::Limits;
use super::member::{Flow, Kind, Member, Visitor};
use super::sdist;
use super::zip_walker::ZipWalker;
use crate::packaging::{DistFilename, Sha256, Sha256Hasher};

/// A member, as far as archives are compared.
#[derive(Debug)]
pub(super) struct Recorded {
    /// Where it would be unpacked to.
    pub(super) path: String,
    /// What it is made of.
    pub(super) content: Matter,
    /// In seconds since 1970.
    pub(super) modified: i64,
    /// As Unix has it.
    pub(super) mode: u64,
    /// Whether its owner may execute it.
    pub(super) is_executable: bool,
}

/// What a member is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Matter {
    Folder,
    File {
        bytes: u64,
        digest: Sha256,
    },
    /// With the path of its target.
    Link(String),
}

impl fmt::Display for Matter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder => f.write_str("a folder"),
            Self::File { bytes, .. } => write!(f, "{bytes} bytes"),
            Self::Link(target) => write!(f, "a link to `{target}`"),
        }
    }
}

/// Notes what comes by.
#[derive(Default)]
struct Recorder {
    members: Vec<Recorded>,
    hasher: Sha256Hasher,
}

impl Visitor for Recorder {
    fn begin(&mut self, member: &Member<'_>, _judge: &mut Judge<'_>) -> Result<(), Error> {
        self.hasher = Sha256Hasher::default();
        self.members.push(Recorded {
            path: member.path.to_owned(),
            content: match member.kind {
                Kind::Folder => Matter::Folder,
                Kind::File { bytes } => Matter::File {
                    bytes,
                    digest: Sha256::of(""),
                },
                Kind::Symlink { target } | Kind::HardLink { target } => Matter::Link(target.to_owned()),
            },
            modified: member.modified,
            mode: member.mode,
            is_executable: member.executable,
        });
        Ok(())
    }

    fn data(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.hasher.update(bytes);
        Ok(())
    }

    fn end(&mut self, _judge: &mut Judge<'_>) -> Result<Flow, Error> {
        let hasher = std::mem::take(&mut self.hasher);
        if let Some(Recorded {
            content: Matter::File { digest, .. },
            ..
        }) = self.members.last_mut()
        {
            *digest = hasher.finish();
        }
        Ok(Flow::Continue)
    }
}

/// All members, in the order in which they come.
///
/// # Errors
/// As [`super::inspect`], but that name, version and RECORD are not checked.
pub(super) fn members(
    filename: &DistFilename,
    file: impl Read + Seek,
    limits: &Limits,
) -> Result<Vec<Recorded>, Error> {
    let (mut judge, mut recorder) = (Judge::new(limits), Recorder::default());
    match filename {
        DistFilename::Sdist(name) => sdist::walk(name.format, file, &mut judge, &mut recorder)?,
        DistFilename::Wheel(_) | DistFilename::Legacy(_) => {
            ZipWalker::open(file, &mut judge, |_| Ok(()))?.walk(
                limits.max_wheel_unpacked_bytes,
                &mut judge,
                &mut recorder,
            )?;
        }
    }
    Ok(recorder.members)
}
