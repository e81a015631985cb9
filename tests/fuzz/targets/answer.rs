//! A server's answer to an upload, in one line.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| pkgctl::client::oracles::answer(data));
