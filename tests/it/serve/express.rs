//! The commonest requests are answered in front of the routes; nobody may be able to tell.

use std::fs;
use std::time::{Duration, SystemTime};

use crate::support::distributions::wheel;
use crate::support::http::{Reply, get, request};
use crate::support::{Server, Testbed};

/// What only this very answer says.
const OWN: [&str; 2] = ["date", "x-request-id"];

fn without_own(mut reply: Reply) -> Reply {
    for own in OWN {
        assert!(!reply.header(own).is_empty(), "no {own}");
    }
    reply
        .headers
        .retain(|(name, _)| !OWN.contains(&name.as_str()) && name != "connection");
    reply.headers.sort();
    reply
}

/// Asks in the plain way, which may be the short one, and with a query that means nothing, which goes to the route.
fn assert_both_ways_alike(server: &Server, prefix: &str, headers: &[(&str, &str)]) {
    let file = "/packages/lib-1.0-py3-none-any.whl";
    let metadata = format!("{file}.metadata");
    for path in [
        "/simple/",
        "/simple/lib/",
        "/simple/Lib/",
        "/simple/absent/",
        "/simple//",
        "/simple/lib/1.0/",
        file,
        &metadata,
        "/packages/lib-1.0-py3-none-any.whl.asc",
        "/packages//lib-1.0-py3-none-any.whl",
        "/packages/absent-1.0-py3-none-any.whl",
        "/packages/nested/deep-1.0-py3-none-any.whl",
        "/packages/large-1.0-py3-none-any.whl",
    ] {
        for method in ["GET", "HEAD"] {
            let path = format!("{prefix}{path}");
            let ask = |path: &str| without_own(request(&server.url, method, path, headers, &[]));
            // Once for whatever is kept from then on.
            ask(&path);
            let (plain, routed) = (ask(&path), ask(&format!("{path}?")));
            let what = format!("{method} {path} {headers:?}");
            assert_eq!(plain.status, routed.status, "{what}");
            assert_eq!(plain.reason, routed.reason, "{what}");
            let location = |reply: &Reply| reply.header("location").trim_end_matches('?').to_owned();
            assert_eq!(location(&plain), location(&routed), "{what}");
            let others = |reply: &Reply| -> Vec<(String, String)> {
                let headers = reply.headers.iter();
                headers.filter(|(name, _)| name != "location").cloned().collect()
            };
            assert_eq!(others(&plain), others(&routed), "{what}");
            assert!(plain.body == routed.body, "{what}");
        }
    }
}

fn folder(testbed: &Testbed) -> std::path::PathBuf {
    let folder = testbed.path("packages");
    let nested = folder.join("nested");
    fs::create_dir_all(&nested).unwrap();
    let mut files = vec![wheel("deep", "1.0").build().write_into(&nested)];
    for version in ["1.0", "2.0"] {
        files.push(wheel("lib", version).padding(3000, 1).build().write_into(&folder));
    }
    files.push(
        wheel("large", "1.0")
            .padding(3_000_000, 2)
            .build()
            .write_into(&folder),
    );
    // What is read from a file is kept when a change would show in its time.
    for file in files {
        let file = fs::File::options().write(true).open(file).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(3600))
            .unwrap();
    }
    folder
}

#[test]
fn an_answer_in_front_of_the_routes_is_the_answer_of_its_route() {
    let testbed = Testbed::new();
    let folder = folder(&testbed);
    let server = testbed.serve([folder.into_os_string()]);
    let page = get(&server.url, "/simple/lib/", &[]).expect(200);
    let file = get(&server.url, "/packages/lib-1.0-py3-none-any.whl", &[]).expect(200);
    let json = "application/vnd.pypi.simple.v1+json";
    let same_range = |range| [("Range", range), ("If-Range", file.header("etag"))];
    for headers in [
        &[][..],
        &[("Accept", json)],
        &[("Accept", "text/html;q=0.2, application/vnd.pypi.simple.v1+html")],
        &[("Accept", "image/png")],
        &[("Accept", json), ("Accept-Encoding", "gzip")],
        &[("Accept-Encoding", "gzip;q=0")],
        &[("Accept-Encoding", "br"), ("Accept-Encoding", "gzip")],
        &[("If-None-Match", page.header("etag"))],
        &[("If-None-Match", file.header("etag"))],
        &[("If-None-Match", "*")],
        &[("If-Modified-Since", file.header("last-modified"))],
        &[("If-Modified-Since", "Thu, 01 Jan 1970 00:00:00 GMT")],
        &[("Range", "bytes=1-5")],
        &[("Range", "bytes=-5")],
        &[("Range", "bytes=99999999-")],
        &same_range("bytes=2-3"),
        &[("Range", "bytes=2-3"), ("If-Range", "\"other\"")],
        &[("Authorization", "Basic bm9ib2R5Om5vdGhpbmc=")],
        &[("X-Forwarded-For", "192.0.2.7"), ("User-Agent", "twine/6.0")],
    ] {
        assert_both_ways_alike(&server, "", headers);
    }
}

#[test]
fn the_same_holds_below_a_path_and_behind_a_password() {
    let testbed = Testbed::new();
    let folder = folder(&testbed);
    // "password", hashed by SHA-1.
    testbed.write("htpasswd", "user:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\n");
    let server = testbed.serve([
        "--server-base-url".into(),
        "/py/".into(),
        "-a".into(),
        "list,download".into(),
        "-P".into(),
        "htpasswd".into(),
        folder.into_os_string(),
    ]);
    let right = ("Authorization", "Basic dXNlcjpwYXNzd29yZA==");
    for headers in [
        &[][..],
        &[right],
        &[right, ("Accept-Encoding", "gzip")],
        &[("Authorization", "Bearer x")],
    ] {
        assert_both_ways_alike(&server, "/py", headers);
    }
    // Outside the path there is nothing.
    assert_eq!(get(&server.url, "/simple/lib/", &[right]).status, 404);
    // A password that was right once is not when the file says otherwise.
    testbed.write("htpasswd", "user:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n");
    assert_eq!(get(&server.url, "/py/simple/lib/", &[right]).status, 401);
}

#[test]
fn both_ways_are_logged_and_counted_alike() {
    let testbed = Testbed::new();
    let folder = folder(&testbed);
    let server = testbed.serve([
        "--log-file".into(),
        "log".into(),
        "--server-base-url".into(),
        "/py/".into(),
        folder.into_os_string(),
    ]);
    let agent = [("User-Agent", "pip/25.0 more"), ("X-Forwarded-For", "192.0.2.7")];
    for path in ["/py/simple/lib/", "/py/packages/lib-1.0-py3-none-any.whl"] {
        let mut lines = Vec::new();
        get(&server.url, path, &agent).expect(200);
        for query in ["", "?"] {
            let reply = get(&server.url, &format!("{path}{query}"), &agent).expect(200);
            let id = reply.header("x-request-id").to_owned();
            server.wait_for_log(&id);
            let log = server.log();
            let line = log.lines().find(|line| line.contains(&id)).unwrap().to_owned();
            let line = &line[line.find("200 ").unwrap()..];
            let words: Vec<String> = line
                .split(' ')
                .filter(|word| !word.ends_with("ms") && *word != id)
                .map(str::to_owned)
                .collect();
            lines.push(words);
        }
        assert_eq!(lines[0], lines[1]);
        assert!(lines[0].contains(&"192.0.2.7".to_owned()), "{lines:?}");
    }
    let metrics = get(&server.url, "/py/metrics", &[]).expect(200).text();
    for kind in ["project", "file"] {
        let count = metrics
            .lines()
            .find(|line| line.contains("_count") && line.contains(kind) && line.contains("2xx"));
        assert!(
            count.is_some_and(|line| line.ends_with(" 3")),
            "{kind}: {count:?}"
        );
    }
}
