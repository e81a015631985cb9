//! An open folder, and what may be done to the names in it.
//!
//! Everything goes through the folder's own descriptor and never follows a symlink by accident: a folder that is
//! swapped for a link while it is used can't lead a reader or a writer elsewhere.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;
use rustix::path::Arg;

use super::{Stamp, StoreKey};

/// A folder that is held open.
pub(super) struct Folder {
    descriptor: OwnedFd,
    path: PathBuf,
}

/// Which folder it is, whatever its path: device and inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct FolderIdentity {
    /// The device, that is, the mounted file system.
    pub(super) device: u64,
    inode: u64,
}

impl FolderIdentity {
    /// The folder that `path` leads to now, through symlinks too.
    pub(super) fn at(path: &Path) -> Option<Self> {
        rustix::fs::stat(path).ok().map(|stat| Self::of(&stat))
    }

    /// The folder with these numbers.
    #[cfg(target_os = "linux")]
    pub(super) fn new(device: u64, inode: u64) -> Self {
        Self { device, inode }
    }

    /// Device and inode.
    pub(super) fn numbers(self) -> (u64, u64) {
        (self.device, self.inode)
    }

    /// The folder that was looked at.
    // The types of the fields differ between systems.
    #[allow(
        clippy::unnecessary_cast,
        reason = "the fields have other types on other systems"
    )]
    pub(super) fn of(stat: &Stat) -> Self {
        Self {
            device: stat.st_dev as u64,
            inode: stat.st_ino as u64,
        }
    }
}

impl Folder {
    /// Opens a folder by its path, which may lead through symlinks.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self {
            descriptor: rustix::fs::openat(CWD, path, flags, Mode::empty())?,
            path: path.to_owned(),
        })
    }

    /// Opens the folder that `key` lies in, below `root`.
    pub(super) fn of_key(root: &Path, key: &StoreKey) -> io::Result<Self> {
        let mut folder = Self::open(root)?;
        if let Some((parents, _)) = key.path().rsplit_once('/') {
            for name in parents.split('/') {
                folder = folder.child(name)?;
            }
        }
        Ok(folder)
    }

    /// Opens a folder in this one; a symlink is refused.
    pub(super) fn child(&self, name: &str) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(Self {
            descriptor: rustix::fs::openat(&self.descriptor, name, flags, Mode::empty())?,
            path: self.path.join(name),
        })
    }

    /// Where it was when it was opened.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The open folder.
    pub(super) fn descriptor(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }

    /// The folder itself.
    pub(super) fn status(&self) -> Result<Stat, Errno> {
        rustix::fs::fstat(&self.descriptor)
    }

    /// The names in it, with what kind of thing each stands for.
    pub(super) fn names(&self) -> Result<Dir, Errno> {
        Dir::read_from(&self.descriptor)
    }

    /// What stands under `name`; a symlink is not followed.
    pub(super) fn look_at(&self, name: impl Arg) -> Result<Stat, Errno> {
        rustix::fs::statat(&self.descriptor, name, AtFlags::SYMLINK_NOFOLLOW)
    }

    /// Opens the regular file `name` for reading; a symlink is refused with [`Errno::LOOP`].
    pub(super) fn open_file(&self, name: impl Arg) -> io::Result<(File, Stamp)> {
        // Without NONBLOCK the opening of a named pipe would wait for its other end.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&self.descriptor, name, flags, Mode::empty())?;
        let stat = rustix::fs::fstat(&file)?;
        let stamp = Stamp::of_file(&stat).ok_or(io::ErrorKind::NotFound)?;
        Ok((File::from(file), stamp))
    }

    /// Creates the file `name`, readable by all as far as the umask allows; fails when the name is taken.
    pub(super) fn create_file(&self, name: impl Arg) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = Mode::from_raw_mode(0o644);
        Ok(rustix::fs::openat(&self.descriptor, name, flags, mode)?.into())
    }

    /// Gives the file at `source` a second name here; fails when the name is taken.
    pub(super) fn link_from(&self, source: &Path, name: impl Arg) -> Result<(), Errno> {
        rustix::fs::linkat(CWD, source, &self.descriptor, name, AtFlags::empty())
    }

    /// Moves the file at `source` to a name here, replacing what has that name.
    pub(super) fn rename_from(&self, source: &Path, name: impl Arg) -> Result<(), Errno> {
        rustix::fs::renameat(CWD, source, &self.descriptor, name)
    }

    /// Renames within the folder; fails when the new name is taken.
    #[cfg(any(target_os = "linux", target_vendor = "apple"))]
    pub(super) fn rename_to_free(&self, old: &str, new: &str) -> Result<(), Errno> {
        let folder = self.descriptor.as_fd();
        rustix::fs::renameat_with(folder, old, folder, new, rustix::fs::RenameFlags::NOREPLACE)
    }

    /// Renames within the folder; fails when the new name is taken.
    #[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
    pub(super) fn rename_to_free(&self, old: &str, new: &str) -> Result<(), Errno> {
        let folder = self.descriptor.as_fd();
        rustix::fs::linkat(folder, old, folder, new, AtFlags::empty())?;
        rustix::fs::unlinkat(folder, old, AtFlags::empty())
    }

    /// Renames within the folder, replacing what has the new name.
    pub(super) fn rename_over(&self, old: &str, new: &str) -> Result<(), Errno> {
        rustix::fs::renameat(&self.descriptor, old, &self.descriptor, new)
    }

    /// Removes a name.
    pub(super) fn unlink(&self, name: impl Arg) -> Result<(), Errno> {
        rustix::fs::unlinkat(&self.descriptor, name, AtFlags::empty())
    }

    /// Makes sure that the names in the folder survive a power loss.
    pub(super) fn sync(&self) -> Result<(), Errno> {
        rustix::fs::fsync(&self.descriptor)
    }
}

/// Makes a folder, with those above it that are missing, so that all of them outlive a power loss: the name of each is
/// synced into the one above. One that is there stays as it is. Blocks.
///
/// # Errors
/// The system's own.
pub fn make_folder(path: &Path, mode: u32) -> io::Result<()> {
    let is_missing = |folder: &&Path| !folder.as_os_str().is_empty() && !folder.is_dir();
    let missing: Vec<&Path> = path.ancestors().take_while(is_missing).collect();
    for folder in missing.into_iter().rev() {
        match std::fs::DirBuilder::new().mode(mode).create(folder) {
            // Another process was faster.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => {}
            made => made?,
        }
        let above = folder.parent().filter(|above| !above.as_os_str().is_empty());
        // Where names may be made but not read, there is nothing to open.
        if let Ok(above) = Folder::open(above.unwrap_or(Path::new("."))) {
            above.sync()?;
        }
    }
    Ok(())
}

impl Stamp {
    /// The state of a regular file; `None` for anything else.
    #[allow(
        clippy::unnecessary_cast,
        reason = "the fields have other types on other systems"
    )]
    pub(super) fn of_file(stat: &Stat) -> Option<Self> {
        (FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile).then(|| Self {
            size_bytes: u64::try_from(stat.st_size).unwrap_or(0),
            modified_ns: (stat.st_mtime as i64)
                .saturating_mul(1_000_000_000)
                .saturating_add(stat.st_mtime_nsec as i64),
            identity: stat.st_ino as u64,
        })
    }
}
