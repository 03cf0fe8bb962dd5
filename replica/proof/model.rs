//! The core under a model checker: every order of every event, within bounds.
//!
//! Time stands still, so nothing is due by itself: election, heartbeat and quorum timeouts are
//! actions that may happen at any moment, and leases and loyalty are off (the simulation is where
//! these are proved). Messages lie in the network until they are delivered, in any order; one
//! that is never delivered is lost; one that is delivered may be kept and be delivered again. A
//! replica that crashes starts again with its disk, or, without one, never.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use replica::bugs::{Bug, Bugs};
use replica::core::{
    Config, Id, Index, Input, Message, Now, Operation, Outcome, Output, Replica, Reply, Request,
    RequestId, Saved,
};
use replica::profile::Profile;
use stateright::semantics::register::{Register, RegisterOp, RegisterRet};
use stateright::semantics::{ConsistencyTester, LinearizabilityTester};
use stateright::{Model, Property};

use super::ledger::{Ledger, Violation};
use super::shared::{Pool, Shared};

/// The only key: a second one would be a second, independent register.
const KEY: &str = "x";

/// What a client does, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// Writes a value that no other client writes.
    Put,
    /// Reads.
    Get,
}

/// A cluster and the bounds of what may happen to it.
#[derive(Clone, Debug)]
pub struct Cluster {
    /// How many replicas.
    pub replicas: u16,
    /// What each client does.
    pub clients: Vec<Vec<Step>>,
    /// How many election timeouts may pass.
    pub election_timeouts: u8,
    /// How many heartbeats may be sent.
    pub heartbeats: u8,
    /// How many leaders may give up for want of a majority.
    pub quorum_timeouts: u8,
    /// How many messages may be delivered again.
    pub repeats: u8,
    /// How many replicas may crash.
    pub crashes: u8,
    /// Everything is delivered in the end, and replicas time out as long as no replica leads.
    pub fair: bool,
    /// Begins when replica 0 has been elected and everything it sent has arrived.
    pub elected: bool,
    /// Mistakes switched on.
    pub bugs: Bugs,
    /// What the states have in common.
    pub pools: Arc<Pools>,
}

/// The parts of which states are made, each kept once.
#[derive(Debug, Default)]
pub struct Pools {
    nodes: Pool<Node>,
    messages: Pool<Message>,
    ledgers: Pool<Ledger>,
    histories: Pool<History>,
}

type History = LinearizabilityTester<u16, Register<Arc<str>>>;

/// One event.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// A message arrives.
    Deliver(Shared<Message>),
    /// A message arrives and will arrive again.
    Repeat(Shared<Message>),
    /// A client asks a replica.
    Ask(u16, Id),
    /// An election timeout passes.
    ElectionTimeout(Id),
    /// A leader's heartbeat is due.
    Heartbeat(Id),
    /// A leader gives up.
    QuorumTimeout(Id),
    /// A replica stops.
    Crash(Id),
    /// A leader does this, and stops when its appends have left and nothing is on its disk yet.
    Torn(Box<Action>),
    /// A replica starts again with its disk.
    Restart(Id),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Node {
    Up(Box<Replica>),
    Down(Saved),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Client {
    done: usize,
    attempts: u8,
    waits_for: Option<RequestId>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Spent {
    election_timeouts: u8,
    heartbeats: u8,
    quorum_timeouts: u8,
    repeats: u8,
    crashes: u8,
}

/// The whole cluster at a moment, with what was seen so far.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct State {
    nodes: Vec<Shared<Node>>,
    network: BTreeSet<Shared<Message>>,
    clients: Vec<Client>,
    spent: Spent,
    /// Whether the step being made ends in a crash before its effects are stored.
    torn: bool,
    ledger: Shared<Ledger>,
    history: Shared<History>,
    violation: Option<Violation>,
}

impl Cluster {
    /// Three replicas, two clients, and some of everything that can go wrong.
    pub fn with_faults() -> Self {
        Self {
            replicas: 3,
            clients: vec![vec![Step::Put, Step::Get], vec![Step::Put]],
            election_timeouts: 2,
            heartbeats: 1,
            quorum_timeouts: 1,
            repeats: 1,
            crashes: 1,
            fair: false,
            elected: false,
            bugs: Bugs::default(),
            pools: Arc::default(),
        }
    }

    /// No clients and no crashes: elections only.
    pub fn election_only() -> Self {
        let faults = Self::with_faults();
        Self {
            clients: vec![],
            heartbeats: 0,
            quorum_timeouts: 0,
            repeats: 0,
            crashes: 0,
            ..faults
        }
    }

    /// The bounds that the proofs use, each with its name.
    pub fn bounds() -> Vec<(&'static str, Self)> {
        vec![
            ("from the start", Self::with_faults()),
            ("from an elected leader", Self { elected: true, ..Self::with_faults() }),
            ("elections only", Self { repeats: 1, ..Self::election_only() }),
            ("a fair network", Self { fair: true, ..Self::election_only() }),
        ]
    }

    fn config(&self, id: u16, life: u32) -> Arc<Config> {
        let peers = (0..self.replicas).filter(|other| *other != id).map(Id).collect();
        let mut config = Profile::Course.config(Id(id), peers);
        config.loyalty = Duration::ZERO;
        config.lease = Duration::ZERO;
        config.boot = life;
        config.bugs = self.bugs;
        config.into()
    }

    fn operation(&self, state: &State, client: u16) -> Option<Step> {
        let number = usize::from(client);
        self.clients[number].get(state.clients[number].done).copied()
    }

    fn apply(&self, state: &mut State, action: Action) -> Result<(), Violation> {
        match action {
            Action::Torn(action) => {
                state.spent.crashes += 1;
                state.torn = true;
                let applied = self.apply(state, *action);
                state.torn = false;
                applied
            }
            Action::Deliver(message) => {
                state.network.remove(&message);
                self.deliver(state, &message)
            }
            Action::Repeat(message) => {
                state.spent.repeats += 1;
                self.deliver(state, &message)
            }
            Action::Ask(client, to) => self.ask(state, client, to),
            Action::ElectionTimeout(id) => {
                state.spent.election_timeouts += u8::from(!self.fair);
                state.drive(&self.pools, id, |replica| replica.election_timeout(Now::default()))
            }
            Action::Heartbeat(id) => {
                state.spent.heartbeats += 1;
                state.drive(&self.pools, id, Replica::heartbeat_timeout)
            }
            Action::QuorumTimeout(id) => {
                state.spent.quorum_timeouts += 1;
                state.drive(&self.pools, id, |replica| replica.quorum_timeout(Now::default()))
            }
            Action::Crash(id) => {
                state.spent.crashes += 1;
                state.crash(id);
                Ok(())
            }
            Action::Restart(id) => {
                self.restart(state, id);
                Ok(())
            }
        }
    }

    fn deliver(&self, state: &mut State, message: &Message) -> Result<(), Violation> {
        let to = message.to;
        if let Node::Up(replica) = &*state.nodes[usize::from(to.0)] {
            Ledger::believes(self.bugs, replica, message)?;
        }
        let input = Input::Message(message.clone());
        state.drive(&self.pools, to, |replica| replica.step(Now::default(), input))
    }

    fn ask(&self, state: &mut State, client: u16, to: Id) -> Result<(), Violation> {
        let Some(step) = self.operation(state, client) else { return Ok(()) };
        let seat = &mut state.clients[usize::from(client)];
        let mid: Arc<str> = Arc::from(format!("{client}.{}.{}", seat.done, seat.attempts));
        let value: Arc<str> = Arc::from(format!("{client}.{}", seat.done));
        let first = seat.attempts == 0;
        seat.attempts += 1;
        let id = RequestId { client: Id(0x10 + client), mid };
        seat.waits_for = Some(id.clone());
        let key = Arc::from(KEY);
        let (operation, invoked) = match step {
            Step::Get => (Operation::Get { key }, RegisterOp::Read),
            Step::Put => {
                (Operation::Put { key, value: Arc::clone(&value) }, RegisterOp::Write(value))
            }
        };
        if first {
            state.history.edit().on_invoke(client, invoked)?;
        }
        let request = Request { id, operation };
        state.ledger.edit().ask(&request);
        state
            .drive(&self.pools, to, |replica| replica.step(Now::default(), Input::Request(request)))
    }

    fn restart(&self, state: &mut State, id: Id) {
        let node = &mut state.nodes[usize::from(id.0)];
        let Node::Down(saved) = &**node else { return };
        let forgets = self.bugs.has(Bug::Amnesia);
        let saved = if forgets { Saved::default() } else { saved.clone() };
        let life = u32::from(state.spent.crashes);
        let replica = Replica::new(self.config(id.0, life), saved, Now::default());
        state.ledger.edit().restarted(id);
        *node = Shared::new(Node::Up(Box::new(replica)));
    }
}

impl State {
    fn living(&self) -> impl Iterator<Item = &Replica> {
        self.nodes.iter().filter_map(|node| match &**node {
            Node::Up(replica) => Some(&**replica),
            Node::Down(_) => None,
        })
    }

    /// Changes one replica, and sees to what it wants done.
    fn drive(
        &mut self,
        pools: &Pools,
        id: Id,
        change: impl FnOnce(&mut Replica),
    ) -> Result<(), Violation> {
        let node = &mut self.nodes[usize::from(id.0)];
        let Node::Up(replica) = node.edit() else { return Ok(()) };
        let saved = self.torn.then(|| saved(replica));
        let driven = catch_unwind(AssertUnwindSafe(|| {
            change(replica);
            replica.flush(Now::default());
        }));
        driven.map_err(|_| "an assertion of the core failed".to_owned())?;
        let shared = |message| {
            let mut message = Shared::new(message);
            pools.messages.share(&mut message);
            message
        };
        self.network.extend(replica.take_early().into_iter().map(shared));
        self.ledger.edit().observe(replica)?;
        if let Some(saved) = saved {
            *node = Shared::new(Node::Down(saved));
            return self.compare_logs();
        }
        let (_, outputs) = replica.take_effects();
        for output in outputs {
            match output {
                Output::Send(message) => {
                    self.network.insert(shared(message));
                }
                Output::Reply(reply) => self.answer(&reply)?,
            }
        }
        self.compare_logs()
    }

    fn compare_logs(&self) -> Result<(), Violation> {
        let living: Vec<_> = self.living().collect();
        for (place, one) in living.iter().enumerate() {
            for other in &living[..place] {
                Ledger::compare_logs(one, other)?;
            }
        }
        Ok(())
    }

    fn answer(&mut self, reply: &Reply) -> Result<(), Violation> {
        self.ledger.edit().answer(reply)?;
        let number = reply.id.client.0 - 0x10;
        let client = &mut self.clients[usize::from(number)];
        if client.waits_for.as_ref() != Some(&reply.id) {
            return Ok(());
        }
        client.waits_for = None;
        let returned = match &reply.outcome {
            Outcome::Value(value) => RegisterRet::ReadOk(Arc::clone(value)),
            Outcome::Done => RegisterRet::WriteOk,
            Outcome::Redirect | Outcome::Fail => return Ok(()), // asks again, under a new MID
        };
        client.done += 1;
        client.attempts = 0;
        self.history.edit().on_return(number, returned).map(|_| ())
    }

    fn crash(&mut self, id: Id) {
        let node = &mut self.nodes[usize::from(id.0)];
        if let Node::Up(replica) = &**node {
            *node = Shared::new(Node::Down(saved(replica)));
        }
    }

    /// Shares with other states what this one has in common with them.
    fn share(&mut self, pools: &Pools) {
        self.nodes.iter_mut().for_each(|node| pools.nodes.share(node));
        pools.ledgers.share(&mut self.ledger);
        pools.histories.share(&mut self.history);
    }

    /// Whether a leader does this: only a leader sends anything before it has stored it, and for
    /// all others this is a crash before the event.
    fn can_tear(&self, action: &Action) -> bool {
        let id = match action {
            Action::Deliver(message) | Action::Repeat(message) => &message.to,
            Action::Ask(_, id) | Action::Heartbeat(id) => id,
            _ => return false,
        };
        self.living().any(|replica| replica.id() == *id && replica.is_leader())
    }

    fn holds(&self, property: &str) -> bool {
        self.violation.as_ref().is_none_or(|violation| !violation.starts_with(property))
    }
}

/// What is on a replica's disk between its steps.
fn saved(replica: &Replica) -> Saved {
    let (term, vote) = (replica.term(), replica.vote());
    Saved { term, vote, entries: replica.log().from(Index(1)).to_vec() }
}

impl Model for Cluster {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let node = |id| {
            let replica = Replica::new(self.config(id, 0), Saved::default(), Now::default());
            Shared::new(Node::Up(Box::new(replica)))
        };
        let client = |_: &Vec<Step>| Client { done: 0, attempts: 0, waits_for: None };
        let mut state = State {
            nodes: (0..self.replicas).map(node).collect(),
            network: BTreeSet::new(),
            clients: self.clients.iter().map(client).collect(),
            spent: Spent::default(),
            torn: false,
            ledger: Shared::new(Ledger::default()),
            history: Shared::new(LinearizabilityTester::new(Register(Arc::from("")))),
            violation: None,
        };
        if self.elected {
            let timeout = Action::ElectionTimeout(Id(0));
            state.violation = self.apply(&mut state, timeout).err();
            while let Some(message) = state.network.first().cloned() {
                state.violation = self.apply(&mut state, Action::Deliver(message)).err();
            }
            state.spent = Spent::default();
        }
        state.share(&self.pools);
        vec![state]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        // What a fair network promises is a leader: with the first one it is kept.
        let kept = self.fair && state.living().any(Replica::is_leader);
        if state.violation.is_some() || kept {
            return;
        }
        for message in &state.network {
            actions.push(Action::Deliver(message.clone()));
            if state.spent.repeats < self.repeats {
                actions.push(Action::Repeat(message.clone()));
            }
        }
        let settled = self.fair && state.network.is_empty();
        for replica in state.living() {
            let id = replica.id();
            let may = !self.fair && state.spent.election_timeouts < self.election_timeouts;
            if !replica.is_leader() && (may || settled) {
                actions.push(Action::ElectionTimeout(id));
            }
            if replica.is_leader() && state.spent.heartbeats < self.heartbeats {
                actions.push(Action::Heartbeat(id));
            }
            if replica.is_leader() && state.spent.quorum_timeouts < self.quorum_timeouts {
                actions.push(Action::QuorumTimeout(id));
            }
            if state.spent.crashes < self.crashes {
                actions.push(Action::Crash(id));
            }
        }
        for (number, node) in (0..).zip(&state.nodes) {
            if matches!(**node, Node::Down(_)) {
                actions.push(Action::Restart(Id(number)));
            }
        }
        for (number, client) in (0..).zip(&state.clients) {
            let waits = client.waits_for.is_some() || client.attempts > 1;
            if !waits && self.operation(state, number).is_some() {
                actions.extend(state.living().map(|replica| Action::Ask(number, replica.id())));
            }
        }
        if state.spent.crashes < self.crashes {
            let torn = actions.iter().filter(|action| state.can_tear(action)).cloned();
            let torn: Vec<_> = torn.map(|action| Action::Torn(Box::new(action))).collect();
            actions.extend(torn);
        }
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        let mut next = state.clone();
        next.violation = self.apply(&mut next, action).err();
        next.share(&self.pools);
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut properties = vec![
            Property::always("one leader a term", |_, state: &State| {
                state.holds("election safety")
            }),
            Property::always("leader completeness", |_, state: &State| {
                state.holds("leader completeness")
            }),
            Property::always("state machine safety", |_, state: &State| {
                state.holds("state machine safety")
            }),
            Property::always("log matching", |_, state: &State| state.holds("log matching")),
            Property::always("each request at most once, and as answered", |_, state: &State| {
                let named = ["election", "leader", "state machine", "log matching"];
                let other = |violation: &Violation| !named.iter().any(|n| violation.starts_with(n));
                !state.violation.as_ref().is_some_and(other)
            }),
            Property::always("linearizable", |_, state: &State| state.history.is_consistent()),
        ];
        if self.fair {
            properties.push(Property::eventually("a leader emerges", |_, state: &State| {
                state.living().any(Replica::is_leader)
            }));
        }
        properties
    }
}
