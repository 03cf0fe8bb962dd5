//! The clients: a pure core that is told what time it is, what was answered and which replicas are alive, and says
//! what is to be sent and when it wants to be woken.
//!
//! - `requests`: what was asked under which `MID`, and what became of it.
//! - `course`: what the course's clients ask next.
//! - `shared`: what clients on shared keys ask next.
//! - `recovery`: the recovery phase with its final reads.
//! - `affinity`: the replicas that each client uses during a partition.
//! - [`Pool`] (in `pool`): all clients of a run, and the protocol between them and the replicas.

mod affinity;
mod course;
mod pool;
mod recovery;
mod requests;
mod shared;

pub use pool::{Effect, Pool, Reply, Unexpected, View, Wake};
pub use requests::OperationIndex;
