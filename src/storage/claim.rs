//! A claim on the state folder, so that a second server on it can say so.
//!
//! Several servers on one folder are no mistake by themselves: they see each other's changes as they see anybody's.
//! But who starts one by accident should hear of it. The claim ends with the process, however that ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The claim's file in the state folder.
const CLAIM: &str = "server.lock";

/// A claim, for as long as it lives.
pub(super) struct Claim {
    path: PathBuf,
    /// The locked file; `None` when there is none to hold, which is no obstacle.
    held: Mutex<Option<File>>,
}

impl Claim {
    /// Claims the state folder, or says who has it already.
    pub(super) fn stake(state_dir: &Path) -> Self {
        let path = state_dir.join(CLAIM);
        Self {
            held: Mutex::new(lock(&path).unwrap_or(None)),
            path,
        }
    }

    /// Claims it again where the folder was made anew: a claim on a file that is gone binds nobody. Costs one look.
    pub(super) fn renew(&self) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(Ok(ours)) = held.as_ref().map(File::metadata) else {
            return;
        };
        let is_in_place = std::fs::metadata(&self.path)
            .is_ok_and(|found| (found.dev(), found.ino()) == (ours.dev(), ours.ino()));
        if !is_in_place && let Ok(renewed) = lock(&self.path) {
            *held = renewed;
        }
    }
}

/// Locks the claim's file; `None` when another process has it, or where there are no locks.
fn lock(path: &Path) -> io::Result<Option<File>> {
    let mut options = OpenOptions::new();
    let file = options.read(true).write(true).create(true).truncate(false);
    let mut file = file.mode(0o600).open(path)?;
    match file.try_lock() {
        Ok(()) => {
            // For the other one's message only.
            let _ = file
                .set_len(0)
                .and_then(|()| write!(file, "{}", std::process::id()));
            Ok(Some(file))
        }
        Err(TryLockError::WouldBlock) => {
            let mut process = String::new();
            let _ = file.read_to_string(&mut process);
            tracing::warn!(
                folder = %path.parent().unwrap_or(path).display(),
                process,
                "another pkgctl serves this folder already; both see all changes, but one is enough"
            );
            Ok(None)
        }
        // File systems without locks go without.
        Err(TryLockError::Error(_)) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_claimed(state_dir: &Path) -> bool {
        let file = File::open(state_dir.join(CLAIM)).unwrap();
        matches!(file.try_lock(), Err(TryLockError::WouldBlock))
    }

    #[test]
    fn a_folder_that_was_made_anew_is_claimed_anew() {
        let scratch = tempfile::tempdir().unwrap();
        let state_dir = scratch.path().join("state");
        std::fs::create_dir(&state_dir).unwrap();
        let claim = Claim::stake(&state_dir);
        assert!(is_claimed(&state_dir));
        std::fs::remove_dir_all(&state_dir).unwrap();
        claim.renew();
        assert!(!state_dir.exists(), "nothing is put where nothing is");
        std::fs::create_dir(&state_dir).unwrap();
        claim.renew();
        assert!(is_claimed(&state_dir));
        claim.renew();
        drop(claim);
        assert!(!is_claimed(&state_dir));
    }
}
