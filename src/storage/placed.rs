//! An object that is in place, but that a power loss may still take away.

use futures_util::future::BoxFuture;

use super::{Error, Stamp};

/// An object that was just put in place. See [`Store::place_new`](super::Store::place_new).
#[must_use = "until it is kept, a power loss takes it away"]
pub struct Placed {
    /// In what state it is there.
    pub stamp: Stamp,
    /// Done when it is safe; `None` where it is so already.
    keeping: Option<BoxFuture<'static, Result<(), Error>>>,
}

impl Placed {
    /// An object that survives a power loss by now.
    pub fn safely(stamp: Stamp) -> Self {
        Self { stamp, keeping: None }
    }

    /// One that does so when `keeping` is done.
    pub(crate) fn until(
        stamp: Stamp,
        keeping: impl Future<Output = Result<(), Error>> + Send + 'static,
    ) -> Self {
        let keeping: BoxFuture<'static, _> = Box::pin(keeping);
        Self {
            stamp,
            keeping: Some(keeping),
        }
    }

    /// Waits until the object survives a power loss. That is seen to whether anybody waits or not.
    ///
    /// # Errors
    /// As [`Store::put_new`](super::Store::put_new): then the object has been taken away again.
    pub async fn kept(self) -> Result<(), Error> {
        match self.keeping {
            Some(keeping) => keeping.await,
            None => Ok(()),
        }
    }
}
