//! Between the replicas' sockets.
//!
//! - [`transport`]: brings packets in and out; one file per socket kind.
//! - [`envelope`]: the few fields of a message that routing needs.
//! - [`link`]: one per direction and pair: its rules decide what becomes of each message, and it
//!   counts them.
//! - [`links`]: all of them, by their ends.
//! - [`leader`]: the replica that is believed to lead, by the replicas' claims.
//! - [`terms`]: two leaders in one term, where messages carry it.
//! - [`claims`]: leadership claims, each replica apart.
//! - [`router`]: the network of one run: where each message goes.
//! - [`protocol`]: protocol violations and warnings.
//! - [`outbox`]: what waits for a replica that does not read.
//! - [`message_log`]: each message with its fate, in a file.
//! - [`ledger`]: what becomes of each message, counted and written down.
//! - [`rules`]: what a link may do to messages; one file per rule.
//! - [`delay`]: messages on their way, until their time has come.

pub mod claims;
pub mod counts;
pub mod course_2016;
pub mod delay;
pub mod envelope;
pub mod leader;
pub mod ledger;
pub mod link;
pub mod links;
pub mod message_log;
pub mod outbox;
pub mod protocol;
pub mod router;
pub mod rules;
pub mod terms;
pub mod transport;
