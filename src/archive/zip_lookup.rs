//! Finds one small member of a zip that a person put into the folder.
//!
//! Reads the end of the file, the directory and that member, nothing else; so the cost does not grow with the
//! wheel. As lenient as Python about what is around: comments, bytes before the first member.

use std::io::{BufReader, Read, Seek, SeekFrom};

use super::Limits;
use super::error::{Error, Rule};
use super::zip_content::{Content, Unpacker};
use super::zip_records::{
    CentralHeader, END_SIGNATURE, EXTRA_ZIP64, EndRecord, FLAG_ENCRYPTED, LocalHeader, METHOD_DEFLATED,
    METHOD_STORED, SENTINEL_32, Zip64EndRecord, Zip64Locator, extra_fields, u64_list,
};

/// The first member whose path is `wanted`, unpacked and verified; `None` when there is none.
pub(super) fn find_member(
    mut file: impl Read + Seek,
    limits: &Limits,
    wanted: impl Fn(&str) -> bool,
) -> Result<Option<Vec<u8>>, Error> {
    let place = Place::find(&mut file)?;
    if place.bytes > limits.max_directory_bytes {
        return Err(Error::archive(Rule::DirectoryTooLarge {
            limit_bytes: limits.max_directory_bytes,
        }));
    }
    let mut source = BufReader::new(file);
    source
        .seek(SeekFrom::Start(place.start))
        .map_err(Error::from_read)?;
    let mut directory = source.by_ref().take(place.bytes);
    while directory.limit() >= CentralHeader::BYTES as u64 {
        let mut block = [0; CentralHeader::BYTES];
        directory.read_exact(&mut block).map_err(Error::from_read)?;
        let header = CentralHeader::parse(&block).ok_or_else(|| Error::archive(Rule::DirectoryMismatch))?;
        let mut name = vec![0; usize::from(header.name_bytes)];
        let mut extra = vec![0; usize::from(header.extra_bytes)];
        let mut comment = vec![0; usize::from(header.comment_bytes)];
        for part in [&mut name, &mut extra, &mut comment] {
            directory.read_exact(part).map_err(Error::from_read)?;
        }
        match std::str::from_utf8(&name) {
            Ok(path) if wanted(path) => {
                return read_member(source, &header, &extra, path, place.prefix_bytes, limits).map(Some);
            }
            _ => {}
        }
    }
    Ok(None)
}

fn read_member(
    mut source: BufReader<impl Read + Seek>,
    header: &CentralHeader,
    extra: &[u8],
    path: &str,
    prefix_bytes: u64,
    limits: &Limits,
) -> Result<Vec<u8>, Error> {
    let refuse = |rule| Error::member(path, rule);
    if header.flags & FLAG_ENCRYPTED != 0 {
        return Err(refuse(Rule::Encrypted));
    }
    if !matches!(header.method, METHOD_STORED | METHOD_DEFLATED) {
        return Err(refuse(Rule::Method {
            method: header.method,
        }));
    }
    let (bytes, compressed_bytes, offset) = numbers(header, extra).ok_or_else(|| refuse(Rule::ExtraField))?;
    let limit_bytes = limits.max_metadata_bytes;
    if bytes > limit_bytes {
        return Err(refuse(Rule::MemberTooLarge { limit_bytes }));
    }
    let local_start = offset
        .checked_add(prefix_bytes)
        .ok_or_else(|| refuse(Rule::ExtraField))?;
    let mut block = [0; LocalHeader::BYTES];
    source
        .seek(SeekFrom::Start(local_start))
        .map_err(Error::from_read)?;
    source.read_exact(&mut block).map_err(Error::from_read)?;
    let local = LocalHeader::parse(&block).ok_or_else(|| refuse(Rule::DirectoryMismatch))?;
    let skipped = i64::from(local.name_bytes) + i64::from(local.extra_bytes);
    source.seek_relative(skipped).map_err(Error::from_read)?;
    let content = Content {
        path,
        is_deflated: header.method == METHOD_DEFLATED,
        compressed_bytes,
        bytes,
        crc: header.crc,
    };
    let mut result = Vec::new();
    Unpacker::new().unpack(&mut source, &content, &mut |piece| {
        result.extend_from_slice(piece);
        Ok(())
    })?;
    Ok(result)
}

/// Size, compressed size and offset, from the zip64 field where the header points there.
fn numbers(header: &CentralHeader, extra: &[u8]) -> Option<(u64, u64, u64)> {
    let fields = extra_fields(extra).unwrap_or_default();
    let zip64 = fields.iter().find(|(identifier, _)| *identifier == EXTRA_ZIP64);
    let mut numbers = zip64
        .and_then(|(_, data)| u64_list(data))
        .unwrap_or_default()
        .into_iter();
    let mut large = |small: u32| {
        if small == SENTINEL_32 {
            numbers.next()
        } else {
            Some(small.into())
        }
    };
    Some((
        large(header.bytes)?,
        large(header.compressed_bytes)?,
        large(header.offset)?,
    ))
}

/// Where the directory lies, reckoned backwards from the end record as Python does.
struct Place {
    start: u64,
    bytes: u64,
    /// Bytes before the zip, by which all its offsets are off.
    prefix_bytes: u64,
}

impl Place {
    fn find(file: &mut (impl Read + Seek)) -> Result<Self, Error> {
        let file_bytes = file.seek(SeekFrom::End(0)).map_err(Error::Read)?;
        let tail_bytes = (EndRecord::BYTES + Zip64Locator::BYTES + usize::from(u16::MAX)) as u64;
        let tail_start = file_bytes.saturating_sub(tail_bytes);
        file.seek(SeekFrom::Start(tail_start)).map_err(Error::from_read)?;
        let mut tail = Vec::new();
        file.take(tail_bytes)
            .read_to_end(&mut tail)
            .map_err(Error::Read)?;

        let signature = END_SIGNATURE.to_le_bytes();
        let found = tail
            .windows(EndRecord::BYTES)
            .rposition(|bytes| bytes.starts_with(&signature))
            .and_then(|at| Some((at, EndRecord::parse(tail[at..].first_chunk()?)?)));
        let (at, end) = found.ok_or_else(|| Error::archive(Rule::NotZip))?;
        let mut directory_end = tail_start + at as u64;
        let (mut bytes, mut offset) = (u64::from(end.directory_bytes), u64::from(end.directory_offset));
        let locator = tail[..at].last_chunk().and_then(Zip64Locator::parse);
        if let Some(locator) = locator {
            let zip64 = read_zip64(file, locator.end_offset)?;
            directory_end = locator.end_offset;
            (bytes, offset) = (zip64.directory_bytes, zip64.directory_offset);
        }
        let mismatch = || Error::archive(Rule::DirectoryMismatch);
        let start = directory_end.checked_sub(bytes).ok_or_else(mismatch)?;
        Ok(Self {
            start,
            bytes,
            prefix_bytes: start.checked_sub(offset).ok_or_else(mismatch)?,
        })
    }
}

fn read_zip64(file: &mut (impl Read + Seek), offset: u64) -> Result<Zip64EndRecord, Error> {
    let mut block = [0; Zip64EndRecord::BYTES];
    file.seek(SeekFrom::Start(offset)).map_err(Error::from_read)?;
    file.read_exact(&mut block).map_err(Error::from_read)?;
    Zip64EndRecord::parse(&block).ok_or_else(|| Error::archive(Rule::Zip64Record))
}

/// Whether Python's `zipfile` would open the file: an end record near its end with a directory before it.
///
/// pip asks that before it looks at the name, and would unpack such an sdist as a zip.
pub(super) fn is_zip(file: &mut (impl Read + Seek)) -> Result<bool, Error> {
    let place = match Place::find(file) {
        Ok(place) => place,
        Err(error) if error.is_refusal() => return Ok(false),
        Err(error) => return Err(error),
    };
    if place.bytes == 0 {
        return Ok(true);
    }
    let mut block = [0; CentralHeader::BYTES];
    file.seek(SeekFrom::Start(place.start)).map_err(Error::Read)?;
    file.read_exact(&mut block).map_err(Error::from_read)?;
    Ok(CentralHeader::parse(&block).is_some())
}
