//! Wheels and sdists, read under limits.
//!
//! Uploads, `publish` and `build` all trust this room: what [`inspect`] accepts, every reader sees in the same
//! way. It walks each archive from the first byte to the last with code of its own, because the usual readers
//! resolve contradictions (two directories, two sizes, two names) where this one must refuse them.
//!
//! | question | file |
//! |---|---|
//! | which bounds and switches there are | `limits.rs` |
//! | which rules there are, in words | `error.rs` |
//! | what a wheel, an sdist, an egg must hold | `wheel.rs`, `record.rs`, `entry_points.rs`, `sdist.rs`, `egg.rs`, `agreement.rs` |
//! | how a zip is read | `zip_records.rs` (bytes), `zip_directory.rs`, `zip_walker.rs`, `zip_content.rs` |
//! | how a tar is read | `gunzip.rs`, `tar_header.rs`, `pax.rs`, `tar_walker.rs`, `links.rs` |
//! | how much may come out of what goes in | `inflate.rs`, `meter.rs` |
//! | which paths are allowed | `member.rs` (one path), `tree.rs` (all of them) |
//! | how a file that was copied into the folder is read | `zip_lookup.rs`, `tar_lookup.rs` |
//! | how an sdist is unpacked | `unpack.rs` |
//! | how two archives of one name differ | `comparison.rs` |
//! | what an archive holds, for a comparison | `members.rs` (in order), `contents.rs` (by path, whatever the time) |
//!
//! Time is linear in the size of the file and its output; memory does not grow with either, but for some seventy
//! bytes for each member and the metadata themselves.

mod agreement;
mod comparison;
mod contents;
mod egg;
mod entry_points;
mod error;
mod gunzip;
mod inflate;
mod limits;
mod links;
mod member;
mod members;
mod meter;
mod pax;
mod record;
mod sdist;
mod tar_header;
mod tar_lookup;
mod tar_walker;
mod tree;
mod unpack;
mod wheel;
mod zip_content;
mod zip_directory;
mod zip_lookup;
mod zip_records;
mod zip_walker;

#[cfg(any(test, fuzzing))]
pub mod oracles;
#[cfg(test)]
mod tests;

use std::io::{Read, Seek};
use std::path::{Path, PathBuf};

pub use comparison::{Difference, differences};
pub use contents::{Content, contents};
pub use error::{Error, Finding, Rule, Warning};
pub use limits::{Limits, Policy, Verdict};

use crate::packaging::filename::{LegacyKind, SdistFormat};
use crate::packaging::metadata::CoreMetadata;
use crate::packaging::{DistFilename, ReleaseVersion};

/// What a verified archive says about itself.
#[derive(Debug)]
pub struct Inspection {
    /// METADATA or PKG-INFO, whose name and version agree with the file name.
    pub metadata: CoreMetadata,
    /// The same, byte for byte as in the archive.
    pub metadata_bytes: Vec<u8>,
    /// Oddities that the policy let pass.
    pub warnings: Vec<Warning>,
}

/// Verifies a wheel or sdist completely, as before it is stored or published: structure, paths, checksums, real
/// size of the output, and that names and versions agree with the file name.
///
/// Reads all of `file`; this may take seconds for a large one, so it has no place on an async thread.
///
/// # Errors
/// [`Error::Read`] when the file can't be read; otherwise the rule that the archive breaks. Of the formats of the past
/// only eggs and `.tgz` are known.
pub fn inspect(
    filename: &DistFilename,
    file: impl Read + Seek,
    limits: &Limits,
) -> Result<Inspection, Error> {
    match filename {
        DistFilename::Wheel(wheel) => wheel::inspect(filename, wheel, file, limits),
        DistFilename::Sdist(sdist) => sdist::inspect(filename, (sdist.version(), sdist.format), file, limits),
        DistFilename::Legacy(legacy) => match (legacy.kind, filename.version()) {
            (LegacyKind::TarGz, ReleaseVersion::Standard(version)) => {
                sdist::inspect(filename, (version, SdistFormat::TarGz), file, limits)
            }
            (LegacyKind::Egg, ReleaseVersion::Standard(version)) => {
                egg::inspect(filename, version, file, limits)
            }
            _ => Err(Error::archive(Rule::UnsupportedKind)),
        },
    }
}

/// Finds METADATA or PKG-INFO in a file that a person put into the folder, and gives its bytes as they are.
///
/// Quick, and lenient about everything that is not dangerous: of a wheel only the directory and that member are
/// read, of an sdist only what lies before PKG-INFO. `None` when the format has no such member, or this file has
/// none.
///
/// # Errors
/// [`Error::Read`] when the file can't be read; otherwise the rule that keeps the member from being read.
pub fn read_metadata(
    filename: &DistFilename,
    file: impl Read + Seek,
    limits: &Limits,
) -> Result<Option<Vec<u8>>, Error> {
    match filename {
        DistFilename::Wheel(wheel) => wheel::read_metadata(filename, wheel, file, limits),
        DistFilename::Sdist(sdist) => sdist::read_metadata(sdist.format, file, limits),
        DistFilename::Legacy(legacy) => match legacy.kind {
            LegacyKind::Egg => egg::read_metadata(file, limits),
            LegacyKind::TarGz => sdist::read_metadata(SdistFormat::TarGz, file, limits),
            LegacyKind::Zip => sdist::read_metadata(SdistFormat::Zip, file, limits),
            LegacyKind::TarBz2 | LegacyKind::TarXz | LegacyKind::Installer | LegacyKind::Wheel => Ok(None),
        },
    }
}

/// Unpacks an sdist into the existing folder `into` and gives the path of its one top folder.
///
/// Follows PEP 721: nothing is written outside `into`, devices and links that leave are refused, set-uid bits are
/// dropped, times and the right to execute are kept. The top folder must not exist before; when unpacking fails,
/// it is removed again.
///
/// # Errors
/// [`Error::Write`] when a file can't be written, otherwise as [`inspect`]. Name, version and PKG-INFO are not
/// checked.
pub fn unpack_sdist(
    filename: &DistFilename,
    file: impl Read + Seek,
    into: &Path,
    limits: &Limits,
) -> Result<PathBuf, Error> {
    match filename {
        DistFilename::Sdist(sdist) => unpack::unpack(sdist, file, into, limits),
        DistFilename::Wheel(_) | DistFilename::Legacy(_) => Err(Error::archive(Rule::UnsupportedKind)),
    }
}
