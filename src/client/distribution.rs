//! A distribution that was checked and is ready to be sent.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;

use super::select::Selected;
use crate::archive::{self, Inspection};
use crate::causes::in_one_line;
use crate::checks::{Checker, Judgement, Severity};
use crate::packaging::digest::{Algorithm, MultiHasher, NamedDigest};
use crate::packaging::upload_form::{self, ATTESTATIONS_FIELD};
use crate::packaging::{DistFilename, ProjectName, ReleaseVersion, Sha256};

/// Bytes that are read from disk at a time.
pub(super) const CHUNK_BYTES: usize = 256 * 1024;

/// The digests in the form, in its order.
const DIGESTS: [Algorithm; 2] = [Algorithm::Sha256, Algorithm::Blake2b256];

/// From this length on, in bytes, threads pay off.
const LARGE_BYTES: u64 = 4 << 20;

/// The longest signature or attestation that is sent along, in bytes.
const MAX_COMPANION_BYTES: u64 = 1 << 20;

/// A file whose archive is sound, with everything that its upload needs but its bytes.
#[derive(Debug, Clone)]
pub struct Distribution {
    pub(super) path: PathBuf,
    pub(super) filename: DistFilename,
    pub(super) size_bytes: u64,
    pub(super) sha256: Sha256,
    pub(super) fields: Vec<(&'static str, String)>,
    /// A detached PGP signature, sent along as `<file>.asc`.
    pub(super) signature: Option<Bytes>,
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
        Self::read(path, filename, limits, comment).map(|(distribution, _)| distribution)
    }

    fn read(
        path: &Path,
        filename: &DistFilename,
        limits: &archive::Limits,
        comment: Option<&str>,
    ) -> Result<(Self, Inspection), BadFile> {
        let bad = |reason: String| BadFile {
            path: path.to_owned(),
            reason,
        };
        let unreadable = |error: io::Error| bad(format!("can't read it: {error}"));
        let file = File::open(path).map_err(unreadable)?;
        let size_bytes = file.metadata().map_err(unreadable)?.len();
        let inspect = || archive::inspect(filename, &file, limits).map_err(|error| bad(in_one_line(&error)));
        let (inspection, digests) = if size_bytes < LARGE_BYTES {
            let inspection = inspect()?;
            let mut file = File::open(path).map_err(unreadable)?;
            (inspection, hash(&mut file, DIGESTS).map_err(unreadable)?)
        } else {
            let (inspection, digests) = beside_hashing(path, inspect);
            (inspection?, digests.map_err(unreadable)?)
        };
        let sha256 = digests
            .iter()
            .find(|digest| digest.algorithm == Algorithm::Sha256)
            .and_then(|digest| digest.hex().parse().ok())
            .ok_or_else(|| bad("it has no digest".to_owned()))?;
        let distribution = Self {
            path: path.to_owned(),
            fields: upload_form::to_fields(filename, &inspection.metadata, &digests, comment),
            warnings: inspection.warnings.iter().map(ToString::to_string).collect(),
            filename: filename.clone(),
            size_bytes,
            sha256,
            signature: None,
        };
        Ok((distribution, inspection))
    }

    /// Takes the detached PGP signature in the file `path` along.
    ///
    /// # Errors
    /// [`BadFile`] when it can't be read, is empty or far too long.
    pub fn with_signature(mut self, path: &Path) -> Result<Self, BadFile> {
        self.signature = Some(read_companion(path)?.into());
        Ok(self)
    }

    /// Takes the attestations (PEP 740) in these files along, each a JSON object.
    ///
    /// # Errors
    /// [`BadFile`] when one can't be read or is no JSON object.
    pub fn with_attestations(mut self, paths: &[PathBuf]) -> Result<Self, BadFile> {
        let mut list = Vec::new();
        for path in paths {
            let bad = |reason: &str| BadFile {
                path: path.clone(),
                reason: reason.to_owned(),
            };
            let text = String::from_utf8(read_companion(path)?).map_err(|_| bad("it is not UTF-8"))?;
            let is_object =
                serde_json::from_str::<serde_json::Value>(&text).is_ok_and(|value| value.is_object());
            if !is_object {
                return Err(bad("an attestation is a JSON object, and this is none"));
            }
            list.push(text.trim().to_owned());
        }
        if !list.is_empty() {
            self.fields
                .push((ATTESTATIONS_FIELD, format!("[{}]", list.join(","))));
        }
        Ok(self)
    }

    /// The text fields of the form, in the order in which they are sent; the file itself follows them.
    pub fn fields(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.fields.iter().map(|(name, value)| (*name, value.as_str()))
    }

    /// Whether a signature goes with it.
    #[must_use]
    pub fn is_signed(&self) -> bool {
        self.signature.is_some()
    }

    /// Its digest.
    #[must_use]
    pub fn sha256(&self) -> Sha256 {
        self.sha256
    }

    /// Where it lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
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

/// Files that are fit to be sent.
#[derive(Debug)]
pub struct Checked {
    /// They themselves, in the order in which they were named.
    pub distributions: Vec<Distribution>,
    /// The names of those whose description could not be rendered, each with the reason: indexes may refuse them.
    pub not_rendered: Vec<(String, String)>,
}

/// What is done with every file before any is sent.
pub struct Preparation<'a> {
    /// What judges archives and what they say of themselves.
    pub checker: &'a Checker,
    /// A remark to send with each file.
    pub comment: Option<&'a str>,
    /// Send attestations along; a file without any is bad then.
    pub with_attestations: bool,
}

impl Preparation<'_> {
    fn of(&self, file: &Selected) -> Result<(Distribution, Inspection), BadFile> {
        let limits = self.checker.limits();
        let (mut distribution, inspection) =
            Distribution::read(&file.path, &file.filename, limits, self.comment)?;
        if let Some(signature) = &file.signature {
            distribution = distribution.with_signature(signature)?;
        }
        if !self.with_attestations {
            return Ok((distribution, inspection));
        }
        if file.attestations.is_empty() {
            return Err(BadFile {
                path: file.path.clone(),
                reason: format!("there is no `{}.*.attestation` beside it", file.filename),
            });
        }
        Ok((distribution.with_attestations(&file.attestations)?, inspection))
    }
}

/// Checks all of `files`, several at a time, so that every bad one is known before any is sent.
///
/// # Errors
/// The bad ones.
pub fn check_all(files: &[Selected], preparation: &Preparation<'_>) -> Result<Checked, Vec<BadFile>> {
    let threads = std::thread::available_parallelism()
        .map_or(1, usize::from)
        .min(files.len());
    let next = AtomicUsize::new(0);
    let checked = Mutex::new(Vec::with_capacity(files.len()));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some((place, file)) = {
                    let place = next.fetch_add(1, Ordering::Relaxed);
                    files.get(place).map(|file| (place, file))
                } {
                    let result = preparation.of(file);
                    if let Ok((_, inspection)) = &result {
                        preparation.checker.expect(inspection);
                    }
                    checked
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push((place, result));
                }
            });
        }
    });
    let mut checked = checked.into_inner().unwrap_or_else(PoisonError::into_inner);
    checked.sort_by_key(|(place, _)| *place);
    let mut sound = Vec::new();
    let mut read = Vec::new();
    let mut bad = Vec::new();
    for (_, result) in checked {
        match result {
            Ok((distribution, inspection)) => {
                read.push((
                    distribution.path.clone(),
                    distribution.filename.clone(),
                    inspection,
                ));
                sound.push(distribution);
            }
            Err(problem) => bad.push(problem),
        }
    }
    let judgements = preparation.checker.judge_read(read);
    bad.extend(judgements.iter().filter_map(bad_for_readers));
    if !bad.is_empty() {
        return Err(bad);
    }
    let not_rendered = judgements.iter().filter_map(|judgement| {
        let problem = judgement
            .problems
            .iter()
            .find(|problem| problem.is_not_rendered())?;
        Some((judgement.filename.to_string(), problem.to_string()))
    });
    Ok(Checked {
        distributions: sound,
        not_rendered: not_rendered.collect(),
    })
}

/// The errors in what a sound archive says of itself. Warnings are `pkgctl check`'s to tell, not a matter of every
/// upload.
fn bad_for_readers(judgement: &Judgement) -> Option<BadFile> {
    let errors: Vec<String> = judgement
        .problems
        .iter()
        .filter(|problem| problem.severity() == Severity::Error)
        .map(|problem| in_one_line(problem))
        .collect();
    (!errors.is_empty()).then(|| BadFile {
        path: judgement.path.clone(),
        reason: errors.join("; "),
    })
}

fn read_companion(path: &Path) -> Result<Vec<u8>, BadFile> {
    let bad = |reason: String| BadFile {
        path: path.to_owned(),
        reason,
    };
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_COMPANION_BYTES + 1).read_to_end(&mut bytes))
        .map_err(|error| bad(format!("can't read it: {error}")))?;
    match bytes.len() as u64 {
        0 => Err(bad("it is empty".to_owned())),
        length if length > MAX_COMPANION_BYTES => {
            Err(bad(format!("it is over {MAX_COMPANION_BYTES} bytes long")))
        }
        _ => Ok(bytes),
    }
}

fn hash<const N: usize>(file: &mut File, algorithms: [Algorithm; N]) -> io::Result<Vec<NamedDigest>> {
    let mut hasher = MultiHasher::new(algorithms);
    read_all(file, |chunk| hasher.update(chunk))?;
    Ok(hasher.finish())
}

/// Does `work` while each digest of a large file is computed by a thread of its own.
fn beside_hashing<T>(path: &Path, work: impl FnOnce() -> T) -> (T, io::Result<Vec<NamedDigest>>) {
    std::thread::scope(|scope| {
        let threads = DIGESTS.map(|algorithm| scope.spawn(move || hash(&mut File::open(path)?, [algorithm])));
        let done = work();
        let digests = threads.into_iter().map(|thread| {
            let ended = thread.join();
            ended.unwrap_or_else(|_| Err(io::Error::other("its digest could not be computed")))
        });
        let digests: io::Result<Vec<_>> = digests.collect();
        (
            done,
            digests.map(|digests| digests.into_iter().flatten().collect()),
        )
    })
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
