//! A project page, HTML and JSON, as `publish` reads it.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| pkgctl::client::oracles::index_page(text));
