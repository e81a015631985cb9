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

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use tokio::sync::{RwLock, RwLockReadGuard};
use tracing::{debug, error, info, warn};

use super::database::Opened;
use super::file::set_aside;
use super::{
    Catalog, Counts, Error, FileFacts, FileRecord, Known, Observation, Pieces, ProjectRecord, SqliteCatalog,
    UploadRecord,
};
use crate::causes::in_one_line;
use crate::packaging::{DistFilename, ProjectName};
use crate::storage::{self, Entry, Stamp, StoreKey};

/// How soon the way back is tried for the first time; the pause doubles each time.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// How long the pause grows.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// How long a start is left alone before the whole of a large file is read.
const CHECK_PAUSE: Duration = Duration::from_secs(1);

/// So many bytes must fit on the disk before its catalog is trusted again.
const PROBE_BYTES: usize = 256 * 1024;

/// Tells what the folders hold now, for a catalog that has to begin anew.
pub type Census = Box<dyn Fn() -> BoxFuture<'static, Result<Vec<Entry>, storage::Error>> + Send + Sync>;

/// A [`SqliteCatalog`] that never keeps a reader waiting for its file.
pub struct SteadyCatalog {
    shared: Arc<Shared>,
}

struct Shared {
    path: PathBuf,
    roots: Vec<PathBuf>,
    census: Census,
    current: RwLock<Current>,
}

/// The catalog that is used now. Whoever uses it holds the lock, so that none is used that was replaced.
struct Current {
    catalog: Arc<SqliteCatalog>,
    /// Counts the replacements.
    number: u64,
    /// What is to be brought into the file; `None` while the file itself is used.
    stand_in: Option<StandIn>,
    /// When the file was made anew for the last time: one that fails again at once is given time.
    made_anew_at: Option<Instant>,
}

/// A catalog in memory stands in for the file.
struct StandIn {
    /// Why uploads can't be recorded.
    because: Error,
    learned: Mutex<Learned>,
}

/// What the comparison of two catalogs would not tell.
#[derive(Default)]
struct Learned {
    /// Files whose bytes changed, maybe under the same stamp.
    rewritten: HashSet<StoreKey>,
    /// Files that were read for their facts.
    read: HashSet<StoreKey>,
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

fn rewritten(observations: &[Observation]) -> impl Iterator<Item = &StoreKey> {
    let rewritten = |seen: &&Observation| matches!(seen, Observation::Seen { rewritten: true, .. });
    observations.iter().filter(rewritten).map(Observation::key)
}

impl Current {
    fn learn(&self, learn: impl FnOnce(&mut Learned)) {
        if let Some(stand_in) = &self.stand_in {
            learn(&mut stand_in.learned.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }

    fn replace(&mut self, catalog: SqliteCatalog, stand_in: Option<StandIn>) -> Arc<SqliteCatalog> {
        self.number += 1;
        self.stand_in = stand_in;
        std::mem::replace(&mut self.catalog, Arc::new(catalog))
    }
}

impl Shared {
    /// Looks through catalog `number` and puts one in its place if it is damaged.
    async fn check(self: &Arc<Self>, catalog: Arc<SqliteCatalog>, number: u64) -> Result<(), Error> {
        let checked = catalog.check().await;
        // Its file is set aside when nobody has it open.
        drop(catalog);
        match checked {
            Err(error @ Error::Damaged { .. }) => self.step_in(number, error).await,
            outcome => outcome,
        }
    }

    /// Puts a catalog in memory in the place of catalog `number`, which has failed with `error`. `Ok` says that there
    /// is another one now.
    async fn step_in(self: &Arc<Self>, number: u64, error: Error) -> Result<(), Error> {
        let mut current = self.current.write().await;
        if current.number != number {
            return Ok(());
        }
        if current.stand_in.is_some() {
            return Err(error);
        }
        let copy = match error {
            Error::Damaged { .. } => Err(again(&error)),
            _ => self.copy_of(&current.catalog).await,
        };
        let is_damaged = matches!(error, Error::Damaged { .. }) || matches!(copy, Err(Error::Damaged { .. }));
        let (catalog, copied_at) = match copy {
            Ok(catalog) => (catalog, None),
            // What is merely out of reach is left alone: it may be had again.
            Err(_) => self.begin_anew().await.ok_or_else(|| again(&error))?,
        };
        let reason = in_one_line(&error);
        if is_damaged {
            error!(
                catalog = %self.path.display(),
                reason,
                "the catalog is damaged; it is set aside and {}",
                what_is_lost(copied_at)
            );
        } else {
            warn!(
                catalog = %self.path.display(),
                reason,
                "the catalog can't be used; a copy in memory stands in, and uploads wait until it can be used again"
            );
        }
        let has_vanished = matches!(error, Error::Vanished { .. });
        let failed = current.replace(catalog, Some(StandIn::new(error)));
        let path = self.path.clone();
        let aside = blocking(&self.path, move || {
            // Closed before its file gets another name.
            match Arc::into_inner(failed) {
                Some(failed) if has_vanished => failed.abandon(),
                failed => drop(failed),
            }
            if is_damaged && let Err(error) = set_aside(&path) {
                debug!(%error, "the damaged catalog can't be set aside");
            }
            Ok(())
        });
        aside.await?;
        let is_again = current.made_anew_at.is_some_and(|at| at.elapsed() < FIRST_PAUSE);
        if (is_damaged || has_vanished) && !is_again {
            current.made_anew_at = Some(Instant::now());
            if let Err(error) = self.take_over(&mut current, None).await {
                debug!(reason = in_one_line(&error), "the catalog can't be made anew yet");
            }
        }
        if current.stand_in.is_some() {
            self.keep_trying();
        }
        Ok(())
    }

    async fn copy_of(&self, catalog: &Arc<SqliteCatalog>) -> Result<SqliteCatalog, Error> {
        let (catalog, path, roots) = (Arc::clone(catalog), self.path.clone(), self.roots.clone());
        let copy = blocking(&self.path, move || catalog.copy_in_memory(&path, &roots)).await;
        copy.inspect_err(|error| debug!(reason = in_one_line(error), "no copy of the catalog"))
    }

    /// A catalog in memory that knows what the folder holds, and what the second copy knows; with the time of that.
    async fn begin_anew(&self) -> Option<(SqliteCatalog, Option<Timestamp>)> {
        let entries = (self.census)()
            .await
            .inspect_err(|error| debug!(reason = in_one_line(error), "the folder can't be listed"))
            .ok()?;
        let (path, roots) = (self.path.clone(), self.roots.clone());
        let begin = move || match SqliteCatalog::load_second_copy(&path, &roots) {
            Some((catalog, copied_at)) => Ok((catalog, Some(copied_at))),
            None => SqliteCatalog::in_memory_for(&path, &roots).map(|catalog| (catalog, None)),
        };
        let (catalog, copied_at) = blocking(&self.path, begin).await.ok()?;
        let mut known: HashMap<StoreKey, Stamp> = catalog.present().await.ok()?.into_iter().collect();
        let mut observations = Vec::new();
        for entry in entries {
            if known.remove(&entry.key) != Some(entry.stamp) {
                observations.extend(seen(entry.key, entry.stamp, false));
            }
        }
        observations.extend(known.into_keys().map(|key| Observation::Gone { key }));
        catalog.observe(observations).await.ok()?;
        Some((catalog, copied_at))
    }

    /// Tries the way back until it is open, or nobody needs this catalog any more.
    fn keep_trying(self: &Arc<Self>) {
        let shared: Weak<Self> = Arc::downgrade(self);
        tokio::spawn(async move {
            let mut pause = FIRST_PAUSE;
            loop {
                tokio::time::sleep(pause).await;
                let Some(shared) = shared.upgrade() else { return };
                match shared.come_back().await {
                    Ok(()) => return,
                    Err(error) => debug!(reason = in_one_line(&error), "the catalog can't be used yet"),
                }
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        });
    }

    /// Gives the file its place again, if it can be used.
    async fn come_back(&self) -> Result<(), Error> {
        if self.current.read().await.stand_in.is_none() {
            return Ok(());
        }
        // Opened before anybody has to wait: another program may keep it locked.
        let opened = match std::fs::metadata(&self.path).is_ok_and(|file| file.len() > 0) {
            true => Some(self.open_file().await?),
            false => None,
        };
        let mut current = self.current.write().await;
        match current.stand_in {
            Some(_) => self.take_over(&mut current, opened).await,
            None => Ok(()),
        }
    }

    async fn open_file(&self) -> Result<SqliteCatalog, Error> {
        let (path, roots) = (self.path.clone(), self.roots.clone());
        let open = move || {
            probe(&path)?;
            SqliteCatalog::open(&path, &roots).map(|(catalog, _)| catalog)
        };
        blocking(&self.path, open).await
    }

    /// Lets the file take over from its stand-in. One that isn't there is written from the stand-in first.
    async fn take_over(&self, current: &mut Current, opened: Option<SqliteCatalog>) -> Result<(), Error> {
        let Some(stand_in) = &current.stand_in else {
            return Ok(());
        };
        let file = match opened {
            Some(file) => file,
            None => {
                let (catalog, path) = (Arc::clone(&current.catalog), self.path.clone());
                let write = move || {
                    create_state_folder(&path)?;
                    catalog.copy_to(&path)
                };
                blocking(&self.path, write).await?;
                self.open_file().await?
            }
        };
        stand_in.bring_into(&file, &current.catalog).await?;
        current.replace(file, None);
        info!(catalog = %self.path.display(), "the catalog on disk is used again");
        Ok(())
    }
}

impl StandIn {
    fn new(because: Error) -> Self {
        Self {
            because,
            learned: Mutex::default(),
        }
    }

    fn because(&self) -> Error {
        again(&self.because)
    }

    /// Brings what `memory` knows of the folder into `file`.
    async fn bring_into(&self, file: &SqliteCatalog, memory: &SqliteCatalog) -> Result<(), Error> {
        let (rewritten, read) = {
            let learned = self.learned.lock().unwrap_or_else(PoisonError::into_inner);
            (learned.rewritten.clone(), learned.read.clone())
        };
        let mut known: HashMap<StoreKey, Stamp> = file.present().await?.into_iter().collect();
        let mut observations = Vec::new();
        for (key, stamp) in memory.present().await? {
            let was_rewritten = rewritten.contains(&key);
            if known.remove(&key) != Some(stamp) || was_rewritten {
                observations.extend(seen(key, stamp, was_rewritten));
            }
        }
        observations.extend(known.into_keys().map(|key| Observation::Gone { key }));
        file.observe(observations).await?;
        for key in read {
            let Ok(filename) = DistFilename::parse_listed(key.filename()) else {
                continue;
            };
            let records = memory.files_like(&filename.identity()).await?;
            let record = records.into_iter().find(|record| record.key == key);
            if let Some((stamp, facts)) = record.and_then(|record| Some((record.stamp, record.facts?))) {
                file.record_facts(&key, stamp, facts).await?;
            }
        }
        Ok(())
    }
}

/// What was seen at a key; `None` when it is no distribution.
fn seen(key: StoreKey, stamp: Stamp, rewritten: bool) -> Option<Observation> {
    let filename = DistFilename::parse_listed(key.filename()).ok()?;
    Some(Observation::Seen {
        key,
        filename,
        stamp,
        rewritten,
    })
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

/// The same error for the next one who meets it.
fn again(error: &Error) -> Error {
    match error {
        Error::Busy { path } => Error::Busy { path: path.clone() },
        Error::NoSpace { path } => Error::NoSpace { path: path.clone() },
        Error::Vanished { path } => Error::Vanished { path: path.clone() },
        Error::TooNew { path } => Error::TooNew { path: path.clone() },
        Error::NotWritable { path, source } => Error::NotWritable {
            path: path.clone(),
            source: source.kind().into(),
        },
        Error::Damaged { path, .. } | Error::Database { path, .. } => Error::Database {
            action: "use",
            path: path.clone(),
            source: in_one_line(error).into(),
        },
    }
}

/// Makes the folder that the catalog lies in, and none above it: where a root is not mounted, nothing may take its
/// place.
fn create_state_folder(path: &Path) -> Result<(), Error> {
    let Some(folder) = path.parent() else {
        return Ok(());
    };
    let vanished = || Error::Vanished {
        path: path.to_owned(),
    };
    if folder.parent().is_some_and(Path::is_dir) {
        return storage::make_folder(folder, 0o700).map_err(|_| vanished());
    }
    Err(vanished())
}

/// Finds out whether the disk takes something.
fn probe(path: &Path) -> Result<(), Error> {
    let probe = path.with_extension("probe");
    let written = std::fs::write(&probe, vec![0; PROBE_BYTES]);
    let _ = std::fs::remove_file(&probe);
    written.map_err(|source| super::file::refused(path, source))
}

/// Runs `work` on a blocking thread.
async fn blocking<T: Send + 'static>(
    path: &Path,
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| {
        Err(Error::Database {
            action: "use",
            path: path.to_owned(),
            source: error.into(),
        })
    })
}

#[cfg(test)]
#[path = "steady_tests.rs"]
mod tests;
