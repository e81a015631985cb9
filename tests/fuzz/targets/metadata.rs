//! METADATA and PKG-INFO.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| pkgctl::packaging::oracles::metadata(data));
