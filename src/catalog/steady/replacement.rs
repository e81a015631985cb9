//! How one catalog takes the place of another: the copy in memory when the file fails, and the file when it can be
//! used again.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::RwLock;
use tracing::{debug, error, info, warn};

use super::stand_in::{Learned, StandIn, again, seen};
use super::{Census, what_is_lost};
use crate::catalog::file::{self, set_aside};
use crate::catalog::{Catalog as _, Error, Observation, SqliteCatalog};
use crate::causes::in_one_line;
use crate::storage::{self, Stamp, StoreKey};

/// How soon the way back is tried for the first time; the pause doubles each time.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// How long the pause grows.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// So many bytes must fit on the disk before its catalog is trusted again.
const PROBE_BYTES: usize = 256 * 1024;

/// What the catalog shares with the tasks that look after it.
pub(super) struct Shared {
    pub(super) path: PathBuf,
    pub(super) roots: Vec<PathBuf>,
    pub(super) census: Census,
    pub(super) current: RwLock<Current>,
}

/// The catalog that is used now. Whoever uses it holds the lock, so that none is used that was replaced.
pub(super) struct Current {
    pub(super) catalog: Arc<SqliteCatalog>,
    /// Counts the replacements.
    pub(super) number: u64,
    /// What is to be brought into the file; `None` while the file itself is used.
    pub(super) stand_in: Option<StandIn>,
    /// When the file was made anew for the last time: one that fails again at once is given time.
    pub(super) made_anew_at: Option<Instant>,
}

impl Current {
    /// Has the stand-in, where there is one, take note of something.
    pub(super) fn learn(&self, learn: impl FnOnce(&mut Learned)) {
        if let Some(stand_in) = &self.stand_in {
            stand_in.learn(learn);
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
    pub(super) async fn check(
        self: &Arc<Self>,
        catalog: Arc<SqliteCatalog>,
        number: u64,
    ) -> Result<(), Error> {
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
    pub(super) async fn step_in(self: &Arc<Self>, number: u64, error: Error) -> Result<(), Error> {
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
    pub(super) fn keep_trying(self: &Arc<Self>) {
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
    pub(super) async fn come_back(&self) -> Result<(), Error> {
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
    written.map_err(|source| file::refused(path, source))
}

/// Runs `work` on a blocking thread.
pub(super) async fn blocking<T: Send + 'static>(
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
