//! Nodes that speak Maelstrom's protocol: where their messages go, and what they answer clients.

use std::rc::Rc;

use super::{Machine, Phase};
use crate::clients::OperationIndex;
use crate::dialect::maelstrom::{self, Message, NotAMessage};
use crate::ids::NodeId;
use crate::network::protocol::{ProtocolViolation, ProtocolWarning};
use crate::op::Completion;
use crate::record::EndReason;
use crate::services::Services;
use crate::time::RunTime;
use crate::workload::WorkloadName;

/// What such a run has besides.
pub struct Maelstrom {
    services: Services,
    /// What nodes sent before all of them were ready, in order.
    early: Vec<(NodeId, Rc<[u8]>)>,
    /// The client that tells nodes who their neighbours are, and asks nothing else.
    teller: NodeId,
}

impl Maelstrom {
    /// The services at their beginning.
    pub fn new(services: Services, teller: NodeId) -> Self {
        Self { services, early: Vec::new(), teller }
    }
}

/// The number of the request for an operation, and back.
fn msg_id(operation: OperationIndex) -> u64 {
    operation as u64 + 1
}

fn operation_of(msg_id: u64) -> Option<OperationIndex> {
    usize::try_from(msg_id.checked_sub(1)?).ok()
}

impl Machine {
    /// All nodes are ready: what they sent before flows now, and each learns who its neighbours are.
    pub(super) fn begin_maelstrom(&mut self, now: RunTime) {
        let nodes: Vec<NodeId> = self.plan.nodes().collect();
        for node in nodes {
            self.tell_neighbours(now, node);
        }
        let early = self.maelstrom.as_mut().map(|it| std::mem::take(&mut it.early));
        for (from, line) in early.into_iter().flatten() {
            self.line(now, from, &line);
        }
    }

    /// A node was started again, and is ready.
    pub(super) fn tell_neighbours(&mut self, now: RunTime, node: NodeId) {
        let Some(teller) = self.maelstrom.as_ref().map(|it| it.teller) else { return };
        if self.plan.scenario.workload != WorkloadName::Broadcast {
            return;
        }
        let nodes: Vec<NodeId> = self.plan.nodes().collect();
        let body = maelstrom::topology(self.plan.system.topology, &nodes, 1);
        let line = maelstrom::line(teller, node, &body);
        self.router.from_client(now, teller, node, "topology", line);
        self.deliver_arrived();
    }

    /// A client asks a node.
    pub(super) fn ask_node(
        &mut self,
        now: RunTime,
        index: OperationIndex,
        from: NodeId,
        to: NodeId,
    ) {
        let op = self.crew.operation(index).op();
        let body = maelstrom::request(self.plan.scenario.workload, &op, msg_id(index));
        let kind = body.get("type").and_then(|it| it.as_str()).unwrap_or_default().to_owned();
        self.router.from_client(now, from, to, &kind, maelstrom::line(from, to, &body));
        self.deliver_arrived();
    }

    /// A node wrote a line.
    pub(super) fn line(&mut self, now: RunTime, from: NodeId, line: &Rc<[u8]>) {
        if matches!(self.phase, Phase::Starting) {
            if let Some(maelstrom) = &mut self.maelstrom {
                maelstrom.early.push((from, Rc::clone(line)));
            }
            return;
        }
        for message in maelstrom::messages(line) {
            match message {
                Ok(message) => self.carry(now, from, &message, line),
                Err(problem) => {
                    let kind = match problem {
                        NotAMessage::NotJson(_) => ProtocolViolation::NotALine,
                        NotAMessage::Incomplete(_) => ProtocolViolation::NotAMessage,
                    };
                    self.violation(kind, now, from, &problem.to_string());
                }
            }
        }
        if self.router.crossed() > self.plan.scenario.max_packets && self.end.is_none() {
            self.router.protocol().violation(ProtocolViolation::PacketStorm, now, from, line);
            self.end = Some(EndReason::PacketStorm);
        }
    }

    fn violation(&mut self, kind: ProtocolViolation, now: RunTime, from: NodeId, told: &str) {
        self.router.protocol().violation(kind, now, from, told.as_bytes());
    }

    /// A message goes where it is to go.
    fn carry(&mut self, now: RunTime, from: NodeId, message: &Message<'_>, line: &Rc<[u8]>) {
        let text = || String::from_utf8_lossy(message.bytes).into_owned();
        if message.src.parse() != Ok(from) {
            let told = format!("`{}`; right would have been \"src\": \"{from}\"", text());
            return self.violation(ProtocolViolation::NotItsName, now, from, &told);
        }
        // What a node says when it is ready was heard by whoever started it.
        if message.kind == "init_ok" {
            return;
        }
        let whole = || {
            if message.bytes.len() == line.len() {
                Rc::clone(line)
            } else {
                Rc::from(message.bytes)
            }
        };
        let dest: Option<NodeId> = message.dest.parse().ok();
        let is_known = dest.is_some_and(|to| to == from || self.router.fabric().connects(from, to));
        match dest.filter(|_| is_known) {
            Some(to) if self.router.fabric().replicas().contains(&to) => {
                self.router.cross(now, from, to, &message.kind, &whole());
                self.deliver_arrived();
            }
            Some(service) if service.is_a_service() => {
                if self.router.to_client(now, from, service, &message.kind, message.bytes.len()) {
                    self.serve(now, from, service, message);
                }
            }
            Some(client) => {
                if self.router.to_client(now, from, client, &message.kind, message.bytes.len()) {
                    self.hear_reply(now, from, client, message);
                }
            }
            None => {
                let told = format!(
                    "`{}`; there are the nodes {}, the clients, and the services lin-kv, seq-kv, lww-kv and lin-tso",
                    text(),
                    crate::text::listed(self.plan.nodes())
                );
                self.violation(ProtocolViolation::NoSuchNode, now, from, &told);
            }
        }
    }

    /// A service answers at once; its reply crosses the network.
    fn serve(&mut self, now: RunTime, from: NodeId, service: NodeId, message: &Message<'_>) {
        let Some(maelstrom) = &mut self.maelstrom else { return };
        let reply = maelstrom.services.reply(service, from, &message.body());
        let kind = reply.get("type").and_then(|it| it.as_str()).unwrap_or_default().to_owned();
        let line = maelstrom::line(service, from, &reply);
        self.router.from_client(now, service, from, &kind, line);
        self.deliver_arrived();
    }

    /// A node answers a client.
    fn hear_reply(&mut self, now: RunTime, from: NodeId, client: NodeId, message: &Message<'_>) {
        if self.maelstrom.as_ref().is_some_and(|it| it.teller == client) {
            return;
        }
        let text = || String::from_utf8_lossy(message.bytes).into_owned();
        let Some(id) = message.in_reply_to else {
            let told = format!(
                "`{}`; right would have been an `in_reply_to` with the `msg_id` of the request that it answers",
                text()
            );
            return self.violation(ProtocolViolation::NoReply, now, from, &told);
        };
        let known = operation_of(id).filter(|&index| self.crew.was_asked(index, client));
        let Some(index) = known else {
            let told = format!("`{}`; {client} sent no request {id}", text());
            return self.violation(ProtocolViolation::NoReply, now, from, &told);
        };
        if !self.crew.awaits(index) {
            // Its client had given up, or was answered before.
            if self.crew.was_done(index) {
                let warning = ProtocolWarning::DuplicateResponse;
                self.router.protocol().warning(warning, now, from, message.bytes);
            }
            return;
        }
        let op = self.crew.operation(index).op();
        let workload = self.plan.scenario.workload;
        match maelstrom::reply(workload, &op, message) {
            Ok(completion) => self.end_operation(now, index, from, completion),
            Err(told) => {
                let told = format!("to {client}'s request {id}: {told}");
                self.violation(ProtocolViolation::WrongReply, now, from, &told);
            }
        }
    }

    fn end_operation(
        &mut self,
        now: RunTime,
        index: OperationIndex,
        from: NodeId,
        completion: Completion,
    ) {
        let is_ok = matches!(completion, Completion::Ok(_));
        self.with_crew(now, |crew, view| crew.completed(index, completion, view));
        if is_ok {
            self.with_player(now, |player, scene| player.answered(from, scene));
        }
    }
}
