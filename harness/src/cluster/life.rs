//! The life of each replica, as one state: whether its process runs, whether it takes part, and why not.
//!
//! Nothing here signals, starts or waits: the player of faults and the run say what happened, and ask.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use nix::sys::signal::Signal;

use crate::ids::NodeId;
use crate::time::RunTime;

/// Where a replica is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// It takes part.
    Up,
    /// A fault asked it to end (SIGTERM). It takes part until its process is gone.
    Ending,
    /// A fault killed it; the system has not reported the end yet.
    Killed,
    /// A fault ended it, and is to start it again.
    Down,
    /// It was started again, and has not connected yet.
    Starting,
    /// It is killed for good; the system has not reported the end yet.
    Dying,
    /// Its process is gone, and no fault starts it again.
    Gone,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// By itself, with this exit status.
    Exit(i32),
    /// By this signal.
    Signal(i32),
    /// The system did not tell.
    Unknown,
    /// It could not be started again.
    NotStarted,
}

impl Ending {
    /// Whether the process got a SIGKILL, as from a kernel that is short of memory.
    pub fn is_killed(self) -> bool {
        self == Self::Signal(Signal::SIGKILL as i32)
    }
}

impl From<ExitStatus> for Ending {
    fn from(status: ExitStatus) -> Self {
        match (status.code(), status.signal()) {
            (Some(code), _) => Self::Exit(code),
            (None, Some(signal)) => Self::Signal(signal),
            (None, None) => Self::Unknown,
        }
    }
}

/// `exit status 1`, `killed by SIGSEGV`.
impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exit(code) => write!(f, "exit status {code}"),
            Self::Signal(signal) => match Signal::try_from(*signal) {
                Ok(signal) => write!(f, "killed by {signal}"),
                Err(_) => write!(f, "killed by signal {signal}"),
            },
            Self::Unknown => f.write_str("an unknown status"),
            Self::NotStarted => f.write_str("it could not be started again"),
        }
    }
}

/// How and when a replica ended before the end of the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Death {
    /// When `waitpid` reported it.
    pub at: RunTime,
    /// How its process ended.
    pub how: Ending,
    /// Whether a fault of the plan caused it.
    pub is_planned: bool,
}

/// What is to be done to start a replica again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restart {
    /// Start its process now.
    Now,
    /// Its old process still runs: it is started as soon as that is gone.
    WhenGone,
    /// It is dead for good.
    Never,
}

/// One replica.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact that lasts, beside the stage")]
pub struct Life {
    stage: Stage,
    /// It is to be started when its old process is gone.
    starts_when_gone: bool,
    /// No fault starts it again.
    is_dead_for_good: bool,
    /// Its data was damaged: what it does with it is reported, not judged.
    is_damaged: bool,
    /// Its connection was closed by a fault: some programs rightly end then.
    is_reset: bool,
    /// Its disk is bad for as long as a fault lasts.
    has_bad_disk: bool,
    restarts: u32,
    hung_up: Option<RunTime>,
    death: Option<Death>,
    /// It ended when the run was over: that is not judged.
    left_after_the_end: bool,
}

impl Life {
    fn new() -> Self {
        Life {
            stage: Stage::Up,
            starts_when_gone: false,
            is_dead_for_good: false,
            is_damaged: false,
            is_reset: false,
            has_bad_disk: false,
            restarts: 0,
            hung_up: None,
            death: None,
            left_after_the_end: false,
        }
    }

    /// Whether it takes part.
    pub fn is_alive(&self) -> bool {
        matches!(self.stage, Stage::Up | Stage::Ending)
    }

    /// Whether it has a process whose end the system has not reported.
    pub fn is_running(&self) -> bool {
        !matches!(self.stage, Stage::Down | Stage::Gone)
    }

    /// Whether it is down, or on its way there, and to come back.
    pub fn is_awaited(&self) -> bool {
        matches!(self.stage, Stage::Ending | Stage::Killed | Stage::Down | Stage::Starting)
    }

    /// Whether its disk is bad for as long as a fault lasts.
    pub fn has_bad_disk(&self) -> bool {
        self.has_bad_disk
    }

    /// Whether a fault accounts for its death.
    pub fn is_excused(&self) -> bool {
        let is_ended_by_a_fault =
            matches!(self.stage, Stage::Ending | Stage::Killed | Stage::Down | Stage::Dying);
        is_ended_by_a_fault || self.is_dead_for_good || self.is_damaged || self.is_reset
    }

    /// How often it was started again.
    pub fn restarts(&self) -> u32 {
        self.restarts
    }

    /// How it ended, if it was not started again.
    pub fn death(&self) -> Option<&Death> {
        self.death.as_ref()
    }
}

/// All replicas of a run.
#[derive(Clone, Debug)]
pub struct Lives {
    lives: BTreeMap<NodeId, Life>,
    /// Those that take part: always as their lives say.
    alive: BTreeSet<NodeId>,
}

impl Lives {
    /// Replicas that have all connected.
    pub fn new(replicas: &[NodeId]) -> Self {
        Lives {
            lives: replicas.iter().map(|&id| (id, Life::new())).collect(),
            alive: replicas.iter().copied().collect(),
        }
    }

    /// One of them.
    ///
    /// # Panics
    ///
    /// If there is no such replica.
    pub fn of(&self, id: NodeId) -> &Life {
        &self.lives[&id]
    }

    /// Those that take part.
    pub fn alive(&self) -> &BTreeSet<NodeId> {
        &self.alive
    }

    /// Whether some replica is down that is to come back.
    pub fn awaits_some(&self) -> bool {
        self.lives.values().any(Life::is_awaited)
    }

    /// Those with a process whose end the system has not reported.
    pub fn running(&self) -> impl Iterator<Item = NodeId> {
        self.lives.iter().filter(|(_, life)| life.is_running()).map(|(&id, _)| id)
    }

    /// Those that closed their connection and lived on, and when; no fault accounts for it.
    pub fn silent(&self) -> impl Iterator<Item = (NodeId, RunTime)> {
        let lives = self.lives.iter().filter(|(_, life)| {
            life.death.is_none() && !life.is_excused() && !life.left_after_the_end
        });
        lives.filter_map(|(&id, life)| Some((id, life.hung_up?)))
    }

    fn change(&mut self, id: NodeId, change: impl FnOnce(&mut Life)) {
        let Some(life) = self.lives.get_mut(&id) else { return };
        change(life);
        if life.is_alive() {
            self.alive.insert(id);
        } else {
            self.alive.remove(&id);
        }
    }

    /// A fault kills it, and may start it again.
    pub fn killed(&mut self, id: NodeId) {
        self.change(id, |life| {
            life.stage = if life.is_running() { Stage::Killed } else { Stage::Down };
        });
    }

    /// A fault kills it for good.
    pub fn killed_for_good(&mut self, id: NodeId) {
        self.change(id, |life| {
            life.is_dead_for_good = true;
            life.starts_when_gone = false;
            life.stage = if life.is_running() { Stage::Dying } else { Stage::Gone };
        });
    }

    /// A fault asks it to end.
    pub fn terminated(&mut self, id: NodeId) {
        self.change(id, |life| {
            life.stage = match life.stage {
                Stage::Up => Stage::Ending,
                Stage::Starting => Stage::Killed,
                Stage::Gone => Stage::Down,
                other => other,
            };
        });
    }

    /// Its connection was closed by a fault.
    pub fn reset(&mut self, id: NodeId) {
        self.change(id, |life| life.is_reset = true);
    }

    /// Its data was damaged; for as long as the fault lasts, if `has_bad_disk`.
    pub fn damaged(&mut self, id: NodeId, has_bad_disk: bool) {
        self.change(id, |life| {
            life.is_damaged = true;
            life.has_bad_disk |= has_bad_disk;
        });
    }

    /// Its disk is good again.
    pub fn repaired(&mut self, id: NodeId) {
        self.change(id, |life| life.has_bad_disk = false);
    }

    /// It is to be started again. Where the answer is [`Restart::Now`], its new life has begun.
    pub fn restart(&mut self, id: NodeId) -> Restart {
        let mut restart = Restart::Never;
        self.change(id, |life| {
            if life.is_dead_for_good {
                return;
            }
            if life.is_running() {
                life.starts_when_gone = true;
                restart = Restart::WhenGone;
                return;
            }
            life.stage = Stage::Starting;
            life.restarts += 1;
            life.death = None;
            life.hung_up = None;
            restart = Restart::Now;
        });
        restart
    }

    /// It connected. Returns whether it came back to life.
    pub fn connected(&mut self, id: NodeId) -> bool {
        let mut came_back = false;
        self.change(id, |life| {
            life.hung_up = None;
            came_back = life.stage == Stage::Starting;
            if came_back {
                life.stage = Stage::Up;
            }
        });
        came_back
    }

    /// Its process ended when the run was over.
    pub fn left(&mut self, id: NodeId) {
        self.change(id, |life| {
            life.stage = Stage::Gone;
            life.left_after_the_end = true;
        });
    }

    /// It closed its connection.
    pub fn hang_up(&mut self, id: NodeId, at: RunTime) {
        self.change(id, |life| life.hung_up = Some(at));
    }

    /// The system reported the end of its process. Returns whether it is to be started again at once.
    pub fn gone(&mut self, id: NodeId, at: RunTime, how: Ending) -> bool {
        let mut is_to_start = false;
        self.change(id, |life| {
            life.death = Some(Death { at, how, is_planned: life.is_excused() });
            is_to_start = std::mem::take(&mut life.starts_when_gone);
            life.stage = match life.stage {
                Stage::Ending | Stage::Killed | Stage::Down => Stage::Down,
                // It ended by itself, perhaps at its start: no fault waits for it.
                _ => Stage::Gone,
            };
        });
        is_to_start
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: NodeId = NodeId(1);

    fn lives() -> Lives {
        Lives::new(&[NodeId(0), ID])
    }

    fn gone(lives: &mut Lives, at: u64) -> bool {
        lives.gone(ID, RunTime(at), Ending::Signal(9))
    }

    #[test]
    fn a_crash_is_excused_and_ends_with_a_connection() {
        let mut lives = lives();
        lives.killed(ID);
        assert!(!lives.of(ID).is_alive() && lives.of(ID).is_running() && lives.awaits_some());
        assert!(!gone(&mut lives, 5));
        assert!(lives.of(ID).death().unwrap().is_planned && lives.of(ID).is_awaited());
        assert_eq!(lives.restart(ID), Restart::Now);
        assert_eq!((lives.of(ID).death(), lives.of(ID).restarts()), (None, 1));
        assert!(!lives.of(ID).is_alive() && !lives.of(ID).is_excused());
        assert!(lives.connected(ID));
        assert!(lives.alive().contains(&ID) && !lives.awaits_some());
        assert!(!lives.connected(ID), "it was back already");
    }

    #[test]
    fn a_restart_waits_for_the_end_of_the_old_process() {
        let mut lives = lives();
        lives.terminated(ID);
        assert!(lives.of(ID).is_alive(), "until its process is gone");
        assert_eq!(lives.restart(ID), Restart::WhenGone);
        assert!(gone(&mut lives, 5));
        assert_eq!(lives.restart(ID), Restart::Now);
    }

    #[test]
    fn a_kill_while_it_starts_is_excused() {
        let mut lives = lives();
        lives.killed(ID);
        gone(&mut lives, 1);
        lives.restart(ID);
        lives.killed(ID);
        assert!(lives.of(ID).is_excused() && lives.of(ID).is_running());
        gone(&mut lives, 2);
        assert!(lives.of(ID).death().unwrap().is_planned);
    }

    #[test]
    fn a_death_at_the_start_is_its_own_and_nothing_waits_for_it() {
        let mut lives = lives();
        lives.killed(ID);
        gone(&mut lives, 1);
        lives.restart(ID);
        gone(&mut lives, 2);
        assert!(!lives.of(ID).death().unwrap().is_planned && !lives.awaits_some());
        assert!(!lives.of(ID).is_running());
    }

    #[test]
    fn the_dead_for_good_are_not_started_again() {
        let mut lives = lives();
        lives.terminated(ID);
        lives.restart(ID);
        lives.killed_for_good(ID);
        assert!(!gone(&mut lives, 1), "the restart that waited is off");
        assert_eq!(lives.restart(ID), Restart::Never);
        assert!(!lives.awaits_some() && lives.of(ID).is_excused());
    }

    #[test]
    fn damage_excuses_what_a_replica_does_later() {
        let mut lives = lives();
        lives.killed(ID);
        lives.damaged(ID, true);
        gone(&mut lives, 1);
        lives.restart(ID);
        gone(&mut lives, 2);
        assert!(lives.of(ID).death().unwrap().is_planned && lives.of(ID).has_bad_disk());
        lives.repaired(ID);
        assert!(!lives.of(ID).has_bad_disk());
    }

    #[test]
    fn a_hang_up_is_forgotten_when_it_connects_again() {
        let mut lives = lives();
        lives.hang_up(ID, RunTime(3));
        assert_eq!(lives.silent().collect::<Vec<_>>(), [(ID, RunTime(3))]);
        lives.connected(ID);
        assert_eq!(lives.silent().count(), 0);
    }

    #[test]
    fn an_ending_is_told_by_its_status_or_signal() {
        assert_eq!(Ending::from(ExitStatus::from_raw(7 << 8)).to_string(), "exit status 7");
        let killed = Ending::from(ExitStatus::from_raw(9));
        assert_eq!((killed.to_string().as_str(), killed.is_killed()), ("killed by SIGKILL", true));
        assert!(!Ending::from(ExitStatus::from_raw(11)).is_killed());
        assert_eq!(Ending::Signal(99).to_string(), "killed by signal 99");
    }
}
