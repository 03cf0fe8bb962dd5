//! The operations that clients still have to do with: those in flight, and the last that ended. An answer may come late
//! or twice; the others are in the journal alone.

use std::collections::{BTreeMap, VecDeque};
use std::ops::{Index, IndexMut};

use super::requests::OperationIndex;
use crate::limits;
use crate::op::OperationRecord;

/// What is held of the operations of a run.
#[derive(Debug, Default)]
pub struct Operations {
    invoked: OperationIndex,
    held: BTreeMap<OperationIndex, OperationRecord>,
    /// Those that ended, in this order.
    ended: VecDeque<OperationIndex>,
}

impl Operations {
    /// The index of the operation that is invoked next.
    pub fn next_index(&self) -> OperationIndex {
        self.invoked
    }

    /// An operation is invoked.
    pub fn invoke(&mut self, operation: OperationRecord) {
        self.held.insert(self.invoked, operation);
        self.invoked += 1;
    }

    /// An operation has ended, and is held a while longer.
    pub fn ended(&mut self, index: OperationIndex) {
        self.ended.push_back(index);
        if self.ended.len() > limits::ENDED_OPERATIONS
            && let Some(oldest) = self.ended.pop_front()
        {
            self.held.remove(&oldest);
        }
    }

    /// An operation, unless it ended long ago.
    pub fn get(&self, index: OperationIndex) -> Option<&OperationRecord> {
        self.held.get(&index)
    }

    /// Those that have not ended.
    pub fn into_open(mut self) -> Vec<OperationRecord> {
        for index in &self.ended {
            self.held.remove(index);
        }
        self.held.into_values().collect()
    }

    /// How many are held.
    #[cfg(test)]
    pub fn count(&self) -> usize {
        self.held.len()
    }
}

/// An operation that is in flight, or has just ended.
impl Index<OperationIndex> for Operations {
    type Output = OperationRecord;

    fn index(&self, index: OperationIndex) -> &OperationRecord {
        &self.held[&index]
    }
}

impl IndexMut<OperationIndex> for Operations {
    fn index_mut(&mut self, index: OperationIndex) -> &mut OperationRecord {
        self.held.get_mut(&index).expect("it is in flight, or has just ended")
    }
}
