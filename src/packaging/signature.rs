//! Detached PGP signatures, as `gpg --detach-sign` makes them and uploaders send them beside a file.
//!
//! Standard: `OpenPGP` (RFC 9580) for the two forms that a signature may have. Only the form is looked at: whether a
//! signature is right, and whose it is, is for those who know the keys.

use std::fmt;

use thiserror::Error;

/// Longest signature that is accepted, in bytes. One of a single signer takes less than one KiB.
pub const MAX_SIGNATURE_BYTES: usize = 64 << 10;

/// What a signature's file name has behind that of the file it signs.
pub const SIGNATURE_ENDING: &str = ".asc";

/// A detached PGP signature, byte for byte.
#[derive(Clone, PartialEq, Eq)]
pub struct Signature(Box<[u8]>);

/// Why bytes are not a detached signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SignatureError {
    /// More than [`MAX_SIGNATURE_BYTES`].
    #[error("the signature is longer than {MAX_SIGNATURE_BYTES} bytes")]
    TooLong,
    /// Neither of the two forms.
    #[error("the signature is not a detached PGP signature; make it with `gpg --detach-sign --armor`")]
    NotDetached,
}

impl Signature {
    /// Takes an ASCII-armored signature, or one in binary.
    ///
    /// # Errors
    /// [`SignatureError`] for anything else.
    pub fn parse(bytes: impl Into<Box<[u8]>>) -> Result<Self, SignatureError> {
        let bytes = bytes.into();
        if bytes.len() > MAX_SIGNATURE_BYTES {
            return Err(SignatureError::TooLong);
        }
        if is_armored(&bytes) || is_signature_packet(&bytes) {
            Ok(Self(bytes))
        } else {
            Err(SignatureError::NotDetached)
        }
    }

    /// The signature as it came.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signature({} bytes)", self.0.len())
    }
}

/// Whether the text begins with the armor of a signature and ends with it.
fn is_armored(bytes: &[u8]) -> bool {
    let text = bytes.trim_ascii();
    text.starts_with(b"-----BEGIN PGP SIGNATURE-----") && text.ends_with(b"-----END PGP SIGNATURE-----")
}

/// Whether the first packet is a signature (tag 2), in the old or the new form of packet headers.
fn is_signature_packet(bytes: &[u8]) -> bool {
    bytes.len() > 2 && matches!(bytes[0], 0x88..=0x8b | 0xc2)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ARMORED: &str =
        "-----BEGIN PGP SIGNATURE-----\n\niHUEABYKAB0WIQT=\n=abcd\n-----END PGP SIGNATURE-----\n";

    #[test]
    fn both_forms_are_taken_as_they_are() {
        let crlf = ARMORED.replace('\n', "\r\n");
        for good in [
            ARMORED.as_bytes(),
            crlf.as_bytes(),
            b"\x88\x75\x04\x00",
            b"\xc2\x75\x04",
        ] {
            assert_eq!(Signature::parse(good).unwrap().as_bytes(), good);
        }
    }

    #[test]
    fn anything_else_is_refused() {
        let cut = &ARMORED[..ARMORED.len() - 10];
        let message = ARMORED.replace("SIGNATURE", "MESSAGE");
        let ssh = ARMORED.replace("PGP", "SSH");
        for bad in ["", "a signature", cut, &message, &ssh, "\x7f\x01x"] {
            assert_eq!(
                Signature::parse(bad.as_bytes()),
                Err(SignatureError::NotDetached),
                "{bad:?}"
            );
        }
        let long = vec![0x88; MAX_SIGNATURE_BYTES + 1];
        assert_eq!(Signature::parse(long), Err(SignatureError::TooLong));
    }

    proptest! {
        #[test]
        fn any_bytes_are_taken_whole_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(signature) = Signature::parse(bytes.clone()) {
                prop_assert_eq!(signature.as_bytes(), &bytes[..]);
            }
        }
    }
}
