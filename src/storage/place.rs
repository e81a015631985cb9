//! How a finished spool becomes an object, so that it is there whole and durable or not at all.
//!
//! Where spool and root share a file system the spool gets its final name in one step. Where they don't, or where
//! there are no hard links, a hidden copy is made beside the final name first; one that a crash leaves there is
//! cleared away at the next start.

use std::io;

use rustix::fs::fstat;
use rustix::io::Errno;

use super::folder::Folder;
use super::health::Health;
use super::spool::SpoolFile;
use super::{Error, Stamp, StoreKey, read_error, write_error};

/// How the names of hidden copies begin.
pub(super) const COPY_NAME_START: &str = ".pkgctl-";

/// What happens to an object that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Existing {
    /// It stays, and the new one is refused.
    Wins,
    /// It goes.
    IsReplaced,
}

/// Gives the spooled bytes, which are on the disk, their final name in `folder`. The name survives a power loss only
/// after [`keep`].
pub(super) fn put(
    folder: &Folder,
    key: &StoreKey,
    spool: &SpoolFile,
    existing: Existing,
    health: &Health,
) -> Result<Stamp, Error> {
    let name = key.filename();
    let failed = |action, source| match io::Error::kind(&source) {
        io::ErrorKind::AlreadyExists => Error::AlreadyExists(key.clone()),
        _ => write_error(action, folder.path(), source),
    };
    let moved = match existing {
        Existing::Wins => folder.link_from(spool.path(), name),
        Existing::IsReplaced => folder.rename_from(spool.path(), name),
    };
    match moved {
        Ok(()) => stamp_of(spool.file(), folder),
        Err(errno) if wants_copy(errno) => {
            let copy = copy_of(folder, name, spool, existing).map_err(|source| failed("write", source))?;
            health.sync_file(copy.file(), copy.path())?;
            rename(folder, name, &copy, existing).map_err(|source| failed("write", source))
        }
        Err(errno) => Err(failed("write", errno.into())),
    }
}

/// Makes a name that was just given survive a power loss, or takes it back.
pub(super) fn keep(
    folder: &Folder,
    key: &StoreKey,
    stamp: Stamp,
    existing: Existing,
    health: &Health,
) -> Result<(), Error> {
    let kept = health.sync_folder(folder);
    // It may vanish in a power loss, so it must not be taken for stored. What was replaced can't be had back.
    if kept.is_err() && existing == Existing::Wins {
        take_back(folder, key.filename(), stamp);
    }
    kept
}

/// Other file systems, and those without hard links, answer in one of these ways.
fn wants_copy(errno: Errno) -> bool {
    [
        Errno::XDEV,
        Errno::PERM,
        Errno::OPNOTSUPP,
        Errno::NOSYS,
        Errno::MLINK,
    ]
    .contains(&errno)
}

/// A hidden copy beside the final name, not synced yet.
fn copy_of(folder: &Folder, name: &str, spool: &SpoolFile, existing: Existing) -> io::Result<SpoolFile> {
    // Saves the copying; what decides is the renaming later.
    if existing == Existing::Wins && folder.look_at(name).is_ok() {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    let copy = SpoolFile::create_in(folder, COPY_NAME_START)?;
    let mut source = std::fs::File::open(spool.path())?;
    let mut target = copy.file();
    io::copy(&mut source, &mut target)?;
    Ok(copy)
}

fn rename(folder: &Folder, name: &str, copy: &SpoolFile, existing: Existing) -> io::Result<Stamp> {
    match existing {
        Existing::IsReplaced => folder.rename_over(copy.name(), name)?,
        Existing::Wins => match folder.rename_to_free(copy.name(), name) {
            // Network file systems can't rename so, but they can link.
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => folder.link_from(copy.path(), name)?,
            done => done?,
        },
    }
    stamp_of_status(&fstat(copy.file())?)
}

fn stamp_of(file: &std::fs::File, folder: &Folder) -> Result<Stamp, Error> {
    fstat(file)
        .map_err(io::Error::from)
        .and_then(|stat| stamp_of_status(&stat))
        .map_err(|source| read_error("read", folder.path(), source))
}

fn stamp_of_status(stat: &rustix::fs::Stat) -> io::Result<Stamp> {
    Stamp::of_file(stat).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// Removes what was just put in place, unless someone has replaced it.
fn take_back(folder: &Folder, name: &str, stamp: Stamp) {
    let ours = folder
        .look_at(name)
        .is_ok_and(|stat| Stamp::of_file(&stat) == Some(stamp));
    if ours && let Err(error) = folder.unlink(name) {
        tracing::error!(%name, %error, "can't take back an upload that could not be made durable");
    }
}
