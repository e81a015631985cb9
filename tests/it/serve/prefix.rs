//! `--server-base-url` and `--health-endpoint`: everything below a path of its own.

use serde_json::Value;

use crate::support::distributions::wheel;
use crate::support::http::{get, request};
use crate::support::pypiserver::Pypiserver;
use crate::support::upload::{Form, form_for};
use crate::support::{Outcome, Server, Testbed, tools};

fn served(arguments: &[&str]) -> (Testbed, Server) {
    let testbed = Testbed::new();
    let folder = testbed.path("packages");
    wheel("my-lib", "1.0").build().write_into(&folder);
    let mut all = vec!["--disable-fallback", "-P", ".", "-a", "."];
    all.extend(arguments);
    all.push("packages");
    let server = testbed.serve(all);
    (testbed, server)
}

#[test]
fn everything_is_below_the_path_and_nothing_outside() {
    let (_testbed, server) = served(&["--server-base-url", "/team/py/"]);
    assert!(server.log().contains("/team/py"), "{}", server.log());
    for path in [
        "/team/py",
        "/team/py/",
        "/team/py/simple/",
        "/team/py/simple/my-lib/",
        "/team/py/+simple/my-lib/",
        "/team/py/packages/",
        "/team/py/packages/my_lib-1.0-py3-none-any.whl",
        "/team/py/my-lib/json",
        "/team/py/pypi/my-lib/json",
        "/team/py/health",
        "/team/py/robots.txt",
    ] {
        get(&server.url, path, &[]).expect(200);
        let head = request(&server.url, "HEAD", path, &[], &[]).expect(200);
        assert!(head.body.is_empty(), "{path}");
    }
    for path in [
        "/",
        "/team",
        "/team/",
        "/team/pyx",
        "/team/pyx/simple/",
        "/simple/",
        "/health",
        "/packages/",
        "/my-lib",
        "/team/py/team/py/",
        "//team/py/",
        "/TEAM/py/",
    ] {
        let reply = get(&server.url, path, &[]).expect(404);
        // What is outside says where the inside is, and passes the same door.
        assert!(
            path.starts_with("/team/py/") || reply.text().contains("/team/py/simple/"),
            "{path}: {}",
            reply.text()
        );
        assert_eq!(reply.header("x-content-type-options"), "nosniff");
        assert!(!reply.header("x-request-id").is_empty());
    }
    for path in ["/team/py", "/team/py/"] {
        let distribution = wheel("my-lib", if path.ends_with('/') { "2.0" } else { "3.0" }).build();
        let content_type = Form::content_type();
        let headers = [("Content-Type", content_type.as_str())];
        let form = form_for(&distribution).body();
        request(&server.url, "POST", path, &headers, &form).expect(200);
    }
    assert_eq!(request(&server.url, "POST", "/", &[], b"x").status, 404);
}

#[test]
fn links_and_redirects_stay_below_the_path() {
    let (_testbed, server) = served(&["--server-base-url", "team/py"]);
    let follow = |from: &str, link: &str| {
        let base = url::Url::parse(&format!("{}{from}", server.url)).unwrap();
        base.join(link).unwrap().path().to_owned()
    };
    for (from, to) in [
        ("/team/py/simple", "/team/py/simple/"),
        ("/team/py/packages", "/team/py/packages/"),
        ("/team/py/+simple", "/team/py/+simple/"),
        ("/team/py/simple/My_Lib", "/team/py/simple/my-lib/"),
        ("/team/py/simple/My_Lib/", "/team/py/simple/my-lib/"),
        ("/team/py/My_Lib/json", "/team/py/my-lib/json"),
        ("/team/py/pypi/My_Lib/json", "/team/py/pypi/my-lib/json"),
        ("/team/py/my-lib", "/team/py/simple/my-lib/"),
        ("/team/py/my-lib/", "/team/py/simple/my-lib/"),
    ] {
        let reply = get(&server.url, from, &[]);
        assert!([301, 303].contains(&reply.status), "{from}: {}", reply.status);
        assert_eq!(follow(from, reply.header("location")), to, "{from}");
    }
    let page = |path: &str| get(&server.url, path, &[]).expect(200);
    for (path, expected) in [
        ("/team/py", "/team/py/simple/"),
        ("/team/py/", "/team/py/simple/"),
        ("/team/py/simple/", "/team/py/simple/my-lib/"),
        (
            "/team/py/simple/my-lib/",
            "/team/py/packages/my_lib-1.0-py3-none-any.whl",
        ),
        (
            "/team/py/packages/",
            "/team/py/packages/my_lib-1.0-py3-none-any.whl",
        ),
    ] {
        let text = page(path).text();
        let href = text.split("href=\"").nth(1).unwrap().split('"').next().unwrap();
        assert_eq!(follow(path, href), expected, "{path}");
    }
    let json: Value = page("/team/py/pypi/my-lib/json").json();
    let url = json["urls"][0]["url"].as_str().unwrap();
    assert_eq!(
        url,
        format!("{}/team/py/packages/my_lib-1.0-py3-none-any.whl", server.url)
    );
}

#[test]
fn pip_installs_from_below_the_path() {
    let Ok(pip) = tools::pip() else { return };
    let (testbed, server) = served(&["--server-base-url", "/team/py"]);
    let mut download = pip.command(&testbed);
    let index = format!("{}/team/py/simple/", server.url);
    download.args([
        "download",
        "--no-deps",
        "--index-url",
        &index,
        "my-lib",
        "-d",
        "got",
    ]);
    Outcome::of(&mut download).expect_code(0);
}

#[test]
fn pypiserver_answers_at_the_same_addresses() {
    let Ok(pypiserver) = tools::pypiserver() else {
        return;
    };
    let arguments = ["--server-base-url", "/team/py", "--health-endpoint", "/healthz"];
    let (testbed, server) = served(&arguments);
    let folder = testbed.path("packages");
    let mut all = arguments.to_vec();
    all.push(folder.to_str().unwrap());
    let theirs = Pypiserver::start(&pypiserver, &testbed, &all);
    for path in [
        "/",
        "/team",
        "/team/py",
        "/team/py/",
        "/team/pyx",
        "/team/py/simple",
        "/team/py/simple/",
        "/health",
        "/healthz",
        "/team/py/healthz",
        "/team/py/simple/my-lib/",
        "/team/py/simple/missing/",
        "/team/py/packages/",
        "/team/py/packages/my_lib-1.0-py3-none-any.whl",
        "/team/py/my-lib/json",
        "/team/py/missing/json",
        "/team/py/my-lib",
        "/team/py/favicon.ico",
        "/simple/",
        "/packages/",
    ] {
        let (their, our) = (get(&theirs.url, path, &[]), get(&server.url, path, &[]));
        assert_eq!(our.status, their.status, "{path}");
    }
    assert_eq!(
        get(&theirs.url, "/team/py/healthz", &[]).text(),
        get(&server.url, "/team/py/healthz", &[]).text()
    );
}

#[test]
fn the_health_check_is_where_the_operator_wants_it() {
    let (testbed, server) = served(&["--health-endpoint", "/-/live"]);
    assert_eq!(get(&server.url, "/-/live", &[]).expect(200).text(), "Ok");
    // The usual address is that of a project again.
    get(&server.url, "/health", &[]).expect(303);
    for (bad, word) in [
        ("/simple/", "something else"),
        ("/simple", "something else"),
        ("/packages/x", "something else"),
        ("/pypi", "something else"),
        ("/x/json", "something else"),
        ("/RPC2", "something else"),
        ("health", "slash"),
        ("/a.b", "slash"),
        ("/", "slash"),
        ("", "slash"),
    ] {
        let outcome = testbed.run(["serve", "-p", "0", "--health-endpoint", bad]);
        let outcome = outcome.expect_failure(2, "--health-endpoint");
        assert!(outcome.stderr.contains(word), "{bad}: {}", outcome.stderr);
    }
    for bad in ["/a b", "http://example.com/pypi", "/a/../b", "/a//b", "/{x}"] {
        let outcome = testbed.run(["serve", "-p", "0", "--server-base-url", bad]);
        outcome.expect_failure(2, "--server-base-url");
    }
}
