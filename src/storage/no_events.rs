//! Stands in for the change events on systems that have none that are ordered: folders are compared by their times.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;

use super::walk::Walk;
use super::watch::{Collected, FileWatch};
use super::{Error, Root, StoreKey};

/// There are none.
pub(super) enum Events {}

/// A change that concerns a folder and all that is in it.
pub(super) enum FolderEvent {
    /// It came.
    Appeared { root: Root, below_root: Box<str> },
    /// It went.
    Vanished { root: Root, below_root: Box<str> },
}

/// Events were lost.
pub(super) struct Lost;

impl Events {
    pub(super) fn begin() -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(super) fn queue(&self) -> Arc<OwnedFd> {
        match *self {}
    }

    pub(super) fn attach(&mut self, _: &Walk<'_>, _: &str, _: &mut Collected) -> Result<(), NotWatched> {
        match *self {}
    }

    pub(super) fn attach_one(&mut self, _: &Walk<'_>, _: &str) -> Result<(), NotWatched> {
        match *self {}
    }

    pub(super) fn folders(&self) -> impl Iterator<Item = (Root, &str)> {
        std::iter::empty()
    }

    pub(super) fn watch_file(&mut self, _: &StoreKey, _: &Path) -> FileWatch {
        match *self {}
    }

    pub(super) fn leave_file(&mut self, _: &StoreKey) {
        match *self {}
    }

    pub(super) fn forget(&mut self, _: Root, _: &str) {
        match *self {}
    }

    pub(super) fn take(&mut self, _: &mut Collected) -> Result<Vec<FolderEvent>, Lost> {
        match *self {}
    }
}
