//! The signals: two that end the server, one that makes it read its settings again.

use tokio::sync::oneshot;

/// The signals of this process, heard from the moment that this is made.
pub(super) struct Signals {
    #[cfg(unix)]
    unix: Option<unix::Signals>,
}

/// What a signal asks for.
enum Asked {
    Stop,
    Reload,
}

impl Signals {
    /// Begins to listen. Until then a SIGHUP would end the process.
    pub(super) fn listen() -> Self {
        Self {
            #[cfg(unix)]
            // Without handlers the system's own apply, and those end the process.
            unix: unix::Signals::listen().ok(),
        }
    }

    /// Tells the server to stop at the first SIGTERM or Ctrl-C, and completes at the second. Calls `reload` at each
    /// SIGHUP before the first of them, one call at a time.
    pub(super) async fn second(mut self, stop: oneshot::Sender<()>, mut reload: impl FnMut()) {
        let mut stop = Some(stop);
        loop {
            match self.next().await {
                Asked::Reload if stop.is_some() => reload(),
                Asked::Reload => {}
                Asked::Stop => match stop.take() {
                    // It listens as long as the server runs.
                    Some(stop) => drop(stop.send(())),
                    None => return,
                },
            }
        }
    }

    #[cfg(unix)]
    async fn next(&mut self) -> Asked {
        match &mut self.unix {
            Some(signals) => signals.next().await,
            None => std::future::pending().await,
        }
    }

    #[cfg(not(unix))]
    async fn next(&mut self) -> Asked {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        Asked::Stop
    }
}

#[cfg(unix)]
mod unix {
    use std::io;

    use tokio::signal::unix::{Signal, SignalKind, signal};

    use super::Asked;

    pub(super) struct Signals {
        terminate: Signal,
        interrupt: Signal,
        hang_up: Signal,
    }

    impl Signals {
        pub(super) fn listen() -> io::Result<Self> {
            Ok(Self {
                terminate: signal(SignalKind::terminate())?,
                interrupt: signal(SignalKind::interrupt())?,
                hang_up: signal(SignalKind::hangup())?,
            })
        }

        pub(super) async fn next(&mut self) -> Asked {
            tokio::select! {
                _ = self.terminate.recv() => Asked::Stop,
                _ = self.interrupt.recv() => Asked::Stop,
                _ = self.hang_up.recv() => Asked::Reload,
            }
        }
    }
}
