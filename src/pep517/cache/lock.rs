//! Locks between processes, which the system takes back from whoever dies.

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

/// A lock that is held until this is dropped.
#[derive(Debug)]
pub(super) struct LockFile(File);

impl LockFile {
    /// Takes the lock beside others who share it; `None` while somebody has it alone.
    pub(super) fn try_shared(path: &Path) -> io::Result<Option<Self>> {
        Self::take(path, File::try_lock_shared)
    }

    /// Takes the lock alone; `None` while anybody else has it.
    pub(super) fn try_exclusive(path: &Path) -> io::Result<Option<Self>> {
        Self::take(path, File::try_lock)
    }

    fn take(path: &Path, lock: impl Fn(&File) -> Result<(), TryLockError>) -> io::Result<Option<Self>> {
        loop {
            let file = File::options()
                .create(true)
                .write(true)
                .truncate(false)
                .mode(0o600)
                .open(path)?;
            match lock(&file) {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(error),
            }
            // Whoever removed the file while this one was waiting has made it a lock of nothing.
            let mine = file.metadata()?;
            if fs::metadata(path).is_ok_and(|now| (now.dev(), now.ino()) == (mine.dev(), mine.ino())) {
                return Ok(Some(Self(file)));
            }
        }
    }

    /// Removes the file; only for who has the lock alone.
    pub(super) fn remove(self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)?;
        drop(self.0);
        Ok(())
    }
}
