//! Lines 9 to 11: duplicates, what is damaged or hostile, and names that come back.

use std::fs;

use crate::support::distributions::{Distribution, sdist, sha256, tar_gz_of, wheel, zip_of};
use crate::support::index::{Index, JSON, OPEN};
use crate::support::upload::{Form, form_for, upload};

const UV_ACCEPT: &str = "application/json;q=0.9, text/plain;q=0.8, text/html;q=0.7";

#[test]
fn line_09_the_same_bytes_again_are_success() {
    let index = Index::open();
    let file = wheel("lib", "1.0").build();
    for _ in 0..3 {
        upload(&index.server.url, &file).expect(200);
    }
    index.assert_stored(&file);
    assert_eq!(index.leftovers(), [file.filename]);
}

#[test]
fn line_09_other_bytes_are_refused_where_each_client_looks() {
    let index = Index::open();
    let file = wheel("lib", "1.0").build();
    let other = wheel("lib", "1.0").padding(100, 1).build();
    upload(&index.server.url, &file).expect(200);
    let form = form_for(&other);
    // twine and pdm print the reason phrase, poetry that and the body.
    let to_twine = form.post(&index.server.url, &[("User-Agent", "twine/7.0.0 CPython/3.11.7")]);
    assert!(matches!(to_twine.status, 400 | 409), "{}", to_twine.status);
    assert!(to_twine.reason.contains("already exists") && to_twine.text().contains("already exists"));
    let to_others = form.post(&index.server.url, &[]).expect(409);
    assert!(to_others.reason.contains("already exists") && to_others.text().contains("already exists"));
    // uv takes a problem document's detail, or the key `code` of plain JSON; either type without parameters.
    let to_uv = form
        .post(
            &index.server.url,
            &[("Accept", UV_ACCEPT), ("User-Agent", "uv/0.13.9")],
        )
        .expect(409);
    let key = match to_uv.header("content-type") {
        "application/problem+json" => "detail",
        "application/json" => "code",
        other => panic!("uv reads no {other}"),
    };
    assert!(to_uv.json()[key].as_str().unwrap().contains("already exists"));
    index.assert_stored(&file);
    assert_eq!(index.leftovers(), [file.filename]);
}

#[test]
fn line_09_of_identical_uploads_at_once_one_file_comes() {
    let index = Index::open();
    let file = wheel("lib", "1.0").padding(200_000, 1).build();
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let uploads: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| upload(&index.server.url, &file).status))
            .collect();
        uploads.into_iter().map(|upload| upload.join().unwrap()).collect()
    });
    assert_eq!(statuses, [200; 8]);
    index.assert_stored(&file);
    assert_eq!(index.leftovers(), [file.filename]);
    assert_eq!(index.listed("lib").len(), 1);
}

#[track_caller]
fn assert_refused(index: &Index, what: &str, form: &Form) {
    let reply = index.post(form);
    assert_eq!(reply.status, 400, "{what}: {}", reply.text());
    assert!(
        !reply.reason.is_empty() && reply.reason != "Bad Request",
        "{what} has no reason"
    );
    assert_eq!(index.leftovers(), Vec::<String>::new(), "{what} left something");
    assert!(index.listed("lib").is_empty(), "{what} is listed");
}

fn named(filename: &str, bytes: &[u8]) -> Form {
    form_for(&Distribution {
        filename: filename.to_owned(),
        bytes: bytes.to_owned(),
    })
}

#[test]
fn line_10_wrong_digests_and_names_are_refused() {
    let index = Index::open();
    let good = wheel("lib", "1.0").build();
    let plain = || {
        Form::default()
            .field(":action", "file_upload")
            .file("content", &good.filename, &good.bytes)
    };
    let zeros = |digits: usize| "0".repeat(digits);
    assert_refused(
        &index,
        "another sha256",
        &plain().field("sha256_digest", &sha256(b"other")),
    );
    assert_refused(&index, "another md5", &plain().field("md5_digest", &zeros(32)));
    assert_refused(
        &index,
        "another blake2",
        &plain().field("blake2_256_digest", &zeros(64)),
    );
    let one_of_two = plain()
        .field("sha256_digest", &good.sha256())
        .field("md5_digest", &zeros(32));
    assert_refused(&index, "one right digest and one wrong", &one_of_two);
    assert_refused(
        &index,
        "another project in the form",
        &plain().field("name", "other"),
    );
    assert_refused(
        &index,
        "another version in the form",
        &plain().field("version", "2.0"),
    );
    for filename in [
        "lib.whl",
        "lib-1.0.whl",
        "lib-1.0-py3-none-any.exe",
        "../lib-1.0-py3-none-any.whl",
        ".lib-1.0.tar.gz",
        "lib-1.0-py3-none-any.whl\u{0}",
    ] {
        assert_refused(&index, filename, &named(filename, &good.bytes));
    }
    assert_refused(
        &index,
        "another project inside",
        &named("other-1.0-py3-none-any.whl", &good.bytes),
    );
    assert_refused(
        &index,
        "another version inside",
        &named("lib-2.0-py3-none-any.whl", &good.bytes),
    );
    assert_refused(
        &index,
        "an sdist's other version",
        &named("lib-2.0.tar.gz", &sdist("lib", "1.0").build().bytes),
    );
    upload(&index.server.url, &good).expect(200);
}

#[test]
fn line_10_damaged_and_hostile_archives_are_refused() {
    let index = Index::open();
    let good = wheel("lib", "1.0").build();
    for cut in [0, 1, 100, good.bytes.len() / 2, good.bytes.len() - 1] {
        assert_refused(
            &index,
            &format!("a wheel of {cut} bytes"),
            &named(&good.filename, &good.bytes[..cut]),
        );
    }
    let entry = |path: &str, bytes: &[u8]| (path.to_owned(), bytes.to_owned());
    let with = |path: &str, bytes: &[u8]| wheel("lib", "1.0").file(path, bytes).build();
    let twice = with("lib/__init__.py", b"import os\n");
    assert_refused(&index, "an entry twice", &form_for(&twice));
    for path in [
        "../outside.py",
        "/etc/outside",
        "lib/../../outside",
        "C:\\outside",
        "..\\outside",
    ] {
        assert_refused(&index, path, &form_for(&with(path, b"x")));
    }
    let no_metadata = zip_of(&[entry("lib/__init__.py", b"")]);
    assert_refused(
        &index,
        "a wheel without metadata",
        &named(&good.filename, &no_metadata),
    );
    let info = "lib-1.0/PKG-INFO";
    let text = b"Metadata-Version: 2.1\nName: lib\nVersion: 1.0\n";
    let two_tops = tar_gz_of(&[entry(info, text), entry("other/setup.py", b"")]);
    assert_refused(
        &index,
        "an sdist with two top folders",
        &named("lib-1.0.tar.gz", &two_tops),
    );
    let bomb = tar_gz_of(&[entry(info, text), entry("lib-1.0/zeros", &vec![0; 100 << 20])]);
    assert!(bomb.len() < 1 << 20, "a bomb is small: {}", bomb.len());
    assert_refused(&index, "a tar bomb", &named("lib-1.0.tar.gz", &bomb));
    assert_refused(
        &index,
        "an sdist that leads outside",
        &named("lib-1.0.tar.gz", &leading_outside(text)),
    );
    upload(&index.server.url, &good).expect(200);
    upload(&index.server.url, &sdist("lib", "1.0").build()).expect(200);
}

/// An sdist with a member whose path no honest tool would write.
fn leading_outside(pkg_info: &[u8]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (path, bytes) in [("lib-1.0/PKG-INFO", pkg_info), ("lib-1.0/../../outside", b"x")] {
        let mut header = tar::Header::new_gnu();
        header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        archive.append(&header, bytes).unwrap();
    }
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut gzip, &archive.into_inner().unwrap()).unwrap();
    gzip.finish().unwrap()
}

#[test]
fn line_11_a_deleted_name_does_not_come_back_with_other_bytes() {
    let index = Index::open();
    let file = wheel("lib", "1.0").build();
    upload(&index.server.url, &file).expect(200);
    fs::remove_file(index.stored(&file.filename)).unwrap();
    assert!(index.listed("lib").is_empty());
    let other = wheel("lib", "1.0").padding(100, 1).build();
    let refused = upload(&index.server.url, &other).expect(409);
    assert!(refused.text().contains("was removed"), "{}", refused.text());
    assert_eq!(index.leftovers(), Vec::<String>::new());
    upload(&index.server.url, &file).expect(200);
    index.assert_stored(&file);
}

#[test]
fn line_11_a_yank_is_in_html_and_json_and_goes_again() {
    let index = Index::open();
    for version in ["1.0", "2.0"] {
        upload(&index.server.url, &wheel("lib", version).build()).expect(200);
    }
    let shown = |index: &Index| {
        let page = index.page("lib");
        let yanked: Vec<_> = page["files"]
            .as_array()
            .unwrap()
            .iter()
            .map(|file| file["yanked"].clone())
            .collect();
        let html = index.get("/simple/lib/", &[("Accept", "text/html")]).text();
        (yanked, html.matches("data-yanked=").count())
    };
    let before = index
        .get("/simple/lib/", &[("Accept", JSON)])
        .header("etag")
        .to_owned();
    assert_eq!(shown(&index), (vec![false.into(), false.into()], 0));
    let index = index.with_catalog(
        &OPEN,
        "UPDATE files SET yank_reason = 'broken' WHERE filename LIKE '%2.0%'",
    );
    assert_eq!(shown(&index), (vec![false.into(), "broken".into()], 1));
    index
        .get("/simple/lib/", &[("Accept", JSON), ("If-None-Match", &before)])
        .expect(200);
    let index = index.with_catalog(
        &OPEN,
        "UPDATE files SET yank_reason = '' WHERE filename LIKE '%2.0%'",
    );
    assert_eq!(shown(&index), (vec![false.into(), true.into()], 1));
    // Yanked is not gone: who pins it gets it.
    index.get("/packages/lib-2.0-py3-none-any.whl", &[]).expect(200);
    let index = index.with_catalog(&OPEN, "UPDATE files SET yank_reason = NULL");
    assert_eq!(shown(&index), (vec![false.into(), false.into()], 0));
}
