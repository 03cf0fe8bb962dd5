//! Transactions: which isolation levels a history keeps.
//!
//! - [`Builder`] takes transactions, whose keys, values and processes become numbers: [`Transactions`].
//! - [`Level`] names the levels and says which implies which, [`Anomaly`] what can go wrong.

pub mod anomaly;
pub mod level;
pub mod transactions;

pub use anomaly::Anomaly;
pub use level::{Level, Scope};
pub use transactions::{
    Builder, Frame, ListRead, Micro, NEVER, NOBODY, Name, Status, TooMany, Transactions,
};
