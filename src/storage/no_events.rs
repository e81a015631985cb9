//! Stands in for the change events on systems that have none that are ordered: folders are compared by their times.

use std::io;

use super::walk::Walk;
use super::watch::Collected;
use super::{Error, Root};

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

/// Why a folder is not watched.
#[derive(Debug)]
pub(super) enum NotWatched {
    /// Events can't be had there.
    NoEvents(&'static str),
    /// It may work another time.
    Failed(Error),
}

impl Events {
    pub(super) fn begin() -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
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

    pub(super) fn forget(&mut self, _: Root, _: &str) {
        match *self {}
    }

    pub(super) fn take(&mut self, _: &mut Collected) -> Result<Vec<FolderEvent>, Lost> {
        match *self {}
    }
}
