//! Puts what was built where it belongs: all of it or nothing, each file whole from its first instant on.
//!
//! Backends build into a scratch folder, never into the output folder: a temporary folder in the project's own
//! tree could end up in its sdist. So each file is copied under a hidden name, synced, and renamed at the end.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::Access;
use tempfile::{NamedTempFile, TempPath};

use super::change::{self, Change};
use super::error::Error;
use crate::packaging::{DistFilename, Sha256};

/// A distribution that was built and verified, and lies in the output folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    /// What it is called.
    pub filename: DistFilename,
    /// Where it lies.
    pub path: PathBuf,
    /// Its size in bytes.
    pub size_bytes: u64,
    /// Its digest.
    pub sha256: Sha256,
    /// What it changes about the file of that name that it took the place of.
    pub change: Change,
}

/// A distribution that was built and verified, and lies in the scratch folder.
#[derive(Debug)]
pub(crate) struct Staged {
    pub(crate) filename: DistFilename,
    pub(crate) path: PathBuf,
}

/// Makes sure that files can be put into `folder`, before anybody waits for a build. Creates nothing.
pub(crate) fn check_writable(folder: &Path) -> Result<(), Error> {
    let fail = |source| Error::OutputFolder {
        folder: folder.to_owned(),
        source,
    };
    for ancestor in folder.ancestors() {
        match fs::metadata(ancestor) {
            Ok(metadata) if metadata.is_dir() => {
                let result = rustix::fs::access(ancestor, Access::WRITE_OK | Access::EXEC_OK);
                return result.map_err(|errno| fail(errno.into()));
            }
            Ok(_) => return Err(fail(io::ErrorKind::NotADirectory.into())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if let Ok(target) = fs::read_link(ancestor) {
                    let words = format!("it is a link to `{}`, which is not there", target.display());
                    return Err(fail(io::Error::new(io::ErrorKind::NotFound, words)));
                }
            }
            Err(error) => return Err(fail(error)),
        }
    }
    Err(fail(io::ErrorKind::NotFound.into()))
}

/// Puts all of `staged` into `folder`, which is created if need be; files of the same names are replaced.
pub(crate) fn deliver(staged: &[Staged], folder: &Path) -> Result<Vec<Artifact>, Error> {
    let deliver = || {
        fs::create_dir_all(folder)?;
        let mut prepared = Vec::new();
        let mut artifacts = Vec::new();
        for file in staged {
            let target = folder.join(file.filename.as_str());
            if target.is_dir() {
                return Err(io::ErrorKind::IsADirectory.into());
            }
            let (copy, size_bytes) = copy_beside(&file.path, folder)?;
            let sha256 = Sha256::of_reader(File::open(copy.path())?)?;
            artifacts.push(Artifact {
                change: change::compare(&file.filename, copy.path(), &sha256, &target),
                sha256,
                filename: file.filename.clone(),
                path: target.clone(),
                size_bytes,
            });
            prepared.push((copy, target));
        }
        rename_all(prepared)?;
        File::open(folder)?.sync_all()?;
        Ok(artifacts)
    };
    deliver().map_err(|source| Error::OutputFolder {
        folder: folder.to_owned(),
        source,
    })
}

/// Puts a distribution whose build ends in failure where the user may look at it, and gives its path.
pub(crate) fn keep(staged: &Staged, folder: &Path) -> io::Result<PathBuf> {
    fs::create_dir_all(folder)?;
    let kept = folder.join(staged.filename.as_str());
    fs::copy(&staged.path, &kept)?;
    Ok(kept)
}

/// The distributions of the same project in `folder` that are none of `artifacts`, sorted by name.
pub(crate) fn older(folder: &Path, artifacts: &[Artifact]) -> io::Result<Vec<PathBuf>> {
    let mut older = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let Some(filename) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse::<DistFilename>().ok())
        else {
            continue;
        };
        let is_of_the_project = artifacts
            .iter()
            .any(|made| made.filename.project() == filename.project());
        let was_made = artifacts
            .iter()
            .any(|made| made.path.file_name() == Some(&*entry.file_name()));
        if is_of_the_project && !was_made && entry.file_type()?.is_file() {
            older.push(entry.path());
        }
    }
    older.sort();
    Ok(older)
}

/// A synced copy under a hidden name, with the permissions that new files of the user have.
fn copy_beside(from: &Path, folder: &Path) -> io::Result<(NamedTempFile, u64)> {
    let mut copy = tempfile::Builder::new()
        .prefix(".pkgctl-")
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(folder)?;
    let size_bytes = io::copy(&mut File::open(from)?, copy.as_file_mut())?;
    copy.as_file().sync_all()?;
    Ok((copy, size_bytes))
}

/// What was under a name before it was taken.
enum Before {
    Nothing,
    Kept(TempPath),
}

/// Gives all files their names, or, when one can't have it, none.
fn rename_all(prepared: Vec<(NamedTempFile, PathBuf)>) -> io::Result<()> {
    let mut done = Vec::new();
    for (copy, target) in prepared {
        let renamed = keep_aside(&target).and_then(|before| match copy.persist(&target) {
            Ok(_) => Ok(before),
            Err(error) => Err(error.error),
        });
        match renamed {
            Ok(before) => done.push((target, before)),
            Err(error) => {
                put_back(done);
                return Err(error);
            }
        }
    }
    Ok(())
}

fn keep_aside(target: &Path) -> io::Result<Before> {
    if fs::symlink_metadata(target).is_err() {
        return Ok(Before::Nothing);
    }
    let folder = target.parent().unwrap_or(Path::new("."));
    // Not all file systems have hard links; without one, a copy it must be.
    let kept = tempfile::Builder::new()
        .prefix(".pkgctl-")
        .make_in(folder, |path| {
            fs::hard_link(target, path).or_else(|error| match error.kind() {
                io::ErrorKind::AlreadyExists => Err(error),
                _ => fs::copy(target, path).map(drop),
            })
        });
    Ok(Before::Kept(kept?.into_temp_path()))
}

fn put_back(done: Vec<(PathBuf, Before)>) {
    for (target, before) in done {
        // The error that led here is the one to report.
        match before {
            Before::Nothing => drop(fs::remove_file(target)),
            Before::Kept(kept) => drop(kept.persist(target)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn staged(scratch: &Path, name: &str) -> Staged {
        let path = scratch.join(name);
        fs::write(&path, format!("new {name}")).unwrap();
        Staged {
            filename: name.parse().unwrap(),
            path,
        }
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn files_replace_their_predecessors_and_nothing_else_is_left() {
        let scratch = tempfile::tempdir().unwrap();
        let out = scratch.path().join("deep/dist");
        fs::create_dir_all(&out).unwrap();
        fs::write(out.join("a-1.tar.gz"), "old").unwrap();
        let files = [
            staged(scratch.path(), "a-1.tar.gz"),
            staged(scratch.path(), "a-1-py3-none-any.whl"),
        ];
        let artifacts = deliver(&files, &out).unwrap();
        assert_eq!(names(&out), ["a-1-py3-none-any.whl", "a-1.tar.gz"]);
        assert_eq!(fs::read(out.join("a-1.tar.gz")).unwrap(), b"new a-1.tar.gz");
        assert_eq!(artifacts[0].size_bytes, 14);
        assert_eq!(artifacts[0].sha256, Sha256::of("new a-1.tar.gz"));
        let mode = fs::metadata(&artifacts[0].path).unwrap().permissions().mode();
        assert_eq!(
            mode & 0o600,
            0o600,
            "the user's umask decides about the others: {mode:o}"
        );
        assert_ne!(mode & 0o777, 0o600, "the file is as private as a temporary one");
    }

    #[test]
    fn older_files_are_those_of_the_same_project_and_nothing_else() {
        let scratch = tempfile::tempdir().unwrap();
        let out = scratch.path().join("dist");
        fs::create_dir_all(out.join("a_b-3.tar.gz")).unwrap();
        for name in [
            "a_b-1.tar.gz",
            "A.B-1-py3-none-any.whl",
            "a_b_c-1.tar.gz",
            "a_b-1.tar.gz.asc",
            "notes",
        ] {
            fs::write(out.join(name), "").unwrap();
        }
        let artifacts = deliver(&[staged(scratch.path(), "a_b-2.tar.gz")], &out).unwrap();
        let older = older(&out, &artifacts).unwrap();
        assert_eq!(
            older,
            [out.join("A.B-1-py3-none-any.whl"), out.join("a_b-1.tar.gz")]
        );
    }

    #[test]
    fn when_one_name_is_taken_by_a_folder_all_stays_as_it_was() {
        let scratch = tempfile::tempdir().unwrap();
        let out = scratch.path().join("dist");
        fs::create_dir_all(out.join("a-1-py3-none-any.whl")).unwrap();
        fs::write(out.join("a-1.tar.gz"), "old").unwrap();
        let prepare = |name: &str| {
            let file = staged(scratch.path(), name);
            (copy_beside(&file.path, &out).unwrap().0, out.join(name))
        };
        let prepared = vec![
            prepare("b-1.tar.gz"),
            prepare("a-1.tar.gz"),
            prepare("a-1-py3-none-any.whl"),
        ];
        assert!(rename_all(prepared).is_err());
        assert_eq!(names(&out), ["a-1-py3-none-any.whl", "a-1.tar.gz"]);
        assert_eq!(fs::read(out.join("a-1.tar.gz")).unwrap(), b"old");
    }

    #[test]
    fn a_folder_that_can_not_be_is_refused_before_the_build() {
        let scratch = tempfile::tempdir().unwrap();
        fs::write(scratch.path().join("file"), "").unwrap();
        assert!(check_writable(&scratch.path().join("file/dist")).is_err());
        assert!(check_writable(&scratch.path().join("file")).is_err());
        check_writable(&scratch.path().join("a/b/c")).unwrap();
        assert_eq!(names(scratch.path()), ["file"]);
    }
}
