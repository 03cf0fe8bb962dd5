//! The harness looks at its host while it works: `host.csv`, and what was wrong.

use std::fs::File;
use std::io::BufWriter;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use super::RunError;
use super::agenda::Task;
use super::dispatcher::Dispatcher;
use super::record::HostRecord;
use crate::cluster::gauges;
use crate::host::disturbance::DisturbanceKind;
use crate::host::sample::{HostCsv, OwnSample};
use crate::host::watch::{Signals, Watch};
use crate::limits;
use crate::time::RunTime;

/// What is measured of the host during one run.
pub(super) struct HostLooks {
    folder: PathBuf,
    rows: HostCsv<BufWriter<File>>,
    watch: Watch,
    record: HostRecord,
    wall_origin: SystemTime,
    /// The latest since the last look.
    lag: Duration,
    clock_gap_ms: i64,
}

impl HostLooks {
    /// Begins `host.csv` in the run's folder.
    pub(super) fn create(folder: PathBuf) -> Result<Self, RunError> {
        let path = folder.join("host.csv");
        let rows = File::create(&path)
            .and_then(|file| HostCsv::new(BufWriter::new(file)))
            .map_err(RunError::system(format!("writing {}", path.display())))?;
        Ok(Self {
            folder,
            rows,
            watch: Watch::default(),
            record: HostRecord::default(),
            wall_origin: SystemTime::now(),
            lag: Duration::ZERO,
            clock_gap_ms: 0,
        })
    }

    /// The clock starts now.
    pub(super) fn start(&mut self) {
        self.wall_origin = SystemTime::now();
    }

    /// The loop was due at `due` and came at `now`.
    pub(super) fn loop_came(&mut self, due: RunTime, now: RunTime) {
        let lag = now.since(due);
        self.lag = self.lag.max(lag);
        if lag > self.record.max_loop_lag {
            self.record.max_loop_lag = lag;
            self.record.max_loop_lag_at = now;
        }
        self.watch.loop_came(due, now);
        let wall = match SystemTime::now().duration_since(self.wall_origin) {
            Ok(ahead) => i64::try_from(ahead.as_millis()).unwrap_or(i64::MAX),
            Err(behind) => -i64::try_from(behind.duration().as_millis()).unwrap_or(i64::MAX),
        };
        let monotonic = i64::try_from(now.since_start().as_millis()).unwrap_or(i64::MAX);
        self.clock_gap_ms = wall.saturating_sub(monotonic);
        if self.clock_gap_ms.abs() > self.record.clock_jump_ms.abs() {
            self.record.clock_jump_ms = self.clock_gap_ms;
        }
    }

    /// A replica's process began anew: its figures begin again.
    #[expect(dead_code, reason = "for restarts")]
    pub(super) fn forget(&mut self, id: crate::ids::NodeId) {
        self.watch.forget(id);
    }
}

impl Dispatcher {
    /// Looks at the host, the harness and each replica. A look that cannot be written is lost, the run is not.
    pub(super) fn look(&mut self) {
        let now = self.now();
        let backlog = self.cluster.events.len();
        let pretended = self.order.plan.host.as_ref();
        let is_pretended = pretended.is_some_and(|host| host.profile.starvation.is_some());
        let looks = &mut self.looks;
        let host = gauges::host(&looks.folder);
        let harness = i32::try_from(std::process::id()).ok().and_then(gauges::process);
        let own = OwnSample {
            lag: std::mem::take(&mut looks.lag),
            queue: backlog,
            clock_gap_ms: looks.clock_gap_ms,
        };
        let harness = harness.unwrap_or_default();
        let _ = looks.rows.host(now, &harness, &own, &host);
        looks.watch.host(now, host, own, harness.descriptors.unwrap_or(0));
        for (&id, process) in &self.cluster.processes {
            let is_alive = self.alive.contains(&id);
            let Some(sample) = gauges::process(process.pid()).filter(|_| is_alive) else {
                looks.watch.forget(id);
                continue;
            };
            let signals = Signals {
                was_stopped: gauges::was_stopped(process.pid()),
                is_ours: process.was_stopped_by_us(),
                is_pretended,
            };
            let queue = self.cluster.router.waiting(id);
            looks.watch.replica(now, id, sample, signals, queue);
            let connect = self.cluster.connect_times.get(&id).copied();
            let _ = looks.rows.replica(now, id, &sample, queue, connect);
        }
        let _ = looks.rows.flush();
        self.agenda.add(now + limits::HOST_INTERVAL, Task::Look);
    }

    /// The old simulator kills whom it cannot send to, alive or not.
    pub(super) fn give_up(&mut self) {
        let now = self.now();
        let Some(course) = self.cluster.router.course() else { return };
        for given_up in course.take(now) {
            if self.survey.is_some() || !self.alive.contains(&given_up.id) {
                continue;
            }
            tracing::info!("unable to send to replica {}", given_up.id);
            self.looks.record.given_up.push(given_up);
            if let Some(process) = self.cluster.processes.get_mut(&given_up.id) {
                process.kill();
            }
        }
    }

    /// What the looks came to, with how the replicas started.
    pub(super) fn host_record(&mut self, duration: Duration) -> HostRecord {
        let end = RunTime::from(duration);
        let looks = &mut self.looks;
        for (&id, process) in &self.cluster.processes {
            match self.cluster.connect_times.get(&id) {
                Some(&start) if start > limits::LATE_START => {
                    let (kind, zero) = (DisturbanceKind::LateStart, RunTime::ZERO);
                    looks.watch.note(kind, Some(id), zero, zero, start.as_secs_f64());
                }
                None if self.alive.contains(&id) => {
                    let (kind, waited) = (DisturbanceKind::NeverConnected, process.spawned());
                    let waited = waited.elapsed().as_secs_f64();
                    looks.watch.note(kind, Some(id), RunTime::ZERO, end, waited);
                }
                _ => {}
            }
        }
        HostRecord {
            disturbances: std::mem::take(&mut looks.watch).finish(),
            ..std::mem::take(&mut looks.record)
        }
    }
}
