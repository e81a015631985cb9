//! What only pypiserver's users know: short addresses, the list of all files, a project's JSON, the search.

use super::asking::{Ask, ask, get, head, post};
use super::folders;
use super::tables::{Row, Table, differs, run, same};
use crate::support::distributions::wheel;
use crate::support::upload::form_for;

pub(super) const SHORT_ADDRESSES: Table = Table {
    flags: &["--disable-fallback", "packages"],
    folder: folders::of_today,
    rows: || {
        vec![
            same("303 to /simple/alpha/", get("/alpha")),
            same("303 to /simple/alpha/", get("/alpha/")),
            same("302 to /simple/alpha/", get("/alpha/").http_1_0()),
            same("303 to /simple/alpha/", head("/alpha")),
            same("303 to /simple/missing/", get("/missing")),
            differs(
                "pages for installers",
                "404",
                "200 text/html; charset=utf-8: alpha-1.0",
                get("/+simple/alpha/"),
            ),
            differs(
                "pages for installers",
                "404",
                "200 text/html; charset=utf-8: alpha-1.0",
                get("/%2Bsimple/alpha/"),
            ),
            differs(
                "what crawlers ask for",
                "303 to /simple/robots.txt/",
                "200 text/plain",
                get("/robots.txt"),
            ),
            same("404", get("/alpha/1.0")),
            same("404", get("/alpha/1.0/json")),
            same("404", get("/pypi/alpha")),
            same(
                "405",
                post(&form_for(&wheel("alpha", "9.0").build())).to("/alpha"),
            ),
        ]
    },
};

#[test]
fn short_addresses_lead_to_the_same_pages() {
    run(&SHORT_ADDRESSES);
}

pub(super) const LISTING: Table = Table {
    flags: &["packages"],
    folder: folders::of_today,
    rows: || {
        vec![
            same("301 to /packages/", get("/packages")),
            same("200 text/html; charset=utf-8: ", get("/packages/").in_any_order()),
            differs(
                "order of files",
                "200 text/html; charset=utf-8: Foo_Bar-1.0-py3-none-any.whl alpha-1.0",
                "200 text/html; charset=utf-8: alpha-1.0",
                get("/packages/"),
            ),
            same("200 text/html; charset=utf-8, some bytes", head("/packages/")),
        ]
    },
};

#[test]
fn the_list_of_all_files_is_the_same() {
    run(&LISTING);
}

pub(super) const PROJECT_JSON: Table = Table {
    flags: &["--fallback-url", "http://127.0.0.1:9/", "packages"],
    folder: folders::of_today,
    rows: || {
        vec![
            same(
                "200 application/json: {\"info\":{\"version\":\"1.1\"}",
                get("/foo-bar/json"),
            ),
            same(
                "200 application/json: {\"info\":{\"version\":\"1.0+corp.1\"}",
                get("/local/json"),
            ),
            same("200", head("/local/json")),
            same("301 to /foo-bar/json", get("/Foo_Bar/json")),
            same("404", get("/missing/json")),
            same(
                "200 application/json: {\"info\":{\"version\":\"2.0rc1\"}",
                get("/alpha/json"),
            ),
            differs(
                "project JSON",
                "404",
                "200 application/json",
                get("/pypi/alpha/json"),
            ),
            differs(
                "project JSON",
                "404",
                "200 application/json",
                get("/pypi/alpha/1.0/json"),
            ),
        ]
    },
};

#[test]
fn the_json_of_projects_is_the_same() {
    run(&PROJECT_JSON);
}

fn call(body: &str) -> Ask {
    ask("POST", "/RPC2")
        .header("Content-Type", "text/xml")
        .body(body.as_bytes())
}

fn search(word: &str) -> Ask {
    call(&format!(
        "<?xml version='1.0'?>\n<methodCall><methodName>search</methodName><params>\
         <param><value><struct><member><name>name</name><value><array><data>\
         <value><string>{word}</string></value></data></array></value></member></struct></value></param>\
         <param><value><string>or</string></value></param></params></methodCall>"
    ))
}

pub(super) const SEARCH: Table = Table {
    flags: &["packages"],
    folder: folders::of_today,
    rows: search_rows,
};

fn search_rows() -> Vec<Row> {
    let entity = "<?xml version='1.0'?><!DOCTYPE x [<!ENTITY e 'alpha'>]><methodCall><methodName>search</methodName>\
                  <params><param><value><string>&e;</string></value></param></params></methodCall>";
    vec![
        differs(
            "search",
            "200 text/html",
            "200 text/xml",
            search("alph").head_counts(),
        ),
        same("400", call(entity)),
        same("400", call("no XML at all")),
        same("400", call("<methodCall><methodName>search")),
    ]
}

#[test]
fn searches_are_answered_alike() {
    run(&SEARCH);
}

pub(super) const GUARDED: Table = Table {
    flags: &["-P", "passwords", "-a", "list,download,update", "packages"],
    folder: folders::of_today,
    rows: || {
        vec![
            same("401 Basic", get("/packages/")),
            same("401 Basic", get("/packages")),
            same("401 Basic", get("/foo-bar/json")),
            same("401 Basic", search("alpha")),
            same("303 to /simple/alpha/", get("/alpha")),
            same("200", get("/packages/").login("alice:secret").in_any_order()),
        ]
    },
};

#[test]
fn lists_are_guarded_alike() {
    run(&GUARDED);
}
