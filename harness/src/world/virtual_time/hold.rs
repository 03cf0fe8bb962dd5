//! A run stands still at a moment, so that a person can look into its processes.

use super::start::supervising;
use super::{Exactness, VirtualWorld};
use crate::ids::NodeId;
use crate::run::event::Event;
use crate::time::RunTime;
use crate::world::RunError;

/// Where a run in virtual time stands still.
pub struct Hold {
    /// All that happens until then has happened, and nothing later.
    pub after: RunTime,
    /// Hears what there is to look at, and says how to go on.
    pub look: Box<dyn FnMut(&Held) -> AfterHold + Send>,
}

/// A run that stands still.
pub struct Held {
    /// When the last thing happened.
    pub now: RunTime,
    /// The processes of each replica that lives, by the numbers of this host; the first is the one that was started.
    pub processes: Vec<(NodeId, Vec<i32>)>,
    /// The path until here.
    pub path: Exactness,
}

/// How a run goes on that stands still.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterHold {
    /// To its end.
    GoOn,
    /// Until all has happened that happens until then.
    HoldAgain(RunTime),
    /// It is ended here.
    End,
}

impl VirtualWorld {
    /// The moment has come.
    pub(super) fn stand_still(&mut self) -> Result<(), RunError> {
        let Some(mut hold) = self.request.hold.take() else { return Ok(()) };
        let now = self.now();
        let flushed = self.written.journal.flush();
        self.written.is_lost(now, flushed);
        self.supervisor.let_others_look().map_err(supervising)?;
        let lives = self.replicas.iter().filter(|(_, it)| self.supervisor.is_alive(it.process));
        let processes = lives.map(|(&id, it)| (id, self.supervisor.pids(it.process))).collect();
        let path = Exactness::of(&self.supervisor, self.begun.elapsed());
        let after = (hold.look)(&Held { now, processes, path });
        let followed = self.supervisor.look_no_more();
        if after == AfterHold::End {
            return self.tell(Event::Interrupted);
        }
        followed.map_err(|why| RunError::Clock(format!("the run cannot go on: {why}")))?;
        if let AfterHold::HoldAgain(after) = after {
            self.request.hold = Some(Hold { after, ..hold });
            self.halt();
        }
        Ok(())
    }

    /// Time stands still when the moment has come.
    pub(super) fn halt(&mut self) {
        if let (Some(hold), Some(origin)) = (&self.request.hold, self.origin) {
            self.supervisor.halt_after(origin.plus(hold.after.0));
        }
    }
}
