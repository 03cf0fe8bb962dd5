//! How a program talks, found out by starting it.
//!
//! Nothing is read from the program: one replica is started the way of each generation in turn,
//! with sockets of its own, until one shows a sign of life. A program of another generation mostly
//! ends at once; one that does not is given a short time first, and, if none was heard of, a long
//! one, in all ways that are left at once: a virtual machine on a crowded host is no rarity.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout_at};

use super::RunError;
use super::scratch::Scratch;
use super::start::{last_words, listen};
use super::transport::TransportEvent;
use crate::cluster::confinement::Confinement;
use crate::cluster::life::Ending;
use crate::cluster::marked::MarkedDirectory;
use crate::cluster::process::{Launch, Process};
use crate::cluster::program::Program;
use crate::cluster::signals::Signals;
use crate::cluster::sweep;
use crate::cluster::watchdog::Watchdog;
use crate::files::folder::Folder;
use crate::ids::NodeId;
use crate::limits;
use crate::network::transport::Transport;

/// What is needed to find out.
pub struct Probe<'a> {
    /// The program.
    pub program: &'a Program,
    /// Of how many replicas it is told.
    pub replicas: usize,
    /// The mark of its processes.
    pub mark: String,
    /// Cleans up if the harness is killed.
    pub watchdog: &'a Arc<Watchdog>,
    /// Becomes true when there is no time left.
    pub interrupt: watch::Receiver<bool>,
}

/// What came of one way.
enum Sign {
    /// It connected.
    Life,
    /// It ended before; how, with its last words.
    Ended(String),
    /// It lives, and nothing was heard.
    Silence,
    /// There is no time left.
    Interrupted,
}

impl Probe<'_> {
    /// The transport that the program speaks. On the calling thread, which must live until the end.
    pub fn find(&self) -> Result<Transport, RunError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(RunError::system("starting the event loop"))?;
        let local = tokio::task::LocalSet::new();
        let found = local.block_on(&runtime, self.find_within());
        // Those that had not spoken yet when another did.
        sweep::kill_marked(&self.mark);
        found
    }

    async fn find_within(&self) -> Result<Transport, RunError> {
        let [short, long] = limits::PROBE_PATIENCE;
        let mut attempts: Vec<(Transport, Sign)> = Vec::new();
        for way in Transport::ALL {
            match self.attempt(way, short).await? {
                Sign::Life => return Ok(way),
                Sign::Interrupted => return Err(RunError::InterruptedEarly),
                sign => attempts.push((way, sign)),
            }
        }
        let (silent, mut attempts): (Vec<_>, Vec<_>) =
            attempts.into_iter().partition(|(_, sign)| matches!(sign, Sign::Silence));
        let again = |(way, _)| (way, Box::pin(self.attempt(way, long)));
        let mut again: Vec<_> = silent.into_iter().map(again).collect();
        while !again.is_empty() {
            let (n, sign) = first(&mut again).await;
            let (way, _) = again.swap_remove(n);
            match sign? {
                Sign::Life => return Ok(way),
                Sign::Interrupted => return Err(RunError::InterruptedEarly),
                sign => attempts.push((way, sign)),
            }
        }
        attempts.sort_by_key(|(way, _)| *way);
        let attempts: Vec<String> =
            attempts.iter().map(|(way, sign)| sentence(*way, sign)).collect();
        let program = self.program.path.clone();
        Err(RunError::NoTransport { program, attempts: attempts.join("; ") })
    }

    async fn attempt(&self, way: Transport, patience: Duration) -> Result<Sign, RunError> {
        let mark = format!("{}{way}.", self.mark);
        let scratch = Scratch::create(&mark, Some(self.watchdog), false)?;
        let logs = MarkedDirectory::create(&std::env::temp_dir(), &mark, Some(self.watchdog))
            .map_err(RunError::system("making a folder for a trial start"))?;
        let place = Folder::open(logs.path())
            .map_err(RunError::system("opening the folder for a trial start"))?;
        let (event_sender, mut events) = mpsc::channel(limits::EVENTS_AHEAD);
        let (exit_sender, mut exits) = mpsc::unbounded_channel();
        let ids: Vec<NodeId> = (0..self.replicas).map(NodeId::replica).collect();
        let endpoint = listen(way, ids[0], scratch.path(), &event_sender)?;
        let confinement = Confinement::of(self.program, &mark);
        let doors = confinement.doors();
        let launch = Launch {
            program: self.program,
            command: None,
            port: endpoint.port(),
            peers: &ids[1..],
            directory: scratch.path(),
            folder: logs.path(),
            place: &place,
            host: None,
            door: None,
            doors: &doors,
            mark: &mark,
            disk: crate::os::Disk::Good,
            signals: &Signals::watched(Some(self.watchdog.pid())),
        };
        let spawned = Process::spawn(ids[0], &launch, exit_sender);
        let mut process = spawned
            .map_err(|reason| RunError::Spawn { program: self.program.path.clone(), reason })?;
        let mut interrupt = self.interrupt.clone();
        let wait = async {
            loop {
                tokio::select! {
                    biased;
                    _ = interrupt.wait_for(|&stop| stop) => return Sign::Interrupted,
                    Some(event) = events.recv() => {
                        if let TransportEvent::Connected(..) = event {
                            return Sign::Life;
                        }
                    }
                    Some(exited) = exits.recv() => return Sign::Ended(Ending::from(exited.status).to_string()),
                }
            }
        };
        let sign = timeout_at(Instant::now() + patience, wait).await;
        let mut sign = sign.unwrap_or(Sign::Silence);
        if let Sign::Ended(how) = &mut sign {
            process.drained().await;
            how.push_str(&last_words(&process));
        }
        drop(process);
        sweep::kill_marked(&mark);
        Ok(sign)
    }
}

fn sentence(way: Transport, sign: &Sign) -> String {
    let usage = way.usage();
    match sign {
        Sign::Life | Sign::Interrupted => format!("over {way} it is there"),
        Sign::Ended(how) => format!("over {way} (`{usage}`) it exits at once ({how})"),
        Sign::Silence => {
            let [_, long] = limits::PROBE_PATIENCE;
            format!("over {way} (`{usage}`) it is silent for {} s", long.as_secs())
        }
    }
}

/// The first of these that is over, and what came of it.
async fn first<T>(attempts: &mut [(Transport, Pin<Box<impl Future<Output = T>>>)]) -> (usize, T) {
    poll_fn(|context| {
        for (n, (_, attempt)) in attempts.iter_mut().enumerate() {
            if let Poll::Ready(end) = attempt.as_mut().poll(context) {
                return Poll::Ready((n, end));
            }
        }
        Poll::Pending
    })
    .await
}
