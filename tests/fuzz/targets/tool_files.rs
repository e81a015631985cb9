//! The TOML files of uv, poetry, pdm and hatch, edited.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| pkgctl::config::oracles::tool_files(text));
