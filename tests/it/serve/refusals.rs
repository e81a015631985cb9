//! Uploads that make no sense, or claim what is not so, are refused with a word for what is wrong, and leave nothing.

use std::path::Path;

use super::uploads::{open_server, refused};
use crate::support::distributions::{Distribution, sdist, wheel};
use crate::support::http::request;
use crate::support::index::files_below;
use crate::support::upload::{Form, form_for, upload};

// A10, A12, A13, A14, A15, C6
#[test]
fn forms_that_make_no_sense_are_refused() {
    let (testbed, server) = open_server();
    let file = wheel("lib", "1.0").build();
    let base = || Form::default().field(":action", "file_upload");
    let with_file = || base().file("content", &file.filename, &file.bytes);
    refused(
        &testbed,
        &base().post(&server.url, &[]),
        400,
        "the form has no file",
    );
    refused(
        &testbed,
        &base().field("content", "text").post(&server.url, &[]),
        400,
        "the field `content` is text",
    );
    refused(
        &testbed,
        &with_file()
            .file("content", &file.filename, b"x")
            .post(&server.url, &[]),
        400,
        "the form has two files",
    );
    let no_action = Form::default().file("content", &file.filename, &file.bytes);
    refused(
        &testbed,
        &no_action.post(&server.url, &[]),
        400,
        "the form has no `:action`",
    );
    let unknown = Form::default().field(":action", "explode");
    refused(
        &testbed,
        &unknown.post(&server.url, &[]),
        400,
        "the action `explode`",
    );
    refused(
        &testbed,
        &with_file().field("protocol_version", "2").post(&server.url, &[]),
        400,
        "protocol version",
    );
    for (field, value) in [
        ("sha256_digest", "0".repeat(64)),
        ("md5_digest", "0".repeat(32)),
        ("blake2_256_digest", "0".repeat(64)),
    ] {
        let reply = with_file().field(field, &value).post(&server.url, &[]);
        assert_eq!(reply.status, 400, "{field}: {}", reply.text());
        assert!(
            reply.text().contains("digest of `lib-1.0-py3-none-any.whl` is"),
            "{}",
            reply.text()
        );
    }
    assert_eq!(
        with_file()
            .field("sha256_digest", "nonsense")
            .post(&server.url, &[])
            .status,
        400
    );
    refused(
        &testbed,
        &with_file().field("name", "other").post(&server.url, &[]),
        400,
        "the form says project `other`",
    );
    refused(
        &testbed,
        &with_file().field("version", "2.0").post(&server.url, &[]),
        400,
        "the form says version `2.0`",
    );
    let right = file.sha256();
    for (field, value, other) in [
        ("name", "lib", "other"),
        ("version", "1.0", "2.0"),
        ("sha256_digest", &*right, &*"0".repeat(64)),
    ] {
        for (first, second) in [(value, other), (other, value)] {
            let twice = with_file().field(field, first).field(field, second);
            assert_eq!(twice.post(&server.url, &[]).status, 400, "{field}");
        }
    }
    let flood = (0..10_001).fold(base(), |form, _| form.field("classifiers", "x"));
    assert_eq!(flood.post(&server.url, &[]).status, 400);
    assert_eq!(
        base()
            .field("summary", &"x".repeat(70_000))
            .post(&server.url, &[])
            .status,
        413
    );
    assert_eq!(files_below(&testbed.path("packages")), Vec::<String>::new());
    // After all that the right form is still welcome.
    upload(&server.url, &file).expect(200);
}

// A3, A9, A19, G9
#[test]
fn bodies_that_are_no_forms_are_refused() {
    let (testbed, server) = open_server();
    let body = form_for(&wheel("lib", "1.0").build()).body();
    let content_type = Form::content_type();
    for (headers, body, status) in [
        (vec![("Content-Type", "application/json")], b"{}".to_vec(), 415),
        (vec![("Content-Type", "multipart/form-data")], body.clone(), 415),
        (vec![], body.clone(), 415),
        (
            vec![("Content-Type", &*content_type), ("Content-Encoding", "gzip")],
            body.clone(),
            415,
        ),
        (
            vec![("Content-Type", &*content_type)],
            body[..body.len() - 10].to_vec(),
            400,
        ),
        (
            vec![("Content-Type", &*content_type)],
            b"nothing of the kind".to_vec(),
            400,
        ),
        (vec![("Content-Type", &*content_type)], Vec::new(), 400),
    ] {
        let reply = request(&server.url, "POST", "/", &headers, &body);
        assert_eq!(reply.status, status, "{headers:?}: {}", reply.text());
        assert!(!reply.text().is_empty());
    }
    for method in ["PUT", "DELETE", "PATCH"] {
        assert_eq!(request(&server.url, method, "/simple/lib/", &[], &[]).status, 405);
    }
    assert_eq!(files_below(&testbed.path("packages")), Vec::<String>::new());
}

// G9
#[test]
fn nothing_but_the_upload_form_changes_a_file() {
    let (testbed, server) = open_server();
    let file = wheel("lib", "1.0").build();
    upload(&server.url, &file).expect(200);
    let path = format!("/packages/{}", file.filename);
    for method in ["PUT", "DELETE", "PATCH", "MKCOL", "MOVE"] {
        for path in [path.as_str(), "/packages/", "/simple/lib/", "/simple/"] {
            let reply = request(&server.url, method, path, &[], b"other bytes");
            assert_eq!(reply.status, 405, "{method} {path}: {}", reply.text());
        }
    }
    assert_eq!(request(&server.url, "GET", &path, &[], &[]).body, file.bytes);
    assert_eq!(files_below(&testbed.path("packages")), [file.filename]);
}

// C1, C2, C3, C4, C5, C6, C7
#[test]
fn names_that_try_something_are_refused() {
    let (testbed, server) = open_server();
    let (wheel, sdist) = (
        wheel("lib", "1.0").build().bytes,
        sdist("lib", "1.0").build().bytes,
    );
    let long = format!("{}-1.0-py3-none-any.whl", "a".repeat(300));
    for name in [
        "",
        "../lib-1.0-py3-none-any.whl",
        "..\\lib-1.0-py3-none-any.whl",
        "/tmp/lib-1.0-py3-none-any.whl",
        "a/lib-1.0-py3-none-any.whl",
        ".htaccess",
        ".lib-1.0-py3-none-any.whl",
        "index.html",
        "lib-1.0.exe",
        "lib-1.0.svg",
        "lib-1.0.tar.gz.html",
        "lib-1.0-none-any.whl",
        "lib-1.0-py3-none-any-more-parts.whl",
        "lib-1.0-py3-none-any-Label.whl",
        "lib-1.0--none-any.whl",
        "a b-1.0.tar.gz",
        "-1.0.tar.gz",
        "-lib-1.0.tar.gz",
        ".-1.0.tar.gz",
        "lib-1.0 beta.tar.gz",
        "lib-1.0\t.tar.gz",
        "lib-1.0-py3-none-any.whl.html",
        "lib-1.0-py3-none-any.whl.metadata",
        "lib-1.0.whl",
        "lib.tar.gz",
        "lib-1.0-py3-none-any.whl ",
        "l\u{ef}b-1.0-py3-none-any.whl",
        "lib\u{ff0f}-1.0-py3-none-any.whl",
        "$(id)-1.0.tar.gz",
        "lib-notaversion-py3-none-any.whl",
        "con:1.0.tar.gz",
        &long,
    ] {
        let form = Form::default().field(":action", "file_upload").file(
            "content",
            name,
            if name.contains(".whl") { &wheel } else { &sdist },
        );
        let reply = form.post(&server.url, &[]);
        assert_eq!(reply.status, 400, "{name:?}: {}", reply.text());
        // The bytes are those of a sound archive, and are not what is at fault.
        let blames_bytes = ["archive", "member", "top folder"].map(|word| reply.text().contains(word));
        assert_eq!(blames_bytes, [false; 3], "{name:?}: {}", reply.text());
    }
    assert_eq!(files_below(&testbed.path("packages")), Vec::<String>::new());
    assert!(!Path::new("/tmp/lib-1.0-py3-none-any.whl").exists());
}

// B4, B11, B13, C10
#[test]
fn files_that_are_not_what_their_names_claim_are_refused() {
    let (testbed, server) = open_server();
    let good = wheel("lib", "1.0").build();
    let cases: Vec<(&str, String, Vec<u8>)> = vec![
        ("text", good.filename.clone(), b"no archive at all".to_vec()),
        ("empty", good.filename.clone(), Vec::new()),
        (
            "cut",
            good.filename.clone(),
            good.bytes[..good.bytes.len() - 30].to_vec(),
        ),
        (
            "appended",
            good.filename.clone(),
            [&good.bytes[..], b"junk"].concat(),
        ),
        (
            "sdist as wheel",
            good.filename.clone(),
            sdist("lib", "1.0").build().bytes,
        ),
        ("wheel as sdist", "lib-1.0.tar.gz".to_owned(), good.bytes.clone()),
        (
            "other project",
            "other-1.0-py3-none-any.whl".to_owned(),
            good.bytes.clone(),
        ),
        (
            "other version",
            "lib-2.0-py3-none-any.whl".to_owned(),
            good.bytes.clone(),
        ),
        (
            "no metadata",
            good.filename.clone(),
            wheel("lib", "1.0").metadata("").build().bytes,
        ),
        (
            "a specifier that is markup",
            good.filename.clone(),
            wheel("lib", "1.0")
                .header("Requires-Python", "\"><script>alert(1)</script>")
                .build()
                .bytes,
        ),
    ];
    for (what, filename, bytes) in cases {
        let reply = upload(&server.url, &Distribution { filename, bytes });
        assert_eq!(reply.status, 400, "{what}: {}", reply.text());
        assert!(reply.text().contains("is refused:"), "{what}: {}", reply.text());
        assert_eq!(
            files_below(&testbed.path("packages")),
            Vec::<String>::new(),
            "{what}"
        );
    }
    // A refusal burns no name.
    upload(&server.url, &good).expect(200);
}
