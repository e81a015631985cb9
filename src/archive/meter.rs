//! Counts real output, so that no archive unpacks to more than its size can justify.

use super::error::{Error, Rule};
use super::limits::Limits;

/// The output of one archive so far.
pub(super) struct OutputMeter {
    produced: u64,
    allowed: u64,
    over: Rule,
}

impl OutputMeter {
    /// For an archive of `file_bytes` that may unpack to `max_bytes` at most.
    pub(super) fn new(file_bytes: u64, max_bytes: u64, limits: &Limits) -> Self {
        let by_ratio = limits
            .ratio_free_bytes
            .max(file_bytes.saturating_mul(limits.max_ratio));
        let over = if by_ratio < max_bytes {
            Rule::Bomb {
                ratio: limits.max_ratio,
            }
        } else {
            Rule::UnpacksTooLarge {
                limit_bytes: max_bytes,
            }
        };
        Self {
            produced: 0,
            allowed: by_ratio.min(max_bytes),
            over,
        }
    }

    /// Counts a piece of output before anything is done with it.
    pub(super) fn count(&mut self, bytes: usize) -> Result<(), Error> {
        self.produced = self.produced.saturating_add(bytes as u64);
        self.check(0)
    }

    /// Refuses when `more` bytes could not be produced any more, as a header already tells.
    pub(super) fn check(&self, more: u64) -> Result<(), Error> {
        if self.produced.saturating_add(more) > self.allowed {
            return Err(Error::archive(self.over.clone()));
        }
        Ok(())
    }
}
