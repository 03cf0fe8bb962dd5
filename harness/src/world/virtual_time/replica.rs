//! One replica in virtual time: its process, its connection, its output.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use nix::sys::socket::setsockopt;
use nix::sys::socket::sockopt::SndBuf;
use supervisor::{EndpointId, ProcessId, Supervisor, VirtualTime};

use super::datagrams::Datagrams;
use super::socket::{self, Connection, News};
use crate::dialect::maelstrom;
use crate::files::folder::Folder;
use crate::limits;
use crate::network::fabric::Sent;
use crate::network::transport::Transport;

const STDERR: &str = "stderr.log";

/// A replica.
pub(super) struct Replica {
    pub(super) process: ProcessId,
    /// Its number, by which it is known in the record.
    pub(super) number: i32,
    pub(super) spawned: VirtualTime,
    pub(super) connect_time: Option<Duration>,
    pub(super) place: Folder,
    transport: Transport,
    door: Door,
    /// How many bytes wait at most until it reads them, on a host where that is little.
    socket_bytes: Option<usize>,
    /// Where its process comes in.
    entrance: Option<EndpointId>,
    connection: Option<(Connection, EndpointId)>,
    greeted: Option<Greeted>,
    outputs: Vec<(Output, EndpointId)>,
    written: u64,
}

/// Where a replica comes in.
pub(super) enum Door {
    /// It connects there.
    Listener(OwnedFd),
    /// It sends to there.
    Datagrams(Datagrams),
    /// Its standard input and output: there as soon as it is started.
    Pipes,
}

/// A node that was greeted, and has not answered that yet.
struct Greeted {
    connection: Connection,
    endpoint: EndpointId,
    /// What it wrote instead: some nodes cannot wait.
    early: Vec<News>,
}

/// What it writes on one stream.
pub(super) struct Output {
    pub(super) pipe: OwnedFd,
    pub(super) log: File,
}

/// Where something may be ready.
#[derive(Clone, Debug)]
pub(super) enum Where {
    /// At these endpoints.
    There(BTreeSet<EndpointId>),
    /// Anywhere.
    Anywhere,
}

impl Where {
    fn is_at(&self, endpoint: Option<EndpointId>) -> bool {
        match (self, endpoint) {
            (Self::Anywhere, _) => true,
            (Self::There(ready), Some(endpoint)) => ready.contains(&endpoint),
            (Self::There(_), None) => false,
        }
    }
}

impl Replica {
    pub(super) fn new(
        process: ProcessId,
        number: i32,
        place: Folder,
        transport: Transport,
        door: Door,
        socket_bytes: Option<usize>,
    ) -> Self {
        Self {
            process,
            number,
            spawned: VirtualTime::ZERO,
            connect_time: None,
            place,
            transport,
            door,
            socket_bytes,
            entrance: None,
            connection: None,
            greeted: None,
            outputs: Vec::new(),
            written: 0,
        }
    }

    /// It was started, or started again.
    pub(super) fn started(
        &mut self,
        process: ProcessId,
        outputs: Vec<Output>,
        supervisor: &mut Supervisor,
    ) -> Result<(), supervisor::SupervisorError> {
        self.process = process;
        self.spawned = supervisor.now();
        let door = match &self.door {
            Door::Listener(listener) => Some(listener.as_fd()),
            Door::Datagrams(datagrams) => Some(datagrams.fd()),
            Door::Pipes => None,
        };
        self.entrance = door.map(|door| supervisor.watch(process, door)).transpose()?;
        self.outputs.clear();
        for output in outputs {
            let endpoint = supervisor.watch(process, output.pipe.as_fd())?;
            self.outputs.push((output, endpoint));
        }
        Ok(())
    }

    /// It was started with these as its standard input and output, and is greeted.
    pub(super) fn greet(
        &mut self,
        mut connection: Connection,
        greeting: &[u8],
        supervisor: &mut Supervisor,
    ) -> Result<(), supervisor::SupervisorError> {
        let endpoint = supervisor.watch(self.process, connection.incoming())?;
        // An empty pipe takes a line as short as this; that the process is gone already is told otherwise.
        let _ = connection.send(greeting);
        self.greeted = Some(Greeted { connection, endpoint, early: Vec::new() });
        Ok(())
    }

    /// Takes what a greeted node says. It is connected when it has answered; what it said before follows that.
    fn hear_greeted(&mut self, there: &Where) -> Vec<News> {
        let Some(greeted) = self.greeted.as_mut().filter(|it| there.is_at(Some(it.endpoint)))
        else {
            return Vec::new();
        };
        let mut said = Vec::new();
        // A node that is gone is told of by its end.
        greeted.connection.receive(&mut said);
        greeted.early.append(&mut said);
        let is_answer = |news: &News| matches!(news, News::Packet { bytes, .. } if maelstrom::is_init_ok(bytes));
        if !greeted.early.iter().any(is_answer) {
            return Vec::new();
        }
        let Some(Greeted { connection, endpoint, early }) = self.greeted.take() else {
            return Vec::new();
        };
        self.connection = Some((connection, endpoint));
        std::iter::once(News::Connected).chain(early).collect()
    }

    /// All that it did there since this was last asked.
    pub(super) fn news(&mut self, there: &Where, supervisor: &mut Supervisor) -> Vec<News> {
        self.drain(there);
        let mut news = self.hear_greeted(there);
        let mut is_open = true;
        if let Some((connection, endpoint)) = &mut self.connection
            && there.is_at(Some(*endpoint))
        {
            is_open = connection.receive(&mut news);
        }
        let mut was_closed = !is_open && self.close(supervisor);
        if !there.is_at(self.entrance) {
            news.extend(was_closed.then_some(News::Closed));
            return news;
        }
        let listener = match &mut self.door {
            Door::Listener(listener) => listener,
            Door::Datagrams(datagrams) => {
                datagrams.receive(&mut news);
                return news;
            }
            Door::Pipes => {
                news.extend(was_closed.then_some(News::Closed));
                return news;
            }
        };
        let accepted: Vec<OwnedFd> = std::iter::from_fn(|| socket::accept(listener)).collect();
        for accepted in accepted {
            // The first that was not told of as closed is replaced silently: it goes on as the second.
            was_closed &= self.connection.is_some();
            self.close(supervisor);
            if let Some(bytes) = self.socket_bytes {
                // A socket that refuses has the size it had.
                let _ = setsockopt(&accepted, SndBuf, &bytes);
            }
            if let Ok(endpoint) = supervisor.watch(self.process, accepted.as_fd()) {
                self.connection = Some((Connection::new(accepted, self.transport), endpoint));
                news.push(News::Connected);
            }
        }
        if was_closed {
            news.push(News::Closed);
        }
        news
    }

    /// Keeps what it wrote, up to a limit.
    fn drain(&mut self, there: &Where) {
        let mut buffer = [0; 16 << 10];
        for (output, _) in self.outputs.iter_mut().filter(|(_, it)| there.is_at(Some(*it))) {
            while let Ok(read) = nix::unistd::read(&output.pipe, &mut buffer) {
                if read == 0 {
                    break;
                }
                self.written += read as u64;
                let kept = output.log.metadata().map_or(0, |it| it.len());
                let room = limits::OUTPUT_BYTES.saturating_sub(kept);
                let room = usize::try_from(room).unwrap_or(usize::MAX).min(read);
                // A full disk loses the log, not the run.
                let _ = output.log.write_all(&buffer[..room]);
            }
        }
    }

    /// Sends a message; none: it is not connected.
    pub(super) fn send(&mut self, packet: &[u8]) -> Option<Sent> {
        match &mut self.door {
            Door::Listener(_) | Door::Pipes => {
                self.connection.as_mut().map(|(it, _)| it.send(packet))
            }
            Door::Datagrams(datagrams) => datagrams.send(packet),
        }
    }

    /// Closes its connection. Returns whether there was one.
    pub(super) fn close(&mut self, supervisor: &mut Supervisor) -> bool {
        if let Door::Datagrams(datagrams) = &mut self.door {
            return datagrams.close();
        }
        let Some((connection, endpoint)) = self.connection.take() else { return false };
        supervisor.forget(self.process, endpoint);
        drop(connection);
        supervisor.delivered(self.process);
        true
    }

    pub(super) fn is_full(&self) -> bool {
        match &self.door {
            Door::Listener(_) | Door::Pipes => {
                self.connection.as_ref().is_some_and(|(it, _)| it.is_full)
            }
            Door::Datagrams(datagrams) => datagrams.is_full,
        }
    }

    pub(super) fn has_room_again(&mut self, supervisor: &mut Supervisor) -> bool {
        let had = self.is_full();
        let has = match &mut self.door {
            Door::Listener(_) | Door::Pipes => {
                self.connection.as_mut().is_some_and(|(it, _)| it.has_room_again())
            }
            Door::Datagrams(datagrams) => datagrams.has_room_again(),
        };
        if had && has {
            supervisor.delivered(self.process);
        }
        has
    }

    pub(super) fn tells_of_its_end(&self) -> bool {
        matches!(self.door, Door::Listener(_) | Door::Pipes)
    }

    /// The port that it is told, if it is told one.
    pub(super) fn port(&self) -> Option<u16> {
        match &self.door {
            Door::Listener(_) | Door::Pipes => None,
            Door::Datagrams(datagrams) => datagrams.port().ok(),
        }
    }

    pub(super) fn output_bytes(&self) -> u64 {
        self.written
    }

    /// The last lines of its standard error.
    pub(super) fn stderr_tail(&self) -> String {
        let mut bytes = Vec::new();
        if let Ok(mut log) = self.place.read(STDERR) {
            let length = log.metadata().map_or(0, |it| it.len());
            let start = length.saturating_sub(limits::STDERR_TAIL_BYTES as u64);
            // What cannot be read is left out.
            let _ = log.seek(SeekFrom::Start(start));
            let _ = log.take(limits::STDERR_TAIL_BYTES as u64).read_to_end(&mut bytes);
        }
        String::from_utf8_lossy(&bytes).trim_end().to_owned()
    }
}
