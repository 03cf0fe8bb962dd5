//! Which open operations were used the least on the way to what is otherwise one configuration.
//!
//! What can follow a configuration can follow one that placed the same completed operations, came
//! to the same state, and used a part of the same open ones. So the latter, once visited, stands
//! for the former. That the latter may still be in the making does no harm: of all visited
//! configurations from which an order can be completed, take one that lacks the fewest steps; the
//! step that it takes next leads to a configuration that is visited, or for which another stands
//! that lacks as few. So none is overlooked.

use smallvec::SmallVec;

use super::table::Table;
use super::used::UsedSets;
use super::window::Window;
use crate::memory;

/// So many sets are kept for each; more would take longer to look through than they save.
const MOST_SETS: usize = 8;

/// Window, frontier and state.
type Rest = (Window, u32, u32);

/// Whether a set was taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    Yes,
    /// A part of it was known.
    No,
    /// No part of it is known, but enough others are.
    NoRoom,
}

/// Seldom more than one; four take the room that the address of more would.
type Sets = SmallVec<[u32; 4]>;

/// For each configuration but for what it used, the sets of which none is a part of another.
#[derive(Debug)]
pub(super) struct LeastUsed {
    sets: Table<Rest, Sets>,
    /// Bytes of the lists that do not fit in place.
    spilled: usize,
}

impl LeastUsed {
    pub(super) fn new() -> Self {
        LeastUsed { sets: Table::new(), spilled: 0 }
    }

    /// Takes in a set, unless a part of it is known.
    pub(super) fn take(&mut self, rest: Rest, set: u32, used: &UsedSets) -> Taken {
        let (known, _) = self.sets.entry(rest);
        if known.iter().any(|&less| used.is_part(less, set)) {
            return Taken::No;
        }
        known.retain(|&mut more| !used.is_part(set, more));
        let room = known.len() < MOST_SETS;
        if room {
            let before = memory::spilled(known);
            known.push(set);
            self.spilled = self.spilled + memory::spilled(known) - before;
        }
        if room { Taken::Yes } else { Taken::NoRoom }
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.sets.memory_bytes() + self.spilled
    }
}
