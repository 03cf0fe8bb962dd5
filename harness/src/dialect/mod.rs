//! How a family of programs writes its messages: bytes and values, no sockets and no clock.
//!
//! - [`maelstrom`]: one JSON object a line, with `src`, `dest` and `body`.
//! - [`datum`]: values of operations as JSON, and back.

pub mod datum;
pub mod maelstrom;
