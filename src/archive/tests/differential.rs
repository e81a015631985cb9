//! What we accept, Python reads identically.
//!
//! Thousands of archives are mutated where it hurts; those that the walkers accept go to Python's `zipfile` and
//! `tarfile`, which must see the same members with the same bytes.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use super::super::oracles;
use super::forge_tar::{Tar, gzip, header, pax_records, put, sealed};
use super::forge_zip::{self, Fields, Zip, Zip64, extra};
use crate::packaging::Sha256;

/// Prints one line for each archive: its name, then every member as kind, path and digest or target.
const PYTHON: &str = r#"
import hashlib, os, sys, tarfile, zipfile
sys.stdout.reconfigure(encoding="utf-8", newline="\n")
def clean(path):
    return "/".join(part for part in path.split("/") if part not in ("", "."))
def zip_members(path):
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            kind = "d" if info.is_dir() else "f"
            yield kind, info.filename.rstrip("/"), hashlib.sha256(archive.read(info)).hexdigest() if kind == "f" else ""
def tar_members(path):
    with tarfile.open(path, "r:gz") as archive:
        for info in archive:
            if info.isdir(): yield "d", clean(info.name), ""
            elif info.issym(): yield "s", clean(info.name), info.linkname
            elif info.islnk(): yield "h", clean(info.name), clean(info.linkname)
            elif info.isreg(): yield "f", clean(info.name), hashlib.sha256(archive.extractfile(info).read()).hexdigest()
            else: yield "?", info.name, ""
for name in sorted(os.listdir(sys.argv[1])):
    path = os.path.join(sys.argv[1], name)
    try:
        members = list((zip_members if name.endswith(".zip") else tar_members)(path))
        print(name, *("\x1f".join(member) for member in sorted(members) if member[1]), sep="\x1e")
    except Exception as error:
        print(name, "error " + repr(error), sep="\x1e")
"#;

/// The members as we see them, or `None` when the archive is refused.
fn our_members(is_zip: bool, bytes: &[u8]) -> Option<Vec<String>> {
    let seen = if is_zip { oracles::zip(bytes) } else { oracles::tar_gz(bytes) };
    let mut lines: Vec<String> = seen?
        .iter()
        .map(|seen| match seen.kind {
            'f' => format!("f\x1f{}\x1f{}", seen.path, Sha256::of(&seen.content)),
            kind => format!("{kind}\x1f{}\x1f{}", seen.path, seen.target),
        })
        .collect();
    lines.sort();
    Some(lines)
}

/// A small generator of pseudo-random numbers, the same in each run so that a failure can be met again.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % sides
    }

    fn pick<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.roll(choices.len())].clone()
    }
}

fn mutated_zip(dice: &mut Dice) -> Vec<u8> {
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
    let mut bytes = zip.write();
    if dice.roll(3) == 0 {
        for _ in 0..=dice.roll(3) {
            let at = dice.roll(bytes.len());
            bytes[at] = dice.pick(&[0, 1, 0x20, 0x7f, 0xff, bytes[at] ^ 1, bytes[at] ^ 0x80]);
        }
    }
    bytes
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

fn mutated_tar(dice: &mut Dice) -> Vec<u8> {
    let mut tar = Tar::default();
    for number in 0..=dice.roll(4) {
        let path = format!("top/{number}");
        tar = match dice.roll(9) {
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
            _ => tar.file(
                &path,
                format!("content {number}").repeat(dice.roll(90)).as_bytes(),
            ),
        };
    }
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
    let mut bytes = gzip(&tar.bytes);
    if dice.roll(12) == 0 {
        let at = dice.roll(bytes.len());
        bytes[at] ^= 1 << dice.roll(8);
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

/// Python's view of all archives in `folder`, one line each; `None` when there is no Python.
fn python_view(folder: &Path) -> Option<String> {
    let child = Command::new("python3")
        .args(["-I", "-c", PYTHON])
        .arg(folder)
        .stdin(Stdio::null())
        .output();
    let output = match child {
        Ok(output) if output.status.success() => output,
        Ok(output) => panic!("python3 failed: {}", String::from_utf8_lossy(&output.stderr)),
        Err(_) => return None,
    };
    Some(String::from_utf8(output.stdout).unwrap())
}

#[test]
fn what_we_accept_python_reads_identically() {
    const ROUNDS: usize = 6000;
    let folder = tempfile::tempdir().unwrap();
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let mut expected = Vec::new();
    for round in 0..ROUNDS {
        let is_zip = round % 2 == 0;
        let bytes = if is_zip {
            mutated_zip(&mut dice)
        } else {
            mutated_tar(&mut dice)
        };
        if let Some(members) = our_members(is_zip, &bytes) {
            let name = format!("{round:06}.{}", if is_zip { "zip" } else { "tar.gz" });
            fs::write(folder.path().join(&name), &bytes).unwrap();
            let lines: Vec<String> = std::iter::once(name).chain(members).collect();
            expected.push(lines.join("\x1e"));
        }
    }
    let zips = expected.iter().filter(|line| line[..12].contains(".zip")).count();
    let tars = expected.len() - zips;
    assert!(
        zips > ROUNDS / 50 && tars > ROUNDS / 50,
        "too few mutations pass to compare: {zips} zips, {tars} tars"
    );
    assert!(expected.len() < ROUNDS * 9 / 10, "too few mutations are refused");
    let Some(view) = python_view(folder.path()) else {
        println!("skipped: the comparison with Python needs python3");
        return;
    };
    for (ours, theirs) in expected.iter().zip(view.lines()) {
        assert_eq!(ours, theirs);
    }
    assert_eq!(expected.len(), view.lines().count());
}
