//! Histories of concurrent operations, and proofs that they are consistent or not.
//!
//! # 1. What a history is
//!
//! A history is what clients of a system saw: what they asked, when, and what they were answered.
//! This crate decides whether some correct object could have given those answers, and if not,
//! says which few operations contradict one another. It reads no files, waits for nothing and has
//! no clock; the caller brings all three.
//!
//! An operation has an invocation and, mostly, a completion: `ok`, an answer; `fail`, certainly not
//! done, so that it counts as absent; or `info`, unknown, so that it may take effect at any
//! later time, or never. A [`Recorder`] pairs [`Event`]s into a [`History`]; [`format`](mod@format)
//! reads whole files of several kinds, line by line, and [`lenient`] repairs by rule what is
//! almost a history.
//!
//! # 2. A register
//!
//! [`check()`] takes each key apart from the others and proves it within a [`Budget`]. The
//! [`Verdict`] is never a boolean: valid; invalid, with a [`Witness`]; or unknown, with a
//! [`Reason`].
//!
//! ```
//! use checker::{
//!     Anomaly, Datum, Entry, EventType, F, ModelName, Options, PairingError, Recorder, Verdict, check,
//! };
//!
//! let mut recorder = Recorder::new();
//! let mut event = |index, process, r#type, f, value: Option<i64>| {
//!     let value = value.map(Datum::from);
//!     recorder.record(&Entry {
//!         index,
//!         time_ns: index,
//!         process,
//!         client: "",
//!         r#type,
//!         f,
//!         key: Some(&"x".into()),
//!         value: value.as_ref(),
//!         refused: false,
//!         node: None,
//!     })
//! };
//! event(0, 1, EventType::Invoke, F::Put, Some(1))?;
//! event(1, 1, EventType::Ok, F::Put, Some(1))?;
//! event(2, 2, EventType::Invoke, F::Get, None)?;
//! event(3, 2, EventType::Ok, F::Get, None)?; // nil
//!
//! let options = Options { model: ModelName::Register, ..Options::default() };
//! let report = check(&recorder.finish()?, &options);
//! let Verdict::Invalid(witness) = report.verdict else { panic!() };
//! assert_eq!((witness.anomaly, witness.operations.len()), (Anomaly::LostWrite, 2));
//! # Ok::<(), PairingError>(())
//! ```
//!
//! # 3. How it is decided
//!
//! Each key gets the first [`Algorithm`] that fits it:
//!
//! - *Zones* (Gibbons and Korach, 1997), where reads and writes are all and every value is written
//!   once: no search, O(n log n), whatever the number of unknown outcomes.
//! - *Chains*, the same with compare-and-set: swaps that took effect form blocks which obey the law
//!   of the zones; what was refused is settled on the order of the blocks, and around what is left
//!   by small searches.
//! - *Appends*: texts and lists with different appends, of which each read shows the order of the writes
//!   before it: no search, O(n log n).
//! - *Search* (Wing and Gong, 1993; Lowe, 2017), for everything else, within a budget.
//!
//! A valid verdict of chains or search stands for an order that was replayed through the model;
//! [`linearization`] shows it. An invalid one has a [`Witness`]: few operations, none of them too
//! many, the [`Anomaly`] of contradiction, and a sentence for people; a second search confirms it.
//!
//! # 4. From a file
//!
//! ```
//! use checker::format::{self, Format};
//! use checker::{Options, Reading, check};
//!
//! let log = "INFO  jepsen.util - 0 :invoke :write 1
//! INFO  jepsen.util - 1 :invoke :read  nil
//! INFO  jepsen.util - 1 :ok     :read  1
//! INFO  jepsen.util - 0 :info   :write :timed-out
//! ";
//! let format = Format::detect(log.as_bytes()).expect("a history");
//! let read = format::read(log.as_bytes(), format, Reading::default())?;
//! assert_eq!(read.torn, None);
//! assert_eq!(check(&read.history, &Options::default()).verdict.name(), "valid");
//! # Ok::<(), checker::format::ParseError>(())
//! ```
//!
//! # 5. A model of one's own
//!
//! An object is what it does when it is used by one caller at a time: a first state, and what each
//! operation, with its answer, does to a state. [`linearizable`] asks about any
//! [`Model`](model::Model); [`model::Powerset`] makes one of an object that may do more than one
//! thing.
//!
//! ```
//! use checker::model::{Call, Model};
//! use checker::{Budget, Linearization, linearizable};
//!
//! /// A stack; a pop of nothing is answered `None`.
//! struct Stack;
//!
//! #[derive(Debug, Clone, PartialEq, Eq, Hash)]
//! enum Op {
//!     Push(u32),
//!     Pop(Option<u32>),
//! }
//!
//! impl Model for Stack {
//!     type Op = Op;
//!     type State = Vec<u32>;
//!
//!     fn initial(&self) -> Vec<u32> {
//!         vec![]
//!     }
//!
//!     fn step(&self, state: &Vec<u32>, op: &Op) -> Option<Vec<u32>> {
//!         let mut after = state.clone();
//!         match op {
//!             Op::Push(element) => after.push(*element),
//!             Op::Pop(answer) if after.pop() == *answer => {}
//!             Op::Pop(_) => return None,
//!         }
//!         Some(after)
//!     }
//! }
//!
//! let call = |op, invoke, complete| Call { op, invoke, complete };
//! let calls = [
//!     call(Op::Push(1), 0, Some(1)),
//!     call(Op::Push(2), 2, None), // unknown
//!     call(Op::Pop(Some(1)), 3, Some(4)),
//!     call(Op::Pop(Some(2)), 5, Some(6)),
//! ];
//! let order = Linearization::Order(vec![0, 2, 1, 3]);
//! assert_eq!(linearizable(&Stack, &calls, Budget::default()), order);
//! ```
//!
//! # 6. While the run goes on
//!
//! [`online::Checker`] answers after each event, in memory bounded by what is open, so that a run
//! can stop at the first contradiction.
//!
//! ```
//! use checker::online::{Checker, Progress};
//! use checker::{Event, EventType, F};
//!
//! let event = |index, r#type, f, value: &'static str| Event {
//!     index,
//!     time_ns: index,
//!     process: 1,
//!     client: "a".into(),
//!     r#type,
//!     f,
//!     key: "x".into(),
//!     value: Some(value.into()),
//!     node: None,
//!     error: None,
//! };
//! let mut checker = Checker::new();
//! checker.push(&event(0, EventType::Invoke, F::Put, "1"));
//! checker.push(&event(1, EventType::Ok, F::Put, "1"));
//! checker.push(&event(2, EventType::Invoke, F::Get, ""));
//! assert_eq!(*checker.progress(), Progress::Consistent);
//! checker.push(&event(3, EventType::Ok, F::Get, ""));
//! assert!(matches!(checker.progress(), Progress::Contradicted { index: 3, .. }));
//! ```
//!
//! # 7. Other promises, other objects
//!
//! [`models`] is the table of all that can be asked for: sequential consistency, the session guarantees
//! and eventual consistency, which ask for less than linearizability; sets, counters, queues, stacks,
//! locks, unique ids and bank accounts.
//!
//! # 8. Limits
//!
//! Events have numbers below 2^32. A search may end in unknown: the [`Reason`] says which
//! [`Limit`] it met and how far it came. Values that are written twice go to the
//! search. The online check trusts that values differ.

mod budget;
mod check;
mod datum;
pub mod event;
mod explain;
pub mod format;
mod guess;
pub mod history;
mod intern;
mod linearizable;
mod memory;
pub mod model;
pub mod models;
pub mod objects;
mod order;
mod session;
pub mod transactional;
mod verdict;
mod witness;

pub use budget::{Budget, Limit};
pub use check::{Algorithm, KeyReport, KeyVerdict, Misfit, Options, Report, check, fits};
pub use datum::Datum;
pub use event::{Event, EventType, F};
pub use guess::{Guess, guess};
pub use history::lenient;
pub use history::{
    Entry, FailedCas, History, Operation, Outcome, PairingError, Reading, Recorder, Shown, Sighting,
};
pub use linearizable::{Linearization, linearizable, online};
pub use models::ModelName;
pub use order::{KeyOrder, Point, explained, linearization};
pub use verdict::{Reason, Verdict};
pub use witness::{Anomaly, Edge, Late, Unconfirmed, Why, Witness, WitnessOperation};
