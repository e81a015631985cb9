//! Lines 5 and 6: metadata files and downloads.

use crate::support::distributions::{Distribution, sdist, sha256, wheel};
use crate::support::http::request;
use crate::support::index::Index;

#[test]
fn line_05_metadata_files_are_the_wheels_own_bytes() {
    let index = Index::open();
    let odd =
        "Metadata-Version: 2.1\r\nName: Lib\r\nVersion: 1.1\r\nX-Unknown: kept\r\n\r\ncaf\u{e9}\r\n\r\n";
    let texts = [
        (
            "1.0",
            "Metadata-Version: 2.4\nName: lib\nVersion: 1.0\nSummary: one\n\nbody\n".to_owned(),
        ),
        ("1.1", odd.to_owned()),
        (
            "1.2",
            format!(
                "Metadata-Version: 2.1\nName: lib\nVersion: 1.2\n\n{}",
                "long\n".repeat(50_000)
            ),
        ),
    ];
    for (version, text) in &texts {
        index.copy_in(&wheel("lib", version).metadata(text).build());
    }
    index.copy_in(&sdist("lib", "1.0").build());
    let page = index.page("lib");
    for file in page["files"].as_array().unwrap() {
        let name = file["filename"].as_str().unwrap();
        if name.ends_with(".tar.gz") {
            assert_eq!(file["core-metadata"], false);
            index.get(&format!("/packages/{name}.metadata"), &[]).expect(404);
            continue;
        }
        let metadata = index
            .get(&format!("/packages/{name}.metadata"), &[])
            .expect(200)
            .body;
        assert!(
            texts.iter().any(|(_, text)| text.as_bytes() == metadata),
            "{name}"
        );
        assert_eq!(file["core-metadata"]["sha256"], sha256(&metadata), "{name}");
        assert_eq!(file["dist-info-metadata"], file["core-metadata"], "{name}");
    }
}

/// One that is kept in memory, and one that is streamed from the disk.
fn small_and_large() -> (Index, [Distribution; 2]) {
    let index = Index::open();
    let files = [
        wheel("small", "1.0").build(),
        sdist("large", "1.0").padding(3 << 20, 1).build(),
    ];
    for file in &files {
        index.copy_in(file);
    }
    (index, files)
}

#[test]
fn line_06_head_and_ranges() {
    let (index, files) = small_and_large();
    for Distribution { filename, bytes } in &files {
        let path = format!("/packages/{filename}");
        let size = bytes.len();
        let head = request(&index.server.url, "HEAD", &path, &[], &[]).expect(200);
        assert!(head.body.is_empty());
        assert_eq!(head.header("content-length"), size.to_string());
        assert_eq!(head.header("accept-ranges"), "bytes");
        for (range, start, end) in [
            ("bytes=0-9", 0, 10),
            ("bytes=-100", size - 100, size),
            ("bytes=7-", 7, size),
        ] {
            let part = index.get(&path, &[("Range", range)]).expect(206);
            assert_eq!(
                part.header("content-range"),
                format!("bytes {start}-{}/{size}", end - 1),
                "{range}"
            );
            assert!(part.body == bytes[start..end], "{filename} {range}");
            let head = request(&index.server.url, "HEAD", &path, &[("Range", range)], &[]);
            assert!(
                head.body.is_empty() && matches!(head.status, 200 | 206),
                "{range}"
            );
        }
        let beyond = index
            .get(&path, &[("Range", &format!("bytes={size}-"))])
            .expect(416);
        assert_eq!(beyond.header("content-range"), format!("bytes */{size}"));
    }
}

#[test]
fn line_06_validators() {
    let (index, files) = small_and_large();
    for Distribution { filename, bytes } in &files {
        let path = format!("/packages/{filename}");
        let first = index.get(&path, &[]).expect(200);
        let etag = first.header("etag");
        assert!(etag.starts_with('"') && etag.len() > 2, "a strong one: {etag}");
        let unchanged = index.get(&path, &[("If-None-Match", etag)]).expect(304);
        assert!(unchanged.body.is_empty());
        assert_eq!(unchanged.header("etag"), etag);
        index.get(&path, &[("If-None-Match", "\"another\"")]).expect(200);
        let resumed = index
            .get(&path, &[("Range", "bytes=5-"), ("If-Range", etag)])
            .expect(206);
        assert!(resumed.body == bytes[5..]);
        let anew = index
            .get(&path, &[("Range", "bytes=5-"), ("If-Range", "\"another\"")])
            .expect(200);
        assert!(anew.body == *bytes);
    }
}

#[test]
fn line_06_files_are_never_encoded() {
    let (index, files) = small_and_large();
    for Distribution { filename, bytes } in &files {
        for encodings in ["gzip, deflate, br, zstd", "gzip;q=1.0, identity;q=0", "*"] {
            let reply = index
                .get(
                    &format!("/packages/{filename}"),
                    &[("Accept-Encoding", encodings)],
                )
                .expect(200);
            assert_eq!(reply.header("content-encoding"), "");
            assert!(reply.body == *bytes, "{filename} {encodings}");
        }
    }
}
