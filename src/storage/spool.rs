//! An upload on its way: bytes on local disk under a temporary name, hashed as they come.
//!
//! Receiving overlaps with hashing and writing: full buffers go to blocking threads, one at a time, while the next
//! one fills; and a large spool is brought to the disk while it still comes, so that the end need not wait for all of
//! it. The last bytes are brought there at once, while whoever wants them looks through them. A spool knows nothing of
//! what the bytes are.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::folder::{Folder, make_folder};
use super::follower::Follower;
use super::health::Health;
use super::{Error, Stamp, write_error};
use crate::packaging::Sha256;
use crate::packaging::digest::{Algorithm, MultiHasher, NamedDigest, Sha256Hasher};

/// Size of a buffer. Two are in use at most, so an upload takes little more than half a mebibyte of memory, and an
/// eighth for each digest beside sha256.
const BUFFER_BYTES: usize = 256 * 1024;

/// So much is written before it is brought to the disk while more comes.
const SYNC_BYTES: u64 = 16 * 1024 * 1024;

/// From this size on a removed file is closed on a blocking thread, because freeing its blocks takes time.
const LARGE_FILE_BYTES: u64 = 16 * 1024 * 1024;

/// How the names of spool files begin and end; nothing else is ever cleared away.
const NAME_START: &str = "upload-";
const NAME_END: &str = ".part";

/// An upload on its way. Dropping it removes its bytes.
pub struct Spool {
    file: SpoolFile,
    state: State,
    buffer: Vec<u8>,
    /// Received so far, written or not.
    size_bytes: u64,
    /// Given to the writer so far.
    handed_over_bytes: u64,
    /// Whether the last bytes were handed over.
    has_ended: bool,
    /// The digests beside sha256.
    followers: Vec<Follower>,
    syncs: Syncs,
}

/// Brings what is written so far to the disk while more comes, and all of it as soon as all is written. Nothing is put
/// in place before they are over.
struct Syncs {
    health: Arc<Health>,
    /// So many bytes were there when the last one began.
    begun_at_bytes: u64,
    running: Vec<JoinHandle<Result<(), Error>>>,
}

enum State {
    /// The writer waits for the next buffer.
    Idle(Box<Writer>),
    /// The writer is busy with a buffer.
    Writing(JoinHandle<Written>),
    /// The writer is busy with the last bytes, and goes on to bring them to the disk.
    Ending(oneshot::Receiver<Written>),
    /// All is written.
    Finished(Contents),
    /// A write failed, which its caller was told.
    Failed,
}

/// What comes back from the blocking thread; the buffer is used again.
struct Written {
    writer: Box<Writer>,
    buffer: Vec<u8>,
    result: io::Result<()>,
}

/// What is known of a finished spool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contents {
    /// Its length in bytes.
    pub size_bytes: u64,
    /// The digest that pages carry.
    pub sha256: Sha256,
    /// Those of the digests that were asked for beforehand, see [`Spool::digest_too`], that are made already.
    pub digests: Vec<NamedDigest>,
}

impl Spool {
    /// Begins a spool in `folder`, which is created when it is missing. Blocks.
    pub(super) fn create(folder: &Path, health: Arc<Health>) -> Result<Self, Error> {
        let file = SpoolFile::create(folder).map_err(|source| write_error("create", folder, source))?;
        Ok(Self {
            state: State::Idle(Box::new(Writer {
                file: Arc::clone(&file.file),
                sha256: Sha256Hasher::default(),
                others: MultiHasher::default(),
            })),
            file,
            buffer: Vec::new(),
            size_bytes: 0,
            handed_over_bytes: 0,
            has_ended: false,
            followers: Vec::new(),
            syncs: Syncs {
                health,
                begun_at_bytes: 0,
                running: Vec::new(),
            },
        })
    }

    /// Has these digests made too while the bytes come, so that they need not be read again. Of use only before the
    /// first bytes; later it does nothing.
    pub fn digest_too(&mut self, algorithms: impl IntoIterator<Item = Algorithm>) {
        if self.size_bytes == 0 && !self.has_ended {
            let others = algorithms.into_iter().filter(|other| *other != Algorithm::Sha256);
            let follower = |other| Follower::new(other, Arc::clone(&self.file.file));
            self.followers = others.map(follower).collect();
        }
    }

    /// Takes the next bytes. They may be on disk only after [`Spool::finish`].
    ///
    /// # Errors
    /// [`Error::NoSpace`], [`Error::NotWritable`], [`Error::Io`]; they may belong to bytes given earlier. The spool
    /// is of no use then.
    pub async fn write(&mut self, bytes: Bytes) -> Result<(), Error> {
        self.size_bytes += bytes.len() as u64;
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(BUFFER_BYTES - self.buffer.len()));
            self.buffer.extend_from_slice(now);
            rest = later;
            if self.buffer.len() == BUFFER_BYTES {
                self.flush().await?;
            }
        }
        Ok(())
    }

    /// Writes what is left and gives length and digests; more calls give the same again. The bytes are readable
    /// now, but survive a power loss only when a store has put them in place.
    ///
    /// # Errors
    /// As [`Spool::write`].
    pub async fn finish(&mut self) -> Result<Contents, Error> {
        if !self.has_ended {
            self.settle().await?;
            if let State::Idle(mut writer) = std::mem::replace(&mut self.state, State::Failed) {
                self.has_ended = true;
                if self.handed_over_bytes == 0 {
                    // It is all at hand: nobody needs to follow.
                    writer.others = MultiHasher::new(self.followers.drain(..).map(|other| other.algorithm()));
                }
                let rest = std::mem::take(&mut self.buffer);
                self.state = State::Ending(self.syncs.end(writer, rest, &self.file));
            }
        }
        self.settle().await?;
        self.have_followed(self.size_bytes, true).await?;
        match std::mem::replace(&mut self.state, State::Failed) {
            State::Idle(writer) => {
                let contents = writer.finish(self.size_bytes);
                self.state = State::Finished(contents.clone());
                Ok(contents)
            }
            State::Finished(contents) => {
                self.state = State::Finished(contents.clone());
                Ok(contents)
            }
            State::Writing(_) | State::Ending(_) | State::Failed => Err(self.broken()),
        }
    }

    /// Finishes and gives one digest; the spool is read again when it isn't one of [`Contents`].
    ///
    /// # Errors
    /// As [`Spool::write`].
    pub async fn digest(&mut self, algorithm: Algorithm) -> Result<NamedDigest, Error> {
        let contents = self.finish().await?;
        if let Some(digest) = contents.digest(algorithm) {
            return Ok(digest);
        }
        if !self.followers.iter().any(|known| known.algorithm() == algorithm) {
            let follower = Follower::new(algorithm, Arc::clone(&self.file.file));
            self.followers.push(follower);
        }
        let mut followers = self.followers.iter_mut();
        match followers.find(|known| known.algorithm() == algorithm) {
            Some(follower) => {
                let digest = follower.digest(contents.size_bytes).await;
                digest.map_err(|source| self.failed("read", source))
            }
            None => Err(self.broken()),
        }
    }

    /// Tells those that make digests how much there is to read by now.
    async fn have_followed(&mut self, written_bytes: u64, is_all: bool) -> Result<(), Error> {
        for number in 0..self.followers.len() {
            let followed = self.followers[number].follow(written_bytes, is_all).await;
            followed.map_err(|source| self.failed("read", source))?;
        }
        Ok(())
    }

    /// Random access to what is written so far; all of it after [`Spool::finish`]. Reading blocks, so it belongs on
    /// a blocking thread. It may outlive the spool.
    #[must_use]
    pub fn reader(&self) -> SpoolReader {
        SpoolReader {
            file: Arc::clone(&self.file.file),
            length: self.size_bytes,
            position: 0,
        }
    }

    /// Bytes received so far.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// In what state the bytes would be where they are put in place, if that is on the same file system; `None` when
    /// they can't be looked at.
    #[must_use]
    pub fn stamp(&self) -> Option<Stamp> {
        let status = rustix::fs::fstat(&*self.file.file).ok()?;
        Stamp::of_file(&status)
    }

    /// Waits until the bytes of a finished spool are on the disk.
    pub(super) async fn synced(&mut self) -> Result<(), Error> {
        self.syncs.over().await
    }

    /// The finished file, to be put in place.
    pub(super) fn into_file(self) -> SpoolFile {
        self.file
    }

    /// Hands the buffer to a blocking thread when the one before has come back.
    async fn flush(&mut self) -> Result<(), Error> {
        let spare = self.settle().await?;
        match std::mem::replace(&mut self.state, State::Failed) {
            State::Idle(writer) => {
                self.syncs.go_on(&self.file, self.handed_over_bytes).await?;
                self.have_followed(self.handed_over_bytes, false).await?;
                self.handed_over_bytes += self.buffer.len() as u64;
                let buffer = std::mem::replace(&mut self.buffer, spare);
                self.state = State::Writing(writer.begin(buffer));
                Ok(())
            }
            State::Finished(_) | State::Writing(_) | State::Ending(_) | State::Failed => Err(self.broken()),
        }
    }

    /// Waits for the blocking thread and gives its empty buffer. Nothing is lost when the caller stops waiting.
    async fn settle(&mut self) -> Result<Vec<u8>, Error> {
        let came = match &mut self.state {
            State::Writing(handle) => handle.await.map_err(io::Error::other),
            State::Ending(written) => written.await.map_err(io::Error::other),
            State::Idle(_) | State::Finished(_) | State::Failed => return Ok(Vec::new()),
        };
        self.state = State::Failed;
        let mut written = came.map_err(|error| self.failed("write", error))?;
        written.result.map_err(|source| self.failed("write", source))?;
        written.buffer.clear();
        self.state = State::Idle(written.writer);
        Ok(written.buffer)
    }

    fn failed(&self, action: &'static str, source: io::Error) -> Error {
        // The name of the spool would tell nobody anything.
        write_error(action, self.file.path.parent().unwrap_or(Path::new("")), source)
    }

    fn broken(&self) -> Error {
        self.failed(
            "write",
            io::Error::other("the upload was finished or had failed before"),
        )
    }
}

impl Contents {
    fn digest(&self, algorithm: Algorithm) -> Option<NamedDigest> {
        if algorithm == Algorithm::Sha256 {
            return NamedDigest::parse(algorithm, &self.sha256.to_string()).ok();
        }
        let mut digests = self.digests.iter();
        digests.find(|digest| digest.algorithm == algorithm).cloned()
    }
}

/// Hashes and writes, on blocking threads.
struct Writer {
    file: Arc<File>,
    sha256: Sha256Hasher,
    /// The digests beside it of a spool that is but one buffer.
    others: MultiHasher,
}

impl Writer {
    /// Takes a buffer to a blocking thread.
    fn begin(self: Box<Self>, buffer: Vec<u8>) -> JoinHandle<Written> {
        tokio::task::spawn_blocking(move || self.write(buffer))
    }

    fn write(mut self: Box<Self>, buffer: Vec<u8>) -> Written {
        let result = (&*self.file).write_all(&buffer);
        self.sha256.update(&buffer);
        self.others.update(&buffer);
        Written {
            writer: self,
            buffer,
            result,
        }
    }

    fn finish(self, size_bytes: u64) -> Contents {
        Contents {
            size_bytes,
            sha256: self.sha256.finish(),
            digests: self.others.finish(),
        }
    }
}

impl Syncs {
    /// Begins another one when enough was written since the last one and that is over.
    async fn go_on(&mut self, file: &SpoolFile, written_bytes: u64) -> Result<(), Error> {
        let is_running = self.running.iter().any(|running| !running.is_finished());
        if is_running || written_bytes.saturating_sub(self.begun_at_bytes) < SYNC_BYTES {
            return Ok(());
        }
        self.over().await?;
        self.begun_at_bytes = written_bytes;
        let (health, path, file) = (
            Arc::clone(&self.health),
            file.path.clone(),
            Arc::clone(&file.file),
        );
        self.running.push(tokio::task::spawn_blocking(move || {
            health.sync_file(&file, &path)
        }));
        Ok(())
    }

    /// Has the last bytes written, and begins the last one on the same thread.
    fn end(&mut self, writer: Box<Writer>, rest: Vec<u8>, file: &SpoolFile) -> oneshot::Receiver<Written> {
        let (written, is_written) = oneshot::channel();
        let (health, path, file) = (
            Arc::clone(&self.health),
            file.path.clone(),
            Arc::clone(&file.file),
        );
        self.running.push(tokio::task::spawn_blocking(move || {
            let done = writer.write(rest);
            let is_whole = done.result.is_ok();
            // Whoever doesn't wait for it any more has no use for the bytes.
            if written.send(done).is_err() || !is_whole {
                return Ok(());
            }
            health.sync_file(&file, &path)
        }));
        is_written
    }

    /// Waits for those that run. A failure must be told here: the system tells it once.
    async fn over(&mut self) -> Result<(), Error> {
        let mut outcome = Ok(());
        for running in self.running.drain(..) {
            let ended = running
                .await
                .unwrap_or_else(|error| Err(write_error("sync", Path::new(""), io::Error::other(error))));
            outcome = outcome.and(ended);
        }
        outcome
    }
}

/// Random access to a spool's bytes, with a position of its own.
#[derive(Clone, Debug)]
pub struct SpoolReader {
    file: Arc<File>,
    length: u64,
    position: u64,
}

impl SpoolReader {
    /// How many bytes there are.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        self.length
    }
}

impl Read for SpoolReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.file.read_at(buffer, self.position) {
                Ok(read) => {
                    self.position += read as u64;
                    return Ok(read);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl Seek for SpoolReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(offset) => self.length.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position = position.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

/// A temporary file with a lock on it for as long as its owner lives. Dropping it removes its name.
pub(super) struct SpoolFile {
    path: PathBuf,
    file: Arc<File>,
}

impl SpoolFile {
    pub(super) fn create(folder: &Path) -> io::Result<Self> {
        let folder = match Folder::open(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                create_private_folder(folder)?;
                Folder::open(folder)
            }
            other => other,
        }?;
        Self::create_in(&folder, NAME_START)
    }

    /// Creates one in `folder`, under a name that begins with `start`.
    pub(super) fn create_in(folder: &Folder, start: &str) -> io::Result<Self> {
        loop {
            let number = getrandom::u64().map_err(|error| io::Error::other(error.to_string()))?;
            let name = format!("{start}{number:016x}{NAME_END}");
            let file = match folder.create_file(&*name) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                other => other?,
            };
            let path = folder.path().join(name);
            // Whoever clears away takes the lock first; should it have come between the creation and our lock, the
            // name is gone and another one is tried. Without locks on that file system age alone decides there.
            match file.try_lock() {
                Err(std::fs::TryLockError::WouldBlock) => continue,
                Ok(()) | Err(std::fs::TryLockError::Error(_)) => {}
            }
            if rustix::fs::fstat(&file)?.st_nlink > 0 {
                let file = Arc::new(file);
                return Ok(Self { path, file });
            }
        }
    }

    /// Its name in its folder.
    pub(super) fn name(&self) -> &str {
        self.path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default()
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The file itself.
    pub(super) fn file(&self) -> &File {
        &self.file
    }
}

impl Drop for SpoolFile {
    fn drop(&mut self) {
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(path = %self.path.display(), %error, "can't remove a temporary file");
            }
            _ => {}
        }
        let is_large = rustix::fs::fstat(&*self.file)
            .is_ok_and(|stat| stat.st_nlink == 0 && stat.st_size.unsigned_abs() >= LARGE_FILE_BYTES);
        if let (true, Ok(runtime)) = (is_large, tokio::runtime::Handle::try_current()) {
            let file = Arc::clone(&self.file);
            runtime.spawn_blocking(move || drop(file));
        }
    }
}

/// Creates a folder that only its owner may enter, with the folders above it.
pub(super) fn create_private_folder(folder: &Path) -> io::Result<()> {
    make_folder(folder, 0o700)
}

/// Whether an owner that died may have left this name of ours, which began with `start`.
pub(super) fn is_spool_name(name: &str, start: &str) -> bool {
    let digits = name
        .strip_prefix(start)
        .and_then(|rest| rest.strip_suffix(NAME_END));
    digits.is_some_and(|digits| digits.len() == 16 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
}

/// Removes what dead owners left in a folder of spools. Whatever else lies there is not touched.
pub(super) fn clear_stale(folder: &Path) {
    let Ok(folder) = Folder::open(folder) else {
        return;
    };
    let Ok(mut names) = folder.names() else {
        return;
    };
    while let Some(Ok(entry)) = names.read() {
        if let Ok(name) = entry.file_name().to_str()
            && is_spool_name(name, NAME_START)
        {
            remove_if_stale(&folder, name);
        }
    }
}

/// Removes a spool file whose owner is dead: nobody holds its lock, or, where there are no locks, nobody has written
/// to it for an hour.
pub(super) fn remove_if_stale(folder: &Folder, name: &str) {
    const HOUR: std::time::Duration = std::time::Duration::from_secs(3600);
    let Ok((file, _)) = folder.open_file(name) else {
        return;
    };
    let is_stale = match file.try_lock() {
        Ok(()) => true,
        Err(std::fs::TryLockError::WouldBlock) => false,
        Err(std::fs::TryLockError::Error(_)) => file
            .metadata()
            .and_then(|metadata| metadata.modified())
            .is_ok_and(|modified| modified.elapsed().is_ok_and(|age| age > HOUR)),
    };
    if !is_stale {
        return;
    }
    match folder.unlink(name) {
        Ok(()) => tracing::info!(%name, "removed what an interrupted upload had left"),
        Err(error) => tracing::warn!(%name, %error, "can't remove what an interrupted upload had left"),
    }
}
