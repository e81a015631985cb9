//! Wheels whose zip is in order and whose members are not: their names, their RECORD, their metadata.

use super::super::{Limits, Rule, Verdict, inspect};
use super::forge_tar;
use super::forge_zip::{
    METADATA, Member, WHEEL_NAME, Zip, record, wheel_files, wheel_of, wheel_replacing, wheel_with, zip_of,
};
use super::zip_attacks::{accept, refuse, refuse_bytes};
use super::{assert_no_worse_than_linear, inspect_as, refused_as};

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
