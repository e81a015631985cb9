//! The date that every answer has (RFC 9110, section 6.6.1).

use std::cell::RefCell;
use std::io::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use httpdate::HttpDate;

/// `Sun, 06 Nov 1994 08:49:37 GMT`
const DATE_BYTES: usize = 29;

/// A second, and how it is written.
struct Written {
    second: u64,
    text: [u8; DATE_BYTES],
}

thread_local! {
    static LAST: RefCell<Written> = const { RefCell::new(Written { second: u64::MAX, text: [b' '; DATE_BYTES] }) };
}

/// Calls `use_it` with the date of now, which is written once a second.
pub(super) fn with_now<T>(use_it: impl FnOnce(&[u8]) -> T) -> T {
    let now = SystemTime::now();
    LAST.with_borrow_mut(|last| {
        last.become_of(now);
        use_it(&last.text)
    })
}

impl Written {
    fn become_of(&mut self, time: SystemTime) {
        let second = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        if self.second != second {
            self.second = second;
            // It is as long as there is room.
            let _ = write!(&mut self.text[..], "{}", HttpDate::from(time));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn each_second_has_its_date() {
        let mut written = Written {
            second: u64::MAX,
            text: [b' '; DATE_BYTES],
        };
        for (second, date) in [
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (784_111_778, "Sun, 06 Nov 1994 08:49:38 GMT"),
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
        ] {
            written.become_of(UNIX_EPOCH + Duration::from_secs(second));
            assert_eq!(std::str::from_utf8(&written.text), Ok(date));
        }
    }
}
