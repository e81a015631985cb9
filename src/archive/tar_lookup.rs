//! Finds one small member of a gzip-compressed tar that a person put into the folder.
//!
//! As lenient as Python's `tarfile` about what is around it: contradictions that an upload would be refused for don't
//! matter here, where nothing is unpacked and the file is served whatever it holds. What counts is that the reading
//! ends, and costs no more than the archive's size can justify.

use std::io::{Read, Seek, SeekFrom};

use super::Limits;
use super::error::{Error, Rule};
use super::gunzip::Gunzip;
use super::meter::OutputMeter;
use super::pax::Overrides;
use super::tar_header::{BLOCK_BYTES, Block, has_right_checksum, number, text};

/// How much is skipped at once, in bytes.
const BUFFER_BYTES: usize = 64 * 1024;

/// The first plain file whose path is `wanted`; `None` when there is none before the end, or before a header that
/// can't be read.
pub(super) fn find_member(
    mut file: impl Read + Seek,
    limits: &Limits,
    wanted: impl Fn(&str) -> bool,
) -> Result<Option<Vec<u8>>, Error> {
    let file_bytes = file.seek(SeekFrom::End(0)).map_err(Error::Read)?;
    file.seek(SeekFrom::Start(0)).map_err(Error::Read)?;
    let meter = OutputMeter::new(file_bytes, limits.max_sdist_unpacked_bytes, limits);
    let mut reader = Reader {
        source: Gunzip::open(file, meter)?,
        buffer: vec![0; BUFFER_BYTES],
    };
    let mut long_path: Option<String> = None;
    let mut headers = 0_usize;
    while let Some(header) = reader.header(headers == 0)? {
        headers += 1;
        if headers > limits.max_members.saturating_mul(2) {
            let limit = limits.max_members;
            return Err(Error::archive(Rule::TooManyMembers { limit }));
        }
        match header.kind {
            b'x' | b'L' if header.bytes <= limits.max_pax_bytes => {
                let content = reader.whole(header.bytes)?;
                long_path = path_of_extension(header.kind, &content).or(long_path);
            }
            b'0' | b'\0' | b'7' => {
                let path = plain_path(&long_path.take().unwrap_or(header.path));
                if !wanted(&path) {
                    reader.skip(header.bytes)?;
                    continue;
                }
                let limit_bytes = limits.max_metadata_bytes;
                if header.bytes > limit_bytes {
                    return Err(Error::member(&path, Rule::MemberTooLarge { limit_bytes }));
                }
                return reader.whole(header.bytes).map(Some);
            }
            // Links, folders and devices have no data, whatever their size says.
            b'1'..=b'6' => long_path = None,
            b'g' | b'K' | b'x' | b'L' => reader.skip(header.bytes)?,
            _ => {
                long_path = None;
                reader.skip(header.bytes)?;
            }
        }
    }
    Ok(None)
}

/// What of a header is needed to go on.
struct Header {
    kind: u8,
    path: String,
    bytes: u64,
}

struct Reader<R> {
    source: Gunzip<R>,
    buffer: Vec<u8>,
}

impl<R: Read> Reader<R> {
    /// The next header; `None` at the end. One that makes no sense ends the archive, as it does for Python, unless it
    /// is the first: then it is no tar.
    fn header(&mut self, is_first: bool) -> Result<Option<Header>, Error> {
        let mut block: Block = [0; BLOCK_BYTES];
        let read = self.source.read_full(&mut block)?;
        let bytes = number(&block[124..136]).and_then(|bytes| u64::try_from(bytes).ok());
        match bytes {
            Some(bytes) if read == BLOCK_BYTES && has_right_checksum(&block) => Ok(Some(Header {
                kind: block[156],
                path: path_of(&block),
                bytes,
            })),
            _ if is_first => Err(Error::archive(Rule::NotTarGz)),
            _ => Ok(None),
        }
    }

    /// The next `bytes` bytes, which must be few; the padding behind them is skipped.
    fn whole(&mut self, bytes: u64) -> Result<Vec<u8>, Error> {
        self.source.check_room(bytes)?;
        let mut content = vec![0; usize::try_from(bytes).unwrap_or(0)];
        if self.source.read_full(&mut content)? < content.len() {
            return Err(Error::archive(Rule::Cut));
        }
        self.skip_exactly(padding_behind(bytes))?;
        Ok(content)
    }

    fn skip(&mut self, bytes: u64) -> Result<(), Error> {
        self.source.check_room(bytes)?;
        self.skip_exactly(bytes.saturating_add(padding_behind(bytes)))
    }

    fn skip_exactly(&mut self, mut bytes: u64) -> Result<(), Error> {
        while bytes > 0 {
            let most = usize::try_from(bytes)
                .unwrap_or(usize::MAX)
                .min(self.buffer.len());
            match self.source.read(&mut self.buffer[..most])? {
                0 => return Err(Error::archive(Rule::Cut)),
                read => bytes -= read as u64,
            }
        }
        Ok(())
    }
}

fn padding_behind(bytes: u64) -> u64 {
    let block = BLOCK_BYTES as u64;
    (block - bytes % block) % block
}

fn path_of(block: &Block) -> String {
    let name = String::from_utf8_lossy(text(&block[..100]));
    let prefix = String::from_utf8_lossy(text(&block[345..500]));
    // Only in ustar is it one; in GNU's headers the place holds times.
    if prefix.is_empty() || &block[257..263] != b"ustar\0" {
        return name.into_owned();
    }
    format!("{prefix}/{name}")
}

/// The path that an extension header gives to the next member.
fn path_of_extension(kind: u8, content: &[u8]) -> Option<String> {
    match kind {
        b'x' => Overrides::parse(content).ok()?.path,
        _ => Some(String::from_utf8_lossy(text(content)).into_owned()),
    }
}

/// The path without `.` and empty parts.
fn plain_path(path: &str) -> String {
    let parts: Vec<&str> = path
        .split('/')
        .filter(|part| !matches!(*part, "" | "."))
        .collect();
    parts.join("/")
}
