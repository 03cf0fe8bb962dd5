//! A run in the formats of other tools, from its folder alone.
//!
//! - [`jepsen_edn`]: its history for Jepsen, Knossos and Elle;
//! - [`porcupine_json`]: its operations for Porcupine;
//! - [`perfetto`]: a trace for Perfetto's viewer.

pub mod jepsen_edn;
pub mod perfetto;
pub mod porcupine_json;
