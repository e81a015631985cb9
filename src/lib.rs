//! `pkgctl`: a private Python package index in one binary.
//!
//! This page is the map of the house. Words typed by the user become settings, settings meet the domain, and the
//! domain reaches the outside only at its edges:
//!
//! ```text
//!  arguments, variables, files ──> commands ──> config        one file per verb; settings are made once
//!                                     │
//!        ┌──────────────┬─────────────┼──────────────┐
//!      server         client        pep517         terminal   HTTP in, HTTP out, build backends, the user
//!        │              │             │
//!      index ───────────┼─────────────┤                       the registry in domain words, no HTTP
//!      │   │            │             │
//!  catalog storage    archive ────────┘                       what files can't say · bytes · wheels and sdists
//!      │   │            │
//!      └───┴─ packaging ┘   auth                              the Python standards as types · who may do what
//! ```
//!
//! # Where to find what
//! | question | room |
//! |---|---|
//! | what is a valid name, version, file name, page, form | [`packaging`] |
//! | what makes an archive acceptable | [`archive`] |
//! | which file is stored where, and how safely | [`storage`] ([`storage::key`] is the sole author of paths) |
//! | what is remembered beside the files | [`catalog`] |
//! | how an upload is accepted, how a copied-in file is noticed, how a page is made | [`index`] |
//! | which URL answers what, and with which status | `server/router.rs`, `server/error.rs` |
//! | how connections come, what is spoken on them, how they end | `server/connections.rs`, `server/tls/`, `server/farewell.rs` |
//! | who the client is and what it calls this server, behind proxies | `server/arrival.rs`, `server/origin.rs` |
//! | who may do what | [`auth`] |
//! | what is wrong with a distribution that an index would take, or show badly | [`checks`] |
//! | how `publish` sends and retries | [`client`] |
//! | how a build backend is called | [`pep517`] |
//! | where a setting comes from | [`config`] |
//! | a verb's flags and help | `commands/<verb>.rs` |
//! | what is logged, where, and how it stays cheap | `logging/` |
//! | a prompt or a progress bar | [`terminal`] |
//! | what the user reads when something fails, and the exit code | [`failure`] |
//! | how an error tells its causes on one line | `causes.rs` |
//! | what must hold for any input, and what fuzzing found | `<room>/oracles.rs`, `oracles.rs`, `tests/fuzz/` |
//! | what is counted, and how cheaply | [`measures`]; [`index::Statistics`], `server/metrics/` |
//!
//! # Who may use whom
//! `tests/it/architecture/` holds the sources against this table and fails when an arrow is missing from it. A
//! crate in the last column is used in the rooms that name it and nowhere else.
//!
//! | room | may use | crates of its own |
//! |---|---|---|
//! | `packaging` | | |
//! | `causes` | | |
//! | `measures` | | |
//! | `terminal` | | `indicatif`, `rpassword` |
//! | `archive` | `packaging` | `crc32fast`, `flate2` |
//! | `auth` | `packaging` | `bcrypt`, `sha_crypt`, `argon2`, `arc_swap` |
//! | `storage` | `packaging` | `arc_swap` |
//! | `catalog` | `packaging`, `storage`, `measures`, `causes` | `rusqlite`, `rusqlite_migration` |
//! | `index` | `packaging`, `archive`, `storage`, `catalog`, `causes`, `measures` | `flate2`, `arc_swap` |
//! | `server` | `packaging`, `auth`, `index`, `causes`, `measures` | `axum`, `hyper`, `hyper_util`, `httparse`, `tower`, `prometheus_client`, `tokio_rustls`, `ipnet`, `rustls`, `arc_swap` |
//! | `client` | `packaging`, `archive`, `auth`, `causes`, `checks` | `reqwest`, `hyper`, `rustls` |
//! | `checks` | `packaging`, `archive`, `pep517`, `causes` | |
//! | `pep517` | `packaging`, `archive` | |
//! | `config` | `packaging`, `auth` | `dirs` |
//! | `logging` | | `tracing_subscriber` |
//! | `failure` | every room | |
//! | `oracles` | every room | |
//! | `commands` | every room | `clap`, `clap_complete`, `listenfd` |
//!
//! Of `storage`, the catalog needs keys, stamps and folders that last, only. `commands` puts the rooms together;
//! `failure` knows every room's errors, and only `commands` knows `failure`.
//!
//! # Invariants
//! 1. **Files are the truth.** The folder needs nothing of ours to be read; the catalog can be lost without losing
//!    a package.
//! 2. **Nothing is stale.** An answer reflects every change of the folder that finished before the request came.
//! 3. **Acknowledged means durable, whole, verified and visible.** Everything else leaves no trace.
//! 4. **Metadata come from the archive**, never from the upload form.
//! 5. **Parse at the door.** Inside, a value's type is the proof that it is valid.
//! 6. **stdout is data, stderr is talk.** Only `commands` and `terminal` print.

pub mod archive;
pub mod auth;
pub mod catalog;
mod causes;
pub mod checks;
pub mod client;
pub mod commands;
pub mod config;
pub mod failure;
pub mod index;
mod logging;
pub mod measures;
#[cfg(test)]
mod oracles;
pub mod packaging;
pub mod pep517;
pub mod server;
pub mod storage;
pub mod terminal;

pub use commands::{command, run};
