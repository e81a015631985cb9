//! Keys of stored objects: the sole author of the paths under which distributions lie.

use std::cmp::Ordering;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::packaging::DistFilename;
use crate::packaging::signature::SIGNATURE_ENDING;

/// Which of the served folders: 0 is the first, which receives uploads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Root(pub u16);

/// Where a file lies: a root, and a path below it.
///
/// The path is relative, `/`-separated and made of plain names: no empty, hidden, `.` or `..` part, no backslash and
/// no control character. Joining it to a folder can therefore never leave that folder.
///
/// Keys sort by root, then by depth, then by path: of two files with one name the smaller key is the one that is
/// served, so that a copy in some folder never takes the place of what was uploaded.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StoreKey {
    root: Root,
    path: Box<str>,
}

impl Ord for StoreKey {
    fn cmp(&self, other: &Self) -> Ordering {
        let order = |key: &Self| (key.root, key.path.matches('/').count());
        order(self)
            .cmp(&order(other))
            .then_with(|| self.path.cmp(&other.path))
    }
}

impl PartialOrd for StoreKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl StoreKey {
    /// Where a new upload goes: flat in the first root, under its own name.
    #[must_use]
    pub fn for_upload(filename: &DistFilename) -> Self {
        Self {
            root: Root(0),
            path: filename.as_str().into(),
        }
    }

    /// The key of a file that was found under `root`; `None` when the path can't be a key.
    #[must_use]
    pub fn found(root: Root, relative: &Path) -> Option<Self> {
        let mut path = String::new();
        for component in relative.components() {
            let std::path::Component::Normal(part) = component else {
                return None;
            };
            if !path.is_empty() {
                path.push('/');
            }
            path.push_str(part.to_str()?);
        }
        Self::parse(root, &path)
    }

    /// A key from its two parts, as the catalog keeps them; `None` when the path can't be a key.
    #[must_use]
    pub fn parse(root: Root, path: &str) -> Option<Self> {
        let part_is_plain = |part: &str| {
            !part.is_empty()
                && !part.starts_with('.')
                && !part.contains('\\')
                && !part.chars().any(char::is_control)
        };
        path.split('/').all(part_is_plain).then(|| Self {
            root,
            path: path.into(),
        })
    }

    /// The root it lies in.
    #[must_use]
    pub fn root(&self) -> Root {
        self.root
    }

    /// The path below the root.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The last part of the path.
    #[must_use]
    pub fn filename(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// The key of the detached PGP signature of this file.
    #[must_use]
    pub fn signature(&self) -> Self {
        Self {
            root: self.root,
            path: format!("{}{SIGNATURE_ENDING}", self.path).into(),
        }
    }

    /// The key of the file that this one is the signature of, going by its name; `None` when it is none of a signature.
    #[must_use]
    pub fn signed(&self) -> Option<Self> {
        let path = self.path.strip_suffix(SIGNATURE_ENDING)?;
        Self::parse(self.root, path)
    }

    /// The path on disk, below the folder that is this key's root.
    #[must_use]
    pub fn below(&self, folder: &Path) -> PathBuf {
        folder.join(&*self.path)
    }
}

impl fmt::Display for StoreKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_never_leaves_its_root() {
        for path in [
            "",
            "..",
            "../x",
            "a/../b",
            "/etc/passwd",
            "a//b",
            ".hidden",
            "a/.b/c",
            "a\\b",
            "a\nb",
            "a/",
            "./a",
        ] {
            assert_eq!(StoreKey::parse(Root(0), path), None, "{path:?}");
        }
        let key = StoreKey::parse(Root(1), "team/a-1.0.tar.gz").unwrap();
        assert_eq!(key.filename(), "a-1.0.tar.gz");
        assert_eq!(key.below(Path::new("/srv")), Path::new("/srv/team/a-1.0.tar.gz"));
        assert_eq!(
            StoreKey::found(Root(1), Path::new("team/a-1.0.tar.gz")),
            Some(key.clone())
        );
        assert_eq!(key.signature().path(), "team/a-1.0.tar.gz.asc");
        assert_eq!(key.signature().signed(), Some(key.clone()));
        assert_eq!(key.signed(), None);
        assert_eq!(
            StoreKey::parse(Root(0), "team/x/b.asc").unwrap().signed(),
            StoreKey::parse(Root(0), "team/x/b")
        );
    }
}
