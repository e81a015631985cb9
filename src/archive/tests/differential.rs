//! What we accept, Python reads identically.
//!
//! Thousands of archives are mutated where it hurts (`mutations.rs`); those that the walkers accept go to Python's
//! `zipfile` and `tarfile`, which must see the same members with the same bytes. One Python reads them all from a pipe.
//!
//! `PKGCTL_TEST_DIFFERENTIAL=ROUNDS[:SEED]` sets how many there are, and which.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};

use super::super::oracles;
use super::mutations::{Dice, mutated_tar, mutated_zip};
use crate::packaging::Sha256;

/// Reads `KIND BYTES` and as many bytes, again and again; answers each time with a line: every member as kind, path and
/// digest or target.
const PYTHON: &str = r#"
import hashlib, io, sys, tarfile, zipfile
sys.stdout.reconfigure(encoding="utf-8", newline="\n")
def clean(path):
    return "/".join(part for part in path.split("/") if part not in ("", "."))
def zip_members(file):
    with zipfile.ZipFile(file) as archive:
        for info in archive.infolist():
            kind = "d" if info.is_dir() else "f"
            yield kind, info.filename.rstrip("/"), hashlib.sha256(archive.read(info)).hexdigest() if kind == "f" else ""
def tar_members(file):
    with tarfile.open(fileobj=file, mode="r:gz") as archive:
        for info in archive:
            if info.isdir(): yield "d", clean(info.name), ""
            elif info.issym(): yield "s", clean(info.name), info.linkname
            elif info.islnk(): yield "h", clean(info.name), clean(info.linkname)
            elif info.isreg(): yield "f", clean(info.name), hashlib.sha256(archive.extractfile(info).read()).hexdigest()
            else: yield "?", info.name, ""
while head := sys.stdin.buffer.readline():
    kind, length = head.split()
    file = io.BytesIO(sys.stdin.buffer.read(int(length)))
    try:
        members = list((zip_members if kind == b"zip" else tar_members)(file))
        print("\x1e".join("\x1f".join(member) for member in sorted(members) if member[1]), flush=True)
    except Exception as error:
        print("error " + repr(error), flush=True)
"#;

/// The members as we see them, or `None` when the archive is refused.
fn our_members(is_zip: bool, bytes: &[u8]) -> Option<String> {
    let seen = if is_zip {
        oracles::zip(bytes)
    } else {
        oracles::tar_gz(bytes)
    };
    let mut members: Vec<String> = seen?
        .iter()
        .map(|seen| match seen.kind {
            'f' => format!("f\x1f{}\x1f{}", seen.path, Sha256::of(&seen.content)),
            kind => format!("{kind}\x1f{}\x1f{}", seen.path, seen.target),
        })
        .collect();
    members.sort();
    Some(members.join("\x1e"))
}

/// A Python that reads archives; `None` where there is none.
fn python() -> Option<Child> {
    Command::new("python3")
        .args(["-I", "-c", PYTHON])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .ok()
}

/// How many archives, and from which seed.
fn rounds_and_seed() -> (usize, u64) {
    #[expect(clippy::disallowed_methods, reason = "an assignment of the tests' own")]
    let wish = std::env::var("PKGCTL_TEST_DIFFERENTIAL").unwrap_or_default();
    let (rounds, seed) = wish.split_once(':').unwrap_or((&wish, ""));
    let seed = seed.parse().ok().filter(|seed| *seed != 0);
    (
        rounds.parse().unwrap_or(8000),
        seed.unwrap_or(0x9e37_79b9_7f4a_7c15),
    )
}

#[test]
fn what_we_accept_python_reads_identically() {
    let (rounds, seed) = rounds_and_seed();
    let Some(mut python) = python() else {
        println!("skipped: the comparison with Python needs python3");
        return;
    };
    let mut to_python = python.stdin.take().unwrap();
    let mut from_python = BufReader::new(python.stdout.take().unwrap());
    let mut dice = Dice(seed);
    let (mut zips, mut tars) = (0, 0);
    for round in 0..rounds {
        let is_zip = round % 2 == 0;
        let (kind, bytes) = if is_zip {
            ("zip", mutated_zip(&mut dice))
        } else {
            ("tar", mutated_tar(&mut dice))
        };
        let Some(ours) = our_members(is_zip, &bytes) else {
            continue;
        };
        writeln!(to_python, "{kind} {}", bytes.len()).unwrap();
        to_python.write_all(&bytes).unwrap();
        let mut theirs = String::new();
        from_python.read_line(&mut theirs).unwrap();
        assert_eq!(
            ours,
            theirs.trim_end_matches('\n'),
            "{kind} {round} of {rounds}:{seed}: b\"{}\"",
            bytes.escape_ascii()
        );
        *if is_zip { &mut zips } else { &mut tars } += 1;
    }
    drop(to_python);
    assert!(python.wait().unwrap().success());
    println!(
        "of {rounds} archives {zips} zips and {tars} tars were accepted, and read identically by Python"
    );
    assert!(
        zips > rounds / 50 && tars > rounds / 50,
        "too few pass: {zips} zips, {tars} tars"
    );
    assert!(zips + tars < rounds * 9 / 10, "too few are refused");
}
