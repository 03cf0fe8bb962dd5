//! A simulated host in virtual time: replicas that are loaded late, and that have no processor now and then. None of it
//! takes real time, and each replay meets the same.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use supervisor::VirtualTime;

use super::VirtualWorld;
use super::quota::Quota;
use crate::host::disturbance::DisturbanceKind;
use crate::host::sample::ProcessSample;
use crate::host::watch::{Signals, Watch};
use crate::ids::NodeId;
use crate::limits;
use crate::network::course_2016::{GivenUp, GivenUpFor, RouterKind};
use crate::plan::Plan;
use crate::plan::host::{HostPlan, turn};
use crate::record::HostRecord;
use crate::scenario::host::profile::{ClockJump, Logs, Profile};
use crate::time::RunTime;

/// Why a replica stands still. It goes on when no reason is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Hold {
    /// Its program is not loaded yet.
    Loading,
    /// It has no processor.
    Starved,
    /// All together have used more than their share.
    Quota,
    /// A fault stopped it.
    Fault,
}

/// What becomes of a replica at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Turn {
    /// Its program is loaded.
    Loaded,
    /// It loses the processor, for the n-th time.
    Waits(u64),
    /// It has the processor, for the n-th time.
    Runs(u64),
}

/// The host as replicas meet it, and what is told of it.
#[derive(Debug, Default)]
pub(super) struct Host {
    agenda: BTreeSet<(VirtualTime, NodeId, Turn)>,
    holds: BTreeMap<NodeId, BTreeSet<Hold>>,
    waited: BTreeMap<NodeId, Waited>,
    watch: Watch,
    given_up: Vec<GivenUp>,
    quota: Option<Quota>,
    /// The wall clock that is set at a time, by so many nanoseconds.
    jump: Option<(VirtualTime, i64)>,
    /// By how much the wall clocks of all are ahead since then.
    ahead: i64,
    /// By how much faults have set those of single replicas, in addition.
    set: BTreeMap<NodeId, i64>,
    /// Whether there is anything to tell of the host: it is simulated, or the rules of 2016 hold.
    is_told: bool,
}

/// How long a replica had no processor.
#[derive(Clone, Copy, Debug, Default)]
struct Waited {
    before: Duration,
    since: Option<VirtualTime>,
}

impl Waited {
    fn until(self, now: VirtualTime) -> Duration {
        let open = self.since.map_or(0, |since| now.0 - since.0);
        self.before + Duration::from_nanos(open)
    }
}

/// What of a profile virtual time does not know.
pub(super) fn unknown(profile: &Profile) -> Option<&'static str> {
    let those = [
        (profile.read_delay.is_some(), "`read_delay`"),
        (profile.shared_directory, "`shared_directory`"),
        (matches!(profile.logs, Some(Logs::Slow { .. })), "slow `logs`"),
    ];
    those.into_iter().find(|(is_asked, _)| *is_asked).map(|(_, key)| key)
}

impl Host {
    /// The host of a plan. Its replicas have their processors from the start.
    pub(super) fn of(plan: &Plan) -> Self {
        let profile = plan.host.as_ref().map(|host| &host.profile);
        let mut host = Self {
            quota: profile.and_then(|it| it.cpu_quota).map(Quota::of),
            jump: profile.and_then(|it| it.clock_jump).map(|ClockJump { after_ms, by_ms }| {
                let after = RunTime::from_secs_f64(after_ms / 1e3);
                (VirtualTime(after.0), signed_ns(by_ms / 1e3))
            }),
            is_told: plan.host.is_some() || plan.router == RouterKind::Course2016,
            ..Self::default()
        };
        for (number, drawn) in (0..).zip(plan.host.iter().flat_map(|it| &it.replicas)) {
            let starvation = plan.host.as_ref().and_then(|it| it.profile.starvation);
            if let Some(starvation) = starvation {
                let (runs, _) = turn(&starvation, drawn.starvation, 0);
                let at = VirtualTime::ZERO.plus(RunTime::from(runs).0);
                host.agenda.insert((at, NodeId::replica(number), Turn::Waits(0)));
            }
        }
        host
    }

    /// The next time at which something becomes of a replica.
    pub(super) fn next_at(&self) -> Option<VirtualTime> {
        let turn = self.agenda.first().map(|(at, ..)| *at);
        let quota = self.quota.as_ref().map(Quota::next_at);
        let jump = self.jump.map(|(at, _)| at);
        turn.into_iter().chain(quota).chain(jump).min()
    }

    fn due(&mut self, now: VirtualTime) -> Option<(NodeId, Turn)> {
        let first = self.agenda.first().copied().filter(|(at, ..)| *at <= now)?;
        self.agenda.remove(&first);
        Some((first.1, first.2))
    }

    /// By how much the wall clock of a replica is ahead of the run's, in nanoseconds.
    pub(super) fn ahead(&self, id: NodeId) -> i64 {
        self.ahead.saturating_add(self.set.get(&id).copied().unwrap_or_default())
    }

    /// Returns whether it moved until now.
    fn hold(&mut self, id: NodeId, why: Hold) -> bool {
        let holds = self.holds.entry(id).or_default();
        holds.insert(why) && holds.len() == 1
    }

    /// Returns whether it moves from now on.
    fn release(&mut self, id: NodeId, why: Hold) -> bool {
        self.holds.get_mut(&id).is_some_and(|holds| holds.remove(&why) && holds.is_empty())
    }

    fn sample(&self, now: VirtualTime, id: NodeId, pid: i32) -> ProcessSample {
        let waited = self.waited.get(&id).map_or(Duration::ZERO, |it| it.until(now));
        let run_delay_ns = RunTime::from(waited).0;
        ProcessSample { pid, state: 'S', run_delay_ns, threads: 1, ..ProcessSample::default() }
    }

    /// The rules of 2016 cut a packet.
    pub(super) fn truncated(&mut self, now: RunTime, id: NodeId) {
        self.watch.note(DisturbanceKind::Truncated, Some(id), now, now, 1.0);
    }
}

impl VirtualWorld {
    /// A replica's program was started, or started again: it is loaded when its look-ups of files are over.
    pub(super) fn load(&mut self, id: NodeId) {
        let now = self.supervisor.now();
        self.host.agenda.retain(|(_, other, turn)| (*other, *turn) != (id, Turn::Loaded));
        let holds = self.host.holds.entry(id).or_default();
        // What was done to the process before it is over; the host is the same.
        holds.retain(|hold| [Hold::Starved, Hold::Quota].contains(hold));
        let drawn = |host: &HostPlan| host.replicas.get(id.index()).cloned();
        let delay = self.request.plan.host.as_ref().and_then(drawn).map_or(Duration::ZERO, |it| {
            Duration::from_micros(it.start_delay_us) + it.all_lookups()
        });
        if !delay.is_zero() {
            holds.insert(Hold::Loading);
            self.host.agenda.insert((now.plus(RunTime::from(delay).0), id, Turn::Loaded));
        }
        if !self.host.holds[&id].is_empty() {
            self.supervisor.pause(self.replicas[&id].process);
        }
    }

    /// Stops a replica.
    pub(super) fn hold(&mut self, id: NodeId, why: Hold) {
        if self.host.hold(id, why)
            && let Some(replica) = self.replicas.get(&id)
        {
            self.supervisor.pause(replica.process);
        }
    }

    /// Lets a replica go on, if nothing else holds it.
    pub(super) fn release(&mut self, id: NodeId, why: Hold) {
        if self.host.release(id, why)
            && let Some(replica) = self.replicas.get(&id)
        {
            self.supervisor.resume(replica.process);
        }
    }

    /// A fault sets the wall clock of a replica, which is ahead by so many nanoseconds from now on.
    pub(super) fn set_clock(&mut self, id: NodeId, ahead: i64) {
        self.host.set.insert(id, ahead);
        self.tell_clock(id);
    }

    fn tell_clock(&mut self, id: NodeId) {
        if let Some(replica) = self.replicas.get(&id) {
            self.supervisor.set_wall_clock(replica.process, self.host.ahead(id));
        }
    }

    /// What concerns all replicas together: their share of the processors, and the wall clock.
    fn treat_all(&mut self, now: VirtualTime) {
        let ids: Vec<NodeId> = self.replicas.keys().copied().collect();
        if let Some((_, by)) = self.host.jump.take_if(|(at, _)| *at <= now) {
            self.host.ahead = by;
            for &id in &ids {
                self.tell_clock(id);
            }
        }
        let Some(quota) = &mut self.host.quota else { return };
        let used = self.replicas.values().map(|it| self.supervisor.used(it.process)).sum();
        match quota.due(now, used) {
            Some(true) => {
                for id in ids {
                    self.stand_in_wait(id, Hold::Quota);
                }
            }
            Some(false) => {
                for id in ids {
                    self.have_processor(id, Hold::Quota);
                }
            }
            None => {}
        }
    }

    fn stand_in_wait(&mut self, id: NodeId, why: Hold) {
        let now = self.supervisor.now();
        self.host.waited.entry(id).or_default().since.get_or_insert(now);
        self.hold(id, why);
    }

    fn have_processor(&mut self, id: NodeId, why: Hold) {
        self.release(id, why);
        let waits = [Hold::Starved, Hold::Quota];
        let holds = self.host.holds.get(&id);
        if !holds.is_some_and(|holds| waits.iter().any(|it| holds.contains(it))) {
            let waited = self.host.waited.entry(id).or_default();
            *waited = Waited { before: waited.until(self.supervisor.now()), since: None };
        }
    }

    /// What the simulated host does until now.
    pub(super) fn take_turns(&mut self) {
        let now = self.supervisor.now();
        self.treat_all(now);
        while let Some((id, turned)) = self.host.due(now) {
            let host = self.request.plan.host.as_ref();
            let drawn = host.and_then(|host| {
                Some((host.profile.starvation?, host.replicas.get(id.index())?.starvation))
            });
            match (turned, drawn) {
                (Turn::Loaded, _) => self.release(id, Hold::Loading),
                (Turn::Waits(n), Some((starvation, seed))) => {
                    let (_, waits) = turn(&starvation, seed, n);
                    let until = now.plus(RunTime::from(waits).0);
                    self.host.agenda.insert((until, id, Turn::Runs(n + 1)));
                    self.stand_in_wait(id, Hold::Starved);
                }
                (Turn::Runs(n), Some((starvation, seed))) => {
                    let (runs, _) = turn(&starvation, seed, n);
                    let until = now.plus(RunTime::from(runs).0);
                    self.host.agenda.insert((until, id, Turn::Waits(n)));
                    self.have_processor(id, Hold::Starved);
                }
                (Turn::Waits(_) | Turn::Runs(_), None) => {}
            }
        }
    }

    /// How the host treated each replica since the last sample.
    pub(super) fn sample(&mut self, now: RunTime) {
        if !self.host.is_told {
            return;
        }
        for (&id, replica) in &self.replicas {
            if !self.machine.lives().alive().contains(&id) {
                self.host.watch.pass_over(id);
                continue;
            }
            let sample = self.host.sample(self.supervisor.now(), id, process_number(replica));
            let queue = self.machine.router().fabric().waiting(id);
            self.host.watch.replica(now, id, sample, Signals::default(), queue);
        }
    }

    /// The simulator of 2016 kills a replica that it cannot send to.
    pub(super) fn give_up(&mut self, now: RunTime, mut given_up: GivenUp) {
        let id = given_up.id;
        tracing::info!("unable to send to replica {id}");
        let Some(replica) = self.replicas.get(&id) else { return };
        let is_held = self.host.holds.get(&id).is_some_and(|holds| !holds.is_empty());
        let before = |time: Duration| RunTime(now.0.saturating_sub(RunTime::from(time).0));
        match given_up.why {
            // A stopped replica waits for nothing.
            GivenUpFor::Deadlock if is_held => given_up.why = GivenUpFor::DoesNotRead,
            GivenUpFor::Deadlock => {
                let (kind, since) = (DisturbanceKind::Deadlock, before(limits::DEADLOCK));
                let seconds = limits::DEADLOCK.as_secs_f64();
                self.host.watch.note(kind, Some(id), since, now, seconds);
            }
            GivenUpFor::NotConnected => {
                let sample = self.host.sample(self.supervisor.now(), id, process_number(replica));
                self.host.watch.started(RunTime::ZERO, now, id, sample);
            }
            GivenUpFor::HungUp | GivenUpFor::DoesNotRead => {}
        }
        self.host.given_up.push(given_up);
        self.supervisor.signal(replica.process, nix::libc::SIGKILL);
    }

    /// What is told of the host.
    pub(super) fn host_record(&mut self, duration: Duration) -> HostRecord {
        let end = RunTime::from(duration);
        let mut watch = std::mem::take(&mut self.host.watch);
        let given_up = std::mem::take(&mut self.host.given_up);
        if self.host.is_told {
            let alive = self.machine.lives().alive();
            watch.unsent(self.machine.router().fabric().unsent(), alive);
            let host = self.request.plan.host.as_ref();
            let logs_are_full = host.is_some_and(|host| host.profile.logs == Some(Logs::Full));
            for (&id, replica) in &self.replicas {
                if logs_are_full {
                    watch.note(DisturbanceKind::DiskFull, Some(id), RunTime::ZERO, end, 0.0);
                }
                match replica.connect_time {
                    Some(took) => watch.connected_after(id, took),
                    None if alive.contains(&id) => watch.never_connected(id, duration, end),
                    None => {}
                }
            }
        }
        HostRecord { given_up, disturbances: watch.finish(), ..HostRecord::default() }
    }
}

/// A difference of seconds in nanoseconds.
pub(super) fn signed_ns(seconds: f64) -> i64 {
    let nanoseconds = RunTime::from_secs_f64(seconds.abs()).0.cast_signed();
    if seconds < 0.0 { -nanoseconds } else { nanoseconds }
}

/// By this a process is told from the one that was there before it.
fn process_number(replica: &super::replica::Replica) -> i32 {
    i32::try_from(replica.process.0).unwrap_or(i32::MAX)
}
