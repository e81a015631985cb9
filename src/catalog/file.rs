//! The catalog's file: how it is opened, made, copied, judged and set aside, and what its errors mean.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use percent_encoding::{AsciiSet, CONTROLS, percent_encode};
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, ErrorCode, OpenFlags, ffi};
use rusqlite_migration::{M, MigrationDefinitionError, Migrations};

use super::Error;
use super::database::BUSY_TIMEOUT;

/// The schema's steps, oldest first. Steps are only ever added.
pub(super) const STEPS: &[M<'_>] = &[
    M::up(include_str!("migrations/1.sql")),
    M::up(include_str!("migrations/2.sql")),
    M::up(include_str!("migrations/3.sql")),
];

/// What stands for itself in the path of a `file:` address.
const NOT_IN_ADDRESS: &AsciiSet = &CONTROLS.add(b'%').add(b'?').add(b'#');

/// A file, whatever its name is by now: device and inode.
pub(super) type FileIdentity = (u64, u64);

/// What is at a path now.
pub(super) struct FileState {
    pub(super) identity: FileIdentity,
    pub(super) is_empty: bool,
}

impl FileState {
    pub(super) fn at(path: &Path) -> Option<Self> {
        let metadata = std::fs::metadata(path).ok()?;
        Some(Self {
            identity: (metadata.dev(), metadata.ino()),
            is_empty: metadata.len() == 0,
        })
    }
}

/// As any reader: sees what is in the log, and needs the index of the log that others keep beside it.
pub(super) fn open_beside_others(path: &Path) -> rusqlite::Result<Connection> {
    Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
}

/// As the only one, which needs no index of the log on disk.
pub(super) fn open_alone(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.pragma_update(None, "locking_mode", "exclusive")?;
    Ok(connection)
}

/// Without what is in the log, and without anything beside the file.
pub(super) fn open_as_it_lies(path: &Path) -> rusqlite::Result<Connection> {
    let path = percent_encode(path.as_os_str().as_encoded_bytes(), NOT_IN_ADDRESS);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    Connection::open_with_flags(format!("file:{path}?immutable=1"), flags)
}

/// Copies a whole database. One that was emptied is no catalog, and not copied.
pub(super) fn copy(from: &Connection, to: &mut Connection) -> rusqlite::Result<()> {
    from.query_row("SELECT count(*) FROM roots", [], |_| Ok(()))?;
    match Backup::new(from, to)?.step(-1)? {
        StepResult::Done => Ok(()),
        _ => Err(rusqlite::Error::SqliteFailure(
            ffi::Error::new(ffi::SQLITE_BUSY),
            None,
        )),
    }
}

/// What every connection needs.
pub(super) fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(32);
    connection.pragma_update(None, "foreign_keys", true)
}

pub(super) fn migrate(connection: &mut Connection) -> rusqlite_migration::Result<()> {
    Migrations::from_slice(STEPS).to_latest(connection)
}

/// Looks through the whole file, about 100 MB in a fifth of a second. Nothing cheaper tells that a page in its midst
/// was overwritten.
pub(super) fn check(connection: &Connection) -> rusqlite::Result<()> {
    let verdict: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if verdict == "ok" {
        return Ok(());
    }
    let corrupt = ffi::Error::new(ffi::SQLITE_CORRUPT);
    Err(rusqlite::Error::SqliteFailure(corrupt, Some(verdict)))
}

/// The file, readable by its owner only; tells whether it is new or empty.
pub(super) fn create_private(path: &Path) -> io::Result<bool> {
    let mut options = OpenOptions::new();
    let file = options.read(true).write(true).create(true).truncate(false);
    Ok(file.mode(0o600).open(path)?.metadata()?.len() == 0)
}

/// Waits for the lock; file systems without locks go without.
pub(super) fn lock(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    let file = options
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)?;
    if let Err(error) = file.lock() {
        tracing::debug!(lock = %path.display(), %error, "no lock on the catalog while it is opened");
    }
    Ok(file)
}

/// Gives the database and what belongs to it another name; tells the new one.
pub(super) fn set_aside(path: &Path) -> io::Result<PathBuf> {
    let aside = (1_u32..)
        .map(|number| with_ending(path, &format!(".damaged-{number}")))
        .find(|aside| !aside.exists())
        .unwrap_or_else(|| with_ending(path, ".damaged"));
    for ending in ["-wal", "-shm", ""] {
        match std::fs::rename(with_ending(path, ending), with_ending(&aside, ending)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(aside)
}

pub(super) fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

pub(super) fn refused(path: &Path, source: io::Error) -> Error {
    let path = path.to_owned();
    match source.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            Error::NotWritable { path, source }
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Error::NoSpace { path },
        _ => Error::Database {
            action: "open",
            path,
            source: source.into(),
        },
    }
}

pub(super) fn failure(path: &Path, action: &'static str, source: rusqlite::Error) -> Error {
    let path = path.to_owned();
    match source.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Error::Damaged { path, source },
        Some(ErrorCode::DiskFull) => Error::NoSpace { path },
        // Room for the index of the log is asked for beforehand, and then this is the answer.
        _ if extended_code(&source) == Some(ffi::SQLITE_IOERR_SHMSIZE) => Error::NoSpace { path },
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Error::Busy { path },
        _ => Error::Database {
            action,
            path,
            source: source.into(),
        },
    }
}

pub(super) fn extended_code(error: &rusqlite::Error) -> Option<i32> {
    error.sqlite_error().map(|error| error.extended_code)
}

pub(super) fn migration_failure(path: &Path, error: rusqlite_migration::Error) -> Error {
    use rusqlite_migration::Error::{MigrationDefinition, RusqliteError};
    match error {
        MigrationDefinition(MigrationDefinitionError::DatabaseTooFarAhead) => Error::TooNew {
            path: path.to_owned(),
        },
        RusqliteError { err, .. } => failure(path, "migrate", err),
        other => Error::Database {
            action: "migrate",
            path: path.to_owned(),
            source: other.into(),
        },
    }
}
