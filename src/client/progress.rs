//! What the client tells while it works. It prints nothing itself.

use std::time::Duration;

/// Someone who watches an upload: a progress bar, a log, a test.
///
/// Calls come from the client's own threads and must return quickly.
pub trait Progress: Send + Sync {
    /// A request with this file begins; with `attempt` over 1, once more from its first byte.
    fn begin(&self, filename: &str, size_bytes: u64, attempt: u32);

    /// So many more bytes of the file were handed to the connection.
    fn sent(&self, bytes: u64);

    /// An attempt failed for `reason`; the next one begins after `pause`.
    fn pausing(&self, filename: &str, pause: Duration, reason: &str);

    /// The file is on the index.
    fn finished(&self, filename: &str, size_bytes: u64, outcome: Outcome);
}

/// How a file came to be on the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// This run put it there.
    Uploaded,
    /// This run put it there, in place of a file with other bytes.
    Replaced,
    /// It was there before, with the same bytes.
    AlreadyThere,
    /// The index says that it was there before, and shows no digest to compare.
    AlreadyThereUnverified,
}

/// Nobody watches.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _filename: &str, _size_bytes: u64, _attempt: u32) {}
    fn sent(&self, _bytes: u64) {}
    fn pausing(&self, _filename: &str, _pause: Duration, _reason: &str) {}
    fn finished(&self, _filename: &str, _size_bytes: u64, _outcome: Outcome) {}
}
