//! The catalog in SQLite: one file, one machine.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};

use super::database::{Database, Durability, Opened};
use super::file::check;
use super::listing::{files_named, listed_paths, twins};
use super::observe::{Observer, SetAside, project_id, project_name};
use super::rows::{self, FILE_COLUMNS, ServedRoots};
use super::{
    Catalog, Counts, Error, FileFacts, FileRecord, Known, Observation, Pieces, ProjectRecord, UploadRecord,
};
use crate::packaging::{DistFilename, ProjectName};
use crate::storage::{Stamp, StoreKey};

/// A catalog in a SQLite database.
///
/// Uploads and removals are on disk when they are acknowledged. What can be had from the files again survives the
/// end of the process at once, and a power loss a little later.
///
/// A file whose stamp has changed loses its facts and its uploader, because someone has changed it by hand; its yank
/// stays, because that was said of the name. An upload that replaces a file takes back the yank of the old one.
pub struct SqliteCatalog {
    shared: Arc<Shared>,
}

struct Shared {
    database: Database,
    served: ServedRoots,
}

impl SqliteCatalog {
    /// Opens the catalog at `path` for the served folders `roots`, in the order of the store, or begins one. A
    /// damaged one is set aside beside it as `<path>.damaged-<n>`, which the caller should say loudly, and its second
    /// copy `<path>.copy` takes its place. Blocks.
    ///
    /// # Errors
    /// [`Error::NotWritable`], [`Error::TooNew`], [`Error::NoSpace`], [`Error::Database`].
    pub fn open(path: &Path, roots: &[PathBuf]) -> Result<(Self, Opened), Error> {
        let (database, opened) = Database::open(path)?;
        Ok((Self::with(database, path, roots)?, opened))
    }

    /// A catalog that is gone with the process, for where nothing can be written.
    ///
    /// # Errors
    /// [`Error::Database`], when there is no memory for it.
    pub fn in_memory(roots: &[PathBuf]) -> Result<Self, Error> {
        Self::with(Database::in_memory()?, Path::new(""), roots)
    }

    /// A copy in memory of the catalog at `path`, which is not written to; the labels of the roots stay as they are.
    pub(super) fn load(path: &Path, roots: &[PathBuf]) -> Result<Self, Error> {
        Self::with(Database::load(path)?, path, roots)
    }

    /// An empty one in memory that may become the one at `path` by [`SqliteCatalog::copy_to`].
    pub(super) fn in_memory_for(path: &Path, roots: &[PathBuf]) -> Result<Self, Error> {
        Self::with(Database::in_memory()?, path, roots)
    }

    /// A copy in memory of this catalog, which lies at `path`, even when its file was removed meanwhile. Blocks.
    pub(super) fn copy_in_memory(&self, path: &Path, roots: &[PathBuf]) -> Result<Self, Error> {
        Self::with(self.shared.database.copy_in_memory()?, path, roots)
    }

    /// The second copy of the catalog at `path`, in memory, with the time when it was made. Blocks.
    pub(super) fn load_second_copy(path: &Path, roots: &[PathBuf]) -> Option<(Self, Timestamp)> {
        let (database, made_at) = Database::load_second_copy(path)?;
        let catalog = Self::with(database, path, roots).ok()?;
        Some((catalog, made_at))
    }

    /// Makes the second copy when it is due; tells whether it was. Blocks.
    pub(super) fn keep_copy(&self) -> Result<bool, Error> {
        self.shared.database.keep_copy()
    }

    /// Begins the file at `path` as a copy of this catalog, unless there is one. Blocks.
    pub(super) fn copy_to(&self, path: &Path) -> Result<(), Error> {
        self.shared.database.copy_to(path)
    }

    /// Whether the file was too large to be looked through when it was opened.
    pub(super) fn is_unchecked(&self) -> bool {
        self.shared.database.is_unchecked()
    }

    /// Looks through the whole file.
    pub(super) async fn check(&self) -> Result<(), Error> {
        self.read(|connection, _| check(connection)).await
    }

    /// Closes a catalog whose file was removed or exchanged. Blocks.
    pub(super) fn abandon(self) {
        // Work that is under way has it open a little longer, and closes it then.
        if let Some(shared) = Arc::into_inner(self.shared) {
            shared.database.abandon();
        }
    }

    fn with(database: Database, path: &Path, roots: &[PathBuf]) -> Result<Self, Error> {
        let register = |transaction: &Transaction<'_>| ServedRoots::register(transaction, path, roots);
        let served = database.write(Durability::Cache, register)?;
        let shared = Arc::new(Shared { database, served });
        Ok(Self { shared })
    }

    /// As [`Catalog::observe`], for those who may have to say it twice.
    pub(super) async fn observe_shared(
        &self,
        observations: Arc<Vec<Observation>>,
    ) -> Result<Vec<ProjectName>, Error> {
        if observations.is_empty() {
            return Ok(Vec::new());
        }
        self.write(Durability::Cache, move |transaction, served| {
            forget_bookmark(transaction)?;
            let indexes = SetAside::begin(transaction, observations.len())?;
            let mut observer = Observer::new(transaction, served, &indexes)?;
            observer.take_all(&observations)?;
            let affected = observer.affected();
            indexes.end(transaction)?;
            Ok(affected)
        })
        .await
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection, &ServedRoots) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        let shared = Arc::clone(&self.shared);
        self.blocking(move || {
            shared
                .database
                .read(|connection| work(connection, &shared.served))
        })
        .await
    }

    async fn write<T: Send + 'static>(
        &self,
        durability: Durability,
        work: impl FnOnce(&Transaction<'_>, &ServedRoots) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        let shared = Arc::clone(&self.shared);
        let change = move || {
            let work = |transaction: &Transaction<'_>| work(transaction, &shared.served);
            shared.database.write(durability, work)
        };
        self.blocking(change).await
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        match tokio::task::spawn_blocking(work).await {
            Ok(result) => result,
            Err(error) => Err(self.shared.database.interrupted(error)),
        }
    }
}

#[async_trait]
impl Catalog for SqliteCatalog {
    async fn projects(&self) -> Result<Vec<ProjectName>, Error> {
        self.read(projects).await
    }

    async fn project(&self, name: &ProjectName) -> Result<Option<ProjectRecord>, Error> {
        let name = name.clone();
        self.read(|connection, served| project(connection, served, name))
            .await
    }

    async fn file(&self, filename: &str) -> Result<Option<FileRecord>, Error> {
        let filename = [filename.to_owned()];
        self.read(move |connection, served| Ok(files_named(connection, served, &filename)?.pop()))
            .await
    }

    async fn files_named(&self, filenames: Vec<String>) -> Result<Vec<FileRecord>, Error> {
        self.read(move |connection, served| files_named(connection, served, &filenames))
            .await
    }

    async fn listed_paths(&self) -> Result<Vec<Box<str>>, Error> {
        self.read(listed_paths).await
    }

    async fn files_like(&self, identity: &str) -> Result<Vec<FileRecord>, Error> {
        let identity = identity.to_owned();
        let sql = format!("SELECT {FILE_COLUMNS} FROM files WHERE identity = ?1 ORDER BY id");
        self.read(move |connection, served| served.files(connection, &sql, [identity]))
            .await
    }

    async fn known(&self, filename: &DistFilename) -> Result<Known, Error> {
        let filename = filename.clone();
        self.read(move |connection, served| known(connection, served, &filename))
            .await
    }

    async fn present(&self) -> Result<Vec<(StoreKey, Stamp)>, Error> {
        self.read(present).await
    }

    async fn unread(&self, limit: usize) -> Result<Vec<FileRecord>, Error> {
        self.read(move |connection, served| {
            let sql = format!(
                "SELECT {FILE_COLUMNS} FROM files \
                 WHERE present = 1 AND sha256 IS NULL AND root_id IN ({}) ORDER BY id LIMIT ?1",
                served.id_list
            );
            served.files(connection, &sql, [i64::try_from(limit).unwrap_or(i64::MAX)])
        })
        .await
    }

    async fn observe(&self, observations: Vec<Observation>) -> Result<Vec<ProjectName>, Error> {
        self.observe_shared(Arc::new(observations)).await
    }

    async fn observe_pieces(&self, pieces: Pieces<'_>) -> Result<(), Error> {
        let mut pieces = pieces();
        // Where there is no news the database is left alone.
        let Some(first) = pieces.recv().await else {
            return Ok(());
        };
        self.write(Durability::Cache, move |transaction, served| {
            forget_bookmark(transaction)?;
            let indexes = SetAside::begin(transaction, first.len())?;
            let mut observer = Observer::new(transaction, served, &indexes)?;
            observer.take_all(&first)?;
            while let Some(piece) = pieces.blocking_recv() {
                observer.take_all(&piece)?;
            }
            drop(observer);
            indexes.end(transaction)
        })
        .await?;
        let shared = Arc::clone(&self.shared);
        self.blocking(move || {
            shared.database.release_memory();
            Ok(())
        })
        .await
    }

    async fn twins(&self) -> Result<Vec<StoreKey>, Error> {
        self.read(twins).await
    }

    async fn record_facts(&self, key: &StoreKey, stamp: Stamp, facts: FileFacts) -> Result<bool, Error> {
        let key = key.clone();
        self.write(Durability::Cache, move |transaction, served| {
            record_facts(transaction, served, &key, stamp, &facts)
        })
        .await
    }

    async fn record_upload(&self, upload: UploadRecord) -> Result<(), Error> {
        let shared = Arc::clone(&self.shared);
        self.blocking(move || {
            let served = Arc::clone(&shared);
            let record =
                move |transaction: &Transaction<'_>| record_upload(transaction, &served.served, &upload);
            shared.database.write_together(Box::new(record))
        })
        .await
    }

    async fn record_removal(&self, key: &StoreKey, actor: Option<&str>, at: Timestamp) -> Result<(), Error> {
        let (key, actor) = (key.clone(), actor.map(str::to_owned));
        self.write(Durability::Acknowledged, move |transaction, served| {
            let removal = Presence {
                present: false,
                action: "remove",
            };
            removal.record(transaction, served, &key, actor.as_deref(), at)
        })
        .await
    }

    async fn record_kept(&self, key: &StoreKey, actor: Option<&str>, at: Timestamp) -> Result<(), Error> {
        let (key, actor) = (key.clone(), actor.map(str::to_owned));
        self.write(Durability::Acknowledged, move |transaction, served| {
            let kept = Presence {
                present: true,
                action: "keep",
            };
            kept.record(transaction, served, &key, actor.as_deref(), at)
        })
        .await
    }

    async fn record_refusal(&self, upload: UploadRecord, was_known: bool) -> Result<(), Error> {
        self.write(Durability::Acknowledged, move |transaction, served| {
            let refused = Presence {
                present: false,
                action: "refuse",
            };
            let UploadRecord {
                key, uploader, at, ..
            } = &upload;
            refused.record(transaction, served, key, uploader.as_deref(), *at)?;
            if !was_known && let Some(columns) = served.columns(key) {
                let sql = "DELETE FROM files WHERE filename = ?1 AND folder = ?2 AND root_id = ?3";
                let place = params![columns.filename, columns.folder, columns.root_id];
                transaction.execute(sql, place)?;
            }
            Ok(())
        })
        .await
    }

    async fn set_bookmark(&self, text: String) -> Result<(), Error> {
        self.write(Durability::Cache, move |transaction, _| {
            let sql = "INSERT INTO bookmark (id, text) VALUES (1, ?1) \
                       ON CONFLICT DO UPDATE SET text = excluded.text";
            transaction.execute(sql, [&text])?;
            Ok(())
        })
        .await
    }

    async fn bookmark(&self) -> Result<Option<String>, Error> {
        self.read(|connection, _| {
            let sql = "SELECT text FROM bookmark WHERE id = 1";
            connection.query_row(sql, [], |row| row.get(0)).optional()
        })
        .await
    }

    async fn counts(&self) -> Result<Counts, Error> {
        self.read(counts).await
    }
}

fn projects(connection: &Connection, served: &ServedRoots) -> rusqlite::Result<Vec<ProjectName>> {
    // In the order of the rows, which is that of the index of files too: to go by name would jump to and fro in both,
    // which costs ten times what the sorting does.
    let mut statement = connection.prepare_cached(&format!(
        "SELECT name FROM projects NOT INDEXED WHERE status <> 'quarantined' AND EXISTS \
         (SELECT 1 FROM files WHERE project_id = projects.id AND present = 1 AND root_id IN ({}))",
        served.id_list
    ))?;
    let mut rows = statement.query([])?;
    let mut names = Vec::new();
    while let Some(row) = rows.next()? {
        names.extend(project_name(row.get_ref(0)?.as_str()?));
    }
    names.sort_unstable();
    Ok(names)
}

fn project(
    connection: &Connection,
    served: &ServedRoots,
    name: ProjectName,
) -> rusqlite::Result<Option<ProjectRecord>> {
    let mut statement =
        connection.prepare_cached("SELECT id, status, status_reason FROM projects WHERE name = ?1")?;
    let known = statement.query_row([name.as_str()], |row| {
        let status = rows::project_status(row.get_ref(1)?.as_str()?);
        Ok((row.get::<_, i64>(0)?, status, row.get(2)?))
    });
    let Some((id, status, status_reason)) = known.optional()? else {
        return Ok(None);
    };
    let sql = format!("SELECT {FILE_COLUMNS} FROM files WHERE project_id = ?1 AND present = 1");
    let mut files = served.files(connection, &sql, [id])?;
    files.sort_by(|a, b| (a.filename.as_str(), &a.key).cmp(&(b.filename.as_str(), &b.key)));
    files.dedup_by(|next, kept| next.filename == kept.filename);
    // The sort is stable: within one version the order by file name remains.
    files.sort_by(|a, b| a.filename.version().cmp(b.filename.version()));
    Ok(Some(ProjectRecord {
        name,
        status,
        status_reason,
        files,
    }))
}

fn known(connection: &Connection, served: &ServedRoots, filename: &DistFilename) -> rusqlite::Result<Known> {
    let sql = format!("SELECT {FILE_COLUMNS} FROM files WHERE identity = ?1 ORDER BY id");
    let files = served.files(connection, &sql, [filename.identity()])?;
    let mut statement = connection.prepare_cached("SELECT status FROM projects WHERE name = ?1")?;
    let status = statement
        .query_row([filename.project().as_str()], |row| {
            Ok(rows::project_status(row.get_ref(0)?.as_str()?))
        })
        .optional()?
        .unwrap_or_default();
    Ok(Known { files, status })
}

fn present(connection: &Connection, served: &ServedRoots) -> rusqlite::Result<Vec<(StoreKey, Stamp)>> {
    let sql = "SELECT root_id, folder, filename, size_bytes, modified_ns, inode FROM files WHERE present = 1";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    let mut present = Vec::new();
    while let Some(row) = rows.next()? {
        if let Some(key) = served.key(row)? {
            present.push((key, rows::stamp(row, 3)?));
        }
    }
    Ok(present)
}

fn counts(connection: &Connection, served: &ServedRoots) -> rusqlite::Result<Counts> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT count(DISTINCT project_id), count(*) FROM files WHERE present = 1 AND root_id IN ({})",
        served.id_list
    ))?;
    statement.query_row([], |row| {
        Ok(Counts {
            projects: row.get::<_, i64>(0)?.unsigned_abs(),
            files: row.get::<_, i64>(1)?.unsigned_abs(),
        })
    })
}

fn record_facts(
    transaction: &Transaction<'_>,
    served: &ServedRoots,
    key: &StoreKey,
    stamp: Stamp,
    facts: &FileFacts,
) -> rusqlite::Result<bool> {
    let Some(columns) = served.columns(key) else {
        return Ok(false);
    };
    let (size_bytes, modified_ns, inode) = rows::stamp_columns(stamp);
    let changed = transaction
        .prepare_cached(
            "UPDATE files SET sha256 = ?7, digests = ?8, requires_python = ?9, metadata_sha256 = ?10, defect = ?11, \
             former_sha256 = NULL \
             WHERE filename = ?1 AND folder = ?2 AND root_id = ?3 \
             AND size_bytes = ?4 AND modified_ns = ?5 AND inode = ?6",
        )?
        .execute(params![
            columns.filename,
            columns.folder,
            columns.root_id,
            size_bytes,
            modified_ns,
            inode,
            facts.sha256.as_bytes(),
            rows::digests_to_text(&facts.digests),
            facts.requires_python,
            facts.metadata_sha256.as_ref().map(|digest| *digest.as_bytes()),
            facts.defect,
        ])?;
    Ok(changed > 0)
}

fn record_upload(
    transaction: &Transaction<'_>,
    served: &ServedRoots,
    upload: &UploadRecord,
) -> rusqlite::Result<()> {
    forget_bookmark(transaction)?;
    let project_id = project_id(transaction, upload.filename.project())?;
    let at_ns = rows::nanoseconds(upload.at);
    if let Some(columns) = served.columns(&upload.key) {
        let (size_bytes, modified_ns, inode) = rows::stamp_columns(upload.stamp);
        transaction
            .prepare_cached(
                "INSERT INTO files (root_id, folder, filename, project_id, identity, size_bytes, modified_ns, \
                 inode, present, uploaded_at_ns, uploader) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 1, ?9, ?10) \
                 ON CONFLICT (filename, folder, root_id) DO UPDATE SET size_bytes = excluded.size_bytes, \
                 modified_ns = excluded.modified_ns, inode = excluded.inode, present = 1, \
                 uploaded_at_ns = excluded.uploaded_at_ns, uploader = excluded.uploader, \
                 yank_reason = iif(?11, NULL, yank_reason)",
            )?
            .execute(params![
                columns.root_id,
                columns.folder,
                columns.filename,
                project_id,
                upload.filename.identity(),
                size_bytes,
                modified_ns,
                inode,
                at_ns,
                upload.uploader,
                upload.replaced,
            ])?;
        record_facts(transaction, served, &upload.key, upload.stamp, &upload.facts)?;
    }
    Audit {
        at_ns,
        actor: upload.uploader.as_deref(),
        action: if upload.replaced { "replace" } else { "upload" },
        project: Some(upload.filename.project().as_str()),
        path: upload.key.path(),
        sha256: Some(*upload.facts.sha256.as_bytes()),
    }
    .record(transaction)
}

/// What someone made of a file's presence.
#[derive(Clone, Copy)]
struct Presence {
    present: bool,
    /// The word for it in the audit trail.
    action: &'static str,
}

impl Presence {
    fn record(
        self,
        transaction: &Transaction<'_>,
        served: &ServedRoots,
        key: &StoreKey,
        actor: Option<&str>,
        at: Timestamp,
    ) -> rusqlite::Result<()> {
        forget_bookmark(transaction)?;
        let mut known = None;
        if let Some(columns) = served.columns(key) {
            known = transaction
                .prepare_cached(
                    "UPDATE files SET present = ?4 WHERE filename = ?1 AND folder = ?2 AND root_id = ?3 \
                     RETURNING (SELECT name FROM projects WHERE id = project_id), sha256",
                )?
                .query_row(
                    params![columns.filename, columns.folder, columns.root_id, self.present],
                    |row| Ok((row.get::<_, String>(0)?, row.get::<_, Option<[u8; 32]>>(1)?)),
                )
                .optional()?;
        }
        let (project, sha256) = known.unzip();
        Audit {
            at_ns: rows::nanoseconds(at),
            actor,
            action: self.action,
            project: project.as_deref(),
            path: key.path(),
            sha256: sha256.flatten(),
        }
        .record(transaction)
    }
}

/// What is known of the files is about to change.
fn forget_bookmark(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    transaction.prepare_cached("DELETE FROM bookmark")?.execute([])?;
    Ok(())
}

/// A row of the audit trail.
struct Audit<'a> {
    at_ns: i64,
    actor: Option<&'a str>,
    action: &'static str,
    project: Option<&'a str>,
    path: &'a str,
    sha256: Option<[u8; 32]>,
}

impl Audit<'_> {
    fn record(&self, transaction: &Transaction<'_>) -> rusqlite::Result<()> {
        transaction
            .prepare_cached(
                "INSERT INTO audit (at_ns, actor, action, project, path, sha256) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![
                self.at_ns,
                self.actor,
                self.action,
                self.project,
                self.path,
                self.sha256
            ])?;
        Ok(())
    }
}

#[cfg(test)]
#[path = "sqlite_tests.rs"]
mod tests;
