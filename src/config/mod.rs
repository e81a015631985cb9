//! Where settings come from: flag over environment over file over default.
//!
//! The files of other programs are edited, not owned: [`ini_edit`] changes single values and leaves every other byte,
//! [`dotfile`] writes them whole or not at all.

pub mod dotfile;
pub mod environment;
pub mod netrc;
pub mod pypirc;
pub mod repository;

pub use dotfile::Dotfile;
pub use environment::Environment;
