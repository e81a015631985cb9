//! The name of a request, by which its line in the log is found.

use std::cell::Cell;
use std::ops::Range;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::HeaderValue;

/// Tells the requests of this process from those of the one before it.
static RUN: LazyLock<String> = LazyLock::new(|| {
    let mut bytes = [0; 4];
    // Without randomness ids repeat after a restart, which confuses nobody but a reader of old logs.
    let _ = getrandom::fill(&mut bytes);
    data_encoding::HEXLOWER.encode(&bytes)
});
/// The numbers from here on are nobody's yet.
static FREE: AtomicU64 = AtomicU64::new(1);
/// So many numbers a thread takes at a time, so that processors need not hand the count around.
const NUMBERS_AT_A_TIME: u64 = 64;

thread_local! {
    static OWN: Cell<Range<u64>> = const { Cell::new(0..0) };
}

fn next_number() -> u64 {
    let take_some = || {
        let first = FREE.fetch_add(NUMBERS_AT_A_TIME, Ordering::Relaxed);
        first..first + NUMBERS_AT_A_TIME
    };
    let from_own = OWN.try_with(|own| {
        let mut numbers = own.take();
        let number = numbers.next().or_else(|| {
            numbers = take_some();
            numbers.next()
        });
        own.set(numbers);
        number
    });
    // Of a thread that is ending.
    from_own.ok().flatten().unwrap_or_else(|| take_some().start)
}

/// Eight digits, a dash, and the digits of the greatest number.
const MAX_BYTES: usize = 8 + 1 + 20;

/// The run of the server and a number in it: `1f0c93ab-42`. Every request has one, so it takes no
/// memory of its own.
pub(in crate::server) struct RequestId {
    text: [u8; MAX_BYTES],
    length: usize,
}

impl RequestId {
    /// One that no other request has.
    pub(super) fn next() -> Self {
        let number = next_number();
        let mut id = Self {
            text: [0; MAX_BYTES],
            length: 0,
        };
        id.append(RUN.as_bytes());
        id.append(b"-");
        id.append(itoa::Buffer::new().format(number).as_bytes());
        id
    }

    /// There is room for all of it.
    fn append(&mut self, bytes: &[u8]) {
        let end = self.length + bytes.len();
        if let Some(room) = self.text.get_mut(self.length..end) {
            room.copy_from_slice(bytes);
            self.length = end;
        }
    }

    pub(in crate::server) fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// The value of `X-Request-Id`.
    pub(in crate::server) fn to_header(&self) -> Option<HeaderValue> {
        HeaderValue::from_bytes(self.as_bytes()).ok()
    }

    fn as_bytes(&self) -> &[u8] {
        &self.text[..self.length]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_of_one_run_and_differ() {
        let (first, second) = (RequestId::next(), RequestId::next());
        let parts = |id: &RequestId| -> (String, u64) {
            let (run, number) = id.as_str().split_once('-').unwrap();
            (run.to_owned(), number.parse().unwrap())
        };
        let (first, second) = (parts(&first), parts(&second));
        assert_eq!((first.0.len(), &first.0), (8, &second.0));
        assert!(second.1 > first.1);
    }

    #[test]
    fn threads_never_share_a_number() {
        let ids = || {
            (0..200)
                .map(|_| RequestId::next().as_str().to_owned())
                .collect::<Vec<_>>()
        };
        let mut all: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(ids)).collect();
            threads
                .into_iter()
                .flat_map(|thread| thread.join().unwrap())
                .collect()
        });
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 800);
    }

    #[test]
    fn the_greatest_number_has_room() {
        assert_eq!(format!("{}-{}", *RUN, u64::MAX).len(), MAX_BYTES);
    }

    #[test]
    fn the_header_says_the_same() {
        let id = RequestId::next();
        assert_eq!(id.to_header().unwrap(), id.as_str());
    }
}
