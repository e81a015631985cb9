//! A look at a catalog from outside: read only, beside a server that uses it or without one.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::Error;
use super::file::{STEPS, check, failure, with_ending};

/// Looks through the catalog at `path` without changing a byte of it; blocks.
///
/// # Errors
/// [`Error::Damaged`], [`Error::TooNew`], or [`Error::Database`] when it can't be read.
pub fn examine(path: &Path) -> Result<(), Error> {
    let connection = open(path).map_err(|error| failure(path, "open", error))?;
    let step: u32 = connection
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .map_err(|error| failure(path, "read", error))?;
    if usize::try_from(step).is_ok_and(|step| step > STEPS.len()) {
        return Err(Error::TooNew {
            path: path.to_owned(),
        });
    }
    check(&connection).map_err(|error| failure(path, "read", error))
}

pub(super) fn open(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    if with_ending(path, "-wal").exists() {
        return Connection::open_with_flags(path, flags);
    }
    // Nobody has it open. Said so, it is read without the files beside it that readers make otherwise.
    let address =
        url::Url::from_file_path(path).map_err(|()| rusqlite::Error::InvalidPath(path.to_owned()))?;
    let address = format!("{address}?immutable=1");
    Connection::open_with_flags(address, flags | OpenFlags::SQLITE_OPEN_URI)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;

    use super::super::SqliteCatalog;
    use super::*;

    #[test]
    fn a_sound_catalog_is_looked_at_and_left_alone() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("catalog.db");
        let (catalog, _) = SqliteCatalog::open(&path, &[]).unwrap();
        examine(&path).unwrap();
        drop(catalog);
        let files = || -> BTreeSet<_> {
            let entries = fs::read_dir(scratch.path()).unwrap();
            entries.map(|entry| entry.unwrap().file_name()).collect()
        };
        let before = (files(), fs::read(&path).unwrap());
        examine(&path).unwrap();
        assert_eq!((files(), fs::read(&path).unwrap()), before);
    }

    #[test]
    fn a_damaged_one_is_told_from_a_newer_one() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("catalog.db");
        fs::write(&path, "not a database, but long enough to be looked at").unwrap();
        assert!(matches!(examine(&path), Err(Error::Damaged { .. })));
        fs::remove_file(&path).unwrap();
        Connection::open(&path)
            .unwrap()
            .pragma_update(None, "user_version", 1000)
            .unwrap();
        assert!(matches!(examine(&path), Err(Error::TooNew { .. })));
    }
}
