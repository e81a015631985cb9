//! The page for people: ours, and those that operators wrote for pypiserver.

use crate::support::distributions::wheel;
use crate::support::http::{get, raw, request};
use crate::support::pypiserver::Pypiserver;
use crate::support::{Testbed, tools};

#[test]
fn the_page_tells_how_to_install_and_to_publish() {
    let testbed = Testbed::new();
    wheel("lib", "1.0").build().write_into(testbed.path("packages"));
    let server = testbed.serve(["-P", ".", "-a", "."]);
    let reply = get(&server.url, "/", &[]).expect(200);
    assert_eq!(reply.header("content-type"), "text/html; charset=utf-8");
    let page = reply.text();
    for told in [
        "1 file of 1 project",
        &format!("pip install --index-url {}/simple/ PACKAGE", server.url),
        &format!("uv pip install --index-url {}/simple/ PACKAGE", server.url),
        &format!("pkgctl publish -r {}/", server.url),
        &format!("twine upload --repository-url {}/ dist/*", server.url),
        "href=\"simple/\"",
        "href=\"packages/\"",
        "<html lang=\"en\">",
        "<h1>",
        "<main>",
    ] {
        assert!(page.contains(told), "`{told}` is not told:\n{page}");
    }
    assert!(
        !page.contains("<script") && !page.contains("--trusted-host"),
        "{page}"
    );
    // pip believes no other host that it reaches in the open.
    let elsewhere = raw(
        &server.url,
        b"GET / HTTP/1.1\r\nHost: pkg.example:8080\r\nConnection: close\r\n\r\n",
    )
    .text();
    assert!(
        elsewhere
            .contains("--index-url http://pkg.example:8080/simple/ --trusted-host pkg.example:8080 PACKAGE"),
        "{elsewhere}"
    );
    let closed = testbed.serve(Vec::<&str>::new());
    let page = get(&closed.url, "/", &[]).text();
    assert!(page.contains("switched off") && !page.contains("twine"), "{page}");
    let head = request(&closed.url, "HEAD", "/", &[], &[]).expect(200);
    assert_eq!(head.header("content-length"), page.len().to_string());
}

const TEMPLATE: &str = "<p>{{URL}}|{{ NUMPKGS }}|{{!PACKAGES}}|{{SIMPLE}}|100% {{'{'}}</p>\n";

#[test]
fn a_page_for_pypiserver_is_shown_as_pypiserver_shows_it() {
    let Ok(pypiserver) = tools::pypiserver() else {
        return;
    };
    let testbed = Testbed::new();
    let folder = testbed.path("packages");
    wheel("lib", "1.0").build().write_into(&folder);
    let template = TEMPLATE.replace("{{'{'}}", "{ } }} {{\n\\% not code\n  \\<% nor this");
    let file = testbed.write("welcome.html", template);
    for prefix in ["/", "/pre/fix"] {
        let arguments = [
            "--welcome",
            file.to_str().unwrap(),
            "--server-base-url",
            prefix,
            folder.to_str().unwrap(),
        ];
        let theirs = Pypiserver::start(&pypiserver, &testbed, &arguments);
        let server = testbed.serve(arguments);
        for path in [prefix, &format!("{}/", prefix.trim_end_matches('/'))] {
            let reply = get(&server.url, path, &[]).expect(200);
            let their = get(&theirs.url, path, &[])
                .expect(200)
                .text()
                .replace(&theirs.url, &server.url);
            assert_eq!(reply.text().trim_end(), their.trim_end(), "{path}");
            // The operator's own pictures and scripts are shown, but not within other sites.
            let policy = reply.header("content-security-policy");
            assert!(
                policy.contains("frame-ancestors 'none'") && !policy.contains("default-src 'none'"),
                "{policy}"
            );
        }
    }
}

#[test]
fn pages_that_can_t_be_shown_are_refused_at_the_start() {
    let testbed = Testbed::new();
    let start = |text: &[u8]| {
        testbed.write("page.html", text);
        testbed.run(["serve", "-p", "0", "--welcome", "page.html"])
    };
    let outcome = start(b"<p>\n% for p in range(3):\nx\n% end\n").expect_failure(2, "page.html");
    assert!(
        outcome.stderr.contains("line 2") && outcome.stderr.contains("% for p in range(3):"),
        "{}",
        outcome.stderr
    );
    let outcome = start(b"{{URL}}\n\n{{NUMPKGS + 1}}\n").expect_failure(2, "page.html");
    assert!(
        outcome.stderr.contains("line 3") && outcome.stderr.contains("{{NUMPKGS + 1}}"),
        "{}",
        outcome.stderr
    );
    start(b"<% import os %>").expect_failure(2, "line 1");
    start(b"\xff\xfe").expect_failure(2, "page.html");
    let outcome = testbed.run(["serve", "-p", "0", "--welcome", "missing.html"]);
    outcome.expect_failure(2, "missing.html");
}
