//! Passwords: who may do what under `-P` and `-a`.

use std::fs;

use super::asking::{Ask, ask, get, head, post};
use super::folders;
use super::tables::{Row, Table, differs, run, same};
use crate::support::distributions::wheel;
use crate::support::upload::form_for;

/// The row of README's table about all answers to credentials that don't hold.
const WRONG: &str = "wrong user or password";
const PAGE: &str = "/simple/alpha/";
const FILE: &str = "/packages/alpha-1.0-py3-none-any.whl";

fn upload(version: &str) -> Ask {
    post(&form_for(&wheel("new", version).build()))
}

/// What neither server can read a name and a password from.
fn unreadable() -> [&'static str; 6] {
    [
        "Bearer abc",
        "Basic",
        "Basic !!!",
        "Basic YWxpY2U=",
        "Basic /v3+/Q==",
        "nonsense",
    ]
}

/// Everything guarded: each action refused without credentials, with wrong ones, with unreadable ones; done with right ones.
fn guarded_rows() -> Vec<Row> {
    let mut rows = Vec::new();
    let guarded = [get("/simple/"), get(PAGE), get(FILE), head(FILE), upload("1.0")];
    for request in guarded {
        rows.push(same("401 Basic", request.clone()));
        for credentials in ["alice:wrong", "nobody:secret", "alice:", ":secret"] {
            rows.push(differs(
                WRONG,
                "403",
                "401 Basic",
                request.clone().login(credentials),
            ));
        }
        rows.extend(
            unreadable().map(|value| same("401 Basic", request.clone().header("Authorization", value))),
        );
        rows.push(same("200", request.login("alice:secret")));
    }
    rows
}

/// Never guarded, and guarded before anything is looked for.
fn around_the_guarded() -> Vec<Row> {
    let absent = "/packages/absent-1.0.tar.gz";
    vec![
        same("200", get("/").head_counts()),
        same("200", get("/health").head_counts()),
        same("404", get("/favicon.ico")),
        same("401 Basic", get("/simple/missing/")),
        same("401 Basic", get(absent)),
        same("401 Basic", get("/simple/Alpha/")),
        same("404", get("/simple/missing/").login("alice:secret")),
        same("404", get(absent).login("alice:secret")),
        same("401 Basic", get("/simple")),
        same("401 Basic", get("/simple/alpha")),
        same("405", ask("DELETE", FILE).login("alice:secret")),
    ]
}

pub(super) const ALL_GUARDED: Table = Table {
    flags: &[
        "--disable-fallback",
        "-P",
        "passwords",
        "-a",
        "update, Download,list,list",
        "packages",
    ],
    folder: folders::of_today,
    rows: || guarded_rows().into_iter().chain(around_the_guarded()).collect(),
};

#[test]
fn everything_can_be_guarded() {
    run(&ALL_GUARDED);
}

pub(super) const BY_DEFAULT: Table = Table {
    flags: &["-P", "passwords", "packages"],
    folder: folders::of_today,
    rows: || {
        vec![
            same("200", get("/simple/")),
            same("200", get(PAGE)),
            same("200", get(FILE)),
            same("200", get(PAGE).login("alice:wrong")),
            same("200", get(FILE).header("Authorization", "Bearer abc")),
            same("401 Basic", upload("1.0")),
            same("401 Basic", upload("1.0").header("Authorization", "Bearer abc")),
            differs(WRONG, "403", "401 Basic", upload("1.0").login("alice:wrong")),
            same("200 empty", upload("1.0").login("alice:secret")),
            same("200", get("/packages/new-1.0-py3-none-any.whl")),
        ]
    },
};

#[test]
fn uploads_alone_are_guarded_by_default() {
    run(&BY_DEFAULT);
}

pub(super) const DOWNLOADS_ALONE: Table = Table {
    flags: &["-P", "passwords", "-a", "download", "packages"],
    folder: folders::of_today,
    rows: || {
        vec![
            same("200", get(PAGE)),
            same("401 Basic", get(FILE)),
            same("200", get(FILE).login("alice:secret")),
            same("200 empty", upload("1.0")),
        ]
    },
};

#[test]
fn downloads_alone_can_be_guarded() {
    run(&DOWNLOADS_ALONE);
}

pub(super) const OPEN_TO_ALL: Table = Table {
    flags: &["-P", ".", "-a", ".", "packages"],
    folder: folders::of_today,
    rows: || {
        vec![
            same("200", get(PAGE)),
            same("200", get(FILE).login("anybody:anything")),
            same("200 empty", upload("1.0")),
            same("200 empty", upload("1.1").login("anybody:anything")),
            same("200 empty", upload("1.2").login(":")),
            same("200 empty", upload("1.3").header("Authorization", "Bearer abc")),
        ]
    },
};

#[test]
fn an_open_index_asks_nobody() {
    run(&OPEN_TO_ALL);
}

/// Without a passwords file: the way that pypiserver's guide has for a read-only index.
pub(super) const READ_ONLY: Table = Table {
    flags: &["packages"],
    folder: folders::empty,
    rows: || {
        vec![
            same("200", get("/simple/").head_counts()),
            same("401 ", upload("1.0")),
            same("403", upload("1.0").login("alice:secret")),
        ]
    },
};

#[test]
fn without_passwords_nobody_uploads() {
    run(&READ_ONLY);
}

pub(super) const PASSWORDS_BY_THEMSELVES: Table = Table {
    flags: &["packages"],
    folder: folders::of_today,
    rows: || {
        vec![
            same("401 Basic", upload("1.0")),
            differs(
                "passwords file",
                "403",
                "200 empty",
                upload("1.0").login("alice:secret"),
            ),
        ]
    },
};

#[test]
fn the_usual_passwords_file_is_found_by_us_alone() {
    run(&PASSWORDS_BY_THEMSELVES);
}

pub(super) const BROKEN_PASSWORDS: Table = Table {
    flags: &["-P", "passwords", "-a", "list", "packages"],
    folder: folders::of_today,
    rows: || {
        let breaks = "passwords file breaks or vanishes";
        let page = || get(PAGE).login("alice:secret");
        vec![
            same("200", page()),
            same("200", get(PAGE).login("bob:secret")).after(|home| {
                home.write("passwords", "bob:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n");
            }),
            differs(WRONG, "403", "401 Basic", page()),
            differs(breaks, "500", "200", get(PAGE).login("bob:secret")).after(|home| {
                home.write("passwords", "no colon in this line\n");
            }),
            differs(breaks, "500", "200", get(PAGE).login("bob:secret"))
                .after(|home| fs::remove_file(home.path("passwords")).unwrap()),
            same("200", page()).after(folders::write_passwords),
        ]
    },
};

#[test]
fn edits_of_the_passwords_count_at_once() {
    run(&BROKEN_PASSWORDS);
}

/// Every scheme that pypiserver verifies, all of `secret`: by passlib, with few rounds.
const SCHEMES: &str = "bcrypt:$2y$04$/mfqZKb5wBrwYxLi0Nj/FeJ0TmmtLxIQKEa8fuJT0LjkO609S17KO\n\
    apr1:$apr1$saltsalt$LrttParrLPdxvgutaSXWJ0\n\
    sha1:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n\
    sha256:$5$rounds=1000$saltsalt$eKLZU9t9OoPWrqOQsoTIKG0aYkZ5rGOoOQhiIvoSWX2\n\
    sha512:$6$rounds=1000$saltsalt$LAV5VE5Y7w1d73x1mFNspYWUpazfmwv2SoepNXNKJ/otop/Zok96Hr8Q13LEv0DRY/x8v0/crpIjl8NJSAqXV/\n\
    des:saHW9GdxihkGQ\n\
    plaintext:secret\n";

pub(super) const PASSWORD_SCHEMES: Table = Table {
    flags: &["-P", "passwords", "-a", "list", "packages"],
    folder: |home| {
        folders::of_today(home);
        home.write("passwords", SCHEMES);
    },
    rows: || {
        let weak = "weak passwords";
        let page = |user: &str| get(PAGE).login(&format!("{user}:secret"));
        let wrong = |user: &str| get(PAGE).login(&format!("{user}:Secret"));
        let mut rows = Vec::new();
        for user in ["bcrypt", "apr1", "sha1", "sha256", "sha512"] {
            rows.push(same("200", page(user)));
            rows.push(differs(WRONG, "403", "401 Basic", wrong(user)));
        }
        rows.push(differs(weak, "200", "401 Basic", page("des")));
        rows.push(differs(weak, "200", "401 Basic", page("plaintext")));
        rows
    },
};

#[test]
fn passwords_of_all_schemes_are_verified_alike() {
    run(&PASSWORD_SCHEMES);
}
