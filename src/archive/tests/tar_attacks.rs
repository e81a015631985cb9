//! Tars that readers would see differently, or that cost more than they are.

use super::super::{Limits, Rule, Verdict, inspect, read_metadata};
use super::forge_tar::{PKG_INFO, SDIST_NAME, Tar, gzip, header, honest_sdist, pax_records, put, sealed};
use super::forge_zip::{self, Member, Zip};
use super::{assert_no_worse_than_linear, inspect_as, refused_as};
use crate::measures::processor_time_of;

fn accept(tar: Tar) -> Vec<Rule> {
    match inspect_as(SDIST_NAME, &tar.write()) {
        Ok(inspection) => inspection
            .warnings
            .into_iter()
            .map(|warning| warning.finding.rule)
            .collect(),
        Err(error) => panic!("refused: {error}"),
    }
}

fn refuse(tar: Tar) -> Rule {
    refused_as(SDIST_NAME, &tar.write())
}

#[test]
fn an_honest_sdist_is_accepted() {
    assert_eq!(accept(Tar::sdist()), []);
    let long = format!("demo_pkg-1.0/{}.py", "long/".repeat(40));
    assert_eq!(
        accept(
            Tar::sdist()
                .pax(&[("path", &long), ("mtime", "1.5")])
                .file("short", b"x")
        ),
        []
    );
    assert_eq!(
        accept(
            Tar::sdist()
                .extension(b'L', format!("{long}\0").as_bytes())
                .file("short", b"x")
        ),
        []
    );
    let git = pax_records(&[("comment", "0123456789012345678901234567890123456789")]);
    assert_eq!(
        accept(
            Tar::default()
                .extension(b'g', &git)
                .file("demo_pkg-1.0/PKG-INFO", PKG_INFO.as_bytes())
        ),
        []
    );
    let dotted = Tar::default()
        .folder("./")
        .folder("./demo_pkg-1.0/")
        .file("./demo_pkg-1.0/PKG-INFO", PKG_INFO.as_bytes());
    assert_eq!(accept(dotted), []);
    let other_spelling = Tar::default().file("Demo.Pkg-1.0.0/PKG-INFO", PKG_INFO.as_bytes());
    assert_eq!(accept(other_spelling), []);
    let mut block = header(b"name.py", b'0', 0);
    put(&mut block, 345, b"demo_pkg-1.0/prefix");
    assert_eq!(accept(Tar::sdist().entry(sealed(block), b"")), []);
}

#[test]
fn b20_paths_that_leave() {
    for (path, rule) in [
        ("../evil", Rule::PathParent),
        ("demo_pkg-1.0/../../evil", Rule::PathParent),
        ("/etc/passwd", Rule::PathAbsolute),
        ("demo_pkg-1.0\\evil", Rule::PathBackslash),
        ("C:/evil", Rule::PathDrive),
        ("demo_pkg-1.0/file/", Rule::PathUnclean),
        ("demo_pkg-1.0/a\nb", Rule::PathControl),
        ("evil", Rule::NoTop),
        (
            "other/evil",
            Rule::SecondTop {
                top: "demo_pkg-1.0".to_owned(),
            },
        ),
    ] {
        assert_eq!(refuse(Tar::sdist().file(path, b"x")), rule, "{path}");
        assert_eq!(
            refuse(Tar::sdist().pax(&[("path", path)]).file("demo_pkg-1.0/ok", b"x")),
            rule,
            "{path} by PAX"
        );
        let long = format!("{path}\0");
        let gnu = Tar::sdist()
            .extension(b'L', long.as_bytes())
            .file("demo_pkg-1.0/ok", b"x");
        assert_eq!(refuse(gnu), rule, "{path} by a long name");
    }
    let too_long = format!("demo_pkg-1.0/{}", "a".repeat(1100));
    assert!(matches!(
        refuse(Tar::sdist().pax(&[("path", &too_long)]).file("x", b"")),
        Rule::PathTooLong { .. }
    ));
    let mut latin = header(b"demo_pkg-1.0/\xe4", b'0', 0);
    latin = sealed(latin);
    assert_eq!(refuse(Tar::sdist().entry(latin, b"")), Rule::PathNotUtf8);
    let mut prefixed = header(b"evil", b'0', 0);
    put(&mut prefixed, 345, b"demo_pkg-1.0/../..");
    assert_eq!(
        refuse(Tar::sdist().entry(sealed(prefixed), b"")),
        Rule::PathParent
    );
}

#[test]
fn b21_links_and_special_files() {
    for kind in *b"346" {
        assert_eq!(
            refuse(Tar::sdist().link(kind, "demo_pkg-1.0/special", "")),
            Rule::SpecialFile
        );
    }
    for kind in *b"7SDMNVXAZ" {
        let rule = refuse(Tar::sdist().link(kind, "demo_pkg-1.0/special", ""));
        assert!(matches!(rule, Rule::TarType { .. } | Rule::Sparse), "{rule:?}");
    }
    for target in [
        "/etc/passwd",
        "../../etc/passwd",
        "..",
        "../other/x",
        "",
        "a\\..\\b",
    ] {
        assert_eq!(
            refuse(Tar::sdist().link(b'2', "demo_pkg-1.0/link", target)),
            Rule::LinkEscapes,
            "{target}"
        );
    }
    let long = Tar::sdist()
        .pax(&[("linkpath", "/etc/passwd")])
        .link(b'2', "demo_pkg-1.0/link", "ok");
    assert_eq!(refuse(long), Rule::LinkEscapes);
    let gnu = Tar::sdist()
        .extension(b'K', b"/etc/passwd\0")
        .link(b'2', "demo_pkg-1.0/link", "ok");
    assert_eq!(refuse(gnu), Rule::LinkEscapes);
    // Each link by itself stays inside; together they leave.
    let chain = Tar::sdist()
        .link(b'2', "demo_pkg-1.0/out", "deep/er/../..")
        .folder("demo_pkg-1.0/deep/")
        .link(b'2', "demo_pkg-1.0/deep/er", "..");
    assert_eq!(refuse(chain), Rule::LinkEscapes);
    assert_eq!(
        accept(Tar::sdist().link(b'2', "demo_pkg-1.0/link", "setup.py")),
        []
    );
    assert_eq!(
        accept(Tar::sdist().link(b'2', "demo_pkg-1.0/docs/link", "../setup.py")),
        []
    );
    assert_eq!(
        accept(Tar::sdist().link(b'2', "demo_pkg-1.0/dangling", "nowhere")),
        []
    );
}

#[test]
fn b21_nothing_is_written_through_a_link() {
    let through = Tar::sdist()
        .link(b'2', "demo_pkg-1.0/d", ".")
        .file("demo_pkg-1.0/d/x", b"");
    assert_eq!(refuse(through), Rule::BelowLink);
    let later = Tar::sdist()
        .file("demo_pkg-1.0/d/x", b"")
        .link(b'2', "demo_pkg-1.0/d", ".");
    assert_eq!(refuse(later), Rule::FileAndFolder);
    let over = Tar::sdist()
        .link(b'2', "demo_pkg-1.0/x", "setup.py")
        .file("demo_pkg-1.0/x", b"");
    assert_eq!(refuse(over), Rule::Duplicate);
    let hard =
        Tar::sdist()
            .link(b'2', "demo_pkg-1.0/l", "nowhere")
            .link(b'1', "demo_pkg-1.0/h", "demo_pkg-1.0/l");
    assert_eq!(refuse(hard), Rule::LinkTarget);
    for (target, rule) in [
        ("/etc/passwd", Rule::PathAbsolute),
        ("../x", Rule::PathParent),
        ("demo_pkg-1.0/nothing", Rule::LinkTarget),
        ("demo_pkg-1.0", Rule::LinkTarget),
    ] {
        assert_eq!(
            refuse(Tar::sdist().link(b'1', "demo_pkg-1.0/h", target)),
            rule,
            "{target}"
        );
    }
    assert_eq!(
        accept(Tar::sdist().link(b'1', "demo_pkg-1.0/h", "demo_pkg-1.0/setup.py")),
        []
    );
    let info =
        Tar::default()
            .file("demo_pkg-1.0/x", PKG_INFO.as_bytes())
            .link(b'2', "demo_pkg-1.0/PKG-INFO", "x");
    assert_eq!(refuse(info), Rule::SpecialFile);
}

#[test]
fn b22_sizes_that_disagree() {
    // For a reader that believes the PAX size, what hides in the data is a member of its own, and the reverse.
    let hidden = Tar::default().file("demo_pkg-1.0/hidden.py", b"evil").bytes;
    let padded = hidden.len().to_string();
    let small = Tar::sdist()
        .pax(&[("size", "0")])
        .file("demo_pkg-1.0/outer", &hidden);
    assert_eq!(refuse(small), Rule::PaxSize);
    let large = Tar::sdist()
        .pax(&[("size", &padded)])
        .file("demo_pkg-1.0/outer", b"");
    assert_eq!(refuse(large), Rule::PaxSize);
    let same = Tar::sdist()
        .pax(&[("size", "2")])
        .file("demo_pkg-1.0/outer", b"ab");
    assert_eq!(accept(same), []);
    // A size before a long name: whose size is it?
    let before_long = Tar::sdist()
        .pax(&[("size", "2")])
        .extension(b'L', b"demo_pkg-1.0/x\0")
        .file("y", b"ab");
    assert_eq!(refuse(before_long), Rule::ExtensionOrder);
    let behind_long = Tar::sdist()
        .extension(b'L', b"demo_pkg-1.0/x\0")
        .pax(&[("path", "demo_pkg-1.0/y")])
        .file("z", b"");
    assert_eq!(refuse(behind_long), Rule::ExtensionOrder);
    let twice = Tar::sdist()
        .pax(&[("path", "demo_pkg-1.0/y")])
        .pax(&[("path", "demo_pkg-1.0/x")])
        .file("z", b"");
    assert_eq!(refuse(twice), Rule::ExtensionOrder);
    let names = Tar::sdist()
        .extension(b'L', b"demo_pkg-1.0/x\0")
        .extension(b'L', b"demo_pkg-1.0/y\0")
        .file("z", b"");
    assert_eq!(refuse(names), Rule::ExtensionOrder);
    let lonely = Tar::sdist().extension(b'L', b"demo_pkg-1.0/x\0");
    assert_eq!(refuse(lonely), Rule::ExtensionOrder);
    let global = Tar::sdist().extension(b'g', &pax_records(&[("comment", "x")]));
    assert_eq!(refuse(global), Rule::ExtensionOrder);
    // Folders and links have no data, whatever their header says.
    for kind in *b"125" {
        let mut block = header(b"demo_pkg-1.0/f", kind, 512);
        put(&mut block, 157, b"demo_pkg-1.0/setup.py");
        let tar = Tar::sdist().entry(sealed(block), &[0; 512]);
        assert_eq!(refuse(tar), Rule::HeaderField { field: "size" });
    }
}

#[test]
fn b23_extended_headers() {
    for key in ["path", "linkpath", "size"] {
        let global = Tar::sdist()
            .extension(b'g', &pax_records(&[(key, "1")]))
            .file("demo_pkg-1.0/x", b"");
        assert_eq!(refuse(global), Rule::GlobalPax { key: key.to_owned() });
    }
    for sparse in ["GNU.sparse.major", "GNU.sparse.name", "GNU.sparse.map"] {
        assert_eq!(
            refuse(Tar::sdist().pax(&[(sparse, "1")]).file("demo_pkg-1.0/x", b"")),
            Rule::Sparse
        );
    }
    let nul = Tar::sdist()
        .pax(&[("path", "demo_pkg-1.0/a\0b")])
        .file("demo_pkg-1.0/x", b"");
    assert_eq!(refuse(nul), Rule::PathNotUtf8);
    let nul = Tar::sdist()
        .extension(b'L', b"demo_pkg-1.0/a\0b\0")
        .file("demo_pkg-1.0/x", b"");
    assert_eq!(refuse(nul), Rule::PathControl);
    let large = vec![b'a'; 2 << 20];
    assert!(matches!(
        refuse(Tar::sdist().extension(b'x', &large).file("x", b"")),
        Rule::PaxTooLarge { .. }
    ));
    assert!(matches!(
        refuse(Tar::sdist().extension(b'L', &large).file("x", b"")),
        Rule::PaxTooLarge { .. }
    ));
    // 64 MiB are claimed; nothing of that is ever allocated.
    let claimed = Tar::sdist().entry(header(b"x", b'x', 64 << 20), b"");
    assert!(matches!(refuse(claimed), Rule::PaxTooLarge { .. }));
    assert_eq!(
        refuse(
            Tar::sdist()
                .extension(b'x', b"garbage")
                .file("demo_pkg-1.0/x", b"")
        ),
        Rule::Pax
    );
}

#[test]
fn b24_damaged_archives() {
    let whole = honest_sdist();
    for length in 0..whole.len() {
        refused_as(SDIST_NAME, &whole[..length]);
        refused_as(SDIST_NAME, &whole[whole.len() - length..]);
    }
    for (at, rule) in [
        (whole.len() - 8, Rule::Checksum),
        (whole.len() - 4, Rule::Checksum),
        (0, Rule::NotTarGz),
    ] {
        let mut damaged = whole.clone();
        damaged[at] ^= 1;
        assert_eq!(refused_as(SDIST_NAME, &damaged), rule);
    }
    assert_eq!(
        refused_as(SDIST_NAME, &forge_zip::wheel_with(&[]).write()),
        Rule::NotTarGz
    );
    assert_eq!(refused_as(SDIST_NAME, &gzip(b"<html>")), Rule::Cut);
    assert_eq!(refused_as(SDIST_NAME, &gzip(&[b'x'; 2048])), Rule::NotTarGz);
    let mut block = header(b"demo_pkg-1.0/x", b'0', 0);
    block[0] = b'D';
    assert_eq!(refuse(Tar::sdist().entry(block, b"")), Rule::HeaderChecksum);
    for size in [
        &b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"[..],
        b"-0000000001\0",
        b"0000000008x\0",
    ] {
        let mut block = header(b"demo_pkg-1.0/x", b'0', 0);
        put(&mut block, 124, size);
        assert_eq!(
            refuse(Tar::sdist().entry(sealed(block), b"")),
            Rule::HeaderField { field: "size" }
        );
    }
    for size in [
        &b"77777777777\0"[..],
        b"\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff",
    ] {
        let mut block = header(b"demo_pkg-1.0/x", b'0', 0);
        put(&mut block, 124, size);
        assert!(matches!(
            refuse(Tar::sdist().entry(sealed(block), b"")),
            Rule::Bomb { .. }
        ));
    }
    let mut cut = Tar::sdist();
    cut.bytes.truncate(cut.bytes.len() - 512);
    assert_eq!(refused_as(SDIST_NAME, &gzip(&cut.bytes)), Rule::Cut);
}

#[test]
fn b24_headers_that_readers_take_differently() {
    // Readers differ in whether the field before the last is a prefix.
    for magic in [b"ustar  \0", b"ustar\x00\x00\x00", b"ustar\x001\x00"] {
        let mut gnu = header(b"demo_pkg-1.0/x", b'0', 0);
        put(&mut gnu, 257, magic);
        put(&mut gnu, 345, b"14000000000");
        assert_eq!(
            refuse(Tar::sdist().entry(sealed(gnu), b"")),
            Rule::HeaderField { field: "prefix" }
        );
    }
    // Python takes a sum of signed bytes as well, other readers do not.
    let unsigned = sealed(header("demo_pkg-1.0/ü".as_bytes(), b'0', 0));
    assert_eq!(accept(Tar::sdist().entry(unsigned, b"")), []);
    let mut signed = unsigned;
    put(&mut signed, 148, b"        ");
    let sum: i64 = signed.iter().map(|&byte| i64::from(byte.cast_signed())).sum();
    put(&mut signed, 148, format!("{sum:06o}\0 ").as_bytes());
    assert_eq!(refuse(Tar::sdist().entry(signed, b"")), Rule::HeaderChecksum);
}

#[test]
fn b24_gzip_headers() {
    let plain = honest_sdist();
    let with_header = |flags: u8, fields: &[u8]| {
        let mut bytes = plain[..10].to_vec();
        bytes[3] = flags;
        bytes.extend(fields);
        bytes.extend(&plain[10..]);
        bytes
    };
    assert!(inspect_as(SDIST_NAME, &with_header(8, b"demo.tar\0")).is_ok());
    assert!(inspect_as(SDIST_NAME, &with_header(4 | 8 | 16, b"\x02\x00abname\0comment\0")).is_ok());
    assert_eq!(refused_as(SDIST_NAME, &with_header(0x20, b"")), Rule::GzipHeader);
    assert_eq!(refused_as(SDIST_NAME, &with_header(2, b"\0\0")), Rule::GzipHeader);
    assert_eq!(
        refused_as(SDIST_NAME, &with_header(8, &[b'n'; 100_000])),
        Rule::GzipHeader
    );
}

#[test]
fn b25_what_follows_the_end() {
    let whole = honest_sdist();
    assert_eq!(
        refused_as(SDIST_NAME, &[whole.clone(), whole.clone()].concat()),
        Rule::SecondGzipStream
    );
    assert_eq!(
        refused_as(SDIST_NAME, &[whole.clone(), b"x".to_vec()].concat()),
        Rule::TrailingBytes
    );
    assert_eq!(
        refused_as(SDIST_NAME, &[whole, vec![0; 512]].concat()),
        Rule::TrailingBytes
    );
    let mut hidden = Tar::sdist();
    hidden.bytes.extend([0; 1024]);
    assert_eq!(refuse(hidden.file("demo_pkg-1.0/hidden", b"x")), Rule::AfterEnd);
    let mut hidden = Tar::sdist();
    hidden.bytes.extend([0; 512]);
    assert_eq!(refuse(hidden.file("demo_pkg-1.0/hidden", b"x")), Rule::AfterEnd);
    let mut padded = Tar::sdist();
    padded.bytes.extend([0; 10_240]);
    assert_eq!(accept(padded), []);
    let without_marker = inspect_as(SDIST_NAME, &gzip(&Tar::sdist().bytes)).unwrap();
    assert_eq!(without_marker.warnings[0].finding.rule, Rule::NoEndMarker);
}

#[test]
fn b26_layout_and_agreement() {
    let only = |path: &str, content: &str| refuse(Tar::default().file(path, content.as_bytes()));
    assert_eq!(only("demo_pkg-1.0/setup.py", ""), Rule::NoPkgInfo);
    assert_eq!(only("demo_pkg-1.0/sub/PKG-INFO", PKG_INFO), Rule::NoPkgInfo);
    assert_eq!(only("PKG-INFO", PKG_INFO), Rule::NoTop);
    assert_eq!(only("other-1.0/PKG-INFO", PKG_INFO), Rule::TopName);
    assert_eq!(only("demo_pkg/PKG-INFO", PKG_INFO), Rule::TopName);
    assert!(matches!(
        only("demo_pkg-1.0/PKG-INFO", &PKG_INFO.replace("demo-pkg", "evil")),
        Rule::NameMismatch { .. }
    ));
    assert!(matches!(
        only(
            "demo_pkg-1.0/PKG-INFO",
            &PKG_INFO.replace("Version: 1.0", "Version: 2.0")
        ),
        Rule::VersionMismatch { .. }
    ));
    assert!(matches!(
        refuse(Tar::sdist().folder("second/")),
        Rule::SecondTop { .. }
    ));
    assert_eq!(
        refuse(Tar::sdist().file("demo_pkg-1.0/PKG-INFO", b"")),
        Rule::Duplicate
    );
    assert_eq!(
        refuse(Tar::sdist().file("demo_pkg-1.0/./PKG-INFO", b"")),
        Rule::Duplicate
    );
    let large = vec![b'\n'; 60 << 20];
    assert_eq!(
        refuse(Tar::default().file("demo_pkg-1.0/PKG-INFO", &large)),
        Rule::MemberTooLarge {
            limit_bytes: 8_388_608
        }
    );
    assert_eq!(refused_as(SDIST_NAME, &gzip(&[0; 1024])), Rule::NoPkgInfo);
}

#[test]
fn b27_gzip_bombs() {
    let bomb = Tar::sdist()
        .file("demo_pkg-1.0/zeros", &vec![0; 80 << 20])
        .write();
    let cost = processor_time_of(|| assert_eq!(refused_as(SDIST_NAME, &bomb), Rule::Bomb { ratio: 50 }));
    assert!(cost.as_secs() < 3, "{cost:?}");
    // Not in a member, but behind the end marker.
    let mut behind = Tar::sdist();
    behind.bytes.extend(vec![0; 80 << 20]);
    assert_eq!(refuse(behind), Rule::Bomb { ratio: 50 });
    let limits = Limits {
        max_sdist_unpacked_bytes: 1000,
        ..Limits::default()
    };
    let name = SDIST_NAME.parse().unwrap();
    let refused = inspect(&name, std::io::Cursor::new(honest_sdist()), &limits).unwrap_err();
    assert_eq!(refused.rule(), Some(&Rule::UnpacksTooLarge { limit_bytes: 1000 }));
}

#[test]
fn b18_tar_that_is_a_zip_too() {
    // Stored deflate blocks carry a zip whose comment covers what gzip puts behind it.
    let zip = Zip::of(vec![Member::stored("evil/setup.py", b"evil")]).write();
    let tar = Tar::sdist().file("demo_pkg-1.0/data", &zip);
    let mut content = tar.bytes;
    content.extend([0; 1024]);
    let mut bytes = gzip(b"")[..10].to_vec();
    let length = u16::try_from(content.len()).unwrap();
    bytes.push(1);
    bytes.extend(length.to_le_bytes());
    bytes.extend((!length).to_le_bytes());
    bytes.extend(&content);
    bytes.extend(crc32fast::hash(&content).to_le_bytes());
    bytes.extend(u32::from(length).to_le_bytes());
    assert_eq!(refused_as(SDIST_NAME, &bytes), Rule::ZipAndTar);
}

#[test]
fn b19_many_members_and_links() {
    let with_members = |number: usize| {
        let add = |tar: Tar, n: usize| tar.file(&format!("demo_pkg-1.0/{}/{n}.py", n % 50), b"x");
        (0..number).fold(Tar::sdist(), add).write()
    };
    assert_no_worse_than_linear(SDIST_NAME, with_members);
    let mut limits = Limits {
        max_members: 1000,
        ..Limits::default()
    };
    let name = SDIST_NAME.parse().unwrap();
    let refused = inspect(&name, std::io::Cursor::new(with_members(2000)), &limits).unwrap_err();
    assert_eq!(refused.rule(), Some(&Rule::TooManyMembers { limit: 1000 }));
    limits.max_links = 1;
    let links = Tar::sdist()
        .link(b'2', "demo_pkg-1.0/a", "x")
        .link(b'2', "demo_pkg-1.0/b", "x")
        .write();
    let refused = inspect(&name, std::io::Cursor::new(&links), &limits).unwrap_err();
    assert_eq!(refused.rule(), Some(&Rule::TooManyLinks { limit: 1 }));
}

#[test]
fn b28_other_packings_and_oddities() {
    let files = [("demo_pkg-1.0/PKG-INFO", PKG_INFO), ("demo_pkg-1.0/setup.py", "")];
    let members = files
        .map(|(name, content)| Member::deflated(name, content.as_bytes()))
        .to_vec();
    let zip = Zip::of(members.clone());
    let inspection = inspect_as("demo_pkg-1.0.zip", &zip.write()).unwrap();
    assert_eq!(inspection.warnings[0].finding.rule, Rule::ZipSdist);
    let mut limits = Limits::default();
    limits.policy.zip_sdists = Verdict::Refuse;
    let name = "demo_pkg-1.0.zip".parse().unwrap();
    let refused = inspect(&name, std::io::Cursor::new(zip.write()), &limits).unwrap_err();
    assert_eq!(refused.rule(), Some(&Rule::ZipSdist));
    let mut second_top = zip.clone();
    second_top.members.push(Member::stored("evil.py", b""));
    assert_eq!(refused_as("demo_pkg-1.0.zip", &second_top.write()), Rule::NoTop);
    assert_eq!(
        refused_as("demo_pkg-1.0.zip", &Zip::of(members[1..].to_vec()).write()),
        Rule::NoPkgInfo
    );
    for old in [
        "demo_pkg-1.0.tar.bz2",
        "demo_pkg-1.0.tar.xz",
        "demo_pkg-1.0.win32.exe",
    ] {
        let name = crate::packaging::DistFilename::parse_listed(old).unwrap();
        let refused = inspect(&name, std::io::Cursor::new(b"BZh9"), &limits).unwrap_err();
        assert_eq!(refused.rule(), Some(&Rule::UnsupportedKind));
        assert!(
            read_metadata(&name, std::io::Cursor::new(b"BZh9"), &limits)
                .unwrap()
                .is_none()
        );
    }
    let mut setuid = header(b"demo_pkg-1.0/run", b'0', 0);
    put(&mut setuid, 100, b"0004755\0");
    let odd = Tar::sdist()
        .entry(sealed(setuid), b"")
        .file("demo_pkg-1.0/NUL.txt", b"")
        .file("demo_pkg-1.0/Setup.py", b"");
    assert_eq!(
        accept(odd),
        [Rule::SpecialMode, Rule::WindowsName, Rule::CaseCollision]
    );
}
