//! What must hold of what clients send. Fuzz targets (`tests/fuzz/`) and ordinary tests ask these.

use axum::http::{HeaderMap, HeaderValue, header};

use super::range::{Asked, Validators, etag_matches};
use super::xml_rpc::{Call, Value, answer, read_call};
use crate::packaging::oracles::accept;

pub use super::door::oracle::door;
pub use super::multipart::oracle::multipart;

const ETAG: &str = "\"abc\"";

/// `Range`, `If-None-Match`, `Accept` and `Content-Type`, all of the same bytes.
pub fn headers(bytes: &[u8]) {
    let Ok(value) = HeaderValue::from_bytes(bytes) else {
        return;
    };
    for size_bytes in [0, 1, 100, u64::MAX] {
        range(&value, size_bytes);
    }
    multipart_type(&value);
    let Ok(text) = value.to_str() else { return };
    let listed = etag_matches(text, ETAG.as_bytes());
    assert!(
        !listed || text.contains(ETAG) || text.contains('*'),
        "a validator out of nowhere"
    );
    assert!(etag_matches(&format!("{text},{ETAG}"), ETAG.as_bytes()));
    accept(text);
}

fn range(value: &HeaderValue, size_bytes: u64) {
    let validators = Validators {
        etag: ETAG.as_bytes(),
        modified_ns: 784_111_777_500_000_000,
        size_bytes,
    };
    let mut headers = HeaderMap::new();
    headers.insert(header::RANGE, value.clone());
    let asked = validators.asked(&headers);
    match &asked {
        Asked::Part(range) => assert!(range.start < range.end && range.end <= size_bytes, "{range:?}"),
        Asked::Unchanged => panic!("a range is no condition"),
        Asked::Whole | Asked::Unsatisfiable => {}
    }
    if let Ok(text) = value.to_str() {
        assert_eq!(
            asked,
            second_reading(text, size_bytes),
            "{text:?} of {size_bytes}"
        );
    }
    headers.insert(header::IF_RANGE, HeaderValue::from_static("\"another\""));
    assert_eq!(validators.asked(&headers), Asked::Whole);
}

/// RFC 9110, section 14.1.2, in the words of the standard.
fn second_reading(text: &str, size: u64) -> Asked {
    let wide = |digits: &str| -> Option<u128> {
        let is_number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        is_number.then(|| digits.parse().unwrap_or(u128::MAX - 1))
    };
    let Some(spec) = text.trim().strip_prefix("bytes=") else {
        return Asked::Whole;
    };
    let (first, last) = spec.trim().split_once('-').unwrap_or(("", ""));
    let size = u128::from(size);
    let (start, end) = match (wide(first), wide(last)) {
        (Some(first), Some(last)) if last >= first => (first, (last + 1).min(size)),
        (Some(first), None) if last.is_empty() => (first, size),
        (None, Some(suffix)) if first.is_empty() => (size - suffix.min(size), size),
        _ => return Asked::Whole,
    };
    match (u64::try_from(start), u64::try_from(end)) {
        (Ok(start), Ok(end)) if start < end => Asked::Part(start..end),
        _ => Asked::Unsatisfiable,
    }
}

fn multipart_type(value: &HeaderValue) {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, value.clone());
    let Ok(boundary) = super::multipart::boundary(&headers) else {
        return;
    };
    assert!((1..=70).contains(&boundary.len()));
    headers.append(header::CONTENT_TYPE, value.clone());
    assert!(
        super::multipart::boundary(&headers).is_err(),
        "two types, one taken"
    );
}

/// The body of `pip search`: a call that is read is written and read again alike.
pub fn xml_rpc(text: &str) {
    let Ok(call) = read_call(text) else { return };
    let again = read_call(&written(&call));
    assert_eq!(again.as_ref(), Ok(&call), "{text:?}");
}

fn written(call: &Call) -> String {
    let name = answer(&Value::Text(call.method.clone()));
    let inside = |document: &str, start: &str, end: &str| -> String {
        let rest = document.split_once(start).map_or("", |(_, rest)| rest);
        rest.rsplit_once(end).map_or("", |(inside, _)| inside).to_owned()
    };
    let mut document = format!(
        "<methodCall><methodName>{}</methodName><params>",
        inside(&name, "<string>", "</string>")
    );
    for value in &call.parameters {
        let param = inside(&answer(value), "<param>", "</param>");
        document.push_str(&format!("<param>{param}</param>"));
    }
    document + "</params></methodCall>"
}
