//! What the tests share: a hermetic home with the real binary, a running server, made-up distributions.

pub(crate) mod distributions;
pub(crate) mod testbed;

pub(crate) use testbed::{Outcome, Server, Testbed};
