//! Figures that are counted while the program works: cheap enough for the busiest path, read by whoever shows them.
//!
//! Each is a few atomics that nobody waits for. A reader may see one request's parts in two readings; no figure is
//! ever lost.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds one.
    pub fn count(&self) {
        self.add(1);
    }

    /// Adds some.
    pub fn add(&self, number: u64) {
        self.0.fetch_add(number, Ordering::Relaxed);
    }

    /// How many there were.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Upper bounds of the classes of durations, in microseconds; what is longer than the last has a class of its own.
const BOUNDS_MICROSECONDS: [u64; 14] = [
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000, 5_000_000,
    30_000_000,
];

/// How long something took, each time: counted in classes.
#[derive(Debug, Default)]
pub struct Durations {
    classes: [AtomicU64; BOUNDS_MICROSECONDS.len() + 1],
    sum_microseconds: AtomicU64,
}

/// What [`Durations`] have counted so far.
#[derive(Debug, Clone, PartialEq)]
pub struct Distribution {
    /// Upper bound of each class in seconds, infinite for the last, and how many lie in that class alone.
    pub classes: Vec<(f64, u64)>,
    /// All durations together, in seconds.
    pub sum_seconds: f64,
    /// How many there were.
    pub count: u64,
}

impl Durations {
    /// Takes note of one.
    pub fn record(&self, duration: Duration) {
        let microseconds = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        let class = BOUNDS_MICROSECONDS.partition_point(|bound| *bound < microseconds);
        self.classes[class].fetch_add(1, Ordering::Relaxed);
        self.sum_microseconds.fetch_add(microseconds, Ordering::Relaxed);
    }

    /// Takes note of how long it is since `start`.
    pub fn record_since(&self, start: Instant) {
        self.record(start.elapsed());
    }

    /// What was counted so far.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "sums beyond 2^53 microseconds are 285 years"
    )]
    pub fn distribution(&self) -> Distribution {
        const MICROSECONDS: f64 = 1e6;
        let bounds = BOUNDS_MICROSECONDS.map(|bound| bound as f64 / MICROSECONDS);
        let classes: Vec<(f64, u64)> = bounds
            .into_iter()
            .chain([f64::INFINITY])
            .zip(self.classes.iter().map(|class| class.load(Ordering::Relaxed)))
            .collect();
        Distribution {
            count: classes.iter().map(|(_, number)| number).sum(),
            classes,
            sum_seconds: self.sum_microseconds.load(Ordering::Relaxed) as f64 / MICROSECONDS,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_fall_into_the_class_whose_bound_they_do_not_pass() {
        let durations = Durations::default();
        for microseconds in [0, 100, 101, 1_000_000, 3_600_000_000] {
            durations.record(Duration::from_micros(microseconds));
        }
        let told = durations.distribution();
        let filled: Vec<(f64, u64)> = told
            .classes
            .iter()
            .copied()
            .filter(|(_, number)| *number > 0)
            .collect();
        assert_eq!(filled, [(0.0001, 2), (0.000_25, 1), (1.0, 1), (f64::INFINITY, 1)]);
        assert_eq!(told.count, 5);
        assert!((told.sum_seconds - 3_601.000_201).abs() < 1e-9);
    }

    #[test]
    fn nothing_counted_is_nothing_told() {
        let told = Durations::default().distribution();
        assert_eq!((told.count, told.sum_seconds), (0, 0.0));
        assert_eq!(told.classes.len(), BOUNDS_MICROSECONDS.len() + 1);
    }
}
