//! Workloads: what clients ask of a system under test, and by which model its answers are judged.
//!
//! A workload is pure: it is told what was answered, and says what a client asks next. Pacing, timeouts and retries
//! belong to [`clients`](crate::clients); what becomes of an operation on the wire belongs to the system's dialect or
//! driver. One file each, one line in [`WORKLOADS`]. [`draws`] and [`keys`] are the parts of which they are made.

mod bank;
mod cas_register;
mod counter;
pub mod draws;
mod echo;
pub mod keys;
mod lists;
mod lock;
mod log;
mod queue;
mod register;
mod set;
mod unique_ids;

use std::collections::BTreeSet;
use std::fmt;

use checker::{Datum, ModelName};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::op::{Completion, F, Op};
use crate::seed::Seed;
pub use draws::Draws;

/// What clients ask, and what they learn of it.
pub trait Workload {
    /// What this client asks next; clients are counted from 0.
    fn next(&mut self, client: usize, draws: &mut Draws) -> Op;

    /// An operation of this client has ended.
    fn completed(&mut self, _client: usize, _op: &Op, _end: &Completion) {}

    /// What is asked after the faults are healed, each until it is answered: operations by client, in their order.
    fn final_ops(&mut self, clients: usize) -> Vec<(usize, Op)>;
}

/// What a workload file says about the operations.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Number of clients.
    pub clients: usize,
    /// Number of keys in use at a time.
    pub keys: usize,
    /// Fraction of reads among the operations.
    pub mix: f64,
    /// Whether elements and amounts may be taken away again, where the object can do both.
    pub may_fall: bool,
}

/// A workload by its line in [`WORKLOADS`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WorkloadName {
    /// Texts under keys, as in the course: get and put.
    #[default]
    Kv,
    /// Registers: read and write.
    Register,
    /// Registers with compare-and-set.
    LinKv,
    /// Lists: append and read.
    Lists,
    /// A linearizable set.
    Set,
    /// A set that is read late, but loses nothing.
    GSet,
    /// Values that are told to all nodes.
    Broadcast,
    /// A linearizable counter.
    Counter,
    /// A counter that only grows, read late.
    GCounter,
    /// A counter that grows and falls, read late.
    PnCounter,
    /// A queue.
    Queue,
    /// A queue without order.
    UnorderedQueue,
    /// A lock.
    Lock,
    /// A lock with fencing tokens.
    FencedLock,
    /// A lease.
    Lease,
    /// Ids.
    UniqueIds,
    /// Logs of messages.
    Kafka,
    /// Accounts.
    Bank,
    /// Answers that repeat the question.
    Echo,
}

/// Begins a workload.
type Make = fn(&Settings) -> Box<dyn Workload>;

/// One line of the table.
pub struct WorkloadInfo {
    /// The name in workload files and on the command line.
    pub name: &'static str,
    /// The workload.
    pub workload: WorkloadName,
    /// By what the history is judged.
    pub model: ModelName,
    /// What clients do, for people.
    pub about: &'static str,
    /// The workload at its beginning. Of the course's replicas the course's own clients ask.
    make: Make,
}

/// All workloads, in the order in which they are listed.
pub const WORKLOADS: [WorkloadInfo; 19] = [
    WorkloadInfo {
        name: "kv",
        workload: WorkloadName::Kv,
        model: ModelName::Kv,
        about: "get and put texts under shared keys; the course's protocol knows no other",
        make: |settings| Box::new(register::Registers::of_texts(settings)),
    },
    WorkloadInfo {
        name: "register",
        workload: WorkloadName::Register,
        model: ModelName::Register,
        about: "read and write registers",
        make: |settings| Box::new(register::Registers::new(settings)),
    },
    WorkloadInfo {
        name: "lin-kv",
        workload: WorkloadName::LinKv,
        model: ModelName::CasRegister,
        about: "read, write and compare-and-set registers under keys; each key has its time, then a new one comes",
        make: |settings| Box::new(cas_register::CasRegisters::new(settings)),
    },
    WorkloadInfo {
        name: "lists",
        workload: WorkloadName::Lists,
        model: ModelName::ListRegister,
        about: "append to lists under keys, and read them",
        make: |settings| Box::new(lists::Lists::new(settings)),
    },
    WorkloadInfo {
        name: "set",
        workload: WorkloadName::Set,
        model: ModelName::Set,
        about: "add elements to a set, and read it; each read must be up to date",
        make: |settings| Box::new(set::Elements::new(settings)),
    },
    WorkloadInfo {
        name: "g-set",
        workload: WorkloadName::GSet,
        model: ModelName::SetConverged,
        about: "add elements to a set, and read it; reads may be late, but in the end all must be there",
        make: |settings| Box::new(set::Elements::new(settings)),
    },
    WorkloadInfo {
        name: "broadcast",
        workload: WorkloadName::Broadcast,
        model: ModelName::SetConverged,
        about: "tell a value to one node, and read those that a node has heard of; all must come to all nodes",
        make: |settings| Box::new(set::Elements::new(settings)),
    },
    WorkloadInfo {
        name: "counter",
        workload: WorkloadName::Counter,
        model: ModelName::Counter,
        about: "add to a number, and read it; each read must be up to date",
        make: |settings| Box::new(counter::Counter::new(settings)),
    },
    WorkloadInfo {
        name: "g-counter",
        workload: WorkloadName::GCounter,
        model: ModelName::CounterEventual,
        about: "add to a number that only grows, and read it; reads may be late",
        make: |settings| Box::new(counter::Counter::new(settings)),
    },
    WorkloadInfo {
        name: "pn-counter",
        workload: WorkloadName::PnCounter,
        model: ModelName::CounterEventual,
        about: "add to a number and take away from it, and read it; reads may be late",
        make: |settings| Box::new(counter::Counter::new(&Settings { may_fall: true, ..*settings })),
    },
    WorkloadInfo {
        name: "queue",
        workload: WorkloadName::Queue,
        model: ModelName::Queue,
        about: "put elements into a queue and take them out, in order",
        make: |settings| Box::new(queue::Queue::new(settings)),
    },
    WorkloadInfo {
        name: "unordered-queue",
        workload: WorkloadName::UnorderedQueue,
        model: ModelName::UnorderedQueue,
        about: "put elements into a queue and take them out, in any order",
        make: |settings| Box::new(queue::Queue::new(settings)),
    },
    WorkloadInfo {
        name: "lock",
        workload: WorkloadName::Lock,
        model: ModelName::OwnerLock,
        about: "acquire a lock, and release it again",
        make: |settings| Box::new(lock::Lock::new(settings, lock::Kind::Plain)),
    },
    WorkloadInfo {
        name: "fenced-lock",
        workload: WorkloadName::FencedLock,
        model: ModelName::FencedLock,
        about: "acquire a lock whose answer is a token that always grows, and release it again",
        make: |settings| Box::new(lock::Lock::new(settings, lock::Kind::Plain)),
    },
    WorkloadInfo {
        name: "lease",
        workload: WorkloadName::Lease,
        model: ModelName::Lease,
        about: "acquire a lease for some time, renew it, release it",
        make: |settings| Box::new(lock::Lock::new(settings, lock::Kind::Lease)),
    },
    WorkloadInfo {
        name: "unique-ids",
        workload: WorkloadName::UniqueIds,
        model: ModelName::UniqueIds,
        about: "ask for ids, of which no two may be equal",
        make: |_| Box::new(unique_ids::UniqueIds),
    },
    WorkloadInfo {
        name: "kafka",
        workload: WorkloadName::Kafka,
        model: ModelName::Log,
        about: "send messages to logs, poll them from where the client stands, commit offsets and ask for them",
        make: |settings| Box::new(log::Logs::new(settings)),
    },
    WorkloadInfo {
        name: "bank",
        workload: WorkloadName::Bank,
        model: ModelName::Bank,
        about: "move money between accounts, and read all balances: the total stays",
        make: |settings| Box::new(bank::Bank::new(settings)),
    },
    WorkloadInfo {
        name: "echo",
        workload: WorkloadName::Echo,
        model: ModelName::Echo,
        about: "send a text, which must come back",
        make: |_| Box::new(echo::Echo::default()),
    },
];

impl WorkloadName {
    /// All names, in the order of the table.
    pub const NAMES: [&'static str; WORKLOADS.len()] = {
        let mut names = [""; WORKLOADS.len()];
        let mut at = 0;
        while at < names.len() {
            names[at] = WORKLOADS[at].name;
            at += 1;
        }
        names
    };

    /// The line of the table.
    pub fn info(self) -> &'static WorkloadInfo {
        // The table is in the order of the enumeration; a test says so.
        &WORKLOADS[self as usize]
    }

    /// The name in workload files.
    pub fn name(self) -> &'static str {
        self.info().name
    }

    /// By what the history is judged.
    pub fn model(self) -> ModelName {
        self.info().model
    }

    /// The one with this name.
    pub fn named(name: &str) -> Option<Self> {
        WORKLOADS.iter().find(|info| info.name == name).map(|info| info.workload)
    }

    /// Whether reads may be late, so that the last ones are asked only after some time.
    pub fn may_read_late(self) -> bool {
        matches!(self.model(), ModelName::SetConverged | ModelName::CounterEventual)
    }

    /// What operations that only ask, and the others, are called in reports.
    pub fn words(self) -> (&'static str, &'static str) {
        if self.is_the_courses() { ("get", "put") } else { ("read", "change") }
    }

    /// Whether some operations only ask, so that a run without an answer to one shows nothing.
    pub fn has_reads(self) -> bool {
        self.model().info().functions.iter().any(|f| f.only_asks())
    }

    /// Whether some operations change something.
    pub fn has_changes(self) -> bool {
        self.model().info().functions.iter().any(|f| !f.only_asks())
    }

    /// Whether it is the course's.
    pub fn is_the_courses(&self) -> bool {
        *self == Self::Kv
    }

    /// What clients ask of it, found out by asking for a while.
    pub fn asks(self) -> BTreeSet<F> {
        let settings = Settings { clients: 2, keys: 2, mix: 0.5, may_fall: false };
        let (mut workload, mut draws) = (self.begin(&settings), Draws::new(Seed(0)));
        let mut asked = BTreeSet::new();
        for n in 0..200 {
            let op = workload.next(n % 2, &mut draws);
            asked.insert(op.f);
            workload.completed(n % 2, &op, &Completion::Ok(Datum::Nil));
        }
        asked.extend(workload.final_ops(2).into_iter().map(|(_, op)| op.f));
        asked
    }

    /// The workload at its beginning.
    pub fn begin(self, settings: &Settings) -> Box<dyn Workload> {
        (self.info().make)(settings)
    }
}

impl fmt::Display for WorkloadName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for WorkloadName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for WorkloadName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::named(&name)
            .ok_or_else(|| serde::de::Error::custom(format!("there is no workload {name}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_names() {
        for (at, info) in WORKLOADS.iter().enumerate() {
            assert_eq!(info.workload as usize, at, "{}", info.name);
            assert_eq!(WorkloadName::named(info.name), Some(info.workload));
        }
    }

    #[test]
    fn what_a_workload_asks_is_found_out() {
        let asks = |workload: WorkloadName| workload.asks().into_iter().collect::<Vec<_>>();
        assert_eq!(asks(WorkloadName::Kv), [F::Get, F::Put]);
        assert_eq!(asks(WorkloadName::LinKv), [F::Get, F::Put, F::Cas]);
        assert_eq!(asks(WorkloadName::UniqueIds), [F::Generate]);
    }

    #[test]
    fn each_workload_asks_what_its_model_knows() {
        let settings = Settings { clients: 3, keys: 2, mix: 0.5, may_fall: false };
        for info in &WORKLOADS {
            let mut workload = info.workload.begin(&settings);
            let mut draws = Draws::new(Seed(1));
            for n in 0..200 {
                let op = workload.next(n % 3, &mut draws);
                assert!(info.model.info().functions.contains(&op.f), "{}: {op:?}", info.name);
                let end = Completion::Ok(checker::Datum::Nil);
                workload.completed(n % 3, &op, &end);
            }
            for (client, op) in workload.final_ops(3) {
                assert!(client < 3 && info.model.info().functions.contains(&op.f), "{op:?}");
            }
        }
    }
}
