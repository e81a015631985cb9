//! Raw deflate in bounded steps, shared by zip members and gzip streams.

use flate2::{Decompress, FlushDecompress, Status};

/// Inflates one deflate stream without a zlib or gzip header.
pub(super) struct Inflater(Decompress);

/// What one step did.
pub(super) struct Step {
    /// Bytes taken from the input.
    pub(super) consumed: usize,
    /// Bytes put into the output.
    pub(super) produced: usize,
    /// Whether the stream's last block is done.
    pub(super) ended: bool,
}

/// The data are not a deflate stream, or end before it does.
pub(super) struct Broken;

impl Inflater {
    pub(super) fn new() -> Self {
        Self(Decompress::new(false))
    }

    /// Prepares for the next stream without a new allocation.
    pub(super) fn reset(&mut self) {
        self.0.reset(false);
    }

    /// Does as much as `input` and `output` allow. Every step makes progress or fails, so a loop over it ends.
    pub(super) fn step(&mut self, input: &[u8], output: &mut [u8]) -> Result<Step, Broken> {
        let (before_in, before_out) = (self.0.total_in(), self.0.total_out());
        let status = self
            .0
            .decompress(input, output, FlushDecompress::None)
            .map_err(|_| Broken)?;
        let count = |after: u64, before: u64| usize::try_from(after - before).map_err(|_| Broken);
        let step = Step {
            consumed: count(self.0.total_in(), before_in)?,
            produced: count(self.0.total_out(), before_out)?,
            ended: status == Status::StreamEnd,
        };
        if !step.ended && step.consumed == 0 && step.produced == 0 {
            return Err(Broken);
        }
        Ok(step)
    }
}
