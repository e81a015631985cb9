//! Archives changed where it hurts: headers against each other, sizes, flags, names, order, edges.

use super::forge_tar::{Tar, gzip, header, pax_records, put, sealed};
use super::forge_zip::{self, Fields, Zip, Zip64, extra};

/// A small generator of pseudo-random numbers, the same in each run so that a failure can be met again.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % sides
    }

    pub(super) fn pick<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.roll(choices.len())].clone()
    }
}

pub(super) fn mutated_zip(dice: &mut Dice) -> Vec<u8> {
    let mut zip = forge_zip::wheel_with(&[("ä/ö.txt", b"umlauts"), ("empty", b"")]);
    zip.members.push(forge_zip::Member::stored("folder/", b""));
    if dice.roll(3) == 0 {
        zip.zip64 = Some(Zip64::default());
    }
    if dice.roll(4) == 0 {
        zip.members = zip.members.into_iter().map(forge_zip::Member::streamed).collect();
    }
    for _ in 0..=dice.roll(2) {
        mutate_structure(&mut zip, dice);
    }
    if dice.roll(5) == 0 {
        mutate_end(&mut zip, dice);
    }
    let mut bytes = zip.write();
    mutate_edges(&mut bytes, dice);
    if dice.roll(3) == 0 && !bytes.is_empty() {
        for _ in 0..=dice.roll(3) {
            let at = dice.roll(bytes.len());
            bytes[at] = dice.pick(&[0, 1, 0x20, 0x7f, 0xff, bytes[at] ^ 1, bytes[at] ^ 0x80]);
        }
    }
    bytes
}

/// Lies of the end records.
fn mutate_end(zip: &mut Zip, dice: &mut Dice) {
    let members = u16::try_from(zip.members.len()).unwrap();
    match dice.roll(9) {
        0 => zip.end.entries = Some(dice.pick(&[0, members - 1, members + 1, u16::MAX])),
        1 => zip.end.entries_on_disk = Some(dice.pick(&[0, members, u16::MAX])),
        2 => zip.end.bytes = Some(dice.pick(&[0, 46, u32::MAX])),
        3 => zip.end.offset = Some(dice.pick(&[0, 30, u32::MAX])),
        4 => zip.end.disk = 1,
        5 => zip.before_directory = dice.pick(&[b"x".to_vec(), b"PK\x01\x02".repeat(12)]),
        6 => zip.behind_directory = dice.pick(&[b"x".to_vec(), vec![0; 20], b"PK\x06\x07".repeat(5)]),
        7 => {
            zip.zip64 = Some(Zip64 {
                extensible: dice.pick(&[Vec::new(), b"x".repeat(12)]),
                entries: dice.pick(&[None, Some(0), Some(members.into())]),
                bytes: dice.pick(&[None, Some(46)]),
                offset: dice.pick(&[None, Some(0), Some(u64::MAX)]),
                locator_offset: dice.pick(&[None, Some(0), Some(64)]),
                ..Zip64::default()
            });
        }
        _ => zip.trailing = dice.pick(&[b"x".to_vec(), vec![0; 22], b"PK\x05\x06".repeat(6)]),
    }
}

/// Bytes in front, bytes behind, a cut, or two archives in one file.
fn mutate_edges(bytes: &mut Vec<u8>, dice: &mut Dice) {
    match dice.roll(40) {
        0 => bytes.truncate(dice.roll(bytes.len())),
        1 => drop(bytes.splice(0..0, dice.pick(&[b"#!/bin/sh\n".to_vec(), vec![0], vec![0; 512]]))),
        2 => bytes.extend(dice.pick(&[vec![0], vec![0; 1024], b"\x1f\x8b".to_vec(), b"PK".to_vec()])),
        3 => bytes.extend_from_within(..),
        _ => {}
    }
}

fn mutate_structure(zip: &mut Zip, dice: &mut Dice) {
    let position = dice.roll(zip.members.len());
    let other = dice.roll(zip.members.len());
    match dice.roll(9) {
        0 => zip.members.swap(position, other),
        1 => zip.members[position].has_central = false,
        2 => zip.members[position].has_local = false,
        3 => zip.members.push(zip.members[position].clone()),
        4 => zip.end.comment = dice.pick(&[Vec::new(), b"c".to_vec(), b"PK\x05\x06".repeat(6)]),
        5 => zip.prefix = dice.pick(&[b"PK\x03\x04".to_vec(), b"x".to_vec()]),
        6 => {
            let fields = &mut zip.members[position].central;
            mutate_fields(fields, dice);
        }
        7 => {
            let fields = &mut zip.members[position].local;
            mutate_fields(fields, dice);
        }
        // The same change on both sides is the one that may pass.
        _ => {
            let mut changed = zip.members[position].central.clone();
            mutate_fields(&mut changed, dice);
            zip.members[position].central = changed.clone();
            let streamed = !zip.members[position].descriptor.is_empty();
            let local = &mut zip.members[position].local;
            let sizes = (local.crc, local.compressed, local.size);
            *local = changed;
            if streamed {
                (local.crc, local.compressed, local.size) = sizes;
            }
        }
    }
}

fn mutate_fields(fields: &mut Fields, dice: &mut Dice) {
    let sizes = [u64::from(fields.size), u64::from(fields.compressed)]
        .map(u64::to_le_bytes)
        .concat();
    match dice.roll(11) {
        0 => fields.flags ^= 1 << dice.roll(16),
        1 => fields.method = dice.pick(&[0, 8, 9, 12, 14]),
        2 => fields.size = dice.pick(&[0, fields.size + 1, u32::MAX]),
        3 => fields.compressed = dice.pick(&[0, fields.compressed + 1, u32::MAX]),
        4 => {
            let names = [
                "x",
                "a/b",
                "folder",
                "ä",
                "demo_pkg",
                "x/",
                "a\0b",
                "../x",
                "EMPTY",
                "x ",
                "folder/x/",
            ];
            fields.name = dice.pick(&names).as_bytes().to_vec();
        }
        5 => fields.external = dice.pick(&[0, 0x10, 0o120_777 << 16, 0o100_755 << 16, 0xffff_ffff]),
        6 => fields.extra = extra(dice.pick(&[1, 0x7075, 0x5455, 0x9901]), &sizes),
        7 => {
            fields.extra = dice.pick(&[
                extra(1, &sizes),
                extra(0x5455, &[3, 0, 0, 0, 0]),
                b"\0\0".to_vec(),
            ])
        }
        8 => fields.offset = dice.pick(&[Some(0), Some(30), Some(u32::MAX), None]),
        9 => fields.disk = 1,
        _ => fields.made_by = dice.pick(&[0, 0x0314, 0x0b14, 0xffff]),
    }
}

pub(super) fn mutated_tar(dice: &mut Dice) -> Vec<u8> {
    let mut tar = Tar::default();
    for number in 0..=dice.roll(4) {
        let path = format!("top/{number}");
        tar = match dice.roll(13) {
            0 => tar.folder(&format!("{path}/")),
            1 => tar.link(b'2', &path, dice.pick(&["0", "x/../y", "..", "../top/0", "/x"])),
            2 => tar.link(b'1', &path, dice.pick(&["top/0", "./top//0", "top/9", "/top/0"])),
            3 => tar
                .pax(&[(
                    "path",
                    dice.pick(&["top/pax", "top/ä/", "top//x", "top/\0x", "x"]),
                )])
                .file(&path, b"pax"),
            4 => tar
                .pax(&[("size", dice.pick(&["3", "4", "03", "600"]))])
                .file(&path, b"abc"),
            5 => tar
                .extension(
                    b'L',
                    dice.pick(&[&b"top/long\0"[..], b"top/long", b"top/lo\0ng", b"\0"]),
                )
                .file(&path, b"x"),
            6 => tar
                .extension(dice.pick(b"gxKL"), &pax_records(&[("comment", "x")]))
                .file(&path, b"x"),
            7 => tar.entry(odd_header(&path, dice), b"odd"),
            8 => tar
                .pax(&dice.pick(&[
                    vec![("GNU.sparse.size", "9"), ("GNU.sparse.map", "0,3")],
                    vec![("GNU.sparse.major", "1"), ("GNU.sparse.name", "top/sparse")],
                    vec![("GNU.sparse.realsize", "9")],
                ]))
                .file(&path, b"abc"),
            // Which of two names counts, and for which member?
            9 => tar
                .extension(b'L', b"top/long\0")
                .pax(&[("path", dice.pick(&["top/pax", "top/long"]))])
                .file(&path, b"x"),
            10 => tar
                .pax(&[("size", dice.pick(&["1", "512", "1024"]))])
                .extension(b'L', b"top/long\0")
                .file(&path, &b"x".repeat(dice.pick(&[1, 512, 1024]))),
            11 => tar
                .extension(b'K', dice.pick(&[&b"0\0"[..], b"../x\0", b"/x\0", b"0"]))
                .link(dice.pick(b"12"), &path, "1"),
            _ => tar.file(
                &path,
                format!("content {number}").repeat(dice.roll(90)).as_bytes(),
            ),
        };
    }
    packed(&with_odd_end(tar, dice), dice)
}

/// A changed header, a file that is cut off, too little or too much padding, or something behind the end.
fn with_odd_end(mut tar: Tar, dice: &mut Dice) -> Vec<u8> {
    if dice.roll(2) == 0 {
        mutate_header(&mut tar.bytes, dice);
    }
    if dice.roll(12) == 0 {
        tar.bytes.truncate(dice.roll(tar.bytes.len()));
    }
    if dice.roll(6) > 0 {
        tar.bytes.extend(vec![0; 512 * dice.roll(4)]);
    }
    if dice.roll(12) == 0 {
        tar = tar.file("top/behind", b"x");
    }
    tar.bytes
}

/// Gzip in one member or more, with or without something behind.
fn packed(tar: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = match dice.roll(14) {
        0 => {
            let (one, other) = tar.split_at(dice.roll(tar.len() + 1));
            [gzip(one), gzip(other)].concat()
        }
        1 => [gzip(tar), gzip(b"")].concat(),
        2 => [gzip(tar), dice.pick(&[vec![0; 16], b"x".to_vec(), gzip(tar)])].concat(),
        _ => gzip(tar),
    };
    match dice.roll(20) {
        0 => bytes.truncate(dice.roll(bytes.len())),
        1 => {
            let at = dice.roll(bytes.len());
            bytes[at] ^= 1 << dice.roll(8);
        }
        _ => {}
    }
    bytes
}

/// A header with one field written in another way.
fn odd_header(path: &str, dice: &mut Dice) -> [u8; 512] {
    let mut block = header(path.as_bytes(), b'0', 3);
    let numbers: [&[u8]; 8] = [
        b"3\0",
        b"  3 ",
        b"\x80\0\0\0\0\0\0\0\0\0\0\x03",
        b"0o3\0",
        b"0_3\0",
        b"+3 ",
        b"3\0x",
        b"           3",
    ];
    match dice.roll(6) {
        0 => {
            block[124..136].fill(0);
            put(&mut block, 124, dice.pick(&numbers));
        }
        1 => {
            block[136..148].fill(0);
            put(&mut block, 136, dice.pick(&numbers));
        }
        2 => block[156] = dice.pick(b"\x0067VSx5L2D"),
        3 => put(&mut block, 345, dice.pick(&[&b"top"[..], b"..", b"top/"])),
        4 => put(
            &mut block,
            257,
            dice.pick(&[&b"ustar  \0"[..], b"\0\0\0\0\0\0\0\0", b"ustar\0xx"]),
        ),
        _ => block[path.len()] = b'/',
    }
    sealed(block)
}

/// Changes a byte of some header, mostly with a checksum that fits.
fn mutate_header(bytes: &mut [u8], dice: &mut Dice) {
    let start = dice.roll(bytes.len() / 512) * 512;
    let Some(block) = bytes
        .get_mut(start..)
        .and_then(|rest| rest.first_chunk_mut::<512>())
    else {
        return;
    };
    let at = dice.roll(512);
    block[at] = dice.pick(&[0, b'0', b'7', b'/', b'.', b' ', 0x80, 0xff, block[at] ^ 1]);
    let looks_like_header = &block[257..262] == b"ustar";
    if looks_like_header && dice.roll(5) > 0 {
        *block = sealed(*block);
    }
}
