//! What two archives of one name are told apart by.

use std::io::Cursor;

use super::forge_tar::{SDIST_NAME, Tar, header, put, sealed};
use super::forge_zip::{Member, Zip};
use crate::archive::{Difference, Limits, differences};

const WHEEL_NAME: &str = "demo_pkg-1.0-py3-none-any.whl";

/// The lines that tell the differences.
fn told(filename: &str, first: &[u8], second: &[u8]) -> Vec<String> {
    let filename = filename.parse().unwrap();
    let found = differences(
        &filename,
        Cursor::new(first),
        Cursor::new(second),
        &Limits::default(),
    );
    found.unwrap().iter().map(ToString::to_string).collect()
}

/// `demo_pkg-1.0/a` with one other field in its header.
fn sdist_with(at: usize, field: &[u8]) -> Vec<u8> {
    let mut block = header(b"demo_pkg-1.0/a", b'0', 3);
    put(&mut block, at, field);
    Tar::sdist().entry(sealed(block), b"abc").write()
}

#[test]
fn members_of_sdists_are_named_with_what_is_other_about_them() {
    let honest = Tar::sdist().file("demo_pkg-1.0/a", b"abc").write();
    assert_eq!(told(SDIST_NAME, &honest, &honest), [""; 0]);
    let a = |what: &str| vec![format!("`demo_pkg-1.0/a` {what}")];
    let other = |content: &[u8]| Tar::sdist().file("demo_pkg-1.0/a", content).write();
    let link = Tar::sdist().link(b'2', "demo_pkg-1.0/a", "setup.py").write();
    let cases = [
        (other(b"xyz"), a("has other bytes (3 bytes in both)")),
        (other(b"wxyz"), a("has other bytes (3 bytes, then 4 bytes)")),
        (link, a("has other bytes (3 bytes, then a link to `setup.py`)")),
        (
            sdist_with(136, b"14000000001\0"),
            a("has another time (1610612736, then 1610612737)"),
        ),
        (
            sdist_with(100, b"0000755\0"),
            a("has other permissions (644, then 755)"),
        ),
        (Tar::sdist().write(), a("is only in the first")),
        (
            Tar::sdist()
                .file("demo_pkg-1.0/a", b"abc")
                .file("demo_pkg-1.0/b", b"")
                .write(),
            vec!["`demo_pkg-1.0/b` is only in the second".to_owned()],
        ),
    ];
    for (second, expected) in cases {
        assert_eq!(told(SDIST_NAME, &honest, &second), expected);
    }
}

#[test]
fn order_owners_and_the_time_of_gzip_are_told_apart() {
    let sdist = |first: &str, second: &str| Tar::sdist().file(first, b"").file(second, b"").write();
    let (a, b) = ("demo_pkg-1.0/a", "demo_pkg-1.0/b");
    assert_eq!(
        told(SDIST_NAME, &sdist(a, b), &sdist(b, a)),
        ["the members come in another order, from `demo_pkg-1.0/a` on"]
    );
    let mut later = sdist(a, b);
    later[4] = 7;
    assert_eq!(
        told(SDIST_NAME, &sdist(a, b), &later),
        ["the gzip header has another time (0, then 7)"]
    );
    // Owners are nobody's business but that of the bytes.
    let lines = told(
        SDIST_NAME,
        &sdist_with(100, b"0000644\0"),
        &sdist_with(108, b"0001750\0"),
    );
    assert_eq!(lines.len(), 1);
    assert!(lines[0].starts_with("the members are the same, but packed in another way from byte "));
}

#[test]
fn members_of_wheels_are_compared_as_well() {
    let wheel = |members: &[Member]| Zip::of(members.to_vec()).write();
    let (a, b) = (Member::stored("a.py", b"abc"), Member::deflated("b.py", b"abc"));
    let honest = wheel(&[a.clone(), b.clone()]);
    let executable = b.clone().both(|fields| fields.external = 0o100_755 << 16);
    assert_eq!(
        told(WHEEL_NAME, &honest, &wheel(&[a.clone(), executable])),
        ["`b.py` has other permissions (100644, then 100755)"]
    );
    assert_eq!(
        told(WHEEL_NAME, &honest, &wheel(&[b.clone(), a.clone()])),
        ["the members come in another order, from `a.py` on"]
    );
    let lines = told(
        WHEEL_NAME,
        &honest,
        &wheel(&[Member::deflated("a.py", b"abc"), b]),
    );
    assert!(lines[0].contains("packed in another way"), "{lines:?}");
}

#[test]
fn what_is_no_archive_is_an_error_unless_it_is_the_same() {
    let filename = WHEEL_NAME.parse().unwrap();
    let limits = Limits::default();
    let compare = |first: &[u8], second: &[u8]| -> Result<Vec<Difference>, _> {
        differences(&filename, Cursor::new(first), Cursor::new(second), &limits)
    };
    assert_eq!(compare(b"junk", b"junk").unwrap(), []);
    assert!(compare(b"junk", b"junk and more").unwrap_err().is_refusal());
}
