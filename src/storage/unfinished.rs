//! Which files are being written right now, so that nobody is shown half of one.
//!
//! A file is unfinished from the event of its creation, or of a change of its bytes, to the event of its closing. A
//! name that comes by renaming or linking is finished at once, because what it names was written before. A writer
//! that dies, or that never closes, would keep a file from everybody for good: one that nobody has written to for a
//! while counts as finished too.
//!
//! The system tells of a write after its bytes are there to be seen. So a name that has just come, and has bytes that no
//! event has told of, may be another name of a whole file or the work of a writer who was interrupted between the two.
//! Where nothing else tells them apart, a moment is waited for the event.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::StoreKey;

/// For how long an event may be on its way. Its writer needs the processor once, which others may have meanwhile.
const EVENT_WITHIN: Duration = Duration::from_millis(100);

/// The files that are being written, with the time of the last write.
pub(super) struct Unfinished {
    /// Whether there are none, which is what is asked most often.
    is_empty: AtomicBool,
    files: Mutex<HashMap<StoreKey, Writing>>,
    /// Files that we give their name just now, with how many do so.
    placing: Mutex<HashMap<StoreKey, usize>>,
    /// For how long nobody may have written to a file before it counts as finished without being closed.
    quiet_for: Duration,
    /// The same for one of which an event may be on its way.
    event_within: Duration,
}

impl Unfinished {
    /// None yet.
    pub(super) fn new(quiet_for: Duration) -> Self {
        Self {
            is_empty: AtomicBool::new(true),
            files: Mutex::default(),
            placing: Mutex::default(),
            quiet_for,
            event_within: quiet_for.min(EVENT_WITHIN),
        }
    }

    /// Whether no file is being written.
    pub(super) fn is_empty(&self) -> bool {
        self.is_empty.load(Ordering::Acquire)
    }

    /// Whether this file is being written.
    pub(super) fn contains(&self, key: &StoreKey) -> bool {
        !self.is_empty() && self.with(|files| files.contains_key(key))
    }

    /// Takes note of a write; tells whether the file counted as finished before.
    pub(super) fn written(&self, key: &StoreKey) -> bool {
        let quiet_for = self.quiet_for;
        self.with(|files| files.insert(key.clone(), Writing::now(quiet_for)).is_none())
    }

    /// Takes note that a write may have begun, of which an event is to come; tells whether the file counted as finished
    /// before.
    pub(super) fn suspected(&self, key: &StoreKey) -> bool {
        let quiet_for = self.event_within;
        self.with(|files| match files.entry(key.clone()) {
            Entry::Occupied(_) => false,
            Entry::Vacant(place) => {
                place.insert(Writing::now(quiet_for));
                true
            }
        })
    }

    /// While this lives, `key` gets the name of a whole file from us, whatever it looks like.
    pub(super) fn placing(self: &Arc<Self>, key: &StoreKey) -> Placing {
        *self.placed().entry(key.clone()).or_default() += 1;
        Placing {
            unfinished: Arc::clone(self),
            key: key.clone(),
        }
    }

    /// Whether we give this file its name just now.
    pub(super) fn is_ours(&self, key: &StoreKey) -> bool {
        self.placed().contains_key(key)
    }

    fn placed(&self) -> MutexGuard<'_, HashMap<StoreKey, usize>> {
        self.placing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note that the file is whole, or gone.
    pub(super) fn finished(&self, key: &StoreKey) {
        if !self.is_empty() {
            self.with(|files| files.remove(key));
        }
    }

    /// All of them.
    pub(super) fn keys(&self) -> Vec<StoreKey> {
        if self.is_empty() {
            return Vec::new();
        }
        self.with(|files| files.keys().cloned().collect())
    }

    /// The files that nobody has written to for long enough; they count as finished from now on.
    pub(super) fn take_quiet(&self) -> Vec<StoreKey> {
        if self.is_empty() {
            return Vec::new();
        }
        let is_quiet = |_: &StoreKey, writing: &mut Writing| writing.last.elapsed() >= writing.quiet_for;
        self.with(|files| files.extract_if(is_quiet).map(|(key, _)| key).collect())
    }

    fn with<T>(&self, work: impl FnOnce(&mut HashMap<StoreKey, Writing>) -> T) -> T {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let result = work(&mut files);
        self.is_empty.store(files.is_empty(), Ordering::Release);
        result
    }
}

/// A file that is being written.
struct Writing {
    last: Instant,
    quiet_for: Duration,
}

impl Writing {
    fn now(quiet_for: Duration) -> Self {
        Self {
            last: Instant::now(),
            quiet_for,
        }
    }
}

/// A name that we are giving to a whole file; see [`Unfinished::placing`].
pub(super) struct Placing {
    unfinished: Arc<Unfinished>,
    key: StoreKey,
}

impl Drop for Placing {
    fn drop(&mut self) {
        let mut placing = self.unfinished.placed();
        if let Entry::Occupied(mut entry) = placing.entry(self.key.clone()) {
            *entry.get_mut() -= 1;
            if *entry.get() == 0 {
                entry.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Root;
    use super::*;

    fn key() -> StoreKey {
        StoreKey::parse(Root(0), "a-1.0.tar.gz").unwrap()
    }

    fn with_patience(event_within: Duration) -> Unfinished {
        Unfinished {
            event_within,
            ..Unfinished::new(Duration::from_secs(3600))
        }
    }

    #[test]
    fn a_suspicion_holds_for_as_long_as_an_event_may_be_on_its_way() {
        let unfinished = with_patience(Duration::from_secs(3600));
        assert!(unfinished.suspected(&key()), "it counted as finished");
        assert!(!unfinished.suspected(&key()));
        assert!(unfinished.take_quiet().is_empty());
        assert!(unfinished.contains(&key()));
        unfinished.finished(&key());
        assert!(unfinished.is_empty());
    }

    #[test]
    fn a_suspicion_ends_unless_an_event_comes() {
        let unfinished = with_patience(Duration::ZERO);
        unfinished.suspected(&key());
        assert_eq!(unfinished.take_quiet(), [key()]);
        unfinished.suspected(&key());
        assert!(!unfinished.written(&key()), "it was suspected before");
        assert!(unfinished.take_quiet().is_empty(), "somebody writes");
    }

    #[test]
    fn a_name_is_ours_until_the_last_of_us_has_given_it() {
        let unfinished = Arc::new(Unfinished::new(Duration::ZERO));
        let first = unfinished.placing(&key());
        let second = unfinished.placing(&key());
        drop(first);
        assert!(unfinished.is_ours(&key()));
        drop(second);
        assert!(!unfinished.is_ours(&key()));
    }
}
