//! What the tests share: a hermetic home with the real binary, a running server, an index in use, made-up distributions,
//! an index that misbehaves as it is told, real clients.

pub(crate) mod blessed;
pub(crate) mod debian;
pub(crate) mod devpi;
pub(crate) mod distributions;
pub(crate) mod folder;
pub(crate) mod foreign_server;
pub(crate) mod http;
pub(crate) mod http2;
pub(crate) mod index;
pub(crate) mod nginx;
pub(crate) mod pseudo_terminal;
pub(crate) mod pypiserver;
pub(crate) mod rust_tokens;
pub(crate) mod scripted_index;
pub(crate) mod testbed;
pub(crate) mod tls;
pub(crate) mod tools;
pub(crate) mod upload;

pub(crate) use pseudo_terminal::{Session, Step};
pub(crate) use testbed::{Outcome, Server, Testbed, binary};
