//! What a verdict means, in sentences: the witness, the leadership claims, which faults and losses lay
//! between, and the likely cause.
//!
//! - [`evidence`]: what a run's folder, or a bare history file, has to say; the only file here that reads.
//! - [`mistake`]: the likely cause of an anomaly.
//! - [`leaders`]: leadership claims, and which of them are told.
//! - [`messages`]: what the log of messages says: losses, what a reader heard, candidacies.
//! - [`surroundings`]: faults and lost messages in the witness's window.
//! - [`silence`]: a store that is not live.
//! - [`operation`]: one operation of a witness.
//! - [`answers`]: what the other verdicts mean.
//! - [`tell`](mod@tell): all of that as text. A pure function of the evidence.

pub mod answers;
pub mod evidence;
pub mod leaders;
pub mod messages;
pub mod mistake;
pub mod operation;
pub mod silence;
pub mod surroundings;
pub mod tell;

pub use evidence::{Evidence, EvidenceError};
pub use tell::{Explanation, Section, tell};
