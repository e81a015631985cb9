//! What a page or a download needs: facts read from files once and kept, small files in memory.

use std::collections::HashSet;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use tracing::{debug, warn};

use super::{Error, Index, Settings};
use crate::archive;
use crate::catalog::{FileFacts, FileRecord, ProjectRecord};
use crate::packaging::digest::{Algorithm, MultiHasher, NamedDigest};
use crate::packaging::metadata::CoreMetadata;
use crate::packaging::simple::{FileEntry, ProjectDetail, ProjectStatus};
use crate::packaging::{DistFilename, ProjectName, Sha256};
use crate::storage::{self, Object, Stamp, StoreKey};

/// How often a file may change under our hands before we say so.
const ATTEMPTS: usize = 5;

/// A file that was changed so recently may be changed again without its stamp showing it: the clocks of file systems
/// tick in milliseconds, on some in seconds. What is read from it holds for this answer only.
const CLOCK_GRAIN_NS: i64 = 2_000_000_000;

/// What a cached file costs in memory beside its bytes.
const FILE_OVERHEAD_BYTES: u64 = 512;

/// A file, ready to be sent.
#[derive(Debug)]
pub struct Download {
    /// Its name.
    pub filename: DistFilename,
    /// Digest of exactly the bytes that are sent, and so the strongest validator there is.
    pub sha256: Sha256,
    /// Length in bytes.
    pub size_bytes: u64,
    /// When the content was last changed, in nanoseconds since 1970 in UTC.
    pub modified_ns: i64,
    /// The bytes.
    pub content: Content,
}

/// Where a download's bytes are.
pub enum Content {
    /// A small file, shared with other downloads.
    Memory(Bytes),
    /// An open object of the store; reading it blocks.
    Stored(Object),
}

impl std::fmt::Debug for Content {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Memory(bytes) => write!(f, "Memory({} bytes)", bytes.len()),
            Self::Stored(object) => write!(f, "Stored({:?})", object.stamp),
        }
    }
}

/// Small files and metadata files in memory, bounded in bytes.
pub(super) struct SmallFiles {
    cache: Cache<String, Arc<SmallFile>, FileWeight>,
    max_file_bytes: u64,
}

struct SmallFile {
    filename: DistFilename,
    sha256: Sha256,
    modified_ns: i64,
    bytes: Bytes,
}

#[derive(Clone)]
struct FileWeight;

impl Weighter<String, Arc<SmallFile>> for FileWeight {
    fn weight(&self, path: &String, file: &Arc<SmallFile>) -> u64 {
        (path.len() + file.bytes.len()) as u64 + FILE_OVERHEAD_BYTES
    }
}

impl SmallFiles {
    pub(super) fn new(capacity_bytes: u64, max_file_bytes: u64) -> Self {
        let typical_file_bytes = 16 * 1024;
        let expected_files = usize::try_from(capacity_bytes / typical_file_bytes).unwrap_or(usize::MAX);
        Self {
            cache: Cache::with_weighter(expected_files.min(100_000), capacity_bytes, FileWeight),
            max_file_bytes,
        }
    }

    /// Forgets a file and its metadata file, also while they are being read.
    pub(super) fn forget(&self, key: &StoreKey) {
        self.cache.remove(key.path());
        self.cache.remove(metadata_path(key.path()).as_str());
    }
}

impl SmallFile {
    fn download(&self) -> Download {
        Download {
            filename: self.filename.clone(),
            sha256: self.sha256,
            size_bytes: self.bytes.len() as u64,
            modified_ns: self.modified_ns,
            content: Content::Memory(self.bytes.clone()),
        }
    }
}

fn metadata_path(path: &str) -> String {
    format!("{path}.metadata")
}

impl Index {
    /// The file at `path`, as pages link it; `None` when no page links such a path.
    ///
    /// # Errors
    /// The folder or the catalog can't be read.
    pub async fn download(self: &Arc<Self>, path: &str) -> Result<Option<Download>, Error> {
        self.settle_path(path).await?;
        let guard = match self.files.cache.get_value_or_guard_async(path).await {
            Ok(file) => return Ok(Some(file.download())),
            Err(guard) => guard,
        };
        for _ in 0..ATTEMPTS {
            let Some(record) = self.served_at(path).await? else {
                return Ok(None);
            };
            let Some((record, facts)) = self.with_facts(record).await? else {
                return Ok(None);
            };
            let object = match self.store.open(&record.key).await {
                Ok(object) if object.stamp == record.stamp => object,
                Ok(_) | Err(storage::Error::NotFound(_)) => {
                    self.look_again(&record.key).await?;
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            let stamp = object.stamp;
            if stamp.size_bytes > self.files.max_file_bytes {
                return Ok(Some(Download {
                    filename: record.filename,
                    sha256: facts.sha256,
                    size_bytes: stamp.size_bytes,
                    modified_ns: stamp.modified_ns,
                    content: Content::Stored(object),
                }));
            }
            let bytes = read_whole(object).await?;
            // Between the digest and these bytes an unsettled file may have changed without its stamp telling.
            let agrees = |bytes: &Bytes| has_settled(stamp) || Sha256::of(bytes) == facts.sha256;
            let Some(bytes) = bytes.filter(agrees) else {
                self.look_again(&record.key).await?;
                continue;
            };
            let file = SmallFile {
                filename: record.filename,
                sha256: facts.sha256,
                modified_ns: stamp.modified_ns,
                bytes,
            };
            let file = Arc::new(file);
            if self.may_keep(stamp) {
                // Refused when the file changed meanwhile; what was read is whole and was right when it was asked for.
                let _ = guard.insert(Arc::clone(&file));
            }
            return Ok(Some(file.download()));
        }
        Err(Error::Unsteady(path.to_owned()))
    }

    /// The core metadata file of the wheel at `path` (PEP 658): the very bytes that the wheel holds. `None` when
    /// there is no such wheel, or no metadata could be read from it.
    ///
    /// # Errors
    /// The folder or the catalog can't be read.
    pub async fn metadata_file(self: &Arc<Self>, path: &str) -> Result<Option<Download>, Error> {
        self.settle_path(path).await?;
        let cache_path = metadata_path(path);
        let guard = match self
            .files
            .cache
            .get_value_or_guard_async(cache_path.as_str())
            .await
        {
            Ok(file) => return Ok(Some(file.download())),
            Err(guard) => guard,
        };
        for _ in 0..ATTEMPTS {
            let Some(record) = self.served_at(path).await? else {
                return Ok(None);
            };
            let Some((record, facts)) = self.with_facts(record).await? else {
                return Ok(None);
            };
            let Some(expected) = facts.metadata_sha256 else {
                return Ok(None);
            };
            let bytes = match self.store.open(&record.key).await {
                Ok(object) if object.stamp == record.stamp => {
                    self.metadata_of(&record.filename, object).await?
                }
                Ok(_) | Err(storage::Error::NotFound(_)) => None,
                Err(error) => return Err(error.into()),
            };
            // pip compares these bytes with the digest on the page: anything else must not leave the house.
            let Some(bytes) = bytes.filter(|bytes| Sha256::of(bytes) == expected) else {
                self.look_again(&record.key).await?;
                continue;
            };
            let modified_ns = record.stamp.modified_ns;
            let file = SmallFile {
                filename: record.filename,
                sha256: expected,
                modified_ns,
                bytes: bytes.into(),
            };
            let file = Arc::new(file);
            if self.may_keep(record.stamp) {
                let _ = guard.insert(Arc::clone(&file));
            }
            return Ok(Some(file.download()));
        }
        Err(Error::Unsteady(path.to_owned()))
    }

    async fn settle_path(self: &Arc<Self>, path: &str) -> Result<(), Error> {
        self.settle().await?;
        if self.store.sees_content_changes() {
            return Ok(());
        }
        let record = self.served_at(path).await?;
        self.settle_files(record.as_slice()).await
    }

    /// Whether something made from a file in this state may be kept: a later change must make itself known, by an
    /// event or by another stamp.
    pub(super) fn may_keep(&self, stamp: Stamp) -> bool {
        self.store.sees_content_changes() || has_settled(stamp)
    }

    /// The record of the file that is served at `path`: the first one of that name, and only under its own path.
    async fn served_at(&self, path: &str) -> Result<Option<FileRecord>, Error> {
        let name = path.rsplit('/').next().unwrap_or(path);
        let record = self.catalog.file(name).await?;
        Ok(record.filter(|record| record.key.path() == path))
    }

    async fn metadata_of(&self, filename: &DistFilename, object: Object) -> Result<Option<Vec<u8>>, Error> {
        let filename = filename.clone();
        let limits = self.settings.limits.clone();
        let read = move || {
            archive::read_metadata(&filename, object.reader, &limits)
                .ok()
                .flatten()
        };
        Ok(tokio::task::spawn_blocking(read).await?)
    }

    /// What the project's page shows, and whether that may be kept; `None` when no file of it was ever here.
    pub(super) async fn project_detail(
        self: &Arc<Self>,
        name: &ProjectName,
    ) -> Result<Option<(ProjectDetail, bool)>, Error> {
        let Some(project) = self.catalog.project(name).await? else {
            return Ok(None);
        };
        let ProjectRecord {
            name,
            status,
            status_reason,
            files,
        } = project;
        let files = if status == ProjectStatus::Quarantined {
            Vec::new()
        } else {
            files
        };
        let may_be_kept = files.iter().all(|record| self.may_keep(record.stamp));
        let readers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let entries: Vec<Option<FileEntry>> = stream::iter(files)
            .map(|record| self.entry(record))
            .buffered(readers)
            .try_collect()
            .await?;
        let files = entries.into_iter().flatten().collect();
        let detail = ProjectDetail {
            name,
            status,
            status_reason,
            files,
        };
        Ok(Some((detail, may_be_kept)))
    }

    /// A file's line on the page; `None` when it went, or is still being written and so isn't listed yet.
    async fn entry(&self, record: FileRecord) -> Result<Option<FileEntry>, Error> {
        let (record, facts) = match self.with_facts(record.clone()).await {
            Ok(Some((record, facts))) => (record, Some(facts)),
            Ok(None) => return Ok(None),
            Err(Error::Unsteady(path)) => {
                debug!(path, "still being written, not listed yet");
                return Ok(None);
            }
            // One file that can't be read must not take the whole page down: it is listed without a digest.
            Err(Error::Store(error)) => {
                warn!(file = %record.key, %error, "listed without a digest");
                (record, None)
            }
            Err(error) => return Err(error),
        };
        let digest_of_facts = |algorithm| facts.as_ref().and_then(|facts| digest_of(facts, algorithm));
        Ok(Some(FileEntry {
            digest: self.settings.page_digest.and_then(digest_of_facts),
            path: record.key.path().to_owned(),
            filename: record.filename,
            metadata_sha256: facts.as_ref().and_then(|facts| facts.metadata_sha256),
            requires_python: facts.and_then(|facts| facts.requires_python),
            yanked: record.yanked.map(|yank| yank.reason),
            size_bytes: record.stamp.size_bytes,
            uploaded_at: record.uploaded_at,
        }))
    }

    /// The record with its facts, reading the file if that was not done yet. `None` when the file went meanwhile.
    ///
    /// Facts are kept once the file has settled; see [`CLOCK_GRAIN_NS`].
    async fn with_facts(&self, mut record: FileRecord) -> Result<Option<(FileRecord, FileFacts)>, Error> {
        for _ in 0..ATTEMPTS {
            if let Some(facts) = record.facts.take().filter(|facts| self.settings.suffice(facts)) {
                return Ok(Some((record, facts)));
            }
            let object = match self.store.open(&record.key).await {
                Ok(object) => object,
                Err(storage::Error::NotFound(_)) => return Ok(None),
                Err(error) => return Err(error.into()),
            };
            if object.stamp != record.stamp {
                self.look_again(&record.key).await?;
                record.stamp = object.stamp;
            }
            let stamp = object.stamp;
            let facts = self.read_facts(&record.filename, object).await?;
            let still = match self.store.head(&record.key).await {
                Ok(stamp) => stamp,
                Err(storage::Error::NotFound(_)) => return Ok(None),
                Err(error) => return Err(error.into()),
            };
            // A file that grew while it was read has a digest that nobody will ever see again.
            if still != stamp {
                record.stamp = still;
                continue;
            }
            let Some(facts) = facts else { continue };
            if has_settled(stamp) {
                let known = facts.clone();
                self.catalog.record_facts(&record.key, stamp, known).await?;
            }
            return Ok(Some((record, facts)));
        }
        Err(Error::Unsteady(record.key.path().to_owned()))
    }

    /// Reads a file once, on a blocking thread. `None` when its bytes could not be read to the end.
    async fn read_facts(&self, filename: &DistFilename, object: Object) -> Result<Option<FileFacts>, Error> {
        let filename = filename.clone();
        let settings = self.settings.clone();
        // The semaphore is never closed, so a permit always comes.
        let _permit = self.readers.acquire().await.ok();
        let facts = tokio::task::spawn_blocking(move || settings.facts_of(&filename, object)).await?;
        Ok(facts)
    }

    /// Reads what was copied in and nobody asked for yet, until the index is dropped. One file at a time, so that
    /// requests always find a free core.
    pub async fn read_in_background(self: Arc<Self>) {
        const BATCH: usize = 64;
        const REST: Duration = Duration::from_secs(2);
        // Files that could not be read in this state; asking for more than these finds the others.
        let mut unreadable: HashSet<(StoreKey, Stamp)> = HashSet::new();
        loop {
            let batch = self
                .catalog
                .unread(BATCH + unreadable.len())
                .await
                .unwrap_or_else(|error| {
                    warn!(%error, "can't ask the catalog for unread files");
                    Vec::new()
                });
            let mut read = 0;
            for record in batch {
                let state = (record.key.clone(), record.stamp);
                if unreadable.contains(&state) || !has_settled(record.stamp) {
                    continue;
                }
                match self.with_facts(record).await {
                    Ok(_) => read += 1,
                    Err(error) => {
                        debug!(%error, "not read in the background");
                        unreadable.insert(state);
                    }
                }
            }
            if read == 0 {
                tokio::time::sleep(REST).await;
            }
        }
    }
}

/// Whether a later change would show in the stamp.
pub(super) fn has_settled(stamp: Stamp) -> bool {
    // Beyond the years that 64 bits of nanoseconds can tell, clocks are wrong anyway.
    let now_ns = i64::try_from(jiff::Timestamp::now().as_nanosecond()).unwrap_or(i64::MAX);
    now_ns.abs_diff(stamp.modified_ns) > CLOCK_GRAIN_NS.unsigned_abs()
}

impl Settings {
    /// Whether these facts hold all that pages show under these settings.
    fn suffice(&self, facts: &FileFacts) -> bool {
        self.page_digest
            .is_none_or(|algorithm| digest_of(facts, algorithm).is_some())
    }

    fn facts_of(&self, filename: &DistFilename, mut object: Object) -> Option<FileFacts> {
        let digests = hash(&mut object, self.page_digest).ok()?;
        let sha256 = digests
            .iter()
            .find(|digest| digest.algorithm == Algorithm::Sha256)?
            .hex()
            .parse()
            .ok()?;
        object.reader.seek(SeekFrom::Start(0)).ok()?;
        let (metadata, defect) = match archive::read_metadata(filename, object.reader, &self.limits) {
            Ok(metadata) => (metadata, None),
            Err(error) => (None, Some(error.to_string())),
        };
        if let Some(reason) = &defect {
            warn!(file = %filename, reason, "the archive can't be understood; it is served without metadata");
        }
        let parsed = metadata
            .as_deref()
            .and_then(|bytes| CoreMetadata::parse_lenient(bytes).ok());
        let for_wheel = metadata
            .as_deref()
            .filter(|_| matches!(filename, DistFilename::Wheel(_)));
        Some(FileFacts {
            sha256,
            digests: digests
                .into_iter()
                .filter(|digest| digest.algorithm != Algorithm::Sha256)
                .collect(),
            requires_python: parsed
                .as_ref()
                .and_then(CoreMetadata::requires_python)
                .map(str::to_owned),
            metadata_sha256: for_wheel.map(Sha256::of),
            defect,
        })
    }
}

fn hash(object: &mut Object, also: Option<Algorithm>) -> std::io::Result<Vec<NamedDigest>> {
    let mut hasher = MultiHasher::new([Some(Algorithm::Sha256), also].into_iter().flatten());
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match object.reader.read(&mut buffer)? {
            0 => return Ok(hasher.finish()),
            read => hasher.update(&buffer[..read]),
        }
    }
}

/// The digest by that algorithm, if it is known.
fn digest_of(facts: &FileFacts, algorithm: Algorithm) -> Option<NamedDigest> {
    if algorithm == Algorithm::Sha256 {
        return NamedDigest::parse(algorithm, &facts.sha256.to_string()).ok();
    }
    facts
        .digests
        .iter()
        .find(|digest| digest.algorithm == algorithm)
        .cloned()
}

/// All bytes of a small object; `None` when it is not as long as its stamp says.
async fn read_whole(object: Object) -> Result<Option<Bytes>, Error> {
    let read = move || {
        let Object { stamp, reader } = object;
        let mut bytes = Vec::with_capacity(usize::try_from(stamp.size_bytes).unwrap_or(0));
        let complete = reader.take(stamp.size_bytes + 1).read_to_end(&mut bytes).is_ok();
        (complete && bytes.len() as u64 == stamp.size_bytes).then(|| Bytes::from(bytes))
    };
    Ok(tokio::task::spawn_blocking(read).await?)
}
