//! A catalog that goes on when its file can't.
//!
//! Disks fill up, backups lock the file, people remove it, mounts come and go. None of that may keep anybody from a
//! page or a package, and no page may lie: so when the file fails, a copy in memory takes its place. It takes note of
//! what happens in the folder, while uploads, which must be remembered, are refused with the reason. As soon as the
//! file can be used again, what was learned meanwhile is brought into it and it takes over.
//!
//! | the file | the copy is made from | the way back |
//! |---|---|---|
//! | has no room, is locked, can't be written | what the open file still tells | tried again and again |
//! | was removed or emptied | the same | at once: it is written anew from the copy, and nothing is lost |
//! | is damaged | its second copy and what the folder holds | at once: it is set aside and a new one begun |
//!
//! `replacement.rs` puts one catalog in the place of another, both ways; `stand_in.rs` is the copy in memory and what
//! it learns for the file.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use tokio::sync::{RwLock, RwLockReadGuard};
use tracing::debug;

use self::replacement::{Current, Shared, blocking};
use self::stand_in::{StandIn, rewritten};
use super::database::Opened;
use super::{
    Catalog, Counts, Error, FileFacts, FileRecord, Known, Observation, Pieces, ProjectRecord, SqliteCatalog,
    UploadRecord,
};
use crate::causes::in_one_line;
use crate::packaging::{DistFilename, ProjectName};
use crate::storage::{self, Entry, Stamp, StoreKey};

mod replacement;
mod stand_in;

/// How long a start is left alone before the whole of a large file is read.
const CHECK_PAUSE: Duration = Duration::from_secs(1);

/// Tells what the folders hold now, for a catalog that has to begin anew.
pub type Census = Box<dyn Fn() -> BoxFuture<'static, Result<Vec<Entry>, storage::Error>> + Send + Sync>;

/// A [`SqliteCatalog`] that never keeps a reader waiting for its file.
pub struct SteadyCatalog {
    shared: Arc<Shared>,
}

/// Does the work with the catalog that is used now, and once more with its stand-in when that failed.
macro_rules! steadily {
    ($self:ident, $current:ident => $work:expr) => {
        loop {
            let $current = $self.shared.current.read().await;
            let number = $current.number;
            match $work.await {
                Ok(done) => break Ok(done),
                Err(error) => {
                    drop($current);
                    $self.shared.step_in(number, error).await?;
                }
            }
        }
    };
}

impl SteadyCatalog {
    /// Opens the catalog at `path` for the served folders `roots`, as [`SqliteCatalog::open`] does. Where its file
    /// can't be used, a copy of it in memory serves until it can.
    ///
    /// # Errors
    /// [`Error::TooNew`]; [`Error::Database`] when there is no memory for a stand-in.
    pub async fn open(path: &Path, roots: &[PathBuf], census: Census) -> Result<(Self, Opened), Error> {
        let begin = {
            let (path, roots) = (path.to_owned(), roots.to_owned());
            move || match SqliteCatalog::open(&path, &roots) {
                Ok((catalog, opened)) => Ok((catalog, opened, None)),
                Err(error @ Error::TooNew { .. }) => Err(error),
                Err(because) => {
                    let catalog = SqliteCatalog::load(&path, &roots)
                        .or_else(|_| SqliteCatalog::in_memory_for(&path, &roots))?;
                    let reason = in_one_line(&because);
                    Ok((catalog, Opened::InMemory { reason }, Some(StandIn::new(because))))
                }
            }
        };
        let (catalog, opened, stand_in) = blocking(path, begin).await?;
        let shared = Arc::new(Shared {
            path: path.to_owned(),
            roots: roots.to_owned(),
            census,
            current: RwLock::new(Current {
                catalog: Arc::new(catalog),
                number: 0,
                stand_in,
                made_anew_at: None,
            }),
        });
        if matches!(opened, Opened::InMemory { .. }) {
            shared.keep_trying();
        }
        tokio::spawn(check_later(Arc::downgrade(&shared)));
        Ok((Self { shared }, opened))
    }

    /// Makes a second copy of the catalog when there is none or something was acknowledged since. For now and then, and
    /// for a clean stop; while the file can't be used, nothing happens. A file that is found damaged by it is replaced.
    ///
    /// # Errors
    /// [`Error::NoSpace`], [`Error::NotWritable`], [`Error::Database`]; the copy before is kept then.
    pub async fn keep_copy(&self) -> Result<(), Error> {
        let (catalog, number) = {
            let current = self.shared.current.read().await;
            if current.stand_in.is_some() {
                return Ok(());
            }
            (Arc::clone(&current.catalog), current.number)
        };
        let path = self.shared.path.clone();
        let copied = Arc::clone(&catalog);
        let copy = move || {
            if copied.keep_copy()? {
                debug!(catalog = %path.display(), "copied");
            }
            Ok(())
        };
        match blocking(&self.shared.path, copy).await {
            // The copy before is sound, and what it is for.
            Err(Error::Damaged { .. }) => self.shared.check(catalog, number).await,
            outcome => outcome,
        }
    }

    /// The catalog for what must be remembered: the one on disk, or the reason why it can't be used.
    async fn on_disk(&self) -> Result<RwLockReadGuard<'_, Current>, Error> {
        let current = self.shared.current.read().await;
        if current.stand_in.is_none() {
            return Ok(current);
        }
        drop(current);
        if let Err(error) = self.shared.come_back().await {
            debug!(reason = in_one_line(&error), "the catalog can't be used yet");
        }
        let current = self.shared.current.read().await;
        match &current.stand_in {
            Some(stand_in) => Err(stand_in.because()),
            None => Ok(current),
        }
    }

    /// Makes the best of a failure to record something that must be remembered: a file that was removed or damaged
    /// is made anew, and then `Ok` says to try again; anything else is told.
    async fn mend(&self, number: u64, error: Error) -> Result<(), Error> {
        match error {
            Error::Vanished { .. } | Error::Damaged { .. } | Error::Database { .. } => {
                self.shared.step_in(number, error).await
            }
            Error::TooNew { .. } | Error::NotWritable { .. } | Error::Busy { .. } | Error::NoSpace { .. } => {
                Err(error)
            }
        }
    }
}

#[async_trait]
impl Catalog for SteadyCatalog {
    async fn projects(&self) -> Result<Vec<ProjectName>, Error> {
        steadily!(self, current => current.catalog.projects())
    }

    async fn project(&self, name: &ProjectName) -> Result<Option<ProjectRecord>, Error> {
        steadily!(self, current => current.catalog.project(name))
    }

    async fn file(&self, filename: &str) -> Result<Option<FileRecord>, Error> {
        steadily!(self, current => current.catalog.file(filename))
    }

    async fn files_named(&self, filenames: Vec<String>) -> Result<Vec<FileRecord>, Error> {
        steadily!(self, current => current.catalog.files_named(filenames.clone()))
    }

    async fn listed_paths(&self) -> Result<Vec<Box<str>>, Error> {
        steadily!(self, current => current.catalog.listed_paths())
    }

    async fn files_like(&self, identity: &str) -> Result<Vec<FileRecord>, Error> {
        steadily!(self, current => current.catalog.files_like(identity))
    }

    async fn known(&self, filename: &DistFilename) -> Result<Known, Error> {
        steadily!(self, current => current.catalog.known(filename))
    }

    async fn present(&self) -> Result<Vec<(StoreKey, Stamp)>, Error> {
        steadily!(self, current => current.catalog.present())
    }

    async fn unread(&self, limit: usize) -> Result<Vec<FileRecord>, Error> {
        steadily!(self, current => current.catalog.unread(limit))
    }

    async fn observe(&self, observations: Vec<Observation>) -> Result<Vec<ProjectName>, Error> {
        let observations = Arc::new(observations);
        steadily!(self, current => async {
            let affected = current.catalog.observe_shared(Arc::clone(&observations)).await?;
            current.learn(|learned| learned.rewritten.extend(rewritten(&observations).cloned()));
            Ok(affected)
        })
    }

    async fn observe_pieces(&self, pieces: Pieces<'_>) -> Result<(), Error> {
        steadily!(self, current => current.catalog.observe_pieces(pieces))
    }

    async fn twins(&self) -> Result<Vec<StoreKey>, Error> {
        steadily!(self, current => current.catalog.twins())
    }

    async fn record_facts(&self, key: &StoreKey, stamp: Stamp, facts: FileFacts) -> Result<bool, Error> {
        steadily!(self, current => async {
            let recorded = current.catalog.record_facts(key, stamp, facts.clone()).await?;
            current.learn(|learned| learned.read.extend(recorded.then(|| key.clone())));
            Ok(recorded)
        })
    }

    async fn record_upload(&self, upload: UploadRecord) -> Result<(), Error> {
        loop {
            let current = self.on_disk().await?;
            let number = current.number;
            let Err(error) = current.catalog.record_upload(upload.clone()).await else {
                return Ok(());
            };
            drop(current);
            self.mend(number, error).await?;
        }
    }

    async fn record_removal(&self, key: &StoreKey, actor: Option<&str>, at: Timestamp) -> Result<(), Error> {
        loop {
            let current = self.on_disk().await?;
            let number = current.number;
            let Err(error) = current.catalog.record_removal(key, actor, at).await else {
                return Ok(());
            };
            drop(current);
            self.mend(number, error).await?;
        }
    }

    async fn record_kept(&self, key: &StoreKey, actor: Option<&str>, at: Timestamp) -> Result<(), Error> {
        loop {
            let current = self.on_disk().await?;
            let number = current.number;
            let Err(error) = current.catalog.record_kept(key, actor, at).await else {
                return Ok(());
            };
            drop(current);
            self.mend(number, error).await?;
        }
    }

    async fn record_refusal(&self, upload: UploadRecord, was_known: bool) -> Result<(), Error> {
        loop {
            let current = self.on_disk().await?;
            let number = current.number;
            let outcome = current.catalog.record_refusal(upload.clone(), was_known);
            let Err(error) = outcome.await else {
                return Ok(());
            };
            drop(current);
            self.mend(number, error).await?;
        }
    }

    async fn set_bookmark(&self, text: String) -> Result<(), Error> {
        // A stand-in's is of no use to anybody: the next start asks the file.
        let current = self.shared.current.read().await;
        match &current.stand_in {
            None => current.catalog.set_bookmark(text).await,
            Some(_) => Ok(()),
        }
    }

    async fn bookmark(&self) -> Result<Option<String>, Error> {
        steadily!(self, current => current.catalog.bookmark())
    }

    async fn counts(&self) -> Result<Counts, Error> {
        steadily!(self, current => current.catalog.counts())
    }
}

/// Looks through a catalog that was opened without that, and puts one in its place if it is damaged.
async fn check_later(shared: Weak<Shared>) {
    tokio::time::sleep(CHECK_PAUSE).await;
    let Some(shared) = shared.upgrade() else { return };
    let (catalog, number) = {
        let current = shared.current.read().await;
        (Arc::clone(&current.catalog), current.number)
    };
    if catalog.is_unchecked()
        && let Err(error) = shared.check(catalog, number).await
    {
        debug!(
            reason = in_one_line(&error),
            "no catalog in the place of a damaged one"
        );
    }
}

/// What the operator is told of a damaged catalog: what takes its place, and what is lost.
#[must_use]
pub fn what_is_lost(copied_at: Option<Timestamp>) -> String {
    match copied_at {
        Some(copied_at) => format!(
            "its copy of {copied_at:.0} takes its place. Packages are not affected; uploaders and yanks since then, and \
             names that came and went since then, are forgotten"
        ),
        None => "a new one is made from the folder. Packages are not affected, but upload times, yanks and the names of \
                 removed files are forgotten"
            .to_owned(),
    }
}

#[cfg(test)]
mod tests;
