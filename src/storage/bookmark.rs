//! Where the folders stood when everything in them was known, so that a start need not read them again.
//!
//! A folder's times move whenever a name comes, goes or is replaced in it, and the time of its status can't be set by
//! anybody. So folders that stand where a bookmark says hold the same names as when it was made. It says nothing of the
//! bytes of the files: whoever goes on from a bookmark must look at each file before it answers for its state.
//!
//! A bookmark is made only where that holds: no folder has changed within the last tick of the clock, none was passed
//! over because it can't be read, nothing is being written, and there are no symlinks, which may begin to lead
//! somewhere without a change in the folder.

use std::fmt::Write as _;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use super::times::State;
use super::{Root, StoreKey};

/// The first line; another version's bookmarks are none.
const HEAD: &str = "folders 1";

/// Where all folders of a store stood. Opaque text to everybody else, made by [`super::Store::bookmark`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bookmark(Box<str>);

impl Bookmark {
    /// A bookmark from the text that another one gave.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        Self(text.into())
    }

    /// The text, for keeping.
    #[must_use]
    pub fn as_text(&self) -> &str {
        &self.0
    }

    /// The bookmark of these folders as they stand now, each with its root and its path below that; `None` when one of
    /// them can't be looked at, or is so young that the next change may leave the same time. Blocks.
    pub(super) fn make<'a>(
        folders: impl IntoIterator<Item = (Root, &'a str)>,
        path_of: impl Fn(Root) -> Option<&'a Path>,
    ) -> Option<Self> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
        let mut lines = Vec::new();
        for (root, below_root) in folders {
            let state = State::at(path_of(root)?, below_root)?;
            if !state.is_older_than_a_tick(now) {
                return None;
            }
            lines.push(line(root, below_root, state));
        }
        lines.sort();
        Some(Self(format!("{HEAD}\n{}", lines.concat()).into()))
    }

    /// The folders in it; `None` when it is none of this version's.
    pub(super) fn folders(&self) -> Option<Vec<(Root, &str)>> {
        let mut lines = self.0.lines();
        if lines.next() != Some(HEAD) {
            return None;
        }
        lines
            .map(|line| {
                let (root, rest) = line.split_once(' ')?;
                let below_root = rest.splitn(7, ' ').nth(6)?;
                let root = Root(root.parse().ok()?);
                let is_path = below_root.is_empty() || StoreKey::parse(root, below_root).is_some();
                is_path.then_some((root, below_root))
            })
            .collect()
    }
}

fn line(root: Root, below_root: &str, state: State) -> String {
    let mut line = format!("{} ", root.0);
    for number in state.numbers() {
        // Writing to a string does not fail.
        let _ = write!(line, "{number} ");
    }
    line + below_root + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_survive_the_text_and_nonsense_does_not() {
        let text = "folders 1\n0 1 2 3 4 5 6 \n1 1 2 3 4 5 6 a b/c\n";
        let bookmark = Bookmark::from_text(text);
        assert_eq!(bookmark.folders(), Some(vec![(Root(0), ""), (Root(1), "a b/c")]));
        for nonsense in [
            "",
            "folders 2\n",
            "folders 1\n0\n",
            "folders 1\n0 1 2 3 4 5 6 ../x\n",
            "folders 1\nx 1 2 3 4 5 6 \n",
        ] {
            assert_eq!(Bookmark::from_text(nonsense).folders(), None, "{nonsense:?}");
        }
    }

    #[test]
    fn a_young_folder_has_no_bookmark() {
        let folder = tempfile::tempdir().unwrap();
        let make = || Bookmark::make([(Root(0), "")], |_| Some(folder.path()));
        assert_eq!(make(), None);
    }
}
