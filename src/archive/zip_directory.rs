//! The central directory of a zip: found, read and judged in one pass.
//!
//! A zip says everything twice: before each member and in the directory at the end. Readers differ in which they
//! believe and in how they find the directory. What passes here leaves them no choice: the end record is the last
//! thing in the file, the directory lies right before it, and each entry is plain.

use std::collections::HashMap;
use std::io::{BufReader, Read, Seek, SeekFrom};

use super::error::{Error, Judge, Rule};
use super::member::{check_path, is_windows_trouble};
use super::tree::{Fingerprint, Fingerprints, Inserted, Node, Tree};
use super::zip_records::{
    CentralHeader, END_SIGNATURE, EXTRA_TRANSFORMING, EXTRA_UNICODE_PATH, EXTRA_ZIP64, EndRecord,
    FLAG_DESCRIPTOR, FLAG_ENCRYPTED, FLAG_UTF8, HARMLESS_FLAGS, METHOD_DEFLATED, METHOD_STORED, SENTINEL_16,
    SENTINEL_32, Zip64EndRecord, Zip64Locator, extra_fields, seconds_since_1970, u64_list,
};

/// The highest "version needed to extract" that readers know (6.3).
const MAX_NEEDED_VERSION: u16 = 63;
/// Longest comment behind the directory, in bytes.
const MAX_COMMENT_BYTES: usize = 1024;

/// A member as the central directory describes it. Its name is kept as a fingerprint: the local header has it too.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: Fingerprint,
    pub(super) crc: u32,
    pub(super) compressed_bytes: u64,
    pub(super) bytes: u64,
    /// Where the local header begins.
    pub(super) offset: u64,
    /// Where the next local header, or the directory, begins.
    pub(super) end: u64,
    pub(super) modified: i64,
    pub(super) flags: u16,
    pub(super) is_deflated: bool,
    pub(super) is_folder: bool,
    pub(super) executable: bool,
    /// The Unix mode, 0 where there is none.
    pub(super) mode: u32,
}

impl Entry {
    pub(super) fn has_descriptor(&self) -> bool {
        self.flags & FLAG_DESCRIPTOR != 0
    }
}

/// All members of a zip, in the order in which they lie in the file.
#[derive(Debug)]
pub(super) struct Directory {
    pub(super) entries: Vec<Entry>,
    pub(super) fingerprints: Fingerprints,
    positions: HashMap<Fingerprint, u32>,
}

impl Directory {
    /// Finds and reads the directory. `on_name` is told the path of each member, with a slash at the end of folders'.
    pub(super) fn read(
        source: &mut BufReader<impl Read + Seek>,
        file_bytes: u64,
        judge: &mut Judge<'_>,
        mut on_name: impl FnMut(&str) -> Result<(), Error>,
    ) -> Result<Self, Error> {
        let place = Place::find(source, file_bytes, judge)?;
        place.check(judge)?;
        source
            .seek(SeekFrom::Start(place.start))
            .map_err(Error::from_read)?;
        let mut records = Records {
            source: source.take(place.bytes),
            tree: Tree::new(judge.limits.max_members),
            fingerprints: Fingerprints::default(),
            directory_start: place.start,
        };
        let mut entries = Vec::new();
        for _ in 0..place.entries {
            entries.push(records.next(judge, &mut on_name)?);
        }
        if records.source.limit() > 0 {
            return Err(Error::archive(Rule::DirectoryMismatch));
        }
        let fingerprints = records.fingerprints;
        chain(&mut entries, place.start)?;
        let positions = (0u32..)
            .zip(&entries)
            .map(|(position, entry)| (entry.name, position));
        Ok(Self {
            positions: positions.collect(),
            entries,
            fingerprints,
        })
    }

    /// Position of the member with this path.
    pub(super) fn find(&self, path: &str) -> Option<usize> {
        let position = self.positions.get(&self.fingerprints.of(path.as_bytes()))?;
        usize::try_from(*position).ok()
    }
}

/// Sorts the entries by their place in the file and tells each where the next one begins.
fn chain(entries: &mut [Entry], directory_start: u64) -> Result<(), Error> {
    entries.sort_unstable_by_key(|entry| entry.offset);
    let first = entries.first().map_or(directory_start, |entry| entry.offset);
    if first != 0 {
        return Err(Error::archive(Rule::Prefix));
    }
    let mut end = directory_start;
    for entry in entries.iter_mut().rev() {
        if entry.offset >= end {
            return Err(Error::archive(Rule::DirectoryMismatch));
        }
        entry.end = end;
        end = entry.offset;
    }
    Ok(())
}

/// Where the directory lies.
struct Place {
    start: u64,
    bytes: u64,
    entries: u64,
    /// Where the end records begin, and so where the directory must end.
    end: u64,
}

impl Place {
    /// Reads the end records, which must be the very last bytes but for a comment that deceives nobody.
    fn find(source: &mut (impl Read + Seek), file_bytes: u64, judge: &mut Judge<'_>) -> Result<Self, Error> {
        let Some(last_place) = file_bytes.checked_sub(EndRecord::BYTES as u64) else {
            return Err(Error::archive(Rule::NotZip));
        };
        let (end_start, end) = match EndRecord::parse(&read_at(source, last_place)?) {
            Some(end) if end.comment_bytes != 0 => return Err(Error::archive(Rule::Cut)),
            Some(end) => (last_place, end),
            None => {
                let end_start = behind_comment(source, file_bytes)?;
                judge.archive(judge.limits.policy.zip_comments, Rule::ZipComment)?;
                let end = EndRecord::parse(&read_at(source, end_start)?);
                (end_start, end.ok_or_else(|| Error::archive(Rule::NotZip))?)
            }
        };
        let Some(zip64) = find_zip64(source, end_start)? else {
            return Self::without_zip64(&end, end_start);
        };
        zip64.check_against(&end)?;
        Ok(Self {
            start: zip64.directory_offset,
            bytes: zip64.directory_bytes,
            entries: zip64.entries,
            end: end_start - (Zip64Locator::BYTES + Zip64EndRecord::BYTES) as u64,
        })
    }

    fn without_zip64(end: &EndRecord, end_start: u64) -> Result<Self, Error> {
        if end.disk != 0 || end.directory_disk != 0 || end.entries_on_disk != end.entries {
            return Err(Error::archive(Rule::ManyDisks));
        }
        let is_sentinel = end.entries == SENTINEL_16
            || end.directory_bytes == SENTINEL_32
            || end.directory_offset == SENTINEL_32;
        if is_sentinel {
            return Err(Error::archive(Rule::Zip64Record));
        }
        Ok(Self {
            start: end.directory_offset.into(),
            bytes: end.directory_bytes.into(),
            entries: end.entries.into(),
            end: end_start,
        })
    }

    fn check(&self, judge: &Judge<'_>) -> Result<(), Error> {
        let limits = judge.limits;
        match self.start.checked_add(self.bytes) {
            Some(end) if end < self.end => return Err(Error::archive(Rule::Prefix)),
            Some(end) if end == self.end => {}
            _ => return Err(Error::archive(Rule::DirectoryMismatch)),
        }
        if self.bytes > limits.max_directory_bytes {
            return Err(Error::archive(Rule::DirectoryTooLarge {
                limit_bytes: limits.max_directory_bytes,
            }));
        }
        if self.entries > limits.max_members as u64 {
            return Err(Error::archive(Rule::TooManyMembers {
                limit: limits.max_members,
            }));
        }
        Ok(())
    }
}

/// The zip64 end record, when its locator stands before the end record. Some readers look for it always, others
/// only when a field says so; both come to the same result when all fields agree.
fn find_zip64(source: &mut (impl Read + Seek), end_start: u64) -> Result<Option<Zip64EndRecord>, Error> {
    let Some(locator_start) = end_start.checked_sub(Zip64Locator::BYTES as u64) else {
        return Ok(None);
    };
    let Some(locator) = Zip64Locator::parse(&read_at(source, locator_start)?) else {
        return Ok(None);
    };
    let record_start = locator_start.checked_sub(Zip64EndRecord::BYTES as u64);
    let is_plain = locator.disk == 0 && locator.disks <= 1 && Some(locator.end_offset) == record_start;
    if !is_plain {
        return Err(Error::archive(Rule::Zip64Record));
    }
    match Zip64EndRecord::parse(&read_at(source, locator.end_offset)?) {
        Some(record) if record.following_bytes == 44 => Ok(Some(record)),
        _ => Err(Error::archive(Rule::Zip64Record)),
    }
}

impl Zip64EndRecord {
    /// Each field of the small record must say the same or point here.
    fn check_against(&self, end: &EndRecord) -> Result<(), Error> {
        if self.disk != 0 || self.directory_disk != 0 || self.entries != self.entries_on_disk {
            return Err(Error::archive(Rule::ManyDisks));
        }
        let short = |small: u16, large: u64| small == SENTINEL_16 || u64::from(small) == large;
        let long = |small: u32, large: u64| small == SENTINEL_32 || u64::from(small) == large;
        let agree = short(end.disk, 0)
            && short(end.directory_disk, 0)
            && short(end.entries_on_disk, self.entries)
            && short(end.entries, self.entries)
            && long(end.directory_bytes, self.directory_bytes)
            && long(end.directory_offset, self.directory_offset);
        if agree {
            Ok(())
        } else {
            Err(Error::archive(Rule::Zip64Record))
        }
    }
}

/// Where the end record of a zip with a comment begins. Whichever way readers look for it, they find this one: the
/// comment fits exactly, is short, and holds nothing that could begin another record.
fn behind_comment(source: &mut (impl Read + Seek), file_bytes: u64) -> Result<u64, Error> {
    let window = file_bytes.min(EndRecord::BYTES as u64 + u64::from(u16::MAX));
    let tail_start = file_bytes - window;
    source
        .seek(SeekFrom::Start(tail_start))
        .map_err(Error::from_read)?;
    let mut tail = Vec::new();
    source
        .take(window)
        .read_to_end(&mut tail)
        .map_err(Error::from_read)?;
    let signature = END_SIGNATURE.to_le_bytes();
    let found = tail
        .windows(EndRecord::BYTES)
        .rposition(|bytes| bytes.starts_with(&signature));
    let Some(at) = found else {
        let begins_as_zip = read_at::<4>(source, 0)? == super::zip_records::LOCAL_SIGNATURE.to_le_bytes();
        let rule = if begins_as_zip { Rule::Cut } else { Rule::NotZip };
        return Err(Error::archive(rule));
    };
    let comment_bytes = usize::from(tail[at + 20]) | usize::from(tail[at + 21]) << 8;
    let comment = &tail[at + EndRecord::BYTES..];
    if comment.len() != comment_bytes {
        return Err(Error::archive(Rule::TrailingBytes));
    }
    if comment.len() > MAX_COMMENT_BYTES || comment.windows(2).any(|pair| pair == b"PK") {
        return Err(Error::archive(Rule::DeceptiveComment));
    }
    Ok(tail_start + at as u64)
}

fn read_at<const N: usize>(source: &mut (impl Read + Seek), offset: u64) -> Result<[u8; N], Error> {
    let mut block = [0; N];
    source.seek(SeekFrom::Start(offset)).map_err(Error::from_read)?;
    source.read_exact(&mut block).map_err(Error::from_read)?;
    Ok(block)
}

/// Reads the directory's records one after the other.
struct Records<R> {
    source: std::io::Take<R>,
    tree: Tree,
    fingerprints: Fingerprints,
    directory_start: u64,
}

impl<R: Read> Records<R> {
    fn next(
        &mut self,
        judge: &mut Judge<'_>,
        on_name: &mut impl FnMut(&str) -> Result<(), Error>,
    ) -> Result<Entry, Error> {
        let mismatch = || Error::archive(Rule::DirectoryMismatch);
        let mut block = [0; CentralHeader::BYTES];
        self.source.read_exact(&mut block).map_err(|_| mismatch())?;
        let header = CentralHeader::parse(&block).ok_or_else(mismatch)?;
        let mut variable = vec![0; usize::from(header.name_bytes) + usize::from(header.extra_bytes)];
        self.source.read_exact(&mut variable).map_err(|_| mismatch())?;
        let (name, extra) = variable.split_at(usize::from(header.name_bytes));
        let shown = String::from_utf8_lossy(name);
        let refuse = |rule| Error::member(&shown, rule);

        check_features(&header).map_err(refuse)?;
        let name = decode_name(name, header.flags).map_err(refuse)?;
        let mut entry = self.entry(&header, name, extra).map_err(refuse)?;
        entry.executable = self.check_mode(&header, name, entry.is_folder, judge)?;
        self.check_place(name, entry.is_folder, judge)?;
        on_name(name)?;
        Ok(entry)
    }

    fn entry(&self, header: &CentralHeader, name: &str, extra: &[u8]) -> Result<Entry, Rule> {
        let (bytes, compressed_bytes, offset) = large_numbers(header, extra, name)?;
        let is_deflated = header.method == METHOD_DEFLATED;
        if !is_deflated && compressed_bytes != bytes {
            return Err(Rule::Size);
        }
        let is_folder = name.ends_with('/');
        if is_folder && bytes != 0 {
            return Err(Rule::FolderWithData);
        }
        if offset >= self.directory_start {
            return Err(Rule::Overlap);
        }
        Ok(Entry {
            name: self.fingerprints.of(name.as_bytes()),
            crc: header.crc,
            compressed_bytes,
            bytes,
            offset,
            end: 0,
            modified: seconds_since_1970(header.date, header.time),
            flags: header.flags,
            is_deflated,
            is_folder,
            executable: false,
            mode: header.external_attributes >> 16,
        })
    }

    /// The upper half of the attributes is a Unix mode, whatever system the header names: installers look at it.
    fn check_mode(
        &self,
        header: &CentralHeader,
        name: &str,
        is_folder: bool,
        judge: &mut Judge<'_>,
    ) -> Result<bool, Error> {
        const DOS_FOLDER: u32 = 0x10;
        let mode = header.external_attributes >> 16;
        let contradicts = match mode & 0o170_000 {
            0 => false,
            0o100_000 => is_folder,
            0o040_000 => !is_folder,
            _ => true,
        };
        if contradicts || (header.external_attributes & DOS_FOLDER != 0 && !is_folder) {
            return Err(Error::member(name, Rule::SpecialFile));
        }
        if mode & 0o7000 != 0 {
            judge.member(judge.limits.policy.special_modes, name, Rule::SpecialMode)?;
        }
        Ok(mode & 0o100 != 0)
    }

    fn check_place(&mut self, name: &str, is_folder: bool, judge: &mut Judge<'_>) -> Result<(), Error> {
        let refuse = |rule| Error::member(name, rule);
        let (path, node) = match name.strip_suffix('/') {
            Some(path) if is_folder => (path, Node::Folder),
            _ => (name, Node::File),
        };
        check_path(path, judge.limits).map_err(refuse)?;
        match self.tree.insert(path, node).map_err(refuse)? {
            Inserted::New => {}
            Inserted::FolderAgain => return Err(refuse(Rule::Duplicate)),
            Inserted::CaseCollision => {
                judge.member(judge.limits.policy.case_collisions, name, Rule::CaseCollision)?;
            }
        }
        if is_windows_trouble(path) {
            judge.member(judge.limits.policy.windows_names, name, Rule::WindowsName)?;
        }
        Ok(())
    }
}

fn check_features(header: &CentralHeader) -> Result<(), Rule> {
    if header.flags & FLAG_ENCRYPTED != 0 {
        return Err(Rule::Encrypted);
    }
    if header.flags & !HARMLESS_FLAGS != 0 || header.needed_version & 0xff > MAX_NEEDED_VERSION {
        return Err(Rule::Flags { flags: header.flags });
    }
    if !matches!(header.method, METHOD_STORED | METHOD_DEFLATED) {
        return Err(Rule::Method {
            method: header.method,
        });
    }
    if header.comment_bytes != 0 {
        return Err(Rule::ZipComment);
    }
    if header.disk != 0 {
        return Err(Rule::ManyDisks);
    }
    Ok(())
}

/// Without the flag a name is in an unknown code page; only ASCII means the same in all of them.
fn decode_name(name: &[u8], flags: u16) -> Result<&str, Rule> {
    let text = std::str::from_utf8(name).map_err(|_| Rule::PathNotUtf8)?;
    let is_declared = flags & FLAG_UTF8 != 0 || text.is_ascii();
    is_declared.then_some(text).ok_or(Rule::PathNotUtf8)
}

/// Size, compressed size and offset, from the zip64 field where the header points there. The field must hold these
/// numbers and no others.
fn large_numbers(header: &CentralHeader, extra: &[u8], name: &str) -> Result<(u64, u64, u64), Rule> {
    let zip64 = check_extra(extra, name)?;
    let mut numbers = match zip64 {
        Some(data) => u64_list(data).ok_or(Rule::ExtraField)?.into_iter(),
        None => Vec::new().into_iter(),
    };
    let mut large = |small: u32| match small {
        SENTINEL_32 => numbers.next().ok_or(Rule::ExtraField),
        small => Ok(small.into()),
    };
    let result = (
        large(header.bytes)?,
        large(header.compressed_bytes)?,
        large(header.offset)?,
    );
    if numbers.next().is_some() {
        return Err(Rule::ExtraField);
    }
    Ok(result)
}

/// Checks the extra fields of a local or central header and gives the data of the zip64 field.
pub(super) fn check_extra<'a>(extra: &'a [u8], name: &str) -> Result<Option<&'a [u8]>, Rule> {
    let mut zip64 = None;
    let mut unicode_paths = 0;
    for (identifier, data) in extra_fields(extra).ok_or(Rule::ExtraField)? {
        match identifier {
            EXTRA_ZIP64 if zip64.is_some() => return Err(Rule::ExtraField),
            EXTRA_ZIP64 => zip64 = Some(data),
            EXTRA_UNICODE_PATH => {
                unicode_paths += 1;
                // Version 1, checksum of the plain name, then the same name again; any other would be a lie.
                let expected = [
                    &[1],
                    &crc32fast::hash(name.as_bytes()).to_le_bytes()[..],
                    name.as_bytes(),
                ]
                .concat();
                if unicode_paths > 1 || data != expected {
                    return Err(Rule::ExtraField);
                }
            }
            other if EXTRA_TRANSFORMING.contains(&other) => return Err(Rule::ExtraField),
            _ => {}
        }
    }
    Ok(zip64)
}
