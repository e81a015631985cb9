//! Which events are logged: a level for the program's own, one step less for the libraries under it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tracing::level_filters::LevelFilter;
use tracing::subscriber::Interest;
use tracing::{Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

/// The verbosity of a log that leads nowhere.
const OFF: u8 = u8::MAX;

/// The verbosity, which may change at any time. An event that is not logged costs one load of an atomic that tracing
/// keeps, as if it could never change.
#[derive(Debug, Clone)]
pub(super) struct Levels {
    verbosity: Arc<AtomicU8>,
}

impl Levels {
    pub(super) fn new(verbosity: u8, leads_somewhere: bool) -> Self {
        Self {
            verbosity: Arc::new(AtomicU8::new(stored(verbosity, leads_somewhere))),
        }
    }

    pub(super) fn set(&self, verbosity: u8, leads_somewhere: bool) {
        let verbosity = stored(verbosity, leads_somewhere);
        if self.verbosity.swap(verbosity, Ordering::Relaxed) != verbosity {
            // Every place that logs has been told before whether it is listened to.
            tracing::callsite::rebuild_interest_cache();
        }
    }

    /// The levels of our own events and of all others.
    fn levels(&self) -> (LevelFilter, LevelFilter) {
        match self.verbosity.load(Ordering::Relaxed) {
            0 => (LevelFilter::INFO, LevelFilter::OFF),
            1 => (LevelFilter::DEBUG, LevelFilter::INFO),
            OFF => (LevelFilter::OFF, LevelFilter::OFF),
            _ => (LevelFilter::TRACE, LevelFilter::DEBUG),
        }
    }

    fn allow(&self, metadata: &Metadata<'_>) -> bool {
        let (own, others) = self.levels();
        // Asked for each request: without a search for the parts of the path.
        let below = metadata.target().strip_prefix(env!("CARGO_PKG_NAME"));
        let is_own = below.is_some_and(|below| below.is_empty() || below.starts_with("::"));
        *metadata.level() <= if is_own { own } else { others }
    }
}

/// A verbosity of 255 times `-v` is no switch to turn the log off.
fn stored(verbosity: u8, leads_somewhere: bool) -> u8 {
    if leads_somewhere {
        verbosity.min(OFF - 1)
    } else {
        OFF
    }
}

impl<S: Subscriber> Layer<S> for Levels {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.allow(metadata) {
            Interest::always()
        } else {
            Interest::never()
        }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        self.allow(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        let (own, _) = self.levels();
        Some(own)
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    #[test]
    fn the_levels_apply_at_once_and_to_all() {
        let levels = Levels::new(0, true);
        let subscriber = tracing_subscriber::registry().with(levels.clone());
        tracing::subscriber::with_default(subscriber, || {
            let heard = || {
                [
                    tracing::enabled!(target: "pkgctl::x", tracing::Level::INFO),
                    tracing::enabled!(target: "pkgctl::x", tracing::Level::DEBUG),
                    tracing::enabled!(target: "pkgctl::x", tracing::Level::TRACE),
                    tracing::enabled!(target: "hyper", tracing::Level::INFO),
                    tracing::enabled!(target: "pkgctlish", tracing::Level::DEBUG),
                ]
            };
            assert_eq!(heard(), [true, false, false, false, false]);
            for (verbosity, leads_somewhere, expected) in [
                (1, true, [true, true, false, true, false]),
                (2, true, [true, true, true, true, true]),
                (255, true, [true, true, true, true, true]),
                (2, false, [false; 5]),
                (0, true, [true, false, false, false, false]),
            ] {
                levels.set(verbosity, leads_somewhere);
                assert_eq!(heard(), expected, "{verbosity} {leads_somewhere}");
            }
        });
    }
}
