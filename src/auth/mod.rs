//! Who may do what: password files, credentials, policy.
//!
//! - [`credentials`]: the types that carry a user's name and a secret, and the `Authorization` header.
//! - [`scheme`]: one stored password (bcrypt, apr1, SHA-crypt, Argon2, ...): read, check, make.
//! - [`generate`]: passwords that nobody thought of.
//! - [`htpasswd`]: the password file, text in, text out.
//! - [`policy`]: which actions need a user.
//! - [`authenticator`]: the live password file of the server, with its limits against guessing.
//!
//! # Invariants
//! 1. A secret never leaves this room as text but through [`credentials::Secret::expose`]; no error and no warning
//!    holds a line of a password file, only its number.
//! 2. A password is right only when a known scheme says so. A text that is meant as a hash is never compared as it is;
//!    what is taken for plain text is, and only where the operator insists.

pub mod authenticator;
pub mod credentials;
mod failures;
pub mod generate;
pub mod htpasswd;
mod network;
#[cfg(any(test, fuzzing))]
pub mod oracles;
mod password_file;
pub mod policy;
mod remarks;
pub mod scheme;
pub mod shell_word;
mod success_cache;
mod turns;

pub use authenticator::{Authenticator, Denied, Settings};
pub use credentials::{Basic, Secret, Username};
pub use password_file::examine;
pub use policy::{Access, Action, ActionSet, PasswordSource, Policy};

use std::path::PathBuf;

/// Why a password file can't be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such file.
    #[error("the passwords file `{}` does not exist", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The system refused to read it.
    #[error("can't read the passwords file `{}`", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// It is larger than [`authenticator::MAX_FILE_BYTES`].
    #[error("the passwords file `{}` is larger than {max_bytes} bytes", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The limit in bytes.
        max_bytes: u64,
    },
    /// It is no text in UTF-8.
    #[error("line {line} of the passwords file `{}` is not UTF-8", path.display())]
    NotUtf8 {
        /// The file.
        path: PathBuf,
        /// The line with the first wrong byte, counted from 1.
        line: usize,
    },
    /// A line is neither a user, nor a comment, nor blank.
    #[error("the passwords file `{}` is malformed", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Which line, and what is wrong with it.
        #[source]
        source: htpasswd::MalformedLine,
    },
    /// Nobody could ever log in with it.
    #[error("the passwords file `{}` holds no usable user", path.display())]
    NoUsers {
        /// The file.
        path: PathBuf,
        /// Why lines of it were not used.
        warnings: Vec<htpasswd::LineWarning>,
    },
    /// The system gave no random bytes.
    #[error("the system gave no random bytes")]
    Randomness(#[source] std::io::Error),
}
