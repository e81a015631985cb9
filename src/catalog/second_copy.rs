//! A second copy of the catalog, beside it, for the day on which the first is found damaged.
//!
//! The folder tells most of what a catalog holds, but not who uploaded what, what was yanked, and which names were
//! here once and must not come back with other bytes. The copy is made from time to time and at a clean stop. Taken in
//! place of a damaged catalog it is compared with the folder, like any catalog at a start, so that only what was said
//! since and left no file is lost: yanks, uploaders, names that came and went in between.
//!
//! A copy is looked through before it takes the place of the one before: the damage of a catalog, of which nobody knows
//! yet, must not come into the only thing that could mend it.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::Connection;

use super::Error;
use super::file::{check, copy, failure, refused, with_ending};

/// Where the copy of the catalog at `path` lies.
pub(super) fn place(path: &Path) -> PathBuf {
    with_ending(path, ".copy")
}

/// When the copy of the catalog at `path` was made; `None` when there is none.
pub(super) fn made_at(path: &Path) -> Option<Timestamp> {
    let modified = std::fs::metadata(place(path)).ok()?.modified().ok()?;
    Timestamp::try_from(modified).ok()
}

/// Makes the copy of the catalog at `path` from an open connection to it: whole, sound and durable, or not at all.
/// Blocks.
///
/// # Errors
/// [`Error::Damaged`] when the catalog is; those of writing.
pub(super) fn make(path: &Path, catalog: &Connection) -> Result<(), Error> {
    let new = with_ending(&place(path), ".new");
    let refused = |source: io::Error| refused(&new, source);
    let outcome = write(path, catalog, &new);
    if outcome.is_err() {
        let _ = std::fs::remove_file(&new);
        return outcome;
    }
    std::fs::rename(&new, place(path)).map_err(refused)?;
    match path.parent() {
        Some(folder) => File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(refused),
        None => Ok(()),
    }
}

fn write(path: &Path, catalog: &Connection, new: &Path) -> Result<(), Error> {
    let refused = |source: io::Error| refused(new, source);
    // What an attempt before has left is no beginning.
    match std::fs::remove_file(new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(refused(error)),
        _ => {}
    }
    super::file::create_private(new).map_err(refused)?;
    Connection::open(new)
        .and_then(|mut file| {
            copy(catalog, &mut file)?;
            check(&file)
        })
        .map_err(|error| failure(path, "copy", error))?;
    File::open(new).and_then(|file| file.sync_all()).map_err(refused)
}

/// Puts the copy in the place of the catalog at `path`, which is free; tells when it was made. `None` when there is
/// none to take. The copy stays. Blocks.
pub(super) fn put_in_place(path: &Path) -> Option<Timestamp> {
    let made_at = made_at(path)?;
    let new = with_ending(path, ".new");
    let taken = super::file::create_private(&new)
        .and_then(|_| std::fs::copy(place(path), &new))
        .and_then(|_| File::open(&new)?.sync_all())
        .and_then(|()| std::fs::rename(&new, path));
    match taken {
        Ok(()) => Some(made_at),
        Err(error) => {
            tracing::warn!(catalog = %path.display(), %error, "the copy of the catalog can't take its place");
            let _ = std::fs::remove_file(&new);
            None
        }
    }
}
