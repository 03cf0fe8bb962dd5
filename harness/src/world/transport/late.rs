//! Messages that are read late, as on a host where the harness has no processor.

use std::time::Duration;

use tokio::sync::mpsc;

use super::{EventSender, TransportEvent};
use crate::plan::host::ReplicaHost;
use crate::scenario::host::profile::Delay;

/// Each message that goes to `events` through the result waits first: one that is not read fills the socket it comes
/// from. Must be called within a `LocalSet`.
pub fn read_late(events: EventSender, delay: Delay, host: &ReplicaHost) -> EventSender {
    let (sender, mut late) = mpsc::channel(1);
    let seed = host.reads;
    tokio::task::spawn_local(async move {
        let mut number = 0;
        while let Some(event) = late.recv().await {
            if let TransportEvent::Packet { .. } = event {
                let ms = delay.draw_ms(seed.draw(number));
                number += 1;
                tokio::time::sleep(Duration::try_from_secs_f64(ms / 1e3).unwrap_or_default()).await;
            }
            if events.send(event).await.is_err() {
                return;
            }
        }
    });
    sender
}
