//! A large file on its way to a client.

use std::io::{self, SeekFrom};
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use hyper::body::{Body, Frame, SizeHint};
use tokio::task::JoinHandle;

use crate::index::Object;

/// How much is read at once, in bytes: so little that it is still in the processor's cache when it is sent, and so much
/// that the calls to the system do not count.
const PIECE_BYTES: usize = 128 * 1024;

/// A part of a large file, piece by piece as the client takes them.
///
/// What the system has in memory is read where the request is answered: going to another thread and back takes longer
/// than such a read. What must come from a disk is read on a blocking thread, while the system reads on ahead.
///
/// A file that has become shorter ends the connection: an answer that looks whole must be whole.
pub(super) struct FileBody {
    source: Source,
    /// Where the part begins, until it was gone to.
    start: Option<u64>,
    left_bytes: u64,
    /// Room of the piece that was sent last; when the client has taken that, there is room for the next one.
    room: Bytes,
}

enum Source {
    Open(Object),
    /// A blocking thread has it.
    Read(JoinHandle<io::Result<(Object, BytesMut)>>),
    /// An error has ended it.
    Gone,
}

impl FileBody {
    /// The bytes of `object` in `part`, which lies in it.
    pub(super) fn new(object: Object, part: Range<u64>) -> Self {
        Self {
            source: Source::Open(object),
            start: Some(part.start),
            left_bytes: part.end - part.start,
            room: Bytes::new(),
        }
    }

    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Bytes>> {
        loop {
            match std::mem::replace(&mut self.source, Source::Gone) {
                Source::Open(mut object) => {
                    if let Some(start) = self.start.take() {
                        object.reader.seek(SeekFrom::Start(start))?;
                    }
                    let mut piece = self.next_room();
                    let at_hand = object.reader.read_at_hand(&mut piece)?;
                    match at_hand.filter(|read| *read > 0) {
                        Some(read) => return Poll::Ready(Ok(self.pass_on(object, piece, read))),
                        None => self.source = Source::Read(read_whole(object, piece)),
                    }
                }
                Source::Read(mut reading) => {
                    let Poll::Ready(read) = Pin::new(&mut reading).poll(cx) else {
                        self.source = Source::Read(reading);
                        return Poll::Pending;
                    };
                    let (object, piece) = read.map_err(io::Error::other)??;
                    let length = piece.len();
                    return Poll::Ready(Ok(self.pass_on(object, piece, length)));
                }
                Source::Gone => return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into())),
            }
        }
    }

    /// Room for the next piece: the last one's, where nobody holds that any more.
    fn next_room(&mut self) -> BytesMut {
        let length = usize::try_from(self.left_bytes).map_or(PIECE_BYTES, |left| left.min(PIECE_BYTES));
        let room = std::mem::take(&mut self.room).try_into_mut();
        let mut room = room.unwrap_or_default();
        room.resize(length, 0);
        room
    }

    /// The first `length` bytes of the piece; what follows them is to be read next.
    fn pass_on(&mut self, object: Object, piece: BytesMut, length: usize) -> Bytes {
        self.source = Source::Open(object);
        self.left_bytes -= length as u64;
        self.room = piece.freeze();
        self.room.slice(..length)
    }
}

/// Fills the piece, waiting for a disk where need be.
fn read_whole(mut object: Object, mut piece: BytesMut) -> JoinHandle<io::Result<(Object, BytesMut)>> {
    tokio::task::spawn_blocking(move || {
        object.reader.read_exact(&mut piece)?;
        Ok((object, piece))
    })
}

impl Body for FileBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if self.left_bytes == 0 {
            return Poll::Ready(None);
        }
        let piece = ready!(self.poll_piece(cx))?;
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.left_bytes == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left_bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Read, Seek};

    use http_body_util::BodyExt as _;

    use super::*;
    use crate::storage::{ReadSeek, Stamp};

    /// A file of which some reads must wait for the disk, and others give less than was asked for.
    struct Moody {
        bytes: Cursor<Vec<u8>>,
        moods: Vec<Option<usize>>,
    }

    impl Read for Moody {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.bytes.read(buffer)
        }
    }

    impl Seek for Moody {
        fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
            self.bytes.seek(to)
        }
    }

    impl ReadSeek for Moody {
        fn read_at_hand(&mut self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
            match self.moods.pop() {
                Some(None) => Ok(None),
                Some(Some(most)) => {
                    let most = most.min(buffer.len());
                    self.bytes.read(&mut buffer[..most]).map(Some)
                }
                None => self.bytes.read(buffer).map(Some),
            }
        }
    }

    fn object(bytes: Vec<u8>, moods: &[Option<usize>]) -> Object {
        Object {
            stamp: Stamp {
                size_bytes: bytes.len() as u64,
                modified_ns: 0,
                identity: 0,
            },
            reader: Box::new(Moody {
                bytes: Cursor::new(bytes),
                moods: moods.to_vec(),
            }),
        }
    }

    /// Bytes that differ wherever a piece could begin.
    fn bytes(length: usize) -> Vec<u8> {
        (0_u32..).flat_map(u32::to_le_bytes).take(length).collect()
    }

    #[tokio::test]
    async fn every_part_arrives_whatever_the_disk_does() {
        let bytes = bytes(3 * PIECE_BYTES + 77);
        let length = bytes.len() as u64;
        let moods: [&[Option<usize>]; 5] = [
            &[],
            &[None; 9],
            &[Some(1), None, Some(5000)],
            &[Some(0), Some(PIECE_BYTES), None],
            &[None, Some(70_000), Some(1)],
        ];
        for moods in moods {
            for part in [0..length, 1..length, 0..1, length - 1..length, 5..200_000, 7..7] {
                let body = FileBody::new(object(bytes.clone(), moods), part.clone());
                assert_eq!(body.size_hint().exact(), Some(part.end - part.start));
                let sent = body.collect().await.unwrap().to_bytes();
                let bounds = usize::try_from(part.start).unwrap()..usize::try_from(part.end).unwrap();
                assert!(sent == bytes[bounds], "{part:?} with {moods:?}");
            }
        }
    }

    #[tokio::test]
    async fn a_file_that_became_shorter_is_an_error() {
        for moods in [&[][..], &[None; 9]] {
            let body = FileBody::new(object(bytes(PIECE_BYTES + 10), moods), 0..PIECE_BYTES as u64 + 11);
            assert!(body.collect().await.is_err());
        }
    }

    #[tokio::test]
    async fn room_is_used_again_once_the_client_has_taken_a_piece() {
        let mut body = FileBody::new(object(bytes(4 * PIECE_BYTES), &[]), 0..4 * PIECE_BYTES as u64);
        let mut rooms = Vec::new();
        while let Some(frame) = body.frame().await {
            rooms.push(frame.unwrap().into_data().unwrap().as_ptr());
        }
        assert_eq!(rooms, [rooms[0]; 4]);
    }
}
