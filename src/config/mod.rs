//! Where settings come from: flag over environment over file over default.
//!
//! The files of other programs are edited, not owned: [`ini`] reads them as Python does and changes single values,
//! leaving every other byte, and [`dotfile`] writes them whole or not at all.

pub mod dotfile;
pub mod environment;
pub mod index_url;
pub mod ini;
mod ini_edit;
mod login;
mod masking;
pub mod netrc;
pub mod pip_conf;
pub mod pypirc;
pub mod repository;

pub use dotfile::Dotfile;
pub use environment::Environment;
pub use index_url::IndexUrl;
pub use masking::mask_secrets;
pub use pypirc::Pypirc;
