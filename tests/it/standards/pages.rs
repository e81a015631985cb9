//! Lines 1 to 4: the Simple pages.

use serde_json::{Value, json};
use url::Url;

use crate::support::distributions::{sdist, wheel};
use crate::support::index::{Index, JSON, OPEN};

const HTML: &str = "text/html; charset=utf-8";

/// One project in an odd spelling, with all that pages may say of files.
fn served() -> Index {
    let index = Index::open();
    index.copy_in(
        &wheel("Foo.Bar", "1.0")
            .requires_python(">=3.8, nonsense \"'&")
            .build(),
    );
    index.copy_in(&wheel("Foo.Bar", "1.1").requires_python(">=3.8,<4").build());
    index.copy_in(&sdist("Foo.Bar", "1.1").build());
    let nested = index.testbed.path("packages/nested/deep");
    wheel("Foo.Bar", "1.2+corp.1").build().write_into(nested);
    index
}

#[test]
fn line_01_clients_get_json_and_people_get_html() {
    let index = served();
    let accepts = [
        // pip, and pdm after it: a space behind each semicolon.
        (
            Some(
                "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01",
            ),
            JSON,
        ),
        // uv.
        (
            Some(
                "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.01",
            ),
            JSON,
        ),
        // poetry.
        (Some("application/vnd.pypi.simple.v1+json, */*;q=0.1"), JSON),
        (Some("application/vnd.pypi.simple.latest+json"), JSON),
        (
            Some("text/html;q=0.5, application/vnd.pypi.simple.v1+json;q=0.6"),
            JSON,
        ),
        // pip before 22.2.
        (Some("text/html"), HTML),
        // A browser, and curl with and without the header.
        (
            Some("text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8"),
            HTML,
        ),
        (Some("*/*"), HTML),
        (None, HTML),
        (
            Some("application/vnd.pypi.simple.v1+json;q=0, */*"),
            "application/vnd.pypi.simple.v1+html",
        ),
        (
            Some("application/vnd.pypi.simple.v1+json; q=0.000, text/html; q=0.001"),
            HTML,
        ),
        (
            Some("application/vnd.pypi.simple.latest+html"),
            "application/vnd.pypi.simple.v1+html",
        ),
    ];
    for path in ["/simple/", "/simple/foo-bar/"] {
        for (accept, content_type) in accepts {
            let headers: Vec<(&str, &str)> = accept.iter().map(|accept| ("Accept", *accept)).collect();
            let reply = index.get(path, &headers).expect(200);
            assert_eq!(reply.header("content-type"), content_type, "{accept:?}");
            assert!(reply.header("vary").contains("Accept"), "{accept:?}");
            let known = [&headers[..], &[("If-None-Match", reply.header("etag"))]].concat();
            let unchanged = index.get(path, &known).expect(304);
            assert!(unchanged.header("vary").contains("Accept"), "304 for {accept:?}");
        }
        for impossible in ["application/json", "image/png, text/plain;q=0.9", "*/*;q=0"] {
            index.get(path, &[("Accept", impossible)]).expect(406);
        }
    }
}

#[test]
fn line_02_every_spelling_ends_at_the_normalized_page_and_its_addresses_hold() {
    let index = served();
    for path in [
        "/simple/Foo.Bar",
        "/simple/foo_bar/",
        "/simple/FOO--BAR/",
        "/simple/foo-bar",
    ] {
        let mut address = Url::parse(&index.server.url).unwrap().join(path).unwrap();
        let page = loop {
            let reply = index.get(address.path(), &[]);
            if reply.status == 200 {
                break reply.text();
            }
            assert_eq!(reply.status, 301, "{path}: {address}");
            address = address.join(reply.header("location")).unwrap();
        };
        assert_eq!(address.path(), "/simple/foo-bar/", "{path}");
        let files: Vec<&str> = page
            .split("href=\"")
            .skip(1)
            .map(|link| link.split('"').next().unwrap())
            .collect();
        assert_eq!(files.len(), 4, "{page}");
        for href in files {
            index.get(address.join(href).unwrap().path(), &[]).expect(200);
        }
    }
}

#[test]
fn line_03_json_has_no_null_that_uv_stumbles_over_and_names_are_those_of_the_addresses() {
    let index = served();
    let page = index.page("foo-bar");
    assert_eq!(page["meta"], json!({"api-version": "1.4"}));
    assert_eq!(page["name"], "foo-bar");
    assert_eq!(page["versions"], json!(["1.0", "1.1", "1.2+corp.1"]));
    assert_no_null(&page);
    let files = page["files"].as_array().unwrap();
    assert_eq!(files.len(), 4);
    for file in files {
        let name = file["filename"].as_str().unwrap();
        let url = file["url"].as_str().unwrap();
        assert_eq!(decoded(url.rsplit('/').next().unwrap()), name);
        assert!(!url.contains('+'), "{url}");
        let time = file["upload-time"].as_str().unwrap();
        assert!(
            time.parse::<jiff::Timestamp>().is_ok() && time.ends_with('Z'),
            "{time}"
        );
        let fraction = time
            .split('.')
            .nth(1)
            .map_or(0, |rest| rest.trim_end_matches('Z').len());
        assert!(fraction <= 6, "{time}");
        let body = index
            .get(url.strip_prefix("../..").unwrap(), &[])
            .expect(200)
            .body;
        assert_eq!(file["size"], body.len());
        assert_eq!(
            file["hashes"]["sha256"],
            crate::support::distributions::sha256(&body)
        );
        assert!(file["yanked"].is_boolean() || file["yanked"].is_string());
    }
    // A client that sends the `+` as it is gets the same file.
    index
        .get("/packages/nested/deep/foo_bar-1.2+corp.1-py3-none-any.whl", &[])
        .expect(200);
    let without_digests = Index::start(index.testbed, &["--hash-algo", "off"]);
    for file in without_digests.page("foo-bar")["files"].as_array().unwrap() {
        assert_eq!(file["hashes"], json!({}));
    }
}

#[track_caller]
fn assert_no_null(value: &Value) {
    match value {
        Value::Null => panic!("there is a null"),
        Value::Array(items) => items.iter().for_each(assert_no_null),
        Value::Object(fields) => fields.values().for_each(assert_no_null),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text)
        .decode_utf8()
        .unwrap()
        .into_owned()
}

#[test]
fn line_04_html_says_1_4_and_escapes_what_attributes_hold() {
    let index = served();
    // Once asked for, the project is known to the catalog.
    index.page("foo-bar");
    let reason = "bad \"quotes\", 'others',\n<b>markup</b> & a second line";
    let sql = format!(
        "UPDATE files SET yank_reason = '{reason}' WHERE filename LIKE '%.tar.gz';
         UPDATE projects SET status = 'deprecated', status_reason = '<i>\"old\"</i>'",
        reason = reason.replace('\'', "''")
    );
    let index = index.with_catalog(&OPEN, &sql);
    for path in ["/simple/", "/simple/foo-bar/"] {
        let page = index.get(path, &[]).expect(200).text();
        assert!(page.starts_with("<!DOCTYPE html>"), "{page}");
        assert!(
            page.contains("<meta name=\"pypi:repository-version\" content=\"1.4\">"),
            "{page}"
        );
    }
    let page = index.get("/simple/foo-bar/", &[]).text();
    for markup in ["<b>", "<i>", "\"quotes\"", "\"'&"] {
        assert!(!page.contains(markup), "{markup} is in {page}");
    }
    assert_eq!(values_of(&page, "data-yanked"), [reason]);
    assert_eq!(values_of(&page, "data-requires-python"), [">=3.8,<4"]);
    assert!(
        page.contains("<meta name=\"pypi:project-status\" content=\"deprecated\">"),
        "{page}"
    );
    let metadata = values_of(&page, "data-core-metadata");
    assert_eq!(metadata.len(), 3, "{page}");
    assert_eq!(values_of(&page, "data-dist-info-metadata"), metadata);
}

/// What a browser would read from each such attribute.
fn values_of(page: &str, attribute: &str) -> Vec<String> {
    page.split(&format!(" {attribute}=\""))
        .skip(1)
        .map(|rest| {
            let value = rest.split('"').next().unwrap();
            let named = value
                .replace("&lt;", "<")
                .replace("&gt;", ">")
                .replace("&quot;", "\"");
            let numbered = [
                ("&#60;", "<"),
                ("&#62;", ">"),
                ("&#34;", "\""),
                ("&#39;", "'"),
                ("&#38;", "&"),
            ];
            let text = numbered
                .iter()
                .fold(named, |text, (entity, character)| text.replace(entity, character));
            text.replace("&amp;", "&")
        })
        .collect()
}
