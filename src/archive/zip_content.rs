//! The data of one zip member, unpacked in pieces and verified.

use std::io::{self, BufRead as _, BufReader, Read};

use super::error::{Error, Rule};
use super::inflate::Inflater;

const OUTPUT_BUFFER_BYTES: usize = 64 * 1024;

/// What the headers promise about a member's data.
pub(super) struct Content<'a> {
    pub(super) path: &'a str,
    pub(super) is_deflated: bool,
    pub(super) compressed_bytes: u64,
    pub(super) bytes: u64,
    pub(super) crc: u32,
}

/// Unpacks members one after the other with the same buffers.
pub(super) struct Unpacker {
    inflater: Inflater,
    output: Vec<u8>,
}

impl Unpacker {
    pub(super) fn new() -> Self {
        Self {
            inflater: Inflater::new(),
            output: vec![0; OUTPUT_BUFFER_BYTES],
        }
    }

    /// Hands the data, at which `source` stands, to `sink`; never more than promised. Size and checksum are
    /// verified at the end, and that the compressed data end where they should.
    pub(super) fn unpack<R: Read>(
        &mut self,
        source: &mut BufReader<R>,
        content: &Content<'_>,
        sink: &mut dyn FnMut(&[u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let refuse = |rule| Error::member(content.path, rule);
        let mut crc = crc32fast::Hasher::new();
        let mut produced: u64 = 0;
        let mut checked_sink = |bytes: &[u8]| {
            produced += bytes.len() as u64;
            if produced > content.bytes {
                return Err(refuse(Rule::Size));
            }
            crc.update(bytes);
            sink(bytes)
        };
        if content.is_deflated {
            self.inflate(source, content, &mut checked_sink)?;
        } else {
            copy_stored(source, content.compressed_bytes, &mut checked_sink)?;
        }
        if produced != content.bytes {
            return Err(refuse(Rule::Size));
        }
        if crc.finalize() != content.crc {
            return Err(refuse(Rule::Checksum));
        }
        Ok(())
    }

    fn inflate<R: Read>(
        &mut self,
        source: &mut BufReader<R>,
        content: &Content<'_>,
        sink: &mut impl FnMut(&[u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let broken = || Error::member(content.path, Rule::Deflate);
        let mut remaining = content.compressed_bytes;
        self.inflater.reset();
        loop {
            let input = if remaining > 0 {
                available(source, remaining)?
            } else {
                &[]
            };
            let step = self
                .inflater
                .step(input, &mut self.output)
                .map_err(|_| broken())?;
            source.consume(step.consumed);
            remaining -= step.consumed as u64;
            sink(&self.output[..step.produced])?;
            if step.ended {
                return if remaining == 0 { Ok(()) } else { Err(broken()) };
            }
        }
    }
}

fn copy_stored<R: Read>(
    source: &mut BufReader<R>,
    mut remaining: u64,
    sink: &mut impl FnMut(&[u8]) -> Result<(), Error>,
) -> Result<(), Error> {
    while remaining > 0 {
        let input = available(source, remaining)?;
        let taken = input.len();
        sink(input)?;
        source.consume(taken);
        remaining -= taken as u64;
    }
    Ok(())
}

/// Buffered input, at least one byte and at most `remaining`.
fn available<R: Read>(source: &mut BufReader<R>, remaining: u64) -> Result<&[u8], Error> {
    while source.buffer().is_empty() {
        match source.fill_buf() {
            Ok([]) => return Err(Error::archive(Rule::Cut)),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Error::from_read(error)),
        }
    }
    let buffered = source.buffer();
    let most = usize::try_from(remaining)
        .unwrap_or(usize::MAX)
        .min(buffered.len());
    Ok(&buffered[..most])
}
