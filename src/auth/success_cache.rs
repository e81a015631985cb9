//! Remembers for a while which credentials were right, so that a client that sends them with every request costs one
//! slow check and not hundreds. Wrong ones are never remembered.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::time::{Duration, Instant};

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::credentials::Basic;
use super::scheme::PasswordHash;

/// Stands for user, stored line and password together. Made under a key that never leaves the process, so that
/// neither a dump of the cache nor the time of a look-up tells anything about a password.
pub(super) type Fingerprint = [u8; 32];

/// Makes fingerprints.
pub(super) struct Fingerprinter(Hmac<Sha256>);

impl Fingerprinter {
    /// Draws a fresh key.
    pub(super) fn new() -> Result<Self, std::io::Error> {
        let mut key = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *key).map_err(|error| std::io::Error::other(error.to_string()))?;
        // An HMAC key may have any length.
        let hmac = Hmac::new_from_slice(&*key).map_err(|error| std::io::Error::other(error.to_string()))?;
        Ok(Self(hmac))
    }

    /// The stored line is part of it: when the user's password changes, older fingerprints match nothing any more.
    pub(super) fn of(&self, basic: &Basic, stored: Option<&PasswordHash>) -> Fingerprint {
        let mut hmac = self.0.clone();
        let stored = stored.map_or("", PasswordHash::text);
        for part in [basic.username.as_str(), stored, basic.password.expose()] {
            hmac.update(&(part.len() as u64).to_le_bytes());
            hmac.update(part.as_bytes());
        }
        hmac.finalize().into_bytes().into()
    }
}

/// What was right, each for the same span of time: credentials by their fingerprint, or who gave them.
pub(super) struct SuccessCache<Key> {
    span: Duration,
    capacity: usize,
    expiries: HashMap<Key, Instant>,
    /// Every entry lives equally long, so the order of arrival is the order of departure.
    order: VecDeque<Key>,
}

impl<Key: Copy + Eq + Hash> SuccessCache<Key> {
    pub(super) fn new(span: Duration, capacity: usize) -> Self {
        Self {
            span,
            capacity,
            expiries: HashMap::new(),
            order: VecDeque::new(),
        }
    }

    pub(super) fn contains(&self, key: &Key, now: Instant) -> bool {
        self.expiries.get(key).is_some_and(|expiry| now < *expiry)
    }

    pub(super) fn insert(&mut self, key: Key, now: Instant) {
        if self.contains(&key, now) {
            return;
        }
        self.drop_expired(now);
        while self.order.len() >= self.capacity {
            self.drop_oldest();
        }
        if self.capacity > 0 {
            self.expiries.insert(key, now + self.span);
            self.order.push_back(key);
        }
    }

    fn drop_expired(&mut self, now: Instant) {
        while let Some(oldest) = self.order.front() {
            if self.contains(oldest, now) {
                break;
            }
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) {
        if let Some(oldest) = self.order.pop_front() {
            self.expiries.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::credentials::Secret;
    use crate::auth::scheme::Limits;

    const SPAN: Duration = Duration::from_secs(600);

    #[test]
    fn an_entry_ends_after_its_span() {
        let mut cache = SuccessCache::new(SPAN, 4);
        let start = Instant::now();
        cache.insert([1; 32], start);
        assert!(cache.contains(&[1; 32], start + SPAN - Duration::from_nanos(1)));
        assert!(!cache.contains(&[1; 32], start + SPAN));
        assert!(!cache.contains(&[2; 32], start));
    }

    #[test]
    fn using_an_entry_does_not_prolong_it() {
        let mut cache = SuccessCache::new(SPAN, 4);
        let start = Instant::now();
        cache.insert([1; 32], start);
        cache.insert([1; 32], start + SPAN / 2);
        assert!(!cache.contains(&[1; 32], start + SPAN));
    }

    #[test]
    fn it_never_holds_more_than_its_capacity() {
        let mut cache = SuccessCache::new(SPAN, 3);
        let start = Instant::now();
        for byte in 0..100 {
            cache.insert([byte; 32], start);
        }
        assert_eq!((cache.order.len(), cache.expiries.len()), (3, 3));
        assert!(cache.contains(&[99; 32], start) && !cache.contains(&[96; 32], start));
        cache.insert([200; 32], start + SPAN);
        assert_eq!(cache.order.len(), 1);
    }

    #[test]
    fn a_fingerprint_depends_on_each_part_and_on_the_process() {
        let basic = |user: &str, password: &str| Basic {
            username: user.parse().unwrap(),
            password: Secret::new(password),
        };
        let stored = |text: &str| PasswordHash::parse(text, &Limits::default()).unwrap();
        let (first, second) = (
            stored("{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g="),
            stored("{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ="),
        );
        let printer = Fingerprinter::new().unwrap();
        let reference = printer.of(&basic("ab", "c"), Some(&first));
        assert_eq!(reference, printer.of(&basic("ab", "c"), Some(&first)));
        assert_ne!(reference, printer.of(&basic("a", "bc"), Some(&first)));
        assert_ne!(reference, printer.of(&basic("ab", "d"), Some(&first)));
        assert_ne!(reference, printer.of(&basic("ab", "c"), Some(&second)));
        assert_ne!(reference, printer.of(&basic("ab", "c"), None));
        assert_ne!(
            reference,
            Fingerprinter::new().unwrap().of(&basic("ab", "c"), Some(&first))
        );
    }
}
