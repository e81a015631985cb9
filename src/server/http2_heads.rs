//! Where in a stream of HTTP/2 frames a request's head is under way (RFC 9113, sections 3.4, 4.1 and 6.2).
//!
//! Only lengths, kinds and flags are looked at; what a frame means, and whether it may stand there, is hyper's part.

/// What a client sends first, before any frame.
const PREFACE_BYTES: u32 = 24;
const FRAME_HEAD_BYTES: usize = 9;

const HEADERS: u8 = 1;
const CONTINUATION: u8 = 9;
const END_HEADERS: u8 = 4;

/// Follows the frames of one connection from its beginning.
#[derive(Debug)]
pub(super) struct Http2Heads {
    /// The begin of a frame, until all of its head is there.
    frame_head: [u8; FRAME_HEAD_BYTES],
    frame_head_bytes: usize,
    /// What is still to come of the preface or of a frame's payload.
    rest_bytes: u32,
    /// Whether that belongs to a head.
    rest_is_head: bool,
    /// Whether the head goes on in the next frame.
    goes_on: bool,
    /// Whether a byte has come at all: a connection may be silent before its first.
    has_begun: bool,
}

/// What some bytes brought.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Heard {
    /// A head, or the preface, has ended in them.
    pub(super) ended_one: bool,
}

impl Default for Http2Heads {
    fn default() -> Self {
        Self {
            frame_head: [0; FRAME_HEAD_BYTES],
            frame_head_bytes: 0,
            rest_bytes: PREFACE_BYTES,
            rest_is_head: true,
            goes_on: false,
            has_begun: false,
        }
    }
}

impl Http2Heads {
    /// Takes the next bytes of the connection, in pieces of any length.
    pub(super) fn read(&mut self, mut bytes: &[u8]) -> Heard {
        let mut heard = Heard { ended_one: false };
        self.has_begun |= !bytes.is_empty();
        while !bytes.is_empty() {
            if self.rest_bytes > 0 {
                let taken = bytes
                    .len()
                    .min(usize::try_from(self.rest_bytes).unwrap_or(usize::MAX));
                bytes = &bytes[taken..];
                // No more than there was, so it fits.
                self.rest_bytes -= u32::try_from(taken).unwrap_or(self.rest_bytes);
            } else {
                let missing = &mut self.frame_head[self.frame_head_bytes..];
                let taken = bytes.len().min(missing.len());
                missing[..taken].copy_from_slice(&bytes[..taken]);
                bytes = &bytes[taken..];
                self.frame_head_bytes += taken;
                if self.frame_head_bytes < FRAME_HEAD_BYTES {
                    break;
                }
                self.begin_frame();
            }
            if self.rest_bytes == 0 && std::mem::take(&mut self.rest_is_head) && !self.goes_on {
                heard.ended_one = true;
            }
        }
        heard
    }

    fn begin_frame(&mut self) {
        let [a, b, c, kind, flags, ..] = self.frame_head;
        self.frame_head_bytes = 0;
        self.rest_bytes = u32::from_be_bytes([0, a, b, c]);
        self.rest_is_head = [HEADERS, CONTINUATION].contains(&kind);
        if self.rest_is_head {
            self.goes_on = flags & END_HEADERS == 0;
        }
    }

    /// Whether a head, or the preface, has begun and not ended.
    pub(super) fn is_inside_one(&self) -> bool {
        self.has_begun && (self.rest_is_head || self.goes_on)
    }

    /// Whether a frame has begun of which is not known yet what it is.
    pub(super) fn may_be_inside_one(&self) -> bool {
        self.frame_head_bytes > 0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

    fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        [&length[1..], &[kind, flags, 0, 0, 0, 1], payload].concat()
    }

    fn after_preface() -> Http2Heads {
        let mut heads = Http2Heads::default();
        assert!(!heads.is_inside_one(), "silence is no head");
        assert!(!heads.read(&PREFACE[..5]).ended_one);
        assert!(heads.is_inside_one());
        assert!(heads.read(&PREFACE[5..]).ended_one);
        assert!(!heads.is_inside_one());
        heads
    }

    #[test]
    fn heads_begin_and_end_with_their_frames() {
        let mut heads = after_preface();
        // Settings, a ping, data: no heads.
        for kind in [4, 6, 0] {
            assert!(!heads.read(&frame(kind, 0, b"12345678")).ended_one);
            assert!(!heads.is_inside_one());
        }
        // Whole in one frame, with the flags of a GET.
        assert!(heads.read(&frame(HEADERS, 0x5, b"abc")).ended_one);
        assert!(!heads.is_inside_one());
        // Over several frames, the last of them empty.
        for (kind, flags) in [(HEADERS, 0x1), (CONTINUATION, 0)] {
            assert!(!heads.read(&frame(kind, flags, b"abc")).ended_one);
            assert!(heads.is_inside_one());
        }
        assert!(heads.read(&frame(CONTINUATION, END_HEADERS, b"")).ended_one);
        assert!(!heads.is_inside_one());
        // The flag of that number means something else in other frames.
        heads.read(&frame(0, 0, b"x"));
        assert!(!heads.is_inside_one());
        // A frame that has just begun may become anything.
        let next = frame(HEADERS, END_HEADERS, b"x");
        heads.read(&next[..2]);
        assert!(!heads.is_inside_one() && heads.may_be_inside_one());
        heads.read(&next[2..]);
        assert!(!heads.is_inside_one() && !heads.may_be_inside_one());
        // Data that come slowly are no head.
        heads.read(&frame(0, 0, &[0; 100])[..50]);
        assert!(!heads.is_inside_one());
    }

    proptest! {
        #[test]
        fn pieces_make_no_difference(
            frames in proptest::collection::vec((0_u8..10, any::<u8>(), 0_usize..50), 0..20),
            cuts in proptest::collection::vec(1_usize..40, 1..60),
        ) {
            let stream: Vec<u8> = frames.iter().flat_map(|(kind, flags, length)| frame(*kind, *flags, &vec![0; *length])).collect();
            let mut whole = after_preface();
            let ended = whole.read(&stream).ended_one;
            let mut pieces = after_preface();
            let mut rest = &stream[..];
            let mut any_ended = false;
            for cut in cuts.iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let (piece, behind) = rest.split_at((*cut).min(rest.len()));
                any_ended |= pieces.read(piece).ended_one;
                rest = behind;
            }
            prop_assert_eq!((whole.is_inside_one(), ended), (pieces.is_inside_one(), any_ended));
        }
    }
}
