//! Messages as JSON objects, as the course's protocol has them.
//!
//! Every message has `src`, `dst`, `leader` and `type`. Between replicas, positions and entries
//! are short arrays rather than objects, since they are most of the traffic:
//!
//! | `type` | more keys |
//! |---|---|
//! | `elect` | `term`, `pre`, `at`: \[last term, last index, commit\] |
//! | `vote` | `term`, `election`, `pre`, `granted`, `at` |
//! | `append` | `term`, `round`, `prev`: \[index, term\], `commit`, `entries`: each \[term\] or \[term, client, MID, key, value\], `ack`: \[boot, next\] |
//! | `appended` | `term`, `round`, `success`, `matched`, `queue`: {`boot`, `first`, `left`, `requests`: each \[client, MID, key\] or \[client, MID, key, value\]} |
//! | all four | `sum`: the CRC-32 of the message as it was written without this key |
//! | `status` | asked for with an optional `MID`; answered with `commit`, `digest`, `term`, `role`, ... |

mod read;
#[cfg(test)]
mod tests;
mod write;

pub use read::{Incoming, Unreadable, read};
pub use write::{Status, write_hello, write_message, write_reply, write_status};
