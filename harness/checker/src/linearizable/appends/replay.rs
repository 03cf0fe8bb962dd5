//! The proof of a valid answer: its order, carried out.

use super::{Sequence, SequenceOp, Symbol};

/// Whether an order respects time and what reads showed, and has each answered call, and none
/// twice.
pub(super) fn replays<S: Symbol>(sequence: Sequence<'_, '_, S>, order: &[u32]) -> bool {
    let mut state = sequence.initial.to_vec();
    let mut is_done = vec![false; sequence.calls.len()];
    let mut began = 0;
    for &position in order {
        began = sequence.invoke(position).max(began);
        let is_twice = std::mem::replace(&mut is_done[position as usize], true);
        if is_twice || began >= sequence.complete(position) {
            return false;
        }
        match sequence.op(position) {
            SequenceOp::Read(text) if state != text => return false,
            SequenceOp::Read(_) => {}
            SequenceOp::Append(text) => state.extend_from_slice(text),
            SequenceOp::Put(text) => {
                state.clear();
                state.extend_from_slice(text);
            }
        }
    }
    sequence.positions().all(|at| is_done[at as usize] || sequence.is_open(at))
}
