//! From stations to an order of all operations, and its replay.

use super::{Chains, Station};
use crate::event::F;
use crate::history::Outcome;
use crate::linearizable::calls::register_op;
use crate::linearizable::zones::NOBODY;
use crate::model::{Model, Register};

/// The station of an operation that has none.
const NOWHERE: u32 = u32::MAX;

impl Chains<'_> {
    /// The order of all operations along these stations, if it stands the replay.
    pub(super) fn replayed(&self, stations: &[Station]) -> Option<Vec<u32>> {
        let order = self.along(stations)?;
        replay(self, &order).then_some(order)
    }

    /// Each write, then those that see its value, as they began.
    fn along(&self, stations: &[Station]) -> Option<Vec<u32>> {
        let mut station_of = vec![NOWHERE; self.links.len()];
        for (at, &station) in (0u32..).zip(stations) {
            station_of[self.place(self.value(station))] = at;
        }
        let mut places = vec![NOWHERE; self.operations.len()];
        let mut starts = vec![0_u32; stations.len() + 1];
        for (place, op) in places.iter_mut().zip(self.operations) {
            if op.outcome != Outcome::Ok || (op.f != F::Get && !op.refused) {
                continue;
            }
            *place = if op.refused {
                // When it is over, or else when its value appears.
                let over = i64::from(op.complete);
                let last =
                    stations.partition_point(|station| station.slot < over).checked_sub(1)?;
                let is_there = self.value(stations[last]) == op.result;
                u32::try_from(last.checked_sub(usize::from(is_there))?).ok()?
            } else {
                let place = self.links.place(op.result)?;
                Some(station_of[place as usize]).filter(|&at| at != NOWHERE)?
            };
            starts[*place as usize + 1] += 1;
        }
        for (at, station) in stations.iter().enumerate() {
            starts[at + 1] += starts[at] + u32::from(station.write != NOBODY);
        }
        let mut order = vec![0; *starts.last()? as usize];
        let mut put = |place: u32, position: u32| {
            let next = &mut starts[place as usize];
            order[*next as usize] = position;
            *next += 1;
        };
        for (at, station) in (0u32..).zip(stations).filter(|(_, station)| station.write != NOBODY) {
            put(at, station.write);
        }
        for (position, place) in (0u32..).zip(places).filter(|&(_, place)| place != NOWHERE) {
            put(place, position);
        }
        Some(order)
    }
}

/// Whether an order respects time and the register, and has each answered operation, and none
/// twice.
fn replay(chains: &Chains<'_>, order: &[u32]) -> bool {
    let register = Register { initial: chains.initial };
    let mut state = register.initial();
    let mut is_done = vec![false; chains.operations.len()];
    let mut after = 0;
    for &position in order {
        let operation = chains.op(position);
        after = after.max(operation.invoke);
        let is_twice = std::mem::replace(&mut is_done[position as usize], true);
        if is_twice || after >= operation.complete {
            return false;
        }
        let Some(op) = register_op(operation) else { return false };
        let Some(next) = register.step(&state, &op) else { return false };
        state = next;
    }
    let is_answered = |at: usize| chains.operations[at].outcome == Outcome::Ok;
    (0..is_done.len()).all(|at| is_done[at] || !is_answered(at))
}
