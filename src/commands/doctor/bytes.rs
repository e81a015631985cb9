//! Whether the files still have the bytes that were recorded of them: disks forget, and people edit.

use std::io;
use std::path::{Path, PathBuf};

use super::report::Section;
use crate::catalog::{self, Recorded, Uploaded};
use crate::failure::Failure;
use crate::packaging::Sha256;
use crate::storage;
use crate::terminal::counted;

/// So many of the files that are only worth a note are named.
const MOST_NAMED: usize = 5;

/// Reads every file that the catalog knows from its first byte to its last.
pub(super) fn look(roots: &[PathBuf], catalog: &Path) -> Section {
    let mut section = Section::new("Bytes of the packages");
    if !catalog.exists() {
        section.note("there is no catalog, so nothing is recorded that they could be compared with");
        return section;
    }
    let recorded = match catalog::recorded(catalog, roots) {
        Ok(recorded) => recorded,
        Err(error) => {
            section.failure(&Failure::from(error));
            return section;
        }
    };
    let mut sound = 0;
    let mut notes = Notes::default();
    for file in &recorded {
        let place = place(roots, file);
        match judge(roots, file) {
            Verdict::Sound => sound += 1,
            Verdict::Unread => notes.unread.push(place),
            Verdict::Changed => notes.changed.push(place),
            Verdict::Missing => notes.missing.push(place),
            Verdict::Unreadable(error) => section.problem(
                format!("`{place}` can't be read: {error}"),
                "if you may read it, its disk is failing: restore it from a backup",
            ),
            Verdict::Rotten { is, recorded } => section.problem(
                format!(
                    "`{place}` has other bytes than were recorded, though its size and time are as they were: its sha256 is \
                     {is}, and was {recorded}"
                ),
                "restore it from a backup, and have the disk looked at",
            ),
            Verdict::NotAsUploaded { is, uploaded } => section.problem(
                format!(
                    "`{place}` is not what was uploaded{}: its sha256 is {is}, and was {}",
                    on_which_occasion(uploaded),
                    uploaded.sha256
                ),
                "restore it from a backup; bytes that are meant to be other ones need a version of their own",
            ),
        }
    }
    if sound > 0 {
        let files = counted(sound, "distribution");
        section.good(format!("{files} with the bytes that were recorded"));
    }
    notes.tell(&mut section);
    section
}

/// What is worth knowing, though nothing is known to be wrong.
#[derive(Default)]
struct Notes {
    unread: Vec<String>,
    changed: Vec<String>,
    missing: Vec<String>,
}

impl Notes {
    fn tell(self, section: &mut Section) {
        for (places, what) in [
            (
                self.unread,
                "no server has read it yet, so there is nothing to compare it with",
            ),
            (
                self.changed,
                "it was changed since a server has read it, and not uploaded",
            ),
            (self.missing, "it is gone, and was not removed through the index"),
        ] {
            for place in places.iter().take(MOST_NAMED) {
                section.note(format!("`{place}`: {what}"));
            }
            if places.len() > MOST_NAMED {
                section.note(format!("and the same of {} more", places.len() - MOST_NAMED));
            }
        }
    }
}

/// What reading one file has shown.
enum Verdict<'a> {
    /// Its bytes are those that were recorded.
    Sound,
    /// Nothing was recorded.
    Unread,
    /// It has another size or time than when it was read, and nobody vouches for what it was.
    Changed,
    Missing,
    Unreadable(io::Error),
    /// Its bytes have changed, and nothing else.
    Rotten {
        is: Sha256,
        recorded: Sha256,
    },
    /// Somebody has put other bytes in the place of an upload.
    NotAsUploaded {
        is: Sha256,
        uploaded: &'a Uploaded,
    },
}

fn judge<'a>(roots: &[PathBuf], file: &'a Recorded) -> Verdict<'a> {
    if file.sha256.is_none() && file.uploaded.is_none() {
        return Verdict::Unread;
    }
    let read = storage::open_outside(roots, &file.key)
        .and_then(|(content, stamp)| Ok((Sha256::of_reader(content)?, stamp)));
    let (is, stamp) = match read {
        Ok(read) => read,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Verdict::Missing,
        Err(error) => return Verdict::Unreadable(error),
    };
    let recorded = file.sha256.filter(|_| stamp == file.stamp);
    match (recorded, &file.uploaded) {
        (Some(recorded), _) if recorded != is => Verdict::Rotten { is, recorded },
        (_, Some(uploaded)) if uploaded.sha256 != is => Verdict::NotAsUploaded { is, uploaded },
        (None, None) => Verdict::Changed,
        _ => Verdict::Sound,
    }
}

fn place(roots: &[PathBuf], file: &Recorded) -> String {
    let root = roots.get(usize::from(file.key.root().0));
    root.map_or_else(PathBuf::new, |root| root.join(file.key.path()))
        .display()
        .to_string()
}

/// ` by ann on 2026-03-01 12:00`
fn on_which_occasion(uploaded: &Uploaded) -> String {
    let by = uploaded
        .by
        .as_ref()
        .map(|by| format!(" by {by}"))
        .unwrap_or_default();
    format!("{by} on {}", uploaded.at.strftime("%F %R"))
}
