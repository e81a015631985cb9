//! Zips that readers would see differently, or that cost more than they are.

use super::super::{Limits, Rule, Verdict, Warning, inspect};
use super::forge_tar;
use super::forge_zip::{
    METADATA, Member, WHEEL_NAME, Zip, Zip64, deflate, extra, record, wheel_files, wheel_of, wheel_replacing,
    wheel_with, zip_of,
};
use super::{assert_no_worse_than_linear, inspect_as, refused_as};
use crate::measures::processor_time_of;

fn accept(zip: &Zip) -> Vec<Warning> {
    match inspect_as(WHEEL_NAME, &zip.write()) {
        Ok(inspection) => {
            assert_eq!(inspection.metadata.name().as_str(), "demo-pkg");
            inspection.warnings
        }
        Err(error) => panic!("refused: {error}"),
    }
}

fn refuse(zip: &Zip) -> Rule {
    refused_as(WHEEL_NAME, &zip.write())
}

/// Refused whatever the reason, for lies that can show in more than one way.
fn refuse_bytes(bytes: &[u8]) {
    refused_as(WHEEL_NAME, bytes);
}

#[test]
fn an_honest_wheel_is_accepted() {
    assert_eq!(accept(&wheel_with(&[])), []);
    assert_eq!(
        accept(&wheel_with(&[("demo_pkg/ä, 'b'.txt", b"x"), ("empty", b"")])),
        []
    );
    let mut with_folders = wheel_with(&[]);
    with_folders.members.insert(0, Member::stored("demo_pkg/", b""));
    with_folders
        .members
        .push(Member::deflated("demo_pkg-1.0.dist-info/", b""));
    // As Python 2 wrote folders.
    with_folders
        .members
        .push(Member::new(b"other/", b"", 8, Vec::new()));
    assert_eq!(accept(&with_folders), []);
    let mut reversed = wheel_with(&[]);
    reversed.members.reverse();
    assert_eq!(accept(&reversed), []);
    let quoted = accept(&wheel_with(&[("demo_pkg/\"b\".txt", b"x")]));
    assert_eq!(
        quoted[0].finding.rule,
        Rule::WindowsName,
        "and RECORD's quotes are read"
    );
}

#[test]
fn b1_duplicate_names() {
    let mut twice = wheel_with(&[]);
    twice.members.push(twice.members[0].clone());
    assert_eq!(refuse(&twice), Rule::Duplicate);
    let mut folders = wheel_with(&[]);
    folders.members.push(Member::stored("f/", b""));
    folders.members.push(Member::stored("f/", b""));
    assert_eq!(refuse(&folders), Rule::Duplicate);
    assert_eq!(refuse(&wheel_with(&[("a", b""), ("a/b", b"")])), Rule::BelowFile);
    assert_eq!(
        refuse(&wheel_with(&[("a/b", b""), ("a", b"")])),
        Rule::FileAndFolder
    );
}

#[test]
fn b2_members_that_only_one_side_knows() {
    let mut hidden = wheel_with(&[]);
    let mut member = Member::stored("demo_pkg/hidden.py", b"import os\n");
    member.has_central = false;
    hidden.members.insert(1, member.clone());
    assert_eq!(refuse(&hidden), Rule::Gap);
    hidden.members.swap(0, 1);
    assert_eq!(refuse(&hidden), Rule::Prefix);
    let mut last = wheel_with(&[]);
    last.members.push(member.clone());
    assert_eq!(refuse(&last), Rule::Gap);
    // A ghost whose entry points at the next member's header, and one that points into data.
    (member.has_central, member.has_local) = (true, false);
    let mut ghost = wheel_with(&[]);
    ghost.members.insert(1, member.clone());
    refuse_bytes(&ghost.write());
    member.central.offset = Some(40);
    ghost.members[1] = member;
    refuse_bytes(&ghost.write());
}

#[test]
fn b3_headers_that_disagree() {
    let differing = |change: fn(&mut Member)| {
        let mut zip = wheel_with(&[]);
        change(&mut zip.members[0]);
        refuse(&zip)
    };
    let mismatch = |field| Rule::HeaderMismatch { field };
    assert_eq!(
        differing(|m| m.local.name = b"demo_pkg/__evil__.py".to_vec()),
        mismatch("name")
    );
    assert_eq!(
        differing(|m| m.local.name = b"demo_pkg/x".to_vec()),
        mismatch("name")
    );
    assert_eq!(differing(|m| m.local.size += 1), mismatch("size"));
    assert_eq!(differing(|m| m.local.compressed += 1), mismatch("size"));
    assert_eq!(differing(|m| m.local.size = 0), mismatch("size"));
    assert_eq!(differing(|m| m.local.crc ^= 1), mismatch("checksum"));
    assert_eq!(differing(|m| m.local.crc = 0), mismatch("checksum"));
    assert_eq!(differing(|m| m.local.method = 0), mismatch("compression method"));
    assert_eq!(differing(|m| m.local.flags = 1 << 11), mismatch("flags"));
    assert_eq!(differing(|m| m.central.size -= 1), mismatch("size"));
    // Both headers lie alike.
    assert_eq!(
        differing(|m| {
            m.local.size -= 1;
            m.central.size -= 1;
        }),
        Rule::Size
    );
    assert_eq!(
        differing(|m| {
            m.local.size += 1;
            m.central.size += 1;
        }),
        Rule::Size
    );
}

/// Of the real wheels and sdists on the public index, those of one backend have a comment.
#[test]
fn a_short_comment_is_let_pass_with_a_warning() {
    for comment in [&b"zip-rs"[..], b"x", &[b'-'; 30], &[0; 64], &[b' '; 1024]] {
        let mut zip = wheel_with(&[]);
        zip.end.comment = comment.to_vec();
        let inspection = super::inspect_as(WHEEL_NAME, &zip.write()).unwrap();
        let rules: Vec<_> = inspection
            .warnings
            .iter()
            .map(|warning| &warning.finding.rule)
            .collect();
        assert_eq!(rules, [&Rule::ZipComment]);
    }
}

#[test]
fn b4_bytes_that_do_not_belong() {
    let honest = wheel_with(&[]);
    let with = |change: fn(&mut Zip)| {
        let mut zip = honest.clone();
        change(&mut zip);
        refuse(&zip)
    };
    assert_eq!(with(|zip| zip.prefix = b"#!/bin/sh\n".to_vec()), Rule::Prefix);
    assert_eq!(with(|zip| zip.trailing = b"x".to_vec()), Rule::TrailingBytes);
    assert_eq!(with(|zip| zip.trailing = vec![0; 4096]), Rule::TrailingBytes);
    assert_eq!(with(|zip| zip.before_directory = b"hidden".to_vec()), Rule::Gap);
    assert_eq!(
        with(|zip| zip.behind_directory = b"hidden".to_vec()),
        Rule::Prefix
    );
    for comment in [
        b"PK".to_vec(),
        b"hello PK\x05\x06".to_vec(),
        honest.write(),
        vec![b' '; 1025],
        vec![b' '; 65_535],
    ] {
        let mut zip = honest.clone();
        zip.end.comment = comment;
        assert!(
            matches!(
                refuse(&zip),
                Rule::DeceptiveComment | Rule::Prefix | Rule::TrailingBytes
            ),
            "{:?}",
            zip.end.comment.escape_ascii().to_string()
        );
    }
    assert_eq!(
        with(|zip| zip.members[0].central.comment = b"hello".to_vec()),
        Rule::ZipComment
    );
    // The offsets fit, but something else begins the file: it belongs to no member.
    let prefixed = {
        let mut zip = honest.clone();
        zip.prefix = b"#!/usr/bin/env python3\n".to_vec();
        zip.write()
    };
    refuse_bytes(&prefixed);
    // Two archives in a row, the second with offsets of its own and with corrected ones.
    let one = honest.write();
    refuse_bytes(&[one.clone(), one.clone()].concat());
    let mut second = honest.clone();
    second.prefix.clone_from(&one);
    refuse_bytes(&second.write());
    // A whole archive in the comment.
    let mut nested = honest.clone();
    nested.end.comment.clone_from(&one);
    refuse_bytes(&nested.write());
    // The end record counts its own comment wrongly.
    let mut short = one.clone();
    let at = short.len() - 2;
    short[at] = 1;
    refuse_bytes(&short);
}

#[test]
fn b4_end_records_that_lie() {
    let honest = wheel_with(&[]);
    let with = |change: fn(&mut Zip)| {
        let mut zip = honest.clone();
        change(&mut zip);
        refuse(&zip)
    };
    assert_eq!(with(|zip| zip.end.disk = 1), Rule::ManyDisks);
    assert_eq!(with(|zip| zip.end.directory_disk = 1), Rule::ManyDisks);
    assert_eq!(with(|zip| zip.end.entries_on_disk = Some(1)), Rule::ManyDisks);
    assert_eq!(with(|zip| zip.members[1].central.disk = 1), Rule::ManyDisks);
    for (entries, rule) in [
        (3, Rule::DirectoryMismatch),
        (5, Rule::DirectoryMismatch),
        (0, Rule::DirectoryMismatch),
    ] {
        let mut zip = honest.clone();
        (zip.end.entries, zip.end.entries_on_disk) = (Some(entries), Some(entries));
        assert!(
            matches!(refuse(&zip), found if found == rule || found == Rule::NoDistInfo),
            "{entries}"
        );
    }
    let length = u32::try_from(honest.write().len()).unwrap();
    for offset in [0, 1, 22, length - 22, length, u32::MAX] {
        let mut zip = honest.clone();
        zip.end.offset = Some(offset);
        refuse(&zip);
        let mut zip = honest.clone();
        zip.end.bytes = Some(offset);
        refuse(&zip);
    }
}

#[test]
fn b5_zip64_that_says_the_same_is_accepted() {
    let mut end = wheel_with(&[]);
    end.zip64 = Some(Zip64::default());
    assert_eq!(accept(&end), []);
    end.end.entries = Some(u16::MAX);
    end.end.entries_on_disk = Some(u16::MAX);
    end.end.bytes = Some(u32::MAX);
    end.end.offset = Some(u32::MAX);
    assert_eq!(accept(&end), []);
    // As Python writes a member of unknown size: only the local header has the large sizes.
    let mut local = wheel_with(&[]);
    let member = &mut local.members[0];
    let sizes = [u64::from(member.local.size), u64::from(member.local.compressed)]
        .map(u64::to_le_bytes)
        .concat();
    member.local.extra = extra(1, &sizes);
    (member.local.size, member.local.compressed) = (u32::MAX, u32::MAX);
    assert_eq!(accept(&local), []);
    // The directory may point there, too.
    let member = &mut local.members[0];
    member.central.extra = extra(1, &sizes);
    (member.central.size, member.central.compressed) = (u32::MAX, u32::MAX);
    assert_eq!(accept(&local), []);
}

#[test]
fn b5_zip64_that_says_something_else() {
    let end = |change: fn(&mut Zip)| {
        let mut zip = wheel_with(&[]);
        zip.zip64 = Some(Zip64::default());
        change(&mut zip);
        refuse(&zip)
    };
    fn zip64(zip: &mut Zip) -> &mut Zip64 {
        zip.zip64.as_mut().unwrap()
    }
    assert_eq!(end(|zip| zip64(zip).extensible = vec![0; 8]), Rule::Zip64Record);
    assert_eq!(end(|zip| zip64(zip).locator_offset = Some(0)), Rule::Zip64Record);
    assert_eq!(end(|zip| zip64(zip).disks = Some(2)), Rule::Zip64Record);
    assert_eq!(end(|zip| zip64(zip).disk = 1), Rule::ManyDisks);
    assert_eq!(end(|zip| zip64(zip).entries = Some(3)), Rule::Zip64Record);
    assert_eq!(end(|zip| zip64(zip).bytes = Some(3)), Rule::Zip64Record);
    assert_eq!(end(|zip| zip64(zip).offset = Some(0)), Rule::Zip64Record);
    assert_eq!(end(|zip| zip.behind_directory = b"x".to_vec()), Rule::Prefix);
    // A sentinel without the record that it points to.
    let mut without = wheel_with(&[]);
    without.end.offset = Some(u32::MAX);
    assert_eq!(refuse(&without), Rule::Zip64Record);
}

#[test]
fn b5_extra_fields_that_lie() {
    let with = |change: fn(&mut Member)| {
        let mut zip = wheel_with(&[]);
        change(&mut zip.members[0]);
        refuse(&zip)
    };
    for field in [&b"\x01\x00"[..], b"\x01\x00\x08\x00abc", b"\x55\x54\x05\x00abc"] {
        for is_local in [true, false] {
            let mut zip = wheel_with(&[]);
            let member = &mut zip.members[0];
            let fields = if is_local {
                &mut member.local
            } else {
                &mut member.central
            };
            fields.extra = field.to_vec();
            assert_eq!(refuse(&zip), Rule::ExtraField, "{field:?}");
        }
    }
    // Numbers that the header does not ask for, too few of them, and two fields.
    assert_eq!(with(|m| m.central.extra = extra(1, &[0; 8])), Rule::ExtraField);
    assert_eq!(with(|m| m.central.size = u32::MAX), Rule::ExtraField);
    assert_eq!(with(|m| m.local.extra = extra(1, &[0; 16])), Rule::ExtraField);
    assert_eq!(with(|m| m.local.extra = extra(1, &[0; 24])), Rule::ExtraField);
    assert_eq!(
        with(|m| {
            let sizes = [u64::from(m.local.size), u64::from(m.local.compressed)]
                .map(u64::to_le_bytes)
                .concat();
            m.local.extra = [extra(1, &sizes), extra(1, &sizes)].concat();
        }),
        Rule::ExtraField
    );
    assert_eq!(
        with(|m| {
            m.central.size = u32::MAX;
            m.central.extra = extra(1, &(u64::from(m.local.size) + 1).to_le_bytes());
        }),
        Rule::HeaderMismatch { field: "size" }
    );
}

#[test]
fn b5_second_names() {
    let unicode_path = |crc_of: &[u8], name: &[u8]| {
        extra(
            0x7075,
            &[&[1], &crc32fast::hash(crc_of).to_le_bytes()[..], name].concat(),
        )
    };
    let name = b"demo_pkg/__init__.py";
    let mut zip = wheel_with(&[]);
    zip.members[0] = zip.members[0]
        .clone()
        .both(|fields| fields.extra = unicode_path(name, name));
    assert_eq!(accept(&zip), [], "the same name again");
    for lie in [
        unicode_path(name, b"demo_pkg/evil.py"),
        unicode_path(b"other", name),
        [unicode_path(name, name), unicode_path(name, name)].concat(),
        extra(0x7075, b""),
        // Unix link, AES.
        extra(0x756e, &[0; 14]),
        extra(0x9901, &[0; 7]),
    ] {
        let mut zip = wheel_with(&[]);
        zip.members[0].central.extra.clone_from(&lie);
        assert_eq!(refuse(&zip), Rule::ExtraField);
        let mut zip = wheel_with(&[]);
        zip.members[0].local.extra = lie;
        assert_eq!(refuse(&zip), Rule::ExtraField);
    }
}

#[test]
fn b6_paths_that_leave() {
    for (path, rule) in [
        ("/etc/passwd", Rule::PathAbsolute),
        ("../evil.py", Rule::PathParent),
        ("demo_pkg/../../evil.py", Rule::PathParent),
        ("demo_pkg/..", Rule::PathParent),
        ("demo_pkg\\evil.py", Rule::PathBackslash),
        ("..\\evil.py", Rule::PathBackslash),
        ("C:/evil.py", Rule::PathDrive),
        ("c:evil.py", Rule::PathDrive),
        ("//server/share", Rule::PathAbsolute),
        ("demo_pkg//evil.py", Rule::PathUnclean),
        ("./evil.py", Rule::PathUnclean),
        ("demo_pkg/./evil.py", Rule::PathUnclean),
        ("", Rule::PathEmpty),
        ("/", Rule::PathEmpty),
        ("../", Rule::PathParent),
    ] {
        let mut zip = wheel_with(&[]);
        zip.members.push(Member::stored(path, b""));
        assert_eq!(refuse(&zip), rule, "{path}");
    }
}

#[test]
fn b7_special_modes() {
    for (mode, rule) in [
        (0o120_777, Rule::SpecialFile),
        (0o060_644, Rule::SpecialFile),
        (0o020_644, Rule::SpecialFile),
        (0o010_644, Rule::SpecialFile),
        (0o140_644, Rule::SpecialFile),
        (0o040_755, Rule::SpecialFile),
    ] {
        for made_by in [0x0314, 0x0014] {
            let mut zip = wheel_with(&[("link", b"/etc/passwd")]);
            zip.members[3].central.external = mode << 16;
            zip.members[3].central.made_by = made_by;
            assert_eq!(refuse(&zip), rule, "{mode:o}");
        }
    }
    let mut folder = wheel_with(&[]);
    folder.members.push(Member::stored("f/", b"data"));
    assert_eq!(refuse(&folder), Rule::FolderWithData);
    let mut dos = wheel_with(&[]);
    dos.members[0].central.external = 0x10;
    assert_eq!(refuse(&dos), Rule::SpecialFile);
    let mut plain = wheel_with(&[]);
    plain.members[0].central.external = 0;
    assert_eq!(accept(&plain), []);
}

#[test]
fn b8_names_that_are_not_text() {
    let named = |name: &[u8], flags: u16| {
        let mut zip = wheel_with(&[]);
        zip.members
            .push(Member::new(name, b"", 0, Vec::new()).both(|fields| fields.flags = flags));
        refuse(&zip)
    };
    assert_eq!(named(b"a\0b.py", 0), Rule::PathControl);
    assert_eq!(named(b"a\nb.py", 0), Rule::PathControl);
    assert_eq!(named(b"a\x7fb.py", 0), Rule::PathControl);
    assert_eq!(named("a\u{85}b.py".as_bytes(), 1 << 11), Rule::PathControl);
    assert_eq!(named(b"a\xff.py", 1 << 11), Rule::PathNotUtf8);
    assert_eq!(named(b"a\xff.py", 0), Rule::PathNotUtf8);
    assert_eq!(named("ä.py".as_bytes(), 0), Rule::PathNotUtf8);
    assert_eq!(named(&[b'a'; 60_000], 0), Rule::PathTooLong { limit_bytes: 1024 });
    assert_eq!(named(&[b'a'; 1025], 0), Rule::PathTooLong { limit_bytes: 1024 });
}

#[test]
fn b9_encryption_and_other_methods() {
    let with = |change: fn(&mut super::forge_zip::Fields)| {
        let mut zip = wheel_with(&[]);
        zip.members[0] = zip.members[0].clone().both(change);
        refuse(&zip)
    };
    assert_eq!(with(|f| f.flags |= 1), Rule::Encrypted);
    assert_eq!(with(|f| f.flags |= 0x41), Rule::Encrypted);
    for (method, name) in [
        (1, "shrink"),
        (9, "deflate64"),
        (12, "bzip2"),
        (14, "lzma"),
        (93, "zstd"),
        (99, "AES"),
    ] {
        let mut zip = wheel_with(&[]);
        zip.members[0] = zip.members[0].clone().both(|fields| fields.method = method);
        assert_eq!(refuse(&zip), Rule::Method { method }, "{name}");
    }
    assert_eq!(with(|f| f.flags |= 1 << 5), Rule::Flags { flags: 1 << 5 });
    assert_eq!(with(|f| f.flags |= 1 << 13), Rule::Flags { flags: 1 << 13 });
    assert_eq!(with(|f| f.needed = 64), Rule::Flags { flags: 0 });
}

#[test]
fn b10_bombs() {
    let refuse_soon = |zip: &Zip, rule| {
        let bytes = zip.write();
        let cost = processor_time_of(|| assert_eq!(refused_as(WHEEL_NAME, &bytes), rule));
        assert!(cost.as_secs() < 3, "{cost:?}");
    };
    let zeros = vec![0; 80 << 20];
    refuse_soon(&wheel_with(&[("zeros", &zeros)]), Rule::Bomb { ratio: 50 });
    // Small claims, large output.
    let mut lying = wheel_with(&[]);
    let mut member = Member::new(b"lie", b"", 8, deflate(&zeros));
    for fields in [&mut member.local, &mut member.central] {
        (fields.size, fields.crc) = (10, 1);
    }
    lying.members.push(member);
    refuse_soon(&lying, Rule::Size);
    // Many entries that share one member's data.
    let mut overlapping = wheel_with(&[]);
    for number in 0..1000 {
        let mut ghost = Member::deflated(&format!("ghost{number}"), &zeros[..1 << 20]);
        ghost.has_local = false;
        ghost.central.offset = Some(0);
        overlapping.members.push(ghost);
    }
    refuse_soon(&overlapping, Rule::DirectoryMismatch);
    // Quoted overlap: each member's data hold the next member's header.
    let inner = {
        let mut zip = Zip::of(vec![Member::stored("inner", b"payload")]);
        zip.members[0].has_central = true;
        zip.write()
    };
    let mut quoted = wheel_with(&[]);
    quoted.members.insert(0, Member::stored("outer", &inner[..42]));
    let mut ghost = Member::stored("inner", b"payload");
    ghost.has_local = false;
    ghost.central.offset = Some(35);
    quoted.members.push(ghost);
    refuse_soon(&quoted, Rule::Overlap);
}

#[test]
fn b10_deflate_streams_end_where_they_should() {
    let with_data = |change: fn(&mut Vec<u8>)| {
        let mut zip = wheel_with(&[]);
        let member = &mut zip.members[0];
        change(&mut member.data);
        let length = u32::try_from(member.data.len()).unwrap();
        (member.local.compressed, member.central.compressed) = (length, length);
        refuse(&zip)
    };
    assert_eq!(with_data(|data| data.push(0)), Rule::Deflate);
    assert_eq!(with_data(|data| data.extend(deflate(b"more"))), Rule::Deflate);
    assert_eq!(with_data(|data| data.truncate(data.len() - 1)), Rule::Deflate);
    assert_eq!(with_data(Vec::clear), Rule::Deflate);
    assert_eq!(with_data(|data| data[0] = 0xff), Rule::Deflate);
    // A million empty blocks cost no more than their bytes.
    let mut blocks = wheel_with(&[]);
    let member = &mut blocks.members[0];
    member.data = [[0, 0, 0, 0xff, 0xff].repeat(200_000), member.data.clone()].concat();
    let length = u32::try_from(member.data.len()).unwrap();
    (member.local.compressed, member.central.compressed) = (length, length);
    assert_eq!(accept(&blocks), []);
}

#[test]
fn b11_what_is_missing_or_no_wheel() {
    for part in ["METADATA", "WHEEL", "RECORD"] {
        let mut zip = wheel_with(&[]);
        zip.members
            .retain(|member| !member.central.name.ends_with(format!("/{part}").as_bytes()));
        assert!(
            matches!(refuse(&zip), Rule::MissingMember { path } if path.ends_with(part)),
            "{part}"
        );
    }
    assert_eq!(refuse(&Zip::default()), Rule::NoDistInfo);
    assert_eq!(
        refuse(&Zip::of(vec![Member::stored("a.py", b"")])),
        Rule::NoDistInfo
    );
    assert_eq!(refused_as(WHEEL_NAME, b""), Rule::NotZip);
    assert_eq!(
        refused_as(WHEEL_NAME, b"<html>not found</html>, as some proxies answer"),
        Rule::NotZip
    );
    assert_eq!(refused_as(WHEEL_NAME, &forge_tar::honest_sdist()), Rule::NotZip);
    let whole = wheel_with(&[]).write();
    for length in 0..whole.len() {
        refuse_bytes(&whole[..length]);
        refuse_bytes(&whole[whole.len() - length..]);
    }
    let no_version = wheel_replacing("WHEEL", b"Generator: x\n");
    assert_eq!(refuse(&no_version), Rule::WheelVersion);
    assert_eq!(
        refuse(&wheel_replacing("WHEEL", b"Wheel-Version: 2.0\n")),
        Rule::WheelVersion
    );
    assert_eq!(
        refuse(&wheel_replacing(
            "WHEEL",
            b"Wheel-Version: 1.0\nWheel-Version: 2.0\n"
        )),
        Rule::WheelVersion
    );
    assert_eq!(accept(&wheel_replacing("WHEEL", b"wheel-version: 1.9\n")), []);
}

#[test]
fn b12_dist_info_folders() {
    let second = wheel_with(&[("other-2.0.dist-info/METADATA", METADATA.as_bytes())]);
    assert!(matches!(refuse(&second), Rule::SecondDistInfo { .. }));
    let twin = wheel_with(&[("Demo.Pkg-1.0.dist-info/METADATA", METADATA.as_bytes())]);
    assert!(matches!(refuse(&twin), Rule::SecondDistInfo { .. }));
    let case = wheel_with(&[("demo_pkg-1.0.DIST-INFO/METADATA", METADATA.as_bytes())]);
    assert!(matches!(refuse(&case), Rule::SecondDistInfo { .. }));
    let bytes = wheel_with(&[]).write();
    for other in [
        "other-1.0-py3-none-any.whl",
        "demo_pkg-1.1-py3-none-any.whl",
        "demo-1.0-py3-none-any.whl",
    ] {
        assert_eq!(refused_as(other, &bytes), Rule::DistInfoName, "{other}");
    }
    for same in [
        "Demo.Pkg-1.0-py3-none-any.whl",
        "demo_pkg-1.0.0-1-py3-none-any.whl",
    ] {
        assert!(inspect_as(same, &bytes).is_ok(), "{same}");
    }
    let nested = wheel_with(&[("vendored/x-1.0.dist-info/METADATA", b"x")]);
    assert_eq!(accept(&nested), [], "only top folders count");
}

#[test]
fn b13_metadata_for_something_else() {
    let name = wheel_replacing("METADATA", METADATA.replace("demo-pkg", "evil").as_bytes());
    assert!(matches!(refuse(&name), Rule::NameMismatch { .. }));
    let version = wheel_replacing("METADATA", METADATA.replace("1.0", "1.0.1").as_bytes());
    assert!(matches!(refuse(&version), Rule::VersionMismatch { .. }));
    let spelled = METADATA
        .replace("demo-pkg", "Demo.PKG")
        .replace("Version: 1.0", "Version: 1.0.0");
    assert_eq!(accept(&wheel_replacing("METADATA", spelled.as_bytes())), []);
}

#[test]
fn b14_metadata_and_checksums() {
    for bad in [
        format!("{METADATA}Name: other\n").into_bytes(),
        format!("{METADATA}Author: \0\n").into_bytes(),
        [METADATA.as_bytes(), b"Author: \xff\n"].concat(),
        Vec::new(),
        b"{}".to_vec(),
    ] {
        let error = inspect_as(WHEEL_NAME, &wheel_replacing("METADATA", &bad).write()).unwrap_err();
        assert!(
            matches!(error, super::super::Error::Metadata { .. }) && error.is_refusal(),
            "{error}"
        );
    }
    for position in 0..4 {
        let mut zip = wheel_with(&[]);
        zip.members[position] = zip.members[position].clone().both(|fields| fields.crc ^= 1);
        assert_eq!(refuse(&zip), Rule::Checksum, "{position}");
    }
    let large = [METADATA.as_bytes(), b"\n", &vec![b'x'; 8 << 20][..]].concat();
    assert!(matches!(
        refuse(&wheel_replacing("METADATA", &large)),
        Rule::MemberTooLarge { .. }
    ));
}

/// The small wheel with RECORD changed after it was made.
fn with_record(change: impl Fn(String) -> String) -> Zip {
    let mut files = wheel_files();
    let record = change(record(&files));
    files.push(("demo_pkg-1.0.dist-info/RECORD".to_owned(), record.into_bytes()));
    zip_of(&files)
}

#[test]
fn b16_record_that_does_not_fit() {
    let first_row = |text: &str| text.split_inclusive('\n').next().unwrap().to_owned();
    let cases: [(&dyn Fn(String) -> String, Rule); 10] = [
        (
            &|text| text.split_inclusive('\n').skip(1).collect(),
            Rule::RecordMissing,
        ),
        (
            &|text| format!("ghost.py,sha256={},0\n{text}", "A".repeat(43)),
            Rule::RecordGhost,
        ),
        (
            &|text| text.replace("sha256=", "sha256=A"),
            Rule::RecordWeakDigest,
        ),
        (
            &|text| text.replacen("sha256=", "md5=", 1),
            Rule::RecordWeakDigest,
        ),
        (&|text| text.replace(",15\n", ",16\n"), Rule::RecordSize),
        (&|text| text.replace(",15\n", ",many\n"), Rule::RecordMalformed),
        (
            &|text| {
                format!(
                    "\"demo_pkg/__init__.py\",,\n{}",
                    text.split_inclusive('\n').skip(1).collect::<String>()
                )
            },
            Rule::RecordNoDigest,
        ),
        (
            &|text| format!("{text}\"demo_pkg/__init__.py\",sha256={},15\n", "A".repeat(43)),
            Rule::RecordRepeated,
        ),
        (&|text| format!("a,b,c,d\n{text}"), Rule::RecordMalformed),
        (&|text| format!("{text}\"unclosed"), Rule::RecordMalformed),
    ];
    for (change, rule) in cases {
        assert_eq!(refuse(&with_record(change)), rule);
    }
    let mut changed = wheel_with(&[]);
    changed.members[0] = Member::deflated("demo_pkg/__init__.py", b"print('hell')\n\n");
    assert_eq!(refuse(&changed), Rule::RecordDigest);
    let repeated = with_record(|text| first_row(&text) + &text);
    assert_eq!(accept(&repeated), [], "the same row again does no harm");
    let signed = wheel_with(&[]);
    let mut with_signature = signed.clone();
    with_signature
        .members
        .push(Member::stored("demo_pkg-1.0.dist-info/RECORD.jws", b"{}"));
    assert_eq!(accept(&with_signature), []);
}

#[test]
fn b16_the_policy_decides() {
    let mut limits = Limits::default();
    limits.policy.record = Verdict::Warn;
    let warned = |zip: &Zip, limits: &Limits| {
        inspect(
            &WHEEL_NAME.parse().unwrap(),
            std::io::Cursor::new(zip.write()),
            limits,
        )
        .unwrap()
        .warnings
    };
    let empty = with_record(|_| String::new());
    let warnings = warned(&empty, &limits);
    assert_eq!(warnings.len(), 1);
    assert_eq!(
        (&warnings[0].finding.rule, warnings[0].occurrences),
        (&Rule::RecordMissing, 3)
    );
    let mut none = wheel_with(&[]);
    none.members.pop();
    assert_eq!(warned(&none, &limits)[0].finding.rule, Rule::RecordMissing);
    limits.policy.record = Verdict::Accept;
    assert_eq!(warned(&empty, &limits), []);
}

#[test]
fn b17_paths_in_record_and_entry_points() {
    for path in ["../../evil.py", "/etc/passwd", "a/../../b", "..\\evil", "\\evil"] {
        let row = format!("{path},sha256={},1\n", "A".repeat(43));
        assert_eq!(
            refuse(&with_record(|text| format!("{row}{text}"))),
            Rule::RecordPath,
            "{path}"
        );
    }
    let name = "demo_pkg-1.0.dist-info/entry_points.txt";
    let evil = wheel_with(&[(name, b"[console_scripts]\n../../evil = demo_pkg:main\n")]);
    assert!(matches!(refuse(&evil), Rule::ScriptName { .. }));
    let good = wheel_with(&[(name, b"[console_scripts]\ndemo = demo_pkg:main\n")]);
    assert_eq!(accept(&good), []);
    let huge = wheel_with(&[(name, &vec![b'\n'; 2 << 20])]);
    assert!(matches!(refuse(&huge), Rule::MemberTooLarge { .. }));
}

#[test]
fn b18_zip_that_is_a_tar_too() {
    // The first member's long name makes room for a tar header's checksum at bytes 148 to 156.
    let mut zip = wheel_with(&[]);
    let name = "n".repeat(1000);
    zip.members.insert(0, Member::stored(&name, b""));
    let mut bytes = zip.write();
    bytes[148..156].copy_from_slice(b"        ");
    let sum: u32 = bytes[..512].iter().map(|&byte| u32::from(byte)).sum();
    bytes[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    assert_eq!(refused_as(WHEEL_NAME, &bytes), Rule::ZipAndTar);
}

#[test]
fn b19_many_members_and_requirements() {
    let with_members = |number: usize| {
        let mut files = wheel_files();
        files.extend((0..number).map(|n| {
            (
                format!("demo_pkg/sub{}/module_{n}.py", n % 100),
                format!("x = {n}\n").into(),
            )
        }));
        wheel_of(files).write()
    };
    let with_requirements = |number: usize| {
        let mut files = wheel_files();
        let mut metadata = METADATA.to_owned();
        metadata.extend((0..number).map(|n| format!("Requires-Dist: dependency-{n} >=1.0\n")));
        files[1].1 = metadata.into_bytes();
        wheel_of(files).write()
    };
    assert_no_worse_than_linear(WHEEL_NAME, with_members);
    assert_no_worse_than_linear(WHEEL_NAME, with_requirements);
    let inspection = inspect_as(WHEEL_NAME, &with_requirements(50_000)).unwrap();
    assert_eq!(inspection.metadata.all("Requires-Dist").count(), 50_000);
    let limits = Limits {
        max_members: 1000,
        ..Limits::default()
    };
    let name = WHEEL_NAME.parse().unwrap();
    let refused = inspect(&name, std::io::Cursor::new(with_members(2000)), &limits).unwrap_err();
    assert_eq!(refused.rule(), Some(&Rule::TooManyMembers { limit: 1000 }));
}

#[test]
fn b28_streamed_members() {
    let mut zip = wheel_with(&[]);
    zip.members = zip.members.into_iter().map(Member::streamed).collect();
    let warnings = accept(&zip);
    assert_eq!((warnings.len(), warnings[0].occurrences), (1, 4));
    assert_eq!(warnings[0].finding.rule, Rule::DataDescriptor);
    let mut limits = Limits::default();
    limits.policy.data_descriptors = Verdict::Refuse;
    let refused = inspect(
        &WHEEL_NAME.parse().unwrap(),
        std::io::Cursor::new(zip.write()),
        &limits,
    )
    .unwrap_err();
    assert_eq!(refused.rule(), Some(&Rule::DataDescriptor));
    for change in [
        |m: &mut Member| m.descriptor[5] ^= 1,
        |m: &mut Member| m.descriptor[9] ^= 1,
        |m: &mut Member| m.descriptor[13] ^= 1,
        |m: &mut Member| m.descriptor[0] ^= 1,
        |m: &mut Member| m.descriptor.truncate(15),
        |m: &mut Member| m.descriptor.clear(),
        |m: &mut Member| m.descriptor.extend([0; 4]),
    ] {
        let mut lying = zip.clone();
        change(&mut lying.members[0]);
        assert_eq!(refuse(&lying), Rule::DescriptorMismatch);
    }
    let mut long = zip.clone();
    long.members[0].descriptor.extend([0; 40]);
    assert_eq!(refuse(&long), Rule::Gap);
    let mut stored = wheel_with(&[]);
    stored.members[0] = Member::stored("demo_pkg/__init__.py", b"print('hello')\n").streamed();
    assert!(
        matches!(refuse(&stored), Rule::Flags { .. }),
        "its end can't be found by a streaming reader"
    );
}

#[test]
fn b28_oddities_are_told() {
    let zip = wheel_with(&[
        ("demo_pkg/__INIT__.py", b""),
        ("demo_pkg/aux.py", b""),
        ("demo_pkg/run", b""),
    ]);
    let mut zip = zip;
    zip.members[5].central.external = 0o104_755 << 16;
    let rules: Vec<Rule> = accept(&zip)
        .into_iter()
        .map(|warning| warning.finding.rule)
        .collect();
    assert_eq!(rules, [Rule::CaseCollision, Rule::WindowsName, Rule::SpecialMode]);
}
