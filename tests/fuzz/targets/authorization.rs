//! Basic credentials.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| pkgctl::auth::oracles::authorization(data));
