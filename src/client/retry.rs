//! When to try again, and after how long.

use std::time::Duration;

/// How often a failed request is repeated: on transport errors and on answers that ask for patience.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Requests in total, the first one included.
    pub attempts: u32,
    /// The pause before the first repetition; each further one is twice as long.
    pub base_delay: Duration,
    /// No pause grows longer than this.
    pub longest_delay: Duration,
    /// A server may ask for a longer pause than that, but one beyond this means giving up.
    pub longest_asked_delay: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: 5,
            base_delay: Duration::from_millis(500),
            longest_delay: Duration::from_secs(30),
            longest_asked_delay: Duration::from_secs(120),
        }
    }
}

impl RetryPolicy {
    /// The pause after failed attempt number `attempt` (from 1), or `None` when it is time to give up. `asked` is
    /// what the server's `Retry-After` said; `chance` in 0..1 spreads clients that failed together.
    #[must_use]
    pub fn delay(&self, attempt: u32, asked: Option<Duration>, chance: f64) -> Option<Duration> {
        if attempt >= self.attempts {
            return None;
        }
        if let Some(asked) = asked {
            return (asked <= self.longest_asked_delay).then_some(asked);
        }
        let doubled = self
            .base_delay
            .saturating_mul(2_u32.saturating_pow(attempt.saturating_sub(1)));
        // Between half and the whole: enough spread, and never so short that the repetition is pointless.
        Some(doubled.min(self.longest_delay).mul_f64(0.5 + chance / 2.0))
    }
}

/// A number in 0..1, different in each process and at each call.
pub(super) fn chance() -> f64 {
    // A system without randomness loses the spread, nothing else.
    getrandom::u32().map_or(0.5, |number| f64::from(number) / (f64::from(u32::MAX) + 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: RetryPolicy = RetryPolicy {
        attempts: 5,
        base_delay: Duration::from_millis(100),
        longest_delay: Duration::from_millis(300),
        longest_asked_delay: Duration::from_secs(10),
    };

    #[test]
    fn pauses_double_up_to_the_longest_and_end_with_the_last_attempt() {
        let millis = |attempt, chance| POLICY.delay(attempt, None, chance).map(|d| d.as_millis());
        assert_eq!(
            (millis(1, 1.0), millis(2, 1.0), millis(3, 1.0)),
            (Some(100), Some(200), Some(300))
        );
        assert_eq!((millis(1, 0.0), millis(4, 0.0)), (Some(50), Some(150)));
        assert_eq!(millis(5, 0.5), None);
    }

    #[test]
    fn the_server_decides_within_reason() {
        let seconds = Duration::from_secs;
        assert_eq!(POLICY.delay(1, Some(seconds(7)), 0.3), Some(seconds(7)));
        assert_eq!(POLICY.delay(1, Some(seconds(0)), 0.3), Some(seconds(0)));
        assert_eq!(POLICY.delay(1, Some(seconds(3600)), 0.3), None);
        assert_eq!(POLICY.delay(5, Some(seconds(1)), 0.3), None);
    }

    #[test]
    fn chance_stays_in_its_range_and_varies() {
        let drawn: Vec<f64> = (0..50).map(|_| chance()).collect();
        assert!(drawn.iter().all(|number| (0.0..1.0).contains(number)));
        assert!(drawn.iter().any(|number| *number != drawn[0]));
    }
}
