//! Accepts an upload, or refuses it with the reason.
//!
//! The order matters: what costs least and tells most comes first, and nothing is visible before everything has been
//! verified and is durable. See [`Index::accept`].

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;

use jiff::Timestamp;

use tokio::sync::{Mutex, OwnedMutexGuard};
use tracing::{info, warn};

use super::{Error, Index, Refusal};
use crate::archive;
use crate::catalog::{FileFacts, FileRecord, Known, UploadRecord};
use crate::causes::in_one_line;
use crate::packaging::digest::{Algorithm, NamedDigest};
use crate::packaging::signature::Signature;
use crate::packaging::simple::ProjectStatus;
use crate::packaging::upload_form::UploadForm;
use crate::packaging::{DistFilename, ProjectName, Sha256};
use crate::storage::{self, Placed, Root, Spool, StoreKey};

/// An upload whose bytes have all arrived.
pub struct Submission {
    /// The text fields.
    pub form: UploadForm,
    /// The name that the file part gave.
    pub filename: String,
    /// The bytes.
    pub spool: Spool,
    /// The detached signature that came with them.
    pub signature: Option<Signature>,
    /// Who sent it; `None` where no password is needed.
    pub uploader: Option<String>,
}

/// What became of an accepted upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// The file is new.
    Stored,
    /// These very bytes were there already: a repeated upload, which is no mistake.
    Unchanged,
    /// It took the place of other bytes, as the operator allows.
    Replaced,
}

impl Accepted {
    /// One word for logs and answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Unchanged => "unchanged",
            Self::Replaced => "replaced",
        }
    }
}

/// Locks by name, so that two uploads of one distribution take turns. Names that happen to share a lock wait for
/// each other, which costs time and nothing else.
pub(super) struct NameLocks {
    stripes: Vec<Arc<Mutex<()>>>,
    hasher: RandomState,
}

impl Default for NameLocks {
    fn default() -> Self {
        Self {
            stripes: (0..64).map(|_| Arc::default()).collect(),
            hasher: RandomState::new(),
        }
    }
}

impl NameLocks {
    pub(super) async fn lock(&self, identity: &str) -> OwnedMutexGuard<()> {
        let stripe = self.hasher.hash_one(identity) % self.stripes.len() as u64;
        let stripe = &self.stripes[usize::try_from(stripe).unwrap_or(0)];
        Arc::clone(stripe).lock_owned().await
    }
}

impl Index {
    /// Accepts an upload, or refuses it and leaves nothing behind.
    ///
    /// When it returns [`Accepted`], the file is verified, durable, listed and downloadable, and its signature with it.
    ///
    /// # Errors
    /// [`Refusal`], which says what is wrong with the upload, or that the index could not do its work.
    pub async fn accept(self: &Arc<Self>, submission: Submission) -> Result<Accepted, Refusal> {
        let size_bytes = submission.spool.size_bytes();
        let outcome = self.judge(submission).await;
        self.statistics.uploads.record(outcome.as_ref(), size_bytes);
        outcome
    }

    async fn judge(self: &Arc<Self>, submission: Submission) -> Result<Accepted, Refusal> {
        self.settle().await?;
        let Submission {
            form,
            filename,
            mut spool,
            signature,
            uploader,
        } = submission;
        let filename = DistFilename::parse_uploaded(&filename)?;
        agree_with_form(&filename, &form)?;
        let sha256 = spool.finish().await?.sha256;
        // The other digests of a large file take longer: they are asked for when the archive has been looked through.
        let (sha256s, digests): (Vec<_>, Vec<_>) = form
            .digests
            .into_iter()
            .partition(|digest| digest.algorithm == Algorithm::Sha256);
        check_digests(&mut spool, &sha256s, &filename).await?;
        let others = match self.compare_with_known(&filename, sha256).await? {
            Compared::IsHere(record) => {
                check_digests(&mut spool, &digests, &filename).await?;
                return self.is_here_already(&record, signature.as_ref()).await;
            }
            Compared::MayCome(others) => others,
        };
        let mut facts = self.verify(&filename, &spool, sha256).await?;
        facts.digests = check_digests(&mut spool, &digests, &filename).await?;

        let index = Arc::clone(self);
        let verified = Verified {
            filename,
            spool,
            facts,
            signature,
            uploader,
            others,
        };
        // In a task of its own, so that a client that goes away can't stop it half-way.
        let commit = async move {
            let _committing = index.commits.begin();
            let _turn = index.uploads.lock(&verified.filename.identity()).await;
            index.commit(verified).await
        };
        tokio::spawn(commit).await.map_err(Error::from)?
    }

    /// Compares with what is known under this name, in any spelling, and asks whether its project takes uploads.
    async fn compare_with_known(
        self: &Arc<Self>,
        filename: &DistFilename,
        sha256: Sha256,
    ) -> Result<Compared, Refusal> {
        // Asked before the catalog is: what changes meanwhile ends it.
        let generation = self.pages.generations.of(filename.project());
        let mut known = self.catalog.known(filename).await?;
        if !self.are_as_known(&known.files).await? {
            known = self.catalog.known(filename).await?;
        }
        let Known { files, status } = known;
        let mut known = Vec::with_capacity(files.len());
        for record in files {
            let digest = self.digest_of_known(&record).await?;
            if record.present && digest == Some(sha256) {
                return Ok(Compared::IsHere(Box::new(record)));
            }
            known.push((record, digest));
        }
        let comes_back = known
            .iter()
            .any(|(record, digest)| !record.present && *digest == Some(sha256));
        let is_other = |(record, digest): &&(FileRecord, Option<Sha256>)| {
            record.present || (digest.is_some() && !comes_back)
        };
        if let Some((record, digest)) = known.iter().find(is_other)
            && !self.settings.overwrite
        {
            return Err(Refusal::Duplicate {
                filename: filename.to_string(),
                existing: record.filename.to_string(),
                sha256: *digest,
                present: record.present,
            });
        }
        check_status(filename.project(), status)?;
        let (present, gone) = known
            .into_iter()
            .map(|(record, _)| record)
            .partition(|record| record.present);
        Ok(Compared::MayCome(Others {
            present,
            gone,
            generation,
        }))
    }

    /// A repeated upload: nothing to do, unless it brings a signature that was missing.
    async fn is_here_already(
        &self,
        record: &FileRecord,
        signature: Option<&Signature>,
    ) -> Result<Accepted, Refusal> {
        info!(file = %record.key, "the same bytes are here already");
        // Into other folders than the first nothing is ever written.
        if let Some(signature) = signature.filter(|_| record.key.root() == UPLOAD_ROOT) {
            if self.settings.overwrite {
                self.put_signature(&record.key, signature).await?;
            } else {
                self.add_signature(&record.key, signature).await?;
            }
        }
        Ok(Accepted::Unchanged)
    }

    async fn digest_of_known(self: &Arc<Self>, record: &FileRecord) -> Result<Option<Sha256>, Error> {
        match &record.facts {
            Some(facts) => Ok(Some(facts.sha256)),
            None if record.present => {
                let read = self.with_facts(record.clone()).await?;
                Ok(read.map(|(_, facts)| facts.sha256))
            }
            None => Ok(None),
        }
    }

    /// Reads the whole archive on a blocking thread.
    async fn verify(
        &self,
        filename: &DistFilename,
        spool: &Spool,
        sha256: Sha256,
    ) -> Result<FileFacts, Refusal> {
        // It stays with the work, which goes on when the request is gone.
        let permit = Arc::clone(&self.verifiers).acquire_owned().await.ok();
        let reader = spool.reader();
        let limits = self.settings.limits.clone();
        let name = filename.clone();
        let inspected = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            archive::inspect(&name, reader, &limits)
        })
        .await
        .map_err(Error::from)?;
        let inspection = inspected.map_err(|error| unsound(filename, error))?;
        let is_wheel = matches!(filename, DistFilename::Wheel(_));
        Ok(FileFacts {
            sha256,
            digests: Vec::new(),
            requires_python: inspection.metadata.requires_python().map(str::to_owned),
            metadata_sha256: is_wheel.then(|| Sha256::of(&inspection.metadata_bytes)),
            defect: None,
        })
    }

    /// Puts the verified bytes in place unless the name was taken meanwhile. Holds the name's turn.
    async fn commit(self: &Arc<Self>, mut verified: Verified) -> Result<Accepted, Refusal> {
        let (filename, sha256) = (verified.filename.clone(), verified.facts.sha256);
        let signature = verified.signature.clone();
        // Asked again in turn: another upload of the same name may have been faster.
        if verified.others.generation != self.pages.generations.of(filename.project()) {
            match self.compare_with_known(&filename, sha256).await? {
                Compared::IsHere(record) => return self.is_here_already(&record, signature.as_ref()).await,
                Compared::MayCome(others) => verified.others = others,
            }
        }
        match self.place(verified).await {
            // Someone copied a file there a moment ago: it is judged like any other known file.
            Err(Refusal::Index(Error::Store(storage::Error::AlreadyExists(key)))) => {
                self.look_again(&key).await?;
                match self.compare_with_known(&filename, sha256).await? {
                    Compared::IsHere(record) => self.is_here_already(&record, signature.as_ref()).await,
                    Compared::MayCome(_) => Err(Refusal::Occupied {
                        filename: filename.to_string(),
                    }),
                }
            }
            other => other,
        }
    }

    async fn place(self: &Arc<Self>, verified: Verified) -> Result<Accepted, Refusal> {
        let Verified {
            filename,
            spool,
            facts,
            signature,
            uploader,
            others:
                Others {
                    present: others,
                    gone,
                    ..
                },
        } = verified;
        let same_name = others
            .iter()
            .find(|record| record.filename == filename && record.key.root() == UPLOAD_ROOT);
        let key = same_name.map_or_else(|| StoreKey::for_upload(&filename), |record| record.key.clone());
        let replaced = !others.is_empty();
        // Said before the name is there: whoever meets its event has nothing to do, and need not wait for the catalog.
        // Not where bytes change under a known name: then a reader must hear of it at once.
        if let Some(stamp) = spool.stamp().filter(|_| !replaced) {
            self.changes.placed(&key, stamp);
        }
        let placed = match self.put(&key, spool, signature.as_ref(), replaced).await {
            Ok(placed) => placed,
            Err(error) => {
                self.changes.displaced(&key);
                return Err(error.into());
            }
        };
        let (stamp, sha256) = (placed.stamp, facts.sha256);
        self.changes.placed(&key, stamp);
        let upload = UploadRecord {
            key: key.clone(),
            filename: filename.clone(),
            stamp,
            facts,
            at: Timestamp::now(),
            uploader,
            replaced,
        };
        // The folder and the catalog are brought to the disk at the same time. Should the power go when only the
        // catalog is there, the next start finds the file gone.
        let (kept, outcome) = tokio::join!(placed.kept(), self.take_note_of(upload.clone(), &others));
        // Whatever became of it, what was made from the folder before does not hold any more.
        self.files.forget(&key);
        self.pages.forget([filename.project()]);
        if let Err(error) = kept {
            // It was taken away again, or may be.
            self.changes.displaced(&key);
            self.take_back_signature(&key).await;
            if outcome.is_ok() && !replaced {
                let was_known = gone.iter().any(|record| record.key == key);
                self.forget_refused(upload, was_known).await;
            }
            return Err(error.into());
        }
        let accepted = outcome?;
        if let Some(signature) = signature.as_ref().filter(|_| replaced) {
            self.put_signature(&key, signature).await?;
        }
        info!(file = %filename, %sha256, size_bytes = stamp.size_bytes, signed = signature.is_some(), "upload {}", accepted.name());
        Ok(accepted)
    }

    /// Puts the file in place, so that at no time a signature stands beside bytes that it doesn't sign.
    ///
    /// A new file gets its signature first, which nobody can see without it; so both appear in one step. Where a file
    /// takes another one's place, the old signature goes before, and the new one is left to the caller for when the file
    /// is recorded: should that be cut short, the same upload once more brings the signature.
    async fn put(
        &self,
        key: &StoreKey,
        spool: Spool,
        signature: Option<&Signature>,
        replaces: bool,
    ) -> Result<Placed, storage::Error> {
        if replaces {
            self.remove_signature(key).await?;
        } else if let Some(signature) = signature {
            self.put_signature(key, signature).await?;
        }
        let placed = if self.settings.overwrite {
            self.store.replace(key, spool).await.map(Placed::safely)
        } else {
            self.store.place_new(key, spool).await
        };
        if placed.is_err() && signature.is_some() && !replaces {
            self.take_back_signature(key).await;
        }
        placed
    }

    /// Removes the signature of an upload that came to nothing. Should that fail, it lies there unseen.
    async fn take_back_signature(&self, key: &StoreKey) {
        if let Err(error) = self.remove_signature(key).await {
            warn!(file = %key.signature(), error = in_one_line(&error), "the signature of a refused upload can't be taken back");
        }
    }

    /// Takes the record of an upload back that could not be kept: its name must stay free for other bytes.
    async fn forget_refused(&self, upload: UploadRecord, was_known: bool) {
        let key = upload.key.clone();
        if let Err(error) = self.catalog.record_refusal(upload, was_known).await {
            warn!(file = %key, error = in_one_line(&error), "the name of a refused upload stays taken for other bytes than those");
        }
    }

    /// Records an upload that lies in place, and clears away what it took the place of.
    async fn take_note_of(
        self: &Arc<Self>,
        upload: UploadRecord,
        others: &[FileRecord],
    ) -> Result<Accepted, Error> {
        let UploadRecord {
            key,
            at,
            uploader,
            replaced,
            ..
        } = upload.clone();
        if let Err(error) = self.catalog.record_upload(upload).await {
            if !replaced {
                // Not acknowledged, so it must not stay. Should that fail too, it is there like a file copied in.
                if let Err(error) = self.store.delete(&key).await {
                    warn!(file = %key, error = in_one_line(&error), "a refused upload can't be taken back");
                }
                self.take_back_signature(&key).await;
            }
            self.changes.displaced(&key);
            return Err(error.into());
        }
        for other in others
            .iter()
            .filter(|other| other.key != key && other.key.root() == UPLOAD_ROOT)
        {
            if let Err(error) = self.remove_twin(other, uploader.as_deref(), at).await {
                warn!(file = %other.key, error = in_one_line(&error), "another spelling of an upload can't be removed");
            }
        }
        Ok(if replaced {
            Accepted::Replaced
        } else {
            Accepted::Stored
        })
    }

    /// With overwriting allowed, the same distribution under another spelling would leave two links to choose from.
    async fn remove_twin(
        self: &Arc<Self>,
        twin: &FileRecord,
        actor: Option<&str>,
        at: Timestamp,
    ) -> Result<(), Error> {
        self.remove_noted(&twin.key, twin.filename.project(), actor, at)
            .await?;
        self.take_back_signature(&twin.key).await;
        Ok(())
    }
}

/// An upload that has been found to be sound.
struct Verified {
    filename: DistFilename,
    spool: Spool,
    facts: FileFacts,
    signature: Option<Signature>,
    uploader: Option<String>,
    others: Others,
}

/// How an upload stands to what is known under its name.
enum Compared {
    /// These very bytes are there.
    IsHere(Box<FileRecord>),
    /// It may go on, beside these or in their place.
    MayCome(Others),
}

/// Present files of an upload's name, in any spelling.
struct Others {
    present: Vec<FileRecord>,
    /// Those that were here once.
    gone: Vec<FileRecord>,
    /// When they were asked for: they are the same as long as this generation of the project lasts.
    generation: u64,
}

/// Uploads go to the first root, and only there do they replace anything.
const UPLOAD_ROOT: Root = Root(0);

/// The form may leave name and version out; what it says must be what the file name says.
fn agree_with_form(filename: &DistFilename, form: &UploadForm) -> Result<(), Refusal> {
    if let Some(name) = &form.name
        && name != filename.project()
    {
        let (form, expected) = (name.clone(), filename.project().clone());
        return Err(Refusal::Name {
            form,
            expected,
            filename: filename.to_string(),
        });
    }
    if let Some(version) = &form.version
        && version != filename.version()
    {
        let (form, expected) = (version.clone(), filename.version().clone());
        return Err(Refusal::Version {
            form,
            expected,
            filename: filename.to_string(),
        });
    }
    Ok(())
}

fn check_status(project: &ProjectName, status: ProjectStatus) -> Result<(), Refusal> {
    match status {
        ProjectStatus::Active | ProjectStatus::Deprecated => Ok(()),
        ProjectStatus::Archived | ProjectStatus::Quarantined => Err(Refusal::Status {
            project: project.clone(),
            status,
        }),
    }
}

/// A disk that can't be read is no fault of the archive.
fn unsound(filename: &DistFilename, error: archive::Error) -> Refusal {
    match error {
        archive::Error::Read(source) => {
            let path = filename.as_str().into();
            storage::Error::Io {
                action: "read",
                path,
                source,
            }
            .into()
        }
        error => Refusal::Archive {
            filename: filename.to_string(),
            reason: in_one_line(&error),
        },
    }
}

/// Compares every digest of the form with that of the bytes; gives the known ones beside sha256.
async fn check_digests(
    spool: &mut Spool,
    announced: &[NamedDigest],
    filename: &DistFilename,
) -> Result<Vec<NamedDigest>, Refusal> {
    let mut known = Vec::new();
    for digest in announced {
        let actual = spool.digest(digest.algorithm).await?;
        if actual != *digest {
            return Err(Refusal::Digest {
                algorithm: digest.algorithm,
                announced: digest.hex().to_owned(),
                actual: actual.hex().to_owned(),
                filename: filename.to_string(),
            });
        }
        // Sha256 has a place of its own, and no page shows the long BLAKE2b.
        if !matches!(digest.algorithm, Algorithm::Sha256 | Algorithm::Blake2b512) {
            known.push(actual);
        }
    }
    Ok(known)
}
