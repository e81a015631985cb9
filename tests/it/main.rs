//! The program's tests: the real binary, over real HTTP, with real clients.
//!
//! One harness. Each module below is one verb or one concern; `support` holds what they share.

mod support;
