//! The Python packaging standards as types: pure, without I/O, clock, environment or HTTP.
//!
//! A value of one of these types proves that it is valid; they are made only by parsing. The specification that
//! each follows is named in its module.

pub mod digest;
pub mod filename;
pub mod headers;
pub mod metadata;
pub mod name;
#[cfg(any(test, fuzzing))]
pub mod oracles;
pub mod project_json;
pub mod public_index;
pub mod pyproject;
pub mod signature;
pub mod simple;
pub mod specifier;
pub mod upload_form;
pub mod version;

pub use digest::{Sha256, Sha256Hasher};
pub use filename::DistFilename;
pub use name::ProjectName;
pub use version::{ReleaseVersion, Version};
