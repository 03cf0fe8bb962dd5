//! When a replica is ready: it is looked at until it is. And then who leads, as it says itself.

use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use super::DrivenEvent;
use super::addresses::at;
use super::http;
use crate::clients::drivers::Elsewhere;
use crate::cluster::command::Command;
use crate::ids::NodeId;
use crate::os;
use crate::system::description::LeaderProbe;

/// Between two looks.
const INTERVAL: Duration = Duration::from_millis(20);

/// A look that takes longer shows nothing.
const PATIENCE: Duration = Duration::from_secs(2);

/// A command that takes longer is ended.
const LONGEST_COMMAND: Duration = Duration::from_secs(20);

/// A replica that is watched.
pub struct Watched {
    /// The replica.
    pub id: NodeId,
    /// Its process.
    pub pid: i32,
    /// The port at which clients ask.
    pub port: u16,
    /// How it is seen that it is ready.
    pub check: Check,
    /// How it is asked who leads.
    pub leader: Option<LeaderProbe>,
}

/// How it is seen that a replica is ready.
pub enum Check {
    /// It accepts a connection.
    Connects,
    /// It answers this path.
    Http(String),
    /// This command ends with 0.
    Command(Box<Command>),
    /// It prints this.
    Line {
        /// A part of the line.
        line: String,
        /// Where its logs are.
        folder: PathBuf,
        /// Their lengths before it was started.
        printed: [u64; 2],
    },
}

/// The logs of a replica.
const LOGS: [&str; 2] = ["stdout.log", "stderr.log"];

/// Watches a replica until it is ended.
pub async fn watch(watched: Watched, events: mpsc::UnboundedSender<DrivenEvent>) {
    let Watched { id, pid, port, check, leader } = watched;
    while !timeout(PATIENCE, check.is_met(port)).await.unwrap_or(false) {
        sleep(INTERVAL).await;
    }
    let _ = events.send(DrivenEvent::Ready { id, pid });
    let Some(probe) = leader else { return };
    loop {
        let path = probe.path.text();
        if let Ok(Ok(response)) = timeout(PATIENCE, http::get(port, path)).await
            && let Ok(json) = serde_json::from_slice::<serde_json::Value>(&response.body)
        {
            let leader = match json.pointer(&probe.pointer) {
                Some(serde_json::Value::Bool(true)) => Elsewhere::Number(id.index()),
                Some(named) => Elsewhere::of(named),
                None => Elsewhere::Unknown,
            };
            let _ = events.send(DrivenEvent::Claimed { by: id, leader });
        }
        sleep(probe.every).await;
    }
}

impl Check {
    async fn is_met(&self, port: u16) -> bool {
        match self {
            Self::Connects => TcpStream::connect(at(port)).await.is_ok(),
            Self::Http(path) => {
                let response = http::get(port, path).await;
                response.is_ok_and(|response| (200..300).contains(&response.status))
            }
            Self::Command(command) => succeeds(command).await.is_ok(),
            Self::Line { line, folder, printed } => {
                let mut logs = LOGS.iter().zip(printed);
                logs.any(|(log, &from)| has_line(&folder.join(log), from, line))
            }
        }
    }
}

/// The lengths of the logs of a replica.
pub fn printed(folder: &Path) -> [u64; 2] {
    LOGS.map(|log| std::fs::metadata(folder.join(log)).map_or(0, |it| it.len()))
}

fn has_line(log: &Path, from: u64, line: &str) -> bool {
    const MOST: u64 = 1 << 20;
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = std::fs::File::open(log)?;
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        file.take(MOST).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    read().is_ok_and(|bytes| memchr::memmem::find(&bytes, line.as_bytes()).is_some())
}

/// Runs a command to its end. Returns what went wrong.
pub async fn succeeds(command: &Command) -> Result<(), String> {
    let path = command.program().display();
    let mut built = command.build();
    command.set_environment(&mut built);
    built.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    os::die_with_parent(&mut built);
    let child = tokio::process::Command::from(built).kill_on_drop(true).spawn();
    let mut child = child.map_err(|error| format!("{path} cannot be started: {error}"))?;
    match timeout(LONGEST_COMMAND, child.wait()).await {
        Ok(Ok(status)) if status.success() => Ok(()),
        Ok(Ok(status)) => Err(format!("{path}: {}", crate::cluster::life::Ending::from(status))),
        Ok(Err(error)) => Err(format!("{path}: {error}")),
        Err(_) => Err(format!("{path} took longer than {} s", LONGEST_COMMAND.as_secs())),
    }
}
