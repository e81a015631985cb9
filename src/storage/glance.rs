//! A glance at whether anything has changed, past the lock of the [watch](super::watch).
//!
//! Every answer asks that, and nearly always nothing has. Asked under a lock, the answers of all threads would wait for
//! each other; so what there is to look at is shared as long as nothing waits to be told, and withdrawn before anybody
//! takes from it.

use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwapOption;

use super::folder::FolderIdentity;

/// What can be glanced at, if there is something.
#[derive(Default)]
pub(super) struct Glance {
    still: ArcSwapOption<Still>,
}

/// How things stand while nothing has changed.
pub(super) struct Still {
    /// The queue of events, which is empty then.
    pub(super) queue: Arc<OwnedFd>,
    /// Where the paths of the roots lead to then.
    pub(super) roots: Vec<(PathBuf, FolderIdentity)>,
}

impl Glance {
    /// Whether there is certainly nothing to take from the watch. Costs two system calls and waits for nobody.
    pub(super) fn finds_nothing(&self) -> bool {
        let still = self.still.load();
        let Some(before) = still.as_ref() else {
            return false;
        };
        if !before.holds() {
            return false;
        }
        // An empty queue says nothing if somebody has taken from it meanwhile, which is said before it is done.
        let now = self.still.load();
        now.as_ref().is_some_and(|now| Arc::ptr_eq(before, now))
    }

    /// To be said before anything is taken from the queue.
    pub(super) fn withdraw(&self) {
        self.still.store(None);
    }

    /// To be said when all that was taken has been told, or is being told now.
    pub(super) fn offer(&self, still: Still) {
        self.still.store(Some(Arc::new(still)));
    }
}

impl Still {
    fn holds(&self) -> bool {
        let leads_there =
            |(path, folder): &(PathBuf, FolderIdentity)| FolderIdentity::at(path) == Some(*folder);
        rustix::io::ioctl_fionread(self.queue.as_fd()).is_ok_and(|bytes| bytes == 0)
            && self.roots.iter().all(leads_there)
    }
}
