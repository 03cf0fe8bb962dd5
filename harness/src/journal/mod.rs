//! What a run writes down while it goes on, before anything is judged.
//!
//! - [`history`]: `history.jsonl`, what clients asked and how it ended.
//! - [`leaders`]: `leaders.jsonl`, each replica's leadership claims.
//! - [`faults`]: `faults.jsonl`, each fault, planned and as it happened.
//! - [`lines`]: a file of JSON lines.

pub mod faults;
pub mod history;
pub mod leaders;
pub mod lines;
