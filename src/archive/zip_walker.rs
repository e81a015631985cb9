//! Walks a zip from its first byte to its last, so that every byte is accounted for.
//!
//! The members lie one behind the other without gap or overlap, each local header says what the directory says,
//! and the data inflate to exactly the size and checksum that both promise. The file is read once, in order, in
//! buffers of fixed size.

use std::io::{BufReader, Read, Seek, SeekFrom};

use super::error::{Error, Judge, Rule};
use super::member::{Flow, Kind, Member, Visitor};
use super::meter::OutputMeter;
use super::zip_content::{Content, Unpacker};
use super::zip_directory::{Directory, Entry, check_extra};
use super::zip_records::{DataDescriptor, LocalHeader, SENTINEL_32, u64_list};

const INPUT_BUFFER_BYTES: usize = 128 * 1024;

/// A zip whose directory has been read and judged.
pub(super) struct ZipWalker<R> {
    source: BufReader<R>,
    directory: Directory,
    file_bytes: u64,
    unpacker: Unpacker,
}

/// Takes pieces of a member's data, and may look other members up meanwhile.
pub(super) type LookupSink<'a> = dyn FnMut(&Directory, &[u8]) -> Result<(), Error> + 'a;

/// A member whose local header has been read and judged; the source stands at its data.
struct Opened {
    path: String,
    descriptor_bytes: usize,
    has_wide_sizes: bool,
}

impl<R: Read + Seek> ZipWalker<R> {
    /// Reads the directory. `on_name` is told the path of each member, with a slash at the end of folders'.
    pub(super) fn open(
        mut file: R,
        judge: &mut Judge<'_>,
        on_name: impl FnMut(&str) -> Result<(), Error>,
    ) -> Result<Self, Error> {
        let file_bytes = file.seek(SeekFrom::End(0)).map_err(Error::Read)?;
        let mut source = BufReader::with_capacity(INPUT_BUFFER_BYTES, file);
        refuse_tar(&mut source, file_bytes)?;
        let directory = Directory::read(&mut source, file_bytes, judge, on_name)?;
        Ok(Self {
            source,
            directory,
            file_bytes,
            unpacker: Unpacker::new(),
        })
    }

    /// The number of members, folders included.
    pub(super) fn members(&self) -> usize {
        self.directory.entries.len()
    }

    /// Position of the member with this path; folders end in a slash here.
    pub(super) fn find(&self, path: &str) -> Option<usize> {
        self.directory.find(path)
    }

    /// Reads one small member whole.
    pub(super) fn read_member(&mut self, position: usize, max_bytes: u64) -> Result<Vec<u8>, Error> {
        let mut content = Vec::new();
        self.stream_member(position, max_bytes, &mut |_, bytes| {
            content.extend_from_slice(bytes);
            Ok(())
        })?;
        Ok(content)
    }

    /// Hands one member's bytes to `sink`, with the directory to look things up in. Size and checksum are verified
    /// at the end.
    pub(super) fn stream_member(
        &mut self,
        position: usize,
        max_bytes: u64,
        sink: &mut LookupSink<'_>,
    ) -> Result<(), Error> {
        let entry = &self.directory.entries[position];
        self.source
            .seek(SeekFrom::Start(entry.offset))
            .map_err(Error::from_read)?;
        let opened = open_local(&mut self.source, entry, &self.directory)?;
        if entry.bytes > max_bytes {
            return Err(Error::member(
                &opened.path,
                Rule::MemberTooLarge {
                    limit_bytes: max_bytes,
                },
            ));
        }
        let sink = &mut |bytes: &[u8]| sink(&self.directory, bytes);
        copy_data(&mut self.source, entry, &opened, &mut self.unpacker, sink)
    }

    /// Shows all members to `visitor`, in the order of the file.
    pub(super) fn walk(
        &mut self,
        max_unpacked_bytes: u64,
        judge: &mut Judge<'_>,
        visitor: &mut impl Visitor,
    ) -> Result<(), Error> {
        let mut meter = OutputMeter::new(self.file_bytes, max_unpacked_bytes, judge.limits);
        self.source.seek(SeekFrom::Start(0)).map_err(Error::from_read)?;
        for (index, entry) in self.directory.entries.iter().enumerate() {
            let opened = open_local(&mut self.source, entry, &self.directory)?;
            if entry.has_descriptor() {
                judge.member(
                    judge.limits.policy.data_descriptors,
                    &opened.path,
                    Rule::DataDescriptor,
                )?;
            }
            meter.check(entry.bytes)?;
            let kind = if entry.is_folder {
                Kind::Folder
            } else {
                Kind::File { bytes: entry.bytes }
            };
            let member = Member {
                index,
                path: opened.path.trim_end_matches('/'),
                kind,
                modified: entry.modified,
                executable: entry.executable,
                mode: u64::from(entry.mode),
            };
            visitor.begin(&member, judge)?;
            let sink = &mut |bytes: &[u8]| {
                meter.count(bytes.len())?;
                visitor.data(bytes)
            };
            copy_data(&mut self.source, entry, &opened, &mut self.unpacker, sink)?;
            if visitor.end(judge)? == Flow::Stop {
                break;
            }
        }
        Ok(())
    }
}

/// A tar needs no magic number, only a header whose checksum is right; Python would open such a file as both.
fn refuse_tar<R: Read + Seek>(source: &mut BufReader<R>, file_bytes: u64) -> Result<(), Error> {
    if file_bytes < 512 {
        return Ok(());
    }
    let mut block = [0; 512];
    source.seek(SeekFrom::Start(0)).map_err(Error::from_read)?;
    source.read_exact(&mut block).map_err(Error::from_read)?;
    if super::tar_header::has_right_checksum(&block) {
        return Err(Error::archive(Rule::ZipAndTar));
    }
    Ok(())
}

/// Reads a local header and holds it against the directory's entry.
fn open_local<R: Read>(
    source: &mut BufReader<R>,
    entry: &Entry,
    directory: &Directory,
) -> Result<Opened, Error> {
    let mut block = [0; LocalHeader::BYTES];
    source.read_exact(&mut block).map_err(Error::from_read)?;
    // Without its signature there is no member here: whatever lies here instead, the one before did not reach it.
    let header = LocalHeader::parse(&block).ok_or_else(|| Error::archive(Rule::DirectoryMismatch))?;
    let mut variable = vec![0; usize::from(header.name_bytes) + usize::from(header.extra_bytes)];
    source.read_exact(&mut variable).map_err(Error::from_read)?;
    let (name, extra) = variable.split_at(usize::from(header.name_bytes));
    let path = String::from_utf8_lossy(name).into_owned();
    let refuse = |rule| Error::member(&path, rule);

    if directory.fingerprints.of(name) != entry.name {
        return Err(refuse(Rule::HeaderMismatch { field: "name" }));
    }
    let zip64 = check_extra(extra, &path).map_err(refuse)?;
    check_fields(&header, zip64, entry).map_err(refuse)?;
    let header_bytes = (LocalHeader::BYTES + variable.len()) as u64;
    let data_end = entry
        .offset
        .saturating_add(header_bytes)
        .saturating_add(entry.compressed_bytes);
    let rest = entry
        .end
        .checked_sub(data_end)
        .ok_or_else(|| refuse(Rule::Overlap))?;
    let descriptor_bytes = usize::try_from(rest).unwrap_or(usize::MAX);
    if !entry.has_descriptor() && descriptor_bytes > 0 || descriptor_bytes > DataDescriptor::MAX_BYTES {
        return Err(refuse(Rule::Gap));
    }
    // Where the data of a stored stream end can't be told without the directory.
    if entry.has_descriptor() && !entry.is_deflated && entry.bytes > 0 {
        return Err(refuse(Rule::Flags { flags: entry.flags }));
    }
    Ok(Opened {
        has_wide_sizes: zip64.is_some(),
        path,
        descriptor_bytes,
    })
}

fn check_fields(header: &LocalHeader, zip64: Option<&[u8]>, entry: &Entry) -> Result<(), Rule> {
    let mismatch = |field| Err(Rule::HeaderMismatch { field });
    let method = if entry.is_deflated { 8 } else { 0 };
    if header.flags != entry.flags {
        return mismatch("flags");
    }
    if header.method != method {
        return mismatch("compression method");
    }
    let (bytes, compressed_bytes) = match zip64 {
        None => (header.bytes.into(), header.compressed_bytes.into()),
        Some(data) => local_sizes(header, data)?,
    };
    // A stream's header may leave to the descriptor what it does not know yet.
    let agrees = |local: u64, central: u64| local == central || local == 0 && entry.has_descriptor();
    if !agrees(header.crc.into(), entry.crc.into()) {
        return mismatch("checksum");
    }
    if !agrees(bytes, entry.bytes) || !agrees(compressed_bytes, entry.compressed_bytes) {
        return mismatch("size");
    }
    Ok(())
}

/// In a local header the zip64 field always holds both sizes; a small field beside it must point there or agree.
fn local_sizes(header: &LocalHeader, zip64: &[u8]) -> Result<(u64, u64), Rule> {
    let numbers = u64_list(zip64).ok_or(Rule::ExtraField)?;
    let [bytes, compressed_bytes] = numbers[..] else {
        return Err(Rule::ExtraField);
    };
    let agrees = |small: u32, large: u64| small == SENTINEL_32 || u64::from(small) == large;
    if agrees(header.bytes, bytes) && agrees(header.compressed_bytes, compressed_bytes) {
        Ok((bytes, compressed_bytes))
    } else {
        Err(Rule::ExtraField)
    }
}

/// Streams a member's data and checks size, checksum and descriptor.
fn copy_data<R: Read>(
    source: &mut BufReader<R>,
    entry: &Entry,
    opened: &Opened,
    unpacker: &mut Unpacker,
    sink: &mut dyn FnMut(&[u8]) -> Result<(), Error>,
) -> Result<(), Error> {
    let content = Content {
        path: &opened.path,
        // Python 2 marked folders as deflated without a single byte of data.
        is_deflated: entry.is_deflated && !(entry.is_folder && entry.compressed_bytes == 0),
        compressed_bytes: entry.compressed_bytes,
        bytes: entry.bytes,
        crc: entry.crc,
    };
    unpacker.unpack(source, &content, sink)?;
    check_descriptor(source, entry, opened)
}

fn check_descriptor<R: Read>(source: &mut BufReader<R>, entry: &Entry, opened: &Opened) -> Result<(), Error> {
    if !entry.has_descriptor() {
        return Ok(());
    }
    let mut block = vec![0; opened.descriptor_bytes];
    source.read_exact(&mut block).map_err(Error::from_read)?;
    let expected = DataDescriptor {
        crc: entry.crc,
        compressed_bytes: entry.compressed_bytes,
        bytes: entry.bytes,
    };
    if DataDescriptor::parse(&block, opened.has_wide_sizes) != Some(expected) {
        return Err(Error::member(&opened.path, Rule::DescriptorMismatch));
    }
    Ok(())
}
