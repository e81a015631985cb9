//! The Simple pages, and the ways to them.

use std::fs;

use super::asking::{ask, get, head};
use super::folders;
use super::tables::{Row, Table, differs, run, same};
use crate::support::distributions::wheel;

/// Where unknown names go; nobody listens there, and nobody has to.
const FALLBACK: [&str; 2] = ["--fallback-url", "http://127.0.0.1:9/elsewhere/"];
const JSON: &str = "application/vnd.pypi.simple.v1+json";

pub(super) const OPEN: Table = Table {
    flags: &[FALLBACK[0], FALLBACK[1], "packages"],
    folder: folders::of_today,
    rows: open_rows,
};

fn open_rows() -> Vec<Row> {
    vec![
        same("200 text/html; charset=utf-8", get("/").head_counts()),
        same("200 text/html; charset=utf-8, some bytes", head("/")),
        same("200", get("/?query=ignored").head_counts()),
        same("200 text/html; charset=utf-8", get("/health").head_counts()),
        same("200 text/html; charset=utf-8, some bytes", head("/health")),
        same("404", get("/favicon.ico")),
        differs(
            "error messages",
            "404; content-type: text/html",
            "404; content-type: text/plain",
            get("/favicon.ico").comparing("content-type"),
        ),
        same("200 text/html", get("//").head_counts()),
        same("301 to /simple/", get("/simple")),
        differs(
            "what proxies say",
            "301 to http://elsewhere.example/simple/",
            "301 to /simple/",
            get("/simple").header("X-Forwarded-Host", "elsewhere.example"),
        ),
        same(
            "200 text/html; charset=utf-8: alpha big deep foo-bar local",
            get("/simple/"),
        ),
        same("200 text/html; charset=utf-8, some bytes", head("/simple/")),
        same("200", get("/simple/?ignored=1")),
        same(
            "200 text/html; charset=utf-8: alpha-1.0-py3-none-any.whl alpha-1.0.tar.gz alpha-1.2-py3-none-any.whl alpha-1.10-py3-none-any.whl alpha-2.0rc1",
            get("/simple/alpha/"),
        ),
        same("200 text/html; charset=utf-8, some bytes", head("/simple/alpha/")),
        same("200", get("/simple/alpha/?ignored=1")),
        same("200", get("/simple/alpha/").http_1_0()),
        same("200", get("/simple/alpha/").header("Accept", "text/html")),
        same(
            "200 text/html; charset=utf-8: Foo_Bar-1.0-py3-none-any.whl foo.bar-1.1.tar.gz",
            get("/simple/foo-bar/"),
        ),
        same(
            "200 text/html; charset=utf-8: local-1.0+corp.1-py3-none-any.whl",
            get("/simple/local/"),
        ),
        same("301 to /simple/alpha/", get("/simple/alpha")),
        same("301 to /simple/foo-bar/", get("/simple/Foo_Bar/")),
        same("301 to /simple/foo-bar/", get("/simple/foo...bar/")),
        same("301 to /simple/not-here/", get("/simple/Not_Here/")),
        same(
            "303 to http://127.0.0.1:9/elsewhere/missing/",
            get("/simple/missing/"),
        ),
        same(
            "302 to http://127.0.0.1:9/elsewhere/missing/",
            get("/simple/missing/").http_1_0(),
        ),
        same(
            "303 to http://127.0.0.1:9/elsewhere/missing/",
            head("/simple/missing/"),
        ),
        same("404", get("/simple/x/y")),
        same("404", get("/simple/alpha/1.0/")),
        same("404", get("/simple//")),
        same("400", get("/simple/%ff/")),
        same("404", get("/nothing/of/the/kind")),
        same("404", get("/simple/..%2f..%2fetc/passwd")),
        same("405", ask("PUT", "/")),
        same("405", ask("DELETE", "/simple/alpha/")),
        differs(
            "uploads go to",
            "405 {\"GET\"}",
            "405 {\"GET\", \"POST\"}",
            ask("OPTIONS", "/simple/"),
        ),
        same("405", ask("PATCH", "/packages/alpha-1.0.tar.gz")),
        same("405", ask("DELETE", "/packages/alpha-1.0.tar.gz")),
        differs(
            "other spellings of a name",
            "301 to /simple/Alpha/",
            "301 to /simple/alpha/",
            get("/simple/Alpha"),
        ),
        differs(
            "names that no project can have",
            "301 to /simple/a%20b/",
            "404",
            get("/simple/a%20b/"),
        ),
        differs(
            "pages for installers",
            "200 text/html",
            "200 application/vnd.pypi.simple.v1+json",
            get("/simple/").header("Accept", JSON),
        ),
        differs(
            "pages for installers",
            "200 text/html",
            "200 application/vnd.pypi.simple.v1+json",
            get("/simple/alpha/").header("Accept", JSON),
        ),
        differs(
            "pages for installers",
            "200 text/html",
            "406",
            get("/simple/").header("Accept", "application/xml"),
        ),
    ]
}

#[test]
fn pages_are_the_same() {
    run(&OPEN);
}

pub(super) const WITHOUT_FALLBACK: Table = Table {
    flags: &["--disable-fallback", "--hash-algo", "md5", "packages"],
    folder: folders::of_today,
    rows: || {
        vec![
            same("404", get("/simple/missing/")),
            same("404", head("/simple/missing/")),
            same("301 to /simple/not-here/", get("/simple/Not_Here/")),
            same(
                "200 text/html; charset=utf-8: alpha-1.0-py3-none-any.whl alpha-1.0.tar.gz alpha-1.2-py3-none-any.whl alpha-1.10-py3-none-any.whl alpha-2.0rc1",
                get("/simple/alpha/"),
            ),
            same("200", get("/simple/foo-bar/")),
        ]
    },
};

#[test]
fn without_a_fallback_unknown_names_are_404() {
    run(&WITHOUT_FALLBACK);
}

pub(super) const WITHOUT_DIGESTS: Table = Table {
    flags: &["--hash-algo", "off", "packages"],
    folder: folders::of_today,
    rows: || {
        vec![
            same("200", get("/simple/alpha/")),
            same("200", get("/simple/foo-bar/")),
        ]
    },
};

#[test]
fn digests_can_be_switched_off() {
    run(&WITHOUT_DIGESTS);
}

pub(super) const OF_THE_PAST: Table = Table {
    flags: &["--disable-fallback", "packages"],
    folder: folders::of_the_past,
    rows: || {
        vec![
            same("200 text/html; charset=utf-8: old old-egg older", get("/simple/")),
            same(
                "200 text/html; charset=utf-8: old-1.0.zip old-1.1.tar.bz2 old-1.2.tgz old-1.3",
                get("/simple/old/"),
            ),
            same(
                "200 text/html; charset=utf-8: Old_Egg-1.0-py2.7.egg",
                get("/simple/old-egg/"),
            ),
            same(
                "200 text/html; charset=utf-8: older-0.1.tar.bz2",
                get("/simple/older/"),
            ),
        ]
    },
};

#[test]
fn distributions_of_the_past_are_listed() {
    run(&OF_THE_PAST);
}

pub(super) const ODD_VERSIONS: Table = Table {
    flags: &["packages"],
    folder: folders::of_odd_versions,
    rows: || {
        vec![differs(
            "order of files",
            "200 text/html; charset=utf-8: odd-1!0.1.tar.gz odd-1.0+corp.1.tar.gz odd-1.0.tar.gz",
            "200 text/html; charset=utf-8: odd-1.0.tar.gz odd-1.0+corp.1.tar.gz odd-1.1.dev1.tar.gz odd-1.1.tar.gz odd-1!0.1.tar.gz",
            get("/simple/odd/"),
        )]
    },
};

#[test]
fn versions_come_in_the_order_of_the_standard() {
    run(&ODD_VERSIONS);
}

pub(super) const TWO_ROOTS: Table = Table {
    flags: &["packages", "more"],
    folder: folders::with_a_second_root,
    rows: || {
        let twice = "twice-1.0-py3-none-any.whl";
        vec![
            same("200 text/html; charset=utf-8: second twice", get("/simple/")),
            same("200", get("/simple/second/")),
            same("200", get("/packages/second-1.0-py3-none-any.whl")),
            same("200", get(&format!("/packages/{twice}"))),
            differs(
                "same file name in two folders",
                "200 text/html; charset=utf-8: twice-1.0-py3-none-any.whl twice-1.0-py3-none-any.whl\n",
                "200 text/html; charset=utf-8: twice-1.0-py3-none-any.whl\n",
                get("/simple/twice/"),
            ),
        ]
    },
};

#[test]
fn several_folders_are_one_index() {
    run(&TWO_ROOTS);
}

pub(super) const CHANGING: Table = Table {
    flags: &["--fallback-url", "http://127.0.0.1:9/elsewhere", "packages"],
    folder: folders::empty,
    rows: || {
        let page = || get("/simple/alpha/");
        let file = || get("/packages/alpha-1.0-py3-none-any.whl");
        vec![
            same("303 to http://127.0.0.1:9/elsewhere/alpha/", page()),
            same("404", file()),
            same("200 text/html; charset=utf-8: alpha-1.0-py3-none-any.whl", page()).after(folders::of_today),
            same("200", file()),
            same("200", page()).after(|home| {
                let other = wheel("alpha", "1.0").padding(64, 1).build();
                other.write_into(home.path("packages"));
            }),
            same("200", file()),
            same("200 text/html; charset=utf-8: alpha-1.0.tar.gz", page())
                .after(|home| fs::remove_file(home.path("packages/alpha-1.0-py3-none-any.whl")).unwrap()),
            same("404", file()),
            same("200", get("/simple/big/")),
            same("200", get("/simple/deep/")),
            same(
                "404",
                get("/packages/wheels/linux/deep-1.0-cp39-cp39-manylinux2014_x86_64.whl"),
            )
            .after(|home| fs::rename(home.path("packages/wheels"), home.path("packages/binary")).unwrap()),
            same(
                "200",
                get("/packages/binary/linux/deep-1.0-cp39-cp39-manylinux2014_x86_64.whl"),
            ),
            same("200", get("/simple/deep/")),
            differs(
                "unknown projects",
                "303 to http://127.0.0.1:9/elsewhere/big/",
                "200",
                get("/simple/big/"),
            )
            .after(|home| fs::remove_file(home.path("packages/big-1.0-py3-none-any.whl")).unwrap()),
        ]
    },
};

#[test]
fn changes_of_the_folder_are_seen_alike() {
    run(&CHANGING);
}

pub(super) const ODD_NAMES: Table = Table {
    flags: &["--disable-fallback", "--hash-algo", "off", "packages"],
    folder: folders::of_odd_names,
    rows: || {
        let guesses = "guesses at odd names";
        vec![
            same("200 text/html; charset=utf-8: pkg.zip", get("/simple/pkg/")),
            same(
                "200 text/html; charset=utf-8: two--dashes-1.0.zip",
                get("/simple/two-dashes/"),
            ),
            same(
                "200 text/html; charset=utf-8: UPPER-1.0.tar.gz",
                get("/simple/upper/"),
            ),
            same(
                "200 text/html; charset=utf-8: x_y.z-2.0.tar.gz",
                get("/simple/x-y-z/"),
            ),
            same(
                "200 text/html; charset=utf-8: beta-1.0b2.tar.gz",
                get("/simple/beta/"),
            ),
            same(
                "200 text/html; charset=utf-8: snapshot-1.0-snapshot.tar.gz",
                get("/simple/snapshot/"),
            ),
            same(
                "200 text/html; charset=utf-8: dev-1.0.dev-r123.tar.gz",
                get("/simple/dev/"),
            ),
            same(
                "200 text/html; charset=utf-8: wheel-1.0-1-py2.py3-none-any.whl",
                get("/simple/wheel/"),
            ),
            differs(
                guesses,
                "404",
                "200 text/html; charset=utf-8: foo-bar-v1.0.tar.gz",
                get("/simple/foo-bar/"),
            ),
            differs(guesses, "200", "404", get("/simple/foo-bar-v1-0/")),
            differs(
                guesses,
                "200 text/html; charset=utf-8: lib-1.0-py3.9-evil.sh",
                "404",
                get("/simple/lib/"),
            ),
            differs(
                "signatures",
                "200 text/html; charset=utf-8: plain-1.0.tar.gz.asc plain-1.0.tar.xz\n",
                "200 text/html; charset=utf-8: plain-1.0.tar.xz\n",
                get("/simple/plain/"),
            ),
        ]
    },
};

#[test]
fn odd_names_are_taken_apart_alike() {
    run(&ODD_NAMES);
}

pub(super) const LINKS: Table = Table {
    flags: &["--disable-fallback", "packages"],
    folder: folders::with_links,
    rows: || {
        vec![
            same(
                "200 text/html; charset=utf-8: inside-1.0-py3-none-any.whl inside-2.0",
                get("/simple/inside/"),
            ),
            same("200", get("/packages/inside-1.0-py3-none-any.whl")),
            same("404", get("/packages/folder/below-1.0-py3-none-any.whl")),
            same("404", get("/simple/below/")),
            same("404", get("/packages/gone-1.0.tar.gz")),
            same("200", get("/packages/outside-1.0-py3-none-any.whl")),
            same(
                "200 text/html; charset=utf-8: outside-1.0-py3-none-any.whl",
                get("/simple/outside/"),
            ),
        ]
    },
};

#[test]
fn links_are_followed_alike() {
    run(&LINKS);
}
