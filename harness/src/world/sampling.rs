//! The harness samples its host while it works: `host.csv`, and what was wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::io::BufWriter;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use super::RunError;
use super::real::RealWorld;
use crate::cluster::process::Process;
use crate::cluster::signals::{Deed, Sent};
use crate::files::counted::{Counted, Seal};
use crate::files::folder::Folder;
use crate::host::disturbance::DisturbanceKind;
use crate::host::gauges;
use crate::host::sample::{HostCsv, OwnSample, ProcessSample};
use crate::host::watch::{Signals, Watch};
use crate::ids::NodeId;
use crate::limits;
use crate::network::course_2016::{GivenUp, GivenUpFor};
use crate::record::{HostRecord, Interference};
use crate::time::RunTime;

/// What is measured of the host during one run.
pub(super) struct HostSampler {
    folder: PathBuf,
    rows: HostCsv<BufWriter<Counted>>,
    watch: Watch,
    record: HostRecord,
    wall_origin: SystemTime,
    /// The latest since the last sample.
    lag: Duration,
    clock_gap_ms: i64,
    /// The most descriptors that each replica may have, and bytes of its output that were lost so far.
    descriptor_limits: BTreeMap<NodeId, u64>,
    lost_bytes: BTreeMap<NodeId, u64>,
}

impl HostSampler {
    /// Begins `host.csv` in the run's folder.
    pub(super) fn create(place: &Folder, folder: PathBuf) -> Result<(Self, Seal), RunError> {
        const NAME: &str = "host.csv";
        let begun = Counted::create(place, NAME)
            .and_then(|(file, seal)| Ok((HostCsv::new(BufWriter::new(file))?, seal)));
        let what = format!("writing {}", folder.join(NAME).display());
        let (rows, seal) = begun.map_err(RunError::system(what))?;
        let sampler = Self {
            folder,
            rows,
            watch: Watch::default(),
            record: HostRecord::default(),
            wall_origin: SystemTime::now(),
            lag: Duration::ZERO,
            clock_gap_ms: 0,
            descriptor_limits: BTreeMap::new(),
            lost_bytes: BTreeMap::new(),
        };
        Ok((sampler, seal))
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

    /// A replica connected so long after it was started; how long it waited for a processor until then is part of
    /// its row.
    pub(super) fn connected(&mut self, now: RunTime, id: NodeId, start: &Start) {
        let Some(sample) = start.sample else { return };
        self.watch.started(before(now, start.took), now, id, sample);
        if let Some(most) = gauges::descriptor_limit(start.pid) {
            self.descriptor_limits.insert(id, most);
        }
        let _ = self.rows.replica(now, id, &sample, 0, Some(start.took));
    }

    /// The rules of 2016 cut a packet.
    pub(super) fn truncated(&mut self, now: RunTime, id: NodeId) {
        self.watch.note(DisturbanceKind::Truncated, Some(id), now, now, 1.0);
    }

    /// Something happened to what the harness writes.
    pub(super) fn note(&mut self, kind: DisturbanceKind, from: RunTime, until: RunTime) {
        self.watch.note(kind, None, from, until, 1.0);
    }

    /// What of a replica's output the disk did not take.
    fn lost_output(&mut self, since: RunTime, now: RunTime, id: NodeId, total: u64) {
        let before = self.lost_bytes.insert(id, total).unwrap_or(0);
        if total > before {
            let bytes = (total - before) as f64;
            self.watch.note(DisturbanceKind::LogsLost, Some(id), since, now, bytes);
        }
    }
}

/// How a replica's process was when it connected.
#[derive(Clone, Copy, Debug)]
pub(super) struct Start {
    /// Its process.
    pub(super) pid: i32,
    /// From spawn to connection.
    pub(super) took: Duration,
    /// A sample of it.
    pub(super) sample: Option<ProcessSample>,
}

impl Start {
    /// It has just connected.
    pub(super) fn now(process: &Process) -> Self {
        let took = process.spawned().elapsed();
        Self { pid: process.pid(), took, sample: gauges::process(process.pid()) }
    }
}

/// Each deed once, with the time at which it was seen first.
fn note(all: &mut BTreeSet<Interference>, deed: Interference) {
    if !all.iter().any(|known| known.is_same_deed(&deed)) {
        all.insert(deed);
    }
}

/// That long before, or the start of the clock.
fn before(now: RunTime, time: Duration) -> RunTime {
    RunTime::from(now.since_start().saturating_sub(time))
}

impl RealWorld {
    /// Samples the host, the harness and each replica. A sample that cannot be written is lost, the run is not.
    pub(super) fn sample(&mut self, now: RunTime) {
        self.hear_signals(now);
        self.hear_movers(now);
        let backlog = self.cluster.events.len();
        let simulated = self.request.plan.host.as_ref();
        let is_simulated = simulated.is_some_and(|host| host.profile.starvation.is_some());
        let sampler = &mut self.sampler;
        let host = gauges::host(&sampler.folder);
        let harness = i32::try_from(std::process::id()).ok().and_then(gauges::process);
        let own = OwnSample {
            lag: std::mem::take(&mut sampler.lag),
            queue: backlog,
            clock_gap_ms: sampler.clock_gap_ms,
        };
        let harness = harness.unwrap_or_default();
        let _ = sampler.rows.host(now, &harness, &own, &host);
        sampler.watch.host(now, host, own, harness.descriptors.unwrap_or(0));
        for (&id, process) in &self.cluster.processes {
            let is_alive = self.machine.lives().alive().contains(&id);
            let Some(sample) = gauges::process(process.pid()).filter(|_| is_alive) else {
                sampler.watch.pass_over(id);
                continue;
            };
            let signals = Signals {
                was_stopped: gauges::was_stopped(process.pid()),
                is_ours: process.was_stopped_by_us() | self.stopped.contains(&id),
                is_simulated,
            };
            if !matches!(sample.state, 'T' | 't') {
                self.stopped.remove(&id);
            }
            let since = before(now, limits::HOST_INTERVAL);
            sampler.lost_output(since, now, id, process.lost_output_bytes());
            let most = sampler.descriptor_limits.get(&id).copied();
            let most = most.filter(|&most| most < limits::FEW_DESCRIPTORS);
            if let Some((open, most)) = sample.descriptors.zip(most) {
                sampler.watch.descriptors(now, id, open, most);
            }
            let queue = self.machine.router().fabric().waiting(id);
            sampler.watch.replica(now, id, sample, signals, queue);
            let connect = self.cluster.connect_times.get(&id).copied();
            let _ = sampler.rows.replica(now, id, &sample, queue, connect);
        }
        let is_own = self.cluster.scratch.is_own();
        for id in self.cluster.scratch.taken() {
            if is_own {
                note(&mut self.interference, Interference::Socket { id, at: now });
                continue;
            }
            sampler.watch.note(DisturbanceKind::SocketTaken, Some(id), now, now, 1.0);
        }
        if is_own && !self.cluster.scratch.is_usable() {
            note(&mut self.interference, Interference::Directory { at: now });
        }
        for &id in self.cluster.foreign.keys() {
            sampler.watch.note(DisturbanceKind::ForeignProcess, Some(id), now, now, 1.0);
        }
        self.cluster.foreign.retain(|_, is_there| *is_there);
        let _ = sampler.rows.flush();
    }

    /// The program did something to the run itself.
    pub(super) fn seen(&mut self, deed: Interference) {
        note(&mut self.interference, deed);
    }

    /// The signals that replicas sent to one another, or to the harness.
    pub(super) fn hear_signals(&mut self, at: RunTime) {
        for Sent { by, deed, to } in self.cluster.signals.take() {
            let mut replicas = self.cluster.processes.iter();
            let id = replicas.find(|(_, process)| process.pid() == to).map(|(&id, _)| id);
            match (deed, id) {
                (Deed::Refused, _) => self.seen(Interference::Refused { by, at }),
                (Deed::Stops, Some(id)) => {
                    self.stopped.insert(id);
                    self.seen(Interference::Stopped { id, by, at });
                }
                (Deed::Ends, Some(id)) if id != by => {
                    self.seen(Interference::Killed { id, by, at });
                }
                // What a program does to its own processes is its own affair.
                (Deed::Stops | Deed::Ends, _) => {}
            }
        }
    }

    /// The old simulator kills a replica that it cannot send to.
    pub(super) fn give_up(&mut self, now: RunTime, mut given_up: GivenUp) {
        let id = given_up.id;
        tracing::info!("unable to send to replica {id}");
        let Some(process) = self.cluster.processes.get_mut(&id) else { return };
        let sample = gauges::process(process.pid());
        let watch = &mut self.sampler.watch;
        match given_up.why {
            // A stopped replica waits for nothing.
            GivenUpFor::Deadlock if sample.is_some_and(|it| matches!(it.state, 'T' | 't')) => {
                given_up.why = GivenUpFor::DoesNotRead;
            }
            GivenUpFor::Deadlock => {
                let (kind, since) = (DisturbanceKind::Deadlock, before(now, limits::DEADLOCK));
                watch.note(kind, Some(id), since, now, limits::DEADLOCK.as_secs_f64());
            }
            GivenUpFor::NotConnected => {
                let since = before(now, process.spawned().elapsed());
                if let Some(sample) = sample {
                    watch.started(since, now, id, sample);
                }
            }
            GivenUpFor::HungUp | GivenUpFor::DoesNotRead => {}
        }
        self.sampler.record.given_up.push(given_up);
        process.kill();
    }

    /// What could not be simulated as requested, a sentence each.
    pub(super) fn host_notes(&mut self) -> Vec<String> {
        let mut notes = std::mem::take(&mut self.cluster.prepared.notes);
        let mut seen = self.cluster.processes.values().filter_map(Process::stalls);
        if let Some(reason) = seen.find_map(|seen| seen.refused) {
            notes.push(format!(
                "the system does not allow system calls to be held up ({reason}): stalls of file look-ups \
                 were waited out before the programs were loaded, and disk writes are not slowed down"
            ));
        }
        notes
    }

    /// What the samples came to, with how the replicas started.
    pub(super) fn host_record(&mut self, duration: Duration) -> HostRecord {
        let end = RunTime::from(duration);
        let sampler = &mut self.sampler;
        let logs_are_full = self.request.plan.host.as_ref().is_some_and(|host| {
            matches!(host.profile.logs, Some(crate::scenario::host::profile::Logs::Full))
        });
        let alive = self.machine.lives().alive();
        sampler.watch.unsent(self.machine.router().fabric().unsent(), alive);
        for (&id, process) in &self.cluster.processes {
            sampler.lost_output(RunTime::ZERO, end, id, process.lost_output_bytes());
            if logs_are_full {
                sampler.watch.note(DisturbanceKind::DiskFull, Some(id), RunTime::ZERO, end, 0.0);
            }
            match self.cluster.connect_times.get(&id) {
                Some(&took) => sampler.watch.connected_after(id, took),
                None if alive.contains(&id) => {
                    sampler.watch.never_connected(id, process.spawned().elapsed(), end);
                }
                None => {}
            }
        }
        HostRecord {
            disturbances: std::mem::take(&mut sampler.watch).finish(),
            ..std::mem::take(&mut sampler.record)
        }
    }
}
