//! Conditions and ranges of downloads (RFC 9110, sections 13 and 14).

use std::ops::Range;
use std::time::UNIX_EPOCH;

use axum::http::{HeaderMap, header};

use super::extract::text;

/// What a client asks of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Asked {
    /// All of it.
    Whole,
    /// These bytes; never empty.
    Part(Range<u64>),
    /// It has it already.
    Unchanged,
    /// A range that the file doesn't have.
    Unsatisfiable,
}

/// What validators a file has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Validators<'a> {
    /// The strong one, with its quotes.
    pub(super) etag: &'a [u8],
    /// The weak one, in nanoseconds since 1970.
    pub(super) modified_ns: i64,
    pub(super) size_bytes: u64,
}

impl Validators<'_> {
    /// The whole second of the last change; HTTP dates know no fractions.
    fn modified_seconds(self) -> u64 {
        u64::try_from(self.modified_ns.div_euclid(1_000_000_000)).unwrap_or(0)
    }

    /// Reads the conditions and the range of a request.
    pub(super) fn asked(self, headers: &HeaderMap) -> Asked {
        if self.is_known(headers) {
            return Asked::Unchanged;
        }
        match text(headers, &header::RANGE) {
            Some(range) if self.range_applies(headers) => parse_range(&range, self.size_bytes),
            _ => Asked::Whole,
        }
    }

    fn is_known(self, headers: &HeaderMap) -> bool {
        if let Some(known) = text(headers, &header::IF_NONE_MATCH) {
            // A date beside it does not count.
            return etag_matches(&known, self.etag);
        }
        let since = text(headers, &header::IF_MODIFIED_SINCE).and_then(|date| seconds_of(&date));
        since.is_some_and(|since| self.modified_seconds() <= since)
    }

    /// With `If-Range`, a part is sent only of the very file that the client has the rest of.
    fn range_applies(self, headers: &HeaderMap) -> bool {
        match text(headers, &header::IF_RANGE) {
            None => true,
            Some(validator) if validator.starts_with('"') => validator.as_bytes() == self.etag,
            Some(date) => seconds_of(&date) == Some(self.modified_seconds()),
        }
    }
}

fn seconds_of(date: &str) -> Option<u64> {
    let moment = httpdate::parse_http_date(date).ok()?;
    moment
        .duration_since(UNIX_EPOCH)
        .ok()
        .map(|since| since.as_secs())
}

/// Whether a list of validators holds this one; weak comparison, as `If-None-Match` wants.
pub(super) fn etag_matches(list: &str, etag: &[u8]) -> bool {
    list.split(',')
        .map(str::trim)
        .any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known).as_bytes() == etag)
}

/// Reads one range of bytes. Several are answered with the whole file, which the standard allows and which can't be
/// used to make one request cost many; what is no range of bytes is ignored, as the standard says.
fn parse_range(header: &str, size_bytes: u64) -> Asked {
    let Some(range) = header.trim().strip_prefix("bytes=").map(str::trim) else {
        return Asked::Whole;
    };
    let Some((first, last)) = range.split_once('-') else {
        return Asked::Whole;
    };
    let digits = |text: &str| text.chars().all(|c| c.is_ascii_digit());
    if range.contains(',') || !digits(first) || !digits(last) || (first.is_empty() && last.is_empty()) {
        return Asked::Whole;
    }
    // Numbers beyond 64 bits lie beyond any file, and yet one may be greater than the other.
    let number = |text: &str| text.parse().unwrap_or(u128::MAX);
    let within = |number: u128| u64::try_from(number).unwrap_or(u64::MAX).min(size_bytes);
    if first.is_empty() {
        let suffix = within(number(last));
        return if suffix == 0 {
            Asked::Unsatisfiable
        } else {
            Asked::Part(size_bytes - suffix..size_bytes)
        };
    }
    if !last.is_empty() && number(last) < number(first) {
        return Asked::Whole;
    }
    let start = within(number(first));
    let end = if last.is_empty() {
        size_bytes
    } else {
        within(number(last).saturating_add(1))
    };
    if start == size_bytes {
        Asked::Unsatisfiable
    } else {
        Asked::Part(start..end)
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderName;
    use proptest::prelude::*;

    use super::*;

    const FILE: Validators<'static> = Validators {
        etag: b"\"abc\"",
        modified_ns: 784_111_777_500_000_000,
        size_bytes: 100,
    };
    const ITS_DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

    fn asked(headers: &[(HeaderName, &str)]) -> Asked {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(name, value.parse().unwrap());
        }
        FILE.asked(&map)
    }

    #[test]
    fn ranges_are_read_as_the_standard_says() {
        let cases = [
            ("bytes=0-9", Asked::Part(0..10)),
            ("bytes=90-", Asked::Part(90..100)),
            ("bytes=-10", Asked::Part(90..100)),
            ("bytes=-1000", Asked::Part(0..100)),
            ("bytes=0-1000", Asked::Part(0..100)),
            ("bytes=99-99", Asked::Part(99..100)),
            ("bytes=0-99999999999999999999999", Asked::Part(0..100)),
            ("bytes=100-", Asked::Unsatisfiable),
            ("bytes=99999999999999999999999-", Asked::Unsatisfiable),
            ("bytes=-0", Asked::Unsatisfiable),
            ("bytes=0-1,5-6", Asked::Whole),
            ("bytes=9-0", Asked::Whole),
            ("bytes=-", Asked::Whole),
            ("bytes=a-b", Asked::Whole),
            ("bytes=+1-2", Asked::Whole),
            ("lines=0-9", Asked::Whole),
        ];
        for (range, expected) in cases {
            assert_eq!(asked(&[(header::RANGE, range)]), expected, "{range}");
        }
    }

    #[test]
    fn conditions_spare_what_is_known() {
        for known in ["\"abc\"", "W/\"abc\"", "\"x\", \"abc\"", "*"] {
            assert_eq!(
                asked(&[(header::IF_NONE_MATCH, known)]),
                Asked::Unchanged,
                "{known}"
            );
        }
        assert_eq!(asked(&[(header::IF_NONE_MATCH, "\"x\"")]), Asked::Whole);
        assert_eq!(asked(&[(header::IF_MODIFIED_SINCE, ITS_DATE)]), Asked::Unchanged);
        assert_eq!(
            asked(&[(header::IF_MODIFIED_SINCE, "Sun, 06 Nov 1994 08:49:36 GMT")]),
            Asked::Whole
        );
        // The validator wins over the date.
        let both = [
            (header::IF_NONE_MATCH, "\"x\""),
            (header::IF_MODIFIED_SINCE, ITS_DATE),
        ];
        assert_eq!(asked(&both), Asked::Whole);
    }

    #[test]
    fn a_part_is_sent_only_of_the_file_that_the_client_knows() {
        let part = Asked::Part(1..100);
        for (validator, expected) in [
            ("\"abc\"", part.clone()),
            ("\"x\"", Asked::Whole),
            ("W/\"abc\"", Asked::Whole),
            (ITS_DATE, part),
            ("Sun, 06 Nov 1994 08:49:36 GMT", Asked::Whole),
        ] {
            assert_eq!(
                asked(&[(header::RANGE, "bytes=1-"), (header::IF_RANGE, validator)]),
                expected,
                "{validator}"
            );
        }
    }

    proptest! {
        #[test]
        fn a_part_always_lies_in_the_file(range in "bytes=[0-9]{0,22}-[0-9]{0,22}", size in 0_u64..1000) {
            if let Asked::Part(part) = parse_range(&range, size) {
                prop_assert!(part.start < part.end && part.end <= size);
            }
        }
    }
}
