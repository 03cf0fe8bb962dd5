//! From samples of the host to what was wrong with it: pure, fed by the sampling.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::disturbance::{Disturbance, DisturbanceKind};
use super::sample::{HostSample, OwnSample, ProcessSample};
use crate::ids::NodeId;
use crate::limits;
use crate::network::fabric::Unsent;
use crate::time::RunTime;

/// Compares each sample with the last one, and remembers what exceeded its threshold.
#[derive(Debug, Default)]
pub struct Watch {
    replicas: BTreeMap<NodeId, Last>,
    host: Option<(RunTime, HostSample)>,
    disturbances: Vec<Disturbance>,
}

/// The last sample of a replica.
#[derive(Clone, Copy, Debug)]
struct Last {
    at: RunTime,
    sample: ProcessSample,
    /// Whether it took no part since.
    is_gap: bool,
}

impl Last {
    /// How long the same process waited for a processor until this sample: no longer than the time between them.
    /// Counters are compared, never added.
    fn waited(&self, now: RunTime, sample: &ProcessSample) -> Duration {
        let delay = sample.run_delay_ns.saturating_sub(self.sample.run_delay_ns);
        let threads = self.sample.threads.max(sample.threads);
        of_each(delay, threads).min(now.since(self.at))
    }
}

/// Of several threads one may be starved while another works: their mean is what is certain.
fn of_each(delay_ns: u64, threads: u32) -> Duration {
    Duration::from_nanos(delay_ns) / threads.max(1)
}

/// What the harness itself did to a replica since the last sample.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Signals {
    /// Whether the system told of a stop or its end since the last sample.
    pub was_stopped: bool,
    /// Whether the harness stopped it or let it go on since the last sample, or holds it stopped.
    pub is_ours: bool,
    /// Whether the simulated host stops replicas, for want of a processor.
    pub is_simulated: bool,
}

impl Watch {
    /// The loop was due at `due` and came at `now`.
    pub fn loop_came(&mut self, due: RunTime, now: RunTime) {
        let lag = now.since(due);
        if lag > limits::LOOP_LAG_NAMED {
            self.note(DisturbanceKind::LoopLag, None, due, now, lag.as_secs_f64());
        }
    }

    /// A sample of one replica.
    pub fn replica(
        &mut self,
        now: RunTime,
        id: NodeId,
        sample: ProcessSample,
        signals: Signals,
        queue: usize,
    ) {
        if queue > limits::OUTBOX_MESSAGES / 2 {
            self.note(DisturbanceKind::FullQueue, Some(id), now, now, queue as f64);
        }
        let Some(last) = self.last(now, id, sample).filter(|last| !last.is_gap) else { return };
        let then = last.at;
        let is_held = matches!(sample.state, 'T' | 't');
        if (is_held || (signals.was_stopped && !signals.is_simulated)) && !signals.is_ours {
            let kind = if signals.is_simulated {
                DisturbanceKind::Starved
            } else {
                DisturbanceKind::Stopped
            };
            let seconds = now.since(then).as_secs_f64();
            self.note(kind, Some(id), then, now, seconds);
            if signals.is_simulated {
                return;
            }
        }
        let waited = last.waited(now, &sample);
        if waited > limits::STARVED {
            self.note(DisturbanceKind::Starved, Some(id), then, now, waited.as_secs_f64());
        }
    }

    /// A replica connected, or was given up while it had not: what kept it from the processor since it was started at
    /// `spawned` counts from there. Of a process that connects again only what came since its last sample is new.
    pub fn started(&mut self, spawned: RunTime, now: RunTime, id: NodeId, sample: ProcessSample) {
        let (since, waited, named) = if let Some(last) = self.last(now, id, sample) {
            (last.at, last.waited(now, &sample), limits::STARVED)
        } else {
            let waited = of_each(sample.run_delay_ns, sample.threads).min(now.since(spawned));
            (spawned, waited, limits::STARVED_AT_START)
        };
        if waited > named {
            self.note(DisturbanceKind::Starved, Some(id), since, now, waited.as_secs_f64());
        }
    }

    /// The last sample of the same process; this one takes its place.
    fn last(&mut self, now: RunTime, id: NodeId, sample: ProcessSample) -> Option<Last> {
        let last = self.replicas.insert(id, Last { at: now, sample, is_gap: false });
        last.filter(|last| last.sample.pid == sample.pid)
    }

    /// A replica has this many of the most descriptors that it may have.
    pub fn descriptors(&mut self, now: RunTime, id: NodeId, open: u32, most: u64) {
        if u64::from(open) * 100 >= most * limits::DESCRIPTORS_PERCENT {
            self.note(DisturbanceKind::Descriptors, Some(id), now, now, f64::from(open));
        }
    }

    /// A replica takes no part, or its process is gone: what happens to it meanwhile is not looked at.
    pub fn pass_over(&mut self, id: NodeId) {
        if let Some(last) = self.replicas.get_mut(&id) {
            last.is_gap = true;
        }
    }

    /// A sample of the host as a whole.
    pub fn host(&mut self, now: RunTime, host: HostSample, own: OwnSample, descriptors: u32) {
        if own.queue > limits::EVENTS_AHEAD / 2 {
            self.note(DisturbanceKind::Backlog, None, now, now, own.queue as f64);
        }
        if own.clock_gap_ms.abs() > limits::CLOCK_JUMP_MS {
            let seconds = own.clock_gap_ms as f64 / 1e3;
            self.note(DisturbanceKind::ClockJump, None, now, now, seconds);
        }
        if let Some(most) = host.descriptor_limit
            && u64::from(descriptors) * 100 > most * limits::DESCRIPTORS_PERCENT
        {
            self.note(DisturbanceKind::Descriptors, None, now, now, f64::from(descriptors));
        }
        if let Some(free) = host.disk_free_kb.filter(|&free| free < limits::DISK_FREE_KB) {
            self.note(DisturbanceKind::DiskFull, None, now, now, free as f64);
        }
        let Some((then, last)) = self.host.replace((now, host)) else { return };
        self.compare_hosts((then, last), (now, host));
    }

    fn compare_hosts(&mut self, from: (RunTime, HostSample), until: (RunTime, HostSample)) {
        let ((then, last), (now, host)) = (from, until);
        let elapsed = now.since(then).as_secs_f64().max(1e-3);
        let shares = [
            (
                DisturbanceKind::CpuPressure,
                last.cpu_pressure_us.zip(host.cpu_pressure_us),
                limits::CPU_PRESSURE,
            ),
            (
                DisturbanceKind::IoPressure,
                last.io_pressure_us.zip(host.io_pressure_us),
                limits::IO_PRESSURE,
            ),
            (
                DisturbanceKind::MemoryPressure,
                last.memory_pressure_us.zip(host.memory_pressure_us),
                limits::MEMORY_PRESSURE,
            ),
        ];
        for (kind, totals, threshold) in shares {
            let Some((before, after)) = totals else { continue };
            let share = (after.saturating_sub(before) as f64 / 1e6 / elapsed).min(1.0);
            if share > threshold {
                self.note(kind, None, then, now, share);
            }
        }
        if let (Some((before, after)), Some((all_before, all_after))) =
            (last.steal_ticks.zip(host.steal_ticks), last.total_ticks.zip(host.total_ticks))
        {
            let all = all_after.saturating_sub(all_before).max(1);
            let share = after.saturating_sub(before) as f64 / all as f64;
            if share > limits::STEAL {
                self.note(DisturbanceKind::Steal, None, then, now, share);
            }
        }
        let asleep = host.asleep_ns.saturating_sub(last.asleep_ns);
        let asleep = Duration::from_nanos(u64::try_from(asleep).unwrap_or(0));
        if asleep > limits::ASLEEP {
            self.note(DisturbanceKind::Suspended, None, then, now, asleep.as_secs_f64());
        }
        let killed = last.oom_kills.zip(host.oom_kills);
        let killed = killed.map_or(0, |(before, after)| after.saturating_sub(before));
        if killed > 0 {
            self.note(DisturbanceKind::OutOfMemory, None, then, now, killed as f64);
        }
    }

    /// Adds a disturbance; one that follows right after another of its kind is the same one.
    pub fn note(
        &mut self,
        kind: DisturbanceKind,
        replica: Option<NodeId>,
        from: RunTime,
        until: RunTime,
        figure: f64,
    ) {
        let reach = match kind {
            // Two runs in one place take turns for good.
            DisturbanceKind::ForeignProcess => Duration::MAX,
            _ => limits::HOST_INTERVAL * 3 / 2,
        };
        let same =
            self.disturbances.iter_mut().rev().find(|it| {
                it.kind == kind && it.replica == replica && from.since(it.until) <= reach
            });
        if let Some(same) = same {
            same.until = until.max(same.until);
            same.figure = match kind {
                DisturbanceKind::Starved
                | DisturbanceKind::Stopped
                | DisturbanceKind::Suspended
                | DisturbanceKind::Truncated
                | DisturbanceKind::LogsLost
                | DisturbanceKind::OutOfMemory => same.figure + figure,
                DisturbanceKind::DiskFull => same.figure.min(figure),
                _ if same.figure.abs() < figure.abs() => figure,
                _ => same.figure,
            };
        } else if self.disturbances.len() < limits::DISTURBANCES {
            self.disturbances.push(Disturbance { kind, replica, from, until, figure });
        }
    }

    /// A replica connected so long after it was started.
    pub fn connected_after(&mut self, id: NodeId, took: Duration) {
        if took > limits::LATE_START {
            let (kind, zero) = (DisturbanceKind::LateStart, RunTime::ZERO);
            self.note(kind, Some(id), zero, zero, took.as_secs_f64());
        }
    }

    /// A replica lived until the end, and never connected; its process was there for so long.
    pub fn never_connected(&mut self, id: NodeId, waited: Duration, end: RunTime) {
        let (kind, seconds) = (DisturbanceKind::NeverConnected, waited.as_secs_f64());
        self.note(kind, Some(id), RunTime::ZERO, end, seconds);
    }

    /// Messages for replicas that live found them not connected.
    pub fn unsent(&mut self, unsent: &BTreeMap<NodeId, Unsent>, alive: &BTreeSet<NodeId>) {
        for (&id, unsent) in unsent.iter().filter(|(id, _)| alive.contains(id)) {
            let (kind, messages) = (DisturbanceKind::FailedSends, unsent.messages as f64);
            self.note(kind, Some(id), unsent.from, unsent.until, messages);
        }
    }

    /// What was wrong, in the order of its beginnings.
    pub fn finish(mut self) -> Vec<Disturbance> {
        self.disturbances.sort_by_key(|it| (it.from, it.kind, it.replica));
        for it in &self.disturbances {
            // It would excuse what nothing excuses.
            debug_assert!(it.is_possible(), "a figure beyond its window: {it:?}");
        }
        self.disturbances
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> RunTime {
        RunTime(ms * 1_000_000)
    }

    fn disturbances(delays_ms: &[u64], state: char, is_ours: bool) -> Vec<Disturbance> {
        let mut watch = Watch::default();
        let mut total = 0;
        for (n, delay) in (0..).zip(delays_ms) {
            total += delay * 1_000_000;
            let sample =
                ProcessSample { state, run_delay_ns: total, threads: 1, ..Default::default() };
            let signals = Signals { is_ours, ..Signals::default() };
            watch.replica(at(n * 500), NodeId(2), sample, signals, 0);
        }
        watch.finish()
    }

    #[test]
    fn a_replica_that_gets_no_processor_is_named_from_when_to_when() {
        let found = disturbances(&[0, 10, 400, 450, 10, 0], 'R', false);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!((found[0].from, found[0].until), (at(500), at(1500)));
        let said = found[0].describe();
        let expected =
            "0002 was ready to run and got no processor for 0.85 s between 0.500 s and 1.500 s";
        assert_eq!(said, expected);
        assert!(disturbances(&[0, 10, 20, 10, 0], 'R', false).is_empty(), "little is not named");
    }

    #[test]
    fn connecting_again_and_again_adds_no_wait_twice() {
        let mut watch = Watch::default();
        let waited = |ms: u64, pid| {
            let run_delay_ns = ms * 1_000_000;
            ProcessSample { pid, state: 'S', run_delay_ns, threads: 2, ..Default::default() }
        };
        watch.started(at(0), at(8000), NodeId(2), waited(10_000, 7));
        for n in 1..=10 {
            watch.pass_over(NodeId(2));
            watch.started(at(0), at(8000 + 100 * n), NodeId(2), waited(10_000, 7));
        }
        watch.replica(at(9500), NodeId(2), waited(10_000, 7), Signals::default(), 0);
        // A new process has waited for nothing yet.
        watch.started(at(9600), at(9700), NodeId(2), waited(20, 8));
        let found = watch.finish();
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!((found[0].until, found[0].figure), (at(8000), 5.0), "of each of two threads");
    }

    #[test]
    fn a_replica_waits_no_longer_than_the_time_in_which_it_waits() {
        let found = disturbances(&[0, 60_000, 0], 'R', false);
        assert_eq!((found[0].from, found[0].until, found[0].figure), (at(0), at(500), 0.5));
    }

    #[test]
    fn only_stops_of_others_are_the_hosts() {
        let found = disturbances(&[0, 0, 0], 'T', false);
        assert_eq!(found[0].kind, DisturbanceKind::Stopped);
        assert!(found[0].invalidates_run());
        assert!(disturbances(&[0, 0, 0], 'T', true).is_empty());
    }

    #[test]
    fn a_late_loop_and_a_clock_that_was_set_are_named() {
        let mut watch = Watch::default();
        watch.loop_came(at(100), at(110));
        watch.loop_came(at(300), at(2700));
        let own = OwnSample { clock_gap_ms: -4000, ..OwnSample::default() };
        watch.host(at(3000), HostSample::default(), own, 7);
        let found = watch.finish();
        let kinds: Vec<DisturbanceKind> = found.iter().map(|it| it.kind).collect();
        assert_eq!(kinds, [DisturbanceKind::LoopLag, DisturbanceKind::ClockJump]);
        assert!(found.iter().all(Disturbance::invalidates_run), "{found:?}");
        assert!(found[1].describe().contains("by -4000 ms"), "{}", found[1].describe());
    }
}
