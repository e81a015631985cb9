//! A distribution that was checked and is ready to be sent.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use crate::archive::{self, Inspection};
use crate::causes::in_one_line;
use crate::checks::{Checker, Judgement, Severity};
use crate::packaging::digest::{Algorithm, MultiHasher, NamedDigest};
use crate::packaging::{DistFilename, ProjectName, ReleaseVersion, Sha256, upload_form};

/// Bytes that are read from disk at a time.
pub(super) const CHUNK_BYTES: usize = 256 * 1024;

/// A file whose archive is sound, with everything that its upload needs but its bytes.
#[derive(Debug, Clone)]
pub struct Distribution {
    pub(super) path: PathBuf,
    pub(super) filename: DistFilename,
    pub(super) size_bytes: u64,
    pub(super) sha256: Sha256,
    pub(super) fields: Vec<(&'static str, String)>,
    warnings: Vec<String>,
}

/// A file that must not be sent, and why.
#[derive(Debug)]
pub struct BadFile {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it, in one line.
    pub reason: String,
}

impl Distribution {
    /// Reads and checks a file as an index would.
    ///
    /// # Errors
    /// [`BadFile`] when it can't be read or its archive is not sound.
    pub fn check(
        path: &Path,
        filename: &DistFilename,
        limits: &archive::Limits,
        comment: Option<&str>,
    ) -> Result<Self, BadFile> {
        let bad = |reason: String| BadFile {
            path: path.to_owned(),
            reason,
        };
        let file = File::open(path).map_err(|error| bad(unreadable(&error)))?;
        let inspection =
            archive::inspect(filename, &file, limits).map_err(|error| bad(in_one_line(&error)))?;
        let warnings = inspection.warnings.iter().map(ToString::to_string).collect();
        Self::sound(path, filename, &inspection, comment, warnings)
    }

    /// Makes a file ready whose archive is sound: hashes it, and fills the form.
    fn sound(
        path: &Path,
        filename: &DistFilename,
        inspection: &Inspection,
        comment: Option<&str>,
        warnings: Vec<String>,
    ) -> Result<Self, BadFile> {
        let bad = |reason: String| BadFile {
            path: path.to_owned(),
            reason,
        };
        let (size_bytes, digests) = File::open(path)
            .and_then(|mut file| hash(&mut file))
            .map_err(|error| bad(unreadable(&error)))?;
        let sha256 = digests
            .iter()
            .find(|digest| digest.algorithm == Algorithm::Sha256)
            .and_then(|digest| digest.hex().parse().ok())
            .ok_or_else(|| bad("it has no digest".to_owned()))?;
        Ok(Self {
            path: path.to_owned(),
            fields: upload_form::to_fields(filename, &inspection.metadata, &digests, comment),
            warnings,
            filename: filename.clone(),
            size_bytes,
            sha256,
        })
    }

    /// The file's name.
    #[must_use]
    pub fn filename(&self) -> &str {
        self.filename.as_str()
    }

    /// The project that it belongs to.
    #[must_use]
    pub fn project(&self) -> &ProjectName {
        self.filename.project()
    }

    /// The release that it belongs to.
    #[must_use]
    pub fn version(&self) -> &ReleaseVersion {
        self.filename.version()
    }

    /// Length in bytes.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// What is odd about the archive without making it unsound.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    pub(super) fn is_wheel(&self) -> bool {
        matches!(self.filename, DistFilename::Wheel(_))
    }

    /// The file's digest of that kind, hashed anew unless it is the sha256.
    pub(super) fn digest(&self, algorithm: Algorithm) -> io::Result<String> {
        if algorithm == Algorithm::Sha256 {
            return Ok(self.sha256.to_string());
        }
        let mut hasher = MultiHasher::new([algorithm]);
        read_all(&mut File::open(&self.path)?, |chunk| hasher.update(chunk))?;
        Ok(hasher
            .finish()
            .first()
            .map(|digest| digest.hex().to_owned())
            .unwrap_or_default())
    }
}

/// Checks all of `files`, so that every bad one is known before any is sent.
///
/// # Errors
/// The bad ones.
pub fn check_all(
    files: &[(PathBuf, DistFilename)],
    checker: &Checker,
    comment: Option<&str>,
) -> Result<Vec<Distribution>, Vec<BadFile>> {
    let mut good = Vec::new();
    let mut bad = Vec::new();
    for judgement in checker.judge(files) {
        match ready(&judgement, comment) {
            Ok(distribution) => good.push(distribution),
            Err(problem) => bad.push(problem),
        }
    }
    if bad.is_empty() { Ok(good) } else { Err(bad) }
}

/// The distribution that was judged, unless there is an error in it. Of the warnings those about the archive go
/// along; what could be nicer for readers is `pkgctl check`'s to say, not a matter of every upload.
fn ready(judgement: &Judgement, comment: Option<&str>) -> Result<Distribution, BadFile> {
    let errors: Vec<String> = judgement
        .problems
        .iter()
        .filter(|problem| problem.severity() == Severity::Error)
        .map(|problem| in_one_line(problem))
        .collect();
    match &judgement.inspection {
        Some(inspection) if errors.is_empty() => {
            let warnings = inspection.warnings.iter().map(ToString::to_string).collect();
            Distribution::sound(
                &judgement.path,
                &judgement.filename,
                inspection,
                comment,
                warnings,
            )
        }
        _ => Err(BadFile {
            path: judgement.path.clone(),
            reason: errors.join("; "),
        }),
    }
}

fn unreadable(error: &io::Error) -> String {
    format!("can't read it: {error}")
}

fn hash(file: &mut File) -> io::Result<(u64, Vec<NamedDigest>)> {
    let mut hasher = MultiHasher::new([Algorithm::Sha256, Algorithm::Blake2b256]);
    let size_bytes = read_all(file, |chunk| hasher.update(chunk))?;
    Ok((size_bytes, hasher.finish()))
}

fn read_all(file: &mut File, mut take: impl FnMut(&[u8])) -> io::Result<u64> {
    let mut buffer = vec![0; CHUNK_BYTES];
    let mut total = 0;
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(total),
            Ok(read) => {
                take(&buffer[..read]);
                total += read as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
