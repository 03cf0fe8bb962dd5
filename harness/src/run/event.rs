//! What a run hears, and what it wants done: all that passes between the run and the world where it takes place.

use std::rc::Rc;
use std::time::Duration;

use crate::clients::OperationIndex;
use crate::cluster::life::Ending;
use crate::fault::BeforeCall;
use crate::ids::NodeId;
use crate::nemesis::player::{Signal, Work};
use crate::network::course_2016::GivenUp;
use crate::network::fabric::Sent;
use crate::network::outbox::Outgoing;
use crate::network::rules::{FaultId, Rule};
use crate::op::Completion;
use crate::time::RunTime;

/// Something that happened.
#[derive(Debug)]
pub enum Event {
    /// The replicas are connected as far as they are waited for: the clock starts.
    Started,
    /// The time has come of what is due next.
    Due,
    /// The run is to stop.
    Interrupted,
    /// A replica connected.
    Connected(NodeId),
    /// A replica closed its connection.
    Closed(NodeId),
    /// A replica sent a packet.
    Packet {
        /// The replica that sent it.
        from: NodeId,
        /// The packet, cut at [`PACKET_BYTES`](crate::limits::PACKET_BYTES).
        bytes: Rc<[u8]>,
        /// Its whole length.
        length: usize,
    },
    /// The first datagram of a replica was no `hello`.
    NoHello {
        /// The replica that sent it.
        from: NodeId,
        /// The datagram.
        bytes: Rc<[u8]>,
    },
    /// A replica that did not read reads again.
    Writable(NodeId),
    /// The process of a replica ended.
    Exited {
        /// The replica.
        id: NodeId,
        /// `exit status 1`, `killed by SIGKILL`.
        how: Ending,
    },
    /// A replica is about to make the call of [`Effect::AwaitCall`].
    AtCall(NodeId),
    /// What came of [`Effect::Deliver`].
    Handed {
        /// The receiver.
        to: NodeId,
        /// The message.
        message: Outgoing,
        /// What came of it.
        handed: Handed,
    },
    /// What [`Effect::Data`] asked for could not be done, or not without reaching beyond the directory.
    DiskRefused {
        /// The replica.
        id: NodeId,
        /// Why not.
        reason: String,
    },
    /// What came of [`Effect::Retry`].
    Retried(NodeId, Sent),
    /// What [`Effect::Disconnect`] asked for is done: the connection is closed.
    Disconnected(NodeId),
    /// Another node is to be asked this operation, which had no effect where it was asked, as the driver of
    /// [`Effect::Invoke`] says.
    Redirected {
        /// The operation.
        operation: OperationIndex,
        /// The node, if it is told.
        to: Option<NodeId>,
    },
    /// A node, asked who leads, names this one.
    Claimed {
        /// The node that was asked.
        by: NodeId,
        /// The leader, if it names one.
        leader: Option<NodeId>,
    },
    /// How an operation ended, as the driver of [`Effect::Invoke`] says.
    Completed {
        /// The operation.
        operation: OperationIndex,
        /// How it ended.
        completion: Completion,
    },
}

/// What came of handing a message to a replica, as the world saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handed {
    /// Whether the socket took it.
    pub sent: Sent,
    /// How long the socket held up everything else; zero unless [`patience`](super::machine::Machine::patience)
    /// was asked for.
    pub blocked: Duration,
    /// Whether the replica has itself sent something that was not read, where the socket was full.
    pub has_unread: bool,
}

impl From<Sent> for Handed {
    fn from(sent: Sent) -> Self {
        Self { sent, blocked: Duration::ZERO, has_unread: false }
    }
}

/// Something that the run wants done. The world does one after the other, in their order, and before anything else
/// happens.
#[derive(Debug, PartialEq)]
pub enum Effect {
    /// A message is to be handed to a replica; [`Event::Handed`] answers.
    Deliver {
        /// The receiver.
        to: NodeId,
        /// The message.
        message: Outgoing,
    },
    /// The first message that waits for a replica is to be handed over; [`Event::Retried`] answers.
    Retry(NodeId, Rc<[u8]>),
    /// The connection of a replica is to be closed; [`Event::Disconnected`] answers.
    Disconnect(NodeId),
    /// A replica is taken down or has ended. Where its connection tells nothing of that, it is to be closed, too.
    TakenDown(NodeId),
    /// A signal to the process group of a running replica.
    Signal(NodeId, Signal),
    /// Before this replica makes this call, [`Event::AtCall`] is to be told. In virtual time.
    AwaitCall(NodeId, BeforeCall),
    /// The wall clock of this replica is so many seconds ahead of the others' from now on. In virtual time.
    SetClock(NodeId, f64),
    /// The process of this replica is to be started again.
    Spawn(NodeId),
    /// Something is to be done to the data directory of a replica; [`Event::DiskRefused`] answers if it is not.
    Data(NodeId, Work),
    /// The rules of 2016 give a replica up: it is to be killed.
    GiveUp(GivenUp),
    /// The rules of 2016 cut a packet of this replica.
    Truncated(NodeId),
    /// A driver is to ask this of a node; [`Event::Completed`] answers. Only for systems that are asked through a
    /// driver; [`operation`](super::machine::Machine::operation) tells what is asked.
    Invoke {
        /// The operation.
        operation: OperationIndex,
        /// The client that asks.
        client: NodeId,
        /// The node that is asked.
        node: NodeId,
    },
    /// What holds on links changes. Only for systems whose nodes talk among themselves through proxies of the world.
    Links(LinkChange),
    /// This operation was invoked: it is to be written down.
    Invoked(OperationIndex),
    /// This operation was completed: it is to be written down.
    Completed(OperationIndex),
    /// The record of this fault has changed: it is to be written down.
    FaultChanged(usize),
    /// What was written down is to be handed to the system.
    Flush,
    /// The loop comes round, which was due at that time: it measures by how much it is late.
    Tick {
        /// When it was due.
        due: RunTime,
    },
    /// The host is to be sampled.
    Sample,
    /// The progress is to be shown.
    ShowProgress,
}

/// What changes on links.
#[derive(Clone, Debug, PartialEq)]
pub enum LinkChange {
    /// A rule begins to hold on links (source, destination), until the fault is lifted.
    Apply {
        /// The fault.
        fault: FaultId,
        /// The links.
        pairs: Vec<(NodeId, NodeId)>,
        /// The rule.
        rule: Rule,
    },
    /// All rules of this fault end.
    Lift(FaultId),
    /// All rules end.
    LiftAll,
}
