//! How long answers took, and the figures that come of it.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// What one step of the count stands for, and how many there are: up to ten seconds.
const STEP: Duration = Duration::from_micros(50);
const STEPS: usize = 200_000;

/// The times of one kind of request, from whatever threads.
pub(super) struct Times(Vec<AtomicU64>);

impl Times {
    pub(super) fn new() -> Self {
        Self((0..STEPS).map(|_| AtomicU64::new(0)).collect())
    }

    pub(super) fn take_since(&self, begun: Instant) {
        self.take(begun.elapsed());
    }

    /// Takes the time of one who wanted to ask again each `pace`: an answer that is late is late for all the requests
    /// too that would have been sent while it was waited for.
    pub(super) fn take_for_all_since(&self, begun: Instant, pace: Duration) {
        let mut left = Some(begun.elapsed());
        while let Some(time) = left {
            self.take(time);
            left = time.checked_sub(pace);
        }
    }

    fn take(&self, time: Duration) {
        let step = usize::try_from(time.as_micros() / STEP.as_micros()).unwrap();
        self.0[step.min(STEPS - 1)].fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count(&self) -> u64 {
        self.0.iter().map(|step| step.load(Ordering::Relaxed)).sum()
    }

    /// The time that so many of a thousand answers kept.
    pub(super) fn within(&self, of_a_thousand: u64) -> Duration {
        let mut left = (self.count() * of_a_thousand).div_ceil(1000);
        for (step, count) in (1..).zip(&self.0) {
            let count = count.load(Ordering::Relaxed);
            if count >= left {
                return STEP * step;
            }
            left -= count;
        }
        Duration::MAX
    }
}

impl fmt::Display for Times {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:>9}", self.count())?;
        for (name, of_a_thousand) in [
            ("p50", 500),
            ("p90", 900),
            ("p99", 990),
            ("p99.9", 999),
            ("max", 1000),
        ] {
            let milliseconds = self.within(of_a_thousand).as_secs_f64() * 1000.0;
            write!(formatter, "  {name} {milliseconds:>8.2} ms")?;
        }
        Ok(())
    }
}

/// What the server counted of its own work: how often, and the upper bounds, in seconds, of the classes in which half
/// and 99 of 100 durations lie. `None` when there were none.
pub(super) fn told_by_the_server(metrics: &str, family: &str, labels: &str) -> Option<(u64, f64, f64)> {
    let start = format!("pkgctl_{family}_duration_seconds_bucket{{");
    let classes: Vec<(f64, u64)> = metrics
        .lines()
        .filter(|line| line.starts_with(&start) && line.contains(labels))
        .map(|line| {
            let bound = line.split('"').nth(1).unwrap().replace("+Inf", "inf");
            let number = line.split_whitespace().last().unwrap();
            (bound.parse().unwrap(), number.parse().unwrap())
        })
        .collect();
    let (_, count) = *classes.last()?;
    let within = |of_a_hundred: u64| {
        let enough = (count * of_a_hundred).div_ceil(100);
        let class = classes.iter().find(|(_, number)| *number >= enough);
        class.map(|(bound, _)| *bound)
    };
    Some((count, within(50)?, within(99)?)).filter(|_| count > 0)
}
