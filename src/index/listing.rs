//! All files, for `/packages/`: gone through piece by piece, since there may be hundreds of thousands. A page of few is
//! made once, as other pages are.

use std::sync::{Arc, Weak};

use arc_swap::ArcSwapOption;
use tokio::sync::Mutex;
use tracing::warn;

use super::pages::{Page, finish};
use super::{Error, Index};
use crate::catalog::FileRecord;
use crate::causes::in_one_line;
use crate::packaging::simple::{FileEntry, html};

/// Files in a piece.
const PIECE_FILES: usize = 500;

/// How much of files that nobody has read yet a listing reads for their digests, in bytes. The rest is listed without
/// one until it is asked for or read in the background: a listing must not read the whole store.
const READ_BUDGET_BYTES: u64 = 64 << 20;

/// What reading the smallest file costs of it.
const LEAST_READ_BYTES: u64 = 64 << 10;

/// Pages up to about this size are made before they are sent, and kept; larger ones are sent while they are made, so that
/// no listing takes more memory than this.
const WHOLE_PAGE_BYTES: usize = 1 << 20;

/// The order of all files, shared by the listings that are under way.
#[derive(Default)]
pub(super) struct Listings {
    /// With the generation it was made in. Held while it is made anew, which others wait for.
    order: Mutex<(u64, Weak<Vec<Box<str>>>)>,
    /// The whole page, plain and for those who take gzip, each with the generation it was made in.
    kept: [ArcSwapOption<(u64, Arc<Page>)>; 2],
}

/// The page of all files.
pub enum FileList {
    /// All of it.
    Whole(Arc<Page>),
    /// Its beginning, and the files that come behind that.
    Begun(String, Listing),
}

/// All files in the order of folder, project and version, taken piece by piece.
pub struct Listing {
    index: Arc<Index>,
    paths: Arc<Vec<Box<str>>>,
    /// How many of the paths were taken.
    taken: usize,
    budget_bytes: u64,
    /// Whether the files so far are as they will be shown until one of them changes.
    may_be_kept: bool,
}

impl Index {
    /// The page of all files: whole, or where it is large, its beginning.
    ///
    /// # Errors
    /// The folder or the catalog can't be read.
    pub async fn file_list(self: &Arc<Self>, gzip: bool) -> Result<FileList, Error> {
        self.settle().await?;
        // Asked before the files are: what changes meanwhile outdates the page.
        let generation = self.pages.generations.overall();
        let kept = &self.listings.kept[usize::from(gzip)];
        if let Some(known) = &*kept.load()
            && known.0 == generation
        {
            return Ok(FileList::Whole(Arc::clone(&known.1)));
        }
        let mut listing = self.listing().await?;
        let mut text = html::file_list_head().to_owned();
        while let Some(files) = listing.next().await? {
            html::write_file_list(&mut text, &files);
            if text.len() >= WHOLE_PAGE_BYTES {
                return Ok(FileList::Begun(text, listing));
            }
        }
        text.push_str(html::file_list_tail());
        let page = tokio::task::spawn_blocking(move || finish(text.into_bytes(), 'l', gzip)).await?;
        let page = Arc::new(page);
        if listing.may_be_kept {
            kept.store(Some(Arc::new((generation, Arc::clone(&page)))));
        }
        Ok(FileList::Whole(page))
    }

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
            may_be_kept: true,
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
        self.may_be_kept &= records.iter().all(|record| {
            let tells = self.index.store.sees_changes_of(&record.key);
            tells && record.facts.is_some()
        });
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
