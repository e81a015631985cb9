//! Sdists unpacked to disk.

use std::fs;
use std::io::Cursor;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::super::{Error, Limits, Rule, unpack_sdist};
use super::forge_tar::{PKG_INFO, SDIST_NAME, Tar, header, honest_sdist, put, sealed};
use super::forge_zip::{Member, Zip};

fn unpack(filename: &str, bytes: &[u8], into: &Path) -> Result<std::path::PathBuf, Error> {
    unpack_sdist(
        &filename.parse().unwrap(),
        Cursor::new(bytes),
        into,
        &Limits::default(),
    )
}

#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn files_times_and_modes_are_kept() {
    let into = tempfile::tempdir().unwrap();
    let mut program = header(b"demo_pkg-1.0/bin/run", b'0', 3);
    put(&mut program, 100, b"0006777\0");
    let tar = Tar::sdist()
        .entry(sealed(program), b"#!x")
        .link(b'2', "demo_pkg-1.0/docs/link", "../setup.py")
        .link(b'1', "demo_pkg-1.0/hard", "demo_pkg-1.0/setup.py")
        .pax(&[("mtime", "1000000000.7")])
        .file("demo_pkg-1.0/dated", b"");
    let top = unpack(SDIST_NAME, &tar.write(), into.path()).unwrap();
    assert_eq!(top, into.path().join("demo_pkg-1.0"));
    assert_eq!(fs::read_to_string(top.join("PKG-INFO")).unwrap(), PKG_INFO);
    assert_eq!(
        fs::read(top.join("docs/link")).unwrap(),
        fs::read(top.join("setup.py")).unwrap()
    );
    assert_eq!(
        fs::read(top.join("hard")).unwrap(),
        fs::read(top.join("setup.py")).unwrap()
    );
    let modified = |name: &str| {
        let time = fs::metadata(top.join(name)).unwrap().modified().unwrap();
        time.duration_since(SystemTime::UNIX_EPOCH).unwrap()
    };
    assert_eq!(modified("setup.py"), Duration::from_secs(0o14_000_000_000));
    assert_eq!(modified("dated"), Duration::from_secs(1_000_000_000));
    #[cfg(unix)]
    {
        assert_eq!(mode(&top.join("bin/run")) & 0o7711, 0o711);
        assert_eq!(mode(&top.join("setup.py")) & 0o7711, 0o600);
    }
}

#[test]
fn zips_are_unpacked_the_same_way() {
    let into = tempfile::tempdir().unwrap();
    let zip = Zip::of(vec![
        Member::stored("demo_pkg-1.0/", b""),
        Member::deflated("demo_pkg-1.0/PKG-INFO", PKG_INFO.as_bytes()),
        Member::deflated("demo_pkg-1.0/sub/x.py", b"x"),
    ]);
    let top = unpack("demo_pkg-1.0.zip", &zip.write(), into.path()).unwrap();
    assert_eq!(fs::read_to_string(top.join("sub/x.py")).unwrap(), "x");
}

// I4
#[test]
fn b21_a_refused_sdist_leaves_nothing() {
    let into = tempfile::tempdir().unwrap();
    let outside = into.path().join("outside");
    let hostile = [
        Tar::sdist().file("demo_pkg-1.0/../../outside", b"x"),
        Tar::sdist()
            .link(b'2', "demo_pkg-1.0/link", "../..")
            .file("demo_pkg-1.0/link/outside", b"x"),
        Tar::sdist().file("outside", b"x"),
        Tar::sdist().link(b'2', "demo_pkg-1.0/link", outside.to_str().unwrap()),
        Tar::sdist().file("second/outside", b"x"),
    ];
    for tar in hostile {
        let inner = into.path().join("inner");
        fs::create_dir(&inner).unwrap();
        let error = unpack(SDIST_NAME, &tar.write(), &inner).unwrap_err();
        assert!(error.is_refusal(), "{error}");
        assert_eq!(fs::read_dir(&inner).unwrap().count(), 0, "{error}");
        assert!(!outside.exists());
        fs::remove_dir(&inner).unwrap();
    }
}

#[test]
fn an_existing_top_folder_is_left_alone() {
    let into = tempfile::tempdir().unwrap();
    let top = into.path().join("demo_pkg-1.0");
    fs::create_dir(&top).unwrap();
    fs::write(top.join("mine"), b"x").unwrap();
    let error = unpack(SDIST_NAME, &honest_sdist(), into.path()).unwrap_err();
    assert!(matches!(error, Error::Write { .. }) && !error.is_refusal());
    assert!(top.join("mine").exists());
    let wheel = unpack("a-1.0-py3-none-any.whl", b"", into.path()).unwrap_err();
    assert_eq!(wheel.rule(), Some(&Rule::UnsupportedKind));
}

#[cfg(unix)]
#[test]
fn a_link_in_the_place_of_the_top_folder_is_not_followed() {
    let into = tempfile::tempdir().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(elsewhere.path(), into.path().join("demo_pkg-1.0")).unwrap();
    assert!(unpack(SDIST_NAME, &honest_sdist(), into.path()).is_err());
    assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0);
}
