//! A whole wheel or sdist against its file name. The first byte chooses the name.

#![no_main]

use libfuzzer_sys::fuzz_target;

const NAMES: [&str; 4] = [
    "demo_pkg-1.0-py3-none-any.whl",
    "demo_pkg-1.0.tar.gz",
    "demo_pkg-1.0.zip",
    "demo_pkg-1.0-py3.8.egg",
];

fuzz_target!(|data: &[u8]| {
    if let Some((&choice, archive)) = data.split_first() {
        pkgctl::archive::oracles::distribution(NAMES[usize::from(choice) % NAMES.len()], archive);
    }
});
