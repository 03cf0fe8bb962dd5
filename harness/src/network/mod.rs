//! What crosses between replicas and clients: links, rules and counts, without sockets and without a clock.
//!
//! - [`fabric`]: all links of a run, and what crosses them.
//! - [`transport`]: how the course's replicas talk.
//! - [`envelope`]: the few fields of a message that routing needs.
//! - [`link`]: one per direction and pair: its rules decide what becomes of each message, and it
//!   counts them.
//! - [`links`]: all of them, by their ends.
//! - [`protocol`]: protocol violations and warnings.
//! - [`outbox`]: what waits for a replica that does not read.
//! - [`message_log`]: each message with its fate, in a file.
//! - [`ledger`]: what becomes of each message, counted and written down.
//! - [`rules`]: what a link may do to messages; one file per rule.
//! - [`delay`]: messages on their way, until their time has come.

pub mod counts;
pub mod course_2016;
pub mod delay;
pub mod envelope;
pub mod fabric;
pub mod ledger;
pub mod link;
pub mod links;
pub mod message_log;
pub mod outbox;
pub mod protocol;
pub mod rules;
pub mod transport;
