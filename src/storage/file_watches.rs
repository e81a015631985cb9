//! Watches on single files: those that have names outside the folders, through which they can be changed without an
//! event in any folder.

use std::collections::HashMap;
use std::path::Path;

use inotify::{WatchDescriptor, WatchMask, Watches};

use super::watch::FileWatch;
use super::{Root, StoreKey};

/// Most files that are watched: each keeps about a kilobyte of the system's memory.
const MOST_FILES: usize = 65_536;

/// Where the system says how many watches one user may have.
const LIMIT_FILE: &str = "/proc/sys/fs/inotify/max_user_watches";

/// The files that are watched. One has several keys when it has several names in the roots.
pub(super) struct FileWatches {
    keys: HashMap<WatchDescriptor, Vec<StoreKey>>,
    descriptors: HashMap<StoreKey, WatchDescriptor>,
    most: usize,
}

impl FileWatches {
    /// None yet. A quarter of what the system allows is the most there will be: folders and other programs need some.
    pub(super) fn new() -> Self {
        let limit = std::fs::read_to_string(LIMIT_FILE).ok();
        let limit = limit.and_then(|limit| limit.trim().parse::<usize>().ok());
        Self {
            keys: HashMap::new(),
            descriptors: HashMap::new(),
            most: limit.map_or(0, |limit| limit / 4).min(MOST_FILES),
        }
    }

    /// Begins to watch the file at `path`, of which `is_folder` says whether a folder is watched there instead.
    pub(super) fn add(
        &mut self,
        watches: &mut Watches,
        key: &StoreKey,
        path: &Path,
        is_folder: impl Fn(&WatchDescriptor) -> bool,
    ) -> FileWatch {
        if self.descriptors.contains_key(key) {
            return FileWatch::IsThere;
        }
        if self.descriptors.len() >= self.most {
            return FileWatch::Failed;
        }
        // Added to what is watched there: a folder may have taken the name a moment ago.
        let mask = WatchMask::MODIFY
            | WatchMask::CLOSE_WRITE
            | WatchMask::ATTRIB
            | WatchMask::DONT_FOLLOW
            | WatchMask::MASK_ADD;
        match watches.add(path, mask) {
            Ok(descriptor) if !is_folder(&descriptor) => {
                self.keys.entry(descriptor.clone()).or_default().push(key.clone());
                self.descriptors.insert(key.clone(), descriptor);
                FileWatch::IsNew
            }
            Ok(_) => FileWatch::Failed,
            Err(error) => {
                tracing::debug!(file = %path.display(), %error, "not watched");
                FileWatch::Failed
            }
        }
    }

    /// The keys of the file that an event is about; `None` when it is about no single file.
    pub(super) fn keys_of(&self, descriptor: &WatchDescriptor) -> Option<&[StoreKey]> {
        self.keys.get(descriptor).map(Vec::as_slice)
    }

    /// Ends the watch on a file under this name.
    pub(super) fn forget(&mut self, watches: &mut Watches, key: &StoreKey) {
        let Some(descriptor) = self.descriptors.remove(key) else {
            return;
        };
        let Some(keys) = self.keys.get_mut(&descriptor) else {
            return;
        };
        keys.retain(|other| other != key);
        if keys.is_empty() {
            self.keys.remove(&descriptor);
            // It fails when the system has ended the watch already.
            let _ = watches.remove(descriptor);
        }
    }

    /// Ends the watches on all files at or below a place.
    pub(super) fn forget_below(
        &mut self,
        watches: &mut Watches,
        root: Root,
        is_below: impl Fn(&str) -> bool,
    ) {
        let is_meant = |key: &&StoreKey| key.root() == root && is_below(key.path());
        let keys: Vec<StoreKey> = self.descriptors.keys().filter(is_meant).cloned().collect();
        for key in &keys {
            self.forget(watches, key);
        }
    }

    /// The system has ended a watch. Gives the names that the file had; `None` when it was no single file's.
    pub(super) fn ended(&mut self, descriptor: &WatchDescriptor) -> Option<Vec<StoreKey>> {
        let keys = self.keys.remove(descriptor)?;
        for key in &keys {
            self.descriptors.remove(key);
        }
        Some(keys)
    }
}
