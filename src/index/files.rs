//! Downloads: whole files and the metadata files of wheels, the small ones from memory.

use std::io::Read as _;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use quick_cache::Weighter;

use super::facts::{ATTEMPTS, Unseen, has_settled};
use super::shelf::{Shelf, Turn};
use super::{Error, Index};
use crate::archive;
use crate::catalog::{FileFacts, FileRecord};
use crate::packaging::{DistFilename, Sha256};
use crate::storage::{self, Object, Stamp, StoreKey};

/// What a cached file costs in memory beside its bytes.
const FILE_OVERHEAD_BYTES: u64 = 512;

/// A file, ready to be sent.
#[derive(Debug)]
pub struct Download {
    /// The strongest validator there is, with its quotes: the digest of exactly the bytes that are sent.
    pub etag: Bytes,
    /// [`Download::modified_ns`] as HTTP writes it, in whole seconds.
    pub last_modified: Bytes,
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
    cache: Shelf<String, SmallFile, FileWeight>,
    max_file_bytes: u64,
}

struct SmallFile {
    etag: Bytes,
    last_modified: Bytes,
    modified_ns: i64,
    bytes: Bytes,
    /// The file itself, when it must be looked at before this is sent again.
    unseen: Unseen,
}

/// The right to read a file, and to put it into the cache.
type FileTurn<'a> = Turn<'a, String, str, SmallFile, FileWeight>;

/// A file that was read just now, and what may be kept of it.
struct Fresh {
    download: Download,
    kept: Option<Arc<SmallFile>>,
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
            cache: Shelf::new(expected_files.min(100_000), capacity_bytes, FileWeight),
            max_file_bytes,
        }
    }

    /// Forgets all of them.
    pub(super) fn forget_all(&self) {
        self.cache.forget_all();
    }

    /// How many bytes they take.
    pub(super) fn bytes(&self) -> u64 {
        self.cache.weight()
    }

    /// Forgets a file and its metadata file, also while they are being read.
    pub(super) fn forget(&self, key: &StoreKey) {
        self.cache.forget(key.path());
        self.cache.forget(metadata_path(key.path()).as_str());
    }
}

impl SmallFile {
    fn new(record: &FileRecord, sha256: Sha256, bytes: Bytes, unseen: Unseen) -> Self {
        let modified_ns = record.stamp.modified_ns;
        Self {
            etag: etag_of(sha256),
            last_modified: http_date(modified_ns),
            modified_ns,
            bytes,
            unseen,
        }
    }

    fn download(&self) -> Download {
        Download {
            etag: self.etag.clone(),
            last_modified: self.last_modified.clone(),
            size_bytes: self.bytes.len() as u64,
            modified_ns: self.modified_ns,
            content: Content::Memory(self.bytes.clone()),
        }
    }
}

impl Fresh {
    fn new(file: Arc<SmallFile>, may_be_kept: bool) -> Self {
        Self {
            download: file.download(),
            kept: may_be_kept.then_some(file),
        }
    }
}

/// Ends a turn with what was read in it.
fn ended(turn: FileTurn<'_>, read: Result<Option<Fresh>, Error>) -> Result<Option<Download>, Error> {
    let (read, kept) = match read {
        Ok(Some(Fresh { download, kept })) => (Ok(Some(download)), kept),
        Ok(None) => (Ok(None), None),
        Err(error) => (Err(error), None),
    };
    turn.end(kept);
    read
}

impl Download {
    /// What has this digest and was changed then.
    pub(super) fn new(sha256: Sha256, modified_ns: i64, size_bytes: u64, content: Content) -> Self {
        Self {
            etag: etag_of(sha256),
            last_modified: http_date(modified_ns),
            size_bytes,
            modified_ns,
            content,
        }
    }
}

fn etag_of(sha256: Sha256) -> Bytes {
    format!("\"{sha256}\"").into()
}

/// HTTP dates know no fractions, and nothing before 1970.
fn http_date(modified_ns: i64) -> Bytes {
    let seconds = u64::try_from(modified_ns.div_euclid(1_000_000_000)).unwrap_or(0);
    httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds)).into()
}

fn metadata_path(path: &str) -> String {
    format!("{path}.metadata")
}

/// A file that is open in the very state in which its facts were read.
struct Served {
    record: FileRecord,
    facts: FileFacts,
    object: Object,
}

impl Index {
    /// The file at `path`, or the metadata file there, when it can be sent without waiting for anything: it is in memory,
    /// and nothing has changed. `None` says that [`Index::download`] or its like is to be asked.
    #[must_use]
    pub fn download_at_hand(&self, path: &str) -> Option<Download> {
        if !self.is_settled() {
            return None;
        }
        let file = self.files.cache.at_hand(path)?;
        file.unseen.is_empty().then(|| {
            self.statistics.file_hits.count();
            file.download()
        })
    }

    /// The file at `path`, as pages link it; `None` when no page links such a path.
    ///
    /// # Errors
    /// The folder or the catalog can't be read.
    pub async fn download(self: &Arc<Self>, path: &str) -> Result<Option<Download>, Error> {
        self.settle().await?;
        let turn = match self.cached(path).await? {
            Ok(file) => {
                self.statistics.file_hits.count();
                return Ok(Some(file.download()));
            }
            Err(turn) => turn,
        };
        self.statistics.file_misses.count();
        ended(turn, self.read_file(path).await)
    }

    /// The file at `path`, from the disk.
    async fn read_file(self: &Arc<Self>, path: &str) -> Result<Option<Fresh>, Error> {
        for _ in 0..ATTEMPTS {
            let Some(Served {
                record,
                facts,
                object,
            }) = self.open_served(path).await?
            else {
                return Ok(None);
            };
            let stamp = object.stamp;
            if stamp.size_bytes > self.files.max_file_bytes {
                let (modified_ns, size_bytes) = (stamp.modified_ns, stamp.size_bytes);
                let content = Content::Stored(object);
                let download = Download::new(facts.sha256, modified_ns, size_bytes, content);
                return Ok(Some(Fresh { download, kept: None }));
            }
            // Between the digest and these bytes an unsettled file may have changed without its stamp telling.
            let agree = |bytes: &Bytes| has_settled(stamp) || Sha256::of(bytes) == facts.sha256;
            let Some(bytes) = read_whole(object).await?.filter(agree) else {
                self.look_again(&record.key).await?;
                continue;
            };
            let may_be_kept = self.may_keep(&record.key, stamp);
            let unseen = self.unseen([&record]);
            let file = Arc::new(SmallFile::new(&record, facts.sha256, bytes, unseen));
            return Ok(Some(Fresh::new(file, may_be_kept)));
        }
        Err(Error::Unsteady(path.to_owned()))
    }

    /// The core metadata file of the wheel at `path` (PEP 658): the very bytes that the wheel holds. `None` when
    /// there is no such wheel, or no metadata could be read from it.
    ///
    /// # Errors
    /// The folder or the catalog can't be read.
    pub async fn metadata_file(self: &Arc<Self>, path: &str) -> Result<Option<Download>, Error> {
        self.settle().await?;
        let cache_path = metadata_path(path);
        let turn = match self.cached(&cache_path).await? {
            Ok(file) => {
                self.statistics.file_hits.count();
                return Ok(Some(file.download()));
            }
            Err(turn) => turn,
        };
        self.statistics.file_misses.count();
        ended(turn, self.read_metadata_file(path).await)
    }

    /// The metadata file of the wheel at `path`, from the disk.
    async fn read_metadata_file(self: &Arc<Self>, path: &str) -> Result<Option<Fresh>, Error> {
        for _ in 0..ATTEMPTS {
            let Some(Served {
                record,
                facts,
                object,
            }) = self.open_served(path).await?
            else {
                return Ok(None);
            };
            let Some(expected) = facts.metadata_sha256 else {
                return Ok(None);
            };
            let stamp = object.stamp;
            let bytes = self.metadata_of(&record.filename, object).await?;
            // pip compares these bytes with the digest on the page: anything else must not leave the house.
            let Some(bytes) = bytes.filter(|bytes| Sha256::of(bytes) == expected) else {
                self.look_again(&record.key).await?;
                continue;
            };
            let may_be_kept = self.may_keep(&record.key, stamp);
            let unseen = self.unseen([&record]);
            let file = Arc::new(SmallFile::new(&record, expected, bytes.into(), unseen));
            return Ok(Some(Fresh::new(file, may_be_kept)));
        }
        Err(Error::Unsteady(path.to_owned()))
    }

    /// The cached file at `cache_path`, or the right to make it.
    async fn cached<'a>(
        self: &'a Arc<Self>,
        cache_path: &'a str,
    ) -> Result<Result<Arc<SmallFile>, FileTurn<'a>>, Error> {
        for _ in 0..ATTEMPTS {
            match self.files.cache.find(cache_path).await {
                Ok(file) if self.are_as_before(&file.unseen).await? => return Ok(Ok(file)),
                Ok(_) => {}
                Err(turn) => return Ok(Err(turn)),
            }
        }
        Err(Error::Unsteady(cache_path.to_owned()))
    }

    /// Opens the file that is served at `path`, reading its facts first where they aren't known.
    async fn open_served(self: &Arc<Self>, path: &str) -> Result<Option<Served>, Error> {
        for _ in 0..ATTEMPTS {
            let Some(record) = self.served_at(path).await? else {
                return self.refuse_if_rewritten(path).await.map(|()| None);
            };
            let (record, facts) = match self.with_facts(record).await {
                Ok(Some(known)) => known,
                Ok(None) => return Ok(None),
                Err(Error::Unsteady(_)) => break,
                Err(error) => return Err(error),
            };
            match self.store.open(&record.key).await {
                Ok(object) if object.stamp == record.stamp => {
                    return Ok(Some(Served {
                        record,
                        facts,
                        object,
                    }));
                }
                Ok(_) | Err(storage::Error::NotFound(_) | storage::Error::Unfinished(_)) => {
                    self.look_again(&record.key).await?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        self.open_as_it_is(path).await
    }

    /// Opens a file that is exchanged again and again. What is open stays whole whatever takes its name, so its facts
    /// are read from there.
    async fn open_as_it_is(self: &Arc<Self>, path: &str) -> Result<Option<Served>, Error> {
        let unsteady = || Error::Unsteady(path.to_owned());
        let Some(mut record) = self.served_at(path).await? else {
            return self.refuse_if_rewritten(path).await.map(|()| None);
        };
        let object = match self.store.open(&record.key).await {
            Ok(object) => object,
            Err(storage::Error::NotFound(_)) => return Ok(None),
            Err(storage::Error::Unfinished(_)) => return Err(unsteady()),
            Err(error) => return Err(error.into()),
        };
        let stamp = object.stamp;
        let read = self.read_facts(&record.filename, object).await?;
        let (facts, object) = read.ok_or_else(unsteady)?;
        // One that is written in place has no bytes to speak of.
        let is_written = |now: Stamp| now.identity == stamp.identity && now != stamp;
        match self.store.head(&record.key).await {
            Ok(now) if is_written(now) => return Err(unsteady()),
            Err(storage::Error::Unfinished(_)) => return Err(unsteady()),
            _ => {}
        }
        record.stamp = stamp;
        Ok(Some(Served {
            record,
            facts,
            object,
        }))
    }

    /// A file that was here and is being written anew is worth waiting for: whoever has its link is told to come back
    /// rather than that there is no such file.
    async fn refuse_if_rewritten(&self, path: &str) -> Result<(), Error> {
        let name = path.rsplit('/').next().unwrap_or(path);
        let Ok(filename) = DistFilename::parse_listed(name) else {
            return Ok(());
        };
        for record in self.catalog.files_like(&filename.identity()).await? {
            let is_it = !record.present && record.key.path() == path;
            if is_it && let Err(storage::Error::Unfinished(_)) = self.store.head(&record.key).await {
                return Err(Error::Unsteady(path.to_owned()));
            }
        }
        Ok(())
    }

    /// The record of the file that is served at `path`: the first one of that name, and only under its own path.
    pub(super) async fn served_at(&self, path: &str) -> Result<Option<FileRecord>, Error> {
        let name = path.rsplit('/').next().unwrap_or(path);
        let record = self.catalog.file(name).await?;
        Ok(record.filter(|record| record.key.path() == path))
    }

    /// METADATA or PKG-INFO of an open archive; `None` when none can be read.
    pub(super) async fn metadata_of(
        &self,
        filename: &DistFilename,
        object: Object,
    ) -> Result<Option<Vec<u8>>, Error> {
        let filename = filename.clone();
        let limits = self.settings.limits.clone();
        let read = move || {
            archive::read_metadata(&filename, object.reader, &limits)
                .ok()
                .flatten()
        };
        Ok(tokio::task::spawn_blocking(read).await?)
    }
}

/// All bytes of a small object; `None` when it is not as long as its stamp says.
pub(super) async fn read_whole(object: Object) -> Result<Option<Bytes>, Error> {
    let read = move || {
        let Object { stamp, reader } = object;
        let mut bytes = Vec::with_capacity(usize::try_from(stamp.size_bytes).unwrap_or(0));
        let complete = reader.take(stamp.size_bytes + 1).read_to_end(&mut bytes).is_ok();
        (complete && bytes.len() as u64 == stamp.size_bytes).then(|| Bytes::from(bytes))
    };
    Ok(tokio::task::spawn_blocking(read).await?)
}
