//! Downloads: ranges, validators, metadata files, names that try to lead elsewhere.

use crate::support::distributions::{sdist, wheel};
use crate::support::http::{get, request};
use crate::support::{Server, Testbed};

/// A small wheel, and one that is beyond what is kept in memory.
fn served() -> (Testbed, Server, Vec<(String, Vec<u8>)>) {
    let testbed = Testbed::new();
    let folder = testbed.path("packages");
    let small = wheel("small", "1.0").build();
    let large = wheel("large", "1.0").padding(3 << 20, 7).build();
    small.write_into(&folder);
    large.write_into(&folder);
    let server = testbed.serve([folder]);
    (
        testbed,
        server,
        vec![(small.filename, small.bytes), (large.filename, large.bytes)],
    )
}

// G6, G7
#[test]
fn whole_files_and_parts_are_the_very_bytes() {
    let (_testbed, server, files) = served();
    for (name, bytes) in files {
        let path = format!("/packages/{name}");
        let size = bytes.len();
        let whole = get(&server.url, &path, &[]).expect(200);
        assert!(whole.body == bytes, "{name} came back changed");
        assert_eq!(whole.header("accept-ranges"), "bytes");
        assert_eq!(whole.header("content-length"), size.to_string());
        assert_eq!(whole.header("content-type"), "application/octet-stream");
        assert_eq!(whole.header("content-encoding"), "");
        assert_eq!(whole.header("x-content-type-options"), "nosniff");
        let head = request(&server.url, "HEAD", &path, &[], &[]).expect(200);
        assert_eq!(
            (head.header("content-length"), head.body.len()),
            (size.to_string().as_str(), 0)
        );

        let cases = [
            ("bytes=0-9", 0, 10),
            ("bytes=-100", size - 100, size),
            ("bytes=10-", 10, size),
            ("bytes=5-999999999999", 5, size),
            ("bytes=5-18446744073709551615", 5, size),
            ("bytes=0-99999999999999999999999", 0, size),
            ("bytes=-18446744073709551615", 0, size),
        ];
        for (range, start, end) in cases {
            let part = get(&server.url, &path, &[("Range", range)]).expect(206);
            assert!(part.body == bytes[start..end], "{name} {range}");
            assert_eq!(
                part.header("content-range"),
                format!("bytes {start}-{}/{size}", end - 1)
            );
            assert_eq!(part.header("content-length"), (end - start).to_string());
        }
        let beyond = get(&server.url, &path, &[("Range", "bytes=999999999999-")]).expect(416);
        assert_eq!(beyond.header("content-range"), format!("bytes */{size}"));
        let thousands = format!("bytes={}", vec!["0-"; 2_000].join(","));
        // Several ranges, and such as make no sense, are none: the whole file comes, or nothing.
        for range in [
            "bytes=0-1,5-6",
            &thousands,
            "bytes=99999999999999999999999-",
            "bytes=9-3",
            "bytes=--1",
        ] {
            let reply = get(&server.url, &path, &[("Range", range)]);
            let is_whole = reply.status == 200 && reply.body == bytes;
            let shown = &range[..range.len().min(40)];
            assert!(is_whole || reply.status == 416, "{shown}: {}", reply.status);
        }
        let several = get(&server.url, &path, &[("Range", "bytes=0-1,5-6")]).expect(200);
        assert!(several.body == bytes);
    }
}

#[test]
fn validators_spare_and_resume_downloads() {
    let (testbed, server, files) = served();
    for (name, bytes) in files {
        let path = format!("/packages/{name}");
        let first = get(&server.url, &path, &[]).expect(200);
        let (etag, date) = (
            first.header("etag").to_owned(),
            first.header("last-modified").to_owned(),
        );
        get(&server.url, &path, &[("If-None-Match", &etag)]).expect(304);
        get(&server.url, &path, &[("If-Modified-Since", &date)]).expect(304);
        get(&server.url, &path, &[("If-None-Match", "\"other\"")]).expect(200);
        let rest = get(&server.url, &path, &[("Range", "bytes=4-"), ("If-Range", &etag)]).expect(206);
        assert!(rest.body == bytes[4..]);
        // Another file took its place: the client must get all of it, not the rest.
        let other = wheel(name.split('-').next().unwrap(), "1.0")
            .padding(2 << 20, 9)
            .build();
        other.write_into(testbed.path("packages"));
        let whole = get(&server.url, &path, &[("Range", "bytes=4-"), ("If-Range", &etag)]).expect(200);
        assert!(whole.body == other.bytes);
        assert_ne!(whole.header("etag"), etag);
    }
}

#[test]
fn metadata_files_are_the_wheels_own_bytes() {
    let testbed = Testbed::new();
    let folder = testbed.path("packages");
    let text =
        "Metadata-Version: 2.1\nName: odd\nVersion: 1.0\nX-Unknown: kept\nSummary: caf\u{e9}\n\nBody\n\n";
    wheel("odd", "1.0").metadata(text).build().write_into(&folder);
    sdist("odd", "1.0").build().write_into(&folder);
    let server = testbed.serve([folder]);
    let reply = get(&server.url, "/packages/odd-1.0-py3-none-any.whl.metadata", &[]).expect(200);
    assert_eq!(reply.text(), text);
    let etag = reply.header("etag").to_owned();
    get(
        &server.url,
        "/packages/odd-1.0-py3-none-any.whl.metadata",
        &[("If-None-Match", &etag)],
    )
    .expect(304);
    let head = request(
        &server.url,
        "HEAD",
        "/packages/odd-1.0-py3-none-any.whl.metadata",
        &[],
        &[],
    )
    .expect(200);
    assert_eq!(head.header("content-length"), text.len().to_string());
    get(&server.url, "/packages/odd-1.0.tar.gz.metadata", &[]).expect(404);
    get(&server.url, "/packages/absent-1.0-py3-none-any.whl.metadata", &[]).expect(404);
}

// G1, G5
#[test]
fn no_url_leads_out_of_the_folder_or_to_what_is_hidden() {
    let (testbed, server, _) = served();
    testbed.write("secret-1.0.tar.gz", "outside the folder");
    testbed.write("packages/.htaccess", "alice:x");
    testbed.write("packages/.hidden/hidden-1.0.tar.gz", "hidden");
    testbed.write("packages/README.md", "not a distribution");
    for path in [
        "/packages/../secret-1.0.tar.gz",
        "/packages/..%2fsecret-1.0.tar.gz",
        "/packages/%2e%2e/secret-1.0.tar.gz",
        "/packages/%2e%2e%2fsecret-1.0.tar.gz",
        "/packages/..%5csecret-1.0.tar.gz",
        "/packages/....//secret-1.0.tar.gz",
        "/packages//etc/passwd",
        "/packages/%252e%252e/secret-1.0.tar.gz",
        "/packages/.htaccess",
        "/packages/.hidden/hidden-1.0.tar.gz",
        "/packages/.pkgctl/catalog.db",
        "/packages/README.md",
        "/packages/small-1.0-py3-none-any.whl%00",
        "/packages/small-1.0-py3-none-any.whl/",
        "/packages/./small-1.0-py3-none-any.whl",
        "/packages/SMALL-1.0-py3-none-any.whl",
    ] {
        let reply = get(&server.url, path, &[]);
        assert!(
            (400..500).contains(&reply.status),
            "{path}: {} {}",
            reply.status,
            reply.text()
        );
    }
}
