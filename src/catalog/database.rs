//! The database file: opening it whatever state it is in, its connections, and what its errors mean.

use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use super::file::{
    FileIdentity, FileState, check, copy, create_private, failure, lock, migrate, migration_failure,
    open_alone, open_as_it_lies, open_beside_others, prepare, refused, set_aside, with_ending,
};
use super::together::{Change, Together};
use super::{Error, second_copy};
use crate::causes::in_one_line;
use crate::storage::make_folder;

/// How long one connection waits for another's transaction; the longest is the first look at a large folder.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// How long it waits when requests wait for it that need no more than a cache.
const CACHE_BUSY_TIMEOUT: Duration = Duration::from_secs(1);

/// Up to this size a file is looked through when it is opened: some milliseconds. A larger one is looked through while
/// it is used already.
const CHECKED_AT_ONCE_BYTES: u64 = 4 * 1024 * 1024;

/// Reading connections that are kept for later.
const IDLE_READERS: usize = 4;

/// Pages that the writing connection keeps, and as much again while an index is made. Four times as much makes a first
/// look at 200,000 files no faster, and would stay with the process.
const WRITER_CACHE_KIB: i64 = 8 * 1024;

/// The write-ahead log is cut back to this size when a large transaction is over.
const LOG_SIZE_LIMIT_BYTES: i64 = 16 * 1024 * 1024;

/// What was found when a catalog was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opened {
    /// There was one.
    Existing,
    /// There was none, and a new one was begun.
    New,
    /// There was a damaged one; it was set aside. Its second copy took its place, or a new one was begun.
    Replaced {
        /// Where the damaged one is now.
        damaged: PathBuf,
        /// When the second copy was made. What was noted since and files can't say is forgotten, and all of it where
        /// there was no copy.
        copied_at: Option<Timestamp>,
    },
    /// The file can't be used for now; a catalog in memory stands in for it.
    InMemory {
        /// Why, with the causes, on one line.
        reason: String,
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
    /// Which file was opened; `None` for a database in memory.
    identity: Option<FileIdentity>,
    /// Which file its log is.
    log_identity: Option<FileIdentity>,
    /// The length that the index of the log has reached, in bytes.
    log_index_bytes: AtomicU64,
    /// Counts what must survive a power loss.
    acknowledged: AtomicU64,
    /// That count when the second copy was made.
    acknowledged_in_copy: AtomicU64,
    // Dropped before the writer: only a connection that may write, and is the last one, puts the log away.
    readers: Readers,
    writer: Mutex<Writer>,
    /// Durable changes that wait for the writer.
    together: Together,
    is_unchecked: bool,
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
            make_folder(folder, 0o700).map_err(refused)?;
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
                    "the catalog is damaged; it is set aside");
                let (database, copied_at) = Self::from_copy(path)?;
                Ok((database, Opened::Replaced { damaged, copied_at }))
            }
            Err(error) => Err(error),
        }
    }

    /// The second copy in the place of the database at `path`, which is free; a new one where there is no sound copy.
    fn from_copy(path: &Path) -> Result<(Self, Option<Timestamp>), Error> {
        let refused = |source: io::Error| refused(path, source);
        if let Some(copied_at) = second_copy::put_in_place(path) {
            match Self::connect(path) {
                Ok(database) => return Ok((database, Some(copied_at))),
                Err(error) => {
                    tracing::error!(catalog = %path.display(), error = in_one_line(&error), "its copy can't be used either");
                }
            }
            set_aside(path).map_err(refused)?;
        }
        create_private(path).map_err(refused)?;
        Ok((Self::connect(path)?, None))
    }

    /// The second copy of the database at `path`, in memory, with the time when it was made. Blocks.
    pub(super) fn load_second_copy(path: &Path) -> Option<(Self, Timestamp)> {
        let made_at = second_copy::made_at(path)?;
        let place = second_copy::place(path);
        let load = |memory: &mut Connection| open_as_it_lies(&place).and_then(|file| copy(&file, memory));
        let database = Self::in_memory_with(load)
            .inspect_err(|error| tracing::warn!(copy = %place.display(), error = in_one_line(error), "the copy of the catalog can't be used"))
            .ok()?;
        Some((database, made_at))
    }

    /// A database that is gone with the process.
    pub(super) fn in_memory() -> Result<Self, Error> {
        Self::in_memory_with(|_| Ok(()))
    }

    /// A copy in memory of the file at `path`, which is not written to: for where that can't be done. Blocks.
    pub(super) fn load(path: &Path) -> Result<Self, Error> {
        Self::in_memory_with(|memory| {
            let ways = [open_beside_others, open_alone, open_as_it_lies];
            let mut outcome = Ok(());
            for open in ways {
                outcome = open(path).and_then(|file| copy(&file, memory));
                if outcome.is_ok() {
                    break;
                }
            }
            outcome
        })
    }

    /// A copy in memory of this database, even when its file was removed meanwhile. Blocks.
    pub(super) fn copy_in_memory(&self) -> Result<Self, Error> {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        Self::in_memory_with(|memory| copy(&writer.connection, memory))
    }

    /// Begins the file at `path` as a copy of this database, unless there is one. Blocks.
    pub(super) fn copy_to(&self, path: &Path) -> Result<(), Error> {
        let refused = |source: io::Error| refused(path, source);
        let _lock = lock(&with_ending(path, ".lock")).map_err(refused)?;
        if FileState::at(path).is_some_and(|state| !state.is_empty) {
            return Ok(());
        }
        let new = with_ending(path, ".new");
        create_private(&new).map_err(refused)?;
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        Connection::open(&new)
            .and_then(|mut file| copy(&writer.connection, &mut file))
            .map_err(|error| failure(path, "write", error))?;
        std::fs::rename(&new, path).map_err(refused)
    }

    fn in_memory_with(fill: impl FnOnce(&mut Connection) -> rusqlite::Result<()>) -> Result<Self, Error> {
        let path = Path::new(":memory:");
        let begin = || {
            let mut connection = Connection::open_in_memory()?;
            fill(&mut connection)?;
            check(&connection)?;
            prepare(&connection)?;
            Ok((migrate(&mut connection), connection))
        };
        let (migrated, connection) = begin().map_err(|error| failure(path, "open", error))?;
        migrated.map_err(|error| migration_failure(path, error))?;
        Ok(Self {
            path: path.to_owned(),
            identity: None,
            log_identity: None,
            log_index_bytes: AtomicU64::new(0),
            acknowledged: AtomicU64::new(0),
            acknowledged_in_copy: AtomicU64::new(0),
            writer: Mutex::new(Writer {
                connection,
                durability: Durability::Acknowledged,
            }),
            readers: Readers::TheWriter,
            together: Together::default(),
            is_unchecked: false,
        })
    }

    /// Closes a database whose file was removed or exchanged. The log that it leaves would be applied to any other
    /// file that has its name, and spoil it.
    pub(super) fn abandon(self) {
        let Self {
            path, log_identity, ..
        } = &self;
        let log = with_ending(path, "-wal");
        let (log_identity, index) = (*log_identity, with_ending(path, "-shm"));
        drop(self);
        if log_identity.is_some() && FileState::at(&log).map(|state| state.identity) == log_identity {
            for left in [log, index] {
                if let Err(error) = std::fs::remove_file(&left) {
                    tracing::debug!(file = %left.display(), %error, "can't be removed");
                }
            }
        }
    }

    /// Refuses to go on with a file that has another name by now, or none, or was emptied.
    fn check_in_place(&self) -> Result<(), Error> {
        let Some(identity) = self.identity else {
            return Ok(());
        };
        self.restore_log_index();
        match FileState::at(&self.path) {
            Some(state) if state.identity == identity && !state.is_empty => Ok(()),
            _ => Err(Error::Vanished {
                path: self.path.clone(),
            }),
        }
    }

    /// Gives the index of the log its length back when somebody has cut it short.
    ///
    /// Every connection has it mapped into memory: to touch what was cut off would end the whole program (SIGBUS). With
    /// nothing but zeros in it, the database sees that it is of no use and makes it anew from the log. Whoever is at
    /// work in it in that very moment can't be helped.
    fn restore_log_index(&self) {
        let path = with_ending(&self.path, "-shm");
        let Ok(metadata) = std::fs::metadata(&path) else {
            return;
        };
        let known = self.log_index_bytes.fetch_max(metadata.len(), Ordering::AcqRel);
        if metadata.len() >= known {
            return;
        }
        let outcome = OpenOptions::new()
            .write(true)
            .open(&path)
            .and_then(|file| file.set_len(known));
        tracing::warn!(file = %path.display(), restored = outcome.is_ok(), "someone has cut short a file of the catalog");
    }

    /// Makes the second copy when there is none yet or something was acknowledged since; tells whether it did. Blocks.
    pub(super) fn keep_copy(&self) -> Result<bool, Error> {
        let acknowledged = self.acknowledged.load(Ordering::Acquire);
        let is_kept = self.acknowledged_in_copy.load(Ordering::Acquire) == acknowledged;
        if self.identity.is_none() || (is_kept && second_copy::made_at(&self.path).is_some()) {
            return Ok(false);
        }
        self.check_in_place()?;
        let connection = self
            .reader()
            .map_err(|error| failure(&self.path, "read", error))?;
        second_copy::make(&self.path, &connection)?;
        self.acknowledged_in_copy.store(acknowledged, Ordering::Release);
        Ok(true)
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
        let is_unchecked = std::fs::metadata(path).is_ok_and(|file| file.len() > CHECKED_AT_ONCE_BYTES);
        if !is_unchecked {
            check(&connection).map_err(|error| failure(path, "check", error))?;
        }
        Ok(Self {
            is_unchecked,
            path: path.to_owned(),
            identity: FileState::at(path).map(|state| state.identity),
            log_identity: FileState::at(&with_ending(path, "-wal")).map(|state| state.identity),
            log_index_bytes: AtomicU64::new(0),
            acknowledged: AtomicU64::new(0),
            acknowledged_in_copy: AtomicU64::new(0),
            writer: Mutex::new(Writer {
                connection,
                durability: Durability::Acknowledged,
            }),
            readers: Readers::Idle(Mutex::default()),
            together: Together::default(),
        })
    }

    /// Gives back the memory that a large transaction has left the writing connection with. Blocks.
    pub(super) fn release_memory(&self) {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = writer.connection.release_memory() {
            tracing::debug!(%error, "the catalog keeps its memory");
        }
    }

    /// Whether the file was too large to be looked through when it was opened.
    pub(super) fn is_unchecked(&self) -> bool {
        self.is_unchecked
    }

    /// Reads a consistent state. Blocks.
    pub(super) fn read<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, Error> {
        self.check_in_place()?;
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
        self.check_in_place()?;
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let outcome = writer
            .transact(durability, work)
            .map_err(|error| failure(&self.path, "write", error));
        if durability == Durability::Acknowledged {
            self.acknowledged.fetch_add(1, Ordering::AcqRel);
        }
        outcome
    }

    /// Makes a change that survives a power loss, in one transaction with others that came meanwhile. Blocks.
    pub(super) fn write_together(&self, change: Change) -> Result<(), Error> {
        self.check_in_place()?;
        let ticket = self.together.join(change);
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever had the writer before may have made it.
        let made = ticket.outcome().or_else(|| {
            self.together.make_all(|changes| {
                writer.transact(Durability::Acknowledged, |transaction| {
                    changes.iter().try_for_each(|change| change(transaction))
                })
            });
            self.acknowledged.fetch_add(1, Ordering::AcqRel);
            ticket.outcome()
        });
        // It was among those that waited; if its maker panicked, it was not made.
        let made = made.unwrap_or(Err(rusqlite::Error::InvalidQuery));
        made.map_err(|error| failure(&self.path, "write", error))
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // The last connection reads the index of the log to put the log away.
        if self.identity.is_some() {
            self.restore_log_index();
        }
    }
}

impl Writer {
    fn transact<T>(
        &mut self,
        durability: Durability,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        self.set_durability(durability)?;
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let result = work(&transaction)?;
        transaction.commit()?;
        Ok(result)
    }

    fn set_durability(&mut self, durability: Durability) -> rusqlite::Result<()> {
        if self.durability != durability {
            let (synchronous, busy_timeout) = match durability {
                Durability::Cache => ("normal", CACHE_BUSY_TIMEOUT),
                Durability::Acknowledged => ("full", BUSY_TIMEOUT),
            };
            self.connection.pragma_update(None, "synchronous", synchronous)?;
            self.connection.busy_timeout(busy_timeout)?;
            self.durability = durability;
        }
        Ok(())
    }
}
