//! Figures that are counted while the program works: cheap enough for the busiest path, read by whoever shows them.
//!
//! Each is a few atomics that nobody waits for. A reader may see one request's parts in two readings; no figure is
//! ever lost. Threads count apart, and readers add up: otherwise the processors would hand each figure around.

use std::array;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// In so many places is counted apart; with more threads than that, some share one.
const PLACES: usize = 8;

/// Something for each thread, a processor's cache line away from that of the next one.
#[derive(Debug)]
struct PerThread<T>([Apart<T>; PLACES]);

/// Processors fetch lines of 64 bytes, two at a time.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Apart<T>(T);

impl<T: Default> Default for PerThread<T> {
    fn default() -> Self {
        Self(array::from_fn(|_| Apart::default()))
    }
}

impl<T> PerThread<T> {
    /// The calling thread's own.
    fn own(&self) -> &T {
        static THREADS: AtomicUsize = AtomicUsize::new(0);
        thread_local! {
            static PLACE: usize = THREADS.fetch_add(1, Ordering::Relaxed) % PLACES;
        }
        // A thread that is ending counts with the first one.
        let place = PLACE.try_with(|place| *place).unwrap_or(0);
        &self.0[place].0
    }

    fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter().map(|Apart(own)| own)
    }
}

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(PerThread<AtomicU64>);

impl Counter {
    /// Adds one.
    pub fn count(&self) {
        self.add(1);
    }

    /// Adds some.
    pub fn add(&self, number: u64) {
        self.0.own().fetch_add(number, Ordering::Relaxed);
    }

    /// How many there were.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().map(|own| own.load(Ordering::Relaxed)).sum()
    }
}

/// Upper bounds of the classes of durations, in microseconds; what is longer than the last has a class of its own.
const BOUNDS_MICROSECONDS: [u64; 14] = [
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000, 5_000_000,
    30_000_000,
];

/// How long something took, each time: counted in classes.
#[derive(Debug, Default)]
pub struct Durations(PerThread<Classes>);

#[derive(Debug, Default)]
struct Classes {
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
        let own = self.0.own();
        own.classes[class].fetch_add(1, Ordering::Relaxed);
        own.sum_microseconds.fetch_add(microseconds, Ordering::Relaxed);
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
        let total = |figure: &dyn Fn(&Classes) -> &AtomicU64| -> u64 {
            self.0.iter().map(|own| figure(own).load(Ordering::Relaxed)).sum()
        };
        let classes: Vec<(f64, u64)> = bounds
            .into_iter()
            .chain([f64::INFINITY])
            .enumerate()
            .map(|(class, bound)| (bound, total(&|own| &own.classes[class])))
            .collect();
        Distribution {
            count: classes.iter().map(|(_, number)| number).sum(),
            classes,
            sum_seconds: total(&|own| &own.sum_microseconds) as f64 / MICROSECONDS,
        }
    }
}

/// What a piece of work costs the processor, whatever else the machine does meanwhile. The work stays on this thread.
#[cfg(test)]
pub(crate) fn processor_time_of(work: impl FnOnce()) -> Duration {
    let now = || {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        Duration::try_from(time).unwrap()
    };
    let before = now();
    work();
    now() - before
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
    fn what_threads_have_counted_is_added_up() {
        let (counter, durations) = (Counter::default(), Durations::default());
        std::thread::scope(|scope| {
            for _ in 0..2 * PLACES + 1 {
                scope.spawn(|| {
                    counter.add(3);
                    durations.record(Duration::from_micros(400));
                });
            }
        });
        assert_eq!(counter.total(), 51);
        let told = durations.distribution();
        assert_eq!(told.classes[2], (0.0005, 17));
        assert!((told.sum_seconds - 0.0068).abs() < 1e-9);
    }

    #[test]
    fn nothing_counted_is_nothing_told() {
        let told = Durations::default().distribution();
        assert_eq!((told.count, told.sum_seconds), (0, 0.0));
        assert_eq!(told.classes.len(), BOUNDS_MICROSECONDS.len() + 1);
    }
}
