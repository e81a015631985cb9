//! A form as `serve` receives it.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| pkgctl::server::oracles::multipart(data));
