//! Which files are being written right now, so that nobody is shown half of one.
//!
//! A file is unfinished from the event of its creation, or of a change of its bytes, to the event of its closing. A
//! name that comes by renaming or linking is finished at once, because what it names was written before. A writer
//! that dies, or that never closes, would keep a file from everybody for good: one that nobody has written to for a
//! while counts as finished too.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::StoreKey;

/// The files that are being written, with the time of the last write.
pub(super) struct Unfinished {
    /// Whether there are none, which is what is asked most often.
    is_empty: AtomicBool,
    files: Mutex<HashMap<StoreKey, Instant>>,
    /// For how long nobody may have written to a file before it counts as finished without being closed.
    quiet_for: Duration,
}

impl Unfinished {
    /// None yet.
    pub(super) fn new(quiet_for: Duration) -> Self {
        Self {
            is_empty: AtomicBool::new(true),
            files: Mutex::default(),
            quiet_for,
        }
    }

    /// Whether no file is being written.
    pub(super) fn is_empty(&self) -> bool {
        self.is_empty.load(Ordering::Acquire)
    }

    /// Whether this file is being written.
    pub(super) fn contains(&self, key: &StoreKey) -> bool {
        !self.is_empty() && self.with(|files| files.contains_key(key))
    }

    /// Takes note of a write; tells whether the file counted as finished before.
    pub(super) fn written(&self, key: &StoreKey) -> bool {
        self.with(|files| files.insert(key.clone(), Instant::now()).is_none())
    }

    /// Takes note that the file is whole, or gone.
    pub(super) fn finished(&self, key: &StoreKey) {
        if !self.is_empty() {
            self.with(|files| files.remove(key));
        }
    }

    /// All of them.
    pub(super) fn keys(&self) -> Vec<StoreKey> {
        if self.is_empty() {
            return Vec::new();
        }
        self.with(|files| files.keys().cloned().collect())
    }

    /// The files that nobody has written to for long enough; they count as finished from now on.
    pub(super) fn take_quiet(&self) -> Vec<StoreKey> {
        if self.is_empty() {
            return Vec::new();
        }
        let is_quiet = |_: &StoreKey, last: &mut Instant| last.elapsed() >= self.quiet_for;
        self.with(|files| files.extract_if(is_quiet).map(|(key, _)| key).collect())
    }

    fn with<T>(&self, work: impl FnOnce(&mut HashMap<StoreKey, Instant>) -> T) -> T {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let result = work(&mut files);
        self.is_empty.store(files.is_empty(), Ordering::Release);
        result
    }
}
