//! Finding projects by pieces of their names, for `pip search`.

use std::sync::Arc;

use super::{Error, Index};
use crate::packaging::ProjectName;
use crate::packaging::version::ReleaseVersion;

/// Most projects that an answer holds; the best matches come first.
const MOST_FOUND: usize = 100;

/// What is looked for: pieces of names, spelt in any way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    pieces: Vec<String>,
    all: bool,
}

impl Query {
    /// Names that have any of these pieces in them, or `all` of them. Case and the kind of dash don't matter.
    #[must_use]
    pub fn new<'a>(pieces: impl IntoIterator<Item = &'a str>, all: bool) -> Self {
        let pieces = pieces.into_iter().map(normalized).collect();
        Self { pieces, all }
    }

    /// How well the name matches: less is better. `None` when it does not.
    fn rank(&self, name: &str) -> Option<u8> {
        let rank_of = |piece: &String| {
            let at = name.find(piece.as_str())?;
            Some(match at {
                0 if name.len() == piece.len() => 0,
                0 => 1,
                _ => 2,
            })
        };
        if self.all && !self.pieces.iter().all(|piece| name.contains(piece.as_str())) {
            return None;
        }
        self.pieces.iter().filter_map(rank_of).min()
    }
}

/// As names are normalized, but of a piece that may begin and end anywhere.
fn normalized(piece: &str) -> String {
    let mut normal = String::with_capacity(piece.len());
    for c in piece.trim().chars() {
        let is_dash = matches!(c, '-' | '_' | '.');
        if !(is_dash && normal.ends_with('-')) {
            normal.push(if is_dash { '-' } else { c.to_ascii_lowercase() });
        }
    }
    normal
}

/// A project that matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its name.
    pub name: ProjectName,
    /// Its latest release.
    pub version: ReleaseVersion,
    /// What the metadata of that release say of it in one line; may be empty.
    pub summary: String,
}

impl Index {
    /// The projects whose names match, at most a hundred, the best matches first.
    ///
    /// # Errors
    /// The folder or the catalog can't be read.
    pub async fn search(self: &Arc<Self>, query: &Query) -> Result<Vec<Found>, Error> {
        self.settle().await?;
        let ranked = self.catalog.projects().await?.into_iter();
        let mut ranked: Vec<(u8, ProjectName)> = ranked
            .filter_map(|name| Some((query.rank(name.as_str())?, name)))
            .collect();
        ranked.sort();
        ranked.truncate(MOST_FOUND);
        let mut found = Vec::with_capacity(ranked.len());
        for (_, name) in ranked {
            found.extend(self.found(name).await?);
        }
        Ok(found)
    }

    /// What an answer says of a project; `None` when its files went meanwhile.
    async fn found(self: &Arc<Self>, name: ProjectName) -> Result<Option<Found>, Error> {
        let Some(project) = self.project_as_it_is(&name).await? else {
            return Ok(None);
        };
        let Some(version) = self.latest_release(&project.files) else {
            return Ok(None);
        };
        let metadata = self.release_metadata(&project.files, &version).await?;
        let summary = metadata
            .as_ref()
            .and_then(|metadata| metadata.first("Summary"))
            .unwrap_or_default();
        Ok(Some(Found {
            name,
            version,
            summary: summary.split_whitespace().collect::<Vec<_>>().join(" "),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_by_pieces_in_any_spelling() {
        let rank = |pieces: &[&str], all, name: &str| Query::new(pieces.iter().copied(), all).rank(name);
        assert_eq!(rank(&["My_Lib"], false, "my-lib"), Some(0));
        assert_eq!(rank(&["my"], false, "my-lib"), Some(1));
        assert_eq!(rank(&["LIB"], false, "my-lib"), Some(2));
        assert_eq!(rank(&["._-lib"], false, "my-lib"), Some(2));
        assert_eq!(rank(&["libs"], false, "my-lib"), None);
        assert_eq!(rank(&["nothing", "lib"], false, "my-lib"), Some(2));
        assert_eq!(rank(&["nothing", "lib"], true, "my-lib"), None);
        assert_eq!(rank(&["my", "lib"], true, "my-lib"), Some(1));
        assert_eq!(rank(&[], false, "my-lib"), None);
        assert_eq!(rank(&[], true, "my-lib"), None);
    }
}
