//! Who this program runs as, and whose a file is: what must be known to mend permissions.
//!
//! In containers users have numbers and no names, and whoever mends the permissions of a mounted folder does it on
//! another system. So it is told in numbers, as `chown` and `--user` take them.

use std::fs::{self, Metadata};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD};
use rustix::process::{getegid, geteuid};

use super::Failure;

impl Failure {
    /// Adds who runs this program and whose the file at `path` is, and tells how to bring them together, where the
    /// system said that permissions were the cause. Otherwise the failure stays as it is.
    #[must_use]
    pub(super) fn blame_rights(self, kind: ErrorKind, path: &Path) -> Self {
        if kind != ErrorKind::PermissionDenied {
            return self;
        }
        match Rights::at(path) {
            Some(rights) => self.because(rights.told()).hint(rights.remedy()),
            None => self,
        }
    }
}

/// A file or folder, whose it is, and who is here.
pub(crate) struct Rights {
    path: PathBuf,
    owner: (u32, u32),
    mode: u32,
    own: (u32, u32),
}

impl Rights {
    /// Looks at `path` or, where it can't be seen, at the nearest folder above that can.
    pub(crate) fn at(path: &Path) -> Option<Self> {
        let seen = |path: &Path| Some((path.to_owned(), fs::metadata(path).ok()?));
        let (path, metadata): (PathBuf, Metadata) = path.ancestors().find_map(seen)?;
        Some(Self {
            path,
            owner: (metadata.uid(), metadata.gid()),
            mode: metadata.mode() & 0o7777,
            own: (geteuid().as_raw(), getegid().as_raw()),
        })
    }

    /// What stands in the way of writing to `path`, a file or folder that is there.
    ///
    /// # Errors
    /// What the system says to an attempt.
    pub(crate) fn to_write(path: &Path) -> Result<(), std::io::Error> {
        let wanted = if path.is_dir() {
            Access::WRITE_OK | Access::EXEC_OK
        } else {
            Access::WRITE_OK
        };
        Ok(rustix::fs::accessat(CWD, path, wanted, AtFlags::EACCESS)?)
    }

    /// `pkgctl runs as user 9898 and group 9898, but ...`.
    pub(crate) fn told(&self) -> String {
        let (user, group) = self.own;
        let (owner, owning_group) = self.owner;
        format!(
            "pkgctl runs as user {user} and group {group}, but `{}` belongs to user {owner} and group {owning_group} (mode \
             {:04o})",
            self.path.display(),
            self.mode
        )
    }

    /// One remedy: the folder is given to whom runs the program, or the program is run by whom owns the folder. Nobody
    /// is told to run it as root.
    pub(crate) fn remedy(&self) -> String {
        let (user, group) = self.own;
        let path = self.path.display();
        let give = format!("give it to that user: chown -R {user}:{group} '{path}'");
        match self.owner {
            (0, _) => {
                format!("{give} (of a container's volume: the folder of the host that is mounted there)")
            }
            (owner, owning_group) => {
                format!("{give}; or run pkgctl as the owner, a container with --user {owner}:{owning_group}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_folder_that_can_be_seen_is_told() {
        let scratch = tempfile::tempdir().unwrap();
        let rights = Rights::at(&scratch.path().join("not/there")).unwrap();
        assert_eq!(rights.path, scratch.path());
    }

    #[test]
    fn nobody_is_told_to_become_root() {
        let rights = |owner| Rights {
            path: "/data/packages".into(),
            owner,
            mode: 0o755,
            own: (4711, 42),
        };
        let of_root = rights((0, 0));
        assert_eq!(
            of_root.told(),
            "pkgctl runs as user 4711 and group 42, but `/data/packages` belongs to user 0 and group 0 (mode 0755)"
        );
        assert!(of_root.remedy().contains("chown -R 4711:42 '/data/packages'"));
        assert!(!of_root.remedy().contains("--user"));
        assert!(rights((1000, 100)).remedy().contains("--user 1000:100"));
    }

    #[test]
    fn only_permissions_are_blamed_on_permissions() {
        let failure = Failure::new("x").hint("y");
        assert_eq!(
            failure.clone().blame_rights(ErrorKind::NotFound, Path::new("/")),
            failure
        );
        let blamed = failure.blame_rights(ErrorKind::PermissionDenied, Path::new("/"));
        assert!(
            blamed.render().contains("`/` belongs to user 0"),
            "{}",
            blamed.render()
        );
    }
}
