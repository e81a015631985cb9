//! Zips that readers would see differently, or that cost more than they are.

use super::super::{Limits, Rule, Verdict, Warning, inspect};
use super::forge_zip::{Member, WHEEL_NAME, Zip, Zip64, deflate, extra, wheel_with};
use super::{inspect_as, refused_as};
use crate::measures::processor_time_of;

pub(super) fn accept(zip: &Zip) -> Vec<Warning> {
    match inspect_as(WHEEL_NAME, &zip.write()) {
        Ok(inspection) => {
            assert_eq!(inspection.metadata.name().as_str(), "demo-pkg");
            inspection.warnings
        }
        Err(error) => panic!("refused: {error}"),
    }
}

pub(super) fn refuse(zip: &Zip) -> Rule {
    refused_as(WHEEL_NAME, &zip.write())
}

/// Refused whatever the reason, for lies that can show in more than one way.
pub(super) fn refuse_bytes(bytes: &[u8]) {
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
