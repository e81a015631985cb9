//! Files that belong to the user, replaced whole or not at all.
//!
//! A new content is written beside the file, synced, given the old file's mode and owner, and renamed over it; then
//! the folder is synced. A crash at any moment leaves the old file or the new one. Links are followed, so that a
//! dotfile that lives in a repository stays there. Two programs that do this at once take turns.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// A link to a link to a link ... ends here.
const MAX_LINKS: usize = 40;

/// Why a file can't be read or replaced.
#[derive(Debug, thiserror::Error)]
pub enum DotfileError {
    /// The system refused to read it.
    #[error("can't read `{}`", path.display())]
    Read {
        /// The file as it was named.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The system refused to write it; it is as it was.
    #[error("can't write `{}`", path.display())]
    Write {
        /// The file as it was named.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// There is something else than a file in its place.
    #[error("`{}` is not a file but {}", path.display(), if *is_folder { "a folder" } else { "a device or a pipe" })]
    NotAFile {
        /// The path as it was named.
        path: PathBuf,
        /// A folder, or else a device or a pipe.
        is_folder: bool,
    },
    /// The new file would belong to somebody else than the old one.
    #[error("can't keep the owner of `{}`", path.display())]
    Owner {
        /// The file as it was named.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Somebody made the file while a first version of it was being written; nothing was changed.
    #[error("`{}` appeared meanwhile", path.display())]
    Appeared {
        /// The file as it was named.
        path: PathBuf,
    },
}

/// A file as it is now, locked against other programs that edit it in this way until this value is dropped.
#[derive(Debug)]
pub struct Dotfile {
    path: PathBuf,
    target: PathBuf,
    /// The lock is on the file itself; there is nothing to lock, and nothing to lose, when there is no file.
    existing: Option<(File, Metadata)>,
    content: Vec<u8>,
}

impl Dotfile {
    /// Reads the file, if there is one, and waits for its lock.
    ///
    /// # Errors
    /// It can't be read, or is no file.
    pub fn open(path: &Path) -> Result<Self, DotfileError> {
        let read_error = |source| DotfileError::Read {
            path: path.to_owned(),
            source,
        };
        let target = follow_links(path).map_err(read_error)?;
        loop {
            let mut file = match File::open(&target) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    return Ok(Self {
                        path: path.to_owned(),
                        target,
                        existing: None,
                        content: Vec::new(),
                    });
                }
                Err(error) => return Err(read_error(error)),
            };
            let kind = file.metadata().map_err(read_error)?.file_type();
            if !kind.is_file() {
                return Err(DotfileError::NotAFile {
                    path: path.to_owned(),
                    is_folder: kind.is_dir(),
                });
            }
            lock(&file).map_err(read_error)?;
            let metadata = file.metadata().map_err(read_error)?;
            if !is_still_at(&metadata, &target) {
                // Replaced while this one waited for its turn.
                continue;
            }
            let mut content = Vec::new();
            file.read_to_end(&mut content).map_err(read_error)?;
            return Ok(Self {
                path: path.to_owned(),
                target,
                existing: Some((file, metadata)),
                content,
            });
        }
    }

    /// The path as it was named.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether there is a file.
    #[must_use]
    pub fn exists(&self) -> bool {
        self.existing.is_some()
    }

    /// What is in it; nothing when it doesn't exist.
    #[must_use]
    pub fn content(&self) -> &[u8] {
        &self.content
    }

    /// Whether users other than the owner may read it.
    #[must_use]
    pub fn is_readable_by_others(&self) -> bool {
        self.existing
            .as_ref()
            .is_some_and(|(_, metadata)| mode_of(metadata) & 0o044 != 0)
    }

    /// Whether users other than the owner may read or write it.
    #[must_use]
    pub fn is_open_to_others(&self) -> bool {
        self.existing
            .as_ref()
            .is_some_and(|(_, metadata)| mode_of(metadata) & 0o077 != 0)
    }

    /// As [`Dotfile::stage`], but the file is for its owner alone afterwards, whoever could read it before: a secret
    /// is in it. The mode is never widened.
    ///
    /// # Errors
    /// As [`Dotfile::stage`].
    pub fn stage_private(self, content: &[u8]) -> Result<Staged, DotfileError> {
        self.stage_as(content, Privacy::OwnerAlone)
    }

    /// Writes a new content beside the file, ready to take its place. A new file is for its owner alone (0600), an
    /// old one keeps mode and owner. Missing folders are made.
    ///
    /// # Errors
    /// It can't be written, or not with the owner of the old file.
    pub fn stage(self, content: &[u8]) -> Result<Staged, DotfileError> {
        self.stage_as(content, Privacy::AsBefore)
    }

    fn stage_as(self, content: &[u8], privacy: Privacy) -> Result<Staged, DotfileError> {
        let write_error = |source| DotfileError::Write {
            path: self.path.clone(),
            source: without_path(source),
        };
        let folder = folder_of(&self.target);
        fs::create_dir_all(folder).map_err(write_error)?;
        let name = self.target.file_name().unwrap_or_default().to_string_lossy();
        // A name with a dot in front, which no package index lists. Made with mode 0600.
        let prefix = format!(".{}.", name.trim_start_matches('.'));
        let mut beside = tempfile::Builder::new()
            .prefix(&prefix)
            .suffix(".new")
            .tempfile_in(folder)
            .map_err(write_error)?;
        beside.write_all(content).map_err(write_error)?;
        if let Some((_, metadata)) = &self.existing {
            keep_owner(beside.as_file(), metadata).map_err(|source| DotfileError::Owner {
                path: self.path.clone(),
                source,
            })?;
            beside
                .as_file()
                .set_permissions(permissions(metadata, privacy))
                .map_err(write_error)?;
        }
        beside.as_file().sync_all().map_err(write_error)?;
        Ok(Staged { file: self, beside })
    }

    /// Replaces the content: [`Dotfile::stage`] and [`Staged::commit`] in one.
    ///
    /// # Errors
    /// As those.
    pub fn replace(self, content: &[u8]) -> Result<(), DotfileError> {
        self.stage(content)?.commit()
    }

    /// Removes the file; one that is reached through a link is emptied, so that the link still leads somewhere.
    ///
    /// # Errors
    /// The system refused.
    pub fn remove(self) -> Result<(), DotfileError> {
        if self.target != self.path {
            return self.replace(b"");
        }
        fs::remove_file(&self.target)
            .and_then(|()| sync_folder(folder_of(&self.target)))
            .map_err(|source| DotfileError::Write {
                path: self.path.clone(),
                source,
            })
    }
}

/// Who may read a file once it is replaced.
#[derive(Debug, Clone, Copy)]
enum Privacy {
    /// Those who could before.
    AsBefore,
    /// Its owner, as far as the owner could before.
    OwnerAlone,
}

/// The system's own words: `tempfile` adds the name of the temporary file to them, which means nothing to the user.
fn without_path(error: io::Error) -> io::Error {
    let text = error.to_string();
    match text.split_once(" at path ") {
        Some((what, _)) => io::Error::new(error.kind(), what.to_owned()),
        None => error,
    }
}

/// A new content on disk beside its file. Dropping it removes it again.
#[derive(Debug)]
pub struct Staged {
    file: Dotfile,
    beside: NamedTempFile,
}

impl Staged {
    /// Puts the new content in its place.
    ///
    /// # Errors
    /// The rename failed, or a first version of the file met another one.
    pub fn commit(self) -> Result<(), DotfileError> {
        let Dotfile {
            path,
            target,
            existing,
            ..
        } = self.file;
        let renamed = if existing.is_some() {
            self.beside.persist(&target)
        } else {
            self.beside.persist_noclobber(&target)
        };
        if let Err(error) = renamed {
            let source = error.error;
            return Err(match source.kind() {
                io::ErrorKind::AlreadyExists => DotfileError::Appeared { path },
                _ => DotfileError::Write { path, source },
            });
        }
        sync_folder(folder_of(&target)).map_err(|source| DotfileError::Write { path, source })
    }
}

/// Puts several new contents in their places, then removes the files that are `emptied`. When one of these steps fails,
/// the files before it get their old content and mode back.
///
/// # Errors
/// One could not be put in its place, or not be removed.
pub fn commit_all(staged: Vec<Staged>, emptied: Vec<Dotfile>) -> Result<(), DotfileError> {
    let mut done = Vec::new();
    let undone = |done: Vec<Former>, error| {
        done.into_iter().rev().for_each(Former::put_back);
        Err(error)
    };
    for one in staged {
        let former = Former::of(&one.file);
        if let Err(error) = one.commit() {
            return undone(done, error);
        }
        done.push(former);
    }
    for one in emptied {
        let former = Former::of(&one);
        if let Err(error) = one.remove() {
            return undone(done, error);
        }
        done.push(former);
    }
    Ok(())
}

/// A file as it was before its change.
struct Former {
    path: PathBuf,
    content: Option<(Vec<u8>, fs::Permissions)>,
}

impl Former {
    fn of(file: &Dotfile) -> Self {
        let existing = file.existing.as_ref();
        Self {
            path: file.path.clone(),
            content: existing.map(|(_, metadata)| (file.content.clone(), metadata.permissions())),
        }
    }

    fn put_back(self) {
        let restored = Dotfile::open(&self.path).and_then(|file| match self.content {
            Some((content, permissions)) => {
                file.replace(&content)?;
                fs::set_permissions(&self.path, permissions).map_err(|source| DotfileError::Write {
                    path: self.path.clone(),
                    source,
                })
            }
            None => file.remove(),
        });
        if let Err(error) = restored {
            tracing::error!("{error}, which was already changed");
        }
    }
}

/// Where the links end, be there a file or not.
fn follow_links(path: &Path) -> io::Result<PathBuf> {
    let mut target = path.to_owned();
    for _ in 0..MAX_LINKS {
        match fs::read_link(&target) {
            Ok(next) => target = folder_of(&target).join(next),
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::InvalidInput | io::ErrorKind::NotFound
                ) =>
            {
                return Ok(target);
            }
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("too many links lead to each other"))
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// File systems without locks have none to wait for.
fn lock(file: &File) -> io::Result<()> {
    match file.lock() {
        Err(error) if error.kind() == io::ErrorKind::Unsupported => Ok(()),
        outcome => outcome,
    }
}

#[cfg(unix)]
fn is_still_at(metadata: &Metadata, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    fs::metadata(path).is_ok_and(|now| (now.dev(), now.ino()) == (metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn is_still_at(metadata: &Metadata, path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|now| now.modified().ok() == metadata.modified().ok())
}

#[cfg(unix)]
fn mode_of(metadata: &Metadata) -> u32 {
    std::os::unix::fs::PermissionsExt::mode(&metadata.permissions())
}

#[cfg(not(unix))]
fn mode_of(_metadata: &Metadata) -> u32 {
    0o600
}

#[cfg(unix)]
fn permissions(old: &Metadata, privacy: Privacy) -> fs::Permissions {
    use std::os::unix::fs::PermissionsExt as _;
    match privacy {
        Privacy::AsBefore => old.permissions(),
        Privacy::OwnerAlone => fs::Permissions::from_mode(old.permissions().mode() & 0o700),
    }
}

#[cfg(not(unix))]
fn permissions(old: &Metadata, _privacy: Privacy) -> fs::Permissions {
    old.permissions()
}

#[cfg(unix)]
fn keep_owner(file: &File, old: &Metadata) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt as _, fchown};
    let new = file.metadata()?;
    if (new.uid(), new.gid()) == (old.uid(), old.gid()) {
        return Ok(());
    }
    fchown(file, Some(old.uid()), Some(old.gid()))
}

#[cfg(not(unix))]
fn keep_owner(_file: &File, _old: &Metadata) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    OpenOptions::new().read(true).open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_new_file_is_for_its_owner_alone_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/er/.pypirc");
        Dotfile::open(&path).unwrap().replace(b"new").unwrap();
        assert_eq!((fs::read(&path).unwrap(), mode(&path)), (b"new".to_vec(), 0o600));
        assert_eq!(names(path.parent().unwrap()), [".pypirc"]);
    }

    #[test]
    fn an_old_file_keeps_its_mode() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        for wanted in [0o640, 0o644, 0o400] {
            let _ = fs::remove_file(&path);
            fs::write(&path, "old").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(wanted)).unwrap();
            let file = Dotfile::open(&path).unwrap();
            assert_eq!(file.is_readable_by_others(), wanted != 0o400);
            file.replace(b"new").unwrap();
            assert_eq!((fs::read(&path).unwrap(), mode(&path)), (b"new".to_vec(), wanted));
        }
    }

    #[test]
    fn a_secret_takes_the_file_from_others_and_gives_nobody_more() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        for (before, after) in [(0o644, 0o600), (0o666, 0o600), (0o400, 0o400), (0o600, 0o600)] {
            let _ = fs::remove_file(&path);
            fs::write(&path, "old").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(before)).unwrap();
            let file = Dotfile::open(&path).unwrap();
            assert_eq!(file.is_open_to_others(), before & 0o077 != 0);
            file.stage_private(b"new").unwrap().commit().unwrap();
            assert_eq!((fs::read(&path).unwrap(), mode(&path)), (b"new".to_vec(), after));
        }
    }

    #[test]
    fn the_name_of_the_temporary_file_is_not_told() {
        let refused = io::Error::from_raw_os_error(13);
        let error = tempfile::Builder::new()
            .tempfile_in("/nowhere/at/all")
            .unwrap_err();
        assert!(error.to_string().contains("/nowhere"), "{error}");
        assert!(!without_path(error).to_string().contains("/nowhere"));
        assert_eq!(without_path(refused).raw_os_error(), Some(13));
    }

    #[test]
    fn links_are_followed_and_stay() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (
            folder.path().join("repository/pypirc"),
            folder.path().join(".pypirc"),
        );
        symlink("repository/pypirc", &link).unwrap();
        Dotfile::open(&link).unwrap().replace(b"one").unwrap();
        Dotfile::open(&link).unwrap().replace(b"two").unwrap();
        assert_eq!(fs::read(&real).unwrap(), b"two");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        Dotfile::open(&link).unwrap().remove().unwrap();
        assert_eq!(fs::read(&real).unwrap(), b"");
        symlink("loop", folder.path().join("loop")).unwrap();
        assert!(matches!(
            Dotfile::open(&folder.path().join("loop")),
            Err(DotfileError::Read { .. })
        ));
    }

    #[test]
    fn a_folder_is_no_file() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(
            Dotfile::open(folder.path()),
            Err(DotfileError::NotAFile { .. })
        ));
    }

    // H4: what was staged and not committed never happened.
    #[test]
    fn staging_alone_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "old").unwrap();
        let inode = fs::metadata(&path).unwrap().ino();
        drop(Dotfile::open(&path).unwrap().stage(b"new").unwrap());
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::metadata(&path).unwrap().ino(), inode);
        assert_eq!(names(folder.path()), ["file"]);
    }

    #[test]
    fn when_one_of_two_fails_the_other_is_as_before() {
        let folder = tempfile::tempdir().unwrap();
        let (first, fresh, second) = (
            folder.path().join("first"),
            folder.path().join("fresh"),
            folder.path().join("second"),
        );
        fs::write(&first, "old").unwrap();
        let stage = |path: &Path| Dotfile::open(path).unwrap().stage(b"new").unwrap();
        let staged = vec![stage(&first), stage(&fresh), stage(&second)];
        fs::write(&second, "somebody else's").unwrap();
        assert!(matches!(
            commit_all(staged, Vec::new()),
            Err(DotfileError::Appeared { .. })
        ));
        assert_eq!(fs::read(&first).unwrap(), b"old");
        assert_eq!(fs::read(&second).unwrap(), b"somebody else's");
        assert_eq!(names(folder.path()), ["first", "second"]);
    }

    #[test]
    fn when_a_removal_fails_the_others_are_as_before_mode_and_all() {
        let folder = tempfile::tempdir().unwrap();
        let (first, second, last) = (
            folder.path().join("first"),
            folder.path().join("second"),
            folder.path().join("last"),
        );
        for path in [&first, &second, &last] {
            fs::write(path, "old").unwrap();
            fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
        }
        let open = |path: &Path| Dotfile::open(path).unwrap();
        let staged = vec![open(&first).stage_private(b"new").unwrap()];
        let emptied = vec![open(&second), open(&last)];
        fs::remove_file(&last).unwrap();
        assert!(matches!(
            commit_all(staged, emptied),
            Err(DotfileError::Write { .. })
        ));
        for path in [&first, &second] {
            assert_eq!((fs::read(path).unwrap(), mode(path)), (b"old".to_vec(), 0o644));
        }
        assert_eq!(names(folder.path()), ["first", "second"]);
    }

    // H8
    #[test]
    fn edits_at_once_lose_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let append = |line: &str| loop {
            let file = Dotfile::open(&path).unwrap();
            let content = [file.content(), line.as_bytes()].concat();
            match file.replace(&content) {
                Err(DotfileError::Appeared { .. }) => {}
                outcome => break outcome.unwrap(),
            }
        };
        std::thread::scope(|scope| {
            for writer in 0..8 {
                scope.spawn(move || (0..20).for_each(|number| append(&format!("{writer}.{number}\n"))));
            }
        });
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 160);
    }
}
