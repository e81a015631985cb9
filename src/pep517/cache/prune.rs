//! What is kept, and what has to go.

use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::{CacheLimits, EnvironmentCache, Key, Listing, LockFile, Record, key_of_folder, remove_if_there};

/// An environment that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    key: String,
    /// The interpreter that it was made for, such as `Python 3.12.1`.
    pub interpreter: String,
    /// What it was made of.
    pub requirements: Vec<String>,
    /// Its size in bytes. Files that it shares with an installer's cache by hard links count in full.
    pub bytes: u64,
    /// How long ago it was made.
    pub age: Duration,
    /// How long ago a build used it.
    pub unused: Duration,
}

/// What was removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// How many environments, incomplete ones among them.
    pub environments: usize,
    /// Their size in bytes.
    pub bytes: u64,
    /// How many had to stay because a build uses them.
    pub in_use: usize,
}

impl EnvironmentCache {
    /// All environments that are kept, the one that was used last first.
    ///
    /// # Errors
    /// What the system says when the folder can't be read; none that is not there.
    pub fn kept(&self) -> io::Result<Vec<Kept>> {
        let mut kept = Vec::new();
        for name in self.names()? {
            let Some(key) = name.strip_suffix(".json") else {
                continue;
            };
            let path = self.folder.join(&name);
            // One that goes while this looks is not there.
            if let Some(found) = self.describe(key, &path) {
                kept.push(found);
            }
        }
        kept.sort_by_key(|kept| kept.unused);
        Ok(kept)
    }

    fn describe(&self, key: &str, record_path: &Path) -> Option<Kept> {
        let record = Record::read(record_path)?;
        let now = SystemTime::now();
        let since = |time: SystemTime| now.duration_since(time).unwrap_or_default();
        Some(Kept {
            key: key.to_owned(),
            bytes: Listing::of(&self.folder.join(&record.environment)).ok()?.bytes,
            age: since(record.time_made()),
            unused: since(
                fs::metadata(record_path)
                    .and_then(|metadata| metadata.modified())
                    .ok()?,
            ),
            interpreter: record.interpreter,
            requirements: record.requirements,
        })
    }

    /// Removes what was not used for too long, what is too much, and what is incomplete. What a build uses stays.
    ///
    /// # Errors
    /// What the system says when something can't be removed.
    pub fn prune(&self) -> io::Result<Pruned> {
        self.prune_to(self.limits, None)
    }

    /// The same, but for the environment that was just made.
    pub(crate) fn prune_beside(&self, key: &Key) -> io::Result<Pruned> {
        self.prune_to(self.limits, Some(key.as_str()))
    }

    /// Removes everything that no build uses.
    ///
    /// # Errors
    /// What the system says when something can't be removed.
    pub fn clear(&self) -> io::Result<Pruned> {
        let nothing = CacheLimits {
            max_unused: Duration::ZERO,
            ..self.limits
        };
        self.interpreters().clear()?;
        self.prune_to(nothing, None)
    }

    fn prune_to(&self, limits: CacheLimits, spared: Option<&str>) -> io::Result<Pruned> {
        let mut pruned = Pruned::default();
        let (mut total, mut staying) = (0_u64, Vec::new());
        for kept in self.kept()? {
            total = total.saturating_add(kept.bytes);
            let is_spared = spared == Some(kept.key.as_str());
            if !is_spared && (kept.unused >= limits.max_unused || total > limits.max_bytes) {
                total -= kept.bytes;
                self.remove(&kept.key, &mut pruned)?;
            }
            staying.push(kept.key);
        }
        // Folders that no record names, and locks of what is gone.
        for name in self.names()? {
            let key = name.strip_suffix(".lock").or_else(|| key_of_folder(&name));
            if let Some(key) = key.filter(|key| !staying.iter().any(|kept| kept == key)) {
                self.remove(key, &mut pruned)?;
            }
        }
        Ok(pruned)
    }

    fn remove(&self, key: &str, pruned: &mut Pruned) -> io::Result<()> {
        let lock_path = self.lock_path(key);
        let Some(lock) = LockFile::try_exclusive(&lock_path)? else {
            pruned.in_use += 1;
            return Ok(());
        };
        // Without the record the rest is nothing that anybody would use.
        remove_if_there(fs::remove_file(self.record_path(key)))?;
        for name in self.names()? {
            if key_of_folder(&name) == Some(key) {
                pruned.environments += 1;
                pruned.bytes += Listing::of(&self.folder.join(name)).map_or(0, |listing| listing.bytes);
            }
        }
        self.remove_folders(key)?;
        lock.remove(&lock_path)
    }

    pub(super) fn names(&self) -> io::Result<Vec<String>> {
        match fs::read_dir(&self.folder) {
            Ok(entries) => entries
                .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
                .collect(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }
}
