//! Removes a release: all its files in all folders, durably, so that their names never come back with other bytes.

use std::sync::Arc;

use jiff::Timestamp;
use tracing::{debug, info, warn};

use super::{Error, Index};
use crate::catalog::FileRecord;
use crate::causes::in_one_line;
use crate::packaging::{DistFilename, ProjectName, ReleaseVersion};
use crate::storage::{self, StoreKey};

/// A release that is to be removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removal {
    /// The project.
    pub project: ProjectName,
    /// The release.
    pub version: ReleaseVersion,
    /// The version as it was asked for. When no file is of that version, it may also be a wheel's version and build tag
    /// joined by a dash, which is what pypiserver calls a version.
    pub version_as_written: String,
    /// Who asked for it; `None` where no password is needed.
    pub actor: Option<String>,
}

/// Why a release was not removed, or not wholly.
#[derive(Debug, thiserror::Error)]
pub enum RemovalError {
    /// No file of such a release is here.
    #[error("project `{project}` has no release `{}` on this index", .version.escape_debug())]
    Nothing {
        /// The project.
        project: ProjectName,
        /// The version as it was asked for.
        version: String,
    },
    /// A file can't be removed. What was removed before it is gone.
    #[error("{}", incomplete_message(.removed, .kept))]
    Incomplete {
        /// Paths of the files that were removed.
        removed: Vec<String>,
        /// Paths of the files that are still there; the first one is the one that can't be removed.
        kept: Vec<String>,
        /// What the store said.
        #[source]
        source: storage::Error,
    },
    /// The index could not do its work.
    #[error(transparent)]
    Index(#[from] Error),
}

impl From<crate::catalog::Error> for RemovalError {
    fn from(error: crate::catalog::Error) -> Self {
        Self::Index(error.into())
    }
}

fn incomplete_message(removed: &[String], kept: &[String]) -> String {
    let list = |paths: &[String]| {
        let quoted: Vec<String> = paths.iter().map(|path| format!("`{path}`")).collect();
        quoted.join(", ")
    };
    let obstacle = kept.first().map_or("", String::as_str);
    let remedy = "ask the index's operator to look at its folder";
    if removed.is_empty() {
        return format!("nothing was removed, because `{obstacle}` can't be; {remedy}");
    }
    format!(
        "{} can't be removed, so the release is gone in part: {} removed, {} still there; {remedy}",
        list(&kept[..kept.len().min(1)]),
        list(removed),
        list(kept)
    )
}

impl Index {
    /// Removes all files of a release and their signatures from all folders. Gives how many files went.
    ///
    /// When it returns, the files are gone for good, pages don't list them any more, and the catalog keeps their digests:
    /// an upload under one of their names is refused unless it has the same bytes.
    ///
    /// # Errors
    /// [`RemovalError`]. A file that can't be removed ends the work; folders that receive no uploads, which are the ones
    /// that tend to be read-only, are tried first, so that in most cases nothing is gone then.
    pub async fn remove_release(self: &Arc<Self>, removal: Removal) -> Result<usize, RemovalError> {
        self.settle().await?;
        let files = self.files_of(&removal).await?;
        if files.is_empty() {
            return Err(RemovalError::Nothing {
                project: removal.project,
                version: removal.version_as_written,
            });
        }
        let index = Arc::clone(self);
        // In a task of its own, so that a client that goes away can't stop it half-way.
        let work = async move { index.remove_files(files, removal.actor.as_deref()).await };
        tokio::spawn(work).await.map_err(Error::from)?
    }

    /// All files of the release, the last folder's first; those that are hidden behind another one of their name, too.
    async fn files_of(self: &Arc<Self>, removal: &Removal) -> Result<Vec<FileRecord>, Error> {
        let Some(project) = self.project_as_it_is(&removal.project).await? else {
            return Ok(Vec::new());
        };
        let of_version: Vec<&FileRecord> = project
            .files
            .iter()
            .filter(|record| *record.filename.version() == removal.version)
            .collect();
        let listed = if of_version.is_empty() {
            let of_build = |record: &&FileRecord| is_build(&record.filename, &removal.version_as_written);
            project.files.iter().filter(of_build).collect()
        } else {
            of_version
        };
        let mut files: Vec<FileRecord> = Vec::new();
        for record in listed {
            let same_name = self.catalog.files_like(&record.filename.identity()).await?;
            files.extend(
                same_name
                    .into_iter()
                    .filter(|other| other.present && other.filename.project() == &removal.project),
            );
        }
        files.sort_by(|a, b| b.key.cmp(&a.key));
        files.dedup_by(|a, b| a.key == b.key);
        Ok(files)
    }

    async fn remove_files(
        self: &Arc<Self>,
        files: Vec<FileRecord>,
        actor: Option<&str>,
    ) -> Result<usize, RemovalError> {
        let mut removed = Vec::new();
        let mut waiting = files.into_iter();
        while let Some(record) = waiting.next() {
            let path = record.key.path().to_owned();
            match self.remove_file(record, actor).await {
                Ok(()) => removed.push(path),
                Err(Error::Store(source)) => {
                    let rest = waiting.map(|record| record.key.path().to_owned());
                    return Err(RemovalError::Incomplete {
                        removed,
                        kept: std::iter::once(path).chain(rest).collect(),
                        source,
                    });
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(removed.len())
    }

    /// Removes one file: first its digest is made sure of, then the catalog is told, then it goes.
    pub(super) async fn remove_file(
        self: &Arc<Self>,
        record: FileRecord,
        actor: Option<&str>,
    ) -> Result<(), Error> {
        let key = record.key.clone();
        let project = record.filename.project().clone();
        let _committing = self.commits.begin();
        let _turn = self.uploads.lock(&record.filename.identity()).await;
        self.remember_digest(record).await;
        self.remove_noted(&key, &project, actor, Timestamp::now()).await?;
        if let Err(error) = self.remove_signature(&key).await {
            warn!(file = %key.signature(), error = in_one_line(&error), "a signature has outlived its file");
        }
        info!(file = %key, user = actor, "removed");
        Ok(())
    }

    /// Takes note of a removal, and then does it: what can't be remembered must not happen, or the name could come back
    /// with other bytes. Cut short in between, the file is still there, and the next listing finds it.
    pub(super) async fn remove_noted(
        self: &Arc<Self>,
        key: &StoreKey,
        project: &ProjectName,
        actor: Option<&str>,
        at: Timestamp,
    ) -> Result<(), Error> {
        self.catalog.record_removal(key, actor, at).await?;
        // No page may lead to it when it goes.
        self.files.forget(key);
        self.pages.forget([project]);
        let outcome = match self.store.delete(key).await {
            // Someone was faster.
            Ok(()) | Err(storage::Error::NotFound(_)) => Ok(()),
            Err(error) => Err(error.into()),
        };
        if outcome.is_err() {
            if let Err(error) = self.catalog.record_kept(key, actor, at).await {
                debug!(
                    error = in_one_line(&error),
                    "the folder will tell that the file is still there"
                );
            }
            // Whatever was recorded, what stands there now decides.
            self.changes.displaced(key);
            self.files.forget(key);
            self.pages.forget([project]);
        }
        outcome
    }

    /// A file that was copied in may not have been read yet; without a digest its name could come back with any bytes.
    async fn remember_digest(self: &Arc<Self>, record: FileRecord) {
        let rewritings = self.changes.rewritings();
        match self.with_facts(record).await {
            Ok(Some((record, facts))) => {
                self.keep_facts(&record.key, record.stamp, facts, rewritings)
                    .await;
            }
            Ok(None) => {}
            // It can't be read, so it can't be downloaded either: nobody relies on its bytes.
            Err(error) => debug!(error = in_one_line(&error), "removed without a digest"),
        }
    }
}

/// Whether the file is a wheel of which `asked` is the version and the build tag.
fn is_build(filename: &DistFilename, asked: &str) -> bool {
    let (DistFilename::Wheel(wheel), Some((version, build))) = (filename, asked.rsplit_once('-')) else {
        return false;
    };
    wheel.build.as_deref() == Some(build) && *filename.version() == ReleaseVersion::parse(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_tag_may_stand_behind_the_version() {
        let wheel = DistFilename::parse_listed("demo-217-55-py3-none-any.whl").unwrap();
        assert!(is_build(&wheel, "217-55"));
        assert!(is_build(&wheel, "217.0-55"));
        for other in ["217", "217-5", "218-55", "55", "-55", ""] {
            assert!(!is_build(&wheel, other), "{other}");
        }
        let sdist = DistFilename::parse_listed("demo-217.tar.gz").unwrap();
        assert!(!is_build(&sdist, "217-55"));
    }

    #[test]
    fn what_went_and_what_did_not_is_said() {
        let paths = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        let message = incomplete_message(&[], &paths(&["a", "b"]));
        assert!(
            message.starts_with("nothing was removed, because `a` can't be;"),
            "{message}"
        );
        let message = incomplete_message(&paths(&["a", "b"]), &paths(&["c", "d"]));
        assert!(
            message.starts_with(
                "`c` can't be removed, so the release is gone in part: `a`, `b` removed, `c`, `d` still there"
            ),
            "{message}"
        );
    }
}
