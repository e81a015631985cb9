//! Why a file name is not that of a distribution.

use thiserror::Error;

use super::MAX_FILENAME_BYTES;
use crate::packaging::name::NameError;
use crate::packaging::version::VersionError;

/// Why a file name is not that of a distribution.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FilenameError {
    /// Over [`MAX_FILENAME_BYTES`].
    #[error("the file name is {bytes} bytes long, the limit is {MAX_FILENAME_BYTES}")]
    TooLong {
        /// Its length in bytes.
        bytes: usize,
    },
    /// A path, a hidden file, or a character outside the allow-list.
    #[error("`{}` is not a plain file name: use letters, digits and `. _ + ! -`, not beginning with a dot", .0.escape_debug())]
    NotPlain(String),
    /// An ending that no distribution has.
    #[error("`{0}` is not a distribution: its name ends in none of `.whl`, `.tar.gz` and `.zip`")]
    UnknownEnding(String),
    /// A program that is no installer of a distribution.
    #[error(
        "`{0}` is not an installer of a distribution: such a name ends in a platform, as in `demo-1.0.win32.exe`"
    )]
    NotInstaller(String),
    /// A file that is listed where it lies, but not taken as an upload.
    #[error("`{filename}` is not taken as an upload: {remedy}")]
    NotTaken {
        /// The name that was given.
        filename: String,
        /// What to do instead.
        remedy: &'static str,
    },
    /// A wheel whose name has the wrong number of parts, or an empty or malformed part.
    #[error("`{filename}` is not a wheel's file name: {reason}")]
    Wheel {
        /// The name that was given.
        filename: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// An sdist whose name does not end in a dash and a version.
    #[error(
        "`{0}` is not an sdist's file name: it must be the project's name, a dash, the version and `.tar.gz`"
    )]
    Sdist(String),
    /// The part for the project's name is not a name.
    #[error("the file name `{filename}` holds no valid project name")]
    Name {
        /// The name that was given.
        filename: String,
        /// What is wrong with it.
        #[source]
        source: NameError,
    },
    /// The part for the version is not a version.
    #[error("the file name `{filename}` holds no valid version")]
    Version {
        /// The name that was given.
        filename: String,
        /// What is wrong with it.
        #[source]
        source: VersionError,
    },
}
