//! Raft as a pure state machine: a state, an input and the time in; outputs out.
//!
//! There are no sockets, clocks, threads or random numbers here. The driver of a [`Replica`]
//! (the server, a simulation, a model checker) calls [`Replica::step`] for every input, and
//! [`Replica::flush`] when no more inputs are at hand. It sends what may leave early, then takes the
//! effects, stores what is to be stored, and sends what is to be sent, in this order.
//!
//! After Ongaro and Ousterhout, "In Search of an Understandable Consensus Algorithm (Extended
//! Version)", 2014; sections in comments are that paper's unless they say "thesis".
//!
//! | file | what |
//! |---|---|
//! | `types` | ids, times, terms, indexes, requests, replies |
//! | `message` | what replicas say to one another |
//! | `log`, `machine` | the replicated log, and the dictionary it builds |
//! | `objection` | what no replica can have said |
//! | `config` | what a replica is told at its start |
//! | `replica` | the state, the step, committing |
//! | `election` | pre-vote, vote, and the faster way on from a failed election |
//! | `leader`, `follower` | replication from both ends; leases and rounds for reads |
//! | `progress` | how far a follower is, and what it may be sent next |
//! | `clients`, `queue`, `fates` | requests: executed, redirected, or kept and handed over |
//! | `size` | how many bytes a message will take |

mod clients;
mod config;
mod election;
mod fates;
mod follower;
mod leader;
mod log;
mod machine;
mod message;
mod objection;
mod progress;
mod queue;
mod replica;
mod size;
mod types;

pub use config::{Config, ElectionRule};
pub use log::{Command, Entry, Log};
pub use machine::Machine;
pub use message::{Append, Appended, Body, Elect, Handover, Message, Position, QueuePlace, Vote};
pub use replica::{Input, Output, Replica, Saved, Unsaved};
pub use size::{BATCH_LIMIT, MESSAGE_LIMIT, batch_length, is_mid, queue_length};
pub use types::{Id, Index, Now, Operation, Outcome, Reply, Request, RequestId, Term, Time};
