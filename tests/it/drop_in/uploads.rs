//! What is stored, and what is refused.

use super::asking::{Ask, ask, get, post};
use super::folders;
use super::tables::{Row, Table, differs, run, same};
use crate::support::distributions::{Distribution, sdist, wheel, zip_of};
use crate::support::upload::{Form, form_for};

const TWINE: &str = "twine/7.0.0 CPython/3.11.7";
/// Everybody may do everything.
const OPEN_TO_ALL: [&str; 4] = ["-P", ".", "-a", "."];

fn upload(distribution: &Distribution) -> Ask {
    post(&form_for(distribution))
}

/// The form as scripts have it: an action and a file.
fn plain(filename: &str, bytes: &[u8]) -> Ask {
    post(
        &Form::default()
            .field(":action", "file_upload")
            .file("content", filename, bytes),
    )
}

pub(super) const UPLOADS: Table = Table {
    flags: &[
        "--disable-fallback",
        OPEN_TO_ALL[0],
        OPEN_TO_ALL[1],
        OPEN_TO_ALL[2],
        OPEN_TO_ALL[3],
        "packages",
    ],
    folder: folders::empty,
    rows: upload_rows,
};

fn upload_rows() -> Vec<Row> {
    let first = wheel("lib", "1.0").build();
    let other = wheel("lib", "1.0").padding(64, 1).build();
    let source = sdist("lib", "1.0").build();
    let with_all = form_for(&sdist("lib", "1.1").build())
        .field("name", "lib")
        .field("version", "1.1")
        .field("metadata_version", "2.1")
        .field("filetype", "sdist")
        .field("pyversion", "source")
        .field("classifiers", "Private :: Do Not Upload")
        .field("classifiers", "Programming Language :: Python")
        .field("summary", "")
        .field("unheard_of", "by both");
    vec![
        same("404", get("/simple/lib/")),
        same("200 empty", upload(&first)),
        same(
            "200 text/html; charset=utf-8: lib-1.0-py3-none-any.whl",
            get("/simple/lib/"),
        ),
        same(
            "200 application/octet-stream, ",
            get("/packages/lib-1.0-py3-none-any.whl"),
        ),
        same("200 empty", upload(&source).header("User-Agent", TWINE)),
        same("200 empty", post(&with_all)),
        same(
            "200 empty",
            plain("lib-1.2-py3-none-any.whl", &wheel("lib", "1.2").build().bytes),
        ),
        same(
            "200 empty",
            plain(
                "lib-1.3+corp.1-py3-none-any.whl",
                &wheel("lib", "1.3+corp.1").build().bytes,
            ),
        ),
        same(
            "200 empty",
            plain(
                "lib-1.4-1-py3-none-any.whl",
                &wheel("lib", "1.4").tags("1-py3-none-any").build().bytes,
            ),
        ),
        same("200 empty", upload(&wheel("lib", "1.5").build()).to("//")),
        same(
            "200 text/html; charset=utf-8: lib-1.0-py3-none-any.whl lib-1.0.tar.gz lib-1.1.tar.gz",
            get("/simple/lib/"),
        ),
        same("409", upload(&other)),
        same("400", upload(&other).header("User-Agent", TWINE)),
        same("400", upload(&other).header("User-Agent", "a wrapper of twine")),
        same("409", upload(&other).header("User-Agent", "uv/0.13.9")),
        same("200", get("/packages/lib-1.0-py3-none-any.whl")),
        differs("same file again", "409", "200 empty", upload(&first)),
        differs(
            "same file again",
            "400",
            "200 empty",
            upload(&first).header("User-Agent", TWINE),
        ),
        differs(
            "uploads go to",
            "405 {\"GET\"}",
            "200 empty",
            upload(&wheel("elsewhere", "1.0").build()).to("/simple/"),
        ),
        differs(
            "uploads go to",
            "405 {\"GET\"}",
            "200 empty",
            upload(&wheel("elsewhere", "1.1").build()).to("/legacy/"),
        ),
        differs(
            "uploads go to",
            "405 {\"GET\"}",
            "200 empty",
            upload(&wheel("elsewhere", "1.2").build()).to("/pypi"),
        ),
        same("405", upload(&first).to("/health")),
        differs("names that were deleted", "200 empty", "409", upload(&other)).after(|home| {
            std::fs::remove_file(home.path("packages/lib-1.0-py3-none-any.whl")).unwrap();
        }),
        same("405", upload(&first).to("/packages/lib-1.0-py3-none-any.whl")),
    ]
}

/// What tools of the past have built. What can be verified is taken.
pub(super) const OF_THE_PAST: Table = Table {
    flags: UPLOADS.flags,
    folder: folders::empty,
    rows: || {
        let past = "formats of the past";
        let zipped = zip_of(&[(
            "lib-1.0/PKG-INFO".to_owned(),
            b"Metadata-Version: 1.1\nName: lib\nVersion: 1.0\n".to_vec(),
        )]);
        let egg = zip_of(&[(
            "EGG-INFO/PKG-INFO".to_owned(),
            b"Metadata-Version: 1.1\nName: lib\nVersion: 1.2\n".to_vec(),
        )]);
        vec![
            same("200 empty", plain("lib-1.0.zip", &zipped)),
            same("200 text/html; charset=utf-8: lib-1.0.zip", get("/simple/lib/")),
            same(
                "200 empty",
                plain("lib-1.1.tgz", &sdist("lib", "1.1").build().bytes),
            ),
            same("200 empty", plain("lib-1.2-py3.9.egg", &egg)),
            differs(past, "200 empty", "400", plain("lib-1.0.tar.bz2", b"bzip2")),
            differs(past, "200 empty", "400", plain("lib-1.0.win32-py2.7.exe", b"MZ")),
            differs(past, "200 empty", "400", plain("lib-1.0.win32-py2.7.msi", b"MSI")),
        ]
    },
};

#[test]
fn formats_of_the_past_are_taken_where_they_can_be_verified() {
    run(&OF_THE_PAST);
}

#[test]
fn uploads_are_the_same() {
    run(&UPLOADS);
}

pub(super) const REFUSALS: Table = Table {
    flags: UPLOADS.flags,
    folder: folders::empty,
    rows: refusal_rows,
};

fn refusal_rows() -> Vec<Row> {
    let good = wheel("lib", "1.0").build();
    let action = || Form::default().field(":action", "file_upload");
    let multipart = Form::content_type();
    let mut rows = vec![
        same("400", post(&action())),
        same("400", post(&action().field("content", "text"))),
        same(
            "400",
            post(&Form::default().file("content", &good.filename, &good.bytes)),
        ),
        same("400", post(&Form::default().field(":action", "explode"))),
        same("400", post(&Form::default().field(":action", "list_packages"))),
        same("400", post(&Form::default().field(":action", "user"))),
        same("400", post(&Form::default().field(":action", ""))),
        same("400", post(&Form::default().field(":action", "FILE_UPLOAD"))),
        same("400", post(&Form::default().field("name", "lib"))),
        same(
            "400",
            ask("POST", "/?:action=file_upload").header("Content-Type", &multipart),
        ),
        differs("bodies that are no forms", "400", "415", ask("POST", "/")),
        differs(
            "bodies that are no forms",
            "400",
            "415",
            ask("POST", "/")
                .header("Content-Type", "application/json")
                .body(b"{}"),
        ),
        differs(
            "bodies that are no forms",
            "500",
            "415",
            ask("POST", "/")
                .header("Content-Type", "multipart/form-data")
                .body(&form_for(&good).body()),
        ),
    ];
    let bad_names = [
        "../lib-1.0.tar.gz",
        "a/lib-1.0.tar.gz",
        "..\\lib-1.0.tar.gz",
        "lib 1.0.tar.gz",
        "lib~1.0.tar.gz",
        "lib@1.0.tar.gz",
        "l\u{ef}b-1.0.tar.gz",
        "index.html",
        "README.md",
        "lib-1.0.tar",
        "lib-1.0.tar.zst",
        "lib-1.0.deb",
        "lib-1.0.exe",
        "lib-1.0-py3-none-any.WHL",
        "lib-1.0-py3-none-any.whl.metadata",
        "lib-1.0.whl",
        "lib-x1.0-py3-none-any.whl",
    ];
    rows.extend(bad_names.map(|name| same("400", plain(name, &good.bytes))));
    let odd_names = [
        ".hidden-1.0.tar.gz",
        "pkg.zip",
        "notaversion-abc.tar.gz",
        "--.zip",
        "-1.0.tar.gz",
        "..-1.0.zip",
        "lib-1.0-py3.9-evil.sh",
    ];
    let odd = "hidden, over-long and odd file names";
    rows.extend(odd_names.map(|name| differs(odd, "200 empty", "400", plain(name, &good.bytes))));
    let long = format!("{}-1.0.tar.gz", "a".repeat(300));
    rows.push(differs(odd, "500", "400", plain(&long, &good.bytes)));
    let sound = "unreadable or mislabelled archive, wrong digest";
    let file = |filename: &str, bytes: &[u8]| plain(filename, bytes);
    let with_digest = |field: &str, digest: &str| {
        post(
            &action()
                .file(
                    "content",
                    "digest-1.0-py3-none-any.whl",
                    &wheel("digest", "1.0").build().bytes,
                )
                .field(field, digest),
        )
    };
    let cut = &good.bytes[..good.bytes.len() - 30];
    rows.extend([
        differs(sound, "200 empty", "400", file("empty-1.0-py3-none-any.whl", b"")),
        differs(
            sound,
            "200 empty",
            "400",
            file("text-1.0.tar.gz", b"no archive at all"),
        ),
        differs(sound, "200 empty", "400", file("lib-1.0-py3-none-any.whl", cut)),
        differs(
            sound,
            "200 empty",
            "400",
            file("other-1.0-py3-none-any.whl", &good.bytes),
        ),
        differs(
            sound,
            "200 empty",
            "400",
            file("lib-2.0-py3-none-any.whl", &good.bytes),
        ),
        differs(
            sound,
            "200 empty",
            "400",
            with_digest("sha256_digest", &"0".repeat(64)),
        ),
    ]);
    rows
}

#[test]
fn refusals_are_the_same() {
    run(&REFUSALS);
}

pub(super) const OVERWRITING: Table = Table {
    flags: &[
        "--overwrite",
        OPEN_TO_ALL[0],
        OPEN_TO_ALL[1],
        OPEN_TO_ALL[2],
        OPEN_TO_ALL[3],
        "packages",
    ],
    folder: folders::empty,
    rows: || {
        let first = wheel("lib", "1.0").build();
        let other = wheel("lib", "1.0").padding(64, 1).build();
        let page = || get("/simple/lib/");
        vec![
            same("200 empty", upload(&first)),
            same("200", page()),
            same("200 empty", upload(&other)),
            same("200", page()),
            same("200 empty", upload(&other).header("User-Agent", TWINE)),
            same(
                "200 application/octet-stream, ",
                get("/packages/lib-1.0-py3-none-any.whl"),
            ),
        ]
    },
};

#[test]
fn files_are_overwritten_alike() {
    run(&OVERWRITING);
}

pub(super) const ELSEWHERE: Table = Table {
    flags: &["-P", ".", "-a", ".", "packages", "more"],
    folder: folders::with_files_elsewhere,
    rows: || {
        let nested = wheel("nested", "1.0").padding(64, 1).build();
        let second = wheel("second", "1.0").padding(64, 1).build();
        vec![
            same("409", upload(&nested)),
            same("409", upload(&second)),
            same("400", upload(&nested).header("User-Agent", TWINE)),
            same("200", get("/packages/team/a/nested-1.0-py3-none-any.whl")),
            same("404", get("/packages/nested-1.0-py3-none-any.whl")),
            same("200", get("/simple/second/")),
        ]
    },
};

#[test]
fn files_in_other_folders_are_in_the_way_too() {
    run(&ELSEWHERE);
}

pub(super) const OVERWRITING_ELSEWHERE: Table = Table {
    flags: &["-o", "-P", ".", "-a", ".", "packages"],
    folder: folders::with_files_elsewhere,
    rows: || {
        let name = "nested-1.0-py3-none-any.whl";
        vec![
            same(
                "200 empty",
                upload(&wheel("nested", "1.0").padding(64, 1).build()),
            ),
            differs(
                "same file name in two folders",
                "200 text/html; charset=utf-8: nested-1.0-py3-none-any.whl nested-1.0-py3-none-any.whl\n",
                "200 text/html; charset=utf-8: nested-1.0-py3-none-any.whl\n",
                get("/simple/nested/"),
            ),
            differs(
                "same file name in two folders",
                "200",
                "404",
                get(&format!("/packages/{name}")),
            ),
        ]
    },
};

#[test]
fn a_file_in_another_folder_is_overwritten_where_it_is() {
    run(&OVERWRITING_ELSEWHERE);
}
