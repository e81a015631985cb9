//! What the client tells while it works. It prints nothing itself.

use std::time::Duration;

/// Someone who watches an upload: a progress bar, a log, a test.
///
/// Calls come from the client's own threads and must return quickly.
pub trait Progress: Send + Sync {
    /// A request with this file begins; with `attempt` over 1, once more from its first byte.
    fn begin(&self, filename: &str, size_bytes: u64, attempt: u32);

    /// So many more bytes of this file were handed to the connection.
    fn sent(&self, filename: &str, bytes: u64);

    /// An attempt failed for `reason`; the next one begins after `pause`.
    fn pausing(&self, filename: &str, pause: Duration, reason: &str);

    /// The file is on the index.
    fn finished(&self, filename: &str, size_bytes: u64, outcome: Outcome);

    /// All files were sent; the index does not list so many of them yet, and was asked for so long.
    fn waiting_for_listing(&self, files: usize, since: Duration) {
        let _ = (files, since);
    }

    /// The file is not on the index, and no further attempt is made. Why is told by the report.
    fn failed(&self, filename: &str);
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
    /// It was there before, with the same MD5; the index shows no better digest.
    AlreadyThereByMd5,
    /// The index says that it was there before, and shows no digest to compare.
    AlreadyThereUnverified,
}

/// Nobody watches.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _filename: &str, _size_bytes: u64, _attempt: u32) {}
    fn sent(&self, _filename: &str, _bytes: u64) {}
    fn pausing(&self, _filename: &str, _pause: Duration, _reason: &str) {}
    fn finished(&self, _filename: &str, _size_bytes: u64, _outcome: Outcome) {}
    fn failed(&self, _filename: &str) {}
}
