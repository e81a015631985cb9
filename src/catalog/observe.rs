//! Keeping the rows in step with what is seen in the folders.

use std::collections::HashMap;

use rusqlite::{ErrorCode, OptionalExtension as _, Transaction, params};

use super::Observation;
use super::rows::{self, KeyColumns, ServedRoots};
use crate::packaging::{DistFilename, ProjectName};
use crate::storage::{Stamp, StoreKey};

/// From so many files on a first look is worth the trouble of [`SetAside`].
const MANY_FILES: usize = 1_000;

/// Indexes that are made anew after a first look at a folder, which costs a quarter of what keeping them in step with
/// each new row would.
pub(super) struct SetAside {
    /// The statements that make them.
    makers: Vec<String>,
}

impl SetAside {
    /// Drops the indexes when there are no rows yet and many to come.
    pub(super) fn begin(transaction: &Transaction<'_>, files: usize) -> rusqlite::Result<Self> {
        let mut makers = Vec::new();
        if files < MANY_FILES || transaction.prepare("SELECT 1 FROM files")?.exists([])? {
            return Ok(Self { makers });
        }
        let indexes = "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'files' \
                       AND sql IS NOT NULL";
        let mut statement = transaction.prepare(indexes)?;
        let named = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get(1)?)))?;
        for (name, maker) in named.collect::<rusqlite::Result<Vec<_>>>()? {
            transaction.execute_batch(&format!("DROP INDEX {name}"))?;
            makers.push(maker);
        }
        Ok(Self { makers })
    }

    /// Makes them again. A file that was met twice, because it was renamed to and fro meanwhile, is as it was met last.
    pub(super) fn end(self, transaction: &Transaction<'_>) -> rusqlite::Result<()> {
        for maker in &self.makers {
            match transaction.execute_batch(maker) {
                Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => {
                    transaction.execute_batch(
                        "DELETE FROM files WHERE id NOT IN \
                         (SELECT max(id) FROM files GROUP BY filename, folder, root_id)",
                    )?;
                    transaction.execute_batch(maker)?;
                }
                outcome => outcome?,
            }
        }
        Ok(())
    }

    /// Whether this is a first look: no file is known yet.
    fn is_first_look(&self) -> bool {
        !self.makers.is_empty()
    }
}

/// Takes in what was seen in the folders, within one transaction.
pub(super) struct Observer<'a> {
    transaction: &'a Transaction<'a>,
    served: &'a ServedRoots,
    /// The projects that were met, with their rows and whether their pages are affected.
    projects: HashMap<ProjectName, (i64, bool)>,
    /// No file is known yet.
    is_first_look: bool,
    /// No project is known but those that were met.
    has_no_projects: bool,
}

impl<'a> Observer<'a> {
    /// Nothing was seen yet.
    pub(super) fn new(
        transaction: &'a Transaction<'a>,
        served: &'a ServedRoots,
        indexes: &SetAside,
    ) -> rusqlite::Result<Self> {
        Ok(Self {
            transaction,
            served,
            projects: HashMap::new(),
            is_first_look: indexes.is_first_look(),
            has_no_projects: !transaction.prepare("SELECT 1 FROM projects")?.exists([])?,
        })
    }

    /// Takes in many, in an order of its own: in that of the index a large folder is taken in twice as fast. Of several
    /// observations of one key the last remains the last.
    pub(super) fn take_all(&mut self, observations: &[Observation]) -> rusqlite::Result<()> {
        let mut in_order: Vec<(&str, &Observation)> = observations
            .iter()
            .map(|observation| (observation.key().filename(), observation))
            .collect();
        in_order.sort_by_key(|(filename, _)| *filename);
        in_order
            .into_iter()
            .try_for_each(|(_, observation)| self.take(observation))
    }

    /// Takes in one observation.
    fn take(&mut self, observation: &Observation) -> rusqlite::Result<()> {
        match observation {
            Observation::Seen {
                key,
                filename,
                stamp,
                rewritten,
            } => self.seen(key, filename, *stamp, *rewritten),
            Observation::Gone { key } => self.gone(key),
        }
    }

    /// The projects whose pages are affected by what was taken in.
    pub(super) fn affected(self) -> Vec<ProjectName> {
        let affected = self
            .projects
            .into_iter()
            .filter(|(_, (_, is_affected))| *is_affected);
        affected.map(|(name, _)| name).collect()
    }

    fn seen(
        &mut self,
        key: &StoreKey,
        filename: &DistFilename,
        stamp: Stamp,
        rewritten: bool,
    ) -> rusqlite::Result<()> {
        let Some(columns) = self.served.columns(key) else {
            return Ok(());
        };
        if self.is_first_look {
            return self.appeared(&columns, filename, stamp);
        }
        let known = self
            .transaction
            .prepare_cached(
                "SELECT size_bytes, modified_ns, inode, present, id FROM files \
                 WHERE filename = ?1 AND folder = ?2 AND root_id = ?3",
            )?
            .query_row(
                params![columns.filename, columns.folder, columns.root_id],
                |row| {
                    Ok((
                        rows::stamp(row, 0)?,
                        row.get::<_, bool>(3)?,
                        row.get::<_, i64>(4)?,
                    ))
                },
            )
            .optional()?;
        match known {
            Some((known, true, _)) if known == stamp && !rewritten => return Ok(()),
            Some((known, _, id)) if known == stamp && rewritten => self.rewritten(id)?,
            Some((known, false, id)) if known == stamp => {
                self.transaction
                    .prepare_cached("UPDATE files SET present = 1 WHERE id = ?1")?
                    .execute([id])?;
            }
            Some((_, _, id)) => self.changed(id, stamp)?,
            None => return self.appeared(&columns, filename, stamp),
        }
        self.project(filename.project())?.1 = true;
        Ok(())
    }

    /// Its facts count no more; upload time and uploader were said of it, and stay.
    fn rewritten(&self, id: i64) -> rusqlite::Result<()> {
        self.transaction
            .prepare_cached(
                "UPDATE files SET present = 1, former_sha256 = coalesce(sha256, former_sha256), sha256 = NULL, digests = '', requires_python = NULL, \
                 metadata_sha256 = NULL, defect = NULL WHERE id = ?1",
            )?
            .execute([id])?;
        Ok(())
    }

    fn changed(&self, id: i64, stamp: Stamp) -> rusqlite::Result<()> {
        let (size_bytes, modified_ns, inode) = rows::stamp_columns(stamp);
        self.transaction
            .prepare_cached(
                "UPDATE files SET size_bytes = ?2, modified_ns = ?3, inode = ?4, present = 1, uploaded_at_ns = ?3, \
                 uploader = NULL, former_sha256 = coalesce(sha256, former_sha256), sha256 = NULL, digests = '', requires_python = NULL, metadata_sha256 = NULL, \
                 defect = NULL WHERE id = ?1",
            )?
            .execute(params![id, size_bytes, modified_ns, inode])?;
        Ok(())
    }

    fn appeared(
        &mut self,
        columns: &KeyColumns<'_>,
        filename: &DistFilename,
        stamp: Stamp,
    ) -> rusqlite::Result<()> {
        let project = self.project(filename.project())?;
        project.1 = true;
        let project_id = project.0;
        let (size_bytes, modified_ns, inode) = rows::stamp_columns(stamp);
        self.transaction
            .prepare_cached(
                "INSERT INTO files (root_id, folder, filename, project_id, identity, size_bytes, modified_ns, \
                 inode, present, uploaded_at_ns) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 1, ?7)",
            )?
            .execute(params![
                columns.root_id,
                columns.folder,
                columns.filename,
                project_id,
                filename.identity(),
                size_bytes,
                modified_ns,
                inode
            ])?;
        Ok(())
    }

    fn gone(&mut self, key: &StoreKey) -> rusqlite::Result<()> {
        let Some(columns) = self.served.columns(key) else {
            return Ok(());
        };
        let project = self
            .transaction
            .prepare_cached(
                "UPDATE files SET present = 0 \
                 WHERE filename = ?1 AND folder = ?2 AND root_id = ?3 AND present = 1 \
                 RETURNING (SELECT name FROM projects WHERE id = project_id)",
            )?
            .query_row(
                params![columns.filename, columns.folder, columns.root_id],
                |row| Ok(project_name(row.get_ref(0)?.as_str()?)),
            )
            .optional()?;
        if let Some(name) = project.flatten() {
            self.project(&name)?.1 = true;
        }
        Ok(())
    }

    fn project(&mut self, name: &ProjectName) -> rusqlite::Result<&mut (i64, bool)> {
        if !self.projects.contains_key(name) {
            let id = match self.has_no_projects {
                true => new_project(self.transaction, name)?,
                false => project_id(self.transaction, name)?,
            };
            self.projects.insert(name.clone(), (id, false));
        }
        Ok(self.projects.entry(name.clone()).or_default())
    }
}

/// The row of a project, made when there is none.
pub(super) fn project_id(transaction: &Transaction<'_>, name: &ProjectName) -> rusqlite::Result<i64> {
    let known = transaction
        .prepare_cached("SELECT id FROM projects WHERE name = ?1")?
        .query_row([name.as_str()], |row| row.get(0))
        .optional()?;
    if let Some(id) = known {
        return Ok(id);
    }
    new_project(transaction, name)
}

fn new_project(transaction: &Transaction<'_>, name: &ProjectName) -> rusqlite::Result<i64> {
    transaction
        .prepare_cached("INSERT INTO projects (name) VALUES (?1)")?
        .insert([name.as_str()])
}

/// A name from the database; `None`, with a word to the operator, when it is none.
pub(super) fn project_name(text: &str) -> Option<ProjectName> {
    text.parse()
        .inspect_err(|error| tracing::warn!(%error, "the catalog holds a project name that is none; it is passed over"))
        .ok()
}
