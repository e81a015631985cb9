//! Syncs of folders, shared by those who need one at the same time.
//!
//! A sync keeps every name that was made before it began, whoever made it. So whoever finds the disk busy waits for the
//! sync after the one that runs, and one is enough for all that wait.

use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::io::Errno;

use super::folder::{Folder, FolderIdentity};

/// Who waits for a sync, and whose turn it is to make one.
#[derive(Default)]
pub(super) struct FolderSyncs {
    waiting: Mutex<Vec<Waiting>>,
    turn: Mutex<()>,
}

struct Waiting {
    folder: FolderIdentity,
    outcome: SyncSender<Result<(), Errno>>,
}

impl FolderSyncs {
    /// Makes sure that the names in `folder` survive a power loss. Blocks.
    ///
    /// # Errors
    /// What the system said of the sync, to all that shared it.
    pub(super) fn sync(&self, folder: &Folder) -> Result<(), Errno> {
        self.share(FolderIdentity::of(&folder.status()?), || folder.sync())
    }

    fn share(&self, folder: FolderIdentity, sync: impl FnOnce() -> Result<(), Errno>) -> Result<(), Errno> {
        let (outcome, told) = sync_channel(1);
        self.waiting().push(Waiting { folder, outcome });
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever had the turn before may have begun after this one came.
        if let Ok(outcome) = told.try_recv() {
            return outcome;
        }
        // This one is among them.
        let sharing: Vec<Waiting> = self
            .waiting()
            .extract_if(.., |waiting| waiting.folder == folder)
            .collect();
        let outcome = sync();
        for waiting in sharing {
            // Whoever is gone needs no answer.
            let _ = waiting.outcome.send(outcome);
        }
        outcome
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::sync::mpsc::channel;

    use super::*;

    fn identity(path: &std::path::Path) -> FolderIdentity {
        FolderIdentity::at(path).unwrap()
    }

    fn until_waiting(syncs: &FolderSyncs, count: usize) {
        while syncs.waiting().len() < count {
            std::thread::yield_now();
        }
    }

    #[test]
    fn those_that_wait_share_the_sync_that_begins_after_they_came() {
        let scratch = tempfile::tempdir().unwrap();
        let folder = identity(scratch.path());
        let (syncs, made) = (FolderSyncs::default(), AtomicU32::new(0));
        let (begun, is_begun) = channel();
        let (release, released) = channel::<()>();
        let all = &syncs;
        std::thread::scope(|scope| {
            let first = scope.spawn(move || {
                all.share(folder, || {
                    begun.send(()).unwrap();
                    released.recv().unwrap();
                    Ok(())
                })
            });
            is_begun.recv().unwrap();
            let late: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| {
                        syncs.share(folder, || {
                            made.fetch_add(1, Ordering::SeqCst);
                            Err(Errno::IO)
                        })
                    })
                })
                .collect();
            until_waiting(&syncs, 4);
            assert_eq!(made.load(Ordering::SeqCst), 0, "the running sync is not theirs");
            release.send(()).unwrap();
            assert_eq!(first.join().unwrap(), Ok(()));
            for one in late {
                assert_eq!(one.join().unwrap(), Err(Errno::IO), "each is told");
            }
        });
        assert_eq!(made.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn another_folder_is_synced_by_itself() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (one, other) = (identity(one.path()), identity(other.path()));
        let (syncs, made) = (FolderSyncs::default(), AtomicU32::new(0));
        let count = || {
            made.fetch_add(1, Ordering::SeqCst);
            Ok(())
        };
        let turn = syncs.turn.lock().unwrap();
        std::thread::scope(|scope| {
            for folder in [one, other, one, other] {
                let (syncs, count) = (&syncs, &count);
                scope.spawn(move || syncs.share(folder, count).unwrap());
            }
            until_waiting(&syncs, 4);
            drop(turn);
        });
        assert_eq!(made.load(Ordering::SeqCst), 2);
        assert!(syncs.waiting().is_empty());
    }
}
