//! Signals: SIGTERM and SIGINT stop, SIGUSR1 makes a new key.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Cancelled by SIGTERM or SIGINT.
pub(crate) fn stop() -> io::Result<CancellationToken> {
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let token = CancellationToken::new();
    let cancelled = token.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = term.recv() => {}
            _ = int.recv() => {}
        }
        cancelled.cancel();
    });
    Ok(token)
}

/// Says something at each SIGUSR1.
pub(crate) fn new_key() -> io::Result<mpsc::Receiver<()>> {
    let mut asked = signal(SignalKind::user_defined1())?;
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(async move {
        // Several signals before the key is made mean one key.
        while asked.recv().await.is_some() && !sender.is_closed() {
            let _ = sender.try_send(());
        }
    });
    Ok(receiver)
}
