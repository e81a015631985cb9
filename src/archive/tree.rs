//! The folders and files that an archive's paths build up, so that no two members claim one place.
//!
//! Only keyed fingerprints of paths are kept, so that a hundred thousand long paths cost a few megabytes. The keys
//! are drawn for each archive, so nobody can prepare two paths with one fingerprint.

use std::collections::HashSet;
use std::collections::hash_map::{Entry, HashMap, RandomState};
use std::hash::{BuildHasher as _, DefaultHasher, Hasher as _};

use super::error::Rule;

/// Stands for a path; 128 bits under keys that no one knows.
pub(super) type Fingerprint = (u64, u64);

/// Makes fingerprints for one archive.
#[derive(Clone, Debug, Default)]
pub(super) struct Fingerprints(RandomState, RandomState);

impl Fingerprints {
    pub(super) fn of(&self, bytes: &[u8]) -> Fingerprint {
        let mut hasher = self.start();
        hasher.write(bytes);
        hasher.finish()
    }

    fn start(&self) -> PathHasher {
        PathHasher(self.0.build_hasher(), self.1.build_hasher())
    }
}

struct PathHasher(DefaultHasher, DefaultHasher);

impl PathHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.write(bytes);
        self.1.write(bytes);
    }

    fn finish(&self) -> Fingerprint {
        (self.0.finish(), self.1.finish())
    }
}

/// What stands at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Node {
    /// A folder that is only part of other members' paths.
    Implied,
    Folder,
    File,
    Symlink,
}

/// What an insertion that is no error found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Inserted {
    New,
    /// The folder was a member already.
    FolderAgain,
    /// Another path differs in letter case alone.
    CaseCollision,
}

/// All paths of one archive.
#[derive(Debug)]
pub(super) struct Tree {
    fingerprints: Fingerprints,
    nodes: HashMap<Fingerprint, Node>,
    lowered: HashSet<u64>,
    max_members: usize,
}

impl Tree {
    pub(super) fn new(max_members: usize) -> Self {
        Self {
            fingerprints: Fingerprints::default(),
            nodes: HashMap::new(),
            lowered: HashSet::new(),
            max_members,
        }
    }

    /// Puts a member at a clean path. The cost is linear in the length of the path, however deep it is.
    pub(super) fn insert(&mut self, path: &str, node: Node) -> Result<Inserted, Rule> {
        let mut hasher = self.fingerprints.start();
        let mut parts = path.split('/').peekable();
        while let Some(part) = parts.next() {
            hasher.write(part.as_bytes());
            let known = self.nodes.entry(hasher.finish());
            if parts.peek().is_none() {
                let inserted = place(known, node)?;
                self.check_count()?;
                let is_new_spelling =
                    inserted == Inserted::New && !self.lowered.insert(self.lowered_key(path));
                return Ok(if is_new_spelling {
                    Inserted::CaseCollision
                } else {
                    inserted
                });
            }
            match known {
                Entry::Occupied(entry) if *entry.get() == Node::File => return Err(Rule::BelowFile),
                Entry::Occupied(entry) if *entry.get() == Node::Symlink => return Err(Rule::BelowLink),
                Entry::Occupied(_) => {}
                Entry::Vacant(entry) => {
                    entry.insert(Node::Implied);
                    self.check_count()?;
                }
            }
            hasher.write(b"/");
        }
        Err(Rule::PathEmpty)
    }

    /// What stands at a clean path.
    pub(super) fn at(&self, path: &str) -> Option<Node> {
        let mut hasher = self.fingerprints.start();
        for (position, part) in path.split('/').enumerate() {
            // Written piece by piece as `insert` does it: a hasher may tell pieces apart.
            if position > 0 {
                hasher.write(b"/");
            }
            hasher.write(part.as_bytes());
        }
        self.nodes.get(&hasher.finish()).copied()
    }

    fn lowered_key(&self, path: &str) -> u64 {
        self.fingerprints.of(path.to_lowercase().as_bytes()).0
    }

    fn check_count(&self) -> Result<(), Rule> {
        if self.nodes.len() > self.max_members.saturating_mul(2) {
            return Err(Rule::TooManyMembers {
                limit: self.max_members,
            });
        }
        Ok(())
    }
}

fn place(known: Entry<'_, Fingerprint, Node>, node: Node) -> Result<Inserted, Rule> {
    match known {
        Entry::Vacant(entry) => {
            entry.insert(node);
            Ok(Inserted::New)
        }
        Entry::Occupied(mut entry) => match (*entry.get(), node) {
            (Node::Implied, Node::Folder) => {
                entry.insert(Node::Folder);
                Ok(Inserted::New)
            }
            (Node::Folder, Node::Folder) => Ok(Inserted::FolderAgain),
            (Node::Implied | Node::Folder, _) | (_, Node::Folder) => Err(Rule::FileAndFolder),
            _ => Err(Rule::Duplicate),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_members_take_one_place() {
        let mut tree = Tree::new(100);
        assert_eq!(tree.insert("a/b/c", Node::File), Ok(Inserted::New));
        assert_eq!(tree.insert("a/b/c", Node::File), Err(Rule::Duplicate));
        assert_eq!(tree.insert("a/b/c", Node::Symlink), Err(Rule::Duplicate));
        assert_eq!(tree.insert("a/b/c/d", Node::File), Err(Rule::BelowFile));
        assert_eq!(tree.insert("a/b", Node::File), Err(Rule::FileAndFolder));
        assert_eq!(tree.insert("a/b", Node::Folder), Ok(Inserted::New));
        assert_eq!(tree.insert("a/b", Node::Folder), Ok(Inserted::FolderAgain));
        assert_eq!(tree.insert("a/b/c", Node::Folder), Err(Rule::FileAndFolder));
        assert_eq!(tree.insert("l", Node::Symlink), Ok(Inserted::New));
        assert_eq!(tree.insert("l/x", Node::File), Err(Rule::BelowLink));
        assert_eq!(tree.insert("A/B/C", Node::File), Ok(Inserted::CaseCollision));
        assert_eq!(tree.at("a/b/c"), Some(Node::File));
        assert_eq!(tree.at("a"), Some(Node::Implied));
        assert_eq!(tree.at("a/x"), None);
    }

    #[test]
    fn b19_deep_paths_count_as_folders() {
        let mut tree = Tree::new(100);
        let deep = vec!["d"; 300].join("/");
        assert_eq!(
            tree.insert(&deep, Node::File),
            Err(Rule::TooManyMembers { limit: 100 })
        );
    }
}
