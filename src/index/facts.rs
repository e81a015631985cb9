//! What files say of themselves: read once, when first needed or in the background, and kept in the catalog.

use std::collections::HashSet;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tracing::{debug, warn};

use super::{Error, Index, Settings};
use crate::archive;
use crate::catalog::{FileFacts, FileRecord};
use crate::causes::in_one_line;
use crate::packaging::digest::{Algorithm, MultiHasher, NamedDigest};
use crate::packaging::metadata::CoreMetadata;
use crate::packaging::{DistFilename, Sha256};
use crate::storage::{self, Object, Stamp, StoreKey};

/// How often a file may change under our hands before we say so.
pub(super) const ATTEMPTS: usize = 5;

/// A file that was changed so recently may be changed again without its stamp showing it: the clocks of file systems
/// tick in milliseconds, on some in seconds. What is read from it holds for this answer only.
const CLOCK_GRAIN_NS: i64 = 2_000_000_000;

/// Files whose changes the store can't tell, each with the state that something was made from.
pub(super) type Unseen = Box<[(StoreKey, Stamp)]>;

impl Index {
    /// The record with its facts, reading the file if that was not done yet. `None` when the file went meanwhile.
    ///
    /// Facts are kept once the file has settled; see [`CLOCK_GRAIN_NS`].
    pub(super) async fn with_facts(
        self: &Arc<Self>,
        mut record: FileRecord,
    ) -> Result<Option<(FileRecord, FileFacts)>, Error> {
        for _ in 0..ATTEMPTS {
            if let Some(facts) = record.facts.take() {
                if self.settings.suffice(&facts) {
                    return Ok(Some((record, facts)));
                }
                record.former_sha256 = Some(facts.sha256);
            }
            let rewritings = self.changes.rewritings();
            let object = match self.store.open(&record.key).await {
                Ok(object) => object,
                Err(storage::Error::NotFound(_)) => return Ok(None),
                Err(storage::Error::Unfinished(_)) => break,
                Err(error) => return Err(error.into()),
            };
            if object.stamp != record.stamp {
                self.look_again(&record.key).await?;
                record.stamp = object.stamp;
            }
            let stamp = object.stamp;
            let read = self.read_facts(&record.filename, object).await?;
            let facts = read.map(|(facts, _)| facts);
            let still = match self.store.head(&record.key).await {
                Ok(stamp) => stamp,
                Err(storage::Error::NotFound(_)) => return Ok(None),
                Err(storage::Error::Unfinished(_)) => break,
                Err(error) => return Err(error.into()),
            };
            // A file that grew while it was read has a digest that nobody will ever see again.
            if still != stamp && still.identity == stamp.identity {
                break;
            }
            let Some(facts) = facts.filter(|_| still == stamp) else {
                record.stamp = still;
                continue;
            };
            if let Some(reason) = &facts.defect
                && self.defects_told.is_news((record.key.clone(), stamp))
            {
                warn!(file = %record.key, reason, "the archive can't be understood; it is served without metadata");
            }
            self.tell_if_changed(&record, &facts);
            if has_settled(stamp) {
                let kept = facts.clone();
                self.keep_facts(&record.key, stamp, kept, rewritings).await;
            }
            return Ok(Some((record, facts)));
        }
        Err(Error::Unsteady(record.key.path().to_owned()))
    }

    /// Says loudly, once, that a file has other bytes than it had under the same name. They are served under their own
    /// digest, so nobody gets them for the old ones; but who has pinned those is stopped, and ought to be.
    fn tell_if_changed(&self, record: &FileRecord, facts: &FileFacts) {
        let Some(former) = record.former_sha256.filter(|former| *former != facts.sha256) else {
            return;
        };
        if self.changes_told.is_news((record.key.clone(), facts.sha256)) {
            warn!(
                file = %record.key, was = %former, is = %facts.sha256,
                "the file has other bytes than before under the same name; whoever has pinned the old ones can't install it"
            );
        }
    }

    /// Reads a file once, on a blocking thread, and gives it back at its beginning. `None` when its bytes could not be
    /// read to the end.
    pub(super) async fn read_facts(
        &self,
        filename: &DistFilename,
        object: Object,
    ) -> Result<Option<(FileFacts, Object)>, Error> {
        let filename = filename.clone();
        let settings = self.settings.clone();
        // The semaphore is never closed, so a permit always comes. It stays with the work, which goes on when the
        // request that wanted it is gone.
        let permit = Arc::clone(&self.readers).acquire_owned().await.ok();
        let read = move || {
            let _permit = permit;
            settings.facts_of(&filename, object)
        };
        let begun = Instant::now();
        let facts = tokio::task::spawn_blocking(read).await?;
        self.statistics.readings.record_since(begun);
        Ok(facts)
    }

    /// Whether something made from a file in this state may be kept: a later change must make itself known, by an
    /// event or by another stamp.
    pub(super) fn may_keep(&self, key: &StoreKey, stamp: Stamp) -> bool {
        self.store.sees_changes_of(key) || has_settled(stamp)
    }

    /// The files among these whose changes make themselves known by another stamp alone, in the states they are in.
    pub(super) fn unseen<'a>(&self, records: impl IntoIterator<Item = &'a FileRecord>) -> Unseen {
        let unseen = records
            .into_iter()
            .filter(|record| !self.store.sees_changes_of(&record.key));
        unseen.map(|record| (record.key.clone(), record.stamp)).collect()
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
                    Ok(Some(_)) => read += 1,
                    // It went; the next answer will have noticed.
                    Ok(None) => drop(self.look_again(&state.0).await),
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

    fn facts_of(&self, filename: &DistFilename, mut object: Object) -> Option<(FileFacts, Object)> {
        let digests = hash(&mut object, self.page_digest).ok()?;
        let sha256 = digests
            .iter()
            .find(|digest| digest.algorithm == Algorithm::Sha256)?
            .hex()
            .parse()
            .ok()?;
        object.reader.seek(SeekFrom::Start(0)).ok()?;
        let (metadata, mut defect) = match archive::read_metadata(filename, &mut object.reader, &self.limits)
        {
            Ok(metadata) => (metadata, None),
            Err(error) => (None, Some(in_one_line(&error))),
        };
        let metadata_sha256 = match (&metadata, filename) {
            (Some(metadata), DistFilename::Wheel(_)) => check_served(filename, metadata)
                .map(|()| Sha256::of(metadata))
                .map_err(|reason| defect = Some(reason))
                .ok(),
            _ => None,
        };
        object.reader.seek(SeekFrom::Start(0)).ok()?;
        let facts = FileFacts {
            sha256,
            digests: digests
                .into_iter()
                .filter(|digest| digest.algorithm != Algorithm::Sha256)
                .collect(),
            requires_python: metadata
                .as_deref()
                .and_then(CoreMetadata::requires_python_leniently),
            metadata_sha256,
            defect,
        };
        Some((facts, object))
    }
}

/// Whether METADATA may be served beside its wheel: an installer takes it in place of the wheel's, and stops when it is
/// for another project or for none.
fn check_served(filename: &DistFilename, metadata: &[u8]) -> Result<(), String> {
    let metadata = CoreMetadata::parse_lenient(metadata).map_err(|error| in_one_line(&error))?;
    if metadata.name() == filename.project() {
        return Ok(());
    }
    Err(format!(
        "its metadata are those of the project `{}`",
        metadata.name()
    ))
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
pub(super) fn digest_of(facts: &FileFacts, algorithm: Algorithm) -> Option<NamedDigest> {
    if algorithm == Algorithm::Sha256 {
        return NamedDigest::parse(algorithm, &facts.sha256.to_string()).ok();
    }
    facts
        .digests
        .iter()
        .find(|digest| digest.algorithm == algorithm)
        .cloned()
}
