//! What kind of mistake a contradiction is: decided by the history, not guessed.

use checker::{Anomaly, Witness};

/// What shows itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// In a few words.
    pub name: &'static str,
    /// What that means.
    pub meaning: &'static str,
    /// What programs that show it often do wrong. It is where to look, not a proof.
    pub look: &'static str,
}

/// The mistake that this contradiction is: its kind, which the checker decides by the key's whole
/// history, in words for people.
pub fn of(witness: &Witness) -> Mistake {
    match witness.anomaly {
        Anomaly::ResurrectedValue => Mistake {
            name: "resurrected value",
            meaning: "a value that had been replaced, and seen to be, was there again for good: the \
                      state went back",
            look: "an old write that takes effect a second time (a request sent twice, an entry \
                   applied twice), or a replica that lost its newest entries and leads again: from \
                   outside the two look the same",
        },
        Anomaly::StaleRead => Mistake {
            name: "stale read",
            meaning: "a read returned a value that had been replaced, for certain, before the read \
                      began: whoever answered did not know the newer write",
            look: "a leader that was deposed and does not know it yet, a follower that answers by \
                   itself, or a new leader that answers before it has applied what its predecessor \
                   committed",
        },
        Anomaly::LostWrite | Anomaly::Lost => Mistake {
            name: "lost acknowledged write",
            meaning: "a write was answered ok, and is gone: reads that began later saw what was \
                      there before it, and nobody saw it again",
            look: "an acknowledgement that is sent before a majority holds the write, a vote for a \
                   candidate whose log lacks it, or a log that is cut off too far back; where the key \
                   was read but once before it was written again, also a leader that was deposed, or a \
                   new one that has not caught up, and answered that read",
        },
        Anomaly::GarbageRead => Mistake {
            name: "garbage read",
            meaning: "a read returned a value that nobody ever wrote to that key",
            look: "values that are mixed up between keys or requests, cut, or lost on the way into \
                   the log; or a write that was refused and took effect all the same",
        },
        Anomaly::FutureRead => Mistake {
            name: "future read",
            meaning: "a read returned a value before anybody had begun to write it",
            look: "answers that are given to the wrong request, or a clock or identity that is used \
                   twice",
        },
        Anomaly::DuplicatedWrite | Anomaly::Duplicated => Mistake {
            name: "duplicated write",
            meaning: "one operation took effect two times",
            look: "a request that was sent again, or an entry that was read again from the log, and \
                   is not recognized",
        },
        Anomaly::DivergentReads => Mistake {
            name: "divergent reads",
            meaning: "readers saw values come back in turns, as if some were answered from one copy \
                      of the state and some from another",
            look: "two replicas that answer at the same time, each from its own state: two leaders, \
                   or followers that answer by themselves",
        },
        _ => Mistake {
            name: "not linearizable",
            meaning: "there is no order of these operations, one after another, that gives their \
                      answers, in none of the simpler ways",
            look: "writes that replicas apply in different orders",
        },
    }
}
