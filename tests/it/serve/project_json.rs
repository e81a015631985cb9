//! The JSON of projects, held against the public index's documented keys and a real pypiserver.

use std::fs;
use std::io::Read as _;

use serde_json::{Value, json};

use crate::support::distributions::{sdist, wheel};
use crate::support::http::{get, request};
use crate::support::pypiserver::Pypiserver;
use crate::support::upload::form_for;
use crate::support::{Server, Testbed, tools};

/// Files that were copied in, not uploaded: all that is told of them comes from them.
fn served() -> (Testbed, Server) {
    let testbed = Testbed::new();
    let folder = testbed.path("packages");
    wheel("My_Lib", "1.9")
        .requires_python(">=3.8")
        .requires("other>1")
        .header("Summary", "Does things")
        .header("Project-URL", "Source, https://example.com/src")
        .build()
        .write_into(&folder);
    sdist("my-lib", "1.10")
        .header("Summary", "Does more \u{fc}")
        .header("Classifier", "A :: B")
        .description("# Long\n")
        .build()
        .write_into(folder.join("sub"));
    sdist("my-lib", "2.0rc1").build().write_into(&folder);
    wheel("my-lib", "1.10+corp.1").build().write_into(&folder);
    let server = testbed.serve(["--disable-fallback".as_ref(), folder.as_os_str()]);
    (testbed, server)
}

#[test]
fn a_project_has_its_latest_release_and_all_others() {
    let (_testbed, server) = served();
    for path in ["/pypi/my-lib/json", "/pypi/my-lib/json/"] {
        let reply = get(&server.url, path, &[]).expect(200);
        assert_eq!(reply.header("content-type"), "application/json");
        assert_eq!(reply.header("cache-control"), "no-cache");
        let page = reply.json();
        // A final release before a pre-release.
        assert_eq!(page["info"]["version"], "1.10+corp.1");
        assert_eq!(page["urls"].as_array().unwrap().len(), 1);
        let releases = page["releases"].as_object().unwrap();
        let mut versions: Vec<&String> = releases.keys().collect();
        versions.sort();
        assert_eq!(versions, ["1.10", "1.10+corp.1", "1.9", "2.0rc1"]);
        for file in releases.values().flat_map(|files| files.as_array().unwrap()) {
            assert_is_complete(&server, file);
        }
    }
}

/// Each link leads to the file that is described.
fn assert_is_complete(server: &Server, file: &Value) {
    let path = file["url"].as_str().unwrap().strip_prefix(&server.url).unwrap();
    let bytes = get(&server.url, path, &[]).expect(200).body;
    assert_eq!(
        file["digests"]["sha256"],
        crate::support::distributions::sha256(&bytes)
    );
    assert_eq!(file["size"], bytes.len());
    let (kind, python) = if path.ends_with(".whl") {
        ("bdist_wheel", "py3")
    } else {
        ("sdist", "source")
    };
    assert_eq!(
        (&file["packagetype"], &file["python_version"]),
        (&json!(kind), &json!(python))
    );
    assert_eq!(
        (&file["has_sig"], &file["yanked"]),
        (&json!(false), &json!(false))
    );
    let day = file["upload_time"].as_str().unwrap();
    assert!(
        !day.ends_with('Z') && !day.contains('.') && day.len() == 19,
        "{day}"
    );
    let moment = file["upload_time_iso_8601"].as_str().unwrap();
    assert!(moment.starts_with(day) && moment.ends_with('Z'), "{moment}");
}

#[test]
fn a_release_has_its_own_metadata_and_no_others() {
    let (_testbed, server) = served();
    for path in [
        "/pypi/my-lib/1.10/json",
        "/pypi/my-lib/1.10.0/json/",
        "/pypi/my-lib/v1.10/json",
    ] {
        let page = get(&server.url, path, &[]).expect(200).json();
        let info = &page["info"];
        assert_eq!(
            (&info["version"], &info["summary"]),
            (&json!("1.10"), &json!("Does more ü"))
        );
        assert_eq!(
            (&info["classifiers"], &info["description"]),
            (&json!(["A :: B"]), &json!("# Long\n"))
        );
        assert_eq!(info["requires_python"], json!(null));
        assert!(page.get("releases").is_none());
        assert_eq!(page["urls"][0]["filename"], "my_lib-1.10.tar.gz");
    }
    let page = get(&server.url, "/pypi/my-lib/1.9/json", &[]).expect(200).json();
    let info = &page["info"];
    assert_eq!(
        (&info["name"], &info["requires_python"]),
        (&json!("My_Lib"), &json!(">=3.8"))
    );
    assert_eq!(info["requires_dist"], json!(["other>1"]));
    assert_eq!(info["project_urls"], json!({"Source": "https://example.com/src"}));
    get(&server.url, "/pypi/my-lib/1.10%2Bcorp.1/json", &[]).expect(200);
}

#[test]
fn other_spellings_lead_to_the_normalized_name_and_what_is_unknown_is_404_in_json() {
    let (testbed, server) = served();
    for (path, location) in [
        ("/My_Lib/json", "../my-lib/json"),
        ("/Missing_/json", ""),
        ("/pypi/My.Lib/json", "../my-lib/json"),
        ("/pypi/My.Lib/json/", "../../my-lib/json/"),
        ("/pypi/MY-LIB/1.10/json?a=b", "../../my-lib/1.10/json?a=b"),
    ] {
        if location.is_empty() {
            get(&server.url, path, &[]).expect(404);
            continue;
        }
        let reply = get(&server.url, path, &[]).expect(301);
        assert_eq!(reply.header("location"), location, "{path}");
    }
    // Never the fallback, never HTML.
    let fallen = testbed.serve([testbed.path("packages")]);
    for path in [
        "/missing/json",
        "/pypi/missing/json",
        "/pypi/missing/1.0/json",
        "/pypi/my-lib/9.9/json",
        "/pypi/my-lib/%3Cscript%3E/json",
        "/pypi/a%20b/json",
        "/-/json",
    ] {
        let reply = get(&fallen.url, path, &[("Accept", "text/html")]).expect(404);
        assert_eq!(reply.header("content-type"), "application/json", "{path}");
        assert!(!reply.json()["message"].as_str().unwrap().is_empty(), "{path}");
    }
    get(&server.url, "/pypi/%ff/json", &[]).expect(400);
    get(&server.url, "/pypi/my-lib/%ff/json", &[]).expect(400);
}

#[test]
fn changes_of_the_folder_are_in_the_next_answer() {
    let (testbed, server) = served();
    let latest = || get(&server.url, "/pypi/my-lib/json", &[]);
    let first = latest().expect(200);
    let etag = first.header("etag").to_owned();
    assert_eq!(latest().header("etag"), etag);
    let again = get(&server.url, "/pypi/my-lib/json", &[("If-None-Match", &etag)]).expect(304);
    assert!(again.body.is_empty());
    let added = wheel("my-lib", "3.0")
        .build()
        .write_into(testbed.path("packages"));
    let renewed = get(&server.url, "/pypi/my-lib/json", &[("If-None-Match", &etag)]).expect(200);
    assert_eq!(renewed.json()["info"]["version"], "3.0");
    get(&server.url, "/pypi/my-lib/3.0/json", &[]).expect(200);
    fs::remove_file(added).unwrap();
    get(&server.url, "/pypi/my-lib/3.0/json", &[]).expect(404);
    assert_eq!(latest().json(), first.json());
    // A project whose files all went is none, but never another index's either.
    for entry in [
        "my_lib-1.9-py3-none-any.whl",
        "sub/my_lib-1.10.tar.gz",
        "my_lib-2.0rc1.tar.gz",
        "my_lib-1.10+corp.1-py3-none-any.whl",
    ] {
        fs::remove_file(testbed.path("packages").join(entry)).unwrap();
    }
    latest().expect(404);
    get(&server.url, "/my-lib/json", &[]).expect(404);
}

#[test]
fn nobody_is_given_links_that_were_made_for_another() {
    let (_testbed, server) = served();
    let own = get(&server.url, "/pypi/my-lib/json", &[]).expect(200);
    assert!(
        own.json()["urls"][0]["url"]
            .as_str()
            .unwrap()
            .starts_with(&server.url)
    );
    let raw = |host: &str| {
        let message = format!("GET /pypi/my-lib/json HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        crate::support::http::raw(&server.url, message.as_bytes())
    };
    let evil = raw("evil.example:666").expect(200);
    let link =
        |reply: &crate::support::http::Reply| reply.json()["urls"][0]["url"].as_str().unwrap().to_owned();
    assert!(
        link(&evil).starts_with("http://evil.example:666/packages/"),
        "{}",
        link(&evil)
    );
    assert_ne!(evil.header("etag"), own.header("etag"));
    let after = get(&server.url, "/pypi/my-lib/json", &[]).expect(200);
    assert_eq!(after.body, own.body);
    for nonsense in ["a\"b", "<script>", "a/b", "a b", "x\\y"] {
        let reply = raw(nonsense);
        if reply.status == 200 {
            let link = link(&reply);
            assert!(link.starts_with("http://") && !link.contains(nonsense), "{link}");
        }
    }
}

#[test]
fn large_documents_are_compressed_for_those_who_take_it() {
    let (_testbed, server) = served();
    let plain = get(&server.url, "/pypi/my-lib/json", &[]).expect(200);
    assert_eq!(
        (plain.header("content-encoding"), plain.header("vary")),
        ("", "Accept-Encoding")
    );
    let packed = get(&server.url, "/pypi/my-lib/json", &[("Accept-Encoding", "gzip")]).expect(200);
    assert_eq!(packed.header("content-encoding"), "gzip");
    assert_ne!(packed.header("etag"), plain.header("etag"));
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(&packed.body[..])
        .read_to_end(&mut unpacked)
        .unwrap();
    assert_eq!(unpacked, plain.body);
    let head = request(&server.url, "HEAD", "/pypi/my-lib/json", &[], &[]).expect(200);
    assert_eq!(head.header("content-length"), plain.body.len().to_string());
}

#[test]
fn digests_that_an_upload_announced_are_kept() {
    let testbed = Testbed::new();
    let server = testbed.serve(["-P", ".", "-a", "."]);
    let distribution = wheel("lib", "1.0").build();
    let md5 = data_encoding::HEXLOWER.encode(&<md5::Md5 as sha2::Digest>::digest(&distribution.bytes));
    form_for(&distribution)
        .field("md5_digest", &md5)
        .post(&server.url, &[])
        .expect(200);
    let page = get(&server.url, "/pypi/lib/json", &[]).expect(200).json();
    let file = &page["urls"][0];
    assert_eq!(
        file["digests"],
        json!({"md5": md5, "sha256": distribution.sha256()})
    );
    assert_eq!(file["md5_digest"], md5);
}

#[test]
fn lists_that_need_a_password_need_one_here() {
    let testbed = Testbed::new();
    let folder = testbed.path("packages");
    wheel("lib", "1.0").build().write_into(&folder);
    testbed.write("htpasswd", "alice:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n");
    let server = testbed.serve(["-P", "htpasswd", "-a", "list", "packages"]);
    for path in [
        "/lib/json",
        "/pypi/lib/json",
        "/pypi/lib/1.0/json",
        "/missing/json",
        "/packages/",
        "/+simple/",
        "/+simple/lib/",
    ] {
        let reply = get(&server.url, path, &[]).expect(401);
        assert!(reply.header("www-authenticate").starts_with("Basic"), "{path}");
        let known = get(&server.url, path, &[("Authorization", "Basic YWxpY2U6c2VjcmV0")]);
        assert_eq!(
            known.status,
            if path.contains("missing") { 404 } else { 200 },
            "{path}"
        );
    }
    assert_eq!(request(&server.url, "POST", "/RPC2", &[], b"x").status, 401);
}

/// What scripts written for pypiserver read is there with the same values.
#[test]
fn pypiservers_own_document_is_part_of_ours() {
    let Ok(pypiserver) = tools::pypiserver() else {
        return;
    };
    let (testbed, server) = served();
    let folder = testbed.path("packages");
    let theirs = Pypiserver::start(&pypiserver, &testbed, &[folder.to_str().unwrap()]);
    let their = get(&theirs.url, "/my-lib/json", &[]).expect(200);
    let our = get(&server.url, "/my-lib/json", &[]).expect(200);
    assert_eq!(their.header("content-type"), our.header("content-type"));
    let (their, our) = (their.json(), our.json());
    assert_eq!(our["info"]["version"], "2.0rc1");
    assert_eq!(their["info"]["version"], our["info"]["version"]);
    let paths = |page: &Value, server: &str| -> Vec<(String, Vec<String>)> {
        let path = |file: &Value| {
            let url = file["url"].as_str().unwrap();
            url.strip_prefix(server).unwrap().replace("%2B", "+")
        };
        let releases = page["releases"].as_object().unwrap().iter();
        releases
            .map(|(version, files)| {
                (
                    version.clone(),
                    files.as_array().unwrap().iter().map(path).collect(),
                )
            })
            .collect()
    };
    assert_eq!(paths(&their, &theirs.url), paths(&our, &server.url));
    for path in ["/My_Lib/json", "/missing/json"] {
        assert_eq!(
            get(&theirs.url, path, &[]).status,
            get(&server.url, path, &[]).status,
            "{path}"
        );
    }
}
