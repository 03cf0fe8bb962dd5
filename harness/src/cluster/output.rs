//! What a replica writes is always drained, so that it never blocks on a full pipe, and kept up to
//! a limit, so that output without end fills no disk.

use std::fs::File;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};

use crate::ids::NodeId;
use crate::limits;
use crate::plan::host::HostPlan;
use crate::scenario::host::profile::{Delay, Logs};
use crate::seed::Seed;

/// How much a replica wrote.
#[derive(Debug, Default)]
pub struct Written {
    /// Bytes on both streams, kept or not.
    pub bytes: AtomicU64,
    /// Bytes that could not be written to the log.
    pub lost: AtomicU64,
}

/// A slow disk, on a simulated host.
#[derive(Clone, Copy, Debug)]
pub struct Slow {
    delay: Delay,
    seed: Seed,
}

/// A pipe is read in pieces of a page where the disk behind it is slow.
const PAGE: usize = 4096;

impl Slow {
    /// The disk for this stream of a replica, if it is slow.
    pub fn of(host: Option<&HostPlan>, replica: NodeId, stream: &str) -> Option<Self> {
        let host = host?;
        let drawn = host.replicas.get(replica.index())?;
        match host.profile.logs? {
            Logs::Slow { delay } => Some(Self { delay, seed: drawn.reads.derive(stream) }),
            Logs::Full => None,
        }
    }
}

/// Copies `stream` to the end of a file, up to the limit, until its end; counts in `written`. A replica that is started
/// again goes on in the same one.
pub fn drain(
    mut stream: impl AsyncRead + Unpin + 'static,
    mut file: File,
    written: Arc<Written>,
    slow: Option<Slow>,
) -> tokio::task::JoinHandle<()> {
    tokio::task::spawn_local(async move {
        let mut buffer = vec![0; if slow.is_some() { PAGE } else { 16 << 10 }];
        let mut room =
            limits::OUTPUT_BYTES.saturating_sub(file.metadata().map_or(0, |it| it.len()));
        let mut pages = 0;
        while let Ok(read) = stream.read(&mut buffer).await {
            if read == 0 {
                return;
            }
            written.bytes.fetch_add(read as u64, Ordering::Relaxed);
            if let Some(Slow { delay, seed }) = slow {
                let ms = delay.draw_ms(seed.draw(pages)) * read as f64 / PAGE as f64;
                pages += 1;
                tokio::time::sleep(Duration::try_from_secs_f64(ms / 1e3).unwrap_or_default()).await;
            }
            if room == 0 {
                continue;
            }
            let kept = read.min(usize::try_from(room).unwrap_or(read));
            room -= kept as u64;
            // A full disk loses the log, not the run; it is told as what the host did.
            if file.write_all(&buffer[..kept]).is_err() {
                written.lost.fetch_add(kept as u64, Ordering::Relaxed);
            }
            if room == 0 {
                let _ = writeln!(file, "\n[cut here: more than {} bytes]", limits::OUTPUT_BYTES);
            }
        }
    })
}
