//! Digests that are made behind the writer of a spool.
//!
//! Most algorithms are slower than receiving and writing. So the others than sha256 read what is written already, each
//! on a thread of its own and at its own pace, and nobody who sends has to wait for them. What they read lies in the
//! system's memory still. No thread is held while nothing comes.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::task::JoinHandle;

use crate::packaging::digest::{Algorithm, MultiHasher, NamedDigest};

/// So much is read at once, in bytes.
const READ_BYTES: usize = 128 * 1024;

/// So much must wait for a thread to be asked for, in bytes.
const STEP_BYTES: u64 = 1024 * 1024;

/// One digest of a spool that is being written.
pub(super) struct Follower {
    algorithm: Algorithm,
    file: Arc<File>,
    /// So many bytes may be read.
    written_bytes: Arc<AtomicU64>,
    state: State,
}

enum State {
    Idle(Box<Progress>),
    Busy(JoinHandle<io::Result<Box<Progress>>>),
    Done(NamedDigest),
    Failed,
}

/// How far it has come.
struct Progress {
    hasher: MultiHasher,
    position: u64,
}

impl Follower {
    /// Begins at the start of `file`.
    pub(super) fn new(algorithm: Algorithm, file: Arc<File>) -> Self {
        let hasher = MultiHasher::new([algorithm]);
        Self {
            algorithm,
            file,
            written_bytes: Arc::default(),
            state: State::Idle(Box::new(Progress { hasher, position: 0 })),
        }
    }

    /// What it makes.
    pub(super) fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Says how much is written by now. Does not wait for what is still to be read.
    ///
    /// # Errors
    /// What was written can't be read.
    pub(super) async fn follow(&mut self, written_bytes: u64, is_all: bool) -> io::Result<()> {
        self.written_bytes.store(written_bytes, Ordering::Release);
        if matches!(&self.state, State::Busy(busy) if busy.is_finished()) {
            self.rest().await?;
        }
        let step_bytes = if is_all { 1 } else { STEP_BYTES };
        if let State::Idle(progress) = &self.state
            && written_bytes.saturating_sub(progress.position) >= step_bytes
        {
            self.go_on();
        }
        Ok(())
    }

    /// The digest of the whole file, which has `size_bytes`.
    ///
    /// # Errors
    /// It can't be read.
    pub(super) async fn digest(&mut self, size_bytes: u64) -> io::Result<NamedDigest> {
        self.follow(size_bytes, true).await?;
        self.rest().await?;
        // It may have gone to rest just before it was told of the last bytes.
        self.follow(size_bytes, true).await?;
        self.rest().await?;
        match std::mem::replace(&mut self.state, State::Failed) {
            State::Idle(progress) if progress.position == size_bytes => {
                let digest = progress.hasher.finish().pop().ok_or_else(lost)?;
                self.state = State::Done(digest.clone());
                Ok(digest)
            }
            State::Done(digest) => {
                self.state = State::Done(digest.clone());
                Ok(digest)
            }
            State::Idle(_) | State::Busy(_) | State::Failed => Err(lost()),
        }
    }

    fn go_on(&mut self) {
        let State::Idle(progress) = std::mem::replace(&mut self.state, State::Failed) else {
            return;
        };
        let (file, written_bytes) = (Arc::clone(&self.file), Arc::clone(&self.written_bytes));
        let work = move || progress.catch_up(&file, &written_bytes);
        self.state = State::Busy(tokio::task::spawn_blocking(work));
    }

    /// Waits until it has nothing to do. Nothing is lost when the caller stops waiting.
    async fn rest(&mut self) -> io::Result<()> {
        if let State::Busy(busy) = &mut self.state {
            let outcome = busy.await.map_err(io::Error::other).flatten();
            self.state = State::Failed;
            self.state = State::Idle(outcome?);
        }
        Ok(())
    }
}

impl Progress {
    /// Reads all that is written, and what is written meanwhile.
    fn catch_up(mut self: Box<Self>, file: &File, written_bytes: &AtomicU64) -> io::Result<Box<Self>> {
        let mut buffer = vec![0; READ_BYTES];
        loop {
            let rest_bytes = written_bytes
                .load(Ordering::Acquire)
                .saturating_sub(self.position);
            if rest_bytes == 0 {
                return Ok(self);
            }
            let wanted = usize::try_from(rest_bytes).map_or(READ_BYTES, |rest| rest.min(READ_BYTES));
            match file.read_at(&mut buffer[..wanted], self.position) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => {
                    self.hasher.update(&buffer[..read]);
                    self.position += read as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

fn lost() -> io::Error {
    io::Error::other("the reading of the upload had failed before")
}
