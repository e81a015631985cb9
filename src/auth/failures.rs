//! Counts wrong passwords, per user and network and over all, within a sliding span of time.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher as _, RandomState};
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// How many failures are too many.
#[derive(Debug, Clone)]
pub struct FailureLimits {
    /// Failures of one user name from one network.
    pub per_client: usize,
    /// Failures of everybody together.
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

/// A user name at a network, as a number under a random key: names that a client makes up can be long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Client(u64);

/// The failures that still count. Since nobody gets another try once `overall` is reached, there are never many more
/// entries than that.
pub(super) struct Failures {
    limits: FailureLimits,
    hasher: RandomState,
    recent: VecDeque<(Instant, Client)>,
    per_client: HashMap<Client, usize>,
}

impl Failures {
    pub(super) fn new(limits: FailureLimits) -> Self {
        Self {
            limits,
            hasher: RandomState::new(),
            recent: VecDeque::new(),
            per_client: HashMap::new(),
        }
    }

    pub(super) fn client(&self, user: &str, address: IpAddr) -> Client {
        Client(self.hasher.hash_one((user, network(address))))
    }

    /// How long the client has to wait before it may try again; `None` when it may now.
    pub(super) fn must_wait(&mut self, client: Client, now: Instant) -> Option<Duration> {
        self.forget_old(now);
        let own = self.per_client.get(&client).copied().unwrap_or(0);
        let freeing = if own >= self.limits.per_client {
            let own_failures = self.recent.iter().filter(|(_, failed)| *failed == client);
            own_failures.map(|(at, _)| *at).nth(own - self.limits.per_client)
        } else if self.recent.len() >= self.limits.overall {
            self.recent
                .get(self.recent.len() - self.limits.overall)
                .map(|(at, _)| *at)
        } else {
            None
        };
        freeing.map(|at| (at + self.limits.span).saturating_duration_since(now))
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

/// The part of an address that one customer of a provider can't change at will: all of an IPv4 address, the first
/// 64 bits of an IPv6 one.
fn network(address: IpAddr) -> [u8; 8] {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [a, b, c, d] = address.octets();
            // No IPv6 network of a client begins with these bits, which belong to mapped IPv4 addresses.
            [0, 0, 0xff, 0xff, a, b, c, d]
        }
        IpAddr::V6(address) => {
            let [a, b, c, d, e, f, g, h, ..] = address.octets();
            [a, b, c, d, e, f, g, h]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn the_eleventh_try_waits_until_the_first_failure_is_five_minutes_old() {
        let mut failures = Failures::new(FailureLimits::default());
        let start = Instant::now();
        let client = failures.client("alice", address("192.0.2.1"));
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
        let guilty = failures.client("alice", address("192.0.2.1"));
        (0..10).for_each(|_| failures.record(guilty, now));
        for (user, from) in [
            ("alice", "192.0.2.2"),
            ("bob", "192.0.2.1"),
            ("alice", "2001:db8::1"),
        ] {
            let other = failures.client(user, address(from));
            assert_eq!(failures.must_wait(other, now), None, "{user} {from}");
        }
        assert!(failures.must_wait(guilty, now).is_some());
    }

    #[test]
    fn a_network_is_one_ipv4_address_or_64_bits_of_ipv6() {
        let failures = Failures::new(FailureLimits::default());
        let client = |text| failures.client("alice", address(text));
        assert_eq!(client("2001:db8:1:2::1"), client("2001:db8:1:2:ffff::9"));
        assert_ne!(client("2001:db8:1:2::1"), client("2001:db8:1:3::1"));
        assert_eq!(client("::ffff:192.0.2.1"), client("192.0.2.1"));
    }

    #[test]
    fn all_together_have_a_limit_too_and_memory_stays_small() {
        let mut failures = Failures::new(FailureLimits::default());
        let now = Instant::now();
        let mut let_in = 0;
        for number in 0..5_000 {
            let client = failures.client(&format!("user{number}"), address("192.0.2.1"));
            if failures.must_wait(client, now).is_none() {
                let_in += 1;
                failures.record(client, now);
            }
        }
        assert_eq!(
            (let_in, failures.recent.len(), failures.per_client.len()),
            (1_000, 1_000, 1_000)
        );
        let later = now + 5 * MINUTE;
        let client = failures.client("new", address("192.0.2.9"));
        assert_eq!(failures.must_wait(client, later), None);
        assert_eq!((failures.recent.len(), failures.per_client.len()), (0, 0));
    }
}
