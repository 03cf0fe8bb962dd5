//! The models: what a store can promise to be. One line a model; the command line, the manual and the
//! header of a history take their names from here.

use crate::event::F;

/// What the object under test promises to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum ModelName {
    /// Keys with get, put, append and cas, each `""` at first.
    #[default]
    Kv,
    /// Registers with read and write, nil at first.
    Register,
    /// Registers with read, write and compare-and-set, nil at first.
    CasRegister,
    /// Lists with append and read, empty at first.
    ListRegister,
    /// A linearizable set that only grows.
    Set,
    /// A set whose elements, once there, appear to every reader in the end.
    SetEventual,
    /// The same, where the last reads are after the end.
    SetConverged,
    /// A number that is added to.
    Counter,
    /// The same, by bounds.
    CounterBounds,
    /// The same, where reads may be late, but the last are not.
    CounterEventual,
    /// A queue: first in, first out.
    Queue,
    /// A queue without order.
    UnorderedQueue,
    /// A stack: last in, first out.
    Stack,
    /// A queue that hands out its least element.
    PriorityQueue,
    /// A lock with one holder.
    Lock,
    /// A lock that only its holder may release.
    OwnerLock,
    /// A lock that its holder may acquire again.
    ReentrantLock,
    /// A lock with a fencing token for each acquisition.
    FencedLock,
    /// The same, which its holder may acquire again.
    ReentrantFencedLock,
    /// A lock that ends by itself.
    Lease,
    /// A source of ids.
    UniqueIds,
    /// An answer that repeats the question.
    Echo,
    /// Logs of messages, each at its offset.
    Log,
    /// Accounts that never fall below zero.
    Bank,
    /// Accounts that may fall below zero.
    BankNegative,
    /// All operations, on all keys, have one order that is every process's own (Lamport, 1979).
    Sequential,
    /// A process sees its own writes.
    ReadYourWrites,
    /// What a process reads never goes back.
    MonotonicReads,
    /// A process's writes are seen in its order.
    MonotonicWrites,
    /// A write is seen after what its writer had read before.
    WritesFollowReads,
    /// After the last write all come to read the same.
    Eventual,
    /// Transactions that append to lists and read them.
    ListAppend,
    /// Transactions that read and write registers.
    RwRegister,
}

/// How a model's keys are judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// Each key by itself, as a register, text or list.
    Register,
    /// Each key by itself, as another object.
    Object,
    /// All keys together.
    Session,
    /// Transactions, by [`transactional`](crate::transactional).
    Transactional,
}

/// One line of the table.
#[derive(Debug, Clone, Copy)]
pub struct ModelInfo {
    /// The name on the command line and in the header of a history.
    pub name: &'static str,
    /// The model.
    pub model: ModelName,
    /// How it is judged.
    pub family: Family,
    /// The functions that its histories may have.
    pub functions: &'static [F],
    /// The promise, for `--help`.
    pub promise: &'static str,
    /// What a valid verdict proves.
    pub proves: &'static str,
    /// Whether that is linearizability.
    pub is_linearizability: bool,
    /// What it does not see.
    pub misses: &'static str,
    /// How it is decided, and what that costs.
    pub cost: &'static str,
}

const REGISTER: &[F] = &[F::Get, F::Put, F::Cas, F::Append];
const SET: &[F] = &[F::Add, F::Get];
const QUEUE: &[F] = &[F::Enqueue, F::Dequeue, F::Drain];
const LOCK: &[F] = &[F::Acquire, F::Release];
const LISTS: &[F] = &[F::Append, F::Get];
const TRANSACTIONS: &[F] = &[F::Get, F::Put];
const BANK: &[F] = &[F::Transfer, F::Get];

/// All models, in the order of `--help`.
pub const MODELS: [ModelInfo; 33] = [
    ModelInfo {
        name: "kv",
        model: ModelName::Kv,
        family: Family::Register,
        functions: REGISTER,
        promise: "keys with get, put, append and cas, each empty at first",
        proves: "linearizability of each key",
        is_linearizability: true,
        misses: "nothing",
        cost: "zones, chains and appends O(n log n); else a search within the budget",
    },
    ModelInfo {
        name: "register",
        model: ModelName::Register,
        family: Family::Register,
        functions: REGISTER,
        promise: "registers with read and write, nil at first",
        proves: "linearizability of each register",
        is_linearizability: true,
        misses: "nothing",
        cost: "zones O(n log n) where written values differ; else a search within the budget",
    },
    ModelInfo {
        name: "cas-register",
        model: ModelName::CasRegister,
        family: Family::Register,
        functions: REGISTER,
        promise: "registers with read, write and cas, nil at first",
        proves: "linearizability of each register",
        is_linearizability: true,
        misses: "nothing",
        cost: "chains where written values differ; else a search within the budget",
    },
    ModelInfo {
        name: "list-register",
        model: ModelName::ListRegister,
        family: Family::Register,
        functions: REGISTER,
        promise: "lists with append and read, empty at first",
        proves: "linearizability of each list",
        is_linearizability: true,
        misses: "nothing",
        cost: "by structure O(n log n) where elements differ; else a search within the budget",
    },
    ModelInfo {
        name: "set",
        model: ModelName::Set,
        family: Family::Object,
        functions: SET,
        promise: "a linearizable set with add and read",
        proves: "linearizability of a set that only grows",
        is_linearizability: true,
        misses: "nothing",
        cost: "O((elements + size of all reads) log n), no search",
    },
    ModelInfo {
        name: "set-eventual",
        model: ModelName::SetEventual,
        family: Family::Object,
        functions: SET,
        promise: "a set that may be read late, but loses nothing",
        proves: "that nothing is lost, duplicated or invented",
        is_linearizability: false,
        misses: "late reads, which it counts",
        cost: "O((elements + size of all reads) log n), no search",
    },
    ModelInfo {
        name: "set-converged",
        model: ModelName::SetConverged,
        family: Family::Object,
        functions: SET,
        promise: "a set that may be read late, but in the end each reader has all of it",
        proves: "that nothing is lost, duplicated or invented, and that what each process reads last, after all \
                 additions, lacks nothing",
        is_linearizability: false,
        misses: "late reads, which it counts",
        cost: "O((elements + size of all reads) log n), no search",
    },
    ModelInfo {
        name: "counter",
        model: ModelName::Counter,
        family: Family::Object,
        functions: SET,
        promise: "a number with add and read, exact",
        proves: "linearizability of a counter that begins at zero",
        is_linearizability: true,
        misses: "nothing",
        cost: "polynomial for equal amounts; else a search within the budget",
    },
    ModelInfo {
        name: "counter-bounds",
        model: ModelName::CounterBounds,
        family: Family::Object,
        functions: SET,
        promise: "a number with add and read, by bounds only",
        proves: "that each read lies between what was certainly and what was possibly added",
        is_linearizability: false,
        misses: "a wrong number between the bounds",
        cost: "O(n log n), no search",
    },
    ModelInfo {
        name: "counter-eventual",
        model: ModelName::CounterEventual,
        family: Family::Object,
        functions: SET,
        promise: "a number that may be read late, but loses nothing",
        proves: "that each process's last read lies between what was certainly and what was possibly added, and that \
                 no read is out of reach",
        is_linearizability: false,
        misses: "late reads, and a wrong number between the bounds",
        cost: "O(n log n), no search",
    },
    ModelInfo {
        name: "queue",
        model: ModelName::Queue,
        family: Family::Object,
        functions: QUEUE,
        promise: "first in, first out, with enqueue, dequeue and drain",
        proves: "linearizability of a queue",
        is_linearizability: true,
        misses: "nothing",
        cost: "O(n log n) where elements differ and no open operation interferes; else a search",
    },
    ModelInfo {
        name: "unordered-queue",
        model: ModelName::UnorderedQueue,
        family: Family::Object,
        functions: QUEUE,
        promise: "a queue that may change the order",
        proves: "linearizability of a bag",
        is_linearizability: true,
        misses: "nothing",
        cost: "O(n log n) where elements differ and no open operation interferes; else a search",
    },
    ModelInfo {
        name: "stack",
        model: ModelName::Stack,
        family: Family::Object,
        functions: &[F::Push, F::Pop],
        promise: "last in, first out, with push and pop",
        proves: "linearizability of a stack",
        is_linearizability: true,
        misses: "nothing",
        cost: "by structure where elements differ; else a search within the budget",
    },
    ModelInfo {
        name: "priority-queue",
        model: ModelName::PriorityQueue,
        family: Family::Object,
        functions: &[F::Insert, F::DeleteMin],
        promise: "the least element first, with insert and delete-min",
        proves: "linearizability of a priority queue",
        is_linearizability: true,
        misses: "nothing",
        cost: "by structure where elements differ; else a search within the budget",
    },
    ModelInfo {
        name: "lock",
        model: ModelName::Lock,
        family: Family::Object,
        functions: LOCK,
        promise: "mutual exclusion with acquire and release; any process may release",
        proves: "linearizability of a mutex that is free at first",
        is_linearizability: true,
        misses: "nothing",
        cost: "a search within the budget",
    },
    ModelInfo {
        name: "owner-lock",
        model: ModelName::OwnerLock,
        family: Family::Object,
        functions: LOCK,
        promise: "a lock that only its holder may release",
        proves: "linearizability of a mutex with an owner",
        is_linearizability: true,
        misses: "nothing",
        cost: "a search within the budget",
    },
    ModelInfo {
        name: "reentrant-lock",
        model: ModelName::ReentrantLock,
        family: Family::Object,
        functions: LOCK,
        promise: "a lock that its holder may acquire again",
        proves: "linearizability of a reentrant mutex",
        is_linearizability: true,
        misses: "nothing",
        cost: "a search within the budget",
    },
    ModelInfo {
        name: "fenced-lock",
        model: ModelName::FencedLock,
        family: Family::Object,
        functions: LOCK,
        promise: "a lock whose acquire answers a fencing token that always grows",
        proves: "linearizability of a mutex with an owner, and tokens that grow",
        is_linearizability: true,
        misses: "nothing",
        cost: "a search within the budget",
    },
    ModelInfo {
        name: "reentrant-fenced-lock",
        model: ModelName::ReentrantFencedLock,
        family: Family::Object,
        functions: LOCK,
        promise: "a fenced lock that its holder may acquire again, with the same token",
        proves: "linearizability of a reentrant mutex, and tokens that grow",
        is_linearizability: true,
        misses: "nothing",
        cost: "a search within the budget",
    },
    ModelInfo {
        name: "lease",
        model: ModelName::Lease,
        family: Family::Object,
        functions: &[F::Acquire, F::Renew, F::Release],
        promise: "one holder at a time, each for so many milliseconds",
        proves: "that no two processes hold the lease at one time, by the clock of the history",
        is_linearizability: false,
        misses: "a lease that was granted too long",
        cost: "O(n log n), no search",
    },
    ModelInfo {
        name: "unique-ids",
        model: ModelName::UniqueIds,
        family: Family::Object,
        functions: &[F::Generate],
        promise: "generate never returns an id twice",
        proves: "that no two answers are equal",
        is_linearizability: false,
        misses: "nothing",
        cost: "O(n)",
    },
    ModelInfo {
        name: "echo",
        model: ModelName::Echo,
        family: Family::Object,
        functions: &[F::Echo],
        promise: "each answer repeats the question",
        proves: "that each answer is what was sent",
        is_linearizability: false,
        misses: "nothing",
        cost: "O(n)",
    },
    ModelInfo {
        name: "log",
        model: ModelName::Log,
        family: Family::Object,
        functions: &[F::Send, F::Poll, F::Commit, F::Committed],
        promise: "logs of messages, each at its offset, that readers poll in order",
        proves: "that no message is lost before one that was read, duplicated, invented or at two offsets, that no \
                 poll skips or goes back, and that what is committed is not less than what can have been committed last",
        is_linearizability: false,
        misses: "messages at the end of a log that no client polled, which it counts",
        cost: "O(n log n), no search",
    },
    ModelInfo {
        name: "bank",
        model: ModelName::Bank,
        family: Family::Object,
        functions: BANK,
        promise: "transfers keep the total, and no account is below zero",
        proves: "that every read has the same accounts and total, and no account is below zero",
        is_linearizability: false,
        misses: "a read that mixes two moments and happens to keep the total",
        cost: "O(n * accounts)",
    },
    ModelInfo {
        name: "bank-negative",
        model: ModelName::BankNegative,
        family: Family::Object,
        functions: BANK,
        promise: "transfers keep the total",
        proves: "that every read has the same accounts and total",
        is_linearizability: false,
        misses: "a read that mixes two moments and happens to keep the total",
        cost: "O(n * accounts)",
    },
    ModelInfo {
        name: "sequential",
        model: ModelName::Sequential,
        family: Family::Session,
        functions: REGISTER,
        promise: "one order of all keys that is each process's own",
        proves: "sequential consistency of the whole store",
        is_linearizability: false,
        misses: "nothing, but is undecided where keys are appended to",
        cost: "a search within the budget",
    },
    ModelInfo {
        name: "read-your-writes",
        model: ModelName::ReadYourWrites,
        family: Family::Session,
        functions: REGISTER,
        promise: "a process sees its own writes",
        proves: "the session guarantee, where written values differ",
        is_linearizability: false,
        misses: "nothing, but is undecided where a value is written twice or keys are appended to",
        cost: "O(n log n)",
    },
    ModelInfo {
        name: "monotonic-reads",
        model: ModelName::MonotonicReads,
        family: Family::Session,
        functions: REGISTER,
        promise: "what a process reads never goes back",
        proves: "the session guarantee, where written values differ",
        is_linearizability: false,
        misses: "nothing, but is undecided where a value is written twice or keys are appended to",
        cost: "O(n log n)",
    },
    ModelInfo {
        name: "monotonic-writes",
        model: ModelName::MonotonicWrites,
        family: Family::Session,
        functions: REGISTER,
        promise: "a process's writes are seen in order",
        proves: "the session guarantee, where written values differ",
        is_linearizability: false,
        misses: "nothing, but is undecided where a value is written twice or keys are appended to",
        cost: "O(n log n)",
    },
    ModelInfo {
        name: "writes-follow-reads",
        model: ModelName::WritesFollowReads,
        family: Family::Session,
        functions: REGISTER,
        promise: "a write is seen after its causes",
        proves: "the session guarantee, where written values differ",
        is_linearizability: false,
        misses: "nothing, but is undecided where a value is written twice or keys are appended to",
        cost: "O(n log n)",
    },
    ModelInfo {
        name: "eventual",
        model: ModelName::Eventual,
        family: Family::Session,
        functions: REGISTER,
        promise: "after the last write all come to read the same",
        proves: "that the last reads of each key agree with one another and with some write",
        is_linearizability: false,
        misses: "nothing, but is undecided where nothing was read after the last write, or keys are \
                 appended to",
        cost: "O(n)",
    },
    ModelInfo {
        name: "list-append",
        model: ModelName::ListAppend,
        family: Family::Transactional,
        functions: LISTS,
        promise: "transactions that append to lists and read them, at an isolation level (--level)",
        proves: "the isolation level asked for",
        is_linearizability: false,
        misses: "nothing, but is undecided where an element is appended twice, or a level depends on the \
                 order of appends that no read shows",
        cost: "O(n), no search",
    },
    ModelInfo {
        name: "rw-register",
        model: ModelName::RwRegister,
        family: Family::Transactional,
        functions: TRANSACTIONS,
        promise: "transactions that read and write registers, at an isolation level (--level)",
        proves: "nothing yet: always undecided",
        is_linearizability: false,
        misses: "everything",
        cost: "O(n)",
    },
];

impl ModelName {
    /// The line of the table.
    pub fn info(self) -> &'static ModelInfo {
        // The table is in the order of the enumeration; a test says so.
        &MODELS[self as usize]
    }

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        self.info().name
    }

    /// The model of that name.
    pub fn named(name: &str) -> Option<ModelName> {
        let name = if name == "ids" { "unique-ids" } else { name };
        MODELS.iter().find(|info| info.name == name).map(|info| info.model)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_enumeration() {
        for info in &MODELS {
            assert_eq!(info.model.info().name, info.name);
            assert_eq!(ModelName::named(info.name), Some(info.model));
        }
    }
}
