//! The links between replicas that talk TCP: one listener for each ordered pair and port, so that it is known who
//! calls. What the rules of [`network`](crate::network) decide for messages holds for the pieces of a stream as they
//! arrive here.
//!
//! A byte stream loses nothing: a piece that a rule would drop stands still until the link carries again, as TCP would
//! send it again, and so does everything behind it. A connection that is opened while its link is cut is accepted, and
//! stands still, too.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::addresses::{Addresses, HOST, at};
use crate::ids::NodeId;
use crate::network::link::{Counts, Fate, Link, counts};
use crate::network::links::Links;
use crate::network::rules::{FaultId, Rule};
use crate::seed::Seed;
use crate::time::RunTime;

/// What is read of a connection at a time.
const PIECE_BYTES: usize = 16 << 10;

/// Pieces on their way in one direction of one connection: what is beyond is not read.
const PIECES_AHEAD: usize = 64;

/// The name of the pieces in the counts of messages.
const KIND: &str = "tcp";

/// All links, and what crosses them.
pub struct Proxies {
    shared: Rc<Shared>,
    listeners: Vec<JoinHandle<()>>,
    /// The port by which the one reaches a port of the other: (from, to, index of the port).
    ports: BTreeMap<(usize, usize, usize), u16>,
}

struct Shared {
    origin: Instant,
    links: RefCell<Links>,
    /// Told whenever a rule begins or ends.
    changed: Notify,
    /// How often the links of a pair became free: what waited there before waits no longer.
    freed: RefCell<BTreeMap<(NodeId, NodeId), u64>>,
    connections: RefCell<BTreeMap<u64, Carried>>,
    next: RefCell<u64>,
}

/// A connection that is carried.
struct Carried {
    from: NodeId,
    to: NodeId,
    /// Ends both ends with a reset.
    reset: Rc<Notify>,
    task: JoinHandle<()>,
}

impl Proxies {
    /// Listens for each of `replicas` on behalf of each other, for each port. `seed` is that of the links' decisions.
    /// Must be called within a `LocalSet`.
    pub fn listen(
        replicas: &[NodeId],
        addresses: &mut Addresses,
        link: impl Fn(NodeId, NodeId) -> Seed,
    ) -> io::Result<Self> {
        let mut links = Links::between(replicas.iter().copied());
        for (from, to) in pairs(replicas.len()) {
            let pair = (replicas[from], replicas[to]);
            links.insert(pair, Link::new(link(pair.0, pair.1)));
        }
        let shared = Rc::new(Shared {
            origin: Instant::now(),
            links: RefCell::new(links),
            changed: Notify::new(),
            freed: RefCell::default(),
            connections: RefCell::default(),
            next: RefCell::new(0),
        });
        let (mut listeners, mut ports) = (Vec::new(), BTreeMap::new());
        for (from, to) in pairs(replicas.len()) {
            for index in 0..addresses.names().len() {
                let listener = std::net::TcpListener::bind((HOST, 0))?;
                listener.set_nonblocking(true)?;
                let listener = TcpListener::from_std(listener)?;
                let port = listener.local_addr()?.port();
                ports.insert((from, to, index), port);
                addresses.reaches(port, to);
                let pair = (replicas[from], replicas[to]);
                let target = addresses.of(to)[index];
                let accept = accept(Rc::clone(&shared), listener, pair, target);
                listeners.push(tokio::task::spawn_local(accept));
            }
        }
        Ok(Self { shared, listeners, ports })
    }

    /// The port by which the replica `from` reaches the port with this index of the replica `to`.
    pub fn port(&self, from: usize, to: usize, index: usize) -> Option<u16> {
        self.ports.get(&(from, to, index)).copied()
    }

    /// From now on `rule` holds on these links, until the fault is lifted.
    pub fn apply(&self, fault: FaultId, pairs: &[(NodeId, NodeId)], rule: &Rule) {
        let mut links = self.shared.links.borrow_mut();
        for &pair in pairs {
            if let Some(link) = links.get_mut(pair) {
                link.apply(fault, rule.clone());
            }
        }
        drop(links);
        self.shared.changed.notify_waiters();
    }

    /// All rules of this fault end.
    pub fn lift(&self, fault: FaultId) {
        self.free(|link| link.lift(fault));
    }

    /// All rules end.
    pub fn lift_all(&self) {
        self.free(Link::lift_all);
    }

    fn free(&self, lift: impl Fn(&mut Link) -> bool) {
        let mut freed = self.shared.freed.borrow_mut();
        for (pair, link) in self.shared.links.borrow_mut().iter_mut() {
            if lift(link) {
                *freed.entry(pair).or_default() += 1;
            }
        }
        drop(freed);
        self.shared.changed.notify_waiters();
    }

    /// Resets the connections of a replica: both ends are told.
    pub fn reset(&self, id: NodeId) {
        for carried in self.shared.connections.borrow().values() {
            if carried.from == id || carried.to == id {
                carried.reset.notify_one();
            }
        }
    }

    /// Pieces that crossed, were delayed or changed, by link.
    pub fn counts(&self) -> Counts {
        counts(self.shared.links.take())
    }
}

impl Drop for Proxies {
    fn drop(&mut self) {
        self.listeners.iter().for_each(JoinHandle::abort);
        for carried in self.shared.connections.borrow().values() {
            carried.task.abort();
        }
    }
}

fn pairs(count: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..count)
        .flat_map(move |from| (0..count).filter(move |&to| to != from).map(move |to| (from, to)))
}

async fn accept(shared: Rc<Shared>, listener: TcpListener, pair: (NodeId, NodeId), target: u16) {
    loop {
        let Ok((caller, _)) = listener.accept().await else {
            // Too many open files, or the caller is gone already.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let (number, reset) = (shared.number(), Rc::new(Notify::new()));
        let carried = carry(Rc::clone(&shared), number, caller, pair, target, Rc::clone(&reset));
        let (from, to) = pair;
        // It is first polled later, when it is listed.
        let task = tokio::task::spawn_local(carried);
        shared.connections.borrow_mut().insert(number, Carried { from, to, reset, task });
    }
}

impl Shared {
    fn number(&self) -> u64 {
        let mut next = self.next.borrow_mut();
        *next += 1;
        *next
    }

    fn now(&self) -> RunTime {
        RunTime::from(self.origin.elapsed())
    }

    fn is_cut(&self, pair: (NodeId, NodeId)) -> bool {
        self.links.borrow().get(pair).is_some_and(Link::is_cut)
    }

    fn freed(&self, pair: (NodeId, NodeId)) -> u64 {
        self.freed.borrow().get(&pair).copied().unwrap_or(0)
    }

    /// Waits until none of these links is cut.
    async fn uncut(&self, pairs: &[(NodeId, NodeId)]) {
        loop {
            let changed = self.changed.notified();
            if !pairs.iter().any(|&pair| self.is_cut(pair)) {
                return;
            }
            changed.await;
        }
    }

    /// Waits until this time, or until the link became free.
    async fn until(&self, time: Instant, pair: (NodeId, NodeId), freed: u64) {
        loop {
            let changed = self.changed.notified();
            if self.freed(pair) != freed {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep_until(time) => return,
                () = changed => {}
            }
        }
    }
}

/// Carries a connection until both its directions are over, or it is reset.
async fn carry(
    shared: Rc<Shared>,
    number: u64,
    mut caller: TcpStream,
    pair: (NodeId, NodeId),
    target: u16,
    reset: Rc<Notify>,
) {
    let open = async {
        // The packets that open a connection cross both links.
        shared.uncut(&[pair, (pair.1, pair.0)]).await;
        TcpStream::connect(at(target)).await.ok()
    };
    let callee = tokio::select! {
        callee = open => callee,
        () = reset.notified() => None,
    };
    if let Some(mut callee) = callee {
        let _ = caller.set_nodelay(true).and(callee.set_nodelay(true));
        let is_over = {
            let (from_caller, to_caller) = caller.split();
            let (from_callee, to_callee) = callee.split();
            let there = direction(&shared, pair, from_caller, to_callee);
            let back = direction(&shared, (pair.1, pair.0), from_callee, to_caller);
            tokio::select! {
                ended = async { tokio::try_join!(there, back) } => ended.is_ok(),
                () = reset.notified() => false,
            }
        };
        if !is_over {
            let _ = caller.set_zero_linger().and(callee.set_zero_linger());
        }
    } else {
        // As if nobody listened: the caller is told by a reset.
        let _ = caller.set_zero_linger();
    }
    shared.connections.borrow_mut().remove(&number);
}

/// A piece on its way.
struct Piece {
    bytes: Vec<u8>,
    at: Option<Instant>,
    freed: u64,
}

/// Carries one direction until its source has closed it. An error of either end is one of both.
async fn direction(
    shared: &Shared,
    pair: (NodeId, NodeId),
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
) -> io::Result<()> {
    let (sender, mut pieces) = mpsc::channel::<Piece>(PIECES_AHEAD);
    let read = async move {
        let mut buffer = vec![0; PIECE_BYTES];
        loop {
            shared.uncut(&[pair]).await;
            let length = from.read(&mut buffer).await?;
            if length == 0 {
                return Ok::<(), io::Error>(());
            }
            let piece = decide(shared, pair, &buffer[..length]).await;
            if sender.send(piece).await.is_err() {
                return Ok(());
            }
        }
    };
    let write = async move {
        while let Some(piece) = pieces.recv().await {
            if let Some(time) = piece.at {
                shared.until(time, pair, piece.freed).await;
            }
            shared.uncut(&[pair]).await;
            to.write_all(&piece.bytes).await?;
        }
        shared.uncut(&[pair]).await;
        to.shutdown().await
    };
    tokio::try_join!(read, write).map(|_| ())
}

/// What becomes of the bytes that were read, once their link carries. What a rule would drop is decided again when the
/// rules have changed.
async fn decide(shared: &Shared, pair: (NodeId, NodeId), bytes: &[u8]) -> Piece {
    loop {
        shared.uncut(&[pair]).await;
        let changed = shared.changed.notified();
        let fate = {
            let mut links = shared.links.borrow_mut();
            let Some(link) = links.get_mut(pair) else {
                return Piece { bytes: bytes.to_vec(), at: None, freed: 0 };
            };
            let (fate, index) = link.decide(shared.now(), KIND, bytes.len());
            if !matches!(fate, Fate::Drop(_)) {
                link.delivered(index);
            }
            if matches!(&fate, Fate::DeliverSo(it) if !it.changes.is_empty()) {
                link.corrupted(index);
            }
            fate
        };
        let mut piece = Piece { bytes: bytes.to_vec(), at: None, freed: shared.freed(pair) };
        match fate {
            Fate::Drop(_) => changed.await,
            Fate::Deliver => return piece,
            Fate::DeliverSo(delivery) => {
                for (how, draw) in &delivery.changes {
                    if let Some(changed) = how.change(&piece.bytes, *draw) {
                        piece.bytes = changed;
                    }
                }
                piece.at = delivery.at.map(|at| shared.origin + at.since_start());
                return piece;
            }
        }
    }
}

#[cfg(test)]
mod tests;
