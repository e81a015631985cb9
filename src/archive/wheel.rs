//! Wheels: what must be in them, and that they are what their file name says.
//!
//! Standard: the binary distribution format (PEP 427). A `.dist-info` folder for the file name's project and
//! version, METADATA, WHEEL and RECORD in it, and every file as RECORD describes it.

use std::io::{Read, Seek};

use super::agreement::{check_metadata, is_release_folder, license_files};
use super::entry_points;
use super::error::{Error, Judge, Rule};
use super::limits::Verdict;
use super::member::{Flow, Kind, Member, Visitor};
use super::record::{ContentCheck, Record, RowReader};
use super::zip_lookup::find_member;
use super::zip_walker::ZipWalker;
use super::{Inspection, Limits};
use crate::packaging::filename::WheelFilename;
use crate::packaging::headers::Headers;
use crate::packaging::{DistFilename, ProjectName};

/// Verifies a whole wheel.
pub(super) fn inspect(
    filename: &DistFilename,
    wheel: &WheelFilename,
    file: impl Read + Seek,
    limits: &Limits,
) -> Result<Inspection, Error> {
    let mut judge = Judge::new(limits);
    let mut dist_info = DistInfo::new(filename.project(), wheel);
    let mut zip = ZipWalker::open(file, &mut judge, |path| dist_info.note(path))?;
    let folder = dist_info.folder()?;

    let (metadata_path, metadata_bytes) =
        read_required(&mut zip, &folder, "METADATA", limits.max_metadata_bytes)?;
    let metadata = check_metadata(
        &metadata_path,
        &metadata_bytes,
        filename.project(),
        wheel.version(),
    )?;
    let (wheel_path, wheel_bytes) = read_required(&mut zip, &folder, "WHEEL", limits.max_side_file_bytes)?;
    check_wheel_file(&wheel_bytes).map_err(|rule| Error::member(&wheel_path, rule))?;
    check_entry_points(&mut zip, &folder, limits)?;
    for path in license_files(&metadata) {
        let path = format!("{folder}/licenses/{path}");
        if zip.find(&path).is_none() {
            judge.member(limits.policy.license_files, &path, Rule::LicenseFile)?;
        }
    }

    let record = read_record(&mut zip, &folder, &mut judge)?;
    let mut visitor = RecordedContent::new(record);
    zip.walk(limits.max_wheel_unpacked_bytes, &mut judge, &mut visitor)?;
    Ok(Inspection {
        metadata,
        metadata_bytes,
        warnings: judge.into_warnings(),
    })
}

/// METADATA alone, as quickly as possible.
pub(super) fn read_metadata(
    filename: &DistFilename,
    wheel: &WheelFilename,
    file: impl Read + Seek,
    limits: &Limits,
) -> Result<Option<Vec<u8>>, Error> {
    find_member(file, limits, |path| {
        path.strip_suffix(".dist-info/METADATA")
            .is_some_and(|stem| is_release_folder(stem, filename.project(), wheel.version()))
    })
}

/// Looks for the one `.dist-info` folder while the directory is read.
struct DistInfo<'a> {
    project: &'a ProjectName,
    wheel: &'a WheelFilename,
    found: Option<String>,
}

impl<'a> DistInfo<'a> {
    fn new(project: &'a ProjectName, wheel: &'a WheelFilename) -> Self {
        Self {
            project,
            wheel,
            found: None,
        }
    }

    fn note(&mut self, path: &str) -> Result<(), Error> {
        let Some((top, _)) = path.split_once('/') else {
            return Ok(());
        };
        // Installers look for the ending in any case.
        if !top.to_ascii_lowercase().ends_with(".dist-info") {
            return Ok(());
        }
        match &self.found {
            Some(first) if first == top => Ok(()),
            Some(first) => Err(Error::member(path, Rule::SecondDistInfo { first: first.clone() })),
            None => {
                let belongs = top
                    .strip_suffix(".dist-info")
                    .is_some_and(|stem| is_release_folder(stem, self.project, self.wheel.version()));
                if !belongs {
                    return Err(Error::member(path, Rule::DistInfoName));
                }
                self.found = Some(top.to_owned());
                Ok(())
            }
        }
    }

    fn folder(self) -> Result<String, Error> {
        self.found.ok_or_else(|| Error::archive(Rule::NoDistInfo))
    }
}

fn read_required<R: Read + Seek>(
    zip: &mut ZipWalker<R>,
    folder: &str,
    name: &str,
    max_bytes: u64,
) -> Result<(String, Vec<u8>), Error> {
    let path = format!("{folder}/{name}");
    match zip.find(&path) {
        Some(position) => Ok((path, zip.read_member(position, max_bytes)?)),
        None => Err(Error::archive(Rule::MissingMember { path })),
    }
}

/// Installers refuse a greater major version; we can't know what it would mean.
fn check_wheel_file(content: &[u8]) -> Result<(), Rule> {
    let text = std::str::from_utf8(content).map_err(|_| Rule::NotText)?;
    let headers = Headers::parse(text);
    let mut versions = headers.all("Wheel-Version");
    let major = versions
        .next()
        .and_then(|version| version.trim().split('.').next());
    if major == Some("1") && versions.next().is_none() {
        Ok(())
    } else {
        Err(Rule::WheelVersion)
    }
}

fn check_entry_points<R: Read + Seek>(
    zip: &mut ZipWalker<R>,
    folder: &str,
    limits: &Limits,
) -> Result<(), Error> {
    let path = format!("{folder}/entry_points.txt");
    let Some(position) = zip.find(&path) else {
        return Ok(());
    };
    let content = zip.read_member(position, limits.max_side_file_bytes)?;
    entry_points::check(&content).map_err(|rule| Error::member(&path, rule))
}

/// Reads RECORD before the walk, row by row, so that the walk can check each member as it passes.
fn read_record<R: Read + Seek>(
    zip: &mut ZipWalker<R>,
    folder: &str,
    judge: &mut Judge<'_>,
) -> Result<Option<Record>, Error> {
    let path = format!("{folder}/RECORD");
    let policy = judge.limits.policy.record;
    let Some(position) = zip.find(&path) else {
        if policy == Verdict::Refuse {
            return Err(Error::archive(Rule::MissingMember { path }));
        }
        judge.member(policy, &path, Rule::RecordMissing)?;
        return Ok(None);
    };
    let mut record = Record::new(zip.members(), &path);
    let mut reader = RowReader::default();
    let malformed = || Error::member(&path, Rule::RecordMalformed);
    zip.stream_member(
        position,
        judge.limits.max_record_bytes,
        &mut |directory, bytes| {
            let rows = reader.push(bytes).map_err(|_| malformed())?;
            rows.iter()
                .try_for_each(|row| record.push(row, |path| directory.find(path), judge))
        },
    )?;
    if let Some(row) = reader.finish().map_err(|_| malformed())? {
        record.push(&row, |path| zip.find(path), judge)?;
    }
    Ok(Some(record))
}

/// Holds each member's content against RECORD.
struct RecordedContent {
    record: Option<Record>,
    path: String,
    position: usize,
    is_file: bool,
    bytes: u64,
    check: ContentCheck,
}

impl RecordedContent {
    fn new(record: Option<Record>) -> Self {
        Self {
            record,
            path: String::new(),
            position: 0,
            is_file: false,
            bytes: 0,
            check: ContentCheck::Nothing,
        }
    }
}

impl Visitor for RecordedContent {
    fn begin(&mut self, member: &Member<'_>, _judge: &mut Judge<'_>) -> Result<(), Error> {
        self.path.clear();
        self.path.push_str(member.path);
        self.position = member.index;
        self.is_file = matches!(member.kind, Kind::File { .. });
        self.bytes = 0;
        self.check = match &self.record {
            Some(record) => record.start(member.index),
            None => ContentCheck::Nothing,
        };
        Ok(())
    }

    fn data(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.bytes += bytes.len() as u64;
        self.check.update(bytes);
        Ok(())
    }

    fn end(&mut self, judge: &mut Judge<'_>) -> Result<Flow, Error> {
        if let (Some(record), true) = (&self.record, self.is_file) {
            let check = std::mem::replace(&mut self.check, ContentCheck::Nothing);
            record.finish(self.position, &self.path, self.bytes, check, judge)?;
        }
        Ok(Flow::Continue)
    }
}
