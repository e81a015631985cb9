//! A catalog in memory that stands in for the file, and what is to be brought into the file afterwards.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use crate::catalog::{Catalog as _, Error, Observation, SqliteCatalog};
use crate::causes::in_one_line;
use crate::packaging::DistFilename;
use crate::storage::{Stamp, StoreKey};

/// A catalog in memory stands in for the file.
pub(super) struct StandIn {
    /// Why uploads can't be recorded.
    because: Error,
    learned: Mutex<Learned>,
}

/// What the comparison of two catalogs would not tell.
#[derive(Default)]
pub(super) struct Learned {
    /// Files whose bytes changed, maybe under the same stamp.
    pub(super) rewritten: HashSet<StoreKey>,
    /// Files that were read for their facts.
    pub(super) read: HashSet<StoreKey>,
}

impl StandIn {
    pub(super) fn new(because: Error) -> Self {
        Self {
            because,
            learned: Mutex::default(),
        }
    }

    /// The reason, for one more upload.
    pub(super) fn because(&self) -> Error {
        again(&self.because)
    }

    pub(super) fn learn(&self, learn: impl FnOnce(&mut Learned)) {
        learn(&mut self.learned.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Brings what `memory` knows of the folder into `file`.
    pub(super) async fn bring_into(&self, file: &SqliteCatalog, memory: &SqliteCatalog) -> Result<(), Error> {
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

/// The files among these whose bytes changed, maybe under the same stamp.
pub(super) fn rewritten(observations: &[Observation]) -> impl Iterator<Item = &StoreKey> {
    let rewritten = |seen: &&Observation| matches!(seen, Observation::Seen { rewritten: true, .. });
    observations.iter().filter(rewritten).map(Observation::key)
}

/// What was seen at a key; `None` when it is no distribution.
pub(super) fn seen(key: StoreKey, stamp: Stamp, rewritten: bool) -> Option<Observation> {
    let filename = DistFilename::parse_listed(key.filename()).ok()?;
    Some(Observation::Seen {
        key,
        filename,
        stamp,
        rewritten,
    })
}

/// The same error for the next one who meets it.
pub(super) fn again(error: &Error) -> Error {
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
