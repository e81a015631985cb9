//! Detached PGP signatures: `<file>.asc` beside a distribution, uploaded with it or copied in.
//!
//! Which files have one is known from the folder alone, so it is kept in memory and not in the catalog: the listing at
//! the start tells it, and every change after that. A signature without its file is nothing that anybody can see.

use std::collections::HashSet;
use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use tracing::{debug, info, warn};

use super::files::{Content, Download, read_whole};
use super::{Error, Index};
use crate::packaging::signature::{MAX_SIGNATURE_BYTES, Signature};
use crate::packaging::{DistFilename, ProjectName, Sha256};
use crate::storage::{self, StoreKey};

/// The distributions that have a signature beside them.
#[derive(Default)]
pub(super) struct Signatures {
    /// Keys of the distributions, present or not. Held for single look-ups only.
    signed: RwLock<HashSet<StoreKey>>,
}

impl Signatures {
    /// Whether there is a signature of the file at `key`.
    pub(super) fn has(&self, key: &StoreKey) -> bool {
        let signed = self.signed.read().unwrap_or_else(PoisonError::into_inner);
        signed.contains(key)
    }

    /// The distributions that have one, in order.
    pub(super) fn all(&self) -> Vec<StoreKey> {
        let signed = self.signed.read().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<StoreKey> = signed.iter().cloned().collect();
        all.sort();
        all
    }

    /// Takes note of whether there is a signature of the file at `key`; tells whether that is news.
    fn note(&self, key: &StoreKey, is_there: bool) -> bool {
        let mut signed = self.signed.write().unwrap_or_else(PoisonError::into_inner);
        if is_there {
            signed.insert(key.clone())
        } else {
            signed.remove(key)
        }
    }

    /// Takes note of all there are; gives those that came or went.
    fn replace(&self, now: HashSet<StoreKey>) -> Vec<StoreKey> {
        let mut signed = self.signed.write().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut *signed, now);
        signed.symmetric_difference(&before).cloned().collect()
    }
}

/// The key of the distribution that the file at `key` is the signature of; `None` when it is none of a distribution.
pub(super) fn signed_by(key: &StoreKey) -> Option<StoreKey> {
    let signed = key.signed()?;
    project_of(&signed).map(|_| signed)
}

fn project_of(key: &StoreKey) -> Option<ProjectName> {
    let filename = DistFilename::parse_listed(key.filename()).ok()?;
    Some(filename.project().clone())
}

impl Index {
    /// The signature of the distribution at `path`; `None` when there is no such file, or no signature of it.
    ///
    /// # Errors
    /// The folder or the catalog can't be read.
    pub async fn signature_file(self: &Arc<Self>, path: &str) -> Result<Option<Download>, Error> {
        self.settle().await?;
        let Some(record) = self.served_at(path).await? else {
            return Ok(None);
        };
        if !self.signatures.has(&record.key) {
            return Ok(None);
        }
        let object = match self.store.open(&record.key.signature()).await {
            Ok(object) => object,
            Err(storage::Error::NotFound(_)) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let stamp = object.stamp;
        if stamp.size_bytes > MAX_SIGNATURE_BYTES as u64 {
            warn!(file = %record.key.signature(), "too large for a signature; it is not served");
            return Ok(None);
        }
        let Some(bytes) = read_whole(object).await? else {
            return Err(Error::Unsteady(record.key.signature().path().to_owned()));
        };
        let (sha256, size_bytes) = (Sha256::of(&bytes), bytes.len() as u64);
        let content = Content::Memory(bytes);
        Ok(Some(Download::new(
            sha256,
            stamp.modified_ns,
            size_bytes,
            content,
        )))
    }

    /// Takes note of what happened to the signature of the file at `signed`.
    pub(super) async fn look_at_signature(&self, signed: &StoreKey) -> Result<(), Error> {
        let is_there = match self.store.head(&signed.signature()).await {
            Ok(_) => true,
            Err(storage::Error::NotFound(_)) => false,
            Err(error) => return Err(error.into()),
        };
        self.note_signature(signed, is_there);
        Ok(())
    }

    /// Takes note of all signatures that a listing has found.
    pub(super) fn take_note_of_signatures(&self, signed: HashSet<StoreKey>) {
        let changed = self.signatures.replace(signed);
        let projects: HashSet<ProjectName> = changed.iter().filter_map(project_of).collect();
        self.pages.forget(&projects);
    }

    /// Puts a signature beside the file at `key`, in place of any other.
    pub(super) async fn put_signature(
        &self,
        key: &StoreKey,
        signature: &Signature,
    ) -> Result<(), storage::Error> {
        let spool = self.spool_of(signature).await?;
        self.store.replace(&key.signature(), spool).await?;
        self.note_signature(key, true);
        Ok(())
    }

    /// Puts a signature beside a file that has none. One that is there stays: it signs the same bytes, and a job that is
    /// run again makes another one each time.
    pub(super) async fn add_signature(
        &self,
        key: &StoreKey,
        signature: &Signature,
    ) -> Result<(), storage::Error> {
        let spool = self.spool_of(signature).await?;
        match self.store.put_new(&key.signature(), spool).await {
            Ok(_) => {
                info!(file = %key, "signature added");
                self.note_signature(key, true);
                Ok(())
            }
            Err(storage::Error::AlreadyExists(_)) => {
                debug!(file = %key, "there is a signature already; it stays");
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Removes the signature of the file at `key`, if there is one.
    pub(super) async fn remove_signature(&self, key: &StoreKey) -> Result<(), storage::Error> {
        match self.store.delete(&key.signature()).await {
            Ok(()) | Err(storage::Error::NotFound(_)) => {}
            Err(error) => return Err(error),
        }
        self.note_signature(key, false);
        Ok(())
    }

    async fn spool_of(&self, signature: &Signature) -> Result<storage::Spool, storage::Error> {
        let mut spool = self.store.spool().await?;
        spool.write(Bytes::copy_from_slice(signature.as_bytes())).await?;
        spool.finish().await?;
        Ok(spool)
    }

    /// Pages say which files are signed, so the project's go when that changes.
    fn note_signature(&self, signed: &StoreKey, is_there: bool) {
        if self.signatures.note(signed, is_there)
            && let Some(project) = project_of(signed)
        {
            self.pages.forget([&project]);
        }
    }
}
