//! The clock of a run: monotonic, and zero until the run starts.

use std::time::Instant;

use crate::time::RunTime;

/// Tells the time of a run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Clock {
    origin: Option<Instant>,
}

impl Clock {
    /// The run starts now.
    pub fn start(&mut self) {
        self.origin = Some(Instant::now());
    }

    /// Whether the run has started.
    pub fn has_started(&self) -> bool {
        self.origin.is_some()
    }

    /// The time since the run started.
    pub fn now(&self) -> RunTime {
        self.origin.map_or(RunTime::ZERO, |origin| RunTime::from(origin.elapsed()))
    }

    /// Waits until this time of the run.
    pub async fn wait_until(&self, time: RunTime) {
        if let Some(origin) = self.origin {
            tokio::time::sleep_until((origin + time.since_start()).into()).await;
        }
    }
}
