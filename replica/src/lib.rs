//! A replicated key-value store: Raft with a faster election, and a queue for requests that
//! arrive while there is no leader.
//!
//! `core` decides, and touches nothing. `server` drives it: it reads messages from a `transport`,
//! lets `wire` decode them, gives the core the time, lets `storage` keep what must survive, and
//! then sends what the core wants sent. `cli` reads the arguments, `profile` holds the timings,
//! `bugs` the mistakes that can be switched on. The proofs are in `proof/`, beside this folder:
//! they drive the same core from tests and from the example `replica-check`.

pub mod bugs;
pub mod cli;
pub mod core;
pub mod profile;
pub mod server;
pub mod storage;
pub mod transport;
pub mod wire;
