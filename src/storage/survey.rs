//! A look at folders from outside: nothing is made, locked or written, so it disturbs no server and needs none.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::Access;
use rustix::io::Errno;

use super::folder::{Folder, FolderIdentity};
use super::links::LinkRule;
use super::walk::{Found, Walk};
use super::{Error, Root, Stamp, StoreKey};

/// What a look at folders has shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survey {
    /// Every file that could be served if its name is that of a distribution, ordered by folder and path.
    pub keys: Vec<StoreKey>,
    /// Whether this user may put files into the first folder, as far as permissions tell.
    pub can_write: bool,
    /// Bytes that this user may still write on the first folder's disk; `None` where there is no such figure.
    pub free_bytes: Option<u64>,
}

/// Looks at these folders as a server that is told them in this order would see them.
///
/// # Errors
/// [`Error::Root`] when one of them can't be read, [`Error::Io`].
pub fn survey(roots: &[PathBuf], state_dir: &Path) -> Result<Survey, Error> {
    let links = LinkRule::new(state_dir);
    let state = FolderIdentity::at(state_dir);
    let mut keys = Vec::new();
    for (number, path) in (0_u16..).zip(roots) {
        let root = Root(number);
        Walk { root, path, state }.run(&mut |found| {
            if let Found::File(file) = found
                && links.look_at(file.folder, file.name).is_some()
            {
                keys.push(file.key);
            }
            Ok::<_, Error>(())
        })?;
    }
    keys.sort();
    let first = roots.first();
    let free = first
        .and_then(|root| rustix::fs::statvfs(root).ok())
        .filter(|disk| disk.f_blocks > 0)
        .map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize));
    Ok(Survey {
        keys,
        can_write: first
            .is_some_and(|root| rustix::fs::access(root, Access::WRITE_OK | Access::EXEC_OK).is_ok()),
        free_bytes: free,
    })
}

/// Opens the file at `key` as it lies in these folders, with its state; for those who look from outside. A symlink is
/// followed.
///
/// # Errors
/// The system's own.
pub fn open_outside(roots: &[PathBuf], key: &StoreKey) -> io::Result<(File, Stamp)> {
    let root = roots
        .get(usize::from(key.root().0))
        .ok_or(io::ErrorKind::NotFound)?;
    let folder = Folder::of_key(root, key)?;
    match folder.open_file(key.filename()) {
        Err(error) if error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) => {
            let target = root.join(key.path()).canonicalize()?;
            let name = target.file_name().ok_or(io::ErrorKind::NotFound)?;
            Folder::open(target.parent().unwrap_or(root))?.open_file(name)
        }
        outcome => outcome,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_a_server_would_see_is_seen_and_nothing_is_made() {
        let scratch = tempfile::tempdir().unwrap();
        let roots = ["one", "two"].map(|name| scratch.path().join(name)).to_vec();
        for root in &roots {
            fs::create_dir_all(root.join("nested")).unwrap();
            fs::write(root.join("a-1.0.tar.gz"), "x").unwrap();
        }
        fs::write(roots[0].join("nested/notes.txt"), "x").unwrap();
        fs::write(roots[0].join(".hidden-1.0.tar.gz"), "x").unwrap();
        let survey = survey(&roots, &roots[0].join(".pkgctl")).unwrap();
        let seen: Vec<(u16, &str)> = survey.keys.iter().map(|key| (key.root().0, key.path())).collect();
        assert_eq!(
            seen,
            [(0, "a-1.0.tar.gz"), (0, "nested/notes.txt"), (1, "a-1.0.tar.gz")]
        );
        assert!(survey.can_write);
        assert!(survey.free_bytes.is_some());
        assert!(!roots[0].join(".pkgctl").exists());
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let error = survey(&["/no/such/folder".into()], Path::new("/no/such/state")).unwrap_err();
        assert!(error.to_string().contains("/no/such/folder"), "{error}");
    }
}
