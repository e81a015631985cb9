//! Counts wrong passwords, per user and network and over all, within a sliding span of time.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher as _, RandomState};
use std::time::{Duration, Instant};

use super::network::Network;

/// How many failures are too many.
#[derive(Debug, Clone)]
pub struct FailureLimits {
    /// Failures of one user name from one network; then only that pair has to wait.
    pub per_client: usize,
    /// Failures of everybody together; then checks for strangers are spread so that there are no more of them than
    /// this in a span. Nobody is turned away for what others do.
    pub overall: usize,
    /// How long a failure counts.
    pub span: Duration,
}

impl Default for FailureLimits {
    fn default() -> Self {
        Self {
            per_client: 10,
            overall: 1_000,
            span: Duration::from_secs(5 * 60),
        }
    }
}

/// Somebody who fails: a user name with the stored password that it has now, at a network. As a number under a
/// random key: names that a client makes up can be long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Client(u64);

/// The failures that still count. Beyond `overall` they come at a slow pace, so there are never many more entries
/// than twice that.
pub(super) struct Failures {
    limits: FailureLimits,
    hasher: RandomState,
    recent: VecDeque<(Instant, Client)>,
    per_client: HashMap<Client, usize>,
    last_slot: Option<Instant>,
}

impl Failures {
    pub(super) fn new(limits: FailureLimits) -> Self {
        Self {
            limits,
            hasher: RandomState::new(),
            recent: VecDeque::new(),
            per_client: HashMap::new(),
            last_slot: None,
        }
    }

    /// `stored` is what is stored for the user: who gets a new password starts anew.
    pub(super) fn client(&self, user: &str, stored: &str, network: Network) -> Client {
        Client(self.hasher.hash_one((user, stored, network)))
    }

    /// How long the client has to wait before it may try again; `None` when it may now.
    pub(super) fn must_wait(&mut self, client: Client, now: Instant) -> Option<Duration> {
        self.forget_old(now);
        let own = self.per_client.get(&client).copied().unwrap_or(0);
        let surplus = own.checked_sub(self.limits.per_client)?;
        // Once so many of its failures are forgotten, there is room for another one.
        let mut own_failures = self.recent.iter().filter(|(_, failed)| *failed == client);
        let (at, _) = own_failures.nth(surplus)?;
        Some((*at + self.limits.span).saturating_duration_since(now))
    }

    /// When a check for a stranger may begin: now, unless there were too many failures over all; then as long after
    /// the one before as makes no more of them than those in a span.
    pub(super) fn slot(&mut self, now: Instant) -> Instant {
        self.forget_old(now);
        if self.recent.len() < self.limits.overall {
            return now;
        }
        let checks = u32::try_from(self.limits.overall).unwrap_or(u32::MAX).max(1);
        let pace = self.limits.span / checks;
        let slot = self.last_slot.map_or(now, |last| now.max(last + pace));
        self.last_slot = Some(slot);
        slot
    }

    pub(super) fn record(&mut self, client: Client, now: Instant) {
        self.forget_old(now);
        self.recent.push_back((now, client));
        *self.per_client.entry(client).or_default() += 1;
    }

    fn forget_old(&mut self, now: Instant) {
        while let Some((at, client)) = self.recent.front().copied() {
            if now.saturating_duration_since(at) < self.limits.span {
                break;
            }
            self.recent.pop_front();
            if let Some(count) = self.per_client.get_mut(&client) {
                *count -= 1;
                if *count == 0 {
                    self.per_client.remove(&client);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn network(text: &str) -> Network {
        Network::of(text.parse().unwrap())
    }

    #[test]
    fn the_eleventh_try_waits_until_the_first_failure_is_five_minutes_old() {
        let mut failures = Failures::new(FailureLimits::default());
        let start = Instant::now();
        let client = failures.client("alice", "", network("192.0.2.1"));
        for second in 0..10 {
            assert_eq!(failures.must_wait(client, start), None);
            failures.record(client, start + Duration::from_secs(second));
        }
        let now = start + MINUTE;
        assert_eq!(failures.must_wait(client, now), Some(4 * MINUTE));
        assert_eq!(failures.must_wait(client, start + 5 * MINUTE), None);
        // One is forgotten, so one more failure closes the door again, until the second one is old.
        failures.record(client, start + 5 * MINUTE);
        assert_eq!(
            failures.must_wait(client, start + 5 * MINUTE),
            Some(Duration::from_secs(1))
        );
    }

    #[test]
    fn others_are_not_punished() {
        let mut failures = Failures::new(FailureLimits::default());
        let now = Instant::now();
        let guilty = failures.client("alice", "", network("192.0.2.1"));
        (0..10).for_each(|_| failures.record(guilty, now));
        for (user, from) in [
            ("alice", "192.0.2.2"),
            ("bob", "192.0.2.1"),
            ("alice", "2001:db8::1"),
        ] {
            let other = failures.client(user, "", network(from));
            assert_eq!(failures.must_wait(other, now), None, "{user} {from}");
        }
        assert!(failures.must_wait(guilty, now).is_some());
    }

    #[test]
    fn a_new_password_is_a_new_start() {
        let mut failures = Failures::new(FailureLimits::default());
        let now = Instant::now();
        let before = failures.client("alice", "old", network("192.0.2.1"));
        (0..10).for_each(|_| failures.record(before, now));
        assert!(failures.must_wait(before, now).is_some());
        let after = failures.client("alice", "new", network("192.0.2.1"));
        assert_eq!(failures.must_wait(after, now), None);
    }

    #[test]
    fn all_together_are_slowed_down_and_nobody_is_turned_away() {
        let mut failures = Failures::new(FailureLimits::default());
        let now = Instant::now();
        for number in 0..1_000 {
            assert_eq!(failures.slot(now), now, "{number}");
            let client = failures.client(&format!("user{number}"), "", network("192.0.2.1"));
            failures.record(client, now);
        }
        let slots = [(); 3].map(|()| failures.slot(now) - now);
        assert_eq!(slots, [0, 300, 600].map(Duration::from_millis));
        let new = failures.client("new", "", network("192.0.2.9"));
        assert_eq!(failures.must_wait(new, now), None);
        let later = now + 5 * MINUTE;
        assert_eq!(failures.slot(later), later);
        assert_eq!((failures.recent.len(), failures.per_client.len()), (0, 0));
    }
}
