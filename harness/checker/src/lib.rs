//! Histories of concurrent operations, and proofs that they are consistent or not.
//!
//! A history is what clients of a system saw: what they asked, when, and what they were answered.
//! This crate decides whether some correct object could have given those answers, and if not,
//! says which few operations contradict one another. It reads no files, waits for nothing and has
//! no clock; whoever calls it brings all three.
//!
//! The way of the data:
//!
//! 1. [`event`]: one line of a history file. [`format`](mod@format) reads whole files of several
//!    kinds.
//! 2. [`history`]: events paired into operations.
//! 3. [`check()`] takes each key apart from the others and proves it, within a [`Budget`].
//! 4. [`Verdict`]: valid; invalid, with a [`Witness`]; or unknown, with a [`Reason`].
//!
//! ```
//! use checker::format::{Format, Reader};
//! use checker::{Kind, Options, Verdict, check};
//!
//! let history = r#"{"schema":1}
//! {"index":0,"time_ns":0,"process":1,"client":"a","type":"invoke","f":"put","key":"x","value":"1","node":null,"error":null}
//! {"index":1,"time_ns":9,"process":1,"client":"a","type":"ok","f":"put","key":"x","value":"1","node":null,"error":null}
//! {"index":2,"time_ns":10,"process":2,"client":"b","type":"invoke","f":"get","key":"x","value":null,"node":null,"error":null}
//! {"index":3,"time_ns":19,"process":2,"client":"b","type":"ok","f":"get","key":"x","value":"","node":null,"error":null}"#;
//! let mut reader = Reader::new(Format::Jsonl);
//! for line in history.lines() {
//!     reader.line(line.as_bytes())?;
//! }
//! let (history, _) = reader.finish()?;
//! let Verdict::Invalid(witness) = check(&history, &Options::default()).verdict else { panic!() };
//! assert_eq!(witness.kind, Kind::LostWrite);
//! # Ok::<(), checker::format::ParseError>(())
//! ```
//!
//! Of a valid history [`linearization`] shows an order. An object of one's own is a [`model::Model`], and [`linearizable`] asks about it. While a run
//! goes on, [`online`] answers after each event.
//!
//! [`model`] holds the objects that answers are measured by, and the trait for one's own.
//! [`weaker`] asks for less than linearizability, and [`objects`] about sets, counters, queues,
//! locks, unique ids and bank accounts. What is almost a history, [`lenient`] repairs by rule.

mod budget;
mod calls;
mod chains;
mod check;
mod contradiction;
pub mod event;
mod explain;
pub mod format;
pub mod history;
mod intern;
pub mod lenient;
pub mod model;
pub mod objects;
pub mod online;
#[cfg(test)]
mod oracle;
mod order;
mod own;
mod search;
mod verdict;
pub mod weaker;
mod witness;
mod zones;

pub use budget::{Budget, Limit};
pub use check::{Algorithm, KeyReport, ModelName, Options, Report, check};
pub use event::{Event, EventType, F};
pub use history::{Entry, History, Operation, Outcome, PairingError, Recorder};
pub use order::{KeyOrder, Point, linearization};
pub use own::{Linearization, linearizable};
pub use verdict::{Reason, Verdict};
pub use witness::{Kind, Witness, WitnessOperation};
