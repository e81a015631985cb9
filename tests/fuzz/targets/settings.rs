//! `pkgctl.toml`.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| pkgctl::config::oracles::settings(text));
