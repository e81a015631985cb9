//! Sdists: one top folder for the release, with PKG-INFO in it.
//!
//! Standard: the source distribution format (PEP 625, 643). Older sdists, whose folder spells name or version in
//! another way, are accepted as long as the spelling means the same.

use std::collections::BTreeSet;
use std::io::{Read, Seek, SeekFrom};

use super::agreement::{check_metadata, is_release_folder, license_files};
use super::error::{Error, Judge, Rule};
use super::member::{Flow, Kind, Member, Visitor};
use super::zip_lookup::is_zip;
use super::zip_walker::ZipWalker;
use super::{Inspection, Limits, Verdict, tar_lookup, tar_walker, zip_lookup};
use crate::packaging::filename::SdistFormat;
use crate::packaging::metadata::CoreMetadata;
use crate::packaging::{DistFilename, Version};

/// Verifies a whole sdist of this version in this format.
pub(super) fn inspect(
    filename: &DistFilename,
    (version, format): (&Version, SdistFormat),
    mut file: impl Read + Seek,
    limits: &Limits,
) -> Result<Inspection, Error> {
    let mut judge = Judge::new(limits);
    let mut content = SdistContent::default();
    walk(format, &mut file, &mut judge, &mut content)?;
    let (path, metadata_bytes) = content.pkg_info.ok_or_else(|| Error::archive(Rule::NoPkgInfo))?;
    let metadata = check_metadata(&path, &metadata_bytes, filename.project(), version)?;
    let top = path.split('/').next().unwrap_or(&path);
    if !is_release_folder(top, filename.project(), version) {
        return Err(Error::member(top, Rule::TopName));
    }
    if limits.policy.license_files != Verdict::Accept {
        let mut promised = PromisedFiles::new(top, &metadata);
        if !promised.missing.is_empty() {
            // A second walk, as the metadata may lie behind what they promise. Only checks ask for it.
            walk(format, &mut file, &mut Judge::new(limits), &mut promised)?;
        }
        for path in promised.missing {
            judge.member(limits.policy.license_files, &path, Rule::LicenseFile)?;
        }
    }
    Ok(Inspection {
        metadata,
        metadata_bytes,
        warnings: judge.into_warnings(),
    })
}

/// The first PKG-INFO that lies directly in a top folder; what is behind it is not read.
pub(super) fn read_metadata(
    format: SdistFormat,
    file: impl Read + Seek,
    limits: &Limits,
) -> Result<Option<Vec<u8>>, Error> {
    match format {
        SdistFormat::Zip => zip_lookup::find_member(file, limits, is_pkg_info),
        SdistFormat::TarGz => tar_lookup::find_member(file, limits, is_pkg_info),
    }
}

/// Walks an sdist in either format.
pub(super) fn walk(
    format: SdistFormat,
    mut file: impl Read + Seek,
    judge: &mut Judge<'_>,
    visitor: &mut impl Visitor,
) -> Result<(), Error> {
    match format {
        SdistFormat::TarGz => {
            if is_gzip(&mut file)? && is_zip(&mut file)? {
                return Err(Error::archive(Rule::ZipAndTar));
            }
            tar_walker::walk(file, judge, visitor)
        }
        SdistFormat::Zip => {
            judge.archive(judge.limits.policy.zip_sdists, Rule::ZipSdist)?;
            let mut zip = ZipWalker::open(file, judge, |_| Ok(()))?;
            zip.walk(judge.limits.max_sdist_unpacked_bytes, judge, visitor)
        }
    }
}

fn is_gzip(file: &mut (impl Read + Seek)) -> Result<bool, Error> {
    let mut magic = Vec::new();
    file.seek(SeekFrom::Start(0)).map_err(Error::Read)?;
    file.take(2).read_to_end(&mut magic).map_err(Error::Read)?;
    Ok(magic == [0x1f, 0x8b])
}

/// The one folder that everything in an sdist lies in.
#[derive(Debug, Default)]
pub(super) struct TopFolder {
    name: Option<String>,
}

impl TopFolder {
    /// Refuses a member outside it; `true` for the first member.
    pub(super) fn note(&mut self, member: &Member<'_>) -> Result<bool, Error> {
        let (top, below) = match member.path.split_once('/') {
            Some((top, below)) => (top, Some(below)),
            None => (member.path, None),
        };
        if below.is_none() && member.kind != Kind::Folder {
            return Err(Error::member(member.path, Rule::NoTop));
        }
        match &self.name {
            Some(name) if name == top => Ok(false),
            Some(name) => Err(Error::member(member.path, Rule::SecondTop { top: name.clone() })),
            None => {
                self.name = Some(top.to_owned());
                Ok(true)
            }
        }
    }

    /// Its name, when there was any member.
    pub(super) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }
}

fn is_pkg_info(path: &str) -> bool {
    path.split_once('/')
        .is_some_and(|(top, name)| !top.is_empty() && name == "PKG-INFO")
}

/// Checks the layout and keeps PKG-INFO.
#[derive(Default)]
struct SdistContent {
    top: TopFolder,
    pkg_info: Option<(String, Vec<u8>)>,
    is_in_pkg_info: bool,
}

impl Visitor for SdistContent {
    fn begin(&mut self, member: &Member<'_>, judge: &mut Judge<'_>) -> Result<(), Error> {
        self.top.note(member)?;
        self.is_in_pkg_info = is_pkg_info(member.path);
        if self.is_in_pkg_info {
            check_pkg_info(member, judge.limits)?;
            self.pkg_info = Some((member.path.to_owned(), Vec::new()));
        }
        Ok(())
    }

    fn data(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if let (true, Some((_, content))) = (self.is_in_pkg_info, &mut self.pkg_info) {
            content.extend_from_slice(bytes);
        }
        Ok(())
    }

    fn end(&mut self, _judge: &mut Judge<'_>) -> Result<Flow, Error> {
        Ok(Flow::Continue)
    }
}

/// Strikes out what it finds of the files that the metadata promise.
struct PromisedFiles {
    /// Paths in the archive.
    missing: BTreeSet<String>,
}

impl PromisedFiles {
    fn new(top: &str, metadata: &CoreMetadata) -> Self {
        let paths = license_files(metadata).map(|path| format!("{top}/{path}"));
        Self {
            missing: paths.collect(),
        }
    }
}

impl Visitor for PromisedFiles {
    fn begin(&mut self, member: &Member<'_>, _judge: &mut Judge<'_>) -> Result<(), Error> {
        if member.kind != Kind::Folder {
            self.missing.remove(member.path);
        }
        Ok(())
    }

    fn data(&mut self, _bytes: &[u8]) -> Result<(), Error> {
        Ok(())
    }

    fn end(&mut self, _judge: &mut Judge<'_>) -> Result<Flow, Error> {
        Ok(if self.missing.is_empty() {
            Flow::Stop
        } else {
            Flow::Continue
        })
    }
}

/// PKG-INFO must be a file of its own, of a bearable size.
fn check_pkg_info(member: &Member<'_>, limits: &Limits) -> Result<(), Error> {
    let limit_bytes = limits.max_metadata_bytes;
    match member.kind {
        Kind::File { bytes } if bytes <= limit_bytes => Ok(()),
        Kind::File { .. } => Err(Error::member(member.path, Rule::MemberTooLarge { limit_bytes })),
        _ => Err(Error::member(member.path, Rule::SpecialFile)),
    }
}
