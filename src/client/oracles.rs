//! What must hold of whatever a server answers. Fuzz targets (`tests/fuzz/`) and ordinary tests ask these.

use std::time::SystemTime;

use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use serde_json::json;

use super::answer::Answer;
use super::listing::parse;

const JSON: &str = "application/vnd.pypi.simple.v1+json";

/// A project page: no more files than links, and as JSON the same files are read as from HTML.
pub fn index_page(body: &str) {
    if let Some(files) = parse(JSON, body) {
        assert!(files.len() <= body.matches('{').count());
        for file in files {
            assert_digests(&file.digests);
        }
    }
    let Some(files) = parse("text/html; charset=utf-8", body) else {
        return;
    };
    assert!(files.len() <= body.to_ascii_lowercase().matches("href").count());
    let mut listed = Vec::new();
    for file in &files {
        assert!(!file.filename.is_empty());
        assert!(!file.link.contains('#'), "{:?}", file.link);
        assert_digests(&file.digests);
        let hashes: serde_json::Map<String, serde_json::Value> = file
            .digests
            .iter()
            .map(|digest| (digest.algorithm.name().to_owned(), json!(digest.hex())))
            .collect();
        listed.push(json!({"filename": file.filename, "url": file.link, "hashes": hashes}));
    }
    let again = parse(JSON, &json!({"files": listed}).to_string()).unwrap_or_default();
    assert_eq!(again.len(), files.len());
    for (one, other) in files.iter().zip(&again) {
        assert_eq!((&one.filename, &one.link), (&other.filename, &other.link));
        assert_eq!(
            one.best_digest()
                .map(|d| d.algorithm == crate::packaging::digest::Algorithm::Md5),
            other
                .best_digest()
                .map(|d| d.algorithm == crate::packaging::digest::Algorithm::Md5)
        );
    }
}

fn assert_digests(digests: &[crate::packaging::digest::NamedDigest]) {
    for digest in digests {
        assert!(digest.hex().bytes().all(|b| b.is_ascii_hexdigit()));
    }
}

/// An answer to an upload: one short line without control characters, whatever the server said. The first byte chooses
/// the status, the second the media type.
pub fn answer(bytes: &[u8]) {
    const STATUSES: [u16; 8] = [200, 302, 400, 401, 403, 409, 500, 503];
    const TYPES: [&str; 5] = [
        "text/plain",
        "text/html",
        "application/json",
        "application/problem+json",
        "",
    ];
    let [status, kind, body @ ..] = bytes else { return };
    let status = StatusCode::from_u16(STATUSES[usize::from(*status) % STATUSES.len()]);
    let Ok(status) = status else { return };
    let mut headers = HeaderMap::new();
    let media_type = TYPES[usize::from(*kind) % TYPES.len()];
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    let answer = Answer::read(status, &headers, None, body, SystemTime::UNIX_EPOCH);
    assert!(answer.line.chars().count() <= 301, "{:?}", answer.line);
    assert!(!answer.line.chars().any(char::is_control), "{:?}", answer.line);
    assert_eq!(answer.line.trim(), answer.line);
    let _ = (answer.verdict(), answer.leaves_doubt());
}
