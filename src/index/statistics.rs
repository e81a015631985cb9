//! What the index counts of its own work, for whoever watches it.

use std::sync::Arc;

use super::{Accepted, Index, Refusal};
use crate::catalog::Timings;
use crate::measures::{Counter, Durations};

/// Counted since the start of the program.
#[derive(Debug, Default)]
pub struct Statistics {
    /// Pages that were there ready.
    pub page_hits: Counter,
    /// Pages that had to be made.
    pub page_misses: Counter,
    /// Small files and metadata files that were in memory.
    pub file_hits: Counter,
    /// Files that had to be opened, among them all large ones.
    pub file_misses: Counter,
    /// What became of uploads.
    pub uploads: Uploads,
    /// Listings of the whole folder, and how long each took.
    pub scans: Durations,
    /// How long the catalog's work took.
    pub catalog: Arc<Timings>,
    /// Single changes of the folder that were looked at.
    pub changes: Counter,
    /// Files whose content was read for digest and metadata, and how long each took.
    pub readings: Durations,
}

/// What became of uploads that arrived whole.
#[derive(Debug, Default)]
pub struct Uploads {
    /// New files.
    pub stored: Counter,
    /// Files that were there already, with the same bytes.
    pub unchanged: Counter,
    /// Files that took the place of others.
    pub replaced: Counter,
    /// Refused for what they are.
    pub refused: Counter,
    /// Not stored for a failure of ours, such as a full disk.
    pub failed: Counter,
    /// Bytes of all that were stored or replaced others.
    pub bytes: Counter,
}

impl Uploads {
    /// Takes note of the outcome of an upload of so many bytes.
    pub(super) fn record(&self, outcome: Result<&Accepted, &Refusal>, size_bytes: u64) {
        match outcome {
            Ok(Accepted::Stored) => self.stored.count(),
            Ok(Accepted::Replaced) => self.replaced.count(),
            Ok(Accepted::Unchanged) => self.unchanged.count(),
            Err(Refusal::Index(_)) => self.failed.count(),
            Err(_) => self.refused.count(),
        }
        if matches!(outcome, Ok(Accepted::Stored | Accepted::Replaced)) {
            self.bytes.add(size_bytes);
        }
    }
}

/// Bytes that are kept in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CachedBytes {
    /// Rendered pages.
    pub pages: u64,
    /// Small files and metadata files.
    pub files: u64,
}

impl Index {
    /// What was counted since the start.
    #[must_use]
    pub fn statistics(&self) -> &Statistics {
        &self.statistics
    }

    /// How much is kept in memory now.
    #[must_use]
    pub fn cached_bytes(&self) -> CachedBytes {
        CachedBytes {
            pages: self.pages.bytes(),
            files: self.files.bytes(),
        }
    }
}
