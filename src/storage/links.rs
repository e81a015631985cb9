//! Files with other names: symlinks, and hard links.
//!
//! A symlink is served when it leads to a file, wherever that lies: whoever may make links in the folder may as well
//! copy files into it, and uploads can't make any. Symlinked folders are not followed. What a link leads to can change
//! without an event in the folder, and so can a file that has more names than one. The latter is watched by itself once
//! it was asked for; the former, and what can't be watched, is looked at whenever it is asked for.
//!
//! Known limit: a hard link that is made elsewhere after a file was last looked at is not known of, for the system tells
//! of no such thing. Bytes that are then changed in place through the new name are noticed when the file is opened or the
//! folder listed the next time; until then its page shows what was there before.

use std::collections::{HashMap, HashSet};
use std::ffi::CStr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use rustix::fs::{FileType, Stat};

use super::folder::Folder;
use super::{Stamp, StoreKey};

/// Which symlinked files are served: all but those whose target is hidden, as password files are, or is in the state
/// folder.
pub(super) struct LinkRule {
    state_dir: PathBuf,
}

/// What stands under a name.
pub(super) struct Sight {
    pub(super) stamp: Stamp,
    /// Whether it can be changed by another name.
    pub(super) is_linked: bool,
    /// Whether it is a symlink that led to it.
    pub(super) is_symlink: bool,
}

impl LinkRule {
    /// The rule for this state folder as it is now.
    pub(super) fn new(state_dir: &Path) -> Self {
        Self {
            state_dir: state_dir.canonicalize().unwrap_or_else(|_| state_dir.to_owned()),
        }
    }

    /// The folder and the name of the file that the symlink at `link` leads to; `None` when it is not served.
    pub(super) fn target(&self, link: &Path) -> Option<(Folder, String)> {
        let target = link.canonicalize().ok()?;
        let name = target.file_name()?.to_str()?;
        if target.starts_with(&self.state_dir) || name.starts_with('.') {
            return None;
        }
        let folder = Folder::open(target.parent()?).ok()?;
        Some((folder, name.to_owned()))
    }

    /// The state of the file under `name`, or of what it leads to; `None` when it is not served.
    pub(super) fn look_at(&self, folder: &Folder, name: &CStr) -> Option<Sight> {
        let stat = folder.look_at(name).ok()?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::Symlink {
            let is_linked = has_other_names(&stat);
            return Stamp::of_file(&stat).map(|stamp| Sight {
                stamp,
                is_linked,
                is_symlink: false,
            });
        }
        let (folder, name) = self.target(&folder.path().join(name.to_str().ok()?))?;
        let stamp = Stamp::of_file(&folder.look_at(name).ok()?)?;
        Some(Sight {
            stamp,
            is_linked: true,
            is_symlink: true,
        })
    }
}

/// Whether a file has more names than the one it was found under.
pub(super) fn has_other_names(stat: &Stat) -> bool {
    stat.st_nlink > 1
}

/// The files that were linked when they were last looked at.
#[derive(Default)]
pub(super) struct Linked {
    /// Whether there are any, which is what is asked most often.
    any: AtomicBool,
    keys: Mutex<HashMap<StoreKey, Changes>>,
}

/// Whether changes through another name make themselves known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Changes {
    Told,
    Unseen,
}

impl Linked {
    /// Takes note of what a file was found to be: `None` when it has no other name. Tells whether that is news of a
    /// file whose changes were told.
    pub(super) fn note(&self, key: &StoreKey, changes: Option<Changes>) -> bool {
        if changes.is_none() && !self.any.load(Ordering::Acquire) {
            return false;
        }
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let before = match changes {
            Some(changes) => keys.insert(key.clone(), changes),
            None => keys.remove(key),
        };
        self.any.store(!keys.is_empty(), Ordering::Release);
        before == Some(Changes::Told) && changes.is_none()
    }

    /// Takes note of all that a listing has found. It is looked at again before it counts as told of.
    pub(super) fn replace(&self, all: HashSet<StoreKey>) {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        self.any.store(!all.is_empty(), Ordering::Release);
        *keys = all.into_iter().map(|key| (key, Changes::Unseen)).collect();
    }

    /// Whether this file may change without being told of.
    pub(super) fn may_change_unseen(&self, key: &StoreKey) -> bool {
        self.any.load(Ordering::Acquire)
            && self
                .keys
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .get(key)
                .is_some_and(|changes| *changes == Changes::Unseen)
    }
}
