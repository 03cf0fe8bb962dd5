//! Files of a run, in folders to which a hostile program may write as well.
//!
//! - [`folder`]: opens what lies in a folder, and follows no link out of it.
//! - [`counted`]: a file that remembers what was written to it.

pub mod counted;
pub mod folder;
