//! The database file: opening it whatever state it is in, its connections, and what its errors mean.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior, ffi};
use rusqlite_migration::{M, MigrationDefinitionError, Migrations};

use super::Error;

/// The schema's steps, oldest first. Steps are only ever added.
pub(super) const STEPS: &[M<'_>] = &[M::up(include_str!("migrations/1.sql"))];

/// How long one connection waits for another's transaction; the longest is the first look at a large folder.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Reading connections that are kept for later.
const IDLE_READERS: usize = 4;

/// Pages that the writing connection keeps; a first look at a large folder touches many over and over.
const WRITER_CACHE_KIB: i64 = 32 * 1024;

/// The write-ahead log is cut back to this size when a large transaction is over.
const LOG_SIZE_LIMIT_BYTES: i64 = 16 * 1024 * 1024;

/// What was found when a catalog was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opened {
    /// There was one.
    Existing,
    /// There was none, and a new one was begun.
    New,
    /// There was a damaged one; it was set aside and a new one begun. What files can't say is lost to this one.
    Replaced {
        /// Where the damaged one is now.
        damaged: PathBuf,
    },
}

/// What must survive when a transaction is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Durability {
    /// It can be had from the files again: it survives the end of the process.
    Cache,
    /// Someone is told that it is done: it survives a power loss.
    Acknowledged,
}

/// An open database.
pub(super) struct Database {
    path: PathBuf,
    // Dropped before the writer: only a connection that may write, and is the last one, puts the log away.
    readers: Readers,
    writer: Mutex<Writer>,
}

struct Writer {
    connection: Connection,
    durability: Durability,
}

enum Readers {
    /// Connections that nobody uses now.
    Idle(Mutex<Vec<Connection>>),
    /// A database in memory has one connection for everything.
    TheWriter,
}

impl Database {
    /// Opens the database at `path`, or begins one. A damaged one is set aside. Blocks.
    pub(super) fn open(path: &Path) -> Result<(Self, Opened), Error> {
        let refused = |source: io::Error| refused(path, source);
        if let Some(folder) = path.parent() {
            let mut builder = std::fs::DirBuilder::new();
            builder
                .recursive(true)
                .mode(0o700)
                .create(folder)
                .map_err(refused)?;
        }
        // Two processes that open at once come one after the other: neither sets aside what the other has begun.
        let _lock = lock(&with_ending(path, ".lock")).map_err(refused)?;
        let is_new = create_private(path).map_err(refused)?;
        match Self::connect(path) {
            Ok(database) if is_new => Ok((database, Opened::New)),
            Ok(database) => Ok((database, Opened::Existing)),
            Err(Error::Damaged { source, .. }) => {
                let damaged = set_aside(path).map_err(refused)?;
                tracing::error!(catalog = %path.display(), set_aside = %damaged.display(), error = %source,
                    "the catalog is damaged; a new one is begun");
                create_private(path).map_err(refused)?;
                Ok((Self::connect(path)?, Opened::Replaced { damaged }))
            }
            Err(error) => Err(error),
        }
    }

    /// A database that is gone with the process.
    pub(super) fn in_memory() -> Result<Self, Error> {
        let path = Path::new(":memory:");
        let begin = || {
            let mut connection = Connection::open_in_memory()?;
            prepare(&connection)?;
            Ok((migrate(&mut connection), connection))
        };
        let (migrated, connection) = begin().map_err(|error| failure(path, "open", error))?;
        migrated.map_err(|error| migration_failure(path, error))?;
        Ok(Self {
            path: path.to_owned(),
            writer: Mutex::new(Writer {
                connection,
                durability: Durability::Acknowledged,
            }),
            readers: Readers::TheWriter,
        })
    }

    fn connect(path: &Path) -> Result<Self, Error> {
        let connection = || {
            let connection = Connection::open(path)?;
            prepare(&connection)?;
            connection.pragma_update(None, "journal_mode", "wal")?;
            connection.pragma_update(None, "journal_size_limit", LOG_SIZE_LIMIT_BYTES)?;
            connection.pragma_update(None, "synchronous", "full")?;
            connection.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
            Ok(connection)
        };
        let mut connection = connection().map_err(|error| failure(path, "open", error))?;
        migrate(&mut connection).map_err(|error| migration_failure(path, error))?;
        check(&connection).map_err(|error| failure(path, "check", error))?;
        Ok(Self {
            path: path.to_owned(),
            writer: Mutex::new(Writer {
                connection,
                durability: Durability::Acknowledged,
            }),
            readers: Readers::Idle(Mutex::default()),
        })
    }

    /// Reads a consistent state. Blocks.
    pub(super) fn read<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, Error> {
        let failed = |error| failure(&self.path, "read", error);
        let Readers::Idle(idle) = &self.readers else {
            let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
            return work(&writer.connection).map_err(failed);
        };
        let connection = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut connection = connection.map_or_else(|| self.reader(), Ok).map_err(failed)?;
        // Several statements of one reading must see one state.
        let result = connection
            .transaction()
            .and_then(|transaction| work(&transaction));
        let mut idle = idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE_READERS {
            idle.push(connection);
        }
        drop(idle);
        result.map_err(failed)
    }

    /// The error for work whose thread was lost.
    pub(super) fn interrupted(&self, error: tokio::task::JoinError) -> Error {
        Error::Database {
            action: "use",
            path: self.path.clone(),
            source: error.into(),
        }
    }

    fn reader(&self) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags)?;
        prepare(&connection)?;
        Ok(connection)
    }

    /// Makes changes in one transaction. Blocks while another one runs.
    pub(super) fn write<T>(
        &self,
        durability: Durability,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, Error> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let change = || {
            writer.set_durability(durability)?;
            let transaction = writer
                .connection
                .transaction_with_behavior(TransactionBehavior::Immediate)?;
            let result = work(&transaction)?;
            transaction.commit()?;
            Ok(result)
        };
        change().map_err(|error| failure(&self.path, "write", error))
    }
}

impl Writer {
    fn set_durability(&mut self, durability: Durability) -> rusqlite::Result<()> {
        if self.durability != durability {
            let synchronous = match durability {
                Durability::Cache => "normal",
                Durability::Acknowledged => "full",
            };
            self.connection.pragma_update(None, "synchronous", synchronous)?;
            self.durability = durability;
        }
        Ok(())
    }
}

/// What every connection needs.
fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(32);
    connection.pragma_update(None, "foreign_keys", true)
}

fn migrate(connection: &mut Connection) -> rusqlite_migration::Result<()> {
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
fn create_private(path: &Path) -> io::Result<bool> {
    let mut options = OpenOptions::new();
    let file = options.read(true).write(true).create(true).truncate(false);
    Ok(file.mode(0o600).open(path)?.metadata()?.len() == 0)
}

/// Waits for the lock; file systems without locks go without.
fn lock(path: &Path) -> io::Result<File> {
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
fn set_aside(path: &Path) -> io::Result<PathBuf> {
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

fn refused(path: &Path, source: io::Error) -> Error {
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
        _ => Error::Database {
            action,
            path,
            source: source.into(),
        },
    }
}

fn migration_failure(path: &Path, error: rusqlite_migration::Error) -> Error {
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
