//! What kind of mistake a contradiction is: decided by the history, not guessed.

use checker::event::F;
use checker::history::Operation;
use checker::{History, Outcome, Witness};

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

/// The mistake that this contradiction of this history is.
pub fn of(witness: &Witness, history: &History) -> Mistake {
    match witness.kind.name() {
        "stale read" if comes_back(witness, history) => Mistake {
            name: "back from the dead",
            meaning: "a value that had been replaced, as a read had already seen, was there again, \
                      and the next read saw it too: the state went back",
            look: "an old write that takes effect a second time (a request sent twice, an entry \
                   applied twice), or a replica that lost its newest entries and leads again: from \
                   outside the two look the same",
        },
        "stale read" => Mistake {
            name: "stale read",
            meaning: "a read returned a value that had been replaced, for certain, before the read \
                      began: whoever answered did not know the newer write",
            look: "a leader that was deposed and does not know it yet, a follower that answers by \
                   itself, or a new leader that answers before it has applied what its predecessor \
                   committed",
        },
        "lost write" => Mistake {
            name: "lost acknowledged write",
            meaning: "a write was answered ok, and no read ever saw it: reads that began later saw \
                      what was there before it",
            look: "an acknowledgement that is sent before a majority holds the write, a vote for a \
                   candidate whose log lacks it, or a log that is cut off too far back",
        },
        "value from nowhere" => Mistake {
            name: "value from nowhere",
            meaning: "a read returned a value that nobody ever wrote to that key",
            look: "values that are mixed up between keys or requests, cut, or lost on the way into \
                   the log; or a write that was refused and took effect all the same",
        },
        "read from the future" => Mistake {
            name: "read from the future",
            meaning: "a read returned a value before anybody had begun to write it",
            look: "answers that are given to the wrong request, or a clock or identity that is used \
                   twice",
        },
        "double apply" => Mistake {
            name: "applied twice",
            meaning: "one operation took effect two times",
            look: "a request that was sent again, or an entry that was read again from the log, and \
                   is not recognized",
        },
        "split state" => Mistake {
            name: "two copies of the state",
            meaning: "readers saw values come back in turns, as if some were answered from one copy \
                      of the state and some from another",
            look: "two replicas that answer at the same time, each from its own state: two leaders, \
                   or followers that answer by themselves",
        },
        _ => Mistake {
            name: "no order",
            meaning: "there is no order of these operations, one after another, that gives their \
                      answers, in none of the simpler ways",
            look: "writes that replicas apply in different orders",
        },
    }
}

/// Whether the stale value stayed: a newer one had been read before, and of the reads that then
/// returned the old one, the next read after the first, before anybody wrote again, returned it too.
fn comes_back(witness: &Witness, history: &History) -> bool {
    let reads = witness.operations.iter().filter(|it| it.f == F::Get && it.outcome == Outcome::Ok);
    let stale = reads.max_by_key(|it| it.invoke_index);
    let Some(old) = stale.and_then(|it| it.value.as_deref()) else { return false };
    let of_key: Vec<&Operation> =
        history.operations().iter().filter(|it| history.key(it.key) == witness.key).collect();
    let writes = |value: &str| {
        let writes = of_key.iter().filter(|it| it.f == F::Put && it.outcome != Outcome::Fail);
        writes.filter(move |it| history.value(it.argument) == value).collect::<Vec<_>>()
    };
    let old_written = writes(old).iter().map(|it| end(it)).max().unwrap_or(0);
    let is_newer = |value: &str| writes(value).iter().any(|it| it.invoke_index() > old_written);
    let reads: Vec<&&Operation> =
        of_key.iter().filter(|it| it.f == F::Get && it.outcome == Outcome::Ok).collect();
    let seen = reads.iter().filter(|it| is_newer(history.value(it.result))).map(|it| end(it)).min();
    let Some(seen) = seen else { return false };
    let is_old = |it: &&&&Operation| history.value(it.result) == old;
    let Some(first) = reads.iter().filter(is_old).find(|it| it.invoke_index() > seen) else {
        return false;
    };
    let changes = of_key.iter().filter(|it| it.f != F::Get && it.outcome != Outcome::Fail);
    let next_write = changes
        .filter(|it| end(it) > first.invoke_index())
        .map(|it| it.invoke_index())
        .min()
        .unwrap_or(u64::MAX);
    let next = reads.iter().find(|it| it.invoke_index() > end(first));
    next.is_some_and(|it| end(it) < next_write && history.value(it.result) == old)
}

fn end(operation: &Operation) -> u64 {
    operation.complete_index().unwrap_or(u64::MAX)
}
