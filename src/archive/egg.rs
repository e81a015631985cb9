//! Eggs: what setuptools built before there were wheels. A zip of modules with `EGG-INFO` beside them.
//!
//! No standard describes them. Of their content only PKG-INFO is checked, beside everything that makes a zip sound.

use std::io::{Read, Seek};

use super::agreement::check_metadata;
use super::error::{Error, Judge, Rule};
use super::member::{Flow, Member, Visitor};
use super::zip_lookup::find_member;
use super::zip_walker::ZipWalker;
use super::{Inspection, Limits};
use crate::packaging::{DistFilename, Version};

const PKG_INFO: &str = "EGG-INFO/PKG-INFO";

/// Verifies a whole egg.
pub(super) fn inspect(
    filename: &DistFilename,
    version: &Version,
    file: impl Read + Seek,
    limits: &Limits,
) -> Result<Inspection, Error> {
    let mut judge = Judge::new(limits);
    let mut zip = ZipWalker::open(file, &mut judge, |_| Ok(()))?;
    let position = zip.find(PKG_INFO).ok_or_else(|| {
        Error::archive(Rule::MissingMember {
            path: PKG_INFO.to_owned(),
        })
    })?;
    let metadata_bytes = zip.read_member(position, limits.max_metadata_bytes)?;
    let metadata = check_metadata(PKG_INFO, &metadata_bytes, filename.project(), version)?;
    zip.walk(limits.max_wheel_unpacked_bytes, &mut judge, &mut AnyContent)?;
    Ok(Inspection {
        metadata,
        metadata_bytes,
        warnings: judge.into_warnings(),
    })
}

/// PKG-INFO alone, as quickly as possible.
pub(super) fn read_metadata(file: impl Read + Seek, limits: &Limits) -> Result<Option<Vec<u8>>, Error> {
    find_member(file, limits, |path| path == PKG_INFO)
}

/// The walk itself checks paths, sizes and checksums; there is nothing to hold the content against.
struct AnyContent;

impl Visitor for AnyContent {
    fn begin(&mut self, _member: &Member<'_>, _judge: &mut Judge<'_>) -> Result<(), Error> {
        Ok(())
    }

    fn data(&mut self, _bytes: &[u8]) -> Result<(), Error> {
        Ok(())
    }

    fn end(&mut self, _judge: &mut Judge<'_>) -> Result<Flow, Error> {
        Ok(Flow::Continue)
    }
}
