//! What a replica writes is always drained, so that it never blocks on a full pipe, and kept up to
//! a limit, so that output without end fills no disk.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncRead, AsyncReadExt};

use crate::limits;

/// Copies `stream` to the file `path`, up to the limit, until its end; adds what it read to
/// `total`. The file is created at once; a replica that
/// is started again goes on in the same one.
pub fn drain(
    mut stream: impl AsyncRead + Unpin + 'static,
    path: &Path,
    total: Arc<AtomicU64>,
) -> std::io::Result<tokio::task::JoinHandle<()>> {
    let mut file = File::options().append(true).create(true).open(path)?;
    Ok(tokio::task::spawn_local(async move {
        let mut buffer = vec![0; 16 << 10];
        let mut room =
            limits::OUTPUT_BYTES.saturating_sub(file.metadata().map_or(0, |it| it.len()));
        while let Ok(read) = stream.read(&mut buffer).await {
            if read == 0 {
                return;
            }
            total.fetch_add(read as u64, Ordering::Relaxed);
            if room == 0 {
                continue;
            }
            let kept = read.min(usize::try_from(room).unwrap_or(read));
            room -= kept as u64;
            // A full disk loses the log, not the run; the evidence is in the size of the file.
            let _ = file.write_all(&buffer[..kept]);
            if room == 0 {
                let _ = writeln!(file, "\n[cut here: more than {} bytes]", limits::OUTPUT_BYTES);
            }
        }
    }))
}
