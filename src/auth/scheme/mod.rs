//! One stored password: the schemes of password files, how each is read, checked and made.
//!
//! Everything here is pure computation and slow on purpose; callers on async threads move it to a blocking one.
//!
//! `parse.rs` tells the scheme of a stored text and reads its parts, `make.rs` writes new ones; `md5_crypt.rs` and
//! `des_crypt.rs` are the two old schemes that no maintained crate offers.

mod crypt64;
mod des_crypt;
mod make;
mod md5_crypt;
mod parse;
#[cfg(test)]
mod tests;

use std::fmt;

use argon2::password_hash::PasswordVerifier as _;
use sha1::{Digest as _, Sha1};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

pub use self::make::{DEFAULT_BCRYPT_COST, DEFAULT_SHA_CRYPT_ROUNDS, MakeError, Recipe};
use self::md5_crypt::Variant;

/// The longest password that is checked, in bytes; longer ones are wrong whatever the file says.
pub const MAX_PASSWORD_BYTES: usize = 4096;

/// What bcrypt looks at, in bytes; it ignores the rest, which is why longer passwords are wrong.
pub const BCRYPT_MAX_BYTES: usize = 72;

/// The costs of bcrypt that are checked by default, and the only ones that are made.
pub const BCRYPT_COSTS: std::ops::RangeInclusive<u8> = 4..=14;

/// The rounds of SHA-crypt that are checked by default, and the only ones that are made.
pub const SHA_CRYPT_ROUNDS: std::ops::RangeInclusive<u32> = 1_000..=1_000_000;

/// How costly a check may be, and what is taken at all.
#[derive(Debug, Clone)]
pub struct Limits {
    /// The highest bcrypt cost that is checked; each step doubles the time (12 takes about a quarter of a second).
    pub max_bcrypt_cost: u8,
    /// The most rounds of `$5$` and `$6$`.
    pub max_sha_crypt_rounds: u32,
    /// The most memory of Argon2, in KiB.
    pub max_argon2_memory_kib: u32,
    /// The most passes of Argon2 over its memory.
    pub max_argon2_passes: u32,
    /// Whether passwords in plain text and DES crypt are taken ([`Scheme::is_weak`]).
    pub allow_weak: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_bcrypt_cost: *BCRYPT_COSTS.end(),
            max_sha_crypt_rounds: *SHA_CRYPT_ROUNDS.end(),
            max_argon2_memory_kib: 256 * 1024,
            max_argon2_passes: 16,
            allow_weak: false,
        }
    }
}

/// The schemes that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// `$2a$`, `$2b$`, `$2y$`.
    Bcrypt,
    /// `$apr1$`, Apache's own variant of `$1$`.
    Apr1,
    /// `$1$`.
    Md5Crypt,
    /// `$5$`.
    Sha256Crypt,
    /// `$6$`.
    Sha512Crypt,
    /// `$argon2id$`.
    Argon2id,
    /// `$argon2i$`.
    Argon2i,
    /// `{SHA}`.
    Sha1,
    /// `{SSHA}`.
    SaltedSha1,
    /// Thirteen characters of the crypt of old Unix systems, which looks at eight characters of the password.
    DesCrypt,
    /// The password itself, or behind nginx's `{PLAIN}`.
    PlainText,
}

impl Scheme {
    /// Whether a stolen file gives its passwords away at the first try of a dictionary.
    #[must_use]
    pub fn is_outdated(self) -> bool {
        matches!(self, Self::Apr1 | Self::Md5Crypt | Self::Sha1 | Self::SaltedSha1)
    }

    /// Whether the stored text protects the password so little that it is taken only where the operator insists.
    #[must_use]
    pub fn is_weak(self) -> bool {
        matches!(self, Self::DesCrypt | Self::PlainText)
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Bcrypt => "bcrypt",
            Self::Apr1 => "apr1",
            Self::Md5Crypt => "md5-crypt",
            Self::Sha256Crypt => "sha256-crypt",
            Self::Sha512Crypt => "sha512-crypt",
            Self::Argon2id => "argon2id",
            Self::Argon2i => "argon2i",
            Self::Sha1 => "SHA-1",
            Self::SaltedSha1 => "salted SHA-1",
            Self::DesCrypt => "DES crypt",
            Self::PlainText => "plain text",
        })
    }
}

/// Why the stored text of a user is no password that can be checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HashProblem {
    /// The scheme is known, the rest of the text is not of its form.
    #[error("the {0} password is damaged")]
    Malformed(Scheme),
    /// One check would take longer than the limits allow.
    #[error("a check of this {0} password would cost more than is allowed")]
    TooCostly(Scheme),
    /// The limits take no weak schemes.
    #[error("{0} passwords are too weak")]
    TooWeak(Scheme),
    /// A scheme that is not read (`$y$`, `{SMD5}`, a bare digest, ...), or the mark of a locked account.
    #[error("the password's scheme is not supported")]
    Unsupported,
}

/// A stored password, ready to be checked. Its `Debug` shows the scheme alone.
#[derive(Clone)]
pub struct PasswordHash {
    text: Zeroizing<Box<str>>,
    kind: Kind,
}

#[derive(Clone)]
enum Kind {
    Bcrypt {
        cost: u8,
        salt: [u8; 16],
        digest: [u8; 23],
    },
    Md5Crypt {
        variant: Variant,
        salt: Box<[u8]>,
        digest: [u8; 22],
    },
    ShaCrypt {
        scheme: Scheme,
        rounds: u32,
    },
    Argon2 {
        scheme: Scheme,
        memory_kib: u32,
        passes: u32,
    },
    Sha1 {
        digest: [u8; 20],
        salt: Box<[u8]>,
        scheme: Scheme,
    },
    DesCrypt {
        salt: [u8; 2],
        digest: [u8; 11],
    },
    PlainText {
        /// Where it begins in the stored text.
        start: usize,
    },
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "PasswordHash({})", self.scheme())
    }
}

impl PasswordHash {
    /// Reads the second field of a line of a password file.
    ///
    /// # Errors
    /// The text is of no scheme that is taken, damaged, or too costly to check.
    pub fn parse(text: &str, limits: &Limits) -> Result<Self, HashProblem> {
        let kind = parse::kind(text)?;
        let hash = Self {
            text: Zeroizing::new(text.into()),
            kind,
        };
        hash.within(limits)
    }

    fn within(self, limits: &Limits) -> Result<Self, HashProblem> {
        let scheme = self.scheme();
        let costs_too_much = match self.kind {
            Kind::Bcrypt { cost, .. } => cost > limits.max_bcrypt_cost,
            Kind::ShaCrypt { rounds, .. } => rounds > limits.max_sha_crypt_rounds,
            Kind::Argon2 {
                memory_kib, passes, ..
            } => memory_kib > limits.max_argon2_memory_kib || passes > limits.max_argon2_passes,
            Kind::Md5Crypt { .. } | Kind::Sha1 { .. } | Kind::DesCrypt { .. } | Kind::PlainText { .. } => {
                false
            }
        };
        if costs_too_much {
            return Err(HashProblem::TooCostly(scheme));
        }
        if scheme.is_weak() && !limits.allow_weak {
            return Err(HashProblem::TooWeak(scheme));
        }
        Ok(self)
    }

    /// The scheme it is of.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        match &self.kind {
            Kind::Bcrypt { .. } => Scheme::Bcrypt,
            Kind::Md5Crypt { variant, .. } => variant.scheme(),
            Kind::Argon2 { scheme, .. } | Kind::ShaCrypt { scheme, .. } | Kind::Sha1 { scheme, .. } => {
                *scheme
            }
            Kind::DesCrypt { .. } => Scheme::DesCrypt,
            Kind::PlainText { .. } => Scheme::PlainText,
        }
    }

    /// The stored text, to tell one version of a user's line from the next.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Checks of equal work take equally long.
    pub(super) fn work(&self) -> Work {
        let (memory_kib, rounds) = match &self.kind {
            Kind::Bcrypt { cost, .. } => (0, u32::from(*cost)),
            Kind::ShaCrypt { rounds, .. } => (0, *rounds),
            Kind::Argon2 {
                memory_kib, passes, ..
            } => (*memory_kib, *passes),
            Kind::Md5Crypt { .. } | Kind::Sha1 { .. } | Kind::DesCrypt { .. } | Kind::PlainText { .. } => {
                (0, 0)
            }
        };
        Work {
            scheme: self.scheme(),
            memory_kib,
            rounds,
        }
    }

    /// Whether `password` is the one that was stored. Takes as long for a wrong password as for the right one, also
    /// for one that can't be right because of its length.
    #[must_use]
    pub fn verify(&self, password: &[u8]) -> bool {
        let fits = password.len() <= MAX_PASSWORD_BYTES;
        let password = &password[..password.len().min(MAX_PASSWORD_BYTES)];
        let matches = match &self.kind {
            Kind::Bcrypt { cost, salt, digest } => verify_bcrypt(*cost, *salt, digest, password),
            Kind::Md5Crypt {
                variant,
                salt,
                digest,
            } => md5_crypt::digest(*variant, password, salt).ct_eq(digest).into(),
            Kind::ShaCrypt { .. } => sha_crypt::ShaCrypt::default()
                .verify_password(password, &**self.text)
                .is_ok(),
            // It takes variant and parameters from the text.
            Kind::Argon2 { .. } => argon2::Argon2::default()
                .verify_password(password, &**self.text)
                .is_ok(),
            Kind::Sha1 { digest, salt, .. } => {
                let found: [u8; 20] = Sha1::new()
                    .chain_update(password)
                    .chain_update(salt)
                    .finalize()
                    .into();
                found.ct_eq(digest).into()
            }
            Kind::DesCrypt { salt, digest } => {
                // A NUL is the end of the password for those who made the line.
                let readable = !password.contains(&0);
                bool::from(des_crypt::digest(password, *salt).ct_eq(digest)) && readable
            }
            Kind::PlainText { start } => self.text.as_bytes()[*start..].ct_eq(password).into(),
        };
        matches && fits
    }
}

/// What one check costs, as far as the stored text decides it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Work {
    scheme: Scheme,
    memory_kib: u32,
    /// Rounds, passes, or bcrypt's cost.
    rounds: u32,
}

impl Work {
    /// Roughly how long it takes on a server core of 2024, in microseconds; only its order matters.
    pub(super) fn estimated_micros(self) -> u64 {
        match self.scheme {
            Scheme::Bcrypt => 60 << self.rounds,
            Scheme::Sha256Crypt | Scheme::Sha512Crypt => u64::from(self.rounds) * 3 / 10,
            Scheme::Argon2id | Scheme::Argon2i => {
                u64::from(self.memory_kib) * u64::from(self.rounds) * 7 / 10
            }
            Scheme::Apr1 | Scheme::Md5Crypt => 500,
            Scheme::DesCrypt => 100,
            Scheme::Sha1 | Scheme::SaltedSha1 | Scheme::PlainText => 1,
        }
    }
}

fn verify_bcrypt(cost: u8, salt: [u8; 16], digest: &[u8; 23], password: &[u8]) -> bool {
    // 72 right bytes plus anything, or the right ones, a NUL and anything, would pass the algorithm.
    let readable = password.len() <= BCRYPT_MAX_BYTES && !password.contains(&0);
    let mut terminated = Zeroizing::new([0; BCRYPT_MAX_BYTES + 1]);
    let length = password.len().min(BCRYPT_MAX_BYTES);
    terminated[..length].copy_from_slice(&password[..length]);
    let used = (length + 1).min(BCRYPT_MAX_BYTES);
    let found = bcrypt::bcrypt(u32::from(cost), salt, &terminated[..used]);
    let matches: bool = found[..23].ct_eq(digest).into();
    matches && readable
}
