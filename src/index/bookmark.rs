//! Going on from where the last server left off, without reading the folders again.
//!
//! When all is quiet, the index has the catalog keep a [bookmark](crate::storage::Bookmark) of the folders, with what it
//! knows from their names alone. A start that finds the folders where the bookmark says knows all names; what became of
//! the bytes of a file meanwhile is looked at when the file is first asked for.
//!
//! The bookmark is right because it holds for the catalog as it is: whatever changes the catalog's files takes the
//! bookmark away in the same transaction, and it is made only while no change of the folder is on its way there.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tracing::debug;

use super::{Error, Index};
use crate::catalog::{Catalog, Counts, FileRecord};
use crate::causes::in_one_line;
use crate::storage::{Bookmark, Root, Stamp, StoreKey};

/// How often a bookmark is made, when there is need.
const REST: Duration = Duration::from_secs(3);

/// The first line; another version's bookmarks are none.
const HEAD: &str = "index 2";

/// How the part of the store begins.
const FOLDERS: &str = "\nfolders ";

/// The bookmark of the folders that this catalog is in step with, for opening their store.
pub async fn last_bookmark(catalog: &impl Catalog) -> Option<Bookmark> {
    let text = catalog.bookmark().await.ok()??;
    Standing::parse(&text).map(|standing| standing.folders)
}

/// What is known from names alone.
struct Standing {
    ignored_files: u64,
    /// Asking the catalog for them takes longer the larger it is.
    counts: Counts,
    signed: Vec<StoreKey>,
    folders: Bookmark,
}

impl Standing {
    fn text(&self) -> String {
        let Counts { projects, files } = self.counts;
        let mut text = format!("{HEAD}\n{} {projects} {files}", self.ignored_files);
        for key in &self.signed {
            text += &format!("\n{} {}", key.root().0, key.path());
        }
        text + "\n" + self.folders.as_text()
    }

    fn parse(text: &str) -> Option<Self> {
        let at = text.find(FOLDERS)?;
        let mut lines = text[..at].lines();
        if lines.next() != Some(HEAD) {
            return None;
        }
        let mut numbers = lines.next()?.split(' ').map(|number| number.parse().ok());
        let (Some(ignored_files), Some(projects), Some(files), None) =
            (numbers.next()?, numbers.next()?, numbers.next()?, numbers.next())
        else {
            return None;
        };
        let signed = lines.map(|line| {
            let (root, path) = line.split_once(' ')?;
            StoreKey::parse(Root(root.parse().ok()?), path)
        });
        Some(Self {
            ignored_files,
            counts: Counts { projects, files },
            signed: signed.collect::<Option<_>>()?,
            folders: Bookmark::from_text(&text[at + 1..]),
        })
    }
}

/// Files whose state was not compared with the catalog since the start.
#[derive(Default)]
pub(super) struct Unchecked {
    /// Whether there are any: not after a start that has read the folders.
    are_some: AtomicBool,
    /// Hashes of the keys that were looked at: a tenth of the memory of the keys.
    checked: Mutex<HashSet<u64>>,
    hasher: RandomState,
}

impl Unchecked {
    fn contains(&self, key: &StoreKey) -> bool {
        self.are_some.load(Ordering::Acquire) && !self.checked().contains(&self.hasher.hash_one(key))
    }

    fn remove<'a>(&self, keys: impl IntoIterator<Item = &'a StoreKey>) {
        if self.are_some.load(Ordering::Acquire) {
            let hashes = keys.into_iter().map(|key| self.hasher.hash_one(key));
            self.checked().extend(hashes);
        }
    }

    /// All were compared.
    pub(super) fn clear(&self) {
        self.are_some.store(false, Ordering::Release);
        *self.checked() = HashSet::new();
    }

    fn checked(&self) -> std::sync::MutexGuard<'_, HashSet<u64>> {
        self.checked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts the changes that this server itself makes, from before it touches the folder until the catalog knows.
#[derive(Default)]
pub(super) struct Commits {
    begun: AtomicU64,
    ended: AtomicU64,
}

/// A change of our own that is under way.
pub(super) struct Committing<'a>(&'a Commits);

impl Commits {
    pub(super) fn begin(&self) -> Committing<'_> {
        self.begun.fetch_add(1, Ordering::SeqCst);
        Committing(self)
    }

    /// How many there were, when none is under way.
    fn at_rest(&self) -> Option<u64> {
        let ended = self.ended.load(Ordering::SeqCst);
        (self.begun.load(Ordering::SeqCst) == ended).then_some(ended)
    }
}

impl Drop for Committing<'_> {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Ordering::SeqCst);
    }
}

impl Index {
    /// Goes on from the catalog's bookmark, when the store does; tells whether it could.
    pub(super) async fn go_on(&self) -> Result<bool, Error> {
        if !self.store.goes_on() {
            return Ok(false);
        }
        let text = self.catalog.bookmark().await?;
        let Some(standing) = text.as_deref().and_then(Standing::parse) else {
            return Ok(false);
        };
        self.unchecked.are_some.store(true, Ordering::Release);
        self.ignored_files
            .store(standing.ignored_files, Ordering::Relaxed);
        self.take_note_of_signatures(standing.signed.into_iter().collect());
        self.keep_counts(self.pages.generations.overall(), standing.counts);
        debug!("no name came or went since the last time; files are looked at when they are asked for");
        Ok(true)
    }

    /// Makes bookmarks for the next start, until the index is dropped.
    pub async fn keep_bookmarks(self: Arc<Self>) {
        loop {
            tokio::time::sleep(REST).await;
            self.make_bookmark().await;
        }
    }

    /// Has the catalog keep where the folders stand now, if that can be told now. Without it the next start reads the
    /// folders.
    pub async fn make_bookmark(self: &Arc<Self>) {
        match self.try_bookmark().await {
            Ok(is_made) => debug!(is_made, "bookmark"),
            Err(error) => debug!(reason = in_one_line(&error), "no bookmark"),
        }
    }

    async fn try_bookmark(self: &Arc<Self>) -> Result<bool, Error> {
        self.settle().await?;
        // Nobody brings changes into the catalog meanwhile.
        let _turn = self.changes.applying.lock().await;
        let Some(commits) = self.commits.at_rest() else {
            return Ok(false);
        };
        let store = Arc::clone(&self.store);
        let folders = tokio::task::spawn_blocking(move || store.bookmark()).await?;
        // Asked after the folders were looked at: what is in them now is known, and nobody is adding to it.
        let lags = self.changes.fill(&*self.store) || !self.store.unfinished().is_empty();
        let Some(folders) = folders.filter(|_| !lags && self.commits.at_rest() == Some(commits)) else {
            return Ok(false);
        };
        let standing = Standing {
            ignored_files: self.ignored_files(),
            counts: self.counts_now().await?,
            signed: self.signatures.all(),
            folders,
        };
        let text = standing.text();
        if self.catalog.bookmark().await?.as_ref() != Some(&text) {
            self.catalog.set_bookmark(text).await?;
        }
        Ok(true)
    }

    /// Whether these files are as the catalog says, as far as nobody has looked since the start or nothing tells of
    /// their changes; those that aren't have been brought into the catalog.
    ///
    /// # Errors
    /// As [`Index::settle`].
    pub(super) async fn are_as_known<'a>(
        self: &Arc<Self>,
        records: impl IntoIterator<Item = &'a FileRecord>,
    ) -> Result<bool, Error> {
        let is_open = |record: &&FileRecord| {
            record.present
                && (!self.store.sees_changes_of(&record.key) || self.unchecked.contains(&record.key))
        };
        let open: Vec<(StoreKey, Stamp)> = records
            .into_iter()
            .filter(is_open)
            .map(|record| (record.key.clone(), record.stamp))
            .collect();
        let are_as_known = self.are_as_before(&open).await?;
        self.unchecked.remove(open.iter().map(|(key, _)| key));
        Ok(are_as_known)
    }
}

#[cfg(test)]
#[path = "bookmark_tests.rs"]
mod runs;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_of_names_survives_the_text() {
        let key = |path: &str| StoreKey::parse(Root(1), path).unwrap();
        let text = "folders 1\n0 1 2 3 4 5 6 \n1 1 2 3 4 5 6 a b\n";
        for signed in [vec![], vec![key("a b/x-1.0.tar.gz"), key("y-1.0.tar.gz")]] {
            let counts = Counts {
                projects: 2,
                files: 5,
            };
            let standing = Standing {
                ignored_files: 7,
                counts,
                signed: signed.clone(),
                folders: Bookmark::from_text(text),
            };
            let again = Standing::parse(&standing.text()).unwrap();
            assert_eq!(
                (again.ignored_files, again.counts, again.signed),
                (7, counts, signed)
            );
            assert_eq!(again.folders.as_text(), text);
        }
        for nonsense in [
            "",
            "index 2\n7 2 5\n",
            "index 1\n7\nfolders 1\n",
            "index 2\n7\nfolders 1\n",
            "index 2\n7 2 5 1\nfolders 1\n",
            "index 2\n7 x 5\nfolders 1\n",
        ] {
            assert!(Standing::parse(nonsense).is_none(), "{nonsense:?}");
        }
    }
}
