//! A run in the formats of other tools, from its folder alone.
//!
//! - [`jepsen_edn`]: its history for Jepsen, Knossos and Elle;
//! - [`perfetto`]: a trace for Perfetto's viewer.

pub mod jepsen_edn;
pub mod perfetto;
