//! What is remembered beside the files: what they can't say, and a cache of what they do say.
//!
//! Upload time, uploader, yanks, project status and the audit trail live only here. Size, digests and metadata are a
//! cache, valid while the file's [`Stamp`] is the one they were read under. Losing the catalog loses no package.
//!
//! [`Catalog`] is the one way to it. [`SqliteCatalog`] serves one machine (`database.rs` and `file.rs` open its file,
//! `rows.rs`, `observe.rs` and `listing.rs` speak SQL, `together.rs` lets uploads share their wait for the disk); a twin
//! on PostgreSQL is to stand beside it. [`SteadyCatalog`] is what a server uses: a [`SqliteCatalog`] that goes on when
//! its file can't, with a second copy for when it is damaged. `contract/` is the suite that all must pass.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use thiserror::Error;
use tokio::sync::mpsc;

use crate::packaging::digest::NamedDigest;
use crate::packaging::simple::ProjectStatus;
use crate::packaging::{DistFilename, ProjectName, Sha256};
use crate::storage::{Stamp, StoreKey};

#[cfg(test)]
mod contract;
mod database;
mod examine;
mod file;
mod listing;
mod observe;
mod recorded;
mod rows;
mod second_copy;
mod sqlite;
mod steady;
mod timed;
mod together;

pub use database::Opened;
pub use examine::examine;
pub use recorded::{Recorded, Uploaded, recorded};
pub use sqlite::SqliteCatalog;
pub use steady::{Census, SteadyCatalog, what_is_lost};
pub use timed::{Timed, Timings};

/// The registry's memory. Blocking work is done on blocking threads inside; callers simply await.
///
/// A file is *present* while the folder holds it. Files that went are kept as history: their names must never come
/// back with other bytes through an upload, and a project that was once here never falls through to another index.
#[async_trait]
pub trait Catalog: Send + Sync + 'static {
    /// Names of the projects that have at least one present file and are not quarantined, in order.
    async fn projects(&self) -> Result<Vec<ProjectName>, Error>;

    /// A project with its present files, ordered by version, then file name; `None` when no file of it was ever here.
    /// Of several present files with one name only that with the smallest key is given.
    async fn project(&self, name: &ProjectName) -> Result<Option<ProjectRecord>, Error>;

    /// The present file with exactly this name; the smallest key wins. None of a quarantined project: nothing of it is
    /// offered, by whatever way (PEP 792).
    async fn file(&self, filename: &str) -> Result<Option<FileRecord>, Error>;

    /// The present file of each of these names, as [`Catalog::file`] gives it; names without one are left out.
    async fn files_named(&self, filenames: Vec<String>) -> Result<Vec<FileRecord>, Error>;

    /// Paths of all present files but those of quarantined projects, ordered by folder, project, version and file
    /// name. Files with one name in several places are all there.
    async fn listed_paths(&self) -> Result<Vec<Box<str>>, Error>;

    /// All files, present or gone, whose name has this [identity](DistFilename::identity).
    async fn files_like(&self, identity: &str) -> Result<Vec<FileRecord>, Error>;

    /// What an upload is judged by: all files, present or gone, whose name has this
    /// [identity](DistFilename::identity), and the status of its project.
    async fn known(&self, filename: &DistFilename) -> Result<Known, Error>;

    /// Keys and stamps of all present files, in no order.
    async fn present(&self) -> Result<Vec<(StoreKey, Stamp)>, Error>;

    /// Up to `limit` present files whose content was not read yet, oldest record first.
    async fn unread(&self, limit: usize) -> Result<Vec<FileRecord>, Error>;

    /// Takes note of what the folder holds now, in one transaction. A file whose stamp is as recorded keeps all that
    /// is known of it; a changed one loses its facts but for its digest, which becomes the former one, and its upload
    /// time becomes the one given.
    /// Gives the projects whose pages are affected, each once.
    async fn observe(&self, observations: Vec<Observation>) -> Result<Vec<ProjectName>, Error>;

    /// As [`Catalog::observe`], for more than is to be held at once: `pieces` begins to tell, and may be asked to begin
    /// again.
    async fn observe_pieces(&self, pieces: Pieces<'_>) -> Result<(), Error>;

    /// Keys of the present files that share their names with another one, in no order.
    async fn twins(&self) -> Result<Vec<StoreKey>, Error>;

    /// Takes note of what was read from a file, unless its stamp has changed meanwhile (then `false`).
    async fn record_facts(&self, key: &StoreKey, stamp: Stamp, facts: FileFacts) -> Result<bool, Error>;

    /// Takes note of an accepted upload, with its audit row, in one durable transaction.
    async fn record_upload(&self, upload: UploadRecord) -> Result<(), Error>;

    /// Takes note that `actor` removed a file, with its audit row, in one durable transaction.
    async fn record_removal(&self, key: &StoreKey, actor: Option<&str>, at: Timestamp) -> Result<(), Error>;

    /// Takes a removal back that was recorded and then could not be done, with its audit row, in one durable
    /// transaction: the file is present again, with all that was known of it.
    async fn record_kept(&self, key: &StoreKey, actor: Option<&str>, at: Timestamp) -> Result<(), Error>;

    /// Takes an upload back that was recorded and then could not be kept, with an audit row, in one durable transaction:
    /// the file is gone, and where nothing was known of it before, nothing is afterwards.
    async fn record_refusal(&self, upload: UploadRecord, was_known: bool) -> Result<(), Error>;

    /// Keeps a bookmark of the folders, which everything known of their files is in step with. It is forgotten with the
    /// next [observation](Catalog::observe), upload or removal.
    async fn set_bookmark(&self, text: String) -> Result<(), Error>;

    /// The bookmark that was kept last; `None` when something has changed since.
    async fn bookmark(&self) -> Result<Option<String>, Error>;

    /// How many there are.
    async fn counts(&self) -> Result<Counts, Error>;
}

/// Begins to tell observations, from the first on, each time that it is called.
pub type Pieces<'a> = &'a (dyn Fn() -> mpsc::Receiver<Vec<Observation>> + Send + Sync);

/// A shared catalog of either kind.
pub type SharedCatalog = Arc<dyn Catalog>;

/// A project and its present files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectRecord {
    /// Its name.
    pub name: ProjectName,
    /// Its status by PEP 792.
    pub status: ProjectStatus,
    /// Why it has that status.
    pub status_reason: Option<String>,
    /// Its files; empty when all went.
    pub files: Vec<FileRecord>,
}

/// What is known of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRecord {
    /// Where it lies.
    pub key: StoreKey,
    /// Its name, taken apart.
    pub filename: DistFilename,
    /// The state that the facts were read under.
    pub stamp: Stamp,
    /// Whether the folder holds it now.
    pub present: bool,
    /// When it was uploaded; for a file that was copied in, when it was last changed.
    pub uploaded_at: Timestamp,
    /// Who uploaded it; `None` for files that were copied in and for uploads without a password.
    pub uploader: Option<String>,
    /// Whether and why it is yanked (PEP 592).
    pub yanked: Option<Yank>,
    /// What its content says; `None` until it was read.
    pub facts: Option<FileFacts>,
    /// The digest of the content that it had before someone changed it; `None` once its content was read again.
    pub former_sha256: Option<Sha256>,
}

/// What an upload is judged by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Files of the same identity, present or gone.
    pub files: Vec<FileRecord>,
    /// The status of the project; that of a new one is [`ProjectStatus::Active`].
    pub status: ProjectStatus,
}

/// A yank, with the reason that was given; may be empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Yank {
    /// Shown by installers.
    pub reason: String,
}

/// What reading a file once has told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileFacts {
    /// Digest of the whole file.
    pub sha256: Sha256,
    /// Other digests that happen to be known.
    pub digests: Vec<NamedDigest>,
    /// The `Requires-Python` of its metadata, as written.
    pub requires_python: Option<String>,
    /// Digest of the core metadata file that can be served for it; `None` for sdists and where there is none.
    pub metadata_sha256: Option<Sha256>,
    /// Why the content could not be understood; the file is served all the same.
    pub defect: Option<String>,
}

/// One thing seen in the folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Observation {
    /// A distribution is there in this state.
    Seen {
        /// Where.
        key: StoreKey,
        /// Its name, taken apart.
        filename: DistFilename,
        /// In what state.
        stamp: Stamp,
        /// Whether its bytes may be others although the stamp is the same: clocks stand still between two writes,
        /// and tools set times back. What was read from it counts no more then; what was said of it does.
        rewritten: bool,
    },
    /// There is none at this key (any more).
    Gone {
        /// Where.
        key: StoreKey,
    },
}

impl Observation {
    /// Where it was made.
    #[must_use]
    pub fn key(&self) -> &StoreKey {
        match self {
            Self::Seen { key, .. } | Self::Gone { key } => key,
        }
    }
}

/// An accepted upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadRecord {
    /// Where it was put.
    pub key: StoreKey,
    /// Its name, taken apart.
    pub filename: DistFilename,
    /// Its state there.
    pub stamp: Stamp,
    /// What was read from it before it was accepted.
    pub facts: FileFacts,
    /// When.
    pub at: Timestamp,
    /// By whom; `None` without a password.
    pub uploader: Option<String>,
    /// Whether it replaced other bytes under the same name.
    pub replaced: bool,
}

/// Sizes of the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Projects with at least one present file.
    pub projects: u64,
    /// Present files.
    pub files: u64,
}

/// What a caller can do about a catalog's failure.
#[derive(Debug, Error)]
pub enum Error {
    /// The database is damaged. `open` sets it aside and begins a new one, and so does a [`SteadyCatalog`] at any time.
    #[error("the catalog `{}` is damaged", .path.display())]
    Damaged {
        /// The database file.
        path: PathBuf,
        /// What the database said.
        #[source]
        source: rusqlite::Error,
    },
    /// The catalog was written by a newer pkgctl.
    #[error("the catalog `{}` was made by a newer version of pkgctl", .path.display())]
    TooNew {
        /// The database file.
        path: PathBuf,
    },
    /// Its folder is read-only, or owned by someone else.
    #[error("the catalog `{}` can't be written to", .path.display())]
    NotWritable {
        /// The database file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Another program keeps it locked.
    #[error("the catalog `{}` is locked by another program", .path.display())]
    Busy {
        /// The database file.
        path: PathBuf,
    },
    /// Its file was removed or emptied while it was open.
    #[error("the catalog `{}` was removed", .path.display())]
    Vanished {
        /// The database file.
        path: PathBuf,
    },
    /// There is no room for it.
    #[error("there is no space left for the catalog `{}`", .path.display())]
    NoSpace {
        /// The database file.
        path: PathBuf,
    },
    /// Anything else the database refused.
    #[error("can't {action} the catalog `{}`", .path.display())]
    Database {
        /// What was tried, as a verb: `open`, `read`, `write`.
        action: &'static str,
        /// The database file.
        path: PathBuf,
        /// What the database said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}
