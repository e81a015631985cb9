//! The body of `pip search`.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| pkgctl::server::oracles::xml_rpc(text));
