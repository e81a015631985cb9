//! The Simple API: negotiation, redirects, both renderings, conditions.

use serde_json::json;

use crate::support::distributions::{sdist, wheel};
use crate::support::http::{get, request};
use crate::support::{Server, Testbed};

const JSON: &str = "application/vnd.pypi.simple.v1+json";

fn served() -> (Testbed, Server) {
    let testbed = Testbed::new();
    let folder = testbed.path("packages");
    wheel("My_Lib", "1.0")
        .requires_python(">=3.8")
        .build()
        .write_into(&folder);
    sdist("my-lib", "1.0").build().write_into(&folder);
    wheel("my-lib", "1.10+corp.1")
        .build()
        .write_into(folder.join("nested/deep"));
    wheel("other", "2!0.1").build().write_into(&folder);
    let server = testbed.serve([folder]);
    (testbed, server)
}

#[test]
fn clients_get_the_rendering_they_ask_for() {
    let (_testbed, server) = served();
    for path in ["/simple/", "/simple/my-lib/"] {
        for (accept, content_type) in [
            (Some(JSON), JSON),
            (Some("application/vnd.pypi.simple.latest+json"), JSON),
            (Some("application/vnd.pypi.simple.v1+json, */*;q=0.1"), JSON),
            (
                Some("application/vnd.pypi.simple.v1+html"),
                "application/vnd.pypi.simple.v1+html",
            ),
            (
                Some("application/vnd.pypi.simple.v1+json;q=0, text/html"),
                "text/html; charset=utf-8",
            ),
            (Some("*/*"), "text/html; charset=utf-8"),
            (None, "text/html; charset=utf-8"),
        ] {
            let headers: Vec<(&str, &str)> = accept.iter().map(|accept| ("Accept", *accept)).collect();
            let reply = get(&server.url, path, &headers).expect(200);
            assert_eq!(reply.header("content-type"), content_type, "{accept:?}");
            assert_eq!(reply.header("vary"), "Accept, Accept-Encoding");
            assert_eq!(reply.header("cache-control"), "no-cache");
        }
        let by_parameter = get(
            &server.url,
            &format!("{path}?format=application/vnd.pypi.simple.v1%2Bjson"),
            &[],
        );
        assert_eq!(by_parameter.expect(200).header("content-type"), JSON);
        let refused = get(&server.url, path, &[("Accept", "application/json")]).expect(406);
        assert!(refused.reason.contains(JSON), "{}", refused.reason);
    }
}

#[test]
fn the_root_lists_every_project_once() {
    let (_testbed, server) = served();
    let page = get(&server.url, "/simple/", &[("Accept", JSON)]).json();
    assert_eq!(
        page,
        json!({"meta": {"api-version": "1.4"}, "projects": [{"name": "my-lib"}, {"name": "other"}]})
    );
    let html = get(&server.url, "/simple/", &[]).text();
    assert!(html.contains(r#"<a href="my-lib/">my-lib</a>"#), "{html}");
}

#[test]
fn a_project_page_tells_all_of_each_file() {
    let (testbed, server) = served();
    let page = get(&server.url, "/simple/my-lib/", &[("Accept", JSON)]).json();
    assert_eq!(page["name"], "my-lib");
    assert_eq!(page["versions"], json!(["1.0", "1.10+corp.1"]));
    let files = page["files"].as_array().unwrap();
    let names: Vec<&str> = files
        .iter()
        .map(|file| file["filename"].as_str().unwrap())
        .collect();
    assert_eq!(names.len(), 3);
    for file in files {
        let name = file["filename"].as_str().unwrap();
        let url = file["url"].as_str().unwrap();
        let path = url.strip_prefix("../../").unwrap();
        let bytes = get(&server.url, &format!("/{path}"), &[]).expect(200).body;
        assert_eq!(file["size"], bytes.len());
        let sha256 = data_encoding::HEXLOWER.encode(&<sha2::Sha256 as sha2::Digest>::digest(&bytes));
        assert_eq!(file["hashes"], json!({"sha256": sha256}), "{name}");
        assert!(file["upload-time"].as_str().unwrap().ends_with('Z'));
        assert_eq!(file["yanked"], false);
        if name.ends_with(".whl") {
            let metadata = get(&server.url, &format!("/{path}.metadata"), &[])
                .expect(200)
                .body;
            let sha256 = data_encoding::HEXLOWER.encode(&<sha2::Sha256 as sha2::Digest>::digest(&metadata));
            assert_eq!(file["core-metadata"], json!({"sha256": sha256}), "{name}");
        } else {
            assert_eq!(file["core-metadata"], false, "{name}");
        }
    }
    let local = files
        .iter()
        .find(|file| file["filename"].as_str().unwrap().contains("corp"))
        .unwrap();
    assert!(
        local["url"]
            .as_str()
            .unwrap()
            .starts_with("../../packages/nested/deep/"),
        "{local}"
    );
    assert!(
        local["url"].as_str().unwrap().contains("1.10%2Bcorp.1"),
        "{local}"
    );
    let restricted = files.iter().find(|file| file["requires-python"] == ">=3.8");
    assert!(restricted.is_some(), "{page}");
    let html = get(&server.url, "/simple/my-lib/", &[]).text();
    assert!(html.contains(r#"data-requires-python="&#62;=3.8""#), "{html}");
    assert_eq!(html.matches("#sha256=").count(), 3);
    drop(testbed);
}

#[test]
fn other_spellings_lead_to_the_normalized_page() {
    let (_testbed, server) = served();
    for (path, location) in [
        ("/simple", "simple/"),
        ("/simple/My.Lib", "my-lib/"),
        ("/simple/my-lib", "my-lib/"),
        ("/simple/My__Lib/", "../my-lib/"),
        ("/simple/Not_There/", "../not-there/"),
    ] {
        let reply = get(&server.url, path, &[]).expect(301);
        assert_eq!(reply.header("location"), location, "{path}");
    }
    let with_format = get(
        &server.url,
        "/simple/My.Lib/?format=application/vnd.pypi.simple.v1%2Bjson",
        &[],
    )
    .expect(301);
    assert_eq!(
        with_format.header("location"),
        "../my-lib/?format=application/vnd.pypi.simple.v1%2Bjson"
    );
    for nonsense in [
        "/simple/a%20b/",
        "/simple/-a/",
        "/simple/..%2f..%2fetc/",
        "/simple/a%0d%0ab/",
    ] {
        get(&server.url, nonsense, &[]).expect(404);
    }
    get(&server.url, "/simple/%ff/", &[]).expect(400);
    get(&server.url, "/nowhere/at/all", &[]).expect(404);
}

#[test]
fn unchanged_pages_cost_a_304_and_head_costs_no_body() {
    let (testbed, server) = served();
    for (path, accept) in [
        ("/simple/", JSON),
        ("/simple/my-lib/", JSON),
        ("/simple/my-lib/", "text/html"),
    ] {
        let first = get(&server.url, path, &[("Accept", accept)]).expect(200);
        let etag = first.header("etag").to_owned();
        assert!(etag.starts_with('"'), "{etag}");
        let again = get(&server.url, path, &[("Accept", accept), ("If-None-Match", &etag)]).expect(304);
        assert!(again.body.is_empty());
        assert_eq!(
            (again.header("etag"), again.header("vary")),
            (etag.as_str(), "Accept, Accept-Encoding")
        );
        let head = request(&server.url, "HEAD", path, &[("Accept", accept)], &[]).expect(200);
        assert!(head.body.is_empty());
        assert_eq!(head.header("content-length"), first.body.len().to_string());
    }
    let json = get(&server.url, "/simple/my-lib/", &[("Accept", JSON)]);
    let html = get(&server.url, "/simple/my-lib/", &[]);
    assert_ne!(json.header("etag"), html.header("etag"));
    wheel("my-lib", "3.0")
        .build()
        .write_into(testbed.path("packages"));
    let known = [("Accept", JSON), ("If-None-Match", json.header("etag"))];
    get(&server.url, "/simple/my-lib/", &known).expect(200);
}

#[test]
fn large_pages_are_compressed_for_those_who_take_it() {
    use std::io::Read as _;
    let testbed = Testbed::new();
    for number in 0..40 {
        wheel("many", &format!("1.{number}"))
            .build()
            .write_into(testbed.path("packages"));
    }
    let server = testbed.serve([testbed.path("packages")]);
    let plain = get(
        &server.url,
        "/simple/many/",
        &[("Accept", JSON), ("Accept-Encoding", "identity")],
    )
    .expect(200);
    assert_eq!(plain.header("content-encoding"), "");
    let packed = get(
        &server.url,
        "/simple/many/",
        &[("Accept", JSON), ("Accept-Encoding", "gzip, deflate")],
    );
    assert_eq!(packed.header("content-encoding"), "gzip");
    assert!(packed.body.len() < plain.body.len() / 3);
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(&packed.body[..])
        .read_to_end(&mut unpacked)
        .unwrap();
    assert_eq!(unpacked, plain.body);
    assert_ne!(packed.header("etag"), plain.header("etag"));
}

// G10
#[test]
fn unknown_projects_go_to_the_fallback_but_never_those_of_this_house() {
    let (testbed, _) = served();
    let folder = testbed.path("packages");
    let arguments = [
        "--fallback-url",
        "http://127.0.0.1:9/elsewhere/",
        "--private",
        "corp-*",
        "--private",
        "Secret.Lib",
    ];
    let mut all: Vec<std::ffi::OsString> = arguments.iter().map(Into::into).collect();
    all.push(folder.clone().into());
    let server = testbed.serve(&all);
    let reply = get(&server.url, "/simple/requests/", &[]).expect(303);
    assert_eq!(reply.header("location"), "http://127.0.0.1:9/elsewhere/requests/");
    for private in ["corp-tools", "secret-lib"] {
        get(&server.url, &format!("/simple/{private}/"), &[]).expect(404);
    }
    // A project whose files all went was this house's all the same.
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.to_string_lossy().contains("other-") {
            std::fs::remove_file(path).unwrap();
        }
    }
    let page = get(&server.url, "/simple/other/", &[("Accept", JSON)])
        .expect(200)
        .json();
    assert_eq!((&page["files"], &page["versions"]), (&json!([]), &json!([])));
    assert!(!get(&server.url, "/simple/", &[]).text().contains("other"));

    let closed = testbed.serve(["--disable-fallback".as_ref(), folder.as_os_str()]);
    let missing = get(&closed.url, "/simple/requests/", &[]).expect(404);
    assert!(
        missing.text().contains("`requests` is not on this index"),
        "{}",
        missing.text()
    );
}

// C11
#[test]
fn nothing_that_a_package_says_of_itself_becomes_markup() {
    const EVIL: &str = "\"><script>alert(1)</script><a href='javascript:alert(2)'>&amp;";
    let testbed = Testbed::new();
    let folder = testbed.path("packages");
    wheel("evil", "1.0")
        .requires_python(">=3.8,<4")
        .header("Summary", EVIL)
        .header("Author", EVIL)
        .header("License", EVIL)
        .header("Keywords", EVIL)
        .header("Home-page", "javascript:alert(3)")
        .header("Project-URL", "\"><script>, javascript:alert(4)")
        .description(EVIL)
        .build()
        .write_into(&folder);
    let server = testbed.serve([folder.into_os_string()]);
    for path in ["/", "/simple/", "/simple/evil/", "/+simple/evil/", "/packages/"] {
        let page = get(&server.url, path, &[("Accept", "text/html")]).expect(200);
        let text = page.text().to_lowercase();
        for mark in ["<script", "javascript:", "alert("] {
            assert!(!text.contains(mark), "{path}: {}", page.text());
        }
        assert_eq!(page.header("x-content-type-options"), "nosniff", "{path}");
    }
    let simple = get(&server.url, "/simple/evil/", &[("Accept", "text/html")]).text();
    assert!(
        simple.contains("data-requires-python=\"&#62;=3.8,&#60;4\""),
        "{simple}"
    );
    // JSON is data: whoever shows it must escape it, and no browser takes it for a page.
    let json = get(&server.url, "/evil/json", &[]).expect(200);
    assert_eq!(json.header("content-type"), "application/json");
    assert_eq!(json.header("x-content-type-options"), "nosniff");
    let info = &json.json()["info"];
    assert_eq!(info["summary"], EVIL);
    assert!(!info.to_string().contains("javascript:alert(3)"), "{info}");
    assert!(!info.to_string().contains("javascript:alert(4)"), "{info}");
}

// G3, C11
#[test]
fn nothing_that_a_client_says_comes_back_as_markup() {
    let (_testbed, server) = served();
    let evil = "/simple/%3Cscript%3Ealert(1)%3C/script%3E/";
    let reply = get(&server.url, evil, &[]);
    assert!(!reply.text().contains("<script>"), "{}", reply.text());
    assert_eq!(reply.header("x-content-type-options"), "nosniff");
    for path in [
        "/simple/no-such/?%3Cscript%3E=%22%3E%3Cscript%3E",
        "/simple/lib/?format=%3Cscript%3E",
        "/packages/%3Cscript%3E.whl",
        "/?%22onload=alert(1)",
    ] {
        let reply = get(&server.url, path, &[("X-Forwarded-Host", "\"><script>")]);
        assert!(!reply.text().contains("<script>"), "{path}: {}", reply.text());
        assert!(!reply.text().contains("\"onload"), "{path}: {}", reply.text());
        assert_eq!(reply.header("x-content-type-options"), "nosniff", "{path}");
    }
    let welcome = get(&server.url, "/", &[("Host", "<script>alert(1)</script>")]).expect(200);
    assert!(!welcome.text().contains("<script>"), "{}", welcome.text());
    assert!(
        welcome
            .header("content-security-policy")
            .contains("default-src 'none'")
    );
    assert!(
        welcome.text().contains("4 files of 2 projects"),
        "{}",
        welcome.text()
    );
}
