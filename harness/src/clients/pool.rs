//! All clients of a run, and the protocol between them and the replicas.
//!
//! Here: how a request is sent and ends. In [`pacing`]: when a client asks next, and what. In [`answers`]: what is
//! answered, and what a client does then. In [`under_faults`]: what clients do during faults
//! and right after them.

mod answers;
mod pacing;
mod under_faults;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use checker::Datum;
use serde::Serialize;

use super::affinity::Affinity;
use super::course::CourseClient;
use super::operations::Operations;
use super::recovery::Recovery;
use super::requests::{OperationIndex, Requests};
use super::shared::Shared;
use crate::ids::NodeId;
use crate::limits;
use crate::network::envelope::{AnsweredValue, ReplyType};
use crate::op::{
    F, OperationError, OperationRecord, Outcome, RecoveryOperation, RequestCounts, text_of,
};
use crate::plan::{OperationPlan, Plan};
use crate::scenario::Clients;
use crate::seed;
use crate::time::RunTime;

/// What a client can know of the cluster when it acts.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// The time.
    pub now: RunTime,
    /// The replicas that live.
    pub alive: &'a BTreeSet<NodeId>,
    /// The replica believed to lead; only noted, never used.
    pub leader: Option<NodeId>,
}

/// What the clients want done.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Send this packet.
    Send {
        /// The operation that it asks for.
        operation: OperationIndex,
        /// The client.
        from: NodeId,
        /// The replica.
        to: NodeId,
        /// The message's type.
        kind: &'static str,
        /// The message.
        packet: Vec<u8>,
    },
    /// Ask a node this operation, as its system is asked.
    Invoke {
        /// The operation.
        operation: OperationIndex,
        /// The client.
        from: NodeId,
        /// The node.
        to: NodeId,
    },
    /// The operation was invoked: write it down.
    Invoked(OperationIndex),
    /// A replica acknowledged the put of this operation, which was not answered before.
    Acknowledged {
        /// The put.
        put: OperationIndex,
        /// The replica.
        by: NodeId,
    },
    /// A put that had been acknowledged before was acknowledged again.
    AcknowledgedAgain {
        /// The put.
        put: OperationIndex,
        /// The replica.
        by: NodeId,
    },
    /// The operation was completed: write it down.
    Completed(OperationIndex),
    /// Call [`Pool::wake`] with this at that time.
    WakeAt(RunTime, Wake),
}

/// Why a client wants to be woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wake {
    /// The request phase begins.
    Begin,
    /// The planned request of this number is due (course clients).
    Request(usize),
    /// The next operation is due (shared clients at a given rate).
    Due,
    /// The next operation is due of those that come evenly beside the bursts.
    Steady,
    /// The operation may be sent again.
    Resend(OperationIndex),
    /// The client may go on after a refusal.
    GoOn(usize),
    /// A refused operation is asked again as a new one (course clients).
    Repeat(OperationIndex),
    /// The operation was not answered in time (shared clients).
    Timeout(OperationIndex),
    /// The replicas are asked again what a fault may have changed.
    ProbeReads,
    /// What must be answered after the healing is asked.
    Recover,
}

/// What a replica replies to a client.
#[derive(Clone, Debug)]
pub struct Reply<'a> {
    /// The replica that answers.
    pub from: NodeId,
    /// The client that is answered.
    pub client: NodeId,
    /// How it replies; `None`: in a type of message that a client does not know.
    pub r#type: Option<ReplyType>,
    /// Which request.
    pub mid: &'a str,
    /// The leader that the replica names.
    pub leader: Option<NodeId>,
    /// The value, for a get.
    pub value: AnsweredValue,
}

/// What was odd about a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unexpected {
    /// No client used this `MID`.
    UnknownMid,
    /// Neither `ok`, `fail` nor `redirect`.
    UnknownAnswer,
    /// It had been answered.
    Duplicate,
    /// The value is no text.
    OddValue,
    /// A key is refused for good, although others are served.
    Gone,
}

/// All clients of a run.
pub struct Pool {
    plan: Arc<Plan>,
    ids: Vec<NodeId>,
    kind: Kind,
    phase: Phase,
    requests: Requests,
    recovery: Recovery,
    operations: Operations,
    /// The operations in flight.
    open: BTreeMap<OperationIndex, InFlight>,
    counts: RequestCounts,
    clients: Vec<Client>,
    processes: u64,
    /// The next client when an operation is due.
    next_client: usize,
    routes: u64,
    /// Requests that may have named a leader of old.
    old_news: u64,
    affinity: Affinity,
    /// Until when probe reads go on.
    probe_until: RunTime,
    probes: u64,
    effects: Vec<Effect>,
}

enum Kind {
    Course(Vec<CourseClient>),
    Shared(Shared),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Waiting,
    Requests,
    Recovery,
}

/// One client's view of the cluster, and its identities.
struct Client {
    leader: Option<NodeId>,
    /// Its identities that have no operation in flight.
    idle: BTreeSet<u64>,
    /// Refusals and redirects in a row.
    setbacks: u32,
}

struct InFlight {
    client: usize,
    setbacks: u32,
    asking: Asking,
}

/// Why something is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asking {
    /// In the request phase.
    Usual,
    /// After the healing.
    Recovery,
    /// A probe read of this replica and no other.
    Probe(NodeId),
}

#[derive(Serialize)]
struct RequestMessage<'a> {
    src: NodeId,
    dst: NodeId,
    leader: NodeId,
    r#type: &'static str,
    #[serde(rename = "MID")]
    mid: &'a str,
    key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<&'a str>,
}

impl Pool {
    /// The clients of `plan`.
    pub fn new(plan: Arc<Plan>) -> Self {
        let scenario = &plan.scenario;
        let (count, kind) = if let (
            &Clients::Shared {
                keys,
                rate,
                requests,
                timeout,
                burst,
                steady_rate,
                one_shot_keys,
                probe_reads,
                ..
            },
            OperationPlan::Shared { clients },
        ) = (&scenario.clients, &plan.operations)
        {
            let mut shared =
                Shared::new(clients, keys, scenario.mix, one_shot_keys, rate, requests, timeout);
            shared.burst = burst;
            shared.base = RunTime::from(scenario.start_wait);
            shared.steady = (steady_rate > 0.0).then(|| Duration::from_secs_f64(1.0 / steady_rate));
            let prober = usize::from(!probe_reads.is_zero());
            (shared.count() + prober, Kind::Shared(shared))
        } else {
            let count = limits::COURSE_CLIENTS;
            (count, Kind::Course(vec![CourseClient::default(); count]))
        };
        let client = |n: u64| Client { leader: None, idle: BTreeSet::from([n]), setbacks: 0 };
        let wake = Wake::Begin;
        Self {
            ids: (0..count).map(|n| plan.client(n)).collect(),
            kind,
            phase: Phase::Waiting,
            requests: Requests::default(),
            recovery: Recovery::default(),
            operations: Operations::default(),
            open: BTreeMap::new(),
            counts: RequestCounts::default(),
            clients: (0..count as u64).map(client).collect(),
            processes: count as u64,
            next_client: 0,
            routes: 0,
            old_news: 0,
            affinity: Affinity::default(),
            probe_until: RunTime::ZERO,
            probes: 0,
            effects: vec![Effect::WakeAt(RunTime::from(scenario.start_wait), wake)],
            plan,
        }
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

    /// Whether the operations after the healing are all answered.
    pub fn is_recovered(&self) -> bool {
        self.recovery.is_over()
    }

    /// Whether some operation after the healing waits in vain.
    pub fn is_stalled(&self, now: RunTime) -> bool {
        let bound = self.plan.scenario.liveness_bound;
        self.recovery.is_stalled(now, bound)
    }

    /// Something that was asked for with [`Effect::WakeAt`] is due.
    pub fn wake(&mut self, wake: Wake, view: View<'_>) {
        match wake {
            Wake::Begin => self.begin(view),
            Wake::Request(n) => self.course_request(n, view),
            Wake::Due => self.due(view),
            Wake::Steady => self.steady(view),
            Wake::Resend(operation) => {
                if self.open.contains_key(&operation) {
                    self.send(operation, view);
                }
            }
            Wake::GoOn(client) => self.go_on(client, view),
            Wake::Repeat(operation) => self.repeat(operation, view),
            Wake::Timeout(operation) => self.timed_out(operation, view),
            Wake::ProbeReads => self.probe(view),
            // These clients begin as soon as they are told.
            Wake::Recover => {}
        }
    }

    /// The request phase is over and the faults are healed: shared clients ask what must now be
    /// answered. Operations in flight go on.
    pub fn recover(&mut self, view: View<'_>) {
        self.phase = Phase::Recovery;
        let asking = self.askers();
        if let Kind::Shared(shared) = &self.kind {
            self.recovery = Recovery::plan(&self.ids[..asking], &shared.acknowledged_keys());
            for client in 0..asking {
                self.go_on(client, view);
            }
        }
    }

    /// The clients that ask by themselves; behind them stands the one that sends probe reads.
    fn askers(&self) -> usize {
        match &self.kind {
            Kind::Course(clients) => clients.len(),
            Kind::Shared(shared) => shared.count(),
        }
    }

    fn invoke(
        &mut self,
        client: usize,
        kind: F,
        key: Arc<str>,
        value: Option<Arc<str>>,
        asking: Asking,
        view: View<'_>,
    ) {
        let index = self.operations.next_index();
        let process = self.clients[client].idle.pop_first().unwrap_or_else(|| {
            self.processes += 1;
            self.processes - 1
        });
        if let (Kind::Course(clients), Some(value)) = (&mut self.kind, &value) {
            clients[client].put_sent(index, &key, value, view.now);
        }
        self.operations.invoke(OperationRecord {
            index: index as u64,
            process,
            client: self.ids[client],
            f: kind,
            key: Some(key),
            value: value.map_or(Datum::Nil, |text| Datum::text(&text)),
            answer: None,
            node: None,
            invoked: view.now,
            completed: None,
            outcome: Outcome::Info,
            leader: view.leader,
            redirects: 0,
            error: None,
            is_final_read: asking == Asking::Recovery && kind == F::Get,
        });
        let in_flight = InFlight { client, setbacks: 0, asking };
        self.open.insert(index, in_flight);
        self.effects.push(Effect::Invoked(index));
        if let Kind::Shared(shared) = &self.kind {
            let at = view.now + shared.timeout;
            self.effects.push(Effect::WakeAt(at, Wake::Timeout(index)));
        }
        self.send(index, view);
    }

    /// Sends an operation under a new `MID`: to the leader that the client last heard of if that
    /// one lives, else to a random living replica.
    fn send(&mut self, index: OperationIndex, view: View<'_>) {
        let &InFlight { client, asking, .. } = &self.open[&index];
        let living = self.affinity.choice(client, view.alive);
        let believed = match asking {
            Asking::Probe(replica) => Some(replica),
            _ => self.clients[client].leader.filter(|leader| living.contains(leader)),
        };
        let to = believed.or_else(|| {
            let bits = self.plan.routes.draw(self.routes);
            self.routes += 1;
            (!living.is_empty()).then(|| living[seed::index(bits, living.len())])
        });
        let old_news = (asking == Asking::Usual).then(|| self.old_news(&living)).flatten();
        // No replica is alive: the message is lost, like any message to the dead.
        let Some(to) = old_news.or(to) else { return };
        let mid = self.requests.add(index, view.now);
        let operation = &mut self.operations[index];
        operation.node = Some(to);
        let message = RequestMessage {
            src: operation.client,
            dst: to,
            leader: old_news.or(self.clients[client].leader).unwrap_or(NodeId::ANY),
            r#type: operation.f.name(),
            mid: &mid,
            key: operation.key_name(),
            value: text_of(&operation.value),
        };
        let packet = serde_json::to_vec(&message).expect("texts serialize");
        let (from, kind) = (operation.client, operation.f.name());
        self.effects.push(Effect::Send { operation: index, from, to, kind, packet });
    }

    /// Now and then a client believes that some replica leads, as one does that has heard nothing for long: whoever
    /// is asked as the leader must know better.
    fn old_news(&mut self, living: &[NodeId]) -> Option<NodeId> {
        let Clients::Shared { old_news, .. } = self.plan.scenario.clients else { return None };
        let draws = self.plan.routes.derive("old news");
        let n = self.old_news;
        self.old_news += 1;
        let is_drawn = draws.fraction(2 * n) < old_news && !living.is_empty();
        is_drawn.then(|| living[seed::index(draws.draw(2 * n + 1), living.len())])
    }

    /// Ends an operation. If its outcome is unknown, the client continues as a new process.
    fn complete(
        &mut self,
        index: OperationIndex,
        outcome: Outcome,
        error: Option<OperationError>,
        now: RunTime,
    ) {
        let Some(in_flight) = self.open.remove(&index) else { return };
        let operation = &mut self.operations[index];
        operation.completed = Some(now);
        operation.outcome = outcome;
        operation.error = error;
        let process = if outcome == Outcome::Info {
            self.processes += 1;
            self.processes - 1
        } else {
            operation.process
        };
        self.clients[in_flight.client].idle.insert(process);
        self.operations.ended(index);
        self.requests.let_go(|index| self.operations.get(index).is_some());
        self.effects.push(Effect::Completed(index));
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
        (self.operations.into_open(), self.recovery.into_asked(), self.counts)
    }
}

#[cfg(test)]
mod tests;
