//! Accept, Range, If-None-Match, Content-Type.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| pkgctl::server::oracles::headers(data));
