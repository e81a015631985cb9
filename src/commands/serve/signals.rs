//! The signals that end the server.

use tokio::sync::oneshot;

/// Tells the server to stop at the first SIGTERM or Ctrl-C, and completes at the second.
#[cfg(unix)]
pub(super) async fn second(stop: oneshot::Sender<()>) {
    use tokio::signal::unix::{SignalKind, signal};
    let handlers = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
    let (Ok(mut terminate), Ok(mut interrupt)) = handlers else {
        // Without handlers the system's own apply, and those end the process. The sender must live on.
        std::future::pending::<()>().await;
        return drop(stop);
    };
    let mut stop = Some(stop);
    loop {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        match stop.take() {
            // It listens as long as the server runs.
            Some(stop) => drop(stop.send(())),
            None => return,
        }
    }
}

/// Tells the server to stop at the first Ctrl-C, and completes at the second.
#[cfg(not(unix))]
pub(super) async fn second(stop: oneshot::Sender<()>) {
    let mut stop = Some(stop);
    while tokio::signal::ctrl_c().await.is_ok() {
        match stop.take() {
            Some(stop) => drop(stop.send(())),
            None => return,
        }
    }
    std::future::pending::<()>().await;
}
