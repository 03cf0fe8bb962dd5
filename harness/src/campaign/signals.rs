//! Ctrl-C: once stops, collects and judges what is there; twice ends at once.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::exit::Exit;

/// What a stopped run does.
pub const TO_JUDGE: &str = "to judge what is there";

/// Listens from now on; the receiver becomes true at the first signal, and `what` is said to happen then.
pub fn listen(what: &'static str) -> std::io::Result<watch::Receiver<bool>> {
    let (sender, receiver) = watch::channel(false);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut signals = {
        let _context = runtime.enter();
        [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()]
            .into_iter()
            .map(signal)
            .collect::<Result<Vec<_>, _>>()?
    };
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        runtime.block_on(async {
            next(&mut signals).await;
            eprintln!("harness: stopping, {what}; press Ctrl-C again to end at once");
            sender.send_replace(true);
            next(&mut signals).await;
            // The replicas die with their parent's threads, and the watchdog sweeps what is left.
            std::process::exit(i32::from(Exit::Interrupted.code()));
        });
    })?;
    Ok(receiver)
}

async fn next(signals: &mut [Signal]) {
    std::future::poll_fn(|context| {
        for signal in &mut *signals {
            if signal.poll_recv(context).is_ready() {
                return std::task::Poll::Ready(());
            }
        }
        std::task::Poll::Pending
    })
    .await;
}
