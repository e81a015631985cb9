//! Brings what happened in the folder into the catalog: everything at the start, then change by change.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Mutex as AsyncMutex;
use tracing::{Level, debug, enabled, warn};

use super::look::{Look, Seen};
use super::signatures::signed_by;
use super::{Error, Index, Trouble};
use crate::catalog::{FileFacts, Observation};
use crate::causes::in_one_line;
use crate::packaging::filename::FilenameError;
use crate::packaging::{DistFilename, ProjectName};
use crate::storage::{self, Changes, Stamp, StoreKey};

/// Changes that were taken from the store and are not in the catalog yet.
///
/// The store tells each change once. Whoever takes it puts it here, so that it is not lost when the request that
/// took it is dropped, and so that others can see that there is something to wait for.
#[derive(Default)]
pub(super) struct Inbox {
    /// Guards short sections only; never held across an await.
    waiting: Mutex<Waiting>,
    /// Whether something may be waiting or in hand, to be asked without the lock.
    may_lag: AtomicBool,
    /// Held while changes are brought into the catalog: looking at a file, taking note of it and forgetting what was
    /// made from it are one step, or a late look could undo a newer one.
    pub(super) applying: Arc<AsyncMutex<Attempts>>,
    /// How many attempts were begun.
    attempts: AtomicU64,
    /// How often files were found to be rewritten; see [`Index::keep_facts`].
    rewritings: AtomicU64,
    /// Files that uploads have just put in place: their events tell nothing new.
    placed: Mutex<HashMap<StoreKey, (Stamp, Instant)>>,
}

/// What became of attempts to bring changes in.
#[derive(Default)]
pub(super) struct Attempts {
    /// Number of the last one.
    made: u64,
    /// What became of it; `None` when it did its work.
    trouble: Option<Trouble>,
}

/// Above this it costs less to forget all that was made than to look for what is outdated.
const MANY_OBSERVATIONS: usize = 5_000;

/// How long events may follow the upload that caused them.
const PLACED_FOR: Duration = Duration::from_secs(2);

#[derive(Default)]
struct Waiting {
    keys: HashSet<StoreKey>,
    everything: bool,
    /// Changes that were taken out of here but may not have reached the catalog yet.
    in_hand: bool,
}

impl Inbox {
    /// Adds what the store tells now. Returns whether the catalog lags behind the folder.
    pub(super) fn fill(&self, store: &dyn storage::Store) -> bool {
        // In this order: what the store no longer has is said to be here before it is taken.
        if store.is_unchanged() && !self.may_lag.load(Ordering::SeqCst) {
            return false;
        }
        self.with(|waiting| {
            // Asked under the lock: otherwise another request could see neither the store's change nor ours.
            self.may_lag.store(true, Ordering::SeqCst);
            waiting.add(store.take_changes());
            waiting.lags()
        })
    }

    /// Adds keys that are to be looked at, as if the store had told of them.
    fn add(&self, keys: impl IntoIterator<Item = StoreKey>) {
        self.with(|waiting| waiting.keys.extend(keys));
    }

    fn with<T>(&self, work: impl FnOnce(&mut Waiting) -> T) -> T {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let result = work(&mut waiting);
        self.may_lag.store(waiting.lags(), Ordering::SeqCst);
        result
    }

    /// Takes note that an upload puts a file there in this state.
    pub(super) fn placed(&self, key: &StoreKey, stamp: Stamp) {
        let mut placed = self.placed.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        placed.retain(|_, (_, at)| now.duration_since(*at) < PLACED_FOR);
        placed.insert(key.clone(), (stamp, now));
    }

    /// Takes note that an upload has failed after it put a file there: it is looked at like any other.
    pub(super) fn displaced(&self, key: &StoreKey) {
        let mut placed = self.placed.lock().unwrap_or_else(PoisonError::into_inner);
        placed.remove(key);
        drop(placed);
        self.add([key.clone()]);
    }

    /// Whether an event for this state of a file comes from an upload.
    fn is_ours(&self, key: &StoreKey, stamp: Stamp) -> bool {
        let placed = self.placed.lock().unwrap_or_else(PoisonError::into_inner);
        placed
            .get(key)
            .is_some_and(|(known, at)| *known == stamp && at.elapsed() < PLACED_FOR)
    }

    /// How often files were found to be rewritten so far.
    pub(super) fn rewritings(&self) -> u64 {
        self.rewritings.load(Ordering::SeqCst)
    }

    /// Takes what waits; `None` when nothing does, and then nothing is in hand either.
    fn take(&self) -> Option<Changes> {
        self.with(|waiting| {
            let keys = std::mem::take(&mut waiting.keys);
            let everything = std::mem::take(&mut waiting.everything);
            waiting.in_hand = everything || !keys.is_empty();
            match (everything, keys.is_empty()) {
                (true, _) => Some(Changes::Everything),
                (false, false) => Some(Changes::Keys(keys.into_iter().collect())),
                (false, true) => None,
            }
        })
    }

    /// Puts back what could not be brought into the catalog.
    fn put_back(&self, changes: Changes) {
        self.with(|waiting| waiting.add(changes));
    }
}

impl Waiting {
    fn add(&mut self, changes: Changes) {
        match changes {
            Changes::None => {}
            Changes::Keys(keys) => self.keys.extend(keys),
            Changes::Everything => self.everything = true,
        }
    }

    /// Whether the catalog lags behind the folder.
    fn lags(&self) -> bool {
        self.everything || self.in_hand || !self.keys.is_empty()
    }
}

/// Asks for a new listing when it is dropped: changes were in hand, and what became of them is not known. Whoever
/// knows forgets it.
struct RescanUnlessDone<'a>(&'a Inbox);

impl Drop for RescanUnlessDone<'_> {
    fn drop(&mut self) {
        self.0.put_back(Changes::Everything);
    }
}

impl Index {
    /// Waits until every change of the folder that finished before this call is in the catalog and no page made
    /// before it is left. Costs about a microsecond when nothing changed, whatever the size of the folder.
    ///
    /// # Errors
    /// The folder can't be read or the catalog can't be written; the changes are kept and tried again.
    pub async fn settle(self: &Arc<Self>) -> Result<(), Error> {
        let lags = if self.store.sees_content_changes() {
            self.changes.fill(&*self.store)
        } else {
            // Folders are looked at, which may take its time.
            let index = Arc::clone(self);
            tokio::task::spawn_blocking(move || index.changes.fill(&*index.store)).await?
        };
        if !lags {
            return Ok(());
        }
        let made_before = self.changes.attempts.load(Ordering::SeqCst);
        let mut turn = Arc::clone(&self.changes.applying).lock_owned().await;
        // An attempt that began after this call has failed for this one too; trying again at once would only make
        // all who wait here wait one after another.
        if let Some(trouble) = turn.trouble
            && turn.made > made_before
        {
            return Err(Error::Behind(trouble));
        }
        let index = Arc::clone(self);
        // In a task of its own, so that a client that goes away can't stop it half-way.
        tokio::spawn(async move {
            turn.made = index.changes.attempts.fetch_add(1, Ordering::SeqCst) + 1;
            turn.trouble = Some(Trouble::Internal);
            while let Some(changes) = index.changes.take() {
                let unless_done = RescanUnlessDone(&index.changes);
                let outcome = index.bring_in(&changes).await;
                std::mem::forget(unless_done);
                if let Err(error) = outcome {
                    index.changes.put_back(changes);
                    turn.trouble = Some(error.trouble());
                    return Err(error);
                }
            }
            turn.trouble = None;
            Ok(())
        })
        .await?
    }

    /// Whether all is settled already, as [`Index::settle`] would find without waiting. False where that can't be told
    /// at once.
    pub(super) fn is_settled(&self) -> bool {
        self.store.sees_content_changes() && !self.changes.fill(&*self.store)
    }

    async fn bring_in(self: &Arc<Self>, changes: &Changes) -> Result<(), Error> {
        match changes {
            Changes::None => Ok(()),
            Changes::Everything => {
                self.rescan().await?;
                // Another server on the same folder may have told the catalog first, so nothing made so far is
                // certain to hold.
                self.forget_all_made();
                Ok(())
            }
            Changes::Keys(keys) => {
                self.statistics.changes.add(keys.len() as u64);
                let mut observations = Vec::with_capacity(keys.len());
                for key in keys {
                    match signed_by(key) {
                        Some(signed) => self.look_at_signature(&signed).await?,
                        None => observations.extend(self.look_at(key).await?),
                    }
                }
                self.take_note(observations).await
            }
        }
    }

    /// What is at a key now; `None` when it never was a distribution, or is as our own upload left it.
    async fn look_at(&self, key: &StoreKey) -> Result<Option<Observation>, Error> {
        let filename = match DistFilename::parse_listed(key.filename()) {
            Ok(filename) => filename,
            Err(reason) => {
                self.tell_ignored(key, &reason);
                return Ok(None);
            }
        };
        match self.store.head(key).await {
            // The upload takes note of it, and what was made before is forgotten then.
            Ok(stamp) if self.changes.is_ours(key, stamp) => Ok(None),
            Ok(stamp) => Ok(Some(Observation::Seen {
                key: key.clone(),
                filename,
                stamp,
                // Something happened to it, whatever its stamp says.
                rewritten: true,
            })),
            // What is being written is not here yet, or no more.
            Err(storage::Error::NotFound(_) | storage::Error::Unfinished(_)) => {
                Ok(Some(Observation::Gone { key: key.clone() }))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Lists everything and brings the catalog in step with it.
    pub(super) async fn rescan(self: &Arc<Self>) -> Result<(), Error> {
        let begun = Instant::now();
        let look = Look::new(self, self.catalog.present().await?);
        let observed = self.catalog.observe_pieces(&|| look.begin()).await;
        let Seen {
            files,
            ignored,
            changes,
            signed,
        } = look.end().await?;
        observed?;
        debug!(files, ignored, changes, "folder listed");
        self.ignored_files.store(ignored, Ordering::Relaxed);
        if changes > 0 {
            self.forget_all_made();
        }
        self.warn_of_twins(self.catalog.twins().await?);
        self.take_note_of_signatures(signed);
        self.unchecked.clear();
        self.statistics.scans.record_since(begun);
        Ok(())
    }

    /// Forgets every page and file in memory, for when the catalog that they were made from counts no more.
    pub fn forget_all_made(&self) {
        self.files.forget_all();
        self.pages.forget_all();
    }

    /// Says once why a file is not listed.
    pub(super) fn tell_ignored(&self, key: &StoreKey, reason: &FilenameError) {
        if enabled!(Level::DEBUG) && self.ignored_told.is_news(key.clone()) {
            debug!(file = %Place(key), reason = in_one_line(reason), "not listed");
        }
    }

    /// One warning for each file that is hidden behind another one of its name.
    fn warn_of_twins(&self, mut twins: Vec<StoreKey>) {
        twins.sort();
        let mut served: HashMap<&str, &StoreKey> = HashMap::with_capacity(twins.len());
        for key in &twins {
            let first = served.entry(key.filename()).or_insert(key);
            if *first != key
                && self
                    .twins_told
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .insert(key.clone())
            {
                warn!(
                    served = %Place(first),
                    hidden = %Place(key),
                    "two files have the same name; only the first is served"
                );
            }
        }
    }

    /// Brings observations into the catalog and forgets what was made from the files before.
    ///
    /// All their projects' pages go, whatever the catalog makes of them: another server on the same folder may have
    /// told it first. Files are forgotten before and after, since a reader in between may still have met the old state.
    async fn take_note(&self, observations: Vec<Observation>) -> Result<(), Error> {
        if observations.is_empty() {
            return Ok(());
        }
        let rewritten = observations
            .iter()
            .any(|seen| matches!(seen, Observation::Seen { rewritten: true, .. }));
        if rewritten {
            self.changes.rewritings.fetch_add(1, Ordering::SeqCst);
        }
        if observations.len() > MANY_OBSERVATIONS {
            self.files.forget_all();
            self.catalog.observe(observations).await?;
            self.files.forget_all();
            self.pages.forget_all();
            return Ok(());
        }
        let keys: Vec<StoreKey> = observations
            .iter()
            .map(|observation| observation.key().clone())
            .collect();
        keys.iter().for_each(|key| self.files.forget(key));
        let affected = self.catalog.observe(observations).await?;
        keys.iter().for_each(|key| self.files.forget(key));
        let named = keys
            .iter()
            .filter_map(|key| DistFilename::parse_listed(key.filename()).ok());
        let projects: HashSet<ProjectName> = named
            .map(|filename| filename.project().clone())
            .chain(affected)
            .collect();
        self.pages.forget(&projects);
        Ok(())
    }

    /// Looks at files whose changes the store can't tell. Tells whether they are all as they were; those that aren't
    /// have been brought into the catalog. Costs nothing when there are none.
    ///
    /// # Errors
    /// As [`Index::settle`].
    pub(super) async fn are_as_before(self: &Arc<Self>, unseen: &[(StoreKey, Stamp)]) -> Result<bool, Error> {
        if unseen.is_empty() {
            return Ok(true);
        }
        let keys = unseen.iter().map(|(key, _)| key.clone()).collect();
        let mut changed = Vec::new();
        for ((key, before), now) in unseen.iter().zip(self.store.heads(keys).await) {
            match now {
                Ok(now) if now == *before => {}
                Ok(_) | Err(storage::Error::NotFound(_) | storage::Error::Unfinished(_)) => {
                    changed.push(key.clone());
                }
                Err(error) => return Err(error.into()),
            }
        }
        if changed.is_empty() {
            return Ok(true);
        }
        self.changes.add(changed);
        self.settle().await?;
        Ok(false)
    }

    /// Has one key looked at that was found in another state than the catalog says.
    pub(super) async fn look_again(self: &Arc<Self>, key: &StoreKey) -> Result<(), Error> {
        self.changes.add([key.clone()]);
        self.settle().await
    }

    /// Keeps facts that were read while the count of rewritings was `rewritings`: a file that was rewritten since may
    /// have other ones, under the same stamp.
    pub(super) async fn keep_facts(&self, key: &StoreKey, stamp: Stamp, facts: FileFacts, rewritings: u64) {
        let _turn = self.changes.applying.lock().await;
        if self.changes.rewritings() != rewritings {
            return;
        }
        // They are a cache: without them the file is read again.
        if let Err(error) = self.catalog.record_facts(key, stamp, facts).await {
            warn!(file = %key, error = in_one_line(&error), "what was read from the file can't be kept");
        }
    }
}

/// A file's place as an operator knows it: which of the served folders, counted from one, and the path in it.
struct Place<'a>(&'a StoreKey);

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in folder {}", self.0, self.0.root().0 + 1)
    }
}
