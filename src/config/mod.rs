//! Where settings come from: flag over environment over file over default.
//!
//! | question | file |
//! |---|---|
//! | what do variables, home and current folder say | [`environment`] |
//! | which index does `publish` mean, and as whom | [`repository`], `login.rs` |
//! | what stands in the user's files | [`pypirc`], [`pip_conf`], [`netrc`] |
//! | what pip makes of its variables and files | [`pip_settings`] |
//! | what is an index's address, for pip and for uploads | [`index_url`] |
//! | how uv, poetry, pdm and hatch are told of it | [`tools`] |
//! | what keeps a setting from counting | [`shadows`] |
//! | where passwords are that are in no file | [`keyring`] |
//! | what stands in `pkgctl.toml` | [`settings_file`] |
//! | who is a CI job | [`ambient`] |
//! | what of a file may be shown | `masking.rs` |
//! | what of another program's output may be shown | `output_mask.rs` |
//!
//! The files of other programs are edited, not owned: [`ini`] reads them as Python does, `ini_edit.rs` changes single
//! values and leaves every other byte (`netrc_edit.rs` and [`tools`] do the same for their kinds of files), and
//! [`dotfile`] writes them whole or not at all.

pub mod ambient;
pub mod dotfile;
mod edit_error;
pub mod environment;
pub mod index_url;
pub mod ini;
mod ini_edit;
pub mod keyring;
mod login;
mod masking;
pub mod netrc;
mod netrc_edit;
#[cfg(any(test, fuzzing))]
pub mod oracles;
mod output_mask;
pub mod pip_conf;
pub mod pip_settings;
pub mod pypirc;
pub mod repository;
pub mod settings_file;
pub mod shadows;
pub mod tools;

pub use dotfile::Dotfile;
pub use edit_error::{EditError, EditProblem};
pub use environment::Environment;
pub use index_url::IndexUrl;
pub use masking::{mask_secrets, mask_urls};
pub use netrc_edit::{HostLogin, NetrcEditError};
pub use output_mask::OutputMask;
pub use pip_settings::PipSettings;
pub use pypirc::Pypirc;
pub use settings_file::SettingsFile;
