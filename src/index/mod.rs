//! The registry in domain words, without HTTP: pages, files, uploads, and what people do to the folder.
//!
//! The index keeps the [store](crate::storage) and the [catalog] in step and is the only room that
//! uses both.
//!
//! # Invariants
//! - **Nothing is stale.** Every question first [settles](Index::settle): changes of the folder that finished before
//!   it are in the catalog, and the pages they affect are forgotten, before it is answered.
//! - **Files are the truth.** The catalog may know more than the folder (history), never something else about a file
//!   that is there: facts are kept only under the stamp they were read under.
//! - **An accepted upload is durable, whole, verified and listed** when [`Index::accept`] returns; a refused one has
//!   left nothing behind.
//!
//! `reconcile.rs` brings changes of the folder into the catalog, `look.rs` all that it holds, `bookmark.rs` saves a
//! start from reading the folder, `facts.rs` reads what files say of themselves, `pages.rs` makes and keeps pages,
//! `documents.rs` the JSON of projects, `shelf.rs` is what keeps them and small files in memory, `generations.rs` tells
//! when such things are outdated, `listing.rs` goes through all files, `search.rs` finds projects, `files.rs` gives
//! downloads, `signatures.rs` knows which files are signed, `upload.rs` accepts or refuses (`refusal.rs` says why),
//! `remove.rs` removes a release.

use std::collections::HashSet;
use std::num::NonZero;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use thiserror::Error;
use tokio::sync::Semaphore;

use crate::archive::Limits;
use crate::catalog::{self, SharedCatalog, Timed};
use crate::packaging::digest::Algorithm;
use crate::packaging::{DistFilename, ProjectName, Sha256};
use crate::storage::{self, SharedStore, Stamp, StoreKey};

pub use crate::catalog::Counts;
pub use crate::storage::{Object, Spool};

mod bookmark;
mod documents;
mod facts;
mod files;
mod generations;
mod listing;
mod look;
mod pages;
mod reconcile;
mod refusal;
mod remove;
mod search;
mod shelf;
mod signatures;
mod statistics;
mod told;
mod upload;

#[cfg(test)]
mod tests;

pub use bookmark::last_bookmark;
pub use documents::{DocumentKey, Which};
pub use files::{Content, Download};
pub use listing::{FileList, Listing};
pub use pages::{Page, PageKey};
pub use refusal::Refusal;
pub use remove::{Removal, RemovalError};
pub use search::{Found, Query};
pub use statistics::{CachedBytes, Statistics, Uploads};
pub use upload::{Accepted, Submission};

/// What the index is told once, at the start.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The digest that pages show; `None` switches it off.
    pub page_digest: Option<Algorithm>,
    /// Uploads may replace other bytes under the same name.
    pub overwrite: bool,
    /// Bound of all rendered pages together.
    pub page_cache_bytes: u64,
    /// Bound of all small files in memory together.
    pub file_cache_bytes: u64,
    /// Files up to this size are kept in memory.
    pub cached_file_max_bytes: u64,
    /// What an archive may be.
    pub limits: Limits,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            page_digest: Some(Algorithm::Sha256),
            overwrite: false,
            page_cache_bytes: 128 << 20,
            file_cache_bytes: 256 << 20,
            cached_file_max_bytes: 1 << 20,
            limits: Limits::default(),
        }
    }
}

/// The registry. Shared by all requests; its invariants are in the [module's documentation](self).
pub struct Index {
    store: SharedStore,
    catalog: SharedCatalog,
    settings: Settings,
    pages: pages::Pages,
    documents: documents::Documents,
    listings: listing::Listings,
    files: files::SmallFiles,
    signatures: signatures::Signatures,
    changes: reconcile::Inbox,
    unchecked: bookmark::Unchecked,
    commits: bookmark::Commits,
    /// Files that are hidden behind another one of their name, and were told to be.
    twins_told: Mutex<HashSet<StoreKey>>,
    /// Files that are not listed, and were told not to be.
    ignored_told: told::Told<StoreKey>,
    /// Files that can't be understood in this state.
    defects_told: told::Told<(StoreKey, Stamp)>,
    /// Files whose bytes have changed under their name, with the digests that were told.
    changes_told: told::Told<(StoreKey, Sha256)>,
    /// Files that the last listing passed over, because they are no distributions.
    ignored_files: AtomicU64,
    /// The counts, with the generation that they were asked for in.
    counts: Mutex<Option<(u64, Counts)>>,
    /// Bounds how many files are read for their facts at once: that is processor work, so one for each core.
    readers: Arc<Semaphore>,
    /// The same for uploads, apart: verifying large ones must not keep others from their pages.
    verifiers: Arc<Semaphore>,
    /// One upload of a name at a time.
    uploads: upload::NameLocks,
    statistics: Statistics,
}

impl Index {
    /// Opens the registry: lists the folder once and brings the catalog up to date with it, unless the store goes on
    /// from the catalog's bookmark.
    ///
    /// # Errors
    /// The folder can't be listed, or the catalog can't be written.
    pub async fn open(
        store: SharedStore,
        catalog: SharedCatalog,
        settings: Settings,
    ) -> Result<Arc<Self>, Error> {
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        let statistics = Statistics::default();
        let index = Arc::new(Self {
            pages: pages::Pages::new(settings.page_cache_bytes - settings.page_cache_bytes / 4),
            documents: documents::Documents::new(settings.page_cache_bytes / 4),
            listings: listing::Listings::default(),
            files: files::SmallFiles::new(settings.file_cache_bytes, settings.cached_file_max_bytes),
            signatures: signatures::Signatures::default(),
            changes: reconcile::Inbox::default(),
            unchecked: bookmark::Unchecked::default(),
            commits: bookmark::Commits::default(),
            twins_told: Mutex::default(),
            ignored_told: told::Told::default(),
            defects_told: told::Told::default(),
            changes_told: told::Told::default(),
            ignored_files: AtomicU64::new(0),
            counts: Mutex::default(),
            readers: Arc::new(Semaphore::new(cores)),
            verifiers: Arc::new(Semaphore::new(cores)),
            uploads: upload::NameLocks::default(),
            catalog: Arc::new(Timed::new(catalog, Arc::clone(&statistics.catalog))),
            statistics,
            store,
            settings,
        });
        if !index.go_on().await? {
            index.rescan().await?;
        }
        Ok(index)
    }

    /// How many projects and files there are.
    ///
    /// # Errors
    /// The folder or the catalog can't be read.
    pub async fn counts(self: &Arc<Self>) -> Result<Counts, Error> {
        self.settle().await?;
        self.counts_now().await
    }

    /// The counts as they are known, asking the catalog when something has changed since.
    async fn counts_now(&self) -> Result<Counts, Error> {
        // Asked before the catalog is: what changes meanwhile outdates the counts.
        let generation = self.pages.generations.overall();
        let known = *self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, counts)) = known
            && of == generation
        {
            return Ok(counts);
        }
        let counts = self.catalog.counts().await?;
        self.keep_counts(generation, counts);
        Ok(counts)
    }

    fn keep_counts(&self, generation: u64, counts: Counts) {
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner) = Some((generation, counts));
    }

    /// How many files the last listing of the folder passed over, because they are no distributions.
    #[must_use]
    pub fn ignored_files(&self) -> u64 {
        self.ignored_files.load(Ordering::Relaxed)
    }

    /// Whether any file of this project was ever here. Such a name must never be looked for elsewhere.
    ///
    /// # Errors
    /// The folder or the catalog can't be read.
    pub async fn has_hosted(self: &Arc<Self>, project: &ProjectName) -> Result<bool, Error> {
        self.settle().await?;
        Ok(self.catalog.project(project).await?.is_some())
    }

    /// Whether a file of this project is being copied in right now. Such a name must not be looked for elsewhere
    /// either.
    #[must_use]
    pub fn is_arriving(&self, project: &ProjectName) -> bool {
        let name = |key: StoreKey| DistFilename::parse_listed(key.filename()).ok();
        let mut arriving = self.store.unfinished().into_iter().filter_map(name);
        arriving.any(|filename| filename.project() == project)
    }

    /// Begins an upload.
    ///
    /// # Errors
    /// [`storage::Error::NoSpace`] when it can't fit; the store's other errors.
    pub async fn begin_upload(&self) -> Result<Spool, Error> {
        Ok(self.store.spool().await?)
    }

    /// Bytes that uploads may still take, where there is such a figure.
    pub async fn free_bytes(&self) -> Option<u64> {
        self.store.free_bytes().await
    }
}

/// What a client may be told of a failure that is not its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The disk is full.
    NoSpace,
    /// The folder or the catalog can't be written to.
    NotWritable,
    /// Someone is writing the file right now.
    Unsteady,
    /// The disk has failed to keep what was written to it.
    DiskFails,
    /// A packages folder isn't there: not mounted, say.
    FolderGone,
    /// Another program keeps the catalog locked.
    Busy,
    /// Anything else.
    Internal,
}

impl Error {
    /// What a client may be told of it.
    #[must_use]
    pub fn trouble(&self) -> Trouble {
        match self {
            Self::Catalog(catalog::Error::NoSpace { .. }) | Self::Store(storage::Error::NoSpace { .. }) => {
                Trouble::NoSpace
            }
            Self::Catalog(catalog::Error::NotWritable { .. })
            | Self::Store(storage::Error::NotWritable { .. }) => Trouble::NotWritable,
            Self::Unsteady(_) | Self::Store(storage::Error::Unfinished(_)) => Trouble::Unsteady,
            Self::Store(storage::Error::Failing { .. }) => Trouble::DiskFails,
            Self::Store(storage::Error::Root { .. }) => Trouble::FolderGone,
            Self::Catalog(catalog::Error::Busy { .. }) => Trouble::Busy,
            Self::Behind(trouble) => *trouble,
            Self::Catalog(_) | Self::Store(_) | Self::Task(_) => Trouble::Internal,
        }
    }
}

/// The index could not do its work; nothing that the client did.
#[derive(Debug, Error)]
pub enum Error {
    /// The catalog failed.
    #[error(transparent)]
    Catalog(#[from] catalog::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] storage::Error),
    /// A file changed again and again while it was read.
    #[error("`{0}` keeps changing while it is read")]
    Unsteady(String),
    /// An attempt to bring changes of the folder into the catalog has failed a moment ago, and was logged.
    #[error("the folder has changed, and the catalog can't follow")]
    Behind(Trouble),
    /// A task of ours panicked, or the program is being stopped.
    #[error("a background task of the index ended early")]
    Task(#[from] tokio::task::JoinError),
}
