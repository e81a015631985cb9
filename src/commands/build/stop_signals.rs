//! Ctrl-C, and the signals by which systems end programs, stop a build in an orderly way.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::failure::Failure;
use crate::pep517::Interrupt;

/// Watches for them from its making on.
pub(super) struct StopSignals {
    interrupt: Interrupt,
    first: Arc<AtomicUsize>,
}

impl StopSignals {
    /// The first signal asks children to stop, a second one kills them.
    pub(super) fn watch() -> Result<Self, Failure> {
        let watched = Self {
            interrupt: Interrupt::default(),
            first: Arc::default(),
        };
        let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])
            .map_err(|error| Failure::new("can't watch for Ctrl-C").caused_by(&error))?;
        let (interrupt, first) = (watched.interrupt.clone(), Arc::clone(&watched.first));
        std::thread::spawn(move || {
            for signal in signals.forever() {
                if interrupt.is_set() {
                    interrupt.insist();
                } else {
                    first.store(usize::try_from(signal).unwrap_or_default(), Ordering::SeqCst);
                    interrupt.flag().store(true, Ordering::SeqCst);
                }
            }
        });
        Ok(watched)
    }

    /// Set when one has come.
    pub(super) fn interrupt(&self) -> &Interrupt {
        &self.interrupt
    }

    /// The number of the first that came.
    pub(super) fn number(&self) -> Option<u8> {
        match self.first.load(Ordering::SeqCst) {
            0 => None,
            number => u8::try_from(number).ok(),
        }
    }
}
