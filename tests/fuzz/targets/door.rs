//! The first bytes of a connection.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| pkgctl::server::oracles::door(data));
