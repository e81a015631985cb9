//! A claim on the state folder, so that a second server on it can say so.
//!
//! Several servers on one folder are no mistake by themselves: they see each other's changes as they see anybody's.
//! But who starts one by accident should hear of it. The claim ends with the process, however that ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// The claim's file in the state folder.
const CLAIM: &str = "server.lock";

/// Claims the state folder, or says who has it already. `None` when there is no claim to hold, which is no obstacle.
pub(super) fn stake(state_dir: &Path) -> Option<File> {
    let mut options = OpenOptions::new();
    let file = options.read(true).write(true).create(true).truncate(false);
    let mut file = file.mode(0o600).open(state_dir.join(CLAIM)).ok()?;
    match file.try_lock() {
        Ok(()) => {
            // For the other one's message only.
            let _ = file
                .set_len(0)
                .and_then(|()| write!(file, "{}", std::process::id()));
            Some(file)
        }
        Err(TryLockError::WouldBlock) => {
            let mut process = String::new();
            let _ = file.read_to_string(&mut process);
            tracing::warn!(
                folder = %state_dir.display(),
                process,
                "another pkgctl serves this folder already; both see all changes, but one is enough"
            );
            None
        }
        // File systems without locks go without.
        Err(TryLockError::Error(_)) => None,
    }
}
