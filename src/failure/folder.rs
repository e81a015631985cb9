//! What can go wrong with the folders that are served and what is remembered about them.

use std::io::ErrorKind;

use super::Failure;
use crate::{catalog, index, storage};

impl From<storage::Error> for Failure {
    fn from(error: storage::Error) -> Self {
        let failure = Self::from_error(&error);
        match error {
            storage::Error::NotFound(_) => failure,
            storage::Error::Unfinished(_) => failure.hint("wait until it is written, then try again"),
            storage::Error::AlreadyExists(_) => {
                failure.hint("give the release a new version; files are never replaced by accident")
            }
            storage::Error::NoSpace { .. } => failure.hint("free some space, then try again"),
            storage::Error::NotWritable { folder, source } => failure
                .hint(format!(
                    "let the user that runs pkgctl write to `{}`",
                    folder.display()
                ))
                .blame_rights(source.kind(), &folder),
            storage::Error::Failing { folder, .. } => {
                failure.hint(format!("look after the disk that holds `{}`", folder.display()))
            }
            storage::Error::Root { folder, source } => match source.kind() {
                ErrorKind::NotFound => failure.hint(format!("create it: mkdir -p '{}'", folder.display())),
                kind @ ErrorKind::PermissionDenied => failure
                    .hint("let the user that runs pkgctl read it, or name another folder")
                    .blame_rights(kind, &folder),
                _ => failure.hint("name a folder that holds packages, or is to hold them"),
            },
            storage::Error::Io { path, .. } => {
                failure.hint(format!("look after the disk that holds `{}`", path.display()))
            }
        }
    }
}

impl From<catalog::Error> for Failure {
    fn from(error: catalog::Error) -> Self {
        let failure = Self::from_error(&error);
        match error {
            catalog::Error::Damaged { .. } => failure
                .hint("start pkgctl again: it sets the file aside and makes a new one; no package is lost"),
            catalog::Error::TooNew { .. } => {
                failure.hint("run the newer version, or name another folder with --state-dir")
            }
            catalog::Error::NotWritable { path, source } => failure
                .hint("let the user that runs pkgctl write there, or name another folder with --state-dir")
                .blame_rights(source.kind(), &path),
            catalog::Error::Busy { .. } => {
                failure.hint("end the program that keeps it locked, then try again")
            }
            catalog::Error::Vanished { .. } => {
                failure.hint("start pkgctl again: it makes a new one; no package is lost")
            }
            catalog::Error::NoSpace { .. } => failure.hint("free some space, then try again"),
            catalog::Error::Database { path, .. } => {
                failure.hint(format!("look after the disk that holds `{}`", path.display()))
            }
        }
    }
}

impl From<index::Error> for Failure {
    fn from(error: index::Error) -> Self {
        match error {
            index::Error::Catalog(error) => error.into(),
            index::Error::Store(error) => error.into(),
            index::Error::Unsteady(_) | index::Error::Behind(_) | index::Error::Task(_) => {
                Self::from_error(&error).hint("start it again")
            }
        }
    }
}
