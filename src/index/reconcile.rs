//! Brings what happened in the folder into the catalog: everything at the start, then change by change.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Mutex as AsyncMutex;
use tracing::{debug, warn};

use super::facts::has_settled;
use super::{Error, Index};
use crate::catalog::{FileRecord, Observation};
use crate::packaging::DistFilename;
use crate::storage::{self, Changes, Stamp, StoreKey};

/// Changes that were taken from the store and are not in the catalog yet.
///
/// The store tells each change once. Whoever takes it puts it here, so that it is not lost when the request that
/// took it is dropped, and so that others can see that there is something to wait for.
#[derive(Default)]
pub(super) struct Inbox {
    /// Guards short sections only; never held across an await.
    waiting: Mutex<Waiting>,
    /// Held while changes are brought into the catalog: one at a time, in order.
    applying: Arc<AsyncMutex<()>>,
}

#[derive(Default)]
struct Waiting {
    keys: HashSet<StoreKey>,
    everything: bool,
    /// Changes that were taken out of here but may not have reached the catalog yet.
    in_hand: bool,
}

impl Inbox {
    /// Adds what the store tells now. Returns whether the catalog lags behind the folder.
    fn fill(&self, store: &dyn storage::Store) -> bool {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        // Asked under the lock: otherwise another request could see neither the store's change nor ours.
        match store.take_changes() {
            Changes::None => {}
            Changes::Keys(keys) => waiting.keys.extend(keys),
            Changes::Everything => waiting.everything = true,
        }
        waiting.everything || waiting.in_hand || !waiting.keys.is_empty()
    }

    /// Takes what waits; `None` when nothing does, and then nothing is in hand either.
    fn take(&self) -> Option<Changes> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let keys = std::mem::take(&mut waiting.keys);
        let everything = std::mem::take(&mut waiting.everything);
        waiting.in_hand = everything || !keys.is_empty();
        match (everything, keys.is_empty()) {
            (true, _) => Some(Changes::Everything),
            (false, false) => Some(Changes::Keys(keys.into_iter().collect())),
            (false, true) => None,
        }
    }

    /// Puts back what could not be brought into the catalog.
    fn put_back(&self, changes: Changes) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        match changes {
            Changes::None => {}
            Changes::Keys(keys) => waiting.keys.extend(keys),
            Changes::Everything => waiting.everything = true,
        }
    }
}

impl Index {
    /// Waits until every change of the folder that finished before this call is in the catalog and no page made
    /// before it is left. Costs about a microsecond when nothing changed, whatever the size of the folder.
    ///
    /// # Errors
    /// The folder can't be read or the catalog can't be written; the changes are kept and tried again.
    pub async fn settle(self: &Arc<Self>) -> Result<(), Error> {
        if !self.changes.fill(&*self.store) {
            return Ok(());
        }
        let turn = Arc::clone(&self.changes.applying).lock_owned().await;
        let index = Arc::clone(self);
        // In a task of its own, so that a client that goes away can't stop it half-way.
        tokio::spawn(async move {
            let _turn = turn;
            while let Some(changes) = index.changes.take() {
                if let Err(error) = index.bring_in(&changes).await {
                    index.changes.put_back(changes);
                    return Err(error);
                }
            }
            Ok(())
        })
        .await?
    }

    async fn bring_in(self: &Arc<Self>, changes: &Changes) -> Result<(), Error> {
        match changes {
            Changes::None => Ok(()),
            Changes::Everything => self.rescan().await,
            Changes::Keys(keys) => {
                let mut observations = Vec::with_capacity(keys.len());
                for key in keys {
                    observations.extend(self.look_at(key).await?);
                }
                self.take_note(observations).await
            }
        }
    }

    /// What is at a key now; `None` when it never was a distribution.
    async fn look_at(&self, key: &StoreKey) -> Result<Option<Observation>, Error> {
        let filename = match DistFilename::parse_listed(key.filename()) {
            Ok(filename) => filename,
            Err(reason) => {
                debug!(path = key.path(), %reason, "not listed");
                return Ok(None);
            }
        };
        match self.store.head(key).await {
            Ok(stamp) => Ok(Some(Observation::Seen {
                key: key.clone(),
                filename,
                stamp,
            })),
            Err(storage::Error::NotFound(_)) => Ok(Some(Observation::Gone { key: key.clone() })),
            Err(error) => Err(error.into()),
        }
    }

    /// Lists everything and compares it with the catalog.
    pub(super) async fn rescan(self: &Arc<Self>) -> Result<(), Error> {
        let entries = self.store.list().await?;
        let known: HashMap<StoreKey, Stamp> = self.catalog.present().await?.into_iter().collect();
        let mut observations = Vec::new();
        let mut still_there: HashSet<StoreKey> = HashSet::with_capacity(entries.len());
        let mut distributions = 0_u64;
        for entry in entries {
            let filename = match DistFilename::parse_listed(entry.key.filename()) {
                Ok(filename) => filename,
                Err(reason) => {
                    debug!(path = entry.key.path(), %reason, "not listed");
                    continue;
                }
            };
            distributions += 1;
            if known.get(&entry.key) != Some(&entry.stamp) {
                observations.push(Observation::Seen {
                    key: entry.key.clone(),
                    filename,
                    stamp: entry.stamp,
                });
            }
            still_there.insert(entry.key);
        }
        let gone = known.into_keys().filter(|key| !still_there.contains(key));
        observations.extend(gone.map(|key| Observation::Gone { key }));
        debug!(
            files = distributions,
            changes = observations.len(),
            "folder listed"
        );
        self.warn_of_twins(&still_there);
        self.take_note(observations).await
    }

    /// One warning for each file that is hidden behind another one of its name.
    fn warn_of_twins(&self, keys: &HashSet<StoreKey>) {
        let mut in_order: Vec<&StoreKey> = keys.iter().collect();
        in_order.sort();
        let mut served: HashMap<&str, &StoreKey> = HashMap::with_capacity(keys.len());
        for key in in_order {
            let first = served.entry(key.filename()).or_insert(key);
            if *first != key {
                warn!(
                    served = %Place(first),
                    hidden = %Place(key),
                    "two files have the same name; only the first is served"
                );
            }
        }
    }

    async fn take_note(&self, observations: Vec<Observation>) -> Result<(), Error> {
        if observations.is_empty() {
            return Ok(());
        }
        let mut unsettled = Vec::new();
        for observation in &observations {
            self.files.forget(observation.key());
            if let Observation::Seen { filename, stamp, .. } = observation
                && !has_settled(*stamp)
            {
                unsettled.push(filename.project().clone());
            }
        }
        let affected = self.catalog.observe(observations).await?;
        self.pages.forget(&affected);
        // The catalog sees no change where the stamp is the same, but the bytes may be others all the same.
        self.pages.forget_pages_of(&unsettled);
        Ok(())
    }

    /// Looks at each of these files where the store can't tell that one was changed in place. Costs nothing where
    /// it can.
    ///
    /// # Errors
    /// As [`Index::settle`].
    pub(super) async fn settle_files(&self, records: &[FileRecord]) -> Result<(), Error> {
        if self.store.sees_content_changes() {
            return Ok(());
        }
        let mut observations = Vec::new();
        for record in records {
            match self.store.head(&record.key).await {
                Ok(stamp) if stamp == record.stamp => {}
                Ok(_) | Err(storage::Error::NotFound(_)) => {
                    observations.extend(self.look_at(&record.key).await?)
                }
                Err(error) => return Err(error.into()),
            }
        }
        self.take_note(observations).await
    }

    /// Takes note of one key that was found in another state than the catalog says.
    pub(super) async fn look_again(&self, key: &StoreKey) -> Result<(), Error> {
        let observation = self.look_at(key).await?;
        self.take_note(observation.into_iter().collect()).await
    }
}

/// A file's place as an operator knows it: which of the served folders, counted from one, and the path in it.
struct Place<'a>(&'a StoreKey);

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in folder {}", self.0, self.0.root().0 + 1)
    }
}
