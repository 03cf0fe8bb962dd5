//! Where replicas are plugged in: their connections, and what is handed over there.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::transport::Connection;
use crate::ids::NodeId;
use crate::network::fabric::Sent;
use crate::run::event::Handed;

/// The connections of all replicas.
#[derive(Default)]
pub struct Ports {
    connections: BTreeMap<NodeId, Connection>,
    /// What may wait in a replica's socket, on a host where that is little.
    socket_bytes: Option<usize>,
}

impl Ports {
    /// No replica is connected. In a socket so many bytes may wait; `None`: as many as the system lets.
    pub fn new(socket_bytes: Option<usize>) -> Self {
        Self { connections: BTreeMap::new(), socket_bytes }
    }

    /// A replica connected; a second connection takes the place of the first.
    pub fn connected(&mut self, id: NodeId, connection: Connection) {
        if let Some(bytes) = self.socket_bytes {
            connection.limit(bytes);
        }
        self.connections.insert(id, connection);
    }

    /// Whether the connection of this replica lives: one that it had before may be told of as closed when the next
    /// one is there.
    pub fn is_connected(&self, id: NodeId) -> bool {
        self.connections.get(&id).is_some_and(|connection| !connection.has_hung_up())
    }

    /// Closes the connection of a replica.
    pub fn close(&mut self, id: NodeId) {
        self.connections.remove(&id);
    }

    /// Closes all.
    pub fn close_all(&mut self) {
        self.connections.clear();
    }

    /// A replica is taken down, or has ended. Where its connection does not tell of that, it is closed: whether it
    /// was.
    pub fn taken_down(&mut self, id: NodeId) -> bool {
        let is_silent = self.connections.get(&id).is_some_and(|it| !it.tells_of_its_end());
        if is_silent {
            self.close(id);
        }
        is_silent
    }

    /// Hands a message to a replica. A socket that is full holds up everything else for as long as `patience` says,
    /// if it says so.
    pub fn hand(&mut self, to: NodeId, packet: &[u8], patience: Option<Duration>) -> Handed {
        let Some(connection) = self.connections.get_mut(&to) else {
            return Handed::from(Sent::Gone);
        };
        let Some(patience) = patience else { return Handed::from(connection.send(packet)) };
        let begin = Instant::now();
        let sent = connection.send_blocking(packet, patience);
        let blocked = begin.elapsed();
        Handed { sent, blocked, has_unread: sent == Sent::WouldBlock && connection.has_unread() }
    }

    /// Hands over what waited; `None`: the replica is not connected.
    pub fn retry(&mut self, to: NodeId, packet: &[u8]) -> Option<Sent> {
        Some(self.connections.get_mut(&to)?.send(packet))
    }

    /// The port at which a replica reads datagrams.
    pub fn port(&self, id: NodeId) -> Option<u16> {
        self.connections.get(&id)?.port()
    }
}
