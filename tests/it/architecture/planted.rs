//! The checker must be able to fail: made-up houses with one wrong arrow each.

use super::*;

const LIB: &str = "//! # Who may use whom\n\
                   //! | room | may use | crates of its own |\n\
                   //! |---|---|---|\n\
                   //! | `packaging` | | |\n\
                   //! | `storage` | `packaging` | |\n\
                   //! | `server` | `packaging` | `axum` |\n\
                   //! | `commands` | every room | |\n\
                   //! # More\n";

fn problems(path: &str, text: &str) -> Vec<String> {
    let files = [("lib.rs", LIB), (path, text)];
    let house = House {
        files: files
            .map(|(path, text)| (path.to_owned(), text.to_owned()))
            .into(),
    };
    house.problems(&Map::read(LIB))
}

#[track_caller]
fn caught(path: &str, text: &str, problem: &str) {
    assert_eq!(problems(path, text), [problem], "{text}");
}

#[test]
fn forbidden_rooms_are_caught_however_they_are_named() {
    let problem = "src/storage/key.rs:2: `storage` may not use `server`";
    for text in [
        "\nuse crate::server::Settings;",
        "\nuse crate::{packaging::Name, server};",
        "\nuse crate::{packaging::{Name, Version}, server::{Settings}};",
        "\nfn f() -> crate::server::Settings {}",
        "\nuse super::super::server;",
        "\nuse super::super::{packaging, server::Settings};",
        "\nuse super::{Stamp, super::server};",
        "\nmod inner { use super::super::super::server; }",
        "\npub(crate) use crate::server as x;",
        "\nmacro_rules! m { () => { $crate::server::x() } }",
        "\nfn f<'a>(x: &'a str) { crate::server::f('\\'', '\"') } // \"",
    ] {
        caught("storage/key.rs", text, problem);
    }
    caught(
        "storage/mod.rs",
        "use super::server;",
        "src/storage/mod.rs:1: `storage` may not use `server`",
    );
    caught(
        "storage/mod.rs",
        "use crate::*;",
        "src/storage/mod.rs:1: `storage` may not use `*`",
    );
}

#[test]
fn allowed_rooms_comments_texts_and_tests_are_let_be() {
    for text in [
        "use crate::packaging::Name;\nuse crate::storage::key;\nuse super::Stamp;\nuse super::super::packaging;",
        "//! [`crate::server`]\n/* crate::server /* nested */ crate::server */\nconst X: &str = \"crate::server\";",
        "const X: &str = r#\"\" crate::server \"#;\nconst Y: char = '\"'; // crate::server",
        "fn f() {}\n#[cfg(test)]\nmod tests { use crate::server; fn f() { { } } }",
        "#[cfg(test)]\nuse crate::server;\n#[cfg(test)]\n#[derive(Debug)]\nstruct S([u8; 3], crate::server::X);",
        "struct S { server: u8 } fn f(s: S) { s.server; storage::server::x(); }",
    ] {
        assert_eq!(problems("storage/key.rs", text), [""; 0], "{text}");
    }
    assert_eq!(
        problems("commands/serve.rs", "use crate::{server, storage};"),
        [""; 0]
    );
}

#[test]
fn a_file_that_only_tests_have_is_let_be() {
    let files = [
        ("lib.rs", LIB),
        (
            "storage/mod.rs",
            "#[cfg(test)]\npub(crate) mod contract;\nmod local;",
        ),
        ("storage/contract.rs", "use crate::server;"),
        ("storage/contract/reading.rs", "use crate::server;"),
        (
            "storage/local.rs",
            "#[cfg(test)] mod probe;\n#[cfg(test)]\n#[path = \"local_tests.rs\"]\nmod tests;",
        ),
        ("storage/local_tests.rs", "use crate::server;"),
        ("storage/local/probe.rs", "use crate::server;"),
    ];
    let house = House {
        files: files
            .map(|(path, text)| (path.to_owned(), text.to_owned()))
            .into(),
    };
    assert_eq!(house.problems(&Map::read(LIB)), [""; 0]);
}

#[test]
fn crates_stay_in_their_rooms() {
    let problem = "src/storage/mod.rs:1: the crate `axum` is not for `storage`";
    for text in [
        "use axum::Router;",
        "use axum as web;",
        "use ::axum::Router;",
        "use {bytes::Bytes, axum::Router};",
        "fn f() -> axum::Router {}",
        "#[derive(axum::FromRequest)] struct S;",
    ] {
        caught("storage/mod.rs", text, problem);
    }
    assert_eq!(problems("server/mod.rs", "use axum::Router;"), [""; 0]);
    assert_eq!(
        problems(
            "storage/mod.rs",
            "mod x { fn axum() {} } fn f() { x::axum::<u8>(); }"
        ),
        [""; 0]
    );
}

#[test]
fn surroundings_and_printing_have_their_places() {
    let problem = "src/server/mod.rs:1: only config/environment.rs may ask for `env::var`";
    for text in [
        "fn f() { std::env::var(\"HOME\"); }",
        "use std::env::{consts, var};",
    ] {
        caught("server/mod.rs", text, problem);
    }
    caught(
        "server/mod.rs",
        "fn f() { println!(\"x\"); }",
        "src/server/mod.rs:1: `server` may not print (`println`)",
    );
    caught(
        "server/mod.rs",
        "fn f() { std::io::stdout().lock(); }",
        "src/server/mod.rs:1: `server` may not print (`stdout`)",
    );
    assert_eq!(
        problems("commands/serve.rs", "fn f() { println!(\"x\"); }"),
        [""; 0]
    );
    assert_eq!(
        problems(
            "server/mod.rs",
            "const V: &str = env!(\"X\"); fn f(c: C) { c.stdout(p) }"
        ),
        [""; 0]
    );
}
