//! Whether the disk still keeps what is written to it.
//!
//! When the system says that it could not bring a file to the disk, it may have dropped the bytes and says so only
//! once: asking again would be answered with success. So such an upload is refused, its file is not synced again, and
//! no other upload is taken until a new file could be written and synced. Reading goes on.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::folder::Folder;
use super::folder_syncs::FolderSyncs;
use super::spool::SpoolFile;
use super::{Error, write_error};

/// How long a failure keeps uploads away before the disk is tried again.
const PAUSE: Duration = Duration::from_secs(10);

/// What is written to find out.
const PROBE_BYTES: usize = 64 * 1024;

/// The disk's state, as far as uploads have found it out.
pub(super) struct Health {
    failure: Mutex<Option<Failure>>,
    pause: Duration,
    folders: FolderSyncs,
    /// Makes every sync fail.
    #[cfg(test)]
    pub(super) fails: std::sync::atomic::AtomicBool,
}

struct Failure {
    reason: String,
    tried_at: Instant,
}

impl Health {
    /// A disk that nothing bad is known of.
    pub(super) fn new() -> Self {
        Self {
            failure: Mutex::default(),
            pause: if cfg!(test) { Duration::ZERO } else { PAUSE },
            folders: FolderSyncs::default(),
            #[cfg(test)]
            fails: std::sync::atomic::AtomicBool::new(false),
        }
    }

    /// Brings a file's bytes to the disk.
    pub(super) fn sync_file(&self, file: &File, path: &Path) -> Result<(), Error> {
        self.synced(file.sync_all(), path)
    }

    /// Brings a folder's names to the disk, together with others that want the same.
    pub(super) fn sync_folder(&self, folder: &Folder) -> Result<(), Error> {
        self.synced(self.folders.sync(folder).map_err(io::Error::from), folder.path())
    }

    fn synced(&self, outcome: io::Result<()>, path: &Path) -> Result<(), Error> {
        #[cfg(test)]
        let outcome = match self.fails.load(std::sync::atomic::Ordering::Relaxed) {
            true => Err(rustix::io::Errno::IO.into()),
            false => outcome,
        };
        let Err(source) = outcome else { return Ok(()) };
        let error = write_error("sync", path, source);
        if let Error::Io { source, .. } = &error {
            tracing::error!(path = %path.display(), error = %source,
                "the disk does not keep what is written to it; uploads are refused until it does");
            *self.failure() = Some(Failure {
                reason: source.to_string(),
                tried_at: Instant::now(),
            });
        }
        Err(error)
    }

    /// Refuses while the disk is known to fail. Once in a while it is tried again, with a new file in `folder`.
    pub(super) fn check(&self, folder: &Path) -> Result<(), Error> {
        let refused = |reason: &str| Error::Failing {
            folder: folder.to_owned(),
            reason: reason.to_owned(),
        };
        {
            let mut failure = self.failure();
            let Some(known) = &mut *failure else { return Ok(()) };
            if known.tried_at.elapsed() < self.pause {
                return Err(refused(&known.reason));
            }
            known.tried_at = Instant::now();
        }
        self.try_out(folder)
            .map_err(|error| refused(&error.to_string()))?;
        *self.failure() = None;
        tracing::info!(folder = %folder.display(), "the disk keeps what is written to it again; uploads are accepted");
        Ok(())
    }

    fn try_out(&self, folder: &Path) -> Result<(), Error> {
        let probe = SpoolFile::create(folder).map_err(|source| write_error("create", folder, source))?;
        let mut file = probe.file();
        file.write_all(&[0; PROBE_BYTES])
            .map_err(|source| write_error("write", probe.path(), source))?;
        self.sync_file(file, probe.path())
    }

    fn failure(&self) -> std::sync::MutexGuard<'_, Option<Failure>> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
