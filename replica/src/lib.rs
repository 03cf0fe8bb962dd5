//! A replicated key-value store: Raft with a faster election, and a queue for requests that
//! arrive while there is no leader.
//!
//! `core` decides, and touches nothing. `server` drives it: it reads messages from a `transport`,
//! lets `wire` decode them, gives the core the time, and sends what the core wants sent. `cli`
//! reads the arguments, `bugs` holds the mistakes that can be switched on.

pub mod bugs;
pub mod cli;
pub mod core;
pub mod profile;
pub mod server;
pub mod storage;
pub mod transport;
pub mod wire;
