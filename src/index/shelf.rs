//! A cache in which one request makes what is missing while others wait for it, without one of them waiting for ever.
//!
//! Where there is something to keep, all who wait are given it. Where there is not (no such file, one too large to be
//! kept, a failure), those who wait are all let go at once, and each looks for itself. Handing the turn from one to the
//! next instead would serve whoever came last first: among clients that never pause, the first would never be served.

use std::hash::Hash;
use std::sync::Arc;

use quick_cache::sync::{Cache, DefaultLifecycle, PlaceholderGuard};
use quick_cache::{DefaultHashBuilder, Equivalent, Weighter};

/// The cache, bounded by the weight that `W` gives to what is kept.
pub(super) struct Shelf<K, T, W> {
    cache: Cache<K, Slot<T>, SlotWeight<W>>,
}

/// What is kept; `None` tells those who wait that nothing will be, and is taken away at once.
type Slot<T> = Option<Arc<T>>;

#[derive(Clone)]
struct SlotWeight<W>(W);

impl<K, T, W: Weighter<K, Arc<T>>> Weighter<K, Slot<T>> for SlotWeight<W> {
    fn weight(&self, key: &K, slot: &Slot<T>) -> u64 {
        // What weighs nothing pushes nothing out.
        slot.as_ref().map_or(0, |kept| self.0.weight(key, kept))
    }
}

/// The right of one request to make what is missing. When it is dropped, as that of a client that went away, one of
/// those who wait has it next.
pub(super) struct Turn<'a, K, Q: ?Sized, T, W> {
    shelf: &'a Shelf<K, T, W>,
    key: &'a Q,
    /// What others wait for; `None` when nobody waits for this one.
    guard: Option<Guard<'a, K, T, W>>,
}

type Guard<'a, K, T, W> =
    PlaceholderGuard<'a, K, Slot<T>, SlotWeight<W>, DefaultHashBuilder, DefaultLifecycle<K, Slot<T>>>;

impl<K, T, W> Shelf<K, T, W>
where
    K: Eq + Hash,
    W: Weighter<K, Arc<T>> + Clone,
{
    /// An empty one, for about so many items of so much weight together.
    pub(super) fn new(expected_items: usize, capacity: u64, weight: W) -> Self {
        Self {
            cache: Cache::with_weighter(expected_items, capacity, SlotWeight(weight)),
        }
    }

    /// What is kept under `key`.
    pub(super) fn at_hand<Q>(&self, key: &Q) -> Option<Arc<T>>
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        self.cache.get(key).flatten()
    }

    /// What is kept under `key`, or will be in a moment; or the right to make it.
    pub(super) async fn find<'a, Q>(&'a self, key: &'a Q) -> Result<Arc<T>, Turn<'a, K, Q, T, W>>
    where
        Q: Hash + Equivalent<K> + ToOwned<Owned = K> + ?Sized,
    {
        let guard = match self.cache.get_value_or_guard_async(key).await {
            Ok(Some(kept)) => return Ok(kept),
            Ok(None) => None,
            Err(guard) => Some(guard),
        };
        let shelf = self;
        Err(Turn { shelf, key, guard })
    }

    /// Forgets what is under `key`, also while it is being made.
    pub(super) fn forget<Q>(&self, key: &Q)
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        self.cache.remove(key);
    }

    /// Forgets everything.
    pub(super) fn forget_all(&self) {
        self.cache.clear();
    }

    /// The weight of all that is kept.
    pub(super) fn weight(&self) -> u64 {
        self.cache.weight()
    }
}

impl<K, Q, T, W> Turn<'_, K, Q, T, W>
where
    K: Eq + Hash,
    Q: Hash + Equivalent<K> + ?Sized,
    W: Weighter<K, Arc<T>> + Clone,
{
    /// Keeps what was made, unless it was forgotten meanwhile, and gives it to all who wait. `None` lets them go.
    pub(super) fn end(self, made: Option<Arc<T>>) {
        let Some(guard) = self.guard else {
            return;
        };
        let is_kept = made.is_some();
        // Refused when a change came meanwhile; what was made is whole and was right when it was asked for.
        if guard.insert(made).is_ok() && !is_kept {
            self.shelf.cache.remove_if(self.key, Option::is_none);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    #[derive(Clone)]
    struct ByLength;

    impl Weighter<String, Arc<String>> for ByLength {
        fn weight(&self, _: &String, text: &Arc<String>) -> u64 {
            text.len() as u64
        }
    }

    fn shelf() -> Shelf<String, String, ByLength> {
        Shelf::new(10, 100, ByLength)
    }

    /// Whoever came first must not wait for those who came later, however many they are.
    #[tokio::test]
    async fn where_nothing_is_made_all_who_wait_are_let_go_at_once() {
        let shelf = shelf();
        let mut context = Context::from_waker(Waker::noop());
        let Err(turn) = shelf.find("a").await else {
            panic!("nothing is there");
        };
        let (mut first, mut second) = (pin!(shelf.find("a")), pin!(shelf.find("a")));
        assert!(first.as_mut().poll(&mut context).is_pending());
        assert!(second.as_mut().poll(&mut context).is_pending());
        turn.end(None);
        let Poll::Ready(Err(of_second)) = second.as_mut().poll(&mut context) else {
            panic!("the second waits");
        };
        let Poll::Ready(Err(of_first)) = first.as_mut().poll(&mut context) else {
            panic!("the first waits for the second");
        };
        assert!(shelf.at_hand("a").is_none());
        assert_eq!(shelf.weight(), 0);
        // Theirs are no turns that others wait for, and the next one can keep something.
        let Err(next) = shelf.find("a").await else {
            panic!("nothing is there");
        };
        of_first.end(None);
        of_second.end(Some(Arc::new("late".to_owned())));
        next.end(Some(Arc::new("here".to_owned())));
        assert_eq!(*shelf.at_hand("a").unwrap(), "here");
    }

    #[tokio::test]
    async fn what_is_made_is_given_to_all_who_wait() {
        let shelf = shelf();
        let mut context = Context::from_waker(Waker::noop());
        let Err(turn) = shelf.find("a").await else {
            panic!("nothing is there");
        };
        let mut waiting = pin!(shelf.find("a"));
        assert!(waiting.as_mut().poll(&mut context).is_pending());
        turn.end(Some(Arc::new("made".to_owned())));
        let Poll::Ready(Ok(given)) = waiting.as_mut().poll(&mut context) else {
            panic!("it is made");
        };
        assert_eq!((given.as_str(), shelf.weight()), ("made", 4));
    }

    /// A client that goes away leaves the work to one other, not to all at once.
    #[tokio::test]
    async fn a_turn_that_is_dropped_goes_to_one_who_waits() {
        let shelf = shelf();
        let mut context = Context::from_waker(Waker::noop());
        let turn = shelf.find("a").await;
        let (mut first, mut second) = (pin!(shelf.find("a")), pin!(shelf.find("a")));
        assert!(first.as_mut().poll(&mut context).is_pending());
        assert!(second.as_mut().poll(&mut context).is_pending());
        drop(turn);
        let are_ready = [
            first.as_mut().poll(&mut context).is_ready(),
            second.as_mut().poll(&mut context).is_ready(),
        ];
        assert_eq!(are_ready.iter().filter(|ready| **ready).count(), 1);
    }

    #[tokio::test]
    async fn what_is_forgotten_while_it_is_made_is_not_kept() {
        let shelf = shelf();
        for made in [None, Some(Arc::new("old".to_owned()))] {
            let Err(turn) = shelf.find("a").await else {
                panic!("nothing is there");
            };
            shelf.forget("a");
            let Err(newer) = shelf.find("a").await else {
                panic!("it was forgotten");
            };
            turn.end(made);
            assert!(shelf.at_hand("a").is_none());
            newer.end(Some(Arc::new("new".to_owned())));
            assert_eq!(*shelf.at_hand("a").unwrap(), "new");
            shelf.forget_all();
        }
    }
}
