//! Anomalies of objects that are no registers: sets, counters, queues, locks, ids and accounts.

use checker::Anomaly;

use super::Mistake;

/// An anomaly of an object, for people. Those of registers have no line here.
pub(super) fn of(anomaly: Anomaly) -> Mistake {
    let (name, meaning, check) = match anomaly {
        Anomaly::Lost => (
            "lost element",
            "an element that was acknowledged, or had been seen, is gone",
            "an acknowledgement that is sent before a majority holds the element, a vote for a candidate \
             whose log lacks it, or a log that is cut off too far back",
        ),
        Anomaly::Duplicated => (
            "duplicated element",
            "one element was handed out, or is there, more often than it was put in",
            "a request that was sent again without being recognized as a duplicate, or two replicas that \
             hand out elements or ids at the same time, each from its own state",
        ),
        Anomaly::OutOfBounds => (
            "number out of bounds",
            "a read returned a number that no order of the additions gives",
            "an addition that took effect twice because its request was sent again, or one that was refused \
             and took effect all the same",
        ),
        Anomaly::OutOfOrder => (
            "elements out of order",
            "elements were taken out in an order that the object excludes",
            "two replicas that take elements out at the same time, each from its own state, or additions that \
             replicas apply in different orders",
        ),
        Anomaly::FalselyEmpty => (
            "falsely empty",
            "the object was found empty although an element was in it for certain",
            "a replica that answers from an old state: a leader that was replaced and does not know it yet, or a \
             new one that has not applied what its predecessor committed",
        ),
        Anomaly::TwoHolders => (
            "two holders",
            "the lock was granted although another client held it for certain",
            "two replicas that grant the lock at the same time (two leaders), a grant that is answered before a \
             majority holds it, or a holder that is taken for dead while it works",
        ),
        Anomaly::NotTheHolder => (
            "release by another than the holder",
            "a release was accepted from a client that cannot have held the lock",
            "a release that is not compared with the holder, or one that was sent again and took effect when \
             another client had the lock",
        ),
        Anomaly::TokenNotFenced => (
            "fencing token that does not grow",
            "a later acquisition got a fencing token that is not above an earlier one, so a resource cannot tell \
             the present holder from a former one",
            "a counter of tokens that each replica keeps for itself, or that a restart or a new leader sets back. \
             It must be part of the replicated state",
        ),
        Anomaly::WrongTotal => (
            "wrong total",
            "two reads show different totals, although transfers only move money",
            "a transfer that takes effect in part, or twice, or a read that mixes the states before and after a \
             transfer",
        ),
        Anomaly::NegativeBalance => (
            "negative balance",
            "an account fell below zero",
            "two transfers that both check the balance before either takes effect (write skew): the check and the \
             transfer must be one step",
        ),
        Anomaly::MissingAccount => (
            "missing account",
            "a read lacks an account that another read has",
            "a replica that answers from a partial or empty state, as after a restart",
        ),
        Anomaly::UnknownAccount => (
            "unknown account",
            "a read has an account that another read lacks",
            "values that are mixed up between objects, or a replica that answers from a partial state",
        ),
        other => (
            other.name(),
            "no order of these operations, one after another, explains their answers",
            "operations that replicas apply in different orders",
        ),
    };
    Mistake { name, meaning, check }
}
