//! A transport brings packets in and out and says where one message ends. One file per kind.

use std::rc::Rc;

use tokio::sync::mpsc;

use crate::ids::NodeId;

pub mod seqpacket;

/// What a transport tells the dispatcher.
pub enum TransportEvent {
    /// A replica connected: from now on it can be sent to.
    Connected(NodeId, seqpacket::Connection),
    /// A replica sent a packet.
    Packet {
        /// Who.
        from: NodeId,
        /// The packet, cut at [`crate::limits::PACKET_BYTES`].
        bytes: Rc<[u8]>,
        /// Its whole length.
        length: usize,
    },
    /// A replica that could not be sent to can be sent to again.
    Writable(NodeId),
    /// A replica closed its socket.
    Closed(NodeId),
}

/// Where a transport's events go.
pub type EventSender = mpsc::Sender<TransportEvent>;
