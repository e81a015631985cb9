//! Writes tars and gzip files that can lie in every field.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

pub(super) const SDIST_NAME: &str = "demo_pkg-1.0.tar.gz";
pub(super) const PKG_INFO: &str = "Metadata-Version: 2.1\nName: demo-pkg\nVersion: 1.0\n";

/// A tar as far as it is written.
#[derive(Clone, Debug, Default)]
pub(super) struct Tar {
    pub(super) bytes: Vec<u8>,
}

impl Tar {
    /// The members that every sdist has.
    pub(super) fn sdist() -> Self {
        Self::default()
            .folder("demo_pkg-1.0/")
            .file("demo_pkg-1.0/PKG-INFO", PKG_INFO.as_bytes())
            .file("demo_pkg-1.0/setup.py", b"from setuptools import setup\n")
    }

    pub(super) fn file(self, path: &str, content: &[u8]) -> Self {
        self.entry(header(path.as_bytes(), b'0', content.len() as u64), content)
    }

    pub(super) fn folder(self, path: &str) -> Self {
        self.entry(header(path.as_bytes(), b'5', 0), b"")
    }

    pub(super) fn link(self, kind: u8, path: &str, target: &str) -> Self {
        let mut block = header(path.as_bytes(), kind, 0);
        put(&mut block, 157, target.as_bytes());
        self.entry(sealed(block), b"")
    }

    /// A PAX header for the next member.
    pub(super) fn pax(self, records: &[(&str, &str)]) -> Self {
        self.extension(b'x', &pax_records(records))
    }

    pub(super) fn extension(self, kind: u8, content: &[u8]) -> Self {
        self.entry(header(b"extension", kind, content.len() as u64), content)
    }

    /// A header as it is, and its data with padding.
    pub(super) fn entry(mut self, block: [u8; 512], content: &[u8]) -> Self {
        self.bytes.extend(block);
        self.bytes.extend(content);
        self.bytes.resize(self.bytes.len().next_multiple_of(512), 0);
        self
    }

    /// The end marker, and gzip around all.
    pub(super) fn write(mut self) -> Vec<u8> {
        self.bytes.extend([0; 1024]);
        gzip(&self.bytes)
    }
}

pub(super) fn honest_sdist() -> Vec<u8> {
    Tar::sdist().write()
}

/// An honest ustar header.
pub(super) fn header(path: &[u8], kind: u8, bytes: u64) -> [u8; 512] {
    let mut block = [0; 512];
    put(&mut block, 0, path);
    put(&mut block, 100, b"0000644\0");
    put(&mut block, 108, b"0000000\0");
    put(&mut block, 116, b"0000000\0");
    put(&mut block, 124, format!("{bytes:011o}\0").as_bytes());
    put(&mut block, 136, b"14000000000\0");
    block[156] = kind;
    put(&mut block, 257, b"ustar\x0000");
    sealed(block)
}

/// With the right checksum.
pub(super) fn sealed(mut block: [u8; 512]) -> [u8; 512] {
    block[148..156].copy_from_slice(b"        ");
    let sum: u32 = block.iter().map(|&byte| u32::from(byte)).sum();
    put(&mut block, 148, format!("{sum:06o}\0 ").as_bytes());
    block
}

pub(super) fn put(block: &mut [u8], at: usize, bytes: &[u8]) {
    block[at..at + bytes.len()].copy_from_slice(bytes);
}

pub(super) fn pax_records(records: &[(&str, &str)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (key, value) in records {
        let body = key.len() + value.len() + 3;
        let mut length = body + 1;
        while length != body + length.to_string().len() {
            length = body + length.to_string().len();
        }
        out.extend(format!("{length} {key}={value}\n").into_bytes());
    }
    out
}

pub(super) fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}
