//! Flags that change what is answered: a path in front of all addresses, times to keep files, a welcome page.

use super::asking::{get, head, post};
use super::folders;
use super::tables::{Table, run, same};
use crate::support::distributions::wheel;
use crate::support::upload::form_for;

const FILE: &str = "/packages/alpha-1.0-py3-none-any.whl";

pub(super) const CACHED: Table = Table {
    flags: &["--cache-control", "600", "packages"],
    folder: folders::of_today,
    rows: || {
        vec![
            same("200", get(FILE).comparing("cache-control")),
            same("200", head(FILE).comparing("cache-control")),
        ]
    },
};

#[test]
fn downloads_may_be_kept_for_a_time() {
    run(&CACHED);
}

pub(super) const HEALTH: Table = Table {
    flags: &["--health-endpoint", "/alive/and-well", "packages"],
    folder: folders::empty,
    rows: || {
        vec![
            same("200", get("/alive/and-well").head_counts()),
            same("303 to /simple/health/", get("/health")),
        ]
    },
};

#[test]
fn the_health_page_can_be_elsewhere() {
    run(&HEALTH);
}

pub(super) const WELCOME: Table = Table {
    flags: &["--welcome", "welcome.html", "packages"],
    folder: |home| {
        folders::of_today(home);
        let page = "<h1>Ours & yours</h1>\n<a href=\"{{SIMPLE}}\">{{NUMPKGS}} files</a> <a href=\"{{PACKAGES}}\">all</a>\n\
                    <a href=\"{{URL}}\">this page</a>\n";
        home.write("welcome.html", page);
    },
    rows: || {
        vec![
            same(
                "200 text/html; charset=utf-8: 10 files all this page\n    /simple/\n    /packages/\n    /",
                get("/"),
            ),
            same("200", head("/")),
        ]
    },
};

#[test]
fn the_welcome_page_can_be_ones_own() {
    run(&WELCOME);
}

pub(super) const BELOW_A_PATH: Table = Table {
    flags: &[
        "--server-base-url",
        "/below/here",
        "--disable-fallback",
        "-P",
        ".",
        "-a",
        ".",
        "packages",
    ],
    folder: folders::of_today,
    rows: || {
        let upload = || post(&form_for(&wheel("new", "1.0").build()));
        vec![
            same("200", get("/below/here/").head_counts()),
            same("200", get("/below/here").head_counts()),
            same("200", get("/below/here/health").head_counts()),
            same("200 text/html; charset=utf-8: alpha", get("/below/here/simple/")),
            same("301 to /below/here/simple/", get("/below/here/simple")),
            same(
                "200 text/html; charset=utf-8: alpha-1.0",
                get("/below/here/simple/alpha/"),
            ),
            same(
                "301 to /below/here/simple/alpha/",
                get("/below/here/simple/alpha"),
            ),
            same(
                "301 to /below/here/simple/foo-bar/",
                get("/below/here/simple/Foo_Bar/"),
            ),
            same("200 application/octet-stream", get(&format!("/below/here{FILE}"))),
            same("303 to /below/here/simple/alpha/", get("/below/here/alpha/")),
            same(
                "200 text/html; charset=utf-8: ",
                get("/below/here/packages/").in_any_order(),
            ),
            same("404", get("/simple/")),
            same("404", get("/health")),
            same("404", get("/")),
            same("404", get(FILE)),
            same("200 empty", upload().to("/below/here/")),
            same("200", get("/below/here/simple/new/")),
            same("404", upload().to("/")),
        ]
    },
};

#[test]
fn everything_can_be_below_a_path() {
    run(&BELOW_A_PATH);
}
