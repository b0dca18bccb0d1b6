//! Waiting to be told to end: the one place that listens to signals.

use tokio::signal::unix::{SignalKind, signal};

/// Completes when the process is told to end (`SIGTERM`, `SIGINT`).
pub(crate) async fn stopped() {
    let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) else {
        // Without handlers the signals end the process by themselves.
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
