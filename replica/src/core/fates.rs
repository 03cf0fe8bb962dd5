//! What became of requests that this replica no longer holds, so that a late copy of one is
//! treated like the first.

use std::collections::{BTreeMap, VecDeque};

use super::types::RequestId;

/// How many requests are remembered.
const REMEMBERED: usize = 4_096;

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fate {
    /// Its client was told to ask elsewhere, and will, under another `MID`.
    Refused,
    /// A leader has received it, and answers it.
    HandedOver,
    /// It was taken in from another replica's queue. That replica may not know it yet and hand
    /// it to the next leader too, so its client must not be told to ask elsewhere.
    TakenIn,
    /// It was taken in, executed and answered.
    Answered,
}

/// The latest fates.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Fates {
    fates: BTreeMap<RequestId, Fate>,
    oldest_first: VecDeque<RequestId>,
}

impl Fates {
    /// What became of a request, if it was here.
    pub fn of(&self, id: &RequestId) -> Option<Fate> {
        self.fates.get(id).copied()
    }

    /// Remembers that a request was answered, if it was taken in.
    pub fn answered(&mut self, id: &RequestId) {
        if let Some(fate) = self.fates.get_mut(id)
            && *fate == Fate::TakenIn
        {
            *fate = Fate::Answered;
        }
    }

    /// Remembers a request, and forgets the oldest if there are too many.
    pub fn remember(&mut self, id: RequestId, fate: Fate) {
        if self.fates.insert(id.clone(), fate).is_none() {
            self.oldest_first.push_back(id);
        }
        if self.oldest_first.len() > REMEMBERED
            && let Some(oldest) = self.oldest_first.pop_front()
        {
            self.fates.remove(&oldest);
        }
    }
}
