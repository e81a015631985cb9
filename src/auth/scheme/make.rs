//! New stored passwords.

use argon2::PasswordHasher as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha_crypt::CustomizedPasswordHasher as _;
use sha1::{Digest as _, Sha1};

use super::{BCRYPT_MAX_BYTES, MAX_PASSWORD_BYTES};
use crate::auth::credentials::Secret;

/// The bcrypt cost of new passwords: a check takes about a quarter of a second.
pub const DEFAULT_BCRYPT_COST: u8 = 12;

/// The rounds of new SHA-crypt passwords. The schemes' own default of 5,000 is of 2007; these take about as long as
/// bcrypt of cost 12.
pub const DEFAULT_SHA_CRYPT_ROUNDS: u32 = 500_000;

/// How a new password is stored. What is made can be checked within the default limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recipe {
    /// `$2y$`, which every reader of password files knows; cost 4 to 31.
    Bcrypt {
        /// Each step doubles the time of a check.
        cost: u8,
    },
    /// `$5$`.
    Sha256Crypt {
        /// 1,000 to 999,999,999.
        rounds: u32,
    },
    /// `$6$`.
    Sha512Crypt {
        /// 1,000 to 999,999,999.
        rounds: u32,
    },
    /// `$argon2id$` over 19 MiB in two passes, as the crate and OWASP advise.
    Argon2id,
    /// `{SHA}`: one unsalted SHA-1, for readers that know nothing better.
    Sha1,
}

impl Recipe {
    /// Makes the second field of a line of a password file, with a salt of its own.
    ///
    /// # Errors
    /// The password holds a NUL or the end of a line, which other readers would take for its end; it is longer than
    /// the scheme looks at; or the system gave no random bytes.
    pub fn store(self, password: &Secret) -> Result<String, MakeError> {
        let bytes = password.expose().as_bytes();
        self.refuse_what_would_be_cut(bytes)?;
        match self {
            Self::Bcrypt { cost } => {
                let parts = bcrypt::hash_with_result(bytes, u32::from(cost))
                    .map_err(|error| MakeError::Hashing(Box::new(error)))?;
                Ok(parts.format_for_version(bcrypt::Version::TwoY))
            }
            Self::Sha256Crypt { rounds } => sha_crypt(sha_crypt::ShaCrypt::SHA256, bytes, rounds),
            Self::Sha512Crypt { rounds } => sha_crypt(sha_crypt::ShaCrypt::SHA512, bytes, rounds),
            Self::Argon2id => {
                let salt: [u8; 16] = random()?;
                let stored = argon2::Argon2::default().hash_password_with_salt(bytes, &salt);
                stored
                    .map(|stored| stored.to_string())
                    .map_err(|error| MakeError::Hashing(Box::new(error)))
            }
            Self::Sha1 => Ok(format!("{{SHA}}{}", STANDARD.encode(Sha1::digest(bytes)))),
        }
    }

    fn refuse_what_would_be_cut(self, password: &[u8]) -> Result<(), MakeError> {
        let max_bytes = match self {
            Self::Bcrypt { .. } => BCRYPT_MAX_BYTES,
            _ => MAX_PASSWORD_BYTES,
        };
        if password.len() > max_bytes {
            return Err(MakeError::TooLong {
                bytes: password.len(),
                max_bytes,
            });
        }
        if password.contains(&0) {
            return Err(MakeError::Nul);
        }
        if password.contains(&b'\n') || password.contains(&b'\r') {
            return Err(MakeError::LineEnd);
        }
        Ok(())
    }
}

/// Why a password can't be stored.
#[derive(Debug, thiserror::Error)]
pub enum MakeError {
    /// The rest would be ignored.
    #[error("the password has {bytes} bytes, and no more than {max_bytes} count")]
    TooLong {
        /// Its length.
        bytes: usize,
        /// What the scheme looks at.
        max_bytes: usize,
    },
    /// Readers written in C stop at a NUL.
    #[error("the password contains a NUL character")]
    Nul,
    /// No prompt and no browser could ever send it.
    #[error("the password contains the end of a line")]
    LineEnd,
    /// The system gave no random bytes.
    #[error("the system gave no random bytes")]
    Randomness(#[source] std::io::Error),
    /// A parameter is out of range, or the system gave no random bytes.
    #[error("can't hash the password")]
    Hashing(#[source] Box<dyn std::error::Error + Send + Sync>),
}

fn sha_crypt(scheme: sha_crypt::ShaCrypt, password: &[u8], rounds: u32) -> Result<String, MakeError> {
    let failed = |error: sha_crypt::Error| MakeError::Hashing(Box::new(error));
    let params = sha_crypt::Params::new(rounds).map_err(failed)?;
    // Twelve bytes are the sixteen characters that the scheme has room for.
    let salt: [u8; 12] = random()?;
    let stored = scheme.hash_password_customized(password, &salt, None, None, params);
    stored
        .map(|stored| stored.as_str().to_owned())
        .map_err(|error| MakeError::Hashing(Box::new(error)))
}

fn random<const N: usize>() -> Result<[u8; N], MakeError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| MakeError::Randomness(std::io::Error::other(error.to_string())))?;
    Ok(bytes)
}
