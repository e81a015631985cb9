//! The walk through a root: which names are looked at, and which are passed over.
//!
//! Passed over are hidden names, names that can't be keys, symlinked folders (as pypiserver does, and so that a walk
//! always ends), the state folder wherever it lies, and whatever is neither file nor folder.

use std::ffi::CStr;
use std::io;
use std::path::Path;
use std::rc::Rc;

use rustix::fs::FileType;
use rustix::io::Errno;

use super::folder::{Folder, FolderIdentity};
use super::{Error, Root, StoreKey, read_error};

/// What a walk comes across.
pub(super) enum Found<'a> {
    /// A folder, before its names are read; the path below the root is empty for the root itself.
    Folder(&'a str, &'a Folder),
    /// A regular file or a symlink that may lead to one.
    File(FoundFile<'a>),
    /// A hidden name, as it stands in its folder.
    Hidden(&'a Folder, &'a CStr),
    /// A folder that is passed over because it can't be read.
    Unreachable,
}

/// A file in a walk, not looked at yet.
pub(super) struct FoundFile<'a> {
    /// Its key.
    pub(super) key: StoreKey,
    /// The folder it lies in.
    pub(super) folder: &'a Folder,
    /// Its name there.
    pub(super) name: &'a CStr,
}

/// A walk through one root.
pub(super) struct Walk<'a> {
    /// The root's number.
    pub(super) root: Root,
    /// Its path.
    pub(super) path: &'a Path,
    /// The state folder, which is passed over.
    pub(super) state: Option<FolderIdentity>,
}

/// A folder that is still to be visited: opened only then, so that few are open at a time.
struct Pending {
    parent: Rc<Folder>,
    key: StoreKey,
}

impl Walk<'_> {
    /// Shows everything to `visit`, each folder before what is in it.
    ///
    /// What vanishes or can't be read on the way is passed over, because it can't be served either.
    ///
    /// # Errors
    /// [`Error::Root`] when the root itself can't be read, [`Error::Io`], and those of `visit`.
    pub(super) fn run<E: From<Error>>(
        &self,
        visit: &mut dyn FnMut(Found<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let root = Folder::open(self.path).map_err(|source| Error::Root {
            folder: self.path.to_owned(),
            source,
        })?;
        self.below(root, "", visit)
    }

    /// Shows a folder and all that is below it to `visit`; `below_root` is its path.
    pub(super) fn below<E: From<Error>>(
        &self,
        folder: Folder,
        below_root: &str,
        visit: &mut dyn FnMut(Found<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut pending = Vec::new();
        self.one(&Rc::new(folder), below_root, &mut pending, visit)?;
        while let Some(next) = pending.pop() {
            match next.parent.child(next.key.filename()) {
                Ok(folder) => self.one(&Rc::new(folder), next.key.path(), &mut pending, visit)?,
                Err(error) if is_unreachable(&error) => {
                    tracing::debug!(folder = %next.key, %error, "passed over a folder that can't be read");
                    visit(Found::Unreachable)?;
                }
                Err(source) => return Err(read_error("open", next.parent.path(), source).into()),
            }
        }
        Ok(())
    }

    fn one<E: From<Error>>(
        &self,
        folder: &Rc<Folder>,
        below_root: &str,
        pending: &mut Vec<Pending>,
        visit: &mut dyn FnMut(Found<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let failed = |errno: Errno| read_error("read", folder.path(), errno.into());
        let identity = FolderIdentity::of(&folder.status().map_err(failed)?);
        if self.state == Some(identity) {
            return Ok(());
        }
        visit(Found::Folder(below_root, folder))?;
        let mut names = folder.names().map_err(failed)?;
        while let Some(entry) = names.read() {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name();
            if name.to_bytes().starts_with(b".") {
                visit(Found::Hidden(folder, name))?;
                continue;
            }
            let Some(key) = self.key(below_root, name) else {
                continue;
            };
            match kind(folder, name, entry.file_type()) {
                FileType::Directory => pending.push(Pending {
                    parent: Rc::clone(folder),
                    key,
                }),
                FileType::RegularFile | FileType::Symlink => {
                    visit(Found::File(FoundFile { key, folder, name }))?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The key of a name in a folder; `None` when it can't be one.
    fn key(&self, below_root: &str, name: &CStr) -> Option<StoreKey> {
        let name = name.to_str().ok()?;
        if below_root.is_empty() {
            return StoreKey::parse(self.root, name);
        }
        StoreKey::parse(self.root, &format!("{below_root}/{name}"))
    }
}

/// Some file systems don't tell the kind with the name.
fn kind(folder: &Folder, name: &CStr, told: FileType) -> FileType {
    if told != FileType::Unknown {
        return told;
    }
    folder
        .look_at(name)
        .map_or(FileType::Unknown, |stat| FileType::from_raw_mode(stat.st_mode))
}

/// Whether the failure says that the thing isn't there, or isn't ours to read, rather than that reading broke.
pub(super) fn is_unreachable(error: &io::Error) -> bool {
    use io::ErrorKind::{NotADirectory, NotFound, PermissionDenied};
    matches!(error.kind(), NotFound | NotADirectory | PermissionDenied)
        || error.raw_os_error() == Some(Errno::LOOP.raw_os_error())
}
