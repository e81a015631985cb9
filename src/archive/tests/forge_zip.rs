//! Writes zips that can lie in every field.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use flate2::{Compress, Compression, FlushCompress};
use sha2::{Digest as _, Sha256};

/// A zip as it will be written; honest until a test changes a field.
#[derive(Clone, Debug, Default)]
pub(super) struct Zip {
    pub(super) prefix: Vec<u8>,
    pub(super) members: Vec<Member>,
    /// Between the last member and the directory.
    pub(super) before_directory: Vec<u8>,
    /// Between the directory and the end records.
    pub(super) behind_directory: Vec<u8>,
    pub(super) zip64: Option<Zip64>,
    pub(super) end: End,
    pub(super) trailing: Vec<u8>,
}

/// One member: local header, data, descriptor and directory entry.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) local: Fields,
    pub(super) data: Vec<u8>,
    pub(super) descriptor: Vec<u8>,
    pub(super) central: Fields,
    pub(super) has_local: bool,
    pub(super) has_central: bool,
}

/// The fields of a header, local or central.
#[derive(Clone, Debug)]
pub(super) struct Fields {
    pub(super) made_by: u16,
    pub(super) needed: u16,
    pub(super) flags: u16,
    pub(super) method: u16,
    pub(super) crc: u32,
    pub(super) compressed: u32,
    pub(super) size: u32,
    pub(super) name: Vec<u8>,
    pub(super) extra: Vec<u8>,
    pub(super) comment: Vec<u8>,
    pub(super) disk: u16,
    pub(super) external: u32,
    /// Where the local header is; its real place when `None`.
    pub(super) offset: Option<u32>,
}

/// Lies of the end record.
#[derive(Clone, Debug, Default)]
pub(super) struct End {
    pub(super) disk: u16,
    pub(super) directory_disk: u16,
    pub(super) entries_on_disk: Option<u16>,
    pub(super) entries: Option<u16>,
    pub(super) bytes: Option<u32>,
    pub(super) offset: Option<u32>,
    pub(super) comment: Vec<u8>,
}

/// Zip64 end record and locator, and their lies.
#[derive(Clone, Debug, Default)]
pub(super) struct Zip64 {
    pub(super) extensible: Vec<u8>,
    pub(super) disk: u32,
    pub(super) entries: Option<u64>,
    pub(super) bytes: Option<u64>,
    pub(super) offset: Option<u64>,
    pub(super) locator_offset: Option<u64>,
    pub(super) disks: Option<u32>,
}

impl Member {
    pub(super) fn stored(name: &str, content: &[u8]) -> Self {
        Self::new(name.as_bytes(), content, 0, content.to_vec())
    }

    pub(super) fn deflated(name: &str, content: &[u8]) -> Self {
        Self::new(name.as_bytes(), content, 8, deflate(content))
    }

    pub(super) fn new(name: &[u8], content: &[u8], method: u16, data: Vec<u8>) -> Self {
        let fields = Fields {
            made_by: 0x0314,
            needed: 20,
            flags: if name.is_ascii() { 0 } else { 1 << 11 },
            method,
            crc: crc32fast::hash(content),
            compressed: data.len().try_into().unwrap(),
            size: content.len().try_into().unwrap(),
            name: name.to_vec(),
            extra: Vec::new(),
            comment: Vec::new(),
            disk: 0,
            external: if name.ends_with(b"/") {
                0o040_755 << 16 | 0x10
            } else {
                0o100_644 << 16
            },
            offset: None,
        };
        Self {
            local: fields.clone(),
            data,
            descriptor: Vec::new(),
            central: fields,
            has_local: true,
            has_central: true,
        }
    }

    /// Changes local header and directory entry alike.
    pub(super) fn both(mut self, change: impl Fn(&mut Fields)) -> Self {
        change(&mut self.local);
        change(&mut self.central);
        self
    }

    /// Written as a stream: sizes and checksum are zero in the local header and follow the data.
    pub(super) fn streamed(self) -> Self {
        let mut member = self.both(|fields| fields.flags |= 1 << 3);
        let fields = &member.central;
        member.descriptor = [0x0807_4b50, fields.crc, fields.compressed, fields.size]
            .map(u32::to_le_bytes)
            .concat();
        (member.local.crc, member.local.compressed, member.local.size) = (0, 0, 0);
        member
    }
}

impl Zip {
    pub(super) fn of(members: Vec<Member>) -> Self {
        Self {
            members,
            ..Self::default()
        }
    }

    pub(super) fn write(&self) -> Vec<u8> {
        let mut out = self.prefix.clone();
        let mut directory = Vec::new();
        for member in &self.members {
            let offset = u32::try_from(out.len()).unwrap();
            if member.has_local {
                write_local(&mut out, &member.local);
                out.extend(&member.data);
                out.extend(&member.descriptor);
            }
            if member.has_central {
                write_central(&mut directory, &member.central, offset);
            }
        }
        out.extend(&self.before_directory);
        let start = out.len();
        out.extend(&directory);
        out.extend(&self.behind_directory);
        let entries = self.members.iter().filter(|member| member.has_central).count();
        if let Some(zip64) = &self.zip64 {
            write_zip64(
                &mut out,
                zip64,
                entries as u64,
                directory.len() as u64,
                start as u64,
            );
        }
        let entries = u16::try_from(entries).unwrap_or(u16::MAX);
        let end = &self.end;
        u32s(&mut out, &[0x0605_4b50]);
        let on_disk = end.entries_on_disk.unwrap_or(entries);
        u16s(
            &mut out,
            &[
                end.disk,
                end.directory_disk,
                on_disk,
                end.entries.unwrap_or(entries),
            ],
        );
        let bytes = end.bytes.unwrap_or(directory.len().try_into().unwrap());
        u32s(
            &mut out,
            &[bytes, end.offset.unwrap_or(start.try_into().unwrap())],
        );
        u16s(&mut out, &[end.comment.len().try_into().unwrap()]);
        out.extend(&end.comment);
        out.extend(&self.trailing);
        out
    }
}

fn write_local(out: &mut Vec<u8>, fields: &Fields) {
    u32s(out, &[0x0403_4b50]);
    u16s(out, &[fields.needed, fields.flags, fields.method, 0, 0x5821]);
    u32s(out, &[fields.crc, fields.compressed, fields.size]);
    u16s(
        out,
        &[
            fields.name.len().try_into().unwrap(),
            fields.extra.len().try_into().unwrap(),
        ],
    );
    out.extend(&fields.name);
    out.extend(&fields.extra);
}

fn write_central(out: &mut Vec<u8>, fields: &Fields, offset: u32) {
    u32s(out, &[0x0201_4b50]);
    u16s(
        out,
        &[
            fields.made_by,
            fields.needed,
            fields.flags,
            fields.method,
            0,
            0x5821,
        ],
    );
    u32s(out, &[fields.crc, fields.compressed, fields.size]);
    for part in [&fields.name, &fields.extra, &fields.comment] {
        u16s(out, &[part.len().try_into().unwrap()]);
    }
    u16s(out, &[fields.disk, 0]);
    u32s(out, &[fields.external, fields.offset.unwrap_or(offset)]);
    for part in [&fields.name, &fields.extra, &fields.comment] {
        out.extend(part);
    }
}

fn write_zip64(out: &mut Vec<u8>, zip64: &Zip64, entries: u64, bytes: u64, start: u64) {
    let place = out.len() as u64;
    u32s(out, &[0x0606_4b50]);
    out.extend((44 + zip64.extensible.len() as u64).to_le_bytes());
    u16s(out, &[45, 45]);
    u32s(out, &[zip64.disk, 0]);
    for number in [
        zip64.entries.unwrap_or(entries),
        zip64.entries.unwrap_or(entries),
        zip64.bytes.unwrap_or(bytes),
        zip64.offset.unwrap_or(start),
    ] {
        out.extend(number.to_le_bytes());
    }
    out.extend(&zip64.extensible);
    u32s(out, &[0x0706_4b50, 0]);
    out.extend(zip64.locator_offset.unwrap_or(place).to_le_bytes());
    u32s(out, &[zip64.disks.unwrap_or(1)]);
}

fn u16s(out: &mut Vec<u8>, numbers: &[u16]) {
    numbers.iter().for_each(|number| out.extend(number.to_le_bytes()));
}

fn u32s(out: &mut Vec<u8>, numbers: &[u32]) {
    numbers.iter().for_each(|number| out.extend(number.to_le_bytes()));
}

/// An extra field.
pub(super) fn extra(identifier: u16, data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    u16s(&mut out, &[identifier, data.len().try_into().unwrap()]);
    out.extend(data);
    out
}

/// Raw deflate.
pub(super) fn deflate(content: &[u8]) -> Vec<u8> {
    let mut compress = Compress::new(Compression::default(), false);
    let mut out = Vec::with_capacity(content.len() + content.len() / 100 + 64);
    compress
        .compress_vec(content, &mut out, FlushCompress::Finish)
        .unwrap();
    out
}

pub(super) const WHEEL_NAME: &str = "demo_pkg-1.0-py3-none-any.whl";
pub(super) const METADATA: &str = "Metadata-Version: 2.1\nName: demo-pkg\nVersion: 1.0\n";
const WHEEL: &str = "Wheel-Version: 1.0\nGenerator: forge\nRoot-Is-Purelib: true\nTag: py3-none-any\n";

/// The files of a small wheel, without RECORD.
pub(super) fn wheel_files() -> Vec<(String, Vec<u8>)> {
    [
        ("demo_pkg/__init__.py", "print('hello')\n"),
        ("demo_pkg-1.0.dist-info/METADATA", METADATA),
        ("demo_pkg-1.0.dist-info/WHEEL", WHEEL),
    ]
    .map(|(name, content)| (name.to_owned(), content.as_bytes().to_vec()))
    .to_vec()
}

/// A wheel's RECORD for `files`.
pub(super) fn record(files: &[(String, Vec<u8>)]) -> String {
    let mut text = String::new();
    for (name, content) in files {
        let digest = URL_SAFE_NO_PAD.encode(Sha256::digest(content));
        text += &format!(
            "\"{}\",sha256={digest},{}\n",
            name.replace('"', "\"\""),
            content.len()
        );
    }
    text + "demo_pkg-1.0.dist-info/RECORD,,\n"
}

/// A wheel of `files` and a RECORD that matches.
pub(super) fn wheel_of(mut files: Vec<(String, Vec<u8>)>) -> Zip {
    let record = record(&files);
    files.push(("demo_pkg-1.0.dist-info/RECORD".to_owned(), record.into_bytes()));
    zip_of(&files)
}

/// A zip of `files`, deflated, and nothing else.
pub(super) fn zip_of(files: &[(String, Vec<u8>)]) -> Zip {
    let members = files
        .iter()
        .map(|(name, content)| Member::deflated(name, content));
    Zip::of(members.collect())
}

/// The small wheel and some files more, all in RECORD.
pub(super) fn wheel_with(more: &[(&str, &[u8])]) -> Zip {
    let mut files = wheel_files();
    files.extend(
        more.iter()
            .map(|(name, content)| ((*name).to_owned(), content.to_vec())),
    );
    wheel_of(files)
}

/// The small wheel with one file's content replaced before RECORD is made.
pub(super) fn wheel_replacing(name: &str, content: &[u8]) -> Zip {
    let mut files = wheel_files();
    let file = files.iter_mut().find(|(path, _)| path.ends_with(name)).unwrap();
    file.1 = content.to_vec();
    wheel_of(files)
}
