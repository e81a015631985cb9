//! What is built: a project's folder, or an sdist that is unpacked into one.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::error::Error;
use crate::archive::{self, Limits};
use crate::packaging::DistFilename;
use crate::packaging::filename::SdistFormat;
use crate::packaging::pyproject::BuildSystem;

/// The source as it lies there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A folder; whether it is a project shows when it is opened.
    Folder(PathBuf),
    /// An sdist by its name.
    Sdist {
        /// Where it lies.
        path: PathBuf,
        /// What it is called.
        filename: DistFilename,
    },
}

impl Source {
    /// Looks at what is at `path`.
    ///
    /// # Errors
    /// There is nothing, or a file that is no sdist by its name.
    pub fn at(path: &Path) -> Result<Self, Error> {
        let metadata = fs::metadata(path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Error::SourceMissing {
                path: path.to_owned(),
            },
            _ => Error::Unreadable {
                path: path.to_owned(),
                source,
            },
        })?;
        if metadata.is_dir() {
            return Ok(Self::Folder(path.to_owned()));
        }
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        match name.parse() {
            Ok(filename) if is_tar_gz(&filename) => Ok(Self::Sdist {
                path: path.to_owned(),
                filename,
            }),
            _ => Err(Error::NotAnSdist {
                path: path.to_owned(),
            }),
        }
    }

    /// Where it lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Self::Folder(path) | Self::Sdist { path, .. } => path,
        }
    }

    /// Where artifacts go when the user names no folder: `dist` in the project, or beside the sdist.
    #[must_use]
    pub fn default_output_folder(&self) -> PathBuf {
        match self {
            Self::Folder(folder) => folder.join("dist"),
            Self::Sdist { path, .. } => path.parent().unwrap_or(Path::new(".")).to_owned(),
        }
    }
}

fn is_tar_gz(filename: &DistFilename) -> bool {
    matches!(filename, DistFilename::Sdist(sdist) if sdist.format == SdistFormat::TarGz)
}

/// A folder with what it says about its build.
#[derive(Debug)]
pub(crate) struct Project {
    pub(crate) folder: PathBuf,
    pub(crate) system: BuildSystem,
}

impl Project {
    /// Reads the project in `folder`.
    pub(crate) fn open(folder: &Path) -> Result<Self, Error> {
        let path = folder.join("pyproject.toml");
        let system = match fs::read(&path) {
            Ok(bytes) => {
                let text = String::from_utf8(bytes).map_err(|error| Error::Unreadable {
                    path: path.clone(),
                    source: io::Error::new(io::ErrorKind::InvalidData, error.utf8_error()),
                })?;
                BuildSystem::parse(&text).map_err(|source| Error::Pyproject { path, source })?
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if !["setup.py", "setup.cfg"]
                    .iter()
                    .any(|name| folder.join(name).is_file())
                {
                    return Err(Error::NotAProject {
                        folder: folder.to_owned(),
                    });
                }
                BuildSystem::legacy()
            }
            Err(source) => return Err(Error::Unreadable { path, source }),
        };
        Ok(Self {
            folder: folder.to_owned(),
            system,
        })
    }
}

/// Unpacks the sdist at `path` below `into` and gives the project's folder.
pub(crate) fn unpack(path: &Path, filename: &DistFilename, into: &Path) -> Result<PathBuf, Error> {
    fs::create_dir_all(into).map_err(Error::system("create a temporary folder"))?;
    let file = File::open(path).map_err(|source| Error::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    archive::unpack_sdist(filename, file, into, &Limits::default()).map_err(|source| Error::UnsoundSdist {
        filename: filename.to_string(),
        source,
    })
}
