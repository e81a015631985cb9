//! Records as rows, and back.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::types::{FromSqlError, Type, ValueRef};
use rusqlite::{Connection, OptionalExtension as _, Row};

use super::{FileFacts, FileRecord, ProjectStatus, Yank};
use crate::packaging::digest::{Algorithm, NamedDigest};
use crate::packaging::{DistFilename, Sha256};
use crate::storage::{Root, Stamp, StoreKey};

/// The columns that [`ServedRoots::file`] reads, in its order.
pub(super) const FILE_COLUMNS: &str = "root_id, folder, filename, size_bytes, modified_ns, inode, present, \
     uploaded_at_ns, uploader, yank_reason, sha256, digests, requires_python, metadata_sha256, defect, former_sha256";

/// The roots that are served now, and the rows that stand for them.
///
/// Rows of other roots stay as they are: they are seen again when their root is.
#[derive(Debug)]
pub(super) struct ServedRoots {
    ids: Vec<i64>,
    roots: HashMap<i64, Root>,
    /// The ids for the inside of `IN ()`.
    pub(super) id_list: String,
}

/// A key as the columns hold it.
pub(super) struct KeyColumns<'a> {
    pub(super) root_id: i64,
    pub(super) folder: &'a str,
    pub(super) filename: &'a str,
}

impl ServedRoots {
    /// Finds or makes the rows of `roots`.
    pub(super) fn register(
        connection: &Connection,
        catalog: &Path,
        roots: &[PathBuf],
    ) -> rusqlite::Result<Self> {
        for root in roots {
            connection.execute(
                "INSERT INTO roots (folder) VALUES (?1) ON CONFLICT DO NOTHING",
                [root_label(catalog, root).as_encoded_bytes()],
            )?;
        }
        Self::find(connection, catalog, roots)
    }

    /// Finds the rows of `roots` without a change; one that has none has no files either.
    pub(super) fn find(connection: &Connection, catalog: &Path, roots: &[PathBuf]) -> rusqlite::Result<Self> {
        /// No row has it.
        const NONE: i64 = -1;
        let mut ids = Vec::new();
        for root in roots {
            let label = root_label(catalog, root);
            let id = connection
                .query_row(
                    "SELECT id FROM roots WHERE folder = ?1",
                    [label.as_encoded_bytes()],
                    |row| row.get(0),
                )
                .optional()?;
            ids.push(id.unwrap_or(NONE));
        }
        let mut numbers = HashMap::new();
        for (id, root) in ids.iter().zip((0..).map(Root)) {
            // Of a folder that was named twice the first root is the one that counts.
            numbers.entry(*id).or_insert(root);
        }
        let id_list = ids.iter().map(i64::to_string).collect::<Vec<_>>().join(", ");
        Ok(Self {
            ids,
            roots: numbers,
            id_list,
        })
    }

    /// The columns that hold `key`; `None` when its root is not served.
    pub(super) fn columns<'a>(&self, key: &'a StoreKey) -> Option<KeyColumns<'a>> {
        let (folder, filename) = key.path().rsplit_once('/').unwrap_or(("", key.path()));
        Some(KeyColumns {
            root_id: *self.ids.get(usize::from(key.root().0))?,
            folder,
            filename,
        })
    }

    /// The key in the first three columns of a row; `None` when its root is not served.
    pub(super) fn key(&self, row: &Row<'_>) -> rusqlite::Result<Option<StoreKey>> {
        let Some(root) = self.roots.get(&row.get(0)?) else {
            return Ok(None);
        };
        let (folder, filename) = (text(row, 1)?, text(row, 2)?);
        let key = match folder {
            "" => StoreKey::parse(*root, filename),
            _ => StoreKey::parse(*root, &format!("{folder}/{filename}")),
        };
        if key.is_none() {
            tracing::warn!(
                folder,
                filename,
                "the catalog holds a path that can't be; it is passed over"
            );
        }
        Ok(key)
    }

    /// The record in a row of [`FILE_COLUMNS`]; `None` when its root is not served, or its name is none.
    pub(super) fn file(&self, row: &Row<'_>) -> rusqlite::Result<Option<FileRecord>> {
        let Some(key) = self.key(row)? else {
            return Ok(None);
        };
        let filename = match DistFilename::parse_listed(text(row, 2)?) {
            Ok(filename) => filename,
            Err(error) => {
                tracing::warn!(%key, %error, "the catalog holds a name that is none; it is passed over");
                return Ok(None);
            }
        };
        let yank_reason: Option<String> = row.get(9)?;
        Ok(Some(FileRecord {
            key,
            filename,
            stamp: stamp(row, 3)?,
            present: row.get(6)?,
            uploaded_at: timestamp(row.get(7)?),
            uploader: row.get(8)?,
            yanked: yank_reason.map(|reason| Yank { reason }),
            facts: facts(row)?,
            former_sha256: digest(row, 15)?,
        }))
    }

    /// All records that a query of [`FILE_COLUMNS`] gives.
    pub(super) fn files(
        &self,
        connection: &Connection,
        sql: &str,
        parameters: impl rusqlite::Params,
    ) -> rusqlite::Result<Vec<FileRecord>> {
        let mut statement = connection.prepare_cached(sql)?;
        let mut rows = statement.query(parameters)?;
        let mut records = Vec::new();
        while let Some(row) = rows.next()? {
            records.extend(self.file(row)?);
        }
        Ok(records)
    }
}

/// How a root is known to the catalog: one that holds the catalog by the way from the catalog's folder up to it, so
/// that moving both keeps them together; any other by its absolute path.
fn root_label(catalog: &Path, root: &Path) -> OsString {
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let (catalog, root) = (absolute(catalog), absolute(root));
    match catalog
        .parent()
        .and_then(|folder| folder.strip_prefix(&root).ok())
    {
        Some(way_down) => vec![".."; way_down.components().count()].join("/").into(),
        None => root.into_os_string(),
    }
}

fn text<'a>(row: &'a Row<'_>, index: usize) -> rusqlite::Result<&'a str> {
    let wrong_type =
        |error: FromSqlError| rusqlite::Error::FromSqlConversionFailure(index, Type::Text, error.into());
    row.get_ref(index)?.as_str().map_err(wrong_type)
}

/// The stamp in three columns from `first` on.
pub(super) fn stamp(row: &Row<'_>, first: usize) -> rusqlite::Result<Stamp> {
    let size_bytes: i64 = row.get(first)?;
    let inode: i64 = row.get(first + 2)?;
    Ok(Stamp {
        size_bytes: size_bytes.unsigned_abs(),
        modified_ns: row.get(first + 1)?,
        identity: inode.cast_unsigned(),
    })
}

/// The three columns of a stamp.
pub(super) fn stamp_columns(stamp: Stamp) -> (i64, i64, i64) {
    let size_bytes = i64::try_from(stamp.size_bytes).unwrap_or(i64::MAX);
    (size_bytes, stamp.modified_ns, stamp.identity.cast_signed())
}

fn facts(row: &Row<'_>) -> rusqlite::Result<Option<FileFacts>> {
    let Some(sha256) = digest(row, 10)? else {
        return Ok(None);
    };
    Ok(Some(FileFacts {
        sha256,
        digests: digests_from_text(text(row, 11)?),
        requires_python: row.get(12)?,
        metadata_sha256: digest(row, 13)?,
        defect: row.get(14)?,
    }))
}

/// A digest in a column; `None` where there is none, or not one of the right length.
pub(super) fn digest(row: &Row<'_>, index: usize) -> rusqlite::Result<Option<Sha256>> {
    Ok(match row.get_ref(index)? {
        ValueRef::Blob(bytes) => bytes.try_into().ok().map(Sha256::from_bytes),
        _ => None,
    })
}

/// `md5:900150… sha512:ddaf35…`
pub(super) fn digests_to_text(digests: &[NamedDigest]) -> String {
    let named = digests
        .iter()
        .map(|digest| format!("{}:{}", digest.algorithm.name(), digest.hex()));
    named.collect::<Vec<_>>().join(" ")
}

fn digests_from_text(text: &str) -> Vec<NamedDigest> {
    use Algorithm::{Blake2b256, Md5, Sha256, Sha384, Sha512};
    let parse = |named: &str| {
        let (name, hex) = named.split_once(':')?;
        let algorithm = [Md5, Sha256, Sha384, Sha512, Blake2b256]
            .into_iter()
            .find(|algorithm| algorithm.name() == name)?;
        NamedDigest::parse(algorithm, hex).ok()
    };
    text.split(' ').filter_map(parse).collect()
}

/// Nanoseconds since 1970 in UTC, as far as 64 bits reach: from 1677 to 2262.
pub(super) fn nanoseconds(at: Timestamp) -> i64 {
    let clamped = at.as_nanosecond().clamp(i64::MIN.into(), i64::MAX.into());
    i64::try_from(clamped).unwrap_or_default()
}

pub(super) fn timestamp(nanoseconds: i64) -> Timestamp {
    Timestamp::from_nanosecond(nanoseconds.into()).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// The status with this name; one that a newer version gave counts as none.
pub(super) fn project_status(name: &str) -> ProjectStatus {
    use ProjectStatus::{Active, Archived, Deprecated, Quarantined};
    [Archived, Quarantined, Deprecated]
        .into_iter()
        .find(|status| status.name() == name)
        .unwrap_or(Active)
}
