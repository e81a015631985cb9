//! What a new distribution changes about the file of its name that was there before.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use crate::archive::{self, Content, Limits};
use crate::packaging::{DistFilename, Sha256};

/// How a distribution differs from the file of the same name that lay in the output folder before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// There was no such file.
    New,
    /// It has the same bytes.
    Same,
    /// It had other bytes.
    Differs(Difference),
    /// What was there could not be read as such a distribution.
    Unknown,
}

/// The members that two archives do not have in common, by their paths, sorted. All may be empty: then only times,
/// the order of members or their compression differ.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// In the new one alone.
    pub added: Vec<String>,
    /// In the old one alone.
    pub removed: Vec<String>,
    /// In both, with other bytes, or with another right to be executed.
    pub changed: Vec<String>,
}

impl Difference {
    fn between(old: &BTreeMap<String, Content>, new: &BTreeMap<String, Content>) -> Self {
        let only_in = |one: &BTreeMap<String, Content>, other: &BTreeMap<String, Content>| {
            one.keys()
                .filter(|path| !other.contains_key(*path))
                .cloned()
                .collect()
        };
        Self {
            added: only_in(new, old),
            removed: only_in(old, new),
            changed: new
                .iter()
                .filter(|(path, content)| old.get(*path).is_some_and(|before| before != *content))
                .map(|(path, _)| path.clone())
                .collect(),
        }
    }
}

/// Holds the file at `made`, whose digest is `sha256`, against what is at `target` now.
pub(crate) fn compare(filename: &DistFilename, made: &Path, sha256: &Sha256, target: &Path) -> Change {
    match target.metadata() {
        Ok(metadata) if metadata.is_file() => {}
        Err(_) if target.symlink_metadata().is_err() => return Change::New,
        // A pipe, say: to open it could take for ever.
        _ => return Change::Unknown,
    }
    let Ok(before) = File::open(target) else {
        return Change::Unknown;
    };
    match Sha256::of_reader(&before) {
        Ok(digest) if digest == *sha256 => return Change::Same,
        Ok(_) => {}
        Err(_) => return Change::Unknown,
    }
    let read = |file: File| archive::contents(filename, file, &Limits::default()).ok();
    match (read(before), File::open(made).ok().and_then(read)) {
        (Some(before), Some(now)) => Change::Differs(Difference::between(&before, &now)),
        _ => Change::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_told_by_what_happened_to_them() {
        let content = |text: &str, is_executable| Content {
            size_bytes: text.len() as u64,
            sha256: Sha256::of(text),
            is_executable,
        };
        let listing = |members: &[(&str, &str, bool)]| -> BTreeMap<String, Content> {
            members
                .iter()
                .map(|(path, text, executable)| ((*path).to_owned(), content(text, *executable)))
                .collect()
        };
        let old = listing(&[
            ("a", "1", false),
            ("b", "2", false),
            ("c", "3", false),
            ("d", "4", false),
        ]);
        let new = listing(&[
            ("a", "1", false),
            ("b", "x", false),
            ("c", "3", true),
            ("e", "4", false),
        ]);
        let expected = Difference {
            added: vec!["e".to_owned()],
            removed: vec!["d".to_owned()],
            changed: vec!["b".to_owned(), "c".to_owned()],
        };
        assert_eq!(Difference::between(&old, &new), expected);
    }
}
