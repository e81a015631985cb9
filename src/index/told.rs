//! What the operator was told already, so that it is told once.

use std::collections::HashSet;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

/// So many things are told; whoever has more of them in the folder knows by then.
const MAX_TOLD: usize = 10_000;

/// A bounded memory of what was told.
pub(super) struct Told<T>(Mutex<HashSet<T>>);

impl<T> Default for Told<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Eq + Hash> Told<T> {
    /// Whether this is to be told now, because it was not told yet.
    pub(super) fn is_news(&self, what: T) -> bool {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.len() < MAX_TOLD && told.insert(what)
    }
}
