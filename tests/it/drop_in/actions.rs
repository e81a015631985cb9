//! What the form does besides uploading: removing, signatures, and the actions of the past.

use super::asking::{get, post, post_urlencoded};
use super::folders;
use super::tables::{Table, differs, run, same};
use crate::support::distributions::{sdist, wheel};
use crate::support::upload::{Form, form_for};

const SIGNATURE: &[u8] = b"-----BEGIN PGP SIGNATURE-----\n\niHUEABYKAB0=\n-----END PGP SIGNATURE-----\n";
const OPEN_TO_ALL: &[&str] = &["--disable-fallback", "-P", ".", "-a", ".", "packages"];

fn remove(name: &str, version: &str) -> Form {
    Form::default()
        .field(":action", "remove_pkg")
        .field("name", name)
        .field("version", version)
}

pub(super) const REMOVING: Table = Table {
    flags: OPEN_TO_ALL,
    folder: folders::to_be_removed,
    rows: || {
        vec![
            same("404", post(&remove("missing", "1.0"))),
            same("404", post(&remove("gone", "3.0"))),
            same("400", post(&remove("gone", ""))),
            same("400", post(&remove("", "1.0"))),
            same(
                "400",
                post(
                    &Form::default()
                        .field(":action", "remove_pkg")
                        .field("name", "gone"),
                ),
            ),
            same("400", post(&Form::default().field(":action", "remove_pkg"))),
            same("200 text/html; charset=utf-8: gone-1.0", get("/simple/gone/")),
            same("200 empty", post(&remove("gone", "1.0"))),
            same(
                "200 text/html; charset=utf-8: gone-2.0-py3-none-any.whl\n",
                get("/simple/gone/"),
            ),
            same("404", get("/packages/gone-1.0-py3-none-any.whl")),
            same("404", get("/packages/nested/gone-1.0.tar.gz")),
            same("404", post(&remove("gone", "1.0"))),
            same("200 empty", post(&remove("signed", "1.0"))),
            same("404", get("/packages/signed-1.0.tar.gz.asc")),
            same(
                "200 empty",
                post_urlencoded(":action=remove_pkg&name=gone&version=2.0"),
            ),
            same("200", get("/simple/gone-too/")),
            differs(
                "names of packages to remove",
                "404",
                "200 empty",
                post(&remove("Gone.Too", "1.0")),
            ),
        ]
    },
};

#[test]
fn packages_are_removed_alike() {
    run(&REMOVING);
}

pub(super) const OF_THE_PAST: Table = Table {
    flags: OPEN_TO_ALL,
    folder: folders::empty,
    rows: || {
        let docs = folders::documentation();
        let documentation = Form::default()
            .field(":action", "doc_upload")
            .field("name", "lib")
            .file("content", &docs.filename, &docs.bytes);
        let register = |action: &str| {
            Form::default()
                .field(":action", action)
                .field("name", "lib")
                .field("version", "1.0")
                .field("metadata_version", "1.0")
        };
        vec![
            same("200 empty", post(&register("submit"))),
            same("200 empty", post(&register("verify"))),
            same(
                "200 empty",
                post_urlencoded(":action=submit&name=lib&version=1.0"),
            ),
            same(
                "200 empty",
                post_urlencoded(":action=verify&name=lib&version=1.0"),
            ),
            same("404", get("/simple/lib/")),
            differs("documentation", "200 empty", "410", post(&documentation)),
        ]
    },
};

#[test]
fn actions_of_the_past_are_answered_alike() {
    run(&OF_THE_PAST);
}

pub(super) const SIGNATURES: Table = Table {
    flags: OPEN_TO_ALL,
    folder: folders::empty,
    rows: || {
        let signed = |signature: &str| {
            let file = sdist("lib", "1.0").build();
            post(&form_for(&file).file("gpg_signature", signature, SIGNATURE))
        };
        let unsigned = wheel("lib", "1.0").build();
        vec![
            same("400", signed("other-1.0.tar.gz.asc")),
            same("404", get("/packages/lib-1.0.tar.gz")),
            same("200 empty", signed("lib-1.0.tar.gz.asc")),
            same("200 empty", post(&form_for(&unsigned))),
            same("200", get("/packages/lib-1.0.tar.gz.asc").head_counts()),
            same("404", get("/packages/lib-1.0-py3-none-any.whl.asc")),
            differs(
                "signatures",
                "200 text/html; charset=utf-8: lib-1.0-py3-none-any.whl lib-1.0.tar.gz lib-1.0.tar.gz.asc\n",
                "200 text/html; charset=utf-8: lib-1.0-py3-none-any.whl lib-1.0.tar.gz\n",
                get("/simple/lib/"),
            ),
        ]
    },
};

#[test]
fn signatures_are_kept_alike() {
    run(&SIGNATURES);
}
