//! The clients: a pure core that is told what time it is, what was answered and which replicas are alive, and says
//! what is to be sent and when it wants to be woken.
//!
//! - `requests`: what was asked under which `MID`, and what became of it.
//! - `operations`: those in flight, and the last that ended.
//! - `course`: what the course's clients ask next.
//! - `shared`: what clients on shared keys ask next.
//! - `recovery`: the recovery phase with its final reads.
//! - `affinity`: the replicas that each client uses during a partition.
//! - [`drivers`]: operations as requests of other protocols, and what their answers mean.
//! - [`Pool`] (in `pool`): all clients of a course run, and the protocol between them and the replicas.
//! - `callers`: the clients of any other workload.
//! - [`Crew`]: the clients of a run, whichever they are.

mod affinity;
mod callers;
mod course;
mod crew;
pub mod drivers;
mod operations;
mod pool;
mod recovery;
mod requests;
mod shared;

pub use crew::Crew;
pub use pool::{Effect, Pool, Reply, Unexpected, View, Wake};
pub use requests::OperationIndex;
