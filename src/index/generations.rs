//! When something that was made from a project's files is outdated, for things that have no fixed number of keys.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::packaging::ProjectName;

/// Counts the changes of projects. Whatever is kept under a generation that was asked for *before* the files were
/// looked at is right as long as the generation is the same.
///
/// Projects share counters, so that memory does not grow with their number; a change of one then outdates things of
/// another, which costs a rendering and nothing else.
pub(super) struct Generations {
    of_projects: Box<[AtomicU64]>,
    /// All changes, whatever they are of.
    overall: AtomicU64,
    hasher: RandomState,
}

/// How many counters the projects share.
const COUNTERS: usize = 1024;

impl Default for Generations {
    fn default() -> Self {
        Self {
            of_projects: (0..COUNTERS).map(|_| AtomicU64::new(0)).collect(),
            overall: AtomicU64::new(0),
            hasher: RandomState::new(),
        }
    }
}

impl Generations {
    /// The generation of what is made from a project's files.
    pub(super) fn of(&self, project: &ProjectName) -> u64 {
        self.counter(project).load(Ordering::SeqCst)
    }

    /// The generation of what is made from all files.
    pub(super) fn overall(&self) -> u64 {
        self.overall.load(Ordering::SeqCst)
    }

    /// The project has changed.
    pub(super) fn end(&self, project: &ProjectName) {
        self.counter(project).fetch_add(1, Ordering::SeqCst);
        self.overall.fetch_add(1, Ordering::SeqCst);
    }

    /// Every project may have changed.
    pub(super) fn end_all(&self) {
        for counter in &self.of_projects {
            counter.fetch_add(1, Ordering::SeqCst);
        }
        self.overall.fetch_add(1, Ordering::SeqCst);
    }

    fn counter(&self, project: &ProjectName) -> &AtomicU64 {
        let number = self.hasher.hash_one(project) % COUNTERS as u64;
        // Less than the length, which fits.
        &self.of_projects[usize::try_from(number).unwrap_or(0)]
    }
}
