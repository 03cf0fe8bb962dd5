//! What a client can ask of a store.

use serde::{Deserialize, Serialize};

/// Get or put.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OpKind {
    /// A read.
    Get,
    /// A write.
    Put,
}

impl OpKind {
    /// `get` or `put`, as on the wire and in every file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Put => "put",
        }
    }
}
