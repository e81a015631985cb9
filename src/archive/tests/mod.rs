//! Archives that were made to deceive, and honest ones that look odd.
//!
//! Each test that is named for a row of the catalogue of threats builds its archives byte by byte with the forges.

mod comparison;
mod differential;
mod distributions;
mod forge_tar;
mod forge_zip;
mod mutations;
mod tar_attacks;
mod unpacking;
mod wheel_attacks;
mod zip_attacks;

use std::io::Cursor;

use super::{Error, Inspection, Limits, Rule, inspect};
use crate::measures::processor_time_of;

/// Asserts that a file of eight times as many things takes about eight times as long to look through, not sixty-four
/// times. `file` makes one with so many things.
fn assert_no_worse_than_linear(name: &str, file: impl Fn(usize) -> Vec<u8>) {
    let limits = Limits {
        ratio_free_bytes: 1 << 30,
        ..Limits::default()
    };
    let cost = |number: usize| {
        let bytes = file(number);
        let once = || {
            processor_time_of(|| {
                inspect(&name.parse().unwrap(), Cursor::new(&bytes), &limits).unwrap();
            })
        };
        once().min(once())
    };
    let (few, many) = (cost(4_000), cost(32_000));
    assert!(many < few * 24, "{few:?}, {many:?}");
}

/// Inspects `bytes` under the default limits.
fn inspect_as(filename: &str, bytes: &[u8]) -> Result<Inspection, Error> {
    inspect(&filename.parse().unwrap(), Cursor::new(bytes), &Limits::default())
}

/// The rule for which `bytes` are refused; the message must be one plain sentence.
fn refused_as(filename: &str, bytes: &[u8]) -> Rule {
    let Err(error) = inspect_as(filename, bytes) else {
        panic!("the archive was accepted");
    };
    assert!(error.is_refusal(), "{error:?}");
    let message = error.to_string();
    let is_plain = !message.ends_with('.') && message.len() < 600 && !message.chars().any(char::is_control);
    assert!(is_plain, "{message}");
    error
        .rule()
        .unwrap_or_else(|| panic!("no rule: {error:?}"))
        .clone()
}
