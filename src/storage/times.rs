//! Noticing changes by the times of folders, where there are no events.
//!
//! A folder's time of change moves whenever a name appears, vanishes or is replaced in it; writing into a file that
//! is there does not move it. Two changes within one tick of the clock leave the same time, so a time is not trusted
//! before that tick has passed: until then everything counts as changed.

use std::collections::HashMap;
use std::os::fd::BorrowedFd;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::fs::{AtFlags, CWD, Stat};

use super::Error;
use super::folder::{Folder, FolderIdentity};
use super::walk::{Found, Walk};

/// The coarsest clocks of file systems that give fractions of a second tick every hundredth.
const FINE_TICK: Duration = Duration::from_millis(100);

/// FAT counts in two seconds, ext3 and HFS+ in one.
const COARSE_TICK: Duration = Duration::from_millis(2_500);

/// The folders of one root, each with the time it was last seen with.
#[derive(Default)]
pub(super) struct FolderTimes {
    folders: HashMap<Box<str>, Sighting>,
}

/// What a folder looked like, and since when.
#[derive(Clone, Copy)]
struct Sighting {
    state: State,
    /// Our own clock, because a file server's may go wrong.
    first_seen: Instant,
    /// Whether no later change can carry the same time.
    is_settled: bool,
}

/// What moves when the names in a folder change.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct State {
    identity: FolderIdentity,
    modified: (i64, i64),
    status_changed: (i64, i64),
}

impl FolderTimes {
    /// Looks at every folder of a root for the first time.
    pub(super) fn survey(walk: &Walk<'_>) -> Result<Self, Error> {
        Self::default().survey_again(walk)
    }

    /// Whether something changed since the last call, or may have; then the folders are surveyed again.
    pub(super) fn take(&mut self, walk: &Walk<'_>) -> Result<bool, Error> {
        let is_quiet = |below_root: &str, known: &Sighting| {
            known.is_settled && State::at(walk.path, below_root) == Some(known.state)
        };
        if !self.folders.is_empty()
            && self
                .folders
                .iter()
                .all(|(below_root, known)| is_quiet(below_root, known))
        {
            return Ok(false);
        }
        *self = self.survey_again(walk)?;
        Ok(true)
    }

    fn survey_again(&self, walk: &Walk<'_>) -> Result<Self, Error> {
        let mut folders = HashMap::new();
        walk.run::<Error>(&mut |found| {
            // Looked at before its names are read: what changes while they are read is found the next time.
            if let Found::Folder(below_root, folder) = found
                && let Some(state) = State::of(folder)
            {
                let sighting = self.sighting(below_root, state);
                folders.insert(below_root.into(), sighting);
            }
            Ok(())
        })?;
        Ok(Self { folders })
    }

    fn sighting(&self, below_root: &str, state: State) -> Sighting {
        match self.folders.get(below_root) {
            Some(known) if known.state == state => Sighting {
                is_settled: known.is_settled || known.first_seen.elapsed() > state.tick(),
                ..*known
            },
            _ => Sighting {
                state,
                first_seen: Instant::now(),
                is_settled: false,
            },
        }
    }
}

impl State {
    /// The folder `below_root`, as it is now.
    pub(super) fn at(root: &Path, below_root: &str) -> Option<Self> {
        let path = root.join(below_root);
        Self::fresh(CWD, &path, AtFlags::empty())
            .or_else(|| rustix::fs::stat(&path).ok().map(|stat| Self::of_status(&stat)))
    }

    fn of(folder: &Folder) -> Option<Self> {
        Self::fresh(folder.descriptor(), Path::new(""), AtFlags::EMPTY_PATH)
            .or_else(|| folder.status().ok().map(|stat| Self::of_status(&stat)))
    }

    /// Asks the file server itself, because a network file system answers the common call from a cache that may
    /// be half a minute old.
    #[cfg(target_os = "linux")]
    fn fresh(start: BorrowedFd<'_>, path: &Path, flags: AtFlags) -> Option<Self> {
        use rustix::fs::{StatxFlags, StatxTimestamp, makedev, statx};
        let flags = flags | AtFlags::STATX_FORCE_SYNC;
        let stat = statx(start, path, flags, StatxFlags::BASIC_STATS).ok()?;
        let time = |time: StatxTimestamp| (time.tv_sec, i64::from(time.tv_nsec));
        Some(Self {
            identity: FolderIdentity::new(makedev(stat.stx_dev_major, stat.stx_dev_minor), stat.stx_ino),
            modified: time(stat.stx_mtime),
            status_changed: time(stat.stx_ctime),
        })
    }

    #[cfg(not(target_os = "linux"))]
    fn fresh(_start: BorrowedFd<'_>, _path: &Path, _flags: AtFlags) -> Option<Self> {
        None
    }

    #[allow(
        clippy::unnecessary_cast,
        reason = "the fields have other types on other systems"
    )]
    fn of_status(stat: &Stat) -> Self {
        Self {
            identity: FolderIdentity::of(stat),
            modified: (stat.st_mtime as i64, stat.st_mtime_nsec as i64),
            status_changed: (stat.st_ctime as i64, stat.st_ctime_nsec as i64),
        }
    }

    /// Whether a change from now on shows in its times, going by the clock that gave them.
    pub(super) fn is_older_than_a_tick(&self, now: Duration) -> bool {
        let youngest = self.modified.max(self.status_changed);
        let (Ok(seconds), Ok(nanoseconds)) = (u64::try_from(youngest.0), u32::try_from(youngest.1)) else {
            return false;
        };
        now > Duration::new(seconds, nanoseconds) + self.tick()
    }

    /// All that tells it from another state.
    pub(super) fn numbers(&self) -> [i128; 6] {
        let Self {
            identity,
            modified,
            status_changed,
        } = self;
        let (device, inode) = identity.numbers();
        [
            device.into(),
            inode.into(),
            modified.0.into(),
            modified.1.into(),
            status_changed.0.into(),
            status_changed.1.into(),
        ]
    }

    /// For how long a change may leave this very time.
    fn tick(&self) -> Duration {
        match self.modified.1 {
            0 => COARSE_TICK,
            _ => FINE_TICK,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::Root;

    #[test]
    fn a_time_is_trusted_only_when_its_tick_has_passed() {
        let folder = tempfile::tempdir().unwrap();
        let walk = Walk {
            root: Root(0),
            path: folder.path(),
            state: None,
        };
        let mut times = FolderTimes::survey(&walk).unwrap();
        assert!(times.take(&walk).unwrap(), "the folder is as young as its time");
        let sighting = times.folders.get_mut("").unwrap();
        sighting.first_seen -= 2 * COARSE_TICK;
        assert!(
            times.take(&walk).unwrap(),
            "what came within the tick is told once more"
        );
        assert!(!times.take(&walk).unwrap(), "nothing has changed since");
        std::fs::write(folder.path().join("a"), "").unwrap();
        assert!(times.take(&walk).unwrap());
        assert!(times.take(&walk).unwrap(), "the time is young again");
    }

    #[test]
    fn every_folder_below_is_looked_at() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("a/b")).unwrap();
        std::fs::create_dir_all(folder.path().join(".hidden/c")).unwrap();
        let walk = Walk {
            root: Root(0),
            path: folder.path(),
            state: None,
        };
        let mut times = FolderTimes::survey(&walk).unwrap();
        let mut known: Vec<_> = times.folders.keys().map(|name| name.to_string()).collect();
        known.sort();
        assert_eq!(known, ["", "a", "a/b"]);
        for sighting in times.folders.values_mut() {
            sighting.is_settled = true;
        }
        assert!(!times.take(&walk).unwrap());
        std::fs::write(folder.path().join(".hidden/c/x"), "").unwrap();
        assert!(!times.take(&walk).unwrap());
        std::fs::write(folder.path().join("a/b/x"), "").unwrap();
        assert!(times.take(&walk).unwrap());
    }
}
