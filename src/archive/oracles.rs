//! What must hold of the readers for any bytes. Fuzz targets (`tests/fuzz/`) and ordinary tests ask these.

use std::collections::HashSet;
use std::io::Cursor;

use super::error::{Error, Judge};
use super::member::{Flow, Kind, Member, Visitor};
use super::zip_walker::ZipWalker;
use super::{Limits, inspect, read_metadata, tar_walker};

/// A member as a walker showed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// `d`, `f`, `s` or `h`: a folder, a file, a symbolic or a hard link.
    pub kind: char,
    /// Clean relative path.
    pub path: String,
    /// Of links.
    pub target: String,
    /// Of files.
    pub content: Vec<u8>,
}

/// Bounds so small that a few kilobytes reach them.
fn small_limits() -> Limits {
    Limits {
        max_metadata_bytes: 4 << 10,
        max_side_file_bytes: 1 << 10,
        max_record_bytes: 8 << 10,
        max_members: 200,
        max_directory_bytes: 64 << 10,
        ratio_free_bytes: 64 << 10,
        max_wheel_unpacked_bytes: 1 << 20,
        max_sdist_unpacked_bytes: 1 << 20,
        max_pax_bytes: 4 << 10,
        max_links: 50,
        ..Limits::default()
    }
}

/// Keeps what a walker shows, and holds its promises against it.
struct Recorder {
    members: Vec<Seen>,
    expected_bytes: u64,
    total_bytes: u64,
    max_total_bytes: u64,
}

impl Visitor for Recorder {
    fn begin(&mut self, member: &Member<'_>, _judge: &mut Judge<'_>) -> Result<(), Error> {
        let (kind, target) = match member.kind {
            Kind::Folder => ('d', ""),
            Kind::File { .. } => ('f', ""),
            Kind::Symlink { target } => ('s', target),
            Kind::HardLink { target } => ('h', target),
        };
        self.expected_bytes = match member.kind {
            Kind::File { bytes } => bytes,
            _ => 0,
        };
        assert_harmless(member.path);
        self.members.push(Seen {
            kind,
            path: member.path.to_owned(),
            target: target.to_owned(),
            content: Vec::new(),
        });
        Ok(())
    }

    fn data(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.total_bytes += bytes.len() as u64;
        assert!(
            self.total_bytes <= self.max_total_bytes,
            "more came out than the limits allow"
        );
        if let Some(seen) = self.members.last_mut() {
            seen.content.extend_from_slice(bytes);
        }
        Ok(())
    }

    fn end(&mut self, _judge: &mut Judge<'_>) -> Result<Flow, Error> {
        let seen = self.members.last().map_or(0, |seen| seen.content.len() as u64);
        assert_eq!(seen, self.expected_bytes, "the size that was told is another");
        Ok(Flow::Continue)
    }
}

/// A path that no reader could place outside the folder that it unpacks into.
fn assert_harmless(path: &str) {
    let parts_are_names = path.split('/').all(|part| !matches!(part, "" | "." | ".."));
    assert!(
        path.is_empty() || parts_are_names,
        "a path that is not clean: {path:?}"
    );
    let has_odd_character = path.chars().any(|c| c == '\\' || c.is_control());
    assert!(!has_odd_character, "a path with an odd character: {path:?}");
}

/// What both walkers owe: the members of an accepted archive. Each path is there once (a tar may repeat folders), and
/// a second walk shows the same.
fn seen_twice(
    walk: impl Fn(&Limits, &mut Recorder) -> Result<(), Error>,
    repeats: &[char],
) -> Option<Vec<Seen>> {
    let limits = small_limits();
    let look = || {
        let mut recorder = Recorder {
            members: Vec::new(),
            expected_bytes: 0,
            total_bytes: 0,
            max_total_bytes: limits
                .max_wheel_unpacked_bytes
                .max(limits.max_sdist_unpacked_bytes),
        };
        walk(&limits, &mut recorder)
            .map(|()| recorder.members)
            .inspect_err(assert_speaks_plainly)
    };
    let first = look().ok()?;
    assert_eq!(look().ok().as_ref(), Some(&first), "a second reading differs");
    assert!(first.len() <= limits.max_members, "too many members");
    let mut paths = HashSet::new();
    for seen in &first {
        let is_new = paths.insert(&seen.path);
        assert!(
            is_new || repeats.contains(&seen.kind),
            "{:?} is there twice",
            seen.path
        );
    }
    Some(first)
}

/// One sentence without control characters, of bounded length.
fn assert_speaks_plainly(error: &Error) {
    let message = error.to_string();
    assert!(message.len() < 2000, "a long message: {} bytes", message.len());
    assert!(!message.chars().any(char::is_control), "{message:?}");
}

/// The members of a zip that is accepted, in the order of the file; `None` for one that is refused.
#[must_use]
pub fn zip(bytes: &[u8]) -> Option<Vec<Seen>> {
    let walk = |limits: &Limits, recorder: &mut Recorder| {
        let mut judge = Judge::new(limits);
        let mut zip = ZipWalker::open(Cursor::new(bytes), &mut judge, |_| Ok(()))?;
        zip.walk(limits.max_wheel_unpacked_bytes, &mut judge, recorder)
    };
    let members = seen_twice(walk, &[])?;
    let reads_as_tar = bytes
        .first_chunk::<512>()
        .is_some_and(super::tar_header::has_right_checksum);
    assert!(!reads_as_tar, "a zip that is a tar too");
    Some(members)
}

/// The members of a `.tar.gz` that is accepted, in the order of the file; `None` for one that is refused.
#[must_use]
pub fn tar_gz(bytes: &[u8]) -> Option<Vec<Seen>> {
    let walk = |limits: &Limits, recorder: &mut Recorder| {
        tar_walker::walk(Cursor::new(bytes), &mut Judge::new(limits), recorder)
    };
    seen_twice(walk, &['d'])
}

/// A whole distribution: what [`inspect`] accepts has metadata that agree with the file's name, and the quick reader
/// for files in the folder finds the same bytes.
pub fn distribution(filename: &str, bytes: &[u8]) {
    let Ok(filename) = filename.parse() else { return };
    let limits = small_limits();
    let inspected = inspect(&filename, Cursor::new(bytes), &limits);
    let quick = read_metadata(&filename, Cursor::new(bytes), &limits);
    match inspected {
        Ok(inspection) => {
            assert_eq!(inspection.metadata.name(), filename.project());
            assert!(inspection.metadata_bytes.len() as u64 <= limits.max_metadata_bytes);
            let found = quick.ok().flatten();
            assert_eq!(found.as_deref(), Some(&inspection.metadata_bytes[..]));
        }
        Err(error) => assert_speaks_plainly(&error),
    }
}
