//! Clients of any workload: each has one operation in flight at a time, and is told how it ended.
//!
//! A client uses one node, as a session does: the n-th client the n-th node, in turns, and another one only while its
//! own is down, or after a redirect: then it uses the node that was named, until that one does not answer. Under partitions with an affinity it keeps to its side. Operations begin evenly at a rate, or each
//! as soon as the one before ended; the first second is gentle in both cases, so that a system that is slow to begin
//! is not flooded before it has done anything.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::affinity::Affinity;
use super::operations::Operations;
use super::pool::{Effect, View, Wake};
use super::requests::OperationIndex;
use crate::ids::NodeId;
use crate::limits;
use crate::network::rules::FaultId;
use crate::op::{
    Completion, Definite, Indefinite, Op, OperationError, OperationRecord, Outcome,
    RecoveryOperation, RequestCounts,
};
use crate::plan::{OperationPlan, Plan};
use crate::scenario::Clients;
use crate::system::Port;
use crate::time::RunTime;
use crate::workload::{Draws, Settings, Workload};

/// All clients of a run.
pub struct Callers {
    plan: Arc<Plan>,
    ids: Vec<NodeId>,
    workload: Box<dyn Workload>,
    pace: Pace,
    timeout: Duration,
    phase: Phase,
    operations: Operations,
    open: BTreeMap<OperationIndex, InFlight>,
    clients: Vec<Client>,
    processes: u64,
    /// The client that is next when an operation is due.
    next_client: usize,
    affinity: Affinity,
    recovery: Vec<RecoveryOperation>,
    counts: RequestCounts,
    effects: Vec<Effect>,
}

/// When operations begin.
struct Pace {
    /// Between two of them, all clients together; `None`: as soon as the one before ended.
    interval: Option<Duration>,
    /// So many begin at the same moment.
    burst: u64,
    /// Between two that come evenly beside the bursts.
    steady: Option<Duration>,
    /// Operations that may still begin.
    left: Option<u64>,
    /// Operations that are due and wait for an idle client.
    backlog: u64,
    /// From when on operations begin.
    base: RunTime,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Waiting,
    Requests,
    /// The faults are over, and nothing new is asked yet.
    Quiet,
    Recovery,
}

struct Client {
    draws: Draws,
    process: u64,
    /// The node that a redirect named.
    leader: Option<NodeId>,
    in_flight: Option<OperationIndex>,
    /// What it still has to ask after the healing, with the place among all of that.
    last: VecDeque<(usize, Op)>,
}

struct InFlight {
    client: usize,
    /// The place among the operations after the healing.
    recovery: Option<usize>,
}

impl Callers {
    /// The clients of `plan`; `None` if its workload is the course's.
    pub fn new(plan: Arc<Plan>) -> Option<Self> {
        let scenario = &plan.scenario;
        let Clients::Shared { count, keys, rate, requests, timeout, burst, steady_rate, .. } =
            scenario.clients
        else {
            return None;
        };
        let OperationPlan::Shared { clients: seeds } = &plan.operations else { return None };
        let settings = Settings { clients: count, keys, mix: scenario.mix, may_fall: false };
        if plan.system.port == Port::Course {
            return None;
        }
        let workload = scenario.workload.begin(&settings);
        let client = |(n, &seed)| Client {
            draws: Draws::new(seed),
            process: n,
            leader: None,
            in_flight: None,
            last: VecDeque::new(),
        };
        let every = |rate: f64| Duration::from_secs_f64(1.0 / rate);
        let base = RunTime::from(scenario.start_wait);
        Some(Self {
            ids: (0..count).map(|n| plan.client(n)).collect(),
            workload,
            pace: Pace {
                interval: rate.map(every),
                burst,
                steady: (steady_rate > 0.0).then(|| every(steady_rate)),
                left: requests,
                backlog: 0,
                base,
            },
            timeout,
            phase: Phase::Waiting,
            operations: Operations::default(),
            open: BTreeMap::new(),
            clients: (0..).zip(seeds).map(client).collect(),
            processes: count as u64,
            next_client: 0,
            affinity: Affinity::default(),
            recovery: Vec::new(),
            counts: RequestCounts::default(),
            effects: vec![Effect::WakeAt(base, Wake::Begin)],
            plan,
        })
    }

    /// What is to be done now, in order.
    pub fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    /// The clients' ids.
    pub fn ids(&self) -> &[NodeId] {
        &self.ids
    }

    /// An operation by its index, which is in flight or has just ended.
    pub fn operation(&self, index: OperationIndex) -> &OperationRecord {
        &self.operations[index]
    }

    /// Whether an operation waits for its end.
    pub fn is_open(&self, index: OperationIndex) -> bool {
        self.open.contains_key(&index)
    }

    /// Whether this client asked this operation; of one that ended long ago it is believed.
    pub fn was_asked(&self, index: OperationIndex, client: NodeId) -> bool {
        let is_known = index < self.operations.next_index();
        is_known && self.operations.get(index).is_none_or(|it| it.client == client)
    }

    /// Whether an operation that ended lately was answered.
    pub fn was_done(&self, index: OperationIndex) -> bool {
        self.operations.get(index).is_some_and(|it| it.outcome == Outcome::Ok)
    }

    /// Whether the operations after the healing are all answered.
    pub fn is_recovered(&self) -> bool {
        match self.phase {
            Phase::Quiet => false,
            _ => self.recovery.iter().all(|operation| operation.answered.is_some()),
        }
    }

    /// Whether some operation after the healing waits in vain.
    pub fn is_stalled(&self, now: RunTime) -> bool {
        let bound = self.plan.scenario.liveness_bound;
        RecoveryOperation::are_stalled(&self.recovery, now, bound)
    }

    /// A partition begins: clients may have an affinity to its sides.
    pub fn part(&mut self, fault: FaultId, sides: &[Vec<NodeId>], leader: Option<NodeId>) {
        self.affinity.part_among(&self.plan.scenario.clients, fault, sides, leader);
    }

    /// It heals.
    pub fn heal(&mut self, fault: FaultId) {
        self.affinity.heal(fault);
    }

    /// Every client uses its own node.
    pub fn drop_affinity(&mut self) {
        self.affinity.heal_all();
    }

    /// Something that was asked for with [`Effect::WakeAt`] is due.
    pub fn wake(&mut self, wake: Wake, view: View<'_>) {
        match wake {
            Wake::Begin => self.begin(view),
            Wake::Due => self.due(view),
            Wake::Steady => self.steady(view),
            Wake::GoOn(client) => self.go_on(client, view),
            Wake::Timeout(index) => {
                self.completed(index, Completion::Info(Indefinite::TimedOut), view);
            }
            Wake::Recover => self.ask_last(view),
            Wake::Resend(index) => self.resend(index, view),
            // What only the course's clients ask for.
            Wake::Request(_) | Wake::Repeat(_) | Wake::ProbeReads => {}
        }
    }

    fn begin(&mut self, view: View<'_>) {
        self.phase = Phase::Requests;
        if self.pace.interval.is_some() {
            self.steady(view);
            return self.due(view);
        }
        for client in 0..self.clients.len() {
            self.go_on(client, view);
        }
    }

    /// Operations at a rate are due.
    fn due(&mut self, view: View<'_>) {
        let Some(interval) = self.pace.interval.filter(|_| self.phase == Phase::Requests) else {
            return;
        };
        let age = view.now.since(self.pace.base);
        let is_gentle = age < limits::GENTLE_START;
        let burst = if is_gentle { 1 } else { self.pace.burst };
        let slower = if is_gentle { limits::GENTLE_FACTOR } else { 1 };
        // What finds no idle client is left out: a flood after an outage would hide what it left.
        self.pace.backlog = (self.pace.backlog + burst).min(burst.max(self.clients.len() as u64));
        let pause = interval.saturating_mul(u32::try_from(burst).unwrap_or(u32::MAX)) * slower;
        self.effects.push(Effect::WakeAt(view.now + pause, Wake::Due));
        self.share_backlog(view);
    }

    fn steady(&mut self, view: View<'_>) {
        let Some(interval) = self.pace.steady.filter(|_| self.phase == Phase::Requests) else {
            return;
        };
        self.pace.backlog += 1;
        self.effects.push(Effect::WakeAt(view.now + interval, Wake::Steady));
        self.share_backlog(view);
    }

    /// Idle clients ask what is due, in turn.
    fn share_backlog(&mut self, view: View<'_>) {
        let count = self.clients.len();
        for client in (self.next_client..self.next_client + count).map(|n| n % count) {
            if self.pace.backlog > 0 && self.clients[client].in_flight.is_none() {
                self.next_client = client + 1;
                self.go_on(client, view);
            }
        }
    }

    /// A client that is idle asks what is next for it.
    fn go_on(&mut self, client: usize, view: View<'_>) {
        if self.clients[client].in_flight.is_some() {
            return;
        }
        match self.phase {
            Phase::Waiting | Phase::Quiet => {}
            Phase::Requests => {
                if self.pace.left == Some(0)
                    || (self.pace.interval.is_some() && self.pace.backlog == 0)
                {
                    return;
                }
                self.pace.left = self.pace.left.map(|left| left - 1);
                self.pace.backlog = self.pace.backlog.saturating_sub(1);
                let op = self.workload.next(client, &mut self.clients[client].draws);
                self.invoke(client, op, None, view);
            }
            Phase::Recovery => {
                let Some((place, op)) = self.clients[client].last.pop_front() else { return };
                self.recovery[place].started.get_or_insert(view.now);
                self.invoke(client, op, Some(place), view);
            }
        }
    }

    fn invoke(&mut self, client: usize, op: Op, recovery: Option<usize>, view: View<'_>) {
        let index = self.operations.next_index();
        let node = self.node(client, view.alive);
        let Op { f, key, value } = op;
        if f.only_asks() {
            self.counts.gets += 1;
        } else {
            self.counts.puts += 1;
        }
        self.operations.invoke(OperationRecord {
            index: index as u64,
            process: self.clients[client].process,
            client: self.ids[client],
            f,
            key,
            value,
            answer: None,
            node,
            invoked: view.now,
            completed: None,
            outcome: Outcome::Info,
            leader: view.leader,
            redirects: 0,
            error: None,
            is_final_read: recovery.is_some() && f.only_asks(),
        });
        self.open.insert(index, InFlight { client, recovery });
        self.clients[client].in_flight = Some(index);
        self.effects.push(Effect::Invoked(index));
        self.effects.push(Effect::WakeAt(view.now + self.timeout, Wake::Timeout(index)));
        // No node is alive: the operation is lost, like any message to the dead.
        if let Some(to) = node {
            let from = self.ids[client];
            self.effects.push(Effect::Invoke { operation: index, from, to });
        }
    }

    /// The node of a client: its own, or while that is down the next one that lives.
    fn node(&self, client: usize, alive: &BTreeSet<NodeId>) -> Option<NodeId> {
        let choice = self.affinity.choice(client, alive);
        let leader = self.clients[client].leader.filter(|leader| choice.contains(leader));
        if leader.is_some() {
            return leader;
        }
        let own = self.plan.nodes().nth(client % self.plan.scenario.replicas)?;
        let next = choice.iter().find(|&&node| node >= own).or(choice.first());
        next.copied()
    }

    /// An operation had no effect where it was asked. It is asked again: at once at first, then with a wait, and at last
    /// no more.
    pub fn redirected(&mut self, index: OperationIndex, to: Option<NodeId>, view: View<'_>) {
        let Some(&InFlight { client, .. }) = self.open.get(&index) else { return };
        let operation = &mut self.operations[index];
        operation.redirects += 1;
        self.counts.redirects += 1;
        let asked = operation.node;
        self.clients[client].leader = to.filter(|&to| Some(to) != asked).or_else(|| {
            // It does not say which: the next one.
            let choice = self.affinity.choice(client, view.alive);
            choice.iter().copied().find(|&node| Some(node) > asked).or(choice.first().copied())
        });
        match operation.redirects {
            1..=limits::FAST_RETRIES => self.resend(index, view),
            limits::MOST_REDIRECTS.. => {
                let why = "redirected again and again".into();
                self.completed(index, Completion::Fail(Definite::Refused(why)), view);
            }
            _ => {
                let at = view.now + limits::RETRY_WAIT_MIN;
                self.effects.push(Effect::WakeAt(at, Wake::Resend(index)));
            }
        }
    }

    fn resend(&mut self, index: OperationIndex, view: View<'_>) {
        let Some(&InFlight { client, .. }) = self.open.get(&index) else { return };
        let Some(to) = self.node(client, view.alive) else { return };
        self.operations[index].node = Some(to);
        let from = self.ids[client];
        self.effects.push(Effect::Invoke { operation: index, from, to });
    }

    /// An operation has ended.
    pub fn completed(&mut self, index: OperationIndex, end: Completion, view: View<'_>) {
        let Some(InFlight { client, recovery }) = self.open.remove(&index) else { return };
        let operation = &mut self.operations[index];
        let op = operation.op();
        self.workload.completed(client, &op, &end);
        operation.completed = Some(view.now);
        let is_ok = matches!(end, Completion::Ok(_));
        if !is_ok {
            // A node that did not answer is not asked first again.
            self.clients[client].leader = None;
        }
        match end {
            Completion::Ok(answer) => {
                operation.outcome = Outcome::Ok;
                operation.answer = (operation.f.only_asks() || !answer.is_nil()).then_some(answer);
                self.counts.latencies.add(view.now.since(operation.invoked));
            }
            Completion::Fail(why) => {
                operation.outcome = Outcome::Fail;
                operation.error = Some(why.into());
                if op.f.only_asks() {
                    self.counts.failed_gets += 1;
                } else {
                    self.counts.failed_puts += 1;
                }
            }
            Completion::Info(why) => {
                operation.error = Some(why.into());
                // A client whose operation is of unknown outcome goes on as another process.
                self.clients[client].process = self.processes;
                self.processes += 1;
            }
        }
        self.operations.ended(index);
        self.clients[client].in_flight = None;
        self.effects.push(Effect::Completed(index));
        if let Some(place) = recovery {
            if is_ok {
                self.recovery[place].answered = Some(view.now);
            } else {
                self.clients[client].last.push_back((place, op));
            }
        }
        // What was refused or lost is not asked again at once: a node that refuses everything would be flooded.
        if is_ok {
            self.go_on(client, view);
        } else {
            let at = view.now + limits::RETRY_WAIT_MIN;
            self.effects.push(Effect::WakeAt(at, Wake::GoOn(client)));
        }
    }

    /// The request phase is over and the faults are healed. What is read late is given time before it is asked for the
    /// last time; operations in flight go on.
    pub fn recover(&mut self, view: View<'_>) {
        let scenario = &self.plan.scenario;
        let waits = scenario.workload.may_read_late();
        let wait = if waits { scenario.liveness_bound } else { Duration::ZERO };
        self.phase = Phase::Quiet;
        self.effects.push(Effect::WakeAt(view.now + wait, Wake::Recover));
    }

    fn ask_last(&mut self, view: View<'_>) {
        self.phase = Phase::Recovery;
        for (client, op) in self.workload.final_ops(self.clients.len()) {
            self.clients[client].last.push_back((self.recovery.len(), op.clone()));
            self.recovery.push(RecoveryOperation {
                client: self.ids[client],
                f: op.f,
                key: op.key.unwrap_or_default(),
                started: None,
                answered: None,
            });
        }
        for client in 0..self.clients.len() {
            self.go_on(client, view);
        }
    }

    /// The run is over: what is open stays unknown. Returns that, what was asked after the healing, and the counts.
    pub fn finish(mut self) -> (Vec<OperationRecord>, Vec<RecoveryOperation>, RequestCounts) {
        for &index in self.open.keys() {
            let operation = &mut self.operations[index];
            operation.error = Some(OperationError::Unanswered);
            if operation.f.only_asks() {
                self.counts.unanswered_gets += 1;
            } else {
                self.counts.unanswered_puts += 1;
            }
        }
        (self.operations.into_open(), self.recovery, self.counts)
    }
}
