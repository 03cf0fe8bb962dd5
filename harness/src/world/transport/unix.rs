//! Where a replica finds a UNIX socket of its own: named by its id in its working directory, for packets or for
//! lines alike.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, UnixAddr, accept4, bind, listen, socket,
};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::task::JoinHandle;

use super::{Connection, EventSender, TransportEvent};
use crate::ids::NodeId;
use crate::limits;
use crate::os;

/// One replica's listening socket; it ends with this.
pub struct Endpoint {
    acceptor: JoinHandle<()>,
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.acceptor.abort();
    }
}

/// Makes a connection of a socket that was accepted.
type Plug = fn(NodeId, OwnedFd, EventSender) -> io::Result<Connection>;

impl Endpoint {
    /// Listens on the socket named `path` on behalf of the replica `id`; `plug` makes a connection of the process that
    /// comes. Must be called within a `LocalSet`.
    pub fn listen(
        id: NodeId,
        path: &Path,
        kind: SockType,
        plug: Plug,
        events: EventSender,
    ) -> io::Result<Self> {
        let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
        let listener = socket(AddressFamily::Unix, kind, flags, None)?;
        bind(listener.as_raw_fd(), &UnixAddr::new(path)?)?;
        listen(&listener, Backlog::new(4)?)?;
        let listener = os::watch(listener, Interest::READABLE)?;
        let acceptor = tokio::task::spawn_local(accept_all(id, listener, plug, events));
        Ok(Self { acceptor })
    }
}

async fn accept_all(id: NodeId, listener: AsyncFd<OwnedFd>, plug: Plug, events: EventSender) {
    loop {
        let accepted = listener
            .async_io(Interest::READABLE, |fd| {
                let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
                Ok(accept4(fd.as_raw_fd(), flags)?)
            })
            .await;
        // A connection that is gone before it was accepted, or no descriptor left: the replica
        // shows as never connected, which is judged elsewhere.
        let Ok(fd) = accepted else {
            tokio::time::sleep(limits::FAULT_RETRY).await;
            continue;
        };
        let Ok(connection) = plug(id, os::own_fd(fd), events.clone()) else { continue };
        if events.send(TransportEvent::Connected(id, connection)).await.is_err() {
            return;
        }
    }
}

/// Whether the other side has closed the connection.
pub(super) fn has_hung_up(socket: BorrowedFd<'_>) -> bool {
    // Closed for both directions, or by the peer for its own.
    let hung_up = PollFlags::POLLHUP | PollFlags::from_bits_retain(nix::libc::POLLRDHUP);
    let mut polled = [PollFd::new(socket, hung_up)];
    // A poll that fails tells as little as a socket that is gone.
    poll(&mut polled, PollTimeout::ZERO).is_err()
        || polled[0].revents().is_none_or(|events| events.intersects(hung_up))
}
