//! ReStructuredText.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| pkgctl::checks::oracles::markup(text));
