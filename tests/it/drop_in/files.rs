//! Downloads.

use super::asking::{Ask, get, head};
use super::folders;
use super::tables::{Row, Table, differs, run, same};

const WHEEL: &str = "/packages/alpha-1.0-py3-none-any.whl";
const SDIST: &str = "/packages/alpha-1.0.tar.gz";

pub(super) const OPEN: Table = Table {
    flags: &["--disable-fallback", "packages"],
    folder: folders::of_today,
    rows: open_rows,
};

fn range(range: &str) -> Ask {
    get(WHEEL).header("Range", range)
}

fn open_rows() -> Vec<Row> {
    let mut rows = vec![
        same("200 application/octet-stream, ", get(WHEEL)),
        same("200 application/octet-stream, ", head(WHEEL)),
        same("200 application/octet-stream, ", get(WHEEL).http_1_0()),
        same(
            "200 application/octet-stream, ",
            get("/packages/big-1.0-py3-none-any.whl"),
        ),
        same(
            "200",
            get("/packages/wheels/linux/deep-1.0-cp39-cp39-manylinux2014_x86_64.whl"),
        ),
        same("200", get("/packages/local-1.0+corp.1-py3-none-any.whl")),
        same("200", get("/packages/local-1.0%2Bcorp.1-py3-none-any.whl")),
        same("200", get("/packages/alpha-1.0-py3-none-any.whl?query=ignored")),
        same(
            "206 application/octet-stream, 4 bytes, bytes 0-3/",
            range("bytes=0-3"),
        ),
        same("206 application/octet-stream, 4 bytes, bytes ", range("bytes=-4")),
        same("206", range("bytes=5-")),
        same("206", range("bytes=5-99999999")),
        same(
            "206",
            get("/packages/big-1.0-py3-none-any.whl").header("Range", "bytes=1000000-1999999"),
        ),
        same("416", range("bytes=99999999-")),
        same(
            "304",
            get(WHEEL).header("If-Modified-Since", "Thu, 01 Jan 2037 00:00:00 GMT"),
        ),
        same(
            "200",
            get(WHEEL).header("If-Modified-Since", "Sun, 06 Nov 1994 08:49:37 GMT"),
        ),
        same("200", get(WHEEL).header("If-Modified-Since", "yesterday")),
        differs(
            "type of downloads",
            "200 application/x-tar, ",
            "200 application/octet-stream, ",
            get(SDIST),
        ),
        differs("odd ranges", "416", "200", range("bytes=9-0")),
        differs(
            "odd ranges",
            "206 application/octet-stream, 2 bytes",
            "200",
            range("bytes=0-1,5-6"),
        ),
        differs("odd ranges", "416", "200", range("lines=0-3")),
        differs(
            "validators of downloads",
            "200",
            "304",
            get(WHEEL).header("If-None-Match", "*"),
        ),
        differs(
            "pages for installers",
            "404",
            "200",
            get(&format!("{WHEEL}.metadata")),
        ),
    ];
    rows.extend(
        [
            "/packages/absent-1.0.tar.gz",
            "/packages/ALPHA-1.0.tar.gz",
            "/packages/nested/alpha-1.0.tar.gz",
            "/packages/foo.bar-1.1.tar.gz",
            "/packages/wheels",
            "/packages/wheels/",
            "/packages/alpha-1.0.tar.gz/",
            "/packages/.htaccess",
            "/packages/.hidden-1.0.tar.gz",
            "/packages/.trash/alpha-3.0-py3-none-any.whl",
            "/packages/.pkgctl/catalog.db",
            "/packages/README.md",
            "/packages/index.html",
            "/packages/alpha.whl",
            "/packages/../passwords",
            "/packages/..%2fpasswords",
            "/packages/%2e%2e/passwords",
            "/packages/%2e%2e%2fpasswords",
            "/packages/..%5cpasswords",
            "/packages/wheels/../alpha-1.0.tar.gz",
            "/packages/./alpha-1.0.tar.gz",
            "/packages//alpha-1.0.tar.gz",
            "/packages//etc/passwd",
            "/packages/%00",
        ]
        .map(|path| same("404", get(path))),
    );
    rows
}

#[test]
fn downloads_are_the_same() {
    run(&OPEN);
}

pub(super) const OF_THE_PAST: Table = Table {
    flags: &["packages"],
    folder: folders::of_the_past,
    rows: || {
        vec![
            same(
                "200 application/octet-stream, ",
                get("/packages/Old_Egg-1.0-py2.7.egg"),
            ),
            differs(
                "type of downloads",
                "200 application/zip",
                "200 application/octet-stream",
                get("/packages/old-1.0.zip"),
            ),
            same("404", get("/packages/older-0.1.tar.bz2")),
            differs(
                "type of downloads",
                "200 application/x-tar",
                "200 application/octet-stream",
                get("/packages/nested/older-0.1.tar.bz2"),
            ),
        ]
    },
};

#[test]
fn distributions_of_the_past_are_served() {
    run(&OF_THE_PAST);
}
