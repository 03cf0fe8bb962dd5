//! The thin shell around the core: one thread, one socket, one clock.

use std::io;
use std::thread;
use std::time::{Duration, Instant};

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use thiserror::Error;
use tracing::{debug, warn};

use crate::core::{Input, Now, Output, Replica, Time};
use crate::storage::{Stable, Storage, StorageError};
use crate::transport::{Received, Transport};
use crate::wire::{self, Incoming, Status, Unreadable};

/// How many messages are taken in before what they caused is sent: enough to batch a burst,
/// few enough to answer soon.
const INPUTS_AT_ONCE: usize = 256;

/// How long a replica waits before it connects again, so that it need not be closed out in circles.
const RECONNECT_PAUSE: Duration = Duration::from_millis(10);

/// The clock and the randomness that the core is given.
#[derive(Debug)]
pub struct World {
    started: Instant,
    random: ChaCha8Rng,
}

impl World {
    /// Starts the clock.
    #[must_use]
    pub fn new(random: ChaCha8Rng) -> Self {
        Self { started: Instant::now(), random }
    }

    /// This moment.
    pub fn now(&mut self) -> Now {
        let micros = u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX);
        // From 1 on, so that no moment of this life is the zero of "never happened".
        Now { time: Time(micros.saturating_add(1)), jitter: self.random.next_u32() }
    }
}

/// Why a replica stopped serving.
#[derive(Debug, Error)]
pub enum ServeError {
    /// The socket failed.
    #[error("the socket failed")]
    Socket(#[from] io::Error),
    /// The store failed; what depends on it was not sent.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Runs a replica until its socket is closed and there is no listener to connect to again; returns why not.
pub fn serve<S: Storage>(
    mut replica: Replica,
    transport: &mut dyn Transport,
    stable: &mut Stable<S>,
    mut world: World,
) -> Result<io::Error, ServeError> {
    let mut buffer = Vec::new();
    loop {
        let now = world.now();
        transport.wait(time_left(now.time, replica.deadline()))?;
        transport.send_kept();
        for _ in 0..INPUTS_AT_ONCE {
            match transport.receive(&mut buffer)? {
                Received::Nothing => break,
                Received::Closed => {
                    thread::sleep(RECONNECT_PAUSE);
                    if let Err(gone) = transport.reconnect() {
                        return Ok(gone);
                    }
                    warn!("the other side closed the connection: connected again");
                    break;
                }
                // The clock is read after the message is here: a process may be stopped anywhere
                // before this line, and its lease may have run out meanwhile.
                Received::Message => receive(&mut replica, transport, world.now(), &buffer),
            }
        }
        replica.step(world.now(), Input::Tick);
        replica.flush(world.now());
        // The followers write these to their disks while this replica writes to its own.
        for message in replica.take_early() {
            transport.send(wire::write_message(&message));
        }
        let (unsaved, outputs) = replica.take_effects();
        stable.keep(world.now().time, &replica, unsaved)?;
        for output in outputs {
            let bytes = match &output {
                Output::Send(message) => wire::write_message(message),
                Output::Reply(reply) => wire::write_reply(replica.id(), reply),
            };
            transport.send(bytes);
        }
    }
}

fn time_left(now: Time, deadline: Time) -> Option<Duration> {
    (deadline != Time::NEVER).then(|| deadline.since(now))
}

fn receive(replica: &mut Replica, transport: &mut dyn Transport, now: Now, bytes: &[u8]) {
    match wire::read(bytes) {
        Ok(Incoming::Message(message)) => replica.step(now, Input::Message(message)),
        Ok(Incoming::Request(request)) => replica.step(now, Input::Request(request)),
        Ok(Incoming::StatusAsked { from, mid }) => {
            let status = status(replica, mid.as_deref());
            let answer = wire::write_status(replica.id(), from, replica.leader(), &status);
            transport.send(answer);
        }
        Err(Unreadable::Foreign) => debug!(bytes = bytes.len(), "{}", Unreadable::Foreign),
        Err(Unreadable::Damaged) => {
            warn!(bytes = bytes.len(), "dropped: {}", Unreadable::Damaged);
        }
    }
}

fn status<'a>(replica: &Replica, mid: Option<&'a str>) -> Status<'a> {
    Status {
        mid,
        commit: replica.commit().0,
        digest: format!("{:016x}", replica.machine().digest()),
        keys: replica.machine().len(),
        term: replica.term().0,
        role: replica.role_name(),
        last_index: replica.log().last_index().0,
        queued: replica.queued(),
    }
}
