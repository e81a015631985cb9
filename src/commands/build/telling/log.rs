//! The log of a build: all that was done and printed, for the case that it is wanted afterwards.
//!
//! ```text
//! build-logs/20261122-201503-x7Gk2a/build.log      the log, for its owner alone
//! build-logs/20261122-201503-x7Gk2a/a-1.tar.gz     an sdist whose wheel could not be built
//! ```
//!
//! A bounded number of runs is kept, and a bounded number of bytes: the oldest go first.

use std::collections::VecDeque;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

const FOLDER: &str = "build-logs";
const MAX_RUNS: usize = 20;
/// What all runs may take together; the newest stays in any case.
const MAX_BYTES: u64 = 256 << 20;
/// Of a long log the beginning and the end are kept, this much of each.
const MAX_HALF_BYTES: usize = 8 << 20;

/// The log of a build that is under way.
#[derive(Debug)]
pub(super) struct BuildLog {
    folder: PathBuf,
    file: File,
    written: usize,
    /// The end of a log that is too long; written when all is done.
    end: VecDeque<u8>,
    skipped: usize,
}

impl BuildLog {
    /// Begins a log below `cache_folder`, and removes what is too much there.
    pub(super) fn begin(cache_folder: &Path) -> io::Result<Self> {
        let base = cache_folder.join(FOLDER);
        DirBuilder::new().recursive(true).mode(0o700).create(&base)?;
        // A log more or less is no reason to have none.
        let _ = prune(&base, MAX_RUNS - 1, MAX_BYTES);
        let now = jiff::Timestamp::now().strftime("%Y%m%d-%H%M%S-").to_string();
        let folder = tempfile::Builder::new()
            .prefix(&now)
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in(&base)?;
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(folder.path().join("build.log"))?;
        Ok(Self {
            folder: folder.keep(),
            file,
            written: 0,
            end: VecDeque::new(),
            skipped: 0,
        })
    }

    /// The folder of this run alone.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where the log is.
    pub(super) fn path(&self) -> PathBuf {
        self.folder.join("build.log")
    }

    /// Whether there is anything in it.
    pub(super) fn is_empty(&self) -> bool {
        self.written == 0
    }

    /// Adds to it. A disk that is full now must not be what ends the build.
    pub(super) fn write(&mut self, bytes: &[u8]) {
        let (head, rest) = bytes.split_at(bytes.len().min(MAX_HALF_BYTES - self.written));
        let _ = self.file.write_all(head);
        self.written += head.len();
        self.end.extend(rest);
        let surplus = self.end.len().saturating_sub(MAX_HALF_BYTES);
        self.skipped += surplus;
        self.end.drain(..surplus);
    }
}

impl Drop for BuildLog {
    fn drop(&mut self) {
        if self.is_empty() {
            // Nothing was begun, so there is nothing to look up.
            let _ = fs::remove_dir_all(&self.folder);
            return;
        }
        if self.skipped > 0 {
            let _ = writeln!(self.file, "\n[{} bytes are left out here]", self.skipped);
        }
        let (one, two) = self.end.as_slices();
        let _ = self.file.write_all(one).and_then(|()| self.file.write_all(two));
    }
}

/// Removes the oldest runs until at most `max_runs` are left, which take at most `max_bytes`.
fn prune(base: &Path, max_runs: usize, max_bytes: u64) -> io::Result<()> {
    let mut runs: Vec<PathBuf> = fs::read_dir(base)?
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .collect();
    // Their names begin with their times.
    runs.sort_by(|one, other| other.cmp(one));
    let mut bytes = 0;
    for (position, run) in runs.iter().enumerate() {
        bytes += size(run);
        if position >= max_runs || (position > 0 && bytes > max_bytes) {
            fs::remove_dir_all(run)?;
        }
    }
    Ok(())
}

/// The bytes of the files that lie directly in a folder.
fn size(folder: &Path) -> u64 {
    fs::read_dir(folder).map_or(0, |entries| {
        entries
            .flatten()
            .filter_map(|entry| entry.metadata().ok())
            .map(|metadata| metadata.len())
            .sum()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn the_oldest_runs_go_first() {
        let base = tempfile::tempdir().unwrap();
        for name in ["1", "2", "3", "4"] {
            fs::create_dir(base.path().join(name)).unwrap();
            fs::write(base.path().join(name).join("build.log"), [0; 10]).unwrap();
        }
        fs::write(base.path().join("file"), "").unwrap();
        prune(base.path(), 3, 1000).unwrap();
        assert_eq!(names(base.path()), ["2", "3", "4", "file"]);
        prune(base.path(), 3, 25).unwrap();
        assert_eq!(names(base.path()), ["3", "4", "file"]);
        prune(base.path(), 3, 1).unwrap();
        assert_eq!(names(base.path()), ["4", "file"], "the newest stays");
    }

    #[test]
    fn a_log_is_private_and_an_empty_one_leaves_nothing() {
        let cache = tempfile::tempdir().unwrap();
        drop(BuildLog::begin(cache.path()).unwrap());
        assert_eq!(names(&cache.path().join(FOLDER)), [""; 0]);
        let mut log = BuildLog::begin(cache.path()).unwrap();
        log.write(b"caf\xe9\n");
        let path = log.path();
        drop(log);
        assert_eq!(fs::read(&path).unwrap(), b"caf\xe9\n");
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(path.parent().unwrap()), 0o700);
    }

    #[test]
    fn of_a_long_log_both_ends_are_kept() {
        let cache = tempfile::tempdir().unwrap();
        let mut log = BuildLog::begin(cache.path()).unwrap();
        let path = log.path();
        log.write(b"first\n");
        for _ in 0..20 {
            log.write(&[b'x'; 1 << 20]);
        }
        log.write(b"\nlast\n");
        drop(log);
        let text = fs::read_to_string(path).unwrap();
        assert!(text.starts_with("first\n") && text.ends_with("\nlast\n"));
        assert!(text.contains("bytes are left out here]\n"));
        assert!(text.len() < 2 * MAX_HALF_BYTES + 100);
    }
}
