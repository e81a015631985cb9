//! The legacy upload form in both directions: what `publish` writes and what the index believes of what it gets.
//!
//! No standard describes it. The field names are those that the public index reads, and what is tolerated is what
//! uploaders in use send: fields in any order, empty fields, fields of their own. Metadata are written but not
//! read: the index takes them from the archive.

mod error;
mod read;
#[cfg(test)]
mod tests;
mod written;

use super::digest::Algorithm;
pub use error::FormError;
pub use read::{Action, RemovalForm, UploadForm, announced_digests, is_read};
pub use written::to_fields;

/// The name of the part that carries the file.
pub const CONTENT_FIELD: &str = "content";

/// The only version of the protocol there has ever been.
const PROTOCOL_VERSION: &str = "1";

/// The name of the part that carries the file's detached PGP signature.
pub const SIGNATURE_FIELD: &str = "gpg_signature";

/// The name of the field that carries attestations (PEP 740), as the text of a JSON array.
pub const ATTESTATIONS_FIELD: &str = "attestations";

/// What kind of distribution a form announces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filetype {
    /// `bdist_wheel`.
    Wheel,
    /// `sdist`.
    Sdist,
    /// `bdist_egg`, which setuptools made before there were wheels.
    Egg,
}

impl Filetype {
    /// The word in the form.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Wheel => "bdist_wheel",
            Self::Sdist => "sdist",
            Self::Egg => "bdist_egg",
        }
    }
}

/// The field for a digest of that algorithm, where the form has one.
fn digest_field(algorithm: Algorithm) -> Option<&'static str> {
    match algorithm {
        Algorithm::Md5 => Some("md5_digest"),
        Algorithm::Sha256 => Some("sha256_digest"),
        Algorithm::Blake2b256 => Some("blake2_256_digest"),
        Algorithm::Sha384 | Algorithm::Sha512 | Algorithm::Blake2b512 => None,
    }
}
