//! `/packages/`, the HTML alias, and the ways that lead to pages.

use std::fs;

use crate::support::distributions::{sdist, wheel};
use crate::support::http::{Reply, get, raw, request};
use crate::support::pypiserver::Pypiserver;
use crate::support::{Outcome, Server, Testbed, tools};

fn served() -> (Testbed, Server) {
    let testbed = Testbed::new();
    let folder = testbed.path("packages");
    wheel("zeta", "1.0+l.1")
        .requires_python(">=3.8")
        .build()
        .write_into(&folder);
    sdist("my-lib", "1.10").build().write_into(&folder);
    sdist("my-lib", "1.9").build().write_into(&folder);
    sdist("alpha", "2.0").build().write_into(folder.join("sub"));
    let server = testbed.serve(["--disable-fallback".as_ref(), folder.as_os_str()]);
    (testbed, server)
}

/// Targets and texts of the links of a page.
fn links(page: &Reply) -> Vec<(String, String)> {
    let text = page.text();
    let pieces = text.split("<a href=\"").skip(1);
    pieces
        .map(|piece| {
            let (href, rest) = piece.split_once('"').unwrap();
            let (_, rest) = rest.split_once('>').unwrap();
            (href.to_owned(), rest.split_once("</a>").unwrap().0.to_owned())
        })
        .collect()
}

#[test]
fn every_file_is_listed_where_pypiserver_lists_it() {
    let Ok(pypiserver) = tools::pypiserver() else {
        return;
    };
    let (testbed, server) = served();
    let folder = testbed.path("packages");
    let theirs = Pypiserver::start(&pypiserver, &testbed, &[folder.to_str().unwrap()]);
    let their = get(&theirs.url, "/packages/", &[]).expect(200);
    let our = get(&server.url, "/packages/", &[]).expect(200);
    assert_eq!(our.header("content-type"), "text/html; charset=utf-8");
    let base = url::Url::parse(&format!("{}/packages/", server.url)).unwrap();
    let targets = |page: &Reply| -> Vec<(String, String)> {
        links(page)
            .into_iter()
            .map(|(href, text)| {
                let target = base.join(&href).unwrap();
                (
                    format!(
                        "{}#{}",
                        target.path().replace("%2B", "+"),
                        target.fragment().unwrap()
                    ),
                    text,
                )
            })
            .collect()
    };
    assert_eq!(targets(&our), targets(&their));
    assert_eq!(links(&our).len(), 4);
    // What installers need to choose is there, too: `--find-links` reads this page.
    assert!(
        our.text().contains("data-requires-python=\"&#62;=3.8\""),
        "{}",
        our.text()
    );
    for (href, _) in links(&our) {
        let target = base.join(&href).unwrap();
        let bytes = get(&server.url, target.path(), &[]).expect(200).body;
        let digest = crate::support::distributions::sha256(&bytes);
        assert_eq!(target.fragment().unwrap(), format!("sha256={digest}"));
    }
    let head = request(&server.url, "HEAD", "/packages/", &[], &[]).expect(200);
    assert_eq!(
        (head.header("content-length"), head.body.len()),
        (our.body.len().to_string().as_str(), 0)
    );
    let moved = get(&server.url, "/packages", &[]).expect(301);
    assert_eq!(
        base.join("../packages")
            .unwrap()
            .join(moved.header("location"))
            .unwrap(),
        base
    );
}

#[test]
fn pip_finds_files_by_the_listing() {
    let Ok(pip) = tools::pip() else { return };
    let (testbed, server) = served();
    let mut download = pip.command(&testbed);
    download.args([
        "download",
        "--no-index",
        "--no-deps",
        "--no-build-isolation",
        "--find-links",
    ]);
    download
        .arg(format!("{}/packages/", server.url))
        .args(["zeta", "-d", "got"]);
    Outcome::of(&mut download).expect_code(0);
    assert!(testbed.path("got/zeta-1.0+l.1-py3-none-any.whl").exists());
}

#[test]
fn the_listing_follows_the_folder_and_hides_twins() {
    let (testbed, server) = served();
    let texts = || -> Vec<String> {
        let page = get(&server.url, "/packages/", &[]).expect(200);
        links(&page).into_iter().map(|(_, text)| text).collect()
    };
    let before = texts();
    assert_eq!(
        before,
        [
            "my_lib-1.9.tar.gz",
            "my_lib-1.10.tar.gz",
            "zeta-1.0+l.1-py3-none-any.whl",
            "sub/alpha-2.0.tar.gz"
        ]
    );
    let twin = sdist("alpha", "2.0").padding(10, 1).build();
    twin.write_into(testbed.path("packages/zub"));
    assert_eq!(texts(), before, "a file that can't be downloaded is listed");
    fs::remove_file(testbed.path("packages/sub/alpha-2.0.tar.gz")).unwrap();
    assert_eq!(texts().last().unwrap(), "zub/alpha-2.0.tar.gz");
    fs::remove_file(testbed.path("packages/zub/alpha-2.0.tar.gz")).unwrap();
    assert_eq!(texts().len(), 3);
    testbed.write("packages/notes.txt", "no distribution");
    assert_eq!(texts().len(), 3);
}

#[test]
fn thousands_of_files_are_sent_while_they_are_listed() {
    let testbed = Testbed::new();
    let folder = testbed.path("packages");
    fs::create_dir_all(&folder).unwrap();
    let count = 20_000;
    for number in 0..count {
        fs::write(
            folder.join(format!("project_{}-1.{number}.tar.gz", number % 100)),
            "",
        )
        .unwrap();
    }
    let server = testbed.serve([&folder]);
    let page = get(&server.url, "/packages/", &[]).expect(200);
    assert_eq!(page.header("content-length"), "");
    let listed = links(&page);
    assert_eq!(listed.len(), count);
    assert!(page.text().ends_with("</html>\n"));
    let numbers: Vec<u32> = listed
        .iter()
        .filter_map(|(_, text)| {
            text.strip_prefix("project_7-1.")?
                .strip_suffix(".tar.gz")?
                .parse()
                .ok()
        })
        .collect();
    assert!(numbers.len() == count / 100 && numbers.is_sorted(), "{numbers:?}");
    let head = request(&server.url, "HEAD", "/packages/", &[], &[]).expect(200);
    assert!(head.body.is_empty());
}

#[test]
fn the_alias_is_html_whatever_is_accepted_and_leads_nowhere_else() {
    let (testbed, _) = served();
    // With a fallback, which must not be followed: hatch would take the public index's files for ours.
    let server = testbed.serve([testbed.path("packages")]);
    let json = [("Accept", "application/vnd.pypi.simple.v1+json")];
    for (alias, page) in [("/+simple/", "/simple/"), ("/+simple/my-lib/", "/simple/my-lib/")] {
        let reply = get(&server.url, alias, &json).expect(200);
        assert_eq!(reply.header("content-type"), "text/html; charset=utf-8");
        assert_eq!(reply.body, get(&server.url, page, &[]).expect(200).body);
        let etag = reply.header("etag").to_owned();
        get(&server.url, alias, &[("If-None-Match", &etag)]).expect(304);
    }
    for (path, location) in [
        ("/+simple", "+simple/"),
        ("/+simple/my-lib", "my-lib/"),
        ("/+simple/My_Lib/", "../my-lib/"),
    ] {
        assert_eq!(
            get(&server.url, path, &[]).expect(301).header("location"),
            location,
            "{path}"
        );
    }
    get(&server.url, "/+simple/missing/", &[]).expect(404);
    get(&server.url, "/simple/missing/", &[]).expect(303);
}

#[test]
fn who_leaves_out_simple_is_shown_the_way() {
    let Ok(pypiserver) = tools::pypiserver() else {
        return;
    };
    let (testbed, server) = served();
    let folder = testbed.path("packages");
    let theirs = Pypiserver::start(&pypiserver, &testbed, &[folder.to_str().unwrap()]);
    for path in ["/my-lib", "/my-lib/", "/missing", "/missing/?x=y"] {
        let target = |server: &str| {
            let reply = get(server, path, &[]).expect(303);
            let base = url::Url::parse(&format!("{server}{path}")).unwrap();
            base.join(reply.header("location")).unwrap().path().to_owned()
        };
        assert_eq!(target(&server.url), target(&theirs.url), "{path}");
    }
    // HTTP/1.0 knows no 303.
    assert_eq!(raw(&server.url, b"GET /my-lib HTTP/1.0\r\n\r\n").status, 302);
    assert_eq!(
        get(&server.url, "/My_Lib/", &[]).expect(303).header("location"),
        "../simple/my-lib/"
    );
}

// G2, G4
#[test]
fn no_address_leads_to_another_host() {
    let (_testbed, server) = served();
    for path in [
        "//evil.example",
        "//evil.example/",
        "//evil.example/simple",
        "/%2f%2fevil.example",
        "/%5cevil.example",
        "/\\evil.example",
        "/%0d%0aLocation:%20http:%2f%2fevil.example",
        "/http:%2f%2fevil.example",
        "/simple//evil.example",
        "/packages//evil.example",
        "/..%2f..",
    ] {
        let reply = get(&server.url, path, &[]);
        let location = reply.header("location");
        assert!(
            reply.status == 404 || reply.status == 400,
            "{path}: {} {location}",
            reply.status
        );
    }
    // Names that are allowed but look like something else stay below the index.
    let reply = get(&server.url, "/evil.example", &[]).expect(303);
    assert_eq!(reply.header("location"), "simple/evil-example/");
}

#[test]
fn what_is_not_there_says_where_to_look() {
    let (_testbed, server) = served();
    for path in [
        "/nowhere/at/all",
        "/a%20b",
        "/simple/missing/",
        "/simple/a%20b/",
        "/simple/x/y",
        "/+simple/missing/",
        "/missing/json",
        "/packages/missing-1.0.tar.gz",
        "/packages/../../etc/passwd",
    ] {
        let reply = get(&server.url, path, &[]).expect(404);
        let text = reply.text();
        assert!(
            text.contains("/simple/") || text.contains("such project"),
            "{path}: {text}"
        );
        assert!(!text.contains("<"), "{path}: {text}");
        let head = request(&server.url, "HEAD", path, &[], &[]).expect(404);
        assert_eq!(
            head.header("content-length"),
            reply.body.len().to_string(),
            "{path}"
        );
    }
    let robots = get(&server.url, "/robots.txt", &[]).expect(200);
    assert!(robots.header("content-type").starts_with("text/plain") && robots.text().contains("Disallow: /"));
    get(&server.url, "/favicon.ico", &[]).expect(404);
}

#[test]
fn every_page_has_a_head_and_refuses_other_methods() {
    let (_testbed, server) = served();
    for path in [
        "/",
        "/simple/",
        "/simple/my-lib/",
        "/+simple/",
        "/packages/",
        "/my-lib/json",
        "/pypi/my-lib/json",
        "/pypi/my-lib/1.9/json",
        "/packages/my_lib-1.9.tar.gz",
        "/health",
        "/robots.txt",
        "/my-lib",
        "/simple",
    ] {
        let whole = get(&server.url, path, &[]);
        let head = request(&server.url, "HEAD", path, &[], &[]);
        assert_eq!((head.status, head.body.len()), (whole.status, 0), "{path}");
        for name in ["content-length", "content-type", "etag", "location"] {
            assert_eq!(head.header(name), whole.header(name), "{name} of {path}");
        }
        for method in ["OPTIONS", "DELETE", "PUT", "PATCH", "TRACE"] {
            let refused = request(&server.url, method, path, &[], &[]).expect(405);
            assert!(
                refused.header("allow").contains("GET"),
                "{method} {path}: {:?}",
                refused.headers
            );
        }
    }
    for path in [
        "/packages/",
        "/health",
        "/my-lib",
        "/pypi/my-lib/json",
        "/+simple/",
    ] {
        let refused = request(&server.url, "POST", path, &[], b"x").expect(405);
        assert!(!refused.header("allow").contains("POST"), "{path}");
    }
    for path in ["/legacy/", "/RPC2"] {
        assert!(
            get(&server.url, path, &[])
                .expect(405)
                .header("allow")
                .contains("POST"),
            "{path}"
        );
    }
}

#[test]
fn downloads_are_kept_as_long_as_the_operator_says() {
    let (testbed, server) = served();
    let folder = testbed.path("packages");
    let path = "/packages/my_lib-1.9.tar.gz";
    let cache_control = |server: &Server| {
        get(&server.url, path, &[])
            .expect(200)
            .header("cache-control")
            .to_owned()
    };
    assert_eq!(cache_control(&server), "max-age=31536000, immutable");
    let started = |arguments: &[&str]| {
        let mut all: Vec<&std::ffi::OsStr> = arguments.iter().map(AsRef::as_ref).collect();
        all.push(folder.as_os_str());
        testbed.serve(all)
    };
    assert_eq!(
        cache_control(&started(&["--cache-control", "60"])),
        "public, max-age=60"
    );
    assert_eq!(
        cache_control(&started(&["--cache-control", "60", "-o"])),
        "public, max-age=60"
    );
    // pypiserver takes 0 as not given.
    assert_eq!(
        cache_control(&started(&["--cache-control", "0"])),
        "max-age=31536000, immutable"
    );
    assert_eq!(
        cache_control(&started(&["--cache-control=0", "--overwrite"])),
        "no-cache"
    );
    // What needs a password is nothing that a proxy may give to others.
    testbed.write("htpasswd", "alice:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n");
    let guarded = started(&["--cache-control", "60", "-P", "htpasswd", "-a", "download"]);
    let login = [("Authorization", "Basic YWxpY2U6c2VjcmV0")];
    let reply = get(&guarded.url, path, &login).expect(200);
    assert_eq!(reply.header("cache-control"), "private, max-age=60");
    for bad in ["-1", "soon", "99999999999"] {
        testbed
            .run(["serve", "-p", "0", "--cache-control", bad])
            .expect_code(2);
    }
}
