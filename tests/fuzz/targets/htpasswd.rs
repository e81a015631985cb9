//! Lines of a password file, read and changed.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| pkgctl::auth::oracles::htpasswd(data));
