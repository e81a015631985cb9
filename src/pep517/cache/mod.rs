//! Build environments that are kept for the next build that asks for the same.
//!
//! ```text
//! build-environments/KEY.lock       shared while a build uses the environment, exclusive while it is made or removed
//! build-environments/KEY.json       the record: which folder it is, and what lay in it when it was made
//! build-environments/KEY-RANDOM/    the environment
//! ```
//!
//! An environment holds its own path in many places, so it can't be made elsewhere and then be moved. It is made in a
//! folder with a new name, and counts from the moment on in which its record is renamed into place. Whoever is killed
//! before leaves a folder that no record names: the next one to make this environment, or to prune, removes it. A
//! child that outlives a killed build goes on writing to that folder, and to no other.

mod key;
mod listing;
mod lock;
mod prune;

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

pub(crate) use key::{Key, KeyParts};
use listing::Listing;
use lock::LockFile;
pub use prune::{Kept, Pruned};

use super::known_interpreters::KnownInterpreters;
use super::process::Interrupt;

const FOLDER: &str = "build-environments";
/// How often a lock that another build holds is tried again.
const PATIENCE: Duration = Duration::from_millis(40);

/// How much is kept, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheLimits {
    /// All environments together; those that were used longest ago go first.
    pub max_bytes: u64,
    /// An environment that no build has used for this long goes.
    pub max_unused: Duration,
    /// An environment whose requirements leave the version open is made anew after this long, so that new releases
    /// arrive.
    pub fresh_for: Duration,
}

impl Default for CacheLimits {
    /// 4 GiB, 30 days, one day.
    fn default() -> Self {
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        Self {
            max_bytes: 4 << 30,
            max_unused: DAY * 30,
            fresh_for: DAY,
        }
    }
}

/// The kept environments of one user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvironmentCache {
    folder: PathBuf,
    limits: CacheLimits,
}

/// What is known of an environment that is complete.
#[derive(Debug, Serialize, Deserialize)]
struct Record {
    /// The folder's name.
    environment: String,
    /// The digest of its listing.
    listing: String,
    interpreter: String,
    requirements: Vec<String>,
    /// Whether the requirements name one version each.
    pinned: bool,
    /// Seconds since 1970.
    made_at: u64,
}

/// What a build gets when it asks for an environment.
pub(crate) enum Checkout {
    /// It is there.
    Ready(Lease),
    /// It is not; the caller makes it.
    Missing(Making),
    /// It is of no use any more, and another build still uses it: the caller needs one of its own.
    Busy,
}

/// A kept environment that stays as long as this lives.
#[derive(Debug)]
pub(crate) struct Lease {
    pub(crate) folder: PathBuf,
    listing: String,
    _lock: LockFile,
}

/// The right to make an environment; without [`Making::finish`] nothing of it stays.
pub(crate) struct Making {
    pub(crate) folder: PathBuf,
    record_path: PathBuf,
    finished: bool,
    _lock: LockFile,
}

impl EnvironmentCache {
    /// A cache below `cache_folder`, the program's own folder; nothing is created before it is needed.
    #[must_use]
    pub fn new(cache_folder: &Path, limits: CacheLimits) -> Self {
        Self {
            folder: cache_folder.join(FOLDER),
            limits,
        }
    }

    /// Where the environments lie.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What the interpreters have said that environments were made for.
    pub(crate) fn interpreters(&self) -> KnownInterpreters {
        KnownInterpreters::new(self.folder.with_file_name("interpreters"))
    }

    /// Looks for the environment of `key`. While another build makes it, this waits.
    ///
    /// # Errors
    /// `Interrupted` when the user wants to stop; what the system says when the folder is of no use.
    pub(crate) fn check_out(&self, key: &Key, interrupt: &Interrupt) -> io::Result<Checkout> {
        let mut folders = fs::DirBuilder::new();
        folders.recursive(true).mode(0o700).create(&self.folder)?;
        let path = self.lock_path(key.as_str());
        loop {
            if interrupt.is_set() {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let shared = LockFile::try_shared(&path)?;
            let is_shared = shared.is_some();
            if let Some(lock) = shared
                && let Some(lease) = self.lease(key, lock)
            {
                return Ok(Checkout::Ready(lease));
            }
            if let Some(lock) = LockFile::try_exclusive(&path)? {
                return self.making(key, lock).map(Checkout::Missing);
            }
            if is_shared {
                // Nobody makes it, so somebody uses what is of no use to us.
                return Ok(Checkout::Busy);
            }
            std::thread::sleep(PATIENCE);
        }
    }

    /// The environment, when it is there, recent enough and as it was made.
    fn lease(&self, key: &Key, lock: LockFile) -> Option<Lease> {
        let record_path = self.record_path(key.as_str());
        let record = Record::read(&record_path)?;
        let fresh_for = if record.pinned {
            self.limits.max_unused
        } else {
            self.limits.fresh_for
        };
        // One that was made in the future is none to trust either.
        let age = SystemTime::now().duration_since(record.time_made()).ok()?;
        if age >= fresh_for {
            return None;
        }
        let lease = Lease {
            folder: self.folder.join(&record.environment),
            listing: record.listing,
            _lock: lock,
        };
        if !lease.is_untouched() {
            return None;
        }
        // The time of its last use; a cache that can't be written to can still be read.
        let _ = File::options()
            .write(true)
            .open(&record_path)
            .and_then(|file| file.set_modified(SystemTime::now()));
        Some(lease)
    }

    fn making(&self, key: &Key, lock: LockFile) -> io::Result<Making> {
        let record_path = self.record_path(key.as_str());
        remove_if_there(fs::remove_file(&record_path))?;
        self.remove_folders(key.as_str())?;
        let folder = tempfile::Builder::new()
            .prefix(&format!("{}-", key.as_str()))
            .tempdir_in(&self.folder)?
            .keep();
        Ok(Making {
            folder,
            record_path,
            finished: false,
            _lock: lock,
        })
    }

    /// Removes all environments of that key; its lock is held.
    fn remove_folders(&self, key: &str) -> io::Result<()> {
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() && key_of_folder(&entry.file_name().to_string_lossy()) == Some(key)
            {
                remove_if_there(fs::remove_dir_all(entry.path()))?;
            }
        }
        Ok(())
    }

    fn lock_path(&self, key: &str) -> PathBuf {
        self.folder.join(format!("{key}.lock"))
    }

    fn record_path(&self, key: &str) -> PathBuf {
        self.folder.join(format!("{key}.json"))
    }
}

impl Lease {
    /// Whether all files are those that were there when it was made. What Python compiles does not count.
    pub(crate) fn is_untouched(&self) -> bool {
        // The interpreter that it was made for may be gone.
        self.folder.join("bin/python").exists()
            && Listing::of(&self.folder).is_ok_and(|listing| listing.digest.to_string() == self.listing)
    }
}

impl Making {
    /// Makes the environment count, once it is complete; whoever wants it checks it out then.
    pub(crate) fn finish(mut self, parts: &KeyParts<'_>) -> io::Result<()> {
        let made_at = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .map_err(io::Error::other)?;
        let record = Record {
            environment: self
                .folder
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
            listing: Listing::of(&self.folder)?.digest.to_string(),
            interpreter: parts.interpreter.to_string(),
            requirements: parts.requirements.iter().map(ToString::to_string).collect(),
            pinned: parts.are_pinned(),
            made_at: made_at.as_secs(),
        };
        // Inside, so that it goes with the folder should this end here.
        let written = self.folder.join("record.json");
        fs::write(&written, serde_json::to_string(&record)?)?;
        fs::rename(&written, &self.record_path)?;
        self.finished = true;
        Ok(())
    }
}

impl Drop for Making {
    fn drop(&mut self) {
        if !self.finished {
            // What can't be removed now is removed by the next one who makes it.
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

impl Record {
    /// `None` when there is none that can be read: then there is no environment.
    fn read(path: &Path) -> Option<Self> {
        let record: Self = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
        // It names a folder beside itself and nothing else.
        let key = path.file_stem()?.to_str()?;
        (key_of_folder(&record.environment) == Some(key)).then_some(record)
    }

    fn time_made(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(self.made_at)
    }
}

/// The key in the name of an environment's folder.
fn key_of_folder(name: &str) -> Option<&str> {
    let (key, random) = name.split_once('-')?;
    let is_plain = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (is_plain(key) && is_plain(random)).then_some(key)
}

fn remove_if_there(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests;
