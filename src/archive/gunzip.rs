//! A gzip file of exactly one stream, as its standard (RFC 1952) describes it.
//!
//! Python and GNU gzip go on behind the first stream, other readers stop there; so a second stream, or anything
//! else behind the first, is refused. Faults of the archive and faults of the disk stay apart, which a decoder
//! behind `io::Read` could not do.

use std::io::{self, BufRead, BufReader, Read};

use super::error::{Error, Rule};
use super::inflate::Inflater;
use super::meter::OutputMeter;

const INPUT_BUFFER_BYTES: usize = 128 * 1024;
/// Longest file name, comment or extra field in the gzip header.
const MAX_HEADER_FIELD_BYTES: usize = 64 * 1024;

const FLAG_HEADER_CRC: u8 = 1 << 1;
const FLAG_EXTRA: u8 = 1 << 2;
const FLAG_NAME: u8 = 1 << 3;
const FLAG_COMMENT: u8 = 1 << 4;
const RESERVED_FLAGS: u8 = 0b1110_0000;

/// Unpacks a gzip file and verifies it when its end is reached.
pub(super) struct Gunzip<R> {
    source: BufReader<R>,
    inflater: Inflater,
    crc: crc32fast::Hasher,
    produced: u64,
    meter: OutputMeter,
    is_finished: bool,
}

impl<R: Read> Gunzip<R> {
    /// Reads the header; `file` stands at its beginning.
    pub(super) fn open(file: R, meter: OutputMeter) -> Result<Self, Error> {
        let mut source = BufReader::with_capacity(INPUT_BUFFER_BYTES, file);
        read_header(&mut source)?;
        Ok(Self {
            source,
            inflater: Inflater::new(),
            crc: crc32fast::Hasher::new(),
            produced: 0,
            meter,
            is_finished: false,
        })
    }

    /// Refuses when `more` bytes of output would be too many.
    pub(super) fn check_room(&self, more: u64) -> Result<(), Error> {
        self.meter.check(more)
    }

    /// Fills a part of `output`, at least one byte; 0 at the end, when checksum and size have been verified.
    pub(super) fn read(&mut self, output: &mut [u8]) -> Result<usize, Error> {
        while !self.is_finished {
            let input = fill(&mut self.source)?;
            let step = match self.inflater.step(input, output) {
                Ok(step) => step,
                Err(_) if input.is_empty() => return Err(Error::archive(Rule::Cut)),
                Err(_) => return Err(Error::archive(Rule::Deflate)),
            };
            self.source.consume(step.consumed);
            self.crc.update(&output[..step.produced]);
            self.produced += step.produced as u64;
            self.meter.count(step.produced)?;
            if step.ended {
                self.finish()?;
            }
            if step.produced > 0 {
                return Ok(step.produced);
            }
        }
        Ok(0)
    }

    /// Fills `output`, or less only at the end.
    pub(super) fn read_full(&mut self, output: &mut [u8]) -> Result<usize, Error> {
        let mut filled = 0;
        while filled < output.len() {
            match self.read(&mut output[filled..])? {
                0 => break,
                read => filled += read,
            }
        }
        Ok(filled)
    }

    fn finish(&mut self) -> Result<(), Error> {
        self.is_finished = true;
        let mut trailer = [0; 8];
        self.source.read_exact(&mut trailer).map_err(Error::from_read)?;
        let [a, b, c, d, e, f, g, h] = trailer;
        // The size is stated modulo 2^32.
        let size_agrees = u64::from(u32::from_le_bytes([e, f, g, h])) == self.produced & 0xffff_ffff;
        if u32::from_le_bytes([a, b, c, d]) != self.crc.clone().finalize() || !size_agrees {
            return Err(Error::archive(Rule::Checksum));
        }
        match fill(&mut self.source)? {
            [] => Ok(()),
            [0x1f, ..] => Err(Error::archive(Rule::SecondGzipStream)),
            _ => Err(Error::archive(Rule::TrailingBytes)),
        }
    }
}

fn read_header(source: &mut BufReader<impl Read>) -> Result<(), Error> {
    let mut fixed = [0; 10];
    source
        .read_exact(&mut fixed)
        .map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => Error::archive(Rule::NotTarGz),
            _ => Error::Read(error),
        })?;
    let [0x1f, 0x8b, 8, flags, ..] = fixed else {
        return Err(Error::archive(Rule::NotTarGz));
    };
    // The checksum of the header is hardly ever written and never checked by Python: no reason to take the risk.
    if flags & (RESERVED_FLAGS | FLAG_HEADER_CRC) != 0 {
        return Err(Error::archive(Rule::GzipHeader));
    }
    if flags & FLAG_EXTRA != 0 {
        let mut length = [0; 2];
        source.read_exact(&mut length).map_err(Error::from_read)?;
        let mut extra = vec![0; usize::from(u16::from_le_bytes(length))];
        source.read_exact(&mut extra).map_err(Error::from_read)?;
    }
    for flag in [FLAG_NAME, FLAG_COMMENT] {
        if flags & flag != 0 {
            skip_text(source)?;
        }
    }
    Ok(())
}

fn skip_text(source: &mut BufReader<impl Read>) -> Result<(), Error> {
    let mut text = Vec::new();
    source
        .take(MAX_HEADER_FIELD_BYTES as u64)
        .read_until(0, &mut text)
        .map_err(Error::from_read)?;
    if text.ends_with(&[0]) {
        Ok(())
    } else {
        Err(Error::archive(Rule::GzipHeader))
    }
}

/// Buffered input; empty only at the end of the file.
fn fill<R: Read>(source: &mut BufReader<R>) -> Result<&[u8], Error> {
    while source.buffer().is_empty() {
        match source.fill_buf() {
            Ok([]) => break,
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Error::from_read(error)),
        }
    }
    Ok(source.buffer())
}
