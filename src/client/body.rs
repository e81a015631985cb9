//! The request body of one upload: the form's text fields, then the file, read from disk as the connection takes it.
//!
//! The digest in the form is only true if the bytes that follow have it. So the file is hashed once more while it is
//! sent, and its last piece is held back until the digest is right: a file that changed under way leaves the body
//! incomplete, which no server accepts.

use std::fs::File;
use std::io::{self, Read as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream;
use sha2::Digest as _;
use tokio::sync::mpsc;

use super::distribution::{CHUNK_BYTES, Distribution};
use super::progress::Progress;
use crate::packaging::Sha256;
use crate::packaging::upload_form::{CONTENT_FIELD, SIGNATURE_FIELD};

/// Pieces of the file that may wait for the connection.
const PIECES_AHEAD: usize = 3;

/// The parts of a body that are the same at each attempt.
pub(super) struct Form {
    boundary: String,
    head: Bytes,
    tail: Bytes,
    length_bytes: u64,
}

impl Form {
    pub(super) fn of(distribution: &Distribution) -> Self {
        let boundary = boundary(distribution);
        let mut head = Vec::new();
        for (name, value) in &distribution.fields {
            head.extend_from_slice(
                format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
                    .as_bytes(),
            );
        }
        let filename = distribution.filename();
        if let Some(signature) = &distribution.signature {
            head.extend_from_slice(
                file_head(&boundary, SIGNATURE_FIELD, &format!("{filename}.asc")).as_bytes(),
            );
            head.extend_from_slice(signature);
            head.extend_from_slice(b"\r\n");
        }
        head.extend_from_slice(file_head(&boundary, CONTENT_FIELD, filename).as_bytes());
        let tail = format!("\r\n--{boundary}--\r\n");
        Self {
            length_bytes: head.len() as u64 + distribution.size_bytes + tail.len() as u64,
            boundary,
            head: head.into(),
            tail: tail.into(),
        }
    }

    pub(super) fn content_type(&self) -> String {
        format!("multipart/form-data; boundary={}", self.boundary)
    }

    /// The exact length of the body.
    pub(super) fn length_bytes(&self) -> u64 {
        self.length_bytes
    }

    /// The body as a stream. What goes wrong with the file is told to `pulse` too, since the HTTP client wraps
    /// errors of a body beyond recognition.
    pub(super) fn stream(
        &self,
        distribution: &Distribution,
        progress: Arc<dyn Progress>,
        pulse: Arc<Pulse>,
    ) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
        let file = FileToSend {
            distribution: distribution.clone(),
            head: self.head.clone(),
            tail: self.tail.clone(),
        };
        let filename = distribution.filename().to_owned();
        let mut pieces = Pieces::of(file, Arc::clone(&pulse));
        stream::poll_fn(move |context| {
            let piece = pieces.poll_next(context);
            if let Poll::Ready(Some(Ok(piece))) = &piece {
                match piece {
                    Piece::File(bytes) => progress.sent(&filename, bytes.len() as u64),
                    Piece::Head(_) => {}
                    Piece::Tail(_) => pulse.finish(),
                    Piece::Whole { file_bytes, .. } => {
                        progress.sent(&filename, *file_bytes);
                        pulse.finish();
                    }
                }
                pulse.beat();
            }
            piece.map(|piece| piece.map(|piece| piece.map(Piece::into_bytes)))
        })
    }
}

/// A text that stands nowhere in the form: nobody can foresee it. Where the system has no randomness, the file's own
/// digest, which can't stand in the file nor in anything that was written before it.
fn boundary(distribution: &Distribution) -> String {
    let mut random = [0; 20];
    match getrandom::fill(&mut random) {
        Ok(()) => format!("pkgctl-{}", data_encoding::HEXLOWER.encode(&random)),
        Err(_) => format!("pkgctl-{:.40}", distribution.sha256.to_string()),
    }
}

/// What stands before the content of a part that is a file. File names are letters, digits and a few marks, none of
/// which would have to be quoted.
fn file_head(boundary: &str, field: &str, filename: &str) -> String {
    format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"{filename}\"\r\n\
         Content-Type: application/octet-stream\r\n\r\n"
    )
}

/// What of a body is in a piece of it.
enum Piece {
    Head(Bytes),
    File(Bytes),
    Tail(Bytes),
    /// All of it, of which so many bytes are the file's.
    Whole {
        bytes: Bytes,
        file_bytes: u64,
    },
}

impl Piece {
    fn into_bytes(self) -> Bytes {
        match self {
            Self::Head(bytes) | Self::File(bytes) | Self::Tail(bytes) | Self::Whole { bytes, .. } => bytes,
        }
    }
}

/// Where the pieces come from.
enum Pieces {
    /// A thread reads ahead.
    Read(mpsc::Receiver<io::Result<Piece>>),
    /// A small file: one read costs less than handing it to another thread and back.
    Ready(Option<io::Result<Piece>>),
}

impl Pieces {
    fn of(file: FileToSend, pulse: Arc<Pulse>) -> Self {
        let fail = move |fault: BodyFault| {
            let error = io::Error::other(fault.to_string());
            pulse.fail(fault);
            error
        };
        if file.distribution.size_bytes <= CHUNK_BYTES as u64 {
            return Self::Ready(Some(file.read_whole().map_err(fail)));
        }
        let (sender, pieces) = mpsc::channel(PIECES_AHEAD);
        // The reader ends by itself when nobody takes its pieces any more.
        drop(tokio::task::spawn_blocking(move || {
            if let Err(fault) = file.read_into(&sender) {
                let _ = sender.blocking_send(Err(fail(fault)));
            }
        }));
        Self::Read(pieces)
    }

    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<io::Result<Piece>>> {
        match self {
            Self::Read(pieces) => pieces.poll_recv(context),
            Self::Ready(piece) => Poll::Ready(piece.take()),
        }
    }
}

struct FileToSend {
    distribution: Distribution,
    head: Bytes,
    tail: Bytes,
}

impl FileToSend {
    /// Reads a small file into one piece with all that is around it.
    fn read_whole(self) -> Result<Piece, BodyFault> {
        let file_bytes = self.distribution.size_bytes;
        let room = self.head.len() + usize::try_from(file_bytes).unwrap_or(CHUNK_BYTES) + 1 + self.tail.len();
        let mut bytes = Vec::with_capacity(room);
        bytes.extend_from_slice(&self.head);
        let file = File::open(&self.distribution.path).map_err(BodyFault::Unreadable)?;
        // One byte more shows a file that has grown.
        let read = file.take(file_bytes + 1).read_to_end(&mut bytes);
        let read = read.map_err(BodyFault::Unreadable)? as u64;
        let sent = Sha256::from_bytes(sha2::Sha256::digest(&bytes[self.head.len()..]).into());
        if read != file_bytes || sent != self.distribution.sha256 {
            return Err(BodyFault::Changed);
        }
        bytes.extend_from_slice(&self.tail);
        Ok(Piece::Whole {
            bytes: bytes.into(),
            file_bytes,
        })
    }

    /// Reads the file piece by piece. Gives up silently when the receiving end is gone.
    fn read_into(self, sender: &mpsc::Sender<io::Result<Piece>>) -> Result<(), BodyFault> {
        if sender.blocking_send(Ok(Piece::Head(self.head))).is_err() {
            return Ok(());
        }
        let mut file = File::open(&self.distribution.path).map_err(BodyFault::Unreadable)?;
        let mut hasher = sha2::Sha256::new();
        let mut left = self.distribution.size_bytes;
        while left > 0 {
            let wanted = left.min(CHUNK_BYTES as u64);
            let mut piece = Vec::with_capacity(CHUNK_BYTES);
            let read = (&mut file).take(wanted).read_to_end(&mut piece);
            if read.map_err(BodyFault::Unreadable)? as u64 != wanted {
                return Err(BodyFault::Changed);
            }
            hasher.update(&piece);
            left -= wanted;
            if left == 0 {
                let sent = Sha256::from_bytes(hasher.clone().finalize().into());
                let at_end = file.read(&mut [0]).map_err(BodyFault::Unreadable)? == 0;
                if sent != self.distribution.sha256 || !at_end {
                    return Err(BodyFault::Changed);
                }
            }
            if sender.blocking_send(Ok(Piece::File(piece.into()))).is_err() {
                return Ok(());
            }
        }
        let _ = sender.blocking_send(Ok(Piece::Tail(self.tail)));
        Ok(())
    }
}

/// Why a body could not be sent to its end.
#[derive(Debug, thiserror::Error)]
pub(super) enum BodyFault {
    #[error("the file changed while it was sent")]
    Changed,
    #[error("the file can't be read any more")]
    Unreadable(#[source] io::Error),
}

/// Signs of life of one request: when its body last moved, whether all of it was taken, what went wrong with it.
pub(super) struct Pulse {
    state: Mutex<PulseState>,
}

struct PulseState {
    last: Instant,
    finished: bool,
    fault: Option<BodyFault>,
}

impl Pulse {
    pub(super) fn new() -> Self {
        let state = PulseState {
            last: Instant::now(),
            finished: false,
            fault: None,
        };
        Self {
            state: Mutex::new(state),
        }
    }

    /// When the body last moved, and whether all of it was taken.
    pub(super) fn read(&self) -> (Instant, bool) {
        self.with(|state| (state.last, state.finished))
    }

    pub(super) fn take_fault(&self) -> Option<BodyFault> {
        self.with(|state| state.fault.take())
    }

    fn beat(&self) {
        self.with(|state| state.last = Instant::now());
    }

    fn finish(&self) {
        self.with(|state| state.finished = true);
    }

    fn fail(&self, fault: BodyFault) {
        self.with(|state| state.fault = Some(fault));
    }

    /// Short sections without any waiting, so a plain mutex is right; what it guards is whole at every moment.
    fn with<T>(&self, act: impl FnOnce(&mut PulseState) -> T) -> T {
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
