//! Files of a run, in folders to which a hostile program may write as well.
//!
//! - [`folder`]: opens what lies in a folder, and follows no link out of it.
//! - [`stored`]: reads what a run left, and waits for nothing.
//! - [`remedy`]: what a user can do where the system refuses.
//! - [`counted`]: a file that remembers what was written to it.

pub mod counted;
pub mod folder;
pub mod remedy;
pub mod stored;
