//! How much room on the disk uploads in flight still need.
//!
//! Each upload says how long it is before its bytes come. Held against the free space one by one, several that fit
//! alone would fill the disk together, and all of them would fail late.

use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes that are announced and not here yet, of all uploads together.
#[derive(Debug, Default)]
pub(super) struct Room {
    expected_bytes: AtomicU64,
}

/// What one upload is still to bring; dropping it ends the expectation.
#[derive(Debug)]
pub(super) struct Expected<'a> {
    room: &'a Room,
    /// Announced and not here yet.
    rest_bytes: u64,
    /// What the others were still to bring when this one came.
    others_bytes: u64,
}

impl Room {
    /// Takes note of an upload of `announced_bytes`; 0 where nothing is announced.
    pub(super) fn expect(&self, announced_bytes: u64) -> Expected<'_> {
        let others_bytes = self.expected_bytes.fetch_add(announced_bytes, Ordering::AcqRel);
        Expected {
            room: self,
            rest_bytes: announced_bytes,
            others_bytes,
        }
    }
}

impl Expected<'_> {
    /// Whether this upload fits into `free_bytes` with all that came before it.
    pub(super) fn fits(&self, free_bytes: u64) -> bool {
        self.rest_bytes.saturating_add(self.others_bytes) <= free_bytes
    }

    /// Takes note of bytes that have come: the disk has them now.
    pub(super) fn arrived(&mut self, bytes: u64) {
        let arrived = bytes.min(self.rest_bytes);
        self.rest_bytes -= arrived;
        self.room.expected_bytes.fetch_sub(arrived, Ordering::AcqRel);
    }
}

impl Drop for Expected<'_> {
    fn drop(&mut self) {
        self.arrived(self.rest_bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uploads_that_fit_one_by_one_may_not_fit_together() {
        let room = Room::default();
        let mut first = room.expect(60);
        assert!(first.fits(100));
        assert!(!room.expect(60).fits(100), "and it is forgotten at once");
        first.arrived(40);
        assert!(room.expect(60).fits(80), "40 of 60 are on the disk already");
        first.arrived(1000);
        assert!(room.expect(100).fits(100));
        drop(first);
        assert_eq!(room.expected_bytes.load(Ordering::Relaxed), 0);
        assert!(!room.expect(u64::MAX).fits(u64::MAX - 1));
    }
}
