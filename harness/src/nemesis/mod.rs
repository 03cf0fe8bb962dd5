//! Faults: what a planned fault means once its time has come.
//!
//! Roles ("the leader") are resolved when the fault strikes, in `target`. Then each fault, one file
//! each, is a pure function from its parameters and targets to a script: the acts, their targets, and
//! what to wait for in between ([`Step`]). The [`player`] plays the scripts; when the time of faults is
//! over before a script is, it undoes what was done, so that every fault ends.
//!
//! Room is left for disks that forget what was not synced: it would be one more file here, and one more [`Act`].

mod clock;
mod crash;
mod disk;
pub mod happened;
pub mod isolate_leaders;
mod kill;
mod network;
mod partition;
mod pause;
pub mod player;
mod reset;
mod restart;
mod rolling;
pub mod shape;
mod slow;
mod target;

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

pub use target::stand_in;

use crate::fault::{BeforeCall, DiskFault, FaultKind, LinkRule};
use crate::ids::NodeId;
use crate::plan::PlannedFault;

/// What is known when a fault is to strike.
#[derive(Clone, Debug)]
pub struct Situation<'a> {
    /// All replicas, in order.
    pub replicas: &'a [NodeId],
    /// Those that live.
    pub alive: &'a BTreeSet<NodeId>,
    /// Those that another fault has in its hands.
    pub taken: &'a BTreeSet<NodeId>,
    /// The living replica believed to lead. If no leader is ever named, the one that stands in: see
    /// [`stand_in`].
    pub leader: Option<NodeId>,
    /// Whether an `isolate_leaders` is under way: two would take the same leaders.
    pub is_isolating_leaders: bool,
}

/// What a fault turned out to be.
#[derive(Clone, Debug, PartialEq)]
pub struct Injection {
    /// The replicas that it has in its hands until its end.
    pub targets: Vec<NodeId>,
    /// What happens.
    pub script: Vec<Step>,
}

/// A step of a fault.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// At once.
    Do(Act),
    /// Lets time pass.
    Wait(Duration),
    /// Waits until the replica is about to make this call, or has ended.
    UntilCall(NodeId, BeforeCall),
    /// Waits until the process has ended, no longer than this.
    UntilGone(NodeId, Duration),
    /// Waits until the replica has connected again, no longer than this.
    UntilConnected(NodeId, Duration),
    /// Waits until a replica names itself as leader that did not before, no longer than this; if none
    /// did, the last step of the script is next.
    UntilElected(Duration),
    /// Waits until the replica elected then has answered `ok` so often, no longer than this.
    UntilAnswers(u64, Duration),
    /// Begins the script again, unless this much time has passed since the strike.
    RepeatFor(Duration),
}

/// What is done to a replica, or to the network.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    /// SIGKILL, for good.
    KillForGood(NodeId),
    /// SIGKILL.
    Kill(NodeId),
    /// SIGTERM.
    Terminate(NodeId),
    /// SIGSTOP.
    Stop(NodeId),
    /// SIGCONT.
    Continue(NodeId),
    /// Starts the process again; during a disk fault, with that disk.
    Start(NodeId),
    /// The wall clock of a replica is so many seconds ahead of the others'.
    SetClock(NodeId, f64),
    /// Empties the data directory.
    Wipe(NodeId),
    /// Keeps a copy of the data directory for [`DiskFault::OldCopy`].
    Copy(NodeId),
    /// Damages the data directory.
    DamageDisk(NodeId, DiskFault),
    /// Ends a disk fault that passes.
    RepairDisk(NodeId),
    /// Rules begin to hold on links; where they part the cluster, into these sides.
    Apply {
        /// What, and where.
        rules: Vec<LinkRule>,
        /// The greater first.
        sides: Vec<Vec<NodeId>>,
    },
    /// Its connection is closed.
    Reset(NodeId),
    /// All rules of this fault end; of `part_end`, those of the course's partition.
    Lift,
    /// Instead of what this fault does on links: the replica believed to lead is cut off alone; nothing if
    /// there is none.
    CutLeader,
    /// Instead of what this fault does on links: the replica elected during the last
    /// [`Step::UntilElected`] is cut off alone, and those cut off before it each alone too, as long as a
    /// majority is left; as it was if none was elected.
    CutElected,
}

/// Why a fault cannot strike now; it may later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// Another `isolate_leaders` is in force: waiting for its end misses nothing.
    NoRoom,
    /// No leader is known.
    NoLeader,
    /// Each follower is dead or affected by another fault.
    NoFollower,
    /// Each replica is dead or affected by another fault.
    NoReplica,
    /// Fewer replicas are free than the fault affects.
    TooFew,
    /// Another fault affects one of the replicas.
    SomeTaken,
    /// Another fault affects the replica.
    Taken,
    /// No replica is alive.
    NoneAlive,
    /// The replica is dead.
    Dead,
    /// No link lies between the sources and the destinations of a rule.
    NoLink,
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoRoom => "another `isolate_leaders` was in force",
            Self::NoLeader => "no leader was known",
            Self::NoFollower => "no follower was free",
            Self::NoReplica => "no replica was free",
            Self::TooFew => "too few were free",
            Self::SomeTaken => "another fault affected one of them",
            Self::Taken => "another fault affected it",
            Self::NoneAlive => "no replica was alive",
            Self::Dead => "it was dead",
            Self::NoLink => "no link lay between its sources and its destinations",
        })
    }
}

/// What `fault` means in this situation.
pub fn resolve(fault: &PlannedFault, situation: &Situation<'_>) -> Result<Injection, Obstacle> {
    let PlannedFault { event, draw } = fault;
    let (parameters, draw) = (&event.parameters, *draw);
    if event.kind == FaultKind::IsolateLeaders && situation.is_isolating_leaders {
        return Err(Obstacle::NoRoom);
    }
    match event.kind {
        FaultKind::KillLeader => kill::leader(situation),
        FaultKind::KillNonLeader => kill::non_leader(situation, draw),
        FaultKind::PartEasy => partition::easy(situation, draw),
        FaultKind::PartHard => Ok(partition::hard(situation, draw)),
        FaultKind::PartEnd => Ok(partition::end()),
        FaultKind::Partition => partition::shaped(parameters, situation, draw),
        FaultKind::Network => network::inject(parameters, situation, draw),
        FaultKind::IsolateLeaders => isolate_leaders::inject(parameters, situation, draw),
        FaultKind::Rolling => {
            let targets = target::all_living(situation)?;
            Ok(Injection { script: rolling::script(parameters, &targets), targets })
        }
        kind => {
            let targets = target::choose(parameters.target, situation, draw)?;
            let script = match kind {
                FaultKind::Crash => crash::script(parameters, &targets),
                FaultKind::Pause => pause::script(parameters, &targets, situation),
                FaultKind::Restart => restart::script(parameters, &targets),
                FaultKind::Reset => reset::script(&targets),
                FaultKind::Slow => slow::script(parameters, &targets),
                FaultKind::Disk => disk::script(parameters, &targets),
                FaultKind::Clock => clock::script(parameters, &targets),
                _ => kill::script(&targets),
            };
            let calls = targets.iter().zip(parameters.before);
            let calls = calls.map(|(&id, call)| Step::UntilCall(id, call));
            let script = calls.chain(script).collect();
            Ok(Injection { targets, script })
        }
    }
}

/// The same act on each of the targets.
fn each(targets: &[NodeId], act: impl Fn(NodeId) -> Act) -> impl Iterator<Item = Step> {
    targets.iter().map(move |&id| Step::Do(act(id)))
}
