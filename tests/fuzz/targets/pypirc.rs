//! `.pypirc`, read and edited.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| pkgctl::config::oracles::pypirc(text));
