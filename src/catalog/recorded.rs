//! What the catalog remembers of the files' bytes, for those who look from outside whether they still are the same.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::Error;
use super::examine::open;
use super::file::failure;
use super::rows::{self, ServedRoots};
use crate::packaging::Sha256;
use crate::storage::{Stamp, StoreKey};

/// What is remembered of a file that was there when a server looked last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Where it lies.
    pub key: StoreKey,
    /// The state in which it was seen.
    pub stamp: Stamp,
    /// The digest that it had in that state; `None` until it was read.
    pub sha256: Option<Sha256>,
    /// The upload that it came by; `None` when it was copied into the folder.
    pub uploaded: Option<Uploaded>,
}

/// An upload in the audit trail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uploaded {
    /// The digest of what was acknowledged.
    pub sha256: Sha256,
    /// When.
    pub at: Timestamp,
    /// By whom; `None` without a password.
    pub by: Option<String>,
}

/// Reads what the catalog at `path` remembers of the files in `roots`, in the order of their keys, without changing a
/// byte of it; blocks.
///
/// # Errors
/// [`Error::Damaged`], or [`Error::Database`] when it can't be read.
pub fn recorded(path: &Path, roots: &[PathBuf]) -> Result<Vec<Recorded>, Error> {
    let connection = open(path).map_err(|error| failure(path, "open", error))?;
    let mut files = read(&connection, path, roots).map_err(|error| failure(path, "read", error))?;
    files.sort_by(|a, b| a.key.cmp(&b.key));
    Ok(files)
}

fn read(connection: &Connection, path: &Path, roots: &[PathBuf]) -> rusqlite::Result<Vec<Recorded>> {
    let served = ServedRoots::find(connection, path, roots)?;
    let mut uploads = uploads(connection)?;
    let mut statement = connection.prepare(
        "SELECT root_id, folder, filename, size_bytes, modified_ns, inode, sha256 FROM files WHERE present = 1",
    )?;
    let mut rows = statement.query(params![])?;
    let mut files = Vec::new();
    while let Some(row) = rows.next()? {
        let Some(key) = served.key(row)? else { continue };
        // Uploads go into the first folder.
        let is_first = key.root().0 == 0;
        let uploaded = is_first.then(|| uploads.remove(key.path())).flatten();
        files.push(Recorded {
            stamp: rows::stamp(row, 3)?,
            sha256: rows::digest(row, 6)?,
            key,
            uploaded,
        });
    }
    Ok(files)
}

/// The last upload to each path that nobody took away through the index since.
fn uploads(connection: &Connection) -> rusqlite::Result<HashMap<String, Uploaded>> {
    let mut statement =
        connection.prepare("SELECT path, action, sha256, at_ns, actor FROM audit ORDER BY id")?;
    let mut rows = statement.query([])?;
    let mut uploads = HashMap::new();
    let mut removed = HashMap::new();
    while let Some(row) = rows.next()? {
        let path: String = row.get(0)?;
        match (row.get_ref(1)?.as_str()?, rows::digest(row, 2)?) {
            ("upload" | "replace", Some(sha256)) => {
                let (at, by) = (rows::timestamp(row.get(3)?), row.get(4)?);
                uploads.insert(path, Uploaded { sha256, at, by });
            }
            ("remove", _) => removed.extend(uploads.remove_entry(&path)),
            // A removal that could not be done.
            ("keep", _) => uploads.extend(removed.remove_entry(&path)),
            _ => {}
        }
    }
    Ok(uploads)
}

#[cfg(test)]
mod tests {
    use super::super::contract::{facts, key, seen, stamp, upload};
    use super::super::{Catalog as _, SqliteCatalog};
    use super::*;

    #[tokio::test]
    async fn uploads_and_copies_are_told_and_nothing_is_changed() {
        let scratch = tempfile::tempdir().unwrap();
        let roots = ["one", "two"].map(|name| scratch.path().join(name)).to_vec();
        let path = roots[0].join(".pkgctl/catalog.db");
        let (catalog, _) = SqliteCatalog::open(&path, &roots).unwrap();
        let at = Timestamp::UNIX_EPOCH;
        for (name, number) in [("a-1.0.tar.gz", 1), ("b-1.0.tar.gz", 2), ("c-1.0.tar.gz", 3)] {
            catalog.record_upload(upload(name, number)).await.unwrap();
        }
        let mut replacing = upload("a-1.0.tar.gz", 4);
        (replacing.replaced, replacing.facts) = (true, facts("replaced"));
        catalog.record_upload(replacing.clone()).await.unwrap();
        // One that could not be removed, and one that was, before somebody copied another one in.
        let (b, c) = (key(0, "b-1.0.tar.gz"), key(0, "c-1.0.tar.gz"));
        catalog.record_removal(&b, None, at).await.unwrap();
        catalog.record_kept(&b, None, at).await.unwrap();
        catalog.record_removal(&c, None, at).await.unwrap();
        let copied = [
            seen(0, "c-1.0.tar.gz", stamp(7)),
            seen(1, "a-1.0.tar.gz", stamp(8)),
        ];
        catalog.observe(copied.to_vec()).await.unwrap();

        let recorded = recorded(&path, &roots).unwrap();
        let told: Vec<_> = recorded
            .iter()
            .map(|file| {
                (
                    file.key.clone(),
                    file.stamp,
                    file.sha256,
                    file.uploaded.as_ref().map(|it| it.sha256),
                )
            })
            .collect();
        let (first, second) = (Some(facts("replaced").sha256), Some(facts("upload").sha256));
        assert_eq!(
            told,
            [
                (key(0, "a-1.0.tar.gz"), stamp(4), first, first),
                (b, stamp(2), second, second),
                (c, stamp(7), None, None),
                (key(1, "a-1.0.tar.gz"), stamp(8), None, None),
            ]
        );
        let uploaded = recorded[0].uploaded.clone().unwrap();
        assert_eq!(
            (uploaded.at, uploaded.by.as_deref()),
            (replacing.at, Some("alice"))
        );
        // Of folders that it never served it knows nothing.
        assert_eq!(
            super::recorded(&path, &[scratch.path().join("three")]).unwrap(),
            []
        );
    }
}
