//! Metadata of files that were copied into the folder, faults of the disk, and any bytes at all.

use std::io::{self, Cursor, Read, Seek, SeekFrom};

use proptest::prelude::*;

use super::super::{Error, Limits, inspect, read_metadata};
use super::forge_tar::{PKG_INFO, SDIST_NAME, Tar, gzip, honest_sdist};
use super::forge_zip::{METADATA, Member, WHEEL_NAME, Zip, record, wheel_files, wheel_with};
use crate::packaging::DistFilename;

fn metadata_of(filename: &str, bytes: &[u8]) -> Result<Option<Vec<u8>>, Error> {
    read_metadata(&filename.parse().unwrap(), Cursor::new(bytes), &Limits::default())
}

fn expect(filename: &str, bytes: &[u8], metadata: &str) {
    assert_eq!(
        metadata_of(filename, bytes).unwrap().as_deref(),
        Some(metadata.as_bytes())
    );
}

#[test]
fn metadata_are_found_in_odd_but_harmless_files() {
    let honest = wheel_with(&[]);
    expect(WHEEL_NAME, &honest.write(), METADATA);
    let mut odd = honest.clone();
    odd.prefix = b"#!/bin/sh\n".to_vec();
    odd.end.comment = b"a comment".to_vec();
    odd.zip64 = None;
    // Python reckons backwards from the end, so that offsets may or may not count the prefix.
    expect(WHEEL_NAME, &odd.write(), METADATA);
    let shifted = [b"prefix".to_vec(), honest.write()].concat();
    expect(WHEEL_NAME, &shifted, METADATA);
    let mut streamed = honest.clone();
    streamed.members = streamed.members.into_iter().map(Member::streamed).collect();
    streamed.zip64 = Some(super::forge_zip::Zip64::default());
    expect(WHEEL_NAME, &streamed.write(), METADATA);
    let twin = wheel_with(&[("other-1.0.dist-info/METADATA", b"x")]);
    expect(WHEEL_NAME, &twin.write(), METADATA);
    assert_eq!(
        metadata_of("other-2.0-py3-none-any.whl", &honest.write()).unwrap(),
        None
    );
}

#[test]
fn pkg_info_is_found_without_reading_on() {
    expect(SDIST_NAME, &honest_sdist(), PKG_INFO);
    let cut = honest_sdist();
    let mut large = Tar::sdist();
    for number in 0u32..200 {
        let noise: Vec<u8> = (0u32..4096)
            .map(|n| (n.wrapping_mul(2_654_435_761 + number) >> 13) as u8)
            .collect();
        large = large.file(&format!("demo_pkg-1.0/{number}"), &noise);
    }
    let large = large.write();
    expect(SDIST_NAME, &large[..large.len() / 2], PKG_INFO);
    assert!(metadata_of(SDIST_NAME, &cut[..cut.len() / 4]).is_err());
    let none = Tar::default()
        .file("demo_pkg-1.0/sub/PKG-INFO", PKG_INFO.as_bytes())
        .write();
    assert_eq!(metadata_of(SDIST_NAME, &none).unwrap(), None);
    let zip = Zip::of(vec![Member::deflated(
        "demo_pkg-1.0/PKG-INFO",
        PKG_INFO.as_bytes(),
    )]);
    expect("demo_pkg-1.0.zip", &zip.write(), PKG_INFO);
    let links = Tar::sdist().write();
    expect("other-2.0.tar.gz", &links, PKG_INFO);
}

/// What pip would install all the same: a file twice, paths with `./`, a link that leaves, a bad header behind PKG-INFO.
#[test]
fn pkg_info_is_found_in_sdists_that_no_upload_may_be() {
    let honest = || Tar::default().file("./demo_pkg-1.0/./PKG-INFO", PKG_INFO.as_bytes());
    let twice = Tar::default()
        .file("demo_pkg-1.0/setup.py", b"1")
        .file("demo_pkg-1.0/setup.py", b"2")
        .link(b'2', "demo_pkg-1.0/out", "../../etc/passwd")
        .file("../outside", b"x")
        .file("demo_pkg-1.0/PKG-INFO", PKG_INFO.as_bytes());
    let second_top = Tar::default()
        .file("README", b"x")
        .file("a/PKG-INFO", PKG_INFO.as_bytes());
    let long = format!("demo_pkg-1.0/{}", "x".repeat(300));
    let after_long_names = Tar::default()
        .extension(b'L', format!("{long}\0").as_bytes())
        .file("short", b"x")
        .pax(&[("path", &long), ("mtime", "1.5")])
        .file("short", b"x")
        .file("demo_pkg-1.0/PKG-INFO", PKG_INFO.as_bytes());
    let by_pax = Tar::default()
        .pax(&[("path", "demo_pkg-1.0/PKG-INFO")])
        .file("short", PKG_INFO.as_bytes());
    for odd in [honest(), twice, second_top, after_long_names, by_pax] {
        let bytes = odd.write();
        expect(SDIST_NAME, &bytes, PKG_INFO);
        for legacy in ["demo_pkg-2004d.tar.gz", "demo_pkg-1.0.tgz"] {
            let name = DistFilename::parse_listed(legacy).unwrap();
            let found = read_metadata(&name, Cursor::new(&bytes), &Limits::default()).unwrap();
            assert_eq!(found.as_deref(), Some(PKG_INFO.as_bytes()), "{legacy}");
        }
    }
    let none = Tar::default().link(b'2', "demo_pkg-1.0/PKG-INFO", "x").write();
    assert_eq!(metadata_of(SDIST_NAME, &none).unwrap(), None);
    assert!(
        metadata_of(SDIST_NAME, &gzip(b"no tar"))
            .unwrap_err()
            .is_refusal()
    );
    assert!(metadata_of(SDIST_NAME, b"no gzip").unwrap_err().is_refusal());
}

const EGG_NAME: &str = "demo_pkg-1.0-py2.7.egg";

fn egg_with(pkg_info: Option<&str>) -> Zip {
    let mut members = vec![Member::deflated("demo_pkg/__init__.py", b"x = 1\n")];
    members.extend(pkg_info.map(|text| Member::deflated("EGG-INFO/PKG-INFO", text.as_bytes())));
    members.push(Member::stored("EGG-INFO/zip-safe", b"\n"));
    Zip::of(members)
}

#[test]
fn eggs_and_tgz_are_verified_like_their_successors() {
    let inspected = |name: &str, bytes: &[u8]| {
        let name = DistFilename::parse_listed(name).unwrap();
        inspect(&name, Cursor::new(bytes), &Limits::default())
    };
    let egg = egg_with(Some(PKG_INFO)).write();
    let inspection = inspected(EGG_NAME, &egg).unwrap();
    assert_eq!(inspection.metadata_bytes, PKG_INFO.as_bytes());
    let name = DistFilename::parse_listed(EGG_NAME).unwrap();
    let found = read_metadata(&name, Cursor::new(&egg), &Limits::default()).unwrap();
    assert_eq!(found.as_deref(), Some(PKG_INFO.as_bytes()));
    for (name, bytes) in [
        ("other-1.0-py2.7.egg", egg.clone()),
        ("demo_pkg-2.0-py2.7.egg", egg.clone()),
        (EGG_NAME, egg_with(None).write()),
        (EGG_NAME, egg[..egg.len() - 1].to_vec()),
        (EGG_NAME, [&egg[..], b"x"].concat()),
        (EGG_NAME, b"an egg".to_vec()),
        (EGG_NAME, honest_sdist()),
        ("demo_pkg-1.0.tgz", egg.clone()),
        ("demo_pkg-2.0.tgz", honest_sdist()),
        ("demo_pkg-2004d.tgz", honest_sdist()),
    ] {
        assert!(inspected(name, &bytes).unwrap_err().is_refusal(), "{name}");
    }
    let mut evil = egg_with(Some(PKG_INFO));
    evil.members.push(Member::stored("../evil.py", b""));
    assert!(inspected(EGG_NAME, &evil.write()).is_err());
    assert_eq!(
        inspected("demo_pkg-1.0.tgz", &honest_sdist())
            .unwrap()
            .metadata_bytes,
        PKG_INFO.as_bytes()
    );
}

#[test]
fn b10_b26_huge_metadata_are_not_read() {
    let huge = vec![b'\n'; 60 << 20];
    let zip = Zip::of(vec![Member::deflated("demo_pkg-1.0.dist-info/METADATA", &huge)]);
    assert!(metadata_of(WHEEL_NAME, &zip.write()).unwrap_err().is_refusal());
    let mut lying = zip;
    lying.members[0] = lying.members[0].clone().both(|fields| fields.size = 10);
    assert!(metadata_of(WHEEL_NAME, &lying.write()).unwrap_err().is_refusal());
    let tar = Tar::default().file("demo_pkg-1.0/PKG-INFO", &huge).write();
    assert!(metadata_of(SDIST_NAME, &tar).unwrap_err().is_refusal());
    let mut bomb = Tar::default();
    for number in 0..3 {
        bomb = bomb.file(&format!("demo_pkg-1.0/{number}"), &huge);
    }
    let bomb = bomb.file("demo_pkg-1.0/PKG-INFO", PKG_INFO.as_bytes()).write();
    assert!(metadata_of(SDIST_NAME, &bomb).unwrap_err().is_refusal());
}

#[test]
fn zips_by_another_writer_are_accepted() {
    use std::io::Write as _;
    use zip::write::{SimpleFileOptions, StreamWriter, ZipWriter};

    fn fill<W: io::Write + Seek>(mut zip: ZipWriter<W>, options: SimpleFileOptions) -> W {
        let mut files = wheel_files();
        files.push(("demo_pkg/ä.txt".to_owned(), b"umlaut".to_vec()));
        let record = record(&files).into_bytes();
        files.push(("demo_pkg-1.0.dist-info/RECORD".to_owned(), record));
        for (name, content) in &files {
            zip.start_file(name, options).unwrap();
            zip.write_all(content).unwrap();
        }
        zip.finish().unwrap()
    }

    let warnings_of = |bytes: &[u8]| {
        let inspection = inspect(
            &WHEEL_NAME.parse().unwrap(),
            Cursor::new(bytes),
            &Limits::default(),
        );
        inspection
            .unwrap_or_else(|error| panic!("{error}"))
            .warnings
            .len()
    };
    for options in [
        SimpleFileOptions::default(),
        SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored),
        SimpleFileOptions::default().large_file(true),
        SimpleFileOptions::default().unix_permissions(0o755),
    ] {
        let seekable = fill(ZipWriter::new(Cursor::new(Vec::new())), options).into_inner();
        assert_eq!(warnings_of(&seekable), 0);
    }
    let streamed: StreamWriter<Vec<u8>> =
        fill(ZipWriter::new_stream(Vec::new()), SimpleFileOptions::default());
    assert_eq!(
        warnings_of(&streamed.into_inner()),
        1,
        "told to be written as a stream"
    );
}

#[test]
fn tars_by_another_writer_are_accepted() {
    let mut builder = tar::Builder::new(Vec::new());
    let mut append = |mut header: tar::Header, path: &str, content: &[u8]| {
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, path, content).unwrap();
    };
    let long = format!("demo_pkg-1.0/{}/file.py", "long-folder-name/".repeat(12));
    append(
        tar::Header::new_gnu(),
        "demo_pkg-1.0/PKG-INFO",
        PKG_INFO.as_bytes(),
    );
    append(tar::Header::new_gnu(), &long, b"x");
    append(tar::Header::new_ustar(), "demo_pkg-1.0/ustar.py", b"x");
    append(tar::Header::new_old(), "demo_pkg-1.0/old.py", b"x");
    let mut link = tar::Header::new_gnu();
    link.set_entry_type(tar::EntryType::Symlink);
    link.set_size(0);
    builder
        .append_link(&mut link, "demo_pkg-1.0/docs/link", "../old.py")
        .unwrap();
    let bytes = gzip(&builder.into_inner().unwrap());
    let inspection = inspect(
        &SDIST_NAME.parse().unwrap(),
        Cursor::new(bytes),
        &Limits::default(),
    );
    let warnings = inspection.unwrap_or_else(|error| panic!("{error}")).warnings;
    assert_eq!(warnings, []);
}

/// A file on a disk that fails after some bytes.
struct FailingDisk {
    content: Cursor<Vec<u8>>,
    fails_at: u64,
}

impl Read for FailingDisk {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.content.position() + buffer.len() as u64 > self.fails_at
            && buffer.len() as u64 <= self.fails_at
        {
            return Err(io::Error::other("disk on fire"));
        }
        if self.content.position() >= self.fails_at {
            return Err(io::Error::other("disk on fire"));
        }
        self.content.read(buffer)
    }
}

impl Seek for FailingDisk {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.content.seek(to)
    }
}

#[test]
fn a_failing_disk_is_no_refusal() {
    for (name, bytes) in [
        (WHEEL_NAME, wheel_with(&[]).write()),
        (SDIST_NAME, honest_sdist()),
    ] {
        for fails_at in 0..20 {
            let disk = FailingDisk {
                fails_at,
                content: Cursor::new(bytes.clone()),
            };
            let error = inspect(&name.parse().unwrap(), disk, &Limits::default()).unwrap_err();
            assert!(
                matches!(error, Error::Read(_)) && !error.is_refusal(),
                "{name}: {error}"
            );
        }
    }
}

/// Reads in every way; what counts is that nothing panics and that the strict way accepts no less careful file.
fn read_all_ways(bytes: &[u8]) {
    for name in [WHEEL_NAME, SDIST_NAME, "demo_pkg-1.0.zip"] {
        let name: DistFilename = name.parse().unwrap();
        let inspected = inspect(&name, Cursor::new(bytes), &Limits::default());
        let quick = read_metadata(&name, Cursor::new(bytes), &Limits::default());
        if let Ok(inspection) = inspected {
            assert_eq!(quick.unwrap().unwrap(), inspection.metadata_bytes);
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_are_refused_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        read_all_ways(&bytes);
        read_all_ways(&gzip(&bytes));
    }

    #[test]
    fn any_change_is_read_or_refused_without_a_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        for original in [wheel_with(&[]).write(), honest_sdist()] {
            let mut bytes = original;
            for (place, value) in &changes {
                let place = place.index(bytes.len());
                bytes[place] = *value;
            }
            if let Some(cut) = &cut {
                bytes.truncate(cut.index(bytes.len()));
            }
            read_all_ways(&bytes);
        }
        let mut tar = Tar::sdist().bytes;
        for (place, value) in &changes {
            let place = place.index(tar.len());
            tar[place] = *value;
        }
        read_all_ways(&gzip(&tar));
    }
}
