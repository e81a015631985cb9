//! All files, for `/packages/`: gone through piece by piece, since there may be hundreds of thousands.

use std::sync::{Arc, Weak};

use tokio::sync::Mutex;
use tracing::warn;

use super::{Error, Index};
use crate::catalog::FileRecord;
use crate::causes::in_one_line;
use crate::packaging::simple::FileEntry;

/// Files in a piece.
const PIECE_FILES: usize = 500;

/// How much of files that nobody has read yet a listing reads for their digests, in bytes. The rest is listed without
/// one until it is asked for or read in the background: a listing must not read the whole store.
const READ_BUDGET_BYTES: u64 = 64 << 20;

/// What reading the smallest file costs of it.
const LEAST_READ_BYTES: u64 = 64 << 10;

/// The order of all files, shared by the listings that are under way.
#[derive(Default)]
pub(super) struct Listings {
    /// With the generation it was made in. Held while it is made anew, which others wait for.
    order: Mutex<(u64, Weak<Vec<Box<str>>>)>,
}

/// All files in the order of folder, project and version, taken piece by piece.
pub struct Listing {
    index: Arc<Index>,
    paths: Arc<Vec<Box<str>>>,
    /// How many of the paths were taken.
    taken: usize,
    budget_bytes: u64,
}

impl Index {
    /// Begins to go through all files that pages link.
    ///
    /// # Errors
    /// The folder or the catalog can't be read.
    pub async fn listing(self: &Arc<Self>) -> Result<Listing, Error> {
        self.settle().await?;
        let mut order = self.listings.order.lock().await;
        // Asked before the catalog is: what changes meanwhile outdates the order.
        let generation = self.pages.generations.overall();
        let known = order.1.upgrade().filter(|_| order.0 == generation);
        let paths = match known {
            Some(paths) => paths,
            None => {
                let paths: Arc<Vec<Box<str>>> = Arc::new(self.catalog.listed_paths().await?);
                *order = (generation, Arc::downgrade(&paths));
                paths
            }
        };
        Ok(Listing {
            index: Arc::clone(self),
            paths,
            taken: 0,
            budget_bytes: READ_BUDGET_BYTES,
        })
    }
}

impl Listing {
    /// The next files; `None` at the end. Files that went meanwhile are left out, so a piece may be empty.
    ///
    /// # Errors
    /// The folder or the catalog can't be read.
    pub async fn next(&mut self) -> Result<Option<Vec<FileEntry>>, Error> {
        let all = Arc::clone(&self.paths);
        let end = all.len().min(self.taken + PIECE_FILES);
        let paths = &all[self.taken..end];
        if paths.is_empty() {
            return Ok(None);
        }
        let name_of = |path: &str| path.rsplit('/').next().unwrap_or(path).to_owned();
        let names: Vec<String> = paths.iter().map(|path| name_of(path)).collect();
        let mut records = self.index.catalog.files_named(names.clone()).await?;
        if !self.index.are_as_known(&records).await? {
            records = self.index.catalog.files_named(names).await?;
        }
        let mut entries = Vec::with_capacity(records.len());
        let mut records = records.into_iter().peekable();
        for path in paths {
            // Records come in the order of the paths. One that lies elsewhere is the twin that hides this file.
            let Some(record) = records.next_if(|record| record.key.filename() == name_of(path)) else {
                continue;
            };
            if record.key.path() == &**path {
                entries.push(entry(&self.index, record, &mut self.budget_bytes).await?);
            }
        }
        self.taken = end;
        Ok(Some(entries.into_iter().flatten().collect()))
    }
}

/// A file's line, with its digest where that is known or costs little. `None` when it went meanwhile.
async fn entry(
    index: &Arc<Index>,
    record: FileRecord,
    budget_bytes: &mut u64,
) -> Result<Option<FileEntry>, Error> {
    let is_read = record.facts.is_some();
    let affordable = budget_bytes.checked_sub(record.stamp.size_bytes.max(LEAST_READ_BYTES));
    let Some(left) = affordable.filter(|_| !is_read) else {
        let facts = record.facts.clone();
        return Ok(Some(index.line(record, facts.as_ref())));
    };
    *budget_bytes = left;
    match index.with_facts(record.clone()).await {
        Ok(Some((record, facts))) => Ok(Some(index.line(record, Some(&facts)))),
        Ok(None) | Err(Error::Unsteady(_)) => Ok(None),
        Err(Error::Store(error)) => {
            warn!(file = %record.key, error = in_one_line(&error), "listed without a digest");
            Ok(Some(index.line(record, None)))
        }
        Err(error) => Err(error),
    }
}
