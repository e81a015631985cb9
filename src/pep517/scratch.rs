//! The folder that a build works in, which vanishes with the build whatever was put into it.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use tempfile::TempDir;

use super::error::Error;

/// A new folder in the user's temporary folder. Dropping it removes all of it.
#[derive(Debug)]
pub(crate) struct Scratch(Option<TempDir>);

impl Scratch {
    /// `prefix` is what its name begins with.
    pub(crate) fn create(prefix: &str) -> Result<Self, Error> {
        tempfile::Builder::new()
            .prefix(prefix)
            .tempdir()
            .map(|folder| Self(Some(folder)))
            .map_err(Error::system("create a temporary folder"))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.as_ref().map_or(Path::new(""), TempDir::path)
    }

    /// A folder for what the installer and the backend put into their temporary folder: one that is killed tidies
    /// nothing up.
    pub(crate) fn folder_for_children(&self) -> Result<std::path::PathBuf, Error> {
        // Short, since sockets can't have long paths.
        let folder = self.path().join("t");
        fs::create_dir_all(&folder).map_err(Error::system("create a temporary folder"))?;
        Ok(folder)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let Some(folder) = self.0.take() else { return };
        let path = folder.path().to_owned();
        if folder.close().is_err() {
            // A backend may have made folders that not even their owner may write to.
            make_writable(&path);
            // There is nobody to tell, and the system tidies its temporary folder up.
            let _ = fs::remove_dir_all(&path);
        }
    }
}

fn make_writable(folder: &Path) {
    let _ = fs::set_permissions(folder, Permissions::from_mode(0o700));
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            make_writable(&entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_that_can_not_be_written_to_vanish_too() {
        let scratch = Scratch::create("pkgctl-build-").unwrap();
        let path = scratch.path().to_owned();
        let locked = path.join("a/b");
        fs::create_dir_all(&locked).unwrap();
        fs::write(locked.join("file"), "").unwrap();
        for folder in [&locked, &path.join("a")] {
            fs::set_permissions(folder, Permissions::from_mode(0o500)).unwrap();
        }
        drop(scratch);
        assert!(!path.exists());
    }
}
