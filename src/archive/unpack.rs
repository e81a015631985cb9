//! Unpacks an sdist so that nothing lands outside the folder that was asked for.
//!
//! Standard: the source distribution format's rules for extraction (PEP 721), after Python's `data` filter: no
//! devices, no links that leave, no set-uid bits; times and the right to execute are kept.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::Limits;
use super::error::{Error, Judge, Rule};
use super::member::{Flow, Kind, Member, Visitor};
use super::sdist::{self, TopFolder};
use crate::packaging::filename::SdistFilename;

/// Unpacks into `into`, which must exist, and gives the path of the top folder, which must not exist yet.
pub(super) fn unpack(
    sdist: &SdistFilename,
    file: impl Read + Seek,
    into: &Path,
    limits: &Limits,
) -> Result<PathBuf, Error> {
    let mut unpacker = Unpacker {
        into,
        top: TopFolder::default(),
        owns_top: false,
        current: None,
        symlinks: Vec::new(),
    };
    let result = sdist::walk(sdist.format, file, &mut Judge::new(limits), &mut unpacker)
        .and_then(|()| unpacker.make_symlinks())
        .and_then(|()| unpacker.top_path().ok_or_else(|| Error::archive(Rule::NoPkgInfo)));
    if let (Err(_), true, Some(top)) = (&result, unpacker.owns_top, unpacker.top_path()) {
        // The error that led here says more than one about cleaning up could.
        let _ = fs::remove_dir_all(top);
    }
    result
}

struct Unpacker<'a> {
    into: &'a Path,
    top: TopFolder,
    /// Whether the top folder was made here, and may be removed here.
    owns_top: bool,
    current: Option<OpenFile>,
    /// Made last, so that no file is ever written through one.
    symlinks: Vec<(PathBuf, String)>,
}

struct OpenFile {
    path: PathBuf,
    file: File,
    modified: i64,
}

impl Unpacker<'_> {
    fn top_path(&self) -> Option<PathBuf> {
        self.top.name().map(|name| self.into.join(name))
    }

    fn make_symlinks(&self) -> Result<(), Error> {
        for (path, target) in &self.symlinks {
            make_parent(path)?;
            symlink(target, path).map_err(|source| write_error(path, source))?;
        }
        Ok(())
    }
}

impl Visitor for Unpacker<'_> {
    fn begin(&mut self, member: &Member<'_>, _judge: &mut Judge<'_>) -> Result<(), Error> {
        if self.top.note(member)?
            && let Some(top) = self.top_path()
        {
            // Fails when it exists: all that is written below it goes through folders made here.
            fs::create_dir(&top).map_err(|source| write_error(&top, source))?;
            self.owns_top = true;
        }
        let path = self.into.join(member.path);
        match member.kind {
            Kind::Folder => fs::create_dir_all(&path).map_err(|source| write_error(&path, source))?,
            Kind::File { .. } => {
                make_parent(&path)?;
                let file =
                    create_file(&path, member.executable).map_err(|source| write_error(&path, source))?;
                self.current = Some(OpenFile {
                    path,
                    file,
                    modified: member.modified,
                });
            }
            Kind::Symlink { target } => self.symlinks.push((path, target.to_owned())),
            Kind::HardLink { target } => {
                make_parent(&path)?;
                fs::hard_link(self.into.join(target), &path).map_err(|source| write_error(&path, source))?;
            }
        }
        Ok(())
    }

    fn data(&mut self, bytes: &[u8]) -> Result<(), Error> {
        match &mut self.current {
            Some(open) => open
                .file
                .write_all(bytes)
                .map_err(|source| write_error(&open.path, source)),
            None => Ok(()),
        }
    }

    fn end(&mut self, _judge: &mut Judge<'_>) -> Result<Flow, Error> {
        if let Some(open) = self.current.take()
            && let Some(modified) = system_time(open.modified)
        {
            // A time that the file system can't hold is no reason to fail.
            let _ = open.file.set_modified(modified);
        }
        Ok(Flow::Continue)
    }
}

fn make_parent(path: &Path) -> Result<(), Error> {
    match path.parent() {
        Some(parent) => fs::create_dir_all(parent).map_err(|source| write_error(parent, source)),
        None => Ok(()),
    }
}

/// A new file with mode 644 or 755, less the process's umask.
fn create_file(path: &Path, executable: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, if executable { 0o755 } else { 0o644 });
    #[cfg(not(unix))]
    let _ = executable;
    options.open(path)
}

#[cfg(unix)]
fn symlink(target: &str, path: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, path)
}

/// Elsewhere links need rights that builds rarely have.
#[cfg(not(unix))]
fn symlink(_target: &str, _path: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

fn system_time(seconds: i64) -> Option<SystemTime> {
    let distance = Duration::from_secs(seconds.unsigned_abs());
    if seconds < 0 {
        SystemTime::UNIX_EPOCH.checked_sub(distance)
    } else {
        SystemTime::UNIX_EPOCH.checked_add(distance)
    }
}

fn write_error(path: &Path, source: io::Error) -> Error {
    Error::Write {
        path: path.to_owned(),
        source,
    }
}
