//! The fields of an upload form, one `name=value` a line.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| pkgctl::packaging::oracles::upload_fields(text));
