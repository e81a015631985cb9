//! One look at all that the folders hold, compared with what the catalog knows, piece by piece: reading the folders,
//! comparing and writing go on side by side, and no list of all files is ever held.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::signatures::signed_by;
use super::{Error, Index};
use crate::catalog::Observation;
use crate::packaging::DistFilename;
use crate::storage::{Entry, Stamp, StoreKey};

/// How many pieces may wait for the next one to deal with them.
const PIECES_AHEAD: usize = 2;

/// Files that went are told in pieces of this size.
const PIECE_FILES: usize = 4096;

/// A look that may be begun again: the catalog may have to start over.
pub(super) struct Look {
    index: Arc<Index>,
    /// What the catalog knew before, each file with a number of its own.
    known: Arc<HashMap<StoreKey, (Stamp, usize)>>,
    /// The look that was begun last.
    running: Mutex<Option<JoinHandle<Result<Seen, Error>>>>,
}

/// What a look has seen, beside what it has told the catalog.
#[derive(Default)]
pub(super) struct Seen {
    /// Distributions.
    pub(super) files: usize,
    /// Files that are neither distributions nor signatures.
    pub(super) ignored: u64,
    /// Observations that the catalog was told.
    pub(super) changes: usize,
    /// The distributions that have a signature, going by its name.
    pub(super) signed: HashSet<StoreKey>,
}

impl Look {
    /// Nothing is looked at yet; `known` is what the catalog takes for present.
    pub(super) fn new(index: &Arc<Index>, known: Vec<(StoreKey, Stamp)>) -> Self {
        let numbered = known.into_iter().enumerate();
        Self {
            index: Arc::clone(index),
            known: Arc::new(
                numbered
                    .map(|(number, (key, stamp))| (key, (stamp, number)))
                    .collect(),
            ),
            running: Mutex::default(),
        }
    }

    /// Begins to look, from the beginning; gives what is to be observed.
    pub(super) fn begin(&self) -> mpsc::Receiver<Vec<Observation>> {
        let (observations, receiver) = mpsc::channel(PIECES_AHEAD);
        let comparison = Comparison {
            is_met: vec![false; self.known.len()],
            known: Arc::clone(&self.known),
            index: Arc::clone(&self.index),
            seen: Seen::default(),
        };
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        *running = Some(tokio::spawn(comparison.run(observations)));
        receiver
    }

    /// What was seen by the look that was begun last, when all of it was told.
    ///
    /// # Errors
    /// The folders can't be read.
    pub(super) async fn end(self) -> Result<Seen, Error> {
        let running = self.running.into_inner().unwrap_or_else(PoisonError::into_inner);
        match running {
            Some(running) => running.await?,
            None => Ok(Seen::default()),
        }
    }
}

/// What the folders hold, against what is known.
struct Comparison {
    index: Arc<Index>,
    known: Arc<HashMap<StoreKey, (Stamp, usize)>>,
    /// Of each known file, by its number, whether it is there.
    is_met: Vec<bool>,
    seen: Seen,
}

impl Comparison {
    async fn run(mut self, observations: mpsc::Sender<Vec<Observation>>) -> Result<Seen, Error> {
        let (pieces, mut entries) = mpsc::channel(PIECES_AHEAD);
        let store = Arc::clone(&self.index.store);
        let listing = tokio::spawn(async move { store.list_in_pieces(pieces).await });
        while let Some(piece) = entries.recv().await {
            let piece: Vec<Observation> = piece.into_iter().filter_map(|entry| self.take(entry)).collect();
            self.seen.changes += piece.len();
            // The catalog that has no use for it any more says why.
            if !piece.is_empty() && observations.send(piece).await.is_err() {
                return Ok(self.seen);
            }
        }
        listing.await??;
        let gone: Vec<&StoreKey> = self
            .known
            .iter()
            .filter(|(_, (_, number))| !self.is_met[*number])
            .map(|(key, _)| key)
            .collect();
        self.seen.changes += gone.len();
        for piece in gone.chunks(PIECE_FILES) {
            let piece = piece.iter().map(|key| Observation::Gone { key: (*key).clone() });
            if observations.send(piece.collect()).await.is_err() {
                break;
            }
        }
        Ok(self.seen)
    }

    /// What is to be observed of an entry; `None` when there is no news of it.
    fn take(&mut self, Entry { key, stamp }: Entry) -> Option<Observation> {
        if let Some(signed) = signed_by(&key) {
            self.seen.signed.insert(signed);
            return None;
        }
        let filename = match DistFilename::parse_listed(key.filename()) {
            Ok(filename) => filename,
            Err(reason) => {
                self.index.tell_ignored(&key, &reason);
                self.seen.ignored += 1;
                return None;
            }
        };
        self.seen.files += 1;
        if let Some((known, number)) = self.known.get(&key) {
            self.is_met[*number] = true;
            if *known == stamp {
                return None;
            }
        }
        Some(Observation::Seen {
            key,
            filename,
            stamp,
            rewritten: false,
        })
    }
}
