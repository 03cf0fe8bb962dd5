//! The models by their names on the command line.

use crate::fuzz_check::history::F;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Model {
    Kv,
    Register,
    CasRegister,
    ListRegister,
    Set,
    SetEventual,
    SetConverged,
    Counter,
    CounterBounds,
    CounterEventual,
    Queue,
    UnorderedQueue,
    Stack,
    PriorityQueue,
    Lock,
    OwnerLock,
    ReentrantLock,
    FencedLock,
    ReentrantFencedLock,
    Lease,
    UniqueIds,
    Bank,
    BankNegative,
    Sequential,
    ReadYourWrites,
    MonotonicReads,
    MonotonicWrites,
    WritesFollowReads,
    Eventual,
}

impl Model {
    pub const ALL: [Model; 29] = [
        Model::Kv,
        Model::Register,
        Model::CasRegister,
        Model::ListRegister,
        Model::Set,
        Model::SetEventual,
        Model::SetConverged,
        Model::Counter,
        Model::CounterBounds,
        Model::CounterEventual,
        Model::Queue,
        Model::UnorderedQueue,
        Model::Stack,
        Model::PriorityQueue,
        Model::Lock,
        Model::OwnerLock,
        Model::ReentrantLock,
        Model::FencedLock,
        Model::ReentrantFencedLock,
        Model::Lease,
        Model::UniqueIds,
        Model::Bank,
        Model::BankNegative,
        Model::Sequential,
        Model::ReadYourWrites,
        Model::MonotonicReads,
        Model::MonotonicWrites,
        Model::WritesFollowReads,
        Model::Eventual,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Model::Kv => "kv",
            Model::Register => "register",
            Model::CasRegister => "cas-register",
            Model::ListRegister => "list-register",
            Model::Set => "set",
            Model::SetEventual => "set-eventual",
            Model::SetConverged => "set-converged",
            Model::Counter => "counter",
            Model::CounterBounds => "counter-bounds",
            Model::CounterEventual => "counter-eventual",
            Model::Queue => "queue",
            Model::UnorderedQueue => "unordered-queue",
            Model::Stack => "stack",
            Model::PriorityQueue => "priority-queue",
            Model::Lock => "lock",
            Model::OwnerLock => "owner-lock",
            Model::ReentrantLock => "reentrant-lock",
            Model::FencedLock => "fenced-lock",
            Model::ReentrantFencedLock => "reentrant-fenced-lock",
            Model::Lease => "lease",
            Model::UniqueIds => "unique-ids",
            Model::Bank => "bank",
            Model::BankNegative => "bank-negative",
            Model::Sequential => "sequential",
            Model::ReadYourWrites => "read-your-writes",
            Model::MonotonicReads => "monotonic-reads",
            Model::MonotonicWrites => "monotonic-writes",
            Model::WritesFollowReads => "writes-follow-reads",
            Model::Eventual => "eventual",
        }
    }

    /// Whether the objects are registers, texts or lists, whatever is promised of them.
    pub fn is_register(self) -> bool {
        self.is_linearizable_register() || self.is_session()
    }

    pub fn is_linearizable_register(self) -> bool {
        use Model::{CasRegister, Kv, ListRegister, Register};
        matches!(self, Kv | Register | CasRegister | ListRegister)
    }

    /// Whether all keys are judged together, process by process.
    pub fn is_session(self) -> bool {
        self >= Model::Sequential
    }

    pub fn is_counter(self) -> bool {
        matches!(self, Model::Counter | Model::CounterBounds | Model::CounterEventual)
    }

    pub fn is_set(self) -> bool {
        matches!(self, Model::Set | Model::SetEventual | Model::SetConverged)
    }

    pub fn is_lock(self) -> bool {
        matches!(self, Model::Lock | Model::OwnerLock) || self.is_reentrant() || self.is_fenced()
    }

    /// Whether a holder may acquire its lock again.
    pub fn is_reentrant(self) -> bool {
        matches!(self, Model::ReentrantLock | Model::ReentrantFencedLock)
    }

    /// Whether acquisitions are answered with tokens.
    pub fn is_fenced(self) -> bool {
        matches!(self, Model::FencedLock | Model::ReentrantFencedLock)
    }

    /// The functions of its histories.
    pub fn functions(self) -> &'static [F] {
        match self {
            _ if self.is_register() => &[F::Get, F::Put, F::Cas, F::Append],
            Model::Queue | Model::UnorderedQueue => &[F::Enqueue, F::Dequeue, F::Drain],
            Model::Stack => &[F::Push, F::Pop],
            Model::PriorityQueue => &[F::Insert, F::DeleteMin],
            Model::Lease => &[F::Acquire, F::Renew, F::Release],
            Model::UniqueIds => &[F::Generate],
            Model::Bank | Model::BankNegative => &[F::Transfer, F::Get],
            _ if self.is_lock() => &[F::Acquire, F::Release],
            _ => &[F::Add, F::Get],
        }
    }
}
