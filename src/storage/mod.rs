//! Bytes: where distributions lie, and the promises that a place for them keeps.
//!
//! [`Store`] is the one way to them. [`LocalStore`] keeps them in plain folders that the user owns; an object store
//! is to be a second file here, and no room above may know which one it has. `contract.rs` is the suite that every
//! store must pass.
//!
//! # Promises of every store
//! 1. A key names either nothing or a whole object: a reader never sees half of one, whenever it looks and
//!    whatever crashed. Of what others write, a local store knows when it is whole as far as the system's events
//!    tell; see [`Error::Unfinished`].
//! 2. When [`Store::put_new`] or [`Store::replace`] returns, the object survives a power loss.
//! 3. Of several [`Store::put_new`] with one key exactly one succeeds; the others get [`Error::AlreadyExists`].
//! 4. An object that is open stays readable to its end, even when it is replaced or deleted meanwhile.
//! 5. Every change, whoever made it, that finished before [`Store::take_changes`] was called is in its answer or
//!    in an earlier one.

use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use thiserror::Error;
use tokio::sync::mpsc;

mod bookmark;
mod claim;
#[cfg(test)]
mod contract;
#[cfg_attr(not(target_os = "linux"), path = "no_events.rs")]
mod events;
#[cfg(target_os = "linux")]
mod file_watches;
mod folder;
mod folder_syncs;
mod follower;
mod glance;
mod health;
pub mod key;
mod links;
mod local;
mod place;
mod placed;
mod spool;
mod survey;
mod times;
mod unfinished;
mod walk;
mod watch;

pub use bookmark::Bookmark;
pub use folder::make_folder;
pub use key::{Root, StoreKey};
pub use local::{LocalStore, Settings, check_roots};
pub use placed::Placed;
pub use spool::{Contents, Spool, SpoolReader};
pub use survey::{Survey, open_outside, survey};

/// A place for distributions. Its promises are in the [module's documentation](self).
///
/// Blocking work is done on blocking threads inside the store; callers simply await.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Begins an upload: a spool on local disk, from where the object is put in place when it has been verified.
    ///
    /// # Errors
    /// [`Error::NoSpace`], [`Error::NotWritable`], [`Error::Failing`], [`Error::Io`].
    async fn spool(&self) -> Result<Spool, Error>;

    /// Puts a finished spool in place unless something is there already.
    ///
    /// # Errors
    /// [`Error::AlreadyExists`]; [`Error::NoSpace`], [`Error::NotWritable`], [`Error::Failing`], [`Error::Io`]. Nothing
    /// is left behind.
    async fn put_new(&self, key: &StoreKey, spool: Spool) -> Result<Stamp, Error>;

    /// As [`Store::put_new`], but returns as soon as the object is there: [`Placed::kept`] waits until it survives a
    /// power loss, and other work may be done meanwhile.
    ///
    /// # Errors
    /// As [`Store::put_new`].
    async fn place_new(&self, key: &StoreKey, spool: Spool) -> Result<Placed, Error> {
        Ok(Placed::safely(self.put_new(key, spool).await?))
    }

    /// Puts a finished spool in place of whatever is there.
    ///
    /// # Errors
    /// As [`Store::put_new`], but without [`Error::AlreadyExists`].
    async fn replace(&self, key: &StoreKey, spool: Spool) -> Result<Stamp, Error>;

    /// What is at `key` now.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Unfinished`], [`Error::Io`].
    async fn head(&self, key: &StoreKey) -> Result<Stamp, Error>;

    /// Opens an object for reading.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Unfinished`], [`Error::Io`].
    async fn open(&self, key: &StoreKey) -> Result<Object, Error>;

    /// Everything that is there, in no order. Hidden files, what is under hidden folders, and what is being written
    /// are not listed.
    ///
    /// # Errors
    /// [`Error::Io`].
    async fn list(&self) -> Result<Vec<Entry>, Error>;

    /// As [`Store::list`], in pieces as they are found, until nobody takes them any more. What someone begins to write
    /// after its piece was sent is told by [`Store::take_changes`].
    ///
    /// # Errors
    /// As [`Store::list`], also after some pieces.
    async fn list_in_pieces(&self, pieces: mpsc::Sender<Vec<Entry>>) -> Result<(), Error> {
        let entries = self.list().await?;
        // Whoever listened has heard enough.
        let _ = pieces.send(entries).await;
        Ok(())
    }

    /// Removes an object, durably.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::NotWritable`], [`Error::Io`].
    async fn delete(&self, key: &StoreKey) -> Result<(), Error>;

    /// What changed since the last call. Costs about a microsecond when nothing did, whatever the number of objects;
    /// where [`Store::sees_content_changes`] is false, it blocks.
    fn take_changes(&self) -> Changes;

    /// Whether [`Store::take_changes`] would certainly tell nothing. Waits for nobody, so that many may ask at once;
    /// false where it can't be told like that.
    ///
    /// Whoever asks may come while another thread is taking changes: those are no longer to be found here, and not yet
    /// with that thread unless it says beforehand what it is about to do.
    fn is_unchanged(&self) -> bool {
        false
    }

    /// Whether [`Store::take_changes`] also tells when the bytes of an object are changed in place. Where it doesn't,
    /// it tells what appeared, vanished or was renamed, and whoever is to answer for an object's state must look with
    /// [`Store::head`] first. May turn from true to false while the store is open.
    fn sees_content_changes(&self) -> bool {
        true
    }

    /// Whether [`Store::take_changes`] tells of every change of this object. Where it doesn't, as for a file with
    /// names outside the roots, whoever answers for its state must look with [`Store::head`] first.
    fn sees_changes_of(&self, _key: &StoreKey) -> bool {
        self.sees_content_changes()
    }

    /// What is at each of these keys now, in their order: [`Store::head`] for many at once.
    async fn heads(&self, keys: Vec<StoreKey>) -> Vec<Result<Stamp, Error>> {
        let mut heads = Vec::with_capacity(keys.len());
        for key in &keys {
            heads.push(self.head(key).await);
        }
        heads
    }

    /// Objects that someone is writing right now, and that are not shown before they are whole; empty where nobody can
    /// tell.
    fn unfinished(&self) -> Vec<StoreKey> {
        Vec::new()
    }

    /// Where the store stands now; a store that is opened with it later, and finds that no object came or went
    /// meanwhile, [goes on](Store::goes_on) from there. `None` where that can't be told, or not now. Changes up to it
    /// are in what [`Store::take_changes`] gives afterwards. Blocks.
    fn bookmark(&self) -> Option<Bookmark> {
        None
    }

    /// Whether the same objects are there as when the bookmark was made that the store was opened with. Their content
    /// may have changed; nothing was told of them.
    fn goes_on(&self) -> bool {
        false
    }

    /// Bytes that uploads may still take; `None` where there is no such figure.
    async fn free_bytes(&self) -> Option<u64>;
}

/// A shared store of either kind.
pub type SharedStore = Arc<dyn Store>;

/// What tells one state of an object from another without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stamp {
    /// Length in bytes.
    pub size_bytes: u64,
    /// Time of the last change of content, in nanoseconds since 1970 in UTC.
    pub modified_ns: i64,
    /// The inode, or what an object store has in its stead.
    pub identity: u64,
}

/// One line of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Where it is.
    pub key: StoreKey,
    /// In what state.
    pub stamp: Stamp,
}

/// An open object.
pub struct Object {
    /// The state of what was opened, not of what may have replaced it since.
    pub stamp: Stamp,
    /// Its bytes; reading blocks, so it belongs on a blocking thread.
    pub reader: Box<dyn ReadSeek>,
}

/// Random access to bytes.
pub trait ReadSeek: Read + Seek + Send {
    /// Reads on from where the last read ended, as [`Read::read`] does, when that can be done without waiting for a
    /// disk. `None` says that it can't be told, or that only a read that blocks gets on.
    ///
    /// # Errors
    /// What the system says.
    fn read_at_hand(&mut self, _buffer: &mut [u8]) -> io::Result<Option<usize>> {
        Ok(None)
    }
}

impl ReadSeek for std::fs::File {
    /// From the system's memory of the file.
    #[cfg(target_os = "linux")]
    fn read_at_hand(&mut self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        use rustix::io::{Errno, ReadWriteFlags, preadv2};
        /// Stands for where the file is, and moves it on.
        const HERE: u64 = u64::MAX;
        let into = io::IoSliceMut::new(buffer);
        match preadv2(&*self, &mut [into], HERE, ReadWriteFlags::NOWAIT) {
            Ok(read) => Ok(Some(read)),
            // Not in memory; or the file system can't tell.
            Err(Errno::AGAIN | Errno::OPNOTSUPP | Errno::NOSYS | Errno::INTR) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// What may have changed in a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changes {
    /// Nothing did.
    None,
    /// These keys may have appeared, changed or vanished; look at each.
    Keys(Vec<StoreKey>),
    /// Events were lost or folders came and went: list everything.
    Everything,
}

/// What a caller can do about a store's failure.
#[derive(Debug, Error)]
pub enum Error {
    /// There is nothing at that key.
    #[error("there is no `{0}`")]
    NotFound(StoreKey),
    /// Someone is writing the object at that key. It is listed when it is whole: closed, renamed into place, or left
    /// alone for [`Settings::quiet_for`].
    #[error("`{0}` is being written")]
    Unfinished(StoreKey),
    /// Something is at that key already.
    #[error("`{0}` already exists")]
    AlreadyExists(StoreKey),
    /// The disk or the quota is full.
    #[error("there is no space left in `{}`", .folder.display())]
    NoSpace {
        /// Where the bytes were to go.
        folder: PathBuf,
    },
    /// The folder is read-only, or owned by someone else.
    #[error("`{}` can't be written to", .folder.display())]
    NotWritable {
        /// Where the bytes were to go.
        folder: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The disk has failed to keep what was written to it. Reading goes on.
    #[error("the disk that holds `{}` fails: {reason}", .folder.display())]
    Failing {
        /// Where the bytes were to go.
        folder: PathBuf,
        /// What the system said when it failed.
        reason: String,
    },
    /// A root folder isn't there or can't be read.
    #[error("the packages folder `{}` can't be read", .folder.display())]
    Root {
        /// The root.
        folder: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Anything else that the system refused.
    #[error("can't {action} `{}`", .path.display())]
    Io {
        /// What was tried, as a verb: `read`, `sync`.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// The error for something that could not be written.
fn write_error(action: &'static str, path: &Path, source: io::Error) -> Error {
    use io::ErrorKind::{PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    let folder = path.to_owned();
    match source.kind() {
        StorageFull | QuotaExceeded => Error::NoSpace { folder },
        PermissionDenied | ReadOnlyFilesystem => Error::NotWritable { folder, source },
        _ => read_error(action, path, source),
    }
}

/// The error for something that could not be read.
fn read_error(action: &'static str, path: &Path, source: io::Error) -> Error {
    Error::Io {
        action,
        path: path.to_owned(),
        source,
    }
}
