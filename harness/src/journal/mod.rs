//! What a run writes down while it goes on, before anything is judged.
//!
//! - [`history`]: `history.jsonl`, what clients asked and how it ended.
//! - [`ended`]: the operations that have ended, out of memory.
//! - [`leaders`]: `leaders.jsonl`, each replica's leadership claims.
//! - [`faults`]: `faults.jsonl`, each fault, planned and as it happened.
//! - [`sightings`]: `sightings.jsonl`, which replicas showed that they hold an acknowledged put.
//! - [`lines`]: a file of JSON lines.

pub mod ended;
pub mod faults;
pub mod history;
pub mod leaders;
pub mod lines;
pub mod sightings;
