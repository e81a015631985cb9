//! Names, versions, specifiers, file names.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| pkgctl::packaging::oracles::names(text));
