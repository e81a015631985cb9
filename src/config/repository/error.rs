//! Why there is nothing to publish to.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::config::pypirc::PypircError;

/// Why there is no index to publish to.
#[derive(Debug, Error)]
pub enum RepositoryError {
    /// The configuration file can't be read.
    #[error("can't read `{}`", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The configuration file makes no sense.
    #[error("`{}` is not a valid configuration file", .path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where and why.
        #[source]
        source: PypircError,
    },
    /// Neither flag nor variable nor file names an index.
    #[error("there is no repository to publish to: no private one is configured in `{}`", .path.display())]
    None {
        /// The file that was read, or would have been.
        path: PathBuf,
    },
    /// The file names several, and none was picked.
    #[error("several repositories are configured: {}", .names.join(", "))]
    Several {
        /// Their names.
        names: Vec<String>,
    },
    /// The name that was picked is not in the file.
    #[error("there is no repository `{name}` in `{}`{}", .path.display(), known(.names))]
    Unknown {
        /// What was picked.
        name: String,
        /// The file.
        path: PathBuf,
        /// What is there.
        names: Vec<String>,
    },
    /// The section has no address.
    #[error("the section `[{name}]` of `{}` has no `repository` line", .path.display())]
    NoUrl {
        /// The section.
        name: String,
        /// The file.
        path: PathBuf,
    },
    /// The address is not one.
    #[error("{origin} is not the address of an index: `{shown}`")]
    BadUrl {
        /// What gave it.
        origin: String,
        /// The address, without user and password.
        shown: String,
    },
}

fn known(names: &[String]) -> String {
    if names.is_empty() {
        String::new()
    } else {
        format!(", only {}", names.join(", "))
    }
}
