//! What stands between the harness and a replica on a simulated host: this very binary, which waits, sets the
//! limits, and then becomes the replica's program. The process, its group and its id stay the same.
//!
//! The program's look-ups of files stall in its midst, held up by a filter on its system calls that goes to the
//! harness. Where the system refuses that, the stalls are waited out before the program is loaded: an observer from
//! outside sees a process that lives and does not connect yet, either way.

use std::os::fd::RawFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use serde::{Deserialize, Serialize};

use super::{filter, stalls};
use crate::ids::NodeId;
use crate::os;
use crate::plan::host::HostPlan;

/// The hidden subcommand under which the harness binary waits, then becomes the program.
pub const SUBCOMMAND: &str = "__launch";

/// The hidden subcommand under which the harness binary computes for nothing.
pub const NEIGHBOUR: &str = "__neighbour";

/// What the launcher does before it becomes the program.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Launcher {
    /// How long it waits first.
    delay_us: u64,
    /// How long it waits if no calls can be held up.
    otherwise_us: u64,
    /// Whether look-ups of files are held up.
    lookups: bool,
    /// Whether writes through to the disk are.
    syncs: bool,
    /// Where it hands over the filter.
    channel: Option<RawFd>,
    /// The most descriptors.
    descriptors: Option<u64>,
    /// The most processes and threads of the user.
    processes: Option<u64>,
    /// The largest file, in bytes.
    file_bytes: Option<u64>,
    /// The file by which it joins a control group.
    door: Option<PathBuf>,
}

impl Launcher {
    /// The launcher of this replica, if it needs one.
    pub fn of(host: Option<&HostPlan>, replica: NodeId, door: Option<&Path>) -> Option<Self> {
        let (profile, replica) = (&host?.profile, host?.replicas.get(replica.index())?);
        let otherwise = replica.all_lookups().as_micros();
        let launcher = Self {
            delay_us: replica.start_delay_us,
            otherwise_us: u64::try_from(otherwise).unwrap_or(u64::MAX),
            lookups: otherwise > 0,
            syncs: profile.sync_delay.is_some(),
            channel: None,
            descriptors: profile.descriptors,
            processes: profile.processes,
            file_bytes: profile.file_bytes,
            door: door.map(Path::to_owned),
        };
        (launcher != Self::default()).then_some(launcher)
    }

    /// Whether it has a filter to hand over.
    pub fn holds_calls(&self) -> bool {
        self.lookups || self.syncs
    }

    /// The words before the program's own.
    pub fn words(&self, channel: Option<RawFd>) -> [String; 2] {
        let told = Self { channel, ..self.clone() };
        let told = serde_json::to_string(&told).expect("numbers and truths become JSON");
        [SUBCOMMAND.to_owned(), told]
    }

    /// Waits and sets the limits.
    fn prepare(&self) -> std::io::Result<()> {
        if let Some(door) = &self.door {
            // Zero is the writing process.
            std::fs::write(door, "0")?;
        }
        std::thread::sleep(Duration::from_micros(self.delay_us));
        let limits = [
            (Resource::RLIMIT_NOFILE, self.descriptors),
            (Resource::RLIMIT_NPROC, self.processes),
            (Resource::RLIMIT_FSIZE, self.file_bytes),
        ];
        for (resource, limit) in limits {
            let Some(limit) = limit else { continue };
            // A limit above the one in force is refused: the lower one holds.
            let limit = getrlimit(resource).map_or(limit, |(_, most)| limit.min(most));
            setrlimit(resource, limit, limit)?;
        }
        if self.file_bytes.is_some() {
            os::survive_full_disk()?;
        }
        let Some(channel) = self.channel else { return Ok(()) };
        // Inherited for this only: the program does not get it.
        let channel = os::own_fd(channel);
        let filter = filter::install(self.lookups, self.syncs);
        stalls::hand_over(&channel, &filter)?;
        if filter.is_err() {
            std::thread::sleep(Duration::from_micros(self.otherwise_us));
        }
        Ok(())
    }
}

/// The launcher's whole life, if it is what this program was started as; returns only then, with the reason why it
/// could not become the program.
pub fn launch_if_asked() -> Option<std::io::Error> {
    let mut arguments = std::env::args_os().skip(1);
    match arguments.next()?.to_str()? {
        NEIGHBOUR => loop {
            std::hint::spin_loop();
        },
        SUBCOMMAND => {}
        _ => return None,
    }
    let told = arguments.next()?;
    let launcher = serde_json::from_str::<Launcher>(told.to_str()?).map_err(std::io::Error::other);
    if let Err(error) = launcher.and_then(|launcher| launcher.prepare()) {
        return Some(error);
    }
    let program = arguments.next()?;
    Some(Command::new(program).args(arguments).exec())
}
